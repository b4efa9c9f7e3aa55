//! What a message of JSON-RPC asks of a server of tools (MCP): its method, and the tool or resource that it names.

use super::asks::member;
use crate::error::Malformed;
use crate::json::{Kind, Text, Value};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::borrow::Cow;

/// A request, a notification, or the caller's own answer to the server.
#[derive(Clone, Debug)]
pub(super) struct Rpc<'a> {
    /// `None` in an answer.
    method: Option<Cow<'a, str>>,
    /// The tool, prompt or resource.
    pub(super) name: Option<Cow<'a, str>>,
}

impl<'a> Rpc<'a> {
    /// Reads it from the body's outermost value. A list of messages is none: MCP has none since 2025-06-18, and each of
    /// its messages would need a decision of its own.
    pub(super) fn read(root: Value<'_, 'a>) -> Result<Self, Malformed> {
        let wrong = |at: Value<'_, '_>, detail| Err(Malformed::new(at.span().start, detail));
        match member(root, "jsonrpc")? {
            Some(version) if version.text().is_some_and(|text| text.is("2.0")) => {}
            _ => return wrong(root, "this is no message of JSON-RPC 2.0"),
        }
        let method = match member(root, "method")? {
            None => None,
            Some(method) => match method.text() {
                Some(text) if !text.is_empty() => Some(text.decode()),
                _ => return wrong(method, "the method is no name"),
            },
        };
        let key = match method.as_deref() {
            Some("tools/call" | "prompts/get") => "name",
            Some("resources/read" | "resources/subscribe" | "resources/unsubscribe") => "uri",
            _ => return Ok(Self { method, name: None }),
        };
        let parameters = member(root, "params")?.filter(|parameters| parameters.kind() == Kind::Object);
        let name = parameters.map(|parameters| member(parameters, key)).transpose()?.flatten();
        match name.and_then(Value::text).filter(|name| !name.is_empty()) {
            Some(name) => Ok(Self { method, name: Some(Text::decode(name)) }),
            None => wrong(root, "the message does not say what it calls"),
        }
    }

    /// The tool that it calls, if it calls one.
    pub(super) fn tool(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.method.as_deref() == Some("tools/call"))
    }

    /// Whether a header says something else.
    pub(super) fn belied_by(&self, header: &str, value: &[u8]) -> bool {
        let own = match header {
            "mcp-method" => &self.method,
            "mcp-name" => &self.name,
            _ => return false,
        };
        let said = decoded(value);
        own.as_deref().is_none_or(|own| said.as_deref() != Some(own.as_bytes()))
    }
}

/// A header's value; what does not fit into one is written `=?base64?...?=`.
fn decoded(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    match value.strip_prefix(b"=?base64?").and_then(|value| value.strip_suffix(b"?=")) {
        Some(inner) => BASE64_STANDARD.decode(inner).ok().map(Cow::Owned),
        None => Some(Cow::Borrowed(value.trim_ascii())),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Request, endpoint};
    use plant::{Dialect, Reason};

    fn read(body: &str) -> Result<Request<'_>, Reason> {
        let endpoint = endpoint(Dialect::Mcp, "POST", "/mcp").unwrap();
        let read = Request::parse(endpoint, Some("application/json"), body.as_bytes(), &Limits::default());
        read.map_err(|malformed| malformed.reason)
    }

    const CALL: &str =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_tag","arguments":{"tag":"x"}}}"#;

    #[test]
    fn a_call_names_its_tool_and_asks_no_model() {
        let call = read(CALL).unwrap();
        assert_eq!((call.tools(), call.asked_model()), (&["read_tag".to_owned()][..], None));
        let other = read(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).unwrap();
        assert!(other.tools().is_empty());
        assert!(read(r#"{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}"#).unwrap().tools().is_empty());
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_message() {
        for (body, reason) in [
            ("[]", Reason::Malformed),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Reason::Malformed),
            (r#"{"id":1,"method":"ping"}"#, Reason::Malformed),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, Reason::Malformed),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, Reason::Malformed),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, Reason::Malformed),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["read_tag"]}"#, Reason::Malformed),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["a"]}}"#, Reason::Malformed),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","Params":{},"params":{"name":"a"}}"#,
                Reason::DuplicateKey,
            ),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#, Reason::DuplicateKey),
            (r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a","NAME":"b"}}"#, Reason::DuplicateKey),
        ] {
            assert_eq!(read(body).err(), Some(reason), "{body}");
        }
    }

    #[test]
    fn headers_say_what_the_body_says() {
        let call = read(CALL).unwrap();
        for (name, value, belied) in [
            ("mcp-method", "tools/call", false),
            ("mcp-name", "read_tag", false),
            ("mcp-name", "=?base64?cmVhZF90YWc=?=", false),
            ("mcp-session-id", "anything", false),
            ("mcp-method", "tools/list", true),
            ("mcp-name", "write_tag", true),
            ("mcp-name", "=?base64?????=", true),
            ("mcp-name", "", true),
        ] {
            assert_eq!(call.belied_by(name, value.as_bytes()), belied, "{name}: {value}");
        }
        let list = read(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).unwrap();
        assert!(list.belied_by("mcp-name", b"read_tag"), "a name where nothing is called");
    }
}
