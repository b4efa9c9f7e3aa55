//! Operator tokens that counted of late: a signature is checked once, not with every call of a shift.
//!
//! An entry stands for one token under one set of keys, so that a key which the issuer withdraws takes its tokens along.
//! What it holds is what a record may say: the pseudonym, the roles, how the person signed in, and until when.

use crate::naming::Named;
use plant::{Millis, OperatorRole};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries of a generation. There are two, so that at most twice as many are held.
const MOST: usize = 1024;

/// Whom a token that counts proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) named: Named,
    pub(crate) roles: Vec<OperatorRole>,
    /// `acr` and `amr`.
    pub(crate) authentication: Vec<String>,
    pub(crate) until: Millis,
}

/// SHA-256 over the set of keys and the token.
pub(crate) type Key = [u8; 32];

/// The tokens of the last calls.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Generations>);

/// Who is not asked for during a whole generation is forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, (Millis, Person)>,
    old: HashMap<Key, (Millis, Person)>,
}

impl Known {
    /// Whom this token proves, if it was found to count at `now` or earlier and has not ended.
    pub(crate) fn person(&self, key: &Key, now: Millis) -> Option<Person> {
        let mut held = self.held();
        let (since, person) = match held.young.get(key).cloned() {
            Some(known) => known,
            None => {
                let known = held.old.remove(key)?;
                held.keep(*key, known.clone());
                known
            }
        };
        (since <= now && now < person.until).then_some(person)
    }

    /// This token counts at `now`.
    pub(crate) fn learn(&self, key: Key, now: Millis, person: Person) {
        self.held().keep(key, (now, person));
    }

    /// A thread that panicked while it held them left them whole.
    fn held(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn keep(&mut self, key: Key, known: (Millis, Person)) {
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, known);
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, MOST, Person};
    use crate::naming::Named;
    use plant::{Millis, OperatorId};

    fn person(until: u64) -> Person {
        let named = Named { id: OperatorId::new("op-a").unwrap(), place: [0; 32] };
        Person { named, roles: Vec::new(), authentication: Vec::new(), until: Millis(until) }
    }

    #[test]
    fn a_token_counts_from_when_it_was_checked_until_it_ends() {
        let known = Known::default();
        known.learn([1; 32], Millis(100), person(200));
        for (now, counts) in [(99, false), (100, true), (199, true), (200, false)] {
            assert_eq!(known.person(&[1; 32], Millis(now)).is_some(), counts, "{now}");
        }
        assert_eq!(known.person(&[2; 32], Millis(150)), None);
    }

    #[test]
    fn who_calls_is_kept_and_who_left_is_forgotten() {
        let known = Known::default();
        let key = |number: usize| std::array::from_fn(|at| number.to_le_bytes().get(at).copied().unwrap_or(0));
        for number in 0..4 * MOST {
            known.learn(key(number), Millis(1), person(9));
            assert!(known.person(&key(0), Millis(1)).is_some(), "{number}");
        }
        assert_eq!(known.person(&key(1), Millis(1)), None);
        let held = known.held();
        assert!(held.young.len() <= MOST && held.old.len() <= MOST);
    }
}
