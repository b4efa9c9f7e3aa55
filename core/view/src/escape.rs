//! Text inside text: what the escapes of JSON, of code, of addresses and of HTML say.
//!
//! A tool call's arguments, a function's output, a line of a batch file, a prompt with a piece of code in it: what a
//! model reads in them stands behind one more layer of escapes, or several. `\u0041KIA...` is a key, in
//! `...\nTIC-101` a tag follows the line's end, not a word that begins with `n`, and `?q=%20TIC-101` has one too.

use crate::view::{Change, Says};

/// Layers of escapes that are undone: a batch file that holds a tool call whose arguments hold JSON has three.
pub const LAYERS: usize = 3;

/// What stands for an escape that says nothing: the plain reading leaves it out, and the map keeps where it was.
const INVISIBLE: char = '\u{200B}';

/// Which escapes a text is taken to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escapes {
    /// Those of one letter too. Without a quote there is no string that could have them, and `\n` in `C:\new` is none; but
    /// in front of a capital or a digit it is one even then.
    short: bool,
}

impl Escapes {
    /// What to look for in `text`, if it may hold an escape at all.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        first(text.as_bytes())?;
        let short = memchr::memchr2(b'"', b'\'', text.as_bytes()).is_some();
        Some(Self { short })
    }

    /// What to look for in `text`, which stands in a text of these.
    #[must_use]
    pub fn inside(self, text: &str) -> Option<Self> {
        Self::of(text).map(|own| Self { short: own.short || self.short })
    }

    /// The first escape at or after `from`.
    #[must_use]
    pub fn next(self, text: &str, from: usize) -> Option<Change> {
        let mut at = from;
        loop {
            at += first(text.as_bytes().get(at..)?)?;
            if let Some((says, length)) = self.escape(text.as_bytes().get(at..)?) {
                return Some(Change { span: at..at + length, says });
            }
            at += 1;
        }
    }

    /// What the escape at the start of `text` says, and its length.
    fn escape(self, text: &[u8]) -> Option<(Says, usize)> {
        let kind = text.get(1)?;
        let says = |character: char| Some((Says::Character(character), 2));
        match text.first()? {
            b'%' => return percent(text),
            b'&' => return entity(text),
            _ => {}
        }
        match kind {
            b'u' => unicode(text),
            b'x' => numbered(text, 2, 2),
            b'U' => numbered(text, 2, 8),
            b'n' | b'r' | b't' if !self.short && !text.get(2).is_some_and(begins) => None,
            b'n' => says('\n'),
            b'r' => says('\r'),
            b't' => says('\t'),
            // Markdown, regular expressions.
            mark if mark.is_ascii_punctuation() && !b"\"'\\/".contains(mark) => says(char::from(*mark)),
            _ if !self.short => None,
            b'"' | b'\'' | b'\\' | b'/' => says(char::from(*kind)),
            b'b' | b'f' => says(INVISIBLE),
            _ => None,
        }
    }
}

/// Whether a name or a number begins with this byte, or one more escape.
fn begins(byte: &u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'\\'
}

/// Where the first byte is that escapes begin with.
fn first(text: &[u8]) -> Option<usize> {
    memchr::memchr3(b'\\', b'%', b'&', text)
}

/// `%41`, `%C3%BC` (RFC 3986, section 2.1). What is no UTF-8 says a character each.
fn percent(text: &[u8]) -> Option<(Says, usize)> {
    let byte = |at: usize| u8::try_from(hex(text, at + 1, 2).filter(|_| text.get(at) == Some(&b'%'))?).ok();
    let lead = byte(0)?;
    if lead.is_ascii() {
        return Some((Says::Character(char::from(lead)), 3));
    }
    let bytes = [lead, byte(3).unwrap_or(0), byte(6).unwrap_or(0), byte(9).unwrap_or(0)];
    let length = usize::try_from(lead.leading_ones()).unwrap_or(0).min(4);
    let character = bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()?.chars().next());
    Some(match character {
        Some(character) => (Says::Character(character), 3 * length),
        None => (Says::Character(char::from(lead)), 3),
    })
}

/// What `&#65;`, `&#x41;` or a name that keeps HTML apart from text says at the start of `text`, and its length.
#[must_use]
pub fn entity(text: &[u8]) -> Option<(Says, usize)> {
    const NAMES: [(&[u8], char); 6] =
        [(b"&quot;", '"'), (b"&apos;", '\''), (b"&amp;", '&'), (b"&lt;", '<'), (b"&gt;", '>'), (b"&nbsp;", ' ')];
    if let Some((name, says)) = NAMES.iter().find(|(name, _)| text.starts_with(name)) {
        return Some((Says::Character(*says), name.len()));
    }
    let digits = text.strip_prefix(b"&#")?;
    let (radix, start) = if matches!(digits.first(), Some(b'x' | b'X')) { (16, 1) } else { (10, 0) };
    let digit = |byte: &u8| char::from(*byte).to_digit(radix);
    let length = digits.iter().skip(start).take(7).take_while(|byte| digit(byte).is_some()).count();
    let number = digits.get(start..start + length).filter(|number| !number.is_empty())?;
    let closed = digits.get(start + length) == Some(&b';');
    let code = number.iter().filter_map(digit).fold(0, |code, digit| code * radix + digit);
    closed.then_some((said(code), 2 + start + length + 1))
}

/// What `\u0041`, `\ud83d\ude00` or `\u{41}` says at the start of `text`, and its length.
#[must_use]
pub fn unicode(text: &[u8]) -> Option<(Says, usize)> {
    if text.get(2) == Some(&b'{') {
        let length = text.iter().skip(3).take(7).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let closed = text.get(3 + length) == Some(&b'}');
        let (says, end) = numbered(text, 3, length).filter(|_| closed && length > 0)?;
        return Some((says, end + 1));
    }
    let high = hex(text, 2, 4)?;
    if !(0xD800..0xDC00).contains(&high) {
        return Some((said(high), 6));
    }
    let low = (text.get(6..8) == Some(b"\\u")).then(|| hex(text, 8, 4)).flatten();
    match low.filter(|low| (0xDC00..0xE000).contains(low)) {
        Some(low) => Some((said(0x1_0000 + ((high & 0x3FF) << 10) + (low & 0x3FF)), 12)),
        None => Some((Says::Character(INVISIBLE), 6)),
    }
}

/// An escape of `digits` digits from `at` on.
fn numbered(text: &[u8], at: usize, digits: usize) -> Option<(Says, usize)> {
    Some((said(hex(text, at, digits)?), at + digits))
}

/// A number's character. A half of a pair, or what is beyond Unicode, says nothing.
fn said(code: u32) -> Says {
    Says::Character(char::from_u32(code).unwrap_or(INVISIBLE))
}

fn hex(text: &[u8], at: usize, digits: usize) -> Option<u32> {
    text.get(at..at + digits)?.iter().try_fold(0u32, |value, byte| Some(value << 4 | char::from(*byte).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::Escapes;
    use crate::view::View;
    use proptest::prelude::*;

    fn undone(text: &str) -> String {
        let Some(escapes) = Escapes::of(text) else { return text.to_owned() };
        View::new(text, |text, from| escapes.next(text, from)).expect("a small map").text.into_owned()
    }

    #[test]
    fn escapes_say_their_character() {
        assert_eq!(undone(r#"{"a":"\u0041\n\"\\n\/\ud83d\ude00"}"#), "{\"a\":\"A\n\"\\n/\u{1F600}\"}");
        assert_eq!(undone(r"\x41\u{42}\U00000043 \ud800"), "ABC \u{200B}");
        assert_eq!(undone(r"TIC\-101 at 10\.4\.7\.12"), "TIC-101 at 10.4.7.12");
        assert_eq!(undone("%41%c3%bc%E2%82%AC %FF %C3 %4 %"), "Aü€ ÿ Ã %4 %");
        assert_eq!(undone("&#65;&#x42;&quot;&amp;amp; &#; &#65 &x;"), "AB\"&amp; &#; &#65 &x;");
    }

    #[test]
    fn a_path_without_quotes_keeps_its_backslashes() {
        assert_eq!(undone(r"C:\new\table\x\user"), r"C:\new\table\x\user");
        assert_eq!(undone(r"trip\r\nTIC-101\t12"), "trip\r\nTIC-101\t12");
    }

    proptest! {
        #[test]
        fn what_json_escapes_comes_back(text in "[a-z\"\\\\\n\t/\u{1}-$'-\u{7f}ü😀]{0,24}") {
            let quoted = serde_json::to_string(&text).expect("a string");
            prop_assert_eq!(undone(&quoted), format!("\"{}\"", text.replace(['\u{8}', '\u{c}'], "\u{200B}")));
        }

        #[test]
        fn every_span_maps_back_to_whole_escapes(source in r##"["\\nu0-9a-d%&#;]{0,24}"##) {
            let Some(escapes) = Escapes::of(&source) else { return Ok(()) };
            let view = View::new(&source, |text, from| escapes.next(text, from)).expect("a small map");
            let ends: Vec<usize> = view.text.char_indices().map(|(at, _)| at).chain([view.text.len()]).collect();
            for (index, start) in ends.iter().enumerate() {
                for end in &ends[index..] {
                    let span = view.map.source(&(*start..*end));
                    prop_assert!(source.get(span.clone()).is_some());
                    prop_assert!(view.map.cut(span.start).is_none() && (span.is_empty() || view.map.cut(span.end).is_none()));
                }
            }
        }
    }
}
