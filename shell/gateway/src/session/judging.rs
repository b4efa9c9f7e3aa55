//! One event of a session: the caller's as a call is judged, the provider's as an answer is read.

use super::frames::Leg;
use super::{Ended, Session, Speaker};
use crate::journal::Journal;
use crate::reading::Reading;
use crate::writing::Turn;
use crate::{Gate, Inforce};
use bytes::Bytes;
use inspect::Restorer;
use plant::{Body, Channel, Conduit, FindingCount, Form, Reason, Refusal, Rewrite, What};
use policy::{Asked, Case, Decision, Passage};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wire::{Answer, AnswerLimits, Endpoint};

/// An event that may leave.
pub(crate) struct Judged {
    /// As it leaves.
    pub(crate) leaves: Bytes,
    /// Whether it is a piece of sound and nothing else.
    pub(crate) sound: bool,
}

/// By what the events of one caller are judged, as long as the exchange lasts.
pub(crate) struct Judge {
    pub(crate) gate: Arc<Gate>,
    pub(crate) inforce: Arc<Inforce>,
    /// What isolation looks at.
    pub(crate) call: Body,
    pub(crate) speaker: Box<Speaker>,
    pub(crate) endpoint: Endpoint,
    pub(crate) passage: Passage,
    pub(crate) restorer: Shared,
}

impl Judge {
    /// What reads the provider's answers, which come in this media type.
    pub(crate) fn reader(&self, kind: &str) -> Answer {
        let body = usize::try_from(self.passage.bounds.answer).unwrap_or(usize::MAX);
        let limits = AnswerLimits { body, ..AnswerLimits::default() };
        Answer::new(self.endpoint.dialect(), self.endpoint, 200, kind, false).within(limits)
    }

    /// The stages of one event of the caller.
    pub(crate) fn judge(&self, event: &Bytes, journal: &mut Journal) -> Result<Judged, Refusal> {
        let commitments = &self.gate.secrets.commitments;
        journal.received(commitments, event);
        let (principal, crossing) = (&self.speaker.principal, &self.speaker.crossing);
        let mut scribe = self.inforce.scribe(crossing, Turn::Read, &self.gate.metrics);
        let request = Reading::event(&self.inforce, self.endpoint, crossing, event, scribe.as_mut())?;
        journal.asks(&request);
        let findings = request.findings(&self.inforce)?;
        let fixed = |finding: usize, conduit: &Conduit| request.fixed(findings.get(finding), conduit);
        let (asked, now) = (request.asked(), journal.began());
        let case = Case { principal, crossing, asked, findings: &findings, fixed: &fixed, now };
        if let Some(model) = request.transcriber() {
            let transcribed = Case { asked: Asked { model: Some(model), ..asked }, ..case };
            if let Decision::Refuse(refusal) = self.inforce.policy().decide(&transcribed).decision {
                return Err(refusal);
            }
            self.gate.open(&asking(&self.call, model))?;
        }
        let decided = self.inforce.policy().decide(&case);
        let terms = match journal.decided(&self.inforce.plant().scale, decided, &findings) {
            Decision::Permit(permit) => permit.spend(),
            Decision::Refuse(refusal) => return Err(refusal),
            Decision::Hold(_) => {
                return Err(Refusal::new(Reason::HoldRefused, "an event of a session waits for nobody"));
            }
        };
        if terms.provider != self.passage.provider || terms.model.is_some() {
            let detail = format!("it would go to `{}`, and a session stays where it began", terms.provider);
            return Err(Refusal { rules: terms.rules, ..Refusal::new(Reason::ContentRefused, detail) });
        }
        // Its models may be others than the one that the session began with.
        if let Some(model) = asked.model {
            self.gate.open(&asking(&self.call, model))?;
        }
        let (changed, restorer) = request.transform(&terms, &findings, &self.inforce, &self.gate.secrets)?;
        if !restorer.idle() && !self.restorer.own().learn(restorer) {
            return Err(Refusal::new(Reason::ContentRefused, "the session has more stand-ins than it can tell apart"));
        }
        let leaves = changed.unwrap_or_else(|| event.clone());
        journal.sends(commitments, event, &leaves);
        Ok(Judged { leaves, sound: request.is_sound() })
    }
}

impl Session {
    /// Answers an event that does not leave, once its record is durable. The session goes on.
    pub(super) async fn object(
        &mut self,
        journal: Box<Journal>,
        refusal: &Refusal,
        event: &[u8],
        caller: &mut Leg,
    ) -> Result<(), Ended> {
        let record = self.tally.record(journal, Some(refusal), false).await.map_err(Ended::Badly)?;
        let error = wire::session_error(refusal, &record.to_string(), Some(event));
        self.tally.releases(error.as_bytes());
        self.give(error.into(), caller).await
    }

    /// Reads an event of the provider as a line of its own.
    pub(super) fn read(&mut self, event: &Bytes, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let text = std::str::from_utf8(event).unwrap_or_default();
        // Where providers repeat what they were sent.
        let blanked = self.credential.as_ref().filter(|_| text.contains("\"error\"")).and_then(|own| own.blank(text));
        let mut line = blanked.map_or_else(|| event.to_vec(), String::into_bytes);
        // White space between the members of JSON, or an error where it is not.
        line.iter_mut().filter(|byte| matches!(**byte, b'\r' | b'\n')).for_each(|byte| *byte = b' ');
        line.push(b'\n');
        let read = self.answer.push(&line, &mut self.chain, out);
        // Said by the event itself: within a text, its quotes would be escaped.
        if text.contains("\"response.done\"") {
            self.tally.counts(self.answer.facts());
        }
        read.map_err(|broken| Refusal::new(broken.reason, broken.detail))
    }
}

/// The session's call, as if it asked for this model.
fn asking(call: &Body, model: &str) -> Body {
    let what = call.what.clone().map(|what| What { model: Some(model.to_owned()), renamed: None, ..what });
    Body { what, ..call.clone() }
}

/// A restorer that learns while answers pass it.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Restorer>>);

impl Shared {
    /// A panic under the lock leaves texts behind that end with the session.
    fn own(&self) -> MutexGuard<'_, Restorer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rewrite for Shared {
    fn push(&mut self, channel: Channel, text: &str) -> String {
        self.own().push(channel, text)
    }

    fn finish(&mut self, channel: Channel) -> String {
        self.own().finish(channel)
    }

    fn whole(&mut self, text: &str, form: Form) -> Option<String> {
        self.own().whole(text, form)
    }

    fn document(&mut self, json: &str) -> Option<String> {
        self.own().document(json)
    }

    fn findings(&self) -> Vec<FindingCount> {
        self.own().findings()
    }
}
