//! The file itself: read with limits, replaced as a whole.

use super::{Tokens, TokensProblem, json};
use crate::private;
use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
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
    text(path)?.map_or(Ok(Tokens::default()), |text| json::read(path, text))
}

/// The text of a file of hashed tokens; `None` if it is not there.
pub(crate) fn text(path: &Path) -> Result<Option<String>, TokensProblem> {
    let failed = |source| TokensProblem::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(None),
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
    Ok(Some(text))
}

/// Lets `change` change the tokens, and writes them back if it did: atomically, durably, one writer at a time.
///
/// # Errors
/// When the file cannot be read or written, or another writer does not come to an end. Nothing is written then.
pub fn change<T>(path: &Path, change: impl FnOnce(&mut Tokens) -> T) -> Result<T, TokensProblem> {
    replace(path, |path| {
        let before = read(path)?;
        let mut after = before.clone();
        let result = change(&mut after);
        Ok((result, (after != before).then(|| json::write(&after))))
    })
}

/// Replaces the file by the text that `change` gives, if it gives one. Nobody else writes it meanwhile.
pub(crate) fn replace<T>(
    path: &Path,
    change: impl FnOnce(&Path) -> Result<(T, Option<String>), TokensProblem>,
) -> Result<T, TokensProblem> {
    // A link is followed, so that it is the file behind it that is replaced.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |source| TokensProblem::Write { path: path.clone(), source };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder_file = File::open(folder).map_err(failed)?;
    lock(&folder_file, path)?;
    let (result, text) = change(path)?;
    if let Some(text) = text {
        private::replace(path, &folder_file, text.as_bytes()).map_err(failed)?;
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
