//! The gate shut by hand: which parts of the traffic are isolated, which components are out of service, and who under way is told
//! so at once.
//!
//! ```text
//! isolate ── parts stored ── alarm ──> every exchange that waits looks: mine? cut : go on waiting
//! ```
//!
//! While nothing is isolated and nothing is cut, an exchange pays one atomic load.

use crate::{GOODBYE, Inforce};
use arc_swap::ArcSwap;
use inventory::Standing;
use plant::{Body, Part, Plant, Reason, Refusal};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// What is shut, and the alarm that wakes those under way.
pub(crate) struct Isolation {
    /// Whether there is anything to look at.
    /// INVARIANT: set before what it is about and before the alarm rings, and never unset.
    raised: AtomicBool,
    cutting: AtomicBool,
    parts: ArcSwap<Vec<Part>>,
    /// Which components of a call may be used.
    standing: ArcSwap<Standing>,
    alarm: Notify,
}

impl Isolation {
    pub(crate) fn new(parts: Vec<Part>, standing: Standing) -> Self {
        Self {
            raised: AtomicBool::new(!parts.is_empty() || !standing.is_open()),
            standing: ArcSwap::from_pointee(standing),
            cutting: AtomicBool::new(false),
            parts: ArcSwap::from_pointee(parts),
            alarm: Notify::new(),
        }
    }

    /// Shuts these parts and no others, for exchanges under way too.
    pub(crate) fn set(&self, parts: Vec<Part>) {
        // Raised for good: a gateway that has been isolated once pays for a look at an empty list from then on, and no
        // order of two changes and a cut can leave the flag unset where it must not be.
        self.raised.fetch_or(!parts.is_empty(), Ordering::SeqCst);
        self.parts.store(parts.into());
        self.alarm.notify_waiters();
    }

    /// Says which components may be used, for exchanges under way too.
    pub(crate) fn govern(&self, standing: Standing) {
        self.raised.fetch_or(!standing.is_open(), Ordering::SeqCst);
        self.standing.store(standing.into());
        self.alarm.notify_waiters();
    }

    /// What is shut.
    pub(crate) fn parts(&self) -> Vec<Part> {
        self.parts.load().as_ref().clone()
    }

    /// Cuts every exchange under way: the grace is over.
    pub(crate) fn cut(&self) {
        self.cutting.store(true, Ordering::SeqCst);
        self.raised.store(true, Ordering::SeqCst);
        self.alarm.notify_waiters();
    }

    /// Why a call may not go on, if it may not.
    pub(crate) fn stops(&self, call: &Body, inforce: &ArcSwap<Inforce>) -> Option<Refusal> {
        if !self.raised.load(Ordering::Acquire) {
            return None;
        }
        if self.cutting.load(Ordering::Acquire) {
            return Some(Refusal::new(Reason::ShuttingDown, "the grace was over"));
        }
        self.refusal(call, inforce.load().plant())
    }

    #[cold]
    fn refusal(&self, call: &Body, plant: &Plant) -> Option<Refusal> {
        let parts = self.parts.load();
        let part = parts.iter().find(|part| part.holds(call, plant));
        let isolated = part.map(|part| Refusal::new(Reason::Isolated, format!("`{part}` is isolated")));
        isolated.or_else(|| self.standing.load().stops(call))
    }

    /// Waits until a call may not go on; says why.
    pub(crate) async fn stopped(&self, call: &Body, inforce: &ArcSwap<Inforce>) -> Refusal {
        self.until(|| self.stops(call, inforce)).await
    }

    /// Waits until whatever was cut has had its time to say goodbye.
    pub(crate) async fn gone(&self) {
        self.until(|| self.cutting.load(Ordering::Acquire).then_some(())).await;
        tokio::time::sleep(GOODBYE).await;
    }

    /// Looks now and at each alarm, until there is something.
    async fn until<T>(&self, look: impl Fn() -> Option<T>) -> T {
        loop {
            // Begun before the look: an alarm in between is not lost.
            let alarm = self.alarm.notified();
            if let Some(seen) = look() {
                return seen;
            }
            alarm.await;
        }
    }
}
