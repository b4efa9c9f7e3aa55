//! Reads the canonical line strictly, in one pass and without allocating: verification does it for every record.

use super::{NUMBER_LIMIT, VERSION};
use crate::tile::ENTRY_LIMIT;
use crate::tree::Hash;
use memchr::memchr2;
use plant::{Millis, RecordId};

/// Deepest nesting. Ours is three; the margin is for later versions' parts.
const DEPTH_LIMIT: u32 = 8;

/// The place of a record and what links it to others; the rest is checked for form and skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The index of the leaf.
    pub seq: u64,
    /// The leaf hash of the record before.
    pub prev: Hash,
    /// The name of the kind, which may be one that a later version added.
    pub kind: &'a str,
    /// The record's own identity.
    pub id: RecordId,
    /// The record that this one answers.
    pub reference: Option<RecordId>,
    /// When it was written.
    pub t: Millis,
    /// Microseconds since the machine started.
    pub mono: u64,
    /// Which start of the gateway wrote it.
    pub boot: u64,
    /// Whether it refers to content that is kept.
    pub sealed: bool,
}

/// Bytes that are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at} of the record {problem}")]
pub struct Malformed {
    /// Where reading stopped.
    pub at: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

/// Checks that a line is one object in the form of records: canonical JSON of the part that they use, whatever it says.
///
/// # Errors
/// Says where it is not.
pub fn check_form(line: &[u8]) -> Result<(), Malformed> {
    read(line, |scan, _| scan.value(1))
}

/// Reads the one object of a line; `member` is handed each key and reads its value.
fn read<'a>(
    line: &'a [u8],
    member: impl FnMut(&mut Scan<'a>, &'a str) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    if line.len() > ENTRY_LIMIT {
        return Err(Malformed { at: ENTRY_LIMIT, problem: "is beyond the longest record" });
    }
    let text =
        std::str::from_utf8(line).map_err(|error| Malformed { at: error.valid_up_to(), problem: "is no UTF-8" })?;
    // Once over the whole line without stopping, which the compiler turns into wide instructions; strings need not
    // look again.
    if line.iter().fold(false, |found, byte| found | (*byte < b' ')) {
        let at = line.iter().position(|byte| *byte < b' ').unwrap_or_default();
        return Err(Malformed { at, problem: "is a control character" });
    }
    let mut scan = Scan { text, at: 0 };
    scan.object(0, member)?;
    if scan.at == line.len() { Ok(()) } else { Err(scan.problem("goes on after its end")) }
}

/// The parts of a head as they turn up.
#[derive(Default)]
struct Parts<'a> {
    seq: Option<u64>,
    prev: Option<Hash>,
    kind: Option<&'a str>,
    id: Option<RecordId>,
    reference: Option<RecordId>,
    t: Option<u64>,
    mono: Option<u64>,
    boot: Option<u64>,
    version: Option<u64>,
    sealed: bool,
}

impl<'a> Head<'a> {
    /// Reads a record's head and checks the form of the whole line.
    ///
    /// # Errors
    /// Unless the line is one record of version 1: canonical JSON (RFC 8785) of the part that records use, with all
    /// parts of the head.
    pub fn parse(line: &'a [u8]) -> Result<Self, Malformed> {
        let mut parts = Parts::default();
        read(line, |scan, key| parts.take(scan, key))?;
        parts.head().ok_or(Malformed { at: 0, problem: "begins a record of another version, or without its head" })
    }
}

impl<'a> Parts<'a> {
    fn take(&mut self, scan: &mut Scan<'a>, key: &str) -> Result<(), Malformed> {
        match key {
            "boot" => self.boot = Some(scan.number()?),
            "id" => self.id = Some(scan.id()?),
            "kind" => self.kind = Some(scan.plain()?),
            "mono" => self.mono = Some(scan.number()?),
            "prev" => self.prev = Some(scan.hash()?),
            "ref" => self.reference = Some(scan.id()?),
            "seq" => self.seq = Some(scan.number()?),
            "t" => self.t = Some(scan.number()?),
            "v" => self.version = Some(scan.number()?),
            _ => {
                self.sealed |= key == "seal";
                scan.value(1)?;
            }
        }
        Ok(())
    }

    fn head(self) -> Option<Head<'a>> {
        if self.version != Some(VERSION) {
            return None;
        }
        Some(Head {
            seq: self.seq?,
            prev: self.prev?,
            kind: self.kind?,
            id: self.id?,
            reference: self.reference,
            t: Millis(self.t?),
            mono: self.mono?,
            boot: self.boot?,
            sealed: self.sealed,
        })
    }
}

/// A place in the line.
struct Scan<'a> {
    /// INVARIANT: without control characters.
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    /// Reads an object; `member` is handed each key and reads its value.
    fn object(
        &mut self,
        depth: u32,
        mut member: impl FnMut(&mut Self, &'a str) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.nest(depth)?;
        self.expect(b'{')?;
        if self.eat(b'}') {
            return Ok(());
        }
        let mut last = "";
        loop {
            let key = self.plain()?;
            // Strictly ascending: canonical, and no key twice (attack A18). Byte by byte, because the first mostly
            // decides, and a call to compare memory costs more than that.
            if key.bytes().le(last.bytes()) {
                return Err(self.problem("ends a key that is empty, out of order or there twice"));
            }
            last = key;
            self.expect(b':')?;
            member(self, key)?;
            if self.eat(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: u32) -> Result<(), Malformed> {
        self.nest(depth)?;
        self.expect(b'[')?;
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            if self.eat(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn value(&mut self, depth: u32) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{') => self.object(depth, |scan, _| scan.value(depth + 1)),
            Some(b'[') => self.array(depth),
            Some(b'0'..=b'9') => self.number().map(|_| ()),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            _ => Err(self.problem("begins no value that a record holds")),
        }
    }

    /// A string, still escaped, and whether it holds escapes.
    fn string(&mut self) -> Result<(&'a str, bool), Malformed> {
        self.expect(b'"')?;
        let begin = self.at;
        let mut escapes = false;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            self.at += memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => break,
                // Controls never reach a record, so these two are the only escapes (RFC 8785 section 3.2.2.2).
                Some(b'\\') if matches!(self.text.as_bytes().get(self.at + 1), Some(b'"' | b'\\')) => {
                    escapes = true;
                    self.at += 2;
                }
                _ => return Err(self.problem("is not allowed in a text")),
            }
        }
        let text = self.text.get(begin..self.at).unwrap_or_default();
        self.at += 1;
        Ok((text, escapes))
    }

    /// A string without escapes.
    fn plain(&mut self) -> Result<&'a str, Malformed> {
        match self.string()? {
            (text, false) => Ok(text),
            (_, true) => Err(self.problem("ends a name with escapes")),
        }
    }

    fn number(&mut self) -> Result<u64, Malformed> {
        let begin = self.at;
        let mut number = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number * 10 + u64::from(digit - b'0');
            self.at += 1;
            if number >= NUMBER_LIMIT || (number == u64::from(digit - b'0') && self.at - begin > 1) {
                return Err(self.problem("ends a number with leading zeros, or of 2^53 or more"));
            }
        }
        if self.at == begin { Err(self.problem("begins no whole number")) } else { Ok(number) }
    }

    fn id(&mut self) -> Result<RecordId, Malformed> {
        let text = self.plain()?;
        let one_spelling = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
        one_spelling.then(|| RecordId::parse(text)).flatten().ok_or_else(|| self.problem("ends what is no record id"))
    }

    fn hash(&mut self) -> Result<Hash, Malformed> {
        let text = self.plain()?;
        let mut hash = Hash::default();
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(self.problem("ends what is no hash"));
        };
        if pairs.len() != hash.len() {
            return Err(self.problem("ends what is no hash"));
        }
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            match (nibble(*high), nibble(*low)) {
                (Some(high), Some(low)) => *byte = high << 4 | low,
                _ => return Err(self.problem("ends what is no hash")),
            }
        }
        Ok(hash)
    }

    fn word(&mut self, word: &str) -> Result<(), Malformed> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.problem("begins no value that a record holds"))
        }
    }

    fn nest(&self, depth: u32) -> Result<(), Malformed> {
        if depth < DEPTH_LIMIT { Ok(()) } else { Err(self.problem("nests too deep")) }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.eat(byte) { Ok(()) } else { Err(self.problem("is not what canonical JSON has there")) }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn problem(&self, problem: &'static str) -> Malformed {
        Malformed { at: self.at, problem }
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
