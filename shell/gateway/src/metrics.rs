//! What can be counted, for Prometheus. No content, no person, no unbounded label.

use crate::life::Over;
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

/// Why a handshake failed or a connection was cut.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

/// The gateway's counters.
pub struct Metrics {
    registry: std::sync::Mutex<Registry>,
    exchanges: Family<Decided, Counter>,
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
            "Connections that held no HTTP and share one record of the second they came in",
            metrics.unread.clone(),
        );
        registry.register("records_unwritten", "Records that the ledger did not take", metrics.unwritten.clone());
        registry.register(
            "shifts",
            "Abrupt changes in what a workload asks and gets, by workload and measure",
            metrics.shifts.clone(),
        );
        registry.register("calls_unheard", "Calls that were not watched for shifts", metrics.unheard.clone());
        Self { registry: std::sync::Mutex::new(registry), ..metrics }
    }
}

impl Metrics {
    pub(crate) fn ended(&self, conduit: Option<&str>, verdict: Verdict, reason: Option<Reason>) {
        let conduit = conduit.unwrap_or_default().to_owned();
        let reason = reason.map_or("", Reason::code);
        self.exchanges.get_or_create(&Decided { conduit, verdict: verdict.name(), reason }).inc();
    }

    pub(crate) fn shifted(&self, workload: &str, measure: &'static str) {
        self.shifts.get_or_create(&Moved { workload: workload.to_owned(), measure }).inc();
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
