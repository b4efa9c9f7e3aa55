//! To come.
use std::path::Path;
use std::process::ExitCode;
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}
pub(crate) fn run(_plant: &Path, _args: Args) -> miette::Result<ExitCode> {
    miette::bail!("to come")
}
