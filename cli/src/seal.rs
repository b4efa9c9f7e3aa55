//! `penstock seal`: keys that open what conduits keep.

use crate::secrets;
use miette::IntoDiagnostic;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make the key of an auditor, who can then open what conduits keep.
///
/// The private half is written to a file that only its owner can read, and belongs to the auditor: keep it off the gateway.
/// The public half is printed; the plant file names it:
///
/// [gateway]
/// auditors = ["x25519:..."]
///
/// From then on content of conduits with `keep = "content"` opens to it: `penstock records --open RECORD --key FILE`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, clap::Subcommand)]
enum Task {
    /// Make a key and print its public half. An existing file is never overwritten.
    Key {
        /// Where the private half goes.
        file: PathBuf,
    },
    /// Print the public half of a key.
    Public {
        /// The file with the private half.
        file: PathBuf,
    },
}

pub(crate) fn run(args: Args) -> miette::Result<ExitCode> {
    let key = match args.task {
        Task::Key { file } => secrets::make_opening_key(&file)?,
        Task::Public { file } => secrets::opening_key(&file)?,
    };
    writeln!(std::io::stdout(), "{}", key.recipient()).into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}
