//! Instrument tags after ISA-5.1: `TIC-101`, `FV_203A`, `10-PT-4711`, `PIC101.PV`.
//!
//! The first letter is what is measured, the rest what is done with it (ISA-5.1, table 4.1). Reading the letters
//! tells `PDIT-100` from `MATH-101`; what is spelled like a tag and is none is listed by name.

use crate::bytes::{Bytes, is_digit, is_joined};
use std::ops::Range;

/// What can be done with a measured variable. Sorted.
const FUNCTIONS: [&str; 58] = [
    "A", "AH", "AHH", "AL", "ALL", "C", "CA", "CV", "E", "G", "I", "IA", "IAH", "IAL", "IC", "ICA", "ICR", "ICSA",
    "IR", "IRC", "IS", "ISA", "ISH", "ISL", "IT", "ITC", "IZ", "QI", "QIC", "QIT", "QT", "R", "RA", "RC", "S", "SA",
    "SC", "SD", "SE", "SH", "SHH", "SHL", "SL", "SLL", "SO", "ST", "SV", "SY", "T", "TA", "TC", "TI", "V", "W", "XV",
    "Y", "Z", "ZA",
];

/// Letters between variable and function: difference, ratio, total, rate, safety.
const MODIFIERS: &[u8] = b"DFQKJ";

/// Spelled like tags, but standards, parts, places and the like.
const NOT_TAGS: [&str; 71] = [
    "RAL", "VDE", "VDI", "AS", "BA", "BC", "BE", "BS", "BT", "CA", "CC", "CE", "CI", "CR", "CRC", "CS", "DA", "DC",
    "DE", "DR", "EA", "EC", "EG", "EIA", "ES", "EST", "GA", "GE", "GS", "HE", "HR", "IA", "IC", "IE", "IR", "IS",
    "ISA", "ISO", "IT", "LA", "MA", "MC", "ME", "MI", "MR", "MS", "NA", "NC", "NE", "NR", "NS", "NY", "OR", "PS", "RA",
    "RC", "RE", "RFC", "RI", "RS", "SS", "UC", "US", "USA", "UTC", "BIC", "CIA", "CIS", "MIT", "NIT", "OS",
];

/// Words in front that make it the name of something else.
const NOT_BEFORE: [&str; 34] = [
    "room", "raum", "flight", "flug", "gate", "hall", "order", "ticket", "invoice", "standard", "norm", "course",
    "class", "chapter", "section", "figure", "fig", "table", "model", "type", "route", "bus", "train", "exit",
    "highway", "bearing", "part", "zimmer", "din", "iso", "rechnung", "office", "issue", "case",
];

/// What a tag may end in after a dot or underscore: an attribute of its block.
const ATTRIBUTES: [&str; 32] = [
    "PV", "SP", "OP", "CV", "MV", "OUT", "IN", "MODE", "HH", "LL", "H", "L", "HI", "LO", "ALM", "STS", "CMD", "MAN",
    "AUTO", "CAS", "RSP", "CSP", "ERR", "DEV", "KP", "TI", "TD", "RUN", "FB", "SV", "VALUE", "VAL",
];

/// The tag whose letters begin at `start` and end at `letters`; `cued` says that the plant is spoken of nearby.
pub(crate) fn tag(text: Bytes<'_>, start: usize, letters: usize, cued: bool) -> Option<Range<usize>> {
    let mut name = [0u8; 5];
    let name = name.get_mut(..letters - start)?;
    name.copy_from_slice(text.slice(start..letters));
    let small = name.iter().all(u8::is_ascii_lowercase);
    if !small && !name.iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    name.make_ascii_uppercase();
    let name = std::str::from_utf8(name).ok()?;
    let separator = text.at(letters);
    let joined = is_digit(separator);
    // `TIC 4711 tripped`: three letters to read, and the plant is spoken of.
    let apart = separator == b' ' && cued && !small && name.len() >= 3;
    if !joined && !apart && !matches!(separator, b'-' | b'_') || !reads(name) {
        return None;
    }
    let from = if joined { letters } else { letters + 1 };
    let digits = text.run(from, 6, is_digit);
    let (begin, front) = area(text, start)?;
    let (end, back) = tail(text, digits)?;
    let (prefixed, attribute) = (front == Beside::Part, back == Beside::Part);
    let count = digits - from;
    let least = if name.len() >= 3 || prefixed || attribute { 2 } else { 3 };
    let sure =
        !joined || attribute || name.len() >= 3 && count >= 3 || cued && count >= 3 || text.before(start) == b'.';
    let spelled = !small || name.len() >= 3 && count >= 3 && !joined && !is_small_word(name);
    // `trend_TIC-4711_2024.csv`: what has three letters to read is a tag there too, `DOC-PT-1234` need be none.
    let glued = front == Beside::Glued || back == Beside::Glued;
    let fits = (least..=5).contains(&count)
        && sure
        && spelled
        && !(glued && (small || name.len() < 3 || count < 3))
        && (!apart || count >= 3)
        && (attribute || prefixed || !text.words_before(begin).take(1).any(|word| word.is_one_of(&NOT_BEFORE)));
    fits.then_some(begin..end)
}

/// Whether the letters are a variable followed by functions.
fn reads(name: &str) -> bool {
    let rest = name.get(1..).unwrap_or_default();
    let known = |function: &str| FUNCTIONS.binary_search(&function).is_ok();
    let modified =
        rest.bytes().next().is_some_and(|b| MODIFIERS.contains(&b)) && known(rest.get(1..).unwrap_or_default());
    name.len() >= 2 && (known(rest) || modified) && !NOT_TAGS.contains(&name)
}

/// What stands beside a tag's letters and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    /// Nothing of it.
    Nothing,
    /// An area in front, an attribute behind.
    Part,
    /// Another word, with a hyphen or an underscore between.
    Glued,
}

/// Where the tag begins with its area number, and what stands in front; `None` if it is the inside of something.
fn area(text: Bytes<'_>, start: usize) -> Option<(usize, Beside)> {
    match text.before(start) {
        mark @ (b'-' | b'_') => {
            let area = text.run_back(start - 1, 4, is_digit);
            let width = start - 1 - area;
            let outside = !is_joined(text.before(area)) && !matches!(text.before(area), b'-' | b'.');
            let beside = if is_joined(text.before(start - 1)) { Beside::Glued } else { Beside::Nothing };
            let part = mark == b'-' && (1..=3).contains(&width) && outside;
            Some(if part { (area, Beside::Part) } else { (start, beside) })
        }
        // `43TIC1001`: the unit's number, right in front.
        before if is_digit(before) => {
            let area = text.run_back(start, 4, is_digit);
            let joined = is_joined(text.before(area)) || matches!(text.before(area), b'-' | b'.' | b'_');
            let whole = (1..=3).contains(&(start - area)) && !joined && is_digit(text.at(start + 3));
            (whole && text.slice(start..start + 3).iter().all(u8::is_ascii_uppercase)).then_some((area, Beside::Part))
        }
        before if is_joined(before) => None,
        _ => Some((start, Beside::Nothing)),
    }
}

/// The end of the tag behind its number: a letter, then an attribute; and what stands behind. `None` if it goes on.
fn tail(text: Bytes<'_>, digits: usize) -> Option<(usize, Beside)> {
    let letter = usize::from(text.at(digits).is_ascii_alphabetic() && !text.at(digits + 1).is_ascii_alphabetic());
    let end = digits + letter;
    if matches!(text.at(end), b'.' | b'_') {
        let stop = text.run(end + 1, 8, |b| b.is_ascii_alphabetic());
        let word = text.slice(end + 1..stop);
        let known = ATTRIBUTES.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
        if known && !is_joined(text.at(stop)) {
            return Some((stop, Beside::Part));
        }
    }
    let next = text.at(end);
    let glued = matches!(next, b'-' | b'_') && is_joined(text.at(end + 1));
    (!is_joined(next)).then_some((end, if glued { Beside::Glued } else { Beside::Nothing }))
}

/// English words that read as a tag's letters.
fn is_small_word(name: &str) -> bool {
    ["PIT", "FIT", "LIT", "SIT", "WIT", "KIT", "HIT", "BIT", "TIC", "AIR"]
        .get(..8)
        .is_some_and(|words| words.contains(&name))
}
