//! The ledger as the gateway sees it. It does not know how records are kept: it is handed a [`Recorder`], and `store`
//! is one.

use crate::oversight::Due;
use bytes::Bytes;
use plant::{Body, Draft, Millis, RecordId, Sealed};
use seal::envelope::Salt;
use std::cell::RefCell;
use std::time::{Duration, SystemTime};
use std::vec::IntoIter;

/// The ledger did not take a record.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the ledger did not take the record: {0}")]
pub struct Unwritten(pub String);

impl Unwritten {
    pub(crate) fn writer_gone() -> Self {
        Self("the writer stopped".to_owned())
    }
}

/// What is called once a record is durable and signed, or will never be.
pub type Acknowledge = Box<dyn FnOnce(Result<(), Unwritten>) + Send>;

/// Content that is to be kept, sealed. Without `Debug`, which would show it.
pub struct Kept {
    /// The record that will refer to it.
    pub record: RecordId,
    /// When the call came.
    pub at: Millis,
    /// Whose it is: a kind, a dot and an id, as `operator.op-7k2m`.
    pub subject: String,
    /// The key of the call's commitments.
    pub salt: Salt,
    /// The content.
    pub bytes: Bytes,
}

/// A call as the ledger knows it.
#[derive(Clone, Debug)]
pub struct Known {
    /// Whose it is, across what and to where.
    pub about: Body,
    /// When it came.
    pub began: Millis,
    /// How it ended; `None` while it is under way.
    pub ended: Option<Ended>,
    /// How many records account for its answer.
    pub accounted: u64,
    /// Whether a record says that nobody did in time.
    pub missed: bool,
}

/// The end of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its record.
    pub record: RecordId,
    /// When that was written.
    pub at: Millis,
    /// In how many milliseconds from then somebody must account for the answer; `None` if nobody must.
    pub within: Option<u64>,
}

/// Takes records, and the content beside them.
pub trait Recorder: Send + Sync {
    /// Queues a record; calls `done` when it is durable and signed. Never blocks: a full queue is a failure that `done`
    /// is told at once. Records are written in the order they come in, and `done` may queue another.
    fn append(&self, draft: Draft, done: Acknowledge);

    /// The same for several, in their order: whoever brings them together may have them written together.
    fn append_all(&self, records: Vec<(Draft, Acknowledge)>) {
        records.into_iter().for_each(|(draft, done)| self.append(draft, done));
    }

    /// Whether a record is durable so soon that no other comes meanwhile: then those who bring one do well to wait for each
    /// other. Where it takes longer, groups gather by themselves.
    fn is_quick(&self) -> bool {
        false
    }

    /// Seals content and makes it durable. Blocks, so it is called aside.
    ///
    /// # Errors
    /// If the content is not kept; no record may refer to it then.
    fn keep(&self, kept: &Kept) -> Result<Sealed, Unwritten>;

    /// What the ledger says of a call that has left; `None` if it knows none of that record, or none that is recent. Blocks, so
    /// it is called aside.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    fn look_up(&self, call: RecordId) -> Result<Option<Known>, Unwritten>;

    /// The answers that somebody must account for, and of which the ledger says neither that somebody did nor that nobody
    /// did in time: of calls that began at a time or later; without one, of those that ended so shortly before the gateway
    /// started last that they could still be open, where `longest` is the longest time to account for one. Blocks, so it is
    /// called aside.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    fn unaccounted(&self, since: Option<Millis>, longest: Duration) -> Result<Vec<Due>, Unwritten>;

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
#[must_use]
pub fn draw_id(now: Millis) -> RecordId {
    thread_local! {
        static DRAWN: RefCell<IntoIter<[u8; 10]>> = RefCell::default();
    }
    let random = DRAWN.with_borrow_mut(|drawn| {
        drawn.next().unwrap_or_else(|| {
            *drawn = draw().into_iter();
            drawn.next().unwrap_or_default()
        })
    });
    RecordId::new(now, random)
}

/// Random bytes for many ids: to ask the system for each of them would cost more than the id.
fn draw() -> Vec<[u8; 10]> {
    let mut random = [0; 640];
    // Ids need to differ, not to be secret: without entropy the time alone still orders them.
    let _ = getrandom::fill(&mut random);
    random.as_chunks().0.to_vec()
}
