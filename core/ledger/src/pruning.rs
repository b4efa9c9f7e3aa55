//! Retention: how the oldest records go when their time is over, and what stays to prove that they had to.
//!
//! ```text
//! `prune` record: minimum, until, keep_days, basis, approver     durable and published first
//! tile/entries below the minimum                                 removed afterwards, in whole bundles
//! tile/0, tile/1 ..                                              stay: every earlier head and receipt still verifies
//! ```
//!
//! The *minimum index* is that of C2SP tlog-tiles, "Pruning": a lower bound on the records that are still there.

use crate::entry::Entry;
use crate::tile::WIDTH;
use plant::{Kind, Millis, Note};
use std::collections::BTreeMap;

const DAY: u64 = 86_400_000;

/// What a `prune` record says was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruning {
    /// The number of the first record that stays; a multiple of 256, for bundles go whole.
    pub minimum: u64,
    /// No record that was removed is younger than this.
    pub until: Millis,
    /// How many days the plant keeps records, at the least.
    pub keep_days: u64,
}

impl Pruning {
    /// Reads the numbers of a note by their keys; `None` if one is missing, or the minimum is within a bundle.
    pub fn read(number: impl Fn(&str) -> Option<u64>) -> Option<Self> {
        let minimum = number("minimum").filter(|minimum| minimum.is_multiple_of(u64::from(WIDTH)))?;
        Some(Self { minimum, until: Millis(number("until")?), keep_days: number("keep_days")? })
    }

    /// What a record says, if it is a `prune` record.
    #[must_use]
    pub fn of(entry: &Entry) -> Option<Self> {
        let is_prune = entry.kind() == Some(Kind::Prune);
        is_prune.then(|| Self::read(|key| entry.number(&format!("note.{key}")))).flatten()
    }

    /// As a record's note says it.
    #[must_use]
    pub fn note(&self) -> BTreeMap<&'static str, Note> {
        BTreeMap::from([
            ("minimum", Note::Number(self.minimum)),
            ("until", Note::Number(self.until.0)),
            ("keep_days", Note::Number(self.keep_days)),
        ])
    }

    /// Whether a record of this number and time may say so: it removes neither itself nor what was still to be kept.
    #[must_use]
    pub fn is_due(&self, seq: u64, now: Millis) -> bool {
        let kept_until = self.until.0.saturating_add(self.keep_days.saturating_mul(DAY));
        self.minimum <= seq && kept_until <= now.0
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, Pruning};
    use plant::{Millis, Note};

    const GOOD: Pruning = Pruning { minimum: 512, until: Millis(1000), keep_days: 10 };

    #[test]
    fn a_note_reads_as_it_was_written() {
        let note = GOOD.note();
        let number = |key: &str| match note.get(key)? {
            Note::Number(number) => Some(*number),
            Note::Text(_) => None,
        };
        assert_eq!(Pruning::read(number), Some(GOOD));
        for missing in ["minimum", "until", "keep_days"] {
            assert_eq!(Pruning::read(|key| number(key).filter(|_| key != missing)), None, "{missing}");
        }
        assert_eq!(Pruning::read(|key| number(key).map(|number| number + u64::from(key == "minimum"))), None);
    }

    #[test]
    fn only_what_is_old_enough_may_go_and_never_the_record_itself() {
        let day = Millis(1000 + 10 * DAY);
        for (pruning, seq, now, due) in [
            (GOOD, 512, day, true),
            (GOOD, 511, day, false),
            (GOOD, 512, Millis(day.0 - 1), false),
            (Pruning { until: Millis(u64::MAX), ..GOOD }, 512, day, false),
            (Pruning { keep_days: u64::MAX, ..GOOD }, 512, day, false),
        ] {
            assert_eq!(pruning.is_due(seq, now), due, "{pruning:?} {seq} {now:?}");
        }
    }
}
