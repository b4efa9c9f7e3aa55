//! The way back: an answer rewritten as it passes, and recorded before its last byte.
//!
//! A JSON document is taken whole, so that a provider which breaks off becomes a clean error. A stream goes event
//! by event through a pump of its own, with room for one piece, so that a slow caller slows the provider:
//!
//! ```text
//! provider ─> undo encoding ─> wire::Answer + Restorer ─> [1 piece] ─> caller
//!                                     └─ last event: held until the outcome is durable
//! ```

use crate::Gate;
use crate::intake::{self, Encoding};
use crate::recorder::{Journal, Unwritten};
use crate::reply::{self, Body, Cut, Reply};
use crate::telemetry::{self, Ending};
use crate::upstream;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{Response, header};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use hyper::body::Incoming;
use inspect::Restorer;
use plant::{Dialect, Io, Reason, RecordId};
use policy::Passage;
use seal::Tagging;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::io::{ReaderStream, StreamReader};
use tracing::Instrument;
use wire::{Answer, Facts};

/// How long a provider may take to end its body after its last event. What comes then is not passed on.
const LINGER: Duration = Duration::from_millis(50);

/// A call that has crossed, and what its answer needs.
pub(crate) struct Crossed {
    /// The provider's answer.
    pub(crate) answer: Response<Incoming>,
    /// What the permit allowed.
    pub(crate) passage: Passage,
    /// The dialect of both sides.
    pub(crate) dialect: Dialect,
    /// The endpoint that was called; `None` if it is opaque.
    pub(crate) endpoint: Option<wire::Endpoint>,
    /// Puts tokens back.
    pub(crate) restorer: Restorer,
    /// What is known of the request.
    pub(crate) io: Io,
    /// Microseconds from arrival to the head of the answer.
    pub(crate) first_byte_micros: u64,
    /// The commitment to the answer, in the making.
    pub(crate) commitment: Tagging,
}

/// Gives the provider's answer to the caller.
pub(crate) async fn give(gate: &Arc<Gate>, crossed: Crossed, journal: Journal) -> Reply {
    let Crossed { answer, passage, dialect, endpoint, restorer, io, first_byte_micros, commitment } = crossed;
    let (head, body) = answer.into_parts();
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let shape = Shape::of(kind, endpoint.is_some(), body.is_end_stream());
    let status = head.status.as_u16();
    let record = journal.id();
    // A document is taken whole and read to its end in any case, so that a cut one is noticed.
    let passive = restorer.idle() && shape == Shape::Stream;
    let reader = match endpoint {
        Some(endpoint) => {
            let body = usize::try_from(passage.bounds.answer).unwrap_or(usize::MAX);
            let limits = wire::AnswerLimits { body, ..wire::AnswerLimits::default() };
            Reader::Known(Box::new(Answer::new(dialect, endpoint, status, kind, passive).within(limits)))
        }
        None => Reader::Opaque,
    };
    let deadline = Instant::now() + passage.bounds.total;
    let source = Encoding::of(&head.headers).map(|encoding| Source::new(encoding, body));
    let passing = Passing {
        gate: Arc::clone(gate),
        journal,
        passage,
        dialect,
        status,
        io,
        first_byte_micros,
        commitment,
        deadline,
        reader,
        restorer,
    };
    let Ok(source) = source else {
        return passing.fail(Reason::ProviderBroken, "it is encoded as we cannot read").await;
    };

    let (verdict, rerouted) =
        (passing.passage.verdict, passing.passage.rerouted.then(|| passing.passage.provider.clone()));
    let body = match shape {
        Shape::Foreign => return passing.fail(Reason::ProviderBroken, "it is a web page").await,
        Shape::Document => match passing.document(source).await {
            Ok(bytes) => Body::whole(bytes),
            Err(reply) => return reply,
        },
        Shape::Stream => {
            let (release, pieces) = mpsc::channel(1);
            gate.tracker.spawn(passing.pump(source, release).in_current_span());
            Body::Stream(pieces)
        }
    };
    let mut reply = Response::new(body);
    *reply.status_mut() = head.status;
    upstream::carry_back(&head.headers, reply.headers_mut());
    reply.headers_mut().remove(header::CONTENT_ENCODING);
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
    /// A web page where an API should be: a proxy or a portal in between.
    Foreign,
}

impl Shape {
    fn of(kind: &str, known: bool, empty: bool) -> Self {
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            _ if !known => Self::Stream,
            _ if empty => Self::Document,
            "application/json" | "application/problem+json" | "text/plain" | "" => Self::Document,
            "text/html" | "application/xhtml+xml" => Self::Foreign,
            _ => Self::Stream,
        }
    }
}

/// Reads the answer, if anyone can.
enum Reader {
    Known(Box<Answer>),
    Opaque,
}

impl Reader {
    fn push(&mut self, piece: &[u8], restorer: &mut Restorer, out: &mut Vec<u8>) -> Result<(), Failure> {
        match self {
            Self::Known(answer) => answer.push(piece, restorer, out).map_err(|broken| Failure::from(&broken)),
            Self::Opaque => {
                out.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    fn finish(&mut self, restorer: &mut Restorer, out: &mut Vec<u8>) -> Result<(), Failure> {
        match self {
            Self::Known(answer) => answer.finish(restorer, out).map_err(|broken| Failure::from(&broken)),
            Self::Opaque => Ok(()),
        }
    }

    fn facts(&self) -> Option<&Facts> {
        match self {
            Self::Known(answer) => Some(answer.facts()),
            Self::Opaque => None,
        }
    }

    /// The last thing that a caller gets of a stream that broke off: an error in its dialect, or a cut where none
    /// can be said.
    fn farewell(&self, reason: Reason, record: RecordId) -> Result<Bytes, Cut> {
        match self {
            Self::Known(answer) => answer.error_event(reason, &record.to_string()).map(Bytes::from).ok_or(Cut),
            Self::Opaque => Err(Cut),
        }
    }

    /// Whether the last event has been seen, so that only the outcome is missing.
    fn complete(&self) -> bool {
        self.facts().is_some_and(|facts| facts.complete)
    }
}

/// Why an answer ended badly.
struct Failure {
    reason: Reason,
    detail: String,
}

impl Failure {
    fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl From<&wire::Broken> for Failure {
    fn from(broken: &wire::Broken) -> Self {
        Self::new(broken.reason, broken.detail.clone())
    }
}

/// An answer on its way.
struct Passing {
    gate: Arc<Gate>,
    journal: Journal,
    passage: Passage,
    dialect: Dialect,
    status: u16,
    io: Io,
    first_byte_micros: u64,
    commitment: Tagging,
    deadline: Instant,
    reader: Reader,
    restorer: Restorer,
}

impl Passing {
    /// Takes a document whole; the outcome is durable when this gives it.
    async fn document(mut self, mut source: Source) -> Result<Vec<u8>, Reply> {
        let mut out = Vec::new();
        let ended = loop {
            match self.next(&mut source).await {
                Ok(Some(piece)) => {
                    if let Err(failure) = self.reader.push(&piece, &mut self.restorer, &mut out) {
                        break Err(failure);
                    }
                }
                Ok(None) => break self.reader.finish(&mut self.restorer, &mut out),
                Err(failure) => break Err(failure),
            }
        };
        match ended {
            Ok(()) => {
                self.released(&out);
                let (dialect, verdict, record) = (self.dialect, self.passage.verdict, self.journal.id());
                match self.conclude(None).await {
                    Ok(()) => Ok(out),
                    Err(_) => {
                        let reason = Reason::LedgerUnavailable;
                        Err(reply::error(dialect, verdict, reason, reason.status(), Some(record)))
                    }
                }
            }
            Err(failure) => Err(self.fail(failure.reason, &failure.detail).await),
        }
    }

    /// Ends an exchange whose answer never began to reach the caller.
    async fn fail(self, reason: Reason, detail: &str) -> Reply {
        let status = if self.status >= 400 { self.status } else { reason.status() };
        let (dialect, verdict, record) = (self.dialect, self.passage.verdict, self.journal.id());
        // The caller is told the same whether or not the ledger takes this: nothing of the answer is released.
        let _ = Self { status, ..self }.conclude(Some(&Failure::new(reason, detail))).await;
        reply::error(dialect, verdict, reason, status, Some(record))
    }

    /// Releases a stream piece by piece.
    async fn pump(mut self, mut source: Source, release: mpsc::Sender<Result<Bytes, Cut>>) {
        match self.stream(&mut source, &release).await {
            Ended::Whole(last) => {
                self.released(&last);
                let unrecorded = self.reader.farewell(Reason::LedgerUnavailable, self.journal.id());
                let end = match self.conclude(None).await {
                    Ok(()) => Ok(Bytes::from(last)),
                    Err(_) => unrecorded,
                };
                // The provider's connection can be used again once its body has ended.
                let drain = async { while let Some(Ok(_)) = source.0.next().await {} };
                if !matches!(&end, Ok(bytes) if bytes.is_empty()) {
                    let _ = release.send(end).await;
                }
                drop(release);
                let _ = tokio::time::timeout(LINGER, drain).await;
            }
            Ended::Badly(failure, mut rest) => {
                let goodbye = self.reader.farewell(failure.reason, self.journal.id());
                rest.extend_from_slice(goodbye.as_deref().unwrap_or_default());
                self.released(&rest);
                let _ = self.conclude(Some(&failure)).await;
                // A caller that has left needs no farewell.
                if !rest.is_empty() {
                    let _ = release.send(Ok(rest.into())).await;
                }
                if let Err(cut) = goodbye {
                    let _ = release.send(Err(cut)).await;
                }
            }
            Ended::Alone => {
                drop(source);
                let _ = self.conclude(Some(&Failure::new(Reason::CallerLeft, "in mid-stream"))).await;
            }
        }
    }

    async fn stream(&mut self, source: &mut Source, release: &mpsc::Sender<Result<Bytes, Cut>>) -> Ended {
        let cutting = self.gate.cutting.clone();
        loop {
            let mut out = Vec::new();
            let piece = tokio::select! {
                piece = self.next(source) => piece,
                () = release.closed() => return Ended::Alone,
                () = cutting.cancelled() => Err(Failure::new(Reason::ShuttingDown, "in mid-stream")),
            };
            let read = match piece {
                Ok(Some(piece)) => self.reader.push(&piece, &mut self.restorer, &mut out).map(|()| false),
                Ok(None) => self.reader.finish(&mut self.restorer, &mut out).map(|()| true),
                Err(failure) => Err(failure),
            };
            match read {
                Ok(ended) if ended || self.reader.complete() => return Ended::Whole(out),
                Ok(_) if out.is_empty() => {}
                Ok(_) => {
                    self.released(&out);
                    match timeout_at(self.deadline, release.send(Ok(out.into()))).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return Ended::Alone,
                        Err(_) => return Ended::Badly(too_long(), Vec::new()),
                    }
                }
                Err(failure) => return Ended::Badly(failure, out),
            }
        }
    }

    /// The next piece of the answer, within the conduit's bounds.
    async fn next(&mut self, source: &mut Source) -> Result<Option<Bytes>, Failure> {
        let bounds = &self.passage.bounds;
        let patience = (Instant::now() + bounds.idle).min(self.deadline);
        match timeout_at(patience, source.0.next()).await {
            Ok(Some(Ok(piece))) => {
                source.1 += u64::try_from(piece.len()).unwrap_or(u64::MAX);
                if source.1 > bounds.answer {
                    let detail = format!("the answer is larger than {} bytes", bounds.answer);
                    return Err(Failure::new(Reason::AnswerTooLarge, detail));
                }
                Ok(Some(piece))
            }
            Ok(None) => Ok(None),
            Ok(Some(Err(_))) => Err(Failure::new(Reason::ProviderBroken, "the answer broke off")),
            Err(_) if patience >= self.deadline => Err(too_long()),
            Err(_) => Err(Failure::new(Reason::ProviderTimeout, "the answer fell silent")),
        }
    }

    /// Counts bytes that are about to be released.
    fn released(&mut self, bytes: &[u8]) {
        self.commitment.update(bytes);
        self.io.answer_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }

    /// Records the outcome; durable when this returns.
    async fn conclude(self, failure: Option<&Failure>) -> Result<(), Unwritten> {
        let Self { gate, journal, passage, status, mut io, first_byte_micros, commitment, reader, .. } = self;
        let facts = reader.facts();
        let reason = failure.map(|failure| failure.reason);
        io.answer = Some(seal::hex(&commitment.finish()));
        io.input_tokens = facts.and_then(|facts| facts.input_tokens);
        io.output_tokens = facts.and_then(|facts| facts.output_tokens);
        let mut out = journal.outcome(status, reason);
        out.first_byte_micros = Some(first_byte_micros);
        out.provider_id = facts.and_then(|facts| facts.provider_id.clone());
        out.model = facts.and_then(|facts| facts.model.clone());
        let conduit = passage.conduit.as_str();
        gate.metrics.ended(Some(conduit), passage.verdict, reason);
        gate.metrics.counted(conduit, io.input_tokens, io.output_tokens);
        telemetry::ended(&Ending {
            record: journal.id(),
            conduit: Some(conduit),
            verdict: passage.verdict,
            reason,
            detail: failure.map_or("", |failure| &failure.detail),
            status,
            micros: out.micros,
            facts,
        });
        let concluded = journal.conclude(io, out).await;
        if concluded.is_err() {
            gate.metrics.unwritten.inc();
        }
        concluded
    }
}

/// How a stream ended.
enum Ended {
    /// All of it came; this is the last of it, not yet released.
    Whole(Vec<u8>),
    /// It broke off, or grew too large or too long; what could still be released of it.
    Badly(Failure, Vec<u8>),
    /// The caller left.
    Alone,
}

fn too_long() -> Failure {
    Failure::new(Reason::AnswerTooLong, "the exchange took longer than its conduit allows")
}

/// The provider's body with its encoding undone, and how many bytes it gave.
struct Source(Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>, u64);

impl Source {
    fn new(encoding: Encoding, body: Incoming) -> Self {
        let raw = body.into_data_stream().map(|piece| piece.map_err(std::io::Error::other));
        if encoding == Encoding::Identity {
            return Self(Box::pin(raw), 0);
        }
        let reader = intake::decoder(encoding, StreamReader::new(Box::pin(raw)), true);
        Self(Box::pin(ReaderStream::new(reader)), 0)
    }
}
