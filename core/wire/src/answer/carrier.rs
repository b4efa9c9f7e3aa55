//! How an answer is carried: as events, lines, one document, a message, text, or bytes that nobody reads.

/// How an answer is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Server-sent events.
    Events,
    /// JSON values, one to a line.
    Lines,
    /// The elements of one JSON array, as they come.
    Elements,
    /// Messages of Amazon's event stream.
    Messages,
    /// One JSON value.
    Document,
    /// One message of protocol buffers in a frame of gRPC.
    Message,
    /// Text: a transcript, a page.
    Text,
    /// Anything else: recordings, images, files.
    Opaque,
}

/// Bytes that are looked at to tell what a body is.
pub(super) const SAMPLE: usize = 64;

impl Carrier {
    /// What a content type says; `None` if the first bytes must tell.
    pub(super) fn declared(kind: &str) -> Option<Self> {
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/event-stream" => Some(Self::Events),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines"
            | "application/json-lines"
            | "application/stream+json" => Some(Self::Lines),
            "application/vnd.amazon.eventstream" => Some(Self::Messages),
            "application/json" | "text/json" => Some(Self::Document),
            other if other.ends_with("+json") => Some(Self::Document),
            _ => None,
        }
    }

    /// What the first bytes of a body say that declares itself to be none of those.
    ///
    /// SDKs look at what they asked for, not at what the answer declares: events that call themselves an image
    /// would be read by the caller, so they are read here.
    pub(super) fn sniff(kind: &str, sample: &[u8]) -> Self {
        let sample = sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample).trim_ascii_start();
        let kind = kind.trim_start();
        let text = kind.get(..5).is_some_and(|family| family.eq_ignore_ascii_case("text/")) || kind.contains("xml");
        let json = |rest: &[u8]| matches!(rest.trim_ascii_start().first(), Some(b'{' | b'['));
        if sample.strip_prefix(b"data:").is_some_and(json) {
            return Self::Events;
        }
        if text {
            return Self::Text;
        }
        if [&b"data:"[..], b"event:", b"id:", b"retry:", b": "].iter().any(|field| sample.starts_with(field)) {
            return Self::Events;
        }
        if json(sample) { Self::Document } else { Self::Opaque }
    }
}

#[cfg(test)]
mod tests {
    use super::Carrier;

    fn check(kind: &str, sample: &[u8], carrier: Carrier) {
        assert_eq!(Carrier::declared(kind).unwrap_or_else(|| Carrier::sniff(kind, sample)), carrier, "{kind}");
    }

    #[test]
    fn the_content_type_tells_if_it_names_a_form_that_is_read() {
        check("text/event-stream; charset=utf-8", b"{", Carrier::Events);
        check("Application/JSON", b"<html>", Carrier::Document);
        check("application/problem+json", b"", Carrier::Document);
        check("application/x-ndjson", b"", Carrier::Lines);
    }

    #[test]
    fn otherwise_the_bytes_tell() {
        check("image/png", b"\x89PNG", Carrier::Opaque);
        check("image/png", b"data: {\"choices\":", Carrier::Events);
        check("application/octet-stream", b" {\"a\":1}", Carrier::Document);
        check("", b"event: ping\n", Carrier::Events);
        check("", b"", Carrier::Opaque);
        check("text/html", b"<html>", Carrier::Text);
        check("text/plain", b"data: taken at noon", Carrier::Text);
        check("text/plain", b"data: {", Carrier::Events);
        check("t\u{e4}xt", b"x", Carrier::Opaque);
    }
}
