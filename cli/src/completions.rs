//! `penstock completions`: completions for a shell.

use crate::Command;
use clap::CommandFactory;
use miette::IntoDiagnostic;
use std::io::Write;
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
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Command::command(), "penstock", &mut text);
    std::io::stdout().write_all(&text).into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}
