//! An answer of the plant's own, where no provider gives one.

use crate::answer::Switched;
use crate::journal::{End, Journal};
use crate::passing::unwritten;
use crate::place::Place;
use crate::reply::{self, Body, Reply, Tongue};
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use plant::Dialect;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use wire::Endpoint;

/// How long a caller may take to read it.
const READ: Duration = Duration::from_secs(60);

/// What is said: its content type, and all of its bytes.
pub(crate) type Said = (&'static str, Bytes);

/// What the caller of an endpoint is told, in its dialect. `None` where that has no place for a text.
pub(crate) fn said(
    (endpoint, query): (Endpoint, &str),
    stream: bool,
    text: &str,
    told: &Value,
    journal: &Journal,
) -> Option<Said> {
    let record = journal.id().to_string();
    let answer = wire::Fixed { text, record: &record, at: journal.began(), told, query };
    wire::fixed(endpoint, stream, &answer).map(|(kind, bytes)| (kind, bytes.into()))
}

/// A fixed answer, and in place of whom it stands.
pub(crate) struct Fixed {
    pub(crate) said: Said,
    pub(crate) switched: Switched,
    pub(crate) place: Place,
}

impl Fixed {
    /// Gives it to the caller; the outcome is durable then.
    pub(crate) async fn give(self, dialect: Dialect, journal: Box<Journal>) -> Reply {
        let Self { said: (kind, bytes), switched, place: _place } = self;
        let (verdict, record) = (journal.verdict(), journal.id());
        let mut commitment = journal.answer(&journal.gate().secrets.commitments);
        commitment.update(&bytes);
        let mut io = journal.sent.clone();
        io.answer = Some(seal::hex(&(*commitment).finish()));
        io.answer_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let kept = journal.gathers().map(|_| bytes.clone());
        if journal.conclude(End { status: 200, io, kept, ..End::default() }).await.is_err() {
            let refusal = unwritten();
            return reply::error(Tongue::of(dialect), verdict, &refusal, refusal.reason.status(), Some(record));
        }
        let mut reply = Response::new(Body::whole(bytes, Instant::now() + READ));
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        reply::sign(&mut reply, verdict, None, Some(record));
        reply::switched(&mut reply, &switched);
        reply
    }
}
