//! Files that a request carries: where their bytes are, and what becomes of the message when one is left out.
//!
//! `wire` only finds and replaces them; what is in them is for `extract`.

use super::{Found, Place, Request};
use crate::json::{Kind, Text, Value};
use crate::media::base64::decode_runs;
use plant::{Origin, Piece};
use std::borrow::Cow;
use std::ops::Range;

/// A file that a request carries, as base64 in a JSON string or as a part of a form.
#[derive(Clone, Debug)]
pub struct Attachment<'a> {
    /// Where it stands, for people.
    pub path: String,
    /// The name that stands beside it, if any.
    pub name: Option<Cow<'a, str>>,
    /// The media type that stands beside it, if any.
    pub media: Option<String>,
    /// Whether what it says is already a piece of the request, because it is text.
    pub said: bool,
    /// Whether its bytes begin like a picture.
    pub picture: bool,
    pub(super) held: Held<'a>,
    pub(super) exit: Exit,
}

/// Where the bytes are.
#[derive(Clone, Debug)]
pub(super) enum Held<'a> {
    /// In base64, from this offset of a decoded string to its end.
    Json { text: Text<'a>, from: usize },
    /// As they are.
    Part(Range<usize>),
    /// In base64, as it stands in the body.
    Base64(Range<usize>),
}

/// What is replaced when a file is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// A part of a message, which becomes a text of this type; of none where parts have no types.
    Part { span: Range<usize>, kind: &'static str },
    /// The list of a message's pictures, which becomes empty; and where its text begins, which tells of it.
    List { span: Range<usize>, text: usize },
    /// The string itself.
    Text(Range<usize>),
    /// Nothing can be: the call is about the file.
    Nowhere,
}

/// What takes the place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Substitute {
    /// Other bytes of the same kind.
    Bytes {
        /// Which file: an index into [`Request::attachments`].
        attachment: usize,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// What stays of it.
    Rest {
        /// Which file: an index into [`Request::attachments`].
        attachment: usize,
        /// What stays, in order.
        parts: Vec<Part>,
    },
    /// A text that says what is missing.
    Note {
        /// Which file: an index into [`Request::attachments`].
        attachment: usize,
        /// The text.
        text: String,
    },
}

/// A part of what stays of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A stretch of the file as it stands. Stretches rise and do not overlap.
    Span(Range<usize>),
    /// Bytes in place of others.
    Own(Vec<u8>),
}

impl Part {
    /// How many bytes it is.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Span(span) => span.len(),
            Self::Own(bytes) => bytes.len(),
        }
    }

    /// Whether it is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> Request<'a> {
    /// The files in it, in order.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment<'a>] {
        &self.attachments
    }

    /// The bytes of a file. `None` if there is no such file, or what stands there is no base64 after all.
    #[must_use]
    pub fn attachment_bytes(&self, attachment: usize) -> Option<Cow<'a, [u8]>> {
        if let Some(bytes) = self.attachment_in_body(attachment) {
            return Some(Cow::Borrowed(bytes));
        }
        let mut bytes = Vec::with_capacity(self.attachment_most(attachment)?);
        self.attachment_into(attachment, |piece| bytes.extend_from_slice(piece)).map(|()| Cow::Owned(bytes))
    }

    /// The bytes of a file, if they stand in the body as they are.
    #[must_use]
    pub fn attachment_in_body(&self, attachment: usize) -> Option<&'a [u8]> {
        match &self.attachments.get(attachment)?.held {
            Held::Json { .. } | Held::Base64(_) => None,
            Held::Part(span) => self.body.get(span.clone()),
        }
    }

    /// The most bytes that a file has; it may have fewer.
    #[must_use]
    pub fn attachment_most(&self, attachment: usize) -> Option<usize> {
        match &self.attachments.get(attachment)?.held {
            Held::Json { text, .. } => Some(text.raw().len() / 4 * 3 + 3),
            Held::Part(span) => Some(span.len()),
            Held::Base64(span) => Some(span.len() / 4 * 3 + 3),
        }
    }

    /// Gives the bytes of a file on, piece by piece. `None` if there is no such file, or what stands there is no base64 after
    /// all; what was given by then is to be thrown away.
    pub fn attachment_into(&self, attachment: usize, mut give: impl FnMut(&[u8])) -> Option<()> {
        match &self.attachments.get(attachment)?.held {
            Held::Json { text, from } => decode_runs(text.after(*from)?.ascii_runs(), give),
            Held::Part(span) => self.body.get(span.clone()).map(&mut give),
            Held::Base64(span) => decode_runs(base64_in(self.body, span)?, give),
        }
    }

    /// The file that a piece is, or is in.
    #[must_use]
    pub fn attachment_of(&self, piece: usize) -> Option<usize> {
        match self.places.get(piece)? {
            Place::Within(attachment) => Some(*attachment),
            _ => None,
        }
    }

    /// Whether a file can be left out and the call still stands.
    #[must_use]
    pub fn can_leave_out(&self, attachment: usize) -> bool {
        self.attachments.get(attachment).is_some_and(|own| own.exit != Exit::Nowhere)
    }

    /// Notes beside its media type what a picture shows, in one word.
    pub fn shows(&mut self, attachment: usize, what: &str) {
        let of_it = |place: &Place<'_>| matches!(place, Place::Within(own) if *own == attachment);
        let pieces = self.content.pieces.iter_mut().zip(&self.places).filter(|(_, place)| of_it(place));
        let mut kinds = pieces.filter_map(|(piece, _)| piece.attachment.as_mut());
        if let Some(kind) = kinds.find(|kind| kind.starts_with("image/")) {
            kind.push_str("; shows=");
            kind.push_str(what);
        }
    }

    /// Adds what was found in a file: a text, or with a media type something that is none. Gives the piece's index;
    /// `None` if there is no such file, or there are as many pieces as the limits allow.
    pub fn add_within(&mut self, attachment: usize, place: &str, text: String, kind: Option<String>) -> Option<usize> {
        let own = self.attachments.get(attachment)?;
        if self.content.pieces.len() >= self.most {
            return None;
        }
        let path = if place.is_empty() { own.path.clone() } else { format!("{}: {place}", own.path) };
        let piece = Piece { path, text: Cow::Owned(text), attachment: kind, origin: Origin::Document, fixed: true };
        self.content.pieces.push(piece);
        self.places.push(Place::Within(attachment));
        Some(self.content.pieces.len() - 1)
    }
}

/// The base64 that stands in a body.
pub(super) fn base64_in<'a>(body: &'a [u8], span: &Range<usize>) -> Option<impl Iterator<Item = &'a str>> {
    std::str::from_utf8(body.get(span.clone())?).ok().map(std::iter::once)
}

impl<'a> Found<'a> {
    /// Notes a file. What is pushed at [`Place::Within`] this index is of it.
    pub(super) fn attach(&mut self, attachment: Attachment<'a>) -> Place<'a> {
        self.attachments.push(attachment);
        Place::Within(self.attachments.len() - 1)
    }
}

/// The file that a JSON string holds behind this head.
pub(super) fn in_json<'a>(
    path: String,
    value: Value<'_, 'a>,
    text: Text<'a>,
    head: &str,
    said: bool,
) -> Attachment<'a> {
    let from = head.len();
    let claimed = head.get(5..).and_then(|head| head.split(',').next());
    let claimed = claimed.map(|head| head.trim_end_matches(";base64").to_owned()).filter(|head| !head.is_empty());
    let owner = value.parent().filter(|owner| owner.len() <= FEW);
    let beside = |key: &str| owner.and_then(|owner| owner.get(key)).and_then(Value::as_str);
    let media = claimed.or_else(|| beside("media_type").or_else(|| beside("mimeType")).map(Cow::into_owned));
    let around = owner.and_then(Value::parent).filter(|around| around.len() <= FEW);
    let title = || around.and_then(|around| around.get("title")).and_then(Value::as_str);
    let named = || around.filter(|around| around.is_at("document"))?.get("name").and_then(Value::as_str);
    let name = beside("filename").or_else(|| beside("title")).or_else(title).or_else(named);
    Attachment { path, name, media, said, picture: false, held: Held::Json { text, from }, exit: exit(value) }
}

/// Members of an object that are looked through for a word on a file. A part of a message has fewer; an object with more
/// would be looked through for each of its members.
const FEW: usize = 32;

/// What is replaced when the file in this string is left out.
fn exit(value: Value<'_, '_>) -> Exit {
    let inside = value.text().map(Text::span).unwrap_or_default();
    let Some(owner) = value.parent() else { return Exit::Text(inside) };
    if owner.kind() == Kind::Array && owner.is_at("images") {
        let message = owner.parent().filter(|message| message.len() <= FEW);
        let text = message.and_then(|message| message.get("content").or_else(|| message.get("prompt")));
        return match text.and_then(Value::text) {
            Some(text) => Exit::List { span: owner.span(), text: text.span().start },
            None => Exit::Nowhere,
        };
    }
    let mut next = Some(owner);
    for _ in 0..3 {
        let Some(own) = next else { break };
        let listed = own.parent().is_some_and(|list| list.kind() == Kind::Array);
        if own.kind() == Kind::Object && listed && own.len() <= FEW {
            return match own.get("type").and_then(Value::as_str).as_deref() {
                Some("file" | "image_url" | "input_audio" | "image" | "document" | "audio" | "video_url") => {
                    Exit::Part { span: own.span(), kind: "text" }
                }
                Some("input_file" | "input_image") => Exit::Part { span: own.span(), kind: "input_text" },
                None if holds_file(own) => Exit::Part { span: own.span(), kind: "" },
                _ => Exit::Text(inside),
            };
        }
        next = own.parent();
    }
    Exit::Text(inside)
}

/// Whether this is a part of a message that holds a file and nothing else: Gemini's, or Bedrock's.
fn holds_file(part: Value<'_, '_>) -> bool {
    const FILES: [&str; 6] = ["inlineData", "inline_data", "image", "document", "video", "audio"];
    FILES.iter().any(|key| part.get(key).is_some_and(|file| file.kind() == Kind::Object))
}
