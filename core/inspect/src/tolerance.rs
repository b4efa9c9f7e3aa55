//! Tolerances: limits of a size (`25 ±0.01`, `162.5 +0.05/-0`), fits of ISO 286 (`Ø25 H7/g6`), geometrical tolerances of
//! ISO 1101 (`flatness 0.02`, `⌖ 0.05`) and surfaces (`Ra 1.6`).

use crate::bytes::{Bytes, is_blank, is_digit, is_joined, is_word};
use std::ops::Range;

/// Words for geometrical tolerances, English and German. Found by the automaton.
pub(crate) const GEOMETRY: [&str; 22] = [
    "flatness",
    "straightness",
    "roundness",
    "circularity",
    "cylindricity",
    "parallelism",
    "perpendicularity",
    "angularity",
    "concentricity",
    "coaxiality",
    "symmetry",
    "true position",
    "runout",
    "run-out",
    "ebenheit",
    "geradheit",
    "rundheit",
    "parallelität",
    "rechtwinkligkeit",
    "rundlauf",
    "planlauf",
    "koaxialität",
];

/// Letters of ISO 286-1 that fits are made of, as shafts; holes have the same in capitals.
const DEVIATIONS: [&str; 27] = [
    "a", "b", "c", "cd", "d", "e", "ef", "f", "fg", "g", "h", "js", "j", "k", "m", "n", "p", "r", "s", "t", "u", "v",
    "x", "y", "z", "za", "zb",
];

/// The size and its tolerance, if the number whose first digit is at `start` has one.
pub(crate) fn size(text: Bytes<'_>, start: usize) -> Option<Range<usize>> {
    if is_word(text.before(start)) && diameter(text, start).is_none() || text.before(start) == b'.' {
        return None;
    }
    let end = decimal(text, start);
    let at = text.run(end, 4, is_blank);
    let begin = diameter(text, start);
    let close = limits(text, at).or_else(|| fit(text, at, || begin.is_some() || named(text, start)))?;
    let unit = text.run(close, 2, is_blank);
    let unit_end = text.run(unit, 3, |b| b.is_ascii_alphabetic() || b >= 0x80);
    let known =
        matches!(text.slice(unit..unit_end), b"mm" | b"cm" | b"m" | b"um" | b"in") || text.continues(unit, "µm");
    let close = if !known { close } else { unit_end };
    Some(begin.unwrap_or(start)..close)
}

/// `±0.02`, `+0.05/-0`, `+0,02 -0,01`, `+/-0.1`.
fn limits(text: Bytes<'_>, at: usize) -> Option<usize> {
    let both = |from: usize| Some(decimal(text, text.run(from, 2, is_blank))).filter(|end| is_digit(text.before(*end)));
    if text.slice(at..at + 2) == "±".as_bytes() {
        return both(at + 2);
    }
    if text.slice(at..at + 3) == b"+/-" {
        return both(at + 3);
    }
    if text.at(at) != b'+' || !is_digit(text.at(at + 1)) {
        return None;
    }
    let upper = decimal(text, at + 1);
    let lower = text.run(upper, 3, |b| is_blank(b) || b == b'/');
    let fits = lower > upper && matches!(text.at(lower), b'-' | b'+') && is_digit(text.at(lower + 1));
    fits.then(|| decimal(text, lower + 1))
}

/// `H7`, `h6`, `H7/g6`: alone only where a diameter or a word for a fit stands in front.
fn fit(text: Bytes<'_>, at: usize, told: impl FnOnce() -> bool) -> Option<usize> {
    let first = class(text, at)?;
    let second = (text.at(first) == b'/').then(|| class(text, first + 1)).flatten();
    let end = second.unwrap_or(first);
    (!is_joined(text.at(end)) && (second.is_some() || told())).then_some(end)
}

/// A tolerance class: letters of a deviation, a grade from 1 to 18 (or 01).
fn class(text: Bytes<'_>, at: usize) -> Option<usize> {
    let letters = text.run(at, 2, |b| b.is_ascii_alphabetic());
    let end = text.run(letters, 2, is_digit);
    if letters == at || end == letters {
        return None;
    }
    let name = text.slice(at..letters);
    let one_case = name.iter().all(u8::is_ascii_uppercase) || name.iter().all(u8::is_ascii_lowercase);
    let grade = std::str::from_utf8(text.slice(letters..end)).ok()?.parse::<u8>().ok()?;
    let known = DEVIATIONS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes())) || name == b"JS";
    (one_case && known && (1..=18).contains(&grade)).then_some(end)
}

/// Where the sign of a diameter stands in front of a number.
fn diameter(text: Bytes<'_>, start: usize) -> Option<usize> {
    let at = text.run_back(start, 2, is_blank);
    let signs = ["Ø", "ø", "⌀", "∅"];
    signs
        .iter()
        .map(|sign| at.wrapping_sub(sign.len()))
        .zip(signs)
        .find(|(from, sign)| *from < at && text.slice(*from..at) == sign.as_bytes())
        .map(|(from, _)| from)
}

fn named(text: Bytes<'_>, start: usize) -> bool {
    text.words_before(start).any(|word| {
        word.is_one_of(&[
            "bore",
            "shaft",
            "fit",
            "hole",
            "pin",
            "diameter",
            "dia",
            "bohrung",
            "welle",
            "passung",
            "durchmesser",
            "passmaß",
            "zapfen",
        ])
    })
}

/// The geometrical tolerance that a word or sign ends at `at` begins: `flatness of 0.02 mm`, `⌖ Ø0.05 A B`.
pub(crate) fn geometry(text: Bytes<'_>, word: Range<usize>) -> Option<Range<usize>> {
    if is_joined(text.before(word.start)) || is_joined(text.at(word.end)) {
        return None;
    }
    let mut at = text.run(word.end, 4, |b| is_blank(b) || matches!(b, b':' | b'=' | b'<' | b'|'));
    for link in ["tolerance ", "of ", "within ", "is ", "von ", "≤ ", "≤", "Ø", "ø", "⌀"] {
        if text.slice(at..at + link.len()) == link.as_bytes() {
            at += link.len();
        }
    }
    let end = decimal(text, at);
    // A tolerance is a part of a millimetre: `symmetry 3` is none.
    let small = text.at(at) == b'0' && matches!(text.at(at + 1), b'.' | b',');
    (end > at && small && !is_joined(text.at(end))).then_some(word.start..end)
}

/// `Ra 1.6`, `Rz 6,3`: the word at `start` has two letters.
pub(crate) fn surface(text: Bytes<'_>, start: usize) -> Option<Range<usize>> {
    let at = text.run(start + 2, 3, |b| is_blank(b) || b == b'=' || b == b'<');
    let end = decimal(text, at);
    let fits = matches!(text.slice(start..start + 2), b"Ra" | b"Rz") && end > at && !is_joined(text.at(end));
    fits.then_some(start..end)
}

fn decimal(text: Bytes<'_>, start: usize) -> usize {
    let end = text.run(start, 12, is_digit);
    let more = end > start && matches!(text.at(end), b'.' | b',') && is_digit(text.at(end + 1));
    if more { text.run(end + 1, 12, is_digit) } else { end }
}
