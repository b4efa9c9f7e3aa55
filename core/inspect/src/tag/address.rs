//! Names by address: S7 and IEC 61131-3 memory, Rockwell data files, KKS, IEC 81346, OPC UA node ids.

use crate::bytes::{Bytes, is_digit, is_joined};
use crate::rule::BuiltIn;
use std::ops::Range;

/// A directly represented variable (IEC 61131-3, section 6.5.5): `%IX0.1`, `%QW12`, `%MD100`, `%DB1.DBW2`.
pub(crate) fn direct(text: Bytes<'_>, percent: usize) -> Option<Range<usize>> {
    if is_joined(text.before(percent)) {
        return None;
    }
    if text.slice(percent + 1..percent + 3) == b"DB" {
        return block(text, percent + 1).map(|span| percent..span.end);
    }
    let area = text.at(percent + 1);
    let width = usize::from(matches!(text.at(percent + 2), b'X' | b'B' | b'W' | b'D' | b'L'));
    let from = percent + 2 + width;
    let end = dotted(text, from)?;
    let fits =
        matches!(area, b'I' | b'Q' | b'M' | b'E' | b'A') && (width == 1 || end - from >= 2) && !is_joined(text.at(end));
    fits.then_some(percent..end)
}

/// A variable in a data block of S7: `DB12.DBD20`, `DB1.DBX0.3`.
pub(crate) fn block(text: Bytes<'_>, start: usize) -> Option<Range<usize>> {
    let number = text.run(start + 2, 5, is_digit);
    let fits = number > start + 2
        && text.slice(number..number + 3) == b".DB"
        && matches!(text.at(number + 3), b'X' | b'B' | b'W' | b'D');
    let end = dotted(text, number + 4)?;
    (fits && !is_joined(text.at(end))).then_some(start..end)
}

/// The end of `12` or `12.3`.
fn dotted(text: Bytes<'_>, from: usize) -> Option<usize> {
    let end = text.run(from, 5, is_digit);
    let bit = text.run(end + 1, 2, is_digit);
    let more = text.at(end) == b'.' && bit > end + 1;
    (end > from).then_some(if more { bit } else { end })
}

/// An element of a Rockwell data file: `N7:0`, `F8:12`, `B3:1/4`, `T4:2.ACC`.
pub(crate) fn data_file(text: Bytes<'_>, start: usize, token: usize) -> Option<Range<usize>> {
    let file = text.slice(start + 1..token);
    let standard = match text.at(start) {
        b'N' => file.len() <= 3 && file != b"0",
        b'F' => file == b"8",
        b'B' => file == b"3",
        b'T' => file == b"4",
        b'C' => file == b"5",
        b'R' => file == b"6",
        _ => false,
    };
    let end = text.run(token + 1, 3, is_digit);
    if !standard
        || !file.iter().all(u8::is_ascii_digit)
        || file.is_empty()
        || text.at(token) != b':'
        || end == token + 1
    {
        return None;
    }
    let bit = text.run(end + 1, 3, |b| b.is_ascii_alphanumeric());
    let more = matches!(text.at(end), b'/' | b'.') && bit > end + 1 && !is_joined(text.at(bit));
    let end = if more { bit } else { end };
    (!is_joined(text.at(end)) && text.at(end) != b':').then_some(start..end)
}

/// A KKS name: `10LAB20CT001` (VGB-S-811: unit, three letters, two digits, two letters, three digits).
pub(crate) fn kks(token: &[u8]) -> bool {
    let unit = token.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = token.get(unit..).unwrap_or_default();
    let letter = u8::is_ascii_uppercase;
    let digit = u8::is_ascii_digit;
    let shape: [fn(&u8) -> bool; 10] = [letter, letter, letter, digit, digit, letter, letter, digit, digit, digit];
    unit <= 2
        && matches!(rest.len(), 10 | 11)
        && rest.iter().zip(shape).all(|(byte, is)| is(byte))
        && rest.get(10).is_none_or(letter)
}

/// A reference designation of IEC 81346: `=A1+K2-B7`. All three aspects; with two it could be a formula.
pub(crate) fn designation(text: Bytes<'_>, start: usize) -> Option<Range<usize>> {
    let mut at = start;
    for aspect in [b'=', b'+', b'-'] {
        let letters = text.run(at + 1, 3, |b| b.is_ascii_uppercase());
        let digits = text.run(letters, 4, is_digit);
        if text.at(at) != aspect || letters == at + 1 || digits == letters {
            return None;
        }
        at = digits;
    }
    (!is_joined(text.before(start)) && !is_joined(text.at(at))).then_some(start..at)
}

/// An OPC UA node id (OPC 10000-6, section 5.3.1.10): `ns=2;s=Reactor.Temp`, `ns=3;i=1042`.
pub(crate) fn node(text: Bytes<'_>, start: usize) -> Option<(BuiltIn, Range<usize>)> {
    let number = text.run(start + 3, 5, is_digit);
    let kind = text.at(number + 1);
    let fits =
        !is_joined(text.before(start)) && number > start + 3 && text.at(number) == b';' && text.at(number + 2) == b'=';
    let name = text.run(number + 3, 200, |b| b > b' ' && !b"\"'`,;<>)]}".contains(&b));
    let name = if matches!(text.before(name), b'.' | b':' | b'?' | b'!') { name - 1 } else { name };
    (fits && matches!(kind, b's' | b'i' | b'g' | b'b') && name > number + 3).then_some((BuiltIn::TagOpc, start..name))
}
