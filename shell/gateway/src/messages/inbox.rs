//! What a caller sends: a body that is read whole, or messages one by one.

use crate::life::Stay;
use crate::place::{Held, Place};
use crate::target::Target;
use crate::{grpc, intake};
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use plant::{Bounds, Reason, Refusal};
use tokio::time::timeout;
use wire::grpc::Frames;

/// The body of a request on its way in.
pub(crate) enum Entering {
    /// It is read whole, or was.
    Body(Incoming),
    /// A stream of messages, the first of which was read.
    Messages(Box<Inbox>),
    /// Taken elsewhere.
    Gone,
}

impl Entering {
    /// Reads the whole body, or of a stream of messages the first.
    pub(crate) async fn read(
        &mut self,
        target: &Target<'_>,
        bounds: &Bounds,
        place: &mut Place,
    ) -> Result<Bytes, Refusal> {
        match self {
            Self::Body(body) if !target.exchanges_messages() => intake::read(body, target, bounds, place).await,
            Self::Body(_) => {
                let Self::Body(body) = std::mem::replace(self, Self::Gone) else { return Ok(Bytes::new()) };
                let mut inbox = Inbox::new(body, target.headers, bounds, place);
                let first = inbox.open(bounds, place).await?;
                *self = Self::Messages(Box::new(inbox));
                Ok(first)
            }
            Self::Messages(_) | Self::Gone => Ok(Bytes::new()),
        }
    }

    /// The messages that are still to come, if it is a stream of them.
    pub(crate) fn take_messages(&mut self) -> Option<Box<Inbox>> {
        match std::mem::replace(self, Self::Gone) {
            Self::Messages(inbox) => Some(inbox),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Takes what a refused caller still sends.
    pub(crate) fn discard(self, target: &Target<'_>, stay: Stay) {
        if let Self::Body(body) = self {
            intake::discard(body, target.version, target.headers, stay);
        }
    }
}

/// What a caller says next.
pub(crate) enum Heard {
    /// A message as it came, in its frame.
    Message(Bytes),
    /// That it has said all.
    All,
}

/// The messages of a caller.
pub(crate) struct Inbox {
    body: Incoming,
    frames: Frames,
    /// The head of the call, which says how messages are compressed.
    head: HeaderMap,
    limit: u64,
    held: Held,
    first: Bytes,
}

impl Inbox {
    fn new(body: Incoming, head: &HeaderMap, bounds: &Bounds, place: &Place) -> Self {
        let most = usize::try_from(bounds.request).unwrap_or(usize::MAX);
        let (frames, held) = (Frames::new(most), place.beside());
        Self { body, frames, head: head.clone(), limit: bounds.request, held, first: Bytes::new() }
    }

    /// Reads the first message, on which the call is decided.
    async fn open(&mut self, bounds: &Bounds, place: &mut Place) -> Result<Bytes, Refusal> {
        let stalled = |_| Refusal::new(Reason::BodyTimeout, "no first message came");
        match timeout(bounds.idle.min(bounds.total), self.next()).await.map_err(stalled)?? {
            Heard::Message(message) => {
                self.first = self.plain(message, place).await?;
                Ok(self.first.clone())
            }
            Heard::All => Err(Refusal::new(Reason::Malformed, "the stream ended without a message")),
        }
    }

    /// The first message, no longer held here.
    pub(crate) fn take_first(&mut self) -> Bytes {
        std::mem::take(&mut self.first)
    }

    /// What the caller says next. Nothing is lost where nobody waits for it to the end.
    pub(crate) async fn next(&mut self) -> Result<Heard, Refusal> {
        loop {
            if let Some(message) = self.frames.next()? {
                return Ok(Heard::Message(message));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.frames.feed(&bytes);
                        self.held.hold(self.frames.waiting())?;
                    }
                }
                Some(Err(_)) => return Err(Refusal::new(Reason::CallerLeft, "in mid-stream")),
                None if self.frames.waiting() == 0 => return Ok(Heard::All),
                None => return Err(Refusal::new(Reason::Malformed, "the stream ends within a message")),
            }
        }
    }

    /// A message that is not compressed any more.
    pub(crate) async fn plain(&self, message: Bytes, place: &mut Place) -> Result<Bytes, Refusal> {
        grpc::plain(message, &self.head, self.limit, place).await
    }
}
