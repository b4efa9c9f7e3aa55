//! Has the newest head of a ledger signed, round after round.
//!
//! ```text
//! clerk ─ every so often, when there is something new: the newest head ──> one task a witness ─ asks, keeps, or tries again
//!   └──── once a second: how far have enough of them followed? ──> Standing, log
//! ```
//!
//! In a round all witnesses are asked about the same head, for a quorum counts signatures under one. Nothing here is in
//! the way of a call or of the publisher: a head is read from the file that the publisher has written, and a witness that
//! is slow or away misses rounds.

use crate::asking::{Asked, Connector, Unsigned, UrlError};
use crate::standing::{Behind, Standing};
use ledger::witness::Quorum;
use plant::Millis;
use seal::cosignature::Witness;
use seal::note::{Note, Verifier};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use store::{Clock, Filter, Reader, Store, Thinner};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether there is something new.
const LOOK: Duration = Duration::from_secs(1);
/// First and longest pause before a witness that has not signed is asked again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How many of the newest signed heads are kept, as the publisher keeps its own.
const KEPT: usize = 1000;
/// How long the last round, about the head that a gateway leaves, may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// Whom to ask, and how often.
#[derive(Debug)]
pub struct Settings {
    quorum: Quorum,
    asked: Vec<Asked>,
    every: Duration,
    warn_after: Duration,
}

impl Settings {
    /// Asks those witnesses of the policy that have a URL, at most once in `every`. A record that waits for a quorum for longer
    /// than `warn_after` is a warning in the log.
    ///
    /// # Errors
    /// If one of the URLs is none.
    pub fn new(
        quorum: &Quorum,
        every: Duration,
        warn_after: Duration,
        connector: &Connector,
    ) -> Result<Self, UrlError> {
        let asked = quorum.named().iter().filter_map(|named| Asked::new(named, connector).transpose());
        Ok(Self { quorum: quorum.clone(), asked: asked.collect::<Result<_, _>>()?, every, warn_after })
    }
}

/// A head that witnesses are to sign.
#[derive(Clone, Debug)]
struct Head {
    size: u64,
    note: Note,
}

/// The witnesses are being asked, until this is dropped.
#[derive(Debug)]
pub struct Rounds {
    ours: Arc<Ours>,
    tasks: JoinSet<()>,
    stopping: CancellationToken,
}

/// What all tasks share.
#[derive(Debug)]
struct Ours {
    ledger: PathBuf,
    key: Vec<Verifier>,
    settings: Settings,
    standing: Arc<Standing>,
}

impl Rounds {
    /// Begins to ask.
    #[must_use]
    pub fn begin(settings: Settings, ledger: &Path, store: &Arc<Store>, standing: &Arc<Standing>) -> Self {
        if settings.asked.is_empty() {
            tracing::warn!("the policy names no witness with a URL: nobody is asked over the network");
        }
        let ours = Arc::new(Ours {
            ledger: ledger.to_owned(),
            key: vec![store.verifier().clone()],
            settings,
            standing: Arc::clone(standing),
        });
        let stopping = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let (sender, newest) = watch::channel(None);
        for asked in ours.settings.asked.clone() {
            let follower = Follower { ours: Arc::clone(&ours), asked, told: None };
            let (stopping, newest) = (stopping.clone(), newest.clone());
            tasks.spawn(async move {
                let _ = stopping.run_until_cancelled(follower.follow(newest)).await;
            });
        }
        let clerk = Clerk::new(Arc::clone(&ours), Arc::clone(store));
        let stopped = stopping.clone();
        tasks.spawn(async move {
            let _ = stopped.run_until_cancelled(clerk.keep(sender)).await;
        });
        Self { ours, tasks, stopping }
    }

    /// Stops asking. Then, once, has the head signed that the ledger was closed with: it may be the last for a long time.
    pub async fn end(mut self) {
        self.stopping.cancel();
        while self.tasks.join_next().await.is_some() {}
        let Ok(Ok((head, note))) = blocking(&self.ours, |ours| store::head(&ours.ledger)).await else { return };
        let last = Head { size: head.size, note };
        let mut asked = JoinSet::new();
        for one in self.ours.settings.asked.clone() {
            let mut follower = Follower { ours: Arc::clone(&self.ours), asked: one, told: None };
            let last = last.clone();
            asked.spawn(async move { follower.ask(&last).await });
        }
        let all = async { while asked.join_next().await.is_some() {} };
        if timeout(FAREWELL, all).await.is_err() {
            tracing::warn!("not every witness has signed the last head in time");
        }
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.ours.standing.show(None);
    }
}

/// Follows the rounds for one witness.
struct Follower {
    ours: Arc<Ours>,
    asked: Asked,
    /// What the log was told last, so that it is told once.
    told: Option<&'static str>,
}

impl Follower {
    async fn follow(mut self, mut newest: watch::Receiver<Option<Head>>) {
        let mut pause = PAUSES.0;
        let mut signed = 0;
        loop {
            let new = newest.wait_for(|head| head.as_ref().is_some_and(|head| head.size > signed)).await;
            let Ok(Some(head)) = new.map(|head| head.clone()) else { return };
            if self.ask(&head).await {
                (signed, pause) = (head.size, PAUSES.0);
            } else {
                sleep(jittered(pause)).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }

    /// Asks about one head, keeps the signature, and says what came of it; whether it was signed.
    async fn ask(&mut self, head: &Head) -> bool {
        let name = self.asked.named.name.clone();
        let signed = self.asked.sign(&self.ours.ledger, &head.note, head.size).await;
        let kept = match signed {
            Ok(note) => self.keep(note).await,
            Err(unsigned) => Err(self.excused(unsigned).await),
        };
        match kept {
            Ok(()) => {
                self.ours.standing.signed(&name);
                tracing::debug!(witness = name, size = head.size, "a witness has signed the head");
                if self.told.take().is_some() {
                    tracing::info!(witness = name, size = head.size, "the witness signs again");
                }
                true
            }
            Err(unsigned) => {
                self.ours.standing.unsigned(&name, unsigned.name());
                if self.told.replace(unsigned.name()) != Some(unsigned.name()) {
                    tell(&name, head.size, &unsigned);
                }
                false
            }
        }
    }

    async fn keep(&self, note: Note) -> Result<(), Unsigned> {
        let witness = self.asked.named.witness.clone();
        let kept = blocking(&self.ours, move |ours| store::add(&ours.ledger, &note, &ours.key, &[&witness])).await;
        kept.map_err(|()| Unsigned::Unsteady)?.map(drop).map_err(Unsigned::Own)
    }

    /// A head beyond the one that it was asked about is no contradiction if we have published as much by now: somebody
    /// has carried a newer one to it.
    async fn excused(&self, unsigned: Unsigned) -> Unsigned {
        let Unsigned::Beyond(signed) = unsigned else { return unsigned };
        match blocking(&self.ours, |ours| store::head(&ours.ledger)).await {
            Ok(Ok((head, _))) if head.size >= signed => Unsigned::Unsteady,
            _ => unsigned,
        }
    }
}

fn tell(witness: &str, size: u64, unsigned: &Unsigned) {
    match unsigned {
        Unsigned::Contradicted | Unsigned::Beyond(_) => tracing::error!(
            witness,
            size,
            "a witness contradicts this ledger: {unsigned}. Either a copy of it runs elsewhere with the same key, or it was put back \
             from a backup. Find out which before anything else; the witness keeps the evidence, and `penstock convict` compares heads"
        ),
        unsigned => tracing::warn!(witness, size, "a witness has not signed the head: {unsigned}"),
    }
}

/// Between half of it and all of it, so that gateways that began together do not ask together for ever.
fn jittered(pause: Duration) -> Duration {
    let mut random = [0];
    let _ = getrandom::fill(&mut random);
    pause / 2 + pause * u32::from(random[0]) / 512
}

/// Says which head is next, and watches how far enough witnesses have followed.
struct Clerk {
    ours: Arc<Ours>,
    store: Arc<Store>,
    thinner: Arc<Mutex<Thinner>>,
    /// The newest head that enough have signed covers so many records.
    witnessed: u64,
    /// When the folder of signed heads had last changed when it was read.
    changed: Option<SystemTime>,
    /// When the first record after them was written.
    since: Option<Millis>,
    begun: Instant,
    warned: bool,
}

impl Clerk {
    fn new(ours: Arc<Ours>, store: Arc<Store>) -> Self {
        Self {
            ours,
            store,
            thinner: Arc::new(Mutex::new(Thinner::new(KEPT))),
            witnessed: 0,
            changed: None,
            since: None,
            begun: Instant::now(),
            warned: false,
        }
    }

    async fn keep(mut self, newest: watch::Sender<Option<Head>>) {
        let mut look = interval(LOOK.min(self.ours.settings.every));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut size, mut round) = (0, None::<Instant>);
        loop {
            look.tick().await;
            let due = round.is_none_or(|round| round.elapsed() >= self.ours.settings.every);
            if due
                && self.store.state().published > size
                && let Ok(Ok((head, note))) = blocking(&self.ours, |ours| store::head(&ours.ledger)).await
            {
                (size, round) = (head.size, Some(Instant::now()));
                newest.send_replace(Some(Head { size, note }));
                self.thin().await;
            }
            self.look().await;
        }
    }

    /// Measures how far enough witnesses have followed.
    async fn look(&mut self) {
        if self.ours.settings.quorum.is_none() {
            return self.ours.standing.show(Some(Behind::default()));
        }
        let folder = std::fs::metadata(self.ours.ledger.join("witnessed"));
        let changed = folder.and_then(|folder| folder.modified()).ok();
        if changed != self.changed {
            let above = self.witnessed;
            let found = blocking(&self.ours, move |ours| {
                store::witnessed(&ours.ledger, &ours.key, &ours.settings.quorum, above)
            });
            match found.await {
                Ok(Ok(found)) => {
                    self.changed = changed;
                    if let Some(found) = found {
                        (self.witnessed, self.since) = (found, None);
                    }
                }
                Ok(Err(problem)) => tracing::warn!(%problem, "the signed heads of the ledger cannot be read"),
                Err(()) => {}
            }
        }
        let records = self.store.state().size.saturating_sub(self.witnessed);
        if records > 0 && self.since.is_none() {
            let first = self.witnessed;
            self.since = blocking(&self.ours, move |ours| written(&ours.ledger, first)).await.ok().flatten();
        }
        let behind = Behind { records, since: self.since.filter(|_| records > 0) };
        self.ours.standing.show(Some(behind));
        self.warn(&behind);
    }

    fn warn(&mut self, behind: &Behind) {
        let (age, limit) = (behind.age(store::System.read().time), self.ours.settings.warn_after);
        // A ledger may have waited for its first witness for months; the first round is given a chance.
        let settled = self.begun.elapsed() >= limit.min(PAUSES.1);
        if age > limit && settled && !self.warned {
            self.warned = true;
            let (records, seconds) = (behind.records, age.as_secs());
            tracing::warn!(records, seconds, "too few witnesses have signed for longer than the plant file allows");
        } else if age <= limit && self.warned {
            self.warned = false;
            tracing::warn!("enough witnesses have signed again");
        }
    }

    /// Removes signed heads that are no longer needed.
    async fn thin(&self) {
        let thinner = Arc::clone(&self.thinner);
        let thinned = blocking(&self.ours, move |ours| {
            let asked: Vec<&Witness> = ours.settings.asked.iter().map(|asked| &asked.named.witness).collect();
            let mut thinner = thinner.lock().unwrap_or_else(PoisonError::into_inner);
            thinner.thin(&ours.ledger, &ours.key, &ours.settings.quorum, &asked)
        });
        if let Ok(Err(problem)) = thinned.await {
            tracing::warn!(%problem, "signed heads that are no longer needed cannot be removed");
        }
    }
}

/// When a record was written.
fn written(ledger: &Path, seq: u64) -> Option<Millis> {
    Some(Reader::open(ledger).ok()?.records(seq, Filter::default()).next()?.ok()?.entry.t())
}

/// Runs something that waits for the disk off the threads that serve calls.
async fn blocking<T: Send + 'static>(
    ours: &Arc<Ours>,
    work: impl FnOnce(&Ours) -> T + Send + 'static,
) -> Result<T, ()> {
    let ours = Arc::clone(ours);
    tokio::task::spawn_blocking(move || work(&ours)).await.map_err(|_| ())
}
