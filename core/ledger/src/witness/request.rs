//! What a ledger asks of a witness, and how the witness judges it: `add-checkpoint` of <https://c2sp.org/tlog-witness>.
//!
//! ```text
//! old N / hashes of the consistency proof from N / empty line / signed checkpoint
//! ```
//!
//! The same bytes are a request over HTTP and a file that somebody carries to the other plant.

use crate::checkpoint::{Checkpoint, CheckpointError, number};
use crate::proof::{Hashes, ProofError, prove_consistency, verify_consistency};
use crate::tree::{Hash, empty_root};
use seal::note::{NOTE_LIMIT, Note, NoteError, Verifier};
use seal::{base64, unbase64};
use std::fmt;

/// Most hashes in a consistency proof, by the specification.
const PROOF_LIMIT: usize = 63;
/// Longest request: a reader need not read further.
pub const REQUEST_LIMIT: usize = NOTE_LIMIT + (PROOF_LIMIT + 1) * 48;

/// A head, and the proof that it continues an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    old: u64,
    proof: Vec<Hash>,
    head: Checkpoint,
    note: Note,
}

/// Why a request is none, or cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A line is not what the format has there.
    #[error("line {line} of the request is malformed")]
    Line {
        /// Which, counted from one.
        line: usize,
    },
    /// The bytes are too many, or no text.
    #[error("the request is too long or no text")]
    NotText,
    /// The note at its end is malformed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The proof cannot be made.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// Why a witness does not sign. Each has its status in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The origin is of no ledger that this witness looks after.
    #[error("this witness does not know the ledger")]
    UnknownLog,
    /// No key of that ledger has signed.
    #[error("the head is not signed by the key of its ledger: {0}")]
    NotSigned(NoteError),
    /// The request continues a head beyond its own.
    #[error("the request continues a head that is larger than its own")]
    Beyond,
    /// The request continues another head than the last one that was signed.
    #[error("this witness has signed the head of {size} records, and the request does not continue from there")]
    Conflict {
        /// How many records the last signed head covers; 0 if there is none.
        size: u64,
    },
    /// The ledger's key has signed another root for the size that this witness has signed.
    #[error("this witness has signed another root for {size} records: the ledger has two histories")]
    OtherRoot {
        /// The size of both.
        size: u64,
    },
    /// The proof does not lead from the last signed head to this one.
    #[error("the proof does not show that the head continues the one that this witness has signed")]
    Inconsistent,
}

impl Refusal {
    /// The HTTP status that says so.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Beyond => 400,
            Self::NotSigned(_) => 403,
            Self::UnknownLog => 404,
            Self::Conflict { .. } | Self::OtherRoot { .. } => 409,
            Self::Inconsistent => 422,
        }
    }
}

/// Reads the size of the head that a witness has signed last, as it answers a request that does not continue from there.
#[must_use]
pub fn conflicting_size(answer: &[u8]) -> Option<u64> {
    number(std::str::from_utf8(answer).ok()?.strip_suffix('\n')?)
}

impl Request {
    /// Asks for a signature under `note`, a checkpoint, of a witness that has signed the head of `old` records; 0 if none.
    ///
    /// # Errors
    /// If the note is no checkpoint or covers fewer records, or a hash is missing.
    pub fn make(old: u64, note: Note, hashes: &impl Hashes) -> Result<Self, RequestError> {
        let head = Checkpoint::parse(note.text())?;
        let proof = prove_consistency(old, head.size, hashes)?;
        Ok(Self { old, proof, head, note })
    }

    /// Reads a request, from any source.
    ///
    /// # Errors
    /// Unless the bytes are exactly of the form, within the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > REQUEST_LIMIT {
            return Err(RequestError::NotText);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| RequestError::NotText)?;
        let (claim, note) = text.split_once("\n\n").ok_or(RequestError::Line { line: 1 })?;
        let mut lines = claim.split('\n').zip(1..);
        let old = lines.next().and_then(|(first, _)| number(first.strip_prefix("old ")?));
        let old = old.ok_or(RequestError::Line { line: 1 })?;
        let mut proof = Vec::new();
        for (line, number) in lines {
            let hash = unbase64(line).and_then(|bytes| Hash::try_from(bytes).ok());
            let hash = hash.filter(|_| proof.len() < PROOF_LIMIT).ok_or(RequestError::Line { line: number })?;
            proof.push(hash);
        }
        let note = Note::parse(note.as_bytes())?;
        let head = Checkpoint::parse(note.text())?;
        Ok(Self { old, proof, head, note })
    }

    /// Judges it as a witness of these logs does that has `seen` the head of this origin last. Whoever signs what passes
    /// must first make sure that it will never forget it.
    ///
    /// # Errors
    /// Says why not to sign.
    pub fn judge(&self, logs: &[Verifier], seen: Option<&Checkpoint>) -> Result<&Checkpoint, Refusal> {
        let known: Vec<Verifier> = logs.iter().filter(|log| log.name() == self.head.origin).cloned().collect();
        if known.is_empty() {
            return Err(Refusal::UnknownLog);
        }
        self.note.verify(&known).map_err(Refusal::NotSigned)?;
        if self.old > self.head.size {
            return Err(Refusal::Beyond);
        }
        let (size, root) = seen.map_or_else(|| (0, empty_root()), |seen| (seen.size, seen.root));
        if self.old != size {
            return Err(Refusal::Conflict { size });
        }
        if self.head.size == size && self.head.root != root {
            return Err(Refusal::OtherRoot { size });
        }
        if verify_consistency(size, &root, self.head.size, &self.head.root, &self.proof) {
            Ok(&self.head)
        } else {
            Err(Refusal::Inconsistent)
        }
    }

    /// What was asked for, with the lines that a witness has answered over the network. They are not checked.
    ///
    /// # Errors
    /// If the answer is anything but signature lines, or they are more than a note may have.
    pub fn with_answer(&self, answer: &[u8]) -> Result<Note, NoteError> {
        let note = Note::parse(&[self.note.to_string().as_bytes(), answer].concat())?;
        // Lines with an empty one among them would make what was signed a part of the text.
        if note.text() == self.note.text() { Ok(note) } else { Err(NoteError::NoSignaturePart) }
    }

    /// The head that a signature is asked for, not yet believed.
    #[must_use]
    pub fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// The same as it was signed.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The size of the head that it continues.
    #[must_use]
    pub fn old(&self) -> u64 {
        self.old
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", base64(hash)))?;
        write!(f, "\n{}", self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, Request, RequestError, conflicting_size};
    use crate::checkpoint::Checkpoint;
    use crate::proof::{Hashes, Missing};
    use crate::tree::{Frontier, Hash, empty_root, leaf_hash, node_hash};
    use seal::SigningKey;
    use seal::cosignature::Cosigner;
    use seal::note::{NoteError, Signer, Verifier};
    use std::sync::Arc;

    /// A history of which everything is known: leaf `n` is `name n`.
    struct History(&'static str);

    impl Hashes for History {
        fn hash(&self, level: u32, index: u64) -> Result<Hash, Missing> {
            match level.checked_sub(1) {
                None => Ok(leaf_hash(format!("{} {index}", if index < 5 { "one" } else { self.0 }).as_bytes())),
                Some(below) => Ok(node_hash(&self.hash(below, index * 2)?, &self.hash(below, index * 2 + 1)?)),
            }
        }
    }

    impl History {
        fn head(&self, size: u64) -> Checkpoint {
            let root = if size == 0 { empty_root() } else { Frontier::from_hashes(size, self).unwrap().root() };
            Checkpoint { origin: "log".to_owned(), size, root }
        }

        fn request(&self, old: u64, size: u64) -> Request {
            Request::make(old, self.head(size).sign(&signer("log", 1)).unwrap(), self).unwrap()
        }
    }

    fn signer(name: &str, seed: u8) -> Signer {
        Signer::new(name, Arc::new(SigningKey::from_seed([seed; 32].into()))).unwrap()
    }

    fn log() -> [Verifier; 1] {
        [signer("log", 1).verifier().clone()]
    }

    #[test]
    fn a_witness_follows_one_history_and_signs_no_other() {
        let (one, other) = (History("one"), History("other"));
        for old in 0..20 {
            for size in old..20 {
                let seen = (old > 0).then(|| one.head(old));
                assert_eq!(one.request(old, size).judge(&log(), seen.as_ref()), Ok(&one.head(size)), "{old} {size}");
                let expected = match (old, size) {
                    (0..=5, _) => Ok(&other.head(size)).cloned(),
                    (old, size) if old == size => Err(Refusal::OtherRoot { size }),
                    _ => Err(Refusal::Inconsistent),
                };
                let said = other.request(old, size).judge(&log(), seen.as_ref()).cloned();
                assert_eq!(said, expected, "{old} {size}");
            }
        }
    }

    #[test]
    fn each_refusal_has_its_status() {
        let one = History("one");
        let refused = |request: &Request, logs: &[Verifier], seen: Option<&Checkpoint>, expected: Refusal, status| {
            assert_eq!((request.judge(logs, seen), expected.status()), (Err(expected), status));
        };
        let seen = one.head(7);
        refused(&one.request(7, 9), &[signer("other", 1).verifier().clone()], Some(&seen), Refusal::UnknownLog, 404);
        let stranger = [signer("log", 2).verifier().clone()];
        refused(&one.request(7, 9), &stranger, Some(&seen), Refusal::NotSigned(NoteError::NotSigned), 403);
        let beyond = Request { old: 10, ..one.request(7, 9) };
        refused(&beyond, &log(), Some(&seen), Refusal::Beyond, 400);
        // A tail that was cut off, a backup that was put back (attacks A5, A6).
        refused(&one.request(3, 6), &log(), Some(&seen), Refusal::Conflict { size: 7 }, 409);
        refused(&one.request(3, 9), &log(), Some(&seen), Refusal::Conflict { size: 7 }, 409);
        refused(&one.request(3, 9), &log(), None, Refusal::Conflict { size: 0 }, 409);
        let other = Request { head: Checkpoint { root: [1; 32], ..seen.clone() }, ..one.request(7, 7) };
        refused(&other, &log(), Some(&seen), Refusal::OtherRoot { size: 7 }, 409);
        let longer = Request { proof: [one.request(7, 9).proof, vec![[0; 32]]].concat(), ..one.request(7, 9) };
        refused(&longer, &log(), Some(&seen), Refusal::Inconsistent, 422);
        let proof = Request { proof: vec![[0; 32]], ..one.request(0, 9) };
        refused(&proof, &log(), None, Refusal::Inconsistent, 422);
    }

    #[test]
    fn an_answer_adds_signatures_and_nothing_else() {
        let request = History("one").request(7, 19);
        let witness = Cosigner::new("hilltop", Arc::new(SigningKey::from_seed([9; 32].into()))).unwrap();
        let answer = format!("{}\n", witness.sign(request.note(), 5));
        let note = request.with_answer(answer.as_bytes()).unwrap();
        assert_eq!((note.text(), witness.witness().check(&note)), (request.note().text(), Ok(Some(5))));
        assert_eq!(request.with_answer(b"").as_ref(), Ok(request.note()));
        let spoilt = ["\n", "nothing\n", &format!("\n{answer}"), answer.trim_end(), &answer.repeat(1000), "\u{0}"];
        for answer in spoilt {
            assert!(request.with_answer(answer.as_bytes()).is_err(), "{answer:?}");
        }
    }

    #[test]
    fn the_size_in_a_conflict_has_one_spelling() {
        for (answer, size) in [
            ("0\n", Some(0)),
            ("20852163\n", Some(20_852_163)),
            ("9223372036854775807\n", Some(i64::MAX.unsigned_abs())),
        ] {
            assert_eq!(conflicting_size(answer.as_bytes()), size, "{answer:?}");
        }
        for answer in ["", "\n", "7", "07\n", "+7\n", " 7\n", "7\n\n", "7\r\n", "9223372036854775808\n", "\u{663}\n"] {
            assert_eq!(conflicting_size(answer.as_bytes()), None, "{answer:?}");
        }
    }

    #[test]
    fn a_request_has_one_spelling_and_limits() {
        let text = History("one").request(7, 19).to_string();
        assert_eq!(Request::parse(text.as_bytes()).unwrap().to_string(), text);
        assert!(text.starts_with("old 7\n") && text.contains("\n\nlog\n19\n"));
        let refused = |text: &str, error| assert_eq!(Request::parse(text.as_bytes()), Err(error), "{text:?}");
        refused("", RequestError::Line { line: 1 });
        for old in ["old 07", "old -7", "old  7", "old 7 ", "Old 7", "old 9223372036854775808", "old", ""] {
            refused(&text.replacen("old 7", old, 1), RequestError::Line { line: 1 });
        }
        refused(&text.replacen('\n', "\r\n", 1), RequestError::Line { line: 1 });
        refused(&text.replacen("\n", "\nAAAA\n", 1), RequestError::Line { line: 2 });
        let hash = format!("\n{}", seal::base64(&[1; 32]));
        refused(&format!("old 7{}\n\nlog\n", hash.repeat(64)), RequestError::Line { line: 65 });
        refused(&"a".repeat(2 << 20), RequestError::NotText);
        assert!(Request::parse(&[text.as_bytes(), b"more"].concat()).is_err());
        assert!(Request::parse(text.split_once("\n\n").unwrap().0.as_bytes()).is_err());
    }
}
