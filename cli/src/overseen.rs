//! What the ledger says of calls and of those who accounted for their answers, read beside its writer.

use gateway::{Due, Ended, Known};
use ledger::Entry;
use plant::{Body, Kind, Millis, RecordId};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use store::{Filter, ReadError, Reader};

/// What an outcome says of an answer that must be accounted for: in how many milliseconds.
pub(crate) const OWED: &str = "note.oversight_ms";
/// What an alert says of an answer that nobody accounted for in time.
pub(crate) const MISSED: &str = "unaccounted";
/// What all lines hold that say anything of this.
const WORD: &str = "oversight";
/// By how much the clock may have gone back after a call came.
const SLACK: u64 = 10_000;
/// Most records that are looked through for one call: those of a minute at the highest rate, of a month at the usual.
const MOST: u64 = 1 << 19;
/// How much longer before a start an answer is looked for than it could be open.
const MARGIN: u64 = 3_600_000;

/// What is known of a call.
pub(crate) fn look_up(folder: &Path, call: RecordId) -> Result<Option<Known>, ReadError> {
    let reader = Reader::open(folder)?;
    let from = reader.since(Millis(call.time().0.saturating_sub(SLACK)))?;
    let mut known: Option<Known> = None;
    for record in reader.holding(from, &call.to_string()).below(from.saturating_add(MOST)) {
        let entry = record?.entry;
        match &mut known {
            None if entry.id() == call && entry.kind() == Some(Kind::Intent) => {
                let about = store::about(&entry).unwrap_or_default();
                known = Some(Known { about, began: call.time(), ended: None, accounted: 0, missed: false });
            }
            Some(known) if entry.reference() == Some(call) => learn(known, &entry),
            _ => {}
        }
    }
    Ok(known)
}

fn learn(known: &mut Known, entry: &Entry) {
    match entry.kind() {
        Some(Kind::Outcome | Kind::Abandon) => {
            known.ended = Some(Ended { record: entry.id(), at: entry.t(), within: entry.number(OWED) });
            // Where a call was rerouted or fell back, this says what answered it.
            if let Some(Body { who, place, what, .. }) = store::about(entry) {
                known.about = Body { who, place, what, ..Body::default() };
            }
        }
        Some(Kind::Oversight) => known.accounted += 1,
        Some(Kind::Alert) => known.missed |= entry.text("note.event") == Some(MISSED),
        _ => {}
    }
}

/// The answers that somebody must account for, and of which nothing says that somebody did, or that nobody did in time.
pub(crate) fn unaccounted(folder: &Path, since: Option<Millis>, longest: Duration) -> Result<Vec<Due>, ReadError> {
    let reader = Reader::open(folder)?;
    let from = match since {
        Some(since) => Millis(since.0.saturating_sub(SLACK)),
        None => before_this_start(&reader, longest)?,
    };
    let mut open: BTreeMap<RecordId, Millis> = BTreeMap::new();
    for record in reader.holding(reader.since(from)?, WORD) {
        let entry = record?.entry;
        let Some(call) = entry.reference() else { continue };
        match entry.kind() {
            Some(Kind::Outcome) => {
                open.extend(entry.number(OWED).map(|within| (call, Millis(entry.t().0.saturating_add(within)))));
            }
            Some(Kind::Oversight) => {
                open.remove(&call);
            }
            Some(Kind::Alert) if entry.text("note.event") == Some(MISSED) => {
                open.remove(&call);
            }
            _ => {}
        }
    }
    Ok(open.into_iter().map(|(call, at)| Due { at, call }).collect())
}

/// When what could still be open at this start had ended at the earliest.
fn before_this_start(reader: &Reader, longest: Duration) -> Result<Millis, ReadError> {
    let boot = reader.newest(1, Filter { kind: Some(Kind::Boot), ..Filter::default() })?.pop();
    let last = boot.and_then(|boot| boot.entry.seq().checked_sub(1));
    let last = last.and_then(|seq| reader.records(seq, Filter::default()).next()).transpose()?;
    let end = last.map_or(0, |last| last.entry.t().0);
    let longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
    Ok(Millis(end.saturating_sub(longest).saturating_sub(MARGIN)))
}
