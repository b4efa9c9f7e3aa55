//! Private keys in PEM (RFC 7468): from the opening line to the closing one, or as far as the block may reach.

use crate::bytes::Bytes;
use std::ops::Range;

/// What the automaton looks for.
pub(crate) const OPENER: &str = "-----BEGIN ";
pub(crate) const CLOSER: &str = "-----END ";

/// The block that opens at `opener`, if it is a private key. `closers` are the places of all closing lines.
///
/// A block without a closing line reaches as far as its text could: what is cut off is still a key.
pub(crate) fn block(text: Bytes<'_>, opener: Range<usize>, closers: &[usize]) -> Option<Range<usize>> {
    let title_end = text.run(opener.end, 48, |b| b != b'-' && b != b'\n');
    let title = text.slice(opener.end..title_end);
    if !(super::value::contains(title, b"PRIVATE KEY") || super::value::contains(title, b"private key")) {
        return None;
    }
    let body = text.run(title_end, 5, |b| b == b'-');
    let closer = closers.get(closers.partition_point(|closer| *closer < body));
    // An opener that is only spoken of has no body. Looked at first: many such must not each cost the rest of the text.
    let near = closer.map_or_else(|| text.run(body, 256, is_body), |closer| *closer);
    let letters = text.slice(body..near.min(body + 256)).iter().filter(|b| b.is_ascii_alphanumeric()).count();
    if letters < 24 {
        return None;
    }
    let end = match closer {
        Some(closer) => {
            let title_end = text.run(closer + CLOSER.len(), 64, |b| b != b'-' && b != b'\n');
            text.run(title_end, 5, |b| b == b'-')
        }
        None => text.run(body, usize::MAX, is_body),
    };
    Some(opener.start..end)
}

/// Base64, white space, headers (`Proc-Type: 4,ENCRYPTED`), and the `\n` of escapes that were left in.
fn is_body(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=-:,\\".contains(&byte)
}
