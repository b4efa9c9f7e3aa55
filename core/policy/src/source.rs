//! Which data sources a call may carry something of: those that its workload may use and its conduit lets cross.

use crate::Policy;
use crate::steps::{Stage, Trace};
use plant::{
    Closed, Conduit, ConduitId, Finding, Reason, Refusal, RuleId, SourceId, Unapproved, Verdict, Workload, WorkloadId,
};
use std::collections::{BTreeMap, BTreeSet};

/// Who a source is closed to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum To {
    Workload,
    Conduit,
}

/// The sources that are looked for, for one call on one conduit.
pub(crate) struct Sources<'a> {
    workload: &'a Workload,
    pub(crate) conduit: &'a Conduit,
}

/// The sources in a request that it may not hold, each with why.
#[derive(Default)]
pub(crate) struct Unopened<'a> {
    names: BTreeMap<&'a str, (To, Closed)>,
    rules: BTreeSet<&'a RuleId>,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(workload: &'a Workload, conduit: &'a Conduit) -> Self {
        Self { workload, conduit }
    }

    /// What is done with a finding, if it is of a source that the call may not use. Handling may refuse it besides; it lets none pass.
    pub(crate) fn verdict(&self, finding: &Finding, handling: Verdict) -> Option<Verdict> {
        let verdict = match self.conduit.unapproved {
            _ if handling == Verdict::Refuse => Verdict::Refuse,
            Unapproved::Refuse => Verdict::Refuse,
            Unapproved::Redact => Verdict::Redact,
            Unapproved::Tokenise => Verdict::Tokenise,
        };
        self.closed(finding).then_some(verdict)
    }

    /// Why this is of a source that the call may not use; `None` if it is not.
    fn closes(&self, source: &str) -> Option<(To, Closed)> {
        let by_workload = self.workload.sources.closes(source).map(|why| (To::Workload, why));
        by_workload.or_else(|| self.conduit.sources.closes(source).map(|why| (To::Conduit, why)))
    }

    /// Whether nothing of this source may cross.
    pub(crate) fn keeps_out(&self, source: &str) -> bool {
        self.closes(source).is_some()
    }

    /// Whether the finding is of a source that the call may not use.
    pub(crate) fn closed(&self, finding: &Finding) -> bool {
        finding.source().is_some_and(|source| self.closes(source).is_some())
    }

    /// Says which sources were found, if any were.
    pub(crate) fn tell(&self, findings: &[Finding], trace: &mut Trace<'_>) {
        let names: BTreeSet<&str> = findings.iter().filter_map(Finding::source).collect();
        if names.is_empty() {
            return;
        }
        trace.say(Stage::Sources, || {
            let told = |name: &&str| match self.closes(name) {
                Some(why) => self.said(name, why),
                None => format!("source `{name}` may be used"),
            };
            names.iter().map(told).collect::<Vec<_>>().join("; ")
        });
    }

    fn said(&self, source: &str, (to, why): (To, Closed)) -> String {
        let whom = match to {
            To::Workload => format!("workload `{}`", self.workload.id),
            To::Conduit => "this conduit".to_owned(),
        };
        match why {
            Closed::Denied => format!("source `{source}` is denied to {whom}"),
            Closed::Unnamed => format!("source `{source}` is not among those that are open to {whom}"),
        }
    }

    /// The refusal that names them.
    pub(crate) fn refusal(&self, unopened: &Unopened<'_>) -> Refusal {
        let said: Vec<String> = unopened.names.iter().map(|(name, why)| self.said(name, *why)).collect();
        let rules = unopened.rules.iter().map(|rule| (*rule).clone()).collect();
        Refusal { reason: Reason::SourceDenied, detail: said.join("; "), rules }
    }
}

impl<'a> Unopened<'a> {
    pub(crate) fn add(&mut self, sources: &Sources<'_>, finding: &'a Finding) {
        let Some((name, why)) = finding.source().and_then(|name| Some((name, sources.closes(name)?))) else { return };
        self.names.insert(name, why);
        self.rules.insert(&finding.rule);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl Policy {
    /// The data sources that nothing may cross of, for this workload on this conduit; and what is done with what would.
    #[must_use]
    pub fn closed_sources(&self, workload: &WorkloadId, conduit: &ConduitId) -> (Vec<&SourceId>, Unapproved) {
        let Some(conduit) = self.plant.conduits.get(conduit) else { return (Vec::new(), Unapproved::Refuse) };
        let Some(workload) = self.plant.workloads.get(workload) else { return (Vec::new(), Unapproved::Refuse) };
        let sources = Sources::new(workload, conduit);
        let closed = self.plant.sources.keys().filter(|id| sources.closes(id.as_str()).is_some());
        (closed.collect(), conduit.unapproved)
    }
}

/// The sources in content, for rules to ask for.
pub(crate) fn names(findings: &[Finding]) -> BTreeSet<&str> {
    findings.iter().filter_map(Finding::source).collect()
}
