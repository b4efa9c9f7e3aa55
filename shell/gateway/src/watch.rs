//! The time that stages take, and where long ones take it.

use crate::Gate;
use std::time::Instant;
use tokio::runtime::{Handle, RuntimeFlavor};

/// A body from this size on is read aside, so that other exchanges do not wait for it.
pub(crate) const HEAVY: usize = 128 << 10;

/// Does work on a body of this size: a long one where no other exchange waits for it.
pub(crate) fn aside<T>(size: usize, work: impl FnOnce() -> T) -> T {
    // A runtime of one thread has nowhere else to go, and would panic.
    let several = Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if size >= HEAVY && several { tokio::task::block_in_place(work) } else { work() }
}

/// Tells how long each stage took.
pub(crate) struct Watch<'a> {
    gate: &'a Gate,
    last: Instant,
}

impl<'a> Watch<'a> {
    pub(crate) fn start(gate: &'a Gate) -> Self {
        Self { gate, last: Instant::now() }
    }

    pub(crate) fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.gate.metrics.spent(stage, now.duration_since(self.last));
        self.last = now;
    }
}
