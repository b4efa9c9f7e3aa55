//! Time stamps beside a ledger: `anchors/<size>.tsr` is an authority's answer for the checkpoint of that size.

use crate::disk;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The time stamps of one ledger.
#[derive(Clone, Debug)]
pub struct Anchors(PathBuf);

impl Anchors {
    /// Those in the folder of a ledger.
    #[must_use]
    pub fn of(ledger: &Path) -> Self {
        Self(ledger.join("anchors"))
    }

    /// The sizes that there are time stamps for, ascending.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub fn sizes(&self) -> io::Result<Vec<u64>> {
        let mut sizes = disk::numbered(&self.0, ".tsr")?;
        sizes.sort_unstable();
        Ok(sizes)
    }

    /// Where the time stamp for a size is kept.
    #[must_use]
    pub fn path(&self, size: u64) -> PathBuf {
        self.0.join(format!("{size}.tsr"))
    }

    /// The time stamp for a size, at most `limit` bytes.
    ///
    /// # Errors
    /// If it cannot be read, or is longer.
    pub fn read(&self, size: u64, limit: usize) -> io::Result<Option<Vec<u8>>> {
        disk::read_if_there(&self.path(size), u64::try_from(limit).unwrap_or(u64::MAX))
    }

    /// Keeps a time stamp, durably.
    ///
    /// # Errors
    /// `AlreadyExists` if there is one for that size: the older one proves more.
    pub fn keep(&self, size: u64, response: &[u8]) -> io::Result<()> {
        std::fs::create_dir_all(&self.0)?;
        let path = self.path(size);
        if path.exists() { Err(ErrorKind::AlreadyExists.into()) } else { disk::replace(&path, response) }
    }
}
