//! Payment card numbers (ISO/IEC 7812-1): issuer ranges, lengths and the Luhn check.

use super::groups::Groups;
use crate::bytes::{Bytes, is_digit, is_joined};
use std::ops::Range;

/// The card number that the groups begin with: without separators, in fours, or as American Express writes it. An expiry
/// date and a check value may follow.
pub(crate) fn number(text: Bytes<'_>, groups: &Groups) -> Option<Range<usize>> {
    let lengths: &[usize] = match groups.lengths() {
        [12..=19, ..] => &[1],
        [4, ..] => &[6, 5, 4, 3, 2],
        _ => return None,
    };
    let cued = cued(text, groups.span.start);
    let digits = |length: &&usize| groups.lengths().get(..**length).map_or(0, |lengths| lengths.iter().sum());
    lengths.iter().filter(|length| (12..=19).contains(&digits(length))).find_map(|length| {
        let card = groups.first(*length);
        let goes_on = groups.lengths().get(*length) == Some(&4) && groups.separator(*length) == groups.separator(1);
        // One row of a table of numbers with four digits each is no card.
        let row = *length > 1 && !cued && (goes_on || follows_four(text, card.span.start));
        let fits =
            card.separators(b"./()") == 0 && !is_joined(text.at(card.span.end)) && !row && is_card(card.digits(), cued);
        fits.then_some(card.span)
    })
}

/// Whether four digits stand in front, with a blank or a hyphen between.
fn follows_four(text: Bytes<'_>, start: usize) -> bool {
    let before = start.saturating_sub(1);
    matches!(text.before(start), b' ' | b'-') && before - text.run_back(before, 5, is_digit) == 4
}

/// Whether the digits are a card number: of a known issuer, or of any if a word in front says that it is one.
fn is_card(digits: &[u8], cued: bool) -> bool {
    (issued(digits) || cued && digits.first() != Some(&b'0'))
        && luhn(digits)
        && digits.windows(2).any(|pair| matches!(pair, [a, b] if a != b))
}

/// Whether a word in front says that a number is a card's.
fn cued(text: Bytes<'_>, start: usize) -> bool {
    text.words_before(start).any(|word| {
        word.is_one_of(&["card", "cc", "credit", "debit", "visa", "mastercard", "amex", "karte", "kreditkarte"])
    })
}

/// Issuer ranges and their lengths. Six digits tell the issuer.
fn issued(digits: &[u8]) -> bool {
    let head = |count: usize| digits.iter().take(count).fold(0u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let length = digits.len();
    match head(4) {
        4000..=4999 => matches!(length, 13 | 16 | 19),
        5100..=5599 | 2221..=2720 => length == 16,
        3400..=3499 | 3700..=3799 => length == 15,
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => matches!(length, 14 | 16),
        3528..=3589 => (16..=19).contains(&length),
        2131 | 1800 => length == 15,
        6011 | 6440..=6599 => (16..=19).contains(&length),
        6200..=6299 => (16..=19).contains(&length),
        5000 | 5018 | 5020 | 5038 | 5600..=5899 | 6304 | 6759 | 6761..=6763 => (12..=19).contains(&length),
        _ => false,
    }
}

/// The check of ISO/IEC 7812-1 annex B: every second digit from the right counts twice.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0');
            let weighted = if at % 2 == 1 { digit * 2 } else { digit };
            if weighted > 9 { weighted - 9 } else { weighted }
        })
        .sum();
    sum.is_multiple_of(10)
}
