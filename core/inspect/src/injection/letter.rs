//! The letters of words: which bytes they are, and which letters those stand for.

use super::words::{LONGEST, bare};
use crate::blocks::Alphabet;

/// What the words of a sentence are made of.
pub(super) struct Letters;

impl Alphabet for Letters {
    /// Digits, and signs that stand for letters.
    fn is_digit(byte: u8) -> bool {
        byte.is_ascii_digit() || matches!(byte, b'@' | b'$')
    }

    /// What stands inside words, and bytes of letters beyond ASCII.
    fn is_sign(byte: u8) -> bool {
        matches!(byte, b'_' | b'\'' | 0x80..)
    }

    fn is_mark(_: u8) -> bool {
        false
    }
}

/// The letter that a digit looks like; a one is `one`.
pub(super) fn leet(byte: u8, one: u8) -> u8 {
    match byte {
        b'0' => b'o',
        b'1' => one,
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        b'8' => b'b',
        b'9' | b'6' => b'g',
        other => other,
    }
}

/// A word in lower case and without accents.
pub(crate) fn fold<'f>(word: &[u8], folded: &'f mut [u8; LONGEST], letter: impl Fn(u8) -> u8) -> &'f [u8] {
    let mut length = 0;
    let mut put = |byte: u8| {
        if let Some(slot) = folded.get_mut(length) {
            *slot = byte;
            length += 1;
        }
    };
    if word.is_ascii() {
        word.iter().for_each(|byte| put(letter(byte.to_ascii_lowercase())));
    } else {
        let mut bytes = [0; 4];
        for character in std::str::from_utf8(word).unwrap_or_default().chars() {
            bare(character).encode_utf8(&mut bytes).bytes().for_each(|byte| put(letter(byte)));
        }
    }
    let quotes = folded.get(..length).unwrap_or_default();
    trim(quotes)
}

/// A word without the quotes around it.
fn trim(word: &[u8]) -> &[u8] {
    let edge = |byte: &u8| matches!(byte, b'\'' | b'_');
    let start = word.iter().position(|byte| !edge(byte)).unwrap_or(word.len());
    let end = word.iter().rposition(|byte| !edge(byte)).map_or(start, |last| last + 1);
    word.get(start..end).unwrap_or_default()
}
