//! What is seen in traffic, counted from the ledger's records beside its writer.
//!
//! `inventory.seen` in the ledger's folder says how far it was counted, so that a start, or a command, reads on from there. It proves
//! nothing: the records do, and where it does not fit them they are counted anew.

use crate::file;
use inventory::Seen;
use miette::{IntoDiagnostic, WrapErr, miette};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use store::{Filter, ReadError, Reader};

const FILE: &str = "inventory.seen";
/// Longest file: as much of each kind as is counted, with the longest names, is a tenth of it.
const LIMIT: u64 = 64 << 20;
/// Most records that a gateway counts at a time.
const MOST: u64 = 16_384;
/// How many of those it counts while more come than that: calls need the processor more.
const SHARE: u64 = 4;
/// How often it counts.
const EVERY: Duration = Duration::from_secs(2);

/// What was seen up to the last record: for a command, which keeps nothing.
pub(crate) fn now(reader: &Reader) -> miette::Result<Seen> {
    counted(reader, u64::MAX)
}

/// What was seen, for whoever asks a gateway that runs: as far as it has counted, and a bounded number of records further.
pub(crate) fn lately(reader: &Reader) -> miette::Result<Seen> {
    counted(reader, MOST)
}

fn counted(reader: &Reader, most: u64) -> miette::Result<Seen> {
    let mut seen = restored(reader);
    let counted = count(&mut seen, reader, most);
    counted.into_diagnostic().wrap_err("the ledger cannot be read; `penstock verify` says more")?;
    Ok(seen)
}

/// What a gateway has counted so far.
pub(crate) struct Sighted {
    folder: PathBuf,
    seen: Option<Seen>,
    last: Option<Instant>,
    /// How many records there were then.
    records: u64,
}

impl Sighted {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), seen: None, last: None, records: u64::MAX }
    }

    /// Counts on, if it is time and there is something; keeps it. A problem is told of, and ends nothing.
    pub(crate) fn keep(&mut self, records: u64) {
        let fresh = self.seen.as_ref().is_none_or(|seen| seen.next < records);
        if !fresh || self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        let busy = records.saturating_sub(self.records) > MOST / SHARE;
        self.records = records;
        if let Err(problem) = self.counted(if busy { MOST / SHARE } else { MOST }) {
            tracing::warn!(%problem, "what is seen of AI components is not counted");
        }
    }

    fn counted(&mut self, most: u64) -> miette::Result<()> {
        let reader = Reader::open(&self.folder).into_diagnostic()?;
        let seen = self.seen.get_or_insert_with(|| restored(&reader));
        let before = seen.next;
        let counted = count(seen, &reader, most).into_diagnostic();
        if seen.next > before {
            file::replace(&self.folder.join(FILE), seen.save()).into_diagnostic()?;
        }
        counted
    }
}

/// What was counted before, if it fits the ledger.
fn restored(reader: &Reader) -> Seen {
    let path = reader.folder().join(FILE);
    let read = || -> miette::Result<Option<Seen>> {
        let Some(bytes) = file::read(&path, LIMIT).into_diagnostic()? else { return Ok(None) };
        let seen = Seen::restore(&String::from_utf8(bytes).into_diagnostic()?).into_diagnostic()?;
        if fits(&seen, reader).into_diagnostic()? { Ok(Some(seen)) } else { Err(miette!("it is of another ledger")) }
    };
    let seen = read().unwrap_or_else(|problem| {
        tracing::warn!(%problem, path = %path.display(), "what was seen of AI components is counted anew");
        None
    });
    seen.unwrap_or_default()
}

/// Whether the last record that was counted is where it was. One that was removed for its age is not looked for.
fn fits(seen: &Seen, reader: &Reader) -> Result<bool, ReadError> {
    let Some(last) = seen.next.checked_sub(1) else { return Ok(true) };
    let first = reader.first()?;
    if last < first {
        return Ok(true);
    }
    let record = reader.records(last, Filter::default()).next().transpose()?;
    Ok(record.is_some_and(|record| record.entry.seq() == last && Some(record.entry.id().to_string()) == seen.last))
}

fn count(seen: &mut Seen, reader: &Reader, most: u64) -> Result<(), ReadError> {
    let from = seen.next.max(reader.first()?);
    for line in reader.lines(from, from.saturating_add(most)) {
        seen.count(&line?);
    }
    Ok(())
}
