//! Content beside the ledger: envelopes in `blobs/`, and in `seals/` the keys that open them, one for each subject and month; in
//! `persons/` who the pseudonyms are.
//!
//! ```text
//! seals/YYYY-MM/SUBJECT      the subject's key, wrapped to the gateway and the auditors: durable first
//! blobs/AA/SHA-256           the envelope: durable second
//! record                     names both: durable third, which is the writer's business
//! ```
//!
//! The key is read from its file for each envelope and kept nowhere else, so that whoever removes the file is obeyed at once.
//! A lock that is shared by those who seal and held alone by whoever erases keeps an envelope from being sealed under
//! a key that is just being destroyed.

mod audit;
mod erase;
mod persons;
mod scope;

pub use audit::{ContentAudit, ContentFault, ContentProblem, audit_content};
pub use erase::Doomed;
pub use persons::Newcomer;
pub use scope::Scope;

use crate::disk;
use plant::{Millis, RecordId, Sealed};
use rustix::fs::FlockOperation;
use seal::envelope::{self, ENVELOPE_LIMIT, Envelope, EnvelopeError, Fresh, Opened, Salt};
use seal::person::BadPerson;
use seal::subject::{BadKeyFile, KEY_FILE_LIMIT, KeyFile, KeyName, SubjectKey};
use seal::{OpeningKey, Recipient, WeakKey};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// The content beside one ledger.
#[derive(Debug)]
pub struct Blobs {
    folder: PathBuf,
    /// Held while a key is made or wrapped anew.
    keys: Mutex<()>,
}

/// What is to be kept. Without `Debug`, which would show it.
#[derive(Clone, Copy)]
pub struct Content<'a> {
    /// The record that will refer to it.
    pub record: RecordId,
    /// When the call came: says under the key of which month it is sealed.
    pub at: Millis,
    /// Whose it is: a kind, a dot and an id, as `operator.op-7k2m`.
    pub subject: &'a str,
    /// The key of the call's commitments.
    pub salt: &'a Salt,
    /// The content.
    pub bytes: &'a [u8],
}

/// Why content was not kept, or is not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// A file cannot be read or made.
    #[error("cannot use `{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A key file is damaged.
    #[error("`{path}`: {source}")]
    Key {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: BadKeyFile,
    },
    /// The file that says who a pseudonym is is damaged.
    #[error("`{path}`: {source}")]
    Person {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: BadPerson,
    },
    /// The record or the file names no key that may be.
    #[error("`{0}` names no key that may be")]
    Name(String),
    /// The key is wrapped to others.
    #[error("`{0}` does not open to this key")]
    NotYours(KeyName),
    /// The key is gone: erased, or left out of this copy.
    #[error("the key `{0}` is not there: it was erased, or was left out of this copy")]
    KeyGone(KeyName),
    /// The envelope is gone: erased, or left out of this copy.
    #[error("the envelope `{0}` is not there: it was erased, or was left out of this copy")]
    Gone(String),
    /// The envelope is not the one that the record names.
    #[error("the envelope `{0}` is not the one that the record names")]
    Differs(String),
    /// The envelope is damaged.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A recipient is none.
    #[error(transparent)]
    Weak(#[from] WeakKey),
    /// No random bytes to be had.
    #[error("the system gives no random bytes")]
    Random,
}

impl BlobError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

impl Blobs {
    /// Takes the folder of a ledger. Nothing is made before something is kept.
    #[must_use]
    pub fn new(ledger: &Path) -> Self {
        Self { folder: ledger.to_owned(), keys: Mutex::new(()) }
    }

    /// Seals content for the gateway, which holds `own`, and for the auditors. Durable when this returns.
    ///
    /// # Errors
    /// If the content could not be made durable; nothing refers to what may be left of it.
    pub fn keep(&self, own: &OpeningKey, auditors: &[Recipient], content: Content<'_>) -> Result<Sealed, BlobError> {
        let Content { record, at, subject, salt, bytes } = content;
        let name = KeyName::at(at, subject).ok_or_else(|| BlobError::Name(subject.to_owned()))?;
        let _shared = self.lock(FlockOperation::LockShared)?;
        let key = self.key(&name, own, auditors)?;
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).map_err(|_| BlobError::Random)?;
        let sealed = envelope::seal(record, &name, &key, &Fresh::from_bytes(draw()?, nonce), salt, bytes);
        let blob = seal::hex(&seal::sha256(&sealed));
        let path = self.blob(&blob).ok_or_else(|| BlobError::Name(blob.clone()))?;
        let folder = path.parent().unwrap_or(&self.folder);
        let written = disk::make_folder(folder).and_then(|()| disk::replace_secret(&path, &sealed));
        written.map_err(BlobError::io(&path))?;
        Ok(Sealed { blob, key: name.to_string() })
    }

    /// Opens the content that a record refers to.
    ///
    /// # Errors
    /// If it or its key is gone, is not what the record names, or does not open to `holder`.
    pub fn open(&self, record: RecordId, sealed: &Sealed, holder: &OpeningKey) -> Result<Opened, BlobError> {
        let differs = || BlobError::Differs(sealed.blob.clone());
        let path = self.blob(&sealed.blob).ok_or_else(|| BlobError::Name(sealed.blob.clone()))?;
        let bytes = disk::read_if_there(&path, ENVELOPE_LIMIT as u64).map_err(BlobError::io(&path))?;
        let bytes = bytes.ok_or_else(|| BlobError::Gone(sealed.blob.clone()))?;
        if seal::hex(&seal::sha256(&bytes)) != sealed.blob {
            return Err(differs());
        }
        let envelope = Envelope::parse(&bytes)?;
        let name = envelope.key().filter(|name| name.as_str() == sealed.key && envelope.record() == record);
        let name = name.ok_or_else(differs)?;
        let file = self.key_file(&name)?.ok_or_else(|| BlobError::KeyGone(name.clone()))?;
        let key = file.unwrap_with(holder).ok_or(BlobError::NotYours(name))?;
        Ok(envelope.open(&key)?)
    }

    /// The key of a subject and month: the one that is there, or a fresh one. It is wrapped anew if those whom it is
    /// wrapped to are not those who should be able to open it.
    fn key(&self, name: &KeyName, own: &OpeningKey, auditors: &[Recipient]) -> Result<SubjectKey, BlobError> {
        let _alone = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted: Vec<Recipient> = auditors.iter().copied().chain([own.recipient()]).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let key = match self.key_file(name)? {
            Some(file) => {
                let key = file.unwrap_with(own).ok_or_else(|| BlobError::NotYours(name.clone()))?;
                if file.recipients().eq(wanted.iter().copied()) {
                    return Ok(key);
                }
                key
            }
            None => SubjectKey::from_bytes(draw()?),
        };
        let drawn = wanted.into_iter().map(|recipient| Ok((recipient, draw()?)));
        let file = KeyFile::wrap(name.clone(), &key, drawn.collect::<Result<Vec<_>, BlobError>>()?)?;
        let path = self.seal(name);
        let folder = path.parent().unwrap_or(&self.folder);
        let written = disk::make_folder(folder).and_then(|()| disk::replace_secret(&path, &file.encode()));
        written.map_err(BlobError::io(&path))?;
        Ok(key)
    }

    fn key_file(&self, name: &KeyName) -> Result<Option<KeyFile>, BlobError> {
        let path = self.seal(name);
        let bytes = disk::read_if_there(&path, KEY_FILE_LIMIT as u64).map_err(BlobError::io(&path))?;
        let file = bytes.map(|bytes| KeyFile::parse(&bytes)).transpose();
        let file = file.map_err(|source| BlobError::Key { path, source })?;
        // A key that was moved to another subject's place would keep what was to be erased.
        match file {
            Some(file) if file.name() != name => Err(BlobError::Name(file.name().to_string())),
            file => Ok(file),
        }
    }

    /// Where a key lies. Safe: a [`KeyName`] does not lead out of the folder.
    fn seal(&self, name: &KeyName) -> PathBuf {
        self.folder.join("seals").join(name.as_str())
    }

    /// Where an envelope lies; `None` if the text is no SHA-256.
    fn blob(&self, blob: &str) -> Option<PathBuf> {
        let digest = seal::unhex(blob).filter(|digest| digest.len() == 32);
        digest.and_then(|_| Some(self.folder.join("blobs").join(blob.get(..2)?).join(blob)))
    }

    /// Waits for the lock on the keys.
    fn lock(&self, how: FlockOperation) -> Result<File, BlobError> {
        let path = self.folder.join("seals/lock");
        let opened = || File::options().write(true).create(true).truncate(false).open(&path);
        let file = opened().or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => disk::make_folder(&self.folder.join("seals")).and_then(|()| opened()),
            _ => Err(error),
        });
        let file = file.map_err(BlobError::io(&path))?;
        rustix::fs::flock(&file, how).map_err(|error| BlobError::io(&path)(error.into()))?;
        Ok(file)
    }
}

fn draw() -> Result<Zeroizing<[u8; 32]>, BlobError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| BlobError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
