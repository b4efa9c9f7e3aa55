//! A request as it was read: by its dialect, or not at all where its conduit calls the endpoint opaque.

use crate::files::{Opened, Replaced, open_files};
use crate::room::Room;
use crate::target::Target;
use crate::watch::aside;
use crate::writing::Scribe;
use crate::{Inforce, Secrets, headers};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use inspect::{Keyed, Maker, Restorer};
use plant::{Conduit, Content, Dialect, Finding, Reason, Refusal};
use policy::{Asked, Crossing, Passage};
use wire::{Endpoint, Request, Rewriting, Unfit};

/// A request, read.
pub(crate) struct Reading<'a> {
    /// `None` if it passes unread.
    request: Option<Request<'a>>,
    opened: Opened,
}

impl<'a> Reading<'a> {
    /// Reads every string that would leave.
    pub(crate) fn of(
        inforce: &Inforce,
        target: &Target<'a>,
        crossing: &Crossing,
        bytes: &'a [u8],
        scribe: Option<&mut Scribe<'_>>,
    ) -> Result<Self, Refusal> {
        let Some(mut request) = parse(target, crossing, bytes)? else {
            return Ok(Self { request: None, opened: Opened::default() });
        };
        if target.headers.iter().any(|(name, value)| request.belied_by(name.as_str(), value.as_bytes())) {
            return Err(Refusal::new(Reason::BadRequest, "a header says another method or tool than the body"));
        }
        // A few bytes may unfold to many.
        let weight = if request.attachments().is_empty() { 0 } else { usize::MAX };
        let opened = aside(weight, || open_files(&mut request, inforce.pictures(), scribe))?;
        Ok(Self { request: Some(request), opened })
    }

    /// Reads every string of an event of a session.
    pub(crate) fn event(
        inforce: &Inforce,
        endpoint: Endpoint,
        crossing: &Crossing,
        bytes: &'a [u8],
        scribe: Option<&mut Scribe<'_>>,
    ) -> Result<Self, Refusal> {
        let mut request = match endpoint.exchanges_messages() {
            true => Request::parse(endpoint, Some("application/grpc"), bytes, &limits(crossing)),
            false => Request::parse_event(endpoint, bytes, &limits(crossing)),
        }?;
        let weight = if request.attachments().is_empty() { 0 } else { usize::MAX };
        let opened = aside(weight, || open_files(&mut request, inforce.pictures(), scribe))?;
        Ok(Self { request: Some(request), opened })
    }

    /// What people and models would read in it; `None` if it passes unread.
    pub(crate) fn content(&self) -> Option<&Content<'_>> {
        self.request.as_ref().map(Request::content)
    }

    /// The tools that it calls by itself, on a server of tools.
    pub(crate) fn calls(&self) -> &[String] {
        let own = self.request.as_ref().filter(|request| request.endpoint().dialect() == Dialect::Mcp);
        own.map(Request::tools).unwrap_or_default()
    }

    /// What was found.
    pub(crate) fn findings(&self, inforce: &Inforce) -> Result<Vec<Finding>, Refusal> {
        let Some(request) = &self.request else { return Ok(Vec::new()) };
        let weight = request.content().pieces.iter().map(|piece| piece.text.len()).sum();
        let found = aside(weight, || inforce.inspector().read(request.content()));
        let found = found.map(|findings| self.opened.with_pictures(findings));
        found.map_err(|more| Refusal::new(Reason::ContentRefused, more.to_string()))
    }

    /// Whether a finding stands where nothing may be replaced on this conduit.
    pub(crate) fn fixed(&self, finding: Option<&Finding>, conduit: &Conduit) -> bool {
        let known = finding.zip(self.request.as_ref());
        known.is_none_or(|(finding, request)| self.opened.is_fixed(request, finding, conduit))
    }

    /// What the request asks for.
    pub(crate) fn asked(&self) -> Asked<'_> {
        match &self.request {
            Some(request) => Asked { model: request.asked_model(), stream: request.stream(), tools: request.tools() },
            None => Asked::default(),
        }
    }

    /// The other model that an event of a session asks for: it writes down what is said.
    pub(crate) fn transcriber(&self) -> Option<&str> {
        self.request.as_ref()?.transcriber()
    }

    /// Whether it is a piece of a session's sound.
    pub(crate) fn is_sound(&self) -> bool {
        self.request.as_ref().is_some_and(Request::is_sound)
    }

    /// Redacts, generalises and tokenises as the permit demands, does with files what its conduit does, and asks for its model. `None` leaves the bytes as they came.
    pub(crate) fn transform(
        &self,
        terms: &Passage,
        findings: &[Finding],
        inforce: &Inforce,
        secrets: &Secrets,
    ) -> Result<(Option<Bytes>, Restorer), Refusal> {
        let Some(request) = &self.request else { return Ok((None, Restorer::default())) };
        let weight = if request.attachments().is_empty() { 0 } else { usize::MAX };
        let replaced = aside(weight, || self.opened.replaced(request, findings, terms, inforce.files(terms)));
        let Replaced { texts, files } = replaced?;
        if texts.is_empty() && files.is_empty() && terms.model.is_none() {
            return Ok((None, Restorer::default()));
        }
        let own = |text: &str| inforce.owns(text);
        let maker = Maker { conduit: terms.conduit.as_str(), key: &Tokens(secrets), own: &own };
        let changed = inspect::transform(request.content(), findings, &texts, &maker)
            .map_err(|problem| Refusal::new(Reason::ContentRefused, problem.to_string()))?;
        let model = terms.model.as_deref().filter(|_| !request.endpoint().has_model_in_path());
        let body = request
            .rewriting(&changed.edits, &files, model)
            .and_then(|rewriting| written(&rewriting))
            .map_err(|problem| Refusal::new(Reason::ContentRefused, problem.to_string()))?;
        Ok((Some(body), changed.restorer))
    }
}

/// A call as its dialect has it; `None` where it passes unread.
pub(crate) fn parse<'a>(
    target: &Target<'a>,
    crossing: &Crossing,
    bytes: &'a [u8],
) -> Result<Option<Request<'a>>, Refusal> {
    let Some(endpoint) = target.endpoint.filter(|_| !crossing.opaque()) else { return Ok(None) };
    let request = Request::parse(endpoint, target.header(&CONTENT_TYPE), bytes, &limits(crossing))?;
    let carried = headers::carried(target.headers).map(|(name, value)| (name.as_str(), value.as_bytes()));
    Ok(Some(request.at(target.path, target.query).with_headers(carried)))
}

fn limits(crossing: &Crossing) -> wire::Limits {
    wire::Limits { depth: crossing.bounds().depth, ..wire::Limits::default() }
}

/// The body as it leaves.
fn written(rewriting: &Rewriting<'_>) -> Result<Bytes, Unfit> {
    let mut room = Room::of(rewriting.length());
    rewriting.write(&mut |bytes| room.extend(bytes))?;
    rewriting.check(room.as_ref()).map(|()| room.freeze())
}

/// Makes tokens under the plant's key.
struct Tokens<'a>(&'a Secrets);

impl Keyed for Tokens<'_> {
    fn tag(&self, conduit: &str, label: &str, value: &str) -> [u8; 32] {
        self.0.tokens.tag(&[conduit.as_bytes(), label.as_bytes(), value.as_bytes()])
    }
}
