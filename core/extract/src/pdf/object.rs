//! Objects of PDF (ISO 32000-2, section 7.3), read leniently: what breaks off is kept as far as it went.

use std::collections::BTreeMap;

/// Values that one object may hold. A value takes up to sixteen times the memory of the bytes it is read from.
const ROOM: usize = 65_536;

/// Arrays and dictionaries within each other.
const DEPTH: usize = 32;

pub(super) type Dictionary = BTreeMap<String, Value>;

/// An object. Strings are bytes; names have their escapes resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Number(f64),
    Name(String),
    Text(Vec<u8>),
    Array(Vec<Value>),
    Dictionary(Dictionary),
    Reference(u32),
    /// A keyword, or an operator of a content stream.
    Word(String),
}

impl Value {
    pub(super) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// A number that counts something.
    pub(super) fn count(&self) -> Option<usize> {
        // Beyond four thousand million nothing in a file can be counted.
        self.number().filter(|number| (0.0..4.3e9).contains(number)).map(|number| number as usize)
    }

    pub(super) fn name(&self) -> Option<&str> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }

    pub(super) fn dictionary(&self) -> Option<&Dictionary> {
        if let Self::Dictionary(dictionary) = self { Some(dictionary) } else { None }
    }

    pub(super) fn array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    pub(super) fn reference(&self) -> Option<u32> {
        if let Self::Reference(number) = self { Some(*number) } else { None }
    }
}

/// Reads objects from bytes.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    /// Values that the one which is being read may still hold.
    room: usize,
    /// Whether one was cut because it held more.
    pub(super) cut: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, room: ROOM, cut: false }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Goes past white space and comments.
    pub(super) fn skip(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ' => self.at += 1,
                b'%' => {
                    let rest = self.rest();
                    self.at += memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                }
                _ => break,
            }
        }
    }

    /// The next object; `None` at the end.
    pub(super) fn value(&mut self) -> Option<Value> {
        self.room = ROOM;
        self.nested(0)
    }

    /// How many values the last one held, itself among them.
    pub(super) fn held(&self) -> usize {
        ROOM - self.room
    }

    fn nested(&mut self, depth: usize) -> Option<Value> {
        if self.room == 0 {
            self.cut = true;
            return None;
        }
        self.room -= 1;
        self.skip();
        let rest = self.rest();
        match rest.first()? {
            b'<' if rest.starts_with(b"<<") => {
                self.at += 2;
                Some(Value::Dictionary(self.dictionary(depth)))
            }
            b'<' => Some(Value::Text(self.hexadecimal())),
            b'(' => Some(Value::Text(self.literal())),
            b'[' => {
                self.at += 1;
                Some(Value::Array(self.array(depth)))
            }
            b'/' => Some(Value::Name(self.name())),
            b'+' | b'-' | b'.' | b'0'..=b'9' => Some(self.number_or_reference()),
            b'>' if rest.starts_with(b">>") => {
                self.at += 2;
                Some(Value::Word(">>".to_owned()))
            }
            b']' | b'{' | b'}' | b')' | b'>' => {
                self.at += 1;
                Some(Value::Word(rest.first().map(|byte| char::from(*byte).to_string()).unwrap_or_default()))
            }
            _ => {
                let length = rest.iter().take(64).take_while(|byte| is_regular(**byte)).count().max(1);
                self.at += length;
                Some(match rest.get(..length) {
                    Some(b"null") => Value::Null,
                    word => Value::Word(String::from_utf8_lossy(word.unwrap_or_default()).into_owned()),
                })
            }
        }
    }

    fn dictionary(&mut self, depth: usize) -> Dictionary {
        let mut dictionary = Dictionary::new();
        if depth >= DEPTH {
            return dictionary;
        }
        while let Some(Value::Name(key)) = self.nested(depth + 1) {
            self.skip();
            if self.rest().starts_with(b">>") {
                continue;
            }
            let Some(value) = self.nested(depth + 1) else { break };
            // Of two with the same key readers take the last.
            dictionary.insert(key, value);
        }
        dictionary
    }

    fn array(&mut self, depth: usize) -> Vec<Value> {
        let mut items = Vec::new();
        if depth >= DEPTH {
            return items;
        }
        loop {
            match self.nested(depth + 1) {
                None => break,
                Some(Value::Word(word)) if word == "]" || word == "endobj" => break,
                Some(value) => items.push(value),
            }
        }
        items
    }

    fn name(&mut self) -> String {
        self.at += 1;
        let mut name = Vec::new();
        while let Some(byte) = self.peek().filter(|byte| is_regular(*byte) && name.len() < 256) {
            self.at += 1;
            let digit = |at: usize| self.rest().get(at).and_then(|byte| char::from(*byte).to_digit(16));
            match (byte, digit(0), digit(1)) {
                (b'#', Some(high), Some(low)) => {
                    name.push(u8::try_from(high << 4 | low).unwrap_or_default());
                    self.at += 2;
                }
                _ => name.push(byte),
            }
        }
        String::from_utf8_lossy(&name).into_owned()
    }

    fn number_or_reference(&mut self) -> Value {
        let number = self.number();
        // `12 0 R`
        let mut ahead = self.clone();
        let whole = number >= 0.0 && number.fract() == 0.0 && number < 1e9;
        if whole && ahead.integer().is_some_and(|generation| generation < 65_536) {
            ahead.skip();
            if ahead.peek() == Some(b'R') && !ahead.rest().get(1).copied().is_some_and(is_regular) {
                self.at = ahead.at + 1;
                return Value::Reference(number as u32);
            }
        }
        Value::Number(number)
    }

    /// An unsigned integer, white space before it.
    pub(super) fn integer(&mut self) -> Option<u32> {
        self.skip();
        let length = self.rest().iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
        let digits = std::str::from_utf8(self.rest().get(..length)?).ok()?;
        self.at += length;
        digits.parse().ok()
    }

    fn number(&mut self) -> f64 {
        let known = |byte: &&u8| byte.is_ascii_digit() || b"+-.".contains(byte);
        let length = self.rest().iter().take(40).take_while(known).count().max(1);
        let text = self.rest().get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        self.at += length;
        text.parse().unwrap_or(0.0)
    }

    fn hexadecimal(&mut self) -> Vec<u8> {
        self.at += 1;
        let length = memchr::memchr(b'>', self.rest()).unwrap_or(self.rest().len());
        let digits = self.rest().get(..length).unwrap_or_default();
        self.at += length + 1;
        let digits: Vec<u32> = digits.iter().filter_map(|byte| char::from(*byte).to_digit(16)).collect();
        let pair = |pair: &[u32]| {
            let (high, low) = (pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0));
            u8::try_from(high << 4 | low).unwrap_or_default()
        };
        digits.chunks(2).map(pair).collect()
    }

    fn literal(&mut self) -> Vec<u8> {
        self.at += 1;
        let (mut out, mut open) = (Vec::new(), 1usize);
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                }
                b'\\' => {
                    self.escape(&mut out);
                    continue;
                }
                _ => {}
            }
            out.push(byte);
        }
        out
    }

    fn escape(&mut self, out: &mut Vec<u8>) {
        let octal = self.rest().iter().take(3).take_while(|byte| (b'0'..=b'7').contains(*byte)).count();
        if octal > 0 {
            let digits = self.rest().get(..octal).unwrap_or_default();
            let code = digits.iter().fold(0u32, |code, digit| code * 8 + u32::from(digit - b'0'));
            out.push((code & 0xff) as u8);
            self.at += octal;
            return;
        }
        let Some(byte) = self.peek() else { return };
        self.at += 1;
        match byte {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' | b'f' => out.push(b' '),
            b'\n' => {}
            b'\r' => self.at += usize::from(self.peek() == Some(b'\n')),
            other => out.push(other),
        }
    }
}

/// Whether a byte belongs to a name or a keyword.
pub(super) fn is_regular(byte: u8) -> bool {
    !matches!(
        byte,
        0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ' | b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}
