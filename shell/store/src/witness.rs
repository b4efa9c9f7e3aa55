//! Both ends of witnessing on a disk: what a witness must never forget, and where a ledger keeps what it was given.
//!
//! ```text
//! witness: STATE/<SHA-256 of the origin>.note      the head that was signed last; replaced and synced before the answer
//! ledger:  witnessed/<size>.note                   a head with the signatures of witnesses
//! ```

mod kept;
mod thin;

pub use kept::{add, head, request, request_under, witnessed};
pub use thin::Thinner;

use crate::disk;
use ledger::Checkpoint;
use ledger::witness::{Refusal, Request, RequestError};
use plant::Millis;
use rustix::fs::FlockOperation;
use seal::cosignature::{Cosigner, Witness};
use seal::note::{NOTE_LIMIT, Note, Verifier};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

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
        let (path, lock) = Self::lock_file(folder)?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|error| at(&path)(error.into()))?;
        Ok(Self { folder: folder.to_owned(), lock })
    }

    /// As [`Self::open`], but does not wait: `None` while another process holds it.
    ///
    /// # Errors
    /// If it cannot be made or locked.
    pub fn try_open(folder: &Path) -> Result<Option<Self>, WitnessError> {
        let (path, lock) = Self::lock_file(folder)?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { folder: folder.to_owned(), lock })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(at(&path)(error.into())),
        }
    }

    fn lock_file(folder: &Path) -> Result<(PathBuf, File), WitnessError> {
        // Durable in the folder that holds it: what is in a folder that a power cut takes away is forgotten.
        disk::make_folder(folder).map_err(at(folder))?;
        let path = folder.join("lock");
        let lock = File::options().write(true).create(true).truncate(false).open(&path).map_err(at(&path))?;
        Ok((path, lock))
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
        if let Err(refusal) = request.judge(logs, seen.as_ref()) {
            self.keep_evidence(request, &refusal);
            return Err(refusal.into());
        }
        let mut note = request.note().clone();
        note.put(cosigner.sign(&note, now.0 / 1000)).map_err(RequestError::Note)?;
        disk::replace(&path, note.to_string().as_bytes()).map_err(at(&path))?;
        Ok(note)
    }

    /// Keeps what may convict a ledger's key, the first of its kind: whoever sends more of it replaces nothing. For two
    /// roots of one size that is both heads; the other kind may also be a request that was damaged on the way.
    fn keep_evidence(&self, request: &Request, refusal: &Refusal) {
        let path = self.path(&request.head().origin);
        let kept = match refusal {
            Refusal::OtherRoot { .. } => {
                let signed = read(&path).ok().flatten().unwrap_or_default();
                keep(&path.with_extension("fork-1"), &signed)
                    .and_then(|()| keep(&path.with_extension("fork-2"), request.to_string().as_bytes()))
            }
            Refusal::Inconsistent => keep(&path.with_extension("unproven"), request.to_string().as_bytes()),
            _ => Ok(()),
        };
        if let Err(error) = kept {
            tracing::error!(%error, "what may convict a ledger could not be kept");
        }
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

/// Puts a file in place unless one is there.
fn keep(path: &Path, bytes: &[u8]) -> Result<(), WitnessError> {
    if path.exists() { Ok(()) } else { disk::replace(path, bytes).map_err(at(path)) }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, WitnessError> {
    disk::read_if_there(path, NOTE_LIMIT as u64).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> WitnessError {
    move |source| WitnessError::Io { path: path.to_owned(), source }
}
