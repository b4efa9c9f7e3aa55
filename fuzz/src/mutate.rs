//! Changes bytes in the ways that break parsers. Seeded: the same seed gives the same inputs on every machine.

/// Longest input that mutation makes of a shorter seed. A longer one keeps its length: a zip that is cut has no directory any more.
const LONGEST: usize = 16 << 10;

/// Bytes that mean something to somebody.
const TELLING: &[u8] = b"\0\t\n\r \"'\\/{}[]<>:;,.=+-_%&?#*0197aAzZ\x7f\x80\xc0\xe2\xed\xf0\xff";

/// `SplitMix64` (Steele, Lea, Flood 2014): small, and good enough to pick places.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 if there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.draw() % (limit.max(1) as u64)).unwrap_or(0)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

/// Makes the next input: one of the seeds, changed one to five times.
pub fn mutant(random: &mut Random, seeds: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = random.pick(seeds).cloned().unwrap_or_default();
    let longest = LONGEST.max(bytes.len());
    for _ in 0..=random.below(5) {
        change(&mut bytes, random, seeds, words);
    }
    bytes.truncate(longest);
    bytes
}

fn change(bytes: &mut Vec<u8>, random: &mut Random, seeds: &[Vec<u8>], words: &[&str]) {
    let at = random.below(bytes.len() + 1);
    let span = at..(at + 1 + random.below(24)).min(bytes.len()).max(at);
    match random.below(11) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(span)),
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        3 => {
            if let (Some(byte), Some(telling)) = (bytes.get_mut(at), random.pick(TELLING)) {
                *byte = *telling;
            }
        }
        4 => bytes.insert(at, random.pick(TELLING).copied().unwrap_or_default()),
        5 | 6 => {
            let word = random.pick(words).map_or(&b""[..], |word| word.as_bytes());
            let end = if random.below(2) == 0 { at } else { span.end };
            bytes.splice(at..end, word.iter().copied());
        }
        7 => {
            // A stretch again and again: nesting, and lists without end.
            let stretch = bytes[span].to_vec();
            let times = 1 << random.below(9);
            let room = LONGEST.saturating_sub(bytes.len());
            let again: Vec<u8> = stretch.iter().copied().cycle().take((stretch.len() * times).min(room)).collect();
            bytes.splice(at..at, again);
        }
        8 => {
            // The tail of another.
            if let Some(other) = random.pick(seeds) {
                bytes.truncate(at);
                let from = random.below(other.len() + 1);
                bytes.extend_from_slice(&other[from..]);
            }
        }
        9 => {
            // A stretch moved to where it does not belong.
            let stretch: Vec<u8> = bytes.drain(span).collect();
            let to = random.below(bytes.len() + 1);
            bytes.splice(to..to, stretch);
        }
        _ => {
            let noise: Vec<u8> = (0..=random.below(8)).map(|_| random.draw().to_be_bytes()[0]).collect();
            bytes.splice(at..at, noise);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Random, mutant};

    #[test]
    fn a_seed_gives_the_same_inputs_again() {
        let seeds = [b"one".to_vec(), b"another".to_vec()];
        let run = || {
            let mut random = Random::new(1);
            (0..200).map(|_| mutant(&mut random, &seeds, &["word"])).collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
        assert!(run().iter().all(|bytes| bytes.len() <= LONGEST));
    }
}
