//! The provider's body as it comes, with its encoding undone.

use crate::intake::{self, Encoding};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::HeaderMap;
use hyper::body::{Body, Incoming};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, ready};
use tokio_util::io::{ReaderStream, StreamReader};

/// The provider's body with its encoding undone, and how many bytes it gave. Dropped, it is cancelled.
pub(crate) struct Source {
    pieces: Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>,
    given: u64,
    /// What came behind the body.
    trailers: Arc<Mutex<Option<HeaderMap>>>,
}

impl Source {
    pub(crate) fn new(encoding: Encoding, body: Incoming) -> Self {
        let trailers = Arc::default();
        let raw = data(body, Arc::clone(&trailers));
        if encoding == Encoding::Identity {
            return Self { pieces: Box::pin(raw), given: 0, trailers };
        }
        let reader = intake::decoder(encoding, StreamReader::new(Box::pin(raw)), true);
        Self { pieces: Box::pin(ReaderStream::new(reader)), given: 0, trailers }
    }

    /// What came behind the body, once it has ended. No dialect has any, gRPC aside.
    pub(crate) fn trailers(&self) -> Option<HeaderMap> {
        self.trailers.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<std::io::Result<Bytes>> {
        let piece = self.pieces.next().await?;
        if let Ok(bytes) = &piece {
            self.given = self.given.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        }
        Some(piece)
    }

    /// Bytes given so far, decoded.
    pub(crate) fn given(&self) -> u64 {
        self.given
    }

    /// Takes what is left. A connection can be used again once its body has ended.
    pub(crate) async fn drain(mut self) {
        while let Some(Ok(_)) = self.next().await {}
    }
}

/// The bytes of a body; its trailers are put aside.
fn data(
    mut body: Incoming,
    trailers: Arc<Mutex<Option<HeaderMap>>>,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    futures_util::stream::poll_fn(move |cx| {
        loop {
            let Some(frame) = ready!(Pin::new(&mut body).poll_frame(cx)) else { return Poll::Ready(None) };
            let frame = match frame.map_err(std::io::Error::other) {
                Ok(frame) => frame,
                Err(problem) => return Poll::Ready(Some(Err(problem))),
            };
            match frame.into_data() {
                Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Err(frame) => {
                    let mut held = trailers.lock().unwrap_or_else(PoisonError::into_inner);
                    *held = frame.into_trailers().ok();
                }
            }
        }
    })
}
