//! The dialect's own way to say in mid-stream that it is over.

use super::{Carrier, amazon};
use crate::error::{described_error, google_error, rpc_error};
use crate::{Endpoint, anthropic_type, message, openai_type};
use plant::{Dialect, Refusal};
use serde_json::{Value, json};

/// The last event of a stream that ends badly, after which nothing comes: no `[DONE]`, no `message_stop`. SDKs raise
/// their own error class for it. `None` where the dialect has no such way, so that only a cut connection is left.
///
/// What was released before must end with a whole event, as everything that [`super::Answer`] gives does.
#[must_use]
pub fn error_event(dialect: Dialect, endpoint: Endpoint, refusal: &Refusal, record: &str) -> Option<Vec<u8>> {
    let carrier = match (dialect, endpoint.name()) {
        (_, "audio.speech" | "files.content") => return None,
        (Dialect::Ollama, _) => Carrier::Lines,
        (Dialect::Bedrock, _) => Carrier::Messages,
        _ => Carrier::Events,
    };
    farewell(dialect, endpoint, carrier, refusal, record)
}

/// The same, as the stream at hand is carried.
pub(super) fn farewell(
    dialect: Dialect,
    endpoint: Endpoint,
    carrier: Carrier,
    refusal: &Refusal,
    record: &str,
) -> Option<Vec<u8>> {
    if carrier == Carrier::Messages {
        return Some(exception(refusal, record));
    }
    let (name, body) = body(dialect, endpoint, refusal, record);
    match (carrier, name) {
        (Carrier::Lines, _) => Some(format!("{body}\n").into_bytes()),
        (Carrier::Events, None) => Some(format!("data: {body}\n\n").into_bytes()),
        (Carrier::Events, Some(name)) => Some(format!("event: {name}\ndata: {body}\n\n").into_bytes()),
        (Carrier::Elements, _) => Some(format!("{body}]").into_bytes()),
        (Carrier::Messages | Carrier::Document | Carrier::Message | Carrier::Text | Carrier::Opaque, _) => None,
    }
}

fn body(dialect: Dialect, endpoint: Endpoint, refusal: &Refusal, record: &str) -> (Option<&'static str>, Value) {
    let said = message(refusal, Some(record));
    let (code, status) = (refusal.reason.code(), refusal.reason.status());
    match dialect {
        Dialect::OpenAi | Dialect::Azure | Dialect::Mistral | Dialect::Vllm | Dialect::LlamaCpp => {
            let error = json!({"message": said, "type": openai_type(status), "param": null, "code": code});
            if endpoint.name().starts_with("responses") {
                // The event of the API's reference has no `error` member, but it is the one at which the official
                // SDKs raise; without it they would hand the event to a caller who may not look.
                let event = json!({"type": "error", "code": code, "message": said, "param": null, "error": error});
                (Some("error"), event)
            } else {
                (None, json!({ "error": error }))
            }
        }
        Dialect::Anthropic => {
            let error = json!({"type": anthropic_type(status), "message": said});
            (Some("error"), json!({"type": "error", "error": error, "request_id": record}))
        }
        Dialect::Gemini => (None, json!({ "error": google_error(status, &said, refusal) })),
        // The API's own way: an answer that ends in an error. Its SDK raises nothing for it.
        Dialect::Cohere => {
            let delta = json!({"finish_reason": "ERROR", "error": said});
            (Some("message-end"), json!({"type": "message-end", "id": record, "delta": delta}))
        }
        Dialect::Bedrock => (None, json!({ "message": said })),
        Dialect::Ollama | Dialect::Kserve => (None, json!({ "error": said })),
        Dialect::Mcp => (Some("message"), rpc_error(refusal, Some(record))),
        Dialect::Described(own) if own.error.is_some() => {
            (Some("error"), described_error(own, status, refusal, Some(record)))
        }
        Dialect::Json | Dialect::Described(_) => {
            (Some("error"), json!({"error": {"message": said, "code": code, "record": record}}))
        }
    }
}

/// The message with which Bedrock ends a stream that fails; SDKs raise an error that names its type.
fn exception(refusal: &Refusal, record: &str) -> Vec<u8> {
    let body = json!({ "message": message(refusal, Some(record)) }).to_string();
    let kind = stream_exception(refusal.reason.status());
    let headers = [(":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception")];
    amazon::message(&headers, body.as_bytes())
}

/// The exceptions that `ConverseStream` and `InvokeModelWithResponseStream` know within a stream.
fn stream_exception(status: u16) -> &'static str {
    match status {
        429 => "throttlingException",
        400..=499 => "validationException",
        502 | 504 => "modelStreamErrorException",
        503 => "serviceUnavailableException",
        _ => "internalServerException",
    }
}

#[cfg(test)]
mod tests {
    use super::error_event;
    use plant::{Dialect, Reason, Refusal};

    fn event(dialect: Dialect, method: &str, path: &str) -> String {
        let endpoint = crate::endpoint(dialect, method, path).unwrap();
        String::from_utf8(error_event(dialect, endpoint, &Refusal::new(Reason::ProviderBroken, ""), "rec-7").unwrap())
            .unwrap()
    }

    #[test]
    fn each_dialect_ends_a_stream_in_its_own_way() {
        let chat = event(Dialect::OpenAi, "POST", "/chat/completions");
        assert!(chat.starts_with("data: {\"error\":{"), "{chat}");
        assert!(chat.contains("\"code\":\"provider-broken\"") && chat.contains("rec-7") && chat.ends_with("\n\n"));
        let responses = event(Dialect::OpenAi, "POST", "/responses");
        assert!(responses.starts_with("event: error\ndata: {") && responses.contains("\"type\":\"error\""));
        let anthropic = event(Dialect::Anthropic, "POST", "/messages");
        assert!(anthropic.starts_with("event: error\ndata: {") && anthropic.contains("\"type\":\"api_error\""));
        let ollama = event(Dialect::Ollama, "POST", "/api/chat");
        assert!(ollama.starts_with("{\"error\":\"") && ollama.ends_with("}\n"));
        let kserve = event(Dialect::Kserve, "POST", "/v2/models/m/generate_stream");
        assert!(kserve.starts_with("data: {\"error\":\""));
        assert!(event(Dialect::Json, "POST", "/any").starts_with("event: error\n"));
        let gemini = event(Dialect::Gemini, "POST", "/v1beta/models/m:streamGenerateContent");
        assert!(gemini.starts_with("data: {\"error\":{\"code\":502,"), "the SDK looks at how it begins: {gemini}");
    }

    #[test]
    fn a_recording_can_only_be_cut() {
        let endpoint = crate::endpoint(Dialect::OpenAi, "POST", "/audio/speech").unwrap();
        assert_eq!(error_event(Dialect::OpenAi, endpoint, &Refusal::new(Reason::ProviderBroken, ""), "rec-7"), None);
    }
}
