//! Judges whether a text is a secret's value: random rather than words, and no placeholder.

use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// Which letters follow which in words: bit `b - 'a'` of entry `a - 'a'`. The pairs that make up 93 % of all
/// neighbouring letters in English, German and code of plants. Random letters hit one pair in three.
const COMMON_PAIRS: [u32; 26] = [
    0x13E_BD4E, 0x012_4911, 0x01A_4D95, 0x016_4111, 0x1EE_B97D, 0x012_4131, 0x012_4191, 0x008_4111, 0x02E_F87D, 0,
    0x000_0110, 0x11C_4919, 0x010_D113, 0x11C_617D, 0x07E_F96E, 0x01A_C911, 0x010_0000, 0x11E_795D, 0x01C_C195,
    0x11E_C191, 0x00E_B917, 0x000_0111, 0x000_4191, 0, 0x004_C000, 0,
];

/// What a text is made of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) length: usize,
    pub(crate) lower: usize,
    pub(crate) upper: usize,
    pub(crate) digits: usize,
    pub(crate) others: usize,
    /// How many runs of digits.
    pub(crate) digit_runs: usize,
    /// How many different bytes.
    pub(crate) distinct: usize,
    /// Pairs of neighbouring letters, and how many of them words have.
    pairs: usize,
    common: usize,
    /// Longest run of one byte.
    longest_repeat: usize,
}

impl Shape {
    pub(crate) fn of(text: &[u8]) -> Self {
        let mut shape = Self { length: text.len(), ..Self::default() };
        let mut seen = [0u64; 4];
        let (mut last, mut repeat) = (0u8, 0usize);
        for byte in text {
            match byte {
                b'a'..=b'z' => shape.lower += 1,
                b'A'..=b'Z' => shape.upper += 1,
                b'0'..=b'9' => {
                    shape.digits += 1;
                    shape.digit_runs += usize::from(!last.is_ascii_digit());
                }
                _ => shape.others += 1,
            }
            if let Some(word) = seen.get_mut(usize::from(byte >> 6)) {
                *word |= 1 << (byte & 63);
            }
            if last.is_ascii_alphabetic() && byte.is_ascii_alphabetic() {
                shape.pairs += 1;
                shape.common += usize::from(is_common(last, *byte));
            }
            repeat = if *byte == last { repeat + 1 } else { 1 };
            shape.longest_repeat = shape.longest_repeat.max(repeat);
            last = *byte;
        }
        shape.distinct = seen.iter().map(|word| word.count_ones() as usize).sum();
        shape
    }

    pub(crate) fn letters(self) -> usize {
        self.lower + self.upper
    }

    /// Whether letters follow each other as in words.
    pub(crate) fn wordy(self) -> bool {
        self.pairs >= 4 && self.common * 100 >= self.pairs * 72
    }

    /// Enough different bytes for its length, and no long run of one.
    pub(crate) fn varied(self) -> bool {
        let wanted = match self.length {
            0..=7 => 3,
            8..=15 => 5,
            16..=31 => 8,
            _ => 10,
        };
        self.distinct >= wanted && self.longest_repeat <= 5.max(self.length / 6)
    }

    /// Looks drawn at random: digits scattered among letters, or letters that no words have.
    pub(crate) fn random(self) -> bool {
        if !self.varied() {
            return false;
        }
        let scattered = self.digit_runs >= 3 || (self.digit_runs >= 2 && self.length <= 20);
        let mixed = self.digits > 0 && self.letters() > 0;
        match self.length {
            0..=7 => false,
            8..=15 => mixed && (scattered || !self.wordy()) && self.digits * 5 >= self.length,
            _ => {
                (mixed && scattered && !(self.wordy() && self.digits * 6 < self.length))
                    || (!self.wordy() && self.pairs >= 8)
            }
        }
    }
}

fn is_common(first: u8, second: u8) -> bool {
    let index = |byte: u8| usize::from(byte.to_ascii_lowercase().wrapping_sub(b'a'));
    COMMON_PAIRS.get(index(first)).is_some_and(|row| index(second) < 26 && row >> index(second) & 1 == 1)
}

/// What a placeholder says of itself.
static WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    const WORDS: [&str; 22] = [
        "example",
        "sample",
        "placeholder",
        "your",
        "changeme",
        "change_me",
        "redacted",
        "xxxx",
        "****",
        "...",
        "insert",
        "replace",
        "dummy",
        "<",
        "${",
        "{{",
        "$(",
        "#{",
        "todo",
        "randomstring",
        "secret_here",
        "[redacted",
    ];
    // Its fixed size rules out that it cannot be built.
    AhoCorasick::builder().ascii_case_insensitive(true).build(WORDS).ok()
});

/// Stands for a value that the reader is to put in: `<token>`, `${TOKEN}`, `your-key-here`, `xxxx`, `EXAMPLE`.
pub(crate) fn placeholder(text: &[u8]) -> bool {
    let Some(first) = text.first() else { return true };
    if matches!(first, b'$' | b'<' | b'{' | b'[' | b'(') && !text.starts_with(b"$2")
        || text.starts_with(b"%") && text.ends_with(b"%")
        || text.starts_with(b"@{")
        || text.starts_with(b"@(")
    {
        return true;
    }
    let shape = Shape::of(text);
    if shape.distinct <= 2 || shape.longest_repeat >= 8 && shape.longest_repeat * 3 >= shape.length {
        return true;
    }
    let head = text.get(..text.len().min(256)).unwrap_or_default();
    // `%(password)s` of Python; keys hold the first two alone.
    let formatted = || contains(head, b"%(") && contains(head, b")s");
    WORDS.as_ref().is_some_and(|words| words.is_match(head)) || formatted() || counting(head)
}

/// `1234567890`, `abcdefghij`: most bytes are one more than the one before, capitals or not.
fn counting(text: &[u8]) -> bool {
    let next = |a: &u8, b: &u8| a.to_ascii_lowercase().wrapping_add(1) == b.to_ascii_lowercase();
    let steps = text.windows(2).filter(|pair| matches!(pair, [a, b] if next(a, b))).count();
    // `a1b2c3d4`: two rows at once.
    let pairs = text.windows(3).filter(|three| matches!(three, [a, _, b] if next(a, b))).count();
    text.len() >= 8 && (steps * 10 >= (text.len() - 1) * 8 || pairs * 10 >= (text.len() - 2) * 7)
}

pub(crate) fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// The usual hyphenated form of a UUID.
pub(crate) fn uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
