//! Where calls of essential conduits are recorded while the log cannot be: a file of fixed size, zeroed and synced
//! beforehand, that needs no room and no name.
//!
//! ```text
//! log full or failed ── intent of an essential conduit ── frame in `emergency`, synced ── acknowledged ── its end likewise
//! log works again    ── `gap` record ── the same records, in their order, in the log ── durable ── file zeroed
//! ```
//!
//! The records have no place in the tree before they are in the log. So frames are signed under a name of their own,
//! `ORIGIN/emergency`: nothing here can be taken for a head of the ledger. A call is let in only if there is room for
//! its end as well, and for the ends of all that are under way.

use crate::frame::{self, Header};
use crate::queue::{Gist, Matter};
use crate::{Filter, OpenError, ReadError, Reader, disk, touch};
use ledger::{Checkpoint, Frontier, Head, Stamp};
use plant::{Kind, Millis, RecordId};
use seal::note::{Signer, Verifier};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Which segment the frames' checksums belong to: none that a log has.
const SEGMENT: u64 = u64::MAX;
/// The name that signs, after the ledger's own.
const NAME: &str = "/emergency";
/// Room for the longest record in a frame.
const LONGEST: u64 = (frame::HEADER as u64 + 2 + ledger::entry::RECORD_LIMIT as u64).next_multiple_of(4096);
/// By how much a record grows at most when it gets its place.
const GROWTH: usize = 128;
/// Largest file that is read.
const LIMIT: u64 = 1 << 30;

/// The file, open for the next record.
#[derive(Debug)]
pub(crate) struct Emergency {
    path: PathBuf,
    bytes: u64,
    wanted: bool,
    /// `None` if there is no such file: then nothing is let in.
    file: Option<File>,
    tail: Tail,
}

/// The end of what is written.
#[derive(Debug, Default)]
struct Tail {
    offset: u64,
    previous: [u8; 32],
    leaf: [u8; 32],
    frontier: Frontier,
    open: BTreeSet<RecordId>,
}

/// A record that waits to come into the log.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Its line, which still lacks its place.
    pub(crate) line: Vec<u8>,
    pub(crate) gist: Gist,
    /// When it was taken.
    pub(crate) t: Millis,
    /// How many records the log had then, and this file before it.
    pub(crate) seq: u64,
}

impl Emergency {
    /// Takes nothing before it is made ready: what an earlier run has put aside may still be in the file.
    pub(crate) fn closed(ledger: &Path, bytes: u64) -> Self {
        Self { path: path(ledger), bytes, wanted: false, file: None, tail: Tail::default() }
    }

    /// Makes the file ready if it is wanted, and removes it if not; while it holds records, neither.
    pub(crate) fn prepare(&mut self, wanted: bool) {
        if self.count() == 0 && !(wanted && self.file.is_some()) {
            self.wanted = wanted;
            self.clear();
        }
    }

    /// Empties the file: what it held is in the log. Without room for it there is none.
    pub(crate) fn clear(&mut self) {
        let made = if self.wanted && self.bytes > 0 {
            disk::zeroed(&self.path, self.bytes).map(Some)
        } else {
            disk::remove_if_there(&self.path).map(|()| None)
        };
        if let Err(error) = &made {
            tracing::warn!(%error, path = %self.path.display(), "essential conduits have no room for emergencies");
        }
        (self.file, self.tail) = (made.ok().flatten(), Tail::default());
    }

    /// How many records it holds.
    pub(crate) fn count(&self) -> u64 {
        self.tail.frontier.size()
    }

    /// Whether a record must come here, because the one that it answers has.
    pub(crate) fn holds(&self, reference: Option<RecordId>) -> bool {
        reference.is_some_and(|intent| self.tail.open.contains(&intent))
    }

    /// Takes a record: durable when this returns, and signed. `false` if there is no room.
    pub(crate) fn take(&mut self, signer: &Signer, stamp: Stamp, matter: &Matter) -> io::Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        let gist = matter.gist();
        let begins = gist.kind == Kind::Intent;
        let ends = if begins { self.tail.open.len() as u64 + 1 } else { 0 };
        if self.bytes.saturating_sub(self.tail.offset) < LONGEST.saturating_mul(ends + 1) {
            return Ok(false);
        }
        let stamp = Stamp { seq: stamp.seq.saturating_add(self.count()), prev: self.tail.leaf, ..stamp };
        let mut line = Vec::new();
        matter.stamp(&stamp, &mut line).map_err(io::Error::other)?;
        if line.len() + GROWTH > ledger::entry::RECORD_LIMIT {
            return Ok(false);
        }
        let mut frontier = self.tail.frontier.clone();
        let leaf = ledger::leaf_hash(&line);
        frontier.push(leaf);
        let signature = signer.key().sign(signed(signer.verifier(), &frontier).as_bytes()).map_err(io::Error::other)?;
        let (first, previous) = (self.count(), self.tail.previous);
        let header = Header { first, count: 1, previous, root: frontier.root(), signature };
        let (mut entries, mut bytes) = (Vec::new(), Vec::new());
        frame::push_entry(&mut entries, &line);
        let hash = frame::encode(&header, SEGMENT, &entries, &mut bytes);
        let written =
            touch::write_at(file, &self.path, &bytes, self.tail.offset).and_then(|()| touch::sync(file, &self.path));
        if let Err(error) = written {
            // What it holds now is not known; a start finds out.
            self.file = None;
            return Err(error);
        }
        let tail = &mut self.tail;
        (tail.previous, tail.leaf, tail.frontier) = (hash, leaf, frontier);
        tail.offset += bytes.len() as u64;
        match gist.reference {
            Some(intent) if !begins => drop(tail.open.remove(&intent)),
            _ => drop(tail.open.insert(gist.id)),
        }
        Ok(true)
    }
}

/// What was put aside and is not in the log.
pub(crate) fn left(ledger: &Path, verifier: &Verifier) -> Result<Vec<Waiting>, OpenError> {
    let path = path(ledger);
    let mut waiting = read(&path, verifier).map_err(OpenError::io(&path))?;
    let Some(first) = waiting.first().map(|first| first.seq) else { return Ok(waiting) };
    let failed = |error: ReadError| OpenError::io(ledger)(io::Error::other(error));
    // A crash may have come between taking it in and emptying the file.
    let mut taken = BTreeSet::new();
    for record in Reader::open(ledger).map_err(failed)?.records(first, Filter::default()) {
        taken.insert(record.map_err(failed)?.entry.id());
    }
    waiting.retain(|waiting| !taken.contains(&waiting.gist.id));
    Ok(waiting)
}

fn path(ledger: &Path) -> PathBuf {
    ledger.join("emergency")
}

/// What is in a file that may be there, oldest first, up to the first frame that is not whole: that was never acknowledged.
fn read(path: &Path, verifier: &Verifier) -> io::Result<Vec<Waiting>> {
    let bytes = disk::read_if_there(path, LIMIT)?.unwrap_or_default();
    let (mut rest, mut waiting, mut previous, mut frontier) = (bytes.as_slice(), Vec::new(), [0; 32], Frontier::new());
    while let Ok(frame) = frame::decode(rest, SEGMENT) {
        let Some(Ok(line)) = frame::split(frame.entries).next() else { break };
        let Ok(head) = Head::parse(line) else { break };
        frontier.push(ledger::leaf_hash(line));
        let Header { first, count, previous: before, root, signature } = &frame.header;
        let ours = verifier.key().verify(signed(verifier, &frontier).as_bytes(), signature);
        let follows = *count == 1 && first + 1 == frontier.size() && *before == previous && *root == frontier.root();
        if !(ours && follows) {
            break;
        }
        let Some(kind) = Kind::named(head.kind) else { break };
        let gist = Gist { kind, id: head.id, reference: head.reference, conduit: None, note: BTreeMap::new() };
        waiting.push(Waiting { line: line.to_vec(), gist, t: head.t, seq: head.seq });
        previous = frame.hash;
        rest = rest.get(frame.stride()..).unwrap_or_default();
    }
    Ok(waiting)
}

/// What a frame's signature is over.
fn signed(verifier: &Verifier, frontier: &Frontier) -> String {
    let origin = format!("{}{NAME}", verifier.name());
    Checkpoint { origin, size: frontier.size(), root: frontier.root() }.to_string()
}
