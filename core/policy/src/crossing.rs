//! A call placed on the map: where it comes from, where it goes, across which conduit, what for.

use plant::{Bounds, Conduit, ConduitId, Provider, ProviderId, Purpose, Refusal, WorkloadId, ZoneId};
use std::sync::Arc;

/// What the head of a request says about where it wants to go.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The first step of the path.
    pub provider: &'a str,
    /// The endpoint's name, if the provider's dialect knows it.
    pub endpoint: Option<&'a str>,
    /// The HTTP method.
    pub method: &'a str,
    /// The path below the provider, without query.
    pub path: &'a str,
    /// The purpose that the caller states, if it does.
    pub purpose: Option<&'a str>,
}

/// A call placed on the map. Only [`crate::Policy::place`] makes it, and nothing but its limits changes afterwards.
#[derive(Clone, Debug)]
pub struct Crossing {
    pub(crate) zone: ZoneId,
    pub(crate) workload: WorkloadId,
    pub(crate) provider: Arc<Provider>,
    pub(crate) purpose: Purpose,
    /// INVARIANT: never empty; sorted by name; each admits the call as far as its head says.
    pub(crate) conduits: Vec<Arc<Conduit>>,
    pub(crate) endpoint: String,
    pub(crate) opaque: bool,
    bounds: Bounds,
}

/// How far placing got before it was refused, so that the record can say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// The provider, once it is known to exist.
    pub provider: Option<ProviderId>,
    /// The zone of origin, once workload and network agree on it.
    pub zone: Option<ZoneId>,
    /// The conduit, once only one is left.
    pub conduit: Option<ConduitId>,
    /// The purpose, once it is known to be allowed.
    pub purpose: Option<Purpose>,
}

/// A call that could not be placed.
#[derive(Clone, Debug)]
pub struct Misplaced {
    /// How far it got.
    pub place: Partial,
    /// Why it goes no further.
    pub refusal: Refusal,
}

impl Crossing {
    pub(crate) fn new(
        zone: ZoneId,
        workload: WorkloadId,
        provider: Arc<Provider>,
        purpose: Purpose,
        conduits: Vec<Arc<Conduit>>,
        endpoint: String,
        opaque: bool,
    ) -> Self {
        debug_assert!(!conduits.is_empty(), "placing refuses when no conduit is left");
        let bounds = tightest(&conduits);
        Self { zone, workload, provider, purpose, conduits, endpoint, opaque, bounds }
    }

    /// The workload that calls.
    #[must_use]
    pub fn workload(&self) -> &WorkloadId {
        &self.workload
    }

    /// The zone that the call comes from.
    #[must_use]
    pub fn zone(&self) -> &ZoneId {
        &self.zone
    }

    /// The provider that the call wants to reach.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// What the call is for.
    #[must_use]
    pub fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// The conduit that it crosses, if only one admits it. Otherwise [`crate::Passage::conduit`] says which.
    #[must_use]
    pub fn conduit(&self) -> Option<&ConduitId> {
        sole(&self.conduits)
    }

    /// The endpoint's name, or method and path of an opaque one, cut to 120 characters.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether the call passes unread.
    #[must_use]
    pub fn opaque(&self) -> bool {
        self.opaque
    }

    /// Limits of size and time until the decision. Where several conduits admit the call, the tightest of each.
    #[must_use]
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The same within tighter limits, where a caller waits no longer.
    #[must_use]
    pub fn hurried(mut self, tighten: impl FnOnce(&mut Bounds)) -> Self {
        tighten(&mut self.bounds);
        self
    }

    /// The crossing as a refusal's record tells it.
    #[must_use]
    pub fn as_partial(&self) -> Partial {
        Partial {
            provider: Some(self.provider.id.clone()),
            zone: Some(self.zone.clone()),
            conduit: self.conduit().cloned(),
            purpose: Some(self.purpose.clone()),
        }
    }
}

/// The conduit, if it is the only one.
pub(crate) fn sole(conduits: &[Arc<Conduit>]) -> Option<&ConduitId> {
    match conduits {
        [only] => Some(&only.id),
        _ => None,
    }
}

fn tightest(conduits: &[Arc<Conduit>]) -> Bounds {
    let mut all = conduits.iter().map(|one| &one.bounds);
    let first = all.next().cloned().unwrap_or_default();
    all.fold(first, |least, next| Bounds {
        request: least.request.min(next.request),
        depth: least.depth.min(next.depth),
        answer: least.answer.min(next.answer),
        first_byte: least.first_byte.min(next.first_byte),
        idle: least.idle.min(next.idle),
        total: least.total.min(next.total),
        // The shorter one, where both have one.
        audio: least.audio.into_iter().chain(next.audio).min(),
    })
}
