//! What every exchange shares.

use crate::company::Company;
use crate::flood::Flood;
use crate::holds::Holds;
use crate::isolation::Isolation;
use crate::oversight::{self, Book};
use crate::place::{Place, Rooms};
use crate::quotas::Quotas;
use crate::recorder::Recorder;
use crate::shifts::Ear;
use crate::watch::HEAVY;
use crate::{Inforce, Limits, Metrics, Secrets};
use arc_swap::ArcSwap;
use plant::{Body, Draft, Reason, Refusal};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What every exchange shares.
pub(crate) struct Gate {
    pub(crate) inforce: ArcSwap<Inforce>,
    /// What is shut by hand.
    pub(crate) isolation: Isolation,
    /// The calls that wait for a person.
    pub(crate) holds: Holds,
    /// The answers that somebody must account for.
    pub(crate) book: Book,
    /// Those who look up a call in the ledger: reading it is work.
    pub(crate) looks: Semaphore,
    pub(crate) recorder: Arc<dyn Recorder>,
    /// The records of exchanges that go to it together.
    pub(crate) company: Company,
    pub(crate) secrets: Secrets,
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) connections: Arc<Semaphore>,
    exchanges: Arc<Semaphore>,
    rooms: Rooms,
    /// Those who read a large body. More than there are processors would each take memory and none would be sooner done.
    readers: Semaphore,
    pub(crate) flood: Flood,
    /// What has been used of quotas.
    pub(crate) quotas: Quotas,
    /// Where calls that have ended are told.
    pub(crate) ear: Ear,
    /// Told to stop: nothing new is accepted.
    pub(crate) stopping: CancellationToken,
    pub(crate) tracker: TaskTracker,
    /// Nothing is under way any more: whoever watches the gateway has seen it stop.
    pub(crate) ended: CancellationToken,
    /// Those who watch: connections of the operations listener, which hold up no stop.
    pub(crate) watchers: TaskTracker,
}

impl Gate {
    pub(crate) fn new(
        mut inforce: Inforce,
        recorder: Arc<dyn Recorder>,
        secrets: Secrets,
        limits: Limits,
        metrics: Arc<Metrics>,
        ear: Ear,
    ) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let used = std::mem::take(&mut inforce.used);
        Self {
            isolation: Isolation::new(std::mem::take(&mut inforce.shut), std::mem::take(&mut inforce.standing)),
            inforce: ArcSwap::from_pointee(inforce),
            holds: Holds::default(),
            book: Book::default(),
            looks: Semaphore::new(oversight::LOOKS),
            recorder,
            company: Company::default(),
            secrets,
            metrics,
            connections: places(limits.connections),
            exchanges: places(limits.exchanges),
            rooms: Rooms::new(limits.bodies),
            readers: Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from).max(2)),
            flood: Flood::default(),
            quotas: Quotas::new(used),
            ear,
            limits,
            stopping: CancellationToken::new(),
            tracker: TaskTracker::new(),
            ended: CancellationToken::new(),
            watchers: TaskTracker::new(),
        }
    }

    pub(crate) fn readiness(&self) -> Result<(), String> {
        if self.stopping.is_cancelled() {
            return Err("the gateway is shutting down".to_owned());
        }
        self.recorder.health()
    }

    /// Takes a place among the exchanges under way.
    pub(crate) fn enter(&self) -> Result<Place, Refusal> {
        Place::take(&self.exchanges, &self.rooms, self.metrics.under_way())
    }

    /// Waits for a turn to read a body of this size; a small one needs none.
    pub(crate) async fn turn(&self, size: usize, patience: Duration) -> Result<Option<SemaphorePermit<'_>>, Refusal> {
        if size < HEAVY {
            return Ok(None);
        }
        match timeout(patience, self.readers.acquire()).await {
            Ok(turn) => Ok(turn.ok()),
            Err(_) => Err(Refusal::new(Reason::TooBusy, "too many large bodies are being read")),
        }
    }

    /// Whether a call may go on: it may not where its path is isolated, or exchanges under way are cut.
    pub(crate) fn open(&self, call: &Body) -> Result<(), Refusal> {
        self.isolation.stops(call, &self.inforce).map_or(Ok(()), Err)
    }

    /// Waits until a call may not go on; says why.
    pub(crate) fn shut(&self, call: &Body) -> impl Future<Output = Refusal> {
        self.isolation.stopped(call, &self.inforce)
    }

    /// Waits for `work` unless the call may not go on.
    pub(crate) async fn until_cut<T>(
        &self,
        call: &Body,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        self.open(call)?;
        // The work first: most of it is done at once, and a place among those who wait for the alarm is not free.
        tokio::select! {
            biased;
            done = work => done,
            refusal = self.shut(call) => Err(refusal),
        }
    }

    /// Queues a record that nobody waits for.
    pub(crate) fn record(&self, draft: Draft) {
        let unwritten = self.metrics.unwritten.clone();
        self.recorder.append(
            draft,
            Box::new(move |result| {
                if result.is_err() {
                    unwritten.inc();
                }
            }),
        );
    }
}
