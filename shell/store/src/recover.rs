//! What a start finds on the disk, and what it makes of it.
//!
//! ```text
//! lock record -> tiles at its size -> frames after it, while checksum, chain, root and signature agree -> the end
//! ```
//!
//! The end is clean, or a torn write (cut, and put on record), or damage with valid frames behind it (nothing is
//! touched, and the ledger does not open). How long this takes depends on what was not yet published, not on the
//! size of the ledger.

use crate::disk;
use crate::epochs::{EpochError, Epochs, Progress};
use crate::frame;
use crate::lock::{self, Lock};
use crate::publisher::{BEGINNING, Tip};
use crate::retention;
use crate::segment::{self, Ahead, Segment};
use crate::store::{OpenError, Opening};
use crate::touch;
use crate::wal::{Step, Walker};
use crate::writer::follow;
use ledger::{Checkpoint, Origin};
use seal::note::{NOTE_LIMIT, Signer, Verifier};
use std::path::Path;
use std::sync::Arc;

/// A ledger as it was found, ready to go on.
pub(crate) struct Found {
    /// Its name.
    pub(crate) origin: Origin,
    /// Its key.
    pub(crate) signer: Signer,
    /// Its epoch keys, if it has a schedule of them.
    pub(crate) epochs: Option<Epochs>,
    /// What is durable.
    pub(crate) durable: Lock,
    /// What is published.
    pub(crate) published: Lock,
    /// The unfinished end of what is published.
    pub(crate) tip: Tip,
    /// The tree of what is durable.
    pub(crate) frontier: ledger::Frontier,
    /// Where the next frame goes.
    pub(crate) segment: Segment,
    /// Bytes of a torn write that were cut.
    pub(crate) torn: u64,
    /// Whether the ledger was begun just now.
    pub(crate) fresh: bool,
    /// Whether the file `checkpoint` is behind the lock record.
    pub(crate) behind: bool,
}

/// Looks at the folder of a ledger, or begins one there.
pub(crate) fn recover(folder: &Path, opening: &Opening, ahead: &mut Ahead) -> Result<Found, OpenError> {
    let wal = folder.join("wal");
    let segments = segment::list(&wal).map_err(OpenError::io(&wal))?;
    let lock = read_lock(folder)?;
    let checkpoint = read(folder, "checkpoint", NOTE_LIMIT)?;
    if lock.is_none() && (checkpoint.is_some() || segments.first().is_some_and(|first| *first != 0)) {
        return Err(OpenError::LockMissing(folder.join("checkpoints/lock")));
    }
    let known = match &lock {
        Some(lock) => Some(Origin::parse(&lock.origin).ok_or_else(|| OpenError::Foreign(lock.origin.clone()))?),
        None if segments.is_empty() => None,
        None => first_record(&wal)?,
    };
    let fresh = known.is_none();
    let origin = match known {
        Some(origin) => origin,
        None => Origin { plant: opening.plant.clone(), gateway: opening.gateway.clone(), genesis: draw()? },
    };
    if (&origin.plant, &origin.gateway) != (&opening.plant, &opening.gateway) {
        return Err(OpenError::Foreign(origin.to_string()));
    }
    let signer = Signer::new(origin.to_string(), Arc::clone(&opening.key)).map_err(OpenError::Name)?;
    let seed = opening.epoch_seed.as_deref();
    let begun = match seed {
        Some(seed) if fresh => Some(Epochs::begin(folder, &origin, seed, opening.settings.clock.read().time)?),
        _ => None,
    };
    let published = lock.unwrap_or_else(|| Lock::beginning(&origin));
    let behind = check_checkpoint(checkpoint.as_deref(), &published, signer.verifier())?;
    let tip = Tip::load(folder, published.size).map_err(|tile| OpenError::Tile(folder.join(tile.path())))?;
    if tip.root() != published.root {
        return Err(OpenError::Tree(published.size));
    }
    if segments.is_empty() && published.size > 0 {
        return Err(OpenError::WalMissing(wal));
    }
    if segments.is_empty() {
        ahead.take(&wal, 0).map_err(OpenError::io(&wal))?;
    }
    let mut replay = Replay {
        walker: Walker::new(&wal, published.position, published.size, Some(published.frame)),
        frontier: tip.frontier(),
        durable: published.clone(),
        verifier: signer.verifier().clone(),
    };
    let torn = replay.run(&wal)?;
    let Replay { frontier, durable, .. } = replay;
    let segment = Segment::resume(&wal, durable.position.segment, durable.position.offset)
        .map_err(OpenError::io(&segment::path(&wal, durable.position.segment)))?;
    // A process that was killed may not have come to sync the names of the segment and the lock record that we found.
    for names in [wal, folder.join("checkpoints")] {
        disk::sync_folder(&names).map_err(OpenError::io(&names))?;
    }
    let mut epochs = match (&durable.epochs, begun) {
        (Some(Progress { schedule, .. }), _) => {
            let seed = seed.ok_or_else(|| EpochError::Missing("epoch.seed".into()))?;
            let announced = published.epochs.as_ref().and_then(|progress| progress.announced);
            Some(Epochs::resume(folder, &origin, seed, *schedule, announced)?)
        }
        (None, begun) => begun,
    };
    if let Some(epochs) = &epochs
        && opening.settings.clock.read().time < epochs.schedule().begins(epochs.epoch())
    {
        tracing::warn!(
            epoch = epochs.epoch(),
            "the clock is behind the ledger's epoch: its key stays until the clock is past it"
        );
    }
    let behind = finish_publication(folder, &published, durable.size, &signer, epochs.as_mut(), behind)?;
    Ok(Found { origin, signer, epochs, durable, published, tip, frontier, segment, torn, fresh, behind })
}

impl Lock {
    /// The state of a ledger without records.
    fn beginning(origin: &Origin) -> Self {
        Self {
            origin: origin.to_string(),
            size: 0,
            root: ledger::empty_root(),
            position: BEGINNING,
            frame: [0; 32],
            leaf: [0; 32],
            reading: crate::clock::Reading { time: plant::Millis(0), mono: 0 },
            start: 0,
            machine: String::new(),
            epochs: None,
            minimum: 0,
            open: std::collections::BTreeMap::new(),
        }
    }
}

fn draw() -> Result<[u8; 16], OpenError> {
    let mut genesis = [0; 16];
    getrandom::fill(&mut genesis).map_err(|_| OpenError::Random)?;
    Ok(genesis)
}

fn read(folder: &Path, name: &str, limit: usize) -> Result<Option<Vec<u8>>, OpenError> {
    let path = folder.join(name);
    disk::read_if_there(&path, u64::try_from(limit).unwrap_or(u64::MAX)).map_err(OpenError::io(&path))
}

fn read_lock(folder: &Path) -> Result<Option<Lock>, OpenError> {
    let path = folder.join("checkpoints/lock");
    let bytes = disk::read_if_there(&path, lock::LIMIT).map_err(OpenError::io(&path))?;
    bytes.map(|bytes| Lock::decode(&bytes).ok_or(OpenError::LockDamaged(path))).transpose()
}

/// The published checkpoint must be ours and not ahead of the lock record; `true` if it is behind it.
fn check_checkpoint(note: Option<&[u8]>, lock: &Lock, verifier: &Verifier) -> Result<bool, OpenError> {
    let Some(note) = note else { return Ok(lock.size > 0) };
    let (checkpoint, _) = Checkpoint::open(note, std::slice::from_ref(verifier)).map_err(OpenError::Checkpoint)?;
    if checkpoint.size > lock.size {
        return Err(OpenError::RolledBack { published: checkpoint.size, lock: lock.size });
    }
    if checkpoint.size == lock.size && checkpoint.root != lock.root {
        return Err(OpenError::Tree(lock.size));
    }
    Ok(checkpoint.size < lock.size)
}

/// Ends what a crash has interrupted; gives whether the checkpoint is still behind the lock record.
///
/// A note that was written before a lock record that never came is of records that the log still has, so it can go: more
/// than one head beyond the checkpoint would look as if records had been taken away. What cannot be done, on a full disk
/// for instance, the next publication does; but the last checkpoint of an epoch is made before its seed goes, or the
/// ledger does not open.
fn finish_publication(
    folder: &Path,
    published: &Lock,
    durable: u64,
    signer: &Signer,
    mut epochs: Option<&mut Epochs>,
    behind: bool,
) -> Result<bool, OpenError> {
    for size in notes(folder).into_iter().filter(|size| (published.size + 1..=durable).contains(size)) {
        let _ = touch::remove(&folder.join(format!("checkpoints/{size}.note")));
    }
    let announced = published.epochs.as_ref().and_then(|progress| progress.announced);
    let kept = folder.join(format!("checkpoints/{}.note", published.size));
    let sign = |epochs: Option<&Epochs>| -> Result<String, OpenError> {
        let Lock { origin, size, root, .. } = published;
        let checkpoint = Checkpoint { origin: origin.clone(), size: *size, root: *root };
        Ok(crate::publisher::sign(&checkpoint, signer, epochs).map_err(OpenError::Checkpoint)?.to_string())
    };
    if let (Some(epochs), Some(announced)) = (epochs.as_deref_mut(), announced)
        && epochs.epoch() < announced
    {
        // The lock record is that of the hand-over: nothing is published after it while the old seed is there.
        if !kept.exists() {
            disk::replace(&kept, sign(Some(epochs))?.as_bytes()).map_err(OpenError::io(&kept))?;
        }
        epochs.advance(announced)?;
    } else if let Some(epochs) = epochs.as_deref_mut() {
        epochs.prove_replaceable()?;
    }
    if !behind {
        return Ok(false);
    }
    let note = match disk::read_if_there(&kept, NOTE_LIMIT as u64).ok().flatten() {
        Some(note) => note,
        None => sign(epochs.as_deref())?.into_bytes(),
    };
    Ok(disk::replace(&folder.join("checkpoint"), &note).is_err())
}

/// The sizes of the notes that are there.
fn notes(folder: &Path) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(folder.join("checkpoints")) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".note")?.parse().ok()).collect()
}

/// The name that the first record gives the ledger, if a first frame is there.
fn first_record(wal: &Path) -> Result<Option<Origin>, OpenError> {
    let mut walker = Walker::new(wal, BEGINNING, 0, None);
    let Step::Frame(frame, _) = walker.step()? else { return Ok(None) };
    let first = frame::split(frame.entries).next().and_then(Result::ok).unwrap_or_default();
    let entry = ledger::decode(first).map_err(|problem| OpenError::Record { seq: 0, problem })?;
    let origin = entry.text("note.origin").unwrap_or_default();
    Origin::parse(origin).map(Some).ok_or_else(|| OpenError::Foreign(origin.to_owned()))
}

/// Goes through the frames that no checkpoint covers yet.
struct Replay {
    walker: Walker,
    frontier: ledger::Frontier,
    durable: Lock,
    verifier: Verifier,
}

impl Replay {
    /// Replays to the end and cuts what is torn there; gives how many bytes that was.
    fn run(&mut self, wal: &Path) -> Result<u64, OpenError> {
        let mut last = None;
        loop {
            let broken = match self.walker.step()? {
                Step::End(broken) => broken,
                Step::Frame(frame, at) => {
                    apply(&frame, &mut self.frontier, &mut self.durable, &self.verifier)?;
                    last = Some((at, frame.stride()));
                    self.durable.position = self.walker.position();
                    continue;
                }
            };
            self.durable.position = self.walker.position();
            let torn = self.walker.judge_end(broken)?;
            if torn > 0 {
                let path = segment::path(wal, self.durable.position.segment);
                self.walker.cut(torn).map_err(OpenError::io(&path))?;
                tracing::warn!(bytes = torn, path = %path.display(), "cut a write that a crash had torn");
            }
            if let Some((at, stride)) = last {
                let path = segment::path(wal, at.segment);
                self.walker.settle(at, stride).map_err(OpenError::io(&path))?;
            }
            return Ok(torn);
        }
    }
}

/// Takes one frame for durable, if its root and signature hold.
fn apply(
    frame: &frame::Frame<'_>,
    frontier: &mut ledger::Frontier,
    durable: &mut Lock,
    verifier: &Verifier,
) -> Result<(), OpenError> {
    for entry in frame::split(frame.entries) {
        let entry = entry.unwrap_or_default();
        let seq = frontier.size();
        let malformed = |problem| OpenError::Record { seq, problem };
        let head = ledger::Head::parse(entry).map_err(malformed)?;
        durable.leaf = ledger::leaf_hash(entry);
        frontier.push(durable.leaf);
        durable.reading = crate::clock::Reading { time: head.t, mono: head.mono };
        durable.start = head.boot;
        match plant::Kind::named(head.kind) {
            Some(kind @ (plant::Kind::Genesis | plant::Kind::Key)) => {
                let entry = ledger::decode(entry).map_err(malformed)?;
                let (text, number) =
                    (|key: &str| entry.text(&format!("note.{key}")), |key: &str| entry.number(&format!("note.{key}")));
                Progress::follow(&mut durable.epochs, kind, text, number);
            }
            Some(plant::Kind::Prune) => {
                let entry = ledger::decode(entry).map_err(malformed)?;
                retention::follow(&mut durable.minimum, ledger::Pruning::of(&entry), seq);
            }
            Some(plant::Kind::Boot) => {
                let entry = ledger::decode(entry).map_err(malformed)?;
                durable.machine = entry.text("note.machine").unwrap_or_default().to_owned();
            }
            Some(kind) => follow(&mut durable.open, kind, head.id, head.reference, seq),
            None => {}
        }
    }
    let checkpoint = Checkpoint { origin: durable.origin.clone(), size: frontier.size(), root: frontier.root() };
    let signed = verifier.key().verify(checkpoint.to_string().as_bytes(), &frame.header.signature);
    if checkpoint.root != frame.header.root {
        return Err(OpenError::Tree(checkpoint.size));
    }
    if !signed {
        return Err(OpenError::Signature(frame.header.first));
    }
    durable.size = checkpoint.size;
    durable.root = checkpoint.root;
    durable.frame = frame.hash;
    Ok(())
}
