//! Reading a ledger, also beside its live writer: entry bundles up to the last publication, then the frames after it.
//!
//! Streams: at most one bundle and one frame are in memory. Nothing is verified here beyond what reading needs;
//! that is [`ledger`]'s `verify`. Frames are read from the file as they stand, so a reader may see a record a few
//! milliseconds before it is durable.

use crate::disk;
use crate::filter::{Filter, Sieve};
use crate::folder::Folder;
use crate::frame;
use crate::lock::{self, Lock};
use crate::publisher::BEGINNING;
use crate::retention;
use crate::wal::{Position, Step, WalError, Walker};
use ledger::tile::{BUNDLE_LIMIT, Row, Tile, Tiles, WIDTH};
use ledger::{Checkpoint, Entry, Head, Receipt, ReceiptError};
use plant::{Millis, RecordId};
use seal::note::{NOTE_LIMIT, Note};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

/// Reads one ledger.
#[derive(Clone, Debug)]
pub struct Reader {
    folder: PathBuf,
}

/// A record with its exact bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The line as it is stored: the leaf of the tree.
    pub line: Vec<u8>,
    /// What it says.
    pub entry: Entry,
}

/// Why a ledger cannot be read on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no ledger.
    #[error("`{0}` holds no ledger")]
    NoLedger(PathBuf),
    /// A file cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("`{path}` is damaged: {problem}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A record is no record.
    #[error("record {seq} is damaged: {problem}")]
    Record {
        /// Which.
        seq: u64,
        /// What is wrong with it.
        problem: ledger::Malformed,
    },
    /// No published checkpoint covers the record yet.
    #[error("record {seq} is durable, but no published checkpoint covers it yet")]
    NotPublished {
        /// Which.
        seq: u64,
    },
    /// A receipt cannot be made.
    #[error("no receipt of record {seq}: {source}")]
    Receipt {
        /// Of which record.
        seq: u64,
        /// Why.
        source: ReceiptError,
    },
    /// Too many records belong to one incident.
    #[error(
        "more than {} records are tied to each other: name a time, a conduit or a workload instead",
        crate::INCIDENT_LIMIT
    )]
    Incident,
    /// The write-ahead log cannot be read.
    #[error(transparent)]
    Wal(#[from] WalError),
}

/// Where reading goes from tiles to frames.
pub(crate) struct Seam {
    /// Records that the tiles hold.
    pub(crate) size: u64,
    /// Below which number records may be gone.
    pub(crate) minimum: u64,
    /// Where the frames after them begin, if there is a log.
    frames: Option<(Position, Option<[u8; 32]>)>,
}

impl Reader {
    /// Takes the folder of a ledger.
    ///
    /// # Errors
    /// If it holds neither a checkpoint nor a write-ahead log.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        let there = ["checkpoint", "wal"].iter().any(|name| folder.join(name).exists());
        if there { Ok(Self { folder: folder.to_owned() }) } else { Err(ReadError::NoLedger(folder.to_owned())) }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The published checkpoint as it is written, not yet believed; `None` before the first.
    ///
    /// # Errors
    /// If the file cannot be read or is no checkpoint.
    pub fn published(&self) -> Result<Option<(Checkpoint, Vec<u8>)>, ReadError> {
        let path = self.folder.join("checkpoint");
        let Some(bytes) = self.read("checkpoint", NOTE_LIMIT)? else { return Ok(None) };
        let damaged = |problem: String| ReadError::Damaged { path: path.clone(), problem };
        let note = Note::parse(&bytes).map_err(|error| damaged(error.to_string()))?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|error| damaged(error.to_string()))?;
        Ok(Some((checkpoint, bytes)))
    }

    /// The number of the first record that is there: 0, unless records were removed because their time was over.
    ///
    /// # Errors
    /// As reading how many there are.
    pub fn first(&self) -> Result<u64, ReadError> {
        let Seam { size, minimum, .. } = self.seam()?;
        Ok(retention::first(&self.folder, minimum, size))
    }

    /// All records from sequence number `from` on, oldest first, to the end that the log has when it gets there. What
    /// was removed because its time was over is passed over.
    #[must_use]
    pub fn records(&self, from: u64, filter: Filter) -> Records {
        Records { lines: Lines::new(self.clone(), from), sieve: filter.sieve(), end: u64::MAX, ended: false }
    }

    /// The lines of records from sequence number `from` on, up to `end` and not with it, as they stand there: whether they are
    /// records is not looked at.
    pub fn lines(&self, from: u64, end: u64) -> impl Iterator<Item = Result<Vec<u8>, ReadError>> {
        let mut lines = Lines::new(self.clone(), from);
        std::iter::from_fn(move || {
            let line = if lines.next < end { lines.next().transpose()? } else { return None };
            Some(line.map(|(_, line)| line))
        })
    }

    /// All records from sequence number `from` on whose line holds this text.
    #[must_use]
    pub fn holding(&self, from: u64, text: &str) -> Records {
        Records { lines: Lines::new(self.clone(), from), sieve: Sieve::holding(text), end: u64::MAX, ended: false }
    }

    /// Where to begin to read what was written at a time or later: no earlier record was, save where the clock went back.
    /// Found by halves, so that a long ledger is not read for it.
    ///
    /// # Errors
    /// As reading any of its records.
    pub fn since(&self, time: Millis) -> Result<u64, ReadError> {
        let Seam { size, minimum, .. } = self.seam()?;
        let (width, first) = (u64::from(WIDTH), retention::first(&self.folder, minimum, size));
        let (mut low, mut high) = (first / width, size.div_ceil(width));
        while low < high {
            let middle = low + (high - low) / 2;
            let seq = middle.saturating_mul(width);
            let begins = self.bundle(middle, size)?.into_iter().next();
            let head = begins.as_deref().map(Head::parse).transpose();
            match head.map_err(|problem| ReadError::Record { seq, problem })? {
                Some(head) if head.t < time => low = middle + 1,
                _ => high = middle,
            }
        }
        // The bundle before begins earlier, and may go on until then.
        Ok(low.saturating_sub(1).saturating_mul(width).max(first))
    }

    /// The newest records that pass the filter, at most `most`, oldest first.
    ///
    /// # Errors
    /// As reading any of them.
    pub fn newest(&self, most: usize, filter: Filter) -> Result<Vec<Record>, ReadError> {
        let mut newest = VecDeque::new();
        if most > 0 {
            self.backwards(most, filter, |record| {
                newest.push_front(record);
                newest.len() < most
            })?;
        }
        Ok(newest.into())
    }

    /// The record with this identity. Recent ones are found soonest.
    ///
    /// # Errors
    /// As reading the records after it.
    pub fn find(&self, id: RecordId) -> Result<Option<Record>, ReadError> {
        let mut found = None;
        // The filter also finds what answers the record, which came later.
        self.backwards(usize::MAX, Filter { id: Some(id), ..Filter::default() }, |record| {
            found = Some(record).filter(|record| record.entry.id() == id);
            found.is_none()
        })?;
        Ok(found)
    }

    /// Hands out the records that pass the filter, newest first, until `more` has enough; it never wants more than
    /// `most`.
    fn backwards(&self, most: usize, filter: Filter, mut more: impl FnMut(Record) -> bool) -> Result<(), ReadError> {
        let Seam { size, minimum, .. } = self.seam()?;
        let mut records = self.records(size, filter);
        let mut tail = VecDeque::new();
        for record in records.by_ref() {
            tail.push_back(record?);
            if tail.len() > most {
                tail.pop_front();
            }
        }
        while let Some(record) = tail.pop_back() {
            if !more(record) {
                return Ok(());
            }
        }
        let width = u64::from(WIDTH);
        let begin = retention::first(&self.folder, minimum, size) / width;
        for index in (begin..size.div_ceil(width)).rev() {
            let first = index.saturating_mul(width);
            let lines: Vec<_> = (first..size).zip(self.bundle(index, size)?).collect();
            for (seq, line) in lines.into_iter().rev() {
                if let Some(record) = judge(&records.sieve, seq, line)?
                    && !more(record)
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The receipt of a record under the published checkpoint, with the record itself as its extra data.
    ///
    /// # Errors
    /// [`ReadError::NotPublished`] for the first second of a record's life; otherwise as reading the tiles.
    pub fn receipt(&self, record: &Record) -> Result<Receipt, ReadError> {
        let receipts = self.receipts()?.ok_or(ReadError::NotPublished { seq: record.entry.seq() })?;
        receipts.of(record)
    }

    /// What makes receipts under the checkpoint that is published now; `None` before the first.
    ///
    /// # Errors
    /// If the checkpoint cannot be read.
    pub fn receipts(&self) -> Result<Option<Receipts>, ReadError> {
        let Some((Checkpoint { size, .. }, bytes)) = self.published()? else { return Ok(None) };
        let damaged = |problem: seal::note::NoteError| ReadError::Damaged {
            path: self.folder.join("checkpoint"),
            problem: problem.to_string(),
        };
        let (note, folder) = (Note::parse(&bytes).map_err(damaged)?, Folder::new(&self.folder));
        Ok(Some(Receipts { size, note, tiles: Tiles::new(size, Box::new(move |tile| folder.tile(tile))) }))
    }

    fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, ReadError> {
        let path = self.folder.join(name);
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        disk::read_if_there(&path, limit).map_err(|source| ReadError::Io { path, source })
    }

    /// Where the tiles end and the frames begin: as the lock record says; a copy without one ends with its checkpoint.
    pub(crate) fn seam(&self) -> Result<Seam, ReadError> {
        let limit = usize::try_from(lock::LIMIT).unwrap_or(usize::MAX);
        if let Some(bytes) = self.read("checkpoints/lock", limit)? {
            let damaged = || ReadError::Damaged {
                path: self.folder.join("checkpoints/lock"),
                problem: "its checksum does not agree".to_owned(),
            };
            let Lock { size, minimum, position, frame, .. } = Lock::decode(&bytes).ok_or_else(damaged)?;
            let frames = self.folder.join("wal").exists().then_some((position, Some(frame)));
            return Ok(Seam { size, minimum, frames });
        }
        Ok(match self.published()? {
            Some((Checkpoint { size, .. }, _)) => Seam { size, minimum: size, frames: None },
            None => Seam { size: 0, minimum: 0, frames: Some((BEGINNING, None)) },
        })
    }

    /// The lines of a bundle in a tree of `size` records.
    pub(crate) fn bundle(&self, index: u64, size: u64) -> Result<Vec<Vec<u8>>, ReadError> {
        let path = |tile: Tile| self.folder.join(tile.path());
        let Some(tile) = Tile::in_tree(Row::Entries, index, size) else { return Ok(Vec::new()) };
        // A partial bundle may be gone since we looked: then the full one is there.
        for tile in [tile, tile.filled()] {
            if let Some(bytes) = self.read(&tile.path(), BUNDLE_LIMIT)? {
                let entries = ledger::tile::entries(&bytes, tile.width());
                let entries =
                    entries.map_err(|error| ReadError::Damaged { path: path(tile), problem: error.to_string() })?;
                return Ok(entries.into_iter().map(<[u8]>::to_vec).collect());
            }
        }
        Err(ReadError::Damaged { path: path(tile), problem: "it is missing".to_owned() })
    }
}

type ReadTile = Box<dyn Fn(Tile) -> Option<Vec<u8>>>;

/// Makes receipts under one checkpoint, with the records as their extra data. What their paths share is read and hashed once.
pub struct Receipts {
    size: u64,
    note: Note,
    tiles: Tiles<ReadTile>,
}

impl Receipts {
    /// The receipt of a record.
    ///
    /// # Errors
    /// [`ReadError::NotPublished`] if the checkpoint does not cover it; otherwise as reading the tiles.
    pub fn of(&self, record: &Record) -> Result<Receipt, ReadError> {
        let seq = record.entry.seq();
        if seq >= self.size {
            return Err(ReadError::NotPublished { seq });
        }
        let receipt = Receipt::make(seq, self.note.clone(), &self.tiles);
        let receipt = receipt.and_then(|receipt| receipt.with_extra(record.line.clone()));
        receipt.map_err(|source| ReadError::Receipt { seq, source })
    }
}

/// Reads a line if it is wanted.
pub(crate) fn judge(sieve: &Sieve, seq: u64, line: Vec<u8>) -> Result<Option<Record>, ReadError> {
    if sieve.drops(&line) {
        return Ok(None);
    }
    let entry = ledger::decode(&line).map_err(|problem| ReadError::Record { seq, problem })?;
    Ok(sieve.keeps(&entry).then_some(Record { line, entry }))
}

/// Records in order. Ends after the first error.
pub struct Records {
    lines: Lines,
    sieve: Sieve,
    /// Where they end at the latest.
    end: u64,
    ended: bool,
}

impl Records {
    /// The same to this sequence number at most, itself not included.
    #[must_use]
    pub fn below(mut self, end: u64) -> Self {
        self.end = end;
        self
    }

    /// The sequence number of the next line that would be read: where to go on later.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.lines.next
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended && self.lines.next < self.end {
            let result = match self.lines.next() {
                Ok(None) => break,
                Ok(Some((seq, line))) => judge(&self.sieve, seq, line),
                Err(error) => Err(error),
            };
            match result {
                Ok(None) => {}
                Ok(Some(record)) => return Some(Ok(record)),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.ended = true;
        None
    }
}

/// All lines from one on.
pub(crate) struct Lines {
    reader: Reader,
    next: u64,
    /// The tiles' end, once looked up.
    size: Option<u64>,
    walker: Option<Walker>,
    ready: VecDeque<Vec<u8>>,
}

impl Lines {
    pub(crate) fn new(reader: Reader, from: u64) -> Self {
        Self { reader, next: from, size: None, walker: None, ready: VecDeque::new() }
    }

    pub(crate) fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
        if self.ready.is_empty() {
            self.fill()?;
        }
        let line = self.ready.pop_front();
        Ok(line.map(|line| {
            let seq = self.next;
            self.next += 1;
            (seq, line)
        }))
    }

    /// Reads the next bundle or frame; nothing at the end.
    fn fill(&mut self) -> Result<(), ReadError> {
        loop {
            if self.walker.is_some() {
                let read = self.frames();
                if !matches!(read, Ok(()) | Err(ReadError::Wal(WalError::Missing(_)))) || !self.ready.is_empty() {
                    return read;
                }
                // The end, unless the publisher has removed segments since: then their records are in tiles.
                if self.reader.seam()?.size <= self.next {
                    return read;
                }
                self.walker = None;
                self.size = None;
            }
            let seam = match self.size {
                Some(size) if self.next < size => size,
                _ => {
                    let Seam { size, frames, .. } = self.reader.seam()?;
                    self.size = Some(size);
                    if self.next >= size {
                        let Some((position, previous)) = frames else { return Ok(()) };
                        self.walker = Some(Walker::new(&self.reader.folder.join("wal"), position, size, previous));
                        continue;
                    }
                    size
                }
            };
            let width = u64::from(WIDTH);
            let lines = match self.reader.bundle(self.next / width, seam) {
                Ok(lines) => lines,
                // Removed, before or while we read.
                Err(missing) => match self.reader.first()? {
                    first if first > self.next => {
                        self.next = first;
                        continue;
                    }
                    _ => return Err(missing),
                },
            };
            let skip = usize::try_from(self.next % width).unwrap_or(0);
            self.ready = lines.into_iter().skip(skip).collect();
            return Ok(());
        }
    }

    fn frames(&mut self) -> Result<(), ReadError> {
        let Some(walker) = &mut self.walker else { return Ok(()) };
        while self.ready.is_empty() {
            let Step::Frame(frame, _) = walker.step()? else { return Ok(()) };
            let skip = usize::try_from(self.next.saturating_sub(frame.header.first)).unwrap_or(usize::MAX);
            let lines = frame::split(frame.entries).filter_map(Result::ok).skip(skip);
            self.ready = lines.map(<[u8]>::to_vec).collect();
        }
        Ok(())
    }
}
