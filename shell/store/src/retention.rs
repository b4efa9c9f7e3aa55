//! Removes records whose time is over, with the content that they refer to: `ledger`'s `pruning` on a disk.
//!
//! ```text
//! `prune` record durable -> checkpoint over it published -> envelopes, then their bundle, the oldest first -> folder synced
//! ```
//!
//! Whatever interrupts this, the lock record says how far it was to go, and the next publication ends it. So bundles are
//! missing from the beginning on and nowhere else, and where they begin is found by halving.

use crate::blobs::Blobs;
use crate::queue::Gist;
use crate::{disk, touch};
use ledger::tile::{BUNDLE_LIMIT, Row, Tile, WIDTH};
use ledger::{Head, Pruning};
use plant::{Kind, Millis};
use std::io;
use std::path::Path;

/// So many bundles share a folder (C2SP tlog-tiles: three digits a level).
const FOLDER: u64 = 1000;

/// Keeps the minimum as records pass.
pub(crate) fn follow(minimum: &mut u64, said: Option<Pruning>, seq: u64) {
    if let Some(pruning) = said.filter(|pruning| pruning.minimum <= seq) {
        *minimum = pruning.minimum.max(*minimum);
    }
}

/// What a record says that is being written.
pub(crate) fn of_gist(gist: &Gist) -> Option<Pruning> {
    (gist.kind == Kind::Prune).then(|| Pruning::read(|key| gist.number(key))).flatten()
}

/// The number of the first record that is there, in a published tree of `size` records of which those below `minimum` may
/// be gone.
pub(crate) fn first(folder: &Path, minimum: u64, size: u64) -> u64 {
    let is_there = |index| bundle(index, size).is_none_or(|tile| folder.join(tile.path()).exists());
    if is_there(0) {
        return 0;
    }
    let (mut gone, mut there) = (0, minimum.min(size) / u64::from(WIDTH));
    while gone < there {
        let middle = gone.midpoint(there);
        if is_there(middle) { there = middle } else { gone = middle + 1 }
    }
    there * u64::from(WIDTH)
}

/// Removes the records below the minimum, and what is sealed of them.
///
/// # Errors
/// If something is still there; the next call goes on with it.
pub(crate) fn remove(folder: &Path, minimum: u64, size: u64) -> io::Result<()> {
    let first = first(folder, minimum, size) / u64::from(WIDTH);
    // A power cut may have brought back some of the folder that was under way.
    let from = first.saturating_sub(1) / FOLDER * FOLDER;
    let blobs = Blobs::new(folder);
    let mut newest = None;
    for index in from..minimum / u64::from(WIDTH) {
        let Some(tile) = bundle(index, size) else { break };
        let path = folder.join(tile.path());
        if let Some(bytes) = disk::read_if_there(&path, BUNDLE_LIMIT as u64)? {
            newest = newest.max(remove_content(&blobs, &bytes)?);
            touch::remove(&path)?;
        }
        let last = (index + 1).is_multiple_of(FOLDER) || (index + 1) * u64::from(WIDTH) >= minimum;
        if let Some(folder) = path.parent().filter(|folder| last && folder.exists()) {
            touch::sync_folder(folder)?;
        }
    }
    let Some(newest) = newest else { return Ok(()) };
    blobs.shred_keys_before(newest)?;
    blobs.shred_persons_before(newest)
}

/// Destroys the envelopes that the records of a bundle refer to; gives the time of the newest record.
fn remove_content(blobs: &Blobs, bundle: &[u8]) -> io::Result<Option<Millis>> {
    let mut newest = None;
    // A bundle that cannot be read refers to nothing that could be found.
    for record in ledger::tile::entries(bundle, WIDTH).unwrap_or_default() {
        let Ok(head) = Head::parse(record) else { continue };
        newest = newest.max(Some(head.t));
        if head.sealed
            && let Ok(entry) = ledger::decode(record)
            && let Some(blob) = entry.text("seal.blob")
        {
            blobs.shred_envelope(blob)?;
        }
    }
    Ok(newest)
}

fn bundle(index: u64, size: u64) -> Option<Tile> {
    Tile::in_tree(Row::Entries, index, size).filter(|tile| tile.is_full())
}
