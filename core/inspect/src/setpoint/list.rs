//! Lists of parameters, as recipes and shift logs have them: `impeller 200 rpm, chopper 1500 rpm, spray rate 120 g/min`. What is
//! listed with a name of its own and in several units of a process is set, though no word says so.

use super::Number;
use super::clause::Clause;
use super::quantity::Quantity;
use crate::bytes::{Bytes, Word, is_joined};
use std::ops::Range;

/// How far one value of a list stands from the next, in bytes.
const GAP: usize = 40;

/// The lists of a text, ascending, from their first value to their last.
#[derive(Default)]
pub(super) struct Lists {
    parameters: Vec<Range<usize>>,
    plates: Vec<Range<usize>>,
}

impl Lists {
    pub(super) fn new(text: Bytes<'_>, numbers: &[Number]) -> Self {
        let mut lists = Self::default();
        let mut rest = numbers;
        while !rest.is_empty() {
            let (list, behind) = rest.split_at(length(text, rest));
            rest = behind;
            if let [first, .., last] = list {
                let span = first.span.start..last.span.end;
                if is_of_parameters(text, list) {
                    lists.parameters.push(span);
                } else if is_plate(list) {
                    lists.plates.push(span);
                }
            }
        }
        lists
    }

    /// Whether what stands at `at` is one of several parameters.
    pub(super) fn hold(&self, at: usize) -> bool {
        contains(&self.parameters, at)
    }

    /// Whether it is one of several values that a machine's plate has.
    pub(super) fn is_plate(&self, at: usize) -> bool {
        contains(&self.plates, at)
    }
}

fn contains(lists: &[Range<usize>], at: usize) -> bool {
    let next = lists.partition_point(|list| list.end <= at);
    lists.get(next).is_some_and(|list| list.contains(&at))
}

/// Whether it has a power, a current, a voltage or a frequency, and beside such only speeds, sizes and masses.
fn is_plate(list: &[Number]) -> bool {
    use Quantity as Q;
    let quantities = || list.iter().filter_map(|number| number.quantity);
    quantities().any(Q::is_of_plates)
        && quantities()
            .all(|quantity| quantity.is_of_plates() || matches!(quantity, Q::Speed | Q::Length | Q::Mass | Q::Volume))
}

/// How many of the numbers follow one another in a line.
fn length(text: Bytes<'_>, numbers: &[Number]) -> usize {
    let apart = numbers.array_windows().position(|[one, next]| {
        let gap = text.slice(one.span.end..next.span.start);
        gap.len() > GAP || gap.contains(&b'\n') || gap.windows(2).any(|signs| signs == b". ")
    });
    apart.map_or(numbers.len(), |last| last + 1)
}

/// Whether it has a value of a quantity that tells of a process by itself, and a name in front of one at least.
fn is_of_parameters(text: Bytes<'_>, list: &[Number]) -> bool {
    !is_plate(list)
        && list.iter().any(|number| number.is_evident(text))
        && list.array_windows().any(|[before, number]| is_named(text, before.span.end, number))
        && list.first().is_some_and(|number| !Clause::around(text, &number.span).is_elsewhere())
}

/// Whether a name stands in front of the value, behind what ends at `from`: not a word that joins it to a sentence.
fn is_named(text: Bytes<'_>, from: usize, number: &Number) -> bool {
    const JOINING: [&str; 28] = [
        "at", "of", "is", "was", "were", "are", "has", "have", "had", "with", "to", "from", "for", "in", "by", "than",
        "and", "or", "bei", "mit", "auf", "von", "und", "ist", "war", "hat", "bis", "der",
    ];
    let start = number.span.start;
    let before = text.run_back(start, 3, |b| matches!(b, b' ' | b':' | b'='));
    let word = text.run_back(before, 32, |b| is_joined(b) || b >= 0x80);
    number.unit.is_some()
        && from < word
        && word < before
        && before < start
        && !Word(text.slice(word..before)).is_one_of(&JOINING)
}
