//! Text without disguise: no invisible characters, one form of digits, letters, dashes and spaces.
//!
//! An attacker (or a word processor) puts zero-width characters into a key, or writes a card number in
//! full-width digits. Detectors see the plain form; spans are mapped back to the text as it was sent.
//!
//! Of what is not ASCII, only letters and a few signs of measure are left: all other signs become ASCII ones, so that
//! no detector takes `»` or `…` for the letter that its bytes look like.

use crate::view::{Change, Says, View};
use std::borrow::Cow;

/// Bytes at which a character may begin that is not kept as it is.
const TELLING: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "byte is below the table's 256")]
        {
            table[byte] = byte >= 0xC2 || byte == 0x7F || byte < 0x20 && byte != 9 && byte != 10 && byte != 13;
        }
        byte += 1;
    }
    table
};

/// The first character at or after `from` that is not kept.
#[must_use]
pub fn next(source: &str, from: usize) -> Option<Change> {
    let bytes = source.as_bytes();
    let mut at = from;
    loop {
        at = telling(bytes, at)?;
        let end = at + source.get(at..)?.chars().next()?.len_utf8();
        if let Some(says) = character(source, at) {
            return Some(Change { span: at..end, says });
        }
        at = end;
    }
}

/// Where the next byte stands that is [`TELLING`], at or after `from`.
fn telling(bytes: &[u8], from: usize) -> Option<usize> {
    #[expect(clippy::indexing_slicing, reason = "a byte is below the table's 256")]
    let tells = |byte: &u8| TELLING[*byte as usize];
    if bytes.get(from).is_some_and(tells) {
        return Some(from);
    }
    let mut at = from;
    for chunk in bytes.get(from..)?.chunks(64) {
        // All of them without stopping and without the table, which the compiler turns into wide instructions.
        let wide = |byte: u8| byte < 0x20 && byte != 9 && byte != 10 && byte != 13 || byte == 0x7F || byte >= 0xC2;
        if chunk.iter().fold(false, |found, byte| found | wide(*byte)) {
            return chunk.iter().position(tells).map(|own| at + own);
        }
        at += chunk.len();
    }
    None
}

/// What the character at `at` says, if not itself.
#[must_use]
pub fn character(source: &str, at: usize) -> Option<Says> {
    let (before, rest) = source.split_at_checked(at)?;
    let character = rest.chars().next()?;
    let behind = rest.get(character.len_utf8()..)?;
    plain(character).or_else(|| Stands { before, behind }.look_alike(character))
}

/// A text as it reads plainly.
#[must_use]
pub fn text(source: &str) -> Cow<'_, str> {
    View::new(source, next).map_or(Cow::Borrowed(source), |view| view.text)
}

/// What stands around a character.
struct Stands<'t> {
    before: &'t str,
    behind: &'t str,
}

impl Stands<'_> {
    /// A letter of another alphabet that looks like one of ours, in a word with letters or digits of ours.
    fn look_alike(&self, character: char) -> Option<Says> {
        let letter = match character {
            'А' | 'Α' => 'A',
            'В' | 'Β' => 'B',
            'С' => 'C',
            'Е' | 'Ε' => 'E',
            'Н' | 'Η' => 'H',
            'І' | 'Ι' => 'I',
            'Ј' => 'J',
            'К' | 'Κ' => 'K',
            'М' | 'Μ' => 'M',
            'Ν' => 'N',
            'О' | 'Ο' => 'O',
            'Р' | 'Ρ' => 'P',
            'Ѕ' => 'S',
            'Т' | 'Τ' => 'T',
            'Х' | 'Χ' => 'X',
            'У' | 'Υ' => 'Y',
            'Ζ' => 'Z',
            'а' => 'a',
            'с' => 'c',
            'е' => 'e',
            'і' => 'i',
            'ј' => 'j',
            'о' | 'ο' => 'o',
            'р' => 'p',
            'ѕ' => 's',
            'х' => 'x',
            'у' => 'y',
            _ => return None,
        };
        self.mixed().then_some(Says::Character(letter))
    }

    /// Whether the nearest sign of ASCII is a letter or digit, hyphens and the like aside. Few bytes are looked at.
    fn mixed(&self) -> bool {
        const NEAR: usize = 16;
        let ours = |near: Option<&u8>| near.is_some_and(u8::is_ascii_alphanumeric);
        let parts = |byte: &&u8| byte.is_ascii() && !matches!(byte, b'-' | b'_' | b'.');
        // In Russian, the unit of a temperature has a letter of its own.
        ours(self.behind.as_bytes().iter().take(NEAR).find(parts))
            || ours(self.before.as_bytes().iter().rev().take(NEAR).find(parts))
            || self.before.ends_with('°')
    }
}

/// What a character says, if not itself.
fn plain(character: char) -> Option<Says> {
    let ascii = |byte: u8| Some(Says::Character(char::from(byte)));
    match character {
        // Controls; then soft hyphen, Arabic letter mark, Hangul and Khmer fillers, Mongolian separators, zero-width and
        // direction marks, joiners, variation selectors, byte order mark, annotation and tag characters (Unicode 16,
        // section 23); then accents, strokes, circles and keys that are drawn over a letter, and the empty Braille cell.
        '\0'..='\u{8}'
        | '\u{E}'..='\u{1F}'
        | '\u{7F}'..='\u{84}'
        | '\u{86}'..='\u{9F}'
        | '\u{AD}'
        | '\u{300}'..='\u{36F}'
        | '\u{61C}'
        | '\u{115F}'..='\u{1160}'
        | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}'
        | '\u{20D0}'..='\u{20F0}'
        | '\u{2800}' => Some(Says::Nothing),
        '\u{B}' | '\u{C}' | '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => {
            ascii(b' ')
        }
        '\u{85}' | '\u{2028}' | '\u{2029}' => ascii(b'\n'),
        '\u{2010}'..='\u{2015}' | '\u{207B}' | '\u{208B}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' => ascii(b'-'),
        '\u{2018}' | '\u{2019}' => ascii(b'\''),
        '«'
        | '»'
        | '\u{201A}'..='\u{201F}'
        | '\u{2039}'
        | '\u{203A}'
        | '\u{300A}'..='\u{300F}'
        | '\u{301D}'..='\u{301F}' => ascii(b'"'),
        '\u{2024}' | '\u{2026}' | '\u{3002}' | '\u{FF61}' => ascii(b'.'),
        '\u{3001}' | '\u{FF64}' => ascii(b','),
        '\u{2044}' | '\u{2215}' => ascii(b'/'),
        '²' => ascii(b'2'),
        '³' => ascii(b'3'),
        '¹' => ascii(b'1'),
        // Signs of measure, which detectors know as they are.
        '°' | '±' => None,
        'μ' => Some(Says::Text("µ")),
        '℃' => Some(Says::Text("°C")),
        '℉' => Some(Says::Text("°F")),
        '\u{FF01}'..='\u{FF5E}' => u8::try_from(u32::from(character) - 0xFF01 + 0x21).ok().and_then(ascii),
        '\u{1D400}'..='\u{1D6A3}' => row(character, 0x1D400),
        // In circles and in squares, white and black.
        '\u{24B6}'..='\u{24E9}' => row(character, 0x24B6),
        '\u{1F130}'..='\u{1F149}' => row(character, 0x1F130),
        '\u{1F150}'..='\u{1F169}' => row(character, 0x1F150),
        '\u{1F170}'..='\u{1F189}' => row(character, 0x1F170),
        '\u{1F1E6}'..='\u{1F1FF}' => row(character, 0x1F1E6),
        '\u{212A}' => ascii(b'K'),
        '⓪' | '⓿' => ascii(b'0'),
        letter if letter.is_alphabetic() => None,
        number if number.is_numeric() => digit(number),
        _ => ascii(b'!'),
    }
}

/// Rows of capitals and small letters in turn, of which the first begins at `start`.
fn row(character: char, start: u32) -> Option<Says> {
    let place = u8::try_from((u32::from(character) - start) % 52).ok()?;
    let letter = if place < 26 { b'A' + place } else { b'a' + place - 26 };
    Some(Says::Character(char::from(letter)))
}

/// Decimal digits of all scripts in common use, raised, lowered, circled and of the mathematical alphabets, by where their
/// zero stands, or would: that of the circled ones stands elsewhere.
fn digit(character: char) -> Option<Says> {
    const ZEROS: [u32; 42] = [
        0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0, 0xF20,
        0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1B50, 0x1C40, 0x1C50, 0x2070, 0x2080, 0x245F, 0x2473, 0x2487,
        0x24F4, 0x2775, 0x277F, 0x2789, 0xA620, 0xA8D0, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1FBF0,
    ];
    let code = u32::from(character);
    let value = ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|value| *value < 10))?;
    let digit = char::from_digit(value, 10)?;
    // Below the circled ones stands another sign; U+2071 is a letter, U+2072 and U+2073 are not assigned.
    let other = matches!(code, 0x245F | 0x2473 | 0x2487 | 0x24F4 | 0x2775 | 0x277F | 0x2789 | 0x2071..=0x2073);
    (!other).then_some(Says::Character(digit))
}

#[cfg(test)]
mod tests {
    use super::next;
    use crate::view::View;
    use proptest::prelude::*;

    fn view(source: &str) -> View<'_> {
        View::new(source, next).expect("a small map")
    }

    fn back<'a>(source: &'a str, needle: &str) -> &'a str {
        let view = view(source);
        let at = view.text.find(needle).expect("the view holds the needle");
        &source[view.map.source(&(at..at + needle.len()))]
    }

    #[test]
    fn plain_text_is_borrowed() {
        assert!(view("plain\tascii\r\nand äöü °C ±1").map.is_plain());
    }

    #[test]
    fn a_key_split_by_characters_that_nobody_sees_reads_as_one() {
        assert_eq!(back("x AK\u{200B}IA\u{2060}7 y", "AKIA7"), "AK\u{200B}IA\u{2060}7");
        assert_eq!(back("x AK\0IA\u{8}\u{115F}7 y", "AKIA7"), "AK\0IA\u{8}\u{115F}7");
        assert_eq!(back("A\u{332}K\u{336}I\u{34F}A", "AKIA"), "A\u{332}K\u{336}I\u{34F}A");
    }

    #[test]
    fn digits_and_letters_of_other_rows_read_as_digits_and_letters() {
        assert_eq!(back("Karte １２３４!", "1234"), "１２３４");
        assert_eq!(back("x \u{1D7D9}\u{662}\u{2084} y", "124"), "\u{1D7D9}\u{662}\u{2084}");
        assert_eq!(back("\u{1D400}\u{1D60A}\u{1D6A3}", "ACz"), "\u{1D400}\u{1D60A}\u{1D6A3}");
    }

    #[test]
    fn a_unit_sign_reads_as_its_two_letters_and_maps_back_whole() {
        assert_eq!(back("185 ℃.", "185 °C"), "185 ℃");
        assert_eq!(back("185 ℃.", "°"), "℃");
    }

    proptest! {
        #[test]
        fn every_span_maps_back_inside_the_source_on_character_boundaries(
            source in "[a-z0-9\u{200B}１²℃é\u{AD}\u{0}\u{1D400}]{0,24}"
        ) {
            let view = view(&source);
            let ends: Vec<usize> = view.text.char_indices().map(|(at, _)| at).chain([view.text.len()]).collect();
            for (index, start) in ends.iter().enumerate() {
                for end in &ends[index..] {
                    prop_assert!(source.get(view.map.source(&(*start..*end))).is_some());
                }
            }
        }
    }
}
