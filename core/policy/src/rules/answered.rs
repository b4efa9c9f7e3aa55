//! Questions that the rules have let pass of late: asking Cedar costs a hundred times what looking up its answer does.
//!
//! Rules in force answer the same question in the same way for ever: what they know of the plant comes into force with them, and
//! the hour is a part of the question. So an answer holds as long as the rules do. What was forbidden is asked anew.

use plant::RuleId;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries of a generation. There are two, so that at most twice as many are held.
const MOST: usize = 1024;
/// Longest question that is kept, in bytes: one with hundreds of tools is not asked often.
const LONGEST: usize = 1024;

/// A question in bytes, all that the rules look at.
pub(super) type Key = Vec<u8>;

/// The answers to the last questions: the rules that would have a person decide.
#[derive(Default)]
pub(super) struct Answered(Mutex<Generations>);

/// What is not asked during a whole generation is forgotten.
#[derive(Default)]
struct Generations {
    young: HashMap<Key, Vec<RuleId>>,
    old: HashMap<Key, Vec<RuleId>>,
}

impl Answered {
    pub(super) fn find(&self, key: &Key) -> Option<Vec<RuleId>> {
        let mut held = self.held();
        if let Some(known) = held.young.get(key) {
            return Some(known.clone());
        }
        let (key, known) = held.old.remove_entry(key)?;
        held.keep(key, known.clone());
        Some(known)
    }

    pub(super) fn keep(&self, key: Key, holding: &[RuleId]) {
        if key.len() <= LONGEST {
            self.held().keep(key, holding.to_vec());
        }
    }

    /// A thread that panicked while it held them left them whole.
    fn held(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn keep(&mut self, key: Key, holding: Vec<RuleId>) {
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, holding);
    }
}

#[cfg(test)]
mod tests {
    use super::{Answered, LONGEST, MOST};
    use plant::RuleId;

    #[test]
    fn what_is_asked_is_kept_and_the_rest_is_forgotten() {
        let answered = Answered::default();
        let rule = [RuleId::new("night").unwrap()];
        let key = |number: usize| number.to_le_bytes().to_vec();
        answered.keep(key(0), &rule);
        for number in 1..4 * MOST {
            answered.keep(key(number), &[]);
            assert_eq!(answered.find(&key(0)).as_deref(), Some(&rule[..]), "{number}");
        }
        assert_eq!(answered.find(&key(1)), None);
        let held = answered.held();
        assert!(held.young.len() <= MOST && held.old.len() <= MOST);
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let answered = Answered::default();
        for (length, kept) in [(LONGEST, true), (LONGEST + 1, false)] {
            answered.keep(vec![7; length], &[]);
            assert_eq!(answered.find(&vec![7; length]).is_some(), kept);
        }
    }
}
