//! `cargo xtask reproduce`: whether two builds of one commit, in two places, are the same bytes.

use crate::Outcome;
use crate::build::Build;
use crate::shell::{command, git, root, run as must, sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// Build the last commit twice, in two folders with two target folders, and compare the bytes.
///
/// What is not committed is not built. It takes as long as two releases. With `--against FILE`, the commit is built once, and
/// compared with that binary, such as one from a release of the same commit; with a smaller package, the same flags are proved
/// on less code.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The package.
    #[arg(long, value_name = "NAME", default_value = "penstock")]
    package: String,
    /// Its binaries that are compared.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "penstock")]
    binaries: Vec<String>,
    /// The profile of cargo.
    #[arg(long, value_name = "NAME", default_value = "dist")]
    profile: String,
    /// Build once, and compare with this binary.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Outcome<()> {
    let place = tempfile::tempdir()?;
    let mut built = Vec::new();
    // Names of two lengths: a path that gets in moves everything behind it.
    let names = ["one", "the-other-one"];
    for name in names.into_iter().skip(args.against.iter().len()) {
        let folder = place.path().join(name);
        let source = export(&folder.join("source"))?;
        let target = folder.join("built");
        let build = Build { package: &args.package, profile: &args.profile, source: &source, target: &target };
        built.push(build.run()?);
    }
    for binary in &args.binaries {
        let mut files: Vec<PathBuf> = built.iter().map(|folder| folder.join(binary)).collect();
        files.extend(args.against.as_deref().map(std::path::absolute).transpose()?);
        let hashes = files.iter().map(|file| sha256(file)).collect::<Outcome<Vec<_>>>()?;
        let [first, second] = hashes.as_slice() else { return Err("two binaries were expected".into()) };
        if first != second {
            let kept = place.keep();
            return Err(
                format!("{binary} differs: {first} and {second}; what was built is in {}", kept.display()).into()
            );
        }
        println!("{first}  {binary}: both are the same bytes");
    }
    Ok(())
}

/// The last commit, in a folder of its own.
fn export(folder: &Path) -> Outcome<PathBuf> {
    fs::create_dir_all(folder)?;
    let archive = folder.with_extension("tar");
    let commit = git(&["rev-parse", "HEAD"])?;
    must(command("git", ["archive", "--output"]).arg(&archive).arg(commit).current_dir(root()))?;
    must(command("tar", ["-xf"]).arg(&archive).arg("-C").arg(folder))?;
    Ok(folder.to_owned())
}
