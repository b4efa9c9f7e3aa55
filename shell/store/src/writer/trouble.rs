//! When a group is not written: the disk is full, the key is away, or what is on the disk is not known.
//!
//! ```text
//! no room        -> reserve -> ends of calls only     -> room again -> gap, what was put aside
//! no signature   -> nothing                           -> signed     -> gap, and the group that asked
//! no segment     -> nothing, the next group asks again
//! a failed write -> nothing, ever
//! ```

use super::{Matter, Mode, Pending, Reply, Run};
use crate::shared::{Condition, Failure};
use crate::{disk, emergency, own};
use plant::{Kind, Millis};
use seal::SignError;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The segment that is cut from the reserve: room for the record that the disk is full, and for the outcomes of
/// the calls that are under way.
const SMALL_SEGMENT: u64 = 512 << 10;

/// Why a group is not in the log.
pub(super) enum Trouble {
    /// It may be, or not; nothing more is written.
    Failed(String),
    /// There is no room for it.
    Full,
    /// There is no next segment at the moment.
    Passing(io::Error),
    /// Nobody signed it.
    Unsigned(SignError),
}

impl Trouble {
    /// What it means that there is no place for a frame.
    pub(super) fn of_room(error: io::Error) -> Self {
        match error {
            full if disk::is_full(&full) => Self::Full,
            passing if disk::is_passing(&passing) => Self::Passing(passing),
            broken => Self::Failed(broken.to_string()),
        }
    }
}

/// What the log is missing while it cannot be written.
#[derive(Default)]
pub(super) struct Lack {
    pub(super) since: Option<Millis>,
    /// Records that were turned away: those of calls that did not leave.
    pub(super) turned_away: u64,
}

impl Run {
    /// Takes back what the group had done to the tree.
    fn take_back(&mut self) -> Vec<Pending> {
        let writer = &mut self.writer;
        (writer.frontier, writer.leaf) = (self.before.frontier.clone(), self.before.leaf);
        writer.watch.take_back(self.before.clocks.clone());
        self.group.entries.clear();
        self.group.reading = None;
        std::mem::take(&mut self.group.pending)
    }

    /// The disk is full: gives the reserve back, says so in the log, and goes on with what may still be written.
    pub(super) fn run_full(&mut self) {
        let pending = self.take_back();
        if matches!(self.mode, Mode::Working) && self.enter_full() {
            for Pending { matter, reply, .. } in pending {
                if !is_worth_the_reserve(matter.gist().kind) {
                    self.save(matter, reply, Failure::Full);
                    continue;
                }
                self.place(matter, reply);
                if !self.has_place() {
                    self.commit();
                }
            }
            self.commit();
            return;
        }
        for Pending { matter, reply, .. } in pending {
            self.save(matter, reply, Failure::Full);
        }
    }

    /// Nothing was written for the group, for nobody signed it. The key is asked again with the next one.
    pub(super) fn go_unsigned(&mut self, error: SignError) {
        if self.unsigned.is_none() {
            tracing::error!(%error, "no record can be signed; no call may leave until one can");
        }
        if matches!(self.mode, Mode::Working) {
            self.writer.shared.change(|head| head.condition = Condition::Unsigned);
        }
        let mut lack = self.unsigned.take().unwrap_or_default();
        lack.since.get_or_insert(self.writer.settings.clock.read().time);
        for Pending { reply, .. } in self.take_back() {
            lack.turned_away += u64::from(reply.is_awaited());
            reply.tell(Err(Failure::Unsigned));
        }
        self.unsigned = Some(lack);
    }

    /// A group is signed. If none was before, it began with a record that says so.
    pub(super) fn sign_again(&mut self) {
        if matches!(self.mode, Mode::Working) && self.unsigned.take().is_some() {
            tracing::info!("records are signed again");
            self.writer.shared.change(|head| head.condition = Condition::Healthy);
        }
    }

    /// Nothing was written for the group, and the next one may fare better.
    pub(super) fn put_off(&mut self, error: &io::Error) {
        tracing::error!(%error, "there is no next segment for the log at the moment");
        for Pending { reply, .. } in self.take_back() {
            reply.tell(Err(Failure::Busy));
        }
    }

    /// `true` if there is a small segment to go on with.
    fn enter_full(&mut self) -> bool {
        tracing::error!("the disk under the ledger is full; no call may leave until there is room");
        self.mode = Mode::Full(Instant::now());
        self.lack = Lack { since: Some(self.writer.settings.clock.read().time), turned_away: 0 };
        self.writer.shared.change(|head| head.condition = Condition::Full);
        let first = self.writer.frontier.size();
        let writer = &mut self.writer;
        let small = writer.reserve.release().and_then(|()| writer.ahead.take_small(&writer.wal, first, SMALL_SEGMENT));
        match small {
            Ok(segment) => {
                writer.segment = segment;
                let percent = disk::Usage::of(&writer.wal).unwrap_or_default().percent();
                let note = own::disk(writer.settings.clock.read().time, "full", percent);
                self.own(note);
                self.commit();
                true
            }
            Err(error) => {
                tracing::error!(%error, "not even the reserve gave room for a record that the disk is full");
                false
            }
        }
    }

    /// Goes back to work if there is room for a whole segment and the reserve again.
    pub(super) fn look_for_room(&mut self) {
        self.mode = Mode::Full(Instant::now());
        let writer = &mut self.writer;
        let usage = disk::Usage::of(&writer.wal).unwrap_or_default();
        let needed = writer.settings.segment_bytes.saturating_add(writer.settings.reserve_bytes);
        if usage.free < needed.saturating_add(1 << 16) || !writer.reserve.fill() {
            return;
        }
        debug_assert!(self.group.pending.is_empty(), "room is looked for between groups only");
        match writer.ahead.take(&writer.wal, writer.frontier.size()) {
            Ok(segment) => writer.segment = segment,
            Err(error) if disk::is_full(&error) || disk::is_passing(&error) => return,
            Err(error) => return self.fail(&error.to_string()),
        }
        tracing::info!("there is room under the ledger again");
        self.mode = Mode::Working;
        self.writer.shared.change(|head| head.condition = Condition::Healthy);
        let note = own::disk(self.writer.settings.clock.read().time, "room-again", usage.percent());
        self.own(note);
        if self.owes() {
            self.make_good();
        }
    }

    /// Whether the log can be written and still lacks what it was missing.
    pub(super) fn owes(&self) -> bool {
        matches!(self.mode, Mode::Working) && (self.writer.emergency.count() > 0 || self.lack.turned_away > 0)
    }

    /// Says what the log was missing, and takes in what was put aside. What the log does not take stays where it is.
    pub(super) fn make_good(&mut self) {
        self.tried = Instant::now();
        let waiting = match emergency::left(&self.writer.shared.folder, self.writer.signer.verifier()) {
            Ok(waiting) => waiting,
            Err(error) => return tracing::error!(%error, "what was put aside cannot be read; it is tried again"),
        };
        let now = self.writer.settings.clock.read().time;
        let Lack { since, turned_away } = self.lack;
        self.own(own::gap(now, "full", since.unwrap_or(now), waiting.len() as u64, Some(turned_away)));
        if !self.commit() {
            return;
        }
        self.lack.turned_away = 0;
        for waiting in waiting {
            if !self.has_place() && !self.commit() {
                return;
            }
            self.place(Matter::Waiting(Box::new(waiting)), Reply::silent());
        }
        if self.commit() {
            self.lack = Lack::default();
            self.writer.emergency.clear();
            self.writer.shared.emergency.store(0, Ordering::Relaxed);
        }
    }

    /// Takes no more records, ever: what is on the disk now is not known.
    pub(super) fn fail(&mut self, why: &str) {
        self.writer.shared.fail(why);
        self.mode = Mode::Failed(why.to_owned());
        for Pending { reply, .. } in self.take_back() {
            reply.tell(Err(Failure::Failed(why.to_owned())));
        }
    }
}

/// Whether a record is still taken when the disk is full. A call that has not left stays here, and no refusal may use up
/// the room that is kept for the ends of those that have.
pub(super) fn is_worth_the_reserve(kind: Kind) -> bool {
    matches!(kind, Kind::Outcome | Kind::Abandon | Kind::Storage)
}
