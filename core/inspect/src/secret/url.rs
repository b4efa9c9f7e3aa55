//! Passwords in URLs and on command lines: `scheme://user:password@host`, `curl -u user:password`, `Basic ...`.

use super::value::{Shape, placeholder};
use crate::bytes::{Bytes, Word, is_blank};
use crate::rule::BuiltIn;
use std::ops::Range;

/// The password of the URL whose `://` is at `colon` (RFC 3986, section 3.2.1).
pub(crate) fn userinfo(text: Bytes<'_>, colon: usize) -> Option<(BuiltIn, Range<usize>)> {
    if !text.before(colon).is_ascii_alphanumeric() {
        return None;
    }
    let start = colon + 3;
    let stop = |b: u8| b > b' ' && !br#""'`<>/?#@,"#.contains(&b);
    let mut end = text.run(start, 256, stop);
    // A password may hold an `@` itself: the last one before the host's end separates.
    for _ in 0..2 {
        let further = text.run(end + 1, 256, stop);
        if text.at(end) == b'@' && text.at(further) == b'@' {
            end = further;
        }
    }
    if text.at(end) != b'@' {
        return None;
    }
    let split = text.run(start, end - start, |b| b != b':');
    let value = text.slice(split + 1..end);
    let shape = Shape::of(value);
    let named = !placeholder(value) && value.len() >= 3 && shape.distinct > 1;
    if split < end {
        return (named && !stands_for_one(value)).then_some((BuiltIn::UrlPassword, split + 1..end));
    }
    // `https://TOKEN@host`: the user part alone is the secret when it looks random.
    let alone = text.slice(start..end);
    (Shape::of(alone).random() && !placeholder(alone) && alone.len() >= 16)
        .then_some((BuiltIn::UrlPassword, start..end))
}

/// Words that documentation writes where a password would be.
fn stands_for_one(value: &[u8]) -> bool {
    const WORDS: [&str; 7] = ["password", "passwd", "passwort", "pass", "pwd", "pw", "secret"];
    Word(value).is_one_of(&WORDS)
}

/// The credentials after `-u`, `--user` of a command.
pub(crate) fn user_option(text: Bytes<'_>, option: Range<usize>) -> Option<(BuiltIn, Range<usize>)> {
    if !is_blank(text.before(option.start)) {
        return None;
    }
    let mut start = text.run(option.end, 8, |b| is_blank(b) || b == b'=');
    let quote = text.at(start);
    let quoted = matches!(quote, b'"' | b'\'');
    start += usize::from(quoted);
    let end =
        text.run(start, 256, |b| if quoted { b != quote && b != b'\n' } else { b > b' ' && !br#""'`,;"#.contains(&b) });
    let split = text.run(start, end - start, |b| b != b':');
    let value = text.slice(split + 1..end);
    let digits = || value.iter().any(u8::is_ascii_digit);
    let fits = split < end
        && value.len() >= 3
        && !placeholder(value)
        && !stands_for_one(value)
        && if split == start { digits() } else { split - start < 4 || !placeholder(text.slice(start..split)) };
    fits.then_some((BuiltIn::CommandPassword, start..end))
}

/// The credentials after `Authorization: Bearer|Basic|Token `.
pub(crate) fn bearer(text: Bytes<'_>, scheme: Range<usize>) -> Option<(BuiltIn, Range<usize>)> {
    let start = text.run(scheme.end, 4, |b| is_blank(b) || b == b':');
    // Behind the header's name, its scheme: `Authorization: Token ...`.
    let named = text.run(start, 16, |b| b.is_ascii_alphabetic());
    let start = if named > start && text.at(named) == b' ' { named + 1 } else { start };
    let end = text.run(start, 2048, |b| b.is_ascii_alphanumeric() || b"-._~+/=!:".contains(&b));
    let value = text.slice(start..end);
    let shape = Shape::of(value);
    if text.continues(scheme.start, "basic ") && credentials(value) {
        return Some((BuiltIn::BearerKey, start..end));
    }
    let fits = value.len() >= 16 && !placeholder(value) && shape.varied() && shape.digits > 0 && !shape.wordy();
    fits.then_some((BuiltIn::BearerKey, start..end))
}

/// Whether the text is `user:password` in base64 (RFC 7617, section 2): `:` within, and nothing that no one can type.
fn credentials(value: &[u8]) -> bool {
    let sextet = |byte: &u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let body: Vec<u8> = value.iter().filter(|byte| **byte != b'=').map(sextet).collect();
    let bytes = body.chunks(4).flat_map(|four| {
        let word = four.iter().fold(0u32, |word, six| word << 6 | u32::from(*six)) << (6 * (4 - four.len()));
        let [_, first, second, third] = word.to_be_bytes();
        [first, second, third].into_iter().take(four.len().saturating_sub(1))
    });
    let text: Vec<u8> = bytes.collect();
    let graphic = text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    (8..=512).contains(&value.len())
        && value.len().is_multiple_of(4)
        && graphic
        && text.iter().position(|byte| *byte == b':').is_some_and(|at| at > 0)
        && !text.ends_with(b":password")
}

/// A webhook address whose path is the credential.
pub(crate) fn webhook(text: Bytes<'_>, host: Range<usize>) -> Option<(BuiltIn, Range<usize>)> {
    // Addresses and numbers make the path; what is only spoken of costs no more than a look.
    if !text.slice(host.end..host.end + 32).iter().any(u8::is_ascii_digit) {
        return None;
    }
    let start = text.run_back(host.start, 64, |b| b.is_ascii_alphanumeric() || b":/.-_".contains(&b));
    let end = text.run(host.end, 256, |b| b.is_ascii_alphanumeric() || b"/@-_.=?&%".contains(&b));
    let path = text.slice(host.end..end);
    let shape = Shape::of(path);
    (path.len() >= 32 && shape.digit_runs >= 2 && !placeholder(path)).then_some((BuiltIn::Webhook, start..end))
}
