//! E-mail addresses (the addr-spec of RFC 5322, section 3.4.1, as people write it).

use crate::bytes::Bytes;
use std::ops::Range;

/// The address around the `@` at `at`.
pub(crate) fn address(text: Bytes<'_>, at: usize) -> Option<Range<usize>> {
    let mut start = text.run_back(at, 64, |b| b.is_ascii_alphanumeric() || b"._%+-'".contains(&b) || b >= 0xC3);
    while start < at && matches!(text.at(start), b'.' | b'\'' | b'-' | b'%' | b'_') {
        start += 1;
    }
    let mut end = text.run(at + 1, 255, |b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-' || b >= 0xC3);
    while end > at + 1 && matches!(text.before(end), b'.' | b'-') {
        end -= 1;
    }
    let local = text.slice(start..at);
    let domain = text.slice(at + 1..end);
    let last = domain.rsplit(|b| *b == b'.').next().unwrap_or_default();
    let fits = !local.is_empty()
        && text.before(at) != b'.'
        && last.len() < domain.len()
        && last.len() >= 2
        && last.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80)
        && !domain.split(|b| *b == b'.').any(<[u8]>::is_empty)
        && !is_file(last)
        && local != b"git"
        && !in_userinfo(text, start)
        && !text.slice(end..end + 1).contains(&b'(');
    fits.then_some(start..end)
}

/// `logo@2x.png`, `chunk@hash.js`.
fn is_file(last: &[u8]) -> bool {
    const ENDINGS: [&str; 14] =
        ["png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "css", "json", "html", "map", "so", "dll"];
    ENDINGS.iter().any(|ending| last.eq_ignore_ascii_case(ending.as_bytes()))
}

/// The host of `scheme://user:password@host` is no address; the password is found by another rule.
fn in_userinfo(text: Bytes<'_>, start: usize) -> bool {
    let from = text.run_back(start, 96, |b| b > b' ' && !b"\"'<>,;".contains(&b));
    from < start && memchr::memmem::find(text.slice(from..start), b"://").is_some()
}
