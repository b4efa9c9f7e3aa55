//! One of the two plants that recorded calls are held against.

use super::call::Recorded;
use crate::assemble;
use crate::secrets::PlantKey;
use config::Loaded;
use gateway::{KnownPictures, Opened, Scribe};
use inspect::Inspector;
use plant::{
    Conduit, ConduitId, Finding, Label, OperatorRequirement, Principal, Reason, Refusal, RuleId, Verdict, Writing,
};
use policy::{Asked, Call, Case, Decision, Passage, Policy};
use std::collections::BTreeSet;
use std::sync::Arc;
use wire::{Limits, Request};

/// Most findings of one label that a decision is asked about: whether there are more changes nothing.
const MOST: usize = 64;

/// A plant, with what decides and what reads.
pub(super) struct Side {
    pub(super) loaded: Loaded,
    policy: Policy,
    pub(super) inspector: Arc<Inspector>,
    pictures: Option<KnownPictures>,
    engine: Option<Arc<ocr::Engine>>,
}

/// Kept content, read by one of them.
pub(super) struct Read<'a> {
    request: Request<'a>,
    opened: Opened,
    pub(super) findings: Vec<Finding>,
}

/// What one of them decides.
pub(super) struct Ruling {
    /// `None` where the call would be read now, and nobody knows what it held.
    pub(super) verdict: Option<Verdict>,
    pub(super) reason: Option<Reason>,
    pub(super) conduit: Option<ConduitId>,
    pub(super) provider: Option<String>,
    /// What is done with what was found, by label.
    pub(super) done: BTreeSet<(Label, &'static str)>,
    pub(super) detail: String,
}

impl Side {
    /// Without the plant's key, what was registered cannot be known again; it counts as it was found then.
    pub(super) fn of(loaded: Loaded, key: Option<&PlantKey>) -> miette::Result<Self> {
        let (inspector, pictures) = assemble::eyes(&loaded, key)?;
        Ok(Self {
            policy: assemble::policy(&loaded)?,
            inspector: Arc::new(inspector),
            pictures,
            engine: assemble::engine(&loaded),
            loaded,
        })
    }

    /// Who calls, with what the conduit that let it pass asks of an operator.
    pub(super) fn principal(&self, call: &Recorded) -> Principal {
        let conduit = call.conduit.as_deref().and_then(|id| ConduitId::new(id).ok());
        let conduit = conduit.and_then(|id| self.loaded.plant.conduits.get(&id));
        let authentication = match conduit.map(|conduit| &conduit.operator) {
            Some(OperatorRequirement::Required { assurance }) => assurance.clone(),
            Some(OperatorRequirement::Optional) | None => Vec::new(),
        };
        Principal { authentication, ..call.principal.clone() }
    }

    /// Reads kept content again; nothing if this cannot.
    pub(super) fn read<'a>(&self, call: &Recorded, bytes: &'a [u8]) -> Option<Read<'a>> {
        let endpoint = call.taking(bytes)?;
        let mut request = Request::parse(endpoint, endpoint.content_type(), bytes, &Limits::default()).ok()?;
        let mut scribe = self.engine.as_deref().and_then(|engine| Scribe::reading(engine, Writing::Read));
        let opened = gateway::open_files(&mut request, self.pictures.as_ref(), scribe.as_mut()).ok()?;
        let findings = opened.with_pictures(self.inspector.read(request.content()).ok()?);
        Some(Read { request, opened, findings })
    }

    /// Decides a call: by what is read of it, and by what else was found then.
    pub(super) fn rule(
        &self,
        call: &Recorded,
        principal: &Principal,
        read: Option<&Read<'_>>,
        gone: &[(Label, usize)],
    ) -> Ruling {
        self.judge(call, principal, read, gone).unwrap_or_else(Ruling::refused)
    }

    fn judge(
        &self,
        call: &Recorded,
        principal: &Principal,
        read: Option<&Read<'_>>,
        gone: &[(Label, usize)],
    ) -> Result<Ruling, Refusal> {
        let (method, path) = call.target();
        let named = !call.endpoint.contains(' ');
        let head = Call {
            provider: &call.provider,
            endpoint: named.then_some(call.endpoint.as_str()),
            method,
            path,
            purpose: call.purpose.as_deref(),
        };
        let placed = self.policy.place(principal, call.peer, &head, call.at);
        let crossing = placed.map_err(|misplaced| misplaced.refusal)?;
        let most = crossing.bounds().request;
        if call.bytes > most {
            let detail = format!("the body has {} bytes, and may have {most}", call.bytes);
            return Err(Refusal::new(Reason::BodyTooLarge, detail));
        }
        if !call.read {
            let conduit = crossing.conduit().cloned();
            return Ok(Ruling { conduit, ..Ruling::nothing("it would be read and decided".to_owned()) });
        }
        let mut findings = read.map(|read| read.findings.clone()).unwrap_or_default();
        findings.extend(gone.iter().flat_map(|(label, count)| self.again(label, *count)));
        let fixed = |index: usize, conduit: &Conduit| {
            read.is_some_and(|read| {
                read.findings.get(index).is_some_and(|one| read.opened.is_fixed(&read.request, one, conduit))
            })
        };
        let asked = Asked { model: call.model.as_deref(), stream: call.stream, tools: &call.tools };
        let case = Case { principal, crossing: &crossing, asked, findings: &findings, fixed: &fixed, now: call.at };
        let decided = self.policy.decide(&case);
        match decided.decision {
            Decision::Permit(permit) => Ok(Ruling::passes(&permit.spend(), &findings)),
            Decision::Hold(held) => {
                let detail = held.to_string();
                Ok(Ruling { verdict: Some(Verdict::Hold), detail, ..Ruling::passes(held.terms(), &findings) })
            }
            Decision::Refuse(refusal) => Err(refusal),
        }
    }

    /// What was found then and cannot be read now, as sensitive as this plant holds it.
    fn again(&self, label: &Label, count: usize) -> impl Iterator<Item = Finding> {
        let sensitivity = self.loaded.inspect.sensitivity(label);
        let finding = RuleId::new("recorded").ok().map(|rule| Finding {
            label: label.clone(),
            sensitivity,
            piece: usize::MAX,
            span: 0..0,
            rule,
        });
        finding.into_iter().flat_map(move |finding| std::iter::repeat_n(finding, count.min(MOST)))
    }
}

impl Ruling {
    fn nothing(detail: String) -> Self {
        Self { verdict: None, reason: None, conduit: None, provider: None, done: BTreeSet::new(), detail }
    }

    pub(super) fn refused(Refusal { reason, detail, .. }: Refusal) -> Self {
        Self { verdict: Some(Verdict::Refuse), reason: Some(reason), ..Self::nothing(detail) }
    }

    fn passes(passage: &Passage, findings: &[Finding]) -> Self {
        let done = [("redact", &passage.redact), ("generalise", &passage.generalise), ("tokenise", &passage.tokenise)];
        let label = |index: &usize| findings.get(*index).map(|finding| finding.label.clone());
        let done =
            done.into_iter().flat_map(|(what, indices)| indices.iter().filter_map(label).map(move |one| (one, what)));
        Self {
            verdict: Some(passage.verdict),
            reason: None,
            conduit: Some(passage.conduit.clone()),
            provider: Some(passage.provider.to_string()),
            done: done.collect(),
            detail: String::new(),
        }
    }

    /// Whether a call passes somehow: what leaves with it, and whether a person is asked first, is another matter.
    pub(super) fn lets_pass(&self) -> bool {
        self.verdict != Some(Verdict::Refuse)
    }

    pub(super) fn differ(one: &Self, other: &Self) -> bool {
        let key = |ruling: &Self| (ruling.verdict, ruling.reason, ruling.provider.clone());
        key(one) != key(other) || one.conduit != other.conduit || one.done != other.done
    }

    /// Whether it is what the record says.
    pub(super) fn agrees(&self, call: &Recorded) -> bool {
        let verdict = match self.verdict {
            Some(Verdict::Hold) if call.held => return true,
            Some(verdict) => verdict.name(),
            None => return false,
        };
        verdict == call.verdict && self.reason.map(Reason::code) == call.reason.as_deref()
    }

    /// Roles, and how an operator signed in, are not in records.
    pub(super) fn asks_what_is_not_recorded(&self) -> bool {
        self.reason == Some(Reason::OperatorAssurance)
    }

    /// In a few words: `redact person`, `refuse (no-conduit)`.
    pub(super) fn words(&self) -> String {
        let verdict = self.verdict.map_or("read", Verdict::name);
        if let Some(reason) = self.reason {
            return format!("{verdict} ({})", reason.code());
        }
        let done: Vec<String> = self.done.iter().map(|(label, what)| format!("{what} {label}")).collect();
        let words = if done.is_empty() { verdict.to_owned() } else { done.join(", ") };
        match (self.verdict, &self.provider) {
            (Some(Verdict::Reroute), Some(provider)) => format!("{words} to {provider}"),
            (Some(Verdict::Hold), _) => format!("hold, {words}").replace("hold, hold", "hold"),
            _ => words,
        }
    }
}
