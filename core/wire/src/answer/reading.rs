//! What one event of a stream says to the texts that the consumer assembles.

use super::{anthropic, bedrock, cohere, described, gemini, kserve, llamacpp, ollama, openai};
use crate::json::{Document, Text, Value};
use plant::Dialect;
use std::ops::Range;

/// Which text of the answer a delta belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// What it is, in the dialect's word: `content`, `arguments` ...
    pub kind: &'static str,
    /// The choice, block or output item.
    pub place: u64,
    /// The part of it: a tool call, a content part.
    pub part: u64,
}

/// A piece of a text that the consumer assembles.
#[derive(Clone, Debug)]
pub(super) struct Delta<'a> {
    pub key: Key,
    /// The string: an index into the document's values.
    pub node: usize,
    pub text: Text<'a>,
    /// Whether the assembled text is JSON, by its place.
    pub json: bool,
    pub mould: Mould,
}

/// How an event that carries only this text is made from the one at hand.
///
/// Not the same event again: consumers add up what events say, and a name, a log probability or a count of
/// tokens that came twice would stand twice in the result.
#[derive(Clone, Debug)]
pub(super) enum Mould {
    /// The same, with another text; these stretches of the payload go.
    Same(Vec<(Range<usize>, &'static str)>),
    /// The same with one stretch of the payload written anew around the text, and others gone.
    Around { stretch: Range<usize>, before: String, after: &'static str, gone: Vec<(Range<usize>, &'static str)> },
    /// An event of its own: its name, where events have one, and what of its payload stands before the text and after it.
    Own { event: &'static str, before: String, after: &'static str },
}

/// A text has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// This one.
    Text(Key),
    /// Every one of a place.
    Place(u64),
    /// Every one.
    All,
}

impl End {
    pub(super) fn covers(self, key: &Key) -> bool {
        match self {
            Self::Text(ended) => ended == *key,
            Self::Place(place) => place == key.place,
            Self::All => true,
        }
    }
}

/// What one event says.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading<'a> {
    /// The pieces of texts, in the order of the event.
    pub deltas: Vec<Delta<'a>>,
    /// The texts that end with it.
    pub ends: Vec<End>,
    /// Whether it is the last event, by the dialect's rules.
    pub last: bool,
}

impl<'a> Reading<'a> {
    /// Reads an event.
    pub(super) fn of(dialect: Dialect, document: &Document<'a>) -> Self {
        let mut reading = Self::default();
        match dialect {
            Dialect::OpenAi | Dialect::Azure | Dialect::Mistral | Dialect::Vllm => openai::read(document, &mut reading),
            Dialect::Anthropic => anthropic::read(document, &mut reading),
            Dialect::Bedrock => bedrock::read(document, &mut reading),
            Dialect::Cohere => cohere::read(document, &mut reading),
            Dialect::LlamaCpp => llamacpp::read(document, &mut reading),
            Dialect::Ollama => ollama::read(document, &mut reading),
            Dialect::Kserve => kserve::read(document, &mut reading),
            Dialect::Gemini | Dialect::Json => gemini::read(document, &mut reading),
            Dialect::Described(own) => described::read(document, own, &mut reading),
            // Each event is a message that is whole.
            Dialect::Mcp => {}
        }
        reading
    }

    /// Notes a delta, if the value is a string. An empty one says nothing.
    pub(super) fn delta(&mut self, key: Key, json: bool, value: Value<'_, 'a>, mould: impl FnOnce() -> Mould) {
        if let Some(text) = value.text().filter(|text| !text.is_empty()) {
            self.deltas.push(Delta { key, node: value.index(), text, json, mould: mould() });
        }
    }
}

/// The number of a value, or 0.
pub(super) fn number(value: Option<Value<'_, '_>>) -> u64 {
    value.and_then(Value::as_u64).unwrap_or(0)
}

/// Whether the value is a string that says this.
pub(super) fn says(value: Option<Value<'_, '_>>, text: &str) -> bool {
    value.and_then(Value::text).is_some_and(|own| own.is(text))
}
