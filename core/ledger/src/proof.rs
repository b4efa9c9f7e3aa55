//! Proofs that a record is in a tree, and that one tree continues another: RFC 9162 sections 2.1.3 and 2.1.4.
//!
//! Making one needs stored hashes, asked for through [`Hashes`]; checking one needs nothing but the proof.

use crate::tree::{Hash, empty_root, node_hash};

/// Stored hashes of perfect subtrees.
pub trait Hashes {
    /// The hash of the subtree over the leaves `index * 2^level .. (index + 1) * 2^level`.
    ///
    /// # Errors
    /// If it is not there.
    fn hash(&self, level: u32, index: u64) -> Result<Hash, Missing>;
}

/// A stored hash that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hash of the {index}th subtree of height {level} is missing")]
pub struct Missing {
    /// The height of the subtree.
    pub level: u32,
    /// Which of that height.
    pub index: u64,
}

/// Why a proof cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The question makes no sense: a leaf beyond the tree, or an older tree that is larger.
    #[error("there is no such proof: {small} lies beyond {size}")]
    Beyond {
        /// The leaf or the older size.
        small: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A hash is not there.
    #[error(transparent)]
    Missing(#[from] Missing),
}

/// The path from leaf `index` to the root of the tree of `size` leaves (RFC 9162 section 2.1.3.1).
///
/// # Errors
/// If the leaf is not in the tree, or a hash is not there.
pub fn prove_inclusion(index: u64, size: u64, hashes: &impl Hashes) -> Result<Vec<Hash>, ProofError> {
    if index >= size {
        return Err(ProofError::Beyond { small: index, size });
    }
    let mut path = Vec::new();
    let (mut begin, mut end) = (0, size);
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push(range_hash(middle, end, hashes)?);
            end = middle;
        } else {
            path.push(range_hash(begin, middle, hashes)?);
            begin = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `size` leaves continues that of `old` leaves (RFC 9162 section 2.1.4.1).
///
/// # Errors
/// If the old tree is the larger one, or a hash is not there.
pub fn prove_consistency(old: u64, size: u64, hashes: &impl Hashes) -> Result<Vec<Hash>, ProofError> {
    if old > size {
        return Err(ProofError::Beyond { small: old, size });
    }
    if old == 0 || old == size {
        return Ok(Vec::new());
    }
    let mut path = Vec::new();
    let (mut begin, mut end) = (0, size);
    // INVARIANT: begin < old <= end, so the loop ends at a subtree that the old tree has whole.
    while old != end {
        let middle = begin + split(end - begin);
        if old <= middle {
            path.push(range_hash(middle, end, hashes)?);
            end = middle;
        } else {
            path.push(range_hash(begin, middle, hashes)?);
            begin = middle;
        }
    }
    if begin != 0 {
        path.push(range_hash(begin, end, hashes)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether `proof` leads from `leaf` at `index` to the root of the tree of `size` leaves (RFC 9162 section 2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    lead(leaf, index, size, proof).is_some_and(|computed| computed == *root)
}

/// The root of the tree of `size` leaves to which `proof` leads from `leaf` at `index`, if it is of the right shape.
pub(crate) fn lead(leaf: &Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    let (mut node, mut last, mut hash) = (index, size.checked_sub(1)?, *leaf);
    if node > last {
        return None;
    }
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Whether `proof` shows that the tree `(size, root)` continues the tree `(old, old_root)` (RFC 9162 section 2.1.4.2).
#[must_use]
pub fn verify_consistency(old: u64, old_root: &Hash, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    if old > size {
        return false;
    }
    if old == size {
        return proof.is_empty() && old_root == root;
    }
    if old == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    // A whole old tree is its own first step, and is then left out of the proof.
    let (first, rest) = match (old.is_power_of_two(), proof.split_first()) {
        (true, _) => (*old_root, proof),
        (false, Some((first, rest))) => (*first, rest),
        (false, None) => return false,
    };
    let shift = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> shift, (size - 1) >> shift);
    let (mut before, mut after) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            before = node_hash(sibling, &before);
            after = node_hash(sibling, &after);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            after = node_hash(&after, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && before == *old_root && after == *root
}

/// The hash over the leaves `begin..end`, a subtree of RFC 6962's recursion: perfect subtrees, the left ones larger.
fn range_hash(begin: u64, end: u64, hashes: &impl Hashes) -> Result<Hash, Missing> {
    let mut peaks = Vec::new();
    let mut begin = begin;
    while begin < end {
        let level = (end - begin).ilog2();
        peaks.push(hashes.hash(level, begin >> level)?);
        begin += 1 << level;
    }
    let mut peaks = peaks.into_iter().rev();
    let last = peaks.next().unwrap_or_else(empty_root);
    Ok(peaks.fold(last, |right, left| node_hash(&left, &right)))
}

/// The largest power of two below `count`, which is at least two.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
mod tests;
