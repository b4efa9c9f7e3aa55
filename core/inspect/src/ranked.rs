//! A set of small numbers that says of each whether it has it, and which of its own it is.
//!
//! What a text may hold is looked up for nearly every word and byte of it. A bit for each number, and a count for each 64 of
//! them, stay in the cache between calls.

/// A set of numbers below `64 * WORDS`, at most 65,535 of them.
pub(crate) struct Ranked<const WORDS: usize> {
    bits: Box<[u64; WORDS]>,
    /// How many the words of bits before hold.
    ranks: Box<[u16; WORDS]>,
}

impl<const WORDS: usize> Ranked<WORDS> {
    pub(crate) fn new(numbers: impl IntoIterator<Item = usize>) -> Self {
        let (mut bits, mut ranks) = (Box::new([0_u64; WORDS]), Box::new([0_u16; WORDS]));
        for number in numbers {
            if let Some(bits) = bits.get_mut(number / 64) {
                *bits |= 1 << (number % 64);
            }
        }
        let mut rank = 0;
        for (own, bits) in ranks.iter_mut().zip(bits.iter()) {
            *own = rank;
            rank += count(*bits);
        }
        Self { bits, ranks }
    }

    #[inline]
    pub(crate) fn has(&self, number: usize) -> bool {
        self.bits.get(number / 64).is_some_and(|bits| bits >> (number % 64) & 1 == 1)
    }

    /// How many numbers of the set are smaller, if it has this one.
    #[inline]
    pub(crate) fn rank(&self, number: usize) -> Option<usize> {
        let bits = self.bits.get(number / 64).filter(|bits| *bits >> (number % 64) & 1 == 1)?;
        Some(usize::from(self.ranks.get(number / 64)? + count(bits & ((1 << (number % 64)) - 1))))
    }
}

/// How many bits are set.
fn count(bits: u64) -> u16 {
    bits.count_ones().try_into().unwrap_or_default()
}

/// Spreads a number over all below 2^`bits`, of which there are fewer than 2^32: Fibonacci hashing, by the golden ratio.
#[inline]
pub(crate) fn spread(number: u64, bits: u32) -> usize {
    (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - bits)) as usize
}

#[cfg(test)]
mod tests {
    use super::Ranked;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn numbers_are_told_and_counted(numbers in prop::collection::btree_set(0usize..256, 0..40)) {
            let ranked = Ranked::<4>::new(numbers.iter().copied());
            let of = |number: usize, set: &BTreeSet<usize>| set.contains(&number).then(|| set.range(..number).count());
            for number in 0..300 {
                prop_assert_eq!(ranked.rank(number), of(number, &numbers));
                prop_assert_eq!(ranked.has(number), numbers.contains(&number));
            }
        }
    }
}
