//! Draws a sample that anybody can draw again: of the population, those whose SHA-256 with the seed is smallest.
//!
//! The hash of `penstock sample v1`, the seed and the record's number, each with a newline after it, orders the records
//! as by lot; the first of them are the sample. It depends on nothing but the seed and the numbers, needs one pass, and
//! keeps no more in memory than the sample. Whoever draws must not know the seed before the records are written: the
//! auditor names it.

use super::RECORDS_LIMIT;
use seal::sha256;
use std::collections::BinaryHeap;

/// The name of this method in manifests.
pub(super) const METHOD: &str = "sha256-smallest v1";
const SEED_LIMIT: usize = 128;

/// How many records to draw, and by which seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    size: usize,
    seed: String,
}

/// Why nothing can be drawn like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// None, or more than a pack holds.
    #[error("a sample has 1 to {RECORDS_LIMIT} records")]
    Size,
    /// The seed is empty, too long, or holds characters that not everybody can type again.
    #[error("a seed has 1 to {SEED_LIMIT} letters, digits and signs of ASCII, and blanks between them")]
    Seed,
}

impl Sample {
    /// A sample of so many records by this seed.
    ///
    /// # Errors
    /// If size or seed are out of their limits.
    pub fn new(size: usize, seed: &str) -> Result<Self, SampleError> {
        if !(1..=RECORDS_LIMIT).contains(&size) {
            return Err(SampleError::Size);
        }
        let typed = seed.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && seed.trim() == seed;
        if !typed || seed.is_empty() || seed.len() > SEED_LIMIT {
            return Err(SampleError::Seed);
        }
        Ok(Self { size, seed: seed.to_owned() })
    }

    /// How many records at most.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// What the draw depends on.
    #[must_use]
    pub fn seed(&self) -> &str {
        &self.seed
    }

    fn lot(&self, seq: u64) -> [u8; 32] {
        sha256(format!("penstock sample v1\n{}\n{seq}\n", self.seed).as_bytes())
    }
}

/// Takes the population one by one, and keeps what goes into the pack.
pub(super) struct Draw<'a> {
    sample: Option<&'a Sample>,
    /// The largest lot on top; without a sample all have the same.
    kept: BinaryHeap<([u8; 32], u64)>,
    count: u64,
}

impl<'a> Draw<'a> {
    pub(super) fn new(sample: Option<&'a Sample>) -> Self {
        Self { sample, kept: BinaryHeap::new(), count: 0 }
    }

    /// Takes the next; false if they are more than a pack holds.
    pub(super) fn take(&mut self, seq: u64) -> bool {
        self.count += 1;
        self.kept.push((self.sample.map_or([0; 32], |sample| sample.lot(seq)), seq));
        match self.sample {
            Some(sample) if self.kept.len() > sample.size => {
                self.kept.pop();
                true
            }
            Some(_) => true,
            None => self.kept.len() <= RECORDS_LIMIT,
        }
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// What was drawn, in order.
    pub(super) fn drawn(self) -> Vec<u64> {
        let mut drawn: Vec<u64> = self.kept.into_iter().map(|(_, seq)| seq).collect();
        drawn.sort_unstable();
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::{Draw, Sample, SampleError};
    use std::collections::BTreeSet;

    fn draw(population: &[u64], size: usize, seed: &str) -> Vec<u64> {
        let sample = Sample::new(size, seed).unwrap();
        let mut draw = Draw::new(Some(&sample));
        assert!(population.iter().all(|seq| draw.take(*seq)));
        assert_eq!(draw.count(), population.len() as u64);
        draw.drawn()
    }

    #[test]
    fn a_sample_depends_on_seed_and_population_alone() {
        let population: Vec<u64> = (0..1000).collect();
        // Computed in Python with hashlib.
        assert_eq!(draw(&population, 5, "spring"), VECTOR);
        let backwards: Vec<u64> = population.iter().rev().copied().collect();
        assert_eq!(draw(&backwards, 5, "spring"), VECTOR);
        assert_ne!(draw(&population, 5, "autumn"), VECTOR);
        assert_eq!(draw(&population[..3], 5, "spring"), [0, 1, 2], "a small population is taken whole");
    }

    const VECTOR: [u64; 5] = [3, 174, 320, 372, 776];

    #[test]
    fn a_larger_sample_holds_the_smaller_and_every_record_has_its_chance() {
        let population: Vec<u64> = (0..100).collect();
        let (small, large) = (draw(&population, 10, "a"), draw(&population, 20, "a"));
        assert!(small.iter().all(|seq| large.contains(seq)));
        let ever: BTreeSet<u64> = (0..200).flat_map(|seed| draw(&population, 10, &seed.to_string())).collect();
        assert_eq!(ever.len(), 100);
    }

    #[test]
    fn seeds_are_what_people_can_type_again() {
        for seed in ["", " a", "a\n", "ü", &"x".repeat(129)] {
            assert_eq!(Sample::new(1, seed), Err(SampleError::Seed), "{seed:?}");
        }
        assert_eq!(Sample::new(0, "a"), Err(SampleError::Size));
        assert_eq!(Sample::new(100_001, "a"), Err(SampleError::Size));
    }
}
