//! Completeness: whether the records, which are those that were signed, tell a story without a hole.
//!
//! A key that signs a ledger with records left out makes a tree that adds up. What it cannot make is records that
//! link to each other across the hole.

use super::epochs::Epochs;
use super::{Class, Fault, Pruned, Report};
use crate::entry::{Head, decode};
use crate::tree::Hash;
use crate::{Pruning, Schedule};
use plant::{Kind, Millis, RecordId};
use std::collections::BTreeMap;

/// Most calls that are followed at once. A gateway has thousands under way; a million is somebody's memory attack.
const OPEN_LIMIT: usize = 1 << 20;

/// How often a gateway says that it is there, until a beat says otherwise, and at most; in milliseconds.
const BEAT: u64 = 60_000;
const BEAT_LIMIT: u64 = 3_600_000;

/// What has been told so far.
pub(super) struct Story {
    origin: String,
    /// Whose keys must have signed.
    pub(super) epochs: Epochs,
    next: u64,
    /// The hashes that the next record may continue; `None` if anything goes.
    prev: Option<[Hash; 2]>,
    last: Option<Last>,
    open: BTreeMap<RecordId, u64>,
    /// The last start of the gateway, and whether calls have come since: until then it is still cleaning up.
    booted: u64,
    settled: bool,
    /// How long a gateway is silent at most, as its last beat says.
    beat: u64,
    /// Records were skipped, so calls without beginning or end prove nothing.
    blind: bool,
    /// Records before the next were removed; and when the first record after such was written. Calls that began earlier may
    /// end later.
    resuming: bool,
    resumed: Option<Millis>,
    /// What may be removed, by the furthest `prune` record, and its number.
    pruning: Option<(Pruning, u64)>,
}

/// What the record before said about time.
struct Last {
    t: Millis,
    mono: u64,
    boot: u64,
    clock: bool,
}

impl Story {
    pub(super) fn new(origin: &str, schedule: Option<Schedule>) -> Self {
        Self {
            origin: origin.to_owned(),
            epochs: Epochs::new(origin, schedule),
            next: 0,
            prev: Some([Hash::default(); 2]),
            last: None,
            open: BTreeMap::new(),
            booted: 0,
            settled: false,
            beat: BEAT,
            blind: false,
            resuming: false,
            resumed: None,
            pruning: None,
        }
    }

    /// Passes over records that were removed, if it turns out that they may. `last` is the hash of the last of them.
    pub(super) fn pass(&mut self, count: u64, last: Option<Hash>) {
        self.resuming = true;
        self.next += count;
        self.last = None;
        self.prev = last.map(|hash| [hash; 2]);
        self.open.clear();
        self.epochs.skip();
    }

    /// Below which number records may have been removed.
    pub(super) fn minimum(&self) -> u64 {
        self.pruning.map_or(0, |(pruning, _)| pruning.minimum)
    }

    /// What allows that records were removed, and how many were.
    pub(super) fn pruned(&self, records: u64) -> Option<Pruned> {
        self.pruning.map(|(Pruning { minimum, keep_days, .. }, by)| Pruned { records, minimum, by, keep_days })
    }

    /// Records are missing: nothing that follows from them is judged.
    pub(super) fn go_blind(&mut self) {
        self.blind = true;
    }

    /// Skips records that are missing or doubtful. `last` are the hashes that the last of them may have: the next
    /// record should continue one of these. `None` if there is none, and the next record is taken at its word.
    pub(super) fn skip(&mut self, count: u64, last: Option<[Hash; 2]>) {
        self.blind = true;
        self.next += count;
        self.last = None;
        self.prev = last;
        self.epochs.skip();
    }

    /// Takes the next record with its leaf hash.
    pub(super) fn take(&mut self, record: &[u8], leaf: Hash, report: &mut Report) {
        let seq = self.next;
        self.next += 1;
        let expected = self.prev.replace([leaf; 2]);
        let head = match Head::parse(record) {
            Ok(head) => head,
            Err(error) => {
                report.add_record(Class::Tampered, Fault::Malformed(error), seq, None);
                self.blind = true;
                self.last = None;
                self.epochs.skip();
                return;
            }
        };
        let kind = Kind::named(head.kind);
        self.listen(&head, kind, record, report);
        let mut add = |class, fault| report.add_record(class, fault, seq, Some(head.id));
        if head.seq != seq {
            add(Class::Incomplete, Fault::Place { says: head.seq });
        } else if expected.is_some_and(|hashes| !hashes.contains(&head.prev)) {
            add(Class::Tampered, Fault::Chain);
        }
        if std::mem::take(&mut self.resuming) {
            self.resumed = Some(head.t);
        }
        self.judge_time(&head, kind, &mut add);
        self.epochs.take(&head, kind, record, &mut add);
        match kind {
            Some(Kind::Genesis) if seq > 0 => add(Class::Tampered, Fault::SecondGenesis),
            Some(Kind::Intent) => self.begin(&head, seq, &mut add),
            Some(Kind::Outcome | Kind::Abandon) => self.end(&head, &mut add),
            Some(Kind::Prune) => self.prune(&head, seq, record, &mut add),
            Some(Kind::Boot) => (self.booted, self.settled) = (seq, false),
            _ => {}
        }
        self.settled |= matches!(kind, Some(Kind::Intent | Kind::Outcome | Kind::Refuse | Kind::Beat));
        if seq == 0 && !(kind == Some(Kind::Genesis) && self.is_genesis_of_this(record)) {
            add(Class::Tampered, Fault::Genesis);
        }
        report.span = Some((report.span.map_or(head.t, |(first, _)| first), head.t));
        report.sealed = report.sealed.or(head.sealed.then_some(seq));
        *report.kinds.entry(kind.map_or("other", Kind::name)).or_default() += 1;
    }

    /// The ledger ends here: what is still open either is under way, or was forgotten.
    pub(super) fn finish(self, report: &mut Report) {
        report.complete_judged = !self.blind;
        report.epochs = self.epochs.judged();
        let recovering = !self.settled;
        for (id, seq) in self.open {
            if recovering || seq > self.booted {
                report.under_way += 1;
            } else if !self.blind {
                report.add_record(Class::Incomplete, Fault::Unclosed, seq, Some(id));
            }
        }
    }

    fn judge_time(&mut self, head: &Head<'_>, kind: Option<Kind>, add: &mut impl FnMut(Class, Fault)) {
        let clock = kind == Some(Kind::Clock);
        if let Some(last) = &self.last {
            if head.t < last.t && !clock && !last.clock {
                add(Class::Incomplete, Fault::ClockBack { by: last.t.0.saturating_sub(head.t.0) });
            }
            if head.boot < last.boot || (head.boot == last.boot && head.mono < last.mono) {
                add(Class::Incomplete, Fault::Order);
            }
        }
        self.last = Some(Last { t: head.t, mono: head.mono, boot: head.boot, clock });
    }

    /// Whether the gateway was silent before a record for longer than its beats allow. Twice as long: a beat waits for its
    /// turn and for the disk like everything else.
    fn listen(&mut self, head: &Head<'_>, kind: Option<Kind>, record: &[u8], report: &mut Report) {
        if kind == Some(Kind::Beat) {
            let interval = decode(record).ok().and_then(|entry| entry.number("note.interval_ms"));
            self.beat =
                interval.filter(|interval| *interval > 0).map_or(self.beat, |interval| interval.min(BEAT_LIMIT));
        }
        let Some(last) = self.last.as_ref().filter(|last| last.boot == head.boot) else { return };
        let silent = head.mono.saturating_sub(last.mono) / 1000;
        if silent > 2 * self.beat {
            report.silent(silent, head.seq);
        }
    }

    fn begin(&mut self, head: &Head<'_>, seq: u64, add: &mut impl FnMut(Class, Fault)) {
        if self.open.len() >= OPEN_LIMIT {
            if !self.blind {
                add(Class::Incomplete, Fault::TooManyOpen);
            }
            self.blind = true;
        } else if self.open.insert(head.id, seq).is_some() {
            add(Class::Tampered, Fault::IdTwice);
        }
    }

    fn end(&mut self, head: &Head<'_>, add: &mut impl FnMut(Class, Fault)) {
        let begun = head.reference.and_then(|intent| self.open.remove(&intent));
        let removed = self.resumed.zip(head.reference).is_some_and(|(resumed, intent)| intent.time() <= resumed);
        if begun.is_none() && !removed && !self.blind {
            add(Class::Incomplete, Fault::NoIntent);
        }
    }

    fn prune(&mut self, head: &Head<'_>, seq: u64, record: &[u8], add: &mut impl FnMut(Class, Fault)) {
        let said = decode(record).ok().and_then(|entry| Pruning::of(&entry));
        match said.filter(|pruning| pruning.is_due(seq, head.t)) {
            Some(pruning) if self.pruning.is_none_or(|(before, _)| before.minimum < pruning.minimum) => {
                self.pruning = Some((pruning, seq));
            }
            Some(_) => {}
            None => add(Class::Tampered, Fault::Prune),
        }
    }

    fn is_genesis_of_this(&self, record: &[u8]) -> bool {
        decode(record).is_ok_and(|entry| entry.text("note.origin") == Some(&self.origin))
    }
}
