//! Addresses of networks and stations: IPv4 and IPv6 with prefix length, MAC.

use crate::bytes::{Bytes, is_digit, is_joined};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// Words in front of four numbers with dots that make them a version, a chapter, an object identifier.
const NOT_BEFORE: [&str; 24] = [
    "version",
    "versions",
    "v",
    "ver",
    "firmware",
    "release",
    "rev",
    "revision",
    "build",
    "chapter",
    "section",
    "clause",
    "kapitel",
    "abschnitt",
    "oid",
    "software",
    "update",
    "patch",
    "upgrade",
    "driver",
    "sdk",
    "package",
    "article",
    "fw",
];

/// The IPv4 address or network that begins with the digit at `start`.
pub(crate) fn ipv4(text: Bytes<'_>, start: usize) -> Option<Range<usize>> {
    let before = text.before(start);
    // `a-10.1.2.3` and `a.10.1.2.3` may be a version of `a`; `1.10.1.2.3` is no address.
    let glued = matches!(before, b'.' | b'-' | b'_') && is_joined(text.before(start - 1));
    if is_joined(before) || before == b'.' && is_digit(text.before(start - 1)) {
        return None;
    }
    let mut octets = [0u8; 4];
    let mut at = start;
    for (index, octet) in octets.iter_mut().enumerate() {
        let end = text.run(at, 4, is_digit);
        *octet = std::str::from_utf8(text.slice(at..end)).ok()?.parse().ok()?;
        let padded = end - at > 1 && text.at(at) == b'0';
        if padded || index < 3 && text.at(end) != b'.' {
            return None;
        }
        at = if index < 3 { end + 1 } else { end };
    }
    let next = text.at(at);
    if is_joined(next) || next == b'.' && is_digit(text.at(at + 1)) {
        return None;
    }
    let glued = glued || matches!(next, b'-' | b'_') && text.at(at + 1).is_ascii_alphabetic();
    let address = Ipv4Addr::from(octets);
    // Masks, wildcards and this very host say nothing of the network.
    let nothing = address.is_loopback() || address.is_unspecified() || octets[0] == 255 || octets[0] == 0;
    let telling = matches!(octets, [192, 168, ..] | [172, 16..=31, ..]);
    if nothing
        || glued && !address.is_private() && !address.is_link_local()
        || !telling && text.words_before(start).take(2).any(|word| word.is_one_of(&NOT_BEFORE))
    {
        return None;
    }
    Some(start..prefix(text, at, 32))
}

/// The IPv6 address or network that begins at `start` with a hexadecimal digit or `::` (RFC 4291, section 2.2).
pub(crate) fn ipv6(text: Bytes<'_>, start: usize) -> Option<Range<usize>> {
    if is_joined(text.before(start)) || text.before(start) == b'.' || continues(text, start, b':') {
        return None;
    }
    let mut end = text.run(start, 46, |b| b.is_ascii_hexdigit() || b == b':' || b == b'.');
    while matches!(text.before(end), b'.' | b':') && !text.slice(start..end).ends_with(b"::") && end > start {
        end -= 1;
    }
    let written = std::str::from_utf8(text.slice(start..end)).ok()?;
    let groups = written.split(':').filter(|group| !group.is_empty()).count();
    // `a::b` is a path in source code, `dead::beef` too; an address has digits and more than two groups or a known head.
    let head = written.to_ascii_lowercase();
    let known = ["fe80:", "fd", "fc", "2001:", "2a", "ff0"].iter().any(|known| head.starts_with(known));
    if is_joined(text.at(end)) || !written.bytes().any(|b| b.is_ascii_digit()) || groups < 2 || groups < 4 && !known {
        return None;
    }
    let address: Ipv6Addr = written.parse().ok()?;
    (!address.is_loopback() && !address.is_unspecified()).then(|| start..prefix(text, end, 128))
}

/// The hardware address that begins with the hexadecimal digit at `start`: six pairs, or three groups of four.
pub(crate) fn mac(text: Bytes<'_>, start: usize) -> Option<Range<usize>> {
    let separator = text.at(start + 2);
    let (width, groups) = if matches!(separator, b':' | b'-') { (2, 6) } else { (4, 3) };
    let separator = if width == 2 { separator } else { b'.' };
    if is_joined(text.before(start)) || continues(text, start, separator) {
        return None;
    }
    let mut at = start;
    for index in 0..groups {
        let end = text.run(at, width, |b| b.is_ascii_hexdigit());
        if end - at != width || index + 1 < groups && text.at(end) != separator {
            return None;
        }
        at = if index + 1 < groups { end + 1 } else { end };
    }
    let value = text.slice(start..at);
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let nothing = value.iter().all(|b| *b == b'0' || *b == separator)
        || value.iter().all(|b| matches!(b, b'f' | b'F') || *b == separator);
    let fits = !nothing
        && (letters || width == 2)
        && !is_joined(text.at(at))
        && !(text.at(at) == separator && is_joined(text.at(at + 1)));
    fits.then_some(start..at)
}

/// Whether the separator stands in front, and a group of the same address before it: in `mac:00:1b:...` there is none.
fn continues(text: Bytes<'_>, start: usize, separator: u8) -> bool {
    if text.before(start) != separator {
        return false;
    }
    let group = text.run_back(start - 1, 5, |b| b.is_ascii_hexdigit());
    let before = text.before(group);
    !is_joined(before) && (group + 1 < start || before == separator)
}

/// The end of a `/24` that follows, or `at`.
fn prefix(text: Bytes<'_>, at: usize, most: u32) -> usize {
    let end = text.run(at + 1, 3, is_digit);
    let length = std::str::from_utf8(text.slice(at + 1..end)).ok().and_then(|length| length.parse::<u32>().ok());
    let fits = text.at(at) == b'/' && length.is_some_and(|length| length <= most) && !is_joined(text.at(end));
    if fits { end } else { at }
}
