//! RFC 6962 hashing, and the frontier: as little of the tree as one needs to append to it.

use crate::proof::{Hashes, Missing};
use seal::{sha256, sha256_parts};

/// A SHA-256 hash in the tree.
pub type Hash = [u8; 32];

/// Tells a leaf from a node (RFC 6962 section 2.1), so that a node's hashes cannot be presented as a record.
const LEAF: u8 = 0x00;
const NODE: u8 = 0x01;

/// Records up to this length are hashed in one call: it saves the two allocations of an incremental digest, a third
/// of the cost of a 1 KiB leaf. Longer ones are rare (the target is 2 KiB).
const SHORT: usize = 2048;

/// The hash of a record as a leaf of the tree.
#[must_use]
pub fn leaf_hash(record: &[u8]) -> Hash {
    let mut joined = [0; 1 + SHORT];
    match joined.split_first_mut().and_then(|(first, rest)| Some((first, rest.get_mut(..record.len())?))) {
        Some((first, rest)) => {
            *first = LEAF;
            rest.copy_from_slice(record);
            sha256(joined.get(..=record.len()).unwrap_or(&joined))
        }
        None => sha256_parts(&[&[LEAF], record]),
    }
}

/// The hash of a node above two others.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut joined = [NODE; 65];
    if let Some((first, second)) = joined.get_mut(1..).and_then(|hashes| hashes.split_at_mut_checked(32)) {
        first.copy_from_slice(left);
        second.copy_from_slice(right);
    }
    sha256(&joined)
}

/// The root of the tree without leaves: the hash of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    sha256(b"")
}

/// The roots of the perfect subtrees that a tree consists of, largest first: what one needs to append and to know the
/// root, and no more. At most 64 hashes.
///
/// INVARIANT: one peak for each one-bit of `size`, in the order of the bits from the highest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes peaks that were kept; `None` unless there is one for each one-bit of `size`.
    #[must_use]
    pub fn from_peaks(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (u64::from(size.count_ones()) == peaks.len() as u64).then_some(Self { size, peaks })
    }

    /// Collects the frontier of the tree of `size` leaves from stored hashes.
    ///
    /// # Errors
    /// If one of the hashes is not there.
    pub fn from_hashes(size: u64, hashes: &impl Hashes) -> Result<Self, Missing> {
        let mut peaks = Vec::with_capacity(size.count_ones() as usize);
        for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
            // The leaves before this peak are those of the higher bits.
            peaks.push(hashes.hash(level, (size >> level) - 1)?);
        }
        Ok(Self { size, peaks })
    }

    /// Appends a leaf. Costs one hash on average, 63 at worst.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            // INVARIANT of the type: a one-bit has its peak.
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// How many leaves the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root: RFC 6962's Merkle tree hash. Costs one hash less than there are peaks.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }

    /// The peaks, largest first, to be kept.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }
}

#[cfg(test)]
pub(crate) mod tests;
