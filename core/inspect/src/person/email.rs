//! E-mail addresses (the addr-spec of RFC 5322, section 3.4.1, as people write it).

use crate::bytes::Bytes;
use std::ops::Range;

/// The address around the `@` at `at`.
pub(crate) fn address(text: Bytes<'_>, at: usize) -> Option<Range<usize>> {
    let mut start = text.run_back(at, 64, |b| b.is_ascii_alphanumeric() || b"._%+-'".contains(&b) || b >= 0x80);
    while start < at && matches!(text.at(start), b'.' | b'\'' | b'-' | b'%' | b'_') {
        start += 1;
    }
    let end = text.run(at + 1, 255, |b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-' || b >= 0x80);
    let local = text.slice(start..at);
    let domain = domain(text.slice(at + 1..end))?;
    let end = at + 1 + domain.len();
    let fits = !local.is_empty()
        && text.before(at) != b'.'
        && local != b"git"
        && !in_userinfo(text, start)
        && text.at(end) != b'(';
    fits.then_some(start..end)
}

/// The address around an `@` that is spelled out, `name [at] firm.de`, `name (at) firm (dot) de`.
pub(crate) fn spelled(text: Bytes<'_>, at: Range<usize>) -> Option<Range<usize>> {
    let name = |b: u8| b.is_ascii_alphanumeric() || b"._%+-".contains(&b);
    let end = text.run_back(at.start, 1, |b| b == b' ');
    let start = text.run_back(end, 64, name);
    let mut close =
        text.run(text.run(at.end, 1, |b| b == b' '), 64, |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    let from = text.run(at.end, 1, |b| b == b' ');
    let mut host = text.slice(from..close).to_vec();
    for _ in 0..3 {
        let dot = text.run(close, 1, |b| b == b' ');
        let Some(dot) = ["[dot]", "(dot)", "[punkt]", "(punkt)"]
            .iter()
            .find(|word| text.continues(dot, word))
            .map(|word| dot + word.len())
        else {
            break;
        };
        let label = text.run(dot, 1, |b| b == b' ');
        close = text.run(label, 64, |b| b.is_ascii_alphanumeric() || b == b'-');
        host.push(b'.');
        host.extend(text.slice(label..close));
    }
    while matches!(text.before(close), b'.' | b'-') && close > from {
        close -= 1;
    }
    (start < end && domain(&host).is_some()).then_some(start..close)
}

/// The name of a host that the text begins with: at least two labels, of which the last is one that countries and
/// networks have. `plant.example.pdf` and `plant.example.1` are files that are called after one.
fn domain(text: &[u8]) -> Option<&[u8]> {
    let mut text = text;
    while let Some(b'.' | b'-') = text.last() {
        text = text.split_last()?.1;
    }
    let split = text.iter().rposition(|b| *b == b'.')?;
    let (head, last) = (text.get(..split)?, text.get(split + 1..)?);
    if head.split(|b| *b == b'.').any(<[u8]>::is_empty) {
        return None;
    }
    // `plant.example-old` is a copy of it.
    let name = last.split(|b| *b == b'-').next().unwrap_or_default();
    if name.len() >= 2 && name.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80) && !is_file(last) {
        return Some(text);
    }
    domain(head).filter(|domain| is_usual(domain))
}

/// `logo@2x.png`, `chunk@hash.js`.
fn is_file(last: &[u8]) -> bool {
    const ENDINGS: [&str; 14] =
        ["png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "css", "json", "html", "map", "so", "dll"];
    ENDINGS.iter().any(|ending| last.eq_ignore_ascii_case(ending.as_bytes()))
}

/// Whether a host's name ends like most: in a country, or in one of the best known others. `logo@2x.min.png` has none.
fn is_usual(domain: &[u8]) -> bool {
    const ENDINGS: [&str; 11] =
        ["com", "org", "net", "info", "example", "local", "corp", "lan", "internal", "intern", "plant"];
    let last = domain.rsplit(|b| *b == b'.').next().unwrap_or_default();
    last.len() == 2 || ENDINGS.iter().any(|ending| last.eq_ignore_ascii_case(ending.as_bytes()))
}

/// The host of `scheme://user:password@host` is no address; the password is found by another rule. Behind the host's end
/// an address is one.
fn in_userinfo(text: Bytes<'_>, start: usize) -> bool {
    let from = text.run_back(start, 96, |b| b > b' ' && !b"\"'<>,;".contains(&b));
    let before = text.slice(from..start);
    let behind = memchr::memmem::rfind(before, b"://").and_then(|scheme| before.get(scheme + 3..));
    behind.is_some_and(|user| !user.iter().any(|b| b"/?#".contains(b)))
}
