//! Epochs: whether each checkpoint carries the signature of the key that was to sign on its day.
//!
//! ```text
//! genesis: schedule   key 0   records ...   key 1   records ...  <- `key` records, proven against the schedule
//!                     |------ N1 ----- N2 -------| N3 -----      <- checkpoints: N1, N2 and N3 by key 0, later ones by key 1
//! ```
//!
//! The first checkpoint over a `key` record is still signed by the key before it. So every record of an epoch, and the
//! hand-over itself, stands under a signature that nobody can make any more once the day is over: whoever rewrites an
//! earlier epoch with the keys of a later one can neither make that checkpoint anew nor do without it (attack A3).

use super::{Class, Fault};
use crate::entry::{Head, decode};
use crate::epoch::{Announced, EPOCHS, Schedule, verifier};
use plant::{Kind, Millis};
use seal::note::{Note, Verifier};

/// How far the times of records may lie from the day of their epoch, in milliseconds. Forward security does not rest
/// on times: this tells of a gateway that kept yesterday's key, and must bear with clocks that are corrected.
const TOLERANCE: u64 = 3_600_000;

/// What was judged of a ledger's epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EpochsJudged {
    /// How many epochs began, with keys that the schedule has.
    pub count: u32,
    /// Whether the schedule is the auditor's own, not only what the ledger says of itself.
    pub known: bool,
    /// Whether the last key of the schedule is in use: no other follows it.
    pub spent: bool,
}

/// The epochs as the records tell of them.
pub(super) struct Epochs {
    origin: String,
    known: Option<Schedule>,
    schedule: Option<Schedule>,
    /// Whose signature the next checkpoint must carry; `None` while nobody can say.
    signing: Option<Signing>,
    /// Announced by the last `key` record; takes over after the next checkpoint.
    next: Option<Signing>,
    /// The newest epoch that was announced, and how many were.
    last: Option<u32>,
    count: u32,
    /// When the next key was due and not there, until that is said.
    due: Option<Millis>,
    /// Records were skipped: `key` records may be among them.
    blind: bool,
}

struct Signing {
    epoch: u32,
    verifier: Verifier,
}

impl Epochs {
    pub(super) fn new(origin: &str, known: Option<Schedule>) -> Self {
        Self {
            origin: origin.to_owned(),
            known,
            schedule: known,
            signing: None,
            next: None,
            last: None,
            count: 0,
            due: None,
            blind: false,
        }
    }

    /// Records are skipped: whose key signs from here on is not known until the next one is announced.
    pub(super) fn skip(&mut self) {
        (self.blind, self.signing, self.next, self.due) = (true, None, None, None);
    }

    /// Takes the next record.
    pub(super) fn take(
        &mut self,
        head: &Head<'_>,
        kind: Option<Kind>,
        record: &[u8],
        add: &mut impl FnMut(Class, Fault),
    ) {
        if kind == Some(Kind::Genesis) {
            self.begin(record, add);
        }
        let Some(schedule) = self.schedule else { return };
        match kind {
            Some(Kind::Genesis) => {}
            Some(Kind::Key) => self.announce(&schedule, head, record, add),
            Some(Kind::Boot | Kind::Clock) => self.due = None,
            _ => {}
        }
        let begun = self.last.is_some() || self.blind || matches!(kind, Some(Kind::Genesis | Kind::Clock));
        if !begun {
            add(Class::Tampered, Fault::KeyMissing);
            self.skip();
        }
        self.judge_delay(&schedule, head.t, add);
    }

    /// What is wrong with the epoch's signature on a checkpoint that covers the records so far.
    pub(super) fn judge(&self, note: &Note) -> Option<Fault> {
        let Signing { epoch, verifier } = self.signing.as_ref()?;
        let signed = note.verify(std::slice::from_ref(verifier)).is_ok();
        (!signed).then_some(Fault::EpochSignature { epoch: *epoch })
    }

    /// The checkpoints that cover the records so far are judged: what was announced is in force.
    pub(super) fn hand_over(&mut self) {
        if let Some(next) = self.next.take() {
            self.signing = Some(next);
        }
    }

    /// What was judged, if there are epochs.
    pub(super) fn judged(&self) -> Option<EpochsJudged> {
        self.schedule.map(|_| EpochsJudged {
            count: self.count,
            known: self.known.is_some(),
            spent: self.last == Some(EPOCHS - 1),
        })
    }

    fn begin(&mut self, genesis: &[u8], add: &mut impl FnMut(Class, Fault)) {
        let Ok(genesis) = decode(genesis) else { return };
        let named = genesis.text("note.epochs").map(Schedule::parse);
        if named == Some(None) || (self.known.is_some() && named != Some(self.known)) {
            add(Class::Tampered, Fault::Schedule);
        }
        self.schedule = self.known.or(named.flatten());
    }

    fn announce(&mut self, schedule: &Schedule, head: &Head<'_>, record: &[u8], add: &mut impl FnMut(Class, Fault)) {
        let said = decode(record).ok().and_then(|record| Announced::read(&record));
        let proven = said.filter(|said| schedule.admits(said.epoch, &said.key, &said.proof));
        let named = proven.and_then(|said| Some((said.epoch, verifier(&self.origin, said.epoch, said.key).ok()?)));
        let Some((epoch, verifier)) = named else {
            add(Class::Tampered, Fault::KeyUnproven);
            return self.skip();
        };
        if let Some(next) = self.next.take()
            && let Some(Signing { epoch, .. }) = self.signing.replace(next)
        {
            add(Class::Incomplete, Fault::NoLastCheckpoint { epoch });
        }
        // A first key of a later epoch would let its thief write a whole ledger of earlier days.
        if self.last.map_or(epoch != 0 && !self.blind, |last| epoch <= last) {
            add(Class::Tampered, Fault::KeyOrder { epoch });
        }
        if epoch > 0 && head.t.0.saturating_add(TOLERANCE) < schedule.begins(epoch).0 {
            add(Class::Tampered, Fault::KeyEarly { epoch });
        }
        let signing = Signing { epoch, verifier };
        if self.last.is_none() && !self.blind {
            self.signing = Some(signing);
        } else {
            self.next = Some(signing);
        }
        (self.last, self.due, self.blind) = (Some(epoch), None, false);
        self.count += 1;
    }

    /// A gateway that runs on after its day must soon announce the next key. Time in which it did not run does not
    /// count, and a corrected clock begins the count anew.
    fn judge_delay(&mut self, schedule: &Schedule, now: Millis, add: &mut impl FnMut(Class, Fault)) {
        let Some(epoch) = self.last.filter(|epoch| *epoch < EPOCHS - 1 && !self.blind) else { return };
        if now < schedule.begins(epoch + 1) {
            self.due = None;
            return;
        }
        let since = *self.due.get_or_insert(now);
        // Said once: from then on it is due at the end of time.
        if since.0.saturating_add(TOLERANCE) < now.0 {
            add(Class::Incomplete, Fault::KeyLate { epoch });
            self.due = Some(Millis(u64::MAX));
        }
    }
}
