//! To come.
use std::process::ExitCode;
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}
pub(crate) fn run(_args: Args) -> miette::Result<ExitCode> {
    miette::bail!("to come")
}
