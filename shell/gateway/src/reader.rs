//! Reads an answer as it passes: by its dialect, or not at all; and keeps out of it what must not be in it.

use crate::chain::Chain;
use crate::credential::{Blanking, Credential};
use bytes::Bytes;
use plant::{Bounds, Dialect, FindingCount, Form, RecordId, Refusal, Rewrite};
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::{Answer, Endpoint, Facts};

/// Largest error that a provider may answer with: it is taken whole.
pub(crate) const LARGEST_ERROR: u64 = 1 << 20;

/// Reads an answer, has it rewritten, and keeps the credential out of one that is an error.
pub(crate) struct Reader {
    /// `None` for an endpoint that nobody reads.
    answer: Option<Box<Answer>>,
    chain: Chain,
    /// Only if the answer is an error: that is where providers repeat what they were sent.
    credential: Option<Arc<Credential>>,
    /// An error of an endpoint that nobody reads, until it is whole.
    unread: Vec<u8>,
    /// Texts of an error in the making.
    texts: BTreeMap<u32, String>,
}

impl Reader {
    pub(crate) fn new(
        dialect: Dialect,
        endpoint: Option<Endpoint>,
        (status, kind, whole): (u16, &str, bool),
        bounds: &Bounds,
        chain: Chain,
        credential: Option<Arc<Credential>>,
    ) -> Self {
        let credential = credential.filter(|_| status >= 400);
        // What is taken whole is read to its end in any case, so that a document that was cut is noticed.
        let passive = chain.idle() && !whole;
        let body = usize::try_from(bounds.answer).unwrap_or(usize::MAX);
        let limits = wire::AnswerLimits { body, ..wire::AnswerLimits::default() };
        let answer =
            endpoint.map(|endpoint| Box::new(Answer::new(dialect, endpoint, status, kind, passive).within(limits)));
        Self { answer, chain, credential, unread: Vec::new(), texts: BTreeMap::new() }
    }

    /// Reads a piece, or the end where there is none, and puts what may be released into `out`. Whether it ended.
    pub(crate) fn read(&mut self, piece: Option<&[u8]>, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        let Self { answer, chain, credential, unread, texts } = self;
        let Some(answer) = answer else {
            match (credential, piece) {
                (None, Some(piece)) => out.extend_from_slice(piece),
                (Some(_), Some(piece)) => unread.extend_from_slice(piece),
                (None, None) => {}
                (Some(credential), None) => {
                    // What is no text cannot be blanked, and an error that is no text tells a caller nothing.
                    let text = std::str::from_utf8(unread).unwrap_or_default();
                    out.extend_from_slice(credential.blank(text).as_deref().unwrap_or(text).as_bytes());
                }
            }
            return Ok(piece.is_none());
        };
        let mut drive = |rewrite: &mut dyn Rewrite| match piece {
            Some(piece) => answer.push(piece, rewrite, out),
            None => answer.finish(rewrite, out),
        };
        let read = match credential {
            None => drive(chain),
            Some(credential) => drive(&mut Blanking { credential, inner: chain, texts }),
        };
        read.map(|()| piece.is_none()).map_err(|broken| Refusal::new(broken.reason, broken.detail))
    }

    /// A text that comes beside the answer, as the caller may read it.
    pub(crate) fn beside(&mut self, text: &str, error: Option<&Credential>) -> Result<String, Refusal> {
        let said = self.chain.whole(text, Form::Plain).unwrap_or_else(|| text.to_owned());
        match self.chain.stopped() {
            Some(refusal) => Err(refusal),
            None => Ok(error.and_then(|own| own.blank(&said)).unwrap_or(said)),
        }
    }

    pub(crate) fn facts(&self) -> Option<&Facts> {
        self.answer.as_ref().map(|answer| answer.facts())
    }

    /// What was found in it so far.
    pub(crate) fn findings(&self) -> Vec<FindingCount> {
        self.chain.findings()
    }

    /// The last thing that a caller gets of a stream that broke off: an error in its dialect. `None` where none can be
    /// said and the body can only be cut.
    pub(crate) fn farewell(&self, refusal: &Refusal, record: RecordId) -> Option<Bytes> {
        self.answer.as_ref()?.error_event(refusal, &record.to_string()).map(Bytes::from)
    }

    /// Whether the last event has been seen, so that only the outcome is missing.
    pub(crate) fn complete(&self) -> bool {
        self.facts().is_some_and(|facts| facts.complete)
    }
}
