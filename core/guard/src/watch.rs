//! The guard at work on one answer: what is not judged yet is held, and what may not pass ends the answer.
//!
//! Of a text, all before the first number or tag of a sentence goes on at once; from there on it waits for the sentence's
//! end. A block of JSON, a row of a table and a tool call's arguments wait until they are whole.

use crate::clause::Found;
use crate::guard::{Guard, Known};
use crate::json;
use crate::judge::Ruling;
use crate::lexicon as lex;
use crate::limits::{Verdict, Why};
use crate::number;
use crate::reader::{Context, Heard, Reader};
use crate::segment::Segmenter;
use plant::{Act, Channel, FindingCount, Form, Guarding, Reason, Refusal, Rewrite};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Longest arguments of one tool call, in bytes: they are held whole.
const ARGUMENTS: usize = 4 << 20;
/// Most different recommendations that are told apart, so that one that an answer repeats at its end counts once.
const MOST: usize = 4096;

/// Watches one answer.
#[derive(Debug)]
pub struct Watch {
    guard: Arc<Guard>,
    acts: Guarding,
    known: Known,
    texts: BTreeMap<u32, Text>,
    /// Tags in the name of the last function that was called.
    named: Vec<usize>,
    seen: BTreeSet<(usize, Ruling, String)>,
    counts: BTreeMap<&'static str, u64>,
    stopped: Option<Refusal>,
}

/// One text of the answer.
#[derive(Debug, Default)]
struct Text {
    /// What is not judged yet, what of it was released included.
    buffer: String,
    /// Where in it the segment at hand begins.
    start: usize,
    /// How much of it was released.
    released: usize,
    /// Up to where it was looked at for what must be held.
    looked: usize,
    /// Whether something must be held.
    holds: bool,
    segmenter: Segmenter,
    context: Context,
}

impl Watch {
    /// Watches an answer to a conversation, and does with what it finds what the conduit says.
    #[must_use]
    pub fn new(guard: Arc<Guard>, acts: Guarding, known: Known) -> Self {
        Self {
            guard,
            acts,
            known,
            texts: BTreeMap::new(),
            named: Vec::new(),
            seen: BTreeSet::new(),
            counts: BTreeMap::new(),
            stopped: None,
        }
    }

    /// Judges the segment at hand; gives what is released of it now.
    fn judged(&mut self, text: &mut Text, long: bool, end: usize) -> String {
        let segment = text.segment();
        let segment = segment.get(..end.min(segment.len())).unwrap_or(segment).to_owned();
        text.start += segment.len();
        let mut heard = Heard::default();
        Reader::new(&self.guard, &self.known).segment(&segment, long, &mut text.context, &mut heard);
        let note = self.rule(&heard.found, &segment, true);
        let mut out = segment.get(text.released..).unwrap_or_default().to_owned();
        if let Some(note) = note {
            let body = out.trim_end().len();
            out.insert_str(body, &note);
        }
        text.released = 0;
        text.looked = 0;
        text.holds = false;
        text.segmenter = Segmenter::default();
        if self.stopped.is_some() { String::new() } else { out }
    }

    /// Does with what was found what the conduit says; gives a note for the reader if one is to be put in.
    fn rule(&mut self, found: &[Found], text: &str, notes: bool) -> Option<String> {
        let mut noted = BTreeSet::new();
        for found in found {
            let (verdict, why) = found.ruling;
            let said = text.get(found.span.clone()).unwrap_or_default().to_owned();
            if self.seen.len() < MOST && self.seen.insert((found.tag, found.ruling, said)) {
                *self.counts.entry(label(verdict)).or_default() += 1;
            }
            let Some(limit) = self.guard.limits.get(found.tag) else { continue };
            let (act, reason) = match verdict {
                Verdict::Allow => continue,
                Verdict::Violate => (self.acts.violate, Reason::AnswerLimit),
                Verdict::Unresolved => (self.acts.unresolved, Reason::AnswerUnresolved),
            };
            let detail = || format!("{}: {} ({})", limit.tag, verdict.name(), why.words());
            match act {
                Act::Allow => {}
                Act::Annotate => {
                    noted.insert(format!("{}: {}", limit.tag, why.words()));
                }
                Act::Hold => self.stop(Reason::AnswerHeld, detail()),
                Act::Block => self.stop(reason, detail()),
            }
        }
        let notes = notes && !noted.is_empty() && self.stopped.is_none();
        notes.then(|| format!(" [guard: {}]", noted.into_iter().collect::<Vec<_>>().join("; ")))
    }

    fn stop(&mut self, reason: Reason, detail: String) {
        self.stopped.get_or_insert_with(|| Refusal::new(reason, detail));
    }

    /// Judges arguments, or an answer in a schema, once they are whole.
    fn arguments(&mut self, text: &str) {
        let mut heard = Heard::default();
        let reader = Reader::new(&self.guard, &self.known);
        match json::parse(text.trim()) {
            Some(value) => reader.json(&value, &self.named, &(0..text.len()), &mut heard),
            None => heard = reader.whole(text, &mut Context::new(&self.named)),
        }
        reader.modes(&mut heard);
        self.rule(&heard.found, text, false);
    }

    /// Judges a text that is there whole; gives it with notes if there are any.
    fn sentences(&mut self, text: &str) -> Option<String> {
        if self.known.mentioned.is_empty() && self.guard.names_none(text) {
            return None;
        }
        let mut state = Text { context: Context::new(&self.known.mentioned), ..Text::default() };
        let mut out = self.feed(&mut state, text);
        out.push_str(&self.end(&mut state));
        (self.stopped.is_none() && out != text).then_some(out)
    }

    fn feed(&mut self, text: &mut Text, piece: &str) -> String {
        text.buffer.push_str(piece);
        let mut out = String::new();
        while self.stopped.is_none() {
            let start = text.start;
            let Some(cut) = text.segmenter.read(text.buffer.get(start..).unwrap_or_default()) else { break };
            out.push_str(&self.judged(text, cut.long, cut.end));
        }
        text.buffer.drain(..text.start);
        text.start = 0;
        if self.stopped.is_none() {
            out.push_str(text.harmless(&self.guard));
        }
        out
    }

    fn end(&mut self, text: &mut Text) -> String {
        match self.stopped {
            Some(_) => String::new(),
            None => self.judged(text, false, usize::MAX),
        }
    }
}

impl Text {
    /// The segment at hand, as far as it has come.
    fn segment(&self) -> &str {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// What of the segment at hand may go before the rest has come: words without a number, a tag or a word that means a
    /// value, up to the last blank.
    fn harmless(&mut self, guard: &Guard) -> &str {
        let start = self.released;
        if self.segment().trim_start().starts_with(['{', '[']) {
            self.holds = true;
        }
        while !self.holds {
            let rest = self.segment().get(self.looked..).unwrap_or_default();
            let blank = rest.char_indices().skip_while(|(_, c)| c.is_whitespace()).find(|(_, c)| c.is_whitespace());
            let Some((length, _)) = blank else { break };
            let word = rest.get(..length).unwrap_or_default();
            let from = floor(self.segment(), self.looked.saturating_sub(guard.tags.longest()));
            let near = self.segment().get(from..self.looked + length).unwrap_or_default();
            if telling(word) || guard.tags.first(near).is_some() {
                self.holds = true;
                break;
            }
            self.looked += length;
            self.released = self.looked;
        }
        self.segment().get(start..self.released).unwrap_or_default()
    }
}

/// Whether a word may say a value, or be a part of one.
fn telling(word: &str) -> bool {
    let plain = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let sign =
        |c: char| c.is_numeric() || !c.is_ascii() && !c.is_alphabetic() || matches!(c, '&' | '\\' | '<' | '|' | '=');
    word.contains(sign)
        || lex::kind(&plain) & (lex::EXTREME | lex::BACK | lex::FACTOR) != 0
        || plain.split('-').any(|part| lex::counts(part) && number::spelled(&[part]).is_some())
        || matches!(plain.as_str(), "hundred" | "thousand" | "million")
}

/// The character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "guard.allow",
        Verdict::Unresolved => "guard.unresolved",
        Verdict::Violate => "guard.violate",
    }
}

impl Rewrite for Watch {
    fn push(&mut self, channel: Channel, text: &str) -> String {
        if self.stopped.is_some() {
            return String::new();
        }
        let mentioned = &self.known.mentioned;
        let fresh = || Text { context: Context::new(mentioned), ..Text::default() };
        let mut state = self.texts.remove(&channel.number).unwrap_or_else(fresh);
        let out = if channel.form == Form::Json {
            state.buffer.push_str(text);
            if state.buffer.len() > ARGUMENTS {
                self.stop(Reason::AnswerUnresolved, format!("a tool call: {}", Why::TooLong.words()));
            }
            String::new()
        } else {
            self.feed(&mut state, text)
        };
        self.texts.insert(channel.number, state);
        out
    }

    fn finish(&mut self, channel: Channel) -> String {
        let Some(mut state) = self.texts.remove(&channel.number).filter(|_| self.stopped.is_none()) else {
            return String::new();
        };
        if channel.form == Form::Json {
            self.arguments(&state.buffer);
            return if self.stopped.is_some() { String::new() } else { state.buffer };
        }
        self.end(&mut state)
    }

    fn whole(&mut self, text: &str, form: Form) -> Option<String> {
        if self.stopped.is_some() {
            return None;
        }
        if form == Form::Json {
            self.arguments(text);
            return None;
        }
        if !text.contains(char::is_whitespace) {
            let named: Vec<usize> = self.guard.tags.find(text).into_iter().map(|seen| seen.tag).collect();
            if !named.is_empty() {
                self.named = named;
            }
        }
        self.sentences(text)
    }

    fn document(&mut self, json: &str) -> Option<String> {
        let plain = self.guard.tags.first(json).is_some();
        let escaped = || {
            json.contains("\\u")
                && crate::sight::of(json).is_none_or(|view| self.guard.tags.first(&view.text).is_some())
        };
        if self.stopped.is_none()
            && (plain || escaped())
            && let Some(value) = json::parse(json.trim())
        {
            let mut heard = Heard::default();
            let reader = Reader { structure: true, ..Reader::new(&self.guard, &self.known) };
            reader.json(&value, &[], &(0..json.len()), &mut heard);
            reader.modes(&mut heard);
            self.rule(&heard.found, json, false);
        }
        None
    }

    fn stopped(&self) -> Option<Refusal> {
        self.stopped.clone()
    }

    fn findings(&self) -> Vec<FindingCount> {
        self.counts.iter().map(|(label, count)| FindingCount { label: (*label).to_owned(), count: *count }).collect()
    }
}
