//! What of a text is compared: its letters and digits, in one form, without anything between them.
//!
//! Case, blanks, line ends, hyphens, punctuation, Markdown, plain HTML tags, accents, invisible characters and list numbers
//! say nothing here, so that a text which was wrapped, hyphenated, numbered or formatted anew has the same letters.
//! Letters that look alike are one: `О` and `0` are `o`, `1` and `I` are `l`.

use unicode_normalization::char::decompose_compatible;

/// Takes letters, each with where it stands in the text.
pub(crate) trait Take {
    /// The next letter; a character of another script is several of these.
    fn take(&mut self, letter: u8, start: u32, end: u32);
}

/// What a byte is: a letter in its one form, or one of the following.
const NOTHING: u8 = 0;
const LINE: u8 = 1;
const TAG: u8 = 2;
const WIDE: u8 = 3;

const CLASSES: [u8; 256] = {
    let mut table = [NOTHING; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "byte is below the table's 256")]
        {
            table[byte] = match byte as u8 {
                b'0' => b'o',
                b'1' | b'i' | b'I' => b'l',
                letter @ (b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z') => letter.to_ascii_lowercase(),
                b'\n' | b'\r' => LINE,
                b'<' => TAG,
                128.. => WIDE,
                _ => NOTHING,
            };
        }
        byte += 1;
    }
    table
};

/// Bytes that are read at a time.
const BLOCK: usize = 256;

/// Gives every letter of the text, the numbers of lists aside if `unnumbered`.
pub(crate) fn read(text: &str, unnumbered: bool, to: &mut impl Take) {
    let bytes = text.as_bytes();
    let mut block = Block { letters: [0; BLOCK], starts: [0; BLOCK], count: 0 };
    let mut at = if unnumbered { line(bytes, 0) } else { 0 };
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        at += block.fill(rest, at);
        for (letter, start) in block.letters.iter().zip(&block.starts).take(block.count) {
            to.take(*letter, *start, *start + 1);
        }
        match bytes.get(at).map_or(NOTHING, |byte| class(*byte)) {
            LINE => at = if unnumbered { line(bytes, at + 1) } else { at + 1 },
            TAG => at += tag(bytes.get(at..).unwrap_or_default()),
            WIDE => {
                let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) else { return };
                let end = at + character.len_utf8();
                other(character, &mut |letter| to.take(letter, narrow(at), narrow(end)));
                at = end;
            }
            _ => {}
        }
    }
}

/// Letters of ASCII, and where each stands.
struct Block {
    letters: [u8; BLOCK],
    starts: [u32; BLOCK],
    count: usize,
}

impl Block {
    /// Takes bytes up to one that needs a closer look; says how many. Whether a byte is a letter is no branch: where words
    /// end, no processor guesses right.
    #[expect(clippy::indexing_slicing, reason = "the count is below the number of bytes, which are at most a block")]
    fn fill(&mut self, bytes: &[u8], at: usize) -> usize {
        self.count = 0;
        let mut taken = 0;
        for (byte, start) in bytes.iter().take(BLOCK).zip(narrow(at)..) {
            let class = class(*byte);
            if (LINE..=WIDE).contains(&class) {
                break;
            }
            self.letters[self.count] = class;
            self.starts[self.count] = start;
            self.count += usize::from(class != NOTHING);
            taken += 1;
        }
        taken
    }
}

fn class(byte: u8) -> u8 {
    #[expect(clippy::indexing_slicing, reason = "a byte is below the table's 256")]
    CLASSES[usize::from(byte)]
}

/// Where a line that begins at `at` goes on behind its indentation and the number of a list. A bar begins the row of a
/// table, and a number in a table is none of a list.
fn line(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let indented = rest.iter().take_while(|byte| class(**byte) == NOTHING && **byte != b'|').count();
    let number = rest.get(indented..).filter(|rest| rest.first().is_some_and(u8::is_ascii_digit)).and_then(list_number);
    at + indented + number.unwrap_or(0)
}

/// Texts beyond 4 GiB are not read; what is read of a message is far shorter.
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The length of `3.`, `12)` or `4.1.` where a blank follows: the number of a list. Without a mark at its end it is a heading's,
/// which stands in the middle of a line where a table of contents was wrapped anew, and must read the same there.
fn list_number(text: &[u8]) -> Option<usize> {
    let length = text.iter().take(12).take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let number = text.get(..length)?;
    let closed = text.get(length) == Some(&b')');
    let end = length + usize::from(closed);
    let blank = matches!(text.get(end), Some(b' ' | b'\t'));
    (blank && (closed || number.ends_with(b"."))).then_some(end)
}

/// The length of a tag without attributes, such as `<b>`, `</li>` or `<br />`; or 1, and then it is read as text. Longer ones
/// are read, or text could be hidden in them.
fn tag(text: &[u8]) -> usize {
    if !text.get(1).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'/') {
        return 1;
    }
    let name = text.iter().skip(1).take(10);
    let length = 1 + name.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b' ')).count();
    if text.get(length) == Some(&b'>') { length + 1 } else { 1 }
}

/// The letters of a character that is not ASCII: its compatibility decomposition (Unicode Standard Annex 15), in lower case.
fn other(character: char, to: &mut impl FnMut(u8)) {
    decompose_compatible(character, |part| {
        if part.is_ascii() {
            let class = u8::try_from(part).map_or(NOTHING, class);
            if class > WIDE {
                to(class);
            }
        } else if let Some(letter) = looks_like(part) {
            to(letter);
        } else if part == 'ß' {
            to(b's');
            to(b's');
        } else if part.is_alphanumeric() && !is_filler(part) {
            part.to_lowercase().for_each(|low| low.encode_utf8(&mut [0; 4]).bytes().for_each(&mut *to));
        }
    });
}

/// Letters that nobody sees (Unicode Standard Annex 44, Default_Ignorable_Code_Point).
fn is_filler(character: char) -> bool {
    matches!(character, '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}')
}

/// The letter that a Cyrillic or Greek one cannot be told from (Unicode Technical Standard 39, confusables), as it is read
/// here.
fn looks_like(character: char) -> Option<u8> {
    Some(match character {
        'А' | 'Α' | 'а' | 'α' => b'a',
        'В' | 'Β' => b'b',
        'С' | 'с' | 'ϲ' => b'c',
        'ԁ' => b'd',
        'Е' | 'Ε' | 'е' => b'e',
        'ɡ' => b'g',
        'Н' | 'Η' | 'һ' => b'h',
        'І' | 'Ι' | 'і' | 'ι' | 'Ӏ' | 'ӏ' | 'ı' => b'l',
        'Ј' | 'ј' => b'j',
        'К' | 'Κ' | 'к' | 'κ' => b'k',
        'М' | 'Μ' => b'm',
        'Ν' | 'ո' => b'n',
        'О' | 'Ο' | 'о' | 'ο' | 'σ' => b'o',
        'Р' | 'Ρ' | 'р' | 'ρ' => b'p',
        'ԛ' => b'q',
        'Ѕ' | 'ѕ' => b's',
        'Т' | 'Τ' | 'т' | 'τ' => b't',
        'υ' | 'ս' => b'u',
        'ν' | 'ѵ' => b'v',
        'ԝ' | 'ѡ' => b'w',
        'Х' | 'Χ' | 'х' | 'χ' => b'x',
        'У' | 'Υ' | 'у' | 'γ' => b'y',
        'Ζ' => b'z',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Take, read};

    struct All(Vec<u8>);

    impl Take for All {
        fn take(&mut self, letter: u8, start: u32, end: u32) {
            assert!(start < end);
            self.0.push(letter);
        }
    }

    fn letters(text: &str) -> String {
        let mut all = All(Vec::new());
        read(text, true, &mut all);
        String::from_utf8(all.0).expect("whole characters")
    }

    #[test]
    fn what_says_the_same_has_the_same_letters() {
        let plain = letters("Heat the mix to 185 °C, then hold.");
        for same in [
            "HEAT THE MIX\nTO 185 °C, THEN HOLD.",
            "Heat the m\u{200B}ix to 1\u{2060}85 °C — then hold",
            "Heat the mix to 185 °C, th\u{AD}en ho-\nld.",
            "**Heat** the `mix` to _185_ °C, then hold.",
            "<p>Heat the <b>mix</b> to 185 °C,<br/>then hold.</p>",
            "3. Heat the mix to 185 °C, then hold.",
            "  4.2) Heat the mix to 185 °C, then hold.",
            "- 12.1. Heat the mix to 185 °C, then hold.",
            "Ηеаt thе mіх tо 185 °С, thеn hоld.",
            "Ｈｅａｔ ｔｈｅ ｍｉｘ ｔｏ １８５ °C, then hold.",
            "Heat the mlx to I85 °C, then ho1d.",
            "𝐇𝐞𝐚𝐭 the mix to 185 °C, then hold.",
        ] {
            assert_eq!(letters(same), plain, "{same}");
        }
    }

    #[test]
    fn numbers_that_are_no_list_are_kept() {
        assert_eq!(letters("| 12.5 | bar"), "l25bar");
        assert_eq!(letters("185 bar"), "l85bar");
        assert_eq!(letters("2026-11-20"), "2o26ll2o");
        assert_eq!(letters("set 12. then"), "setl2then");
        assert_eq!(letters("6.2.1 Installing 328\n6.2.2 Pins"), letters("6.2.1 Installing 328 6.2.2 Pins"));
    }

    #[test]
    fn a_tag_with_more_than_a_name_is_read() {
        assert_eq!(letters("a <img alt=x> b < c > d <heat the mix now>"), "almgaltxbcdheatthemlxnow");
    }

    #[test]
    fn ligatures_accents_and_other_scripts_have_letters_too() {
        assert_eq!(letters("eﬃzient Größe CAFÉ"), "efflzlentgrossecafe");
        assert_eq!(letters("加热 Жар"), "加热жap");
    }
}
