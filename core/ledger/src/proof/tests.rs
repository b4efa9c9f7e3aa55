//! Every proof of every small tree against the standard's definition; hostile sizes and paths.

use super::{Hashes, Missing, ProofError, prove_consistency, prove_inclusion, verify_consistency, verify_inclusion};
use crate::tree::tests::{leaves, naive_root};
use crate::tree::{Frontier, Hash};
use proptest::prelude::{prop, proptest};

/// A tree kept as its leaves.
struct Leaves(Vec<Hash>);

impl Hashes for Leaves {
    fn hash(&self, level: u32, index: u64) -> Result<Hash, Missing> {
        let begin = usize::try_from(index << level).unwrap();
        self.0.get(begin..begin + (1 << level)).map(naive_root).ok_or(Missing { level, index })
    }
}

/// RFC 6962 section 2.1.1 word for word.
fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, sibling) = match index.checked_sub(left.len()) {
        None => (naive_path(index, left), naive_root(right)),
        Some(index) => (naive_path(index, right), naive_root(left)),
    };
    path.push(sibling);
    path
}

/// RFC 6962 section 2.1.2 word for word.
fn naive_consistency(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, sibling) = match old.checked_sub(left.len()) {
        None | Some(0) => (naive_consistency(old, left, whole), naive_root(right)),
        Some(old) => (naive_consistency(old, right, false), naive_root(left)),
    };
    path.push(sibling);
    path
}

#[test]
fn every_proof_of_every_small_tree_is_that_of_the_standard_and_verifies() {
    for size in 1..=70_u64 {
        let tree = Leaves(leaves(size));
        let root = naive_root(&tree.0);
        for index in 0..size {
            let path = prove_inclusion(index, size, &tree).unwrap();
            assert_eq!(path, naive_path(usize::try_from(index).unwrap(), &tree.0), "{index} of {size}");
            assert!(verify_inclusion(&tree.0[usize::try_from(index).unwrap()], index, size, &path, &root));
        }
        for old in 0..=size {
            let count = usize::try_from(old).unwrap();
            let (path, old_root) = (prove_consistency(old, size, &tree).unwrap(), naive_root(&tree.0[..count]));
            if old > 0 {
                assert_eq!(path, naive_consistency(count, &tree.0, true), "{old} to {size}");
            }
            assert!(verify_consistency(old, &old_root, size, &root, &path), "{old} to {size}");
        }
    }
}

#[test]
fn what_has_no_proof_is_refused() {
    let tree = Leaves(leaves(5));
    assert_eq!(prove_inclusion(5, 5, &tree), Err(ProofError::Beyond { small: 5, size: 5 }));
    assert_eq!(prove_consistency(6, 5, &tree), Err(ProofError::Beyond { small: 6, size: 5 }));
    assert_eq!(prove_inclusion(0, 8, &tree), Err(Missing { level: 2, index: 1 }.into()));
    assert!(Frontier::from_hashes(6, &tree).is_err());
    assert_eq!(Frontier::from_hashes(5, &tree).unwrap().root(), naive_root(&tree.0));
}

#[test]
fn hostile_sizes_and_paths_do_not_verify_or_run_away() {
    let hash = [1; 32];
    for size in [0, 1, 2, u64::MAX >> 1, u64::MAX] {
        for index in [0, 1, size.wrapping_sub(1), size, u64::MAX] {
            for length in [0, 1, 63, 64, 65, 1000] {
                let path = vec![hash; length];
                let lucky = size == 1 && index == 0 && length == 0;
                assert_eq!(verify_inclusion(&hash, index, size, &path, &hash), lucky, "{index} {size} {length}");
                let same = index == size && length == 0;
                assert_eq!(verify_consistency(index, &hash, size, &hash, &path), same, "{index} {size} {length}");
            }
        }
    }
}

proptest! {
    #[test]
    fn a9_a_proof_verifies_only_as_it_is(
        size in 1_u64..600, pick: prop::sample::Index, other: prop::sample::Index, spot: prop::sample::Index, bit in 0_u8..8,
    ) {
        let tree = Leaves(leaves(size));
        let (root, index) = (naive_root(&tree.0), pick.index(tree.0.len()));
        let leaf = tree.0[index];
        let index = index as u64;
        let path = prove_inclusion(index, size, &tree).unwrap();
        let included = |leaf: &Hash, index, size, path: &[Hash], root: &Hash| verify_inclusion(leaf, index, size, path, root);
        assert!(included(&leaf, index, size, &path, &root));
        let elsewhere = other.index(tree.0.len()) as u64;
        assert!(elsewhere == index || !included(&leaf, elsewhere, size, &path, &root));
        assert!(!included(&[0; 32], index, size, &path, &root));
        assert!(!included(&leaf, index, size, &path, &leaf) || size == 1);
        let longer = [path.as_slice(), &[root]].concat();
        assert!(!included(&leaf, index, size, &longer, &root));
        if !path.is_empty() {
            assert!(!included(&leaf, index, size, &path[1..], &root));
            let mut flipped = path.clone();
            flipped[spot.index(path.len())][usize::from(bit)] ^= 1 << bit;
            assert!(!included(&leaf, index, size, &flipped, &root));
        }
    }

    #[test]
    fn a_tree_that_was_rewritten_is_not_consistent(size in 2_u64..600, cut: prop::sample::Index, change: prop::sample::Index) {
        let tree = Leaves(leaves(size));
        let old = cut.index(tree.0.len()) + 1;
        let mut other = tree.0[..old].to_vec();
        other[change.index(old)] = [9; 32];
        let path = prove_consistency(old as u64, size, &tree).unwrap();
        let root = naive_root(&tree.0);
        assert!(verify_consistency(old as u64, &naive_root(&tree.0[..old]), size, &root, &path));
        assert!(!verify_consistency(old as u64, &naive_root(&other), size, &root, &path));
        assert!(!verify_consistency(old as u64, &naive_root(&tree.0[..old]), size, &[9; 32], &path));
    }
}
