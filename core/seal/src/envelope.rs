//! Content, sealed: what is kept of a call beside its record, for those who hold a key, for as long as the key is there.
//!
//! ```text
//! bytes      what
//! 8          `penseal` 0x01: the format and its version
//! 36         the record's identity, as text
//! 1          n, the length of the key's name
//! n          the name of the key that wraps the record's own, `YYYY-MM/SUBJECT`
//! 12         a random nonce
//! 48         the record's key, encrypted under the wrapping key with that nonce; authenticates everything before it
//! the rest   32 bytes of salt and the content, encrypted under the record's key with a nonce of zeros;
//!            authenticates everything before it
//! ```
//!
//! Both encryptions are ChaCha20-Poly1305 (RFC 8439), 16 bytes longer than the text. The wrapping key is HKDF-SHA256
//! (RFC 5869) of the subject's key, see [`crate::subject`]. A record's key encrypts once, so its nonce may be constant;
//! nonces under a wrapping key are random, which is safe below 2^32 records (NIST SP 800-38D section 8.3): a subject would
//! have to make 1,600 calls a second for a month.
//!
//! The salt is the key of the record's commitments. Whoever opens the envelope can check them; once it cannot be opened,
//! nobody can try out what the content may have been, not even with every key of the plant.

use crate::hpke::{TAG, decrypt, encrypt};
use crate::subject::{KeyName, SubjectKey, put_name, take_name};
use crate::{Mac, RootKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt as Extraction};
use plant::RecordId;
use std::fmt;
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"penseal\x01";
const IDENTITY: usize = 36;
const NONCE: usize = 12;
const WRAPPED: usize = 32 + TAG;
const SALT: usize = 32;

/// Longest content: what a gateway holds of bodies in all.
pub const CONTENT_LIMIT: usize = 1 << 30;
/// Longest part of an envelope that is not encrypted.
pub const HEAD_LIMIT: usize = 256;
/// Longest envelope.
pub const ENVELOPE_LIMIT: usize = CONTENT_LIMIT + 512;

/// The random salt of one call. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Salt(Zeroizing<[u8; SALT]>);

/// What is random in an envelope: drawn for it alone.
pub struct Fresh {
    key: Zeroizing<[u8; 32]>,
    nonce: [u8; NONCE],
}

/// An envelope that was read and not opened.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    record: RecordId,
    /// INVARIANT: begins with everything before the nonce, then nonce and wrapped key; `at` is where the nonce begins.
    bytes: &'a [u8],
    at: usize,
}

/// What an envelope held.
pub struct Opened {
    /// The key of the record's commitments.
    pub salt: Salt,
    /// The content.
    pub content: Zeroizing<Vec<u8>>,
}

/// Why an envelope is not read or not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes are no envelope.
    #[error("the envelope {0}")]
    Malformed(&'static str),
    /// The key is another, or the bytes were altered.
    #[error("the envelope does not open: it was altered, or was sealed under another key")]
    Closed,
}

impl Salt {
    /// Takes 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<[u8; SALT]>) -> Self {
        Self(bytes)
    }

    /// What makes the commitments of the call.
    #[must_use]
    pub fn commitments(&self) -> Mac {
        RootKey::from_bytes(*self.0).derive("commitments")
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Fresh {
    /// Takes random bytes: a key and a nonce.
    #[must_use]
    pub fn from_bytes(key: Zeroizing<[u8; 32]>, nonce: [u8; NONCE]) -> Self {
        Self { key, nonce }
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fresh(..)")
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened(..)")
    }
}

/// Seals the content of a record.
#[must_use]
pub fn seal(record: RecordId, name: &KeyName, key: &SubjectKey, fresh: &Fresh, salt: &Salt, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512 + content.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(record.to_string().as_bytes());
    put_name(&mut bytes, name);
    let wrapped = encrypt(&wrapping(key), fresh.nonce, &bytes, fresh.key.as_slice());
    bytes.extend_from_slice(&fresh.nonce);
    bytes.extend_from_slice(&wrapped);
    let mut text = Zeroizing::new(Vec::with_capacity(SALT + content.len()));
    text.extend_from_slice(salt.0.as_slice());
    text.extend_from_slice(content);
    let body = encrypt(&fresh.key, [0; NONCE], &bytes, &text);
    bytes.extend_from_slice(&body);
    bytes
}

impl<'a> Envelope<'a> {
    /// Reads an envelope.
    ///
    /// # Errors
    /// Unless the bytes have its form. Whether they are genuine shows when it is opened.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        let malformed = EnvelopeError::Malformed;
        if bytes.len() > ENVELOPE_LIMIT {
            return Err(malformed("is longer than any"));
        }
        let (record, _, rest) = head(bytes)?;
        if rest.len() < NONCE + WRAPPED + SALT + TAG {
            return Err(malformed("is cut short"));
        }
        Ok(Self { record, bytes, at: bytes.len() - rest.len() })
    }

    /// Whose content it is.
    #[must_use]
    pub fn record(&self) -> RecordId {
        self.record
    }

    /// Which key opens it.
    #[must_use]
    pub fn key(&self) -> Option<KeyName> {
        take_name(self.bytes.get(MAGIC.len() + IDENTITY..)?).map(|(name, _)| name)
    }

    /// Opens it.
    ///
    /// # Errors
    /// If the key is not the one that it was sealed under, or a bit of it was altered.
    pub fn open(&self, key: &SubjectKey) -> Result<Opened, EnvelopeError> {
        self.opened(key).ok_or(EnvelopeError::Closed)
    }

    fn opened(&self, key: &SubjectKey) -> Option<Opened> {
        let (head, rest) = self.bytes.split_at_checked(self.at)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>()?;
        let (wrapped, body) = rest.split_first_chunk::<WRAPPED>()?;
        let unwrapped = decrypt(&wrapping(key), *nonce, head, wrapped)?;
        let (record_key, []) = unwrapped.split_first_chunk::<32>()? else { return None };
        let before = self.bytes.get(..self.at + NONCE + WRAPPED)?;
        let mut content = decrypt(record_key, [0; NONCE], before, body)?;
        let mut salt = Zeroizing::new([0; SALT]);
        salt.copy_from_slice(content.get(..SALT)?);
        content.drain(..SALT);
        Some(Opened { salt: Salt(salt), content })
    }
}

/// Which record and which key the beginning of an envelope names; [`HEAD_LIMIT`] bytes are enough.
///
/// # Errors
/// If the bytes begin no envelope.
pub fn addressed(bytes: &[u8]) -> Result<(RecordId, KeyName), EnvelopeError> {
    head(bytes).map(|(record, name, _)| (record, name))
}

/// Reads the part that is not encrypted; gives what follows it.
fn head(bytes: &[u8]) -> Result<(RecordId, KeyName, &[u8]), EnvelopeError> {
    let malformed = EnvelopeError::Malformed;
    let rest = bytes.strip_prefix(MAGIC).ok_or(malformed("is of another format or version"))?;
    let (id, rest) = rest.split_at_checked(IDENTITY).ok_or(malformed("is cut short"))?;
    let record = std::str::from_utf8(id).ok().and_then(RecordId::parse);
    let record = record.filter(|record| record.to_string().as_bytes() == id);
    let record = record.ok_or(malformed("names no record"))?;
    let (name, rest) = take_name(rest).ok_or(malformed("names no key that may be"))?;
    Ok((record, name, rest))
}

/// The key that wraps record keys, apart from any other use of a subject's key.
#[expect(clippy::expect_used, reason = "RFC 5869 section 2.3 refuses only outputs above 255 hashes; this is one")]
fn wrapping(key: &SubjectKey) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    let extracted = Extraction::new(HKDF_SHA256, b"penstock subject key v1").extract(key.as_bytes());
    let expanded = extracted.expand(&[b"wrap"], Length);
    expanded.and_then(|okm| okm.fill(derived.as_mut_slice())).expect("an output of one hash");
    derived
}

/// 32 bytes.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

#[cfg(test)]
mod tests;
