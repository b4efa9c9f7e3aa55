//! `multipart/form-data` (RFC 7578), read from a complete buffer, with spans.
//!
//! Stricter than the standard, because servers disagree on the rest: no preamble, no epilogue, lines end in CR LF,
//! the boundary occurs nowhere but in delimiters, a part has nothing but a disposition, a type and the encodings
//! that mean "as it is", and no name comes twice unless it says that it is a list (`image[]`). That is the form
//! that every official SDK sends.

use crate::error::Malformed;
use crate::header::Header;
use memchr::memmem::Finder;
use plant::Reason;
use std::ops::Range;

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    /// The field's name.
    pub(crate) name: &'a str,
    /// Its file name and where that stands in the body, if it has one. The span is `None` unless it is in quotes.
    pub(crate) file: Option<(&'a str, Option<Range<usize>>)>,
    /// Its content type as it stands, if it has one.
    pub(crate) kind: Option<&'a str>,
    /// Where its content stands in the body.
    pub(crate) content: Range<usize>,
}

/// Most bytes of one part's headers. A file name of the largest file systems fits 16 times.
const HEADERS: usize = 4096;

/// The boundary that a content type names, if it is one (RFC 2046, section 5.1.1).
pub(crate) fn boundary<'t>(text: &'t str, header: &Header) -> Option<&'t str> {
    let boundary = header.parameter(text, "boundary")?;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let fine = (1..=70).contains(&boundary.len()) && boundary.bytes().all(known) && !boundary.ends_with(' ');
    fine.then_some(boundary)
}

/// Reads every part of a body.
pub(crate) fn parse<'a>(body: &'a [u8], boundary: &str, most: usize) -> Result<Vec<Part<'a>>, Malformed> {
    let delimiter = format!("--{boundary}");
    let finder = Finder::new(delimiter.as_bytes());
    let mut parts = Vec::new();
    let mut at = 0;
    if !body.starts_with(delimiter.as_bytes()) {
        return Err(Malformed::new(0, "the body does not begin with its boundary"));
    }
    loop {
        at += delimiter.len();
        let rest = body.get(at..).unwrap_or_default();
        if let Some(end) = rest.strip_prefix(b"--") {
            return match end {
                b"" | b"\r\n" => Ok(parts),
                _ => Err(Malformed::new(at + 2, "something follows the last boundary")),
            };
        }
        if !rest.starts_with(b"\r\n") {
            return Err(Malformed::new(at, "a boundary is followed by something else than a line end"));
        }
        at += 2;
        if parts.len() >= most {
            return Err(Malformed::with(Reason::BodyTooLarge, at, "the form has more parts than the limit"));
        }
        let start = at;
        let rest = body.get(at..).unwrap_or_default();
        let Some(next) = finder.find(rest) else {
            return Err(Malformed::new(body.len(), "the form ends without its last boundary"));
        };
        // The CR LF before a delimiter belongs to the delimiter.
        let Some(part) = rest.get(..next).and_then(|part| part.strip_suffix(b"\r\n")) else {
            return Err(Malformed::new(at + next, "a boundary stands within a part"));
        };
        let part = parse_part(part, start)?;
        if !part.name.ends_with("[]") && parts.iter().any(|own: &Part<'_>| own.name == part.name) {
            return Err(Malformed::with(Reason::DuplicateKey, start, "the form holds a field twice"));
        }
        parts.push(part);
        at += next;
    }
}

fn parse_part(part: &[u8], start: usize) -> Result<Part<'_>, Malformed> {
    let window = part.get(..HEADERS.min(part.len())).unwrap_or(part);
    let Some(end) = memchr::memmem::find(window, b"\r\n\r\n") else {
        return Err(Malformed::new(start, "the headers of a part do not end, or are too long"));
    };
    let headers = part.get(..end).unwrap_or_default();
    let headers = std::str::from_utf8(headers)
        .map_err(|error| Malformed::new(start + error.valid_up_to(), "the headers of a part are not UTF-8"))?;
    let mut disposition = None;
    let mut kind = None;
    let mut at = start;
    for line in headers.split("\r\n") {
        let bad = |detail| Err(Malformed::new(at, detail));
        let Some((name, value)) = line.split_once(':') else { return bad("a part has a line that is no header") };
        if value.bytes().any(|byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
            return bad("a header of a part holds a control character");
        }
        let value_at = at + name.len() + 1;
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" if disposition.is_none() => disposition = Some(parse_disposition(value, value_at)?),
            "content-type" if kind.is_none() => kind = Some(value.trim_matches([' ', '\t'])),
            "content-transfer-encoding" if as_it_is(value) => {}
            "content-length" if value.trim().bytes().all(|byte| byte.is_ascii_digit()) => {}
            "content-disposition" | "content-type" => return bad("a part has a header twice"),
            "content-transfer-encoding" => return bad("a part has a transfer encoding"),
            _ => return bad("a part has a header that is not known"),
        }
        at += line.len() + 2;
    }
    let Some((name, file)) = disposition else {
        return Err(Malformed::new(start, "a part has no disposition"));
    };
    Ok(Part { name, file, kind, content: start + end + 4..start + part.len() })
}

/// Whether a transfer encoding changes nothing. The others are deprecated (RFC 7578, section 4.7).
fn as_it_is(value: &str) -> bool {
    ["binary", "8bit", "7bit"].iter().any(|known| value.trim().eq_ignore_ascii_case(known))
}

/// A field's name, and its file name with its place.
type Disposition<'a> = (&'a str, Option<(&'a str, Option<Range<usize>>)>);

fn parse_disposition(value: &str, at: usize) -> Result<Disposition<'_>, Malformed> {
    let bad = || Malformed::new(at, "the disposition of a part is not well-formed");
    let header = Header::parse(value).ok_or_else(bad)?;
    if header.value != "form-data" || !header.has_only(&["name", "filename"]) {
        return Err(bad());
    }
    let name = header.parameter(value, "name").filter(|name| !name.is_empty()).ok_or_else(bad)?;
    let file = header.span("filename").and_then(|(span, quoted)| {
        let place = quoted.then(|| at + span.start..at + span.end);
        Some((value.get(span)?, place))
    });
    Ok((name, file))
}

/// Entry for fuzzing: the first line is taken for the boundary, the rest for the body.
pub fn fuzz(bytes: &[u8]) {
    let Some(end) = memchr::memchr(b'\n', bytes) else { return };
    let (Some(line), Some(body)) = (bytes.get(..end), bytes.get(end + 1..)) else { return };
    let Ok(boundary) = std::str::from_utf8(line) else { return };
    if boundary.is_empty() {
        return;
    }
    if let Ok(parts) = parse(body, boundary, 64) {
        let mut last = 0;
        for part in parts {
            debug_assert!(part.content.start >= last && part.content.end < body.len());
            last = part.content.end;
        }
    }
}

#[cfg(test)]
mod tests;
