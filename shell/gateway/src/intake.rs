//! Takes a request's body in: within the conduit's bounds, with content encodings undone.
//!
//! What we cannot decode we cannot read, and what we cannot read does not leave. A stack of encodings is
//! refused: no SDK sends one, and each layer multiplies what a small body can grow to.

use crate::grpc;
use crate::life::Stay;
use crate::place::Place;
use crate::room::Room;
use crate::target::Target;
use async_compression::tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, EXPECT};
use http::{HeaderMap, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use plant::{Bounds, Reason, Refusal};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// How much is decoded at a time before others get their turn.
const STEP: usize = 256 << 10;
/// What is taken of a body that nobody will read: two of the usual largest, for as long as a slow network needs.
const DISCARD_MOST: usize = 64 << 20;
const DISCARD_IDLE: Duration = Duration::from_secs(1);
const DISCARD_TOTAL: Duration = Duration::from_secs(10);

/// A content encoding that we can undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Encoding {
    /// What the headers declare. One encoding, or none.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let refuse = || Refusal::new(Reason::ContentEncoding, "the content encoding is unknown or stacked");
        let Some(value) = values.next() else { return Ok(Self::Identity) };
        if values.next().is_some() {
            return Err(refuse());
        }
        match value.to_str().map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            Ok("" | "identity") => Ok(Self::Identity),
            Ok("gzip" | "x-gzip") => Ok(Self::Gzip),
            Ok("deflate") => Ok(Self::Deflate),
            Ok("br") => Ok(Self::Brotli),
            Ok("zstd") => Ok(Self::Zstd),
            _ => Err(refuse()),
        }
    }
}

/// Reads the whole body, decoded.
pub(crate) async fn read(
    body: &mut Incoming,
    target: &Target<'_>,
    bounds: &Bounds,
    place: &mut Place,
) -> Result<Bytes, Refusal> {
    let encoding = Encoding::of(target.headers)?;
    if body.size_hint().lower() > bounds.request {
        return Err(too_large(bounds.request));
    }
    let raw = timeout(bounds.total, collect(body, bounds, place))
        .await
        .unwrap_or_else(|_| Err(Refusal::new(Reason::BodyTimeout, "the body took longer than the exchange may")))?;
    let whole = match encoding {
        Encoding::Identity => raw,
        encoding => undo(encoding, &raw, bounds.request, place).await?,
    };
    match target.grpc {
        Some(_) => grpc::plain(whole, target.headers, bounds.request, place).await,
        None => Ok(whole),
    }
}

async fn collect(body: &mut Incoming, bounds: &Bounds, place: &mut Place) -> Result<Bytes, Refusal> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    place.hold(declared)?;
    let limit = usize::try_from(bounds.request).unwrap_or(usize::MAX);
    let mut whole: Option<Room> = None;
    let mut single: Option<Bytes> = None;
    loop {
        let frame = timeout(bounds.idle, body.frame())
            .await
            .map_err(|_| Refusal::new(Reason::BodyTimeout, "the body stalled"))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|problem| broken(&problem))?;
        // Trailers are read and dropped: they are not forwarded.
        let Ok(data) = frame.into_data() else { continue };
        let held = single.as_ref().map_or_else(|| whole.as_ref().map_or(0, Room::len), Bytes::len);
        let length = held + data.len();
        if length > limit {
            return Err(too_large(bounds.request));
        }
        place.hold(length)?;
        // Most bodies arrive in one frame, which then needs no copy. Others get all the space that they declare at
        // once: growing would double it and copy them again and again.
        match (&mut whole, single.take()) {
            (Some(whole), _) => whole.extend(&data),
            (None, None) => single = Some(data),
            (None, Some(first)) => {
                let mut room = Room::of(declared.max(length));
                room.extend(&first);
                room.extend(&data);
                whole = Some(room);
            }
        }
    }
    Ok(single.or_else(|| whole.map(Room::freeze)).unwrap_or_default())
}

/// What a body that does not come to its end says of its sender: chunks that are none, or nothing any more.
fn broken(problem: &hyper::Error) -> Refusal {
    let malformed = std::error::Error::source(problem)
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .is_some_and(|source| matches!(source.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData));
    if malformed {
        return Refusal::new(Reason::BadRequest, "the body's framing broke");
    }
    Refusal::new(Reason::CallerLeft, "while sending the body")
}

/// Takes what a refused caller still sends, so that it gets to read the refusal: one that is in the middle of a
/// large body when the connection closes sees a reset (RFC 9112 section 9.6). Not on HTTP/2, which can say so, and
/// not for a caller that waits to be told to go on.
///
/// It goes on beside the refusal, which a caller may read before it has sent all: one that sends slowly, or waits to hear
/// something first, would otherwise be told late. Until it ends the exchange stays on its connection.
pub(crate) fn discard(mut body: Incoming, version: Version, headers: &HeaderMap, stay: Stay) {
    if version > Version::HTTP_11 || headers.contains_key(EXPECT) || body.is_end_stream() {
        return;
    }
    let all = async move {
        let mut taken = 0_usize;
        while let Ok(Some(Ok(frame))) = timeout(DISCARD_IDLE, body.frame()).await {
            taken = taken.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if taken > DISCARD_MOST {
                break;
            }
        }
    };
    // It ends in any case: with its time, or with its connection, whichever is first.
    tokio::spawn(async move {
        let _ = timeout(DISCARD_TOTAL, all).await;
        drop(stay);
    });
}

fn too_large(limit: u64) -> Refusal {
    Refusal::new(Reason::BodyTooLarge, format!("the body is larger than {limit} bytes"))
}

/// Undoes an encoding; never gives more than `limit` bytes, however small the bomb.
async fn undo(encoding: Encoding, raw: &Bytes, limit: u64, place: &mut Place) -> Result<Bytes, Refusal> {
    // `deflate` means zlib (RFC 9110 section 8.4.1.2); some clients send it bare all the same.
    let zlib = raw.first().is_some_and(|byte| byte & 0x0f == 8);
    let mut reader = decoder(encoding, &**raw, zlib).take(limit.saturating_add(1));
    let (mut out, mut step) = (Room::of(0), Vec::new());
    loop {
        step.clear();
        let read = (&mut reader).take(STEP as u64).read_to_end(&mut step).await;
        let read =
            read.map_err(|_| Refusal::new(Reason::ContentEncoding, "the body is not what its content encoding says"))?;
        out.extend(&step);
        if out.len() as u64 > limit {
            return Err(too_large(limit));
        }
        if read == 0 {
            return Ok(out.freeze());
        }
        place.hold(raw.len().saturating_add(out.len()))?;
        // The bytes are there already, so nothing else would let other exchanges have their turn.
        tokio::task::yield_now().await;
    }
}

/// A reader that undoes the encoding.
pub(crate) fn decoder<'a>(
    encoding: Encoding,
    raw: impl AsyncBufRead + Send + Unpin + 'a,
    zlib: bool,
) -> Box<dyn AsyncRead + Send + Unpin + 'a> {
    match encoding {
        Encoding::Identity => Box::new(raw),
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(raw);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
        Encoding::Deflate if zlib => Box::new(ZlibDecoder::new(raw)),
        Encoding::Deflate => Box::new(DeflateDecoder::new(raw)),
        Encoding::Brotli => Box::new(BrotliDecoder::new(raw)),
        // RFC 8878 section 3.1.1.1.2 lets a frame ask for a huge window; 8 MiB is what decoders must support.
        Encoding::Zstd => Box::new(ZstdDecoder::with_params(raw, &[DParameter::window_log_max(23)])),
    }
}
