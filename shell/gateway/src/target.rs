//! What a request's head says: where the call wants to go, in which dialect.

use crate::Inforce;
use crate::upstream::Head;
use http::header::{CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, Method, Version, request};
use plant::{Dialect, ProviderId, Reason, Refusal};
use policy::{Call, Passage};
use std::borrow::Cow;
use wire::Endpoint;

/// The caller's statement of what the call is for.
const PURPOSE: HeaderName = HeaderName::from_static("penstock-purpose");
/// Sent by every Anthropic SDK: tells the dialect where the path does not.
const ANTHROPIC: HeaderName = HeaderName::from_static("anthropic-version");

/// Where a call wants to go: `/<provider>/<path>?<query>`.
pub(crate) struct Target<'a> {
    pub(crate) method: &'a Method,
    pub(crate) version: Version,
    pub(crate) provider: &'a str,
    /// What follows the provider's name, with its leading slash; `/` if nothing does.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    /// The provider's, or the likeliest if there is no such provider: an error needs some dialect.
    pub(crate) dialect: Dialect,
    /// The endpoint, if the dialect knows it.
    pub(crate) endpoint: Option<Endpoint>,
}

impl<'a> Target<'a> {
    pub(crate) fn of(head: &'a request::Parts, inforce: &Inforce) -> Self {
        let whole = head.uri.path();
        let below = whole.strip_prefix('/').unwrap_or(whole);
        let (provider, path) = match below.find('/') {
            Some(slash) => below.split_at(slash),
            None => (below, "/"),
        };
        let known = ProviderId::new(provider).ok().and_then(|id| inforce.plant().providers.get(&id));
        let likely = if head.headers.contains_key(ANTHROPIC) { Dialect::Anthropic } else { Dialect::OpenAi };
        let dialect = known.map_or(likely, |provider| provider.dialect);
        let endpoint = known.and_then(|_| wire::endpoint(dialect, head.method.as_str(), path));
        Self {
            method: &head.method,
            version: head.version,
            provider,
            path,
            query: head.uri.query(),
            headers: &head.headers,
            dialect,
            endpoint,
        }
    }

    /// Refuses what hyper lets pass and what could be read in two ways (RFC 9112 section 6.1), would turn the
    /// connection into something that is not HTTP, or would take a secret of ours along.
    ///
    /// A length beside a transfer encoding is not seen here: hyper takes it out, frames the body by its encoding, and
    /// closes the connection after the answer, as RFC 9112 section 6.3 has it.
    pub(crate) fn well_formed(&self) -> Result<(), Refusal> {
        let refuse = |detail| Err(Refusal::new(Reason::BadRequest, detail));
        // What stands before `chunked` nobody undoes here, and what is said twice another may read otherwise.
        let mut codings = self.headers.get_all(TRANSFER_ENCODING).iter();
        let plain = codings.next().is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
        if !plain || codings.next().is_some() {
            return refuse("the transfer encoding is not `chunked` alone");
        }
        if self.headers.contains_key(UPGRADE) || self.method == Method::CONNECT {
            return refuse("the connection cannot be upgraded here");
        }
        // RFC 9112 section 3.2: exactly one, from HTTP/1.1 on. HTTP/2 has its own word for it.
        let hosts = self.headers.get_all(HOST).iter().count();
        if hosts > 1 || (hosts == 0 && self.version == Version::HTTP_11) {
            return refuse("the head names no host, or several");
        }
        // What we read as the first, a provider may read as the last.
        for (name, text) in [(CONTENT_TYPE, "content type"), (PURPOSE, "purpose")] {
            if self.headers.get_all(&name).iter().nth(1).is_some() {
                return Err(Refusal::new(Reason::BadRequest, format!("the head states more than one {text}")));
            }
        }
        // It would be handed to the provider, and stand in its log.
        let token =
            |query: &str| identity::holds_token(&percent_encoding::percent_decode_str(query).collect::<Vec<_>>());
        if self.query.is_some_and(|query| identity::holds_token(query.as_bytes()) || token(query)) {
            return Err(Refusal::new(Reason::ContentRefused, "the query holds a workload token"));
        }
        Ok(())
    }

    /// What placing needs to know.
    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            provider: self.provider,
            endpoint: self.endpoint.as_ref().map(Endpoint::name),
            method: self.method.as_str(),
            path: self.path,
            purpose: self.header(&PURPOSE),
        }
    }

    /// What is forwarded of the head. A model that stands in the path becomes the one that the passage asks for.
    pub(crate) fn head(&self, passage: &Passage) -> Head<'_> {
        let model = passage.model.as_deref().zip(self.endpoint.as_ref());
        let changed = model.and_then(|(model, endpoint)| endpoint.path_with_model(self.path, model));
        let path = changed.map_or(Cow::Borrowed(self.path), Cow::Owned);
        Head { method: self.method, path, query: self.query, headers: self.headers }
    }

    pub(crate) fn header(&self, name: &HeaderName) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The endpoint's name, or nothing.
    pub(crate) fn endpoint_name(&self) -> &'static str {
        self.endpoint.as_ref().map_or("", Endpoint::name)
    }
}
