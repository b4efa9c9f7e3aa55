//! Paths that reach an endpoint, and paths that must not.

use super::{Carries, endpoint, endpoints};
use plant::Dialect;

fn name(dialect: Dialect, method: &str, path: &str) -> Option<&'static str> {
    endpoint(dialect, method, path).map(|endpoint| endpoint.name())
}

#[test]
fn what_the_official_sdks_call_is_known() {
    let openai = |method, path| name(Dialect::OpenAi, method, path);
    assert_eq!(openai("POST", "/v1/chat/completions"), Some("chat.completions"));
    assert_eq!(openai("POST", "/chat/completions"), Some("chat.completions"));
    assert_eq!(openai("GET", "/v1/responses/resp_0a1"), Some("responses.get"));
    assert_eq!(openai("POST", "/v1/responses/resp_0a1/cancel"), Some("responses.cancel"));
    assert_eq!(openai("GET", "/v1/models/ft:gpt-4o:acme::B2x"), Some("models.get"));
    assert_eq!(openai("DELETE", "/files/file-abc"), Some("files.delete"));
    assert_eq!(openai("GET", "/v1/files/file-abc/content"), Some("files.content"));
    assert_eq!(name(Dialect::Anthropic, "POST", "/v1/messages/count_tokens"), Some("messages.count_tokens"));
    assert_eq!(name(Dialect::Ollama, "POST", "/api/chat"), Some("chat"));
    let azure = |method, path| name(Dialect::Azure, method, path);
    assert_eq!(azure("POST", "/openai/deployments/gpt-4o-eu/chat/completions"), Some("chat.completions"));
    assert_eq!(azure("POST", "/openai/v1/chat/completions"), Some("chat.completions"));
    assert_eq!(azure("POST", "/openai/responses"), Some("responses"));
    assert_eq!(azure("GET", "/openai/v1/batches/batch_1"), Some("batches.get"));
    let gemini = |method, path| name(Dialect::Gemini, method, path);
    assert_eq!(gemini("POST", "/v1beta/models/gemini-2.5-flash:generateContent"), Some("generateContent"));
    assert_eq!(gemini("POST", "/v1/models/gemini-2.5-flash:streamGenerateContent"), Some("streamGenerateContent"));
    assert_eq!(gemini("GET", "/v1beta/models"), Some("models"));
    let bedrock = |path| name(Dialect::Bedrock, "POST", path);
    assert_eq!(bedrock("/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse"), Some("converse"));
    assert_eq!(bedrock("/model/anthropic.claude-v2:1/converse-stream"), Some("converse-stream"));
    assert_eq!(
        bedrock("/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Feu.x/invoke"),
        Some("invoke")
    );
    assert_eq!(name(Dialect::Mistral, "POST", "/v1/fim/completions"), Some("fim.completions"));
    assert_eq!(name(Dialect::Cohere, "POST", "/v2/chat"), Some("chat"));
    assert_eq!(name(Dialect::Vllm, "POST", "/tokenize"), Some("tokenize"));
    assert_eq!(name(Dialect::LlamaCpp, "POST", "/v1/chat/completions"), Some("chat.completions"));
    assert_eq!(name(Dialect::LlamaCpp, "GET", "/props"), Some("props"));
    assert_eq!(name(Dialect::Kserve, "POST", "/v2/models/weld-seam/versions/3/infer"), Some("infer"));
    assert_eq!(name(Dialect::Kserve, "GET", "/v2/health/live"), Some("health.live"));
    assert_eq!(name(Dialect::Json, "POST", "/predict/bearing.v2"), Some("json"));
    assert_eq!(name(Dialect::Json, "GET", "/status"), Some("json.get"));
}

#[test]
fn what_is_not_in_the_table_is_unknown() {
    for (dialect, method, path) in [
        (Dialect::OpenAi, "GET", "/v1/chat/completions"),
        (Dialect::OpenAi, "post", "/v1/chat/completions"),
        (Dialect::OpenAi, "POST", "/v1/v1/chat/completions"),
        (Dialect::OpenAi, "POST", "/v2/chat/completions"),
        (Dialect::OpenAi, "POST", "/v1chat/completions"),
        (Dialect::OpenAi, "POST", "/v1/chat/completions/more"),
        (Dialect::OpenAi, "POST", "/V1/Chat/Completions"),
        (Dialect::OpenAi, "POST", "/v1/fine_tuning/jobs"),
        (Dialect::Anthropic, "POST", "/v1/chat/completions"),
        (Dialect::Azure, "POST", "/v1/chat/completions"),
        (Dialect::Azure, "POST", "/chat/completions"),
        (Dialect::Azure, "POST", "/openai/deployments/a/b/chat/completions"),
        (Dialect::Gemini, "POST", "/v1beta/models/m:predict"),
        (Dialect::Gemini, "POST", "/v1beta/models/a:b:generateContent"),
        (Dialect::Gemini, "POST", "/v1beta/models/:generateContent"),
        (Dialect::Gemini, "POST", "/upload/v1beta/files"),
        (Dialect::Bedrock, "POST", "/model/a%2F..%2Fb/converse"),
        (Dialect::Bedrock, "POST", "/model/a%2F%2Fb/converse"),
        (Dialect::Bedrock, "POST", "/model/%2Fa/converse"),
        (Dialect::Bedrock, "POST", "/model/a%20b/converse"),
        (Dialect::Bedrock, "POST", "/model/a%253Ab/converse"),
        (Dialect::Bedrock, "POST", "/model/m/%63onverse"),
        (Dialect::Bedrock, "POST", "/model%2Fm/converse"),
        (Dialect::Bedrock, "GET", "/guardrails"),
        (Dialect::LlamaCpp, "GET", "/slots"),
        (Dialect::LlamaCpp, "POST", "/props"),
        (Dialect::Mistral, "GET", "/v1/files/a/url"),
        (Dialect::Ollama, "POST", "/api/pull"),
        (Dialect::Ollama, "DELETE", "/api/delete"),
        (Dialect::Ollama, "POST", "/v1/api/chat"),
        (Dialect::Kserve, "POST", "/v2/repository/models/x/load"),
        (Dialect::Json, "PUT", "/predict"),
        (Dialect::Json, "POST", "/"),
    ] {
        assert_eq!(name(dialect, method, path), None, "{dialect} {method} {path}");
    }
}

#[test]
fn a_path_that_could_be_read_in_two_ways_never_matches() {
    let long = format!("/{}", "a".repeat(2000));
    for path in [
        "",
        "predict",
        "//predict",
        "/predict/",
        "/a//b",
        "/a/../predict",
        "/a/./predict",
        "/..",
        "/%70redict",
        "/a%2fb",
        "/a/%2e%2e/b",
        "/predict;v=1",
        "/predict?x=1",
        "/predict#x",
        "/pre dict",
        "/pre\\dict",
        "/prédict",
        "/predict\0",
        &long,
    ] {
        assert_eq!(name(Dialect::Json, "POST", path), None, "{path}");
    }
    assert_eq!(name(Dialect::OpenAi, "GET", "/v1/files/../models"), None);
    assert_eq!(name(Dialect::OpenAi, "GET", "/v1/models/a%2Fb"), None);
}

#[test]
fn a_model_in_the_path_is_found_and_changed() {
    let infer = endpoint(Dialect::Kserve, "POST", "/v2/models/weld-seam/versions/3/infer").unwrap();
    let path = "/v2/models/weld-seam/versions/3/infer";
    assert_eq!(infer.parameters(path), [("model", "weld-seam".into()), ("version", "3".into())]);
    assert_eq!(infer.path_with_model(path, "edge").as_deref(), Some("/v2/models/edge/versions/3/infer"));
    assert_eq!(infer.path_with_model(path, "../x"), None);
    assert_eq!(infer.path_with_model(path, "a/b"), None);
    assert_eq!(infer.path_with_model("/v2/models/x/infer", "edge"), None, "another pattern's path");
    let path = "/model/anthropic.claude-v2%3A1/converse";
    let converse = endpoint(Dialect::Bedrock, "POST", path).unwrap();
    assert_eq!(converse.model_in(path).as_deref(), Some("anthropic.claude-v2:1"));
    let other = "arn:aws:bedrock:eu-central-1:1:inference-profile/eu.x";
    let changed = converse.path_with_model(path, other).unwrap();
    assert_eq!(changed, "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Feu.x/converse");
    assert_eq!(converse.model_in(&changed).as_deref(), Some(other));
    let path = "/v1beta/models/gemini-2.5-pro:generateContent";
    let generate = endpoint(Dialect::Gemini, "POST", path).unwrap();
    let changed = generate.path_with_model(path, "gemini-2.5-flash");
    assert_eq!(changed.as_deref(), Some("/v1beta/models/gemini-2.5-flash:generateContent"));
    let models = endpoint(Dialect::OpenAi, "GET", "/v1/models/gpt-4o").unwrap();
    assert_eq!(models.path_with_model("/v1/models/gpt-4o", "small").as_deref(), Some("/v1/models/small"));
}

#[test]
fn what_a_model_answers_asks_one_and_what_only_keeps_or_lists_does_not() {
    let without: Vec<_> = endpoints().filter(|row| !row.asks_model()).map(|row| row.name()).collect();
    let mut without = without;
    without.sort_unstable();
    without.dedup();
    assert_eq!(
        without,
        [
            "batches",
            "batches.cancel",
            "batches.get",
            "batches.list",
            "end",
            "files",
            "files.content",
            "files.delete",
            "files.get",
            "files.list",
            "health",
            "health.live",
            "health.ready",
            "json.get",
            "listen",
            "message",
            "models",
            "ping",
            "props",
            "ps",
            "responses.cancel",
            "responses.delete",
            "responses.get",
            "responses.input_items",
            "server",
            "tags",
            "version",
        ]
    );
}

#[test]
fn every_row_is_reached_by_its_own_pattern_and_carries_what_its_method_can() {
    for row in endpoints() {
        let path = row.pattern().replace("{...}", "x").replace(['{', '}'], "");
        let before = if row.dialect() == Dialect::Azure { "/openai" } else { "" };
        let found = endpoint(row.dialect(), row.method(), &format!("{before}{path}")).unwrap();
        assert_eq!(found.pattern(), row.pattern());
        assert_eq!(row.has_body(), row.method() == "POST" && row.carries() != Carries::JsonOrNothing);
    }
}
