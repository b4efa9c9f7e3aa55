//! The index of a ledger: a disposable SQLite file beside the log, for questions that a filter cannot ask.
//!
//! ```text
//! published checkpoint ──► how far    entry bundles ──► catch up ──► index.sqlite ──► ask ──► rows
//!                                          │                              │
//!                                     leaf hashes ──► root == checkpoint's │
//!                                          index.stamp: head, and the file as we left it
//! ```
//!
//! The log is the truth. An index that does not fit the log, or that is not the very file that this program left behind,
//! is thrown away unread and built anew. It proves nothing; that is [`ledger::verify()`]'s business.
//!
//! Beside it stands [`Search`]: small chapters of what records say, for people who page through a ledger that is being written.
//!
//! This crate is the only one that names SQLite. Bundled SQLite costs 16 CPU seconds to compile for debugging.

mod ask;
mod catch_up;
mod columns;
mod rows;
mod search;
mod stamp;

pub use ask::{Answer, Limits, QueryError, Value};
pub use columns::{Described, Field, SCHEMA, View};
pub use search::{Bounds, FOLDER, Found, Page, Question, Search};
#[doc(hidden)]
pub use search::{fuzz, seed};

use ledger::Checkpoint;
use rustix::fs::{FlockOperation, flock};
use stamp::Stamp;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use store::{ReadError, Reader};

/// The name of the index in the ledger's folder.
pub const FILE: &str = "index.sqlite";

/// An index that has caught up with its ledger. While it is held, nobody changes it.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    head: Checkpoint,
    /// The ledger's folder, locked for reading.
    _lock: File,
}

/// How far catching up has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records that the index holds.
    pub done: u64,
    /// Records that it will hold.
    pub of: u64,
}

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The ledger has no published checkpoint yet.
    #[error("`{0}` has no published checkpoint yet; a running gateway publishes every second")]
    NotPublished(PathBuf),
    /// The records are not those that the checkpoint was signed over.
    #[error("the first {size} records are not those of the published checkpoint")]
    Differs {
        /// How many records were read.
        size: u64,
    },
    /// A file of the index, or the lock, cannot be read or written.
    #[error("cannot use `{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite cannot build the index.
    #[error("cannot write `{path}`: {source}")]
    Build {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl IndexError {
    fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

impl Index {
    /// Opens the index of the ledger in a folder: catches up with the published records, or builds it anew if there is
    /// none to believe. Waits for another process that does the same.
    ///
    /// # Errors
    /// If the ledger cannot be read or its records are not those of its checkpoint, or the index cannot be written.
    pub fn open(ledger: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Self, IndexError> {
        let reader = Reader::open(ledger)?;
        let lock = File::open(ledger).map_err(IndexError::io(ledger))?;
        let take = |operation| flock(&lock, operation).map_err(|error| IndexError::io(ledger)(error.into()));
        let mut caught_up = None;
        loop {
            take(FlockOperation::LockShared)?;
            // A running gateway publishes while we catch up: what was published when we began is enough.
            if let Some(known) = Stamp::read(ledger)
                && (caught_up.as_ref() == Some(&known) || catch_up::is_current(&reader, &known)?)
            {
                return Ok(Self { path: ledger.join(FILE), head: known, _lock: lock });
            }
            take(FlockOperation::LockExclusive)?;
            caught_up = Some(catch_up::catch_up(&reader, progress)?);
        }
    }

    /// As [`Self::open`], and throws away what is there first.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn rebuild(ledger: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Self, IndexError> {
        Reader::open(ledger)?;
        Stamp::remove(ledger)?;
        Self::open(ledger, progress)
    }

    /// What it has read to: the head of the ledger that its records belong to.
    #[must_use]
    pub fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests;
