//! The thread that shows the log to the world: tiles, entry bundles, checkpoints.
//!
//! ```text
//! durable frames -> bundles and tiles -> synced -> checkpoints/N.note -> lock record -> checkpoint -> epoch's seed
//! ```
//!
//! It reads the frames back from the disk instead of being handed them: memory stays bounded however far it falls
//! behind, the acknowledging thread never waits for it, and what is published is what was written. If the two
//! disagree, the ledger fails.

use crate::disk::{self, Usage};
use crate::epochs::{self, EpochError, Epochs};
use crate::frame;
use crate::lock::Lock;
use crate::own;
use crate::queue::{Message, Record, Reply};
use crate::retention;
use crate::segment;
use crate::shared::Shared;
use crate::touch;
use crate::wal::{Position, Step, WalError, Walker};
use crate::{Settings, background};
use ledger::tile::{Edge, Row, Tile, WIDTH};
use ledger::{Checkpoint, Hash};
use plant::Draft;
use seal::note::{NOTE_LIMIT, Note, Signer};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// Up to so many new files are synced one by one; beyond that the file system is synced once.
const FEW: usize = 8;
/// Publishing takes at most one part in so many of the time, so that its syncs leave the disk to the writer.
const SHARE: u32 = 4;
/// Once so many records are durable and not published, publishing takes no more pauses: else, under a load that lasts,
/// segments would pile up and a restart would have ever more to replay.
const FAR_BEHIND: u64 = 1 << 17;

/// The unfinished end of the published tree.
#[derive(Clone, Default)]
pub(crate) struct Tip {
    /// The partial hash tiles.
    edge: Edge,
    /// The partial entry bundle, as it stands in its file.
    bundle: Vec<u8>,
}

/// What is wrong with the published files.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// A file cannot be written or removed.
    #[error("cannot publish `{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The frames cannot be read back.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// What is on the disk is not what was signed.
    #[error("the log on the disk is not what was signed, at record {0}")]
    Differs(u64),
    /// The checkpoint cannot be signed.
    #[error(transparent)]
    Checkpoint(#[from] ledger::checkpoint::CheckpointError),
    /// The seed of the epoch keys cannot be replaced.
    #[error(transparent)]
    Epoch(#[from] EpochError),
}

impl PublishError {
    fn is_full(&self) -> bool {
        let (Self::Io { source, .. } | Self::Epoch(EpochError::Io { source, .. })) = self else { return false };
        disk::is_full(source)
    }

    /// Whether the log itself is not what it should be.
    fn is_damage(&self) -> bool {
        match self {
            Self::Wal(WalError::Io { source, .. }) => !disk::is_passing(source),
            Self::Wal(_) | Self::Differs(_) => true,
            Self::Io { .. } | Self::Checkpoint(_) | Self::Epoch(_) => false,
        }
    }
}

impl Tip {
    /// Takes up the end of the published tree from its files.
    ///
    /// # Errors
    /// Names the file that is missing or has the wrong length.
    pub(crate) fn load(folder: &Path, size: u64) -> Result<Self, Tile> {
        let read = |tile: Tile, limit: usize| {
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            disk::read_if_there(&folder.join(tile.path()), limit).ok().flatten()
        };
        let edge = Edge::load(size, |tile| read(tile, ledger::tile::TILE_LIMIT))?;
        let partial = Tile::in_tree(Row::Entries, size / u64::from(WIDTH), size);
        let bundle = match partial {
            None => Vec::new(),
            Some(tile) => {
                let bytes = read(tile, ledger::tile::BUNDLE_LIMIT).ok_or(tile)?;
                let entries = ledger::tile::entries(&bytes, tile.width()).map_err(|_| tile)?;
                let leaves: Vec<Hash> = entries.iter().map(|entry| ledger::leaf_hash(entry)).collect();
                let row = edge.partial().find(|(tile, _)| tile.row() == Row::Hashes(0));
                if row.is_none_or(|(_, hashes)| hashes != leaves) {
                    return Err(tile);
                }
                bytes
            }
        };
        Ok(Self { edge, bundle })
    }

    /// The root of the published tree.
    pub(crate) fn root(&self) -> Hash {
        self.edge.frontier().root()
    }

    /// The frontier of the published tree.
    pub(crate) fn frontier(&self) -> ledger::Frontier {
        self.edge.frontier()
    }
}

/// Everything the publishing thread owns.
pub(crate) struct Publisher {
    pub(crate) folder: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) shared: Arc<Shared>,
    pub(crate) signer: Signer,
    pub(crate) epochs: Option<Epochs>,
    /// Whether the next epoch's key is on its way into the log.
    pub(crate) asked: Arc<AtomicBool>,
    /// For its own records: warnings about the disk.
    pub(crate) outbox: SyncSender<Message>,
    /// What is published.
    pub(crate) lock: Lock,
    pub(crate) tip: Tip,
    /// Whether the file `checkpoint` is behind the lock record.
    pub(crate) behind: bool,
    /// Sizes of the notes that may go one day, oldest first, and the day of the last one.
    pub(crate) notes: VecDeque<u64>,
    pub(crate) day: u64,
    /// Below which number every record is removed.
    pub(crate) minimum: u64,
    /// The highest warning given.
    pub(crate) warned: u8,
}

impl Publisher {
    /// Publishes until the writer has stopped and everything durable is published.
    pub(crate) fn run(mut self) {
        background::step_back();
        let mut pause = Duration::ZERO;
        while let Some(head) = self.wait(pause) {
            let begin = Instant::now();
            let result = self.publish(&head);
            pause = begin.elapsed().saturating_mul(SHARE).max(self.settings.publish_rest);
            let Err(error) = result else { continue };
            if error.is_damage() {
                return self.shared.fail(&error.to_string());
            }
            self.complain(&error);
            if self.shared.head().stopping {
                return;
            }
            pause = pause.max(self.settings.publish_after);
        }
    }

    /// Waits until there is something to publish and it is time for it; `None` when all is done.
    fn wait(&self, pause: Duration) -> Option<Lock> {
        let begin = Instant::now();
        let mut head = self.shared.head();
        let mut news: Option<Instant> = None;
        loop {
            let new = head.durable.size.saturating_sub(self.lock.size);
            let due = if new == 0 && !self.behind {
                None
            } else {
                // The clock starts with the first record that is not covered; many records start it sooner.
                let since = *news.get_or_insert_with(Instant::now);
                let pause = if new >= FAR_BEHIND { Duration::ZERO } else { pause };
                let patience =
                    if new >= self.settings.publish_records { Duration::ZERO } else { self.settings.publish_after };
                Some((since + patience).max(begin + pause))
            };
            if head.stopping {
                return due.map(|_| head.durable.clone());
            }
            let longest = due.map(|due| due.saturating_duration_since(Instant::now()));
            if longest == Some(Duration::ZERO) {
                return Some(head.durable.clone());
            }
            let step = match due {
                None => 1,
                Some(_) if new < self.settings.publish_records => self.settings.publish_records,
                Some(_) => FAR_BEHIND,
            };
            head = self.shared.wait(head, self.lock.size.saturating_add(step), longest);
        }
    }

    /// Says once, in the log and in the ledger, that publishing does not work.
    fn complain(&self, error: &PublishError) {
        let text = error.to_string();
        let first = self.shared.head().publishing.replace(text.clone()).is_none();
        if first {
            tracing::error!(error = text, "the ledger takes records but cannot publish them");
            let event = if error.is_full() { "publish-full" } else { "publish-failed" };
            self.note(event);
        }
    }

    /// Has a `storage` record written. If the queue is full it goes unsaid; the log file has it.
    fn note(&self, event: &str) {
        let percent = Usage::of(&self.folder).unwrap_or_default().percent();
        self.send(own::disk(self.settings.clock.read().time, event, percent), Reply::silent());
    }

    /// Has a record written, if there is a place in the queue.
    fn send(&self, draft: Draft, reply: Reply) {
        self.shared.depth.fetch_add(1, Ordering::Relaxed);
        if self.outbox.try_send(Message::Append(Record::of(draft), reply)).is_err() {
            self.shared.depth.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Has the key of the day announced, once, when the day has changed. It signs only after the checkpoint that covers
    /// its announcement, which the key of the day before still signs.
    fn look_at_the_day(&self) {
        let Some(epochs) = &self.epochs else { return };
        let now = self.settings.clock.read().time;
        let due = epochs.schedule().epoch(now);
        let announced = self.shared.head().durable.epochs.as_ref().and_then(|progress| progress.announced);
        if announced.is_none_or(|announced| due <= announced) || self.asked.swap(true, Ordering::Relaxed) {
            return;
        }
        let asked = Arc::clone(&self.asked);
        let reply = Reply::new(Box::new(move |_| asked.store(false, Ordering::Relaxed)));
        if let Some(draft) = epochs.announce(due, own::id(now)) {
            self.send(draft, reply);
        }
    }

    /// Gives up the key of an epoch whose last checkpoint is published. Until the old seed is gone, nothing more is.
    fn follow_epoch(&mut self) -> Result<(), PublishError> {
        let announced = self.lock.epochs.as_ref().and_then(|progress| progress.announced);
        match (&mut self.epochs, announced) {
            (Some(epochs), Some(announced)) if epochs.epoch() < announced => Ok(epochs.advance(announced)?),
            _ => Ok(()),
        }
    }

    fn publish(&mut self, head: &Lock) -> Result<(), PublishError> {
        self.follow_epoch()?;
        let mut tip = self.tip.clone();
        let mut files = Files::below(&self.folder)?;
        self.derive(head, &mut tip, &mut files)?;
        files.sync()?;
        let checkpoint = Checkpoint { origin: head.origin.clone(), size: head.size, root: head.root };
        let note = sign(&checkpoint, &self.signer, self.epochs.as_ref())?.to_string();
        let put = |name: String, text: &str| {
            let path = self.folder.join(name);
            disk::replace(&path, text.as_bytes()).map_err(|source| PublishError::Io { path, source })
        };
        let kept = format!("checkpoints/{}.note", head.size);
        put(kept.clone(), &note)?;
        // From the lock record on no other root may ever be signed for this size or a smaller one.
        let shown =
            put("checkpoints/lock".to_owned(), &head.encode()).and_then(|()| put("checkpoint".to_owned(), &note));
        if let Err(error) = shown {
            // One note for each attempt, all beyond the checkpoint, would look as if records had been taken away.
            let _ = touch::remove(&self.folder.join(kept));
            return Err(error);
        }
        let before = std::mem::replace(&mut self.lock, head.clone());
        self.tip = tip;
        self.behind = false;
        self.shared.change(|head| head.publishing = None);
        self.shared.published.store(head.size, Ordering::Release);
        self.tidy(&before);
        self.watch_disk();
        self.look_at_the_day();
        self.follow_epoch()
    }

    /// Writes what the tree has grown by, from the frames.
    fn derive(&self, head: &Lock, tip: &mut Tip, files: &mut Files<'_>) -> Result<(), PublishError> {
        let mut walker =
            Walker::new(&self.folder.join("wal"), self.lock.position, self.lock.size, Some(self.lock.frame));
        while walker.size() < head.size {
            let seq = walker.size();
            let Step::Frame(frame, _) = walker.step()? else { return Err(PublishError::Differs(seq)) };
            for entry in frame::split(frame.entries) {
                let entry = entry.map_err(|_| PublishError::Differs(seq))?;
                tip.push(entry, files)?;
            }
        }
        if walker.size() != head.size || tip.root() != head.root {
            return Err(PublishError::Differs(self.lock.size));
        }
        // The lock record stands on the tiles that have not grown since. Writing one of them again, with its name in place
        // before its bytes are, could leave nothing of it after a power cut.
        let grown = |tile: &Tile| Tile::in_tree(tile.row(), tile.index(), self.lock.size) != Some(*tile);
        for (tile, hashes) in tip.edge.partial().filter(|(tile, _)| grown(tile)) {
            files.put(tile, hashes.as_flattened())?;
        }
        match Tile::in_tree(Row::Entries, head.size / u64::from(WIDTH), head.size).filter(grown) {
            Some(tile) => files.put(tile, &tip.bundle),
            None => Ok(()),
        }
    }

    /// Removes what the new checkpoint makes superfluous. Nothing here matters enough to fail for.
    fn tidy(&mut self, before: &Lock) {
        for tile in ledger::tile::grown(before.size, self.lock.size).filter(|tile| tile.is_full()) {
            let mut partials = self.folder.join(tile.path()).into_os_string();
            partials.push(".p");
            let _ = touch::remove_folder(Path::new(&partials));
        }
        self.tidy_notes(before.epochs != self.lock.epochs);
        if let Err(error) = self.tidy_segments() {
            tracing::warn!(%error, "segments that are no longer needed cannot be removed");
        }
        if let Err(error) = self.prune() {
            tracing::error!(%error, "records whose time is over cannot be removed");
        }
    }

    /// Keeps the newest notes, and for good the first of each day and the last of each epoch: one note a second would be
    /// 31 million files a year.
    fn tidy_notes(&mut self, last_of_epoch: bool) {
        let day = self.lock.reading.time.0 / 86_400_000;
        if day == self.day && !last_of_epoch {
            self.notes.push_back(self.lock.size);
        }
        self.day = day;
        while self.notes.len() > self.settings.keep_notes.max(1) {
            if let Some(size) = self.notes.pop_front() {
                let _ = touch::remove(&self.folder.join(format!("checkpoints/{size}.note")));
            }
        }
    }

    /// Removes what the last `prune` record says, after the checkpoint that covers that record.
    fn prune(&mut self) -> io::Result<()> {
        if self.minimum < self.lock.minimum {
            retention::remove(&self.folder, self.lock.minimum, self.lock.size)?;
            self.minimum = self.lock.minimum;
            tracing::info!(first = self.minimum, "records whose time was over are removed");
        }
        Ok(())
    }

    /// A segment is covered when the next one begins at or below the published size. The one that the lock record
    /// points into stays in any case.
    fn tidy_segments(&self) -> io::Result<()> {
        let wal = self.folder.join("wal");
        let all = segment::list(&wal)?;
        let covered: Vec<(u64, u64)> = all
            .windows(2)
            .filter_map(|pair| match pair {
                [first, next] if *next <= self.lock.size && *first < self.lock.position.segment => {
                    Some((*first, *next))
                }
                _ => None,
            })
            .collect();
        let superfluous = covered.len().saturating_sub(self.settings.keep_segments);
        // No copy stays of what is to be removed.
        let removed = covered.partition_point(|(_, next)| *next <= self.lock.minimum);
        for (first, _) in covered.into_iter().take(superfluous.max(removed)) {
            touch::remove(&segment::path(&wal, first))?;
        }
        Ok(())
    }

    /// Warns when the disk has passed another threshold.
    fn watch_disk(&mut self) {
        let Ok(usage) = Usage::of(&self.folder) else { return };
        let percent = usage.percent();
        let passed = self.settings.warn_at.iter().rev().copied().find(|threshold| percent >= *threshold).unwrap_or(0);
        if passed > self.warned {
            tracing::warn!(percent, free = usage.free, "the disk under the ledger fills up");
            self.note("disk-fills");
            self.warned = passed;
        } else if percent.saturating_add(3) < self.warned {
            // A little distance, so that a disk on the threshold does not warn again and again.
            self.warned = passed;
        }
    }
}

impl Tip {
    fn push(&mut self, entry: &[u8], files: &mut Files<'_>) -> Result<(), PublishError> {
        let mut failed = Ok(());
        self.edge.push(ledger::leaf_hash(entry), |tile, hashes| {
            if failed.is_ok() {
                failed = files.put(tile, hashes.as_flattened());
            }
        });
        failed?;
        if !frame::push_entry(&mut self.bundle, entry) {
            return Err(PublishError::Differs(self.edge.size()));
        }
        let size = self.edge.size();
        if size.is_multiple_of(u64::from(WIDTH)) {
            if let Some(tile) = Tile::in_tree(Row::Entries, size / u64::from(WIDTH) - 1, size) {
                files.put(tile, &self.bundle)?;
            }
            self.bundle.clear();
        }
        Ok(())
    }
}

/// The files of one publication.
struct Files<'a> {
    folder: &'a Path,
    /// Open since before the first file was written.
    opened: std::fs::File,
    written: Vec<PathBuf>,
}

impl<'a> Files<'a> {
    fn below(folder: &'a Path) -> Result<Self, PublishError> {
        let opened = std::fs::File::open(folder);
        let opened = opened.map_err(|source| PublishError::Io { path: folder.to_owned(), source })?;
        Ok(Self { folder, opened, written: Vec::new() })
    }

    fn put(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), PublishError> {
        let path = self.folder.join(tile.path());
        disk::place(&path, bytes).map_err(|source| PublishError::Io { path: path.clone(), source })?;
        self.written.push(path);
        Ok(())
    }

    /// Makes all of them durable, names included.
    fn sync(&self) -> Result<(), PublishError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| PublishError::Io { path, source }
        };
        if self.written.len() > FEW {
            return disk::sync_file_system(&self.opened, self.folder).map_err(io(self.folder));
        }
        let mut folders = std::collections::BTreeSet::new();
        for path in &self.written {
            std::fs::File::open(path).and_then(|file| touch::sync(&file, path)).map_err(io(path))?;
            // A new folder's own name must be durable too, up to the ledger's.
            folders.extend(path.ancestors().skip(1).take_while(|folder| folder.starts_with(self.folder)));
        }
        folders.into_iter().try_for_each(|folder| disk::sync_folder(folder).map_err(io(folder)))
    }
}

/// A checkpoint with the ledger's signature and that of its epoch.
pub(crate) fn sign(
    checkpoint: &Checkpoint,
    signer: &Signer,
    epochs: Option<&Epochs>,
) -> Result<Note, ledger::checkpoint::CheckpointError> {
    let mut note = checkpoint.sign(signer)?;
    if let Some(epochs) = epochs {
        note.add(epochs.signer())?;
    }
    Ok(note)
}

/// The notes that an earlier run left, oldest first, without those that are kept for good. `epoch` signs the next one.
pub(crate) fn old_notes(folder: &Path, epoch: Option<u32>) -> io::Result<VecDeque<u64>> {
    let mut dated = Vec::new();
    for entry in std::fs::read_dir(folder.join("checkpoints"))? {
        let entry = entry?;
        let size = entry.file_name().to_str().and_then(|name| name.strip_suffix(".note")?.parse::<u64>().ok());
        if let Some(size) = size {
            let modified = entry.metadata()?.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let note = disk::read_if_there(&entry.path(), NOTE_LIMIT as u64).ok().flatten().unwrap_or_default();
            dated.push((size, modified.as_secs() / 86_400, epochs::said_to_sign(&note)));
        }
    }
    dated.sort_unstable();
    let mut last = None;
    let first_of_day: Vec<bool> = dated.iter().map(|(_, day, _)| last.replace(*day) != Some(*day)).collect();
    let next = dated.iter().skip(1).map(|(_, _, epoch)| *epoch).chain([epoch]);
    let all = dated.iter().zip(next).zip(first_of_day);
    let passing = all.filter(|(((_, _, epoch), next), first)| epoch == next && !first);
    Ok(passing.map(|(((size, ..), _), _)| *size).collect())
}

/// Where a ledger without a lock record begins.
pub(crate) const BEGINNING: Position = Position { segment: 0, offset: 0 };
