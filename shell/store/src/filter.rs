//! Which records somebody wants to see.

use crate::incident::Incident;
use crate::reader::{ReadError, Reader};
use ledger::{Entry, Head};
use memchr::memmem::Finder;
use plant::{
    ConduitId, Judgement, Kind, Millis, OperatorId, ProviderId, Reason, RecordId, Verdict, Wildcard, WorkloadId, ZoneId,
};

/// What a record must be; what is `None` does not matter. The default lets everything pass.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Written at this time or later.
    pub since: Option<Millis>,
    /// Written before this time.
    pub until: Option<Millis>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of a call from this zone.
    pub zone: Option<ZoneId>,
    /// Of a call on this conduit.
    pub conduit: Option<ConduitId>,
    /// Of a call by this workload.
    pub workload: Option<WorkloadId>,
    /// Of a call for this operator, by pseudonym.
    pub operator: Option<OperatorId>,
    /// Of a call to this provider, asked for or rerouted to.
    pub provider: Option<ProviderId>,
    /// The model that was asked or that answered.
    pub model: Option<Wildcard>,
    /// Decided like this.
    pub verdict: Option<Verdict>,
    /// Refused or failed for this reason.
    pub reason: Option<Reason>,
    /// Of this sensitivity, by the plant's name for it.
    pub sensitivity: Option<String>,
    /// An account that says this was done with an answer.
    pub judgement: Option<Judgement>,
    /// With this identity, or answering the record with it.
    pub id: Option<RecordId>,
    /// Of this incident; see [`Filter::gathered`].
    pub incident: Option<Incident>,
}

/// A filter made ready to look at many lines.
pub(crate) struct Sieve {
    filter: Filter,
    /// Texts that a line must hold literally to have any chance: cheaper than reading it.
    needles: Vec<Finder<'static>>,
}

impl Filter {
    /// The same with the incident, if one is asked for, gathered from the first `size` records of a ledger.
    ///
    /// # Errors
    /// As [`Incident::gather`].
    pub fn gathered(mut self, reader: &Reader, size: u64) -> Result<Self, ReadError> {
        self.incident = self.incident.map(|incident| incident.gather(reader, size)).transpose()?;
        Ok(self)
    }

    pub(crate) fn sieve(self) -> Sieve {
        // Only names whose spelling in a record is certain: identifiers hold nothing that JSON escapes.
        let names = [
            self.zone.as_ref().map(ToString::to_string),
            self.conduit.as_ref().map(ToString::to_string),
            self.workload.as_ref().map(ToString::to_string),
            self.operator.as_ref().map(ToString::to_string),
            self.provider.as_ref().map(ToString::to_string),
            self.verdict.map(|verdict| verdict.to_string()),
            self.reason.map(|reason| reason.to_string()),
            self.judgement.map(|judgement| judgement.name().to_owned()),
            self.id.map(|id| id.to_string()),
        ];
        let needles = names.into_iter().flatten().map(|name| Finder::new(&format!("\"{name}\"")).into_owned());
        Sieve { needles: needles.collect(), filter: self }
    }
}

impl Sieve {
    /// Lets every line pass that holds this text.
    pub(crate) fn holding(text: &str) -> Self {
        Self { filter: Filter::default(), needles: vec![Finder::new(text).into_owned()] }
    }

    /// Whether a line can be told not to fit without reading all of it. Lines that are no record pass: they are
    /// for the reader to complain about.
    pub(crate) fn drops(&self, line: &[u8]) -> bool {
        if self.needles.iter().any(|needle| needle.find(line).is_none()) {
            return true;
        }
        let Filter { since, until, kind, incident, .. } = &self.filter;
        if since.is_none() && until.is_none() && kind.is_none() && incident.is_none() {
            return false;
        }
        Head::parse(line).is_ok_and(|head| {
            since.is_some_and(|since| head.t < since)
                || until.is_some_and(|until| head.t >= until)
                || kind.is_some_and(|kind| head.kind != kind.name())
                || incident.as_ref().is_some_and(|incident| !incident.holds(head.id))
        })
    }

    /// Whether a record is one that is wanted.
    pub(crate) fn keeps(&self, entry: &Entry) -> bool {
        let Filter {
            zone,
            conduit,
            workload,
            operator,
            provider,
            model,
            verdict,
            reason,
            sensitivity,
            judgement,
            id,
            ..
        } = &self.filter;
        let is = |wanted: Option<&str>, paths: &[&str]| {
            wanted.is_none_or(|wanted| paths.iter().any(|path| entry.text(path) == Some(wanted)))
        };
        is(zone.as_ref().map(ZoneId::as_str), &["where.zone"])
            && is(conduit.as_ref().map(ConduitId::as_str), &["where.conduit"])
            && is(workload.as_ref().map(WorkloadId::as_str), &["who.workload.id", "note.workload"])
            && is(operator.as_ref().map(OperatorId::as_str), &["who.operator.id"])
            && is(provider.as_ref().map(ProviderId::as_str), &["what.provider", "what.rerouted"])
            && is(verdict.map(Verdict::name), &["dec.verdict"])
            && is(reason.map(Reason::code), &["dec.reason", "out.reason", "note.reason"])
            && is(sensitivity.as_deref(), &["what.sensitivity"])
            && is(judgement.map(Judgement::name), &["note.decision"])
            && id.is_none_or(|id| entry.id() == id || entry.reference() == Some(id))
            && model.as_ref().is_none_or(|model| {
                let named = ["what.model", "out.model", "note.model"].into_iter().filter_map(|path| entry.text(path));
                named.into_iter().any(|name| model.fits(name))
            })
    }
}
