//! How far witnesses have followed a ledger: what metrics show of it, and when somebody should look.

use plant::Millis;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::Clock;

/// How far witnesses have followed a ledger.
#[derive(Debug, Default)]
pub struct Standing {
    behind: Mutex<Option<Behind>>,
    asked: Family<Asked, Counter>,
    last: Family<Name, Gauge>,
}

/// What no quorum has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// Durable records beyond the newest head that enough witnesses have signed.
    pub records: u64,
    /// When the oldest of them was written.
    pub since: Option<Millis>,
}

impl Behind {
    /// How long the oldest record has been waiting.
    #[must_use]
    pub fn age(&self, now: Millis) -> Duration {
        Duration::from_millis(self.since.map_or(0, |since| now.0.saturating_sub(since.0)))
    }
}

/// Names of witnesses come from the policy, so their number is bounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    witness: String,
    answer: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    witness: String,
}

impl Standing {
    /// Adds what it shows to a registry: nothing, as long as no witnesses are asked.
    pub fn register(self: &Arc<Self>, registry: &mut Registry) {
        let help = "Signatures that witnesses were asked for, by what came of it";
        registry.register("witness_asked", help, self.asked.clone());
        let help = "When a witness last signed a head, in seconds since 1970";
        registry.register("witness_last_signed_timestamp_seconds", help, self.last.clone());
        registry.register_collector(Box::new(Gauges(Arc::clone(self))));
    }

    /// What no quorum has seen; `None` as long as no witnesses are asked.
    #[must_use]
    pub fn behind(&self) -> Option<Behind> {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn show(&self, behind: Option<Behind>) {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = behind;
    }

    pub(crate) fn signed(&self, witness: &str) {
        self.asked.get_or_create(&Asked { witness: witness.to_owned(), answer: "signed" }).inc();
        let seconds = i64::try_from(store::System.read().time.0 / 1000).unwrap_or(i64::MAX);
        self.last.get_or_create(&Name { witness: witness.to_owned() }).set(seconds);
    }

    pub(crate) fn unsigned(&self, witness: &str, answer: &'static str) {
        self.asked.get_or_create(&Asked { witness: witness.to_owned(), answer }).inc();
    }
}

#[derive(Debug)]
struct Gauges(Arc<Standing>);

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(behind) = self.0.behind() else { return Ok(()) };
        let age = behind.age(store::System.read().time).as_secs();
        let gauges = [
            ("unwitnessed_records", "Records beyond the newest head that enough witnesses have signed", behind.records),
            ("unwitnessed_seconds", "How long the oldest of them has been waiting", age),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
