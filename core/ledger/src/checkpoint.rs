//! C2SP checkpoints (<https://c2sp.org/tlog-checkpoint>): origin, size and root of the tree as a signed note.

use crate::tree::Hash;
use seal::note::{Note, NoteError, Signer, Verifier};
use seal::{base64, unbase64};
use std::fmt;

/// What a gateway says its ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger: `<plant>/<gateway>/<genesis-id>`, also the name of the key that signs.
    pub origin: String,
    /// How many records.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// Why a checkpoint is none, or is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note is malformed or not signed by a trusted key.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not origin, size and root.
    #[error("the checkpoint's text is not origin, size and root")]
    Form,
    /// The size has leading zeros, or reaches 2^63.
    #[error("the checkpoint's size is not a number below 2^63")]
    Size,
    /// The root is not a SHA-256 hash in base64.
    #[error("the checkpoint's root is not a hash")]
    Root,
    /// The text has lines beyond the three.
    ///
    /// The format advises against them because no monitor can audit them. Ours never has any, so one that does was
    /// not written by this program, and what it adds could not be judged.
    #[error("the checkpoint has extension lines")]
    Extension,
    /// The origin is not the name of a key that signed.
    #[error("the checkpoint's origin is not the name of its signer")]
    Origin,
}

impl Checkpoint {
    /// Reads the text of a checkpoint, from any source. It is not believed yet.
    ///
    /// # Errors
    /// Unless the text is exactly origin, size and root, each on a line.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Form)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Form);
        };
        if lines.next().is_some() {
            return Err(CheckpointError::Extension);
        }
        if origin.is_empty() {
            return Err(CheckpointError::Form);
        }
        let size = number(size).ok_or(CheckpointError::Size)?;
        let root = unbase64(root).and_then(|bytes| Hash::try_from(bytes).ok()).ok_or(CheckpointError::Root)?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Reads a signed checkpoint and checks it: a trusted key signed it, and its origin is the name of one that did.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn open(note: &[u8], trusted: &[Verifier]) -> Result<(Self, Note), CheckpointError> {
        let note = Note::parse(note)?;
        Ok((Self::believe(&note, trusted)?, note))
    }

    /// Checks a note that was read before, as [`Self::open`] does.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn believe(note: &Note, trusted: &[Verifier]) -> Result<Self, CheckpointError> {
        let checkpoint = Self::parse(note.text())?;
        let signed = note.verify(trusted)?;
        if signed.iter().any(|verifier| verifier.name() == checkpoint.origin) {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::Origin)
        }
    }

    /// Signs it.
    ///
    /// # Errors
    /// If the origin holds control characters or is not the signer's name, for nobody would believe the result; or if the
    /// key is not at hand.
    pub fn sign(&self, signer: &Signer) -> Result<Note, CheckpointError> {
        if self.origin != signer.verifier().name() {
            return Err(CheckpointError::Origin);
        }
        Ok(Note::sign(self.to_string(), signer)?)
    }
}

impl fmt::Display for Checkpoint {
    /// The text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, base64(&self.root))
    }
}

/// Reads a decimal number below 2^63 without leading zeros or sign.
pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = (1..=19).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse::<u64>().ok())?.filter(|number| *number < 1 << 63)
}

#[cfg(test)]
mod tests;
