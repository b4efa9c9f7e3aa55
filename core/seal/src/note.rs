//! C2SP signed notes (<https://c2sp.org/signed-note>): a text, a blank line, signature lines. Ed25519, type 0x01.
//!
//! ```text
//! bytes -> Note::parse -> Note::verify(verifiers) -> text that may be believed
//! ```
//!
//! A note that was merely parsed says nothing: its text counts once [`Note::verify`] has named a signer.

use crate::text::{base64, hex, unbase64, unhex};
use crate::{Sign, SignError, VerifyingKey, sha256_parts};
use std::fmt;
use std::sync::Arc;

/// Longest text of a note. A checkpoint has under 300 bytes; what is longer is not meant for us.
const TEXT_LIMIT: usize = 64 << 10;
/// Most signature lines. The format asks for at least 16; beyond a hundred somebody wants us to work (attack A8).
const SIGNATURES_LIMIT: usize = 100;
/// Longest signature line: a post-quantum signature of 5 kB in base64 with a generous name.
const LINE_LIMIT: usize = 8 << 10;
/// Longest note: a reader of files need not read further.
pub const NOTE_LIMIT: usize = TEXT_LIMIT + SIGNATURES_LIMIT * LINE_LIMIT;

/// The signature type of plain Ed25519 over the note text.
const ED25519: u8 = 0x01;
/// Begins a signature line: em dash and space.
const LINE_START: &str = "\u{2014} ";

/// A text with its signatures, well-formed and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// A named private key that signs notes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Signer {
    verifier: Verifier,
    key: Arc<dyn Sign>,
}

/// A named public key that checks notes; as text `name+hex(key id)+base64(type, key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// Why a note is no note, or is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// More bytes than any note of ours could have.
    #[error("the note is too long")]
    TooLong,
    /// Not UTF-8, or a control character other than newline.
    #[error("the note holds bytes that are not text")]
    NotText,
    /// No blank line that separates text and signatures, or nothing before it.
    #[error("the note has no signature part")]
    NoSignaturePart,
    /// A signature line that is not of the form.
    #[error("signature line {line} is malformed")]
    SignatureLine {
        /// Which, counted from one.
        line: usize,
    },
    /// More signature lines than we read.
    #[error("the note has more than {SIGNATURES_LIMIT} signatures")]
    TooManySignatures,
    /// The name is empty, or holds spaces, plus signs or control characters.
    #[error("the key name is malformed")]
    KeyName,
    /// The text is no verifier key of a kind that we know.
    #[error("the verifier key is malformed, or of an unknown kind")]
    VerifierKey,
    /// Two of the verifiers share name and key id: nobody could say whose signature a line is.
    #[error("two verifiers share a name and a key id")]
    AmbiguousVerifiers,
    /// A line carries the name and the key id of a key that we know, and the signature is not its.
    #[error("signature line {line} does not verify")]
    BadSignature {
        /// Which, counted from one.
        line: usize,
    },
    /// No line is of a key that we know.
    #[error("no known key signed the note")]
    NotSigned,
    /// The key is not at hand.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl Note {
    /// Signs `text`, which ends in a newline.
    ///
    /// # Errors
    /// If the text does not end in a newline, is too long or holds control characters, or the key is not at hand.
    pub fn sign(text: impl Into<String>, signer: &Signer) -> Result<Self, NoteError> {
        let text = text.into();
        check_text(&text)?;
        let mut note = Self { text, signatures: Vec::new() };
        note.add(signer)?;
        Ok(note)
    }

    /// Reads a note, from any source. It is not believed yet.
    ///
    /// # Errors
    /// Unless the bytes are exactly of the form, within the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_LIMIT {
            return Err(NoteError::TooLong);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        // The text may hold blank lines of its own: the last one separates.
        let (text, lines) = whole.rsplit_once("\n\n").ok_or(NoteError::NoSignaturePart)?;
        let text = whole.get(..=text.len()).ok_or(NoteError::NoSignaturePart)?;
        check_text(text)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignaturePart)?;
        let mut signatures = Vec::new();
        for (number, line) in lines.split('\n').enumerate() {
            if number >= SIGNATURES_LIMIT {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(Signature::parse(line).ok_or(NoteError::SignatureLine { line: number + 1 })?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Adds another signature.
    ///
    /// # Errors
    /// If the note has as many signatures as a note may have, or the key is not at hand.
    pub fn add(&mut self, signer: &Signer) -> Result<(), NoteError> {
        if self.signatures.len() >= SIGNATURES_LIMIT {
            return Err(NoteError::TooManySignatures);
        }
        let Verifier { name, id, .. } = &signer.verifier;
        self.signatures.push(Signature::new(name, *id, signer.key.sign(self.text.as_bytes())?.to_vec()));
        Ok(())
    }

    /// Adds a signature that somebody else made, in place of those of the same key. It is not checked.
    ///
    /// # Errors
    /// If the note has as many signatures as a note may have.
    pub fn put(&mut self, signature: Signature) -> Result<(), NoteError> {
        self.signatures.retain(|other| !other.is_of(&signature.name, signature.id));
        if self.signatures.len() >= SIGNATURES_LIMIT {
            return Err(NoteError::TooManySignatures);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Drops the signatures that are not to be kept.
    pub fn retain(&mut self, keep: impl FnMut(&Signature) -> bool) {
        self.signatures.retain(keep);
    }

    /// Checks the note against the keys that the reader trusts, and says which of them signed it: at least one.
    ///
    /// Lines of unknown keys are ignored, also when they share name or key id (not both) with a known one. A line that
    /// has both must verify, or the whole note is rejected: a forger can compute a key whose id collides, and all it
    /// gets them is this refusal.
    ///
    /// # Errors
    /// If a line of a known key does not verify, no known key signed, or the verifiers are ambiguous.
    pub fn verify<'v>(&self, verifiers: &'v [Verifier]) -> Result<Vec<&'v Verifier>, NoteError> {
        let mut signed: Vec<&Verifier> = Vec::new();
        for (number, line) in self.signatures.iter().enumerate() {
            let mut known = verifiers.iter().filter(|verifier| verifier.name == line.name && verifier.id == line.id);
            let Some(verifier) = known.next() else { continue };
            if known.any(|other| other != verifier) {
                return Err(NoteError::AmbiguousVerifiers);
            }
            if signed.contains(&verifier) {
                continue;
            }
            if !verifier.key.verify(self.text.as_bytes(), &line.bytes) {
                return Err(NoteError::BadSignature { line: number + 1 });
            }
            signed.push(verifier);
        }
        if signed.is_empty() { Err(NoteError::NotSigned) } else { Ok(signed) }
    }

    /// What is signed, with its final newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in order.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

impl fmt::Display for Note {
    /// The note as its bytes are stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl fmt::Display for Signature {
    /// The line without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id, self.bytes.as_slice()].concat();
        write!(f, "{LINE_START}{} {}", self.name, base64(&bytes))
    }
}

impl Signature {
    pub(crate) fn new(name: &str, id: [u8; 4], bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), id, bytes }
    }

    /// Whether the line says that it is of this key.
    pub(crate) fn is_of(&self, name: &str, id: [u8; 4]) -> bool {
        self.name == name && self.id == id
    }

    fn parse(line: &str) -> Option<Self> {
        if line.len() > LINE_LIMIT {
            return None;
        }
        let (name, encoded) = line.strip_prefix(LINE_START)?.split_once(' ')?;
        check_name(name).ok()?;
        let decoded = unbase64(encoded)?;
        let (id, bytes) = decoded.split_first_chunk::<4>()?;
        (!bytes.is_empty()).then(|| Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }

    /// The name of the key that is said to have signed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of that key's hash.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The signature itself.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Signer {
    /// Gives the key a name.
    ///
    /// # Errors
    /// If the name is empty or holds spaces, plus signs or control characters.
    pub fn new(name: impl Into<String>, key: Arc<dyn Sign>) -> Result<Self, NoteError> {
        Ok(Self { verifier: Verifier::new(name, key.verifying_key())?, key })
    }

    /// The public half, under the same name.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The key itself, for what is signed but is no note.
    #[must_use]
    pub fn key(&self) -> &dyn Sign {
        &*self.key
    }
}

impl Verifier {
    /// Gives the key a name.
    ///
    /// # Errors
    /// If the name is empty or holds spaces, plus signs or control characters.
    pub fn new(name: impl Into<String>, key: VerifyingKey) -> Result<Self, NoteError> {
        let name = name.into();
        check_name(&name)?;
        Ok(Self { id: key_id(&name, ED25519, &key), name, key })
    }

    /// Reads `name+hex+base64`.
    ///
    /// # Errors
    /// If the text is not of the form, the key is not Ed25519, or its id is not the hash of name and key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, key) = read_key(text, ED25519)?;
        Ok(Self { name, id, key })
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of the key's hash.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The key itself.
    #[must_use]
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.name, self.id, ED25519, &self.key)
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.len() > TEXT_LIMIT {
        return Err(NoteError::TooLong);
    }
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(NoteError::NotText);
    }
    if text.ends_with('\n') { Ok(()) } else { Err(NoteError::NoSignaturePart) }
}

/// The first four bytes of the hash of name, type and key.
pub(crate) fn key_id(name: &str, kind: u8, key: &VerifyingKey) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256_parts(&[name.as_bytes(), b"\n", &[kind], key.as_bytes()]);
    [a, b, c, d]
}

/// Reads `name+hex(key id)+base64(type, key)` of one type.
pub(crate) fn read_key(text: &str, kind: u8) -> Result<(String, [u8; 4], VerifyingKey), NoteError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::VerifierKey);
    };
    check_name(name)?;
    let decoded = unbase64(encoded).ok_or(NoteError::VerifierKey)?;
    let key = match decoded.split_first() {
        Some((said, key)) if *said == kind => <[u8; 32]>::try_from(key).map_err(|_| NoteError::VerifierKey)?,
        _ => return Err(NoteError::VerifierKey),
    };
    let key = VerifyingKey::from_bytes(key);
    let known = key_id(name, kind, &key);
    if unhex(id).as_deref() == Some(&known) { Ok((name.to_owned(), known, key)) } else { Err(NoteError::VerifierKey) }
}

/// Writes what [`read_key`] reads.
pub(crate) fn write_key(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    id: [u8; 4],
    kind: u8,
    key: &VerifyingKey,
) -> fmt::Result {
    let bytes = [&[kind], key.as_bytes().as_slice()].concat();
    write!(f, "{name}+{}+{}", hex(&id), base64(&bytes))
}

pub(crate) fn check_name(name: &str) -> Result<(), NoteError> {
    let bad = |c: char| c == '+' || c < ' ' || c.is_whitespace();
    if name.is_empty() || name.contains(bad) { Err(NoteError::KeyName) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
