//! The breakers of providers that have one: whom calls may be sent to now, and what their ends tell of them.

use crate::Gate;
use crate::recorder::{draw_id, now};
use fallback::{Breaker, Breaking, Change, Ended, Pass, State, Trouble};
use plant::{Body, Draft, Kind, Millis, Note, ProviderId, Reason, Refusal};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The breakers in force. A provider that has none is not here, and its calls look no further.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breakers(BTreeMap<ProviderId, Arc<Mutex<Breaker>>>);

impl Breakers {
    /// Breakers as set; those that were set the same before go on as they stand.
    pub(crate) fn new(set: &BTreeMap<ProviderId, Breaking>, before: &Self) -> Self {
        let one = |(id, breaking): (&ProviderId, &Breaking)| {
            let kept = before.0.get(id).filter(|breaker| lock(breaker).settings() == breaking);
            let breaker = kept.cloned().unwrap_or_else(|| Arc::new(Mutex::new(Breaker::new(*breaking))));
            (id.clone(), breaker)
        };
        Self(set.iter().map(one).collect())
    }

    /// Lets a call pass to a provider.
    ///
    /// # Errors
    /// When the provider rests; beside the refusal for how long.
    pub(crate) fn admit(&self, gate: &Gate, provider: &ProviderId) -> Result<Option<Trial>, (Refusal, Duration)> {
        let Some(breaker) = self.0.get(provider) else { return Ok(None) };
        let now = uptime();
        let (before, admitted, after) = {
            let mut breaker = lock(breaker);
            (breaker.state(), breaker.admit(now), breaker.state())
        };
        if before != after {
            gate.turned(provider, Change { from: before, to: after });
        }
        match admitted {
            Ok(pass) => Ok(Some(Trial { breaker: Arc::clone(breaker), provider: provider.clone(), pass: Some(pass) })),
            Err(rest) => {
                let left = Duration::from_millis(rest.until.0.saturating_sub(now.0));
                let detail = format!("`{provider}` failed too often and is tried again in {} s", seconds(left));
                Err((Refusal::new(Reason::ProviderResting, detail), left))
            }
        }
    }

    /// Each provider with a breaker, and where that stands.
    pub(crate) fn states(&self) -> impl Iterator<Item = (&ProviderId, State)> {
        self.0.iter().map(|(id, breaker)| (id, lock(breaker).state()))
    }
}

/// Whole seconds, rounded up: what a caller is told to wait.
pub(crate) fn seconds(left: Duration) -> u64 {
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

/// A call that a breaker let pass, until it is known what it tells of the provider. Dropped, it tells nothing.
#[derive(Debug)]
pub(crate) struct Trial {
    breaker: Arc<Mutex<Breaker>>,
    provider: ProviderId,
    pass: Option<Pass>,
}

impl Trial {
    /// The provider answered, or failed.
    pub(crate) fn ended(mut self, gate: &Gate, how: Ended) {
        let change = self.pass.take().and_then(|pass| lock(&self.breaker).ended(&pass, how, uptime()));
        if let Some(change) = change {
            gate.turned(&self.provider, change);
        }
    }

    /// The call failed for this reason.
    pub(crate) fn failed(self, gate: &Gate, reason: Reason) {
        let how = match Trouble::of_reason(reason) {
            Some(Trouble::Unreachable | Trouble::Slow | Trouble::Broken) => Ended::Badly,
            _ => Ended::Neither,
        };
        self.ended(gate, how);
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            // Whoever left in the middle of a probe makes room for the next: nothing turns by that.
            let _ = lock(&self.breaker).ended(&pass, Ended::Neither, uptime());
        }
    }
}

impl Gate {
    /// Tells that a breaker has turned.
    fn turned(&self, provider: &ProviderId, change: Change) {
        let (from, to) = (change.from.name(), change.to.name());
        tracing::warn!(%provider, from, to, "a breaker has turned");
        let note = BTreeMap::from([
            ("event", Note::text("breaker")),
            ("provider", Note::text(provider.as_str())),
            ("from", Note::text(from)),
            ("to", Note::text(to)),
        ]);
        let body = Body { note, ..Body::default() };
        self.record(Draft { kind: Kind::Alert, id: draw_id(now()), reference: None, body });
    }
}

/// Time on a clock that is never set.
pub(crate) fn uptime() -> Millis {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Millis(u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// A panic elsewhere spoils nothing: a breaker is whole between any two statements.
fn lock(breaker: &Mutex<Breaker>) -> MutexGuard<'_, Breaker> {
    breaker.lock().unwrap_or_else(PoisonError::into_inner)
}
