//! The stamp: what the index has read to, and which file exactly holds it. Written last, removed first.
//!
//! ```text
//! origin
//! size
//! root
//!
//! penstock index FORMAT, file INODE, changed SECONDS.NANOSECONDS, BYTES bytes
//! ```
//!
//! The kernel sets a file's change time on every write, rename and change of mode, and lets nobody choose it. So a file
//! that was altered, copied from elsewhere or left half written does not fit its stamp, and SQLite never reads a byte
//! of it. What comes from outside is compared here, not read: only a head is parsed, by [`Checkpoint::parse`].

use crate::{FILE, IndexError, columns};
use ledger::Checkpoint;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

const STAMP: &str = "index.stamp";
const UNFINISHED: &str = "index.stamp.tmp";
/// Origin, size, root and the line of the file need less.
const LIMIT: u64 = 4096;

/// Not a value: only ways to read, write and remove the one of a folder.
pub(crate) struct Stamp;

impl Stamp {
    /// What the index of the folder has read to; `None` if there is no index, or none to believe.
    pub(crate) fn read(ledger: &Path) -> Option<Checkpoint> {
        let mut text = String::new();
        File::open(ledger.join(STAMP)).ok()?.take(LIMIT).read_to_string(&mut text).ok()?;
        let (head, _) = text.split_once("\n\n")?;
        let head = Checkpoint::parse(&format!("{head}\n")).ok()?;
        let file = std::fs::symlink_metadata(ledger.join(FILE)).ok()?;
        (file.is_file() && text == stamp(&head, &file)).then_some(head)
    }

    /// Says that the index of the folder holds the records of `head` and is durable.
    pub(crate) fn write(ledger: &Path, head: &Checkpoint) -> Result<(), IndexError> {
        let path = ledger.join(UNFINISHED);
        let failed = IndexError::io(&path);
        let file = std::fs::symlink_metadata(ledger.join(FILE)).map_err(&failed)?;
        let text = stamp(head, &file);
        let _ = std::fs::remove_file(&path);
        let mut unfinished = File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(&failed)?;
        loop {
            unfinished.set_len(0).and_then(|()| unfinished.write_all(text.as_bytes())).map_err(&failed)?;
            unfinished.sync_all().map_err(&failed)?;
            // The kernel's change times come in ticks of some milliseconds. A stamp of the same tick as the file's last
            // write would not show a write after it.
            if changed(&unfinished.metadata().map_err(&failed)?) != changed(&file) {
                break;
            }
            unfinished = File::options().write(true).open(&path).map_err(&failed)?;
        }
        std::fs::rename(&path, ledger.join(STAMP)).map_err(failed)
    }

    /// Takes the word back, durably, before the file is changed.
    pub(crate) fn remove(ledger: &Path) -> Result<(), IndexError> {
        let path = ledger.join(STAMP);
        let removed = match std::fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            done => done.and_then(|()| File::open(ledger)?.sync_all()),
        };
        removed.map_err(IndexError::io(&path))
    }
}

fn changed(file: &Metadata) -> (i64, i64) {
    (file.ctime(), file.ctime_nsec())
}

/// The text of a stamp. Another version of this program makes another format, and so another stamp.
fn stamp(head: &Checkpoint, file: &Metadata) -> String {
    let (seconds, nanoseconds) = changed(file);
    let (format, inode, length) = (columns::format(), file.ino(), file.len());
    format!("{head}\npenstock index {format}, file {inode}, changed {seconds}.{nanoseconds:09}, {length} bytes\n")
}
