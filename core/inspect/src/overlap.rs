//! Makes hits disjoint: the most sensitive keeps its whole span, then the longest; what remains of the others
//! around it stays theirs.
//!
//! A recipe line that holds a password must neither lose the password (a looser label would then decide over
//! it) nor the rest of the line. So the line is split, not dropped.

use crate::rule::is_form;
use plant::Sensitivity;
use std::collections::BTreeMap;
use std::ops::Range;

/// A hit of one rule; spans are in bytes of one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) span: Range<usize>,
    pub(crate) sensitivity: Sensitivity,
    /// Index into the inspector's table of rules.
    pub(crate) rule: usize,
}

/// The claims as disjoint ones, in order of their spans. `text` tells remains that say nothing (`, `) apart.
pub(crate) fn resolve(mut claims: Vec<Claim>, text: &str) -> Vec<Claim> {
    claims.sort_by(|a, b| {
        // A value in a program is told by itself; among equals the program keeps what is around it.
        let strength = |claim: &Claim| (claim.sensitivity, !is_form(claim.rule), claim.span.len());
        strength(b).cmp(&strength(a)).then(a.span.start.cmp(&b.span.start)).then(a.rule.cmp(&b.rule))
    });
    // Keyed by start; values are disjoint at all times.
    let mut held: BTreeMap<usize, Claim> = BTreeMap::new();
    for claim in claims {
        for part in free(&held, &claim) {
            if part == claim.span || text.get(part.clone()).is_some_and(|part| part.chars().any(char::is_alphanumeric))
            {
                held.insert(part.start, Claim { span: part, ..claim });
            }
        }
    }
    held.into_values().collect()
}

/// The parts of the claim's span that nobody holds. A part is left only where the holder is more sensitive:
/// among equals the longest speaks for the whole, unless it covers only one end.
fn free(held: &BTreeMap<usize, Claim>, claim: &Claim) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut from = claim.span.start;
    if let Some((_, before)) = held.range(..=from).next_back() {
        from = from.max(before.span.end);
    }
    for (start, other) in held.range(claim.span.start..claim.span.end) {
        if *start > from {
            parts.push(from..*start);
        }
        from = from.max(other.span.end);
    }
    if from < claim.span.end {
        parts.push(from..claim.span.end);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{Claim, resolve};
    use plant::{Scale, Sensitivity};
    use proptest::prelude::*;

    fn step(rank: usize) -> Sensitivity {
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        Scale::new(names.clone()).and_then(|scale| scale.step(&names[rank])).expect("three steps")
    }

    fn claim(start: usize, end: usize, rank: usize) -> Claim {
        Claim { span: start..end, sensitivity: step(rank), rule: rank }
    }

    fn spans(claims: Vec<Claim>) -> Vec<(usize, usize, usize)> {
        resolve(claims, &"x".repeat(40)).into_iter().map(|c| (c.span.start, c.span.end, c.rule)).collect()
    }

    #[test]
    fn the_longest_of_equals_wins() {
        assert_eq!(spans(vec![claim(2, 5, 1), claim(0, 9, 1)]), [(0, 9, 1)]);
    }

    #[test]
    fn a_secret_inside_a_longer_finding_keeps_its_label_and_the_rest_stays() {
        assert_eq!(spans(vec![claim(0, 20, 0), claim(5, 9, 2)]), [(0, 5, 0), (5, 9, 2), (9, 20, 0)]);
    }

    proptest! {
        #[test]
        fn what_was_claimed_stays_covered_and_nothing_overlaps(
            raw in prop::collection::vec((0usize..30, 1usize..10, 0usize..3), 0..12)
        ) {
            let claims: Vec<Claim> = raw.iter().map(|(at, len, rank)| claim(*at, at + len, *rank)).collect();
            let resolved = resolve(claims.clone(), &"x".repeat(40));
            for pair in resolved.windows(2) {
                prop_assert!(pair[0].span.end <= pair[1].span.start);
            }
            for byte in 0..40 {
                let rank = |of: &[Claim]| of.iter().filter(|c| c.span.contains(&byte)).map(|c| c.sensitivity).max();
                prop_assert_eq!(rank(&claims), rank(&resolved));
            }
        }
    }
}
