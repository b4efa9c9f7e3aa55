//! A bound on retries, so that a provider in trouble is not called twice as often for it.

use plant::Millis;

/// Retries that may be made at once after a quiet time.
const MOST: u64 = 10;
/// One more comes back in so many milliseconds.
const REFILL: u64 = 1_000;

/// What is left of the retries of one provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget {
    /// Milliseconds' worth that is used up, as of `at`.
    used: u64,
    at: Millis,
}

impl Budget {
    /// Takes one retry, if there is one left.
    pub fn take(&mut self, now: Millis) -> bool {
        let used = self.used.saturating_sub(now.0.saturating_sub(self.at.0));
        (self.used, self.at) = (used, now.max(self.at));
        let fits = used.saturating_add(REFILL) <= MOST * REFILL;
        if fits {
            self.used = used.saturating_add(REFILL);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, MOST, REFILL};
    use plant::Millis;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_more_are_taken_than_the_time_gives(steps in prop::collection::vec(0..3_000_u64, 1..200)) {
            let (mut budget, mut now, mut taken) = (Budget::default(), 1_000_000, 0);
            for step in steps {
                now += step;
                taken += u64::from(budget.take(Millis(now)));
                prop_assert!(taken <= MOST + (now - 1_000_000) / REFILL + 1);
            }
        }
    }

    #[test]
    fn a_quiet_time_gives_them_back() {
        let mut budget = Budget::default();
        let taken = |budget: &mut Budget, now| (0..100).filter(|_| budget.take(Millis(now))).count();
        assert_eq!(taken(&mut budget, 0), 10);
        assert_eq!(taken(&mut budget, 3_000), 3);
        assert_eq!(taken(&mut budget, 60_000), 10);
        assert_eq!(taken(&mut budget, 0), 0, "a clock that goes back gives nothing");
    }
}
