//! Halves of surrogate pairs: a character beyond U+FFFF that a model's output cuts in two, `\ud83d` at the end of one
//! delta and `\ude00` at the start of the next.
//!
//! The JSON reader refuses such a half, as it has no UTF-8 form. Here it reads as U+FFFD within a text, and at
//! the edges of a delta it is put together again.

/// The escape that stands for a half while a document is read: as long as what it replaces, so that spans stay.
const STAND_IN: &[u8; 6] = b"\\ufffd";

/// The bytes with every lone half replaced; `None` if there is none.
pub(super) fn mend(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        match half(bytes.get(at..).unwrap_or_default()) {
            Some(Half::High(_)) if matches!(bytes.get(at + 6..).and_then(half), Some(Half::Low(_))) => at += 12,
            Some(_) => {
                let copy = mended.get_or_insert_with(|| bytes.to_vec());
                if let Some(place) = copy.get_mut(at..at + 6) {
                    place.copy_from_slice(STAND_IN);
                }
                at += 6;
            }
            // Another escape: its second byte may be a backslash itself.
            None => at += 2,
        }
    }
    mended
}

/// One half of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// The first half.
    High(u16),
    /// The second half.
    Low(u16),
}

/// The half whose escape the bytes begin with.
fn half(bytes: &[u8]) -> Option<Half> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    let unit = digits.iter().try_fold(0, |unit: u16, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })?;
    match unit {
        0xd800..=0xdbff => Some(Half::High(unit)),
        0xdc00..=0xdfff => Some(Half::Low(unit)),
        _ => None,
    }
}

/// The halves at the edges of a string's content that was mended: a second half at its start, a first at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edges {
    /// The second half of a character that began earlier.
    pub low: Option<u16>,
    /// The first half of a character that goes on later.
    pub high: Option<u16>,
}

impl Edges {
    /// Compares what came with what was mended; both are the content of one string.
    pub(super) fn of(came: &[u8], mended: &[u8]) -> Self {
        let low = match half(came) {
            Some(Half::Low(unit)) => Some(unit),
            _ => None,
        };
        let tail = came.len().wrapping_sub(STAND_IN.len());
        let high = match (came.get(tail..).and_then(half), mended.get(tail..)) {
            // `\\ud83d` is a backslash and a word; only what was mended is a half.
            (Some(Half::High(unit)), Some(put)) if put == STAND_IN => Some(unit),
            _ => None,
        };
        Self { low, high }
    }
}

/// The character that two halves make.
pub(super) fn join(high: u16, low: u16) -> char {
    char::decode_utf16([high, low]).next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The second half of a character.
pub(super) fn low(character: char) -> u16 {
    character.encode_utf16(&mut [0; 2]).last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Edges, join, low, mend};

    fn check(came: &str, mended: &str) {
        assert_eq!(mend(came.as_bytes()).as_deref().unwrap_or(came.as_bytes()), mended.as_bytes());
    }

    #[test]
    fn only_lone_halves_are_mended() {
        check(r"a\ud83d\ude00b", r"a\ud83d\ude00b");
        check(r"a\ud83d", r"a\ufffd");
        check(r"\uDE00a", r"\ufffda");
        check(r"\ud83d\ud83d\ude00", r"\ufffd\ud83d\ude00");
        check(r"\\ud83d", r"\\ud83d");
        check(r"\n\u00e4\", r"\n\u00e4\");
        check(r"\ud83", r"\ud83");
    }

    #[test]
    fn halves_at_the_edges_are_found() {
        let edges = |came: &str| Edges::of(came.as_bytes(), &mend(came.as_bytes()).unwrap_or_default());
        assert_eq!(edges(r"\ude00 a \ud83d"), Edges { low: Some(0xde00), high: Some(0xd83d) });
        assert_eq!(edges(r"\ud83d"), Edges { low: None, high: Some(0xd83d) });
        assert_eq!(edges(r"\ud83d a \\ud83d"), Edges::default());
        assert_eq!((join(0xd83d, 0xde00), low('\u{1f600}')), ('\u{1f600}', 0xde00));
    }
}
