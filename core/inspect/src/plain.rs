//! Text without disguise: no invisible characters, one form of digits, letters, dashes and spaces.
//!
//! An attacker (or a word processor) puts zero-width characters into a key, or writes a card number in
//! full-width digits. Detectors see the plain form; spans are mapped back to the text as it was sent.

use crate::view::{Change, Says};

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
pub(crate) fn next(source: &str, from: usize) -> Option<Change> {
    let bytes = source.as_bytes();
    let mut at = from;
    while let Some(rest) = bytes.get(at..) {
        #[expect(clippy::indexing_slicing, reason = "a byte is below the table's 256")]
        {
            at += rest.iter().position(|byte| TELLING[*byte as usize])?;
        }
        let character = source.get(at..)?.chars().next()?;
        let end = at + character.len_utf8();
        if let Some(says) = plain(character) {
            return Some(Change { span: at..end, says });
        }
        at = end;
    }
    None
}

/// What a character says, if not itself.
fn plain(character: char) -> Option<Says> {
    let ascii = |byte: u8| Some(Says::Character(char::from(byte)));
    match character {
        // Controls; then soft hyphen, grapheme joiner, Arabic letter mark, Hangul and Khmer fillers, Mongolian
        // separators, zero-width and direction marks, joiners, variation selectors, byte order mark, annotation and
        // tag characters (Unicode 16, section 23); then strokes that are drawn over a letter.
        '\0'..='\u{8}'
        | '\u{E}'..='\u{1F}'
        | '\u{7F}'..='\u{84}'
        | '\u{86}'..='\u{9F}'
        | '\u{AD}'
        | '\u{34F}'
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
        | '\u{332}'
        | '\u{335}'..='\u{338}' => Some(Says::Nothing),
        '\u{B}' | '\u{C}' | '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => ascii(b' '),
        '\u{85}' | '\u{2028}' | '\u{2029}' => ascii(b'\n'),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' => ascii(b'-'),
        '\u{2018}' | '\u{2019}' => ascii(b'\''),
        '\u{201C}' | '\u{201D}' | '\u{201E}' => ascii(b'"'),
        '\u{2024}' => ascii(b'.'),
        '\u{2044}' | '\u{2215}' => ascii(b'/'),
        '²' => ascii(b'2'),
        '³' => ascii(b'3'),
        'μ' => Some(Says::Text("µ")),
        '℃' => Some(Says::Text("°C")),
        '℉' => Some(Says::Text("°F")),
        '\u{FF01}'..='\u{FF5E}' => u8::try_from(u32::from(character) - 0xFF01 + 0x21).ok().and_then(ascii),
        '\u{1D400}'..='\u{1D6A3}' => mathematical(character),
        _ => digit(character),
    }
}

/// Letters of the mathematical alphabets: rows of capitals and small letters in turn.
fn mathematical(character: char) -> Option<Says> {
    let place = u8::try_from((u32::from(character) - 0x1D400) % 52).ok()?;
    let letter = if place < 26 { b'A' + place } else { b'a' + place - 26 };
    Some(Says::Character(char::from(letter)))
}

/// Decimal digits of the scripts that models read as numbers, by where their zero stands.
fn digit(character: char) -> Option<Says> {
    const ZEROS: [u32; 13] =
        [0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0x2070, 0x2080, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1FBF0];
    let code = u32::from(character);
    let value = ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|value| *value < 10))?;
    // U+2071 is a letter, U+2072 and U+2073 are not assigned: superscript one to three stand elsewhere.
    let digit = char::from_digit(value, 10)?;
    (!matches!(code, 0x2071..=0x2073)).then_some(Says::Character(digit))
}

#[cfg(test)]
mod tests {
    use super::next;
    use crate::view::View;
    use proptest::prelude::*;

    fn view(source: &str) -> View<'_> {
        View::new(source, next).ok().expect("a small map")
    }

    fn back<'a>(source: &'a str, needle: &str) -> &'a str {
        let view = view(source);
        let at = view.text.find(needle).expect("the view holds the needle");
        &source[view.map.source(&(at..at + needle.len()))]
    }

    #[test]
    fn plain_text_is_borrowed() {
        assert!(view("plain\tascii\r\nand äöü €").map.is_plain());
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
