//! An answer's body: whole, or piece by piece, with the faults that a script asks for.

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body, Frame, SizeHint};
use serde_json::Value;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// How an answer goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Hang,
    Reset,
    Truncate,
    WrongLength,
    Garbled,
    Html,
    Overloaded,
    Silent,
    Endless,
    Gzip,
    /// No fault but a pace, as a model has: so many milliseconds before each event of a stream.
    Paced(u64),
}

impl Fault {
    pub(crate) fn of(model: &str) -> Self {
        const NAMES: [(&str, Fault); 10] = [
            ("hang", Fault::Hang),
            ("reset", Fault::Reset),
            ("truncate", Fault::Truncate),
            ("wrong-length", Fault::WrongLength),
            ("garbled", Fault::Garbled),
            ("html", Fault::Html),
            ("overloaded", Fault::Overloaded),
            ("silent", Fault::Silent),
            ("endless", Fault::Endless),
            ("gzip", Fault::Gzip),
        ];
        if let Some(pace) = model.strip_prefix("paced-") {
            return pace.parse().map_or(Fault::None, Fault::Paced);
        }
        NAMES.iter().find(|(name, _)| model.starts_with(name)).map_or(Fault::None, |(_, fault)| *fault)
    }
}

/// A body that may break in the middle.
#[derive(Debug)]
pub(crate) struct Answer(UnsyncBoxBody<Bytes, std::io::Error>);

impl Answer {
    pub(crate) fn bytes(status: u16, kind: &'static str, bytes: impl Into<Bytes>) -> Response<Self> {
        Self::response(status, kind, Self(Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()))
    }

    pub(crate) fn json(status: u16, value: &Value) -> Response<Self> {
        Self::bytes(status, "application/json", value.to_string())
    }

    /// A document with a fault.
    pub(crate) fn document(value: &Value, fault: Fault) -> Response<Self> {
        let text = value.to_string();
        let half = text.len() / 2;
        let start = Bytes::copy_from_slice(text.as_bytes().get(..half).unwrap_or_default());
        match fault {
            Fault::Hang => Self::response(200, "application/json", Self::pieces(vec![], End::Hang)),
            Fault::Silent => Self::response(200, "application/json", Self::pieces(vec![start], End::Hang)),
            Fault::Reset => Self::response(200, "application/json", Self::pieces(vec![start], End::Reset)),
            Fault::Truncate => Self::response(200, "application/json", Self::pieces(vec![start], End::Clean)),
            Fault::WrongLength => {
                let mut answer = Self::response(200, "application/json", Self::pieces(vec![start], End::Reset));
                answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
                answer
            }
            Fault::Garbled => Self::bytes(200, "application/json", "{\"choices\": [}\u{0}"),
            Fault::Endless => Self::response(200, "application/json", Self::pieces(vec![start], End::Repeat)),
            Fault::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                let zipped = std::io::Write::write_all(&mut encoder, text.as_bytes()).and_then(|()| encoder.finish());
                let mut answer = Self::bytes(200, "application/json", zipped.unwrap_or_default());
                answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                answer
            }
            Fault::None | Fault::Html | Fault::Overloaded | Fault::Paced(_) => Self::json(200, value),
        }
    }

    /// A stream with a fault. `events` are whole, with their framing.
    pub(crate) fn stream(kind: &'static str, events: Vec<impl Into<Bytes>>, fault: Fault) -> Response<Self> {
        let mut pieces: Vec<Bytes> = events.into_iter().map(Into::into).collect();
        let half = pieces.len() / 2;
        let end = match fault {
            Fault::Hang => {
                pieces.clear();
                End::Hang
            }
            Fault::Silent => {
                pieces.truncate(half);
                End::Hang
            }
            Fault::Reset | Fault::WrongLength => {
                pieces.truncate(half);
                End::Reset
            }
            Fault::Truncate => {
                pieces.truncate(half);
                End::Clean
            }
            Fault::Garbled => {
                pieces = vec![Bytes::from_static(b"data: {\"choices\": [}\xff\n\n{]\n")];
                End::Clean
            }
            Fault::Endless => {
                pieces.truncate(half);
                End::Repeat
            }
            Fault::None | Fault::Html | Fault::Overloaded | Fault::Gzip => End::Clean,
            Fault::Paced(pace) => End::Paced(Duration::from_millis(pace)),
        };
        Self::response(200, kind, Self::pieces(pieces, end))
    }

    fn response(status: u16, kind: &'static str, body: Self) -> Response<Self> {
        let mut answer = Response::new(body);
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        answer
    }

    /// A body that never begins.
    pub(crate) fn silence() -> Self {
        Self::pieces(Vec::new(), End::Hang)
    }

    fn pieces(pieces: Vec<Bytes>, end: End) -> Self {
        let state = (pieces.into_iter(), end, Bytes::new());
        let stream = futures_util::stream::unfold(state, |(mut pieces, end, last)| async move {
            // Each piece goes out as one write of its own: events arrive one by one, as from a real model.
            match end {
                End::Paced(pace) => tokio::time::sleep(pace).await,
                _ => tokio::task::yield_now().await,
            }
            if let Some(piece) = pieces.next() {
                return Some((Ok(Frame::data(piece.clone())), (pieces, end, piece)));
            }
            match end {
                End::Clean | End::Paced(_) => None,
                End::Reset => {
                    let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                    Some((Err(broken), (pieces, End::Clean, last)))
                }
                End::Hang => std::future::pending().await,
                End::Repeat => Some((Ok(Frame::data(last.clone())), (pieces, end, last))),
            }
        });
        Self(StreamBody::new(stream).boxed_unsync())
    }
}

/// How a stream of pieces ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Clean,
    Reset,
    Hang,
    Repeat,
    /// Cleanly, after a wait before each piece.
    Paced(Duration),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
