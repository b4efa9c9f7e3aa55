//! How destinations are doing, for metrics and for the other destinations.

use alert::{Code, Condition};
use gateway::Metrics;
use plant::DestinationId;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many attempts must fail in a row before a destination is called down.
const DOWN: u32 = 3;

/// How one destination is doing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Doing {
    /// Attempts that failed since the last that did not.
    pub(super) tries: u32,
    /// Alerts that wait.
    pub(super) pending: usize,
    /// When one was delivered last, in seconds since 1970.
    pub(super) delivered: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Came {
    destination: String,
    outcome: &'static str,
}

/// How all of them are doing.
#[derive(Debug, Default)]
pub(crate) struct Board {
    doing: Mutex<BTreeMap<DestinationId, Doing>>,
    came: Family<Came, Counter>,
}

impl Board {
    /// A board whose figures are shown.
    pub(crate) fn shown(metrics: &Metrics) -> Arc<Self> {
        let board = Arc::<Self>::default();
        metrics.register(|registry| {
            let help = "Alerts by destination and by what came of them";
            registry.register("alerts", help, board.came.clone());
            registry.register_collector(Box::new(Gauges(Arc::clone(&board))));
        });
        board
    }

    pub(super) fn set(&self, id: &DestinationId, doing: Doing) {
        self.lock().insert(id.clone(), doing);
    }

    /// Takes away what is said of all but these.
    pub(super) fn keep(&self, ids: &[DestinationId]) {
        self.lock().retain(|id, _| ids.contains(id));
    }

    pub(super) fn count(&self, id: &DestinationId, outcome: &'static str, alerts: u64) {
        self.came.get_or_create(&Came { destination: id.to_string(), outcome }).inc_by(alerts);
    }

    /// Which of the others are down.
    pub(super) fn others(&self, own: &DestinationId) -> Vec<Condition> {
        let others = |(id, doing): (&DestinationId, &Doing)| {
            let destination = Some(id.to_string());
            (id != own).then_some(Condition { code: Code::DestinationDown, destination, holds: doing.tries >= DOWN })
        };
        self.lock().iter().filter_map(others).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DestinationId, Doing>> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Gauges(Arc<Board>);

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        type Shown = fn(&Doing) -> Option<i64>;
        let gauges: [(&str, &str, Shown); 3] = [
            ("alert_destination_up", "1 unless the last attempts to deliver alerts failed", |one| {
                Some(i64::from(one.tries < DOWN))
            }),
            ("alerts_pending", "Alerts that wait to be delivered", |one| i64::try_from(one.pending).ok()),
            (
                "alert_last_delivered_timestamp_seconds",
                "When an alert was delivered last, in seconds since 1970",
                |one| one.delivered.and_then(|time| i64::try_from(time).ok()),
            ),
        ];
        let doing = self.0.lock().clone();
        for (name, help, shown) in gauges {
            let shown: Vec<_> = doing.iter().filter_map(|(id, one)| Some((id, shown(one)?))).collect();
            if shown.is_empty() {
                continue;
            }
            let gauge = ConstGauge::new(0_i64);
            let mut metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            for (id, value) in shown {
                let labels = [("destination", id.to_string())];
                ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
