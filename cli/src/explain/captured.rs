//! A request as it was captured: the head and body of one HTTP/1.1 message, as `nc`, a proxy log or a packet
//! capture has it. Read for people who ask what would become of it; the gateway's own framing is stricter.

use http::{HeaderMap, HeaderName, HeaderValue};
use miette::{bail, miette};

/// A captured request.
pub(super) struct Captured {
    pub(super) method: String,
    /// Path and query, without scheme and host.
    target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Captured {
    /// Reads it. The body is what its length or its chunks say, or everything after the head.
    pub(super) fn read(bytes: &[u8]) -> miette::Result<Self> {
        let (head, rest) =
            split(bytes).ok_or_else(|| miette!("the captured request has no empty line after its head"))?;
        let head = std::str::from_utf8(head).map_err(|_| miette!("the head of the captured request is not text"))?;
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let mut words = first.split_ascii_whitespace();
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            bail!("the captured request does not begin with a line like `POST /openai/v1/chat/completions HTTP/1.1`");
        };
        if !version.starts_with("HTTP/") {
            bail!("the captured request is not HTTP: its first line ends in `{version}`");
        }
        let mut headers = HeaderMap::new();
        for (number, line) in lines.enumerate() {
            let (name, value) =
                header(line).ok_or_else(|| miette!("line {} of the captured request is no header", number + 2))?;
            headers.append(name, value);
        }
        let target = match target.find("://").and_then(|at| target.get(at + 3..)) {
            Some(rest) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/"),
            None => target,
        };
        let mut captured = Self { method: method.to_owned(), target: target.to_owned(), headers, body: Vec::new() };
        captured.body = captured.framed(rest)?;
        Ok(captured)
    }

    fn framed(&self, rest: &[u8]) -> miette::Result<Vec<u8>> {
        if self.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return dechunk(rest).ok_or_else(|| miette!("the chunks of the captured body do not add up"));
        }
        let Some(length) = self.header("content-length") else { return Ok(rest.to_vec()) };
        let length: usize = length.parse().map_err(|_| miette!("`{length}` is no content length"))?;
        match rest.get(..length) {
            Some(body) => Ok(body.to_vec()),
            None => bail!("the captured body has {} bytes, and its head says {length}", rest.len()),
        }
    }

    /// The first value of a header, by its lower-case name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The first step of the path.
    pub(super) fn provider(&self) -> String {
        self.whole_path().trim_start_matches('/').split('/').next().unwrap_or_default().to_owned()
    }

    /// The path below the provider. With `direct`, the request was captured on its way to the provider itself and
    /// its path does not name one, unless it does.
    pub(super) fn path(&self, direct: bool) -> String {
        let whole = self.whole_path();
        let below = whole.strip_prefix('/').unwrap_or(whole).find('/').and_then(|slash| whole.get(slash + 1..));
        let versioned = self.provider().strip_prefix('v').is_some_and(|rest| rest.parse::<u8>().is_ok());
        if direct && (versioned || self.provider() == "api") {
            whole.to_owned()
        } else {
            below.unwrap_or("/").to_owned()
        }
    }

    /// What follows the path's question mark.
    pub(super) fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    fn whole_path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim().parse().ok()?, HeaderValue::from_bytes(value.trim().as_bytes()).ok()?))
}

/// Head and rest, at the first empty line.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = |mark: &[u8]| bytes.windows(mark.len()).position(|window| window == mark).map(|start| (start, mark.len()));
    let first = [at(b"\r\n\r\n"), at(b"\n\n")].into_iter().flatten().min()?;
    Some((bytes.get(..first.0)?, bytes.get(first.0 + first.1..)?))
}

fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(rest.get(..end)?).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        rest = rest.get(end + 1..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size..)?;
        rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))?;
    }
}

#[cfg(test)]
mod tests {
    use super::Captured;

    fn read(text: &str) -> Captured {
        Captured::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_request_is_read_as_it_was_captured() {
        let captured =
            read("POST /openai/v1/chat/completions?a=b HTTP/1.1\r\nHost: gate\r\nContent-Length: 2\r\n\r\n{}more");
        assert_eq!((captured.provider().as_str(), captured.path(false).as_str()), ("openai", "/v1/chat/completions"));
        assert_eq!((captured.query(), captured.body.as_slice()), (Some("a=b"), b"{}".as_slice()));
        assert_eq!(captured.header("host"), Some("gate"));
    }

    #[test]
    fn bare_line_feeds_and_absolute_targets_are_read_too() {
        let captured = read("GET https://gate:8443/openai/v1/models HTTP/1.1\nHost: gate\n\n");
        assert_eq!((captured.provider().as_str(), captured.path(false).as_str()), ("openai", "/v1/models"));
    }

    #[test]
    fn a_request_on_its_way_to_the_provider_keeps_its_path() {
        let captured = read("POST /v1/messages HTTP/1.1\n\n{}");
        assert_eq!(captured.path(true), "/v1/messages");
        assert_eq!(read("POST /openai/v1/models HTTP/1.1\n\n").path(true), "/v1/models");
    }

    #[test]
    fn chunks_are_joined() {
        let captured = read(
            "POST /openai/v1/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n4;x=y\r\na\":1\r\n0\r\n\r\n",
        );
        assert_eq!(captured.body, b"{\"a\":1");
    }

    #[test]
    fn what_is_no_request_is_refused_with_a_reason() {
        let why = |text: &str| Captured::read(text.as_bytes()).err().unwrap().to_string();
        assert_eq!(why("POST / HTTP/1.1"), "the captured request has no empty line after its head");
        assert!(why("hello\n\n").contains("does not begin with a line like"));
        assert!(why("POST / HTTP/1.1\nContent-Length: 9\n\n{}").contains("has 2 bytes"));
        assert!(why("POST / HTTP/1.1\nTransfer-Encoding: chunked\n\nz\n").contains("do not add up"));
    }
}
