//! The one thread that writes the log.
//!
//! ```text
//! queue -> take all that wait -> seq, time, prev, hash -> sign the head -> one frame -> one fdatasync -> acknowledge
//! ```
//!
//! It waits for nothing when a record comes alone, and while a sync runs the next group gathers in the queue. While records
//! come one at a time, their callers write them themselves: [`pen`] says when.
//! Tiles and checkpoints are not its concern: [`crate::publisher`] derives them from what this thread made durable.

mod pen;
mod trouble;

pub(crate) use self::pen::{Pen, QUICK};

use self::trouble::{Lack, Trouble, is_worth_the_reserve};
use crate::clock::{OnRecord, Reading, Watch};
use crate::emergency::Emergency;
use crate::epochs::Progress;
use crate::frame::{self, Header};
use crate::own;
use crate::queue::{Gist, Matter, Message, Reply};
use crate::segment::{Ahead, Segment};
use crate::shared::{Condition, Failure, Shared, Stepped, Written};
use crate::{Settings, disk, retention};
use ledger::Frontier;
use plant::{ConduitId, Draft, Kind, RecordId};
use seal::SignError;
use seal::note::Signer;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

/// A group closes when its entries reach this; the record that crosses the line still goes along.
const GROUP_BYTES: usize = 1 << 20;
/// Records over which a signature and a sync are spread thin enough.
const ENOUGH: usize = 16;
/// How often a full disk is looked at for room.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(1);
/// How often a key that is not at hand is asked again if no record asks for it.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// What a frame may take beyond the entries that were counted when its last record joined: that record, a clock record
/// before it, the header, the rest of a block.
const MARGIN: u64 = 48 << 10;

/// A record that has its place in the group that is being made.
struct Pending {
    matter: Matter,
    reply: Reply,
    written: Written,
}

/// The group that is being made. Empty between groups.
#[derive(Default)]
struct Group {
    entries: Vec<u8>,
    pending: Vec<Pending>,
    reading: Option<Reading>,
}

/// How the log can be written.
enum Mode {
    Working,
    /// Out of room since the last look.
    Full(Instant),
    Failed(String),
}

/// Everything the writing thread owns.
pub(crate) struct Writer {
    pub(crate) wal: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) shared: Arc<Shared>,
    pub(crate) signer: Signer,
    pub(crate) segment: Segment,
    pub(crate) ahead: Ahead,
    pub(crate) reserve: disk::Reserve,
    pub(crate) emergency: Emergency,
    pub(crate) essential: BTreeSet<ConduitId>,
    pub(crate) watch: Watch,
    /// Which start of the gateway this is, counted from 1.
    pub(crate) start: u64,
    pub(crate) frontier: Frontier,
    pub(crate) leaf: [u8; 32],
    pub(crate) previous: [u8; 32],
}

pub(crate) struct Run {
    writer: Writer,
    group: Group,
    mode: Mode,
    before: Before,
    /// The record that is being entered.
    line: Vec<u8>,
    frame: Vec<u8>,
    last_group: Instant,
    /// How long that took.
    took: Duration,
    /// Whether the last group had more than one record.
    busy: bool,
    lack: Lack,
    /// What the log is missing since the key is not at hand, if it is not.
    unsigned: Option<Lack>,
    /// When what was put aside was to be taken in last.
    tried: Instant,
}

/// The tree, the last leaf and the clocks before the group: what to go back to if it is not written.
struct Before {
    frontier: Frontier,
    leaf: [u8; 32],
    clocks: OnRecord,
}

impl Writer {
    fn before(&self) -> Before {
        Before { frontier: self.frontier.clone(), leaf: self.leaf, clocks: self.watch.on_record() }
    }

    /// Ready to write.
    pub(crate) fn ready(self) -> Pen {
        let before = self.before();
        Pen::new(Run {
            writer: self,
            group: Group::default(),
            mode: Mode::Working,
            before,
            line: Vec::new(),
            frame: Vec::new(),
            last_group: Instant::now(),
            took: Duration::MAX,
            busy: false,
            lack: Lack::default(),
            unsigned: None,
            tried: Instant::now(),
        })
    }
}

/// The writer's thread: writes what comes until it is told to close.
pub(crate) fn run(pen: &Pen, inbox: &Receiver<Message>) {
    let watch = Deathwatch(Arc::clone(&pen.shared));
    loop {
        let patience = pen.take().as_ref().map(Run::patience);
        let Some(message) = patience.map(|patience| inbox.recv_timeout(patience)) else { break };
        let mut held = pen.take();
        if held.as_mut().is_none_or(|run| run.turn(message, inbox, pen)) {
            *held = None;
            break;
        }
    }
    watch.0.change(|head| {
        head.stopping = true;
        if !matches!(head.condition, Condition::Failed(_)) {
            head.condition = Condition::Closed;
        }
    });
}

/// Fails the ledger if the writer dies.
struct Deathwatch(Arc<Shared>);

impl Drop for Deathwatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("the writer died of an error of its own");
            self.0.change(|head| head.stopping = true);
        }
    }
}

impl Run {
    /// Writes one group, begun by this message; `true` if the call to close came.
    fn turn(&mut self, message: Result<Message, RecvTimeoutError>, inbox: &Receiver<Message>, pen: &Pen) -> bool {
        let mut closing = match message {
            Ok(message) => self.accept(message),
            Err(RecvTimeoutError::Disconnected) => true,
            Err(RecvTimeoutError::Timeout) => {
                self.idle();
                false
            }
        };
        closing |= self.gather(inbox);
        closing |= !closing && self.busy && self.wait_for_company(inbox);
        self.busy = self.group.pending.len() > 1;
        pen.grouped(self.group.pending.len());
        self.commit();
        closing
    }

    /// `true` if it is the call to close.
    fn accept(&mut self, message: Message) -> bool {
        match message {
            Message::Append(record, reply) => self.admit(Matter::Record(record), reply),
            Message::Import(waiting, reply) => self.admit(Matter::Waiting(waiting), reply),
            Message::Essential(conduits) => self.writer.look_after(conduits),
            Message::Close => return true,
        }
        false
    }

    /// How long to wait for the next record. Those that their callers write change what is to be done meanwhile.
    fn patience(&self) -> Duration {
        match self.mode {
            Mode::Working => ASK_AGAIN.min(self.writer.settings.beat),
            Mode::Full(_) => LOOK_FOR_ROOM,
            Mode::Failed(_) => Duration::from_secs(3600),
        }
    }

    /// Nothing came for a while.
    fn idle(&mut self) {
        match self.mode {
            Mode::Working if self.owes() => self.make_good(),
            // A key that was away is asked with a record of the ledger's own.
            Mode::Working if self.unsigned.is_some() || self.last_group.elapsed() >= self.writer.settings.beat => {
                let now = self.writer.settings.clock.read().time;
                self.own(own::beat(now, self.writer.settings.beat));
            }
            Mode::Full(_) => self.look_for_room(),
            Mode::Working | Mode::Failed(_) => {}
        }
    }

    /// Takes what waits, as far as the group has room; `true` if the last of it was the call to close.
    fn gather(&mut self, inbox: &Receiver<Message>) -> bool {
        while !self.group.pending.is_empty() && self.has_place() && !self.has_enough() {
            match inbox.try_recv() {
                Ok(message) => {
                    if self.accept(message) {
                        return true;
                    }
                }
                Err(TryRecvError::Disconnected) => return true,
                Err(TryRecvError::Empty) => break,
            }
        }
        false
    }

    /// Where many come at once, lets those who bring more have the processor first: a signature and a sync for each group cost
    /// more than the wait. Ends with the first turn that brings nothing; `true` if the call to close came.
    fn wait_for_company(&mut self, inbox: &Receiver<Message>) -> bool {
        let mut before = 0;
        while self.group.pending.len() > before && !self.has_enough() {
            before = self.group.pending.len();
            std::thread::yield_now();
            if self.gather(inbox) {
                return true;
            }
        }
        false
    }

    /// Whether another record may join the group.
    fn has_place(&self) -> bool {
        let most = usize::try_from(frame::MOST_RECORDS).unwrap_or(usize::MAX) - 2;
        let quarter = self.writer.settings.segment_bytes / 4;
        let bytes = match self.mode {
            // No other segment will come: what does not fit into this one is lost.
            Mode::Full(_) => quarter.min(self.writer.segment.room().saturating_sub(MARGIN)),
            Mode::Working | Mode::Failed(_) => quarter,
        };
        let bytes = usize::try_from(bytes).unwrap_or(GROUP_BYTES).min(GROUP_BYTES);
        self.group.pending.len() < most && self.group.entries.len() < bytes
    }

    /// Whether the group has enough: where the disk is quick, half of those who wait are told, and go on, while the other half is
    /// written. Where it is not, a group takes all it can.
    fn has_enough(&self) -> bool {
        let taken = self.group.pending.len();
        self.took < QUICK && taken >= ENOUGH && taken >= self.writer.shared.depth.load(Ordering::Relaxed)
    }

    /// Puts a record of the ledger's own into the group.
    fn own(&mut self, draft: Draft) {
        self.place(Matter::of(draft), Reply::silent());
    }

    /// Puts a caller's record into the group, or tells why not.
    fn admit(&mut self, matter: Matter, reply: Reply) {
        self.writer.shared.depth.fetch_sub(1, Ordering::Relaxed);
        let between_groups = self.group.pending.is_empty();
        if matches!(&self.mode, Mode::Full(since) if between_groups && since.elapsed() >= LOOK_FOR_ROOM) {
            self.look_for_room();
        } else if between_groups && self.owes() && self.tried.elapsed() >= ASK_AGAIN {
            self.make_good();
        }
        match &self.mode {
            // Its intent comes first, wherever that is.
            Mode::Working if self.writer.emergency.holds(matter.gist().reference) => {
                self.save(matter, reply, Failure::Unsigned);
            }
            Mode::Working => self.place(matter, reply),
            Mode::Full(_) if self.writer.emergency.holds(matter.gist().reference) => {
                self.save(matter, reply, Failure::Full);
            }
            Mode::Full(_) if is_worth_the_reserve(matter.gist().kind) => self.place(matter, reply),
            Mode::Full(_) => self.save(matter, reply, Failure::Full),
            Mode::Failed(why) => self.save(matter, reply, Failure::Failed(why.clone())),
        }
    }

    /// The log does not take a record: puts it aside if it is of an essential conduit and there is room, or tells why not.
    fn save(&mut self, matter: Matter, reply: Reply, failure: Failure) {
        let gist = matter.gist();
        let call = matches!(gist.kind, Kind::Intent | Kind::Outcome | Kind::Abandon);
        let reading = self.writer.settings.clock.read();
        let stamp = self.writer.stamp(&reading);
        if call && self.writer.is_essential(gist) {
            let (signer, emergency) = (&self.writer.signer, &mut self.writer.emergency);
            let written = Written { seq: stamp.seq, id: gist.id, leaf: stamp.prev };
            match emergency.take(signer, stamp, &matter) {
                Ok(true) => {
                    self.writer.shared.emergency.store(emergency.count(), Ordering::Relaxed);
                    return reply.tell(Ok(written));
                }
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "a record of an essential conduit cannot be put aside"),
            }
        }
        self.lack.turned_away += 1;
        reply.tell(Err(failure));
    }

    fn place(&mut self, matter: Matter, reply: Reply) {
        let (reading, step) = self.writer.watch.look();
        if let (Some(lack), Mode::Working, true) = (&self.unsigned, &self.mode, self.group.pending.is_empty()) {
            // Ahead of the first record that is signed again.
            let since = lack.since.unwrap_or(reading.time);
            let gap = own::gap(reading.time, "unsigned", since, 0, Some(lack.turned_away));
            self.enter(Matter::of(gap), Reply::silent(), &reading);
        }
        if let Some(step) = step {
            let stepped = Stepped { at: reading.time, back: step.back, by: step.by };
            self.writer.shared.change(|head| head.stepped = Some(stepped));
            self.enter(Matter::of(own::clock(reading.time, step)), Reply::silent(), &reading);
        }
        self.enter(matter, reply, &reading);
    }

    /// Gives a record its place in the log.
    fn enter(&mut self, matter: Matter, reply: Reply, reading: &Reading) {
        let writer = &mut self.writer;
        let stamp = writer.stamp(reading);
        self.line.clear();
        if let Err(error) = matter.stamp(&stamp, &mut self.line) {
            return reply.tell(Err(Failure::Rejected(error.to_string())));
        }
        if !frame::push_entry(&mut self.group.entries, &self.line) {
            return reply.tell(Err(Failure::Rejected("it is longer than 65535 bytes".to_owned())));
        }
        let leaf = ledger::leaf_hash(&self.line);
        writer.frontier.push(leaf);
        writer.leaf = leaf;
        self.group.reading = Some(reading.clone());
        let written = Written { seq: stamp.seq, id: matter.gist().id, leaf };
        self.group.pending.push(Pending { matter, reply, written });
    }

    /// Makes the group durable and tells everyone; `false` if it is not in the log.
    fn commit(&mut self) -> bool {
        if self.group.pending.is_empty() {
            return true;
        }
        match self.write() {
            Ok(()) => return true,
            Err(Trouble::Failed(why)) => self.fail(&why),
            Err(Trouble::Full) => self.run_full(),
            Err(Trouble::Passing(error)) => self.put_off(&error),
            Err(Trouble::Unsigned(error)) => self.go_unsigned(error),
        }
        false
    }

    fn write(&mut self) -> Result<(), Trouble> {
        self.last_group = Instant::now();
        if let Some(why) = self.writer.shared.failed() {
            return Err(Trouble::Failed(why));
        }
        let root = self.writer.frontier.root();
        let header = Header {
            first: self.before.frontier.size(),
            count: u32::try_from(self.group.pending.len()).unwrap_or(u32::MAX),
            previous: self.writer.previous,
            root,
            signature: self.writer.sign(root).map_err(Trouble::Unsigned)?,
        };
        self.make_room(frame::stride(self.group.entries.len()), header.first).map_err(Trouble::of_room)?;
        let hash = frame::encode(&header, self.writer.segment.first, &self.group.entries, &mut self.frame);
        let begin = Instant::now();
        self.writer.segment.commit(&self.frame).map_err(|error| Trouble::Failed(error.to_string()))?;
        let micros = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.writer.shared.last_sync_micros.store(micros, Ordering::Relaxed);
        self.writer.previous = hash;
        self.announce(root, hash);
        self.sign_again();
        self.group.entries.clear();
        for Pending { reply, written, .. } in self.group.pending.drain(..) {
            reply.tell(Ok(written));
        }
        self.before = self.writer.before();
        self.took = self.last_group.elapsed();
        if self.writer.segment.past_half() && matches!(self.mode, Mode::Working) {
            self.writer.ahead.begin();
        }
        Ok(())
    }

    /// Shows the new durable head to the publisher.
    fn announce(&mut self, root: [u8; 32], frame: [u8; 32]) {
        let writer = &self.writer;
        let (pending, reading) = (&self.group.pending, self.group.reading.take());
        writer.shared.grow(|durable| {
            durable.size = writer.frontier.size();
            durable.root = root;
            durable.frame = frame;
            durable.leaf = writer.leaf;
            durable.position.segment = writer.segment.first;
            durable.position.offset = writer.segment.offset;
            if let Some(reading) = reading {
                durable.reading = reading;
                durable.start = writer.start;
                durable.machine.clone_from(&writer.watch.machine);
            }
            for Pending { matter, written, .. } in pending {
                let gist = matter.gist();
                follow(&mut durable.open, gist.kind, gist.id, gist.reference, written.seq);
                Progress::follow_gist(&mut durable.epochs, gist);
                retention::follow(&mut durable.minimum, retention::of_gist(gist), written.seq);
            }
        });
    }

    /// Rolls over to the next segment if the frame does not fit into this one.
    fn make_room(&mut self, stride: usize, first: u64) -> io::Result<()> {
        let writer = &mut self.writer;
        if writer.segment.fits(stride) {
            return Ok(());
        }
        if matches!(self.mode, Mode::Full(_)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        #[cfg(test)]
        writer.settings.faults.segment()?;
        writer.segment = writer.ahead.take(&writer.wal, first)?;
        #[cfg(test)]
        writer.segment.inject(&writer.settings.faults);
        Ok(())
    }
}

impl Writer {
    /// Whether a record is of an essential conduit.
    fn is_essential(&self, gist: &Gist) -> bool {
        gist.conduit.as_ref().is_some_and(|conduit| self.essential.contains(conduit))
    }

    fn look_after(&mut self, essential: BTreeSet<ConduitId>) {
        self.emergency.prepare(!essential.is_empty());
        self.essential = essential;
    }

    /// The place of the next record.
    fn stamp(&self, reading: &Reading) -> ledger::Stamp {
        ledger::Stamp {
            seq: self.frontier.size(),
            prev: self.leaf,
            t: reading.time,
            mono: reading.mono,
            boot: self.start,
            clk: ledger::ClockState { source: self.watch.source.clone(), bound: self.watch.bound(reading) },
        }
    }

    /// Signs the checkpoint of the tree as it is now.
    fn sign(&self, root: [u8; 32]) -> Result<[u8; 64], SignError> {
        let origin = self.signer.verifier().name().to_owned();
        let checkpoint = ledger::Checkpoint { origin, size: self.frontier.size(), root };
        self.signer.key().sign(checkpoint.to_string().as_bytes())
    }
}

/// Keeps the set of open intents and waits as records pass.
pub(crate) fn follow(
    open: &mut std::collections::BTreeMap<RecordId, u64>,
    kind: Kind,
    id: RecordId,
    reference: Option<RecordId>,
    seq: u64,
) {
    match kind {
        // A call that waits for a person is under way too: the record of its wait begins it, and an intent or a refusal
        // that refers to that goes on with it or ends it.
        Kind::Hold if reference.is_none() => {
            open.insert(id, seq);
        }
        Kind::Intent | Kind::Outcome | Kind::Abandon | Kind::Refuse => {
            if let Some(begun) = reference {
                open.remove(&begun);
            }
            if kind == Kind::Intent {
                open.insert(id, seq);
            }
        }
        _ => {}
    }
}
