//! What the threads of an open ledger share: the durable head, and how the ledger is doing.

use crate::disk::Usage;
use crate::lock::Lock;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Where a record went. It is durable and covered by a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its sequence number: its leaf's index in the tree. Of a record that was put aside, how many records the log had then.
    pub seq: u64,
    /// Its own identity.
    pub id: plant::RecordId,
    /// Its leaf hash. Of a record that was put aside, that of the log's last.
    pub leaf: [u8; 32],
}

/// Why a record was not written. Unless it is said otherwise, it is not in the ledger and never will be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// More records wait than may.
    #[error("the ledger has as many records waiting as it may")]
    Busy,
    /// The key that signs is not at hand. The next record may fare better.
    #[error("the key that signs the ledger is not at hand")]
    Unsigned,
    /// The disk is full. Records of calls that have already left are still taken while the reserve lasts.
    #[error("the disk under the ledger is full")]
    Full,
    /// The log cannot be written any more. Whether the records of the failing group are durable is not known;
    /// a restart finds out.
    #[error("the ledger has failed: {0}")]
    Failed(String),
    /// The ledger was closed.
    #[error("the ledger is closed")]
    Closed,
    /// The record cannot be written down.
    #[error("the record cannot be written down: {0}")]
    Rejected(String),
}

/// Who is told what became of a record.
pub type Done = Box<dyn FnOnce(Result<Written, Failure>) + Send>;

/// How the ledger is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// It takes records.
    Healthy,
    /// The disk is full: no call may leave, for it could not be recorded.
    Full,
    /// The key that signs is not at hand: no call may leave, for its record could not be signed.
    Unsigned,
    /// It takes none until it is opened anew; why.
    Failed(String),
    /// It was closed.
    Closed,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy => f.write_str("healthy"),
            Self::Full => f.write_str("the disk is full"),
            Self::Unsigned => f.write_str("the key that signs it is not at hand"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Closed => f.write_str("closed"),
        }
    }
}

/// What readiness and metrics show of a ledger.
#[derive(Clone, Debug)]
pub struct State {
    /// Whether it takes records, in one word.
    pub healthy: bool,
    /// The same, with the reason.
    pub condition: Condition,
    /// Durable records.
    pub size: u64,
    /// Records under the published checkpoint.
    pub published: u64,
    /// Why the last attempt to publish failed, if it did.
    pub publishing: Option<String>,
    /// The disk under the ledger.
    pub disk: Usage,
    /// Microseconds that the last group took to write and sync.
    pub last_sync_micros: u64,
    /// Records that wait.
    pub queue_depth: usize,
    /// Records of essential conduits that were put aside and come into the log once it works again.
    pub put_aside: u64,
    /// The last step of the wall clock that was put on record since the ledger was opened.
    pub stepped: Option<Stepped>,
}

/// A step of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stepped {
    /// The time after it.
    pub at: plant::Millis,
    /// Whether it went back.
    pub back: bool,
    /// By how much, in milliseconds.
    pub by: u64,
}

/// What the threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folder: PathBuf,
    head: Mutex<Head>,
    changed: Condvar,
    pub(crate) published: AtomicU64,
    pub(crate) last_sync_micros: AtomicU64,
    pub(crate) depth: AtomicUsize,
    /// Records that were put aside.
    pub(crate) emergency: AtomicU64,
}

/// What changes with each group.
#[derive(Debug)]
pub(crate) struct Head {
    /// The durable state.
    pub(crate) durable: Lock,
    /// How it goes.
    pub(crate) condition: Condition,
    /// Why publishing failed.
    pub(crate) publishing: Option<String>,
    /// The last step of the wall clock.
    pub(crate) stepped: Option<Stepped>,
    /// No more groups will come.
    pub(crate) stopping: bool,
    /// The size that the publisher sleeps until: waking it for each group would cost more than the group.
    pub(crate) awaited: u64,
}

impl Shared {
    pub(crate) fn new(folder: PathBuf, durable: Lock, published: u64) -> Self {
        Self {
            folder,
            head: Mutex::new(Head {
                durable,
                condition: Condition::Healthy,
                publishing: None,
                stepped: None,
                stopping: false,
                awaited: 0,
            }),
            changed: Condvar::new(),
            published: AtomicU64::new(published),
            last_sync_micros: AtomicU64::new(0),
            depth: AtomicUsize::new(0),
            emergency: AtomicU64::new(0),
        }
    }

    /// The head, for a short look. A thread that panicked while it held the head left it whole: every change
    /// below is a single assignment or an insertion.
    pub(crate) fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the head and wakes whoever waits for that.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Head)) {
        change(&mut self.head());
        self.changed.notify_all();
    }

    /// Shows what is durable now, and wakes who waits if it is as much as they wait for.
    pub(crate) fn grow(&self, change: impl FnOnce(&mut Lock)) {
        let mut head = self.head();
        change(&mut head.durable);
        if head.durable.size >= head.awaited {
            self.changed.notify_all();
        }
    }

    /// Waits for a change or so many records, or for the time to pass.
    pub(crate) fn wait<'a>(
        &self,
        mut head: MutexGuard<'a, Head>,
        awaited: u64,
        longest: Option<std::time::Duration>,
    ) -> MutexGuard<'a, Head> {
        head.awaited = awaited;
        match longest {
            None => self.changed.wait(head).unwrap_or_else(PoisonError::into_inner),
            Some(longest) => self.changed.wait_timeout(head, longest).unwrap_or_else(PoisonError::into_inner).0,
        }
    }

    /// The ledger takes no more records. The first reason stays.
    pub(crate) fn fail(&self, why: &str) {
        self.change(|head| {
            if !matches!(head.condition, Condition::Failed(_)) {
                tracing::error!(why, "the ledger has failed and takes no more records");
                head.condition = Condition::Failed(why.to_owned());
            }
        });
    }

    /// Why the ledger takes no more records, if it does not.
    pub(crate) fn failed(&self) -> Option<String> {
        match &self.head().condition {
            Condition::Failed(why) => Some(why.clone()),
            _ => None,
        }
    }

    pub(crate) fn state(&self) -> State {
        let (condition, size, publishing, stepped) = {
            let head = self.head();
            (head.condition.clone(), head.durable.size, head.publishing.clone(), head.stepped)
        };
        State {
            healthy: condition == Condition::Healthy,
            condition,
            size,
            published: self.published.load(Ordering::Acquire),
            publishing,
            disk: Usage::of(&self.folder).unwrap_or_default(),
            last_sync_micros: self.last_sync_micros.load(Ordering::Relaxed),
            queue_depth: self.depth.load(Ordering::Relaxed),
            put_aside: self.emergency.load(Ordering::Relaxed),
            stepped,
        }
    }
}
