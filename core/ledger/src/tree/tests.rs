//! The tree against the vectors of Certificate Transparency, and leaf by leaf.

use super::{Frontier, Hash, empty_root, leaf_hash, node_hash};
use proptest::prelude::{any, prop, proptest};
use seal::{hex, sha256_parts};

/// RFC 6962 section 2.1 word for word: slow, and the measure of everything else.
pub(crate) fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

pub(crate) fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

#[test]
fn hashing_agrees_with_the_vectors_of_certificate_transparency() {
    // The reference test vectors of RFC 6962's first implementation: the leaves "", 00, 10, 2021, 3031, ...
    let records: [&[u8]; 4] = [b"", b"\0", b"\x10", b"\x20\x21"];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    let mut frontier = Frontier::new();
    assert_eq!(hex(&frontier.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (record, root) in records.iter().zip(roots) {
        frontier.push(leaf_hash(record));
        assert_eq!(hex(&frontier.root()), root);
    }
}

#[test]
fn a_leaf_hashes_the_same_on_both_sides_of_the_short_cut() {
    for length in [0, 1, 2047, 2048, 2049, 65_535] {
        let record = vec![7; length];
        assert_eq!(leaf_hash(&record), sha256_parts(&[&[0], &record]), "{length}");
    }
}

#[test]
fn peaks_that_do_not_fit_the_size_are_refused() {
    let frontier = leaves(11).into_iter().fold(Frontier::new(), |mut frontier, leaf| {
        frontier.push(leaf);
        frontier
    });
    assert_eq!(Frontier::from_peaks(11, frontier.peaks().to_vec()), Some(frontier.clone()));
    assert_eq!(Frontier::from_peaks(12, frontier.peaks().to_vec()), None);
    assert_eq!(Frontier::from_peaks(0, Vec::new()), Some(Frontier::new()));
}

proptest! {
    #[test]
    fn the_frontier_has_the_root_of_the_whole_tree(records in prop::collection::vec(any::<[u8; 4]>(), 0..200)) {
        let leaves: Vec<Hash> = records.iter().map(|record| leaf_hash(record)).collect();
        let mut frontier = Frontier::new();
        for (count, leaf) in leaves.iter().enumerate() {
            assert_eq!(frontier.root(), naive_root(&leaves[..count]));
            frontier.push(*leaf);
        }
        assert_eq!((frontier.root(), frontier.size()), (naive_root(&leaves), leaves.len() as u64));
    }
}
