//! What is in force: one version of the plant, with everything that is made from it.

use crate::connection::Caller;
use crate::gallery::KnownPictures;
use crate::keys::OperatorKeys;
use crate::recorder::now;
use crate::upstream::Upstream;
use guard::{Guard, Known, Watch};
use http::{HeaderMap, HeaderValue};
use identity::{Identified, Presented, Registry};
use inspect::{Inspector, Sinks};
use plant::{Conduit, Content, Files, Keep, Millis, Plant, ProviderId, Reason, Refusal};
use policy::{Passage, Policy};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One version of the plant in force. An exchange holds on to the version that it began with.
pub struct Inforce {
    policy: Policy,
    inspector: Arc<Inspector>,
    registry: Registry,
    upstreams: BTreeMap<ProviderId, Upstream>,
    operator_keys: Option<Arc<OperatorKeys>>,
    guard: Option<Arc<Guard>>,
    pictures: Option<KnownPictures>,
    shifts: Option<shift::Settings>,
}

impl Inforce {
    /// Joins what was made from one plant file.
    #[must_use]
    pub fn new(
        policy: Policy,
        inspector: Inspector,
        registry: Registry,
        upstreams: BTreeMap<ProviderId, Upstream>,
        operator_keys: Option<Arc<OperatorKeys>>,
    ) -> Self {
        let (guard, pictures, shifts) = (None, None, None);
        Self { policy, inspector: Arc::new(inspector), registry, upstreams, operator_keys, guard, pictures, shifts }
    }

    /// The same with limits that answers are held against.
    #[must_use]
    pub fn guarded(mut self, guard: Arc<Guard>) -> Self {
        self.guard = Some(guard).filter(|guard| !guard.idle());
        self
    }

    /// The same with pictures that are known again.
    #[must_use]
    pub fn knowing(mut self, pictures: Option<KnownPictures>) -> Self {
        self.pictures = pictures;
        self
    }

    pub(crate) fn pictures(&self) -> Option<&KnownPictures> {
        self.pictures.as_ref()
    }

    /// The same with calls watched for shifts, or not.
    #[must_use]
    pub fn watching(mut self, shifts: Option<shift::Settings>) -> Self {
        self.shifts = shifts;
        self
    }

    /// What makes a change in calls a shift, if that is watched.
    pub(crate) fn shifts(&self) -> Option<&shift::Settings> {
        self.shifts.as_ref()
    }

    /// The plant.
    #[must_use]
    pub fn plant(&self) -> &Plant {
        self.policy.plant()
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn inspector(&self) -> &Inspector {
        &self.inspector
    }

    /// The way to where a passage leads. Only a spent permit opens it.
    pub(crate) fn upstream(&self, passage: &Passage) -> Result<&Upstream, Refusal> {
        let known = self.upstreams.get(&passage.provider);
        known.ok_or_else(|| Refusal::new(Reason::ProviderUnreachable, "the provider was not prepared"))
    }

    /// The conduit of a passage.
    fn conduit(&self, passage: &Passage) -> Option<&Conduit> {
        self.plant().conduits.get(&passage.conduit)
    }

    /// What the conduit of a passage does with files.
    pub(crate) fn files(&self, passage: &Passage) -> Files {
        self.conduit(passage).map(|conduit| conduit.files).unwrap_or_default()
    }

    /// What watches the answer to a conversation, where tags have limits.
    pub(crate) fn watch(&self, passage: &Passage, content: Option<&Content<'_>>) -> Option<Watch> {
        let (guard, content) = (self.guard.as_ref()?, content?);
        let acts = self.conduit(passage).map(|conduit| conduit.guarding).unwrap_or_default();
        let mut known = Known::default();
        for piece in content.pieces.iter().filter(|piece| piece.attachment.is_none()) {
            guard.hear(&piece.text, &mut known);
        }
        Some(Watch::new(Arc::clone(guard), acts, known))
    }

    /// Whether a text is the plant's own, so that nothing may be passed off as it: it knows it, or has limits for it.
    pub(crate) fn owns(&self, text: &str) -> bool {
        self.inspector.owns(text) || self.guard.as_ref().is_some_and(|guard| guard.names(text))
    }

    /// Whether the conduit of a passage keeps content.
    pub(crate) fn keeps(&self, passage: &Passage) -> bool {
        self.conduit(passage).is_some_and(|conduit| conduit.keep == Keep::Content)
    }

    /// What makes the answer of a passage safe to show, if its conduit asks for anything.
    pub(crate) fn sinks(&self, passage: &Passage) -> Option<Sinks> {
        let answers = &self.conduit(passage)?.answers;
        (!answers.is_open()).then(|| Sinks::new(answers, Arc::clone(&self.inspector)))
    }
}

impl Inforce {
    /// Who calls. Fetches the operators' keys anew, once, if the token names one that we do not know.
    pub(crate) async fn identify(&self, caller: &Caller, headers: &HeaderMap) -> Identified {
        let identified = self.identified(caller, headers, now());
        let identified = match &self.operator_keys {
            Some(source) if identified.unknown_key => match source.refreshed().await {
                Some(_) => self.identified(caller, headers, now()),
                None => identified,
            },
            _ => identified,
        };
        for remark in &identified.remarks {
            tracing::debug!(peer = %caller.peer.ip(), remark = remark.name(), "about a caller");
        }
        identified
    }

    /// What will be wrong at `then` with the evidence of a call that is good now.
    pub(crate) fn lapse(&self, caller: &Caller, headers: &HeaderMap, then: Millis) -> Option<Refusal> {
        self.identified(caller, headers, then).refusal
    }

    fn identified(&self, caller: &Caller, headers: &HeaderMap, at: Millis) -> Identified {
        let certificate = caller.certificate();
        let values = |name: &'static str| headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let presented = Presented::read(certificate.as_deref(), values);
        let keys = self.operator_keys.as_ref().and_then(|keys| keys.current());
        self.registry.identify(&presented, keys.as_deref(), at)
    }
}
