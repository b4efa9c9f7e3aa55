//! Takes a request's body in: within the conduit's bounds, with content encodings undone.
//!
//! What we cannot decode we cannot read, and what we cannot read does not leave. A stack of encodings is
//! refused: no SDK sends one, and each layer multiplies what a small body can grow to.

use async_compression::tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use plant::{Bounds, Reason, Refusal};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};

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
pub(crate) async fn read(body: Incoming, headers: &HeaderMap, bounds: &Bounds) -> Result<Bytes, Refusal> {
    let encoding = Encoding::of(headers)?;
    let limit = usize::try_from(bounds.request).unwrap_or(usize::MAX);
    if body.size_hint().lower() > bounds.request {
        return Err(too_large(bounds.request));
    }
    let raw = tokio::time::timeout(bounds.total, collect(body, limit, bounds))
        .await
        .unwrap_or_else(|_| Err(Refusal::new(Reason::BodyTimeout, "the body took longer than the exchange may")))?;
    match encoding {
        Encoding::Identity => Ok(raw),
        encoding => undo(encoding, &raw, limit).await,
    }
}

async fn collect(mut body: Incoming, limit: usize, bounds: &Bounds) -> Result<Bytes, Refusal> {
    let mut whole = BytesMut::new();
    let mut single: Option<Bytes> = None;
    // What was declared is set aside at once: growing by doubling would hold up to three times the body for a
    // moment. What is declared and never sent costs addresses, not memory.
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(limit).min(limit);
    loop {
        let frame = tokio::time::timeout(bounds.idle, body.frame())
            .await
            .map_err(|_| Refusal::new(Reason::BodyTimeout, "the body stalled"))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| Refusal::new(Reason::BadRequest, "the body's framing broke"))?;
        // Trailers are read and dropped: they are not forwarded.
        let Ok(data) = frame.into_data() else { continue };
        if single.as_ref().map_or(whole.len(), Bytes::len) + data.len() > limit {
            return Err(too_large(bounds.request));
        }
        // Most bodies arrive in one frame, which then needs no copy.
        match single.take() {
            None if whole.is_empty() => single = Some(data),
            None => whole.extend_from_slice(&data),
            Some(first) => {
                whole.reserve(declared);
                whole.extend_from_slice(&first);
                whole.extend_from_slice(&data);
            }
        }
    }
    Ok(single.unwrap_or_else(|| whole.freeze()))
}

fn too_large(limit: u64) -> Refusal {
    Refusal::new(Reason::BodyTooLarge, format!("the body is larger than {limit} bytes"))
}

/// Undoes an encoding; never gives more than `limit` bytes, however small the bomb.
async fn undo(encoding: Encoding, raw: &Bytes, limit: usize) -> Result<Bytes, Refusal> {
    // `deflate` means zlib (RFC 9110 section 8.4.1.2); some clients send it bare all the same.
    let zlib = raw.first().is_some_and(|byte| byte & 0x0f == 8);
    let decoded = drain(decoder(encoding, &**raw, zlib), limit).await;
    decoded.map_err(|problem| match problem {
        Some(_) => Refusal::new(Reason::ContentEncoding, "the body is not what its content encoding says"),
        None => too_large(u64::try_from(limit).unwrap_or(u64::MAX)),
    })
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

/// Reads to the end; the error is `None` if there is more than `limit`.
async fn drain(reader: impl AsyncRead + Unpin, limit: usize) -> Result<Bytes, Option<std::io::Error>> {
    let mut out = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(bound).read_to_end(&mut out).await.map_err(Some)?;
    if out.len() > limit { Err(None) } else { Ok(out.into()) }
}
