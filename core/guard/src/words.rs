//! How words are looked up: FNV-1a (draft-eastlake-fnv), which is short and quick on words. What is looked up in are fixed
//! lists, so nobody can fill them with words that collide.

use std::hash::{BuildHasher, Hasher};

/// Makes [`Fnv`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Words;

/// The hash of one word.
#[derive(Debug)]
pub(crate) struct Fnv(u64);

impl BuildHasher for Words {
    type Hasher = Fnv;

    fn build_hasher(&self) -> Fnv {
        Fnv(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    fn finish(&self) -> u64 {
        // The table takes its place from the low bits and a tag from the high ones.
        self.0 ^ self.0.rotate_left(32)
    }
}
