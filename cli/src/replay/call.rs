//! A call as far as its record tells it.

use ledger::Entry;
use plant::{
    Dialect, Evidence, Finding, Identity, Kind, Label, Millis, OperatorId, Principal, WorkloadId, WorkstationId,
};
use std::net::IpAddr;
use wire::Endpoint;

/// What a call is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// What was kept of it, read again.
    Content,
    /// What was found in it then.
    Findings,
    /// Its head alone: it was refused before anybody read more.
    Head,
}

impl Basis {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Findings => "findings",
            Self::Head => "head",
        }
    }
}

/// A call that left, or was refused.
#[derive(Clone)]
pub(super) struct Recorded {
    pub(super) id: String,
    pub(super) seq: u64,
    pub(super) at: Millis,
    pub(super) principal: Principal,
    pub(super) peer: IpAddr,
    pub(super) provider: String,
    pub(super) dialect: Option<Dialect>,
    /// The endpoint's name, or method and path of an unknown one.
    pub(super) endpoint: String,
    pub(super) purpose: Option<String>,
    pub(super) model: Option<String>,
    pub(super) stream: bool,
    pub(super) tools: Vec<String>,
    /// Length of the request as it came, in bytes.
    pub(super) bytes: u64,
    /// Whether it was read before it was decided.
    pub(super) read: bool,
    pub(super) findings: Vec<(Label, usize)>,
    pub(super) verdict: String,
    pub(super) reason: Option<String>,
    pub(super) conduit: Option<String>,
    /// What a person said, where it waited for one.
    pub(super) held: bool,
    /// Whether it left.
    pub(super) left: bool,
}

impl Recorded {
    /// The call of an `intent` or a `refuse` record; nothing of other records, and of calls of nobody.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        entry.kind().filter(|kind| matches!(kind, Kind::Intent | Kind::Refuse))?;
        let text = |path: &str| entry.text(path).map(str::to_owned);
        let dialect = |name: &str| Dialect::NAMES.iter().find(|(known, _)| *known == name).map(|(_, dialect)| *dialect);
        Some(Self {
            id: entry.id().to_string(),
            seq: entry.seq(),
            at: entry.t(),
            principal: principal(entry),
            peer: entry.text("who.peer")?.parse().ok()?,
            provider: text("what.provider")?,
            dialect: entry.text("what.dialect").and_then(dialect),
            endpoint: text("what.endpoint")?,
            purpose: text("where.purpose"),
            model: text("what.model"),
            stream: entry.at("what.stream").and_then(serde_json::Value::as_bool).unwrap_or_default(),
            tools: list(entry, "what.tools").filter_map(|one| one.as_str().map(str::to_owned)).collect(),
            bytes: entry.number("io.request_bytes").unwrap_or_default(),
            read: entry.text("what.sensitivity").is_some(),
            findings: list(entry, "what.findings").filter_map(found).collect(),
            verdict: text("dec.verdict")?,
            reason: text("dec.reason"),
            conduit: text("where.conduit"),
            held: entry.text("note.hold").is_some(),
            left: entry.kind() == Some(Kind::Intent),
        })
    }

    pub(super) fn workload(&self) -> &str {
        self.principal.workload.known().map_or("-", |(id, _)| id.as_str())
    }

    /// The endpoint, if its dialect knows it.
    pub(super) fn known(&self) -> Option<Endpoint> {
        let mut named = self.named().filter(|one| !one.is_grpc());
        named.clone().find(Endpoint::has_body).or_else(|| named.next())
    }

    /// The endpoint that takes these bytes: the same by name over gRPC, where a message begins as no other body does.
    pub(super) fn taking(&self, bytes: &[u8]) -> Option<Endpoint> {
        let framed = bytes.first() == Some(&0);
        self.named().find(|one| one.is_grpc() && framed).or_else(|| self.known())
    }

    fn named(&self) -> impl Iterator<Item = Endpoint> + Clone {
        wire::endpoints().filter(|one| Some(one.dialect()) == self.dialect && one.name() == self.endpoint)
    }

    /// Method and path: of an unknown endpoint as they were, of a known one those that it goes by.
    pub(super) fn target(&self) -> (&str, &str) {
        match (self.known(), self.endpoint.split_once(' ')) {
            (Some(known), _) => (known.method(), known.pattern()),
            (None, Some((method, path))) => (method, path),
            (None, None) => ("POST", self.endpoint.as_str()),
        }
    }

    /// What is recorded beyond these findings, by label.
    pub(super) fn beyond(&self, findings: &[Finding]) -> Vec<(Label, usize)> {
        let there = |label: &Label| findings.iter().filter(|finding| finding.label == *label).count();
        let left = |(label, count): &(Label, usize)| (label.clone(), count.saturating_sub(there(label)));
        self.findings.iter().map(left).filter(|(_, count)| *count > 0).collect()
    }
}

fn list<'a>(entry: &'a Entry, path: &str) -> impl Iterator<Item = &'a serde_json::Value> {
    entry.at(path).and_then(serde_json::Value::as_array).into_iter().flatten()
}

/// A label, and how often it was found.
fn found(value: &serde_json::Value) -> Option<(Label, usize)> {
    let label = Label::new(value.get("label")?.as_str()?).ok()?;
    Some((label, usize::try_from(value.get("count")?.as_u64()?).ok()?))
}

fn principal(entry: &Entry) -> Principal {
    fn party<T>(entry: &Entry, who: &str, read: impl Fn(&str) -> Option<T>) -> Identity<T> {
        let text = |key: &str| entry.text(&format!("who.{who}.{key}"));
        let Some((id, by)) = text("id").and_then(&read).zip(text("by")) else { return Identity::Absent };
        let all = [Evidence::Certificate, Evidence::Token, Evidence::Oidc, Evidence::Address];
        match all.into_iter().find(|evidence| evidence.name() == by) {
            Some(evidence) => Identity::Proved(id, evidence),
            None => Identity::Asserted(id),
        }
    }
    Principal {
        workload: party(entry, "workload", |id| WorkloadId::new(id).ok()),
        workstation: party(entry, "workstation", |id| WorkstationId::new(id).ok()),
        operator: party(entry, "operator", |id| OperatorId::new(id).ok()),
        ..Principal::unknown()
    }
}
