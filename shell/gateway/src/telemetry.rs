//! Traces and the one log line of an exchange. The one place that knows OpenTelemetry's GenAI attribute names,
//! which are still in development (semantic conventions 1.37). No content, no person.

use crate::target::Target;
use http::Uri;
use plant::{Dialect, Provider, Reason, RecordId, Verdict};
use policy::Passage;
use tracing::Span;
use tracing::field::Empty;

/// The tracing target of exchange spans, so that a subscriber can take spans for traces and leave them out of logs.
pub const TRACES: &str = "penstock::exchange";

/// Opens the span of one exchange.
pub(crate) fn span(target: &Target<'_>, record: RecordId) -> Span {
    tracing::info_span!(
        target: TRACES,
        "exchange",
        otel.kind = "client",
        otel.status_code = Empty,
        penstock.record = %record,
        penstock.conduit = Empty,
        penstock.verdict = Empty,
        penstock.reason = Empty,
        penstock.provider = Empty,
        gen_ai.operation.name = operation(target.endpoint_name()),
        gen_ai.provider.name = system(target.dialect),
        gen_ai.request.model = Empty,
        gen_ai.response.model = Empty,
        gen_ai.response.id = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        http.response.status_code = Empty,
        server.address = Empty,
        server.port = Empty,
        error.type = Empty,
    )
}

/// What is known about a call once it is decided.
pub(crate) fn decided(model: Option<&str>, passage: &Passage, provider: Option<&Provider>) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    span.record("gen_ai.request.model", model.unwrap_or_default());
    span.record("penstock.conduit", passage.conduit.as_str());
    span.record("penstock.verdict", passage.verdict.name());
    span.record("penstock.provider", passage.provider.as_str());
    let Some(address) = provider.and_then(|provider| provider.address.parse::<Uri>().ok()) else { return };
    span.record("server.address", address.host().unwrap_or_default());
    let usual = if address.scheme_str() == Some("http") { 80 } else { 443 };
    span.record("server.port", address.port_u16().unwrap_or(usual));
}

/// How an exchange ended.
pub(crate) struct Ending<'a> {
    pub(crate) record: RecordId,
    pub(crate) conduit: Option<&'a str>,
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<Reason>,
    pub(crate) detail: &'a str,
    pub(crate) status: u16,
    pub(crate) micros: u64,
    pub(crate) facts: Option<&'a wire::Facts>,
}

/// Closes the span's attributes and writes the log line.
pub(crate) fn ended(ending: &Ending<'_>) {
    let span = Span::current();
    if !span.is_disabled() {
        span.record("http.response.status_code", ending.status);
        if let Some(reason) = ending.reason {
            span.record("penstock.reason", reason.code());
            span.record("penstock.verdict", ending.verdict.name());
            span.record("error.type", reason.code());
            span.record("otel.status_code", "ERROR");
        } else if ending.status >= 400 {
            // An error of the provider's own, passed on.
            span.record("error.type", ending.status.to_string());
            span.record("otel.status_code", "ERROR");
        }
        if let Some(facts) = ending.facts {
            record_text(&span, "gen_ai.response.model", facts.model.as_deref());
            record_text(&span, "gen_ai.response.id", facts.provider_id.as_deref());
            record_count(&span, "gen_ai.usage.input_tokens", facts.input_tokens);
            record_count(&span, "gen_ai.usage.output_tokens", facts.output_tokens);
        }
    }
    let reason = ending.reason.map_or("", Reason::code);
    tracing::info!(
        record = %ending.record,
        conduit = ending.conduit.unwrap_or_default(),
        verdict = ending.verdict.name(),
        reason,
        detail = ending.detail,
        status = ending.status,
        ms = ending.micros / 1000,
        "exchange ended"
    );
}

fn record_text(span: &Span, field: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        span.record(field, value);
    }
}

fn record_count(span: &Span, field: &'static str, value: Option<u64>) {
    if let Some(value) = value {
        span.record(field, value);
    }
}

/// `gen_ai.operation.name` of an endpoint: the conventions' own name if they have one, else the endpoint's.
fn operation(endpoint: &'static str) -> &'static str {
    match endpoint {
        "chat.completions" | "messages" | "responses" | "chat" | "agents.completions" | "converse"
        | "converse-stream" => "chat",
        "completions" | "completion" | "fim.completions" | "infill" | "generate" | "generate_stream" => {
            "text_completion"
        }
        "embeddings" | "embedding" | "embed" | "embedContent" | "batchEmbedContents" => "embeddings",
        "generateContent"
        | "streamGenerateContent"
        | "invoke"
        | "invoke-with-response-stream"
        | "images.generations"
        | "images.edits"
        | "images.variations"
        | "audio.speech" => "generate_content",
        "" => "unknown",
        own => own,
    }
}

/// `gen_ai.provider.name` of a dialect.
fn system(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "openai",
        Dialect::Azure => "azure.ai.openai",
        Dialect::Gemini => "gcp.gemini",
        Dialect::Bedrock => "aws.bedrock",
        Dialect::Cohere => "cohere",
        Dialect::Mistral => "mistral_ai",
        Dialect::Vllm => "vllm",
        Dialect::LlamaCpp => "llama_cpp",
        Dialect::Anthropic => "anthropic",
        Dialect::Ollama => "ollama",
        Dialect::Kserve => "kserve",
        Dialect::Json | Dialect::Described(_) | Dialect::Mcp => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::operation;

    #[test]
    fn operations_have_the_names_of_the_conventions_or_their_own() {
        for (endpoint, name) in [
            ("chat.completions", "chat"),
            ("converse-stream", "chat"),
            ("generate_stream", "text_completion"),
            ("embed", "embeddings"),
            ("streamGenerateContent", "generate_content"),
            ("models", "models"),
            ("files.content", "files.content"),
            ("infer", "infer"),
            ("", "unknown"),
        ] {
            assert_eq!(operation(endpoint), name);
        }
    }
}
