//! Destroys keys and envelopes: overwritten, unlinked, and the folder made durable.
//!
//! ```text
//! alone ── what there is ── `erase` record, durable ── keys ── who the pseudonym is ── envelopes
//! ```
//!
//! The record comes first, so that a crash leaves too much with authority rather than too little without; whoever asks for
//! the same again finishes it. Keys go first: with them everything under them is gone, whatever copies there are.

use super::{BlobError, Blobs, Scope};
use crate::{Reader, disk, touch};
use plant::{Millis, RecordId};
use rustix::fs::FlockOperation;
use seal::envelope::{HEAD_LIMIT, addressed};
use seal::subject::KeyName;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The longest month, in milliseconds.
pub(super) const MONTH: u64 = 31 * 86_400_000;

/// What lies in a scope, while nobody seals anything.
#[derive(Debug)]
pub struct Doomed {
    keys: Vec<(KeyName, PathBuf)>,
    persons: Vec<PathBuf>,
    envelopes: Vec<PathBuf>,
    _alone: File,
}

impl Doomed {
    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &KeyName> {
        self.keys.iter().map(|(name, _)| name)
    }

    /// How many envelopes.
    #[must_use]
    pub fn envelopes(&self) -> usize {
        self.envelopes.len()
    }

    /// Whether it is kept who the pseudonym is.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !self.persons.is_empty()
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.persons.is_empty() && self.envelopes.is_empty()
    }

    /// Destroys it all. What a flash disk or a file system with copies of its own keeps beyond that is not in our hands.
    ///
    /// # Errors
    /// If something is still there; asking again finishes it.
    pub fn destroy(self) -> Result<(), BlobError> {
        let keys = self.keys.into_iter().map(|(_, path)| path);
        keys.chain(self.persons).chain(self.envelopes).try_for_each(|path| shred(&path).map_err(BlobError::io(&path)))
    }
}

impl Blobs {
    /// What lies in a scope. Waits until nobody seals anything, and lets nobody begin until it is dropped.
    ///
    /// # Errors
    /// If the folder or the ledger cannot be read.
    pub fn doomed(&self, scope: &Scope) -> Result<Doomed, BlobError> {
        let alone = self.lock(FlockOperation::LockExclusive)?;
        let keys = self.keys_in(scope).map_err(BlobError::io(&self.folder))?;
        let envelopes = match scope {
            Scope::Call(call) => self.envelopes_of(*call)?,
            Scope::Subject { .. } => self.envelopes_under(scope).map_err(BlobError::io(&self.folder))?,
        };
        let persons = self.persons_in(scope).map_err(BlobError::io(&self.folder))?;
        Ok(Doomed { keys, persons, envelopes, _alone: alone })
    }

    /// Every key in the scope, and what a crash has left of one.
    fn keys_in(&self, scope: &Scope) -> io::Result<Vec<(KeyName, PathBuf)>> {
        let mut keys = Vec::new();
        for month in names(&self.folder.join("seals"))? {
            for subject in names(&self.folder.join("seals").join(&month))? {
                let whole = subject.strip_suffix(".tmp").unwrap_or(&subject);
                let both = [whole, &subject].map(|subject| KeyName::parse(&format!("{month}/{subject}")));
                let covered = both.into_iter().flatten().find(|name| scope.covers_key(name));
                keys.extend(covered.map(|name| (name, self.folder.join("seals").join(&month).join(&subject))));
            }
        }
        Ok(keys)
    }

    /// The envelopes that the records of a call refer to.
    fn envelopes_of(&self, call: RecordId) -> Result<Vec<PathBuf>, BlobError> {
        let damaged = |error: crate::ReadError| BlobError::io(&self.folder)(io::Error::other(error));
        let reader = Reader::open(&self.folder).map_err(damaged)?;
        let mut envelopes = Vec::new();
        for record in reader.records(0, crate::Filter { id: Some(call), ..crate::Filter::default() }) {
            let record = record.map_err(damaged)?;
            let path = record.entry.text("seal.blob").and_then(|blob| self.blob(blob));
            envelopes.extend(path.filter(|path| path.exists()));
        }
        Ok(envelopes)
    }

    /// Every envelope under a key of the scope, whether or not a record refers to it; and every one whose destruction the
    /// power cut short, which no longer tells what it was under.
    fn envelopes_under(&self, scope: &Scope) -> io::Result<Vec<PathBuf>> {
        let blobs = self.folder.join("blobs");
        let mut envelopes = Vec::new();
        for prefix in names(&blobs)? {
            for blob in names(&blobs.join(&prefix))? {
                let path = blobs.join(&prefix).join(blob);
                let mut head = Vec::new();
                disk::open(&path)?.take(HEAD_LIMIT as u64).read_to_end(&mut head)?;
                let doomed = addressed(&head).map_or_else(|_| is_overwritten(&head), |(_, key)| scope.covers_key(&key));
                if doomed {
                    envelopes.push(path);
                }
            }
        }
        Ok(envelopes)
    }
}

impl Blobs {
    /// Destroys one envelope, if it is there.
    pub(crate) fn shred_envelope(&self, blob: &str) -> io::Result<()> {
        match self.blob(blob).map(|path| shred(&path)) {
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Destroys the keys of the months that ended a month before this moment. A call that began in a later one may have
    /// a record that stays.
    pub(crate) fn shred_keys_before(&self, moment: Millis) -> io::Result<()> {
        let seals = self.folder.join("seals");
        if !seals.exists() {
            return Ok(());
        }
        let _alone = self.lock(FlockOperation::LockExclusive).map_err(io::Error::other)?;
        let kept = Millis(moment.0.saturating_sub(MONTH)).to_string();
        let over = |month: &String| kept.get(..7).is_some_and(|kept| month.len() == 7 && month.as_str() < kept);
        for month in names(&seals)?.into_iter().filter(over).map(|month| seals.join(month)) {
            names(&month)?.into_iter().try_for_each(|subject| shred(&month.join(subject)))?;
        }
        Ok(())
    }
}

/// The names in a folder; none if there is no such folder.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        other => other?,
    };
    entries.filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose()).collect()
}

/// Whether this is, or begins, what was overwritten and is not removed yet: it is being destroyed.
pub(super) fn is_overwritten(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0)
}

/// Overwrites a file with zeros where it lies, and removes it; durable when this returns.
pub(super) fn shred(path: &Path) -> io::Result<()> {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    let file = File::options().write(true).open(path)?;
    let (mut at, length) = (0, file.metadata()?.len());
    while at < length {
        let piece = usize::try_from(length - at).unwrap_or(ZEROS.len()).min(ZEROS.len());
        touch::write_at(&file, path, ZEROS.get(..piece).unwrap_or(&ZEROS), at)?;
        at += u64::try_from(piece).unwrap_or(u64::MAX);
    }
    touch::sync(&file, path)?;
    touch::remove(path)?;
    path.parent().map_or(Ok(()), disk::sync_folder)
}
