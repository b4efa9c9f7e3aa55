//! Both ends of witnessing on a disk: what a witness must never forget, and where a ledger keeps what it was given.
//!
//! ```text
//! witness: STATE/<SHA-256 of the origin>.note      the head that was signed last; replaced and synced before the answer
//! ledger:  witnessed/<size>.note                   a head with the signatures of witnesses; nobody prunes it
//! ```
//!
//! `checkpoint` belongs to the publisher, which replaces it every second. So signatures go beside it, and into it only while
//! nobody has the ledger open.

use crate::disk;
use crate::exclusive::Exclusive;
use crate::folder::Folder;
use ledger::witness::{Refusal, Request, RequestError};
use ledger::{Checkpoint, witness};
use plant::Millis;
use rustix::fs::FlockOperation;
use seal::cosignature::{Cosigner, Witness};
use seal::note::{NOTE_LIMIT, Note, Signature, Verifier};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Where a ledger keeps heads that witnesses have signed.
const WITNESSED: &str = "witnessed";

/// Why a head was not signed, or a signature not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// A file cannot be read or written.
    #[error("`{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the witness has signed last cannot be told: then it signs nothing.
    #[error("`{0}` is not the head that this witness has signed last")]
    State(PathBuf),
    /// The request is one that a witness must not sign.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request cannot be made, or holds more signatures than a note may.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The ledger has no checkpoint, or one that cannot be read.
    #[error("`{0}` is no ledger with a published head")]
    NoHead(PathBuf),
    /// The head that was signed is not one of this ledger, or that cannot be told.
    #[error("the stored hashes do not show that the signed head of {0} records is one of this ledger")]
    Unproven(u64),
    /// The head that was signed contradicts this ledger's own.
    #[error("witnesses have signed another root for {0} records: the ledger has two histories")]
    Contradiction(u64),
    /// No line is of a known witness.
    #[error("no witness of the policy has signed the head")]
    NotSigned,
}

/// What a witness has signed, one file for each ledger. Held by one process at a time.
#[derive(Debug)]
pub struct Memory {
    folder: PathBuf,
    lock: File,
}

impl Memory {
    /// Opens the folder, makes it if need be, and waits until no other process holds it.
    ///
    /// # Errors
    /// If it cannot be made or locked.
    pub fn open(folder: &Path) -> Result<Self, WitnessError> {
        std::fs::create_dir_all(folder).map_err(at(folder))?;
        let path = folder.join("lock");
        let options = File::options().write(true).create(true).truncate(false).open(&path);
        let lock = options.map_err(at(&path))?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|error| at(&path)(error.into()))?;
        Ok(Self { folder: folder.to_owned(), lock })
    }

    /// Judges a request and signs it. The new head is durable before this returns; an error after that leaves a witness
    /// that has seen a head and not said so, which is safe.
    ///
    /// # Errors
    /// Says why it was not signed.
    pub fn cosign(
        &mut self,
        request: &Request,
        logs: &[Verifier],
        cosigner: &Cosigner,
        now: Millis,
    ) -> Result<Note, WitnessError> {
        let path = self.path(&request.head().origin);
        let seen = self.seen(&request.head().origin, cosigner.witness())?;
        request.judge(logs, seen.as_ref())?;
        let mut note = request.note().clone();
        note.put(cosigner.sign(&note, now.0 / 1000)).map_err(RequestError::Note)?;
        disk::replace(&path, note.to_string().as_bytes()).map_err(at(&path))?;
        Ok(note)
    }

    /// The head of a ledger that was signed last. A file that is there and is not what we wrote is an error: to take it for
    /// none would be to forget.
    fn seen(&self, origin: &str, own: &Witness) -> Result<Option<Checkpoint>, WitnessError> {
        let path = self.path(origin);
        let Some(bytes) = read(&path)? else { return Ok(None) };
        let note = Note::parse(&bytes).ok().filter(|note| matches!(own.check(note), Ok(Some(_))));
        let head = note.and_then(|note| Checkpoint::parse(note.text()).ok()).filter(|head| head.origin == origin);
        head.map(Some).ok_or(WitnessError::State(path))
    }

    /// The file of a ledger: origins hold slashes, and come from others.
    #[must_use]
    pub fn path(&self, origin: &str) -> PathBuf {
        self.folder.join(format!("{}.note", seal::hex(&seal::sha256(origin.as_bytes()))))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.lock, FlockOperation::Unlock);
    }
}

/// What a ledger asks of a witness that has signed its head of `old` records; `None` for the newest one that any has signed.
///
/// # Errors
/// If there is no head, it covers fewer records, or a tile is missing.
pub fn request(ledger: &Path, old: Option<u64>) -> Result<Request, WitnessError> {
    let (head, note) = published(ledger)?;
    let old = match old {
        Some(old) => old,
        None => {
            let folder = ledger.join(WITNESSED);
            let sizes = disk::numbered(&folder, ".note").map_err(at(&folder))?;
            sizes.into_iter().filter(|size| *size <= head.size).max().unwrap_or(0)
        }
    };
    Ok(Request::make(old, note, &Folder::new(ledger).tiles(head.size))?)
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
    let (own, published) = published(ledger)?;
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
    let path = ledger.join(WITNESSED).join(format!("{}.note", head.size));
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
    std::fs::create_dir_all(ledger.join(WITNESSED)).map_err(at(ledger))?;
    disk::replace(&path, merged.to_string().as_bytes()).map_err(at(&path))?;
    disk::sync_folder(ledger).map_err(at(ledger))?;
    into_published(ledger, note, &signed)?;
    Ok((head, signed.iter().map(|witness| witness.name().to_owned()).collect()))
}

/// Puts the signatures into `checkpoint` too, if that is still the head that was signed. Nobody publishes while we hold the
/// ledger; if somebody else has it open, the head changes in a moment anyway.
fn into_published(ledger: &Path, note: &Note, signed: &[&&Witness]) -> Result<(), WitnessError> {
    let Ok(_held) = Exclusive::take(ledger) else { return Ok(()) };
    let (_, mut published) = published(ledger)?;
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

fn published(ledger: &Path) -> Result<(Checkpoint, Note), WitnessError> {
    let note = read(&ledger.join("checkpoint"))?.and_then(|bytes| Note::parse(&bytes).ok());
    let head = note.and_then(|note| Some((Checkpoint::parse(note.text()).ok()?, note)));
    head.ok_or_else(|| WitnessError::NoHead(ledger.to_owned()))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, WitnessError> {
    disk::read_if_there(path, NOTE_LIMIT as u64).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> WitnessError {
    move |source| WitnessError::Io { path: path.to_owned(), source }
}
