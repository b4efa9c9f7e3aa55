//! Media that travels inside text: base64, data URLs, and what the first bytes really are.

pub(crate) mod base64;

use self::base64::decode;
use std::borrow::Cow;

/// What stood where media is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// Binary content of this media type.
    Binary(String),
    /// It decodes to text, and is read as such: base64 must not be a way around reading.
    Text(String),
    /// It begins like binary content of this type, or has some, and most of it reads all the same.
    Readable(String, String),
}

/// Fewest base64 characters that are taken for media: below that, a word is as likely.
const SHORTEST: usize = 16;

/// Fewest that are taken for media of no known format: below that, a key or a password is likelier, and is read.
const SHORTEST_UNKNOWN: usize = 512;

/// Reads base64 that stands where media is expected. `None` if it is no base64, and so must be read as text.
pub(crate) fn expected(text: &str, claimed: Option<&str>) -> Option<Media> {
    if text.len() < SHORTEST || !is_base64(text) {
        return None;
    }
    let head = decode_head(text)?;
    let kind = |sniffed| named(claimed, sniffed);
    match (sniff(&head), legible(&head)) {
        (None, true) => match decode(text).map(String::from_utf8)? {
            Ok(inner) if is_text(inner.as_bytes()) => Some(Media::Text(inner)),
            Ok(inner) => Some(Media::Readable(kind(None), inner)),
            Err(bytes) => Some(Media::Readable(kind(None), latin(bytes.as_bytes()))),
        },
        // The frame of a PDF is text, and what it says is not: that is for who opens it.
        (Some("application/pdf"), _) => Some(Media::Binary(kind(Some("application/pdf")))),
        // `GIF89a password=...` is a picture to who looks at six bytes.
        (Some(sniffed), true) => match decode(text).filter(|bytes| legible(bytes)) {
            Some(bytes) => Some(Media::Readable(kind(Some(sniffed)), lossy(&bytes))),
            None => Some(Media::Binary(kind(Some(sniffed)))),
        },
        (Some(sniffed), false) => Some(Media::Binary(kind(Some(sniffed)))),
        (None, false) => (text.len() >= SHORTEST_UNKNOWN).then(|| Media::Binary(kind(None))),
    }
}

/// What the first of a long string of base64 says that it is: media of a known format that is nothing to be read.
/// `expected` says whether media is expected there, and as what it is claimed. Whether the rest is base64 is yet to be seen.
#[expect(clippy::option_option, reason = "outer: expected at all; inner: something is claimed")]
pub(crate) fn begins(text: &str, expected: Option<Option<&str>>) -> Option<String> {
    let head = decode_head(text)?;
    let sniffed = sniff(&head).filter(|_| !legible(&head))?;
    match expected {
        Some(claimed) => Some(named(claimed, Some(sniffed))),
        None => (!by_chance(&head)).then(|| sniffed.to_owned()),
    }
}

/// What bytes of no known format say, if most of them say something: a text in Latin-1 or UTF-16, or one with a few
/// bytes in it that keep it from being UTF-8.
pub(crate) fn readable(bytes: &[u8]) -> Option<String> {
    (sniff(bytes).is_none() && legible(bytes)).then(|| lossy(bytes))
}

/// Whether seven of eight bytes are printed, zeros aside: of UTF-16 every other byte is one.
fn legible(bytes: &[u8]) -> bool {
    if is_text(bytes) {
        return true;
    }
    let shown = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    let (shown, unseen) = bytes.iter().filter(|byte| **byte != 0).fold((0usize, 0usize), |(shows, hides), byte| {
        if shown(byte) || *byte >= 0xC2 && *byte < 0xF5 { (shows + 1, hides) } else { (shows, hides + 1) }
    });
    shown >= 8 && unseen * 7 <= shown
}

fn lossy(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| latin(bytes), str::to_owned)
}

/// Bytes as Latin-1, in which each byte is a character.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect()
}

/// Finds media where none is expected: a whole string of base64 that begins like a known format.
pub(crate) fn unexpected(text: &str) -> Option<Media> {
    const WORTH: usize = 64;
    // Nearly every text shows in its first word that it is none.
    let opening = text.get(..WORTH.min(text.len())).filter(|opening| opening.len() == WORTH && is_base64(opening))?;
    let head = decode_head(opening)?;
    let sniffed = sniff(&head).filter(|_| !by_chance(&head))?;
    is_base64(text).then(|| Media::Binary(sniffed.to_owned()))
}

/// Whether bytes begin like a format of two letters, and go on like none: one signature of 32,768 does, and a conversation
/// holds thousands.
pub(crate) fn by_chance(head: &[u8]) -> bool {
    match head {
        [b'B', b'M', ..] => head.get(6..10) != Some(&[0; 4]),
        [b'M', b'Z', ..] => head.get(5) != Some(&0) || head.get(7) != Some(&0),
        _ => false,
    }
}

/// Reads a data URL (RFC 2397): one in base64, or one in percent encoding. `None` if it is none, or says what it says.
pub(crate) fn data_url(text: &str) -> Option<Media> {
    let scheme = text.get(..5)?;
    if !scheme.eq_ignore_ascii_case("data:") {
        return None;
    }
    let (head, data) = text.get(5..)?.split_once(',')?;
    if !is_base64_url(head) {
        return unpercent(text).map(Media::Text);
    }
    expected(data, head.get(..head.len() - ";base64".len()))
}

/// Where the data of a data URL in base64 begins, and as what it is claimed.
pub(crate) fn data_url_head(text: &str) -> Option<(usize, &str)> {
    let rest = text.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:")).and_then(|_| text.get(5..))?;
    let (head, _) = rest.split_once(',').filter(|(head, _)| is_base64_url(head))?;
    Some((5 + head.len() + 1, head.get(..head.len() - ";base64".len())?))
}

/// Whether what stands in front of a data URL's comma says that base64 follows.
pub(crate) fn is_base64_url(head: &str) -> bool {
    let marker = head.len().checked_sub(";base64".len());
    marker.and_then(|marker| head.get(marker..)).is_some_and(|marker| marker.eq_ignore_ascii_case(";base64"))
}

/// What the query of an address says whose blanks are written as `+` (HTML, section 4.10.21.8), if a text is one.
pub(crate) fn form_query(text: &str) -> Option<String> {
    let (address, query) = text.split_once('?')?;
    let (scheme, _) = address.split_once("://")?;
    let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    (web && query.contains('+')).then(|| query.replace('+', " "))
}

/// What stands in front of a data URL's data, unless it is a usual type: whatever else it is leaves, and nobody looks.
pub(crate) fn unusual_type(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked(5)?;
    let (head, _) = rest.split_once(',')?;
    let split = head.len().checked_sub(";base64".len()).and_then(|marker| head.split_at_checked(marker));
    let kind = split.filter(|(_, marker)| marker.eq_ignore_ascii_case(";base64")).map_or(head, |(kind, _)| kind);
    (scheme.eq_ignore_ascii_case("data:") && !kind.is_empty() && !is_usual(kind)).then_some(head)
}

/// Whether a media type, with its parameters, is one that says nothing of the caller.
pub(crate) fn is_usual(kind: &str) -> bool {
    const TEXTS: [&str; 10] = [
        "text/plain",
        "text/csv",
        "text/markdown",
        "text/html",
        "text/xml",
        "application/json",
        "application/jsonl",
        "application/x-ndjson",
        "application/xml",
        "application/octet-stream",
    ];
    let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let kind = kind.trim().to_ascii_lowercase();
    let charset =
        ["", "charset=utf-8", "charset=us-ascii"].iter().any(|own| parameters.trim().eq_ignore_ascii_case(own));
    charset && (TEXTS.contains(&kind.as_str()) || SIGNATURES.iter().any(|own| agree(&kind, own.media)))
}

/// A query as a person would read it: `%41` is `A`, `+` a blank.
pub(crate) fn query(query: &str) -> Cow<'_, str> {
    let spaced = if query.contains('+') { Cow::Owned(query.replace('+', " ")) } else { Cow::Borrowed(query) };
    unpercent(&spaced).map_or(spaced, Cow::Owned)
}

/// Text with its percent encoding undone (RFC 3986, section 2.1), if it has any.
fn unpercent(text: &str) -> Option<String> {
    match percent_encoding::percent_decode_str(text).into() {
        Cow::Borrowed(_) => None,
        Cow::Owned(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// The media type to note: the claimed one if the bytes do not contradict it, else what they are and what was claimed.
pub(crate) fn named(claimed: Option<&str>, sniffed: Option<&str>) -> String {
    const UNKNOWN: &str = "application/octet-stream";
    match (claimed.and_then(clean), sniffed) {
        (None, sniffed) => sniffed.unwrap_or(UNKNOWN).to_owned(),
        (Some(claimed), Some(sniffed)) if agree(&claimed, sniffed) => claimed,
        (Some(claimed), None) if !SIGNATURES.iter().any(|own| agree(&claimed, own.media)) => claimed,
        (Some(claimed), sniffed) => format!("{}; claimed={claimed}", sniffed.unwrap_or(UNKNOWN)),
    }
}

/// A claimed media type, lower case and without parameters, if it is one at all. It is the caller's text: nothing
/// that is not shaped like a media type is passed on.
fn clean(claimed: &str) -> Option<String> {
    let kind = claimed.split(';').next()?.trim().to_ascii_lowercase();
    let part = |part: &str| {
        (1..=80).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte))
    };
    let (family, member) = kind.split_once('/')?;
    (part(family) && part(member)).then_some(kind)
}

/// Whether bytes that begin like `sniffed` may be called `claimed`.
fn agree(claimed: &str, sniffed: &str) -> bool {
    let office = claimed.starts_with("application/vnd.") || claimed == "application/x-zip-compressed";
    let plain = match claimed {
        "image/jpg" => "image/jpeg",
        "audio/mp3" => "audio/mpeg",
        "audio/x-wav" | "audio/wave" => "audio/wav",
        "audio/m4a" | "audio/x-m4a" | "audio/mp4" | "video/quicktime" => "video/mp4",
        "audio/webm" | "video/x-matroska" => "video/webm",
        "audio/opus" | "video/ogg" | "application/ogg" => "audio/ogg",
        "image/heif" => "image/heic",
        "application/msword" | "application/vnd.ms-excel" | "application/vnd.ms-powerpoint" => {
            "application/x-ole-storage"
        }
        other => other,
    };
    plain == sniffed || claimed == "application/octet-stream" || (office && sniffed == "application/zip")
}

/// How a format begins.
struct Signature {
    at: usize,
    bytes: &'static [u8],
    media: &'static str,
}

macro_rules! signatures {
    ($($at:literal $bytes:literal $media:literal)*) => {
        &[$(Signature { at: $at, bytes: $bytes, media: $media },)*]
    };
}

/// More specific ones first.
static SIGNATURES: &[Signature] = signatures! {
    0 b"\x89PNG\r\n\x1a\n" "image/png"
    0 b"\xff\xd8\xff" "image/jpeg"
    0 b"GIF87a" "image/gif"
    0 b"GIF89a" "image/gif"
    8 b"WEBP" "image/webp"
    8 b"WAVE" "audio/wav"
    8 b"AVI " "video/x-msvideo"
    0 b"BM" "image/bmp"
    0 b"II*\0" "image/tiff"
    0 b"MM\0*" "image/tiff"
    4 b"ftypavif" "image/avif"
    4 b"ftypheic" "image/heic"
    4 b"ftypmif1" "image/heic"
    4 b"ftyp" "video/mp4"
    0 b"%PDF-" "application/pdf"
    0 b"PK\x03\x04" "application/zip"
    0 b"\x1f\x8b\x08" "application/gzip"
    0 b"\x28\xb5\x2f\xfd" "application/zstd"
    0 b"7z\xbc\xaf\x27\x1c" "application/x-7z-compressed"
    0 b"Rar!\x1a\x07" "application/vnd.rar"
    0 b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" "application/x-ole-storage"
    0 b"AC10" "image/vnd.dwg"
    0 b"ID3" "audio/mpeg"
    0 b"\xff\xfb" "audio/mpeg"
    0 b"\xff\xf3" "audio/mpeg"
    0 b"\xff\xf2" "audio/mpeg"
    0 b"OggS" "audio/ogg"
    0 b"fLaC" "audio/flac"
    0 b"\x1a\x45\xdf\xa3" "video/webm"
    0 b"\x7fELF" "application/x-elf"
    0 b"MZ" "application/vnd.microsoft.portable-executable"
};

/// The media type that bytes begin like.
pub(crate) fn sniff(head: &[u8]) -> Option<&'static str> {
    let fits = |own: &&Signature| {
        // A word may begin like a short signature; text is text whatever it begins with.
        let short = own.bytes.is_ascii() && own.bytes.len() < 5 && !own.bytes.contains(&0) && !own.bytes.contains(&3);
        head.get(own.at..).is_some_and(|rest| rest.starts_with(own.bytes)) && !(short && is_text(head))
    };
    SIGNATURES.iter().find(fits).map(|own| own.media)
}

/// Whether bytes can be read as text: UTF-8 (perhaps cut at the end) without control characters that text lacks.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    valid && !bytes.iter().any(|byte| *byte < 0x20 && !b"\t\n\r\x0c\x1b".contains(byte))
}

/// Standard or URL-safe base64, lines and padding allowed.
fn is_base64(text: &str) -> bool {
    const ALPHABET: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            let code = byte as u8;
            let known = code.is_ascii_alphanumeric() || matches!(code, b'+' | b'/' | b'-' | b'_' | b'\r' | b'\n');
            #[expect(clippy::indexing_slicing, reason = "byte is below the table's 256")]
            {
                table[byte] = known;
            }
            byte += 1;
        }
        table
    };
    let body = text.trim_end_matches(['=', '\r', '\n']);
    let padding = text.len() - body.len();
    #[expect(clippy::indexing_slicing, reason = "a byte is below the table's 256")]
    let known =
        body.as_bytes().chunks(64).all(|chunk| chunk.iter().fold(true, |all, byte| all & ALPHABET[*byte as usize]));
    padding <= 4 && known
}

/// The first bytes that base64 stands for; 384 characters are enough for every signature and a look at text.
fn decode_head(text: &str) -> Option<Vec<u8>> {
    let head: String = text.chars().filter(|own| !"\r\n=".contains(*own)).take(384).collect();
    decode(head.get(..head.len() / 4 * 4)?)
}

#[cfg(test)]
mod tests;
