//! Postal addresses: streets with their number in English and German, and what stands behind `address:`.

use crate::bytes::{Bytes, is_blank, is_digit, is_joined};
use std::ops::Range;

/// What English and German streets end in; with a blank in front where it is a word of its own.
pub(crate) const STREETS: [&str; 13] = [
    " street",
    " avenue",
    " road",
    " lane",
    " boulevard",
    " blvd",
    " terrace",
    " crescent",
    "straße",
    "strasse",
    "str.",
    "allee",
    "gasse",
];

/// Labels in front.
pub(crate) const LABELS: [&str; 4] = ["address: ", "anschrift: ", "adresse: ", "lives at "];

/// The street and number around the word for a street.
pub(crate) fn street(text: Bytes<'_>, word: Range<usize>) -> Option<Range<usize>> {
    if is_joined(text.at(word.end)) {
        return None;
    }
    if text.at(word.start) == b' ' { english(text, &word) } else { german(text, &word) }
}

/// `338 17 St Omers Road`: a number, up to three capitalised words, the street.
fn english(text: Bytes<'_>, word: &Range<usize>) -> Option<Range<usize>> {
    if !text.at(word.start + 1).is_ascii_uppercase() {
        return None;
    }
    let mut at = word.start;
    for _ in 0..4 {
        let start =
            text.run_back(at, 24, |b| b.is_ascii_alphanumeric() || b >= 0x80 || matches!(b, b'\'' | b'-' | b'.'));
        let first = text.at(start);
        if first.is_ascii_digit() && start < at && at < word.start {
            return Some(start..town(text, word.end));
        }
        if start == at || !(first.is_ascii_uppercase() || first >= 0x80) || !is_blank(text.before(start)) {
            return None;
        }
        at = start - 1;
    }
    None
}

/// `Hauptstraße 12a`, `Berliner Str. 5`: a capitalised name, the street, a number.
fn german(text: Bytes<'_>, word: &Range<usize>) -> Option<Range<usize>> {
    let letter = |b: u8| b.is_ascii_alphabetic() || b >= 0x80 || b == b'-';
    let start = text.run_back(word.start, 40, letter);
    // `Berliner Straße`: the name is a word of its own.
    let name = text.run_back(start.saturating_sub(1), 40, letter);
    let begin = if start < word.start && text.at(start).is_ascii_uppercase() {
        start
    } else if start == word.start && is_blank(text.before(start)) && text.at(name).is_ascii_uppercase() {
        name
    } else {
        return None;
    };
    let number = text.run(word.end, 2, is_blank);
    let end = text.run(number, 4, is_digit);
    let end = end + usize::from(end > number && text.at(end).is_ascii_lowercase() && !is_joined(text.at(end + 1)));
    (number > word.end && end > number && !is_joined(text.at(end))).then(|| begin..town(text, end))
}

/// The postcode and town that follow: `, 04229 Leipzig`.
fn town(text: Bytes<'_>, from: usize) -> usize {
    let at = text.run(from, 3, |b| matches!(b, b',' | b' ' | b'\n'));
    let code = text.run(at, 6, |b| b.is_ascii_digit());
    let name = text.run(code, 1, |b| b == b' ');
    let end = text.run(name, 40, |b| b.is_ascii_alphabetic() || b >= 0x80 || b == b'-');
    if at > from && (4..=5).contains(&(code - at)) && name > code && text.at(name).is_ascii_uppercase() {
        end
    } else {
        from
    }
}

/// The rest of the line behind a label, if a name and a number are in it: not `address: 10.0.0.1`.
pub(crate) fn labelled(text: Bytes<'_>, label: Range<usize>) -> Option<Range<usize>> {
    let telling = text.words_before(label.start).next();
    if telling.is_some_and(|word| {
        word.is_one_of(&["ip", "mac", "email", "mail", "node", "memory", "network", "modbus", "web"])
    }) {
        return None;
    }
    let end = text.run(label.end, 120, |b| !matches!(b, b'\n' | b'\r' | b';' | b'"'));
    let value = text.slice(label.end..end);
    let words = value.split(|b| !(b.is_ascii_alphabetic() || *b >= 0x80));
    let named = words.filter(|word| word.len() > 2 && word.first().is_some_and(u8::is_ascii_uppercase)).count() > 0;
    let plain = !value.contains(&b'@') && !value.contains(&b'=') && value.len() >= 10;
    (named && plain && value.iter().any(u8::is_ascii_digit)).then_some(label.end..end)
}
