//! The reader: one pass over the bytes, an explicit state in place of a call stack.

use super::{Error, Kind, Limits, NONE, Node, Problem, Text};
use std::borrow::Cow;

/// Reads a complete text into nodes.
pub(super) fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(&'a str, Vec<Node>), Error> {
    if u32::try_from(bytes.len()).is_err() {
        return Err(Error { problem: Problem::TooLong, offset: 0 });
    }
    if bytes.starts_with(b"\xef\xbb\xbf") || bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Error { problem: Problem::ByteOrderMark, offset: 0 });
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| Error { problem: Problem::Utf8, offset: error.valid_up_to() })?;
    let mut reader = Reader { text, bytes, at: 0, nodes: Vec::new(), open: NONE, depth: 0, limits: *limits };
    // A node for every 32 bytes is about what chat bodies have; small frames of a stream need one allocation.
    reader.nodes.reserve((bytes.len() / 32).clamp(8, 4096));
    reader.run()?;
    Ok((text, reader.nodes))
}

/// What may come next.
enum State {
    /// A value, under this key if it is a member.
    Value(Key),
    /// After `[`: an item or the end.
    FirstItem,
    /// After `{`: a key or the end.
    FirstKey,
    /// After a comma in an object.
    Key,
    /// After a value: a comma, or the end of what is open.
    After,
}

/// Where a key stands between its quotes; `start` 0 is no key.
#[derive(Clone, Copy, Default)]
struct Key {
    start: u32,
    end: u32,
    escaped: bool,
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    /// The innermost open array or object. The chain of parents is the stack.
    open: u32,
    depth: u32,
    limits: Limits,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), Error> {
        let mut state = State::Value(Key::default());
        loop {
            self.skip_space();
            state = match (state, self.peek()) {
                (State::Value(key), Some(byte)) => self.value(key, byte)?,
                (State::FirstItem, Some(b']')) | (State::FirstKey, Some(b'}')) => self.close()?,
                (State::FirstItem, Some(byte)) => self.value(Key::default(), byte)?,
                (State::FirstKey | State::Key, Some(b'"')) => State::Value(self.key()?),
                (State::After, None) if self.open == NONE => return Ok(()),
                (State::After, Some(_)) if self.open == NONE => return self.fail(Problem::Trailing),
                (State::After, Some(byte)) => self.after(byte)?,
                (_, None) => return self.fail(Problem::UnexpectedEnd),
                (_, Some(_)) => return self.fail(Problem::UnexpectedByte),
            };
        }
    }

    fn value(&mut self, key: Key, byte: u8) -> Result<State, Error> {
        let start = self.at;
        let mut escaped = false;
        let kind = match byte {
            b'"' => {
                escaped = self.string()?;
                Kind::String
            }
            b'{' | b'[' => return self.enter(key, byte),
            b'-' | b'0'..=b'9' => {
                self.number()?;
                if self.extend_run() {
                    return Ok(State::After);
                }
                Kind::Number
            }
            b't' => self.word(b"true", Kind::Bool)?,
            b'f' => self.word(b"false", Kind::Bool)?,
            b'n' => self.word(b"null", Kind::Null)?,
            b'N' | b'I' | b'+' | b'.' => return self.fail(Problem::Number),
            _ => return self.fail(Problem::UnexpectedByte),
        };
        let after = self.count() + 1;
        self.push(key, kind, start, escaped, after)?;
        Ok(State::After)
    }

    fn enter(&mut self, key: Key, byte: u8) -> Result<State, Error> {
        if self.depth >= self.limits.depth {
            return self.fail(Problem::TooDeep);
        }
        let (kind, next) = if byte == b'{' { (Kind::Object, State::FirstKey) } else { (Kind::Array, State::FirstItem) };
        let start = self.at;
        self.at += 1;
        let index = self.count();
        self.push(key, kind, start, false, NONE)?;
        self.open = index;
        self.depth += 1;
        Ok(next)
    }

    fn push(&mut self, key: Key, kind: Kind, start: usize, escaped: bool, after: u32) -> Result<(), Error> {
        if self.count() >= self.limits.nodes {
            return Err(Error { problem: Problem::TooMany, offset: start });
        }
        let parent = self.open;
        let position = match self.nodes.get_mut(parent as usize) {
            Some(open) => {
                open.len += 1;
                open.len - 1
            }
            None => 0,
        };
        self.nodes.push(Node {
            start: narrow(start),
            end: narrow(self.at),
            parent,
            after,
            len: 0,
            position,
            key_start: key.start,
            key_end: key.end,
            kind,
            escaped,
            key_escaped: key.escaped,
        });
        Ok(())
    }

    /// Takes the number just read into the run of numbers before it, if there is one in the same array.
    fn extend_run(&mut self) -> bool {
        let (at, open) = (narrow(self.at), self.open);
        let fits = |node: &Node| node.parent == open && matches!(node.kind, Kind::Number | Kind::Numbers);
        let array = self.nodes.get(open as usize).is_some_and(|node| node.kind == Kind::Array);
        if !array || !self.nodes.last().is_some_and(fits) {
            return false;
        }
        if let Some(run) = self.nodes.last_mut() {
            run.kind = Kind::Numbers;
            run.end = at;
        }
        if let Some(open) = self.nodes.get_mut(open as usize) {
            open.len += 1;
        }
        true
    }

    fn after(&mut self, byte: u8) -> Result<State, Error> {
        let object = self.nodes.get(self.open as usize).is_some_and(|node| node.kind == Kind::Object);
        match (byte, object) {
            (b',', true) => {
                self.at += 1;
                Ok(State::Key)
            }
            (b',', false) => {
                self.at += 1;
                Ok(State::Value(Key::default()))
            }
            (b'}', true) | (b']', false) => self.close(),
            _ => self.fail(Problem::UnexpectedByte),
        }
    }

    fn close(&mut self) -> Result<State, Error> {
        self.at += 1;
        let (at, after, index) = (narrow(self.at), self.count(), self.open);
        let Some(node) = self.nodes.get_mut(index as usize) else { return self.fail(Problem::UnexpectedByte) };
        node.end = at;
        node.after = after;
        let (kind, parent, members) = (node.kind, node.parent, node.len);
        if kind == Kind::Object && members > 1 {
            self.check_keys(index, members)?;
        }
        self.open = parent;
        self.depth -= 1;
        Ok(State::After)
    }

    /// Refuses an object that holds a key twice, at the second one's offset.
    fn check_keys(&self, object: u32, members: u32) -> Result<(), Error> {
        // Below this, comparing each with each is faster than sorting; most pairs differ in length already.
        const FEW: u32 = 12;
        let twice = if members <= FEW && self.members(object).all(|node| !node.key_escaped) {
            self.members(object).enumerate().find_map(|(position, node)| {
                let key = self.raw_key(node);
                self.members(object)
                    .take(position)
                    .any(|earlier| self.raw_key(earlier) == key)
                    .then_some(node.key_start)
            })
        } else {
            let mut keys: Vec<(Cow<'_, str>, u32)> = self
                .members(object)
                .map(|node| {
                    let span = node.key_start as usize..node.key_end as usize;
                    (Text::new(self.text, span, node.key_escaped).decode(), node.key_start)
                })
                .collect();
            keys.sort_unstable();
            let twice = keys.windows(2).filter_map(|pair| match pair {
                [(first, _), (second, at)] if first == second => Some(*at),
                _ => None,
            });
            twice.min()
        };
        match twice {
            Some(at) => Err(Error { problem: Problem::DuplicateKey, offset: at as usize - 1 }),
            None => Ok(()),
        }
    }

    fn members(&self, object: u32) -> impl Iterator<Item = &Node> {
        let mut next = object + 1;
        std::iter::from_fn(move || {
            let node = self.nodes.get(next as usize)?;
            next = node.after;
            Some(node)
        })
    }

    fn raw_key(&self, node: &Node) -> &[u8] {
        self.bytes.get(node.key_start as usize..node.key_end as usize).unwrap_or_default()
    }

    fn key(&mut self) -> Result<Key, Error> {
        let start = narrow(self.at + 1);
        let escaped = self.string()?;
        let key = Key { start, end: narrow(self.at - 1), escaped };
        self.skip_space();
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => return self.fail(Problem::UnexpectedByte),
            None => return self.fail(Problem::UnexpectedEnd),
        }
        Ok(key)
    }

    /// Passes a string from quote to quote; says whether it holds an escape.
    fn string(&mut self) -> Result<bool, Error> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at += plain(self.bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.fail(Problem::ControlCharacter),
                None => return self.fail(Problem::UnexpectedEnd),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Error> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => match self.unit(self.at)? {
                0xd800..=0xdbff => {
                    let paired = self.bytes.get(self.at + 6..self.at + 8) == Some(b"\\u");
                    if !paired || !(0xdc00..=0xdfff).contains(&self.unit(self.at + 6)?) {
                        return self.fail(Problem::LoneSurrogate);
                    }
                    self.at += 12;
                    Ok(())
                }
                0xdc00..=0xdfff => self.fail(Problem::LoneSurrogate),
                _ => {
                    self.at += 6;
                    Ok(())
                }
            },
            Some(_) => self.fail(Problem::Escape),
            None => self.fail(Problem::UnexpectedEnd),
        }
    }

    /// The code unit of a `\uXXXX` that begins at `at`.
    fn unit(&self, at: usize) -> Result<u32, Error> {
        let Some(digits) = self.bytes.get(at + 2..at + 6) else {
            return Err(Error { problem: Problem::UnexpectedEnd, offset: self.bytes.len() });
        };
        digits
            .iter()
            .try_fold(0, |unit, digit| char::from(*digit).to_digit(16).map(|digit| unit << 4 | digit))
            .ok_or(Error { problem: Problem::Escape, offset: at })
    }

    fn number(&mut self) -> Result<(), Error> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        // `01`, `1x` and `0.1.2` must not be read as a number with something behind it.
        if matches!(self.peek(), Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'+' | b'-' | b'_')) {
            return self.fail(Problem::Number);
        }
        Ok(())
    }

    /// Passes one digit or more.
    fn digits(&mut self) -> Result<(), Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        match (count, self.peek()) {
            (0, None) => self.fail(Problem::UnexpectedEnd),
            (0, Some(_)) => self.fail(Problem::Number),
            _ => Ok(()),
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<Kind, Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(kind);
        }
        let problem = if word.starts_with(rest) { Problem::UnexpectedEnd } else { Problem::UnexpectedByte };
        self.fail(problem)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn count(&self) -> u32 {
        narrow(self.nodes.len())
    }

    fn fail<T>(&self, problem: Problem) -> Result<T, Error> {
        Err(Error { problem, offset: self.at })
    }
}

/// An offset or count as 32 bits. INVARIANT: inputs longer than that were refused at the door.
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(NONE)
}

/// How many bytes of string content come before the next quote, backslash or control character.
///
/// Eight bytes at a time: a subtraction borrows into a byte's high bit exactly if the byte is below the bound,
/// and a borrow can only disturb the bytes above the first hit.
fn plain(bytes: &[u8]) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, bound: u64| word.wrapping_sub(LOW * bound) & !word;
    let mut passed = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (LOW * 0x22);
        let backslash = word ^ (LOW * 0x5c);
        let hits = (below(word, 0x20) | below(quote, 1) | below(backslash, 1)) & HIGH;
        if hits != 0 {
            return passed + (hits.trailing_zeros() / 8) as usize;
        }
        passed += 8;
    }
    let stop = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    passed + rest.iter().position(stop).unwrap_or(rest.len())
}
