//! Who is next where calls wait for a place: each conduit in turn, by its weight.
//!
//! Stride scheduling (Waldspurger and Weihl, 1995): each conduit has a pass, and whoever has the lowest is next; being served
//! moves it on by a stride that is shorter the more it weighs. A conduit that comes back does not bring along the turns that it
//! did not use, and who leaves the queue has cost nobody a turn. Within a conduit, whoever came first and fits is next.

use plant::ConduitId;
use std::collections::{BTreeMap, VecDeque};

/// A stride of weight 1: every weight up to 100 has one of its own.
const STRIDE: u64 = 1 << 20;

/// Calls that wait.
#[derive(Debug)]
pub struct Queue<T> {
    lanes: BTreeMap<ConduitId, Lane<T>>,
    /// The pass of whoever was served last.
    now: u64,
    /// Counts those who ever came.
    came: u64,
}

#[derive(Debug)]
struct Lane<T> {
    pass: u64,
    weight: u32,
    waiting: VecDeque<(u64, T)>,
}

/// A place in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    lane: ConduitId,
    number: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { lanes: BTreeMap::new(), now: 0, came: 0 }
    }
}

impl<T> Queue<T> {
    /// Most calls of one conduit that wait. Whoever comes beyond is better off asking again later.
    pub const MOST: usize = 64;

    /// Lets a call wait behind those of its conduit; gives it back where too many do.
    ///
    /// # Errors
    /// The call, if the queue of its conduit is full.
    pub fn join(&mut self, conduit: &ConduitId, weight: u32, call: T) -> Result<Ticket, T> {
        let now = self.now;
        let lane =
            self.lanes.entry(conduit.clone()).or_insert_with(|| Lane { pass: now, weight, waiting: VecDeque::new() });
        if lane.waiting.len() >= Self::MOST {
            return Err(call);
        }
        if lane.waiting.is_empty() {
            lane.pass = lane.pass.max(now);
        }
        lane.weight = weight;
        self.came += 1;
        lane.waiting.push_back((self.came, call));
        Ok(Ticket { lane: conduit.clone(), number: self.came })
    }

    /// Takes a call out that waits no longer; `None` if it has been served.
    pub fn leave(&mut self, ticket: &Ticket) -> Option<T> {
        let waiting = &mut self.lanes.get_mut(&ticket.lane)?.waiting;
        let at = waiting.iter().position(|(number, _)| *number == ticket.number)?;
        waiting.remove(at).map(|(_, call)| call)
    }

    /// The next call that fits; `fits` is asked in the order in which they are due.
    pub fn next(&mut self, mut fits: impl FnMut(&mut T) -> bool) -> Option<T> {
        let mut due: Vec<(u64, ConduitId)> = self
            .lanes
            .iter()
            .filter(|(_, lane)| !lane.waiting.is_empty())
            .map(|(id, lane)| (lane.pass, id.clone()))
            .collect();
        due.sort();
        for (pass, id) in due {
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            let Some(at) = lane.waiting.iter_mut().position(|(_, call)| fits(call)) else { continue };
            let served = lane.waiting.remove(at).map(|(_, call)| call);
            lane.pass = pass.saturating_add(STRIDE / u64::from(lane.weight.max(1)));
            // Others that were due before did not fit: they are not behind for that.
            self.now = self.now.max(pass);
            let now = self.now;
            self.lanes.retain(|_, lane| !lane.waiting.is_empty() || lane.pass > now);
            return served;
        }
        None
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes.values().all(|lane| lane.waiting.is_empty())
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lanes.values().map(|lane| lane.waiting.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;
    use plant::ConduitId;
    use proptest::prelude::*;

    fn conduit(name: &str) -> ConduitId {
        name.parse().unwrap()
    }

    /// Who is served, by first letter, while everybody always waits.
    fn served(queue: &mut Queue<char>, lanes: &[(&str, u32)], rounds: usize) -> String {
        for (name, weight) in lanes {
            for _ in 0..4 {
                queue.join(&conduit(name), *weight, name.chars().next().unwrap()).unwrap();
            }
        }
        let mut told = String::new();
        for _ in 0..rounds {
            let next = queue.next(|_| true).unwrap();
            told.push(next);
            let (name, weight) = lanes.iter().find(|(name, _)| name.starts_with(next)).unwrap();
            queue.join(&conduit(name), *weight, next).unwrap();
        }
        told
    }

    #[test]
    fn each_conduit_has_its_share_by_weight() {
        for (lanes, shares) in [
            (&[("a", 1), ("b", 1)][..], &[('a', 50), ('b', 50)][..]),
            (&[("a", 3), ("b", 1)], &[('a', 75), ('b', 25)]),
            (&[("a", 7), ("b", 2), ("c", 1)], &[('a', 70), ('b', 20), ('c', 10)]),
        ] {
            let told = served(&mut Queue::default(), lanes, 100);
            for (who, share) in shares {
                let times = told.chars().filter(|one| one == who).count();
                assert!(times.abs_diff(*share) <= 1, "{who}: {times} of 100 in {told}");
            }
        }
    }

    #[test]
    fn who_comes_back_brings_no_turns_along_and_who_leaves_costs_none() {
        let mut queue = Queue::default();
        served(&mut queue, &[("a", 1)], 50);
        for _ in 0..4 {
            queue.join(&conduit("b"), 1, 'b').unwrap();
        }
        let told: String = (0..6).filter_map(|_| queue.next(|_| true)).collect();
        assert!(told.matches('b').count() <= 4 && told.contains("ab"), "{told}");
        let mut queue = Queue::default();
        let first = queue.join(&conduit("a"), 1, '1').unwrap();
        queue.join(&conduit("b"), 1, 'b').unwrap();
        queue.join(&conduit("a"), 1, '2').unwrap();
        assert_eq!(queue.leave(&first), Some('1'));
        assert_eq!(queue.leave(&first), None);
        assert_eq!([queue.next(|_| true), queue.next(|_| true), queue.next(|_| true)], [Some('2'), Some('b'), None]);
        assert!(queue.is_empty());
    }

    #[test]
    fn who_does_not_fit_holds_nobody_up_and_the_queue_has_an_end() {
        let mut queue = Queue::default();
        for number in 0..Queue::<usize>::MOST {
            queue.join(&conduit("a"), 1, number).unwrap();
        }
        assert_eq!(queue.join(&conduit("a"), 1, 999), Err(999));
        queue.join(&conduit("b"), 1, 100).unwrap();
        assert_eq!(queue.next(|call| *call == 3), Some(3));
        assert_eq!(queue.next(|call| *call == 100), Some(100));
        assert_eq!(queue.next(|_| false), None);
        assert_eq!(queue.len(), Queue::<usize>::MOST - 1);
    }

    proptest! {
        #[test]
        fn everybody_is_served_once_or_has_left(steps in prop::collection::vec((0..4_u8, 0..3_usize, 1..9_u32), 1..200)) {
            let (mut queue, mut tickets, mut inside) = (Queue::default(), Vec::new(), std::collections::BTreeSet::new());
            for (number, (what, lane, weight)) in steps.into_iter().enumerate() {
                match what {
                    0 | 1 => {
                        tickets.push(queue.join(&conduit(["a", "b", "c"][lane]), weight, number).unwrap());
                        inside.insert(number);
                    }
                    2 if !tickets.is_empty() => {
                        let ticket = tickets.swap_remove(number % tickets.len());
                        if let Some(left) = queue.leave(&ticket) {
                            prop_assert!(inside.remove(&left));
                        }
                    }
                    _ => match queue.next(|_| true) {
                        Some(served) => prop_assert!(inside.remove(&served)),
                        None => prop_assert!(inside.is_empty()),
                    },
                }
                prop_assert_eq!(queue.len(), inside.len());
            }
        }
    }
}
