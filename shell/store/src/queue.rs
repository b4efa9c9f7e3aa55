//! What the writing thread is sent, and whom it tells.

use crate::emergency::Waiting;
use crate::shared::{Done, Failure, Written};
use ledger::RestampError;
use plant::{ConduitId, Draft};
use std::collections::BTreeSet;

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

/// What the writer is sent.
pub(crate) enum Message {
    /// A record to write.
    Append(Box<Draft>, Reply),
    /// A record that was taken in an emergency.
    Import(Box<Waiting>, Reply),
    /// These conduits are essential from now on. What was put aside before the start is in the log.
    Essential(BTreeSet<ConduitId>),
    /// Nothing follows.
    Close,
}

/// What is to be written.
pub(crate) enum Matter {
    Draft(Box<Draft>),
    Waiting(Box<Waiting>),
}

impl Matter {
    pub(crate) fn draft(&self) -> &Draft {
        match self {
            Self::Draft(draft) => draft,
            Self::Waiting(waiting) => &waiting.draft,
        }
    }

    pub(crate) fn encode(&self, stamp: &ledger::Stamp) -> Result<Vec<u8>, RestampError> {
        match self {
            Self::Draft(draft) => Ok(ledger::encode(stamp, draft)?),
            Self::Waiting(waiting) => ledger::restamp(&waiting.line, stamp),
        }
    }
}
