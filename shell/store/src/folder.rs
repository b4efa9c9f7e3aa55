//! A ledger's folder as the verifier asks for it.

use crate::disk;
use ledger::tile::{TILE_LIMIT, Tile, Tiles};
use ledger::verify::{Files, Unreadable};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The files below one folder, for [`ledger::verify()`].
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Takes the folder of a ledger.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Its stored hashes for the tree of `size` records, read as a proof asks for them.
    #[must_use]
    pub fn tiles(self, size: u64) -> Tiles<impl Fn(Tile) -> Option<Vec<u8>>> {
        Tiles::new(size, move |tile: Tile| self.tile(tile))
    }

    /// The bytes of a hash tile, if it is there.
    pub(crate) fn tile(&self, tile: Tile) -> Option<Vec<u8>> {
        self.read(&tile.path(), TILE_LIMIT).ok().flatten()
    }
}

impl Files for Folder {
    fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Unreadable> {
        let mut bytes = Vec::new();
        Ok(self.read_into(path, limit, &mut bytes)?.then_some(bytes))
    }

    fn read_into(&self, path: &str, limit: usize, buffer: &mut Vec<u8>) -> Result<bool, Unreadable> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        match disk::read_into(&self.0.join(path), limit, buffer) {
            // A file where a folder should be: what is below it is missing.
            Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(false),
            other => other.map_err(|error| Unreadable(error.to_string())),
        }
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, Unreadable> {
        let unreadable = |error: std::io::Error| Unreadable(error.to_string());
        let entries = match std::fs::read_dir(self.0.join(folder)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            other => other.map_err(unreadable)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry.map_err(unreadable)?.file_name().into_string().ok());
        }
        Ok(names)
    }
}
