//! What belongs to one incident: a record, and all that is tied to it.
//!
//! Two records are tied if one names the other: an outcome its intent, an account of an answer the call and its outcome,
//! a call the wait for a person before it, the record of a reading or an erasure what was read or erased. Found by
//! going over the ledger until nothing new is tied to what was found; so anybody with the ledger finds the same.

use crate::reader::{Lines, ReadError, Reader};
use ledger::Head;
use plant::{Kind, RecordId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most records of one incident. Beyond them, time, conduit and workload say better what is meant.
pub const INCIDENT_LIMIT: usize = 10_000;

/// Kinds whose notes name other records, and where.
const NAMING: [Kind; 5] = [Kind::Oversight, Kind::Hold, Kind::Read, Kind::Erase, Kind::Alert];
const NAMED: [&str; 3] = ["note.record", "note.call", "note.outcome"];

/// A record and what is tied to it.
#[derive(Clone, Debug)]
pub struct Incident {
    about: RecordId,
    records: Arc<BTreeSet<RecordId>>,
}

impl Incident {
    /// Only the record itself, until [`Self::gather`] has found what is tied to it.
    #[must_use]
    pub fn about(record: RecordId) -> Self {
        Self { about: record, records: Arc::new(BTreeSet::from([record])) }
    }

    /// The record that it is about.
    #[must_use]
    pub fn record(&self) -> RecordId {
        self.about
    }

    /// Whether a record belongs to it.
    #[must_use]
    pub fn holds(&self, record: RecordId) -> bool {
        self.records.contains(&record)
    }

    /// Finds what is tied to the record, among the first `size` records of a ledger.
    ///
    /// # Errors
    /// If the ledger cannot be read, or more than [`INCIDENT_LIMIT`] records belong together.
    pub fn gather(&self, reader: &Reader, size: u64) -> Result<Self, ReadError> {
        let mut records = BTreeSet::from([self.about]);
        let mut before = 0;
        // What a record names stands before it, as a rule; so the second time finds what the first passed by.
        while before < records.len() {
            before = records.len();
            go_over(reader, size, &mut records)?;
        }
        Ok(Self { about: self.about, records: Arc::new(records) })
    }
}

fn go_over(reader: &Reader, size: u64, records: &mut BTreeSet<RecordId>) -> Result<(), ReadError> {
    let mut lines = Lines::new(reader.clone(), 0);
    while let Some((seq, line)) = lines.next()? {
        if seq >= size {
            break;
        }
        let damaged = |problem| ReadError::Record { seq, problem };
        let head = Head::parse(&line).map_err(damaged)?;
        let mut names: Vec<RecordId> = head.reference.into_iter().collect();
        if NAMING.iter().any(|kind| kind.name() == head.kind) {
            let entry = ledger::decode(&line).map_err(damaged)?;
            names.extend(NAMED.iter().filter_map(|path| entry.text(path).and_then(RecordId::parse)));
        }
        if records.contains(&head.id) {
            records.extend(names);
        } else if names.iter().any(|named| records.contains(named)) {
            records.extend(names.into_iter().chain([head.id]));
        }
        if records.len() > INCIDENT_LIMIT {
            return Err(ReadError::Incident);
        }
    }
    Ok(())
}
