//! The characters of an answer's text as whoever reads it will see them, and where each stands in the text as it travels.

use plant::Form;

/// A character, and the bytes that say it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) character: char,
    /// Where it ends, in bytes from where the reading began.
    pub(super) end: usize,
    /// Whether it ends a string of JSON, and with it all that is in it.
    pub(super) edge: bool,
}

/// The beginning of a text, read.
pub(super) struct Units {
    pub(super) units: Vec<Unit>,
    /// Whether nothing can follow that was not read: the text has ended.
    pub(super) whole: bool,
}

impl Units {
    /// Reads at most `most` characters of `text`; `end` says that it has ended.
    pub(super) fn read(text: &str, form: Form, most: usize, end: bool) -> Self {
        let mut units = Vec::with_capacity(most.min(64));
        let mut at = 0;
        while units.len() < most {
            let Some(unit) = next(text, at, form, end) else { break };
            at = unit.end;
            units.push(unit);
            if unit.edge {
                return Self { units, whole: true };
            }
        }
        let whole = end && at >= text.len();
        Self { units, whole }
    }

    pub(super) fn at(&self, at: usize) -> Option<char> {
        self.units.get(at).map(|unit| unit.character)
    }

    /// Where the unit before `at` ends.
    pub(super) fn end(&self, at: usize) -> usize {
        at.checked_sub(1).and_then(|last| self.units.get(last)).map_or(0, |unit| unit.end)
    }

    pub(super) fn text(&self, from: usize, to: usize) -> String {
        self.units.get(from..to.min(self.units.len())).unwrap_or_default().iter().map(|unit| unit.character).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.units.len()
    }
}

/// The unit at `at`; `None` if it is not whole yet, or the text is over.
pub(super) fn next(text: &str, at: usize, form: Form, end: bool) -> Option<Unit> {
    let rest = text.get(at..)?;
    let character = rest.chars().next()?;
    let plain = Unit { character, end: at + character.len_utf8(), edge: false };
    if form == Form::Plain {
        return Some(plain);
    }
    match character {
        '"' => Some(Unit { edge: true, ..plain }),
        '\\' => escape(rest, at).or(end.then_some(plain)),
        _ => Some(plain),
    }
}

/// Whether a text begins so, in any case, or may once it has gone on.
pub(super) fn may_begin(text: &str, form: Form, end: bool, opener: &str) -> bool {
    let mut at = 0;
    opener.chars().all(|own| match next(text, at, form, end) {
        None => true,
        Some(unit) => {
            at = unit.end;
            unit.character.eq_ignore_ascii_case(&own)
        }
    })
}

/// An escape of JSON (RFC 8259, section 7); what is none stands for itself. `None` while it is not whole.
fn escape(rest: &str, at: usize) -> Option<Unit> {
    let bytes = rest.as_bytes();
    let unit = |character, length| Some(Unit { character, end: at + length, edge: false });
    match bytes.get(1)? {
        b'n' => unit('\n', 2),
        b'r' => unit('\r', 2),
        b't' => unit('\t', 2),
        b'b' => unit('\u{8}', 2),
        b'f' => unit('\u{c}', 2),
        b'u' => {
            let high = match hex(bytes, 2) {
                Some(high) => high,
                None if bytes.len() < 6 => return None,
                None => return unit('\\', 1),
            };
            if !(0xD800..0xDC00).contains(&high) {
                return unit(char::from_u32(high).unwrap_or('\u{FFFD}'), 6);
            }
            if bytes.len() < 12 && b"\\u".starts_with(bytes.get(6..bytes.len().min(8)).unwrap_or_default()) {
                return None;
            }
            let low = hex(bytes, 8).filter(|low| bytes.get(6..8) == Some(b"\\u") && (0xDC00..0xE000).contains(low));
            match low.and_then(|low| char::from_u32(0x1_0000 + ((high & 0x3FF) << 10) + (low & 0x3FF))) {
                Some(character) => unit(character, 12),
                None => unit('\u{FFFD}', 6),
            }
        }
        mark if mark.is_ascii() => unit(char::from(*mark), 2),
        _ => unit('\\', 1),
    }
}

fn hex(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}
