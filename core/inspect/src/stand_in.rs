//! What stands in for a value, and how it is known again when a model has spelled it in another way.
//!
//! Letters and digits tell a stand-in; case never matters. What may stand between them, and what beside it, depends on
//! how sure its letters are: a word of 45 random bits may be torn apart, a tag may change the hyphen that it had anyway,
//! an address must come as it was. What is invisible (soft hyphens, zero-width characters) and the backslash with which
//! Markdown escapes may stand anywhere.

use plant::Form;

/// Most characters in a row that are passed over within a stand-in: a hyphen, a line's end and its indent.
const LONGEST_GAP: u32 = 4;

/// Most letters and digits of a stand-in.
pub(crate) const LONGEST: usize = 64;

/// How loosely a stand-in may be spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spelling {
    /// A word that nobody else writes: blanks and line ends may stand anywhere in it, and anything beside it.
    Word,
    /// A tag: its separators may change, and stand between letters and digits.
    Tag,
    /// A number in groups: separators may stand anywhere.
    Number,
    /// An address: as it stands.
    Address,
}

impl Spelling {
    /// Whether a stand-in is known again between what stands before and behind it.
    pub(crate) fn stands(self, before: &str, text: &str, behind: &str) -> bool {
        let (signs, letters) = text.split_at(text.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(text.len()));
        let mut beside = Before::default();
        beside.read(before, Form::Plain);
        beside.read(signs, Form::Plain);
        let near: String = behind.chars().take(NEAR).collect();
        let only = StandIns::new([StandIn::new(text, self, "")]);
        matches!(only.at(&(letters.to_owned() + &near), true, Form::Plain, beside), Start::Known { .. })
    }
}

/// What stands in for a value.
#[derive(Clone)]
pub(crate) struct StandIn {
    /// What tells it: letters and digits in capitals, and the marks of an address.
    letters: String,
    /// Where separators may stand: a bit for each place before a letter.
    open: u64,
    spelling: Spelling,
    /// What it stands for, as it was sent.
    value: String,
}

impl StandIn {
    pub(crate) fn new(text: &str, spelling: Spelling, value: &str) -> Self {
        let letters = letters(text, spelling);
        let open = match spelling {
            Spelling::Word | Spelling::Number => u64::MAX,
            Spelling::Tag => places(text),
            Spelling::Address => 0,
        };
        let value = if spelling == Spelling::Word { value } else { within(text, value) };
        Self { letters, open, spelling, value: value.to_owned() }
    }

    pub(crate) fn letters(&self) -> &str {
        &self.letters
    }
}

/// The value from its first to its last letter, without the signs beside them that its stand-in has too: the plus of a
/// telephone number, the percent sign of a variable. They are not known again, and stay where they stand.
fn within<'v>(text: &str, value: &'v str) -> &'v str {
    let sign = |(one, other): &(char, char)| one == other && !one.is_ascii_alphanumeric();
    let front = text.chars().zip(value.chars()).take_while(sign).map(|(sign, _)| sign.len_utf8()).sum();
    let value = value.get(front..).unwrap_or(value);
    let back = text.chars().rev().zip(value.chars().rev()).take_while(sign).map(|(sign, _)| sign.len_utf8()).sum();
    value.len().checked_sub(back).and_then(|end| value.get(..end)).unwrap_or(value)
}

/// What tells a stand-in of this spelling. Two that share it are one.
pub(crate) fn letters(text: &str, spelling: Spelling) -> String {
    let mark = |c: char| spelling == Spelling::Address && matches!(c, '@' | '.' | ':');
    text.chars().filter(|c| c.is_ascii_alphanumeric() || mark(*c)).map(|c| c.to_ascii_uppercase()).collect()
}

/// The places of a tag where a separator stands, or letters meet digits.
fn places(text: &str) -> u64 {
    let (mut open, mut at, mut before) = (0, 0, None::<u8>);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            let parted = before.is_some_and(|before| {
                !before.is_ascii_alphanumeric() || before.is_ascii_digit() != byte.is_ascii_digit()
            });
            open |= u64::from(parted).checked_shl(at).unwrap_or(0);
            at += 1;
        }
        before = Some(byte);
    }
    open
}

/// What stands at a place of a text.
pub(crate) enum Start<'a> {
    /// A stand-in of so many bytes.
    Known { length: usize, value: &'a str },
    /// What may still become one.
    Undecided,
    /// None.
    Nothing,
}

/// The stand-ins of one call.
///
/// INVARIANT: sorted by their letters, and none begins with another, so that at most one fits a text.
#[derive(Clone)]
pub(crate) struct StandIns {
    sorted: Vec<StandIn>,
    /// The bytes that one begins with, in either case, and those that come next.
    first: [bool; 256],
    second: [bool; 256],
}

impl Default for StandIns {
    fn default() -> Self {
        Self { sorted: Vec::new(), first: [false; 256], second: [false; 256] }
    }
}

impl StandIns {
    pub(crate) fn new(stand_ins: impl IntoIterator<Item = StandIn>) -> Self {
        let mut all = Self { sorted: stand_ins.into_iter().collect(), ..Self::default() };
        all.sorted.sort_by(|one, other| one.letters.cmp(&other.letters));
        // What separates letters may follow the first of them.
        all.second = std::array::from_fn(|byte| u8::try_from(byte).is_ok_and(|byte| !byte.is_ascii_alphanumeric()));
        for stand_in in &all.sorted {
            let mut bytes = stand_in.letters.bytes();
            for (set, byte) in [&mut all.first, &mut all.second].into_iter().zip(&mut bytes) {
                for byte in [byte, byte.to_ascii_lowercase()] {
                    if let Some(known) = set.get_mut(usize::from(byte)) {
                        *known = true;
                    }
                }
            }
        }
        all
    }

    /// These and others. `None` if one begins with another, and so could stand for either, or if there are too many.
    pub(crate) fn with(&self, others: &Self) -> Option<Self> {
        const MOST: usize = 1 << 16;
        let mut all = self.sorted.clone();
        all.extend(others.sorted.iter().cloned());
        all.sort_by(|one, other| one.letters.cmp(&other.letters));
        all.dedup_by(|one, other| (&one.letters, &one.value) == (&other.letters, &other.value));
        let apart = all.array_windows().all(|[one, next]| !next.letters.starts_with(one.letters.as_str()));
        (apart && all.len() <= MOST).then(|| Self::new(all))
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Those whose letters begin so.
    pub(crate) fn beginning(&self, letters: &str) -> impl Iterator<Item = &StandIn> {
        let from = self.sorted.partition_point(|one| one.letters.as_str() < letters);
        let rest = self.sorted.get(from..).unwrap_or_default().iter();
        rest.take_while(move |one| one.letters.starts_with(letters))
    }

    /// The first place from `from` on where one may begin.
    pub(crate) fn next(&self, text: &[u8], from: usize) -> Option<usize> {
        let known = |set: &[bool; 256], byte: Option<&u8>| {
            byte.is_none_or(|byte| set.get(usize::from(*byte)).is_some_and(|known| *known))
        };
        let rest = text.get(from..)?;
        let begins = |at: &usize| known(&self.first, rest.get(*at)) && known(&self.second, rest.get(at + 1));
        (0..rest.len()).find(begins).map(|at| from + at)
    }

    /// What stands at the beginning of `rest`. `end` says that nothing follows it.
    pub(crate) fn at<'a>(&'a self, rest: &str, end: bool, form: Form, before: Before) -> Start<'a> {
        let mut fitting = 0..self.sorted.len();
        let (mut known, mut gaps, mut gap, mut at, mut grouped) = (0usize, 0u64, 0, 0, false);
        loop {
            let unread = rest.get(at..).unwrap_or_default();
            if let Some(one) = self.sorted.get(fitting.start).filter(|one| known > 0 && one.letters.len() == known) {
                let written = rest.get(..at).unwrap_or_default();
                return match stands_alone(one.spelling, written, unread, end, form, before) {
                    _ if gaps & !one.open != 0 || grouped && one.spelling != Spelling::Number => Start::Nothing,
                    Some(true) => Start::Known { length: at, value: &one.value },
                    Some(false) => Start::Nothing,
                    None => Start::Undecided,
                };
            }
            let Some((character, length)) = character(unread, form) else {
                return if end { Start::Nothing } else { Start::Undecided };
            };
            match Sign::of(character) {
                Sign::Letter(byte) | Sign::Mark(byte)
                    if let Some(narrower) = self.narrowed(fitting.clone(), known, byte) =>
                {
                    fitting = narrower;
                    known += 1;
                    gap = 0;
                }
                Sign::Mark(_) | Sign::Separator | Sign::Group | Sign::Invisible if known > 0 && gap < LONGEST_GAP => {
                    gap += 1;
                    grouped |= matches!(Sign::of(character), Sign::Group);
                    if !matches!(Sign::of(character), Sign::Invisible) {
                        gaps |= 1u64.checked_shl(u32::try_from(known).unwrap_or(u32::MAX)).unwrap_or(0);
                    }
                }
                _ => return Start::Nothing,
            }
            at += length;
        }
    }

    /// Of those that fit, the ones that go on with this byte; `None` if none does.
    fn narrowed(&self, fitting: std::ops::Range<usize>, known: usize, byte: u8) -> Option<std::ops::Range<usize>> {
        let all = self.sorted.get(fitting.clone())?;
        let next = |one: &StandIn| one.letters.as_bytes().get(known).copied();
        let from = all.partition_point(|one| next(one) < Some(byte));
        let to = all.partition_point(|one| next(one) <= Some(byte));
        (from < to).then_some(fitting.start + from..fitting.start + to)
    }
}

/// What a character may be of a stand-in.
enum Sign {
    /// A letter or a digit, in capitals.
    Letter(u8),
    /// A mark that an address has, and that separates elsewhere.
    Mark(u8),
    Separator,
    /// What only the groups of a number have between them: `(04561) 08/85`.
    Group,
    Invisible,
    Other,
}

impl Sign {
    fn of(character: char) -> Self {
        match character {
            letter if letter.is_ascii_alphanumeric() => {
                u8::try_from(letter.to_ascii_uppercase()).map_or(Self::Other, Self::Letter)
            }
            '.' | '@' | ':' => u8::try_from(character).map_or(Self::Other, Self::Mark),
            '/' | '+' | '(' | ')' => Self::Group,
            ' ' | '-' | '_' | '\n' | '\r' | '\t' | '\u{A0}' | '\u{202F}' | '\u{2009}' | '\u{2010}'..='\u{2015}' => {
                Self::Separator
            }
            '\\' | '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' => Self::Invisible,
            _ => Self::Other,
        }
    }
}

/// The first character and its length in bytes, escapes of JSON undone; `None` if it is not there yet.
fn character(text: &str, form: Form) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    if form == Form::Plain || first != '\\' {
        return Some((first, first.len_utf8()));
    }
    match text.as_bytes().get(1)? {
        b'n' | b'r' | b't' => Some((' ', 2)),
        b'u' => {
            let code = |digits| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
            match text.get(2..6) {
                Some(digits) => Some((code(digits).unwrap_or('\0'), 6)),
                None if text.len() < 6 => None,
                None => Some(('\0', 2)),
            }
        }
        b'/' => Some(('/', 2)),
        b'\\' => Some(('\\', 2)),
        _ => Some(('\0', 1)),
    }
}

/// Whether a stand-in may stand between what is before and behind it; `None` if what is behind has not come yet.
fn stands_alone(
    spelling: Spelling,
    written: &str,
    behind: &str,
    end: bool,
    form: Form,
    before: Before,
) -> Option<bool> {
    if spelling == Spelling::Word {
        return Some(true);
    }
    if before.joins(spelling) {
        return Some(false);
    }
    let mut at = 0;
    let mut next = || match character(behind.get(at..).unwrap_or_default(), form) {
        Some((character, length)) => {
            at += length;
            Some(Some(character))
        }
        // The end of the text is the end of a word.
        None => end.then_some(None),
    };
    let mut ending = String::new();
    let (mut one, mut marks) = (next()?, 0);
    while let Some(letter) = one.filter(|c| c.is_alphanumeric()) {
        ending.push(letter);
        if ending.len() > LONGEST_ENDING {
            return Some(false);
        }
        one = next()?;
    }
    if !ending.is_empty() {
        return Some(spelling == Spelling::Tag && is_inflection(written, &ending) && !matches!(one, Some('@')));
    }
    // `TIC-101-2` and `10.1.1.2.3` are others; `TIC-101-Regler`, `TIC-101.PV` and the end of a sentence are not.
    while marks < LONGEST_GAP && one.is_some_and(|c| matches!(Sign::of(c), Sign::Invisible)) {
        marks += 1;
        one = next()?;
    }
    match one {
        Some('@') => Some(false),
        Some('-' | '_') => Some(!next()?.is_some_and(|c| c.is_ascii_digit())),
        Some('.') => {
            let address = spelling == Spelling::Address;
            Some(!next()?.is_some_and(|c| c.is_ascii_digit() || address && c.is_alphanumeric()))
        }
        _ => Some(true),
    }
}

/// Characters behind a stand-in that tell whether it ends there: an ending, and what is between it and the next word.
const NEAR: usize = 16;

/// Longest ending, in bytes.
const LONGEST_ENDING: usize = 3;

/// Whether letters that follow a tag are an ending of German or English: `des TIC-101s`, `the TIC-101s`, `die
/// TIC-101er`. In a text of small letters the last one may be the tag's own.
fn is_inflection(written: &str, ending: &str) -> bool {
    const ENDINGS: [&str; 8] = ["s", "es", "e", "n", "en", "er", "em", "ern"];
    ENDINGS.contains(&ending) && !written.bytes().any(|b| b.is_ascii_lowercase())
}

/// What stands before a place of a text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Before {
    last: Option<char>,
    earlier: Option<char>,
    /// Whether the last byte is the backslash of an escape.
    escape: bool,
}

impl Before {
    /// Takes the next stretch of the text.
    pub(crate) fn read(&mut self, text: &str, form: Form) {
        // Two characters tell; in JSON it takes all to know whether a backslash escapes.
        let skipped = match form {
            Form::Plain => text.char_indices().rev().nth(1).map_or(0, |(at, _)| at),
            Form::Json => 0,
        };
        for character in text.get(skipped..).unwrap_or_default().chars() {
            let escaped = std::mem::take(&mut self.escape);
            if form == Form::Json && character == '\\' && !escaped {
                self.escape = true;
                continue;
            }
            self.earlier = self.last;
            self.last = Some(if escaped && matches!(character, 'n' | 'r' | 't') { ' ' } else { character });
        }
    }

    /// Whether what follows belongs to what is before: `FTIC-101`, `10-TIC-101`.
    fn joins(self, spelling: Spelling) -> bool {
        let joiner = matches!(self.last, Some('-' | '_' | '.'));
        let part = |c: char| c.is_ascii_digit() || spelling == Spelling::Address && c.is_alphanumeric();
        self.last.is_some_and(|c| c.is_alphanumeric() || c == '@') || joiner && self.earlier.is_some_and(part)
    }
}
