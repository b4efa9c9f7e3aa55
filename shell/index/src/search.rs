//! Finds records soon, the newest first, however long the ledger is: for people who look at it while it is written.
//!
//! ```text
//! question ─> chapter by chapter, the newest first: places of each word, and between them ─> the log: is it so? ─> page
//!                   │ stored: 65,536 records each, never changed        in memory: those since
//! ```
//!
//! A chapter is 256 bundles of the log. What it says is a hint: each record that it points to is read from the log and held against the
//! question, and where there is no chapter yet the records are looked at one by one. A search ends in time: it then says how far it
//! came, and goes on from there.

mod chapter;
mod gather;
mod set;

#[doc(hidden)]
pub use chapter::{fuzz, seed};

use chapter::{Bytes, Chapter};
use gather::{Field, Gathered};
use set::{Set, WIDTH};
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};
use store::{Filter, Numbered, ReadError, Reader, Record};

/// The name of the chapters' folder in that of the ledger.
pub const FOLDER: &str = "search";
/// How the name of a chapter ends while it is written.
const UNFINISHED: &str = ".unfinished";
/// Records that a search looks at however little time it has, so that whoever goes on from there comes to an end.
const FEWEST: usize = 256;
/// How long the background gathers at a time before it rests as long.
const SLICE: Duration = Duration::from_millis(50);

/// What records must be.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// As `penstock records` takes it.
    pub filter: Filter,
    /// With a finding of this label.
    pub finding: Option<String>,
    /// Naming this identity: as their own, as the one that they answer, or in their note.
    pub naming: Option<String>,
    /// With lower numbers than this one: where the page before ended.
    pub below: Option<u64>,
}

/// How much one search may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// Most records.
    pub records: usize,
    /// How long it may look.
    pub time: Duration,
    /// The end of what may be looked at: so many records are durable.
    pub end: u64,
    /// Whether somebody wants it to stop.
    pub stop: &'a AtomicBool,
}

/// What was found, the newest first.
#[derive(Debug, Default)]
pub struct Page {
    /// The records.
    pub found: Vec<Found>,
    /// Where to go on, if there is or may be more.
    pub below: Option<u64>,
    /// Whether its time was over before it was full: nothing says that there is more.
    pub cut: bool,
}

/// A record that was found.
#[derive(Debug)]
pub enum Found {
    /// It can be read.
    Record(Box<Record>),
    /// It is there and cannot be read. It may be what was asked for.
    Damaged {
        /// Its number.
        seq: u64,
        /// What is wrong.
        problem: ReadError,
    },
}

/// The search in one ledger. One process has it.
#[derive(Debug)]
pub struct Search {
    ledger: PathBuf,
    folder: PathBuf,
    /// Records of a chapter: a multiple of a bundle's, at most [`WIDTH`].
    width: u64,
    /// What comes after the stored chapters. Whoever finds somebody at it does without.
    gathering: Mutex<Option<Gathered>>,
    shelf: Mutex<Shelf>,
}

/// The chapters that can be asked.
#[derive(Debug, Default)]
struct Shelf {
    /// Which are stored and whole: in which file that was, and from which record on.
    stored: BTreeMap<u64, (Identity, u64)>,
    /// The newest, as far as it is gathered.
    newest: Option<(u64, Arc<[u8]>)>,
}

/// A file, as the kernel knows it: nobody chooses the time of its last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, i64, i64, u64);

impl Identity {
    fn of(file: &Metadata) -> Self {
        Self(file.ino(), file.ctime(), file.ctime_nsec(), file.len())
    }
}

impl Search {
    /// Takes a ledger's folder. Nothing is read yet.
    #[must_use]
    pub fn new(ledger: &Path) -> Self {
        Self::with_width(ledger, WIDTH)
    }

    fn with_width(ledger: &Path, width: u64) -> Self {
        let (gathering, shelf) = (Mutex::new(None), Mutex::new(Shelf::default()));
        Self { ledger: ledger.to_owned(), folder: ledger.join(FOLDER), width, gathering, shelf }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // Nothing is done under this lock but to put in and take out.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores what chapters there are not yet of the first `end` records, the newest first, and removes those of records whose time is over.
    /// Rests as long as it works, so that it takes half of a core at most.
    ///
    /// # Errors
    /// If the log cannot be read, or the chapters not written. What cannot be gathered is looked at one by one when it is searched.
    pub fn prepare(&self, end: u64, stop: &AtomicBool) -> Result<(), ReadError> {
        let reader = Reader::open(&self.ledger)?;
        let first = reader.first()?;
        self.tidy(first);
        let chapters = || (first / self.width..end / self.width).rev();
        let stopped = || stop.load(Ordering::Relaxed);
        for number in chapters().take_while(|_| !stopped()) {
            let known = self.shelf().stored.contains_key(&number);
            let _ = known || self.believe(&reader, number, first);
        }
        while !self.follow(&reader, end, stop, Instant::now() + SLICE)? && !stopped() {
            std::thread::sleep(SLICE);
        }
        for number in chapters() {
            if stopped() {
                return Ok(());
            }
            if self.shelf().stored.contains_key(&number) {
                continue;
            }
            let begins = number * self.width;
            let mut gathered = Gathered::new(begins);
            gather(&reader, &mut gathered, begins + self.width, None, true, stop)?;
            if gathered.to == self.width {
                self.store(&reader, number, &gathered)?;
            }
        }
        Ok(())
    }

    /// Removes chapters that hold something of records that were removed.
    fn tidy(&self, first: u64) {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut shelf = self.shelf();
        for file in files {
            let name = file.file_name();
            // A crash leaves unfinished ones, and they hold names as well.
            let number = name.to_str().map(|name| name.strip_suffix(UNFINISHED).unwrap_or(name));
            let Some(number) = number.and_then(|number| number.parse::<u64>().ok()) else { continue };
            let over = number.saturating_add(1).saturating_mul(self.width) <= first;
            if over || shelf.stored.get(&number).is_some_and(|(_, from)| *from < first) {
                let _ = std::fs::remove_file(file.path());
                shelf.stored.remove(&number);
            }
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:012}"))
    }

    /// Whether a chapter that is stored is whole and made of these records.
    fn believe(&self, reader: &Reader, number: u64, first: u64) -> bool {
        let begins = number * self.width;
        let believed = || -> Option<(Identity, u64)> {
            let mut file = File::open(self.path(number)).ok()?;
            let identity = Identity::of(&file.metadata().ok()?);
            let mut bytes = Vec::new();
            Read::by_ref(&mut file).take(chapter::LIMIT).read_to_end(&mut bytes).ok()?;
            let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(chapter::SUM)?)?;
            if seal::sha256(body) != sum {
                return None;
            }
            let head = Chapter::open(Bytes::Memory(bytes.into())).ok()?.head;
            let whole = head.first == begins && head.to == self.width && begins + head.from >= first;
            (whole && last(reader, begins + self.width - 1)? == head.last).then_some((identity, begins + head.from))
        };
        let believed = believed();
        self.shelf().stored.extend(believed.map(|chapter| (number, chapter)));
        believed.is_some()
    }

    fn store(&self, reader: &Reader, number: u64, gathered: &Gathered) -> Result<(), ReadError> {
        let failed = |source| ReadError::Io { path: self.path(number), source };
        let Some(last) = last(reader, (number + 1) * self.width - 1) else { return Ok(()) };
        let written = || -> io::Result<Identity> {
            std::fs::create_dir_all(&self.folder)?;
            let unfinished = self.folder.join(format!("{number:012}{UNFINISHED}"));
            let _ = std::fs::remove_file(&unfinished);
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&unfinished)?;
            // Not synced: what a crash leaves of it does not agree with its sum.
            file.write_all(&gathered.encode(&last))?;
            std::fs::rename(&unfinished, self.path(number))?;
            Ok(Identity::of(&file.metadata()?))
        };
        let identity = written().map_err(failed)?;
        self.shelf().stored.insert(number, (identity, gathered.first + gathered.from));
        Ok(())
    }

    /// Gathers what was written since, until a time; says whether that is all.
    fn follow(&self, reader: &Reader, end: u64, stop: &AtomicBool, until: Instant) -> Result<bool, ReadError> {
        let mut gathering = match self.gathering.try_lock() {
            Ok(gathering) => gathering,
            Err(TryLockError::WouldBlock) => return Ok(false),
            // It says itself up to which record it is gathered.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        };
        loop {
            let newest = gathering.get_or_insert_with(|| Gathered::new(end / self.width * self.width));
            let (ends, before) = ((newest.first + self.width).min(end), newest.to);
            gather(reader, newest, ends, Some(until), false, stop)?;
            if newest.to < self.width {
                if newest.to != before {
                    self.shelf().newest = Some((newest.first / self.width, newest.encode(&[0; 32]).into()));
                }
                return Ok(newest.first + newest.to >= end);
            }
            let next = newest.first + self.width;
            self.store(reader, newest.first / self.width, newest)?;
            *gathering = Some(Gathered::new(next));
        }
    }

    /// The records that are asked for, the newest first.
    ///
    /// # Errors
    /// If the log cannot be read at all.
    pub fn page(&self, question: &Question, bounds: &Bounds<'_>) -> Result<Page, ReadError> {
        let begin = Instant::now();
        let until = begin + bounds.time;
        let reader = Reader::open(&self.ledger)?;
        // What could not be gathered or put away is looked at one by one.
        let _ = self.follow(&reader, bounds.end, bounds.stop, begin + bounds.time / 4);
        let mut records = reader.numbered(question.filter.clone())?;
        self.tidy_if_removed(records.first());
        let mut page = Page::default();
        let end = question.below.unwrap_or(u64::MAX).min(bounds.end);
        let (mut below, mut looked) = (end, 0);
        let over = |looked| bounds.stop.load(Ordering::Relaxed) || looked >= FEWEST && Instant::now() >= until;
        while below > records.first() {
            if over(looked) {
                (page.below, page.cut) = (Some(below), true);
                return Ok(page);
            }
            let number = (below - 1) / self.width;
            let begins = number * self.width;
            let places = self.places(number, question);
            for place in places.below(below - begins) {
                let seq = begins + u64::from(place);
                if over(looked) {
                    (page.below, page.cut) = (Some(seq + 1), true);
                    return Ok(page);
                }
                if seq < records.first() {
                    break;
                }
                looked += 1;
                let Some(found) = look(&mut records, question, seq) else { continue };
                if page.found.len() == bounds.records {
                    page.below = page.found.last().map(Found::seq);
                    return Ok(page);
                }
                page.found.push(found);
            }
            (below, looked) = (begins, looked.max(FEWEST));
        }
        Ok(page)
    }

    fn tidy_if_removed(&self, first: u64) {
        let over = self.shelf().stored.values().any(|(_, from)| *from < first);
        if over {
            self.tidy(first);
        }
    }

    /// The places of a chapter where records may be that are asked for.
    fn places(&self, number: u64, question: &Question) -> Set {
        let mut all = Set::none();
        all.insert_all(0..self.width);
        let Some(chapter) = self.chapter(number) else { return all };
        let Ok(mut places) = said(&chapter, question, &all) else { return all };
        // What is not gathered may be anything.
        places.insert_all(0..chapter.head.from);
        places.insert_all(chapter.head.to..self.width);
        places
    }

    fn chapter(&self, number: u64) -> Option<Chapter> {
        let shelf = self.shelf();
        let Some((identity, _)) = shelf.stored.get(&number).copied() else {
            let newest = shelf.newest.as_ref().filter(|(newest, _)| *newest == number)?;
            let bytes = Arc::clone(&newest.1);
            drop(shelf);
            return Chapter::open(Bytes::Memory(bytes)).ok();
        };
        drop(shelf);
        let file = File::open(self.path(number)).ok()?;
        if Identity::of(&file.metadata().ok()?) != identity {
            // Another file than the one that was found whole.
            self.shelf().stored.remove(&number);
            return None;
        }
        Chapter::open(Bytes::File(Arc::new(file))).ok()
    }
}

impl Found {
    /// Its number.
    #[must_use]
    pub fn seq(&self) -> u64 {
        match self {
            Self::Record(record) => record.entry.seq(),
            Self::Damaged { seq, .. } => *seq,
        }
    }
}

/// Looks at a record that may be asked for.
fn look(records: &mut Numbered, question: &Question, seq: u64) -> Option<Found> {
    match records.get(seq) {
        Ok(None) => None,
        Ok(Some(record)) => {
            let found = question.finding.as_ref().is_none_or(|label| gather::found(&record.entry, label));
            let named = question.naming.as_ref().is_none_or(|id| gather::names(&record.entry, id));
            (found && named).then(|| Found::Record(Box::new(record)))
        }
        Err(problem) => Some(Found::Damaged { seq, problem }),
    }
}

/// The places of a chapter at which everything is said that is asked for.
fn said(chapter: &Chapter, question: &Question, all: &Set) -> io::Result<Set> {
    let (filter, mut places) = (&question.filter, all.clone());
    if filter.since.is_some() || filter.until.is_some() {
        places.and(&chapter.written(filter.since.map(|time| time.0), filter.until.map(|time| time.0)));
    }
    let words = [
        (Field::Kind, filter.kind.map(|kind| kind.name().to_owned())),
        (Field::Zone, filter.zone.as_ref().map(ToString::to_string)),
        (Field::Conduit, filter.conduit.as_ref().map(ToString::to_string)),
        (Field::Workload, filter.workload.as_ref().map(ToString::to_string)),
        (Field::Operator, filter.operator.as_ref().map(ToString::to_string)),
        (Field::Provider, filter.provider.as_ref().map(ToString::to_string)),
        (Field::Verdict, filter.verdict.map(|verdict| verdict.name().to_owned())),
        (Field::Reason, filter.reason.map(|reason| reason.code().to_owned())),
        (Field::Sensitivity, filter.sensitivity.clone()),
        (Field::Judgement, filter.judgement.map(|judgement| judgement.name().to_owned())),
        (Field::Finding, question.finding.clone()),
    ];
    for (field, wanted) in words {
        let Some(wanted) = wanted else { continue };
        if let Some(said) = chapter.saying(field, |value| value == wanted)? {
            places.and(&said);
        }
        if places.is_empty() {
            return chapter.odd();
        }
    }
    if let Some(model) = &filter.model
        && let Some(said) = chapter.saying(Field::Model, |value| model.fits(value))?
    {
        places.and(&said);
    }
    let id = filter.id.map(|id| id.to_string());
    for id in id.iter().chain(&question.naming) {
        if let Some(name) = gather::name(id) {
            places.and(&chapter.naming(name)?);
        }
    }
    places.or(&chapter.odd()?);
    Ok(places)
}

/// The leaf hash of a record.
fn last(reader: &Reader, seq: u64) -> Option<ledger::Hash> {
    let record = reader.numbered(Filter::default()).ok()?.get(seq).ok()??;
    Some(ledger::leaf_hash(&record.line))
}

/// Gathers a chapter to a number, or until a time. Where it rests, it rests as long as it worked.
fn gather(
    reader: &Reader,
    gathered: &mut Gathered,
    ends: u64,
    until: Option<Instant>,
    rests: bool,
    stop: &AtomicBool,
) -> Result<(), ReadError> {
    let mut from = gathered.first + gathered.to;
    if from >= ends {
        return Ok(());
    }
    let mut records = reader.numbered(Filter::default())?;
    from = from.max(records.first());
    let mut begun = Instant::now();
    for seq in from..ends {
        if seq % 256 == 0 {
            if stop.load(Ordering::Relaxed) || until.is_some_and(|until| Instant::now() >= until) {
                return Ok(());
            }
            if rests {
                std::thread::sleep(begun.elapsed());
                begun = Instant::now();
            }
        }
        match records.get(seq) {
            Ok(None) => return Ok(()),
            Ok(Some(record)) => gathered.take(seq, Some(&record.entry)),
            Err(_) => gathered.take(seq, None),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
