//! `penstock manual`: manual pages, one for the program and one for each subcommand.

use crate::Command;
use clap::CommandFactory;
use miette::IntoDiagnostic;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the manual pages.
///
/// For the whole machine: `penstock manual /usr/local/share/man/man1`, then `man penstock`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder to write them into; it must exist.
    folder: PathBuf,
}

pub(crate) fn run(args: Args) -> miette::Result<ExitCode> {
    clap_mangen::generate_to(Command::command(), args.folder).into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}
