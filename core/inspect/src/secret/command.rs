//! Words that a command or a device's configuration takes for a secret without giving it a name: SNMP communities,
//! `sshpass -p`.

use super::value::placeholder;
use crate::bytes::Bytes;
use crate::rule::BuiltIn;
use std::ops::Range;

/// What stands in front of such a word, in lower case.
pub(crate) const HEADS: [&str; 10] = [
    "snmp-server community ",
    "rocommunity ",
    "rwcommunity ",
    "rocommunity6 ",
    "rwcommunity6 ",
    "-v2c -c ",
    "-v 2c -c ",
    "-v1 -c ",
    "-v 1 -c ",
    "sshpass -p ",
];

/// The word behind `head`. The communities that every device comes with are no secret.
pub(crate) fn word(text: Bytes<'_>, head: Range<usize>) -> Option<(BuiltIn, Range<usize>)> {
    let quote = text.at(head.end);
    let quoted = matches!(quote, b'"' | b'\'');
    let start = head.end + usize::from(quoted);
    let end =
        text.run(start, 64, |b| if quoted { b != quote && b != b'\n' } else { b > b' ' && !b"\"'`,;<>|".contains(&b) });
    let value = text.slice(start..end);
    let usual = [&b"public"[..], b"private", b"<community>", b"community", b"string"];
    let fits = value.len() >= 4 && !usual.iter().any(|known| value.eq_ignore_ascii_case(known)) && !placeholder(value);
    fits.then_some((BuiltIn::CommandPassword, start..end))
}
