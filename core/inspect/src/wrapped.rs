//! Text that is wrapped for transport, in base64 (RFC 4648) or in hexadecimal digits: a configuration in a prompt, a value
//! of a Kubernetes secret, a tensor of bytes. A model reads it, and so do we.
//!
//! What is found inside covers the whole wrapping: a part of it cannot be replaced.

use crate::bytes::Bytes;
use std::ops::Range;

/// Shortest wrapping that is looked at, in bytes: below it a word reads as well. Of text in ASCII, `>`, `?` and `~` aside,
/// base64 has letters and digits alone.
pub(crate) const SHORTEST: usize = 16;

/// How much of what is inside must read as text before the rest is unwrapped. Of words and keys that are no wrapping, one
/// in a hundred thousand does.
const HEAD: usize = 24;

/// What is wrapped in a text, where its long `words` are: where, and what it says.
pub(crate) fn texts(text: &str, words: &[Range<usize>]) -> impl Iterator<Item = (Range<usize>, String)> {
    let bytes = Bytes(text.as_bytes());
    let mut done = 0;
    let runs = words.iter().filter_map(move |word| {
        let start = bytes.run_back(word.start, word.start.checked_sub(done)?, is_digit);
        done = bytes.run(word.end, usize::MAX, is_digit);
        Some(start..done)
    });
    runs.filter_map(move |run| {
        let wrapped = bytes.slice(run.clone());
        let inner = unwrap(wrapped, hexadecimal).or_else(|| unwrap(wrapped, base64))?;
        Some((run, inner))
    })
}

/// Shortest run of digits that may hold a passage of a document.
const LONG: usize = 64;

/// Longest line of a wrapping that goes on in the next: tools write 64 to 76 digits.
const LINE: usize = 128;

/// What longer texts are wrapped in a text, line by line or in one: where, and what they say.
pub(crate) fn passages(text: &str) -> impl Iterator<Item = (Range<usize>, String)> {
    let bytes = Bytes(text.as_bytes());
    let mut at = 0;
    let runs = std::iter::from_fn(move || {
        while at < bytes.len() {
            // Whatever run of that length begins behind here goes over this place.
            let start = bytes.run_back(at, LONG, is_digit);
            let end = bytes.run(at, usize::MAX, is_digit);
            if end - start >= LONG {
                let (end, digits) = lines(bytes, start..end);
                at = end + LONG;
                return Some((start..end, digits));
            }
            at = end + LONG;
        }
        None
    });
    runs.filter_map(|(span, digits)| Some((span, unwrap(&digits, hexadecimal).or_else(|| unwrap(&digits, base64))?)))
}

/// The digits of a run and of the lines below it, as long as all but the last are of one length (RFC 2045, section 6.8).
fn lines(bytes: Bytes<'_>, first: Range<usize>) -> (usize, Vec<u8>) {
    let length = first.len();
    if length > LINE {
        return (first.end, bytes.slice(first).to_vec());
    }
    let mut digits = bytes.slice(first.clone()).to_vec();
    let mut end = first.end;
    loop {
        let next = end + usize::from(bytes.at(end) == b'\r');
        let after = bytes.run(next + 1, length + 1, is_digit);
        let whole = after - next - 1;
        if bytes.at(next) != b'\n' || whole == 0 || whole > length {
            return (end, digits);
        }
        digits.extend_from_slice(bytes.slice(next + 1..after));
        end = after;
        if whole < length {
            return (end, digits);
        }
    }
}

/// The digits of base64 in both alphabets; hexadecimal ones are among them.
fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

fn unwrap(wrapped: &[u8], decode: fn(&[u8]) -> Option<Vec<u8>>) -> Option<String> {
    // Of both forms, so many digits are whole bytes.
    let head = decode(wrapped.get(..wrapped.len().min(2 * HEAD))?)?;
    if !reads(&head) {
        return None;
    }
    let whole = decode(wrapped)?;
    Some(String::from_utf8(whole).unwrap_or_else(|odd| odd.as_bytes().iter().map(|byte| char::from(*byte)).collect()))
}

/// Whether bytes read as text, perhaps cut within a character.
fn reads(head: &[u8]) -> bool {
    let valid = std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    valid && head.iter().all(|byte| *byte >= b' ' && *byte != 0x7F || b"\t\n\r".contains(byte))
}

fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(value(high)? << 4 | value(low)?),
        _ => None,
    });
    pairs.collect()
}

/// What base64 says, a rest of one digit aside.
fn base64(digits: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    let (mut held, mut bits) = (0u32, 0u32);
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xFF).unwrap_or(0));
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use crate::fuzz::message;
    use crate::{Inspector, Settings};
    use plant::Sensitivity;

    #[test]
    fn what_is_found_inside_covers_the_wrapping() {
        let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
        let found = |text: &str| -> Vec<String> {
            let findings = inspector.read(&message(text)).expect("few findings");
            findings.iter().map(|f| format!("{}:{}", f.label, &text[f.span.clone()])).collect()
        };
        assert_eq!(found("is d2h5IGRpZCBUSUMtMTAxIHRyaXA= ok"), ["tag:d2h5IGRpZCBUSUMtMTAxIHRyaXA"]);
        let twice = "ZDJoNUlHUnBaQ0JVU1VNdE1UQXhJSFJ5YVhBPQ";
        assert_eq!(found(&format!("is {twice}== ok")), [format!("tag:{twice}")]);
        assert_eq!(found("x 77687920646964205449432d313031"), ["tag:77687920646964205449432d313031"]);
        assert_eq!(found("responsibilities/of-the-others, 9f8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b"), [""; 0]);
    }
}
