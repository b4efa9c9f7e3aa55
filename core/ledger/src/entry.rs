//! A record as bytes: one line of JSON in the canonical form of RFC 8785, and back.
//!
//! The stored bytes are the leaf of the tree; nothing ever re-canonicalises them to verify. The form is canonical
//! so that it has one spelling, which keeps the reader short: keys ascend, so no key can stand twice; there is no
//! white space; numbers are whole and below 2^53, so that every JSON reader in the world sees the same value.
//!
//! ```text
//! boot clk dec id io kind mono note out prev ref seal seq t v what where who
//! ```

mod read;
mod write;

pub use read::{Head, Malformed, check_form};
pub use write::{Unstamped, encode, is_treacherous, restamp};

use crate::tree::Hash;
use plant::{Kind, Millis, RecordId};
use serde_json::{Map, Value};

/// The version of the form, `v`. A reader refuses any other.
pub const VERSION: u64 = 1;
/// Longest record that is written. The tiles could hold 65,535 bytes; the target is 2 KiB.
pub const RECORD_LIMIT: usize = 16 << 10;
/// Numbers stay below this, where a double still counts in ones (RFC 8785 section 3.2.2.3).
pub const NUMBER_LIMIT: u64 = 1 << 53;

/// The place of a record: what the writer adds to a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The index of the leaf.
    pub seq: u64,
    /// The leaf hash of the record before; 32 zero bytes before the first.
    pub prev: Hash,
    /// The time in UTC. Goes back only on a `clock` record or right after one.
    pub t: Millis,
    /// Microseconds since the machine started: never goes back within one `boot`. Nanoseconds would pass 2^53 after
    /// 104 days.
    pub mono: u64,
    /// Which start of the gateway wrote this, counted from 1 over the life of the ledger.
    pub boot: u64,
    /// How far the time can be trusted.
    pub clk: ClockState,
}

/// How far the time of a record can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockState {
    /// Where the time comes from: `system`, `ntp`, `ptp`.
    pub source: String,
    /// How far it may be off, in milliseconds, if the system says so.
    pub bound: Option<u64>,
}

/// Why a draft cannot become a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The line would pass [`RECORD_LIMIT`].
    #[error("the record would be {length} bytes long, more than 16 KiB")]
    TooLong {
        /// How long it would be.
        length: usize,
    },
    /// The stamp holds a number that reaches [`NUMBER_LIMIT`].
    #[error("the record's place holds a number of 2^53 or more")]
    Number,
    /// A key of the note is empty or holds anything but lower-case letters, digits, `-`, `_` and `.`.
    #[error("`{key}` cannot be the name of a note")]
    Key {
        /// The key.
        key: &'static str,
    },
}

/// Why a record cannot be given another place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestampError {
    /// It is no record.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It cannot be written there.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// A record as it was read: its place, and everything that it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    seq: u64,
    prev: Hash,
    id: RecordId,
    reference: Option<RecordId>,
    t: Millis,
    value: Map<String, Value>,
}

/// Reads a record, from any source.
///
/// # Errors
/// Unless it is a record of version 1 in canonical form, without the characters that [`encode`] replaces.
pub fn decode(line: &[u8]) -> Result<Entry, Malformed> {
    let head = Head::parse(line)?;
    let text =
        std::str::from_utf8(line).map_err(|error| Malformed { at: error.valid_up_to(), problem: "is no UTF-8" })?;
    // Controls below the blank are none of a head; so of ASCII only one is left, and what else is looked for is beyond it.
    let plain = text.bytes().fold(true, |plain, byte| plain & (byte < 0x7f));
    if !plain && let Some((at, _)) = text.char_indices().find(|(_, character)| is_treacherous(*character)) {
        return Err(Malformed { at, problem: "is a character that no record holds" });
    }
    let value =
        serde_json::from_str(text).map_err(|_| Malformed { at: 0, problem: "is not read by a second parser" })?;
    let Head { seq, prev, id, reference, t, .. } = head;
    Ok(Entry { seq, prev, id, reference, t, value })
}

impl Entry {
    /// The index of the leaf.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The leaf hash of the record before.
    #[must_use]
    pub fn prev(&self) -> &Hash {
        &self.prev
    }

    /// The record's own identity.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// The record that this one answers.
    #[must_use]
    pub fn reference(&self) -> Option<RecordId> {
        self.reference
    }

    /// When it was written.
    #[must_use]
    pub fn t(&self) -> Millis {
        self.t
    }

    /// What kind of event it is of; `None` for one that a later version added. [`Self::text`] of `kind` names it.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.text("kind").and_then(Kind::named)
    }

    /// The value at a path of keys joined by dots: `who.workload.id`, `dec.verdict`, `out.status`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Value> {
        let mut keys = path.split('.');
        let first = self.value.get(keys.next()?)?;
        keys.try_fold(first, |value, key| value.get(key))
    }

    /// The text at a path.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// The number at a path.
    #[must_use]
    pub fn number(&self, path: &str) -> Option<u64> {
        self.at(path)?.as_u64()
    }

    /// The whole record as JSON.
    #[must_use]
    pub fn value(&self) -> &Map<String, Value> {
        &self.value
    }
}

#[cfg(test)]
mod tests;
