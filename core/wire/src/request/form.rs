//! The parts of a form, as pieces: fields and text files are read, everything else is an attachment.

use super::batch::Batch;
use super::files::{Attachment, Exit, Held};
use super::{Found, Place, is_utf8};
use crate::endpoint::Endpoint;
use crate::error::Malformed;
use crate::header::Header;
use crate::media;
use crate::multipart::{self, Part};
use plant::{Origin, Piece};
use std::borrow::Cow;
use std::ops::Range;

/// What a form asks for beside its content.
#[derive(Default)]
pub(super) struct Asks<'a> {
    pub(super) model: Option<(&'a str, Range<usize>)>,
    pub(super) stream: bool,
    /// What a file of calls asks, and where it stands, if it is one.
    pub(super) batch: Option<(Batch, Range<usize>)>,
}

/// Fields whose values are chosen from a list or name something.
const FIXED: [&str; 17] = [
    "background",
    "chunking_strategy",
    "include[]",
    "input_fidelity",
    "language",
    "model",
    "moderation",
    "n",
    "output_compression",
    "output_format",
    "partial_images",
    "purpose",
    "quality",
    "response_format",
    "size",
    "stream",
    "timestamp_granularities[]",
];

/// Gathers the pieces of a form in order.
pub(super) fn collect<'a>(
    endpoint: Endpoint,
    boundary: &str,
    body: &'a [u8],
    most: usize,
    found: &mut Found<'a>,
) -> Result<Asks<'a>, Malformed> {
    let mut asks = Asks::default();
    // Elsewhere a file of calls is a file as any other, and its model is not the one that answers.
    let (mut is_batch, mut files) = (false, Vec::new());
    for (position, part) in multipart::parse(body, boundary, most)?.into_iter().enumerate() {
        let at = part.content.start;
        let path = part_path(position, part.name);
        let origin = if part.file.is_some() { Origin::Document } else { Origin::Prompt };
        if !is_identifier(part.name) {
            let path = format!("{path} name");
            let piece = Piece { path, text: Cow::Borrowed(part.name), attachment: None, origin, fixed: true };
            found.push(piece, Place::Fixed, at)?;
        }
        if let Some((name, place)) = &part.file {
            let fixed = place.is_none();
            let place = place.clone().map_or(Place::Fixed, Place::Quoted);
            let path = format!("{path} filename");
            found.push(Piece { path, text: Cow::Borrowed(name), attachment: None, origin, fixed }, place, at)?;
        }
        let content = body.get(part.content.clone()).unwrap_or_default();
        let declared = declared(&part)?;
        if let Some(kind) = part.kind.filter(|kind| !media::is_usual(kind)) {
            let path = format!("{path} type");
            let piece = Piece { path, text: Cow::Borrowed(kind), attachment: None, origin, fixed: true };
            found.push(piece, Place::Fixed, at)?;
        }
        match read(content, declared.as_ref()) {
            Some(text) => {
                note(&mut asks, &part, text)?;
                is_batch |= endpoint.name() == "files" && part.name == "purpose" && text == "batch";
                if part.file.is_some() {
                    files.push((text, at));
                }
                let fixed = part.file.is_none() && FIXED.contains(&part.name);
                let place = if fixed { Place::Fixed } else { Place::Part(part.content) };
                found.push(Piece { path, text: Cow::Borrowed(text), attachment: None, origin, fixed }, place, at)?;
            }
            None if part.file.is_none() => return Err(Malformed::new(at, "a field of the form is not text in UTF-8")),
            None => {
                let claimed = declared.as_ref().map(|declared| declared.value.as_str());
                let kind = media::named(claimed, media::sniff(content));
                let readable = media::readable(content);
                let place = found.attach(Attachment {
                    path: path.clone(),
                    name: part.file.as_ref().map(|(name, _)| Cow::Borrowed(*name)),
                    media: part.kind.map(str::to_owned),
                    said: readable.is_some(),
                    picture: kind.starts_with("image/"),
                    held: Held::Part(part.content),
                    // A form is sent for its file: without it there is no call.
                    exit: Exit::Nowhere,
                });
                if let Some(text) = readable {
                    let piece =
                        Piece { path: path.clone(), text: Cow::Owned(text), attachment: None, origin, fixed: true };
                    found.push(piece, place.clone(), at)?;
                }
                let piece = Piece { path, text: Cow::Borrowed(""), attachment: Some(kind), origin, fixed: true };
                found.push(piece, place, at)?;
            }
        }
    }
    if is_batch {
        let [(text, from)] = files.as_slice() else {
            return Err(Malformed::new(0, "the batch is not one file of text in UTF-8"));
        };
        asks.batch = Some((Batch::read(text, *from)?, *from..*from + text.len()));
    }
    Ok(asks)
}

/// A part's content type, with the charset put to the test.
struct Declared {
    value: String,
    charset: bool,
}

fn declared(part: &Part<'_>) -> Result<Option<Declared>, Malformed> {
    let Some(text) = part.kind else { return Ok(None) };
    let bad = || Malformed::new(part.content.start, "the content type of a part is not well-formed");
    let header = Header::parse(text).ok_or_else(bad)?;
    let charset = header.parameter(text, "charset").is_none_or(is_utf8);
    Ok(Some(Declared { value: header.value, charset }))
}

/// The text of a part, if it is text, whatever it claims to be.
fn read<'a>(content: &'a [u8], declared: Option<&Declared>) -> Option<&'a str> {
    if declared.is_some_and(|declared| !declared.charset) || memchr::memchr(0, content).is_some() {
        return None;
    }
    std::str::from_utf8(content).ok()
}

fn note<'a>(asks: &mut Asks<'a>, part: &Part<'_>, text: &'a str) -> Result<(), Malformed> {
    match part.name {
        "model" if part.file.is_none() => asks.model = Some((text, part.content.clone())),
        "stream" => match text {
            "true" => asks.stream = true,
            "false" => {}
            // Servers differ in what they make of `True` and `1`.
            _ => return Err(Malformed::new(part.content.start, "a flag is neither true nor false")),
        },
        "model" => return Err(Malformed::new(part.content.start, "the model is a file")),
        _ => {}
    }
    Ok(())
}

/// As in a JSON path, a name is shown only if it looks like an identifier.
fn part_path(position: usize, name: &str) -> String {
    if is_identifier(name) { format!("part \"{name}\"") } else { format!("part {position}") }
}

fn is_identifier(name: &str) -> bool {
    let name = name.strip_suffix("[]").unwrap_or(name);
    (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
