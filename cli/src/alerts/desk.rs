//! The desks of a gateway that runs: one for each destination, which reads the ledger and sends.

use super::board::{Board, Doing};
use super::send::{Failed, send};
use super::state::State;
use alert::{Alert, Code, Condition, Destination, Eyes, Site, Terms, Way};
use config::Loaded;
use gateway::now;
use plant::{DestinationId, Millis, Plant};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Filter, ReadError, Reader, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use witness::Standing;

/// How often a desk looks for new records and for what is due.
const LOOK: Duration = Duration::from_millis(500);
/// Most records that are read at a time.
const BATCH: usize = 20_000;
/// Most alerts that wait. Then the ledger keeps the rest: it is read on when there is room.
const MOST: usize = 256;
/// Most records that are read again after a crash because nothing came of them.
const STRIDE: u64 = 10_000;
/// First and longest pause before the next attempt.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How often a message is sent that the destination says it does not want.
const UNWANTED: u32 = 3;
/// How long after a start witnesses are given to sign.
const SETTLE: Duration = Duration::from_secs(60);

/// Everything that alerts are told from.
pub(crate) struct House {
    pub(crate) store: Arc<Store>,
    pub(crate) standing: Arc<Standing>,
    pub(crate) board: Arc<Board>,
}

/// The desks, until they are closed.
pub(crate) struct Alerting {
    house: Arc<House>,
    begun: Instant,
    running: Option<Running>,
}

/// Desks under one plant file.
struct Running {
    loaded: Arc<Loaded>,
    stop: watch::Sender<bool>,
    desks: Vec<JoinHandle<()>>,
}

impl Alerting {
    /// Opens the desks that the plant file names.
    pub(crate) fn open(loaded: &Arc<Loaded>, house: House) -> Self {
        let mut alerting = Self { house: Arc::new(house), begun: Instant::now(), running: None };
        alerting.begin(loaded);
        alerting
    }

    /// Goes on under what is in force now, if that is another than before. A desk ends where it stands and another takes over.
    pub(crate) async fn follow(&mut self, loaded: &Arc<Loaded>) {
        if !self.running.as_ref().is_some_and(|running| Arc::ptr_eq(&running.loaded, loaded)) {
            self.end().await;
            self.begin(loaded);
        }
    }

    /// Ends. What has not been delivered is, after the next start.
    pub(crate) async fn close(mut self) {
        self.end().await;
    }

    fn begin(&mut self, loaded: &Arc<Loaded>) {
        let ids: Arc<[DestinationId]> = loaded.alerts.iter().map(|one| one.id.clone()).collect();
        self.house.board.keep(&ids);
        let (stop, stopped) = watch::channel(false);
        let end = self.house.store.state().size;
        let desk = |to: &Destination| {
            let folder = loaded.gateway.ledger.clone();
            // Whom nobody told anything yet is told from now on, and not what has long been known.
            // A place beyond the end is one in another ledger.
            let kept = State::read(&folder, &to.id).filter(|state| state.next <= end);
            let new = || State { next: end, eyes: Eyes::under(&loaded.plant.digest), ..State::default() };
            let state = kept.clone().unwrap_or_else(new);
            let desk = Desk {
                to: to.clone(),
                terms: to.terms(),
                site: Site { plant: loaded.plant.id.clone(), gateway: loaded.plant.gateway.clone() },
                plant: Arc::clone(&loaded.plant),
                patience: loaded.gateway.witnesses.as_ref().map(|witnesses| witnesses.warn_after),
                house: Arc::clone(&self.house),
                begun: self.begun,
                folder,
                ids: Arc::clone(&ids),
                kept: kept.unwrap_or_default(),
                state,
                after: None,
                unwanted: 0,
                unread: false,
                unkept: false,
            };
            let desk = desk.waiting();
            tokio::spawn(desk.live(stopped.clone()))
        };
        let desks = loaded.alerts.iter().map(desk).collect();
        self.running = Some(Running { loaded: Arc::clone(loaded), stop, desks });
    }

    async fn end(&mut self) {
        let Some(Running { stop, desks, .. }) = self.running.take() else { return };
        let _ = stop.send(true);
        for desk in desks {
            let _ = desk.await;
        }
    }
}

/// What one destination is told.
struct Desk {
    to: Destination,
    terms: Terms,
    site: Site,
    plant: Arc<Plant>,
    /// Every destination of the plant file.
    ids: Arc<[DestinationId]>,
    /// How long records may wait for witnesses.
    patience: Option<Duration>,
    house: Arc<House>,
    begun: Instant,
    folder: PathBuf,
    state: State,
    /// What stands in the file.
    kept: State,
    /// When the next attempt is due, if not at once.
    after: Option<Instant>,
    /// How often the first alert that waits was not wanted.
    unwanted: u32,
    /// Whether it was said that records cannot be read.
    unread: bool,
    /// Whether it was said that what is known cannot be kept.
    unkept: bool,
}

impl Desk {
    /// The next mail is not due before its time because the desk is another.
    fn waiting(mut self) -> Self {
        if let (Way::Mail { digest, .. }, Some(last)) = (&self.to.way, self.state.last) {
            let since = Duration::from_millis(now().0.abs_diff(last.0));
            self.after = Instant::now().checked_add(digest.saturating_sub(since));
        }
        self
    }

    async fn live(mut self, mut stop: watch::Receiver<bool>) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*stop.borrow() {
            tokio::select! {
                _ = stop.changed() => break,
                _ = look.tick() => {}
            }
            let Some(desk) = self.beside(Self::gather).await else { return };
            self = desk;
            while self.is_due() && !*stop.borrow() {
                tokio::select! {
                    _ = stop.changed() => break,
                    () = self.deliver() => {}
                }
                let Some(desk) = self.beside(Self::keep).await else { return };
                self = desk;
            }
            self.show();
        }
        self.beside(Self::keep).await;
    }

    /// Works on the disk, beside the threads that carry calls.
    async fn beside(mut self, work: fn(&mut Self)) -> Option<Self> {
        let working = tokio::task::spawn_blocking(move || {
            work(&mut self);
            self
        });
        let failed = |problem: &_| tracing::error!(%problem, "a destination of alerts is served no more");
        working.await.inspect_err(failed).ok()
    }

    /// Takes notice of everything new, and keeps what comes of it before anything is sent.
    fn gather(&mut self) {
        if self.state.outbox.len() < MOST {
            // What holds and what is due come first: records of callers are to leave them room.
            self.ask();
            let due = self.state.watch.tick(&self.terms, &self.site, now());
            self.state.outbox.extend(due);
            let unread = self.read().inspect_err(|problem| {
                if !self.unread {
                    tracing::error!(destination = %self.to.id, %problem, "records cannot be read for alerts");
                }
            });
            self.unread = unread.is_err();
        }
        if self.state.says_else_than(&self.kept) || self.state.next.saturating_sub(self.kept.next) >= STRIDE {
            self.keep();
        }
    }

    fn read(&mut self) -> Result<(), ReadError> {
        if self.house.store.state().size <= self.state.next {
            return Ok(());
        }
        let reader = Reader::open(&self.folder)?;
        let first = reader.first()?;
        if first > self.state.next {
            tracing::warn!(from = self.state.next, to = first, "records were removed before alerts were told of them");
            self.state.next = first;
        }
        for record in reader.records(self.state.next, Filter::default()).take(BATCH) {
            let entry = record?.entry;
            let State { eyes, watch, .. } = &mut self.state;
            let told = self.to.hear(&entry, (eyes, watch), &self.plant, &self.site, now());
            self.state.outbox.extend(told);
            self.state.next = entry.seq() + 1;
            if self.state.outbox.len() >= MOST {
                break;
            }
        }
        Ok(())
    }

    /// Asks for what the ledger cannot tell of, and ends what is about something that the plant file does not name any more.
    fn ask(&mut self) {
        let conditions = self.conditions();
        let Self { state, terms, site, ids, plant, patience, .. } = self;
        for condition in conditions {
            state.outbox.extend(state.watch.ask(&condition, terms, site, now()));
        }
        let declared = |about: &str| ids.iter().any(|id| id.as_str() == about);
        state.outbox.extend(state.watch.end(Code::DestinationDown, declared, terms, site, now()));
        let provided = |about: &str| plant.providers.keys().any(|id| id.as_str() == about);
        state.outbox.extend(state.watch.end(Code::BreakerOpen, provided, terms, site, now()));
        let awaited = |_: &str| patience.is_some();
        state.outbox.extend(state.watch.end(Code::WitnessMissing, awaited, terms, site, now()));
    }

    /// What the ledger cannot tell of.
    fn conditions(&self) -> Vec<Condition> {
        let state = self.house.store.state();
        let closed = matches!(state.condition, store::Condition::Closed);
        let mut all = self.house.board.others(&self.to.id);
        all.push(Condition::of(Code::LedgerDown, !state.healthy && !closed));
        if let Some(patience) = self.patience.filter(|patience| self.begun.elapsed() >= SETTLE.min(*patience)) {
            let behind = self.house.standing.behind();
            let missing = behind.is_some_and(|behind| behind.age(now()) > patience);
            all.push(Condition::of(Code::WitnessMissing, missing));
        }
        all
    }

    /// Whether something waits and may be sent now.
    fn is_due(&self) -> bool {
        !self.state.outbox.is_empty() && self.after.is_none_or(|after| after <= Instant::now())
    }

    /// Sends of what waits as many as go at a time.
    async fn deliver(&mut self) {
        let waiting = std::mem::take(&mut self.state.outbox);
        // Put back whatever becomes of the attempt, which may be dropped in the middle.
        let mut outbox = Waiting { desk: self, alerts: waiting };
        let sent = send(&outbox.desk.to, &outbox.alerts).await;
        if let Ok(count) = sent {
            outbox.alerts.drain(..count.min(outbox.alerts.len()));
        }
        drop(outbox);
        match sent {
            Ok(count) => self.delivered(count),
            Err(failed) => self.failed(failed),
        }
    }

    fn delivered(&mut self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if self.state.problem.is_some() {
            tracing::info!(destination = %self.to.id, "alerts are delivered again");
        }
        (self.state.problem, self.state.tries, self.unwanted) = (None, 0, 0);
        self.state.delivered = self.state.delivered.saturating_add(count);
        self.state.last = Some(now());
        self.after = match &self.to.way {
            Way::Mail { digest, .. } => Instant::now().checked_add(*digest),
            Way::Syslog { .. } | Way::Webhook { .. } => None,
        };
        self.house.board.count(&self.to.id, "delivered", count);
    }

    fn failed(&mut self, failed: Failed) {
        self.house.board.count(&self.to.id, "failed", 1);
        if self.state.problem.is_none() {
            tracing::warn!(destination = %self.to.id, problem = %failed, "alerts were not delivered; trying again");
        }
        self.state.problem = Some(failed.to_string());
        if let Failed::Unwanted(_) = failed {
            self.unwanted += 1;
            if self.unwanted >= UNWANTED {
                return self.give_up();
            }
        }
        self.state.tries = self.state.tries.saturating_add(1);
        let doubled = PAUSES.0.saturating_mul(2_u32.saturating_pow(self.state.tries.saturating_sub(1)));
        let pause = match failed {
            Failed::After { pause, .. } => pause.max(PAUSES.0),
            Failed::Later(_) | Failed::Unwanted(_) => doubled.min(PAUSES.1),
        };
        self.after = Instant::now().checked_add(pause);
    }

    /// Leaves out what the destination will not have, and counts it: the others behind it are to arrive.
    fn give_up(&mut self) {
        self.unwanted = 0;
        self.after = Instant::now().checked_add(PAUSES.0);
        if self.state.outbox.is_empty() {
            return;
        }
        let alert = self.state.outbox.remove(0);
        tracing::warn!(destination = %self.to.id, alert = alert.id, "an alert is not wanted and left out");
        self.state.watch.refused(&alert, now());
        self.house.board.count(&self.to.id, "refused", 1);
    }

    /// Keeps what is known.
    fn keep(&mut self) {
        if self.state == self.kept {
            return;
        }
        match self.state.keep(&self.folder, &self.to.id) {
            Ok(()) => (self.kept, self.unkept) = (self.state.clone(), false),
            Err(problem) => {
                if !std::mem::replace(&mut self.unkept, true) {
                    tracing::error!(destination = %self.to.id, %problem, "what a destination was told is not kept");
                }
            }
        }
    }

    fn show(&self) {
        let delivered = self.state.last.map(|Millis(time)| time / 1000);
        let doing = Doing { tries: self.state.tries, pending: self.state.outbox.len(), delivered };
        self.house.board.set(&self.to.id, doing);
    }
}

/// Alerts that are being sent.
struct Waiting<'a> {
    desk: &'a mut Desk,
    alerts: Vec<Alert>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.desk.state.outbox = std::mem::take(&mut self.alerts);
    }
}
