//! Strings within a JSON text: decoding, encoding, and the way back from decoded to raw offsets.

use std::borrow::Cow;
use std::ops::Range;

/// Every ASCII character, at its code.
const ASCII: &str = {
    const BYTES: [u8; 128] = {
        let mut bytes = [0; 128];
        let mut code = 0;
        while code < 128 {
            #[expect(clippy::indexing_slicing, reason = "below 128")]
            {
                bytes[code as usize] = code;
            }
            code += 1;
        }
        bytes
    };
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => "",
    }
};

/// A string or key of a document, still as it stands between its quotes.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    // INVARIANT: well-formed JSON string content; `escaped` says whether it holds a backslash.
    raw: &'a str,
    start: usize,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// Takes checked string content out of `text`.
    pub(super) fn new(text: &'a str, span: Range<usize>, escaped: bool) -> Self {
        Self { raw: text.get(span.clone()).unwrap_or_default(), start: span.start, escaped }
    }

    /// What it says: borrowed if it says it literally.
    #[must_use]
    pub fn decode(self) -> Cow<'a, str> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut decoded = String::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
            let (run, escape) = rest.split_at(at);
            decoded.push_str(run);
            let (character, length) = unescape(escape);
            decoded.push(character);
            rest = escape.get(length..).unwrap_or_default();
        }
        decoded.push_str(rest);
        Cow::Owned(decoded)
    }

    /// What it says from this offset of the decoded text on. `None` if that is within a character or past the end.
    #[must_use]
    pub fn after(self, decoded: usize) -> Option<Self> {
        let start = self.cursor().seek(decoded)?;
        Some(Self { raw: self.raw.get(start - self.start..)?, start, ..self })
    }

    /// The first of what it says: about this many bytes, or all.
    #[must_use]
    pub fn head(self, bytes: usize) -> String {
        let mut head = String::with_capacity(bytes);
        for run in self.ascii_runs() {
            let end = run.char_indices().map(|(at, _)| at).find(|at| head.len() + at >= bytes);
            head.push_str(run.get(..end.unwrap_or(run.len())).unwrap_or_default());
            if head.len() >= bytes {
                break;
            }
        }
        head
    }

    /// What it says, in runs that need no copy. A character that stands for itself comes with its neighbours, one that is
    /// escaped alone; beyond ASCII, an escaped one comes as `?`.
    pub fn ascii_runs(self) -> impl Iterator<Item = &'a str> {
        let mut rest = self.raw;
        std::iter::from_fn(move || {
            let at = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
            if at > 0 || rest.is_empty() {
                let (run, after) = rest.split_at(at);
                rest = after;
                return (!run.is_empty()).then_some(run);
            }
            let (character, length) = unescape(rest);
            rest = rest.get(length..).unwrap_or_default();
            let one = u8::try_from(character).ok().map(usize::from);
            Some(one.and_then(|one| ASCII.get(one..=one)).unwrap_or("?"))
        })
    }

    /// Whether it says exactly this.
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        if self.escaped { self.decode() == text } else { self.raw == text }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// What stands between the quotes, escapes and all.
    #[must_use]
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// Where it stands in the document, without the quotes.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        self.start..self.start + self.raw.len()
    }

    /// Whether it holds an escape, so that decoded and raw offsets differ.
    #[must_use]
    pub fn is_escaped(self) -> bool {
        self.escaped
    }

    /// A way from decoded offsets to raw ones.
    #[must_use]
    pub fn cursor(self) -> Cursor<'a> {
        Cursor { text: self, decoded: 0, raw: 0 }
    }

    /// Asserts in debug builds that decoding and offsets agree. For fuzzing and tests.
    pub(super) fn check(self) {
        let decoded = self.decode();
        let mut cursor = self.cursor();
        let mut last = self.start;
        for (at, character) in decoded.char_indices() {
            let raw = cursor.seek(at);
            debug_assert!(raw.is_some_and(|raw| raw >= last && raw < self.start + self.raw.len()));
            debug_assert!((1..character.len_utf8()).all(|inside| cursor.clone().seek(at + inside).is_none()));
            last = raw.unwrap_or(last);
        }
        debug_assert_eq!(cursor.seek(decoded.len()), Some(self.span().end));
        debug_assert_eq!(cursor.seek(decoded.len() + 1), None);
    }
}

/// Finds the raw offset of each decoded offset. Offsets are asked in rising order, so that a whole list of edits
/// costs one pass over the string.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    text: Text<'a>,
    decoded: usize,
    raw: usize,
}

impl Cursor<'_> {
    /// The offset in the document at which the character at this offset of the decoded text begins (and the one
    /// before it ends). `None` if the offset is within a character, past the end, or before an earlier one.
    pub fn seek(&mut self, decoded: usize) -> Option<usize> {
        loop {
            let distance = decoded.checked_sub(self.decoded)?;
            let ahead = self.text.raw.as_bytes().get(self.raw..)?;
            // Looks no further than the target, so that many seeks into one long run stay linear.
            let window = ahead.get(..distance).unwrap_or(ahead);
            let Some(run) = memchr::memchr(b'\\', window) else {
                let raw = self.raw + distance;
                if !self.text.raw.is_char_boundary(raw) {
                    return None;
                }
                (self.decoded, self.raw) = (decoded, raw);
                return Some(self.text.start + raw);
            };
            let (character, length) = unescape(self.text.raw.get(self.raw + run..)?);
            if self.decoded + run + character.len_utf8() > decoded {
                return None;
            }
            self.decoded += run + character.len_utf8();
            self.raw += run + length;
        }
    }
}

/// The character that an escape at the start of checked string content stands for, and the escape's length.
fn unescape(escape: &str) -> (char, usize) {
    let character = match escape.as_bytes().get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => return unescape_unicode(escape),
        Some(other) => char::from(*other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (character, 2)
}

fn unescape_unicode(escape: &str) -> (char, usize) {
    let unit = |at: usize| escape.get(at..at + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let high = unit(2).unwrap_or_default();
    if let Some(character) = char::from_u32(high) {
        return (character, 6);
    }
    let low = unit(8).unwrap_or_default();
    let code = 0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
    (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
}

/// Appends `text` as JSON string content, without quotes. Escapes only what RFC 8259 section 7 demands.
pub fn encode(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
}
