//! The way back: the head of an answer, and which way its body takes.
//!
//! A JSON document is taken whole, so that a provider which breaks off becomes a clean error. A stream goes event
//! by event through a pump of its own, with room for one piece, so that a slow caller slows the provider:
//!
//! ```text
//! provider ─> undo encoding ─> wire::Answer + Chain ─> [1 piece] ─> caller
//!                                     └─ last event: held until the outcome is durable
//! ```

use crate::chain::Chain;
use crate::ends::Ends;
use crate::intake::Encoding;
use crate::journal::Journal;
use crate::passing::Passing;
use crate::place::Place;
use crate::reader::{LARGEST_ERROR, Reader};
use crate::reply::{self, Body, Reply};
use crate::source::Source;
use crate::upstream::Answered;
use crate::{Gate, headers};
use http::{Response, StatusCode, header};
use hyper::body::Body as _;
use plant::{Dialect, Reason, Refusal};
use policy::Passage;
use seal::Tagging;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::Instrument;

/// A call that has crossed, and what its answer needs.
pub(crate) struct Crossed {
    /// The head of the provider's answer.
    pub(crate) answered: Answered,
    /// What the permit allowed.
    pub(crate) passage: Passage,
    /// The dialect of both sides.
    pub(crate) dialect: Dialect,
    /// The endpoint that was called; `None` if it is opaque.
    pub(crate) endpoint: Option<wire::Endpoint>,
    /// What it passes on its way: puts tokens back, among others.
    pub(crate) chain: Chain,
    /// When it must end.
    pub(crate) ends: Ends,
    /// The commitment to the answer, in the making.
    pub(crate) commitment: Box<Tagging>,
    /// Its place among the exchanges under way.
    pub(crate) place: Place,
}

/// Gives the provider's answer to the caller.
pub(crate) async fn give(gate: &Arc<Gate>, crossed: Crossed, journal: Box<Journal>) -> Reply {
    let Crossed { answered, mut passage, dialect, endpoint, chain, ends, commitment, place } = crossed;
    let Answered { answer, credential, ticket } = answered;
    let (head, body) = answer.into_parts();
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let shape = Shape::of(head.status, kind, endpoint.is_some(), body.is_end_stream());
    let status = head.status.as_u16();
    if status >= 400 {
        passage.bounds.answer = passage.bounds.answer.min(LARGEST_ERROR);
    }
    let mut reply = Response::new(());
    *reply.status_mut() = head.status;
    headers::carry_back(&head.headers, reply.headers_mut(), |value| {
        credential.as_ref().is_some_and(|credential| credential.is_in(value))
    });
    let (verdict, record) = (passage.verdict, journal.id());
    let rerouted = passage.rerouted.then(|| passage.provider.clone());
    let until = ends.at;
    let passing = Box::new(Passing {
        gate: Arc::clone(gate),
        reader: Reader::new(
            dialect,
            endpoint,
            (status, kind, shape == Shape::Document),
            &passage.bounds,
            chain,
            credential,
        ),
        io: journal.sent.clone(),
        first_byte_micros: journal.micros(),
        kept: journal.gathers(),
        ends: if shape == Shape::Document { ends.of_document() } else { ends },
        journal,
        passage,
        dialect,
        status,
        commitment,
        place,
        _ticket: ticket,
    });
    let source = match (&shape, Encoding::of(&head.headers)) {
        (Shape::Astray(detail), _) => return passing.fail(&Refusal::new(Reason::ProviderBroken, *detail)).await,
        (_, Err(_)) => {
            return passing.fail(&Refusal::new(Reason::ProviderBroken, "its encoding is not one we read")).await;
        }
        (_, Ok(encoding)) => Source::new(encoding, body),
    };
    let body = if shape == Shape::Document {
        // Whoever asked gets a fair time to read it, even if it came at the last moment.
        let read_by = until.max(Instant::now() + passing.passage.bounds.idle);
        match passing.document(source).await {
            Ok(bytes) => Body::whole(bytes, read_by),
            Err(reply) => return reply,
        }
    } else {
        let (release, pieces) = mpsc::channel(1);
        gate.tracker.spawn(passing.pump(source, release).in_current_span());
        Body::stream(pieces, until + crate::GOODBYE)
    };
    let mut reply = reply.map(|()| body);
    reply::sign(&mut reply, verdict, None, Some(record));
    if let Some(provider) = rerouted {
        reply::rerouted(&mut reply, &provider);
    }
    reply
}

/// How an answer is carried.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    /// Whole, before its head goes out.
    Document,
    /// Piece by piece.
    Stream,
    /// Not at all: it is no answer of an API.
    Astray(&'static str),
}

impl Shape {
    fn of(status: StatusCode, kind: &str, known: bool, empty: bool) -> Self {
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            // SDKs follow redirects, with the workload token in their headers, and around the gateway. Where a
            // provider lives is said in the plant file.
            _ if status.is_redirection() => Self::Astray("it is a redirect, which nobody follows"),
            _ if status.is_informational() => Self::Astray("it would turn the connection into something else"),
            // A proxy or a portal in between.
            "text/html" | "application/xhtml+xml" if known => Self::Astray("it is a web page"),
            _ if empty || status.is_client_error() || status.is_server_error() => Self::Document,
            "application/json" | "text/json" | "text/plain" | "" if known => Self::Document,
            other if known && other.ends_with("+json") => Self::Document,
            _ => Self::Stream,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;
    use http::StatusCode;

    fn shape(status: u16, kind: &str) -> Shape {
        Shape::of(StatusCode::from_u16(status).unwrap(), kind, true, false)
    }

    #[test]
    fn a_redirect_is_no_answer() {
        for status in [300, 301, 302, 303, 304, 307, 308] {
            assert!(matches!(shape(status, "application/json"), Shape::Astray(_)), "{status}");
        }
        assert!(matches!(shape(101, ""), Shape::Astray(_)));
    }

    #[test]
    fn errors_and_documents_are_taken_whole_and_the_rest_streams() {
        assert_eq!(shape(200, "application/json; charset=utf-8"), Shape::Document);
        assert_eq!(shape(500, "text/event-stream"), Shape::Document);
        assert_eq!(shape(401, "application/json"), Shape::Document);
        assert_eq!(shape(200, "text/event-stream"), Shape::Stream);
        assert_eq!(shape(200, "audio/mpeg"), Shape::Stream);
        assert!(matches!(shape(500, "Text/HTML"), Shape::Astray(_)));
    }
}
