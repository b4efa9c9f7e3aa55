//! What the writing thread is sent, and whom it tells.

use crate::emergency::Waiting;
use crate::shared::{Done, Failure, Written};
use ledger::{EncodeError, RestampError, Unstamped};
use plant::{Body, ConduitId, Draft, Kind, Note, RecordId};
use std::collections::{BTreeMap, BTreeSet};

/// Whom to tell what became of a record. Tells exactly once: dropping it untold tells that the ledger closed.
pub(crate) struct Reply(Option<Done>);

impl Reply {
    pub(crate) fn new(tell: Done) -> Self {
        Self(Some(tell))
    }

    /// Nobody wants to know.
    pub(crate) fn silent() -> Self {
        Self(None)
    }

    pub(crate) fn tell(mut self, result: Result<Written, Failure>) {
        self.call(result);
    }

    /// Whether a caller wants to know.
    pub(crate) fn is_awaited(&self) -> bool {
        self.0.is_some()
    }

    /// A caller's panic must not take the writer with it.
    fn call(&mut self, result: Result<Written, Failure>) {
        if let Some(tell) = self.0.take() {
            let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tell(result)));
            if told.is_err() {
                tracing::error!("a caller panicked while it was told what became of its record");
            }
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.call(Err(Failure::Closed));
    }
}

/// A record as whoever brings it has written it down, so that the writer, of whom there is one, has little left to do.
pub(crate) struct Record {
    text: Result<Unstamped, EncodeError>,
    gist: Gist,
}

/// What the ledger itself needs to know of a record.
#[derive(Debug)]
pub(crate) struct Gist {
    pub(crate) kind: Kind,
    pub(crate) id: RecordId,
    pub(crate) reference: Option<RecordId>,
    /// The conduit that its call crosses.
    pub(crate) conduit: Option<ConduitId>,
    pub(crate) note: BTreeMap<&'static str, Note>,
}

impl Gist {
    /// A number that its note says.
    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.note.get(key)?.as_number()
    }

    /// A text that its note says.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.note.get(key)?.as_text()
    }
}

impl Record {
    pub(crate) fn of(draft: Draft) -> Self {
        let text = Unstamped::of(&draft);
        let Draft { kind, id, reference, body: Body { place, note, .. } } = draft;
        let conduit = place.and_then(|place| place.conduit);
        Self { text, gist: Gist { kind, id, reference, conduit, note } }
    }

    /// Appends its line, once it has a place.
    pub(crate) fn stamp(&self, stamp: &ledger::Stamp, line: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.text.as_ref().map_err(|error| *error)?.stamp(stamp, line)
    }
}

/// What the writer is sent.
pub(crate) enum Message {
    /// A record to write.
    Append(Record, Reply),
    /// A record that was taken in an emergency.
    Import(Box<Waiting>, Reply),
    /// These conduits are essential from now on. What was put aside before the start is in the log.
    Essential(BTreeSet<ConduitId>),
    /// Nothing follows.
    Close,
}

/// What is to be written.
pub(crate) enum Matter {
    Record(Record),
    Waiting(Box<Waiting>),
}

impl Matter {
    /// A record of the ledger's own.
    pub(crate) fn of(draft: Draft) -> Self {
        Self::Record(Record::of(draft))
    }

    pub(crate) fn gist(&self) -> &Gist {
        match self {
            Self::Record(record) => &record.gist,
            Self::Waiting(waiting) => &waiting.gist,
        }
    }

    /// Appends its line.
    pub(crate) fn stamp(&self, stamp: &ledger::Stamp, line: &mut Vec<u8>) -> Result<(), RestampError> {
        match self {
            Self::Record(record) => record.stamp(stamp, line)?,
            Self::Waiting(waiting) => line.append(&mut ledger::restamp(&waiting.line, stamp)?),
        }
        Ok(())
    }
}
