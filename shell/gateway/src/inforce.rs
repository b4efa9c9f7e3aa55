//! What is in force: one version of the plant, with everything that is made from it.

use crate::breakers::Breakers;
use crate::connection::Caller;
use crate::gallery::KnownPictures;
use crate::holds::HoldTerms;
use crate::intercept::Interception;
use crate::keys::OperatorKeys;
use crate::recorder::now;
use crate::tools::{Shown, Tools};
use crate::upstream::Upstream;
use fallback::Plan;
use guard::{Guard, Known, Watch};
use http::{HeaderMap, HeaderValue};
use identity::{Identified, Presented, Registry};
use inspect::{Inspector, Sinks};
use plant::{
    Answers, Conduit, ConduitId, Content, Dialect, Files, Handling, Keep, Millis, OperatorId, OperatorRole, Part,
    Plant, ProviderId, Reason, Refusal, SourceId, Tokens, Unapproved, Verdict, WorkloadId,
};
use policy::{Passage, Policy};
use quota::Counters;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::Endpoint;

/// One version of the plant in force. An exchange holds on to the version that it began with.
pub struct Inforce {
    policy: Policy,
    inspector: Arc<Inspector>,
    registry: Registry,
    upstreams: BTreeMap<ProviderId, Upstream>,
    operator_keys: Option<Arc<OperatorKeys>>,
    guard: Option<Arc<Guard>>,
    pictures: Option<KnownPictures>,
    pub(crate) engine: Option<Arc<ocr::Engine>>,
    shifts: Option<shift::Settings>,
    tools: Arc<Tools>,
    interception: Option<Box<Interception>>,
    origins: Vec<String>,
    pub(crate) shut: Vec<Part>,
    pub(crate) standing: inventory::Standing,
    pub(crate) holds: HoldTerms,
    pub(crate) failing: fallback::Settings,
    breakers: Breakers,
    quotas: Arc<quota::Settings>,
    pub(crate) used: Counters,
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
        Self {
            policy,
            inspector: Arc::new(inspector),
            registry,
            upstreams,
            operator_keys,
            guard: None,
            pictures: None,
            engine: None,
            shifts: None,
            interception: None,
            origins: Vec::new(),
            shut: Vec::new(),
            standing: inventory::Standing::default(),
            holds: HoldTerms::default(),
            tools: Arc::default(),
            failing: fallback::Settings::default(),
            breakers: Breakers::default(),
            quotas: Arc::default(),
            used: Counters::default(),
        }
    }

    /// The same within quotas.
    #[must_use]
    pub fn within(mut self, quotas: quota::Settings) -> Self {
        self.quotas = Arc::new(quotas);
        self
    }

    /// The same with what was used before, when a gateway starts with it.
    #[must_use]
    pub fn resuming(mut self, used: Counters) -> Self {
        self.used = used;
        self
    }

    /// The same with the origins of web pages that may account for answers.
    #[must_use]
    pub fn hearing(mut self, origins: Vec<String>) -> Self {
        self.origins = origins;
        self
    }

    pub(crate) fn origins(&self) -> &[String] {
        &self.origins
    }

    /// In how many milliseconds somebody must account for the answer of a passage; `None` if nobody must, or if what comes
    /// back is not for people.
    pub(crate) fn owed(&self, passage: &Passage, endpoint: Option<&Endpoint>) -> Option<u64> {
        let within = self.conduit(passage)?.oversight.within.filter(|_| endpoint.is_some_and(Endpoint::advises))?;
        Some(u64::try_from(within.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn quotas(&self) -> &Arc<quota::Settings> {
        &self.quotas
    }

    /// How much text a model is given to read, in bytes; nothing where nobody counts it.
    pub(crate) fn letters(&self, content: Option<&Content<'_>>) -> u64 {
        let content = content.filter(|_| !self.quotas.quotas.is_empty());
        content.into_iter().flat_map(|content| &content.pieces).map(|piece| piece.text.len() as u64).sum()
    }

    /// The same with what happens when providers fail.
    #[must_use]
    pub fn failing(mut self, failing: fallback::Settings) -> Self {
        self.breakers = Breakers::new(&failing.breakers, &self.breakers);
        self.failing = failing;
        self
    }

    /// The same with breakers as they stand in what it replaces: a reload makes no provider well.
    pub(crate) fn after(mut self, before: &Self) -> Self {
        self.breakers = Breakers::new(&self.failing.breakers, &before.breakers);
        // The same engine goes on with what it remembers, and with those who wait for it.
        if let (Some(own), Some(old)) = (&self.engine, &before.engine)
            && own.settings() == old.settings()
        {
            self.engine = Some(Arc::clone(old));
        }
        self
    }

    pub(crate) fn breakers(&self) -> &Breakers {
        &self.breakers
    }

    /// The steps for the time when a provider fails; none where the conduit names none.
    pub(crate) fn plan(&self, conduit: &ConduitId) -> Option<Plan> {
        self.failing.steps.get(conduit).map(|steps| Plan::new(Arc::clone(steps)))
    }

    /// Whether any provider is reached over gRPC.
    pub(crate) fn takes_grpc(&self) -> bool {
        self.plant().providers.values().any(|provider| provider.grpc.is_some())
    }

    /// Whether any conduit has steps.
    pub(crate) fn has_plans(&self) -> bool {
        !self.failing.steps.is_empty()
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

    /// The same with an engine that reads writing in pictures.
    #[must_use]
    pub fn reading(mut self, engine: Option<Arc<ocr::Engine>>) -> Self {
        self.engine = engine;
        self
    }

    /// The same with other terms for calls that wait for people.
    #[must_use]
    pub fn holding(mut self, holds: HoldTerms) -> Self {
        self.holds = holds;
        self
    }

    /// The same with parts that are isolated when a gateway starts with it: before it takes the first call. Later it is
    /// [`crate::Valve::isolate`] that says what is.
    #[must_use]
    pub fn isolating(mut self, parts: Vec<Part>) -> Self {
        self.shut = parts;
        self
    }

    /// The same with what is known of components when a gateway starts with it. Later it is [`crate::Valve::govern`] that says it.
    #[must_use]
    pub fn governing(mut self, standing: inventory::Standing) -> Self {
        self.standing = standing;
        self
    }

    /// The same with tools that were approved.
    #[must_use]
    pub fn approving(mut self, tools: Tools) -> Self {
        self.tools = Arc::new(tools);
        self
    }

    /// Refuses what a passage may not call on a server of tools.
    pub(crate) fn tools(&self, passage: &Passage, called: &[String]) -> Result<(), Refusal> {
        self.tools.check(passage, called)
    }

    /// What keeps tools out of the answer of a passage, if its provider is a server of tools.
    pub(crate) fn shown(&self, passage: &Passage) -> Option<Shown> {
        let provider = self.plant().providers.get(&passage.provider)?;
        let open = self.conduit(passage).and_then(|conduit| conduit.tools.clone());
        (provider.dialect == Dialect::Mcp).then(|| Shown::new(Arc::clone(&self.tools), provider.id.clone(), open))
    }

    /// The same with calls watched for shifts, or not.
    #[must_use]
    pub fn watching(mut self, shifts: Option<shift::Settings>) -> Self {
        self.shifts = shifts;
        self
    }

    /// The same with connections taken over, or not.
    #[must_use]
    pub fn intercepting(mut self, interception: Option<Interception>) -> Self {
        self.interception = interception.map(Box::new);
        self
    }

    /// What holds for connections that are taken over, if any are.
    pub(crate) fn interception(&self) -> Option<&Interception> {
        self.interception.as_deref()
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

    /// What decides calls.
    #[must_use]
    pub fn policy(&self) -> &Policy {
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

    /// The way to a provider as far as it can be looked at without a permit: whether it can be trusted.
    pub(crate) fn way_to(&self, provider: &ProviderId) -> Option<&Upstream> {
        self.upstreams.get(provider)
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
    pub(crate) fn sinks(&self, passage: &Passage, workload: &WorkloadId) -> Option<Sinks> {
        let own = &self.conduit(passage)?.answers;
        let withheld = self.withheld(passage, workload);
        if withheld.is_empty() {
            return (!own.is_open()).then(|| Sinks::new(own, Arc::clone(&self.inspector)));
        }
        let withhold = withheld.into_iter().chain(own.withhold.iter().cloned()).collect();
        Some(Sinks::new(&Answers { withhold, ..own.clone() }, Arc::clone(&self.inspector)))
    }

    /// What a server of tools may not bring: what is of data sources that the workload may not use. What a model says it was
    /// told by somebody, and that is judged where it is told.
    fn withheld(&self, passage: &Passage, workload: &WorkloadId) -> Vec<Handling> {
        let provider = self.plant().providers.get(&passage.provider);
        if provider.is_none_or(|provider| provider.dialect != Dialect::Mcp) {
            return Vec::new();
        }
        let (closed, unapproved) = self.policy.closed_sources(workload, &passage.conduit);
        let verdict = if unapproved == Unapproved::Refuse { Verdict::Refuse } else { Verdict::Redact };
        let labels = closed.into_iter().filter_map(SourceId::label);
        labels.map(|label| Handling { label, verdict, tokens: Tokens::Words }).collect()
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

    /// The pseudonym of a person whom a program names.
    pub(crate) fn pseudonym(&self, subject: &str) -> Result<OperatorId, Refusal> {
        self.registry.pseudonym(subject)
    }

    /// Whose operator token this is, by pseudonym, and the roles that the issuer states; apart from any call.
    pub async fn operator(&self, token: &str) -> Option<(OperatorId, Vec<OperatorRole>)> {
        let hear = |source: Option<&Arc<OperatorKeys>>| {
            let keys = source.and_then(|keys| keys.current());
            self.registry.operator(token, keys.as_deref(), now())
        };
        match hear(self.operator_keys.as_ref()) {
            Err(true) => {
                self.operator_keys.as_ref()?.refreshed().await?;
                hear(self.operator_keys.as_ref()).ok()
            }
            heard => heard.ok(),
        }
    }

    /// Who has signed in: whose ID token this is, if it counts and was made for this client and this sign-in.
    pub async fn signed_in(&self, token: &str, client: &str, nonce: &str) -> Option<(OperatorId, Vec<OperatorRole>)> {
        let person = self.operator(token).await?;
        let keys = self.operator_keys.as_ref()?.current()?;
        self.registry.answers(token, &keys, client, nonce).then_some(person)
    }

    /// What will be wrong at `then` with the evidence of a call that is good now.
    pub(crate) fn lapse(&self, caller: &Caller, headers: &HeaderMap, then: Millis) -> Option<Refusal> {
        self.identified(caller, headers, then).refusal
    }

    pub(crate) fn identified(&self, caller: &Caller, headers: &HeaderMap, at: Millis) -> Identified {
        let certificate = caller.certificate();
        let values = |name: &'static str| headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let mut presented = Presented::read(certificate.as_deref(), values);
        if let Some(via) = &caller.via {
            let workload = self.interception().and_then(|one| one.workload_at(caller.peer.ip()));
            presented = presented.and_token(via.token.as_deref()).from_address(workload);
        }
        let keys = self.operator_keys.as_ref().and_then(|keys| keys.current());
        self.registry.identify(&presented, keys.as_deref(), at)
    }
}
