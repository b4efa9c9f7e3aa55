//! The two ends of a session: the opening handshake (RFC 6455 section 4), and whole messages out of frames.
//!
//! Fragments are joined and pings answered by tungstenite, whose limits are ours. No extension is taken or offered:
//! `permessage-deflate` would let a few bytes unfold to many, and SDKs do without it.

use crate::GOODBYE;
use crate::place::Held;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use plant::{Reason, Refusal};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// The one subprotocol that is carried; others hold keys, which have no place in a header that everybody logs.
const PROTOCOL: &str = "realtime";

/// How much of a side is read at once.
const PIECE: usize = 16 << 10;

/// A caller's handshake, found in order.
#[derive(Clone, Debug)]
pub(crate) struct Shake {
    accept: String,
}

impl Shake {
    /// Reads it.
    pub(crate) fn of(version: Version, headers: &HeaderMap) -> Result<Self, Refusal> {
        let refuse = |detail| Err(Refusal::new(Reason::BadRequest, detail));
        let only = |name| {
            let mut values = headers.get_all(name).iter();
            values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok()).map(str::trim)
        };
        if version != Version::HTTP_11 || !only(UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
            return refuse("this endpoint speaks WebSocket over HTTP/1.1, and nothing else");
        }
        if !says(headers, CONNECTION, "upgrade") || only(SEC_WEBSOCKET_VERSION) != Some("13") {
            return refuse("the handshake is none of RFC 6455");
        }
        // Sixteen bytes in base64.
        match only(SEC_WEBSOCKET_KEY) {
            Some(key) if key.len() == 24 && key.ends_with("==") => {
                Ok(Self { accept: derive_accept_key(key.as_bytes()) })
            }
            _ => refuse("the handshake has no key"),
        }
    }

    /// Answers it. What the provider answered to ours says nothing to the caller, save a subprotocol.
    pub(crate) fn answer(&self, provider: &HeaderMap, to: &mut HeaderMap) {
        for name in [SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL] {
            to.remove(name);
        }
        if says(provider, SEC_WEBSOCKET_PROTOCOL, PROTOCOL) {
            to.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
        }
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            to.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
    }
}

/// Puts a handshake of our own into a request; gives the key that the provider must have read.
pub(crate) fn asks(from: &HeaderMap, to: &mut HeaderMap) -> String {
    let key = generate_key();
    to.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    to.insert(UPGRADE, HeaderValue::from_static("websocket"));
    to.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    if let Ok(value) = HeaderValue::from_str(&key) {
        to.insert(SEC_WEBSOCKET_KEY, value);
    }
    if says(from, SEC_WEBSOCKET_PROTOCOL, PROTOCOL) {
        to.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    }
    key
}

/// Whether a provider that agrees to a session has read the handshake with this key.
pub(crate) fn agrees<B>(answer: &Response<B>, key: &str) -> bool {
    answer.status() != StatusCode::SWITCHING_PROTOCOLS || accepts(answer.headers(), key)
}

/// Whether a provider's answer accepts the handshake with this key, and adds nothing that was not offered.
fn accepts(answer: &HeaderMap, key: &str) -> bool {
    let accept = answer.get(SEC_WEBSOCKET_ACCEPT).and_then(|value| value.to_str().ok());
    accept == Some(derive_accept_key(key.as_bytes()).as_str()) && !answer.contains_key(SEC_WEBSOCKET_EXTENSIONS)
}

/// Whether a header's list has a word.
fn says(headers: &HeaderMap, name: http::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|own| own.trim().eq_ignore_ascii_case(word))
}

/// What one side said.
pub(super) enum Said {
    /// A text, whole.
    Event(Bytes),
    /// Bytes that are no text.
    Bytes,
    /// A ping or a pong: it lives.
    Nothing,
    /// It ends the session; with a code, if it gave one.
    Closed(Option<u16>),
    /// More than may be.
    Oversized,
    /// What is no frame (RFC 6455 section 5).
    Broken,
    /// What should be text and is none (section 8.1).
    NoText,
    /// There is no room for it beside what others say.
    Roomless(Refusal),
    /// Nothing more will come.
    Gone,
}

/// One side of a session.
pub(super) struct Leg<S = TokioIo<Upgraded>>(WebSocketStream<Weighed<S>>);

impl Leg {
    /// The side whose server we are. `largest` is the longest message, in bytes.
    pub(super) async fn of_caller(stream: Upgraded, largest: usize, held: Held) -> Self {
        Self::of(TokioIo::new(stream), Role::Server, largest, held).await
    }

    /// The side whose client we are.
    pub(super) async fn of_provider(stream: Upgraded, largest: usize, held: Held) -> Self {
        Self::of(TokioIo::new(stream), Role::Client, largest, held).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Leg<S> {
    async fn of(stream: S, role: Role, largest: usize, held: Held) -> Self {
        // RFC 6455 section 5.2: two bytes, and a mask of four where a client says it.
        let control = if role == Role::Server { 6 } else { 2 };
        let stream = Weighed { stream, held, control, since: 0, refused: None };
        Self(WebSocketStream::from_raw_socket(stream, role, Some(config(largest))).await)
    }

    /// What it says next. Nothing is lost if this is not waited for to the end.
    pub(super) async fn next(&mut self) -> Said {
        let said = self.0.next().await;
        let weighed = self.0.get_mut();
        if let Some(refusal) = weighed.refused.take() {
            return Said::Roomless(refusal);
        }
        match said {
            Some(Ok(Message::Text(text))) => {
                weighed.since = 0;
                Said::Event(text.into())
            }
            Some(Ok(Message::Binary(_))) => {
                weighed.since = 0;
                Said::Bytes
            }
            // It may stand between the fragments of a message, whose weight it does not change.
            Some(Ok(Message::Ping(said) | Message::Pong(said))) => {
                weighed.since = weighed.since.saturating_sub(said.len() + weighed.control);
                Said::Nothing
            }
            Some(Ok(Message::Frame(_))) => Said::Nothing,
            Some(Ok(Message::Close(frame))) => Said::Closed(frame.map(|frame| frame.code.into())),
            Some(Err(Error::Capacity(_))) => Said::Oversized,
            Some(Err(Error::Protocol(problem))) if !is_gone(&problem) => Said::Broken,
            Some(Err(Error::Utf8(_))) => Said::NoText,
            Some(Err(_)) | None => Said::Gone,
        }
    }

    /// Says something; `false` if nobody takes it.
    pub(super) async fn say(&mut self, event: Bytes) -> bool {
        let Ok(text) = Utf8Bytes::try_from(event) else { return false };
        self.0.send(Message::Text(text)).await.is_ok()
    }

    /// Ends it with a code, if that is one that may be sent (RFC 6455 section 7.4).
    pub(super) async fn close(&mut self, code: Option<u16>, why: &'static str) {
        let code = code.map(CloseCode::from).filter(|code| code.is_allowed());
        let frame = code.map(|code| CloseFrame { code, reason: why.into() });
        // It answers or is gone; either way nothing more is to be said.
        let _ = timeout(GOODBYE, async {
            if self.0.close(frame).await.is_ok() {
                while let Some(Ok(_)) = self.0.next().await {}
            }
        })
        .await;
    }
}

/// A connection that ended without a word is no broken frame.
fn is_gone(problem: &ProtocolError) -> bool {
    matches!(problem, ProtocolError::ResetWithoutClosingHandshake)
}

fn config(largest: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(largest))
        .max_frame_size(Some(largest))
        .read_buffer_size(PIECE)
        // A message is written when it is said: nothing is gathered for a side that does not read.
        .write_buffer_size(0)
        .max_write_buffer_size(largest.saturating_mul(2).saturating_add(1 << 20))
}

/// A side's bytes, weighed as they come: what is gathered of a message takes room like a body that is held whole.
struct Weighed<S> {
    stream: S,
    held: Held,
    /// What a control frame weighs beside what it says.
    control: usize,
    /// Bytes since the last whole message.
    since: usize,
    /// Why no more of them are taken.
    refused: Option<Refusal>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Weighed<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.since = this.since.saturating_add(buf.filled().len() - before);
        let held = this.held.hold(this.since).map_err(|refusal| this.refused = Some(refusal));
        Poll::Ready(held.map_err(|()| io::ErrorKind::OutOfMemory.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Weighed<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{Leg, Said, Shake, accepts, asks};
    use crate::Metrics;
    use crate::headers::tests::headers;
    use crate::place::{Place, Rooms};
    use bytes::Bytes;
    use http::{HeaderMap, Version};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_tungstenite::tungstenite::protocol::Role;

    const WHOLE: [(&str, &str); 4] = [
        ("upgrade", "WebSocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    /// The example of RFC 6455 section 1.3.
    #[test]
    fn a_handshake_in_order_is_answered_and_nothing_is_negotiated() {
        let shake = Shake::of(Version::HTTP_11, &headers(&WHOLE)).unwrap();
        let provider = [("sec-websocket-extensions", "permessage-deflate"), ("sec-websocket-protocol", "realtime")];
        let mut answer = headers(&provider);
        shake.answer(&headers(&provider), &mut answer);
        assert_eq!(answer["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(answer["sec-websocket-protocol"], "realtime");
        assert!(!answer.contains_key("sec-websocket-extensions"));
    }

    #[test]
    fn a_handshake_that_is_none_is_refused() {
        assert!(Shake::of(Version::HTTP_2, &headers(&WHOLE)).is_err());
        for (place, own) in WHOLE.into_iter().enumerate() {
            let mut lines = WHOLE.to_vec();
            let (name, _) = lines.remove(place);
            assert!(Shake::of(Version::HTTP_11, &headers(&lines)).is_err(), "without {name}");
            lines.push((name, "other"));
            assert!(Shake::of(Version::HTTP_11, &headers(&lines)).is_err(), "{name}: other");
            let mut twice = WHOLE.to_vec();
            twice.push(own);
            assert_eq!(Shake::of(Version::HTTP_11, &headers(&twice)).is_ok(), name == "connection", "{name} twice");
        }
    }

    #[test]
    fn what_the_provider_did_not_read_or_nobody_offered_is_no_session() {
        let mut request = HeaderMap::new();
        let key = asks(&headers(&[("sec-websocket-protocol", "openai-insecure-api-key.sk-1, realtime")]), &mut request);
        assert_eq!(request["sec-websocket-protocol"], "realtime", "and no key");
        let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        assert!(accepts(&headers(&[("sec-websocket-accept", &accept)]), &key));
        assert!(!accepts(&headers(&[("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]), &key));
        assert!(!accepts(&headers(&[]), &key));
        let more = [("sec-websocket-accept", accept.as_str()), ("sec-websocket-extensions", "permessage-deflate")];
        assert!(!accepts(&headers(&more), &key));
    }

    /// One side's words, as they are heard until it ends: whole texts, and how it ended.
    async fn heard(bytes: &[u8], step: usize) -> (Vec<Bytes>, &'static str) {
        let (mut from, to) = tokio::io::duplex(1 << 16);
        let exchanges = std::sync::Arc::new(tokio::sync::Semaphore::new(1));
        let rooms = Rooms::new(1 << 20);
        let place = Place::take(&exchanges, &rooms, Metrics::default().under_way()).unwrap();
        let mut leg = Leg::of(to, Role::Server, LONGEST, place.beside()).await;
        let says = async move {
            for piece in bytes.chunks(step) {
                if from.write_all(piece).await.is_err() {
                    return;
                }
            }
            let _ = from.shutdown().await;
            let _ = from.read_to_end(&mut Vec::new()).await;
        };
        let hears = async move {
            let mut texts = Vec::new();
            loop {
                match leg.next().await {
                    Said::Event(text) => texts.push(text),
                    Said::Nothing | Said::Bytes => {}
                    Said::Closed(_) => return (texts, "closed"),
                    Said::Oversized => return (texts, "oversized"),
                    Said::Broken => return (texts, "broken"),
                    Said::NoText => return (texts, "no text"),
                    Said::Roomless(_) => return (texts, "roomless"),
                    Said::Gone => return (texts, "gone"),
                }
            }
        };
        tokio::join!(says, hears).1
    }

    const LONGEST: usize = 300;

    /// Bytes that are nearly frames, byte by byte and at once: the same is heard, it is text, and never more than may be.
    #[tokio::test]
    async fn nearly_frames_are_heard_alike_however_they_come_and_never_too_much() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        let firsts = [0x81, 0x81, 0x81, 0x81, 0x81, 0x01, 0x80, 0x00, 0x89, 0x8a, 0x82, 0x88, 0xc1, 0x83, 0x09];
        let (mut ends, mut texts) = (std::collections::BTreeSet::new(), 0);
        for round in 0..400 {
            let mut bytes = Vec::new();
            for _ in 0..=draw(6) {
                let length = [0, 1, 5, 125, 126, 299, 301][draw(7)];
                bytes.push(firsts[draw(firsts.len())]);
                match u8::try_from(length) {
                    Ok(short @ ..126) => bytes.push(0x80 | short),
                    _ => bytes.extend([&[0xfe][..], &u16::try_from(length).unwrap().to_be_bytes()].concat()),
                }
                bytes.extend([0; 4]);
                bytes.extend((0..length).map(|_| if draw(900) == 0 { 0xc3 } else { b' ' }));
            }
            for _ in 0..draw(4) / 2 {
                let at = draw(bytes.len());
                bytes[at] ^= 1 << draw(8);
            }
            bytes.truncate(bytes.len() - draw(bytes.len().min(4)));
            let (one, other) = (heard(&bytes, 1).await, heard(&bytes, bytes.len().max(1)).await);
            assert_eq!(one, other, "round {round}: {bytes:x?}");
            assert!(
                one.0.iter().all(|text| text.len() <= LONGEST && std::str::from_utf8(text).is_ok()),
                "round {round}"
            );
            texts += one.0.len();
            ends.insert(one.1);
        }
        assert!(texts > 50, "{texts}");
        assert_eq!(ends.into_iter().collect::<Vec<_>>(), ["broken", "closed", "gone", "no text", "oversized"]);
    }
}
