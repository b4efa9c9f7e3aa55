//! The provider's body as it comes, with its encoding undone.

use crate::intake::{self, Encoding};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::pin::Pin;
use tokio_util::io::{ReaderStream, StreamReader};

/// The provider's body with its encoding undone, and how many bytes it gave. Dropped, it is cancelled.
pub(crate) struct Source {
    pieces: Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>,
    given: u64,
}

impl Source {
    pub(crate) fn new(encoding: Encoding, body: Incoming) -> Self {
        // Trailers end here: no dialect has any.
        let raw = body.into_data_stream().map(|piece| piece.map_err(std::io::Error::other));
        if encoding == Encoding::Identity {
            return Self { pieces: Box::pin(raw), given: 0 };
        }
        let reader = intake::decoder(encoding, StreamReader::new(Box::pin(raw)), true);
        Self { pieces: Box::pin(ReaderStream::new(reader)), given: 0 }
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
