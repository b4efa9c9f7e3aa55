//! What the records of a session say: one of each event, and at its end one of all that was said, as it came, as it left and as it was
//! released.

use crate::Gate;
use crate::chain::Chain;
use crate::journal::{End, Journal};
use crate::recorder::Unwritten;
use bytes::Bytes;
use plant::{FindingCount, Io, Reason, RecordId, Refusal, Rewrite as _, Verdict};
use seal::Tagging;
use std::collections::BTreeMap;
use wire::Facts;

/// The making of a session's outcome. Dropped unfinished, its journal still makes a record.
pub(crate) struct Tally {
    journal: Box<Journal>,
    came: Tagging,
    left: Tagging,
    released: Box<Tagging>,
    /// Whether an event left otherwise than it came.
    changed: bool,
    io: Io,
    first_byte_micros: u64,
    /// What was found in events.
    findings: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn new(gate: &Gate, journal: Box<Journal>, released: Box<Tagging>) -> Self {
        let id = journal.id().to_string();
        let begin = |part: &[u8]| journal.commitments(&gate.secrets.commitments).start(&[id.as_bytes(), part]);
        let (came, left) = (begin(b"request"), begin(b"sent"));
        let (first_byte_micros, io) = (journal.micros(), journal.sent.clone());
        Self { journal, came, left, released, changed: false, io, first_byte_micros, findings: BTreeMap::new() }
    }

    pub(crate) fn id(&self) -> RecordId {
        self.journal.id()
    }

    /// The journal of one event.
    pub(crate) fn event(&self) -> Box<Journal> {
        self.journal.of_event()
    }

    /// Bytes released so far.
    pub(crate) fn released(&self) -> u64 {
        self.io.answer_bytes
    }

    /// Records what becomes of an event, before it happens; gives the record's id. Of sound in which nothing was found there are
    /// dozens in a second: they stand in the session's own records alone.
    pub(crate) async fn record(
        &mut self,
        journal: Box<Journal>,
        refusal: Option<&Refusal>,
        sound: bool,
    ) -> Result<RecordId, Refusal> {
        self.found(&journal);
        if let Some(Refusal { reason, detail, .. }) = refusal {
            *self.findings.entry("event.refused".to_owned()).or_default() += 1;
            tracing::info!(record = %journal.id(), %reason, detail, "an event of a session was refused");
        }
        if refusal.is_none() && sound && journal.verdict() == Verdict::Allow && !journal.finds() {
            return Ok(self.id());
        }
        journal.event(refusal).await.map_err(|problem| Refusal::new(Reason::LedgerUnavailable, problem.0))
    }

    /// Adds what was found in an event.
    fn found(&mut self, journal: &Journal) {
        for FindingCount { label, count } in journal.body.what.iter().flat_map(|what| &what.findings) {
            *self.findings.entry(label.clone()).or_default() += count;
        }
    }

    /// What the call itself brought, and what of it leaves: the first of what is said.
    pub(crate) fn begins(&mut self, came: &Bytes, leaves: &Bytes) {
        self.came.update(came);
        self.left.update(leaves);
        self.changed |= came.as_ptr() != leaves.as_ptr();
    }

    /// An event is about to leave.
    pub(crate) fn forwards(&mut self, came: &Bytes, leaves: &Bytes) {
        self.begins(came, leaves);
        self.io.request_bytes += u64::try_from(leaves.len()).unwrap_or(u64::MAX);
    }

    /// An event is about to be released.
    pub(crate) fn releases(&mut self, event: &[u8]) {
        self.released.update(event);
        self.io.answer_bytes += u64::try_from(event.len()).unwrap_or(u64::MAX);
    }

    /// One of the session's answers is whole: its tokens count.
    pub(crate) fn counts(&mut self, facts: &Facts) {
        let more = |so_far: &mut Option<u64>, own: Option<u64>| {
            *so_far = own.map(|own| so_far.unwrap_or(0).saturating_add(own)).or(*so_far);
        };
        more(&mut self.io.input_tokens, facts.input_tokens);
        more(&mut self.io.output_tokens, facts.output_tokens);
    }

    /// Records the outcome, with what was found in the answers; durable when this returns.
    pub(crate) async fn conclude(
        self,
        status: u16,
        failure: Option<&Refusal>,
        facts: &Facts,
        answers: Chain,
    ) -> Result<(), Unwritten> {
        let Self { journal, came, left, released, changed, mut io, first_byte_micros, mut findings } = self;
        io.request = Some(seal::hex(&came.finish()));
        io.sent = changed.then(|| seal::hex(&left.finish()));
        io.answer = Some(seal::hex(&(*released).finish()));
        for FindingCount { label, count } in answers.findings() {
            *findings.entry(label).or_default() += count;
        }
        let findings = findings.into_iter().map(|(label, count)| FindingCount { label, count }).collect();
        let failure = failure.map(|failure| (failure.reason, failure.detail.as_str()));
        let (first_byte_micros, facts) = (Some(first_byte_micros), Some(facts));
        journal.conclude(End { status, failure, io, first_byte_micros, facts, findings, kept: None }).await
    }
}
