//! What went wrong, as a problem document (RFC 9457).

use crate::control::{Fault, Person};
use crate::porter::{Barred, Why};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::channel::Channel;
use http_body_util::{Either, Full};

/// What is answered: something whole, or a stream of events.
pub(crate) type Reply = Response<Either<Full<Bytes>, Channel<Bytes>>>;

/// Something that is wrong with a request, or that went wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// There is no such address.
    NoRoute,
    /// The address does not take this method.
    Method(&'static str),
    /// Nobody is known to ask.
    Stranger,
    /// Who asks shows what does not count. They are told no more than a stranger.
    Barred(Box<Barred>),
    /// Who asks may not.
    Forbidden(&'static str),
    /// A browser asks, and not for one of the console's own pages.
    Foreign(&'static str),
    /// Only the gateway's own user may, on its own machine.
    Afar,
    /// Only a person whom the operators' issuer knows may.
    Nobody,
    /// A header, the query or the body cannot be read.
    Malformed(&'static str),
    /// The body is no JSON by its own word.
    Kind,
    /// The body is too long.
    TooLong,
    /// The body did not come in time.
    Slow,
    /// The body is well-formed, and says what it may not.
    Unfit(String),
    /// An idempotency key was used for something else, or is in use.
    Key(&'static str),
    /// Too many requests.
    Busy,
    /// The gateway says no.
    Fault(Fault),
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoRoute | Self::Fault(Fault::Unknown(_)) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Stranger | Self::Barred(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::Foreign(_) | Self::Afar | Self::Nobody => StatusCode::FORBIDDEN,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Kind => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Unfit(_) | Self::Fault(Fault::Unfit(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Key(_) | Self::Fault(Fault::Conflict(_)) => StatusCode::CONFLICT,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Fault(Fault::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The last step of the problem's type, and what it is in a few words.
    fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::NoRoute => ("no-such-address", "There is no such address"),
            Self::Method(_) => ("method", "The address does not take this method"),
            Self::Stranger | Self::Barred(_) => ("who", "It is not known who asks"),
            Self::Forbidden(_) => ("right", "Who asks may not do this"),
            Self::Foreign(_) => ("cross-site", "The request does not come from a page of the console"),
            Self::Afar => ("elsewhere", "Only the gateway's own user may do this, on its own machine"),
            Self::Nobody => ("person", "Only who is signed in at the operators' issuer may do this"),
            Self::Malformed(_) => ("malformed", "The request cannot be read"),
            Self::Kind => ("content-type", "The body must be application/json"),
            Self::TooLong => ("too-long", "The body is too long"),
            Self::Slow => ("too-slow", "The body did not come in time"),
            Self::Unfit(_) | Self::Fault(Fault::Unfit(_)) => ("unfit", "The request asks for what cannot be"),
            Self::Key(_) => ("idempotency-key", "The idempotency key is taken"),
            Self::Busy => ("too-many-requests", "Too many requests"),
            Self::Fault(Fault::Unknown(_)) => ("unknown", "There is no such thing"),
            Self::Fault(Fault::Conflict(_)) => ("conflict", "Something else has happened before"),
            Self::Fault(Fault::Unavailable(_)) => ("unavailable", "It cannot be done now"),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Method(allowed) => Some(format!("it takes {allowed}")),
            Self::Stranger | Self::Barred(_) => {
                Some("send a token: `Authorization: Bearer ...`; or sign in anew".to_owned())
            }
            Self::Forbidden(right) => Some(format!("none of the roles has the right `{right}`")),
            Self::Malformed(detail) | Self::Key(detail) | Self::Foreign(detail) => Some((*detail).to_owned()),
            Self::Unfit(detail) => Some(detail.clone()),
            Self::Fault(fault) => Some(fault.to_string()),
            Self::Afar | Self::Nobody | Self::NoRoute | Self::Kind | Self::TooLong | Self::Slow | Self::Busy => None,
        }
    }

    pub(crate) fn reply(&self) -> Reply {
        let ((kind, title), status) = (self.kind(), self.status());
        let mut document = serde_json::json!({
            "type": format!("urn:penstock:problem:{kind}"),
            "title": title,
            "status": status.as_u16(),
        });
        if let (Some(detail), Some(document)) = (self.detail(), document.as_object_mut()) {
            document.insert("detail".to_owned(), detail.into());
        }
        let mut reply = with(status, "application/problem+json", document.to_string());
        let header = match self {
            Self::Method(allowed) => Some((ALLOW, HeaderValue::from_static(allowed))),
            Self::Stranger | Self::Barred(_) => {
                Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"penstock\"")))
            }
            Self::Busy | Self::Fault(Fault::Unavailable(_)) => Some((RETRY_AFTER, HeaderValue::from_static("1"))),
            _ => None,
        };
        reply.headers_mut().extend(header);
        reply
    }
}

/// A problem, and who has it, if that is known.
pub(crate) struct Turned {
    pub(crate) problem: Problem,
    pub(crate) by: Option<Person>,
}

impl Turned {
    /// What somebody did that the record has to tell, if this is it. Who shows nothing at all has not tried anything.
    pub(crate) fn barred(&self) -> Option<Barred> {
        let by = self.by.as_ref();
        let why = match &self.problem {
            Problem::Barred(barred) => return Some(Barred::clone(barred)),
            Problem::Forbidden(_) if by.is_some_and(|by| by.roles.is_empty()) => Why::NoRole,
            Problem::Forbidden(_) | Problem::Afar => Why::RightMissing,
            Problem::Foreign(_) => Why::CrossSite,
            _ => return None,
        };
        Some(Barred { why, whose: self.by.clone() })
    }
}

impl From<Problem> for Turned {
    fn from(problem: Problem) -> Self {
        Self { problem, by: None }
    }
}

impl From<Barred> for Problem {
    fn from(barred: Barred) -> Self {
        Self::Barred(Box::new(barred))
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// An answer with a body. Nothing of it is to be kept by whoever stands between.
pub(crate) fn with(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(text.into())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
