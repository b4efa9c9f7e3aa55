//! RTF 1.9: the text between the control words, with what is marked as hidden apart.

use crate::harvest::Harvest;
use crate::text;

/// Groups within each other whose state is followed.
const DEPTH: usize = 256;

/// Groups that hold the shape of the document, or pictures in hexadecimal.
const SHAPE: [&[u8]; 12] = [
    b"fonttbl",
    b"colortbl",
    b"stylesheet",
    b"pict",
    b"themedata",
    b"datastore",
    b"latentstyles",
    b"listtable",
    b"listoverridetable",
    b"rsidtbl",
    b"generator",
    b"xmlnstbl",
];

/// What holds in a group.
#[derive(Clone, Copy, Default)]
struct State {
    skips: bool,
    hidden: bool,
    /// Bytes that stand for a Unicode character in older readers.
    fallback: usize,
}

/// Reads RTF.
pub(crate) fn read(harvest: &mut Harvest<'_>, bytes: &[u8]) {
    let (mut shown, mut hidden) = (String::new(), String::new());
    let mut groups: Vec<State> = Vec::new();
    let mut state = State { fallback: 1, ..State::default() };
    let mut skip = 0;
    let mut surrogate = None;
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let said = match byte {
            b'{' => {
                if groups.len() < DEPTH {
                    groups.push(state);
                }
                None
            }
            b'}' => {
                state = groups.pop().unwrap_or(state);
                None
            }
            b'\\' => {
                let (word, after) = control(rest);
                rest = after;
                word.say(&mut state, &mut skip, &mut surrogate)
            }
            b'\r' | b'\n' => None,
            _ if skip > 0 => {
                skip -= 1;
                None
            }
            byte => Some(text::windows_character(*byte)),
        };
        if let Some(said) = said.filter(|_| !state.skips) {
            if state.hidden { hidden.push(said) } else { shown.push(said) }
        }
    }
    harvest.text("text", shown);
    harvest.hidden("hidden text", hidden);
}

/// A control word or symbol.
struct Control<'a> {
    word: &'a [u8],
    number: Option<i32>,
}

/// Reads a control behind its backslash (RTF 1.9, "RTF syntax").
fn control(rest: &[u8]) -> (Control<'_>, &[u8]) {
    let letters = rest.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 {
        let hex = rest.first() == Some(&b'\'');
        let (symbol, after) = rest.split_at(rest.len().min(if hex { 3 } else { 1 }));
        let code = symbol.get(1..).and_then(|digits| std::str::from_utf8(digits).ok());
        let number = code.filter(|_| hex).and_then(|code| i32::from_str_radix(code, 16).ok());
        return (Control { word: symbol.get(..1).unwrap_or_default(), number }, after);
    }
    let (word, after) = rest.split_at(letters);
    let minus = usize::from(after.first() == Some(&b'-'));
    let digits = after.iter().skip(minus).take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let (number, after) = after.split_at(if digits == 0 { 0 } else { minus + digits });
    let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
    (Control { word, number }, after.strip_prefix(b" ").unwrap_or(after))
}

impl Control<'_> {
    /// What it says, and what it changes.
    fn say(&self, state: &mut State, skip: &mut usize, surrogate: &mut Option<u16>) -> Option<char> {
        match self.word {
            b"'" if *skip > 0 => {
                *skip -= 1;
                None
            }
            b"'" => self.number.and_then(|code| u8::try_from(code).ok()).map(text::windows_character),
            b"u" => {
                *skip = state.fallback;
                unicode(self.number?, surrogate)
            }
            b"uc" => {
                state.fallback = usize::try_from(self.number.unwrap_or(1)).unwrap_or(1).min(16);
                None
            }
            b"v" => {
                state.hidden = self.number != Some(0);
                None
            }
            b"par" | b"line" | b"row" | b"sect" | b"page" => Some('\n'),
            b"tab" | b"cell" => Some('\t'),
            b"~" => Some(' '),
            b"\\" => Some('\\'),
            b"{" => Some('{'),
            b"}" => Some('}'),
            word if SHAPE.contains(&word) => {
                state.skips = true;
                None
            }
            _ => None,
        }
    }
}

/// A UTF-16 unit, written as a signed number; two may be one character.
fn unicode(number: i32, surrogate: &mut Option<u16>) -> Option<char> {
    let unit = u16::try_from(number & 0xffff).ok()?;
    let high = surrogate.take();
    if (0xd800..0xdc00).contains(&unit) {
        *surrogate = Some(unit);
        return None;
    }
    char::decode_utf16(high.into_iter().chain([unit])).last()?.ok()
}
