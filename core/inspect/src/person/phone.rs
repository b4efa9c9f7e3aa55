//! Phone numbers: international form, North American form, national form with a trunk zero; any other grouping
//! only where a word nearby says that it is one.

use crate::bytes::{Bytes, is_word};
use std::ops::Range;

/// Digits with separators, as they stand in the text.
pub(crate) struct Groups {
    pub(crate) span: Range<usize>,
    /// The digits alone, up to 24.
    pub(crate) digits: [u8; 24],
    pub(crate) count: usize,
    /// Lengths of the groups, up to 8.
    lengths: [u8; 8],
    groups: usize,
    /// Separators: `.`, `,`.
    dots: usize,
    hyphens: usize,
    spaces: usize,
    slashes: usize,
    brackets: usize,
}

impl Groups {
    /// Reads groups of digits from `start`, which is a digit, `+` or `(`.
    pub(crate) fn read(text: Bytes<'_>, start: usize) -> Option<Self> {
        let mut read = Self {
            span: start..start,
            digits: [0; 24],
            count: 0,
            lengths: [0; 8],
            groups: 0,
            dots: 0,
            hyphens: 0,
            spaces: 0,
            slashes: 0,
            brackets: 0,
        };
        let mut at = start + usize::from(text.at(start) == b'+');
        // Separators count once digits follow: those at the end belong to the sentence.
        let mut pending: [u8; 2] = [0; 2];
        let mut gap = 0;
        loop {
            let byte = text.at(at);
            if byte.is_ascii_digit() {
                read.groups += usize::from(gap > 0 || read.count == 0);
                pending.iter().take(gap).for_each(|separator| read.separate(*separator));
                if let Some(length) = read.lengths.get_mut(read.groups.saturating_sub(1)) {
                    *length += 1;
                }
                *read.digits.get_mut(read.count)? = byte;
                read.count += 1;
                gap = 0;
                read.span.end = at + 1;
            } else if gap < 2 && matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')') {
                if let Some(slot) = pending.get_mut(gap) {
                    *slot = byte;
                }
                gap += 1;
            } else {
                break;
            }
            at += 1;
        }
        (read.count > 0).then_some(read)
    }

    fn separate(&mut self, byte: u8) {
        match byte {
            b' ' => self.spaces += 1,
            b'-' => self.hyphens += 1,
            b'.' => self.dots += 1,
            b'/' => self.slashes += 1,
            _ => self.brackets += 1,
        }
    }

    pub(crate) fn digits(&self) -> &[u8] {
        self.digits.get(..self.count).unwrap_or_default()
    }

    fn lengths(&self) -> &[u8] {
        self.lengths.get(..self.groups.min(8)).unwrap_or_default()
    }

    /// Groups of four, or nothing between the digits: how cards are written.
    pub(crate) fn is_card_like(&self) -> bool {
        self.dots == 0
            && self.slashes == 0
            && self.brackets == 0
            && (self.groups == 1 || self.lengths().first() == Some(&4))
    }
}

const CUES: [&str; 31] = [
    "phone",
    "telephone",
    "telefon",
    "tel",
    "fax",
    "mobile",
    "mobil",
    "cell",
    "cellphone",
    "handy",
    "call",
    "calling",
    "called",
    "hotline",
    "whatsapp",
    "dial",
    "reach",
    "contact",
    "ring",
    "sms",
    "telefonnummer",
    "rufnummer",
    "durchwahl",
    "landline",
    "messages",
    "telefoon",
    "telefone",
    "telefono",
    "phones",
    "desk",
    "answering",
];

/// The phone number that `groups` is, with its extension.
pub(crate) fn number(text: Bytes<'_>, groups: &Groups, cued: bool) -> Option<Range<usize>> {
    let mut span = groups.span.clone();
    let (first, count) = (text.at(span.start), groups.count);
    if is_word(text.at(span.end)) && text.at(span.end) != b'x' || !(7..=15).contains(&count) {
        return None;
    }
    let lengths = groups.lengths();
    let digits = groups.digits();
    let international = first == b'+' || digits.starts_with(b"00") && groups.groups > 1;
    let american = lengths.ends_with(&[3, 3, 4])
        && lengths.len() <= 5
        && (groups.hyphens >= 1 || groups.dots >= 2 || groups.brackets >= 2)
        && matches!(digits.get(count - 10), Some(b'2'..=b'9'));
    let dotted = groups.dots == 0 || lengths.len() >= 4 && lengths.iter().skip(1).all(|length| *length == 2);
    let trunk = digits.first() == Some(&b'0')
        && digits.get(1) != Some(&b'0')
        && (9..=13).contains(&count)
        && lengths.first().is_some_and(|length| *length >= 2)
        && dotted
        && groups.hyphens <= 1
        && (groups.groups > 1 && groups.groups <= 6 || count >= 10)
        && !is_date(lengths, groups);
    let shown = cued && !is_date(lengths, groups) && groups.groups <= 6;
    let varied = digits.windows(2).any(|pair| matches!(pair, [a, b] if a != b));
    if !(international && count >= 9 && varied || american || trunk || shown) {
        return None;
    }
    // An extension: `x4567`.
    if text.at(span.end) == b'x' {
        let end = text.run(span.end + 1, 6, |b| b.is_ascii_digit());
        if end > span.end + 1 && !is_word(text.at(end)) {
            span.end = end;
        }
    }
    Some(span)
}

/// Day, month and year in any order, with one kind of separator.
fn is_date(lengths: &[u8], groups: &Groups) -> bool {
    matches!(lengths, [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4])
        && (groups.dots == 2 || groups.hyphens == 2 || groups.slashes == 2)
}

/// Whether a word in front says that a number is a phone number.
pub(crate) fn cued(text: Bytes<'_>, start: usize) -> bool {
    text.words_before(start).any(|word| word.is_one_of(&CUES)) || line_above(text, start)
}

/// The number stands alone on a line, and the line above says what it is: `Phone:`.
fn line_above(text: Bytes<'_>, start: usize) -> bool {
    let line = text.run_back(start, 4, |b| b == b' ');
    let above = text.run_back(line, 3, |b| b == b'\n' || b == b'\r');
    above < line && text.words_before(above).take(1).any(|word| word.is_one_of(&CUES))
}
