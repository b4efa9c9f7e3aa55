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

/// A variable in a data block of S7: `DB12.DBD20`, `DB1.DBX0.3`; statement lists put blanks between, `DB 12.DBX 0.3`.
pub(crate) fn block(text: Bytes<'_>, start: usize) -> Option<Range<usize>> {
    let apart = |at| text.run(at, 1, |b| b == b' ');
    let from = apart(start + 2);
    let number = text.run(from, 5, is_digit);
    let fits = number > from
        && text.slice(number..number + 3) == b".DB"
        && matches!(text.at(number + 3), b'X' | b'B' | b'W' | b'D');
    let end = dotted(text, apart(number + 4))?;
    (fits && !is_joined(text.at(end))).then_some(start..end)
}

/// A word in the memory of S7 without a sign in front: `MW20`, `PIW256`. Letters end where the digits of `start..end` begin.
pub(crate) fn memory(text: Bytes<'_>, start: usize, end: usize) -> Option<Range<usize>> {
    let word = text.slice(start..end);
    let digits = word.get(2..)?;
    let area = matches!(word, [b'M' | b'I' | b'Q' | b'E' | b'A', b'W' | b'D' | b'B', ..]);
    let fits = area && (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    (fits && !matches!(text.before(start), b'-' | b'.' | b'_' | b'%') && !matches!(text.at(end), b'-' | b'_'))
        .then_some(start..end)
}

/// Whether an operation of a statement list stands in front: `L MW20`, `T QW4`.
pub(crate) fn is_operand(text: Bytes<'_>, start: usize) -> bool {
    text.before(start) == b' '
        && text.words_before(start).next().is_some_and(|word| matches!(word.0, b"L" | b"T" | b"LD" | b"ST"))
}

/// What Rockwell's controllers name with their scope in front: `Program:Main.Level`, `Local:1:I.Data.0`.
pub(crate) fn module(text: Bytes<'_>, scope: Range<usize>) -> Option<Range<usize>> {
    let end = text.run(scope.end, 80, |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'[' | b']'));
    let end = end - usize::from(matches!(text.before(end), b'.' | b':'));
    let name = text.slice(scope.end..end);
    let first = text.at(scope.start).is_ascii_uppercase();
    let fits = if scope.len() == 6 {
        matches!(name, [b'0'..=b'9', ..])
            && [&b":I"[..], b":O", b":C", b":S"].iter().any(|kind| memchr::memmem::find(name, kind).is_some())
    } else {
        name.first().is_some_and(u8::is_ascii_alphabetic) && name.contains(&b'.')
    };
    (first && fits && !is_joined(text.before(scope.start))).then_some(scope.start..end)
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

/// A KKS name: `10LAB20CT001` (VGB-S-811: unit, three letters, two digits, two letters, three digits), also with blanks
/// between its parts, `10 LAB20 CT001`.
pub(crate) fn kks(text: Bytes<'_>, start: usize) -> Option<Range<usize>> {
    let apart = |at| text.run(at, 1, |b| b == b' ');
    let unit = text.run(start, 2, is_digit);
    let system = if unit > start { apart(unit) } else { unit };
    let letters = text.run(system, 4, |b| b.is_ascii_uppercase());
    let number = text.run(letters, 3, is_digit);
    if letters - system != 3 || number - letters != 2 {
        return None;
    }
    let device = apart(number);
    let kind = text.run(device, 3, |b| b.is_ascii_uppercase());
    let end = text.run(kind, 4, is_digit);
    if kind - device != 2 || end - kind != 3 {
        return None;
    }
    let end = text.run(end, 1, |b| b.is_ascii_uppercase());
    (!is_joined(text.before(start)) && !is_joined(text.at(end))).then_some(start..end)
}

/// A reference designation of IEC 81346: `=A1+K2-B7`, `=E01.M2+S4-Q1`. All three aspects; with two it could be a formula.
pub(crate) fn designation(text: Bytes<'_>, start: usize) -> Option<Range<usize>> {
    let mut at = start;
    for aspect in [b'=', b'+', b'-'] {
        if text.at(at) != aspect {
            return None;
        }
        at = level(text, at + 1)?;
        while text.at(at) == b'.' && at - start < 64 {
            let Some(further) = level(text, at + 1) else { break };
            at = further;
        }
    }
    (!is_joined(text.before(start)) && !is_joined(text.at(at))).then_some(start..at)
}

/// One level of an aspect: `K2`.
fn level(text: Bytes<'_>, from: usize) -> Option<usize> {
    let letters = text.run(from, 3, |b| b.is_ascii_uppercase());
    let digits = text.run(letters, 4, is_digit);
    (letters > from && digits > letters).then_some(digits)
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
