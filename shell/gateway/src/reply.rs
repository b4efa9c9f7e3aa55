//! What the caller gets: bodies, the headers that every answer bears, and refusals in the caller's dialect.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use plant::{Dialect, Reason, RecordId, Verdict};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The record that stands behind an answer.
const RECORD: HeaderName = HeaderName::from_static("penstock-record");
/// The verdict, and the reason code after a semicolon if there is one.
const DECISION: HeaderName = HeaderName::from_static("penstock-decision");
/// The provider that answered in place of the one that was called.
const REROUTED: HeaderName = HeaderName::from_static("penstock-rerouted");

/// An answer's body.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Whole(Option<Bytes>),
    /// Piece by piece, as the pump on the other end releases them.
    Stream(mpsc::Receiver<Result<Bytes, Cut>>),
}

/// The answer broke off and the dialect has no way to say so; the connection is cut instead.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer was cut off")]
pub(crate) struct Cut;

pub(crate) type Reply = Response<Body>;

impl Body {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::Whole((!bytes.is_empty()).then_some(bytes))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(pieces) => pieces.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// A refusal or a failure, as the caller's own SDK expects an error to look.
pub(crate) fn error(
    dialect: Dialect,
    verdict: Verdict,
    reason: Reason,
    status: u16,
    record: Option<RecordId>,
) -> Reply {
    let name = record.map(|id| id.to_string());
    let (kind, bytes) = wire::error_body(dialect, status, reason, name.as_deref());
    let mut reply = Response::new(Body::whole(bytes));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    sign(&mut reply, verdict, Some(reason), record);
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

/// Says who answered, if it is not the provider that was called.
pub(crate) fn rerouted(reply: &mut Reply, to: &plant::ProviderId) {
    if let Ok(value) = HeaderValue::from_str(to.as_str()) {
        reply.headers_mut().insert(REROUTED, value);
    }
}
