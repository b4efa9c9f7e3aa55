//! The texts of a streamed answer that the consumer is assembling, and what of each was held back.

use super::reading::{End, Key};
use super::surrogate::{Edges, join, low};
use crate::json;
use plant::{Channel, Form, Rewrite};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Most texts that may be open at once. A call has at most 128 choices of a few texts each.
const MOST: usize = 1024;

/// The open texts of one answer.
#[derive(Debug)]
pub(super) struct Channels {
    open: BTreeMap<Key, Text>,
    next: u32,
    /// Bytes of all templates. They are kept only for texts that were changed, and never exceed `limit`.
    kept: usize,
    limit: usize,
}

/// More is open at once than may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Channels {
    pub(super) fn new(limit: usize) -> Self {
        Self { open: BTreeMap::new(), next: 0, kept: 0, limit }
    }

    /// The text that a delta belongs to, begun if it is new.
    pub(super) fn text(&mut self, key: Key, json: bool, begins: &str) -> Result<&mut Text, TooMany> {
        if self.open.len() >= MOST && !self.open.contains_key(&key) {
            return Err(TooMany);
        }
        let next = &mut self.next;
        Ok(self.open.entry(key).or_insert_with(|| {
            let number = *next;
            *next = next.wrapping_add(1);
            // A text that begins like an object is one: an answer in a schema that the caller asked for.
            let json = json || begins.trim_start().starts_with('{');
            Text::new(Channel { number, form: if json { Form::Json } else { Form::Plain } })
        }))
    }

    /// Whether a text was ever changed, so that some of it may be held back.
    pub(super) fn holds(&self, key: &Key) -> bool {
        self.open.get(key).is_some_and(|text| !text.level)
    }

    /// Keeps what the rest of a text would be wrapped in.
    pub(super) fn keep(&mut self, key: &Key, template: Template) -> Result<(), TooMany> {
        let Some(text) = self.open.get_mut(key) else { return Ok(()) };
        self.kept -= text.template.as_ref().map_or(0, Template::len);
        self.kept += template.len();
        text.template = Some(template);
        if self.kept > self.limit { Err(TooMany) } else { Ok(()) }
    }

    /// Ends texts; gives those of which something was held back, in a fixed order.
    pub(super) fn end(&mut self, ends: &[End], rewrite: &mut dyn Rewrite) -> Vec<Rest> {
        if ends.is_empty() {
            return Vec::new();
        }
        let mut rests = Vec::new();
        let kept = &mut self.kept;
        self.open.retain(|key, text| {
            if !ends.iter().any(|end| end.covers(key)) {
                return true;
            }
            let bytes = text.finish(rewrite);
            let template = text.template.take();
            *kept -= template.as_ref().map_or(0, Template::len);
            if !bytes.is_empty() {
                rests.push(Rest { key: *key, bytes, template });
            }
            false
        });
        rests
    }
}

/// What was held back of a text that has ended, as JSON string content.
pub(super) struct Rest {
    pub(super) key: Key,
    pub(super) bytes: Vec<u8>,
    pub(super) template: Option<Template>,
}

/// An event around one text: what stands before it and after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    pub(super) head: Vec<u8>,
    pub(super) tail: Vec<u8>,
}

impl Template {
    fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }
}

/// A text that the consumer is assembling.
#[derive(Debug)]
pub(super) struct Text {
    channel: Channel,
    /// Whether everything was released as it came, so that nothing is held back.
    level: bool,
    template: Option<Template>,
    half: Half,
    /// A character whose first half was released and whose second the rewriter has not given back yet.
    owed: Option<char>,
}

/// The first half of a character at the end of the last delta.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Half {
    #[default]
    None,
    /// Released with the delta it came in, as nothing there was changed.
    Sent(u16),
    /// Held back.
    Held(u16),
}

impl Text {
    fn new(channel: Channel) -> Self {
        Self { channel, level: true, template: None, half: Half::None, owed: None }
    }

    /// Takes a delta, decoded and with stand-ins for halves of characters at its edges; gives the string content to release in
    /// its place, or `None` if it stays as it came.
    pub(super) fn take(&mut self, text: &str, edges: Edges, rewrite: &mut dyn Rewrite) -> Option<Vec<u8>> {
        let mut text = Cow::Borrowed(text);
        let mut began_here = false;
        let mut held = false;
        match (std::mem::take(&mut self.half), edges.low) {
            (Half::None, _) | (Half::Sent(_), None) => {}
            (Half::Sent(high), Some(low)) => {
                text = Cow::Owned(rejoined(&text, high, low));
                self.owed = text.chars().next();
                began_here = true;
            }
            (Half::Held(high), Some(low)) => {
                text = Cow::Owned(rejoined(&text, high, low));
                held = true;
            }
            (Half::Held(_), None) => {
                text.to_mut().insert(0, char::REPLACEMENT_CHARACTER);
                held = true;
            }
        }
        if edges.high.is_some() {
            text.to_mut().pop();
        }
        let said = if text.is_empty() { String::new() } else { rewrite.push(self.channel, &text) };
        self.level &= said == *text && !held;
        let as_it_came = said == *text && !held && (began_here || self.owed.is_none());
        if as_it_came && (edges.high.is_none() || self.level) {
            self.owed = None;
            self.half = edges.high.map_or(Half::None, Half::Sent);
            return None;
        }
        if let Some(high) = edges.high {
            self.half = Half::Held(high);
            self.level = false;
        }
        Some(self.released(&said))
    }

    /// The end: gives the string content that was held back.
    fn finish(&mut self, rewrite: &mut dyn Rewrite) -> Vec<u8> {
        let mut said = match std::mem::take(&mut self.half) {
            Half::Held(_) => rewrite.push(self.channel, "\u{fffd}"),
            Half::None | Half::Sent(_) => String::new(),
        };
        said.push_str(&rewrite.finish(self.channel));
        self.released(&said)
    }

    /// What is released, as string content: of a character whose first half is out already, the second.
    fn released(&mut self, said: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(said.len() + 8);
        let mut rest = said;
        if let Some(character) = self.owed
            && !said.is_empty()
        {
            self.owed = None;
            if let Some(after) = said.strip_prefix(character) {
                bytes.extend_from_slice(format!("\\u{:04x}", low(character)).as_bytes());
                rest = after;
            }
        }
        encode(rest, &mut bytes);
        bytes
    }
}

/// A text whose first character is the second half of one.
fn rejoined(text: &str, high: u16, low: u16) -> String {
    let mut characters = text.chars();
    characters.next();
    let mut joined = String::from(join(high, low));
    joined.push_str(characters.as_str());
    joined
}

/// Writes a text as string content of an event.
///
/// Beyond what JSON demands, U+0085, U+2028 and U+2029 are escaped: clients that cut a decoded stream into lines by
/// Unicode's idea of a line would cut the event in two there.
pub(super) fn encode(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.find(['\u{85}', '\u{2028}', '\u{2029}']) {
        let (before, after) = rest.split_at(at);
        json::encode(before, out);
        let mut characters = after.chars();
        if let Some(character) = characters.next() {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
        }
        rest = characters.as_str();
    }
    json::encode(rest, out);
}
