//! The receipt of one record: a C2SP tlog-proof (<https://c2sp.org/tlog-proof>), one text that anyone can check
//! offline with the record's bytes and the ledger's public key.
//!
//! ```text
//! c2sp.org/tlog-proof@v1 / [extra base64] / index N / hashes from the leaf up / empty line / signed checkpoint
//! ```
//!
//! It proves that the record is in the ledger whose head it carries. It does not prove that this head is the latest
//! (attack A10): whoever needs that compares its size with a fresh checkpoint.

use crate::checkpoint::{Checkpoint, CheckpointError, number};
use crate::entry::{Head, Malformed};
use crate::proof::{Hashes, ProofError, prove_inclusion, verify_inclusion};
use crate::tile::ENTRY_LIMIT;
use crate::tree::{Hash, leaf_hash};
use seal::note::{NOTE_LIMIT, Note, NoteError, Verifier};
use seal::{base64, unbase64};
use std::fmt;

const VERSION_LINE: &str = "c2sp.org/tlog-proof@v1";
/// The path in a tree of fewer than 2^63 leaves.
pub(crate) const PATH_LIMIT: usize = 63;
/// Longest receipt: a reader of files need not read further.
pub const RECEIPT_LIMIT: usize = NOTE_LIMIT + (PATH_LIMIT + 4) * 48 + EXTRA_LIMIT.div_ceil(3) * 4;
/// Longest extra data: a record.
const EXTRA_LIMIT: usize = ENTRY_LIMIT;

/// A proof that a record is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    extra: Option<Vec<u8>>,
    index: u64,
    path: Vec<Hash>,
    note: Note,
}

/// Why a receipt is none, or does not prove what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// A line is not what the format has there.
    #[error("line {line} of the receipt is malformed")]
    Line {
        /// Which, counted from one.
        line: usize,
    },
    /// The bytes are too many, or no text.
    #[error("the receipt is too long or no text")]
    NotText,
    /// The note at its end is malformed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The checkpoint is malformed or not to be believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The proof cannot be made.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The path does not lead from the record to the signed root.
    #[error("the receipt does not lead from the record to the signed root")]
    NotIncluded,
    /// What should be the record is none.
    #[error(transparent)]
    Record(#[from] Malformed),
    /// The record says that it stands elsewhere.
    #[error("the receipt is for record {index}, and the record says that it is {seq}")]
    OtherPlace {
        /// What the receipt says.
        index: u64,
        /// What the record says.
        seq: u64,
    },
}

impl Receipt {
    /// Makes the receipt of record `index` under a signed checkpoint.
    ///
    /// # Errors
    /// If the checkpoint does not cover the record, or a hash is missing.
    pub fn make(index: u64, note: Note, hashes: &impl Hashes) -> Result<Self, ReceiptError> {
        let checkpoint = Checkpoint::parse(note.text())?;
        let path = prove_inclusion(index, checkpoint.size, hashes)?;
        Ok(Self { extra: None, index, path, note })
    }

    /// Reads a receipt, from any source. It proves nothing yet.
    ///
    /// # Errors
    /// Unless the bytes are exactly of the form, within the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > RECEIPT_LIMIT {
            return Err(ReceiptError::NotText);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ReceiptError::NotText)?;
        let (proof, note) = text.split_once("\n\n").ok_or(ReceiptError::Line { line: 1 })?;
        let mut lines = proof.split('\n').zip(1..).peekable();
        if lines.next().is_none_or(|(first, _)| first != VERSION_LINE) {
            return Err(ReceiptError::Line { line: 1 });
        }
        let extra = match lines.next_if(|(line, _)| line.starts_with("extra ")) {
            Some((line, number)) => Some(extra(line).ok_or(ReceiptError::Line { line: number })?),
            None => None,
        };
        let (line, at) = lines.next().ok_or(ReceiptError::Line { line: 2 })?;
        let index = line.strip_prefix("index ").and_then(number).ok_or(ReceiptError::Line { line: at })?;
        let mut path = Vec::new();
        for (line, number) in lines {
            let hash = unbase64(line).and_then(|bytes| Hash::try_from(bytes).ok());
            let hash = hash.filter(|_| path.len() < PATH_LIMIT).ok_or(ReceiptError::Line { line: number })?;
            path.push(hash);
        }
        let note = Note::parse(note.as_bytes())?;
        Ok(Self { extra, index, path, note })
    }

    /// Checks that `record`, byte for byte, is in the ledger of a trusted key; gives the head under which it is.
    ///
    /// # Errors
    /// Says what fails.
    pub fn verify(&self, record: &[u8], trusted: &[Verifier]) -> Result<Checkpoint, ReceiptError> {
        let checkpoint = Checkpoint::believe(&self.note, trusted)?;
        let Head { seq, .. } = Head::parse(record)?;
        if seq != self.index {
            return Err(ReceiptError::OtherPlace { index: self.index, seq });
        }
        self.lead(&leaf_hash(record), checkpoint)
    }

    /// Checks that a record with this leaf hash, whose bytes are not at hand, is in the ledger of a trusted key, at the index of
    /// the receipt; gives the head under which it is.
    ///
    /// # Errors
    /// Says what fails.
    pub fn verify_leaf(&self, leaf: &Hash, trusted: &[Verifier]) -> Result<Checkpoint, ReceiptError> {
        self.lead(leaf, Checkpoint::believe(&self.note, trusted)?)
    }

    /// Whether the path leads from the leaf to the root of a head that is believed.
    fn lead(&self, leaf: &Hash, head: Checkpoint) -> Result<Checkpoint, ReceiptError> {
        let leads = verify_inclusion(leaf, self.index, head.size, &self.path, &head.root);
        if leads { Ok(head) } else { Err(ReceiptError::NotIncluded) }
    }

    /// Adds data for the reader's convenience, such as the record itself. It is not proved by anything.
    ///
    /// # Errors
    /// If it is longer than a record can be.
    pub fn with_extra(self, extra: Vec<u8>) -> Result<Self, ReceiptError> {
        if extra.len() > EXTRA_LIMIT {
            return Err(ReceiptError::Line { line: 2 });
        }
        Ok(Self { extra: Some(extra), ..self })
    }

    /// The data that was added, unproved.
    #[must_use]
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// The signed head that it carries, not yet believed.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The hashes from the leaf up.
    #[must_use]
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// Which record it is for.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }
}

fn extra(line: &str) -> Option<Vec<u8>> {
    unbase64(line.strip_prefix("extra ")?).filter(|extra| extra.len() <= EXTRA_LIMIT)
}

impl fmt::Display for Receipt {
    /// The receipt as it is handed out, in a file `<record id>.tlog-proof`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{VERSION_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", base64(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}
