//! Reads the body of the call that is explained, as the gateway would.

use super::TheCall;
use super::tell::{Repeated, Seen};
use gateway::{KnownPictures, Opened, PictureSighting, Replaced, Scribe};
use inspect::{Inspector, Keyed, Maker, Sighting};
use plant::{Conduit, Files, Finding, Piece, Reason, Refusal, Scale};
use policy::{Asked, Crossing, Passage};
use seal::{Mac, RootKey};
use std::borrow::Cow;
use std::ops::Range;
use wire::{Endpoint, Limits, Request};

/// A body, and what it is said to be.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: Option<String>,
}

/// A request, read.
pub(super) struct Reading<'a> {
    /// `None` if there is no body, or nobody reads it.
    pub(super) request: Option<Request<'a>>,
    opened: Opened,
    /// The model that the path names.
    named: Option<String>,
}

impl<'a> Reading<'a> {
    pub(super) fn of(
        call: &'a TheCall,
        crossing: &Crossing,
        known: Option<&KnownPictures>,
        scribe: Option<&mut Scribe<'_>>,
    ) -> Result<Self, Refusal> {
        let bytes = call.body.as_ref().map_or(&[][..], |body| &body.bytes);
        if bytes.len() as u64 > crossing.bounds().request {
            let detail = format!("the body has {} bytes, and may have {}", bytes.len(), crossing.bounds().request);
            return Err(Refusal::new(Reason::BodyTooLarge, detail));
        }
        let named = call.endpoint.as_ref().and_then(|endpoint| endpoint.model_in(&call.path)).map(Cow::into_owned);
        // A body that is not given is not an empty one, save where there is none.
        let told = |endpoint: &Endpoint| call.body.is_some() || !endpoint.has_body();
        let Some(endpoint) = call.endpoint.filter(|endpoint| told(endpoint) && !crossing.opaque()) else {
            return Ok(Self { request: None, opened: Opened::default(), named });
        };
        let limits = Limits { depth: crossing.bounds().depth, ..Limits::default() };
        let content_type = call.body.as_ref().and_then(|body| body.content_type.as_deref());
        let mut request = Request::parse(endpoint, content_type, bytes, &limits)?;
        let carried = gateway::carried(&call.headers).map(|(name, value)| (name.as_str(), value.as_bytes()));
        request = request.at(&call.path, call.query.as_deref()).with_headers(carried);
        let opened = gateway::open_files(&mut request, known, scribe)?;
        Ok(Self { request: Some(request), opened, named })
    }

    pub(super) fn findings(&self, inspector: &Inspector) -> Result<Vec<Finding>, Refusal> {
        let Some(request) = &self.request else { return Ok(Vec::new()) };
        let found = inspector.read(request.content()).map(|findings| self.opened.with_pictures(findings));
        found.map_err(|overflow| Refusal::new(Reason::ContentRefused, overflow.to_string()))
    }

    /// Which registered documents it repeats, and where.
    pub(super) fn documents(&self, inspector: &Inspector) -> Vec<Repeated> {
        let Some(request) = &self.request else { return Vec::new() };
        let content = request.content();
        let place = |(piece, span): &(usize, Range<usize>)| {
            let path = content.pieces.get(*piece).map_or_else(String::new, |piece| piece.path.clone());
            (path, span.clone())
        };
        let repeated = |sighting: Sighting| {
            let passages = sighting.passages.iter().map(place).collect();
            Repeated { sighting, passages }
        };
        inspector.documents(content).into_iter().map(repeated).collect()
    }

    /// Which registered pictures it holds, and where.
    pub(super) fn pictures(&self) -> Vec<(String, PictureSighting)> {
        let Some(request) = &self.request else { return Vec::new() };
        let path = |one: &PictureSighting| request.content().pieces.get(one.piece).map(|piece| piece.path.clone());
        self.opened.pictures().iter().filter_map(|one| Some((path(one)?, one.clone()))).collect()
    }

    /// What was read in pictures, and where.
    pub(super) fn writings(&self) -> Vec<(String, String)> {
        let Some(request) = &self.request else { return Vec::new() };
        let piece = |piece: usize| request.content().pieces.get(piece);
        self.opened.writings().filter_map(piece).map(|piece| (piece.path.clone(), piece.text.to_string())).collect()
    }

    /// What was read, in words.
    pub(super) fn told(&self, crossing: &Crossing, findings: &[Finding]) -> String {
        let Some(request) = &self.request else {
            let why = if crossing.opaque() { "nobody reads this endpoint" } else { "no body was given" };
            return format!("{why}, so nothing can be found");
        };
        let count = |count: usize, one: &str, several: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {several}"),
        };
        let pieces = request.content().pieces.len();
        let (findings, pieces) = (count(findings.len(), "finding", "findings"), count(pieces, "text", "texts"));
        format!("{findings} in {pieces}")
    }

    /// What the call asks for: what the body says, and what it leaves open the flags.
    pub(super) fn asked<'b>(&'b self, call: &'b TheCall) -> Asked<'b> {
        let flag = call.model.as_deref();
        match &self.request {
            Some(request) => {
                Asked { model: request.model().or(flag), stream: request.stream(), tools: request.tools() }
            }
            None => Asked { model: flag.or(self.named.as_deref()), ..Asked::default() },
        }
    }

    fn piece(&self, finding: &Finding) -> Option<&Piece<'a>> {
        self.request.as_ref()?.content().pieces.get(finding.piece)
    }

    pub(super) fn fixed(&self, finding: &Finding, conduit: &Conduit) -> bool {
        self.request.as_ref().is_none_or(|request| self.opened.is_fixed(request, finding, conduit))
    }

    /// Whether the conduit takes the recordings in it.
    pub(super) fn admit(&self, passage: &Passage) -> Result<(), Refusal> {
        self.opened.admit(passage)
    }

    /// The findings for people: where, what and how long, never the text.
    pub(super) fn seen(&self, findings: &[Finding], passage: Option<&Passage>, scale: &Scale) -> Vec<Seen> {
        let done = |index: usize| match passage {
            Some(passage) if passage.redact.binary_search(&index).is_ok() => "redacted",
            Some(passage) if passage.generalise.binary_search(&index).is_ok() => "generalised",
            Some(passage) if passage.tokenise.binary_search(&index).is_ok() => "tokenised",
            Some(_) => "passes",
            None => "",
        };
        let seen = findings.iter().enumerate().map(|(index, finding)| {
            let piece = self.piece(finding);
            let text = piece.and_then(|piece| piece.text.get(finding.span.clone())).unwrap_or_default();
            Seen {
                path: piece.map_or_else(String::new, |piece| piece.path.clone()),
                span: finding.span.clone(),
                characters: text.chars().count(),
                label: finding.label.to_string(),
                sensitivity: scale.name(finding.sensitivity).to_owned(),
                rule: finding.rule.to_string(),
                done: done(index),
                area: self.opened.area(finding),
            }
        });
        seen.collect()
    }

    /// The body as it would leave. Without the plant's key, tokens are made with one that nobody uses.
    pub(super) fn body(
        &self,
        call: &TheCall,
        passage: &Passage,
        findings: &[Finding],
        files: Files,
        tokens: Option<Mac>,
        own: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<u8>, Refusal> {
        let whole = || call.body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default();
        let Some(request) = &self.request else { return Ok(whole()) };
        let key = Tokens(tokens.unwrap_or_else(|| RootKey::from_bytes([0; 32]).derive("tokens")));
        let Replaced { texts, files } = self.opened.replaced(request, findings, passage, files)?;
        let refuse = |why: String| Refusal::new(Reason::ContentRefused, why);
        let maker = Maker { conduit: passage.conduit.as_str(), key: &key, own };
        let changed = inspect::transform(request.content(), findings, &texts, &maker)
            .map_err(|problem| refuse(problem.to_string()))?;
        if changed.edits.is_empty() && files.is_empty() && passage.model.is_none() {
            return Ok(whole());
        }
        // A model in the path is not in the body.
        let model = passage.model.as_deref().filter(|_| !request.endpoint().has_model_in_path());
        request.rewrite_with(&changed.edits, &files, model).map_err(|problem| refuse(problem.to_string()))
    }
}

/// Makes tokens as the gateway does.
struct Tokens(Mac);

impl Keyed for Tokens {
    fn tag(&self, conduit: &str, label: &str, value: &str) -> [u8; 32] {
        self.0.tag(&[conduit.as_bytes(), label.as_bytes(), value.as_bytes()])
    }
}
