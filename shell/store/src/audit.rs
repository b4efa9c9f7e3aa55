//! The auditor's look at what stands beside the published log: the write-ahead segments and the lock record.
//!
//! [`ledger::verify()`] proves the published files. The segments that are still there repeat some of these records and
//! hold those that were acknowledged and not published yet; each of their frames carries a signed head of its own, so
//! they too must add up, and to the same tree.

use crate::disk;
use crate::folder::Folder;
use crate::frame;
use crate::lock::{self, Lock};
use crate::segment;
use crate::wal::{Position, Step, WalError, Walker};
use ledger::verify::Class;
use ledger::{Checkpoint, Frontier};
use seal::note::Verifier;
use std::path::Path;

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Segments that are there.
    pub segments: usize,
    /// Signed heads that were compared with the records.
    pub heads: u64,
    /// Records that are durable and not published yet.
    pub unpublished: u64,
    /// Bytes of a write that a crash has torn, or that is under way.
    pub torn: u64,
}

/// What is wrong beside the published log.
#[derive(Debug, thiserror::Error)]
pub enum AuditFault {
    /// The lock record is damaged.
    #[error("checkpoints/lock: the lock record is damaged")]
    Lock,
    /// The lock record and the published checkpoint contradict each other.
    #[error(
        "checkpoints/lock: the lock record is for {lock} records and another tree than the checkpoint of {published}"
    )]
    LockDiffers {
        /// What the lock record says.
        lock: u64,
        /// What the checkpoint says.
        published: u64,
    },
    /// The log is damaged or cannot be read.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// The frames end before the published records do.
    #[error("wal: the frames end at record {end}, though {published} records are published")]
    Short {
        /// Where they end.
        end: u64,
        /// What the checkpoint says.
        published: u64,
    },
    /// A frame is not signed by the ledger's key.
    #[error("wal/{file}: the frame of record {seq} is not signed by the ledger's key")]
    Signature {
        /// The segment.
        file: String,
        /// The frame's first record.
        seq: u64,
    },
    /// A frame's signed root is not that of the records.
    #[error("wal/{file}: the ledger's key signed another root for the first {size} records")]
    Forked {
        /// The segment.
        file: String,
        /// How many records.
        size: u64,
    },
    /// A frame's records are not those of the root that it carries.
    #[error("wal/{file}: the records from {seq} on are not those that were published or signed")]
    Differs {
        /// The segment.
        file: String,
        /// The frame's first record.
        seq: u64,
    },
    /// Bytes behind a frame that nobody of ours wrote.
    #[error("wal/{file}: there is something in the empty space behind the frame of record {seq}")]
    Padding {
        /// The segment.
        file: String,
        /// The frame's first record.
        seq: u64,
    },
    /// The tiles that the first frame continues cannot be used.
    #[error("the tree before the first frame cannot be read: {0}")]
    Tiles(ledger::Missing),
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

impl AuditFault {
    /// How bad it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Lock
            | Self::LockDiffers { .. }
            | Self::Signature { .. }
            | Self::Differs { .. }
            | Self::Short { .. }
            | Self::Padding { .. }
            | Self::Wal(WalError::Corrupt { .. } | WalError::Chain { .. }) => Class::Tampered,
            Self::Forked { .. } => Class::Forked,
            Self::Wal(WalError::Missing(_)) => Class::Incomplete,
            Self::Tiles(_) | Self::Io { .. } | Self::Wal(WalError::Io { .. }) => Class::Undecided,
        }
    }
}

/// Checks what stands beside the log whose head is `published`. A copy without write-ahead log passes: it is not part
/// of what is published.
///
/// # Errors
/// The first fault that is found.
pub fn audit(folder: &Path, published: &Checkpoint, trusted: &[Verifier]) -> Result<Audit, AuditFault> {
    check_lock(folder, published)?;
    let wal = folder.join("wal");
    if !wal.exists() {
        return Ok(Audit::default());
    }
    let segments = segment::list(&wal).map_err(|source| AuditFault::Io { path: "wal".to_owned(), source })?;
    let Some(first) = segments.first().copied() else { return Ok(Audit::default()) };
    let tiles = Folder::new(folder).tiles(published.size);
    let mut frontier = Frontier::from_hashes(first, &tiles).map_err(AuditFault::Tiles)?;
    let mut walker = Walker::new(&wal, Position { segment: first, offset: 0 }, first, None);
    let mut audit = Audit { segments: segments.len(), ..Audit::default() };
    loop {
        match walker.step()? {
            Step::Frame(frame, at) => {
                check_frame(&frame, at.segment, &mut frontier, published, trusted)?;
                audit.heads += 1;
            }
            Step::End(broken) => {
                audit.torn = walker.judge_end(broken)?;
                break;
            }
        }
    }
    if frontier.size() < published.size {
        return Err(AuditFault::Short { end: frontier.size(), published: published.size });
    }
    audit.unpublished = frontier.size() - published.size;
    Ok(audit)
}

/// The lock record is written before the checkpoint: it may be ahead, never behind, and never of another tree.
fn check_lock(folder: &Path, published: &Checkpoint) -> Result<(), AuditFault> {
    let path = "checkpoints/lock";
    let bytes = disk::read_if_there(&folder.join(path), lock::LIMIT)
        .map_err(|source| AuditFault::Io { path: path.to_owned(), source })?;
    let Some(bytes) = bytes else { return Ok(()) };
    let lock = Lock::decode(&bytes).ok_or(AuditFault::Lock)?;
    let same = lock.origin == published.origin
        && (lock.size > published.size || (lock.size == published.size && lock.root == published.root));
    if same { Ok(()) } else { Err(AuditFault::LockDiffers { lock: lock.size, published: published.size }) }
}

fn check_frame(
    frame: &frame::Frame<'_>,
    segment: u64,
    frontier: &mut Frontier,
    published: &Checkpoint,
    trusted: &[Verifier],
) -> Result<(), AuditFault> {
    for entry in frame::split(frame.entries).filter_map(Result::ok) {
        frontier.push(ledger::leaf_hash(entry));
    }
    let (file, seq) = (segment::name(segment), frame.header.first);
    if !frame.clean {
        return Err(AuditFault::Padding { file, seq });
    }
    let head = Checkpoint { origin: published.origin.clone(), size: frame.header.size(), root: frame.header.root };
    let text = head.to_string();
    let signed = trusted
        .iter()
        .filter(|verifier| verifier.name() == head.origin)
        .any(|verifier| verifier.key().verify(text.as_bytes(), &frame.header.signature));
    if !signed {
        return Err(AuditFault::Signature { file, seq });
    }
    if frontier.root() == head.root && (head.size != published.size || head.root == published.root) {
        return Ok(());
    }
    // The key vouches for the frame's root. Where the frame's records give it, the tiles are of another history.
    if head.size == published.size {
        Err(AuditFault::Forked { file, size: head.size })
    } else {
        Err(AuditFault::Differs { file, seq })
    }
}
