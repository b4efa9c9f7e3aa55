//! A set of places in a chapter, a bit for each.

/// Most places of a chapter: as many as 16 bits tell apart.
pub(crate) const WIDTH: u64 = 1 << 16;
const WORDS: usize = (WIDTH / 64) as usize;
/// Bytes of a set that is stored in bits; up to as many places are stored as numbers.
pub(crate) const BYTES: usize = WORDS * 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set(Box<[u64]>);

impl Set {
    pub(crate) fn none() -> Self {
        Self(vec![0; WORDS].into())
    }

    pub(crate) fn insert(&mut self, place: u16) {
        if let Some(word) = self.0.get_mut(usize::from(place >> 6)) {
            *word |= 1 << (place & 63);
        }
    }

    /// Takes in the places from one to another, the other not included.
    pub(crate) fn insert_all(&mut self, places: std::ops::Range<u64>) {
        for place in places {
            if let Ok(place) = u16::try_from(place) {
                self.insert(place);
            }
        }
    }

    pub(crate) fn and(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    pub(crate) fn or(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Its places below one, the highest first.
    pub(crate) fn below(&self, end: u64) -> impl Iterator<Item = u16> + '_ {
        let words = (0..WIDTH / 64).rev().zip(self.0.iter().rev()).filter(|(_, word)| **word != 0);
        let bits = words.flat_map(|(at, word)| {
            let word = *word;
            (0..64).rev().filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        });
        bits.skip_while(move |place| *place >= end).filter_map(|place| u16::try_from(place).ok())
    }

    /// The places as they are stored: as numbers while these are shorter, else as bits.
    pub(crate) fn store(places: &[u16], into: &mut Vec<u8>) {
        if places.len() * 2 < BYTES {
            into.extend(places.iter().flat_map(|place| place.to_le_bytes()));
            return;
        }
        let mut set = Self::none();
        places.iter().for_each(|place| set.insert(*place));
        into.extend(set.0.iter().flat_map(|word| word.to_le_bytes()));
    }

    /// How many bytes so many places are stored in.
    pub(crate) fn length(places: usize) -> usize {
        (places * 2).min(BYTES)
    }

    /// Reads what [`Self::store`] has written.
    pub(crate) fn load(bytes: &[u8]) -> Self {
        let mut set = Self::none();
        if bytes.len() < BYTES {
            bytes.as_chunks::<2>().0.iter().for_each(|place| set.insert(u16::from_le_bytes(*place)));
        } else {
            set.0.iter_mut().zip(bytes.as_chunks::<8>().0).for_each(|(word, bits)| *word = u64::from_le_bytes(*bits));
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::Set;

    #[test]
    fn a_set_is_read_as_it_was_stored_however_full_it_is() {
        for step in [1_usize, 2, 15, 16, 17, 1000, 65_535] {
            let places: Vec<u16> = (0..=u16::MAX).step_by(step).collect();
            let mut bytes = Vec::new();
            Set::store(&places, &mut bytes);
            assert_eq!(bytes.len(), Set::length(places.len()));
            let set = Set::load(&bytes);
            assert!(set.below(1 << 16).eq(places.iter().rev().copied()), "{step}");
            assert!(set.below(1000).eq(places.iter().rev().copied().filter(|place| *place < 1000)), "{step}");
        }
        assert!(Set::load(&[]).is_empty());
    }
}
