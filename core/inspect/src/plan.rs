//! Network plans: VLANs with their number, and statements of firewalls and switches.

use crate::bytes::{Bytes, is_digit, is_joined};
use std::ops::Range;

/// Beginnings of such statements, in lower case.
pub(crate) const STATEMENTS: [&str; 16] = [
    "permit tcp ",
    "permit udp ",
    "permit ip ",
    "deny tcp ",
    "deny udp ",
    "deny ip ",
    "access-list ",
    "iptables -",
    "-j accept",
    "-j drop",
    "switchport access ",
    "switchport trunk ",
    "switchport mode ",
    "ip route ",
    "firewall-cmd --",
    "set security policies ",
];

/// The statement's head and the word behind it. The addresses in it are findings of their own.
pub(crate) fn statement(text: Bytes<'_>, head: Range<usize>) -> Option<Range<usize>> {
    let open = is_joined(text.before(head.start));
    let closed = text.before(head.end).is_ascii_alphabetic() && is_joined(text.at(head.end));
    let end = head.end - usize::from(text.before(head.end) == b' ');
    (!open && !closed).then_some(head.start..end)
}

/// `VLAN 120`, `vlan-id: 7`, `interface Vlan29`.
pub(crate) fn vlan(text: Bytes<'_>, word: Range<usize>) -> Option<Range<usize>> {
    let mut at = text.run(word.end, 1, |b| matches!(b, b' ' | b'-' | b'_'));
    at = if text.continues(at, "id") { text.run(at + 2, 3, |b| matches!(b, b' ' | b':' | b'=')) } else { at };
    let end = text.run(at, 5, is_digit);
    let number = std::str::from_utf8(text.slice(at..end)).ok()?.parse::<u16>().ok()?;
    let fits = (1..=4094).contains(&number) && !is_joined(text.before(word.start)) && !is_joined(text.at(end));
    fits.then_some(word.start..end)
}
