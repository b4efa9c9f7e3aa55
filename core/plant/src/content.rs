//! What of a message a person or a model would read: the meeting point of `wire`, which finds it in bytes, and
//! `inspect`, which reads it. Neither knows the other.

use crate::{FindingCount, Refusal};
use std::borrow::Cow;
use std::ops::Range;

/// Everything readable in a message.
#[derive(Clone, Debug, Default)]
pub struct Content<'a> {
    /// The pieces, in the order of the message.
    pub pieces: Vec<Piece<'a>>,
}

/// One string of a message, decoded: escapes resolved, content encodings undone.
#[derive(Clone, Debug)]
pub struct Piece<'a> {
    /// Where it stands, for people: `messages[0].content`, `part "file"`.
    pub path: String,
    /// What it says. Borrowed when the bytes on the wire say it literally. Empty for an attachment.
    pub text: Cow<'a, str>,
    /// The media type, if this is a file, an image or a recording rather than text.
    pub attachment: Option<String>,
    /// Who says it.
    pub origin: Origin,
    /// Whether the text may be replaced. A key, a model name or an attachment may not; a finding in one that
    /// would have to be replaced refuses the call.
    pub fixed: bool,
}

/// Who says a piece of a request. Instructions are in place in a prompt; in what a tool or a document says they are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Whoever calls: a person's prompt, or what a program asks. So is everything that nothing else is known of.
    #[default]
    Prompt,
    /// Whoever built the application: the system prompt, the developer's message.
    System,
    /// The model, in an earlier turn that the request repeats.
    Answer,
    /// A tool: what it answered, and how it describes itself.
    Tool,
    /// A document or a file that comes with the request.
    Document,
}

/// A replacement of a stretch of one piece's decoded text. Edits of one piece never overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The piece: an index into [`Content::pieces`].
    pub piece: usize,
    /// What is replaced, in bytes of the decoded text; on character boundaries.
    pub span: Range<usize>,
    /// What stands there afterwards.
    pub replacement: String,
}

/// How a text of an answer will be read by whoever gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// As it stands.
    Plain,
    /// As JSON: the arguments of a tool call, which travel as a text that holds JSON.
    Json,
}

/// One text that the consumer of a streamed answer will assemble from deltas: a choice's content, a
/// content block, one tool call's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    /// Numbered by `wire` in order of appearance within the answer. A number is never used again.
    pub number: u32,
    /// How the assembled text will be read.
    pub form: Form,
}

/// Rewrites the texts of an answer as they pass. `wire` finds the texts and drives this; `inspect` implements it.
///
/// What is returned is released to the caller and cannot be taken back, so an implementation holds back
/// whatever could still become a match. In a text of [`Form::Json`] what is put in must be escaped as the
/// inside of a JSON string (`"` becomes `\"`), or the caller could not parse the whole; only the implementation knows
/// which part is new, so escaping it is its duty.
pub trait Rewrite {
    /// Takes the next piece of a channel's text; gives what may be released now.
    fn push(&mut self, channel: Channel, text: &str) -> String;

    /// The channel has ended: gives what was held back, and nothing if all was released.
    fn finish(&mut self, channel: Channel) -> String;

    /// Rewrites a text that stands whole in the answer; `None` leaves its bytes as they are.
    fn whole(&mut self, text: &str, form: Form) -> Option<String>;

    /// Takes a document, or an event of a stream, as the JSON that it is, before its texts: for whoever must see what is
    /// said by its structure, as by a tool call's arguments that are an object. Nothing of what is given back is released:
    /// it is the same JSON as the next in a row of rewriters is to see it; `None` leaves it as it is.
    fn document(&mut self, _json: &str) -> Option<String> {
        None
    }

    /// The answer calls a tool of that name. Told before anything of the event or document is released.
    fn calls(&mut self, _tool: &str) {}

    /// The answer offers a tool, defined by this JSON in canonical form: whether whoever asked may see it. If not, it is left
    /// out of the list.
    fn offers(&mut self, _tool: &str, _definition: &str) -> bool {
        true
    }

    /// Why the answer may not go on, if it may not: the event or document at hand is not released, and nothing after it.
    fn stopped(&self) -> Option<Refusal> {
        None
    }

    /// What was found so far, for the record.
    fn findings(&self) -> Vec<FindingCount> {
        Vec::new()
    }
}
