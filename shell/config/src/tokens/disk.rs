//! The file itself: read with limits, replaced as a whole.

use super::{Tokens, TokensProblem, json};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;
use std::time::{Duration, Instant};

/// Largest file. 10,000 tokens with notes come to 6 MiB.
const LARGEST: u64 = 8 << 20;
/// Longest wait for another writer.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// Pause between two tries for the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Reads the file. One that does not exist holds no tokens.
///
/// # Errors
/// When it cannot be read, can be written by others, or is not what it should be.
pub fn read(path: &Path) -> Result<Tokens, TokensProblem> {
    let failed = |source| TokensProblem::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(Tokens::default()),
        opened => opened.map_err(failed)?,
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(TokensProblem::Exposed { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    let length = file.take(LARGEST + 1).read_to_string(&mut text).map_err(failed)?;
    if length as u64 > LARGEST {
        return Err(TokensProblem::TooLarge { path: path.to_owned() });
    }
    json::read(path, text)
}

/// Lets `change` change the tokens, and writes them back if it did: atomically, durably, one writer at a time.
///
/// # Errors
/// When the file cannot be read or written, or another writer does not come to an end. Nothing is written then.
pub fn change<T>(path: &Path, change: impl FnOnce(&mut Tokens) -> T) -> Result<T, TokensProblem> {
    // A link is followed, so that it is the file behind it that is replaced.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |source| TokensProblem::Write { path: path.clone(), source };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder_file = File::open(folder).map_err(failed)?;
    lock(&folder_file, path)?;
    let before = read(path)?;
    let mut after = before.clone();
    let result = change(&mut after);
    if after != before {
        replace(path, &folder_file, &json::write(&after)).map_err(failed)?;
    }
    Ok(result)
}

/// Takes the lock that ends with the file handle.
fn lock(folder: &File, path: &Path) -> Result<(), TokensProblem> {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match folder.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => return Err(TokensProblem::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(TokensProblem::Write { path: path.to_owned(), source }),
        }
    }
}

fn replace(path: &Path, folder: &File, text: &str) -> io::Result<()> {
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
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&new, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    written.and_then(|()| folder.sync_all())
}

/// Gives the new file to whom the old one (or the folder) belongs: an administrator who issues a token must not
/// take the file away from the gateway.
fn keep_owner(path: &Path, folder: &File, file: &File) -> io::Result<()> {
    let owner = std::fs::metadata(path).or_else(|_| folder.metadata())?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}
