//! Reading the write-ahead log: frame after frame across segments, and what stands where the frames end.
//!
//! Used by recovery, by the publisher (which derives tiles from the durable bytes, not from memory), by readers
//! beside a live writer, and by the auditor's check.

use crate::frame::{self, BLOCK, Broken, Frame};
use crate::{segment, touch};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The segment, by the sequence number of its first record.
    pub segment: u64,
    /// Bytes from its beginning.
    pub offset: u64,
}

/// Why the log cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// A segment that must be there is not.
    #[error("the segment `{0}` is missing")]
    Missing(PathBuf),
    /// Reading failed.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Frames follow the place where the chain breaks: not a torn tail.
    #[error("`{path}` is damaged at byte {offset} (record {seq}): {problem}, yet valid frames follow in `{later}`")]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// The first record that cannot be read.
        seq: u64,
        /// What is wrong there.
        problem: String,
        /// Where valid frames follow.
        later: PathBuf,
    },
    /// A frame is whole but does not continue the one before it.
    #[error("`{path}` holds a frame at byte {offset} (record {seq}) that {problem}")]
    Chain {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// The record that was expected there.
        seq: u64,
        /// What it does wrong.
        problem: &'static str,
    },
}

/// Walks the frames of a log from some position.
#[derive(Debug)]
pub struct Walker {
    wal: PathBuf,
    position: Position,
    size: u64,
    previous: Option<[u8; 32]>,
    open: Option<(u64, File, u64)>,
    buffer: Vec<u8>,
}

/// What is at the walker's position.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is looked at and dropped at once, once for each frame")]
pub enum Step<'a> {
    /// The next frame, and where it begins.
    Frame(Frame<'a>, Position),
    /// No frame: the end, be it clean, torn or damaged.
    End(Broken),
}

impl Walker {
    /// Begins at a position where the frame that begins with record `size` is expected. `previous` is the hash
    /// of the frame before it, if it is known.
    #[must_use]
    pub fn new(wal: &Path, position: Position, size: u64, previous: Option<[u8; 32]>) -> Self {
        Self { wal: wal.to_owned(), position, size, previous, open: None, buffer: Vec::new() }
    }

    /// Where the next frame is expected.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The number of records before that place.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hash of the last frame.
    #[must_use]
    pub fn previous(&self) -> Option<[u8; 32]> {
        self.previous
    }

    /// Reads the next frame, going on to the next segment where one ends.
    ///
    /// # Errors
    /// When a file cannot be read, or a whole frame does not continue the chain.
    pub fn step(&mut self) -> Result<Step<'_>, WalError> {
        let mut found = self.load()?;
        let next = Position { segment: self.size, offset: 0 };
        // A segment ends where nothing was written any more or no block is left, and the next is named by its first record.
        let ended = matches!(found, Err(Broken::Blank | Broken::Short)) && next.segment != self.position.segment;
        if ended && segment::path(&self.wal, next.segment).exists() {
            self.position = next;
            found = self.load()?;
        }
        if let Err(broken) = found {
            return Ok(Step::End(broken));
        }
        let at = self.position;
        let chain = |problem| WalError::Chain {
            path: segment::path(&self.wal, at.segment),
            offset: at.offset,
            seq: self.size,
            problem,
        };
        let frame = match frame::decode(&self.buffer, at.segment) {
            Ok(frame) => frame,
            Err(broken) => return Ok(Step::End(broken)),
        };
        if frame.header.first != self.size {
            return Err(chain("begins with another record"));
        }
        if self.previous.is_some_and(|previous| previous != frame.header.previous) {
            return Err(chain("names another frame before it"));
        }
        self.size = frame.header.size();
        self.previous = Some(frame.hash);
        self.position.offset += u64::try_from(frame.stride()).unwrap_or(0);
        Ok(Step::Frame(frame, at))
    }

    fn io(&self, segment: u64) -> impl FnOnce(io::Error) -> WalError {
        let path = segment::path(&self.wal, segment);
        move |source| match source.kind() {
            ErrorKind::NotFound => WalError::Missing(path),
            _ => WalError::Io { path, source },
        }
    }

    /// Reads the blocks of what claims to be a frame at the position into the buffer.
    fn load(&mut self) -> Result<Result<(), Broken>, WalError> {
        let Position { segment, offset } = self.position;
        if !matches!(&self.open, Some((first, ..)) if *first == segment) {
            let (file, length) = segment::open(&self.wal, segment).map_err(self.io(segment))?;
            self.open = Some((segment, file, length));
        }
        let Some((_, file, length)) = &self.open else { return Ok(Err(Broken::Short)) };
        let left = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX);
        if left < BLOCK {
            return Ok(Err(Broken::Short));
        }
        self.buffer.resize(BLOCK, 0);
        file.read_exact_at(&mut self.buffer, offset).map_err(self.io(segment))?;
        let whole = match frame::claimed(&self.buffer) {
            Ok(entries) => frame::stride(entries),
            Err(broken) => return Ok(Err(broken)),
        };
        if whole > left {
            // The claim reaches beyond the file: a damaged length, not the end of the segment.
            return Ok(Err(Broken::Header));
        }
        if whole > BLOCK {
            self.buffer.resize(whole, 0);
            let rest = self.buffer.get_mut(BLOCK..).unwrap_or_default();
            let from = offset.saturating_add(u64::try_from(BLOCK).unwrap_or(0));
            file.read_exact_at(rest, from).map_err(self.io(segment))?;
        }
        Ok(Ok(()))
    }

    /// Judges the place where [`Step::End`] was found: gives how many bytes of a torn write stand there, 0 for a
    /// clean end.
    ///
    /// # Errors
    /// [`WalError::Corrupt`] if valid frames follow anywhere after it.
    pub fn judge_end(&self, broken: Broken) -> Result<u64, WalError> {
        let Position { segment, offset } = self.position;
        let corrupt = |later: u64| WalError::Corrupt {
            path: segment::path(&self.wal, segment),
            offset,
            seq: self.size,
            problem: broken.to_string(),
            later: segment::path(&self.wal, later),
        };
        let tail = Tail::read(&self.wal, segment, offset, self.size).map_err(self.io(segment))?;
        if tail.frame {
            return Err(corrupt(segment));
        }
        for later in segment::list(&self.wal).map_err(self.io(segment))? {
            if later > segment && Tail::read(&self.wal, later, 0, self.size).map_err(self.io(later))?.frame {
                return Err(corrupt(later));
            }
        }
        Ok(tail.written)
    }

    /// Writes the frame at a position once more, as it is, and makes it durable.
    ///
    /// The writer may have died between writing its last frame and syncing it, or the sync may have failed and the
    /// kernel have kept the bytes in memory as if it had not: reading cannot tell. Before anything is built on that
    /// frame it has to be on the disk.
    ///
    /// # Errors
    /// As reading, writing and syncing a file.
    pub fn settle(&self, at: Position, stride: usize) -> io::Result<()> {
        let path = segment::path(&self.wal, at.segment);
        let file = File::options().read(true).write(true).open(&path)?;
        let mut frame = vec![0; stride];
        file.read_exact_at(&mut frame, at.offset)?;
        touch::write_at(&file, &path, &frame, at.offset)?;
        touch::sync(&file, &path)
    }

    /// Writes zeros over a torn tail and makes that durable.
    ///
    /// # Errors
    /// As writing and syncing a file.
    pub fn cut(&self, bytes: u64) -> io::Result<()> {
        const ZEROS: [u8; BLOCK] = [0; BLOCK];
        let path = segment::path(&self.wal, self.position.segment);
        let file = File::options().write(true).open(&path)?;
        let end = self.position.offset.saturating_add(bytes);
        let mut at = self.position.offset;
        while at < end {
            let piece = usize::try_from(end - at).unwrap_or(BLOCK).min(BLOCK);
            touch::write_at(&file, &path, ZEROS.get(..piece).unwrap_or(&ZEROS), at)?;
            at = at.saturating_add(u64::try_from(piece).unwrap_or(u64::MAX));
        }
        touch::sync(&file, &path)
    }
}

/// What is in a segment after the last good frame.
#[derive(Default)]
struct Tail {
    /// Whether a valid frame begins there.
    frame: bool,
    /// How far something was written, in bytes.
    written: u64,
}

/// How much of a segment is looked at in one go: whole blocks.
const PIECE: usize = 256 * BLOCK;
/// Most blocks that are taken for the beginning of a frame and are none. A torn write has one; whoever plants them by
/// the thousand wants us to check a megabyte for each.
const FALSE_STARTS: u32 = 256;

impl Tail {
    /// Looks for frames of record `size` or later on any block from `offset` on.
    ///
    /// Only a block that begins with the magic is looked at closer. Blocks inside a frame hold the text of records,
    /// which cannot begin so.
    fn read(wal: &Path, segment: u64, offset: u64, size: u64) -> io::Result<Self> {
        let (file, length) = segment::open(wal, segment)?;
        let (mut tail, mut at, mut piece, mut false_starts) = (Self::default(), offset, Vec::new(), 0);
        while at < length && !tail.frame {
            let left = usize::try_from(length - at).unwrap_or(PIECE).min(PIECE);
            piece.resize(left, 0);
            file.read_exact_at(&mut piece, at)?;
            for block in piece.chunks(BLOCK) {
                if let Some(last) = block.iter().rposition(|byte| *byte != 0) {
                    tail.written = (at - offset).saturating_add(u64::try_from(last).unwrap_or(0)).saturating_add(1);
                }
                if let Ok(entries) = frame::claimed(block) {
                    false_starts += 1;
                    let left = usize::try_from(length - at).unwrap_or(usize::MAX);
                    let mut whole = vec![0; frame::stride(entries).min(left)];
                    file.read_exact_at(&mut whole, at)?;
                    tail.frame |= frame::decode(&whole, segment).is_ok_and(|frame| frame.header.first >= size)
                        || false_starts > FALSE_STARTS;
                    if tail.frame {
                        break;
                    }
                }
                at = at.saturating_add(u64::try_from(block.len()).unwrap_or(u64::MAX));
            }
        }
        Ok(tail)
    }
}
