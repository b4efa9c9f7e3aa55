//! Deflate, within bounds.

use crate::Why;
use crate::harvest::Harvest;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use std::io::Read;

/// How a deflated stream is wrapped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wrapping {
    /// Not at all (RFC 1951).
    Raw,
    /// RFC 1950.
    Zlib,
    /// RFC 1952, several members allowed.
    Gzip,
}

/// What a stream unfolds to, and what kept it from being all of it.
pub(crate) fn inflate(harvest: &mut Harvest<'_>, bytes: &[u8], wrapping: Wrapping) -> (Vec<u8>, Option<Why>) {
    let most = harvest.room(bytes.len());
    let limit = most as u64 + 1;
    let mut out = Vec::new();
    let read = match wrapping {
        Wrapping::Raw => DeflateDecoder::new(bytes).take(limit).read_to_end(&mut out),
        Wrapping::Zlib => ZlibDecoder::new(bytes).take(limit).read_to_end(&mut out),
        Wrapping::Gzip => MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut out),
    };
    harvest.unfolded(out.len());
    let why = if out.len() > most {
        out.truncate(most);
        Some(Why::TooLarge)
    } else {
        read.err().map(|_| Why::Damaged)
    };
    (out, why)
}
