//! An open ledger: what a gateway holds.

use crate::clock::Watch;
use crate::disk::Reserve;
use crate::emergency::{self, Emergency, Waiting};
use crate::epochs::{EpochError, Epochs};
use crate::exclusive::{Exclusive, Refused};
use crate::publisher::{self, Publisher};
use crate::queue::{Message, Record, Reply};
use crate::recover::{self, Found};
use crate::segment::{self, Ahead};
use crate::shared::{Condition, Done, Failure, Shared, State, Written};
use crate::wal::WalError;
use crate::writer::{self, Pen, Writer};
use crate::{Filter, Reader, Settings, disk, frame, own, trust};
use plant::{ConduitId, Draft, GatewayId, Kind, Millis, PlantId, RecordId};
use seal::Sign;
use seal::note::Verifier;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What opening a ledger takes.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The key that signs tree heads.
    pub key: Arc<dyn Sign>,
    /// The site.
    pub plant: PlantId,
    /// The gateway whose ledger this is.
    pub gateway: GatewayId,
    /// Where the seed of the epoch keys is kept, replaced each day. It is made when the ledger is begun; a ledger that is
    /// begun without stays without.
    pub epoch_seed: Option<PathBuf>,
    /// How it is kept.
    pub settings: Settings,
}

/// What a start found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The ledger was begun just now.
    pub fresh: bool,
    /// Records that were durable when it opened.
    pub size: u64,
    /// Of these, records that no published checkpoint covered yet.
    pub replayed: u64,
    /// Bytes of a write that a crash had torn; they were cut.
    pub torn: u64,
    /// Records of essential conduits that had been put aside, and are in the log now.
    pub put_aside: u64,
    /// Intents that were open, and are closed as abandoned now.
    pub abandoned: Vec<RecordId>,
}

/// Why a ledger does not open. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it open.
    #[error("the ledger `{folder}` is open in another process{}", holder(*.pid))]
    InUse {
        /// Which ledger.
        folder: PathBuf,
        /// The other process, if it is known.
        pid: Option<u32>,
    },
    /// A file cannot be read or made.
    #[error("cannot use `{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The log is damaged or cannot be read.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// A record in the log is no record.
    #[error("record {seq} in the log is damaged: {problem}")]
    Record {
        /// Which.
        seq: u64,
        /// What is wrong with it.
        problem: ledger::Malformed,
    },
    /// A signature in the log is not of this gateway's key.
    #[error("the frame of record {0} is not signed by this gateway's key")]
    Signature(u64),
    /// The records do not give the root that was signed.
    #[error("the tree of the first {0} records is not the one that was signed")]
    Tree(u64),
    /// A published tile is missing or damaged.
    #[error("the tile `{0}` is missing or damaged")]
    Tile(PathBuf),
    /// The lock record is damaged.
    #[error("the lock record `{0}` is damaged")]
    LockDamaged(PathBuf),
    /// The ledger was published once, and its lock record is gone.
    #[error("the lock record `{0}` is missing, though the ledger has published before")]
    LockMissing(PathBuf),
    /// The ledger was published once, and its write-ahead log is gone.
    #[error("the write-ahead log in `{0}` is missing, though the ledger has published before")]
    WalMissing(PathBuf),
    /// The lock record is older than the published checkpoint: part of the folder was restored from a backup.
    #[error("the ledger was rolled back: {published} records are published, but the lock record says {lock}")]
    RolledBack {
        /// What the checkpoint says.
        published: u64,
        /// What the lock record says.
        lock: u64,
    },
    /// The published checkpoint is not one of this gateway's key.
    #[error("the published checkpoint is not this gateway's: {0}")]
    Checkpoint(ledger::checkpoint::CheckpointError),
    /// The ledger is of another plant or gateway.
    #[error("this is the ledger of `{0}`")]
    Foreign(String),
    /// The names of plant and gateway cannot name a key.
    #[error("plant and gateway cannot name a key: {0}")]
    Name(seal::note::NoteError),
    /// The epoch keys cannot be used.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// No random bytes to be had.
    #[error("the system gives no random bytes")]
    Random,
    /// The first records could not be written.
    #[error("the ledger opened, but takes no records: {0}")]
    Failed(Failure),
}

impl OpenError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

/// An open ledger. Closes when dropped; [`Store::close`] also tells how that went.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    inbox: SyncSender<Message>,
    pen: Arc<Pen>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    verifier: Verifier,
    exclusive: Mutex<Option<Exclusive>>,
}

impl Store {
    /// Opens the ledger in `folder`, or begins one there; recovers what a crash left; puts the start on record.
    ///
    /// # Errors
    /// Says why it does not open. A ledger that is damaged is left as it is.
    pub fn open(folder: &Path, opening: &Opening) -> Result<(Self, Recovery), OpenError> {
        for sub in ["wal", "checkpoints", "trust", "tile"] {
            let path = folder.join(sub);
            disk::make_folder(&path).map_err(OpenError::io(&path))?;
        }
        let exclusive = Exclusive::take(folder).map_err(|refused| match refused {
            Refused::Held(pid) => OpenError::InUse { folder: folder.to_owned(), pid },
            Refused::Io(source) => OpenError::Io { path: folder.join("writer.lock"), source },
        })?;
        let mut settings = opening.settings.clone();
        let block = u64::try_from(frame::BLOCK).unwrap_or(4096);
        settings.segment_bytes = settings.segment_bytes.clamp(16 * block, segment::LIMIT).next_multiple_of(block);
        let mut ahead = Ahead::new(&folder.join("wal"), settings.segment_bytes);
        let found = recover::recover(folder, opening, &mut ahead)?;
        let origin = found.origin.clone();
        let schedule = found.epochs.as_ref().map(|epochs| *epochs.schedule());
        let started = Self::start(folder, settings, found, ahead, exclusive)?;
        // Only now: a ledger that dies before its first record begins anew under another name, and would be left with
        // the key of the first.
        trust::write(folder, &origin, &started.0.verifier, schedule.as_ref())
            .map_err(OpenError::io(&folder.join("trust")))?;
        Ok(started)
    }

    fn start(
        folder: &Path,
        settings: Settings,
        found: Found,
        ahead: Ahead,
        exclusive: Exclusive,
    ) -> Result<(Self, Recovery), OpenError> {
        let mut recovery = Recovery {
            fresh: found.fresh,
            size: found.durable.size,
            replayed: found.durable.size.saturating_sub(found.published.size),
            torn: found.torn,
            put_aside: 0,
            abandoned: Vec::new(),
        };
        let (first, rest) = first_records(&found, &settings);
        let left = emergency::left(folder, found.signer.verifier())?;
        let (inbox, outbox) = sync_channel(settings.queue.max(1));
        let shared = Arc::new(Shared::new(folder.to_owned(), found.durable.clone(), found.published.size));
        let Found { signer, epochs, durable, published, tip, frontier, mut segment, behind, .. } = found;
        let verifier = signer.verifier().clone();
        #[cfg(test)]
        segment.inject(&settings.faults);
        #[cfg(not(test))]
        let _ = &mut segment;
        let now = settings.clock.read().time;
        let last = (durable.size > 0).then(|| (durable.reading.clone(), durable.machine.clone()));
        let publisher = Publisher {
            folder: folder.to_owned(),
            settings: settings.clone(),
            shared: Arc::clone(&shared),
            signer: signer.clone(),
            asked: Arc::default(),
            outbox: inbox.clone(),
            notes: publisher::old_notes(folder, epochs.as_ref().map(Epochs::epoch)).map_err(OpenError::io(folder))?,
            epochs,
            day: published.reading.time.0 / 86_400_000,
            lock: published,
            tip,
            behind,
            minimum: 0,
            warned: 0,
        };
        let writer = Writer {
            wal: folder.join("wal"),
            shared: Arc::clone(&shared),
            signer,
            segment,
            ahead,
            reserve: Reserve::hold(folder.join("reserve"), settings.reserve_bytes),
            emergency: Emergency::closed(folder, settings.emergency_bytes),
            essential: BTreeSet::new(),
            watch: Watch::new(Arc::clone(&settings.clock), last),
            start: durable.start.saturating_add(1),
            frontier,
            leaf: durable.leaf,
            previous: durable.frame,
            settings,
        };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(OpenError::io(folder))
        };
        let pen = Arc::new(writer.ready());
        let threads = Mutex::new(Vec::new());
        let exclusive = Mutex::new(Some(exclusive));
        let mut store = Self { shared, inbox, pen: Arc::clone(&pen), threads, verifier, exclusive };
        let writing = spawn("ledger-writer", Box::new(move || writer::run(&pen, &outbox)))?;
        store.hold(writing);
        // Before anybody else can write: nothing stands between the beginning and the first key.
        for draft in first {
            store.write_all([record(draft)]).map_err(OpenError::Failed)?;
        }
        let publishing = spawn("ledger-publisher", Box::new(move || publisher.run()))?;
        store.hold(publishing);
        store.write_all(rest.into_iter().map(record)).map_err(OpenError::Failed)?;
        recovery.put_aside = store.import(left, now).map_err(OpenError::Failed)?;
        let open = store.shared.head().durable.open.clone();
        recovery.abandoned = open.keys().copied().collect();
        store.write_all(abandoned(folder, &open, now).map(record)).map_err(OpenError::Failed)?;
        Ok((store, recovery))
    }

    fn hold(&mut self, thread: JoinHandle<()>) {
        self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
    }

    /// Has a record written. `done` is called exactly once: when the record is durable and signed, on the writer's thread or
    /// within this call, or at once if it cannot be taken. It must be quick: everyone else waits meanwhile.
    pub fn append(&self, draft: Draft, done: Done) {
        self.append_all([(draft, done)]);
    }

    /// The same for several records, in their order: they share a signature and a sync as far as that is possible.
    pub fn append_all(&self, records: impl IntoIterator<Item = (Draft, Done)>) {
        let records = records.into_iter().map(|(draft, done)| (Record::of(draft), Reply::new(done))).collect();
        self.pen.write(records).into_iter().for_each(|(record, reply)| self.send(record, reply));
    }

    /// Hands a record to the writer's thread.
    fn send(&self, record: Record, reply: Reply) {
        self.shared.depth.fetch_add(1, Ordering::Relaxed);
        let refused = match self.inbox.try_send(Message::Append(record, reply)) {
            Ok(()) => return,
            Err(TrySendError::Full(message)) => (message, Failure::Busy),
            Err(TrySendError::Disconnected(message)) => (message, self.why_closed()),
        };
        self.shared.depth.fetch_sub(1, Ordering::Relaxed);
        if let (Message::Append(_, reply), failure) = refused {
            reply.tell(Err(failure));
        }
    }

    /// Writes a record and waits until it is durable and signed.
    ///
    /// # Errors
    /// Says why it is not in the ledger.
    pub fn write(&self, draft: Draft) -> Result<Written, Failure> {
        let (tell, told) = sync_channel(1);
        self.append(draft, Box::new(move |result| drop(tell.send(result))));
        told.recv().unwrap_or(Err(Failure::Closed))
    }

    /// Writes records one after the other, waiting for places in the queue too, in as few groups as it takes: a crash
    /// may have left thousands of calls to be closed.
    fn write_all(&self, records: impl IntoIterator<Item = impl FnOnce(Reply) -> Message>) -> Result<(), Failure> {
        let (tell, told) = channel();
        for record in records {
            let tell = tell.clone();
            let reply = Reply::new(Box::new(move |result: Result<Written, Failure>| drop(tell.send(result.map(drop)))));
            self.shared.depth.fetch_add(1, Ordering::Relaxed);
            // A message that cannot be sent is dropped, and its reply tells.
            let _ = self.inbox.send(record(reply));
        }
        drop(tell);
        told.into_iter().collect()
    }

    /// Takes in what an earlier run has put aside, and forgets it there; gives how many records it was.
    fn import(&self, left: Vec<Waiting>, now: Millis) -> Result<u64, Failure> {
        let count = left.len() as u64;
        if let Some(first) = left.first() {
            self.write_all([record(own::gap(now, "restart", first.t, count, None))])?;
        }
        self.write_all(left.into_iter().map(|waiting| |reply| Message::Import(Box::new(waiting), reply)))?;
        self.set_essential(BTreeSet::new());
        Ok(count)
    }

    /// Says which conduits are essential from now on: while the log cannot be written, their calls are put aside as far as
    /// [`Settings::emergency_bytes`] goes, and come into the log once it works again.
    pub fn set_essential(&self, conduits: BTreeSet<ConduitId>) {
        // A closed ledger has nothing to look after.
        let _ = self.inbox.send(Message::Essential(conduits));
    }

    fn why_closed(&self) -> Failure {
        match &self.shared.head().condition {
            Condition::Failed(why) => Failure::Failed(why.clone()),
            _ => Failure::Closed,
        }
    }

    /// How the ledger is doing. Cheap: one look under a lock, and one at the file system.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// Whether the last group was synced so soon that callers write themselves while records come one at a time.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        Duration::from_micros(self.shared.last_sync_micros.load(Ordering::Relaxed)) < writer::QUICK
    }

    /// The key that checks the ledger's signatures. Its name is the ledger's origin.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Writes what waits, publishes a last checkpoint and stops. Records that come later are told that it is closed.
    pub fn close(&self) -> State {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if !threads.is_empty() {
            let _ = self.inbox.send(Message::Close);
        }
        for thread in threads {
            let _ = thread.join();
        }
        self.exclusive.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.state()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// What a start puts on record, in this order: the ledger's beginning with the first epoch's key, the start itself, what
/// was repaired. What was put aside and the calls whose end nobody saw follow.
///
/// The beginning stands apart, record by record, for nothing is part of a ledger that has not begun.
fn first_records(found: &Found, settings: &Settings) -> (Vec<Draft>, Vec<Draft>) {
    let now = settings.clock.read().time;
    let schedule = found.epochs.as_ref().map(Epochs::schedule);
    let genesis = found.fresh.then(|| found.origin.begin(own::id(now), found.signer.verifier(), schedule));
    let announced = found.durable.epochs.as_ref().and_then(|progress| progress.announced);
    let key = found.epochs.as_ref().filter(|_| announced.is_none());
    let key = key.and_then(|epochs| epochs.announce(epochs.epoch(), own::id(now)));
    let mut rest = vec![own::boot(now, &settings.clock.boot())];
    if found.torn > 0 {
        rest.push(own::torn(now, found.torn));
    }
    (genesis.into_iter().chain(key).collect(), rest)
}

/// Closes the calls whose end nobody saw.
fn abandoned<'a>(folder: &'a Path, open: &'a BTreeMap<RecordId, u64>, now: Millis) -> impl Iterator<Item = Draft> + 'a {
    open.iter().map(move |(intent, seq)| {
        let begun = Reader::open(folder).ok().and_then(|reader| reader.records(*seq, Filter::default()).next()?.ok());
        let begun = begun.filter(|begun| begun.entry.id() == *intent);
        if let Some(wait) = begun.as_ref().filter(|begun| begun.entry.kind() == Some(Kind::Hold)) {
            return own::unheard(now, *intent, &wait.entry);
        }
        let about = begun.and_then(|begun| own::about(&begun.entry));
        own::abandon(now, *intent, *seq, about)
    })
}

/// A record to write.
fn record(draft: Draft) -> impl FnOnce(Reply) -> Message {
    |reply| Message::Append(Record::of(draft), reply)
}
