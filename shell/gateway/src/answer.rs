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
use crate::fixed::Fixed;
use crate::intake::Encoding;
use crate::journal::Journal;
use crate::messages::Beginning;
use crate::passing::Passing;
use crate::place::Place;
use crate::reader::{LARGEST_ERROR, Reader};
use crate::reply::{self, Body, Reply, Tongue};
use crate::session::{self, Opening};
use crate::source::Source;
use crate::upstream::Answered;
use crate::{Gate, grpc, headers, leash};
use fallback::{Trouble, Troubles};
use http::{HeaderMap, Response, StatusCode, header};
use hyper::body::Body as _;
use plant::{Dialect, ProviderId, Reason, RecordId, Refusal};
use policy::Passage;
use seal::Tagging;
use serde_json::{Value, json};
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
    pub(crate) tongue: Tongue,
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
    /// Whether another provider answers than the one that was permitted first.
    pub(crate) switched: Option<Switched>,
    /// The troubles for which more can be tried.
    pub(crate) more: Troubles,
    /// What it goes on with, if it opened a session.
    pub(crate) opening: Option<Box<Opening>>,
}

/// What came of a call.
pub(crate) enum Came {
    /// The answer of a provider.
    Across(Box<Crossed>),
    /// An answer of the plant's own.
    Fixed(Box<Fixed>),
    /// A stream of messages that begins.
    Messages(Box<Beginning>),
}

/// Who answers in place of the provider that failed, and why.
#[derive(Clone, Debug)]
pub(crate) struct Switched {
    /// Another provider; `None` for a fixed answer.
    pub(crate) to: Option<ProviderId>,
    pub(crate) because: Trouble,
}

impl Switched {
    /// Who answers, in headers and records.
    pub(crate) fn by(&self) -> &str {
        self.to.as_ref().map_or("fixed-answer", ProviderId::as_str)
    }

    /// What is told of it in the body.
    pub(crate) fn told(&self, record: RecordId) -> Value {
        json!({ "answered_by": self.by(), "because": self.because.name(), "record": record.to_string() })
    }
}

/// An answer that turned out to be none before anything of it was given.
pub(crate) struct Fallen {
    pub(crate) failure: Refusal,
    pub(crate) place: Place,
    pub(crate) journal: Box<Journal>,
    /// The provider whose it was.
    pub(crate) from: ProviderId,
}

/// Gives the provider's answer to the caller.
///
/// # Errors
/// If it is none and more can be tried.
pub(crate) async fn give(gate: &Arc<Gate>, mut crossed: Crossed, journal: Box<Journal>) -> Result<Reply, Box<Fallen>> {
    if let Some(opening) = crossed.opening.take() {
        return Ok(session::begin(gate, crossed, *opening, journal));
    }
    let Crossed { answered, mut passage, tongue, endpoint, chain, ends, commitment, place, switched, more, .. } =
        crossed;
    let status = answered.status();
    let Answered { answer, credential, ticket, trial, .. } = answered;
    let (head, body) = answer.into_parts();
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // All that there is of a call of gRPC that ended at once.
    let alone = body.is_end_stream().then(|| head.headers.clone()).filter(|_| tongue.grpc);
    let shape = match tongue.grpc {
        true => Shape::of_grpc(head.status, &head.headers),
        false => Shape::of(head.status, kind, endpoint, body.is_end_stream()),
    };
    if status >= 400 {
        passage.bounds.answer = passage.bounds.answer.min(LARGEST_ERROR);
    }
    let mut reply = Response::new(());
    *reply.status_mut() = head.status;
    headers::carry_back(&head.headers, reply.headers_mut(), |value| {
        credential.as_ref().is_some_and(|credential| credential.is_in(value))
    });
    if tongue.grpc {
        grpc::without_own(reply.headers_mut());
    }
    if tongue.dialect == Dialect::Mcp {
        leash::bind(reply.headers_mut(), &gate.secrets, &passage.provider, &journal.body);
    }
    let (verdict, record) = (passage.verdict, journal.id());
    let rerouted = passage.rerouted.then(|| passage.provider.clone());
    let until = ends.at;
    let told = switched.as_ref().filter(|_| status < 400 && !tongue.grpc).map(|switched| switched.told(record));
    let mut passing = Box::new(Passing {
        gate: Arc::clone(gate),
        reader: Reader::new(
            tongue.dialect,
            endpoint,
            (status, kind, shape == Shape::Document),
            &passage.bounds,
            chain,
            credential.clone(),
        ),
        credential,
        io: journal.sent.clone(),
        first_byte_micros: journal.micros(),
        kept: journal.gathers(),
        ends: if shape == Shape::Document { ends.of_document() } else { ends },
        journal,
        passage,
        tongue,
        status,
        commitment,
        place,
        told,
        trial,
        _ticket: ticket,
    });
    let source = match (&shape, Encoding::of(&head.headers)) {
        (Shape::Astray(detail), _) => Err(Refusal::new(Reason::ProviderBroken, *detail)),
        (_, Err(_)) => Err(Refusal::new(Reason::ProviderBroken, "its encoding is not one we read")),
        (_, Ok(encoding)) => Ok(Source::new(encoding, body)),
    };
    let body = if shape == Shape::Document {
        // Whoever asked gets a fair time to read it, even if it came at the last moment.
        let read_by = until.max(Instant::now() + passing.passage.bounds.idle);
        let read = match source {
            Ok(mut source) => passing.document(&mut source).await.and_then(|bytes| match tongue.grpc {
                true => passing.outcome(source.trailers().as_ref().or(alone.as_ref())).map(|own| (bytes, Some(own))),
                false => Ok((bytes, None)),
            }),
            Err(failure) => Err(failure),
        };
        match read {
            Ok((bytes, trailers)) => match passing.whole(&bytes).await {
                Ok(()) => {
                    let body = Body::whole(bytes, read_by);
                    match trailers {
                        // Said as the provider said it: in the head, where nothing else comes.
                        Some(trailers) if alone.is_some() => {
                            reply.headers_mut().extend(trailers);
                            body
                        }
                        Some(trailers) => body.ending(trailers),
                        None => body,
                    }
                }
                Err(reply) => return Ok(reply),
            },
            Err(failure) => return passing.fails(failure, more).await,
        }
    } else {
        // Where more can be tried, the head waits for the beginning of the body: what has gone out cannot be taken back.
        let begun = match source {
            Ok(mut source) if more != Troubles::NONE => {
                passing.begin(&mut source).await.map(|first| (source, Some(first)))
            }
            Ok(source) => Ok((source, None)),
            Err(failure) => Err(failure),
        };
        let (source, first) = match begun {
            Ok(begun) => begun,
            Err(failure) => return passing.fails(failure, more).await,
        };
        let (release, pieces) = mpsc::channel(1);
        gate.tracker.spawn(passing.pump(source, first, release).in_current_span());
        Body::stream(pieces, until + crate::GOODBYE)
    };
    let mut reply = reply.map(|()| body);
    reply::sign(&mut reply, verdict, None, Some(record));
    if let Some(provider) = rerouted {
        reply::rerouted(&mut reply, &provider);
    }
    if let Some(switched) = &switched {
        reply::switched(&mut reply, switched);
    }
    Ok(reply)
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
    /// An answer to a call of gRPC comes whole, however it ends.
    fn of_grpc(status: StatusCode, headers: &HeaderMap) -> Self {
        match status {
            StatusCode::OK if grpc::is_grpc(headers) => Self::Document,
            StatusCode::OK => Self::Astray("it is no answer of gRPC"),
            _ => Self::Astray("its status is none of gRPC"),
        }
    }

    fn of(status: StatusCode, kind: &str, endpoint: Option<wire::Endpoint>, empty: bool) -> Self {
        let known = endpoint.is_some();
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            // SDKs follow redirects, with the workload token in their headers, and around the gateway. Where a
            // provider lives is said in the plant file.
            _ if status.is_redirection() => Self::Astray("it is a redirect, which nobody follows"),
            _ if status.is_informational() => Self::Astray("it would turn the connection into something else"),
            // A proxy or a portal in between.
            "text/html" | "application/xhtml+xml" if known => Self::Astray("it is a web page"),
            _ if empty || status.is_client_error() || status.is_server_error() => Self::Document,
            // Google's streams are one array where no events are asked for.
            "application/json" if endpoint.is_some_and(|endpoint| endpoint.gives_elements()) => Self::Stream,
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
    use plant::Dialect;

    fn shape(status: u16, kind: &str) -> Shape {
        shape_at("/chat/completions", Dialect::OpenAi, status, kind)
    }

    fn shape_at(path: &str, dialect: Dialect, status: u16, kind: &str) -> Shape {
        Shape::of(StatusCode::from_u16(status).unwrap(), kind, wire::endpoint(dialect, "POST", path), false)
    }

    #[test]
    fn an_array_streams_where_the_dialect_has_it_so() {
        let path = "/v1beta/models/m:streamGenerateContent";
        assert_eq!(shape_at(path, Dialect::Gemini, 200, "application/json"), Shape::Stream);
        assert_eq!(shape_at(path, Dialect::Gemini, 403, "application/json"), Shape::Document);
        assert_eq!(
            shape_at("/v1beta/models/m:generateContent", Dialect::Gemini, 200, "application/json"),
            Shape::Document
        );
        let path = "/model/m/converse-stream";
        assert_eq!(shape_at(path, Dialect::Bedrock, 200, "application/vnd.amazon.eventstream"), Shape::Stream);
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
