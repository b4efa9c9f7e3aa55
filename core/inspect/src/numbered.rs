//! Numbers that a label in front names: parts, batches, drawings, badges, identity papers. `P/N 5703.3804.74`,
//! `Chargen-Nr.: 24-0815`, `badge E-13864`. What has no label looks like anything, and is not found.

use crate::bytes::{Bytes, is_blank, is_digit, is_joined};
use crate::rule::BuiltIn;
use std::ops::Range;

/// What a label says of the number behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    rule: BuiltIn,
    wants: Wants,
}

/// What the number must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// A digit: the label says all.
    Digit,
    /// Three digits and five characters: the label is a word of its own, too.
    Long,
    /// Eleven digits with the check of PESEL.
    Pesel,
    /// Eleven digits with the check of ISO 7064 MOD 11,10: the German tax number.
    Tax,
    /// Nine digits with the test of eleven: the Dutch citizen number.
    Citizen,
    /// Eight digits and the letter that their rest by 23 gives: the Spanish identity number.
    Dni,
}

const fn all(rule: BuiltIn) -> Named {
    Named { rule, wants: Wants::Digit }
}

const fn long(rule: BuiltIn) -> Named {
    Named { rule, wants: Wants::Long }
}

const fn id(wants: Wants) -> Named {
    Named { rule: BuiltIn::NationalId, wants }
}

/// The labels, in lower case.
#[rustfmt::skip]
pub(crate) const LABELS: &[(&str, Named)] = &[
    ("p/n", all(BuiltIn::PartNumber)),
    ("part no", all(BuiltIn::PartNumber)),
    ("part number", all(BuiltIn::PartNumber)),
    ("part #", all(BuiltIn::PartNumber)),
    ("part-no", all(BuiltIn::PartNumber)),
    ("partnumber", all(BuiltIn::PartNumber)),
    ("part ", long(BuiltIn::PartNumber)),
    ("item no", all(BuiltIn::PartNumber)),
    ("material no", all(BuiltIn::PartNumber)),
    ("teilenummer", all(BuiltIn::PartNumber)),
    ("teile-nr", all(BuiltIn::PartNumber)),
    ("sachnummer", all(BuiltIn::PartNumber)),
    ("sach-nr", all(BuiltIn::PartNumber)),
    ("artikelnummer", all(BuiltIn::PartNumber)),
    ("artikel-nr", all(BuiltIn::PartNumber)),
    ("art.-nr", all(BuiltIn::PartNumber)),
    ("materialnummer", all(BuiltIn::PartNumber)),
    ("material-nr", all(BuiltIn::PartNumber)),
    ("drawing no", all(BuiltIn::DrawingNumber)),
    ("drawing number", all(BuiltIn::DrawingNumber)),
    ("drawing ", long(BuiltIn::DrawingNumber)),
    ("dwg no", all(BuiltIn::DrawingNumber)),
    ("dwg ", long(BuiltIn::DrawingNumber)),
    ("zeichnungsnummer", all(BuiltIn::DrawingNumber)),
    ("zeichnungs-nr", all(BuiltIn::DrawingNumber)),
    ("zeichnung ", long(BuiltIn::DrawingNumber)),
    ("batch no", all(BuiltIn::BatchNumber)),
    ("batch number", all(BuiltIn::BatchNumber)),
    ("batch id", all(BuiltIn::BatchNumber)),
    ("batch ", long(BuiltIn::BatchNumber)),
    ("lot no", all(BuiltIn::BatchNumber)),
    ("lot number", all(BuiltIn::BatchNumber)),
    ("lot ", long(BuiltIn::BatchNumber)),
    ("chargennummer", all(BuiltIn::BatchNumber)),
    ("chargen-nr", all(BuiltIn::BatchNumber)),
    ("charge nr", all(BuiltIn::BatchNumber)),
    ("serial no", all(BuiltIn::SerialNumber)),
    ("serial number", all(BuiltIn::SerialNumber)),
    ("s/n", all(BuiltIn::SerialNumber)),
    ("seriennummer", all(BuiltIn::SerialNumber)),
    ("serien-nr", all(BuiltIn::SerialNumber)),
    ("fabriknummer", all(BuiltIn::SerialNumber)),
    ("badge", long(BuiltIn::Badge)),
    ("personnel no", all(BuiltIn::Badge)),
    ("personnel number", all(BuiltIn::Badge)),
    ("employee id", all(BuiltIn::Badge)),
    ("employee no", all(BuiltIn::Badge)),
    ("employee number", all(BuiltIn::Badge)),
    ("staff id", all(BuiltIn::Badge)),
    ("staff no", all(BuiltIn::Badge)),
    ("hr file", long(BuiltIn::Badge)),
    ("personalnummer", all(BuiltIn::Badge)),
    ("personal-nr", all(BuiltIn::Badge)),
    ("pers.-nr", all(BuiltIn::Badge)),
    ("ausweisnummer", all(BuiltIn::Badge)),
    ("ausweis-nr", all(BuiltIn::Badge)),
    ("mitarbeiternummer", all(BuiltIn::Badge)),
    ("social security number", id(Wants::Long)),
    ("driver's license number", id(Wants::Long)),
    ("driver license", id(Wants::Long)),
    ("driving licence", id(Wants::Long)),
    ("passport no", id(Wants::Long)),
    ("passport number", id(Wants::Long)),
    ("führerscheinnummer", id(Wants::Long)),
    ("reisepassnummer", id(Wants::Long)),
    ("personalausweisnummer", id(Wants::Long)),
    ("national insurance", id(Wants::Long)),
    ("sozialversicherungsnummer", id(Wants::Long)),
    ("pesel", id(Wants::Pesel)),
    ("steuer-id", id(Wants::Tax)),
    ("steueridentifikationsnummer", id(Wants::Tax)),
    ("idnr", id(Wants::Tax)),
    ("bsn", id(Wants::Citizen)),
    ("burgerservicenummer", id(Wants::Citizen)),
    ("dni", id(Wants::Dni)),
    ("nif", id(Wants::Dni)),
];

/// The number behind the label.
pub(crate) fn number(text: Bytes<'_>, label: Range<usize>, named: Named) -> Option<(BuiltIn, Range<usize>)> {
    if is_joined(text.before(label.start)) || text.before(label.start) == b'_' {
        return None;
    }
    let start = begin(text, label.end)?;
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'/' | b'_');
    let mut end = text.run(start, 41, inside);
    while end > start && !is_joined(text.before(end)) {
        end -= 1;
    }
    let value = text.slice(start..end);
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let fits = match named.wants {
        Wants::Digit => digits > 0 && value.len() >= 3,
        Wants::Long => digits >= 3 && value.len() >= 5 && !is_date(value),
        Wants::Pesel => pesel(value),
        Wants::Tax => tax(value),
        Wants::Citizen => citizen(value),
        Wants::Dni => dni(value),
    };
    (fits && value.len() <= 40).then_some((named.rule, start..end))
}

/// Where the number begins: behind `no.`, `#`, `is`, a colon and blanks.
fn begin(text: Bytes<'_>, from: usize) -> Option<usize> {
    let mut at = text.run(from, 1, |b| b == b'.' || b == b's');
    for _ in 0..3 {
        at = text.run(at, 3, |b| is_blank(b) || matches!(b, b'.' | b':' | b'=' | b'#' | b'(' | b'"'));
        for link in ["number", "nummer", "no", "nr", "id", "is", "ist"] {
            let end = at + link.len();
            if text.continues(at, link) && !is_joined(text.at(end)) {
                at = end;
            }
        }
    }
    (at > from && is_joined(text.at(at)) || text.before(from) == b' ' && is_joined(text.at(from))).then_some(at)
}

fn is_date(value: &[u8]) -> bool {
    let parts: Vec<usize> = value.split(|b| matches!(b, b'-' | b'.' | b'/')).map(<[u8]>::len).collect();
    value.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'/'))
        && matches!(&*parts, [4, 2, 2] | [1..=2, 1..=2, 2 | 4])
}

/// Digits alone, as numbers.
fn digits(value: &[u8], count: usize) -> Option<Vec<u32>> {
    (value.len() == count && value.iter().all(u8::is_ascii_digit))
        .then(|| value.iter().map(|b| u32::from(b - b'0')).collect())
}

fn pesel(value: &[u8]) -> bool {
    let weights = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1];
    digits(value, 11)
        .is_some_and(|digits| digits.iter().zip(weights).map(|(d, w)| d * w).sum::<u32>().is_multiple_of(10))
}

fn tax(value: &[u8]) -> bool {
    let Some(digits) = digits(value, 11) else { return false };
    let product = digits.iter().take(10).fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    digits.first() != Some(&0) && digits.last() == Some(&((11 - product) % 10))
}

fn citizen(value: &[u8]) -> bool {
    let Some(digits) = digits(value, 9) else { return false };
    let sum: u32 = digits.iter().zip((2..=9).rev()).map(|(d, w)| d * w).sum();
    digits.last().is_some_and(|last| sum % 11 == *last && sum > 0)
}

fn dni(value: &[u8]) -> bool {
    let Some((letter, number)) = value.split_last() else { return false };
    let Some(digits) = digits(number, 8) else { return false };
    let rest = digits.iter().fold(0, |rest, digit| (rest * 10 + digit) % 23);
    b"TRWAGMYFPDXBNJZSQVHLCKE".get(usize::try_from(rest).unwrap_or(0)) == Some(&letter.to_ascii_uppercase())
}

/// A social security number of the United States (three, two and four digits), or of Switzerland (756 and ten more with
/// the check digit of EAN-13), that begins with the run of digits `start..end`.
pub(crate) fn secured(text: Bytes<'_>, start: usize, end: usize) -> Option<Range<usize>> {
    if end - start != 3 || is_joined(text.before(start)) || matches!(text.before(start), b'-' | b'.' | b'/' | b'+') {
        return None;
    }
    let groups: &[usize] = match text.at(end) {
        b'-' => &[2, 4],
        b'.' if text.slice(start..end) == b"756" => &[4, 4, 2],
        _ => return None,
    };
    let mark = text.at(end);
    let (mut at, mut digits) = (end, text.slice(start..end).to_vec());
    for group in groups {
        let close = text.run(at + 1, group + 1, is_digit);
        if text.at(at) != mark || close - at - 1 != *group {
            return None;
        }
        digits.extend(text.slice(at + 1..close));
        at = close;
    }
    if is_joined(text.at(at)) || matches!(text.at(at), b'-' | b'/') {
        return None;
    }
    let weighted: u32 = digits.iter().zip([1, 3].into_iter().cycle()).map(|(d, w)| u32::from(d - b'0') * w).sum();
    let fits = match mark {
        b'.' => weighted.is_multiple_of(10),
        // Areas 000, 666 and from 900 on, group 00 and serial 0000 are never given.
        _ => {
            !matches!(
                &*digits,
                [b'0', b'0', b'0', ..] | [b'6', b'6', b'6', ..] | [b'9', ..] | [_, _, _, b'0', b'0', ..]
            ) && !digits.ends_with(b"0000")
        }
    };
    fits.then_some(start..at)
}
