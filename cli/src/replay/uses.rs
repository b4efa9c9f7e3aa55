//! Quotas of a plant, counted over recorded calls as a gateway would have counted them.
//!
//! Calls are counted in the order in which they left, and settled when their outcome comes. What was used before the first of them
//! nobody knows, and a call that would have waited for its turn counts as refused.

use super::call::Recorded;
use super::side::Ruling;
use crate::records::answerer;
use ledger::Entry;
use plant::{Millis, Reason, Refusal};
use quota::{Admitted, Amounts, Counters, Settings, Subject};
use std::collections::BTreeMap;

/// How often counts that are over are forgotten, in calls.
const SWEEP: usize = 4096;

/// What is used of a plant's quotas.
pub(super) struct Uses {
    settings: Settings,
    counters: Counters,
    under_way: BTreeMap<String, Admitted>,
    seen: usize,
}

impl Uses {
    pub(super) fn of(settings: Settings) -> Self {
        Self { settings, counters: Counters::default(), under_way: BTreeMap::new(), seen: 0 }
    }

    /// Whether there is anything to count.
    pub(super) fn any(&self) -> bool {
        !self.settings.quotas.is_empty()
    }

    /// Counts a call that a plant lets pass; what it comes to if a quota is used up.
    pub(super) fn admit(&mut self, call: &Recorded, ruling: Ruling) -> Ruling {
        if !self.any() || ruling.verdict.is_none() || !ruling.lets_pass() {
            return ruling;
        }
        self.seen += 1;
        if self.seen.is_multiple_of(SWEEP) {
            self.counters.sweep(&self.settings.quotas, call.at);
        }
        let conduit = ruling.conduit.as_ref().map(ToString::to_string).unwrap_or_default();
        let subject = Subject {
            workload: call.workload(),
            operator: call.principal.operator.known().map(|(id, _)| id.as_str()),
            conduit: &conduit,
            provider: ruling.provider.as_deref().unwrap_or(&call.provider),
        };
        let expected = Amounts { requests: 1, bytes: call.bytes, ..Amounts::default() };
        match self.counters.admit(&self.settings.quotas, &subject, expected, call.at) {
            Ok(admitted) if call.left => {
                self.under_way.insert(call.id.clone(), admitted);
                ruling
            }
            // It was refused then: nobody knows what it would have taken.
            Ok(admitted) => {
                let _ = self.counters.settle(&self.settings.quotas, admitted, expected, call.at);
                ruling
            }
            Err(stop) => {
                let most = stop.measure.show(stop.most);
                let detail =
                    format!("quota `{}` lets `{}` have {most} {}", stop.quota, stop.whose, stop.measure.name());
                Ruling { conduit: ruling.conduit, ..Ruling::refused(Refusal::new(Reason::QuotaExceeded, detail)) }
            }
        }
    }

    /// A call has ended.
    pub(super) fn settle(&mut self, of: &str, outcome: &Entry) {
        let Some(admitted) = self.under_way.remove(of) else { return };
        let number = |path: &str| outcome.number(path).unwrap_or_default();
        let (input, output) = (number("io.input_tokens"), number("io.output_tokens"));
        let provider = answerer(outcome).and_then(|id| plant::ProviderId::new(id).ok());
        let model = outcome.text("what.model").unwrap_or_default();
        let money = provider.map_or(0, |provider| self.settings.prices.of(&provider, model, input, output));
        let bytes = number("io.request_bytes").saturating_add(number("io.answer_bytes"));
        let took = Amounts { requests: 1, tokens: input.saturating_add(output), bytes, money };
        let at: Millis = outcome.t();
        let _ = self.counters.settle(&self.settings.quotas, admitted, took, at);
    }
}
