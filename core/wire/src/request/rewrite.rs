//! Putting edits into the bytes as they came: a list of splices, and every byte between them untouched.

use super::batch::Batch;
use super::files::{Exit, Held, Substitute};
use super::rest::{self, Filling, With};
use super::{Place, Request, Slot};
use crate::json;
use crate::protobuf::{self, Change};
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
    /// A file of calls would ask for something else, or be none.
    #[error("an edit would change what the calls of a batch ask")]
    Batch,
    /// A file has no place, or cannot be left out.
    #[error("attachment {0} cannot be replaced")]
    Attachment(usize),
    /// The body has no place for a model.
    #[error("the body has no place for a model")]
    Model,
    /// A length that something else says would have to change.
    #[error("a tensor of numbers cannot be made longer or shorter")]
    Length,
}

/// What to put in place of a stretch of the body.
struct Splice<'r> {
    span: Range<usize>,
    bytes: Vec<u8>,
    /// A file, in place of bytes: it is written where it goes, because it may be most of the body.
    file: Option<(usize, Filling<'r>)>,
}

impl Splice<'_> {
    fn new(span: Range<usize>, bytes: Vec<u8>) -> Self {
        Self { span, bytes, file: None }
    }

    fn len(&self) -> usize {
        self.file.as_ref().map_or(self.bytes.len(), |(_, file)| file.len())
    }
}

/// A body that is to be written anew: what is put in place of what, and every byte between as it was.
pub struct Rewriting<'r> {
    body: &'r [u8],
    // INVARIANT: in order, and none within another.
    splices: Vec<Splice<'r>>,
    boundary: Option<&'r str>,
    batch: Option<&'r Range<usize>>,
}

impl<'r> Rewriting<'r> {
    pub(super) fn new(
        request: &'r Request<'_>,
        edits: &[Edit],
        files: &'r [Substitute],
        model: Option<&str>,
    ) -> Result<Self, Unfit> {
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
        let changes = splices.iter().map(|own| Change { span: own.span.clone(), length: own.len() });
        let lengths = request.lengths.after(changes).ok_or(Unfit::Length)?;
        if !lengths.is_empty() {
            splices.extend(lengths.into_iter().map(|(span, bytes)| Splice::new(span, bytes)));
            splices.sort_by_key(|splice| splice.span.start);
        }
        let (boundary, batch) = (request.boundary.as_deref(), request.batch.as_ref());
        Ok(Self { body: request.body, splices, boundary, batch })
    }

    /// How long it will be.
    #[must_use]
    pub fn length(&self) -> usize {
        let (more, less) =
            self.splices.iter().fold((0, 0), |(more, less), own| (more + own.len(), less + own.span.len()));
        (self.body.len() + more).saturating_sub(less)
    }

    /// Gives it on, piece by piece.
    ///
    /// # Errors
    /// If what stays of a file is not in it. What was given by then is to be thrown away.
    pub fn write(&self, give: &mut dyn FnMut(&[u8])) -> Result<(), Unfit> {
        let mut at = 0;
        for splice in &self.splices {
            give(self.body.get(at..splice.span.start).unwrap_or_default());
            give(&splice.bytes);
            if let Some((attachment, file)) = &splice.file {
                file.write(self.body, give).ok_or(Unfit::Attachment(*attachment))?;
            }
            at = splice.span.end;
        }
        give(self.body.get(at..).unwrap_or_default());
        Ok(())
    }

    /// Looks at the body that was written: whether an edit put a boundary into a form, alone or together with what stands
    /// around it, and whether a file of calls still asks what was decided.
    ///
    /// # Errors
    /// If not; it must not leave.
    pub fn check(&self, written: &[u8]) -> Result<(), Unfit> {
        let Some(boundary) = self.boundary.filter(|_| !self.splices.is_empty()) else { return Ok(()) };
        let delimiter = format!("--{boundary}");
        let count = |bytes: &[u8]| memchr::memmem::find_iter(bytes, delimiter.as_bytes()).count();
        if count(written) != count(self.body) {
            return Err(Unfit::Boundary);
        }
        let Some(span) = self.batch else { return Ok(()) };
        let calls = |body: &[u8], span: Range<usize>| Batch::read(std::str::from_utf8(body.get(span)?).ok()?, 0).ok();
        let same = calls(written, self.moved(span.start)..self.moved(span.end)) == calls(self.body, span.clone());
        if same { Ok(()) } else { Err(Unfit::Batch) }
    }

    /// Where a place of the body stands that no splice covers, once all are made.
    fn moved(&self, at: usize) -> usize {
        let before = self.splices.iter().take_while(|splice| splice.span.start < at);
        before.fold(at, |at, splice| (at + splice.len()).saturating_sub(splice.span.len()))
    }

    /// The body, written and looked at.
    pub(super) fn whole(&self) -> Result<Vec<u8>, Unfit> {
        let mut out = Vec::with_capacity(self.length());
        self.write(&mut |bytes| out.extend_from_slice(bytes))?;
        self.check(&out).map(|()| out)
    }
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

    fn splice(&mut self, edit: &Edit) -> Option<Splice<'static>> {
        let mut bytes = Vec::with_capacity(edit.replacement.len() + 8);
        match self {
            Self::Json(cursor) => {
                json::encode(&edit.replacement, &mut bytes);
                let start = cursor.seek(edit.span.start)?;
                Some(Splice::new(start..cursor.seek(edit.span.end)?, bytes))
            }
            Self::Raw { start, piece, quoted } => {
                piece.text.get(edit.span.clone())?;
                if *quoted {
                    encode_quoted(&edit.replacement, &mut bytes);
                } else {
                    bytes.extend_from_slice(edit.replacement.as_bytes());
                }
                Some(Splice::new(*start + edit.span.start..*start + edit.span.end, bytes))
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

fn model_splice(request: &Request<'_>, model: &str) -> Result<Option<Splice<'static>>, Unfit> {
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
        Slot::Field(at, number) => (*at..*at, protobuf::text_field(*number, model)),
    };
    Ok(Some(Splice::new(span, bytes)))
}

/// What takes a file's place.
fn substitute<'r>(request: &'r Request<'_>, file: &'r Substitute, splices: &mut Vec<Splice<'r>>) -> Result<(), Unfit> {
    let attachment = match file {
        Substitute::Bytes { attachment, .. }
        | Substitute::Rest { attachment, .. }
        | Substitute::Note { attachment, .. } => *attachment,
    };
    let unfit = Unfit::Attachment(attachment);
    let own = request.attachments.get(attachment).ok_or(unfit)?;
    let with = match file {
        Substitute::Bytes { bytes, .. } => With::Bytes(bytes),
        Substitute::Rest { parts, .. } if rest::is_rising(parts) => With::Parts(parts),
        Substitute::Rest { .. } => return Err(unfit),
        Substitute::Note { text, .. } => return note(&own.exit, text, splices).ok_or(unfit),
    };
    let span = match &own.held {
        Held::Part(span) | Held::Base64(span) => span.clone(),
        Held::Json { text, from } => text.after(*from).ok_or(unfit)?.span(),
    };
    let file = Some((attachment, Filling { held: &own.held, with }));
    splices.push(Splice { span, bytes: Vec::new(), file });
    Ok(())
}

/// The text that tells of a file which is left out. `None` if it cannot be.
fn note(exit: &Exit, text: &str, splices: &mut Vec<Splice<'_>>) -> Option<()> {
    let quoted = |before: &str, after: &str| {
        let mut bytes = before.as_bytes().to_vec();
        json::encode(text, &mut bytes);
        bytes.extend_from_slice(after.as_bytes());
        bytes
    };
    match exit {
        Exit::Part { span, kind } => {
            let kind = if kind.is_empty() { String::new() } else { format!("\"type\":\"{kind}\",") };
            let bytes = quoted(&format!("{{{kind}\"text\":\""), "\"}");
            splices.push(Splice::new(span.clone(), bytes));
        }
        Exit::List { span, text: at } => {
            splices.push(Splice::new(span.clone(), b"[]".to_vec()));
            splices.push(Splice::new(*at..*at, quoted("", " ")));
        }
        Exit::Text(span) => splices.push(Splice::new(span.clone(), quoted("", ""))),
        Exit::Nowhere => return None,
    }
    Some(())
}

/// Leaves out what stands within another, and what is said twice: two pictures of one list leave it together. They are in
/// order of their beginnings, longer ones first.
fn keep_outermost(splices: &mut Vec<Splice<'_>>) {
    let mut kept: Vec<Splice<'_>> = Vec::with_capacity(splices.len());
    for splice in splices.drain(..) {
        let inside = kept.last().is_some_and(|last| {
            let same = last.span == splice.span && last.bytes == splice.bytes && last.file.is_none();
            same || splice.span.start < last.span.end && splice.span.end <= last.span.end
        });
        if !inside {
            kept.push(splice);
        }
    }
    *splices = kept;
}
