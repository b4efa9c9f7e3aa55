//! Where a ledger keeps the signatures that witnesses have given: `witnessed/<size>.note`.
//!
//! `checkpoint` belongs to the publisher, which replaces it every second. So signatures go beside it, and into it only while
//! nobody has the ledger open.

use super::{WitnessError, at, read};
use crate::disk;
use crate::exclusive::Exclusive;
use crate::folder::Folder;
use ledger::witness::{Quorum, Request, RequestError};
use ledger::{Checkpoint, witness};
use rustix::fs::FlockOperation;
use seal::cosignature::Witness;
use seal::note::{Note, Signature, Verifier};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where a ledger keeps heads that witnesses have signed.
const WITNESSED: &str = "witnessed";

/// The folder of those heads.
pub(super) fn folder(ledger: &Path) -> PathBuf {
    ledger.join(WITNESSED)
}

/// The sizes that it holds heads of, ascending; those above `above`.
pub(super) fn sizes(ledger: &Path, above: u64) -> Result<Vec<u64>, WitnessError> {
    let folder = folder(ledger);
    let mut sizes = disk::numbered(&folder, ".note").map_err(at(&folder))?;
    sizes.retain(|size| *size > above);
    sizes.sort_unstable();
    Ok(sizes)
}

/// The file of the head of that size.
pub(super) fn path(ledger: &Path, size: u64) -> PathBuf {
    folder(ledger).join(format!("{size}.note"))
}

/// What a ledger asks of a witness that has signed its head of `old` records; `None` for the newest one that any has signed.
///
/// # Errors
/// If there is no head, it covers fewer records, or a tile is missing.
pub fn request(ledger: &Path, old: Option<u64>) -> Result<Request, WitnessError> {
    let (head, note) = head(ledger)?;
    let old = match old {
        Some(old) => old,
        None => sizes(ledger, 0)?.into_iter().rfind(|size| *size <= head.size).unwrap_or(0),
    };
    Ok(Request::make(old, note, &Folder::new(ledger).tiles(head.size))?)
}

/// What it asks of one that has signed its head of `old` records, for a signature under `note`: its newest head, or an
/// earlier one, so that several witnesses can be asked about the same.
///
/// # Errors
/// If `note` is not one of its heads or covers fewer records than `old`, or a tile is missing. One that was replaced in
/// this moment is there when asked again.
pub fn request_under(ledger: &Path, note: &Note, old: u64) -> Result<Request, WitnessError> {
    let (newest, _) = head(ledger)?;
    Ok(Request::make(old, note.clone(), &Folder::new(ledger).tiles(newest.size))?)
}

/// The size of the newest head beyond `above` records that enough witnesses have signed. `key` is the ledger's own.
///
/// # Errors
/// If the folder cannot be listed or a file in it cannot be read.
pub fn witnessed(ledger: &Path, key: &[Verifier], quorum: &Quorum, above: u64) -> Result<Option<u64>, WitnessError> {
    for size in sizes(ledger, above)?.into_iter().rev() {
        if open(ledger, size, key)?.is_some_and(|note| quorum.judge(&note).is_ok_and(|seen| seen.enough)) {
            return Ok(Some(size));
        }
    }
    Ok(None)
}

/// The head of that size, if the file is one of this ledger.
pub(super) fn open(ledger: &Path, size: u64, key: &[Verifier]) -> Result<Option<Note>, WitnessError> {
    let note = read(&path(ledger, size))?.and_then(|bytes| Note::parse(&bytes).ok());
    Ok(note.filter(|note| Checkpoint::believe(note, key).is_ok_and(|head| head.size == size)))
}

/// Keeps the signatures that `witnesses` have put under a head of this ledger, beside those that are there; gives the
/// names of those who have signed. `note` must be signed by `key`, the ledger's own.
///
/// # Errors
/// If the head is not one of this ledger, or no witness has signed it.
pub fn add(
    ledger: &Path,
    note: &Note,
    key: &[Verifier],
    witnesses: &[&Witness],
) -> Result<(Checkpoint, Vec<String>), WitnessError> {
    let request = |error| WitnessError::Request(RequestError::Checkpoint(error));
    let head = Checkpoint::believe(note, key).map_err(request)?;
    let (own, published) = self::head(ledger)?;
    match witness::compare(&head, &own, &Folder::new(ledger).tiles(own.size)) {
        witness::Comparison::Agree if head.size <= own.size => {}
        witness::Comparison::Contradict => return Err(WitnessError::Contradiction(head.size)),
        _ => return Err(WitnessError::Unproven(head.size)),
    }
    let signed: Vec<&&Witness> =
        witnesses.iter().filter(|witness| matches!(witness.check(note), Ok(Some(_)))).collect();
    if signed.is_empty() {
        return Err(WitnessError::NotSigned);
    }
    let path = path(ledger, head.size);
    std::fs::create_dir_all(folder(ledger)).map_err(at(ledger))?;
    let _alone = alone(&folder(ledger))?;
    let kept = read(&path)?.and_then(|bytes| Note::parse(&bytes).ok()).filter(|kept| kept.text() == note.text());
    // Without anything there: what the ledger itself has signed, and no lines of strangers.
    let bare = || if published.text() == note.text() { published.clone() } else { note.clone() };
    let mut merged = kept.unwrap_or_else(bare);
    let of_ledger = |line: &Signature| key.iter().any(|key| key.name() == line.name() && key.id() == line.id());
    if published.text() != note.text() && !path.exists() {
        // Whoever carried the file could have added lines.
        merged.retain(|line| of_ledger(line) || signed.iter().any(|witness| witness.is_named(line)));
    }
    put(&mut merged, note, &signed)?;
    disk::replace(&path, merged.to_string().as_bytes()).map_err(at(&path))?;
    disk::sync_folder(ledger).map_err(at(ledger))?;
    into_published(ledger, note, &signed)?;
    Ok((head, signed.iter().map(|witness| witness.name().to_owned()).collect()))
}

/// Lets nobody else add to the folder until it is dropped: whoever reads a file, adds a line and writes it back would undo
/// what another did in between.
fn alone(folder: &Path) -> Result<File, WitnessError> {
    let lock = File::open(folder).map_err(at(folder))?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|error| at(folder)(error.into()))?;
    Ok(lock)
}

/// Puts the signatures into `checkpoint` too, if that is still the head that was signed. Nobody publishes while we hold the
/// ledger; if somebody else has it open, the head changes in a moment anyway.
fn into_published(ledger: &Path, note: &Note, signed: &[&&Witness]) -> Result<(), WitnessError> {
    let Ok(_held) = Exclusive::take(ledger) else { return Ok(()) };
    let (_, mut published) = head(ledger)?;
    if published.text() != note.text() {
        return Ok(());
    }
    put(&mut published, note, signed)?;
    let path = ledger.join("checkpoint");
    disk::replace(&path, published.to_string().as_bytes()).map_err(at(&path))
}

fn put(to: &mut Note, from: &Note, signed: &[&&Witness]) -> Result<(), WitnessError> {
    for signature in from.signatures().iter().filter(|line| signed.iter().any(|witness| witness.is_named(line))) {
        to.put(signature.clone()).map_err(RequestError::Note)?;
    }
    Ok(())
}

/// The newest head that a ledger has published, as it stands there.
///
/// # Errors
/// If there is none.
pub fn head(ledger: &Path) -> Result<(Checkpoint, Note), WitnessError> {
    let note = read(&ledger.join("checkpoint"))?.and_then(|bytes| Note::parse(&bytes).ok());
    let head = note.and_then(|note| Some((Checkpoint::parse(note.text()).ok()?, note)));
    head.ok_or_else(|| WitnessError::NoHead(ledger.to_owned()))
}
