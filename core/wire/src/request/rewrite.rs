//! Putting edits into the bytes as they came: a list of splices, and every byte between them untouched.

use super::files::{Exit, Held, Substitute};
use super::{Place, Request, Slot};
use crate::json;
use crate::media;
use plant::{Edit, Piece};
use std::ops::Range;

/// An edit or a model cannot be put into the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is no such piece.
    #[error("edit {0} is of a piece that does not exist")]
    Piece(usize),
    /// The piece holds the message together and may not be replaced.
    #[error("edit {0} is of a piece that may not be replaced")]
    Fixed(usize),
    /// The span is not within the piece's text, or cuts a character.
    #[error("edit {0} does not lie on the characters of its piece")]
    Span(usize),
    /// Two edits of one piece overlap.
    #[error("edit {0} overlaps another")]
    Overlap(usize),
    /// The replacement would end its part of the form.
    #[error("an edit would put the form's boundary into a part")]
    Boundary,
    /// A file has no place, or cannot be left out.
    #[error("attachment {0} cannot be replaced")]
    Attachment(usize),
    /// The body has no place for a model.
    #[error("the body has no place for a model")]
    Model,
}

/// Bytes to put in place of a stretch of the body.
struct Splice {
    span: Range<usize>,
    bytes: Vec<u8>,
}

/// The body with edits made and another model asked.
pub(super) fn rewrite(
    request: &Request<'_>,
    edits: &[Edit],
    files: &[Substitute],
    model: Option<&str>,
) -> Result<Vec<u8>, Unfit> {
    let mut splices = Vec::with_capacity(edits.len() + 1);
    let mut order: Vec<usize> = (0..edits.len()).collect();
    order.sort_by_key(|index| edits.get(*index).map(|edit| (edit.piece, edit.span.start, edit.span.end)));
    let mut ordered = order.iter().filter_map(|index| edits.get(*index).map(|edit| (*index, edit))).peekable();
    while let Some((index, first)) = ordered.peek().copied() {
        let piece = request.content.pieces.get(first.piece).ok_or(Unfit::Piece(index))?;
        let place = request.places.get(first.piece).ok_or(Unfit::Piece(index))?;
        let mut finder = Finder::new(piece, place, index)?;
        let mut last = 0;
        while let Some((index, edit)) = ordered.next_if(|(_, edit)| edit.piece == first.piece) {
            if edit.span.start < last {
                return Err(Unfit::Overlap(index));
            }
            last = edit.span.end;
            splices.push(finder.splice(edit).ok_or(Unfit::Span(index))?);
        }
    }
    if let Some(model) = model {
        splices.extend(model_splice(request, model)?);
    }
    for file in files {
        substitute(request, file, &mut splices)?;
    }
    splices.sort_by_key(|splice| (splice.span.start, std::cmp::Reverse(splice.span.end)));
    keep_outermost(&mut splices);
    let changed = apply(request.body, &splices);
    check_form(request, &splices, &changed)?;
    Ok(changed)
}

/// Finds the raw place of edits of one piece, in rising order.
enum Finder<'r, 'a> {
    Json(json::Cursor<'a>),
    Raw { start: usize, piece: &'r Piece<'a>, quoted: bool },
}

impl<'r, 'a> Finder<'r, 'a> {
    fn new(piece: &'r Piece<'a>, place: &Place<'a>, index: usize) -> Result<Self, Unfit> {
        match place {
            _ if piece.fixed => Err(Unfit::Fixed(index)),
            Place::Fixed | Place::Within(_) => Err(Unfit::Fixed(index)),
            Place::Json(text) => Ok(Self::Json(text.cursor())),
            Place::Part(span) => Ok(Self::Raw { start: span.start, piece, quoted: false }),
            Place::Quoted(span) => Ok(Self::Raw { start: span.start, piece, quoted: true }),
        }
    }

    fn splice(&mut self, edit: &Edit) -> Option<Splice> {
        let mut bytes = Vec::with_capacity(edit.replacement.len() + 8);
        match self {
            Self::Json(cursor) => {
                json::encode(&edit.replacement, &mut bytes);
                let start = cursor.seek(edit.span.start)?;
                Some(Splice { span: start..cursor.seek(edit.span.end)?, bytes })
            }
            Self::Raw { start, piece, quoted } => {
                piece.text.get(edit.span.clone())?;
                if *quoted {
                    encode_quoted(&edit.replacement, &mut bytes);
                } else {
                    bytes.extend_from_slice(edit.replacement.as_bytes());
                }
                Some(Splice { span: *start + edit.span.start..*start + edit.span.end, bytes })
            }
        }
    }
}

/// Appends text as the inside of a quoted parameter, the way browsers and SDKs do (HTML, section 4.10.21.8); what has
/// no form there becomes an underscore.
fn encode_quoted(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"%22"),
            b'\r' => out.extend_from_slice(b"%0D"),
            b'\n' => out.extend_from_slice(b"%0A"),
            b'\\' | 0..0x20 | 0x7f => out.push(b'_'),
            _ => out.push(byte),
        }
    }
}

fn model_splice(request: &Request<'_>, model: &str) -> Result<Option<Splice>, Unfit> {
    let string = |before: &[u8], after: &[u8]| {
        let mut bytes = Vec::with_capacity(model.len() + 16);
        bytes.extend_from_slice(before);
        json::encode(model, &mut bytes);
        bytes.extend_from_slice(after);
        bytes
    };
    let (span, bytes) = match &request.slot {
        Slot::Path => return Ok(None),
        Slot::Nowhere => return Err(Unfit::Model),
        Slot::Value(span) => (span.clone(), string(b"\"", b"\"")),
        Slot::Before(at) => (*at..*at, string(b"\"model\":\"", b"\",")),
        Slot::Within(at) => (*at..*at, string(b"\"model\":\"", b"\"")),
        Slot::Part(span) => (span.clone(), model.as_bytes().to_vec()),
    };
    Ok(Some(Splice { span, bytes }))
}

/// What takes a file's place.
fn substitute(request: &Request<'_>, file: &Substitute, splices: &mut Vec<Splice>) -> Result<(), Unfit> {
    let (Substitute::Bytes { attachment, .. } | Substitute::Note { attachment, .. }) = file;
    let unfit = Unfit::Attachment(*attachment);
    let own = request.attachments.get(*attachment).ok_or(unfit)?;
    let quoted = |text: &str, before: &str, after: &str| {
        let mut bytes = before.as_bytes().to_vec();
        json::encode(text, &mut bytes);
        bytes.extend_from_slice(after.as_bytes());
        bytes
    };
    match file {
        Substitute::Bytes { bytes, .. } => splices.push(match &own.held {
            Held::Part(span) => Splice { span: span.clone(), bytes: bytes.clone() },
            Held::Json { text, from } => {
                let start = text.cursor().seek(*from).ok_or(unfit)?;
                Splice { span: start..text.span().end, bytes: media::encode(bytes).into_bytes() }
            }
        }),
        Substitute::Note { text, .. } => match &own.exit {
            Exit::Part { span, kind } => {
                let bytes = quoted(text, &format!("{{\"type\":\"{kind}\",\"text\":\""), "\"}");
                splices.push(Splice { span: span.clone(), bytes });
            }
            Exit::List { span, text: at } => {
                splices.push(Splice { span: span.clone(), bytes: b"[]".to_vec() });
                splices.push(Splice { span: *at..*at, bytes: quoted(text, "", " ") });
            }
            Exit::Text(span) => splices.push(Splice { span: span.clone(), bytes: quoted(text, "", "") }),
            Exit::Nowhere => return Err(unfit),
        },
    }
    Ok(())
}

/// Leaves out what stands within another, and what is said twice: two pictures of one list leave it together. They are in
/// order of their beginnings, longer ones first.
fn keep_outermost(splices: &mut Vec<Splice>) {
    let mut kept: Vec<Splice> = Vec::with_capacity(splices.len());
    for splice in splices.drain(..) {
        let inside = kept.last().is_some_and(|last| {
            let same = last.span == splice.span && last.bytes == splice.bytes;
            same || splice.span.start < last.span.end && splice.span.end <= last.span.end
        });
        if !inside {
            kept.push(splice);
        }
    }
    *splices = kept;
}

fn apply(body: &[u8], splices: &[Splice]) -> Vec<u8> {
    let more: usize = splices.iter().map(|splice| splice.bytes.len()).sum();
    let mut out = Vec::with_capacity(body.len() + more);
    let mut at = 0;
    for splice in splices {
        out.extend_from_slice(body.get(at..splice.span.start).unwrap_or_default());
        out.extend_from_slice(&splice.bytes);
        at = splice.span.end;
    }
    out.extend_from_slice(body.get(at..).unwrap_or_default());
    out
}

/// Refuses edits that put a boundary into a form, alone or together with what stands around them.
fn check_form(request: &Request<'_>, splices: &[Splice], changed: &[u8]) -> Result<(), Unfit> {
    let Some(boundary) = request.boundary.as_deref().filter(|_| !splices.is_empty()) else { return Ok(()) };
    let delimiter = format!("--{boundary}");
    let count = |bytes: &[u8]| memchr::memmem::find_iter(bytes, delimiter.as_bytes()).count();
    if count(changed) == count(request.body) { Ok(()) } else { Err(Unfit::Boundary) }
}
