//! Records by their numbers, for whoever knows which they want: an index, a cursor.

use crate::filter::{Filter, Sieve};
use crate::reader::{Lines, ReadError, Reader, Record, judge};
use crate::retention;
use ledger::Malformed;
use ledger::tile::WIDTH;

/// Records by their numbers, as far as they pass a filter. Whoever asks from one number to its neighbour has each bundle read once.
pub struct Numbered {
    reader: Reader,
    sieve: Sieve,
    first: u64,
    /// Records that the tiles hold.
    size: u64,
    bundle: Option<(u64, Vec<Vec<u8>>)>,
    /// What comes after the tiles.
    frames: Option<Vec<Vec<u8>>>,
}

impl Reader {
    /// Records by their numbers, where they pass the filter.
    ///
    /// # Errors
    /// As reading how many there are.
    pub fn numbered(&self, filter: Filter) -> Result<Numbered, ReadError> {
        let seam = self.seam()?;
        let first = retention::first(self.folder(), seam.minimum, seam.size);
        Ok(Numbered { reader: self.clone(), sieve: filter.sieve(), first, size: seam.size, bundle: None, frames: None })
    }
}

impl Numbered {
    /// The number of the first record that is there.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The record with this number; `None` if there is none, if it does not pass, or if it was removed because its time was over.
    ///
    /// # Errors
    /// If it cannot be read or is damaged. Others may be read all the same.
    pub fn get(&mut self, seq: u64) -> Result<Option<Record>, ReadError> {
        let Some(line) = self.line(seq)? else { return Ok(None) };
        match judge(&self.sieve, seq, line)? {
            Some(record) if record.entry.seq() != seq => {
                let problem = Malformed { at: 0, problem: "says another number than that of its place" };
                Err(ReadError::Record { seq, problem })
            }
            record => Ok(record),
        }
    }

    /// The bytes that stand there, whatever they are and whether they pass or not.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn line(&mut self, seq: u64) -> Result<Option<Vec<u8>>, ReadError> {
        if seq < self.first {
            return Ok(None);
        }
        let found = if seq < self.size { self.bundle(seq) } else { self.frames() };
        let problem = match found {
            Ok((first, lines)) => {
                return Ok(usize::try_from(seq - first).ok().and_then(|at| lines.get(at).cloned()));
            }
            Err(problem) => problem,
        };
        // It may have been removed since we looked.
        self.first = self.reader.first()?;
        if seq < self.first { Ok(None) } else { Err(problem) }
    }

    fn bundle(&mut self, seq: u64) -> Result<(u64, &[Vec<u8>]), ReadError> {
        let width = u64::from(WIDTH);
        let index = seq / width;
        if self.bundle.as_ref().is_none_or(|(known, _)| *known != index) {
            self.bundle = Some((index, self.reader.bundle(index, self.size)?));
        }
        let lines = self.bundle.as_ref().map(|(_, lines)| lines.as_slice()).unwrap_or_default();
        Ok((index.saturating_mul(width), lines))
    }

    fn frames(&mut self) -> Result<(u64, &[Vec<u8>]), ReadError> {
        if self.frames.is_none() {
            let (mut lines, mut read) = (Lines::new(self.reader.clone(), self.size), Vec::new());
            while let Some((_, line)) = lines.next()? {
                read.push(line);
            }
            self.frames = Some(read);
        }
        Ok((self.size, self.frames.as_deref().unwrap_or_default()))
    }
}
