//! The raw numbers: every window of every contender, as they are kept in `bench/results.json`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything that was measured. Each part is one run, in which its contenders took turns.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) gateways: Part,
    pub(crate) steps: Part,
    pub(crate) bodies: Part,
    #[serde(default)]
    pub(crate) consoles: Part,
}

/// One run.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) machine: String,
    /// Seconds of a window.
    pub(crate) seconds: u64,
    /// Programs and their versions.
    pub(crate) versions: BTreeMap<String, String>,
    /// A raw 4 KiB write and `fdatasync` on each disk that a ledger was on, in microseconds.
    pub(crate) syncs: BTreeMap<String, Sync>,
    pub(crate) tables: Vec<Table>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) streams: Vec<Streams>,
    pub(crate) many: Vec<Many>,
    pub(crate) pictures: Option<Pictures>,
    #[serde(default)]
    pub(crate) cut: Option<Cut>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Sync {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Contenders under one load.
#[derive(Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) connections: usize,
    /// Bytes of a request's body.
    pub(crate) bytes: usize,
    pub(crate) rows: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) windows: Vec<Window>,
}

/// What a window showed. One in which a call failed is void, and kept to be seen.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Window {
    pub(crate) calls: usize,
    pub(crate) failed: usize,
    pub(crate) per_second: f64,
    /// Microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Processor microseconds of the contender for one call.
    pub(crate) cpu: f64,
}

/// Resident memory in MiB.
#[derive(Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) name: String,
    pub(crate) idle: f64,
    pub(crate) loaded: f64,
    pub(crate) recovered: f64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Streams {
    pub(crate) name: String,
    pub(crate) windows: Vec<StreamWindow>,
}

/// Streams in a window: their first event after the request, and the time between two arrivals, in microseconds.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct StreamWindow {
    pub(crate) streams: usize,
    pub(crate) failed: usize,
    pub(crate) first_p50: f64,
    pub(crate) first_p99: f64,
    pub(crate) gap_p50: f64,
    pub(crate) gap_p99: f64,
}

/// Many streams at once.
#[derive(Serialize, Deserialize)]
pub(crate) struct Many {
    pub(crate) name: String,
    pub(crate) streams: usize,
    /// Streams whose text did not arrive whole.
    pub(crate) broken: usize,
    pub(crate) first_p99: f64,
    pub(crate) gap_p50: f64,
    pub(crate) gap_p99: f64,
    /// MiB resident while they ran.
    pub(crate) resident: f64,
}

/// Large pictures at once.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pictures {
    pub(crate) calls: usize,
    pub(crate) failed: usize,
    /// MiB of one request's body.
    pub(crate) body: f64,
    /// MiB resident: before, the most while they passed, and ten seconds after.
    pub(crate) before: f64,
    pub(crate) most: f64,
    pub(crate) after: f64,
}

/// Streams under way when the gate is shut by hand.
#[derive(Serialize, Deserialize)]
pub(crate) struct Cut {
    pub(crate) streams: usize,
    /// Streams that did not end with the reason.
    pub(crate) missed: usize,
    /// Milliseconds from the start of the command: until it had returned, until half of them had ended, and until all had.
    pub(crate) command: f64,
    pub(crate) half: f64,
    pub(crate) all: f64,
}

impl Table {
    pub(crate) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }
}

impl Row {
    /// The median over the windows that are not void.
    pub(crate) fn median(&self, of: fn(&Window) -> f64) -> f64 {
        median(self.windows.iter().filter(|window| window.failed == 0).map(of))
    }

    pub(crate) fn whole(&self) -> usize {
        self.windows.iter().filter(|window| window.failed == 0).count()
    }
}

impl Streams {
    pub(crate) fn median(&self, of: fn(&StreamWindow) -> f64) -> f64 {
        median(self.windows.iter().filter(|window| window.failed == 0).map(of))
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// p50 and p99 in microseconds.
pub(crate) fn microseconds(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |hundredths: usize| {
        let place = (times.len() * hundredths / 100).min(times.len().saturating_sub(1));
        times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    (at(50), at(99))
}
