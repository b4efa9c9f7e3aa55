//! The steps that a conduit names for the time when its provider fails, and how far a call has gone along them.

use crate::trouble::{Trouble, Troubles};
use plant::ProviderId;
use std::sync::Arc;

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it is taken.
    pub on: Troubles,
    /// What it does.
    pub then: Then,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Asks another provider of the same dialect.
    Ask {
        /// Which.
        to: ProviderId,
        /// The model to ask there, if the caller's has another name.
        model: Option<String>,
    },
    /// Answers with a fixed text.
    Say(String),
}

/// A call's way along its conduit's steps. It only goes forward, so that a call ends after as many steps as there are.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    steps: Arc<[Step]>,
    next: usize,
}

impl Plan {
    /// At the beginning of `steps`.
    #[must_use]
    pub fn new(steps: Arc<[Step]>) -> Self {
        Self { steps, next: 0 }
    }

    /// The next step that is for this trouble, with its number from 1. What lies before it is not come back to.
    pub fn after(&mut self, trouble: Trouble) -> Option<(usize, Step)> {
        while let Some(step) = self.steps.get(self.next) {
            self.next += 1;
            if step.on.holds(trouble) {
                return Some((self.next, step.clone()));
            }
        }
        None
    }

    /// The troubles for which a step is left.
    #[must_use]
    pub fn left(&self) -> Troubles {
        let steps = self.steps.get(self.next..).unwrap_or_default();
        steps.iter().fold(Troubles::NONE, |left, step| left.and(step.on))
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, Step, Then};
    use crate::trouble::{Trouble, Troubles};
    use proptest::prelude::*;

    fn trouble() -> impl Strategy<Value = Trouble> {
        prop::sample::select(Trouble::NAMES.map(|(_, one)| one).to_vec())
    }

    fn step() -> impl Strategy<Value = Step> {
        prop::collection::vec(trouble(), 0..4)
            .prop_map(|on| Step { on: Troubles::from_iter(on), then: Then::Say(String::new()) })
    }

    proptest! {
        #[test]
        fn steps_are_taken_in_their_order_each_once_and_only_when_meant(
            steps in prop::collection::vec(step(), 0..6),
            troubles in prop::collection::vec(trouble(), 0..12),
        ) {
            let mut plan = Plan::new(steps.clone().into());
            let mut last = 0;
            for one in troubles {
                let (before, left) = (last, plan.left());
                prop_assert_eq!(left.holds(one), plan.clone().after(one).is_some());
                match plan.after(one) {
                    Some((number, step)) => {
                        prop_assert!(number > before && step.on.holds(one));
                        prop_assert_eq!(&steps[number - 1], &step);
                        prop_assert!(steps[before..number - 1].iter().all(|skipped| !skipped.on.holds(one)));
                        last = number;
                    }
                    None => {
                        prop_assert_eq!(plan.left(), Troubles::NONE);
                        last = steps.len();
                    }
                }
            }
        }
    }
}
