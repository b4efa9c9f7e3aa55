//! One exchange's place in the ledger: the guard that lets no exchange end without a record, whatever ends it.
//!
//! ```text
//! arrive ──> refuse                        one `refuse` record: nothing left
//!    └─────> intent ──> outcome            `intent` before the first byte leaves, `outcome` before the last arrives
//!    dropped ──> refuse (caller-left)      the caller went away before anything left
//!               dropped ──> outcome (caller-left), or abandon if a panic unwinds
//! ```
//!
//! Between the two, while the ledger still writes the intent, nobody knows yet which of them will be true. The end
//! of an exchange that is dropped there is left with the intent, and written when its fate is known.

use crate::Gate;
use crate::answer::Switched;
use crate::keeping::Keeping;
use crate::oversight::Due;
use crate::quotas::Counted;
use crate::recorder::{Recorder, Unwritten, draw_id, now};
use crate::shifts::Heard;
use crate::telemetry::{self, Ending};
use bytes::Bytes;
use plant::{
    Body, Draft, FindingCount, Io, Kind, Millis, Note, Outcome, ProviderId, Reason, RecordId, Refusal, Verdict, Who,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// What an outcome says of an answer that must be accounted for: in how many milliseconds from then.
const OWED: &str = "oversight_ms";

/// One exchange's place in the ledger. Closing it is what makes the record; dropped unclosed, it still makes one.
/// Boxed, for it moves through every stage.
#[must_use = "an exchange that is not closed is recorded as cut off"]
pub(crate) struct Journal {
    gate: Arc<Gate>,
    id: RecordId,
    began: Millis,
    clock: Instant,
    state: State,
    /// What the record will say, filled in as the exchange learns it.
    pub(crate) body: Body,
    /// What the outcome will say of the request.
    pub(crate) sent: Io,
    /// Whether content is kept, once the call is decided. Elsewhere, so that a call that keeps nothing is not larger for it.
    pub(crate) keeping: Option<Box<Keeping>>,
    /// The record that it follows: of its wait for a person, or of the session that it is an event of.
    pub(crate) held: Option<RecordId>,
    /// What is told of its prompt once it has ended.
    pub(crate) heard: Heard,
    /// What it is counted as, where the plant sets quotas; elsewhere for the same reason.
    pub(crate) counted: Option<Box<Counted>>,
    /// When it is worth to ask again, if it ends in a refusal.
    pub(crate) after: Option<Duration>,
    /// In how many milliseconds from its end somebody must account for its answer.
    pub(crate) owed: Option<u64>,
    /// How often it was sent again to the same provider.
    pub(crate) retries: u64,
    /// Who answers in place of the provider that failed, and how that failed.
    pub(crate) switched: Option<Switched>,
}

enum State {
    /// Nothing has left.
    Arrived,
    /// The intent is being written.
    Committing(Arc<Mutex<Fate>>),
    /// The call may have left.
    Left,
    Closed,
}

/// How a call that had left ended, beside what the journal itself knows.
#[derive(Default)]
pub(crate) struct End<'a> {
    pub(crate) status: u16,
    pub(crate) failure: Option<(Reason, &'a str)>,
    pub(crate) io: Io,
    pub(crate) first_byte_micros: Option<u64>,
    pub(crate) facts: Option<&'a wire::Facts>,
    /// What was found in the answer.
    pub(crate) findings: Vec<FindingCount>,
    /// What was released, if it is kept.
    pub(crate) kept: Option<Bytes>,
}

impl Journal {
    pub(crate) fn open(gate: &Arc<Gate>, who: Who) -> Box<Self> {
        Self::open_as(gate, Body { who: Some(who), ..Body::default() })
    }

    fn open_as(gate: &Arc<Gate>, body: Body) -> Box<Self> {
        let began = now();
        Box::new(Self {
            gate: Arc::clone(gate),
            id: draw_id(began),
            began,
            clock: Instant::now(),
            state: State::Arrived,
            body,
            sent: Io::default(),
            keeping: None,
            held: None,
            heard: Heard::default(),
            counted: None,
            after: None,
            owed: None,
            retries: 0,
            switched: None,
        })
    }

    /// The journal of an event of this session, which says for itself whose it is and where it goes. Unclosed, it makes no record:
    /// the session has its own.
    pub(crate) fn of_event(&self) -> Box<Self> {
        let mut own = Self::open_as(&self.gate, Body { decided: self.body.decided.clone(), ..self.body.about() });
        (own.state, own.held) = (State::Closed, Some(self.id));
        own
    }

    /// Records that an event of a session is about to leave, or that it does not; gives the record's id. Durable when this returns.
    pub(crate) async fn event(mut self: Box<Self>, refusal: Option<&Refusal>) -> Result<RecordId, Unwritten> {
        if let Some(refusal) = refusal {
            self.refused(refusal);
            self.body.out = Some(self.out(refusal.reason.status(), Some(refusal.reason)));
        }
        let draft =
            Draft { kind: Kind::Event, id: self.id, reference: self.held, body: std::mem::take(&mut self.body) };
        let written = self.gate.write(draft).await;
        self.count(&written);
        written.map(|()| self.id)
    }

    /// Records the intent. Nothing may leave before this is done.
    pub(crate) async fn intend(&mut self) -> Result<(), Unwritten> {
        let draft = Draft { kind: Kind::Intent, id: self.id, reference: self.held, body: self.body.clone() };
        let fate = Arc::new(Mutex::new(Fate::Pending));
        self.state = State::Committing(Arc::clone(&fate));
        let (done, written) = oneshot::channel();
        let settling = Settling { gate: Arc::clone(&self.gate), fate, done: Some(done) };
        self.gate.queue(draft, Box::new(move |result| settling.settle(result))).await;
        let result = written.await.unwrap_or_else(|_| Err(Unwritten::writer_gone()));
        self.state = if result.is_ok() { State::Left } else { State::Arrived };
        result
    }

    /// Records that another answers than was asked, because that one failed. Durable when this returns: nothing leaves for
    /// another provider before.
    pub(crate) async fn switch(
        &mut self,
        step: usize,
        from: &ProviderId,
        switched: &Switched,
        detail: &str,
        leaves: Option<&Bytes>,
    ) -> Result<(), Refusal> {
        let id = draw_id(now());
        let note = BTreeMap::from([
            ("event", Note::text(if switched.to.is_some() { "provider" } else { "answer" })),
            ("from", Note::text(from.as_str())),
            ("answered_by", Note::text(switched.by())),
            ("because", Note::text(switched.because.name())),
            ("detail", Note::text(detail)),
            ("step", Note::Number(step as u64)),
        ]);
        let seal = match leaves {
            Some(leaves) => self.sealed(id, leaves.clone()).await,
            None => Ok(None),
        };
        let unavailable = |problem: Unwritten| Refusal::new(Reason::LedgerUnavailable, problem.0);
        let body = Body { note, seal: seal.map_err(unavailable)?, ..self.body.clone() };
        let draft = Draft { kind: Kind::Switch, id, reference: Some(self.id), body };
        self.gate.write(draft).await.map_err(unavailable)?;
        self.switched = Some(switched.clone());
        Ok(())
    }

    /// Records that the call goes nowhere; or, if it had already left, that it failed. Says which verdict stands, and
    /// gives the record's id if there is a record.
    pub(crate) async fn refuse(mut self: Box<Self>, refusal: &Refusal) -> (Verdict, Option<RecordId>) {
        let id = self.id;
        let written = match self.state {
            State::Left => {
                let verdict = self.verdict();
                let failure = Some((refusal.reason, refusal.detail.as_str()));
                let end = End { status: refusal.reason.status(), failure, io: self.sent.clone(), ..End::default() };
                return (verdict, self.conclude(end).await.ok().map(|()| id));
            }
            State::Arrived | State::Committing(_) | State::Closed => {
                self.give_back();
                self.refused(refusal);
                let draft = self.refusal(refusal.reason);
                self.tell(Verdict::Refuse, Some((refusal.reason, &refusal.detail)), refusal.reason.status(), None);
                self.told(Some(refusal.reason), None);
                self.state = State::Closed;
                self.gate.write(draft).await
            }
        };
        self.count(&written);
        (Verdict::Refuse, written.ok().map(|()| id))
    }

    /// Records the outcome. The caller may not have the end of the answer before this is done.
    pub(crate) async fn conclude(mut self: Box<Self>, mut end: End<'_>) -> Result<(), Unwritten> {
        let id = draw_id(now());
        let sealed = match end.kept.take() {
            Some(kept) => self.sealed(id, kept).await,
            None => Ok(None),
        };
        if sealed.is_err() && end.failure.is_none() {
            end.failure = Some((Reason::LedgerUnavailable, "the answer could not be kept"));
        }
        if let Some(counted) = self.counted.take() {
            counted.settle(&end, self.switched.as_ref());
        }
        self.tell(self.verdict(), end.failure, end.status, end.facts);
        self.told(end.failure.map(|(reason, _)| reason), Some((end.status, &end.io, &end.findings)));
        self.state = State::Closed;
        let conduit = self.conduit().unwrap_or_default();
        self.gate.metrics.counted(&conduit, end.io.input_tokens, end.io.output_tokens);
        let mut draft = self.outcome(Kind::Outcome, id, end);
        draft.body.seal = sealed.as_ref().ok().cloned().flatten();
        let written = sealed.and(self.ended(draft).await);
        self.count(&written);
        written
    }

    /// Writes the outcome. Whether or not anybody still waits then, an answer that must be accounted for is in the book once
    /// its record is durable.
    async fn ended(&self, draft: Draft) -> Result<(), Unwritten> {
        let Some(within) = draft.number(OWED) else { return self.gate.write(draft).await };
        let (gate, call) = (Arc::clone(&self.gate), self.id);
        let enter = move || gate.book.enter(Due { at: Millis(now().0.saturating_add(within)), call });
        self.gate.write_and(draft, enter).await
    }

    /// Whether a model's answer, or a part of it, reached the caller.
    fn advised(&self, end: &End<'_>) -> bool {
        let model = self.switched.as_ref().is_none_or(|switched| switched.to.is_some());
        model && end.status < 400 && end.io.answer_bytes > 0
    }

    /// Ends without a record of its own: it shares one with others.
    pub(crate) fn unkept(mut self: Box<Self>) {
        self.state = State::Closed;
    }

    /// Nothing has left, so nothing was used.
    fn give_back(&mut self) {
        if let Some(counted) = self.counted.take() {
            counted.give_back();
        }
    }

    /// The record's id: of the refusal, or of the intent that the outcome refers to.
    pub(crate) fn id(&self) -> RecordId {
        self.id
    }

    pub(crate) fn recorder(&self) -> Arc<dyn Recorder> {
        Arc::clone(&self.gate.recorder)
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn began(&self) -> Millis {
        self.began
    }

    /// When it began, on the clock that deadlines are kept by.
    pub(crate) fn clock(&self) -> Instant {
        self.clock
    }

    pub(crate) fn micros(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The model that was asked, once it is known.
    pub(crate) fn model(&self) -> Option<&str> {
        self.body.what.as_ref()?.model.as_deref().filter(|model| !model.is_empty())
    }

    /// The conduit, once it is known.
    fn conduit(&self) -> Option<String> {
        self.body.place.as_ref()?.conduit.as_ref().map(ToString::to_string)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.body.decided.as_ref().map_or(Verdict::Refuse, |decided| decided.verdict)
    }

    fn outcome(&self, kind: Kind, id: RecordId, end: End<'_>) -> Draft {
        let facts = end.facts;
        let out = Outcome {
            first_byte_micros: end.first_byte_micros,
            provider_id: facts.and_then(|facts| facts.provider_id.clone()),
            model: facts.and_then(|facts| facts.model.clone()),
            ..self.out(end.status, end.failure.map(|(reason, _)| reason))
        };
        let detail = end.failure.map(|(_, detail)| detail).filter(|detail| !detail.is_empty());
        let mut note: BTreeMap<_, _> = detail.map(|detail| ("detail", Note::text(detail))).into_iter().collect();
        note.extend(self.owed.filter(|_| self.advised(&end)).map(|within| (OWED, Note::Number(within))));
        note.extend((self.retries > 0).then_some(("retries", Note::Number(self.retries))));
        if let Some(switched) = &self.switched {
            note.insert("answered_by", Note::text(switched.by()));
            note.insert("because", Note::text(switched.because.name()));
        }
        let mut body = Body { io: Some(end.io), out: Some(out), note, ..self.body.about() };
        if let Some(what) = &mut body.what {
            what.findings = end.findings;
        }
        Draft { kind, id, reference: Some(self.id), body }
    }

    fn refusal(&mut self, reason: Reason) -> Draft {
        let out = self.out(reason.status(), Some(reason));
        Draft {
            kind: Kind::Refuse,
            id: self.id,
            reference: self.held,
            body: Body { out: Some(out), ..self.body.clone() },
        }
    }

    fn out(&self, status: u16, reason: Option<Reason>) -> Outcome {
        let (began, micros) = (self.began, self.micros());
        Outcome { status, reason, began, micros, first_byte_micros: None, provider_id: None, model: None }
    }

    /// Counts the end and logs it.
    fn tell(&self, verdict: Verdict, failure: Option<(Reason, &str)>, status: u16, facts: Option<&wire::Facts>) {
        let (conduit, reason) = (self.conduit(), failure.map(|(reason, _)| reason));
        self.gate.metrics.ended(conduit.as_deref(), verdict, reason, self.micros());
        telemetry::ended(&Ending {
            record: self.id,
            conduit: conduit.as_deref(),
            verdict,
            reason,
            detail: failure.map_or("", |(_, detail)| detail),
            status,
            micros: self.micros(),
            facts,
        });
    }

    fn count(&self, written: &Result<(), Unwritten>) {
        if written.is_err() {
            self.gate.metrics.unwritten.inc();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Closed);
        let (verdict, detail) = match state {
            State::Closed => return,
            State::Arrived | State::Committing(_) => {
                self.give_back();
                (Verdict::Refuse, "before the call was forwarded")
            }
            State::Left => (self.verdict(), "before the answer was complete"),
        };
        let (reason, kind) = match std::thread::panicking() {
            true => (Reason::Abandoned, Kind::Abandon),
            false => (Reason::CallerLeft, Kind::Outcome),
        };
        let failure = Some((reason, detail));
        let end = End { status: reason.status(), failure, io: self.sent.clone(), ..End::default() };
        self.told(Some(reason), matches!(state, State::Left).then_some((reason.status(), &end.io, &[])));
        let ended = self.outcome(kind, draw_id(now()), end);
        self.refused(&Refusal::new(reason, detail));
        let refused = self.refusal(reason);
        self.tell(verdict, failure, reason.status(), None);
        match state {
            State::Closed => {}
            State::Arrived => self.gate.record(refused),
            State::Left => self.gate.record(ended),
            State::Committing(fate) => {
                let mut fate = lock(&fate);
                match *fate {
                    Fate::Written => self.gate.record(ended),
                    Fate::Lost => self.gate.record(refused),
                    Fate::Pending | Fate::Orphaned { .. } => {
                        *fate = Fate::Orphaned { if_written: Box::new(ended), if_lost: Box::new(refused) };
                    }
                }
            }
        }
    }
}

/// What becomes of an intent whose exchange may end before the ledger has answered.
enum Fate {
    Pending,
    Written,
    Lost,
    /// The exchange has ended. One of these is its last record.
    Orphaned {
        if_written: Box<Draft>,
        if_lost: Box<Draft>,
    },
}

/// Takes the ledger's answer to an intent. Dropped without one (a writer that panics), it takes that for a no.
struct Settling {
    gate: Arc<Gate>,
    fate: Arc<Mutex<Fate>>,
    done: Option<oneshot::Sender<Result<(), Unwritten>>>,
}

impl Settling {
    fn settle(mut self, result: Result<(), Unwritten>) {
        self.close(result);
    }

    fn close(&mut self, result: Result<(), Unwritten>) {
        let Some(done) = self.done.take() else { return };
        let settled = if result.is_ok() { Fate::Written } else { Fate::Lost };
        let before = std::mem::replace(&mut *lock(&self.fate), settled);
        if let Fate::Orphaned { if_written, if_lost } = before {
            self.gate.record(if result.is_ok() { *if_written } else { *if_lost });
        }
        // The exchange that waited may be gone; the record stands all the same.
        let _ = done.send(result);
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        self.close(Err(Unwritten::writer_gone()));
    }
}

/// A panic under this lock leaves a whole value behind: there is one assignment in it.
fn lock(fate: &Mutex<Fate>) -> MutexGuard<'_, Fate> {
    fate.lock().unwrap_or_else(PoisonError::into_inner)
}
