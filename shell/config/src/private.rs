//! Files that only their owner may read, replaced whole: tokens, and what is registered.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

/// Replaces a file whole, or not at all, and makes it durable. `folder` is the open folder that holds it, locked by the caller.
///
/// # Errors
/// As the file system; the old file is then there as it was.
pub fn replace(path: &Path, folder: &File, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    // What an interrupted writer left; the lock says that no other one is at work.
    match std::fs::remove_file(&new) {
        Err(problem) if problem.kind() != io::ErrorKind::NotFound => return Err(problem),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = keep_owner(path, folder, &file)
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&new, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    written.and_then(|()| folder.sync_all())
}

/// Gives the new file to whom the old one, or the folder, belongs: an administrator who changes it must not take it away
/// from the gateway.
fn keep_owner(path: &Path, folder: &File, file: &File) -> io::Result<()> {
    let owner = std::fs::metadata(path).or_else(|_| folder.metadata())?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}
