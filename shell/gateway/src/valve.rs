//! What of a running gateway can be moved by hand.

use crate::{Crossed, Gate, Inforce, Waiting, Word};
use plant::{Millis, Part, ProviderId, RecordId};
use std::sync::Arc;

/// The hand wheel of a gateway that runs: for those who control it, and know nothing of calls.
#[derive(Clone)]
pub struct Valve {
    pub(crate) gate: Arc<Gate>,
}

impl Valve {
    /// Shuts these parts and no others. In force when this returns: no new call goes there, and streams under way there
    /// are being cut.
    pub fn isolate(&self, parts: Vec<Part>) {
        self.gate.isolation.set(parts);
    }

    /// What is shut.
    #[must_use]
    pub fn isolated(&self) -> Vec<Part> {
        self.gate.isolation.parts()
    }

    /// Says which components may be used. In force when this returns, as with [`Self::isolate`].
    pub fn govern(&self, standing: inventory::Standing) {
        self.gate.isolation.govern(standing);
    }

    /// What is in force now.
    #[must_use]
    pub fn inforce(&self) -> Arc<Inforce> {
        self.gate.inforce.load_full()
    }

    /// The calls that wait for a person, the oldest first.
    #[must_use]
    pub fn holds(&self) -> Vec<Waiting> {
        self.gate.holds.list()
    }

    /// Which calls wait, and until when.
    #[must_use]
    pub fn waiting(&self) -> Vec<(RecordId, Millis)> {
        self.gate.holds.ends()
    }

    /// One of them.
    #[must_use]
    pub fn hold(&self, id: RecordId) -> Option<Waiting> {
        self.gate.holds.find(id)
    }

    /// Gives a person's word on one of them. `None` if it does not wait, or its caller has just left.
    #[must_use]
    pub fn decide(&self, id: RecordId, word: Word) -> Option<Waiting> {
        self.gate.holds.decide(id, word)
    }

    /// What has crossed since the gateway began, by conduit; under the empty name what came to none.
    #[must_use]
    pub fn crossed(&self) -> Vec<(String, Crossed)> {
        self.gate.metrics.flow.read()
    }

    /// How many exchanges are under way.
    #[must_use]
    pub fn under_way(&self) -> u64 {
        self.gate.metrics.going_on()
    }

    /// Each provider with a breaker, and where that stands, in a word: `closed`, `half-open`, `open`.
    #[must_use]
    pub fn breakers(&self) -> Vec<(ProviderId, &'static str)> {
        self.gate.inforce.load().breakers().states().map(|(id, state)| (id.clone(), state.name())).collect()
    }

    /// Whether calls are taken; what is wrong if not.
    ///
    /// # Errors
    /// Says in the plant's words why nothing is forwarded.
    pub fn readiness(&self) -> Result<(), String> {
        self.gate.readiness()
    }
}
