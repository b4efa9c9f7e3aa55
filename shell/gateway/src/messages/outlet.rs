//! The provider's side of a stream of messages: what is said to it, and what it says.

use crate::credential::Credential;
use crate::grpc;
use crate::upstream::{self, Ticket};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::ResponseFuture;
use plant::{Reason, Refusal};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use wire::grpc::Frames;

/// A body on its way to a provider.
pub(crate) enum Outgoing {
    /// All of it.
    Whole(Full<Bytes>),
    /// Messages, as they come.
    Messages(mpsc::Receiver<Leaving>),
}

/// What leaves in a stream of messages.
pub(crate) enum Leaving {
    Message(Bytes),
    /// There are no more. Without it the call is cancelled: a stream that is gone has not ended well.
    Last,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                Poll::Ready(frame.map(|frame| frame.map_err(|never: Infallible| match never {})))
            }
            Self::Messages(messages) => Poll::Ready(match ready!(messages.poll_recv(cx)) {
                Some(Leaving::Message(message)) => Some(Ok(Frame::data(message))),
                Some(Leaving::Last) => None,
                None => Some(Err(h2::Reason::CANCEL.into())),
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Messages(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Messages(_) => SizeHint::default(),
        }
    }
}

/// A call of a provider that has begun, its head sent.
pub(crate) struct Opened {
    pub(crate) outlet: Outlet,
    pub(crate) voice: Voice,
    /// What must not be in what it says.
    pub(crate) credential: Option<Arc<Credential>>,
}

impl Opened {
    /// `until` is when the head of the answer must have come; `most` the longest message of it, in bytes.
    pub(crate) fn new(
        answer: ResponseFuture,
        messages: mpsc::Sender<Leaving>,
        (until, most): (Instant, u64),
        credential: Option<Arc<Credential>>,
        ticket: Ticket,
    ) -> Self {
        let frames = Frames::new(usize::try_from(most).unwrap_or(usize::MAX));
        let voice = Voice { side: Side::Awaited(Box::new(answer)), frames, until, _ticket: ticket };
        Self { outlet: Outlet(messages), voice, credential }
    }
}

/// What is said to the provider. Dropped before the last was said, the call is cancelled.
pub(crate) struct Outlet(mpsc::Sender<Leaving>);

impl Outlet {
    /// Waits until there is room for a message; whether the provider takes one at all.
    pub(crate) async fn room(&self) -> bool {
        self.0.reserve().await.is_ok()
    }

    /// Says what there is room for.
    pub(crate) fn say(&self, leaving: Leaving) {
        let said = self.0.try_send(leaving);
        debug_assert!(!matches!(said, Err(mpsc::error::TrySendError::Full(_))), "room was waited for");
    }
}

/// What a provider says next.
pub(crate) enum Told {
    /// A message in its frame.
    Message(Bytes),
    /// How the call ended, in trailers.
    End(HeaderMap),
}

/// What the provider says. Dropped, nobody hears the rest.
pub(crate) struct Voice {
    side: Side,
    frames: Frames,
    /// When the head of its answer must have come.
    until: Instant,
    _ticket: Ticket,
}

enum Side {
    Awaited(Box<ResponseFuture>),
    Body(Incoming),
    /// It said all in its head.
    Alone(HeaderMap),
}

impl Voice {
    /// What the provider says next. Nothing is lost where nobody waits for it to the end.
    pub(crate) async fn next(&mut self) -> Result<Told, Refusal> {
        if let Side::Awaited(answer) = &mut self.side {
            let late = |_| Refusal::new(Reason::ProviderTimeout, "no answer began in time");
            let came = timeout_at(self.until, answer).await.map_err(late)?;
            self.side = Side::of(came.map_err(|problem| upstream::broke(&problem))?)?;
        }
        let broken = |detail| Err(Refusal::new(Reason::ProviderBroken, detail));
        loop {
            if let Some(message) = self.frames.next().map_err(|problem| wide(&problem))? {
                return Ok(Told::Message(message));
            }
            let body = match &mut self.side {
                Side::Body(body) => body,
                Side::Alone(head) => return Ok(Told::End(std::mem::take(head))),
                Side::Awaited(_) => return broken("its answer did not begin"),
            };
            match body.frame().await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.frames.feed(&bytes),
                    Err(frame) => match frame.into_trailers() {
                        Ok(trailers) if self.frames.waiting() == 0 => return Ok(Told::End(trailers)),
                        _ => return broken("its answer ends within a message"),
                    },
                },
                Some(Err(_)) => return broken("the answer broke off"),
                None => return broken("its answer ended without trailers"),
            }
        }
    }
}

impl Side {
    fn of(answer: Response<Incoming>) -> Result<Self, Refusal> {
        let broken = |detail| Err(Refusal::new(Reason::ProviderBroken, detail));
        match answer.status() {
            StatusCode::OK if !grpc::is_grpc(answer.headers()) => broken("it is no answer of gRPC"),
            StatusCode::OK if answer.body().is_end_stream() => Ok(Self::Alone(answer.into_parts().0.headers)),
            StatusCode::OK => Ok(Self::Body(answer.into_body())),
            _ => broken("its status is none of gRPC"),
        }
    }
}

/// A message that is none, or larger than all that may come.
fn wide(problem: &wire::Malformed) -> Refusal {
    match problem.reason {
        Reason::BodyTooLarge => {
            Refusal::new(Reason::AnswerTooLarge, "a message of the provider is longer than the limit")
        }
        _ => Refusal::new(Reason::ProviderBroken, problem.to_string()),
    }
}
