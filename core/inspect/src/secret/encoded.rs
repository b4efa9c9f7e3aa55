//! Secrets that are known by their own structure: JSON Web Tokens and password hashes.

use super::value::Shape;
use crate::bytes::Bytes;
use crate::rule::BuiltIn;
use std::ops::Range;

/// A JSON Web Token (RFC 7519) that begins at `start` with `eyJ`, which is `{"` in base64.
pub(crate) fn jwt(text: Bytes<'_>, start: usize) -> Option<(BuiltIn, Range<usize>)> {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if inside(text.before(start)) || text.before(start) == b'.' {
        return None;
    }
    let header = text.run(start, 4096, inside);
    if text.at(header) != b'.' {
        return None;
    }
    let payload = text.run(header + 1, 16_384, inside);
    let mut end = payload;
    if text.at(payload) == b'.' {
        end = text.run(payload + 1, 4096, |b| inside(b) || b == b'=');
    }
    let fits = header - start >= 12 && payload - header > 12 && Shape::of(text.slice(header..payload)).varied();
    fits.then_some((BuiltIn::AssignedKey, start..end))
}

/// The beginnings of password hashes, crypt(5) and Kerberos.
pub(crate) const HASHES: [&str; 9] = ["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$8$", "$9$", "$krb5"];

/// A password hash that begins at `start`.
pub(crate) fn hash(text: Bytes<'_>, start: usize) -> Option<(BuiltIn, Range<usize>)> {
    let end = text.run(start, 2048, |b| b.is_ascii_alphanumeric() || b"$./=+@:*-_".contains(&b));
    let value = text.slice(start..end);
    let parts = value.iter().filter(|b| **b == b'$').count();
    let shape = Shape::of(value);
    (parts >= 3 && value.len() >= 30 && shape.distinct >= 12 && shape.digit_runs >= 2).then_some((BuiltIn::PasswordHash, start..end))
}
