//! What pictures said that were read lately: panels are sent again and again, and reading one takes half a second.

use crate::table::Writing;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most pictures.
const MOST: usize = 512;
/// Most letters of all of them, in bytes.
const LETTERS: usize = 8 << 20;

/// What pictures said, by the digest of their files.
pub(crate) struct Memory {
    lasts: Duration,
    known: HashMap<[u8; 32], Kept>,
    /// The same in the order in which they were learnt.
    order: BTreeMap<u64, [u8; 32]>,
    next: u64,
    letters: usize,
}

struct Kept {
    writing: Arc<Writing>,
    until: Instant,
    number: u64,
}

impl std::fmt::Debug for Memory {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("pictures", &self.known.len()).field("letters", &self.letters).finish()
    }
}

impl Memory {
    pub(crate) fn new(lasts: Duration) -> Self {
        Self { lasts, known: HashMap::new(), order: BTreeMap::new(), next: 0, letters: 0 }
    }

    pub(crate) fn recall(&mut self, key: &[u8; 32], now: Instant) -> Option<Arc<Writing>> {
        let kept = self.known.get(key)?;
        if kept.until > now {
            return Some(Arc::clone(&kept.writing));
        }
        self.forget(key);
        None
    }

    pub(crate) fn learn(&mut self, key: &[u8; 32], writing: &Arc<Writing>, now: Instant) {
        if self.lasts.is_zero() || writing.weight() > LETTERS {
            return;
        }
        self.forget(key);
        self.letters += writing.weight();
        self.order.insert(self.next, *key);
        let kept = Kept { writing: Arc::clone(writing), until: now + self.lasts, number: self.next };
        self.known.insert(*key, kept);
        self.next += 1;
        while self.known.len() > MOST || self.letters > LETTERS {
            let Some((_, oldest)) = self.order.first_key_value() else { break };
            let oldest = *oldest;
            self.forget(&oldest);
        }
        debug_assert!(self.known.len() == self.order.len(), "each is in both");
    }

    fn forget(&mut self, key: &[u8; 32]) {
        if let Some(kept) = self.known.remove(key) {
            self.order.remove(&kept.number);
            self.letters -= kept.writing.weight();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LETTERS, MOST, Memory};
    use crate::table::Writing;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    fn key(number: usize) -> [u8; 32] {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        key
    }

    fn says(text: &str) -> Arc<Writing> {
        Arc::new(Writing { text: text.to_owned(), lines: Vec::new() })
    }

    #[test]
    fn what_a_picture_said_is_known_for_a_while_only() {
        let (mut memory, now) = (Memory::new(Duration::from_secs(60)), Instant::now());
        memory.learn(&key(1), &says("TIC-101"), now);
        assert_eq!(memory.recall(&key(1), now + Duration::from_secs(59)).unwrap().text, "TIC-101");
        assert!(memory.recall(&key(2), now).is_none());
        assert!(memory.recall(&key(1), now + Duration::from_secs(60)).is_none());
        assert_eq!((memory.known.len(), memory.order.len(), memory.letters), (0, 0, 0));
        let mut none = Memory::new(Duration::ZERO);
        none.learn(&key(1), &says("TIC-101"), now);
        assert!(none.recall(&key(1), now).is_none());
    }

    #[test]
    fn memory_is_bounded_by_pictures_and_by_letters() {
        let (mut memory, now) = (Memory::new(Duration::from_secs(60)), Instant::now());
        for number in 0..MOST * 2 {
            memory.learn(&key(number), &says("a"), now);
        }
        assert_eq!((memory.known.len(), memory.order.len()), (MOST, MOST));
        assert!(memory.recall(&key(MOST - 1), now).is_none() && memory.recall(&key(MOST), now).is_some());
        let long = says(&"a".repeat(LETTERS / 3));
        for number in 0..4 {
            memory.learn(&key(number), &long, now);
        }
        assert!(memory.letters <= LETTERS, "{}", memory.letters);
        assert!(memory.recall(&key(3), now).is_some());
        memory.learn(&key(9), &says(&"a".repeat(LETTERS + 1)), now);
        assert!(memory.recall(&key(9), now).is_none());
    }
}
