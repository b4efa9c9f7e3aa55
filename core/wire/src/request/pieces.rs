//! Every string and key of a JSON body, as pieces.

use super::grammar::{self, Region};
use super::origin;
use super::path::Paths;
use super::{Found, Place, files};
use crate::described;
use crate::endpoint::Endpoint;
use crate::error::Malformed;
use crate::json::{Document, Kind, Text, Value};
use crate::media::base64::decode_runs;
use crate::media::{self, Media};
use plant::{Dialect, Origin, Piece};
use std::borrow::Cow;

/// What token ids are noted as: a prompt in numbers, which says as much as one in words and cannot be read here.
const TOKENS: &str = "application/x-token-ids";

/// Gathers the pieces of a document in order.
pub(super) fn collect<'a>(endpoint: Endpoint, document: &Document<'a>, found: &mut Found<'a>) -> Result<(), Malformed> {
    let mut walk =
        Walk { dialect: endpoint.dialect(), paths: Paths::default(), regions: Vec::new(), origins: Vec::new(), found };
    walk.regions.reserve(document.values().len());
    walk.origins.reserve(document.values().len());
    found_reserve(walk.found, document.text().len());
    for value in document.values() {
        walk.visit(value)?;
    }
    Ok(())
}

/// A piece for every 128 bytes is about what chat bodies have.
fn found_reserve(found: &mut Found<'_>, bytes: usize) {
    let likely = (bytes / 128).clamp(8, 4096);
    found.pieces.reserve(likely);
    found.places.reserve(likely);
}

struct Walk<'f, 'a> {
    dialect: Dialect,
    paths: Paths,
    /// By index of the value: the region of what is inside it. Parents come before children.
    regions: Vec<Region>,
    /// By index of the value: who says it and what is inside it.
    origins: Vec<Origin>,
    found: &'f mut Found<'a>,
}

impl<'a> Walk<'_, 'a> {
    fn visit(&mut self, value: Value<'_, 'a>) -> Result<(), Malformed> {
        let region = match value.parent() {
            Some(parent) => self.regions.get(parent.index()).copied().unwrap_or(Region::Data),
            None => Region::outermost(self.dialect),
        };
        let key = value.key();
        let raw_key = key.map(Text::raw).unwrap_or_default();
        let inside = region.inside(self.dialect, raw_key, value.kind());
        self.regions.push(inside);
        let around = value.parent().map_or(Origin::Prompt, |parent| self.origin(parent));
        self.origins.push(if inside == Region::Structure { origin::of(value, around) } else { around });
        if let Some(key) = key {
            self.visit_key(value, key)?;
        }
        match value.kind() {
            Kind::String => self.visit_string(value, region),
            Kind::Number | Kind::Numbers if self.are_tokens(value) => self.attach(value, TOKENS.to_owned()),
            Kind::Number | Kind::Numbers if may_tell(value) => self.read_only(value, Cow::Borrowed(value.raw())),
            _ => Ok(()),
        }
    }

    fn origin(&self, value: Value<'_, '_>) -> Origin {
        self.origins.get(value.index()).copied().unwrap_or_default()
    }

    fn visit_key(&mut self, value: Value<'_, 'a>, key: Text<'a>) -> Result<(), Malformed> {
        if key.is_empty() || (!key.is_escaped() && grammar::is_known_key(key.raw())) {
            return Ok(());
        }
        let (path, origin) = (self.paths.of_key(value), self.origin(value));
        let piece = Piece { path, text: key.decode(), attachment: None, origin, fixed: true };
        self.found.push(piece, Place::Fixed, key.span().start)
    }

    fn visit_string(&mut self, value: Value<'_, 'a>, region: Region) -> Result<(), Malformed> {
        let Some(text) = value.text().filter(|text| !text.is_empty()) else { return Ok(()) };
        if let Some((head, media)) = long_media(value, text) {
            if let Some(kind) = media::unusual_type(&head) {
                self.read_only(value, Cow::Owned(kind.to_owned()))?;
            }
            return self.visit_media(value, text, &head, media);
        }
        let decoded = text.decode();
        if let Some(kind) = media::unusual_type(&decoded) {
            self.read_only(value, Cow::Owned(kind.to_owned()))?;
        }
        if let Some(query) = media::form_query(&decoded) {
            self.read_only(value, Cow::Owned(query))?;
        }
        if let Some(media) = self.find_media(value, &decoded) {
            return self.visit_media(value, text, &decoded, media);
        }
        let (key, message) = named(value);
        let named = value.is_at("model") && is_outermost(value);
        let fixed = region.fixes(self.dialect, key, message) || named || self.stays(value);
        let place = if fixed { Place::Fixed } else { Place::Json(text) };
        let (path, origin) = (self.paths.of(value), self.origin(value));
        let piece = Piece { path, text: decoded, attachment: None, origin, fixed };
        self.found.push(piece, place, value.span().start)
    }

    /// Whether a string is none of those that the description of an API says may be replaced.
    fn stays(&self, value: Value<'_, '_>) -> bool {
        let Dialect::Described(own) = self.dialect else { return false };
        let prompt = own.prompts.is_empty() || own.prompts.iter().any(|path| described::stands_at(value, path));
        !prompt || own.model.as_ref().is_some_and(|path| described::stands_at(value, path))
    }

    /// A file, what of it can be read at once, or both.
    fn visit_media(&mut self, value: Value<'_, 'a>, text: Text<'a>, said: &str, media: Media) -> Result<(), Malformed> {
        let is_url = said.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
        let (head, _) = said.split_once(',').filter(|_| is_url).unwrap_or_default();
        let at = value.span().start;
        let place = if is_url && !media::is_base64_url(head) {
            Place::Fixed
        } else {
            let head = said.get(..head.len() + 1).filter(|_| is_url).unwrap_or_default();
            let is_said = matches!(media, Media::Text(_) | Media::Readable(..));
            let is_picture =
                matches!(&media, Media::Binary(kind) | Media::Readable(kind, _) if kind.starts_with("image/"));
            let file = files::in_json(self.paths.of(value), value, text, head, is_said);
            self.found.attach(files::Attachment { picture: is_picture, ..file })
        };
        let (kind, inner) = match media {
            Media::Binary(kind) => (Some(kind), None),
            Media::Text(inner) => (None, Some(inner)),
            Media::Readable(kind, inner) => (Some(kind), Some(inner)),
        };
        let (path, origin) = (self.paths.of(value), self.origin(value));
        if kind.is_some() {
            let piece = Piece { path: path.clone(), text: Cow::Borrowed(""), attachment: kind, origin, fixed: true };
            self.found.push(piece, place.clone(), at)?;
        }
        match inner {
            Some(inner) => {
                let piece = Piece { path, text: Cow::Owned(inner), attachment: None, origin, fixed: true };
                self.found.push(piece, place, at)
            }
            None => Ok(()),
        }
    }

    /// A text that is read where it stands, and cannot be replaced there.
    fn read_only(&mut self, value: Value<'_, 'a>, text: Cow<'a, str>) -> Result<(), Malformed> {
        let (path, origin) = (self.paths.of(value), self.origin(value));
        let piece = Piece { path, text, attachment: None, origin, fixed: true };
        self.found.push(piece, Place::Fixed, value.span().start)
    }

    fn attach(&mut self, value: Value<'_, 'a>, kind: String) -> Result<(), Malformed> {
        let (path, origin) = (self.paths.of(value), self.origin(value));
        let piece = Piece { path, text: Cow::Borrowed(""), attachment: Some(kind), origin, fixed: true };
        self.found.push(piece, Place::Fixed, value.span().start)
    }

    /// What media a string is, if it is one. What only claims to be is text, and read.
    fn find_media(&self, value: Value<'_, '_>, text: &str) -> Option<Media> {
        if let Some(media) = media::data_url(text) {
            return Some(media);
        }
        match expected_media(value) {
            Some(claimed) => media::expected(text, claimed.as_deref()),
            None => media::unexpected(text),
        }
    }

    /// Whether numbers are a prompt: `prompt` and `input` of `OpenAI` may be token ids, one list or a list of lists;
    /// `context` of Ollama is the conversation so far, and `tokens` is what a server is to make words of.
    fn are_tokens(&self, value: Value<'_, '_>) -> bool {
        let keys: &[&str] = match self.dialect {
            Dialect::OpenAi | Dialect::Azure | Dialect::Mistral => &["prompt", "input"],
            Dialect::Vllm | Dialect::LlamaCpp => &["prompt", "input", "tokens"],
            Dialect::Cohere => &["tokens"],
            Dialect::Ollama => &["context"],
            Dialect::Anthropic
            | Dialect::Gemini
            | Dialect::Bedrock
            | Dialect::Kserve
            | Dialect::Json
            | Dialect::Mcp
            | Dialect::Described(_) => return false,
        };
        let Some(list) = value.parent().filter(|list| list.kind() == Kind::Array) else { return false };
        let outer = list.parent().filter(|outer| outer.kind() == Kind::Array).unwrap_or(list);
        // One piece for a whole list: its first stretch of numbers stands for all.
        is_outermost(outer) && keys.iter().any(|key| outer.is_at(key)) && value.position() == 0
    }
}

/// Media in a long string with escapes, told by its beginning without a copy of it all: `\/` for each slash is how some
/// libraries write a picture of many megabytes. Gives the beginning too. `None` leaves the string to be looked at whole.
fn long_media(value: Value<'_, '_>, text: Text<'_>) -> Option<(String, Media)> {
    const LONG: usize = 64 << 10;
    const HEAD: usize = 2 << 10;
    if !text.is_escaped() || text.raw().len() < LONG {
        return None;
    }
    let head = text.head(HEAD);
    let expected = expected_media(value);
    let (from, claimed) = match media::data_url_head(&head) {
        Some((from, claimed)) => (from, Some(Some(claimed))),
        None => (0, expected.as_ref().map(Option::as_deref)),
    };
    let kind = media::begins(head.get(from..)?, claimed)?;
    decode_runs(text.after(from)?.ascii_runs(), |_| {})?;
    Some((head, Media::Binary(kind)))
}

/// Whether a number, or one of a list, may be a finding: long enough for a card or a telephone and longer than a time in
/// seconds, or given to something that has a number in its name or is a setpoint. All others say how warm, how many, how
/// long.
fn may_tell(value: Value<'_, '_>) -> bool {
    // A longer list is a tensor, whatever it is called.
    const FEW: usize = 256;
    let (key, _) = named(value);
    let long = |number: &str| number.len() >= 11 && number.bytes().all(|byte| byte.is_ascii_digit());
    let telling = || !grammar::is_known_key(key) && (key.bytes().any(|byte| byte.is_ascii_digit()) || is_setpoint(key));
    value.raw().split(',').map(str::trim_ascii).any(long) || value.raw().len() <= FEW && telling()
}

/// Whether a key ends in a word for setpoint.
fn is_setpoint(key: &str) -> bool {
    const WORDS: [&str; 5] = ["setpoint", "set_point", "set-point", "sollwert", "consigne"];
    let key = key.to_ascii_lowercase();
    key.len() <= 48
        && (WORDS.iter().any(|word| key.ends_with(word)) || key.rsplit(['_', '-', '.']).next() == Some("sp"))
}

/// Whether a value is a member of the outermost one.
fn is_outermost(value: Value<'_, '_>) -> bool {
    value.parent().is_some_and(|parent| parent.parent().is_none())
}

/// The key that names a string (its array's, if it is an item), and whether it is a member of an item of `messages`.
fn named<'a>(value: Value<'_, 'a>) -> (&'a str, bool) {
    let mut owner = value;
    while owner.key().is_none() {
        match owner.parent() {
            Some(parent) => owner = parent,
            None => return ("", false),
        }
    }
    let list = owner.parent().and_then(Value::parent);
    let message = list.is_some_and(|list| list.kind() == Kind::Array && list.is_at("messages"));
    (owner.key().map(Text::raw).unwrap_or_default(), message)
}

/// Whether base64 media is expected where a string stands, and as what it is claimed.
#[expect(clippy::option_option, reason = "outer: expected at all; inner: something is claimed")]
fn expected_media(value: Value<'_, '_>) -> Option<Option<String>> {
    let owner = value.parent()?;
    if owner.kind() == Kind::Array {
        // Ollama: `images: ["iVBOR..."]`; llama.cpp: `multimodal_data`.
        return (owner.is_at("images") || owner.is_at("multimodal_data")).then_some(None);
    }
    let beside = |key: &str| owner.get(key).and_then(Value::as_str).map(Cow::into_owned);
    let is = |key: &str| value.is_at(key);
    if is("b64_json") || is("partial_image_b64") || is("file_data") || is("b64") {
        return Some(None);
    }
    if is("result") && owner.get("type").and_then(Value::text).is_some_and(|kind| kind.is("image_generation_call")) {
        return Some(None);
    }
    // Mistral's recordings, and whatever Bedrock takes as a file.
    if is("input_audio") || is("bytes") && owner.is_at("source") {
        return Some(None);
    }
    // In sessions: raw samples, of which nothing says what they are.
    let kind = || owner.get("type").and_then(Value::text);
    if is("audio") && kind().is_some_and(|kind| kind.is("input_audio_buffer.append") || kind.is("input_audio")) {
        return Some(Some("audio/pcm".to_owned()));
    }
    if !is("data") {
        return None;
    }
    if owner.is_at("input_audio") || owner.is_at("audio") {
        return Some(beside("format").map(|format| format!("audio/{format}")));
    }
    let claimed = beside("media_type").or_else(|| beside("mime_type")).or_else(|| beside("mimeType"));
    let base64 = owner.get("type").and_then(Value::text).is_some_and(|kind| kind.is("base64"));
    (base64 || owner.is_at("inlineData") || owner.is_at("inline_data")).then_some(claimed)
}
