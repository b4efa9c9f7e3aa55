//! The text as detectors read it: without invisible characters, with one form of digits, dashes and spaces.
//!
//! An attacker (or a word processor) puts zero-width characters into a key, or writes a card number in
//! full-width digits. Detectors see the plain form; spans are mapped back to the text as it was sent.
//! Text without such characters is borrowed as it is, and its map is empty.

use std::borrow::Cow;
use std::ops::Range;

/// A normalised text and the way back to its source.
pub(crate) struct View<'a> {
    text: Cow<'a, str>,
    /// Ascending in `view`. Empty means that view and source are the same bytes.
    steps: Vec<Step>,
}

/// From here on, view and source advance together; or one replaced character, if `replaced` is not 0.
struct Step {
    view: usize,
    source: usize,
    /// Length in the source of the character that stands replaced here.
    replaced: usize,
}

/// What becomes of one character.
enum Change {
    Keep,
    Drop,
    Replace(&'static str),
    Ascii(u8),
}

impl<'a> View<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        let Some(first) = first_change(source, 0) else {
            return Self { text: Cow::Borrowed(source), steps: Vec::new() };
        };
        let mut text = String::with_capacity(source.len());
        let mut steps = vec![Step { view: 0, source: 0, replaced: 0 }];
        let mut done = 0;
        let mut next = Some(first);
        while let Some(at) = next {
            text.push_str(source.get(done..at).unwrap_or_default());
            let Some(character) = source.get(at..).and_then(|rest| rest.chars().next()) else { break };
            let length = character.len_utf8();
            match change(character) {
                Change::Keep => text.push(character),
                Change::Drop => {}
                Change::Replace(plain) => {
                    steps.push(Step { view: text.len(), source: at, replaced: length });
                    text.push_str(plain);
                }
                Change::Ascii(plain) => {
                    steps.push(Step { view: text.len(), source: at, replaced: length });
                    text.push(char::from(plain));
                }
            }
            done = at + length;
            steps.push(Step { view: text.len(), source: done, replaced: 0 });
            next = first_change(source, done);
        }
        text.push_str(source.get(done..).unwrap_or_default());
        Self { text: Cow::Owned(text), steps }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The stretch of the source that `span` of the view was made from; whole characters.
    pub(crate) fn source(&self, span: &Range<usize>) -> Range<usize> {
        if self.steps.is_empty() {
            return span.clone();
        }
        let start = self.character(span.start).start;
        let end = if span.end > span.start { self.character(span.end - 1).end } else { start };
        start..end.max(start)
    }

    /// The source bytes behind one view byte: one byte, or the whole replaced character.
    fn character(&self, view: usize) -> Range<usize> {
        let after = self.steps.partition_point(|step| step.view <= view);
        match self.steps.get(after.saturating_sub(1)) {
            Some(step) if step.replaced > 0 => step.source..step.source + step.replaced,
            Some(step) => {
                let at = step.source + (view - step.view);
                at..at + 1
            }
            None => view..view + 1,
        }
    }
}

/// Where the first character at or after `from` stands that is not kept.
fn first_change(source: &str, from: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut at = from;
    while let Some(rest) = bytes.get(at..) {
        at += rest.iter().position(|byte| *byte >= 0xC2)?;
        let character = source.get(at..)?.chars().next()?;
        if !matches!(change(character), Change::Keep) {
            return Some(at);
        }
        at += character.len_utf8();
    }
    None
}

fn change(character: char) -> Change {
    match character {
        // Soft hyphen, Arabic letter mark, Mongolian separator, zero-width and direction marks, joiners,
        // variation selectors, byte order mark, tag characters (Unicode 16, section 23).
        '\u{AD}'
        | '\u{61C}'
        | '\u{180E}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{E0000}'..='\u{E01EF}' => Change::Drop,
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => Change::Ascii(b' '),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Change::Ascii(b'-'),
        '\u{2018}' | '\u{2019}' => Change::Ascii(b'\''),
        '\u{201C}' | '\u{201D}' | '\u{201E}' => Change::Ascii(b'"'),
        '²' => Change::Ascii(b'2'),
        '³' => Change::Ascii(b'3'),
        'μ' => Change::Replace("µ"),
        '℃' => Change::Replace("°C"),
        '℉' => Change::Replace("°F"),
        '\u{FF01}'..='\u{FF5E}' => {
            u8::try_from(u32::from(character) - 0xFF01 + 0x21).map_or(Change::Keep, Change::Ascii)
        }
        _ => Change::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::View;
    use proptest::prelude::*;

    fn back<'a>(source: &'a str, needle: &str) -> &'a str {
        let view = View::new(source);
        let at = view.text().find(needle).expect("the view holds the needle");
        &source[view.source(&(at..at + needle.len()))]
    }

    #[test]
    fn plain_text_is_borrowed() {
        assert!(View::new("plain ascii and äöü €").steps.is_empty());
    }

    #[test]
    fn a_key_split_by_zero_width_characters_reads_as_one() {
        assert_eq!(back("x AK\u{200B}IA\u{2060}7 y", "AKIA7"), "AK\u{200B}IA\u{2060}7");
    }

    #[test]
    fn full_width_digits_read_as_digits() {
        assert_eq!(back("Karte １２３４!", "1234"), "１２３４");
    }

    #[test]
    fn a_unit_sign_reads_as_its_two_letters_and_maps_back_whole() {
        assert_eq!(back("185 ℃.", "185 °C"), "185 ℃");
        assert_eq!(back("185 ℃.", "°"), "℃");
    }

    proptest! {
        #[test]
        fn every_span_maps_back_inside_the_source_on_character_boundaries(source in "[a-z0-9\u{200B}１²℃é\u{AD}]{0,24}") {
            let view = View::new(&source);
            let ends: Vec<usize> = view.text().char_indices().map(|(at, _)| at).chain([view.text().len()]).collect();
            for (index, start) in ends.iter().enumerate() {
                for end in &ends[index..] {
                    prop_assert!(source.get(view.source(&(*start..*end))).is_some());
                }
            }
        }
    }
}
