//! The secret of the site, in the form that printing needs it.

use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher24x128};
use std::fmt;
use std::hash::Hasher;

/// Makes prints. Others with other keys make other prints of the same text.
///
/// SipHash-2-4 (Aumasson and Bernstein, 2012) is a pseudorandom function: without its key, a print tells nothing of what
/// it was made from.
pub struct Keys {
    /// What each letter adds to the rolling hash.
    letters: Box<[u64; 256]>,
    /// Turns a rolling hash, which is only a sum, into a print.
    print: SipHasher24,
    /// The key of all else that is made.
    prints: [u8; 16],
    /// The powers of a base, modulo [`PRIME`]: what a letter of a value counts that has so many letters behind it.
    powers: Box<[u64; POWERS]>,
    /// Makes codes for a filter.
    codes: [u64; 2],
}

/// The Mersenne prime 2^61 - 1: sums modulo it are quickly made, and of two values that differ are the same once in 2^55
/// times, whatever they are, as long as the base is secret.
const PRIME: u64 = (1 << 61) - 1;
/// Letters of the longest value, and one.
const POWERS: usize = 65;

impl Keys {
    /// Takes 32 random bytes, or a key that was derived for this use alone.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        let (mut sums, mut prints) = ([0; 16], [0; 16]);
        sums.copy_from_slice(secret.first_chunk::<16>().unwrap_or(&[0; 16]));
        prints.copy_from_slice(secret.last_chunk::<16>().unwrap_or(&[0; 16]));
        let mut letters = Box::new([0; 256]);
        for (letter, sum) in (0u64..).zip(letters.iter_mut()) {
            *sum = keyed(&sums, "letter", letter);
        }
        let base = keyed(&sums, "base", 0) % PRIME;
        let mut powers = Box::new([1; POWERS]);
        let mut power = 1;
        for place in powers.iter_mut() {
            *place = power;
            power = product(power, base);
        }
        let codes = [keyed(&sums, "code", 0), keyed(&sums, "code", 1) | 1];
        Self { letters, print: SipHasher24::new_with_key(&prints), prints, powers, codes }
    }

    /// The sum of a value that goes on with a letter.
    pub(crate) fn add(&self, sum: u64, letter: u8) -> u64 {
        let [_, base, ..] = *self.powers;
        modulo(product(sum, base) + u64::from(letter) + 1)
    }

    /// The sum of the last `letters` letters, by that of all and that of those before.
    pub(crate) fn less(&self, all: u64, before: u64, letters: usize) -> u64 {
        let power = self.powers.get(letters).copied().unwrap_or_default();
        modulo(all + PRIME - product(before, power))
    }

    /// The print of a value by its sum.
    pub(crate) fn value(&self, sum: u64) -> u64 {
        keyed(&self.prints, "value", sum)
    }

    /// What a filter goes by. Not a print: it tells something of the sum to whoever knows many values, and the sum nothing
    /// of a value to whoever does not know the base.
    pub(crate) fn code(&self, sum: u64) -> u32 {
        let [mask, factor] = self.codes;
        let mixed = (sum ^ mask).wrapping_mul(factor);
        u32::try_from((mixed ^ mixed >> 29).wrapping_mul(factor) >> 32).unwrap_or_default()
    }

    pub(crate) fn letter(&self, letter: u8) -> u64 {
        #[expect(clippy::indexing_slicing, reason = "a byte is below the table's 256")]
        self.letters[usize::from(letter)]
    }

    /// The print of a run by its rolling hash.
    pub(crate) fn print(&self, rolling: u64) -> u64 {
        self.print.hash(&rolling.to_le_bytes()) >> (64 - crate::BITS)
    }

    /// Tells files of this key from those of another.
    pub(crate) fn name(&self) -> [u8; 8] {
        keyed(&self.prints, "name", 0).to_le_bytes()
    }

    /// A keyed hash of parts, for one use: what others with other keys cannot make, nor tell anything from.
    #[must_use]
    pub fn digest(&self, use_: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut hasher = SipHasher24x128::new_with_key(&self.prints);
        for part in [use_.as_bytes()].iter().chain(parts) {
            hasher.write(&part.len().to_le_bytes());
            hasher.write(part);
        }
        hasher.finish128().as_bytes()
    }

    /// Tells a file that was damaged, or altered by somebody without the key.
    pub(crate) fn checksum(&self, bytes: &[u8]) -> [u8; 16] {
        let mut hasher = SipHasher24x128::new_with_key(&self.prints);
        hasher.write(b"file");
        hasher.write(bytes);
        hasher.finish128().as_bytes()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

fn keyed(key: &[u8; 16], use_: &str, number: u64) -> u64 {
    let mut hasher = SipHasher24::new_with_key(key);
    hasher.write(use_.as_bytes());
    hasher.write(&number.to_le_bytes());
    hasher.finish()
}

fn modulo(number: u64) -> u64 {
    let folded = (number & PRIME) + (number >> 61);
    if folded >= PRIME { folded - PRIME } else { folded }
}

fn product(one: u64, other: u64) -> u64 {
    let whole = u128::from(one) * u128::from(other);
    let low = u64::try_from(whole & u128::from(PRIME)).unwrap_or_default();
    modulo(low + u64::try_from(whole >> 61).unwrap_or_default())
}
