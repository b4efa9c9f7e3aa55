//! What has crossed since the gateway began, by conduit: plain counters for those who look on. `/metrics` tells programs more.

use plant::Verdict;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Steps of time, two to each doubling of a microsecond: the last begins at 46 minutes.
pub const STEPS: usize = 64;

/// What has crossed one conduit, in numbers that only grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossed {
    /// Calls that ended, by verdict, in the order of [`Verdict::NAMES`].
    pub verdicts: [u64; Verdict::NAMES.len()],
    /// How many of those that were not refused failed: at the provider, on the way, or by their answer.
    pub failed: u64,
    /// How long calls took that were not refused, by step of time; [`step_begins`] says where a step begins.
    pub times: [u64; STEPS],
}

/// Where a step of time begins, in microseconds.
#[must_use]
pub fn step_begins(step: usize) -> u64 {
    let power = 1_u64 << (step / 2).min(62);
    if step.is_multiple_of(2) { power } else { power + power / 2 }
}

fn step_of(micros: u64) -> usize {
    let micros = micros.max(1);
    let power = micros.ilog2();
    let upper = micros >= (1_u64 << power) + (1_u64 << power) / 2;
    (usize::try_from(power).unwrap_or(STEPS) * 2 + usize::from(upper)).min(STEPS - 1)
}

#[derive(Debug)]
struct Counters {
    verdicts: [AtomicU64; Verdict::NAMES.len()],
    failed: AtomicU64,
    times: [AtomicU64; STEPS],
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            verdicts: Default::default(),
            failed: AtomicU64::default(),
            times: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

/// The counters of every conduit that a call has ended on. Conduits come from the plant file, so their number is bounded.
#[derive(Debug, Default)]
pub(crate) struct Flow(RwLock<BTreeMap<String, Arc<Counters>>>);

impl Flow {
    /// Counts the end of a call; one that came to no conduit is counted under the empty name.
    pub(crate) fn ended(&self, conduit: &str, verdict: Verdict, failed: bool, micros: u64) {
        let counters = self.of(conduit);
        let add = |counter: Option<&AtomicU64>| {
            if let Some(counter) = counter {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        };
        let index = Verdict::NAMES.iter().position(|(_, one)| *one == verdict);
        add(index.and_then(|index| counters.verdicts.get(index)));
        if verdict != Verdict::Refuse {
            add(counters.times.get(step_of(micros)));
            add(Some(&counters.failed).filter(|_| failed));
        }
    }

    fn of(&self, conduit: &str) -> Arc<Counters> {
        // A panic under this lock leaves the map as it was, or with one more row of zeros.
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(conduit) {
            return Arc::clone(known);
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(conduit.to_owned()).or_default())
    }

    /// Everything that was counted.
    pub(crate) fn read(&self) -> Vec<(String, Crossed)> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let crossed = |counters: &Counters| Crossed {
            verdicts: counters.verdicts.each_ref().map(now),
            failed: now(&counters.failed),
            times: counters.times.each_ref().map(now),
        };
        all.iter().map(|(conduit, counters)| (conduit.clone(), crossed(counters))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Flow, STEPS, step_begins, step_of};
    use plant::Verdict;

    #[test]
    fn a_time_is_counted_in_the_step_that_it_lies_in() {
        for micros in (0..5000).chain([1 << 20, (1 << 31) + 5, u64::MAX]) {
            let step = step_of(micros);
            assert!(step_begins(step) <= micros.max(1), "{micros}");
            assert!(step + 1 == STEPS || step_begins(step + 1) > micros || micros < 2, "{micros}");
        }
    }

    #[test]
    fn calls_are_counted_by_conduit_and_only_what_was_let_through_has_a_time() {
        let flow = Flow::default();
        flow.ended("a", Verdict::Allow, false, 900);
        flow.ended("a", Verdict::Redact, true, 900);
        flow.ended("a", Verdict::Refuse, true, 5);
        flow.ended("", Verdict::Refuse, true, 5);
        let read = flow.read();
        let names: Vec<_> = read.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["", "a"]);
        let a = &read[1].1;
        assert_eq!((a.verdicts, a.failed), ([1, 0, 0, 1, 0, 0, 1], 1));
        assert_eq!((a.times[step_of(900)], a.times.iter().sum::<u64>()), (2, 2));
    }
}
