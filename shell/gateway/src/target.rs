//! What a request's head says: where the call wants to go, in which dialect.

use crate::Inforce;
use crate::connection::Caller;
use crate::grpc;
use crate::intercept::Via;
use crate::leash::{self, Leash};
use crate::reply::Tongue;
use crate::session::Shake;
use crate::upstream::Head;
use http::header::{CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, Method, Version, request};
use hyper::upgrade::OnUpgrade;
use plant::{Bounds, Dialect, ProviderId, Reason, Refusal};
use policy::{Call, Passage};
use std::borrow::Cow;
use wire::Endpoint;

/// The caller's statement of what the call is for.
const PURPOSE: HeaderName = HeaderName::from_static("penstock-purpose");
/// Sent by every Anthropic SDK: tells the dialect where the path does not.
const ANTHROPIC: HeaderName = HeaderName::from_static("anthropic-version");

/// The same of Google's.
const GOOGLE: HeaderName = HeaderName::from_static("x-goog-api-key");

/// Where a call wants to go: `/<provider>/<path>?<query>`; where its connection is for a host, that tells the provider.
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
    /// The listener that took its connection over, if one did.
    pub(crate) way: Option<&'static str>,
    /// What it says of itself, if it is a call of gRPC.
    pub(crate) grpc: Option<grpc::Call>,
    /// The caller's connection, if it asks to go on with something else.
    pub(crate) upgrade: Option<&'a OnUpgrade>,
    /// What binds the session that it names, if it names one.
    pub(crate) leash: Option<&'a Leash>,
    /// What is wrong with the host, if something is.
    stray: Option<Refusal>,
}

impl<'a> Target<'a> {
    pub(crate) fn of(head: &'a request::Parts, inforce: &'a Inforce, caller: &Caller) -> Self {
        let grpc = grpc::Call::of(&head.headers);
        let placed = match &caller.via {
            None if grpc.is_some() => grpc::provider(head, inforce).map(|id| (id.as_str(), head.uri.path())),
            None => Ok(first_step(head.uri.path())),
            Some(via) => of_host(head, inforce, via),
        };
        let (stray, (provider, path)) = match placed {
            Ok(placed) => (None, placed),
            Err(stray) => (Some(stray), ("", head.uri.path())),
        };
        let known = ProviderId::new(provider).ok().and_then(|id| inforce.plant().providers.get(&id));
        let likely = match &head.headers {
            headers if headers.contains_key(ANTHROPIC) => Dialect::Anthropic,
            headers if headers.contains_key(GOOGLE) => Dialect::Gemini,
            _ => Dialect::OpenAi,
        };
        let dialect = known.map_or(likely, |provider| provider.dialect);
        let endpoint = known.and_then(|_| wire::endpoint(dialect, head.method.as_str(), path));
        // The methods of gRPC are no paths of HTTP, and the other way round.
        let endpoint = endpoint.filter(|endpoint| endpoint.is_grpc() == grpc.is_some());
        let speaks = || known.is_none_or(|provider| provider.grpc.is_some());
        let stray = stray.or_else(|| {
            let deaf = grpc.is_some() && !speaks();
            deaf.then(|| Refusal::new(Reason::UnknownProvider, format!("`{provider}` is not reached over gRPC")))
        });
        Self {
            method: &head.method,
            version: head.version,
            provider,
            path,
            query: head.uri.query(),
            headers: &head.headers,
            dialect,
            endpoint,
            way: caller.via.as_ref().map(|via| via.way),
            grpc,
            upgrade: head.extensions.get(),
            leash: head.extensions.get(),
            stray,
        }
    }

    /// Refuses what hyper lets pass and what could be read in two ways (RFC 9112 section 6.1), would turn the
    /// connection into something that is not HTTP, or would take a secret of ours along.
    ///
    /// A length beside a transfer encoding is not seen here: hyper takes it out, frames the body by its encoding, and
    /// closes the connection after the answer, as RFC 9112 section 6.3 has it.
    pub(crate) fn well_formed(&self) -> Result<(), Refusal> {
        let refuse = |detail| Err(Refusal::new(Reason::BadRequest, detail));
        if let Some(stray) = &self.stray {
            return Err(stray.clone());
        }
        if let Some(call) = &self.grpc {
            call.well_formed(self.method == Method::POST, self.query)?;
            if self.version < Version::HTTP_2 {
                return refuse("gRPC is spoken over HTTP/2");
            }
        }
        // What stands before `chunked` nobody undoes here, and what is said twice another may read otherwise.
        let mut codings = self.headers.get_all(TRANSFER_ENCODING).iter();
        let plain = codings.next().is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
        if !plain || codings.next().is_some() {
            return refuse("the transfer encoding is not `chunked` alone");
        }
        if self.opens_session() {
            Shake::of(self.version, self.headers)?;
        } else if self.headers.contains_key(UPGRADE) || self.method == Method::CONNECT {
            return refuse("the connection cannot be upgraded here");
        }
        // RFC 9112 section 3.2: exactly one, from HTTP/1.1 on. HTTP/2 has its own word for it.
        let hosts = self.headers.get_all(HOST).iter().count();
        if hosts > 1 || (hosts == 0 && self.version == Version::HTTP_11) {
            return refuse("the head names no host, or several");
        }
        // What we read as the first, a provider may read as the last.
        for (name, text) in [(CONTENT_TYPE, "content type"), (PURPOSE, "purpose"), (leash::SESSION, "session")] {
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
        // Google's servers take a key from there too, and then it is not the plant's that counts.
        if self.dialect == Dialect::Gemini && self.query.is_some_and(names_key) {
            return refuse("the query holds a key; the workload token goes into the header `x-goog-api-key`");
        }
        Ok(())
    }

    /// Whether it opens a session.
    pub(crate) fn opens_session(&self) -> bool {
        self.endpoint.is_some_and(|endpoint| endpoint.is_session())
    }

    /// Whether it is a stream of messages both ways.
    pub(crate) fn exchanges_messages(&self) -> bool {
        self.endpoint.is_some_and(|endpoint| endpoint.exchanges_messages())
    }

    /// Whether what is said goes on after the call: in a session, or in a stream of messages.
    pub(crate) fn goes_on(&self) -> bool {
        self.opens_session() || self.exchanges_messages()
    }

    /// Refuses a method of gRPC that nobody knows, also where a conduit would let it pass unread: what ends it would be lost.
    pub(crate) fn known_method(&self) -> Result<(), Refusal> {
        match (&self.grpc, self.endpoint) {
            (Some(_), None) => Err(Refusal::new(Reason::UnknownEndpoint, "the method of gRPC is not one that we know")),
            _ => Ok(()),
        }
    }

    /// Takes no more time than the caller waits, where it says how long.
    pub(crate) fn hurry(&self, bounds: &mut Bounds) {
        if let Some(patience) = self.grpc.and_then(|call| call.patience()) {
            bounds.total = bounds.total.min(patience);
            bounds.first_byte = bounds.first_byte.min(patience);
        }
    }

    /// In what an error is told.
    pub(crate) fn tongue(&self) -> Tongue {
        Tongue { dialect: self.dialect, grpc: self.grpc.is_some() }
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
        Head {
            method: self.method,
            path,
            query: self.query,
            headers: self.headers,
            session: self.opens_session(),
            grpc: self.grpc,
        }
    }

    pub(crate) fn header(&self, name: &HeaderName) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The endpoint's name, or nothing.
    pub(crate) fn endpoint_name(&self) -> &'static str {
        self.endpoint.as_ref().map_or("", Endpoint::name)
    }
}

/// The provider that a path begins with, and the rest.
fn first_step(whole: &str) -> (&str, &str) {
    let below = whole.strip_prefix('/').unwrap_or(whole);
    match below.find('/') {
        Some(slash) => below.split_at(slash),
        None => (below, "/"),
    }
}

/// The provider at the host that a connection is for. Each request must name that host: whoever says one in TLS and another inside
/// wants to be led where nobody looks (domain fronting).
fn of_host<'a>(head: &'a request::Parts, inforce: &'a Inforce, via: &Via) -> Result<(&'a str, &'a str), Refusal> {
    let host = head.headers.get(HOST).map(|host| host.to_str().unwrap_or_default());
    if !via.fits(&head.uri, host) {
        return Err(Refusal::new(
            Reason::HostMismatch,
            format!("the connection is for `{}`, the request for another", via.to),
        ));
    }
    let known = inforce.interception().and_then(|one| one.hosts.lead(&via.to, via.tls, head.uri.path()));
    let (provider, path) = known.ok_or_else(|| {
        Refusal::new(Reason::UnknownHost, format!("no provider, or no single one, is at `{}` under this path", via.to))
    })?;
    Ok((provider.as_str(), path))
}

/// Whether a query brings a key or a token of its own, by the standard parameters of Google's APIs, escaped or not.
fn names_key(query: &str) -> bool {
    query.split('&').any(|pair| {
        let name = percent_encoding::percent_decode_str(pair.split('=').next().unwrap_or_default());
        let name: Vec<u8> = name.collect();
        matches!(
            name.trim_ascii_start().strip_prefix(b"$").unwrap_or(&name),
            b"key" | b"access_token" | b"oauth_token" | b"upload_protocol"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::names_key;

    #[test]
    fn a_key_in_the_query_is_seen_however_it_is_written() {
        for query in [
            "key=AIza",
            "alt=sse&key=AIza",
            "k%65y=AIza",
            "%24key=AIza",
            "$access_token=ya29.a",
            "oauth_token=1",
            "key",
        ] {
            assert!(names_key(query), "{query}");
        }
        for query in ["", "alt=sse", "pageSize=5&pageToken=key", "keys=1"] {
            assert!(!names_key(query), "{query}");
        }
    }
}
