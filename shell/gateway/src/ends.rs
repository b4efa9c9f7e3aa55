//! When an exchange must end: when its conduit's time is up, or when what proved its caller no longer does.

use crate::recorder::now;
use plant::{Bounds, Millis, Reason, Refusal};
use std::time::Duration;
use tokio::time::Instant;

/// When an exchange must end, and what is said then.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    /// When a stream is cut.
    pub(crate) at: Instant,
    /// Why.
    pub(crate) because: Refusal,
    total: Instant,
}

fn too_long() -> Refusal {
    Refusal::new(Reason::AnswerTooLong, "the exchange took longer than its conduit allows")
}

impl Ends {
    /// `proved_until` is when the first evidence of the caller ends; `then` says what is wrong with it at that time.
    ///
    /// An answer that comes whole is the answer to a call that was proved when it came, and is given. A stream goes
    /// on acting for somebody, so it ends with the proof.
    pub(crate) fn new(
        began: Instant,
        bounds: &Bounds,
        proved_until: Option<Millis>,
        then: impl FnOnce(Millis) -> Option<Refusal>,
    ) -> Self {
        let total = began + bounds.total;
        let lapses = proved_until
            .map(|until| (Instant::now() + Duration::from_millis(until.0.saturating_sub(now().0)), until))
            .filter(|(at, _)| *at < total)
            .and_then(|(at, until)| Some((at, then(until)?)));
        match lapses {
            Some((at, because)) => Self { at, because, total },
            None => Self { at: total, because: too_long(), total },
        }
    }

    /// When an answer that comes whole must have come.
    pub(crate) fn of_document(self) -> Self {
        Self { at: self.total, because: too_long(), total: self.total }
    }
}
