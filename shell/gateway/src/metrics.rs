//! What can be counted, for Prometheus. No content, no person, no unbounded label.

use crate::answer::Switched;
use crate::flow::Flow;
use crate::life::Over;
use fallback::State;
use plant::{Reason, Verdict};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Labels of a decided call. Conduits and providers come from the plant file, so their number is bounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    conduit: String,
    verdict: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tokens {
    conduit: String,
    direction: &'static str,
}

/// What shifted, of whom. Workloads come from the plant file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Moved {
    workload: String,
    measure: &'static str,
}

/// Who answered in place of a provider that failed, and how that failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fell {
    conduit: String,
    because: &'static str,
    answered_by: String,
}

/// A quota, and what of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limited {
    quota: String,
    measure: &'static str,
}

/// What was done with an answer, of which conduit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Judged {
    conduit: String,
    decision: &'static str,
}

/// A conduit whose calls wait for their turn, or whose answers nobody accounts for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Lane {
    conduit: String,
}

/// A provider with a breaker.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Broke {
    provider: String,
}

/// What became of a picture that was to be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pictured {
    result: &'static str,
}

/// Why a handshake failed or a connection was cut.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

/// The gateway's counters.
pub struct Metrics {
    registry: std::sync::Mutex<Registry>,
    exchanges: Family<Decided, Counter>,
    /// The same in short, with how long they took.
    pub(crate) flow: Flow,
    stages: Family<Stage, Histogram>,
    tokens: Family<Tokens, Counter>,
    /// Exchanges under way.
    under_way: Gauge,
    /// Connections that callers hold.
    connections: Gauge,
    handshakes: Family<Cause, Counter>,
    cuts: Family<Cause, Counter>,
    /// Connections that were turned away, because there were too many.
    pub(crate) connections_refused: Counter,
    /// Connections without HTTP that share a record with others.
    pub(crate) unread: Counter,
    /// Records that were not written.
    pub(crate) unwritten: Counter,
    shifts: Family<Moved, Counter>,
    switches: Family<Fell, Counter>,
    breakers: Family<Broke, Gauge>,
    stops: Family<Limited, Counter>,
    warnings: Family<Limited, Counter>,
    waits: Family<Lane, Counter>,
    accounted: Family<Judged, Counter>,
    unaccounted: Family<Lane, Counter>,
    open: Gauge,
    pictures: Family<Pictured, Counter>,
    reading: Histogram,
    /// Calls that were not compared with others, because too many ended at once.
    pub(crate) unheard: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("penstock");
        // 50 microseconds to 100 seconds.
        let stages =
            Family::<Stage, Histogram>::new_with_constructor(|| Histogram::new(exponential_buckets(0.000_05, 2.0, 22)));
        let metrics = Self {
            exchanges: Family::default(),
            flow: Flow::default(),
            stages,
            tokens: Family::default(),
            under_way: Gauge::default(),
            connections: Gauge::default(),
            handshakes: Family::default(),
            cuts: Family::default(),
            connections_refused: Counter::default(),
            unread: Counter::default(),
            unwritten: Counter::default(),
            shifts: Family::default(),
            switches: Family::default(),
            breakers: Family::default(),
            stops: Family::default(),
            warnings: Family::default(),
            waits: Family::default(),
            accounted: Family::default(),
            unaccounted: Family::default(),
            open: Gauge::default(),
            pictures: Family::default(),
            // 10 milliseconds to 80 seconds.
            reading: Histogram::new(exponential_buckets(0.01, 2.0, 14)),
            unheard: Counter::default(),
            registry: std::sync::Mutex::default(),
        };
        registry.register(
            "exchanges",
            "Exchanges that ended, by conduit, verdict and reason",
            metrics.exchanges.clone(),
        );
        registry.register_with_unit(
            "stage",
            "Time spent in a stage of an exchange",
            Unit::Seconds,
            metrics.stages.clone(),
        );
        registry.register("model_tokens", "Tokens that providers counted", metrics.tokens.clone());
        registry.register("exchanges_under_way", "Exchanges under way", metrics.under_way.clone());
        registry.register("connections", "Connections that callers hold", metrics.connections.clone());
        registry.register(
            "connections_refused",
            "Connections turned away because there were too many",
            metrics.connections_refused.clone(),
        );
        registry.register("connections_cut", "Connections that the gateway ended, by cause", metrics.cuts.clone());
        registry.register("handshakes_failed", "TLS handshakes that failed, by cause", metrics.handshakes.clone());
        registry.register(
            "connections_unread",
            "Connections of nobody known that were refused or held no HTTP and share one record of the second they came in",
            metrics.unread.clone(),
        );
        registry.register("records_unwritten", "Records that the ledger did not take", metrics.unwritten.clone());
        registry.register(
            "shifts",
            "Abrupt changes in what a workload asks and gets, by workload and measure",
            metrics.shifts.clone(),
        );
        registry.register(
            "fallbacks",
            "Calls that another answered than was asked, by conduit, trouble and who answered",
            metrics.switches.clone(),
        );
        registry.register("quota_stops", "Calls that a quota stopped, by quota and measure", metrics.stops.clone());
        registry.register("quota_waits", "Calls that waited for their turn, by conduit", metrics.waits.clone());
        registry.register(
            "quota_warnings",
            "Times that a quota came near its end, by quota and measure",
            metrics.warnings.clone(),
        );
        registry.register(
            "breaker_state",
            "Breakers of providers: 0 closed, 1 half-open, 2 open",
            metrics.breakers.clone(),
        );
        registry.register(
            "oversight",
            "Answers that somebody has accounted for, by conduit and what was done with them",
            metrics.accounted.clone(),
        );
        registry.register(
            "oversight_missed",
            "Answers that nobody accounted for in time, by conduit",
            metrics.unaccounted.clone(),
        );
        registry.register("oversight_open", "Answers that somebody must still account for", metrics.open.clone());
        registry.register(
            "pictures",
            "Pictures whose writing was to be read, by what became of it",
            metrics.pictures.clone(),
        );
        registry.register_with_unit(
            "picture_reading",
            "Time until a picture was read or given up, its wait included",
            Unit::Seconds,
            metrics.reading.clone(),
        );
        registry.register("calls_unheard", "Calls that were not watched for shifts", metrics.unheard.clone());
        Self { registry: std::sync::Mutex::new(registry), ..metrics }
    }
}

impl Metrics {
    pub(crate) fn ended(&self, conduit: Option<&str>, verdict: Verdict, reason: Option<Reason>, micros: u64) {
        let conduit = conduit.unwrap_or_default().to_owned();
        self.flow.ended(&conduit, verdict, reason.is_some(), micros);
        let reason = reason.map_or("", Reason::code);
        self.exchanges.get_or_create(&Decided { conduit, verdict: verdict.name(), reason }).inc();
    }

    /// Counts a picture whose writing was to be read. One that was remembered took no time to speak of.
    pub(crate) fn pictured(&self, result: &'static str, time: Duration) {
        self.pictures.get_or_create(&Pictured { result }).inc();
        if !time.is_zero() {
            self.reading.observe(time.as_secs_f64());
        }
    }

    pub(crate) fn shifted(&self, workload: &str, measure: &'static str) {
        self.shifts.get_or_create(&Moved { workload: workload.to_owned(), measure }).inc();
    }

    pub(crate) fn switched(&self, conduit: &str, switched: &Switched) {
        let (because, answered_by) = (switched.because.name(), switched.by().to_owned());
        self.switches.get_or_create(&Fell { conduit: conduit.to_owned(), because, answered_by }).inc();
    }

    pub(crate) fn stopped(&self, quota: &str, measure: &'static str) {
        self.stops.get_or_create(&Limited { quota: quota.to_owned(), measure }).inc();
    }

    pub(crate) fn waited(&self, conduit: &str) {
        self.waits.get_or_create(&Lane { conduit: conduit.to_owned() }).inc();
    }

    pub(crate) fn warned(&self, quota: &str, measure: &'static str) {
        self.warnings.get_or_create(&Limited { quota: quota.to_owned(), measure }).inc();
    }

    pub(crate) fn accounted(&self, conduit: &str, decision: &'static str) {
        self.accounted.get_or_create(&Judged { conduit: conduit.to_owned(), decision }).inc();
    }

    pub(crate) fn unaccounted(&self, conduit: &str) {
        self.unaccounted.get_or_create(&Lane { conduit: conduit.to_owned() }).inc();
    }

    /// Shows how many answers must still be accounted for.
    pub(crate) fn owing(&self, open: usize) {
        self.open.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    /// Shows breakers as they stand, and no other.
    pub(crate) fn stand<'a>(&self, breakers: impl Iterator<Item = (&'a plant::ProviderId, State)>) {
        self.breakers.clear();
        for (provider, state) in breakers {
            let level = match state {
                State::Closed => 0,
                State::HalfOpen => 1,
                State::Open => 2,
            };
            self.breakers.get_or_create(&Broke { provider: provider.to_string() }).set(level);
        }
    }

    /// How many exchanges are under way.
    pub(crate) fn going_on(&self) -> u64 {
        u64::try_from(self.under_way.get()).unwrap_or(0)
    }

    /// Counts an exchange as under way until the guard is dropped.
    pub(crate) fn under_way(&self) -> Present {
        Present::new(&self.under_way)
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn connection(&self) -> Present {
        Present::new(&self.connections)
    }

    pub(crate) fn handshake_failed(&self, cause: &'static str) {
        self.handshakes.get_or_create(&Cause { cause }).inc();
    }

    pub(crate) fn connection_cut(&self, over: Over) {
        self.cuts.get_or_create(&Cause { cause: over.name() }).inc();
    }

    pub(crate) fn spent(&self, stage: &'static str, time: Duration) {
        self.stages.get_or_create(&Stage { stage }).observe(time.as_secs_f64());
    }

    pub(crate) fn counted(&self, conduit: &str, input: Option<u64>, output: Option<u64>) {
        for (direction, count) in [("input", input), ("output", output)] {
            if let Some(count) = count {
                self.tokens.get_or_create(&Tokens { conduit: conduit.to_owned(), direction }).inc_by(count);
            }
        }
    }

    /// Adds metrics of other parts of the house (the ledger's) to what `/metrics` shows.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        if let Ok(mut registry) = self.registry.lock() {
            add(&mut registry);
        }
    }

    /// The text that Prometheus reads (OpenMetrics 1.0).
    pub(crate) fn encode(&self) -> String {
        let mut out = String::new();
        if let Ok(registry) = self.registry.lock() {
            // Writing into a String cannot fail.
            let _ = text::encode(&mut out, &registry);
        }
        out
    }
}

/// Something that is counted while it lasts, however it ends.
#[derive(Debug)]
pub(crate) struct Present(Gauge);

impl Present {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.dec();
    }
}
