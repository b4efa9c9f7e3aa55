//! Whether two signed heads of one ledger can both be true (attacks A7 and A11).
//!
//! A list of records has one root, and a longer list has one root for each of its beginnings (RFC 6962 section 2.1). Two
//! signatures of one key under heads that contradict this convict the key's holder, whoever shows them.

use crate::checkpoint::Checkpoint;
use crate::proof::{Hashes, prove_consistency, verify_consistency};
use crate::tree::{Frontier, Hash};

/// How two heads of one ledger stand to each other. Complete: there is nothing between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// One continues the other.
    Agree,
    /// No list of records has both.
    Contradict,
    /// The stored hashes do not lead from one to the other, or the heads are of different ledgers.
    Unproven,
}

/// Compares two heads whose signatures have been checked. Heads of one size need no hashes; of two sizes, the hashes must
/// be those of the larger one's tree. They need not be believed: what they claim is proved against the larger root.
#[must_use]
pub fn compare(one: &Checkpoint, other: &Checkpoint, hashes: &impl Hashes) -> Comparison {
    if one.origin != other.origin {
        return Comparison::Unproven;
    }
    let (small, large) = if one.size <= other.size { (one, other) } else { (other, one) };
    let root = if small.size == large.size { Some(large.root) } else { beginning(small.size, large, hashes) };
    match root {
        Some(root) if root == small.root => Comparison::Agree,
        Some(_) => Comparison::Contradict,
        None => Comparison::Unproven,
    }
}

/// The one root that the first `size` records under `head` have; `None` if the hashes do not prove it.
fn beginning(size: u64, head: &Checkpoint, hashes: &impl Hashes) -> Option<Hash> {
    let root = Frontier::from_hashes(size, hashes).ok()?.root();
    let proof = prove_consistency(size, head.size, hashes).ok()?;
    verify_consistency(size, &root, head.size, &head.root, &proof).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::{Comparison, compare};
    use crate::checkpoint::Checkpoint;
    use crate::proof::{Hashes, Missing};
    use crate::tree::{Frontier, Hash, leaf_hash, node_hash};

    /// All hashes of a list of leaves.
    struct Leaves(Vec<Hash>);

    impl Hashes for Leaves {
        fn hash(&self, level: u32, index: u64) -> Result<Hash, Missing> {
            match level.checked_sub(1) {
                None => self.0.get(usize::try_from(index).unwrap()).copied().ok_or(Missing { level, index }),
                Some(below) => Ok(node_hash(&self.hash(below, index * 2)?, &self.hash(below, index * 2 + 1)?)),
            }
        }
    }

    /// Records of a history that leaves the first one at record 5.
    fn history(name: &str, size: u64) -> Leaves {
        Leaves(
            (0..size)
                .map(|seq| leaf_hash(format!("{} {seq}", if seq < 5 { "one" } else { name }).as_bytes()))
                .collect(),
        )
    }

    fn head(leaves: &Leaves, size: u64) -> Checkpoint {
        let mut frontier = Frontier::new();
        leaves.0.iter().take(usize::try_from(size).unwrap()).for_each(|leaf| frontier.push(*leaf));
        Checkpoint { origin: "log".to_owned(), size, root: frontier.root() }
    }

    #[test]
    fn heads_of_one_history_agree_and_those_of_two_contradict_each_other_at_every_size() {
        let (one, other) = (history("one", 40), history("other", 40));
        for small in 0..=40 {
            for large in small..=40 {
                let (mine, theirs) = (head(&one, small), head(&other, small));
                let later = head(&one, large);
                assert_eq!(compare(&mine, &later, &one), Comparison::Agree, "{small} {large}");
                let expected = if small <= 5 { Comparison::Agree } else { Comparison::Contradict };
                assert_eq!(compare(&later, &theirs, &one), expected, "{small} {large}");
            }
        }
    }

    #[test]
    fn hashes_that_do_not_lead_to_the_larger_head_prove_nothing() {
        let (one, other) = (history("one", 40), history("other", 40));
        let (small, large) = (head(&one, 17), head(&one, 33));
        assert_eq!(compare(&small, &large, &other), Comparison::Unproven);
        assert_eq!(compare(&small, &large, &history("one", 20)), Comparison::Unproven);
        assert_eq!(compare(&small, &large, &Leaves(Vec::new())), Comparison::Unproven);
        let another = Checkpoint { origin: "another".to_owned(), ..small.clone() };
        assert_eq!(compare(&another, &Checkpoint { root: [0; 32], ..small }, &one), Comparison::Unproven);
    }

    #[test]
    fn stored_hashes_above_the_leaves_that_are_altered_convict_nobody() {
        struct Altered(Leaves);
        impl Hashes for Altered {
            fn hash(&self, level: u32, index: u64) -> Result<Hash, Missing> {
                if (level, index) == (4, 0) { Ok([7; 32]) } else { self.0.hash(level, index) }
            }
        }
        let one = history("one", 40);
        let heads = (head(&one, 17), head(&one, 33));
        assert_eq!(compare(&heads.0, &heads.1, &Altered(one)), Comparison::Unproven);
    }
}
