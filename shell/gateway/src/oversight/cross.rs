//! Web pages that account for answers: which of them may (CORS, <https://fetch.spec.whatwg.org/#http-cors-protocol>).
//!
//! A browser may hold a client certificate, and would show it to us for whatever page asks. So a page must be of an
//! origin that the plant names, and what has no origin is no page.

use crate::reply::{Body, Reply};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use plant::{Reason, Refusal};
use tokio::time::Instant;

/// What a page may send along.
const ADMITTED: HeaderValue = HeaderValue::from_static(
    "authorization, api-key, content-type, penstock-operator, penstock-workstation, x-api-key, x-goog-api-key",
);
/// What it may read of the answer.
const EXPOSED: HeaderValue = HeaderValue::from_static("penstock-record, penstock-decision, retry-after");
/// How long a browser may remember that, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");
/// A page of a public address asks whether it may reach a private one (<https://wicg.github.io/private-network-access/>).
const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const GRANTS_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The origin of the page that asks.
pub(super) enum Origin {
    /// It is no page, or does not say so.
    None,
    /// One that the plant names.
    Named(HeaderValue),
    /// One that it does not name.
    Other,
}

impl Origin {
    pub(super) fn of(headers: &HeaderMap, named: &[String]) -> Self {
        let mut values = headers.get_all(ORIGIN).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::None,
            (Some(value), None) if named.iter().any(|one| one.as_bytes() == value.as_bytes()) => {
                Self::Named(value.clone())
            }
            _ => Self::Other,
        }
    }

    pub(super) fn admitted(&self) -> Result<(), Refusal> {
        match self {
            Self::None | Self::Named(_) => Ok(()),
            Self::Other => Err(Refusal::new(Reason::OriginRefused, "the origin is none of `[oversight] origins`")),
        }
    }

    /// The answer to a browser that asks what a page may, if it asks for a page that may anything.
    pub(super) fn preflight(&self, head: &Parts) -> Option<Reply> {
        let asks = head.method == Method::OPTIONS && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let Self::Named(_) = self else { return None };
        asks.then(|| {
            let mut reply = Response::new(Body::whole("", Instant::now()));
            *reply.status_mut() = StatusCode::NO_CONTENT;
            let answer = reply.headers_mut();
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, ADMITTED);
            answer.insert(ACCESS_CONTROL_MAX_AGE, REMEMBERED);
            if head.headers.contains_key(ASKS_PRIVATE) {
                answer.insert(GRANTS_PRIVATE, HeaderValue::from_static("true"));
            }
            self.sign(&mut reply);
            reply
        })
    }

    /// Lets the page read the answer.
    pub(super) fn sign(&self, reply: &mut Reply) {
        let headers = reply.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("origin"));
        let Self::Named(origin) = self else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
