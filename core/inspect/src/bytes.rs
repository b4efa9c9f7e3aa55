//! Total access to a text's bytes: outside there is a zero byte, so that detectors need no bounds of their own.

use std::ops::Range;

/// The bytes of a text, with looks around a place.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    /// The byte at `at`, or 0.
    #[inline]
    pub(crate) fn at(self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }

    /// The byte before `at`, or 0.
    #[inline]
    pub(crate) fn before(self, at: usize) -> u8 {
        if at == 0 { 0 } else { self.at(at - 1) }
    }

    /// The bytes of `span`, as far as they exist.
    pub(crate) fn slice(self, span: Range<usize>) -> &'a [u8] {
        let end = span.end.min(self.0.len());
        self.0.get(span.start.min(end)..end).unwrap_or_default()
    }

    /// The end of the run of `class` that begins at `from`, at most `most` bytes long.
    #[inline]
    pub(crate) fn run(self, from: usize, most: usize, class: impl Fn(u8) -> bool) -> usize {
        let mut at = from;
        while at - from < most && at < self.0.len() && class(self.at(at)) {
            at += 1;
        }
        at
    }

    /// Whether what stands at `at`, behind a word of letters, ends it as in prose: neither a number nor the next part of a
    /// name or an address follows.
    #[inline]
    pub(crate) fn is_prose(self, at: usize) -> bool {
        match self.at(at) {
            b' ' => !is_digit(self.at(at + 1)),
            b'.' => is_blank(self.at(at + 1)),
            sign => matches!(sign, b',' | b';' | b'\n' | b'\r' | b')' | b'"' | b'\'' | b'?' | b'!' | 0x80..),
        }
    }

    /// The start of the run of `class` that ends at `to`, at most `most` bytes long.
    #[inline]
    pub(crate) fn run_back(self, to: usize, most: usize, class: impl Fn(u8) -> bool) -> usize {
        let mut at = to;
        while at > 0 && to - at < most && class(self.at(at - 1)) {
            at -= 1;
        }
        at
    }

    /// Whether the text goes on with `literal` at `at`, without regard to ASCII case.
    pub(crate) fn continues(self, at: usize, literal: &str) -> bool {
        self.slice(at..at + literal.len()).eq_ignore_ascii_case(literal.as_bytes())
    }

    /// Whether a letter or digit stands at `at` that a word would go on with. Scripts that put no blanks between words
    /// (three bytes a character, Vietnamese and old Greek aside) go on with a new one at any place.
    pub(crate) fn goes_on(self, at: usize) -> bool {
        match self.at(at) {
            0xE1 => self.at(at + 1) >= 0xB8,
            byte => is_joined(byte) || (0xC3..=0xDF).contains(&byte),
        }
    }

    /// The words that end before `to` in the same line, nearest first, in lower case; at most three, in at most 64 bytes.
    pub(crate) fn words_before(self, to: usize) -> impl Iterator<Item = Word<'a>> {
        let letter = |b| is_joined(b) || b >= 0x80;
        let mut at = to;
        std::iter::from_fn(move || {
            let end = self.run_back(at, 64usize.saturating_sub(to - at), |b| !letter(b) && b != b'\n');
            let start = self.run_back(end, 32, letter);
            at = start;
            (start < end).then(|| Word(self.slice(start..end)))
        })
        .take(3)
    }
}

/// The first eight bytes of a text that may stand in any case, to be compared at once.
#[derive(Clone, Copy)]
pub(crate) struct Caseless {
    head: u64,
    /// Every bit of the text's bytes but the one that tells the cases of a letter apart.
    mask: u64,
}

impl Caseless {
    pub(crate) fn new(text: &[u8]) -> Self {
        let mut mask = [0; 8];
        let bits = |byte: &u8| if byte.is_ascii_alphabetic() { 0xDF } else { 0xFF };
        mask.iter_mut().zip(text).for_each(|(mask, byte)| *mask = bits(byte));
        let mask = u64::from_le_bytes(mask);
        Self { head: first(text) & mask, mask }
    }

    /// Whether `text` goes on with `own`, whose beginning this is; `first` is of `text`.
    #[inline]
    pub(crate) fn stands(self, own: &[u8], first: u64, text: &[u8]) -> bool {
        let behind =
            || text.get(8..own.len()).zip(own.get(8..)).is_some_and(|(text, own)| text.eq_ignore_ascii_case(own));
        first & self.mask == self.head && (own.len() <= 8 || behind())
    }
}

/// The first eight bytes of a text in one number.
#[inline]
pub(crate) fn first(text: &[u8]) -> u64 {
    u64::from_le_bytes(head(text))
}

/// The first bytes of a text; behind its end are zeros.
#[inline]
pub(crate) fn head<const N: usize>(text: &[u8]) -> [u8; N] {
    text.first_chunk().copied().unwrap_or_else(|| {
        let mut head = [0; N];
        head.iter_mut().zip(text).for_each(|(to, byte)| *to = *byte);
        head
    })
}

/// A word of the text, compared without case.
#[derive(Clone, Copy)]
pub(crate) struct Word<'a>(pub(crate) &'a [u8]);

impl Word<'_> {
    /// Whether it is one of the words, which are in lower case.
    pub(crate) fn is_one_of(self, words: &[&str]) -> bool {
        words.iter().any(|word| self.0.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Whether it ends so; `end` is in lower case.
    pub(crate) fn ends_with(self, end: &str) -> bool {
        let from = self.0.len().checked_sub(end.len());
        from.and_then(|from| self.0.get(from..)).is_some_and(|last| last.eq_ignore_ascii_case(end.as_bytes()))
    }
}

/// Letters, digits, the underscore, and every byte of a non-ASCII character.
#[inline]
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Letters and digits of ASCII: next to a number, an address or a tag, they make it part of something else. An underscore
/// does not, for it parts the words of a file's name; nor does a letter of a script that has no blanks between words.
#[inline]
pub(crate) fn is_joined(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

#[inline]
pub(crate) fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

#[inline]
pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}
