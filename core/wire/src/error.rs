//! What is said when a call goes wrong: to us, what is malformed; to the caller, an error of its own dialect.

use plant::{Dialect, Reason, Refusal};
use serde_json::json;
use std::borrow::Cow;

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
        Dialect::OpenAi => json!({
            "error": {"message": message, "type": openai_type(status), "param": null, "code": reason.code()}
        }),
        Dialect::Anthropic => json!({
            "type": "error",
            "error": {"type": anthropic_type(status), "message": message},
            "request_id": record,
        }),
        Dialect::Ollama | Dialect::Kserve => json!({ "error": message }),
        // RFC 9457; the type is relative to nothing and names the reason, members beyond the five are extensions.
        Dialect::Json => json!({
            "type": format!("urn:penstock:reason:{}", reason.code()),
            "title": reason.message(),
            "status": status,
            "code": reason.code(),
            "record": record,
        }),
    };
    if let (Dialect::Json, Some(told), Some(members)) = (dialect, refusal.told(), body.as_object_mut()) {
        members.insert("detail".to_owned(), json!(told));
    }
    let kind = if dialect == Dialect::Json { "application/problem+json" } else { "application/json" };
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
