//! C2SP cosignatures (<https://c2sp.org/tlog-cosignature>): a witness says when it saw a checkpoint. Ed25519, type 0x04.
//!
//! ```text
//! text of a checkpoint + time -> Cosigner::sign -> a signature line beside the log's own
//! Note -> Witness::check -> when that witness saw it
//! ```
//!
//! What is signed is not the text of the note alone but `cosignature/v1`, the time and then the text, so that no signature of
//! a witness can pass for one of a log, nor the other way round.

use crate::note::{Note, NoteError, Signature, check_name, key_id, read_key, write_key};
use crate::text::{base64, hex, unbase64};
use crate::{SigningKey, VerifyingKey};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The signature type of a timestamped Ed25519 cosignature.
const COSIGNATURE: u8 = 0x04;
/// Begins the text of a private key.
const PRIVATE: &str = "PRIVATE+KEY+";
/// Bytes of a signature: the time, big-endian, and the Ed25519 signature.
const LENGTH: usize = 8 + 64;

/// A named private key that cosigns checkpoints. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cosigner {
    witness: Witness,
    key: Arc<SigningKey>,
}

/// A named public key that checks cosignatures; as text `name+hex(key id)+base64(type, key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl Cosigner {
    /// Gives the key a name. The format does not sign the name: one key must not have two.
    ///
    /// # Errors
    /// If the name is empty or holds spaces, plus signs or control characters.
    pub fn new(name: impl Into<String>, key: Arc<SigningKey>) -> Result<Self, NoteError> {
        Ok(Self { witness: Witness::new(name, key.verifying_key())?, key })
    }

    /// Reads `PRIVATE+KEY+name+hex(key id)+base64(type, seed)`, the form that Go's sumdb/note gives private keys.
    ///
    /// # Errors
    /// If the text is anything else.
    pub fn decode(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.strip_prefix(PRIVATE).ok_or(NoteError::VerifierKey)?.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::VerifierKey);
        };
        let bytes = Zeroizing::new(unbase64(encoded).ok_or(NoteError::VerifierKey)?);
        let mut seed = Zeroizing::new([0; 32]);
        match bytes.split_first() {
            Some((&COSIGNATURE, rest)) if rest.len() == seed.len() => seed.copy_from_slice(rest),
            _ => return Err(NoteError::VerifierKey),
        }
        let cosigner = Self::new(name, Arc::new(SigningKey::from_seed(seed)))?;
        if hex(&cosigner.witness.id) == id { Ok(cosigner) } else { Err(NoteError::VerifierKey) }
    }

    /// The text that [`Self::decode`] reads, for a new key of 32 secret, random bytes.
    ///
    /// # Errors
    /// If the name is empty or holds spaces, plus signs or control characters.
    pub fn encode(name: &str, seed: &Zeroizing<[u8; 32]>) -> Result<Zeroizing<String>, NoteError> {
        let key = SigningKey::from_seed(seed.clone());
        let Witness { name, id, .. } = Witness::new(name, key.verifying_key())?;
        let bytes = Zeroizing::new([&[COSIGNATURE], seed.as_slice()].concat());
        let bytes = Zeroizing::new(base64(&bytes));
        Ok(Zeroizing::new(format!("{PRIVATE}{name}+{}+{}", hex(&id), bytes.as_str())))
    }

    /// Says that at `time`, in seconds since 1970, the note's text was the largest consistent head that was seen.
    #[must_use]
    pub fn sign(&self, note: &Note, time: u64) -> Signature {
        // The format has times below 2^63.
        let time = time.min(i64::MAX.unsigned_abs());
        let signature = self.key.sign(message(note.text(), time).as_bytes());
        let bytes = [time.to_be_bytes().as_slice(), &signature].concat();
        Signature::new(&self.witness.name, self.witness.id, bytes)
    }

    /// The public half, under the same name.
    #[must_use]
    pub fn witness(&self) -> &Witness {
        &self.witness
    }
}

impl Witness {
    /// Gives the key a name.
    ///
    /// # Errors
    /// If the name is empty or holds spaces, plus signs or control characters.
    pub fn new(name: impl Into<String>, key: VerifyingKey) -> Result<Self, NoteError> {
        let name = name.into();
        check_name(&name)?;
        Ok(Self { id: key_id(&name, COSIGNATURE, &key), name, key })
    }

    /// Reads `name+hex+base64`.
    ///
    /// # Errors
    /// If the text is not of the form, the key is no Ed25519 key for cosignatures, or its id is not the hash of name and key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, key) = read_key(text, COSIGNATURE)?;
        Ok(Self { name, id, key })
    }

    /// When this witness says that it saw the note, in seconds since 1970: its latest word. `None` if it says nothing.
    ///
    /// # Errors
    /// If a line has the name and the key id of this witness and is not its signature: somebody made it up.
    pub fn check(&self, note: &Note) -> Result<Option<u64>, NoteError> {
        let mut latest = None;
        for (signature, line) in note.signatures().iter().zip(1..) {
            if signature.is_of(&self.name, self.id) {
                let time = self.time(note.text(), signature.bytes()).ok_or(NoteError::BadSignature { line })?;
                latest = latest.max(Some(time));
            }
        }
        Ok(latest)
    }

    /// The time of a signature that verifies.
    fn time(&self, text: &str, bytes: &[u8]) -> Option<u64> {
        let bytes: &[u8; LENGTH] = bytes.try_into().ok()?;
        let (time, signature) = bytes.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        let fits = time <= i64::MAX.unsigned_abs();
        (fits && self.key.verify(message(text, time).as_bytes(), signature)).then_some(time)
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a signature line says that it is of this witness.
    #[must_use]
    pub fn is_named(&self, signature: &Signature) -> bool {
        signature.is_of(&self.name, self.id)
    }

    /// The key itself.
    #[must_use]
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.name, self.id, COSIGNATURE, &self.key)
    }
}

fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests;
