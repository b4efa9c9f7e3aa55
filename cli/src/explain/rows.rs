//! The findings as they are listed: the rows of a list as one.

use super::tell::Seen;
use std::collections::BTreeMap;
use std::ops::Range;

/// Findings of one kind in one text from which on they are told as one, with their number.
const MANY: usize = 12;

/// A finding as it is listed, or the many of its kind that a list has.
pub(super) struct Row<'s> {
    /// The first of them.
    pub(super) seen: &'s Seen,
    /// From the first to the last.
    pub(super) span: Range<usize>,
    /// Of all of them.
    pub(super) characters: usize,
    pub(super) count: usize,
}

/// The findings, in order; many of one kind in one text as one, where the first stands.
pub(super) fn rows(findings: &[Seen]) -> Vec<Row<'_>> {
    let kind = |seen: &'_ Seen| {
        let Seen { path, label, rule, sensitivity, done, .. } = seen;
        (path.clone(), label.clone(), rule.clone(), sensitivity.clone(), *done)
    };
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    findings.iter().for_each(|seen| *counts.entry(kind(seen)).or_default() += 1);
    let mut merged: BTreeMap<_, usize> = BTreeMap::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for seen in findings {
        let kind = kind(seen);
        if let Some(row) = merged.get(&kind).and_then(|row| rows.get_mut(*row)) {
            row.span.end = row.span.end.max(seen.span.end);
            row.characters += seen.characters;
            row.count += 1;
            continue;
        }
        if counts.get(&kind).is_some_and(|count| *count >= MANY) {
            merged.insert(kind, rows.len());
        }
        rows.push(Row { seen, span: seen.span.clone(), characters: seen.characters, count: 1 });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::{Seen, rows};

    fn seen(row: usize, label: &str) -> Seen {
        Seen {
            path: "messages[0].content".to_owned(),
            span: row * 20..row * 20 + 8,
            characters: 8,
            label: label.to_owned(),
            sensitivity: "internal".to_owned(),
            rule: label.to_owned(),
            done: "",
            area: None,
        }
    }

    #[test]
    fn a_list_of_ten_thousand_rows_is_one_finding_with_a_count() {
        let list: Vec<Seen> = (0..10_000).flat_map(|row| [seen(row, "tag"), seen(row, "setpoint")]).collect();
        let told: Vec<_> =
            rows(&list).into_iter().map(|row| (row.seen.label.as_str(), row.count, row.characters, row.span)).collect();
        assert_eq!(told, [("tag", 10_000, 80_000, 0..199_988), ("setpoint", 10_000, 80_000, 0..199_988)]);
    }

    #[test]
    fn a_few_of_a_kind_are_told_one_by_one() {
        let few: Vec<Seen> = (0..11).map(|row| seen(row, "tag")).chain([seen(11, "secret")]).collect();
        assert_eq!(rows(&few).iter().map(|row| row.count).collect::<Vec<_>>(), [1; 12]);
    }
}
