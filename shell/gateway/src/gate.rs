//! What every exchange shares.

use crate::flood::Flood;
use crate::place::{Place, Rooms};
use crate::recorder::Recorder;
use crate::shifts::Ear;
use crate::watch::HEAVY;
use crate::{GOODBYE, Inforce, Limits, Metrics, Secrets};
use arc_swap::ArcSwap;
use plant::{Draft, Reason, Refusal};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What every exchange shares.
pub(crate) struct Gate {
    pub(crate) inforce: ArcSwap<Inforce>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) secrets: Secrets,
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) connections: Arc<Semaphore>,
    exchanges: Arc<Semaphore>,
    rooms: Rooms,
    /// Those who read a large body. More than there are processors would each take memory and none would be sooner done.
    readers: Semaphore,
    pub(crate) flood: Flood,
    /// Where calls that have ended are told.
    pub(crate) ear: Ear,
    /// Told to stop: nothing new is accepted.
    pub(crate) stopping: CancellationToken,
    /// Out of grace: exchanges under way are cut.
    pub(crate) cutting: CancellationToken,
    pub(crate) tracker: TaskTracker,
    /// Nothing is under way any more: whoever watches the gateway has seen it stop.
    pub(crate) ended: CancellationToken,
    /// Those who watch: connections of the operations listener, which hold up no stop.
    pub(crate) watchers: TaskTracker,
}

impl Gate {
    pub(crate) fn new(
        inforce: Inforce,
        recorder: Arc<dyn Recorder>,
        secrets: Secrets,
        limits: Limits,
        metrics: Arc<Metrics>,
        ear: Ear,
    ) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            inforce: ArcSwap::from_pointee(inforce),
            recorder,
            secrets,
            metrics,
            connections: places(limits.connections),
            exchanges: places(limits.exchanges),
            rooms: Rooms::new(limits.bodies),
            readers: Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from).max(2)),
            flood: Flood::default(),
            ear,
            limits,
            stopping: CancellationToken::new(),
            cutting: CancellationToken::new(),
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

    /// Waits for `work` unless exchanges under way are cut.
    pub(crate) async fn until_cut<T>(&self, work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
        tokio::select! {
            done = work => done,
            () = self.cutting.cancelled() => Err(Refusal::new(Reason::ShuttingDown, "the grace was over")),
        }
    }

    /// Waits until whatever was cut has had its time to say goodbye.
    pub(crate) async fn gone(&self) {
        self.cutting.cancelled().await;
        tokio::time::sleep(GOODBYE).await;
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
