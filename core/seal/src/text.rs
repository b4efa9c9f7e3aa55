//! Bytes as text: lower-case hexadecimal and base64 (RFC 4648 section 4), each with exactly one spelling.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }));
        }
    }
    text
}

/// Reads lower-case hexadecimal; `None` for anything else, upper case included, so that one value has one spelling.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Base64 with the standard alphabet and padding.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Base64 with the alphabet for URLs and without padding (RFC 4648 section 5), as in JOSE and PKCE.
#[must_use]
pub fn base64_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64; `None` unless [`base64()`] would write exactly this text (padding complete, spare bits zero): a second
/// spelling of a signature or a proof would make two documents out of one (attack A9).
#[must_use]
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::{base64, hex, unbase64, unhex};
    use proptest::prelude::{any, proptest};

    proptest! {
        #[test]
        fn decoding_undoes_encoding(bytes: Vec<u8>) {
            assert_eq!(unhex(&hex(&bytes)).as_deref(), Some(&bytes[..]));
            assert_eq!(unbase64(&base64(&bytes)).as_deref(), Some(&bytes[..]));
        }

        #[test]
        fn a_text_that_decodes_is_the_one_that_encoding_writes(text in "[A-Za-z0-9+/=]{0,12}", other in any::<String>()) {
            for text in [text, other] {
                if let Some(bytes) = unbase64(&text) {
                    assert_eq!(base64(&bytes), text);
                }
                if let Some(bytes) = unhex(&text) {
                    assert_eq!(hex(&bytes), text);
                }
            }
        }
    }
}
