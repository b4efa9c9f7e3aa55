//! Keeps `witnessed/` from growing without end: one head a minute would be half a million files a year.
//!
//! Kept are the newest heads; of those before them, of each day the first and the first that enough witnesses have signed;
//! the newest that enough have signed; and each that carries a signature that no network brought.

use super::kept::{open, path, sizes};
use super::{WitnessError, at};
use crate::touch;
use ledger::witness::Quorum;
use seal::cosignature::Witness;
use seal::note::{Note, Verifier};
use std::collections::BTreeMap;
use std::path::Path;

/// One part in so many more than are to be kept is let come together before they are looked through.
const SLACK: usize = 4;

/// Removes heads that are no longer needed.
#[derive(Debug)]
pub struct Thinner {
    /// How many of the newest heads are kept.
    keep: usize,
    /// Heads up to this size have been looked at.
    done: u64,
    days: Days,
}

/// What is kept of which days: days since 1970, and the size of the head.
#[derive(Debug, Default)]
struct Days {
    first: BTreeMap<u64, u64>,
    enough: BTreeMap<u64, u64>,
}

/// What a head says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    size: u64,
    /// When the last of its witnesses signed, as a day since 1970.
    day: u64,
    /// Whether enough witnesses have signed.
    enough: bool,
    /// Whether the network brought every signature, and may bring others.
    passing: bool,
}

impl Thinner {
    /// Keeps so many of the newest heads.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self { keep: keep.max(1), done: 0, days: Days::default() }
    }

    /// Removes what is no longer needed from a ledger with this key; gives how many. Signatures of `asked` can be had again.
    ///
    /// # Errors
    /// If a file cannot be read or removed.
    pub fn thin(
        &mut self,
        ledger: &Path,
        key: &[Verifier],
        quorum: &Quorum,
        asked: &[&Witness],
    ) -> Result<usize, WitnessError> {
        let all = sizes(ledger, self.done)?;
        let old = all.len().saturating_sub(self.keep);
        if old <= self.keep / SLACK {
            return Ok(0);
        }
        let mut heads = Vec::new();
        for size in all.into_iter().take(old) {
            // What is not a head of ours is not ours to remove.
            let Some(note) = open(ledger, size, key)? else { continue };
            heads.push(judge(size, &note, key, quorum, asked));
        }
        let (superfluous, done) = self.days.superfluous(&heads);
        for size in &superfluous {
            let path = path(ledger, *size);
            touch::remove(&path).map_err(at(&path))?;
        }
        self.done = done;
        Ok(superfluous.len())
    }
}

fn judge(size: u64, note: &Note, key: &[Verifier], quorum: &Quorum, asked: &[&Witness]) -> Head {
    let own = |name: &str| {
        key.iter().any(|key| name.strip_prefix(key.name()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    let passing =
        note.signatures().iter().all(|line| own(line.name()) || asked.iter().any(|witness| witness.is_named(line)));
    let times = asked.iter().filter_map(|witness| witness.check(note).ok().flatten());
    Head {
        size,
        day: times.max().unwrap_or(0) / 86_400,
        enough: quorum.judge(note).is_ok_and(|seen| seen.enough),
        passing,
    }
}

impl Days {
    /// The sizes among `heads`, ascending, that are not needed; and up to which size all is said and done. The newest head
    /// that enough have signed stays, and is looked at again when there is a newer one.
    fn superfluous(&mut self, heads: &[Head]) -> (Vec<u64>, u64) {
        let newest = heads.iter().rfind(|head| head.enough).map(|head| head.size);
        let mut superfluous = Vec::new();
        for head in heads {
            let first = *self.first.entry(head.day).or_insert(head.size) == head.size;
            let enough = head.enough && *self.enough.entry(head.day).or_insert(head.size) == head.size;
            if head.passing && !first && !enough && newest != Some(head.size) {
                superfluous.push(head.size);
            }
        }
        let last = heads.last().map_or(0, |head| head.size);
        (superfluous, newest.map_or(last, |newest| newest.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Days, Head};

    fn head(size: u64, day: u64, enough: bool) -> Head {
        Head { size, day, enough, passing: true }
    }

    /// What is left of these heads when they are looked through in parts of this length.
    fn left(heads: &[Head], part: usize) -> Vec<u64> {
        let (mut days, mut done, mut left) = (Days::default(), 0, heads.to_vec());
        loop {
            let next: Vec<Head> = left.iter().filter(|head| head.size > done).take(part).copied().collect();
            let (superfluous, upto) = days.superfluous(&next);
            left.retain(|head| !superfluous.contains(&head.size));
            if superfluous.is_empty() && upto <= done || next.len() < part {
                return left.iter().map(|head| head.size).collect();
            }
            done = upto;
        }
    }

    #[test]
    fn of_each_day_the_first_stays_and_the_first_with_enough_and_the_newest_with_enough() {
        let heads: Vec<Head> = (0..300).map(|n| head(n + 1, n / 100, n % 100 >= 10)).collect();
        for part in [300, 150, 64, 7] {
            assert_eq!(left(&heads, part).iter().filter(|size| **size <= 290).count(), 6, "{part}");
        }
        assert_eq!(left(&heads, 300), [1, 11, 101, 111, 201, 211, 300]);
        // A witness is away from the second day on: what enough have signed last is not lost.
        let away: Vec<Head> = (0..300).map(|n| head(n + 1, n / 100, n < 150)).collect();
        assert_eq!(left(&away, 300), [1, 101, 150, 201]);
        let never: Vec<Head> = (0..300).map(|n| head(n + 1, n / 100, false)).collect();
        assert_eq!(left(&never, 300), [1, 101, 201]);
    }

    #[test]
    fn what_a_person_has_carried_stays() {
        let mut heads: Vec<Head> = (0..50).map(|n| head(n + 1, 0, true)).collect();
        if let Some(head) = heads.get_mut(20) {
            head.passing = false;
        }
        assert_eq!(left(&heads, 50), [1, 21, 50]);
    }
}
