//! `penstock completions`: completions for a shell.

use crate::Command;
use clap::CommandFactory;
use std::process::ExitCode;

/// Print completions for a shell.
///
/// For bash: `penstock completions bash > /etc/bash_completion.d/penstock`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: Args) -> miette::Result<ExitCode> {
    clap_complete::generate(args.shell, &mut Command::command(), "penstock", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
