//! `cargo xtask reproduce`: whether two builds of one commit, in two places, are the same bytes.

use crate::Outcome;
use crate::build::Build;
use crate::shell::{command, git, root, run as must, sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Build the last commit twice, in two folders with two target folders, and compare the bytes.
///
/// What is not committed is not built. It takes as long as two releases; `--profile dev` takes a fifth of that, and shows what gets in by
/// paths and build scripts, of all code, but not what the optimiser does. With `--against FILE`, the commit is built once, and
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
    /// The folder to build in, which is kept: what was interrupted goes on there if the commit is the same, and the second build
    /// may be left to another day. It takes 4 GB a build. Without it, a folder for temporary files, which is removed.
    #[arg(long, value_name = "DIR")]
    place: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Outcome<()> {
    let own = tempfile::tempdir()?;
    let place = args.place.as_deref().map(std::path::absolute).transpose()?.unwrap_or(own.path().to_owned());
    // Taken once: somebody may commit while the first is built.
    let commit = git(&["rev-parse", "HEAD"])?;
    let place = place.join(git(&["rev-parse", "--short=12", &commit])?);
    let mut built = Vec::new();
    // Names of two lengths: a path that gets in moves everything behind it.
    let names = ["one", "the-other-one"];
    for name in names.into_iter().skip(args.against.iter().len()) {
        let folder = place.join(name);
        let (source, began) = (export(&folder.join("source"), &commit)?, Instant::now());
        let target = folder.join("built");
        let (package, profile) = (args.package.as_str(), args.profile.as_str());
        let build = Build { commit: &commit, package, profile, source: &source, target: &target };
        built.push(build.run()?);
        println!("{name}: built in {} s", began.elapsed().as_secs());
    }
    for binary in &args.binaries {
        let mut files: Vec<PathBuf> = built.iter().map(|folder| folder.join(binary)).collect();
        files.extend(args.against.as_deref().map(std::path::absolute).transpose()?);
        let hashes = files.iter().map(|file| sha256(file)).collect::<Outcome<Vec<_>>>()?;
        let [first, second] = hashes.as_slice() else { return Err("two binaries were expected".into()) };
        if first != second {
            // Whoever looks for the difference needs both.
            let _ = own.keep();
            return Err(
                format!("{binary} differs: {first} and {second}; what was built is in {}", place.display()).into()
            );
        }
        println!("{first}  {binary}: both are the same bytes");
    }
    Ok(())
}

/// A commit, in a folder of its own. One that is there stays: written anew, its files would be younger than what was built
/// from them.
pub(crate) fn export(folder: &Path, commit: &str) -> Outcome<PathBuf> {
    let archive = folder.with_extension("tar");
    if folder.is_dir() && !archive.exists() {
        return Ok(folder.to_owned());
    }
    if let Some(above) = folder.parent() {
        fs::create_dir_all(above)?;
    }
    must(command("git", ["archive", "--output"]).arg(&archive).arg(commit).current_dir(root()))?;
    fs::create_dir_all(folder)?;
    must(command("tar", ["-xf"]).arg(&archive).arg("-C").arg(folder))?;
    fs::remove_file(&archive)?;
    Ok(folder.to_owned())
}
