//! The ledger as the gateway sees it, and the guard that lets no exchange end without a record.
//!
//! The gateway does not know how records are kept. It is handed a [`Recorder`]; `store` is one.
//!
//! ```text
//! arrive ──> refuse                        one `refuse` record: nothing left
//!    └─────> intent ──> outcome            `intent` before the first byte leaves, `outcome` before the last arrives
//!    dropped ──> refuse (caller-left)      the caller went away while uploading
//!               dropped ──> outcome (caller-left), or abandon if a panic unwinds
//! ```

use plant::{Body, Draft, Io, Kind, Millis, Outcome, Reason, RecordId, Who};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// The ledger did not take a record.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the ledger did not take the record: {0}")]
pub struct Unwritten(pub String);

/// What is called once a record is durable and signed, or will never be.
pub type Acknowledge = Box<dyn FnOnce(Result<(), Unwritten>) + Send>;

/// Takes records. Never blocks: a full queue is a failure that `done` is told at once.
pub trait Recorder: Send + Sync {
    /// Queues a record; calls `done` when it is durable and signed.
    fn append(&self, draft: Draft, done: Acknowledge);

    /// Whether records are being taken; what is wrong if not.
    ///
    /// # Errors
    /// Says in the plant's words why nothing can be recorded.
    fn health(&self) -> Result<(), String>;
}

/// The time of day, for records.
#[must_use]
pub fn now() -> Millis {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// Draws an id for a record.
pub(crate) fn draw_id(now: Millis) -> RecordId {
    let mut random = [0; 10];
    // Ids need to differ, not to be secret: without entropy the time alone still orders them.
    let _ = getrandom::fill(&mut random);
    RecordId::new(now, random)
}

/// Queues a record and waits until it is durable.
pub(crate) async fn write(recorder: &dyn Recorder, draft: Draft) -> Result<(), Unwritten> {
    let (done, written) = tokio::sync::oneshot::channel();
    recorder.append(
        draft,
        Box::new(move |result| {
            // The exchange that waited may be gone; the record stands all the same.
            let _ = done.send(result);
        }),
    );
    written.await.unwrap_or_else(|_| Err(Unwritten("the writer stopped".to_owned())))
}

/// One exchange's place in the ledger. Closing it is what makes the record; dropped unclosed, it still makes one.
#[must_use = "an exchange that is not closed is recorded as cut off"]
pub(crate) struct Journal {
    recorder: Arc<dyn Recorder>,
    id: RecordId,
    began: Millis,
    clock: Instant,
    state: State,
    /// What the record will say, filled in as the exchange learns it.
    pub(crate) body: Body,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Arrived,
    Left,
    Closed,
}

impl Journal {
    pub(crate) fn open(recorder: Arc<dyn Recorder>, who: Who) -> Self {
        let began = now();
        let body = Body { who: Some(who), ..Body::default() };
        Self { recorder, id: draw_id(began), began, clock: Instant::now(), state: State::Arrived, body }
    }

    /// The record's id: of the refusal, or of the intent that the outcome refers to.
    pub(crate) fn id(&self) -> RecordId {
        self.id
    }

    pub(crate) fn began(&self) -> Millis {
        self.began
    }

    pub(crate) fn micros(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Records that the call goes nowhere; or, if it had already left, that it failed.
    pub(crate) async fn refuse(mut self, reason: Reason) -> Result<(), Unwritten> {
        let draft = match self.state {
            State::Left => self.ending(Kind::Outcome, Io::default(), self.outcome(reason.status(), Some(reason))),
            State::Arrived | State::Closed => self.refusal(reason),
        };
        self.state = State::Closed;
        write(&*self.recorder, draft).await
    }

    /// The model that was asked, once it is known.
    pub(crate) fn model(&self) -> Option<&str> {
        self.body.what.as_ref()?.model.as_deref()
    }

    /// The conduit, once it is known.
    pub(crate) fn conduit(&self) -> Option<String> {
        self.body.place.as_ref()?.conduit.as_ref().map(ToString::to_string)
    }

    /// Records the intent. Nothing may leave before this is done.
    pub(crate) async fn intend(&mut self) -> Result<(), Unwritten> {
        let draft = Draft { kind: Kind::Intent, id: self.id, reference: None, body: self.body.clone() };
        write(&*self.recorder, draft).await?;
        self.state = State::Left;
        Ok(())
    }

    /// Records the outcome. The caller may not have the end of the answer before this is done.
    pub(crate) async fn conclude(mut self, io: Io, out: Outcome) -> Result<(), Unwritten> {
        self.state = State::Closed;
        let draft = self.ending(Kind::Outcome, io, out);
        write(&*self.recorder, draft).await
    }

    /// An outcome as far as this journal knows it.
    pub(crate) fn outcome(&self, status: u16, reason: Option<Reason>) -> Outcome {
        let (began, micros) = (self.began, self.micros());
        Outcome { status, reason, began, micros, first_byte_micros: None, provider_id: None, model: None }
    }

    fn ending(&self, kind: Kind, io: Io, out: Outcome) -> Draft {
        let body = Body { io: Some(io), out: Some(out), ..Body::default() };
        Draft { kind, id: draw_id(now()), reference: Some(self.id), body }
    }

    fn refusal(&mut self, reason: Reason) -> Draft {
        self.state = State::Closed;
        let out = self.outcome(reason.status(), Some(reason));
        let mut body = std::mem::take(&mut self.body);
        body.out = Some(out);
        Draft { kind: Kind::Refuse, id: self.id, reference: None, body }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let reason = if std::thread::panicking() { Reason::Abandoned } else { Reason::CallerLeft };
        let draft = match self.state {
            State::Closed => return,
            State::Arrived => self.refusal(reason),
            State::Left => {
                let kind = if reason == Reason::Abandoned { Kind::Abandon } else { Kind::Outcome };
                self.ending(kind, Io::default(), self.outcome(reason.status(), Some(reason)))
            }
        };
        // Nobody is left to be told; the store counts what it could not write.
        self.recorder.append(draft, Box::new(|_| ()));
    }
}
