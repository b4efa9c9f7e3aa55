//! Compares what a pack claims to have selected with a ledger: what fits the filter is named, and nothing else is.
//!
//! The ledger and the pack are proved before, each for itself, and the head of the pack to be one of the ledger's: a pack
//! shows by itself that its records are in it, and not that none was left out.

use super::check::{Problem, line, range, stop, unreadable};
use super::manifest::{MANIFEST_LIMIT, Manifest, read_filter};
use super::vessel::Source;
use super::{CHECKPOINT, MANIFEST, POPULATION};
use ledger::verify::Class;
use seal::note::NOTE_LIMIT;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use store::Reader;

/// Longest line of the population: two numbers below 2^63 and what is between them.
const RANGE_LIMIT: u64 = 42;

/// The signed head of a pack as it is written, not yet believed; `None` if it cannot be read.
#[must_use]
pub fn head(place: &Path) -> Option<Vec<u8>> {
    let source = Source::open(place).ok()?;
    whole(&source, CHECKPOINT, NOTE_LIMIT as u64).ok()
}

/// Goes over the ledger up to the pack's head, and compares the records that fit with the pack's population. Gives how many
/// they are.
///
/// # Errors
/// Names the first record that was left out, or that does not fit.
pub fn compare(place: &Path, reader: &Reader) -> Result<u64, Problem> {
    let source = Source::open(place).map_err(|error| stop(Class::Undecided, MANIFEST, error))?;
    let bytes = whole(&source, MANIFEST, MANIFEST_LIMIT)?;
    let manifest = Manifest::parse(&bytes).map_err(|problem| stop(Class::Tampered, MANIFEST, problem))?;
    let filter = read_filter(&manifest.filter).ok_or_else(|| {
        stop(Class::Undecided, MANIFEST, "asks for what this version does not know: nobody can select it again")
    })?;
    let filter =
        filter.gathered(reader, manifest.head.size).map_err(|error| stop(Class::Undecided, "the ledger", error))?;
    let mut named = Named { lines: BufReader::new(open(&source, POPULATION, u64::MAX)?), rest: None };
    let mut count = 0;
    for record in reader.records(0, filter) {
        let seq = record.map_err(|error| stop(Class::Undecided, "the ledger", error))?.entry.seq();
        if seq >= manifest.head.size {
            break;
        }
        match named.next()? {
            Some(number) if number == seq => count += 1,
            Some(number) if number < seq => return Err(stranger(number)),
            _ => {
                let what = "fits what was asked for, and the population leaves it out";
                return Err(stop(Class::Incomplete, &format!("record {seq} of the ledger"), what));
            }
        }
    }
    named.next()?.map_or(Ok(count), |number| Err(stranger(number)))
}

fn stranger(number: u64) -> Problem {
    let what = format!("names record {number}, which does not fit what was asked for");
    stop(Class::Tampered, POPULATION, what)
}

fn whole(source: &Source, name: &str, limit: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    open(source, name, limit)?.read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    Ok(bytes)
}

fn open<'a>(source: &'a Source, name: &str, limit: u64) -> Result<Box<dyn Read + 'a>, Problem> {
    let file = source.open_file(name, limit).map_err(|error| stop(Class::Tampered, name, error))?;
    file.ok_or_else(|| stop(Class::Incomplete, name, "is missing"))
}

/// The numbers of a population, one by one.
struct Named<R> {
    lines: R,
    /// What is left of a range: its next number and its last.
    rest: Option<(u64, u64)>,
}

impl<R: BufRead> Named<R> {
    fn next(&mut self) -> Result<Option<u64>, Problem> {
        if self.rest.is_none() {
            let line = line(&mut self.lines, RANGE_LIMIT).map_err(|error| unreadable(POPULATION, &error))?;
            let Some(line) = line else { return Ok(None) };
            self.rest = Some(range(&line).ok_or_else(|| stop(Class::Tampered, POPULATION, "is malformed"))?);
        }
        let taken = self.rest.map(|(next, _)| next);
        self.rest = self.rest.filter(|(next, last)| next < last).map(|(next, last)| (next + 1, last));
        Ok(taken)
    }
}
