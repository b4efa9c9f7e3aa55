//! What the caller gets: bodies, the headers that every answer bears, and refusals in the caller's dialect.

use crate::answer::Switched;
use crate::breakers::seconds;
use crate::grpc;
use crate::life::Stay;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use plant::{Dialect, Reason, RecordId, Refusal, Verdict};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The record that stands behind an answer.
const RECORD: HeaderName = HeaderName::from_static("penstock-record");
/// The verdict, and the reason code after a semicolon if there is one.
const DECISION: HeaderName = HeaderName::from_static("penstock-decision");
/// Who answered because the provider that was called failed, and how it failed.
const FALLBACK: HeaderName = HeaderName::from_static("penstock-fallback");
/// The provider that answered in place of the one that was called.
const REROUTED: HeaderName = HeaderName::from_static("penstock-rerouted");

/// What the SDKs of OpenAI and Anthropic ask of an error before they look at its status.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// Longest that an SDK may be left to wait and ask again by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Largest piece in which a whole body is handed to hyper: it takes pieces as there is room for them.
const PIECE: usize = 64 << 10;
/// How long a caller may take to read a refusal.
const REFUSAL: Duration = Duration::from_secs(60);

/// An answer's body.
#[derive(Debug)]
pub(crate) struct Body {
    content: Content,
    /// What comes behind it.
    trailers: Option<Box<HeaderMap>>,
    /// When the caller must have read it.
    until: Instant,
    stay: Option<Stay>,
}

#[derive(Debug)]
enum Content {
    /// What is left of all of it.
    Whole(Bytes),
    /// As the pump on the other end releases it.
    Stream(mpsc::Receiver<Piece>),
    Over,
}

/// A piece of a streamed body.
#[derive(Debug)]
pub(crate) enum Piece {
    More(Bytes),
    /// The end. Without it the body is cut: a pump that is gone has not ended well.
    Last(Bytes),
    /// The end, with trailers.
    Ending(Box<HeaderMap>),
    /// The answer broke off, and the dialect has no way to say so.
    Cut,
}

/// The connection is cut instead of ending the body.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer was cut off")]
pub(crate) struct Cut;

pub(crate) type Reply = Response<Body>;

/// The answer to HEAD: the length of a body, and none (RFC 9110, section 9.3.2). Over HTTP/2 nobody else takes it away.
pub(crate) fn bare(mut reply: Reply) -> Reply {
    if let Content::Whole(bytes) = &reply.body().content {
        let length = HeaderValue::from(bytes.len());
        reply.headers_mut().insert(header::CONTENT_LENGTH, length);
        reply.body_mut().content = Content::Over;
    }
    reply
}

impl Body {
    pub(crate) fn whole(bytes: impl Into<Bytes>, until: Instant) -> Self {
        let bytes = bytes.into();
        let content = if bytes.is_empty() { Content::Over } else { Content::Whole(bytes) };
        Self { content, trailers: None, until, stay: None }
    }

    pub(crate) fn stream(pieces: mpsc::Receiver<Piece>, until: Instant) -> Self {
        Self { content: Content::Stream(pieces), trailers: None, until, stay: None }
    }

    /// The same with trailers behind it.
    pub(crate) fn ending(self, trailers: HeaderMap) -> Self {
        Self { trailers: Some(Box::new(trailers)), ..self }
    }

    /// Keeps the exchange on its connection until the body has been taken, or should have been.
    pub(crate) fn holding(self, stay: Stay) -> Self {
        stay.until(self.until);
        Self { stay: Some(stay), ..self }
    }

    fn over(&mut self) {
        self.content = Content::Over;
        self.stay = None;
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let body = self.get_mut();
        let (bytes, last) = match &mut body.content {
            Content::Over => return Poll::Ready(body.trailers.take().map(|own| Ok(Frame::trailers(*own)))),
            Content::Whole(bytes) => {
                let piece = bytes.split_to(PIECE.min(bytes.len()));
                (piece, bytes.is_empty())
            }
            Content::Stream(pieces) => match ready!(pieces.poll_recv(cx)) {
                Some(Piece::More(bytes)) => (bytes, false),
                Some(Piece::Last(bytes)) => (bytes, true),
                Some(Piece::Ending(trailers)) => {
                    body.over();
                    return Poll::Ready(Some(Ok(Frame::trailers(*trailers))));
                }
                Some(Piece::Cut) | None => {
                    body.over();
                    return Poll::Ready(Some(Err(Cut)));
                }
            },
        };
        if last {
            body.over();
        }
        match last && bytes.is_empty() {
            true => Poll::Ready(body.trailers.take().map(|own| Ok(Frame::trailers(*own)))),
            false => Poll::Ready(Some(Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Over) && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Content::Over => SizeHint::with_exact(0),
            Content::Stream(_) => SizeHint::default(),
        }
    }
}

/// In what an error is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tongue {
    pub(crate) dialect: Dialect,
    /// In the trailers of gRPC and not in a body.
    pub(crate) grpc: bool,
}

impl Tongue {
    /// A body of a dialect.
    pub(crate) fn of(dialect: Dialect) -> Self {
        Self { dialect, grpc: false }
    }
}

/// A refusal or a failure, as the caller's own SDK expects an error to look.
pub(crate) fn error(
    tongue: Tongue,
    verdict: Verdict,
    refusal: &Refusal,
    status: u16,
    record: Option<RecordId>,
) -> Reply {
    let name = record.map(|id| id.to_string());
    let until = Instant::now() + REFUSAL;
    let mut reply = if tongue.grpc {
        grpc::error(refusal, name.as_deref(), until)
    } else {
        let (kind, bytes) = wire::error_body(tongue.dialect, status, refusal, name.as_deref());
        let mut reply = Response::new(Body::whole(bytes, until));
        *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        reply
    };
    sign(&mut reply, verdict, Some(refusal.reason), record);
    reply
}

/// Puts our headers on an answer.
pub(crate) fn sign(reply: &mut Reply, verdict: Verdict, reason: Option<Reason>, record: Option<RecordId>) {
    let text = match reason {
        Some(reason) => format!("{verdict}; reason={reason}"),
        None => verdict.name().to_owned(),
    };
    let headers = reply.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(DECISION, value);
    }
    if let Some(value) = record.and_then(|id| HeaderValue::from_str(&id.to_string()).ok()) {
        headers.insert(RECORD, value);
    }
}

/// Names the record behind an answer of the gateway's own.
pub(crate) fn recorded(reply: &mut Reply, record: RecordId) {
    if let Ok(value) = HeaderValue::from_str(&record.to_string()) {
        reply.headers_mut().insert(RECORD, value);
    }
}

/// Says who answered, if it is not the provider that was called.
pub(crate) fn rerouted(reply: &mut Reply, to: &plant::ProviderId) {
    if let Ok(value) = HeaderValue::from_str(to.as_str()) {
        reply.headers_mut().insert(REROUTED, value);
    }
}

/// Says who answered because the provider that was called failed.
pub(crate) fn switched(reply: &mut Reply, switched: &Switched) {
    if let Ok(value) = HeaderValue::from_str(&format!("{}; because={}", switched.by(), switched.because.name())) {
        reply.headers_mut().insert(FALLBACK, value);
    }
}

/// Says when it is worth to ask again. SDKs would otherwise ask again at once, and each time find the same.
pub(crate) fn after(reply: &mut Reply, left: Duration) {
    reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(left).max(1)));
    if left > PATIENCE {
        reply.headers_mut().insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
}
