//! Secrets that are known by their own structure: JSON Web Tokens, password hashes, tokens with a mark inside.

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
pub(crate) const HASHES: [&str; 14] =
    ["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$7$", "$8$", "$9$", "$y$", "$apr1$", "$argon2", "$krb5", "$scrypt$"];

/// Password hashes of a text, asked for in order of where they may begin.
#[derive(Default)]
pub(crate) struct Hashes {
    /// As far as nothing can begin that was not looked at with what stands before.
    looked: usize,
}

impl Hashes {
    /// The longest that is read: tickets of Kerberos.
    const LONGEST: usize = 2048;

    /// A password hash that begins at `start`.
    pub(crate) fn hash(&mut self, text: Bytes<'_>, start: usize) -> Option<(BuiltIn, Range<usize>)> {
        if start < self.looked {
            return None;
        }
        let end = text.run(start, Self::LONGEST, |b| b.is_ascii_alphanumeric() || b"$./=+@:*-_".contains(&b));
        // What a run is not, no rest of it is; but of one that goes on, the second half may be the beginning of one.
        self.looked = if end - start < Self::LONGEST { end } else { end - Self::LONGEST / 2 };
        let value = text.slice(start..end);
        let parts = value.iter().filter(|b| **b == b'$').count();
        let shape = Shape::of(value);
        (parts >= 3 && value.len() >= 30 && shape.distinct >= 12 && shape.digit_runs >= 2)
            .then_some((BuiltIn::PasswordHash, start..end))
    }
}

/// A client secret of Microsoft Entra: three characters, a digit, `Q~`, 31 to 34 characters. `mark` is the `Q~`.
pub(crate) fn entra(text: Bytes<'_>, mark: usize) -> Option<(BuiltIn, Range<usize>)> {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b"_~.-".contains(&b);
    let start = text.run_back(mark, 4, inside);
    let end = text.run(mark + 2, 35, inside);
    let fits = mark - start == 4
        && text.before(mark).is_ascii_digit()
        && !inside(text.before(start))
        && (31..=34).contains(&(end - mark - 2));
    (fits && Shape::of(text.slice(mark + 2..end)).varied()).then_some((BuiltIn::AssignedKey, start..end))
}

/// A Telegram bot token: the bot's number, `:AA`, 32 or 33 characters. `mark` is the colon.
pub(crate) fn telegram(text: Bytes<'_>, mark: usize) -> Option<(BuiltIn, Range<usize>)> {
    let start = text.run_back(mark, 11, |b| b.is_ascii_digit());
    let end = text.run(mark + 1, 37, |b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let fits = (8..=10).contains(&(mark - start))
        && !text.before(start).is_ascii_alphanumeric()
        && (34..=36).contains(&(end - mark - 1));
    (fits && Shape::of(text.slice(mark + 1..end)).varied()).then_some((BuiltIn::AssignedKey, start..end))
}

/// A personal access token of Azure DevOps: 76 letters and digits, `AZDO`, four more. `mark` is the `AZDO`.
pub(crate) fn azure_devops(text: Bytes<'_>, mark: usize) -> Option<(BuiltIn, Range<usize>)> {
    let start = text.run_back(mark, 77, |b| b.is_ascii_alphanumeric());
    let end = text.run(mark + 4, 5, |b| b.is_ascii_alphanumeric());
    (mark - start == 76 && end - mark == 8 && text.slice(mark..mark + 4) == b"AZDO")
        .then_some((BuiltIn::AssignedKey, start..end))
}
