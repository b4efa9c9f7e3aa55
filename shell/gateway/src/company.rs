//! Records that are written together: whoever has one to write lets those come along who have one too.
//!
//! ```text
//! exchange ──> [left] ──> others run, and leave theirs ──> the first who is back brings all of them to the recorder
//! ```
//!
//! A group of records takes one signature and one sync. While many calls are under way, most of them are ready to run and wait
//! for a processor: the ledger, which is handed what the one before them brings, cannot know of them.

use crate::Gate;
use crate::recorder::{Acknowledge, Unwritten};
use plant::Draft;
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// The records that have been left to be brought.
#[derive(Default)]
pub(crate) struct Company(Mutex<Vec<(Draft, Acknowledge)>>);

/// Brings what was left, also where the one that left it is gone.
struct Bring<'a>(&'a Gate);

impl Gate {
    /// Queues a record and waits until it is durable. Queued at once: whoever stops waiting takes nothing back.
    pub(crate) async fn write(&self, draft: Draft) -> Result<(), Unwritten> {
        self.write_and(draft, || ()).await
    }

    /// The same, with something to do once it is durable, whether or not anybody still waits then.
    pub(crate) async fn write_and(&self, draft: Draft, then: impl FnOnce() + Send + 'static) -> Result<(), Unwritten> {
        let (done, written) = oneshot::channel();
        let told = |result: Result<(), Unwritten>| {
            if result.is_ok() {
                then();
            }
            // The exchange that waited may be gone; the record stands all the same.
            drop(done.send(result));
        };
        self.queue(draft, Box::new(told)).await;
        written.await.unwrap_or_else(|_| Err(Unwritten::writer_gone()))
    }

    /// Queues a record, with those of the exchanges that run before this one does again.
    pub(crate) async fn queue(&self, draft: Draft, done: Acknowledge) {
        self.company.0.lock().unwrap_or_else(PoisonError::into_inner).push((draft, done));
        let _bring = Bring(self);
        if self.metrics.going_on() > 1 && self.recorder.is_quick() {
            yield_now().await;
        }
    }
}

impl Drop for Bring<'_> {
    fn drop(&mut self) {
        let left = std::mem::take(&mut *self.0.company.0.lock().unwrap_or_else(PoisonError::into_inner));
        if !left.is_empty() {
            self.0.recorder.append_all(left);
        }
    }
}
