//! The last quarter of an hour in slots of ten seconds, made from numbers that only grow.

use super::day::{Day, History};
use crate::reading::{Lane, Reading};
use plant::{Millis, Verdict};
use std::collections::{BTreeMap, VecDeque};

/// How long a slot is, in milliseconds.
const SLOT: u64 = 10_000;
/// How many slots are looked back on.
pub(super) const SLOTS: usize = 90;
/// How many of them are the last minute, beside the one that is being filled.
const MINUTE: usize = 6;
/// How many of them are what times are told of: five minutes.
const TIMED: usize = 30;

const VERDICTS: usize = Verdict::NAMES.len();

/// What ended on a lane within a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) verdicts: [u64; VERDICTS],
    pub(super) failed: u64,
    /// Where a step of time begins, in microseconds, and how many lie in it; only steps in which any do.
    times: BTreeMap<u64, u64>,
}

/// Every lane's last quarter of an hour.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    lanes: BTreeMap<String, (Lane, VecDeque<Sum>)>,
    /// Which slot is being filled.
    slot: u64,
    day: Day,
}

impl Windows {
    /// Takes what has happened since the last reading into the slot of now.
    pub(super) fn take(&mut self, reading: &Reading) {
        let slot = reading.at.0 / SLOT;
        let first = self.slot == 0;
        // A clock that goes back fills the slot that it was in; one that leaps ahead leaves as many empty ones as are looked at.
        let begun = if first { 1 } else { slot.saturating_sub(self.slot).min(SLOTS as u64) };
        self.slot = self.slot.max(slot);
        self.day.turn(reading.at);
        for lane in &reading.lanes {
            // What was there before anybody looked is no news of now.
            let known = self.lanes.entry(lane.conduit.clone());
            let known = known.or_insert_with(|| (if first { lane.clone() } else { Lane::default() }, VecDeque::new()));
            let (before, slots) = known;
            for _ in 0..begun {
                slots.push_back(Sum::default());
            }
            while slots.len() > SLOTS {
                slots.pop_front();
            }
            if slots.is_empty() {
                slots.push_back(Sum::default());
            }
            if let Some(sum) = slots.back_mut() {
                sum.add_between(before, lane);
            }
            self.day.sum.add_between(before, lane);
            before.clone_from(lane);
        }
        self.lanes.retain(|name, _| reading.lanes.iter().any(|lane| lane.conduit == *name));
    }

    /// The last day, all lanes together.
    pub(super) fn day(&self) -> History {
        self.day.history()
    }

    pub(super) fn slot(&self) -> u64 {
        self.slot
    }

    /// When the slot that is being filled began.
    pub(super) fn slot_began(&self) -> Millis {
        Millis(self.slot.saturating_mul(SLOT))
    }

    fn slots<'a>(&'a self, conduit: &str, last: usize) -> impl Iterator<Item = &'a Sum> + 'a {
        let slots = self.lanes.get(conduit).map(|(_, slots)| slots);
        slots.into_iter().flat_map(move |slots| slots.iter().skip(slots.len().saturating_sub(last)))
    }

    /// The last minute, and what has come of the next ten seconds.
    pub(super) fn minute(&self, conduit: &str) -> Sum {
        Sum::of(self.slots(conduit, MINUTE + 1))
    }

    /// The last quarter of an hour.
    pub(super) fn quarter(&self, conduit: &str) -> Sum {
        Sum::of(self.slots(conduit, SLOTS))
    }

    /// The last five minutes, for the times.
    pub(super) fn timed(&self, conduit: &str) -> Sum {
        Sum::of(self.slots(conduit, TIMED))
    }

    /// Calls that went on, were refused, and failed, in each slot of the last quarter of an hour, the oldest first.
    pub(super) fn history(&self, conduit: &str) -> Vec<[u64; 3]> {
        let told = |sum: &Sum| [sum.passed(), sum.refused(), sum.failed];
        let known: Vec<_> = self.slots(conduit, SLOTS).map(told).collect();
        let missing = SLOTS.saturating_sub(known.len());
        std::iter::repeat_n([0; 3], missing).chain(known).collect()
    }
}

impl Sum {
    fn of<'a>(sums: impl Iterator<Item = &'a Self>) -> Self {
        sums.fold(Self::default(), |mut all, one| {
            all.verdicts.iter_mut().zip(one.verdicts).for_each(|(all, one)| *all += one);
            all.failed += one.failed;
            one.times.iter().for_each(|(step, count)| *all.times.entry(*step).or_default() += count);
            all
        })
    }

    fn add_between(&mut self, before: &Lane, after: &Lane) {
        let news = |before: u64, after: u64| after.saturating_sub(before);
        for ((sum, before), after) in self.verdicts.iter_mut().zip(before.verdicts).zip(after.verdicts) {
            *sum += news(before, after);
        }
        self.failed += news(before.failed, after.failed);
        for (index, (step, count)) in after.times.iter().enumerate() {
            let known = before.times.get(index).map_or(0, |(_, count)| *count);
            let new = news(known, *count);
            if new > 0 {
                *self.times.entry(*step).or_default() += new;
            }
        }
    }

    pub(super) fn calls(&self) -> u64 {
        self.verdicts.iter().sum()
    }

    pub(super) fn refused(&self) -> u64 {
        let refused = Verdict::NAMES.iter().zip(self.verdicts).filter(|((_, verdict), _)| *verdict == Verdict::Refuse);
        refused.map(|(_, count)| count).sum()
    }

    pub(super) fn passed(&self) -> u64 {
        self.calls().saturating_sub(self.refused())
    }

    /// The time within which so many of a hundred ended, in milliseconds: the middle of its step.
    pub(super) fn percentile(&self, percent: u64) -> Option<f64> {
        let all: u64 = self.times.values().sum();
        let rank = (all * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let step = self.times.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        // Steps are half a doubling apart.
        step.map(|(begins, _)| *begins as f64 * 1.2 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{SLOTS, Windows};
    use crate::reading::{Lane, Reading};
    use plant::Millis;
    use serde_json::json;

    fn lane(conduit: &str, allowed: u64, refused: u64, slow: u64) -> Lane {
        let verdicts = [allowed, 0, 0, 0, 0, 0, refused];
        let times = vec![(1_000, allowed - slow), (2_000_000, slow)];
        Lane { conduit: conduit.to_owned(), verdicts, times, ..Lane::default() }
    }

    fn reading(seconds: u64, lanes: Vec<Lane>) -> Reading {
        Reading { at: Millis(1_800_000_000_000 + seconds * 1000), lanes, ..crate::tests::reading() }
    }

    #[test]
    fn what_was_there_before_anybody_looked_is_no_news() {
        let mut windows = Windows::default();
        windows.take(&reading(0, vec![lane("a", 500, 20, 0)]));
        assert_eq!(windows.minute("a").calls(), 0);
        windows.take(&reading(1, vec![lane("a", 503, 21, 1)]));
        let minute = windows.minute("a");
        assert_eq!((minute.passed(), minute.refused()), (3, 1));
        // A conduit that is new in the plant file begins with nothing.
        windows.take(&reading(2, vec![lane("a", 503, 21, 1), lane("b", 4, 0, 0)]));
        assert_eq!((windows.minute("a").calls(), windows.minute("b").calls()), (4, 4));
    }

    #[test]
    fn a_minute_passes_and_then_a_quarter_of_an_hour() {
        let mut windows = Windows::default();
        windows.take(&reading(0, vec![lane("a", 0, 0, 0)]));
        windows.take(&reading(1, vec![lane("a", 100, 0, 6)]));
        assert_eq!(windows.timed("a").percentile(50), Some(1.2));
        assert_eq!(windows.timed("a").percentile(95), Some(2400.0));
        windows.take(&reading(75, vec![lane("a", 101, 0, 6)]));
        assert_eq!((windows.minute("a").calls(), windows.quarter("a").calls()), (1, 101));
        let history = windows.history("a");
        assert_eq!(history.len(), SLOTS);
        assert_eq!(history.iter().map(|[passed, ..]| passed).sum::<u64>(), 101);
        windows.take(&reading(3600, vec![lane("a", 101, 0, 6)]));
        assert_eq!((windows.quarter("a").calls(), windows.timed("a").percentile(50)), (0, None));
    }

    #[test]
    fn a_day_is_told_in_minutes_of_all_lanes_together() {
        let mut windows = Windows::default();
        let day = |windows: &Windows| serde_json::to_value(windows.day()).unwrap();
        windows.take(&reading(0, vec![lane("a", 9, 9, 0), lane("b", 9, 0, 0)]));
        windows.take(&reading(1, vec![lane("a", 12, 10, 0), lane("b", 10, 0, 1)]));
        windows.take(&reading(61, vec![lane("a", 12, 10, 0)]));
        windows.take(&reading(181, vec![lane("a", 13, 10, 0), lane("c", 5, 0, 0)]));
        let nothing = json!([0, 0, 0, null, null]);
        let minutes = [json!([4, 1, 0, 1.2_f32, 2400.0]), nothing.clone(), nothing, json!([6, 0, 0, 1.2_f32, 1.2_f32])];
        assert_eq!(day(&windows), json!({ "began": "2027-01-15T08:00:00.000Z", "minutes": minutes }));
        // A clock that goes back stays in its minute, and one that leaps leaves a day at most.
        windows.take(&reading(0, vec![lane("a", 14, 10, 0)]));
        assert_eq!(day(&windows)["minutes"][3][0], 7);
        windows.take(&reading(9_000_000, vec![lane("a", 15, 10, 0)]));
        let day = day(&windows);
        assert_eq!((day["minutes"].as_array().unwrap().len(), &day["minutes"][1439][0]), (1440, &json!(1)));
    }

    #[test]
    fn a_clock_that_goes_back_loses_nothing() {
        let mut windows = Windows::default();
        windows.take(&reading(100, vec![lane("a", 0, 0, 0)]));
        windows.take(&reading(0, vec![lane("a", 7, 0, 0)]));
        assert_eq!(windows.minute("a").calls(), 7);
    }
}
