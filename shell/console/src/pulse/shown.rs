//! What the page *Now* shows, as it is written down.

use super::window::{Sum, Windows};
use crate::control::{InForce, Isolations};
use crate::reading::{Books, Lane, Reading};
use plant::Verdict;
use serde::Serialize;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How everything stands at a moment.
#[derive(Debug, Serialize)]
pub(crate) struct Now {
    at: String,
    /// Which ten seconds are being counted; lanes have other histories once it changes.
    slot: u64,
    slot_began: String,
    plant: String,
    gateway: String,
    version: &'static str,
    problem: Option<String>,
    in_force: InForce,
    under_way: u64,
    lanes: Vec<ShownLane>,
    providers: Vec<ShownProvider>,
    ledger: ShownLedger,
    isolations: Isolations,
    held: usize,
    next_hold_until: Option<String>,
    /// Changes when the held calls do.
    holds_mark: String,
    /// How many were turned away at the console in the last quarter of an hour.
    barred: u64,
}

#[derive(Debug, Serialize)]
struct ShownLane {
    conduit: String,
    from: Vec<String>,
    to: Option<String>,
    minute: Minute,
    /// Of the last quarter of an hour.
    verdicts: BTreeMap<&'static str, u64>,
    failed: u64,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<[u64; 3]>>,
}

#[derive(Debug, Serialize)]
struct Minute {
    passed: u64,
    refused: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
struct ShownProvider {
    provider: String,
    zone: String,
    external: bool,
    breaker: Option<&'static str>,
    passed: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
struct ShownLedger {
    problem: Option<String>,
    records: u64,
    published: u64,
    publishing: Option<String>,
    queue: u64,
    put_aside: u64,
    sync_ms: f64,
    disk_free: u64,
    disk_used: u64,
    unwitnessed: Option<ShownUnwitnessed>,
    clock: ShownClock,
}

#[derive(Debug, Serialize)]
struct ShownUnwitnessed {
    records: u64,
    seconds: u64,
}

#[derive(Debug, Serialize)]
struct ShownClock {
    source: String,
    stepped: Option<ShownStep>,
}

#[derive(Debug, Serialize)]
struct ShownStep {
    at: String,
    by_ms: i64,
}

impl Now {
    /// With every lane, and what it did in the last quarter of an hour.
    pub(super) fn whole(reading: &Reading, windows: &Windows) -> Self {
        let lanes = reading.lanes.iter().map(|lane| ShownLane::new(lane, windows, true)).collect();
        Self::new(reading, windows, lanes)
    }

    /// With the lanes on which anything happened in that time.
    pub(super) fn brief(reading: &Reading, windows: &Windows) -> Self {
        let busy = reading.lanes.iter().filter(|lane| windows.quarter(&lane.conduit).calls() > 0);
        let lanes = busy.map(|lane| ShownLane::new(lane, windows, false)).collect();
        Self::new(reading, windows, lanes)
    }

    pub(super) fn and_barred(self, barred: u64) -> Self {
        Self { barred, ..self }
    }

    fn new(reading: &Reading, windows: &Windows, lanes: Vec<ShownLane>) -> Self {
        Self {
            at: reading.at.to_string(),
            slot: windows.slot(),
            slot_began: windows.slot_began().to_string(),
            plant: reading.plant.clone(),
            gateway: reading.gateway.clone(),
            version: reading.version,
            problem: reading.problem.clone(),
            in_force: reading.in_force.clone(),
            under_way: reading.under_way,
            lanes,
            providers: providers(reading, windows),
            ledger: ShownLedger::new(&reading.books),
            isolations: reading.isolations.clone(),
            held: reading.holds.len(),
            next_hold_until: reading.holds.iter().map(|(_, until)| *until).min().map(|until| until.to_string()),
            holds_mark: mark(reading.holds.iter().map(|(id, _)| id.to_string())),
            barred: 0,
        }
    }
}

impl ShownLane {
    fn new(lane: &Lane, windows: &Windows, history: bool) -> Self {
        let (minute, quarter) = (windows.minute(&lane.conduit), windows.quarter(&lane.conduit));
        let timed = windows.timed(&lane.conduit);
        let names = Verdict::NAMES.iter().map(|(name, _)| *name).zip(quarter.verdicts);
        Self {
            conduit: lane.conduit.clone(),
            from: lane.from.clone(),
            to: lane.to.clone(),
            minute: Minute { passed: minute.passed(), refused: minute.refused(), failed: minute.failed },
            verdicts: names.collect(),
            failed: quarter.failed,
            p50_ms: timed.percentile(50),
            p95_ms: timed.percentile(95),
            history: history.then(|| windows.history(&lane.conduit)),
        }
    }
}

/// What crossed the conduits to each provider in the last minute. What was rerouted counts for the conduit's own.
fn providers(reading: &Reading, windows: &Windows) -> Vec<ShownProvider> {
    let mut to: BTreeMap<&str, Vec<Sum>> = BTreeMap::new();
    for lane in &reading.lanes {
        if let Some(provider) = lane.to.as_deref() {
            to.entry(provider).or_default().push(windows.minute(&lane.conduit));
        }
    }
    let shown = reading.providers.iter().map(|health| {
        let sums = to.get(health.provider.as_str()).map(Vec::as_slice).unwrap_or_default();
        ShownProvider {
            provider: health.provider.clone(),
            zone: health.zone.clone(),
            external: health.external,
            breaker: health.breaker,
            passed: sums.iter().map(Sum::passed).sum(),
            failed: sums.iter().map(|sum| sum.failed).sum(),
        }
    });
    shown.collect()
}

impl ShownLedger {
    fn new(books: &Books) -> Self {
        Self {
            problem: books.problem.clone(),
            records: books.records,
            published: books.published,
            publishing: books.publishing.clone(),
            queue: books.queue,
            put_aside: books.put_aside,
            sync_ms: books.sync_micros as f64 / 1000.0,
            disk_free: books.disk_free,
            disk_used: books.disk_used,
            unwitnessed: books
                .unwitnessed
                .map(|behind| ShownUnwitnessed { records: behind.records, seconds: behind.seconds }),
            clock: ShownClock {
                source: books.clock.clone(),
                stepped: books.stepped.map(|step| ShownStep { at: step.at.to_string(), by_ms: step.by }),
            },
        }
    }
}

/// A text that differs once the names do. It guards nothing.
fn mark(names: impl Iterator<Item = String>) -> String {
    let mut hasher = DefaultHasher::new();
    names.for_each(|name| name.hash(&mut hasher));
    format!("{:016x}", hasher.finish())
}
