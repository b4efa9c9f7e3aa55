//! Mail (RFC 5322 with MIME, RFC 2045 to 2047): headers, bodies and attachments, each as what it is.

use crate::harvest::{Harvest, shown};
use crate::{File, kind, text};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Whether a text begins like a mail: with at least two of the headers that mails begin with.
pub(crate) fn is_mail(said: &str) -> bool {
    const KNOWN: [&str; 10] = [
        "from:",
        "to:",
        "subject:",
        "date:",
        "received:",
        "return-path:",
        "message-id:",
        "mime-version:",
        "delivered-to:",
        "content-type:",
    ];
    const ENOUGH: [&str; 4] = ["received:", "message-id:", "mime-version:", "return-path:"];
    let begins = |line: &str, names: &[&str]| {
        names.iter().any(|own| line.get(..own.len()).is_some_and(|head| head.eq_ignore_ascii_case(own)))
    };
    let head = said.lines().take(40).take_while(|line| !line.is_empty());
    let (mut known, mut enough) = (0, false);
    for line in head {
        if !line.starts_with([' ', '\t']) && !line.split_once(':').is_some_and(|(name, _)| is_name(name)) {
            return false;
        }
        known += usize::from(begins(line, &KNOWN));
        enough |= begins(line, &ENOUGH);
    }
    known >= 2 && enough
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

/// Reads a mail, or one part of it.
pub(crate) fn read(harvest: &mut Harvest<'_>, bytes: &[u8]) {
    if !harvest.entry() {
        return;
    }
    let (head, body) = split(bytes);
    let head = unfold(&text::decode_as(head, None));
    let said: Vec<String> = head.lines().map(words).collect();
    harvest.text("headers", said.join("\n"));
    let field = |name: &str| {
        let line = head.lines().find(|line| line.get(..name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name)));
        line.and_then(|line| line.get(name.len()..)).map(|value| value.trim().to_owned())
    };
    let kind = field("content-type:").unwrap_or_else(|| "text/plain".to_owned());
    let encoding = field("content-transfer-encoding:").unwrap_or_default().to_ascii_lowercase();
    if let Some(boundary) = parameter(&kind, "boundary").filter(|_| starts(&kind, "multipart/")) {
        return parts(harvest, body, &boundary);
    }
    let bytes = match encoding.as_str() {
        "base64" => base64(body),
        "quoted-printable" => quoted(body, b'='),
        _ => body.to_vec(),
    };
    let disposition = field("content-disposition:").unwrap_or_default();
    let name = parameter(&disposition, "filename").or_else(|| parameter(&kind, "name"));
    let charset = parameter(&kind, "charset");
    if starts(&kind, "text/plain") {
        return harvest.text("body", text::decode_as(&bytes, charset.as_deref()));
    }
    let recoded = starts(&kind, "text/").then(|| text::decode_as(&bytes, charset.as_deref()));
    let bytes = recoded.as_ref().map_or(bytes.as_slice(), |text| text.as_bytes());
    let media = kind.split(';').next().map(str::trim);
    harvest.within(if recoded.is_some() { "body" } else { "attachment" }, |harvest| {
        kind::read(harvest, &File { bytes, name: name.as_deref(), media });
    });
}

/// The parts between the lines that hold the boundary (RFC 2046, section 5.1). What stands before and after is text.
fn parts(harvest: &mut Harvest<'_>, body: &[u8], boundary: &str) {
    let delimiter = format!("--{boundary}");
    let mut starts = vec![];
    for at in memchr::memmem::find_iter(body, delimiter.as_bytes()) {
        if at == 0 || body.get(at - 1) == Some(&b'\n') {
            starts.push(at);
        }
    }
    let preamble = body.get(..starts.first().copied().unwrap_or(body.len())).unwrap_or_default();
    harvest.hidden("preamble", text::decode_as(preamble, None));
    for (position, start) in starts.iter().enumerate() {
        let end = starts.get(position + 1).copied().unwrap_or(body.len());
        let part = body.get(start + delimiter.len()..end).unwrap_or_default();
        if part.starts_with(b"--") {
            harvest.hidden("epilogue", text::decode_as(part.get(2..).unwrap_or_default(), None));
            continue;
        }
        let part =
            part.iter().position(|byte| *byte == b'\n').and_then(|line| part.get(line + 1..)).unwrap_or_default();
        harvest.within(&shown("part", "", position), |harvest| read(harvest, part));
    }
}

/// Head and body. A part without a head begins with an empty line.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    if let Some(body) = bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n")) {
        return (&[], body);
    }
    let crlf = memchr::memmem::find(bytes, b"\r\n\r\n").map(|at| (at, at + 4));
    let lf = memchr::memmem::find(bytes, b"\n\n").map(|at| (at, at + 2));
    let (end, begin) = [crlf, lf].into_iter().flatten().min().unwrap_or((bytes.len(), bytes.len()));
    (bytes.get(..end).unwrap_or_default(), bytes.get(begin..).unwrap_or_default())
}

/// Lines that go on in the next put together (RFC 5322, section 2.2.3).
fn unfold(head: &str) -> String {
    head.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ")
}

fn starts(kind: &str, family: &str) -> bool {
    kind.get(..family.len()).is_some_and(|own| own.eq_ignore_ascii_case(family))
}

fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|pair| {
        let (own, value) = pair.split_once('=')?;
        own.trim().trim_end_matches('*').eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// A header line with its encoded words resolved (RFC 2047).
fn words(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("=?") {
        let (before, word) = rest.split_at(at);
        let mut fields = word.get(2..).unwrap_or_default().splitn(4, '?');
        let parsed = (fields.next(), fields.next(), fields.next(), fields.next());
        let (Some(charset), Some(coding), Some(data), Some(after)) = parsed else { break };
        let Some(after) = after.strip_prefix('=').filter(|_| charset.len() <= 40 && coding.len() == 1) else {
            out.push_str(before);
            out.push_str("=?");
            rest = word.get(2..).unwrap_or_default();
            continue;
        };
        let bytes = if coding.eq_ignore_ascii_case("b") {
            base64(data.as_bytes())
        } else {
            quoted(data.replace('_', " ").as_bytes(), b'=')
        };
        // White space between two encoded words is none.
        out.push_str(if before.trim().is_empty() && !out.is_empty() { "" } else { before });
        out.push_str(&text::decode_as(&bytes, Some(charset)));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Base64, whatever stands between its characters; up to the first that cannot be.
fn base64(body: &[u8]) -> Vec<u8> {
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut clean: Vec<u8> = body.iter().copied().filter(known).collect();
    if clean.len() % 4 == 1 {
        clean.pop();
    }
    LENIENT.decode(&clean).unwrap_or_default()
}

/// Quoted-printable (RFC 2045, section 6.7).
fn quoted(body: &[u8], escape: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        rest = match (digit(0), digit(1)) {
            _ if *byte != escape => {
                out.push(*byte);
                after
            }
            (Some(high), Some(low)) => {
                out.push(u8::try_from(high << 4 | low).unwrap_or_default());
                after.get(2..).unwrap_or_default()
            }
            _ if after.starts_with(b"\r\n") => after.get(2..).unwrap_or_default(),
            _ if after.starts_with(b"\n") => after.get(1..).unwrap_or_default(),
            _ => {
                out.push(*byte);
                after
            }
        };
    }
    out
}
