//! Other programs, run to their end: each must succeed, or says why not.

use crate::Outcome;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A command with its arguments, in the root of the repository.
pub(crate) fn command<S: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs it, with what it says shown.
pub(crate) fn run(command: &mut Command) -> Outcome<()> {
    let status = command.status().map_err(|problem| missing(command, &problem))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}

/// Runs it and gives what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.output().map_err(|problem| missing(command, &problem))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn missing(command: &Command, problem: &std::io::Error) -> String {
    format!("{} does not run: {problem}", command.get_program().display())
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.parent().unwrap_or(folder).to_owned()
}

/// Where cargo builds: what `CARGO_TARGET_DIR` says, or `target`.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The SHA-256 of a file, in hexadecimal.
pub(crate) fn sha256(file: &Path) -> Outcome<String> {
    let said = output(command("sha256sum", ["--"]).arg(file))?;
    Ok(said.split_whitespace().next().unwrap_or_default().trim_start_matches('\\').to_owned())
}

/// What `git` says.
pub(crate) fn git(arguments: &[&str]) -> Outcome<String> {
    Ok(output(&mut command("git", arguments))?.trim().to_owned())
}

/// The time that everything in a release bears: that of the commit it is built from, in seconds since 1970.
pub(crate) fn commit_time() -> Outcome<String> {
    time_of("HEAD")
}

/// The time of a commit, in seconds since 1970.
pub(crate) fn time_of(commit: &str) -> Outcome<String> {
    git(&["log", "-1", "--format=%ct", commit])
}
