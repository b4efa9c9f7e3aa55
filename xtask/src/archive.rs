//! Archives whose bytes depend on nothing but what is in them: sorted, with fixed owners and modes, and the time of the commit.

use crate::Outcome;
use crate::shell::{command, commit_time, run};
use std::path::Path;

/// Whose the entries are, by number: user and group alike.
#[derive(Clone, Copy)]
pub(crate) struct Owner(pub(crate) u32);

/// Writes these entries of a folder to a new archive.
pub(crate) fn tar(folder: &Path, entries: &[&str], archive: &Path, owner: Owner) -> Outcome<()> {
    write("--create", folder, entries, archive, owner)
}

/// Writes these, too, behind the others.
pub(crate) fn append(folder: &Path, entries: &[&str], archive: &Path, owner: Owner) -> Outcome<()> {
    write("--append", folder, entries, archive, owner)
}

fn write(how: &str, folder: &Path, entries: &[&str], archive: &Path, Owner(owner): Owner) -> Outcome<()> {
    let fixed = [how, "--sort=name", "--numeric-owner", "--mode=u=rwX,go=rX", "--format=ustar"];
    let mut tar = command("tar", fixed);
    tar.arg(format!("--owner={owner}")).arg(format!("--group={owner}")).arg(format!("--mtime=@{}", commit_time()?));
    run(tar.arg("--file").arg(std::path::absolute(archive)?).arg("--directory").arg(folder).args(entries))
}

/// Compresses a file, from 1 (fast) to 9 (small); its name gets `.gz` at the end.
pub(crate) fn gzip(file: &Path, level: u8) -> Outcome<()> {
    run(command("gzip", ["-n", "-f"]).arg(format!("-{level}")).arg(std::path::absolute(file)?))
}
