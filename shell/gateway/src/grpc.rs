//! Calls of gRPC, beside what they share with all others: which provider they mean, how long they may take, and how an outcome
//! is told in trailers.
//!
//! A client of gRPC knows a host and a method, and no path in front of it that could name a provider. So the host names it: the one
//! that a provider has in the plant file, or else the one provider that has none.

use crate::Inforce;
use crate::intake::{self, Encoding};
use crate::intercept::Authority;
use crate::place::Place;
use crate::reply::Body;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HOST, TE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, request};
use plant::{ProviderId, Reason, Refusal};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPTED: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// What is said in the trailers of a call, or of one encoding.
const OWN: [HeaderName; 4] = [STATUS, MESSAGE, ENCODING, ACCEPTED];

/// Longest text that a caller is told of a provider's error, in characters.
const LONGEST: usize = 4096;

/// What a call of gRPC says of itself in its head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    began: Instant,
    /// How long the caller waits.
    timeout: Option<Duration>,
    /// Whether its time can be read.
    timely: bool,
}

impl Call {
    /// `None` for a call of HTTP.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        is_grpc(headers).then(|| {
            let said = headers.get(&TIMEOUT);
            let timeout = said.and_then(|value| value.to_str().ok()).and_then(wire::grpc::timeout);
            Self { began: Instant::now(), timeout, timely: said.is_none() || timeout.is_some() }
        })
    }

    /// Refuses what is no call of gRPC, though its content type says so.
    pub(crate) fn well_formed(&self, post: bool, query: Option<&str>) -> Result<(), Refusal> {
        let refuse = |detail| Err(Refusal::new(Reason::BadRequest, detail));
        match (post, query) {
            (true, None) if self.timely => Ok(()),
            (true, None) => refuse("the head gives gRPC no time that can be read"),
            _ => refuse("a call of gRPC is a POST without a query"),
        }
    }

    /// How long the caller waits, if it says so.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.timeout
    }

    /// What the provider is told beside what is carried across.
    pub(crate) fn carry(&self, to: &mut HeaderMap) {
        to.remove(ACCEPT_ENCODING);
        // What is not compressed can be read.
        to.insert(ACCEPTED, HeaderValue::from_static("identity"));
        to.insert(TE, HeaderValue::from_static("trailers"));
        let left = self.timeout.map(|timeout| timeout.saturating_sub(self.began.elapsed()).as_millis().max(1));
        // Eight digits of milliseconds are a day.
        let left = left.filter(|left| *left < 100_000_000).and_then(|left| format!("{left}m").parse().ok());
        if let Some(left) = left {
            to.insert(TIMEOUT, left);
        }
    }
}

/// Whether a content type is gRPC's own; the one for browsers (`application/grpc-web`) is not.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let own = "application/grpc";
    kind.get(..own.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(own.as_bytes()))
        && matches!(kind.get(own.len()), None | Some(b'+' | b';' | b' '))
}

/// The provider that a call means by the host that it names.
pub(crate) fn provider<'a>(head: &request::Parts, inforce: &'a Inforce) -> Result<&'a ProviderId, Refusal> {
    let of = |text: &str| Authority::parse(text, Some(80)).map(|own| own.host);
    let own = head.uri.authority().and_then(|own| of(own.as_str()));
    let host = head.headers.get(HOST).and_then(|host| of(host.to_str().unwrap_or_default()));
    if own.is_some() && host.is_some() && own != host {
        return Err(Refusal::new(Reason::HostMismatch, "the authority of the call and its `Host` differ"));
    }
    let host = own.or(host).ok_or_else(|| Refusal::new(Reason::BadRequest, "the call names no host"))?;
    let providers = || inforce.plant().providers.values().filter_map(|one| Some((&one.id, one.grpc.as_ref()?)));
    let named = providers().find(|(_, grpc)| grpc.names.contains(&host));
    let found = named.or_else(|| providers().find(|(_, grpc)| grpc.names.is_empty()));
    found.map(|(id, _)| id).ok_or_else(|| {
        Refusal::new(Reason::UnknownProvider, format!("no provider is meant by gRPC under the host `{host}`"))
    })
}

/// Undoes what compresses messages; never gives more than `limit` bytes, however small the bomb.
pub(crate) async fn plain(body: Bytes, headers: &HeaderMap, limit: u64, place: &mut Place) -> Result<Bytes, Refusal> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let messages = wire::grpc::messages(&body, most)?;
    if messages.iter().all(|message| !message.compressed) {
        return Ok(body);
    }
    let refuse = |detail| Refusal::new(Reason::ContentEncoding, detail);
    let encoding = match headers.get(&ENCODING).map(HeaderValue::as_bytes) {
        Some(b"gzip") => Encoding::Gzip,
        Some(b"deflate") => Encoding::Deflate,
        _ => return Err(refuse("the encoding of the messages is not one that we read")),
    };
    let mut whole = Vec::new();
    for message in messages {
        let bytes = body.get(message.span).unwrap_or_default();
        let mut plain = Vec::new();
        if message.compressed {
            let left = limit.saturating_sub(whole.len() as u64);
            let mut decoder = intake::decoder(encoding, bytes, true).take(left.saturating_add(1));
            let read = decoder.read_to_end(&mut plain).await;
            read.map_err(|_| refuse("a message is not what its encoding says"))?;
        } else {
            plain.extend_from_slice(bytes);
        }
        let head = wire::grpc::head(plain.len()).filter(|_| plain.len() <= most.saturating_sub(whole.len()));
        let head = head.ok_or_else(|| {
            Refusal::new(Reason::BodyTooLarge, format!("the body is larger than {limit} bytes once it is read"))
        })?;
        whole.extend_from_slice(&head);
        whole.extend_from_slice(&plain);
        place.hold(body.len().saturating_add(whole.len()))?;
    }
    Ok(whole.into())
}

/// How a call ended, by the provider's word.
pub(crate) struct Outcome {
    /// The status code.
    pub(crate) status: u32,
    /// What its error says.
    pub(crate) message: Option<String>,
    trailers: HeaderMap,
}

impl Outcome {
    /// Reads trailers, or a head that is all there is.
    pub(crate) fn of(trailers: &HeaderMap) -> Result<Self, Refusal> {
        let broken = || Refusal::new(Reason::ProviderBroken, "its trailers give the call no one status");
        let mut said = trailers.get_all(&STATUS).iter();
        let status = said.next().filter(|_| said.next().is_none()).and_then(|value| value.to_str().ok());
        let digits = status.filter(|text| (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()));
        let status = digits.and_then(|text| text.parse().ok()).ok_or_else(broken)?;
        let message = trailers.get(&MESSAGE).map(|value| wire::grpc::unescaped(value.as_bytes()));
        Ok(Self { status, message: message.filter(|text| !text.is_empty()), trailers: trailers.clone() })
    }

    /// The trailers that the caller gets. What they hold that is no text nobody has read.
    pub(crate) fn tell(self, mut carry: impl FnMut(&HeaderMap, &mut HeaderMap)) -> HeaderMap {
        let mut out = HeaderMap::new();
        carry(&self.trailers, &mut out);
        without_own(&mut out);
        say(self.status, self.message.as_deref(), &mut out);
        out
    }
}

/// Takes out what is said in trailers only, and what is no text.
pub(crate) fn without_own(headers: &mut HeaderMap) {
    let binary: Vec<_> = headers.keys().filter(|name| name.as_str().ends_with("-bin")).cloned().collect();
    for name in OWN.iter().chain(&binary) {
        headers.remove(name);
    }
}

/// The outcome that stands in the head of an answer without a body.
pub(crate) fn alone(headers: &HeaderMap) -> Option<u32> {
    Outcome::of(headers).ok().map(|own| own.status)
}

fn say(status: u32, message: Option<&str>, to: &mut HeaderMap) {
    to.insert(STATUS, HeaderValue::from(status));
    let message: Option<String> = message.map(|text| text.chars().take(LONGEST).collect());
    if let Some(value) = message.and_then(|text| HeaderValue::from_str(&wire::grpc::escaped(&text)).ok()) {
        to.insert(MESSAGE, value);
    }
}

/// A refusal or a failure: an answer that is trailers only.
pub(crate) fn error(refusal: &Refusal, record: Option<&str>, until: Instant) -> Response<Body> {
    let mut reply = Response::new(Body::whole(Bytes::new(), until));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let text = wire::message(refusal, record);
    say(wire::grpc::status(refusal.reason), Some(&text), reply.headers_mut());
    reply
}

/// A failure of a call whose head has gone out: the trailers that end it.
pub(crate) fn trailers(refusal: &Refusal, record: Option<&str>) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    say(wire::grpc::status(refusal.reason), Some(&wire::message(refusal, record)), &mut trailers);
    trailers
}

#[cfg(test)]
mod tests {
    use super::{Call, Outcome, is_grpc};
    use crate::headers::tests::headers;

    #[test]
    fn the_content_type_tells_grpc_from_what_is_like_it() {
        let own = |kind| is_grpc(&headers(&[("content-type", kind)]));
        assert!(own("application/grpc") && own("application/grpc+proto") && own("Application/gRPC; a=b"));
        assert!(!own("application/grpc-web") && !own("application/grpcx") && !own("application/json"));
    }

    #[test]
    fn an_outcome_has_one_status() {
        let status = |lines| Outcome::of(&headers(lines)).ok().map(|own| own.status);
        assert_eq!(status(&[("grpc-status", "0")]), Some(0));
        assert_eq!(status(&[("grpc-status", "14"), ("grpc-message", "no%20more")]), Some(14));
        for wrong in [&[][..], &[("grpc-status", "")], &[("grpc-status", "0"), ("grpc-status", "0")]] {
            assert_eq!(status(wrong), None, "{wrong:?}");
        }
        assert_eq!(status(&[("grpc-status", "-1")]), None);
        assert_eq!(status(&[("grpc-status", "99999999999")]), None);
    }

    #[test]
    fn a_time_that_cannot_be_read_is_no_call() {
        let call = |time| Call::of(&headers(&[("content-type", "application/grpc"), ("grpc-timeout", time)])).unwrap();
        assert!(call("100m").well_formed(true, None).is_ok());
        assert!(call("soon").well_formed(true, None).is_err());
        assert!(call("100m").well_formed(true, Some("a=b")).is_err());
        assert!(call("100m").well_formed(false, None).is_err());
    }
}
