//! The keys of the operators' issuer: fetched, kept, and renewed, so that identity has them without waiting.
//!
//! ```text
//!              ┌── every max-age, or when the file changes ──┐
//! file, URL ───┤                                             ├──> parse ──> current()
//!              └── at once: a token names an unknown key ────┘     └─ bad or gone: the last good set stays
//! ```
//!
//! One task fetches; requests only ask it to and wait. So there is one fetch at a time however many tokens
//! name a new key, and a caller that leaves cancels nothing. A source that is down for a week changes nothing for
//! keys that are known: a signature does not become wrong because the issuer is unreachable. How old the keys are is
//! visible, and what to do about it is the plant's decision.

mod fetch;
mod source;
#[cfg(test)]
mod tests;

pub use fetch::{Fetch, FetchError, Fetched, HttpFetch, Pending};
pub use source::SourceError;

use plant::Issuer;
use seal::jose::Keys;
use source::{Source, Update};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How long keys are kept without looking, if the issuer does not say.
const USUAL_AGE: Duration = Duration::from_secs(600);
/// Bounds of what the issuer may say: a header must not make us ask in a loop, nor keep a withdrawn key for weeks.
const AGES: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(86_400));
/// Pause after the first failure; doubled after each other one, up to the longest.
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// Longest pause after a failure.
const LONGEST_RETRY: Duration = Duration::from_secs(300);
/// Most fetches that unknown keys may cause in [`ASKED_WINDOW`]: anyone with a workload token can make up key ids.
const MOST_ASKED: usize = 5;
/// The time in which [`MOST_ASKED`] counts.
const ASKED_WINDOW: Duration = Duration::from_secs(120);
/// Longest that a request waits for keys. Discovery and keys each have [`fetch::TIMEOUT`].
const PATIENCE: Duration = Duration::from_secs(10);

/// The issuer's keys. Dropping it ends the task that renews them.
#[derive(Debug)]
pub struct OperatorKeys {
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    state: watch::Sender<State>,
    /// Wakes the task: a token names a key that is not in the set.
    ask: Notify,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Arc<Keys>>,
    /// When the source last gave (or confirmed) a good set.
    confirmed: Option<Instant>,
    /// What went wrong since, if anything.
    problem: Option<String>,
    /// How many looks the task has begun (those that it has decided not to take included).
    begun: u64,
    /// How many of them have ended.
    ended: u64,
}

impl State {
    fn begin(&mut self) {
        self.begun = self.begun.saturating_add(1);
    }

    fn end(&mut self) {
        self.ended = self.begun;
    }
}

impl OperatorKeys {
    /// Begins to fetch the keys of `issuer`, with its authorities or the system's. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// As for [`Self::start`], or when the authorities cannot be read.
    pub fn new(issuer: &Issuer) -> Result<Arc<Self>, SourceError> {
        Ok(Arc::new(Self::start(issuer, Arc::new(HttpFetch::new(issuer.authorities.as_deref())?))?))
    }

    /// Begins to fetch the keys of `issuer`, and goes on until dropped. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the place that the plant file names is none that keys may come from.
    pub fn start(issuer: &Issuer, fetch: Arc<dyn Fetch>) -> Result<Self, SourceError> {
        let source = Source::new(issuer, fetch)?;
        let shared = Arc::new(Shared { state: watch::Sender::default(), ask: Notify::new() });
        let task = tokio::spawn(renew(Arc::clone(&shared), source)).abort_handle();
        Ok(Self { shared, task })
    }

    /// The keys, if there are any yet. Never waits.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Keys>> {
        self.shared.state.borrow().keys.clone()
    }

    /// Has the source looked at again, unless that was done too often of late; then gives the keys, new or not.
    pub async fn refreshed(&self) -> Option<Arc<Keys>> {
        let mut state = self.shared.state.subscribe();
        let look = {
            let state = state.borrow();
            let first_under_way = state.keys.is_none() && state.begun > state.ended;
            // A look that began before the question may miss what it asks for; only the very first is good enough.
            if first_under_way { state.begun } else { state.begun.saturating_add(1) }
        };
        if look > self.shared.state.borrow().begun {
            self.shared.ask.notify_one();
        }
        let _ = tokio::time::timeout(PATIENCE, state.wait_for(|state| state.ended >= look)).await;
        self.current()
    }

    /// How long ago the source last gave or confirmed the keys; `None` if it never did.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.shared.state.borrow().confirmed.map(|when| when.elapsed())
    }

    /// What has gone wrong since the keys were last confirmed, if anything has.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.shared.state.borrow().problem.clone()
    }
}

impl Drop for OperatorKeys {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Looks, waits, and looks again.
async fn renew(shared: Arc<Shared>, mut source: Source) {
    let mut failures = 0_u32;
    let mut asked = Asked::default();
    loop {
        shared.state.send_modify(State::begin);
        let pause = match source.look().await {
            Ok(update) => {
                failures = 0;
                let pause = update.good_for;
                shared.confirm(update, &source);
                pause
            }
            Err(problem) => {
                let pause = FIRST_RETRY.saturating_mul(1 << failures.min(6)).min(LONGEST_RETRY);
                failures = failures.saturating_add(1);
                shared.fail(problem.to_string(), &source);
                pause
            }
        };
        shared.wait(pause, &mut asked).await;
    }
}

impl Shared {
    fn confirm(&self, update: Update, source: &Source) {
        if let Some(keys) = &update.keys {
            tracing::info!(source = source.name(), keys = keys.len(), "operator keys read");
            for ignored in keys.ignored() {
                tracing::warn!(source = source.name(), key = ignored.id, "operator key not used: {}", ignored.because);
            }
        }
        self.state.send_modify(|state| {
            state.keys = update.keys.map(Arc::new).or(state.keys.take());
            state.confirmed = Some(Instant::now());
            state.problem = None;
            state.end();
        });
    }

    fn fail(&self, problem: String, source: &Source) {
        let age = self.state.borrow().confirmed.map(|when| when.elapsed().as_secs());
        tracing::warn!(
            source = source.name(),
            problem,
            age,
            "operator keys cannot be renewed; the last good ones stay"
        );
        self.state.send_modify(|state| {
            state.problem = Some(problem);
            state.end();
        });
    }

    /// Waits until it is time to look again, or until somebody asks and may.
    async fn wait(&self, pause: Duration, asked: &mut Asked) {
        let until = Instant::now() + pause;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                () = self.ask.notified() => {}
            }
            if asked.may(Instant::now()) {
                return;
            }
            // Those who wait are told that nothing will come.
            self.state.send_modify(|state| {
                state.begin();
                state.end();
            });
        }
    }
}

/// When unknown keys last made us fetch.
#[derive(Debug, Default)]
struct Asked(VecDeque<Instant>);

impl Asked {
    fn may(&mut self, now: Instant) -> bool {
        while self.0.front().is_some_and(|first| now.duration_since(*first) >= ASKED_WINDOW) {
            self.0.pop_front();
        }
        let may = self.0.len() < MOST_ASKED;
        if may {
            self.0.push_back(now);
        }
        may
    }
}
