//! `cargo xtask other`: what is committed, built as another version, to try an upgrade from one to the other and back.

use crate::Outcome;
use crate::reproduce::export;
use crate::shell::{command, root, run as must, target};
use std::fs;
use std::path::{Path, PathBuf};

/// Build the last commit under another version, beside what is built here.
///
/// Every crate of ours bears the version, so all of them are compiled again; what they lean on is taken from the folder that cargo
/// builds in here. The binary that lies there stays.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The version, such as 0.1.1.
    #[arg(long, value_name = "VERSION")]
    version: String,
    /// Where the binary goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The profile of cargo.
    #[arg(long, value_name = "NAME", default_value = "dev")]
    profile: String,
}

pub(crate) fn run(args: &Args) -> Outcome<()> {
    let out = std::path::absolute(&args.out)?;
    fs::create_dir_all(out.parent().ok_or("the binary has no folder")?)?;
    let place = tempfile::tempdir()?;
    let source = export(&place.path().join("source"), "HEAD")?;
    rename(&source.join("Cargo.toml"), &args.version)?;
    build(&source, &args.profile)?;
    let folder = if args.profile == "dev" { "debug" } else { &args.profile };
    fs::copy(target().join(folder).join("penstock"), &out)?;
    // What was built here is still there under cargo's own name, and is put back under ours.
    build(&root(), &args.profile)?;
    println!("{}", out.display());
    Ok(())
}

/// Puts the version of the workspace into its manifest.
fn rename(manifest: &Path, version: &str) -> Outcome<()> {
    let text = fs::read_to_string(manifest)?;
    let (before, after) = text.split_once("[workspace.package]\nversion = \"").ok_or("the workspace has no version")?;
    let (_, after) = after.split_once('"').ok_or("the version has no end")?;
    fs::write(manifest, format!("{before}[workspace.package]\nversion = \"{version}\"{after}"))?;
    Ok(())
}

/// Not `--locked`: the lock file bears our version too, and is written anew with it. Nothing else may change, and nothing is fetched.
fn build(source: &Path, profile: &str) -> Outcome<()> {
    let build = ["build", "--quiet", "--offline", "--package", "penstock", "--profile", profile];
    must(command("cargo", build).current_dir(source).env("CARGO_TARGET_DIR", target()))
}
