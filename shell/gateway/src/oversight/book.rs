//! The answers that somebody must account for and nobody has: until when, and what is recorded when that is over.
//!
//! ```text
//! outcome durable ─> entered ─> accounted for: struck out
//!                        └─> time is over ─> asked of the ledger once more ─> `alert` record
//! ```
//!
//! An outcome says itself by when it must be accounted for, so the ledger alone tells what is open: at a start, and
//! where more is open than is held here.

use crate::Gate;
use crate::recorder::{draw_id, now};
use plant::{Body, Draft, Kind, Millis, Note, RecordId};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Most answers that are held, about 20 MB. What is beyond is read from the ledger again when there is room.
const MOST: usize = 1 << 18;
/// How long to wait where the ledger cannot be asked.
const REST: Duration = Duration::from_secs(10);

/// An answer that somebody must account for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// By when.
    pub at: Millis,
    /// The record of its call.
    pub call: RecordId,
}

/// The answers that are open.
#[derive(Default)]
pub(crate) struct Book {
    pages: Mutex<Pages>,
    /// Something is due sooner than before.
    sooner: Notify,
}

#[derive(Default)]
struct Pages {
    due: BTreeSet<Due>,
    calls: HashMap<RecordId, Millis>,
    /// Since when calls began that found no room.
    spilled: Option<Millis>,
}

impl Book {
    /// Enters an answer, unless it is there.
    pub(crate) fn enter(&self, due: Due) {
        let mut pages = self.pages();
        if pages.calls.len() >= MOST {
            let since = due.call.time();
            pages.spilled = Some(pages.spilled.map_or(since, |spilled| spilled.min(since)));
            return;
        }
        if pages.calls.contains_key(&due.call) {
            return;
        }
        let first = pages.due.first().is_none_or(|first| due < *first);
        pages.calls.insert(due.call, due.at);
        pages.due.insert(due);
        drop(pages);
        if first {
            self.sooner.notify_one();
        }
    }

    /// Strikes out an answer that is being accounted for; gives what it says, should that fail.
    pub(crate) fn strike(&self, call: RecordId) -> Option<Due> {
        let mut pages = self.pages();
        let at = pages.calls.remove(&call)?;
        let due = Due { at, call };
        pages.due.remove(&due);
        Some(due)
    }

    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        self.pages().calls.len()
    }

    /// Strikes out the first whose time is over, or says when the next one's is.
    fn over(&self, now: Millis) -> Result<Due, Option<Millis>> {
        let mut pages = self.pages();
        match pages.due.first().copied() {
            Some(due) if due.at <= now => {
                pages.due.remove(&due);
                pages.calls.remove(&due.call);
                Ok(due)
            }
            next => Err(next.map(|due| due.at)),
        }
    }

    /// Since when to read the ledger again, if calls found no room and half of it is free now.
    fn spilled(&self) -> Option<Millis> {
        let mut pages = self.pages();
        if pages.calls.len() > MOST / 2 { None } else { pages.spilled.take() }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // A panic under this lock leaves at worst an answer without its time, which the ledger still knows.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches what is due until the gateway stops: what is open then is in the ledger for the next start.
pub(crate) async fn watch(gate: Arc<Gate>) {
    tokio::select! {
        () = follow(&gate) => {}
        () = gate.stopping.cancelled() => {}
    }
}

async fn follow(gate: &Arc<Gate>) {
    let longest = gate.inforce.load().plant().conduits.values().filter_map(|conduit| conduit.oversight.within).max();
    if let Some(longest) = longest {
        open(gate, None, longest).await;
    }
    loop {
        match gate.book.over(now()) {
            Ok(due) => missed(gate, due).await,
            Err(next) => {
                if let Some(since) = gate.book.spilled() {
                    open(gate, Some(since), Duration::ZERO).await;
                    continue;
                }
                rest(gate, next).await;
            }
        }
    }
}

/// Waits for the next time that is over, or for a sooner one.
async fn rest(gate: &Gate, next: Option<Millis>) {
    let sooner = gate.book.sooner.notified();
    match next {
        None => sooner.await,
        Some(next) => {
            let left = Duration::from_millis(next.0.saturating_sub(now().0).saturating_add(1));
            tokio::select! {
                () = sooner => {}
                () = tokio::time::sleep(left) => {}
            }
        }
    }
}

/// Enters what the ledger says is open. Tried until it can be read: what is not entered is not missed.
async fn open(gate: &Arc<Gate>, since: Option<Millis>, longest: Duration) {
    loop {
        let recorder = Arc::clone(&gate.recorder);
        let read = tokio::task::spawn_blocking(move || recorder.unaccounted(since, longest)).await;
        match read {
            Ok(Ok(open)) => return open.into_iter().for_each(|due| gate.book.enter(due)),
            Ok(Err(problem)) => tracing::warn!(%problem, "what must be accounted for cannot be read"),
            Err(problem) => tracing::error!(%problem, "what must be accounted for cannot be read"),
        }
        tokio::time::sleep(REST).await;
    }
}

/// Records that nobody accounted for an answer in time, unless the ledger says that somebody did.
async fn missed(gate: &Arc<Gate>, due: Due) {
    let known = match gate.look_up(due.call).await {
        Ok(known) => known,
        Err(problem) => {
            tracing::warn!(%problem, "whether an answer was accounted for cannot be read");
            let later = Millis(now().0.saturating_add(u64::try_from(REST.as_millis()).unwrap_or(0)));
            return gate.book.enter(Due { at: later, ..due });
        }
    };
    let Some(known) = known.filter(|known| known.accounted == 0 && !known.missed) else { return };
    let Some(ended) = known.ended else { return };
    let Body { who, place, what, .. } = known.about;
    let conduit = place.as_ref().and_then(|place| place.conduit.as_ref()).map(ToString::to_string).unwrap_or_default();
    let workload = who.as_ref().and_then(|who| who.workload.as_ref()).map(|party| party.id.clone());
    gate.metrics.unaccounted(&conduit);
    tracing::warn!(call = %due.call, conduit, workload, "nobody has accounted for an answer in time");
    let mut note = std::collections::BTreeMap::from([
        ("event", Note::text("unaccounted")),
        ("outcome", Note::Text(ended.record.to_string())),
        ("oversight_ms", Note::Number(ended.within.unwrap_or_default())),
        ("due", Note::Number(ended.at.0.saturating_add(ended.within.unwrap_or_default()))),
    ]);
    note.extend(workload.map(|workload| ("workload", Note::Text(workload))));
    let body = Body { who, place, what, note, ..Body::default() };
    gate.record(Draft { kind: Kind::Alert, id: draw_id(now()), reference: Some(due.call), body });
}

#[cfg(test)]
mod tests {
    use super::{Book, Due, MOST};
    use plant::{Millis, RecordId};

    fn due(at: u64, call: u64) -> Due {
        let [.., a, b, c, d] = call.to_be_bytes();
        Due { at: Millis(at), call: RecordId::new(Millis(call), [0, 0, 0, 0, 0, 0, a, b, c, d]) }
    }

    #[test]
    fn what_is_over_comes_first_and_once() {
        let book = Book::default();
        [due(30, 1), due(10, 2), due(20, 3), due(10, 2)].into_iter().for_each(|due| book.enter(due));
        assert_eq!(book.strike(due(20, 3).call), Some(due(20, 3)));
        assert_eq!(book.strike(due(20, 3).call), None);
        assert_eq!(book.over(Millis(9)), Err(Some(Millis(10))));
        assert_eq!(book.over(Millis(10)), Ok(due(10, 2)));
        assert_eq!(book.over(Millis(29)), Err(Some(Millis(30))));
        assert_eq!(book.over(Millis(31)), Ok(due(30, 1)));
        assert_eq!((book.over(Millis(31)), book.open()), (Err(None), 0));
    }

    #[test]
    fn what_finds_no_room_is_read_again_when_there_is_some() {
        let book = Book::default();
        (0..MOST as u64).for_each(|call| book.enter(due(call, call)));
        [due(5, 900_007), due(5, 900_005), due(5, 900_006)].into_iter().for_each(|due| book.enter(due));
        assert_eq!((book.open(), book.spilled()), (MOST, None));
        let struck = (0..=MOST as u64 / 2).filter_map(|call| book.strike(due(call, call).call)).count();
        assert_eq!(struck, MOST / 2 + 1);
        assert_eq!(book.spilled(), Some(Millis(900_005)));
        assert_eq!(book.spilled(), None);
    }
}
