//! A request that is a message of protocol buffers: its texts as pieces, what is no text as files.

use super::files::{Attachment, Exit, Held};
use super::{Found, Limits, Place, Request, Slot};
use crate::endpoint::Endpoint;
use crate::error::Malformed;
use crate::header::Header;
use crate::media::{self, Media};
use crate::protobuf::{self, Hold, Item, Said};
use plant::{Edit, Origin, Piece, Reason};
use std::borrow::Cow;
use std::ops::Range;

/// Refuses what is gRPC with messages that are no protocol buffers.
pub(super) fn check_type(content_type: Option<&str>) -> Result<(), Malformed> {
    let refuse = |detail| Malformed::with(Reason::ContentType, 0, detail);
    let text = content_type.ok_or_else(|| refuse("the body has no content type"))?;
    let header = Header::parse(text).ok_or_else(|| refuse("the content type is not well-formed"))?;
    match header.value.as_str() {
        "application/grpc" | "application/grpc+proto" => Ok(()),
        _ => Err(refuse("the messages are not protocol buffers")),
    }
}

impl<'a> Request<'a> {
    /// Reads a body of gRPC, its message not compressed.
    pub(super) fn parse_message(endpoint: Endpoint, body: &'a [u8], limits: &Limits) -> Result<Self, Malformed> {
        let own = protobuf::Limits { depth: limits.depth, nodes: limits.nodes, items: limits.pieces };
        let message = protobuf::request(endpoint, body, &own)?;
        let mut found = Found { most: limits.pieces, ..Found::default() };
        for item in message.items {
            collect(item, &mut found)?;
        }
        let mut request = Self::empty(endpoint).with(found);
        request.body = body;
        request.lengths = message.lengths;
        request.stream = endpoint.always_streams();
        if endpoint.asks_model() {
            request.slot = Slot::Field(message.span.start, 1);
        }
        if let Some((model, span)) = message.model {
            request.slot = Slot::Part(span);
            request.model = Some(Cow::Borrowed(model)).filter(|model| !model.is_empty());
        }
        Ok(request)
    }
}

fn collect<'a>(item: Item<'a>, found: &mut Found<'a>) -> Result<(), Malformed> {
    let Item { path, span, said, hold } = item;
    match said {
        Said::Read(text) => push(found, path, Cow::Owned(text), Place::Fixed, span.start),
        Said::File(bytes) => file(found, path, bytes, span),
        Said::Text(text) => {
            if let Some(query) = media::form_query(text) {
                push(found, path.clone(), Cow::Owned(query), Place::Fixed, span.start)?;
            }
            self::text(found, path, text, span, hold)
        }
    }
}

fn text<'a>(
    found: &mut Found<'a>,
    path: String,
    text: &'a str,
    span: Range<usize>,
    hold: Hold,
) -> Result<(), Malformed> {
    match media::data_url(text).or_else(|| media::unexpected(text)) {
        Some(media) if hold != Hold::Word => encoded(found, path, text, span, media),
        _ => {
            let place = if hold == Hold::Free { Place::Part(span.clone()) } else { Place::Fixed };
            push(found, path, Cow::Borrowed(text), place, span.start)
        }
    }
}

/// A text that is a file in base64, or one in an address.
fn encoded<'a>(
    found: &mut Found<'a>,
    path: String,
    text: &'a str,
    span: Range<usize>,
    media: Media,
) -> Result<(), Malformed> {
    let at = span.start;
    let head = media::data_url_head(text);
    let (from, claimed) = head.map_or((0, None), |(from, claimed)| (from, Some(claimed.to_owned())));
    let (kind, said) = match media {
        Media::Binary(kind) => (Some(kind), None),
        Media::Text(said) => (None, Some(said)),
        Media::Readable(kind, said) => (Some(kind), Some(said)),
    };
    let address = text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    let place = if address && head.is_none() {
        Place::Fixed
    } else {
        let (said, picture) = (said.is_some(), kind.as_deref().is_some_and(|kind| kind.starts_with("image/")));
        let held = Held::Base64(at + from..span.end);
        let (path, exit) = (path.clone(), Exit::Nowhere);
        found.attach(Attachment { path, name: None, media: claimed, said, picture, held, exit })
    };
    if let Some(kind) = kind {
        push_kind(found, path.clone(), kind, place.clone(), at)?;
    }
    // An address is read as it stands too: what it claims to be is the caller's text.
    if let Some(own) = media::unusual_type(text) {
        push(found, path.clone(), Cow::Owned(own.to_owned()), Place::Fixed, at)?;
    }
    said.map_or(Ok(()), |said| push(found, path, Cow::Owned(said), place, at))
}

fn file<'a>(found: &mut Found<'a>, path: String, bytes: &'a [u8], span: Range<usize>) -> Result<(), Malformed> {
    let (kind, readable, at) = (media::named(None, media::sniff(bytes)), media::readable(bytes), span.start);
    let place = found.attach(Attachment {
        path: path.clone(),
        name: None,
        media: None,
        said: readable.is_some(),
        picture: kind.starts_with("image/"),
        held: Held::Part(span),
        // Without its tensor there is no call.
        exit: Exit::Nowhere,
    });
    if let Some(text) = readable {
        push(found, path.clone(), Cow::Owned(text), place.clone(), at)?;
    }
    push_kind(found, path, kind, place, at)
}

fn push<'a>(
    found: &mut Found<'a>,
    path: String,
    text: Cow<'a, str>,
    place: Place<'a>,
    at: usize,
) -> Result<(), Malformed> {
    let fixed = !matches!(place, Place::Part(_));
    found.push(Piece { path, text, attachment: None, origin: Origin::Prompt, fixed }, place, at)
}

fn push_kind<'a>(
    found: &mut Found<'a>,
    path: String,
    kind: String,
    place: Place<'a>,
    at: usize,
) -> Result<(), Malformed> {
    let text = Cow::Borrowed("");
    found.push(Piece { path, text, attachment: Some(kind), origin: Origin::Prompt, fixed: true }, place, at)
}

/// Entry for fuzzing: the first byte picks the method, the rest is its message. What is read must rewrite to itself, and any
/// edit of it, and another model, must read again with what was put in. The same bytes are read as an answer, which leaves as it
/// came.
pub fn fuzz(bytes: &[u8]) {
    let Some((first, message)) = bytes.split_first() else { return };
    let methods: Vec<Endpoint> = crate::endpoints().filter(Endpoint::is_grpc).collect();
    let Some(endpoint) = methods.get(usize::from(*first) % methods.len().max(1)).copied() else { return };
    let Some(head) = crate::grpc::head(message.len()) else { return };
    let body = [&head, message].concat();
    crate::answer::fuzz_message(endpoint, &body);
    let limits = Limits { depth: 16, nodes: 4096, pieces: 4096, parts: 32 };
    let Ok(request) = Request::parse_message(endpoint, &body, &limits) else { return };
    assert!(request.rewrite(&[], None).is_ok_and(|same| same == body), "what nothing changes leaves as it came");
    let put = "\u{fc}".repeat(100);
    let edit = |(piece, own): (usize, &Piece<'_>)| {
        let end = own.text.chars().next().map_or(0, char::len_utf8);
        (!own.fixed).then(|| Edit { piece, span: 0..end, replacement: put.clone() })
    };
    let edits: Vec<Edit> = request.content.pieces.iter().enumerate().filter_map(edit).collect();
    let model = request.endpoint.asks_model().then_some("another");
    let Ok(changed) = request.rewrite(&edits, model) else { return };
    let limits = Limits { nodes: 8192, pieces: 8192, ..limits };
    let again = Request::parse_message(endpoint, &changed, &limits);
    assert!(again.is_ok(), "what was changed can be read");
    let Ok(again) = again else { return };
    assert!(model.is_none() || again.model() == model, "the other model is asked");
    let stands = |text: &str| again.content.pieces.iter().filter(|own| own.text.starts_with(text)).count();
    assert!(stands(&put) >= edits.len(), "what was put in stands there");
}
