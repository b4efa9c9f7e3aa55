//! The paths at the console: counted from the ledger beside its writer, once somebody has asked for them, and held against the plant in
//! force.
//!
//! Nothing of it is kept: a gateway that starts anew counts anew, in steps, and says how much it has not counted yet.

use crate::drafting::unusable;
use crate::paths::{Caller, Line, Mark, Ways, tell};
use config::Loaded;
use console::{Fault, Form, Marked, Paths, Sought, Stray, Undeclared};
use gateway::Inforce;
use plant::{Millis, Plant};
use std::cmp::Reverse;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::{Filter, ReadError, Reader};

/// Most paths that are told, and most that nobody declared.
const MOST: usize = 2_000;
const MOST_STRAYS: usize = 50;
/// Most records that are counted at a time: a fraction of a second.
const STEP: u64 = 32_768;
/// How far back a path is one of now, in milliseconds.
const LATELY: u64 = 86_400_000;

/// The ways that were taken, as far as they are counted.
pub(crate) struct Charting {
    folder: PathBuf,
    /// Whether anybody has asked. Until then nothing is counted.
    asked: AtomicBool,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    ways: Ways,
    /// The next record to count.
    next: u64,
}

impl Charting {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, asked: AtomicBool::new(false), counted: Mutex::default() }
    }

    /// Counts on, if anybody has asked and there is something. A problem is told of, and ends nothing.
    pub(crate) fn keep(&self, plant: &Plant, records: u64) {
        let idle = || self.counted.lock().unwrap_or_else(PoisonError::into_inner).next >= records;
        if !self.asked.load(Ordering::Relaxed) || idle() {
            return;
        }
        if let Err(problem) = self.count(plant) {
            tracing::warn!(%problem, "the paths that calls took are not counted");
        }
    }

    /// The paths that are wanted, those that need attention first.
    pub(crate) fn paths(&self, now: &Loaded, inforce: &Inforce, sought: &Sought, size: u64) -> Result<Paths, Fault> {
        let counted = self.lately(&now.plant)?;
        let mut lines = fitting(&counted.ways, now, inforce, sought);
        lines.sort_by_key(|line| !line.is_wrong());
        let left_out = lines.len().saturating_sub(MOST);
        let paths = lines.iter().take(MOST).map(|line| line.told(&now.plant.scale)).collect();
        Ok(Paths { paths, left_out, uncounted: size.saturating_sub(counted.next) })
    }

    /// The same as a text, and all of them.
    pub(crate) fn text(&self, now: &Loaded, inforce: &Inforce, sought: &Sought, form: Form) -> Result<String, Fault> {
        let counted = self.lately(&now.plant)?;
        let (lines, scale) = (fitting(&counted.ways, now, inforce, sought), &now.plant.scale);
        let told = match form {
            Form::Csv => tell::csv(&lines, scale),
            Form::Mermaid => Ok(tell::mermaid(&lines)),
            Form::Json => tell::json(&lines, scale),
        };
        told.map_err(|problem| unusable(&problem))
    }

    /// What was seen lately on paths that nobody declared.
    pub(crate) fn undeclared(&self, now: &Loaded, inforce: &Inforce, size: u64) -> Result<Undeclared, Fault> {
        let counted = self.lately(&now.plant)?;
        let since = Millis(gateway::now().0.saturating_sub(LATELY));
        let lines = counted.ways.lines(now, inforce.policy(), gateway::now());
        let went = lines.iter().filter(|line| line.marks.contains(&Mark::Undeclared)).map(|line| {
            let workload = now.plant.workloads.values().find(|workload| workload.id.as_str() == line.way.workload);
            let stray = Stray {
                caller: line.way.workload.clone(),
                workload: true,
                zone: workload.map(|workload| workload.zone.to_string()),
                provider: Some(line.way.provider.clone()),
                conduit: Some(line.way.conduit.clone()).filter(|conduit| conduit != "-"),
                reason: None,
                calls: line.seen.calls,
                refused: line.seen.refused,
                last: String::new(),
            };
            (line.seen.last.unwrap_or(Millis(0)), stray)
        });
        let tried = counted.ways.strays().map(|(stray, tried)| {
            let (caller, workload) = match &stray.caller {
                Caller::Workload(name) => (name.clone(), true),
                Caller::Address(address) => (address.clone(), false),
            };
            let (zone, provider) = (stray.zone.clone(), stray.provider.clone());
            let reason = Some(stray.reason);
            let refused = tried.times;
            let last = String::new();
            (tried.last, Stray { caller, workload, zone, provider, conduit: None, reason, calls: 0, refused, last })
        });
        let mut all: Vec<_> = went.chain(tried).filter(|(last, _)| *last >= since).collect();
        all.sort_by_key(|(last, _)| Reverse(*last));
        let left_out = all.len().saturating_sub(MOST_STRAYS);
        let paths = all.into_iter().take(MOST_STRAYS);
        let paths = paths.map(|(last, stray)| Stray { last: last.to_string(), ..stray }).collect();
        Ok(Undeclared { paths, left_out, uncounted: size.saturating_sub(counted.next) })
    }

    /// As far as is counted, and a bounded number of records further.
    fn lately(&self, plant: &Plant) -> Result<MutexGuard<'_, Counted>, Fault> {
        self.asked.store(true, Ordering::Relaxed);
        self.count(plant).map_err(|problem| {
            tracing::warn!(%problem, "console: the ledger cannot be read");
            // Where its files are is nobody's business over the network.
            Fault::Unavailable("the ledger cannot be read; `penstock verify` says more".to_owned())
        })
    }

    fn count(&self, plant: &Plant) -> Result<MutexGuard<'_, Counted>, ReadError> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = Reader::open(&self.folder)?;
        let from = counted.next.max(reader.first()?);
        for record in reader.records(from, Filter::default()).below(from.saturating_add(STEP)) {
            let record = record?;
            counted.ways.count(&record.entry, plant);
            counted.next = record.entry.seq().saturating_add(1);
        }
        Ok(counted)
    }
}

fn fitting<'a>(ways: &Ways, now: &Loaded, inforce: &'a Inforce, sought: &Sought) -> Vec<Line<'a>> {
    let mut lines = ways.lines(now, inforce.policy(), gateway::now());
    lines.retain(|line| fits(line, sought));
    lines
}

fn fits(line: &Line<'_>, sought: &Sought) -> bool {
    let Sought { mark, source, workload, conduit, provider } = sought;
    let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
    let marked = match mark {
        None => true,
        Some(Marked::Wrong) => line.is_wrong(),
        Some(Marked::Undeclared) => line.marks.contains(&Mark::Undeclared),
        Some(Marked::Above) => line.marks.contains(&Mark::Above),
        Some(Marked::Unused) => line.marks.contains(&Mark::Unused),
        Some(Marked::Taken) => line.seen.calls > 0,
    };
    marked
        && is(source, line.source())
        && is(workload, &line.way.workload)
        && is(conduit, &line.way.conduit)
        && is(provider, &line.way.provider)
}
