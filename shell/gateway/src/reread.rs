//! An answer that was kept, read again by what a plant would do with it. Nothing is sent, and nobody gets it.

use crate::chain::Chain;
use guard::{Guard, Known, Watch};
use inspect::{Inspector, Sinks};
use plant::{Conduit, Content, Dialect, FindingCount, Reason, Rewrite as _};
use std::sync::Arc;
use wire::{Answer, AnswerLimits, Endpoint};

/// By what an answer is read again.
#[derive(Clone, Copy)]
pub struct Again<'a> {
    /// The limits that answers are held against.
    pub guard: &'a Arc<Guard>,
    /// What reads content.
    pub inspector: &'a Arc<Inspector>,
    /// The conduit that the call crosses.
    pub conduit: &'a Conduit,
    /// What was called.
    pub endpoint: Endpoint,
    /// Whether the answer was streamed.
    pub stream: bool,
    /// What was asked, if it is known: what it names need not be named again in the answer.
    pub asked: Option<&'a Content<'a>>,
}

/// What would become of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reread {
    /// What would be found in it.
    pub findings: Vec<FindingCount>,
    /// Whether the caller would get something else.
    pub changed: bool,
    /// Why it would be withheld, if it would be.
    pub stopped: Option<Reason>,
}

impl Again<'_> {
    /// Reads an answer as it was given. `None` if it cannot be read again.
    #[must_use]
    pub fn read(&self, given: &[u8]) -> Option<Reread> {
        let mut known = Known::default();
        let pieces = self.asked.iter().flat_map(|asked| &asked.pieces);
        pieces.filter(|piece| piece.attachment.is_none()).for_each(|piece| self.guard.hear(&piece.text, &mut known));
        let watch = Watch::new(Arc::clone(self.guard), self.conduit.guarding, known);
        let own = &self.conduit.answers;
        let mut chain = Chain::default()
            .then((!own.is_open()).then(|| Sinks::new(own, Arc::clone(self.inspector))))
            .then((!self.guard.idle()).then_some(watch));
        let kind = match self.endpoint.dialect().kin() {
            Dialect::Ollama if self.stream => "application/x-ndjson",
            Dialect::Bedrock if self.stream => "application/vnd.amazon.eventstream",
            _ if self.stream => "text/event-stream",
            _ => "application/json",
        };
        let limits = AnswerLimits { body: given.len().saturating_add(1), ..AnswerLimits::default() };
        let mut answer = Answer::new(self.endpoint.dialect(), self.endpoint, 200, kind, false).within(limits);
        let mut out = Vec::new();
        let read = answer.push(given, &mut chain, &mut out).and_then(|()| answer.finish(&mut chain, &mut out));
        let stopped = match (read, chain.stopped()) {
            (Ok(()), None) => None,
            (_, Some(refusal)) => Some(refusal.reason),
            (Err(_), None) => return None,
        };
        Some(Reread { findings: chain.findings(), changed: stopped.is_some() || out != given, stopped })
    }
}
