//! What is said when a call goes wrong: to us, what is malformed; to the caller, an error of its own dialect.

use crate::endpoint::Endpoint;
use plant::{Description, Dialect, Reason, Refusal};
use serde_json::json;
use std::borrow::Cow;

/// Longest id of a request that an error repeats, in bytes.
const LONGEST_ID: usize = 1024;

/// A request that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail} at byte {offset}")]
pub struct Malformed {
    /// The code that the caller gets.
    pub reason: Reason,
    /// The offset in the body of the byte where it shows.
    pub offset: usize,
    /// What is wrong, for the plant's people. Never content.
    pub detail: Cow<'static, str>,
}

impl Malformed {
    /// A body that is not what its content type says.
    pub(crate) fn new(offset: usize, detail: &'static str) -> Self {
        Self::with(Reason::Malformed, offset, detail)
    }

    /// A problem with a code of its own.
    pub(crate) fn with(reason: Reason, offset: usize, detail: &'static str) -> Self {
        Self { reason, offset, detail: Cow::Borrowed(detail) }
    }
}

impl From<crate::json::Error> for Malformed {
    fn from(error: crate::json::Error) -> Self {
        let detail = Cow::Owned(error.problem.to_string());
        Self { reason: error.problem.reason(), offset: error.offset, detail }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::new(malformed.reason, malformed.to_string())
    }
}

/// The content type and body of an error, shaped so that the dialect's own SDK raises its own error class for
/// `status`. The reason code is where that SDK shows a code, and in the message for dialects that have no such
/// place; the record's id is in the message, so that a person who only sees a log line can ask for it.
#[must_use]
pub fn error_body(dialect: Dialect, status: u16, refusal: &Refusal, record: Option<&str>) -> (&'static str, Vec<u8>) {
    let (reason, message) = (refusal.reason, message(refusal, record));
    let mut body = match dialect {
        Dialect::OpenAi | Dialect::Azure | Dialect::Vllm | Dialect::LlamaCpp => json!({
            "error": {"message": message, "type": openai_type(status), "param": null, "code": reason.code()}
        }),
        Dialect::Anthropic => json!({
            "type": "error",
            "error": {"type": anthropic_type(status), "message": message},
            "request_id": record,
        }),
        Dialect::Gemini => json!({ "error": google_error(status, &message, refusal) }),
        // SDKs of Amazon's find the class to raise in a header or here.
        Dialect::Bedrock => json!({ "__type": amazon_type(status), "message": message }),
        Dialect::Cohere => json!({ "id": record, "message": message }),
        Dialect::Mistral => json!({
            "object": "error", "message": message, "type": openai_type(status), "param": null, "code": reason.code()
        }),
        Dialect::Ollama | Dialect::Kserve => json!({ "error": message }),
        Dialect::Described(own) if own.error.is_some() => described_error(own, status, refusal, record),
        Dialect::Mcp => rpc_error(refusal, record),
        // RFC 9457; the type is relative to nothing and names the reason, members beyond the five are extensions.
        Dialect::Json | Dialect::Described(_) => json!({
            "type": format!("urn:penstock:reason:{}", reason.code()),
            "title": reason.message(),
            "status": status,
            "code": reason.code(),
            "record": record,
        }),
    };
    let problem = match dialect {
        Dialect::Described(own) => own.error.is_none(),
        _ => dialect == Dialect::Json,
    };
    if let (true, Some(told), Some(members)) = (problem, refusal.told(), body.as_object_mut()) {
        members.insert("detail".to_owned(), json!(told));
    }
    let kind = if problem { "application/problem+json" } else { "application/json" };
    (kind, body.to_string().into_bytes())
}

/// What the caller is told: the message, of what of an answer it is, its code, and the record to ask for.
#[must_use]
pub fn message(refusal: &Refusal, record: Option<&str>) -> String {
    let (message, code) = (refusal.reason.message(), refusal.reason.code());
    let told = refusal.told().map(|told| format!(": {told}")).unwrap_or_default();
    match record {
        Some(record) => format!("{message}{told} ({code}, record {record})"),
        None => format!("{message}{told} ({code})"),
    }
}

/// A JSON-RPC error without the id of its request, as where that was not read (JSON-RPC 2.0 section 5): clients take it for
/// the answer to what they sent. The code is one that MCP leaves to implementations.
pub(crate) fn rpc_error(refusal: &Refusal, record: Option<&str>) -> serde_json::Value {
    let data = json!({"reason": refusal.reason.code(), "record": record});
    json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32010, "message": message(refusal, record), "data": data}})
}

/// The event that tells a session what is wrong: of one of the caller's own events, which it then names, or of the session.
/// A session goes on after it, or is closed.
#[must_use]
pub fn session_error(refusal: &Refusal, record: &str, of: Option<&[u8]>) -> String {
    let limits = crate::json::Limits::default();
    let event = of.and_then(|bytes| crate::json::Document::parse(bytes, &limits).ok());
    let id = event.and_then(|event| event.root().get("event_id")?.as_str().map(|id| id.into_owned()));
    let (status, code) = (refusal.reason.status(), refusal.reason.code());
    let error = json!({"type": openai_type(status), "code": code, "message": message(refusal, Some(record)), "param": null,
        "event_id": id});
    json!({"type": "error", "event_id": format!("event_{record}"), "error": error}).to_string()
}

/// The message that tells in a stream of messages what is wrong with one of the caller's, in its frame. The stream goes on after it.
#[must_use]
pub fn stream_error(endpoint: Endpoint, refusal: &Refusal, record: &str, of: &[u8]) -> Vec<u8> {
    let limits = crate::protobuf::Limits { depth: 64, nodes: 1 << 16, items: 1 << 16 };
    let request = crate::protobuf::request(endpoint, of, &limits).ok();
    let id = request.and_then(|request| request.id).filter(|id| id.len() <= LONGEST_ID);
    crate::protobuf::error_frame(&message(refusal, Some(record)), id)
}

/// `OpenAI`'s error types by status.
#[must_use]
pub fn openai_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    }
}

/// An error in the form that the plant file describes: its placeholders filled in, a lone `{status}` as a number.
pub(crate) fn described_error(
    description: &Description,
    status: u16,
    refusal: &Refusal,
    record: Option<&str>,
) -> serde_json::Value {
    let form = description.error.as_deref().and_then(|form| serde_json::from_str(form).ok()).unwrap_or_default();
    let said = message(refusal, record);
    let words = [
        ("{code}", refusal.reason.code().to_owned()),
        ("{message}", said),
        ("{record}", record.unwrap_or_default().to_owned()),
        ("{status}", status.to_string()),
    ];
    filled(form, &words, status)
}

/// Fills in one form. What is put in is not looked at again: it stands as it is.
fn filled(form: serde_json::Value, words: &[(&str, String)], status: u16) -> serde_json::Value {
    match form {
        serde_json::Value::String(text) if text == "{status}" => status.into(),
        serde_json::Value::String(text) => {
            let place = |rest: &str| words.iter().find(|(name, _)| rest.starts_with(name));
            let (mut out, mut rest) = (String::new(), text.as_str());
            while let Some(first) = rest.chars().next() {
                let (put, length) = match place(rest) {
                    Some((name, word)) => (word.as_str(), name.len()),
                    None => (rest.get(..first.len_utf8()).unwrap_or_default(), first.len_utf8()),
                };
                out.push_str(put);
                rest = rest.get(length..).unwrap_or_default();
            }
            out.into()
        }
        serde_json::Value::Array(items) => items.into_iter().map(|item| filled(item, words, status)).collect(),
        serde_json::Value::Object(members) => {
            let filled = members.into_iter().map(|(key, member)| (key, filled(member, words, status)));
            serde_json::Value::Object(filled.collect())
        }
        other => other,
    }
}

/// An error as Google's APIs have it (AIP-193): the code in words, and in its details the reason.
pub(crate) fn google_error(status: u16, message: &str, refusal: &Refusal) -> serde_json::Value {
    let word = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        413 => "OUT_OF_RANGE",
        429 => "RESOURCE_EXHAUSTED",
        405..=499 => "FAILED_PRECONDITION",
        502 | 503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    };
    let reason = refusal.reason.code().replace('-', "_").to_ascii_uppercase();
    let info = json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "penstock"});
    json!({"code": status, "message": message, "status": word, "details": [info]})
}

/// The exceptions of Bedrock's runtime by status.
fn amazon_type(status: u16) -> &'static str {
    match status {
        401 | 403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        429 => "ThrottlingException",
        400..=499 => "ValidationException",
        502 => "ModelErrorException",
        503 => "ServiceUnavailableException",
        504 => "ModelTimeoutException",
        _ => "InternalServerException",
    }
}

/// Anthropic's error types by status.
#[must_use]
pub fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        _ => "api_error",
    }
}

#[cfg(test)]
mod tests {
    use super::{Malformed, error_body};
    use plant::{Dialect, Reason, Refusal};

    fn body(dialect: Dialect, reason: Reason) -> serde_json::Value {
        let (_, bytes) = error_body(dialect, reason.status(), &Refusal::new(reason, "KIC-77: violate"), Some("rec-7"));
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn each_dialect_finds_the_code_where_its_sdk_looks() {
        let openai = body(Dialect::OpenAi, Reason::NoConduit);
        assert_eq!(openai["error"]["code"], "no-conduit");
        assert_eq!(openai["error"]["type"], "permission_error");
        assert!(openai["error"]["param"].is_null());
        let anthropic = body(Dialect::Anthropic, Reason::BodyTooLarge);
        assert_eq!(anthropic["type"], "error");
        assert_eq!(anthropic["error"]["type"], "request_too_large");
        assert_eq!(anthropic["request_id"], "rec-7");
        let google = body(Dialect::Gemini, Reason::NoConduit);
        assert_eq!((&google["error"]["code"], &google["error"]["status"]), (&403.into(), &"PERMISSION_DENIED".into()));
        assert_eq!(google["error"]["details"][0]["reason"], "NO_CONDUIT");
        assert_eq!(body(Dialect::Bedrock, Reason::NoConduit)["__type"], "AccessDeniedException");
        assert!(body(Dialect::Cohere, Reason::NoConduit)["message"].as_str().unwrap().contains("no-conduit"));
        assert_eq!(body(Dialect::Mistral, Reason::NoConduit)["code"], "no-conduit");
        assert!(body(Dialect::Ollama, Reason::TooBusy)["error"].as_str().unwrap().contains("too-busy"));
        assert!(body(Dialect::Kserve, Reason::TooBusy)["error"].as_str().unwrap().contains("rec-7"));
        let (kind, _) = error_body(Dialect::Json, 403, &Refusal::new(Reason::NoConduit, ""), None);
        assert_eq!(kind, "application/problem+json");
        assert_eq!(body(Dialect::Json, Reason::NoConduit)["status"], 403);
    }

    #[test]
    fn every_reason_has_a_body_in_every_dialect() {
        for (_, dialect) in Dialect::NAMES {
            for reason in Reason::ALL {
                let text = body(dialect, *reason).to_string();
                assert!(text.contains(reason.code()), "{dialect} {reason}");
                assert!(text.contains("rec-7"), "{dialect} {reason}");
            }
        }
    }

    #[test]
    fn what_was_stopped_of_an_answer_is_told_and_no_other_detail() {
        for (_, dialect) in Dialect::NAMES {
            assert!(body(dialect, Reason::AnswerHeld).to_string().contains("KIC-77"), "{dialect}");
            assert!(!body(dialect, Reason::ContentRefused).to_string().contains("KIC-77"), "{dialect}");
        }
    }

    #[test]
    fn a_malformed_request_becomes_a_refusal_that_says_where() {
        let refusal = Refusal::from(Malformed::with(Reason::TooDeep, 17, "nested deeper than the limit"));
        assert_eq!(refusal.to_string(), "too-deep: nested deeper than the limit at byte 17");
    }
}
