//! The gateway's recorder over the store, and the ledger's own metrics.

use crate::overseen;
use crate::vault::Vault;
use gateway::{Acknowledge, Due, Kept, Known, Metrics, Recorder, Unwritten};
use plant::{Body, Draft, Kind, Millis, Note, RecordId, Sealed};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::Store;

/// The store, as the gateway writes to it, with the content beside it.
pub(crate) struct Ledger {
    pub(crate) store: Arc<Store>,
    pub(crate) vault: Arc<Vault>,
    /// Where it lies.
    pub(crate) folder: PathBuf,
}

impl Recorder for Ledger {
    fn append(&self, draft: Draft, done: Acknowledge) {
        self.append_all(vec![(draft, done)]);
    }

    fn append_all(&self, records: Vec<(Draft, Acknowledge)>) {
        let told = |done: Acknowledge| -> store::Done {
            Box::new(|written| done(written.map(drop).map_err(|failure| Unwritten(failure.to_string()))))
        };
        self.store.append_all(records.into_iter().map(|(draft, done)| (draft, told(done))));
    }

    fn is_quick(&self) -> bool {
        self.store.is_quick()
    }

    fn keep(&self, kept: &Kept) -> Result<Sealed, Unwritten> {
        self.vault.keep(kept)
    }

    fn look_up(&self, call: RecordId) -> Result<Option<Known>, Unwritten> {
        overseen::look_up(&self.folder, call).map_err(|problem| Unwritten(problem.to_string()))
    }

    fn unaccounted(&self, since: Option<Millis>, longest: Duration) -> Result<Vec<Due>, Unwritten> {
        overseen::unaccounted(&self.folder, since, longest).map_err(|problem| Unwritten(problem.to_string()))
    }

    fn health(&self) -> Result<(), String> {
        let state = self.store.state();
        if state.healthy { Ok(()) } else { Err(format!("the ledger: {}", state.condition)) }
    }
}

/// Writes a record of the house itself: a plant file in force, tokens changed.
pub(crate) fn note(store: &Store, kind: Kind, note: BTreeMap<&'static str, Note>) {
    if let Err(problem) = written(store, kind, note) {
        tracing::error!(%problem, "a record of the gateway itself was not written");
    }
}

/// Leaves such a record with the store, and waits for nothing.
pub(crate) fn leave(store: &Store, kind: Kind, body: Body) {
    let draft = Draft { kind, id: gateway::draw_id(gateway::now()), reference: None, body };
    store.append(
        draft,
        Box::new(|written| {
            if let Err(problem) = written {
                tracing::error!(%problem, "a record of the gateway itself was not written");
            }
        }),
    );
}

/// Writes such a record; durable when this returns.
pub(crate) fn written(
    store: &Store,
    kind: Kind,
    note: BTreeMap<&'static str, Note>,
) -> Result<RecordId, store::Failure> {
    let id = gateway::draw_id(gateway::now());
    store.write(Draft { kind, id, reference: None, body: Body { note, ..Body::default() } })?;
    Ok(id)
}

/// Writes a record that refers to another; durable when this is done.
pub(crate) async fn referring(
    store: &Store,
    kind: Kind,
    to: RecordId,
    note: BTreeMap<&'static str, Note>,
) -> Result<(), store::Failure> {
    let id = gateway::draw_id(gateway::now());
    let draft = Draft { kind, id, reference: Some(to), body: Body { note, ..Body::default() } };
    let (done, written) = tokio::sync::oneshot::channel();
    store.append(draft, Box::new(move |result| drop(done.send(result.map(drop)))));
    written.await.unwrap_or(Err(store::Failure::Closed))
}

/// Adds the ledger to what `/metrics` shows.
pub(crate) fn measure(metrics: &Metrics, store: &Arc<Store>) {
    let collector = Box::new(Gauges(Arc::clone(store)));
    metrics.register(|registry| registry.register_collector(collector));
}

struct Gauges(Arc<Store>);

impl std::fmt::Debug for Gauges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gauges")
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let state = self.0.state();
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let gauges = [
            ("ledger_healthy", "1 if records are being taken", i64::from(state.healthy)),
            ("ledger_records", "Records that are durable and signed", number(state.size)),
            ("ledger_published_records", "Records that the published checkpoint covers", number(state.published)),
            ("ledger_queue", "Records that wait to be written", number(state.queue_depth as u64)),
            ("ledger_last_sync_microseconds", "How long the last sync took", number(state.last_sync_micros)),
            ("ledger_disk_free_bytes", "Room left on the ledger's disk", number(state.disk.free)),
            (
                "ledger_put_aside_records",
                "Records of essential conduits that wait for the ledger",
                number(state.put_aside),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
