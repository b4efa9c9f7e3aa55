//! Lists of parameters, as recipes and shift logs have them: `impeller 200 rpm, chopper 1500 rpm, spray rate 120 g/min`. What is
//! listed with a name of its own and in several units of a process is set, though no word says so.

use super::Number;
use super::clause::Clause;
use super::quantity::Quantity;
use super::unit::Unit;
use crate::bytes::{Bytes, Word, is_joined};
use std::ops::Range;

/// How far one value of a list stands from the next, in bytes.
const GAP: usize = 40;

/// The lists of a text, ascending, from their first value to their last.
#[derive(Default)]
pub(super) struct Lists(Vec<Range<usize>>);

impl Lists {
    pub(super) fn new(text: Bytes<'_>, numbers: &[Number]) -> Self {
        let mut lists = Vec::new();
        let mut rest = numbers;
        while !rest.is_empty() {
            let (list, behind) = rest.split_at(length(text, rest));
            rest = behind;
            if let [first, .., last] = list
                && is_of_parameters(text, list)
            {
                lists.push(first.span.start..last.span.end);
            }
        }
        Self(lists)
    }

    pub(super) fn hold(&self, at: usize) -> bool {
        let next = self.0.partition_point(|list| list.end <= at);
        self.0.get(next).is_some_and(|list| list.contains(&at))
    }
}

/// How many of the numbers follow one another in a line.
fn length(text: Bytes<'_>, numbers: &[Number]) -> usize {
    let apart = numbers.array_windows().position(|[one, next]| {
        let gap = text.slice(one.span.end..next.span.start);
        gap.len() > GAP || gap.contains(&b'\n') || gap.windows(2).any(|signs| signs == b". ")
    });
    apart.map_or(numbers.len(), |last| last + 1)
}

/// Whether it has values of two quantities that tell of a process, or several of one that nothing else has, and a name in front
/// of one of them at least.
fn is_of_parameters(text: Bytes<'_>, list: &[Number]) -> bool {
    let process = || list.iter().filter(|number| number.unit == Some(Unit::Process));
    let mut quantities = process().filter_map(|number| number.quantity).filter(|quantity| tells(*quantity));
    let Some(first) = quantities.next() else { return false };
    let several = quantities.any(|quantity| quantity != first || alone(quantity));
    several
        && list.array_windows().any(|[before, number]| is_named(text, before.span.end, number))
        && list.first().is_some_and(|number| !Clause::around(text, &number.span).is_elsewhere())
}

/// Whether it is of a process and of nothing else that people write lists of: no plate, no size, no weather.
fn tells(quantity: Quantity) -> bool {
    use Quantity as Q;
    !matches!(quantity, Q::Length | Q::Power | Q::Current | Q::Voltage | Q::Frequency | Q::Humidity | Q::Velocity)
}

/// Whether several values of it alone make a list of parameters.
fn alone(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::Flow | Quantity::Speed | Quantity::Pressure | Quantity::Concentration)
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
    let process = number.unit == Some(Unit::Process);
    process && from < word && word < before && before < start && !Word(text.slice(word..before)).is_one_of(&JOINING)
}
