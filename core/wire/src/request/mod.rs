//! A request, read whole: what it asks for, and every text in it that leaves.
//!
//! ```text
//! body ─> json::Document ─> pieces  ┐
//!      ├> multipart ──────> form    ├─> Request { content, model, stream, tools } ─> rewrite ─> body
//!      └> protobuf ───────> message │
//! path, query, headers ─────────────┘
//! ```
//!
//! Nothing is left out because it is unknown: a string or key that no table mentions is a piece like any other.
//! The tables of [`grammar`] only say which strings hold the message together and so cannot be replaced.

mod asks;
mod batch;
mod files;
mod form;
mod grammar;
mod message;
mod origin;
mod path;
mod pieces;
mod rest;
mod rewrite;
mod rpc;

#[cfg(test)]
mod tests;

pub use files::{Attachment, Part, Substitute};
pub use message::fuzz as fuzz_protobuf;
pub use rewrite::{Rewriting, Unfit};

use crate::endpoint::{Carries, Endpoint};
use crate::error::Malformed;
use crate::header::Header;
use crate::json::{self, Document, Kind, Text};
use crate::media;
use crate::protobuf::Lengths;
use plant::{Content, Dialect, Edit, Origin, Piece, Reason};
use rpc::Rpc;
use std::borrow::Cow;
use std::ops::Range;

/// What reading a request may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Deepest nesting of a JSON body.
    pub depth: u32,
    /// Most values of a JSON body; see [`json::Limits::nodes`].
    pub nodes: u32,
    /// Most pieces. One takes about 250 bytes with its path.
    pub pieces: usize,
    /// Most parts of a form.
    pub parts: usize,
}

impl Default for Limits {
    /// Depth 64, a million values, 200,000 pieces (50 MB at worst), 256 parts.
    fn default() -> Self {
        let json::Limits { depth, nodes } = json::Limits::default();
        Self { depth, nodes, pieces: 200_000, parts: 256 }
    }
}

/// A request, read. Borrows the body it was read from.
#[derive(Clone)]
pub struct Request<'a> {
    endpoint: Endpoint,
    body: &'a [u8],
    content: Content<'a>,
    // INVARIANT: as long as `content.pieces`; says for each where it stands.
    places: Vec<Place<'a>>,
    attachments: Vec<Attachment<'a>>,
    /// Most pieces.
    most: usize,
    model: Option<Cow<'a, str>>,
    slot: Slot,
    boundary: Option<String>,
    /// Where it is a file of calls.
    batch: Option<Range<usize>>,
    /// The lengths that stand in the body before what they count.
    lengths: Lengths,
    stream: bool,
    tools: Vec<String>,
    rpc: Option<Rpc<'a>>,
    /// What it is and sets beside, if it is an event of a session.
    event: Option<Event<'a>>,
}

/// What is particular to an event of a session, whose model its handshake named.
#[derive(Clone, Debug)]
struct Event<'a> {
    transcriber: Option<Cow<'a, str>>,
    sound: bool,
}

/// Where a piece stands in the body, and so how it is replaced.
#[derive(Clone, Debug)]
enum Place<'a> {
    /// Nowhere that can be replaced.
    Fixed,
    /// In a file, or it is the file: an index into the request's attachments.
    Within(usize),
    /// In a JSON string.
    Json(Text<'a>),
    /// As the bytes of a part.
    Part(Range<usize>),
    /// In the quotes of a header of a part.
    Quoted(Range<usize>),
}

/// Where the model stands, or could.
#[derive(Clone, Debug)]
enum Slot {
    /// It has no place.
    Nowhere,
    /// A JSON value, which may be `null`.
    Value(Range<usize>),
    /// Before the first member of the body's object.
    Before(usize),
    /// Alone in the body's empty object.
    Within(usize),
    /// The bytes of a part.
    Part(Range<usize>),
    /// Before the first field of a message, as one of this number.
    Field(usize, u32),
    /// In the path: the caller of [`Request::rewrite`] changes it with [`Endpoint::path_with_model`].
    Path,
}

/// What was read of a body, whatever its form.
#[derive(Default)]
struct Found<'a> {
    pieces: Vec<Piece<'a>>,
    places: Vec<Place<'a>>,
    attachments: Vec<Attachment<'a>>,
    most: usize,
}

impl<'a> Found<'a> {
    fn push(&mut self, piece: Piece<'a>, place: Place<'a>, offset: usize) -> Result<(), Malformed> {
        if self.pieces.len() >= self.most {
            return Err(Malformed::with(Reason::BodyTooLarge, offset, "the body holds more texts than the limit"));
        }
        self.pieces.push(piece);
        self.places.push(place);
        Ok(())
    }
}

impl<'a> Request<'a> {
    /// Reads a complete body, content encodings undone.
    ///
    /// # Errors
    /// With the reason that the caller is told, and where in the body it shows.
    pub fn parse(
        endpoint: Endpoint,
        content_type: Option<&str>,
        body: &'a [u8],
        limits: &Limits,
    ) -> Result<Self, Malformed> {
        match endpoint.carries() {
            Carries::Nothing | Carries::JsonOrNothing if body.is_empty() => Ok(Self::empty(endpoint)),
            Carries::Nothing => Err(Malformed::new(0, "this endpoint takes no body")),
            Carries::Json | Carries::JsonOrNothing => {
                check_json_type(endpoint, content_type)?;
                Self::parse_json(endpoint, body, limits)
            }
            Carries::Form => {
                let boundary = form_boundary(content_type)?;
                Self::parse_form(endpoint, boundary, body, limits)
            }
            Carries::Protobuf => {
                message::check_type(content_type)?;
                Self::parse_message(endpoint, body, limits)
            }
        }
    }

    /// Reads an event that a caller sends in a session of this endpoint.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_event(endpoint: Endpoint, body: &'a [u8], limits: &Limits) -> Result<Self, Malformed> {
        Self::parse_json(endpoint, body, limits)
    }

    fn empty(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            body: &[],
            content: Content::default(),
            places: Vec::new(),
            attachments: Vec::new(),
            most: 0,
            model: None,
            slot: if endpoint.has_model_in_path() { Slot::Path } else { Slot::Nowhere },
            boundary: None,
            batch: None,
            lengths: Lengths::default(),
            stream: false,
            tools: Vec::new(),
            rpc: None,
            event: None,
        }
    }

    fn parse_json(endpoint: Endpoint, body: &'a [u8], limits: &Limits) -> Result<Self, Malformed> {
        let document = Document::parse(body, &json::Limits { depth: limits.depth, nodes: limits.nodes })?;
        let root = document.root();
        if endpoint.dialect().kin() != Dialect::Json && root.kind() != Kind::Object {
            return Err(Malformed::new(root.span().start, "the body is not an object"));
        }
        let asks = asks::Asks::read(endpoint, root)?;
        let mut found = Found { most: limits.pieces, ..Found::default() };
        pieces::collect(endpoint, &document, &mut found)?;
        let mut request = Self::empty(endpoint).with(found);
        request.body = body;
        request.model = asks.model.map(Text::decode);
        if !endpoint.has_model_in_path() {
            request.slot = slot(endpoint, root);
        }
        request.stream = asks.stream;
        request.tools = asks.tools;
        request.rpc = asks.rpc;
        request.event = endpoint
            .is_session()
            .then(|| Event { transcriber: asks.event.transcriber.map(Text::decode), sound: asks.event.sound });
        Ok(request)
    }

    fn parse_form(endpoint: Endpoint, boundary: &str, body: &'a [u8], limits: &Limits) -> Result<Self, Malformed> {
        let mut found = Found { most: limits.pieces, ..Found::default() };
        let asks = form::collect(endpoint, boundary, body, limits.parts, &mut found)?;
        let mut request = Self::empty(endpoint).with(found);
        request.body = body;
        request.boundary = Some(boundary.to_owned());
        // It leaves as it came, in the head and between all parts.
        request.add_fixed("boundary".to_owned(), Cow::Owned(boundary.to_owned()));
        // Where the path names the model, that is what answers, whatever the form says.
        if let Some((name, span)) = asks.model.filter(|_| !endpoint.has_model_in_path()) {
            request.model = Some(Cow::Borrowed(name));
            request.slot = Slot::Part(span);
        }
        if let Some((batch, span)) = asks.batch {
            request.model = batch.model.map(Cow::Owned).or(request.model);
            request.tools = batch.tools;
            request.batch = Some(span);
            // Its lines say what is asked, and none of them is written anew.
            request.slot = Slot::Nowhere;
        }
        request.stream = asks.stream;
        Ok(request)
    }

    fn with(self, found: Found<'a>) -> Self {
        let Found { pieces, places, attachments, most } = found;
        Self { content: Content { pieces }, places, attachments, most, ..self }
    }

    /// Adds what the call's path and query say: a model, ids (they leave too, so they are pieces), a stream.
    #[must_use]
    pub fn at(mut self, path: &'a str, query: Option<&'a str>) -> Self {
        for (name, value) in self.endpoint.parameters(path) {
            if name == "model" && self.model.is_none() {
                self.model = Some(value.clone());
            }
            self.add_fixed(format!("path.{name}"), value);
        }
        if let Some(model) = query.filter(|_| self.endpoint.is_session()).and_then(session_model) {
            self.model = Some(Cow::Borrowed(model));
        }
        // Of a path that nothing is known of, every step may be content.
        if matches!(self.endpoint.dialect().kin(), Dialect::Json | Dialect::Mcp) {
            self.add_fixed("path".to_owned(), Cow::Borrowed(path));
        }
        // GET /responses/{id}?stream=true replays a response as events.
        if self.endpoint.carries() == Carries::Nothing {
            self.stream |= query.is_some_and(|query| query.split('&').any(|pair| pair == "stream=true"));
        }
        if let Some(query) = query {
            self.add_fixed("query".to_owned(), media::query(query));
        }
        self
    }

    /// Adds the headers that leave with it, which are content like any other. What is no UTF-8 shows as U+FFFD.
    #[must_use]
    pub fn with_headers<'h>(mut self, headers: impl IntoIterator<Item = (&'h str, &'a [u8])>) -> Self {
        for (name, value) in headers {
            self.add_fixed(format!("header.{name}"), String::from_utf8_lossy(value));
        }
        self
    }

    /// Whether a header says something else of it than its body: servers of tools may go by either (MCP 2026-07-28, the
    /// standard request headers).
    #[must_use]
    pub fn belied_by(&self, name: &str, value: &[u8]) -> bool {
        self.rpc.as_ref().is_some_and(|rpc| rpc.belied_by(name, value))
    }

    fn add_fixed(&mut self, path: String, text: Cow<'a, str>) {
        self.content.pieces.push(Piece { path, text, attachment: None, origin: Origin::Prompt, fixed: true });
        self.places.push(Place::Fixed);
    }

    /// The endpoint that it was read for.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// Every text and attachment in it, in order.
    #[must_use]
    pub fn content(&self) -> &Content<'a> {
        &self.content
    }

    /// The model it asks for, if it names one.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The model as policy judges it: the empty name where one answers and the choice is left to the provider, `None`
    /// only where no model is asked.
    #[must_use]
    pub fn asked_model(&self) -> Option<&str> {
        self.model().or((self.endpoint.asks_model() && self.event.is_none()).then_some(""))
    }

    /// The model that is to write down what is said in a session, beside the one that answers.
    #[must_use]
    pub fn transcriber(&self) -> Option<&str> {
        self.event.as_ref()?.transcriber.as_deref()
    }

    /// Whether it is an event of a session that holds a piece of sound and nothing else.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.event.as_ref().is_some_and(|event| event.sound)
    }

    /// Whether it asks for the answer as a stream.
    #[must_use]
    pub fn stream(&self) -> bool {
        self.stream
    }

    /// The tools that it offers to the model: names of functions, types of built-in ones. In order, repeats kept.
    #[must_use]
    pub fn tools(&self) -> &[String] {
        &self.tools
    }

    /// The body with edits made and another model asked, all other bytes as they were.
    ///
    /// A model in the path is not in the body: change it with [`Endpoint::path_with_model`].
    ///
    /// # Errors
    /// If an edit does not fit its piece, or the model has no place. Nothing is changed in part.
    pub fn rewrite(&self, edits: &[Edit], model: Option<&str>) -> Result<Vec<u8>, Unfit> {
        self.rewrite_with(edits, &[], model)
    }

    /// As [`Request::rewrite`], with files replaced or left out. Edits of what stands beside a file that is left out
    /// are left out with it.
    ///
    /// # Errors
    /// As above; and if a file has no place, or cannot be left out.
    pub fn rewrite_with(&self, edits: &[Edit], files: &[Substitute], model: Option<&str>) -> Result<Vec<u8>, Unfit> {
        self.rewriting(edits, files, model)?.whole()
    }

    /// As [`Request::rewrite_with`], to be written wherever the caller has room: the body may be large.
    ///
    /// # Errors
    /// As above.
    pub fn rewriting<'r>(
        &'r self,
        edits: &[Edit],
        files: &'r [Substitute],
        model: Option<&str>,
    ) -> Result<Rewriting<'r>, Unfit> {
        Rewriting::new(self, edits, files, model)
    }
}

impl std::fmt::Debug for Request<'_> {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("endpoint", &self.endpoint)
            .field("bytes", &self.body.len())
            .field("pieces", &self.content.pieces.len())
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

/// The model that the query of a handshake names: once, and so that it has one reading. Any other counts as the choice of the
/// provider.
fn session_model(query: &str) -> Option<&str> {
    let mut models =
        query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| key.eq_ignore_ascii_case("model"));
    let (_, model) = models.next().filter(|_| models.next().is_none())?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:@".contains(&byte);
    Some(model).filter(|model| model.bytes().all(plain))
}

/// Where a JSON body has its model, or could have it.
fn slot(endpoint: Endpoint, root: json::Value<'_, '_>) -> Slot {
    let unknown = endpoint.dialect().kin() == Dialect::Json;
    match asks::place_of_model(endpoint.dialect(), root) {
        _ if endpoint.dialect() == Dialect::Mcp || endpoint.is_session() => Slot::Nowhere,
        Some(value) if value.kind() == Kind::String || !unknown => Slot::Value(value.span()),
        // A body that nothing is known of gets no member that it did not have.
        _ if unknown => Slot::Nowhere,
        _ if root.is_empty() => Slot::Within(root.span().start + 1),
        _ => Slot::Before(root.span().start + 1),
    }
}

/// Refuses a content type under which a server may read other JSON than we do, or none.
fn check_json_type(endpoint: Endpoint, content_type: Option<&str>) -> Result<(), Malformed> {
    let refuse = |detail| Malformed::with(Reason::ContentType, 0, detail);
    // Amazon's SDKs send a body for a model without one, and its servers take it for JSON then; so do Triton's client and server,
    // which never hears of a `inference-header-content-length` that would say otherwise.
    if content_type.is_none() && matches!(endpoint.dialect(), Dialect::Bedrock | Dialect::Kserve) {
        return Ok(());
    }
    let text = content_type.ok_or_else(|| refuse("the body has no content type"))?;
    let header = Header::parse(text).ok_or_else(|| refuse("the content type is not well-formed"))?;
    let related = endpoint.dialect().kin() == Dialect::Json
        && header.value.strip_prefix("application/").is_some_and(|member| member.ends_with("+json"));
    if header.value != "application/json" && !related {
        return Err(refuse("the content type is not JSON"));
    }
    match header.parameter(text, "charset") {
        // RFC 8259, section 8.1: UTF-8, and ASCII is a part of it.
        Some(charset) if !is_utf8(charset) => Err(Malformed::new(0, "the charset is not UTF-8")),
        _ => Ok(()),
    }
}

fn form_boundary(content_type: Option<&str>) -> Result<&str, Malformed> {
    let refuse = |detail| Malformed::with(Reason::ContentType, 0, detail);
    let text = content_type.ok_or_else(|| refuse("the body has no content type"))?;
    let header = Header::parse(text).ok_or_else(|| refuse("the content type is not well-formed"))?;
    if header.value != "multipart/form-data" {
        return Err(refuse("the content type is not a form"));
    }
    crate::multipart::boundary(text, &header)
        .ok_or_else(|| Malformed::new(0, "the content type names no usable boundary"))
}

/// Whether a charset is one that UTF-8 reads.
fn is_utf8(charset: &str) -> bool {
    ["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known))
}

/// Entry for fuzzing: the first byte picks the endpoint, the rest is the body. What is read must rewrite to itself, and
/// any edit of it must read again, also without its files.
pub fn fuzz(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let Some(endpoint) = crate::endpoints().nth(usize::from(*first) % crate::endpoints().count()) else { return };
    let kind = match endpoint.carries() {
        Carries::Form => Some("multipart/form-data; boundary=x"),
        Carries::Protobuf => return message::fuzz(bytes),
        _ => endpoint.content_type(),
    };
    let limits = Limits { depth: 32, nodes: 4096, pieces: 4096, parts: 32 };
    let reads = |body: &[u8]| reading(endpoint, kind, body, &limits).is_ok();
    let Ok(request) = reading(endpoint, kind, body, &limits) else { return };
    debug_assert!(request.rewrite(&[], None).is_ok_and(|same| same == body));
    let edit = |(piece, own): (usize, &Piece<'_>)| {
        let end = own.text.chars().next().map_or(0, char::len_utf8);
        (!own.fixed).then(|| Edit { piece, span: 0..end, replacement: "\"\\\u{1}ü".to_owned() })
    };
    let edits: Vec<Edit> = request.content.pieces.iter().enumerate().filter_map(edit).collect();
    if let Ok(changed) = request.rewrite(&edits, None) {
        debug_assert!(reads(&changed));
    }
    let files = (0..request.attachments.len()).filter(|file| request.can_leave_out(*file));
    let note = |attachment| Substitute::Note { attachment, text: "\"left out\"".to_owned() };
    let notes: Vec<Substitute> = files.map(note).collect();
    if let Ok(changed) = request.rewrite_with(&edits, &notes, None) {
        debug_assert!(reads(&changed));
    }
}

fn reading<'a>(
    endpoint: Endpoint,
    kind: Option<&str>,
    body: &'a [u8],
    limits: &Limits,
) -> Result<Request<'a>, Malformed> {
    if endpoint.is_session() {
        return Request::parse_event(endpoint, body, limits);
    }
    Request::parse(endpoint, kind, body, limits)
}
