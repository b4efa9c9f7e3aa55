//! Who writes: the writer's own thread, or, while records come one at a time, whoever brings one.
//!
//! ```text
//! nobody else writes or waits, and the disk is quick:  caller: write, sign, sync, told
//! else:                                                caller -> queue -> thread: one group of all that wait -> told
//! ```
//!
//! A record that is handed over costs two wake-ups of a thread. Where a sync takes microseconds, these cost more than all
//! the rest; where many come at once, a group of them is cheaper than each by itself, and the thread makes the groups.

use super::{Deathwatch, Mode, Run};
use crate::queue::{Matter, Record, Reply};
use crate::shared::Shared;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Records in a row that must meet no other before their callers write them.
const CALM: u32 = 8;
/// The longest that the last group may have taken: a caller has other work to do.
pub(crate) const QUICK: Duration = Duration::from_micros(250);
/// Room in the segment: a caller does not wait for the next one.
const ROOM: u64 = 128 << 10;

/// What it takes to write, held by one at a time.
pub(crate) struct Pen {
    /// `None` once the thread has ended: nothing is written any more.
    run: Mutex<Option<Run>>,
    pub(super) shared: Arc<Shared>,
    /// Records in a row that met no other.
    calm: AtomicU32,
}

impl fmt::Debug for Pen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pen").field("calm", &self.calm).finish_non_exhaustive()
    }
}

impl Pen {
    pub(super) fn new(run: Run) -> Self {
        let shared = Arc::clone(&run.writer.shared);
        Self { run: Mutex::new(Some(run)), shared, calm: AtomicU32::new(0) }
    }

    /// For the thread. A caller that panicked while it wrote left the run half done: it is given up, and with it the ledger.
    pub(super) fn take(&self) -> MutexGuard<'_, Option<Run>> {
        self.run.lock().unwrap_or_else(|poisoned| {
            let mut run = poisoned.into_inner();
            *run = None;
            run
        })
    }

    /// Notes how many records a group of the thread's had.
    pub(super) fn grouped(&self, records: usize) {
        if records > 1 {
            self.calm.store(0, Ordering::Relaxed);
        } else if records == 1 {
            self.calm.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes records if nobody else does and it will be quick, and tells from within; gives them back if not.
    pub(crate) fn write(&self, records: Vec<(Record, Reply)>) -> Vec<(Record, Reply)> {
        if self.calm.load(Ordering::Relaxed) < CALM {
            return records;
        }
        let held = self.run.try_lock().ok().filter(|_| self.shared.depth.load(Ordering::Relaxed) == 0);
        let Some(mut held) = held else {
            self.calm.store(0, Ordering::Relaxed);
            return records;
        };
        let Some(run) = held.as_mut().filter(|run| run.is_quick()) else { return records };
        let _watch = Deathwatch(Arc::clone(&self.shared));
        self.shared.depth.fetch_add(records.len(), Ordering::Relaxed);
        for (record, reply) in records {
            if !run.has_place() {
                run.commit();
            }
            run.admit(Matter::Record(record), reply);
        }
        run.commit();
        Vec::new()
    }
}

impl Run {
    /// Whether a record can be written without a wait worth the name.
    fn is_quick(&self) -> bool {
        let works = matches!(self.mode, Mode::Working) && self.unsigned.is_none() && !self.owes();
        works && self.took < QUICK && self.writer.segment.room() > ROOM
    }
}
