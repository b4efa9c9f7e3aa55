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
    assert_eq!(infer.parameters(path), [("model", "weld-seam"), ("version", "3")]);
    assert_eq!(infer.path_with_model(path, "edge").as_deref(), Some("/v2/models/edge/versions/3/infer"));
    assert_eq!(infer.path_with_model(path, "../x"), None);
    assert_eq!(infer.path_with_model(path, "a/b"), None);
    assert_eq!(infer.path_with_model("/v2/models/x/infer", "edge"), None, "another pattern's path");
    let models = endpoint(Dialect::OpenAi, "GET", "/v1/models/gpt-4o").unwrap();
    assert_eq!(models.path_with_model("/v1/models/gpt-4o", "small").as_deref(), Some("/v1/models/small"));
}

#[test]
fn what_a_model_answers_asks_one_and_what_only_keeps_or_lists_does_not() {
    let without: Vec<_> = endpoints().filter(|row| !row.asks_model()).map(|row| row.name()).collect();
    assert_eq!(
        without,
        [
            "responses.get",
            "responses.delete",
            "responses.cancel",
            "responses.input_items",
            "models",
            "files",
            "files.list",
            "files.get",
            "files.delete",
            "files.content",
            "models",
            "tags",
            "version",
            "ps",
            "server",
            "health.live",
            "health.ready",
            "json.get",
        ]
    );
}

#[test]
fn every_row_is_reached_by_its_own_pattern_and_carries_what_its_method_can() {
    for row in endpoints() {
        let path = row.pattern().replace("{...}", "x").replace(['{', '}'], "");
        let found = endpoint(row.dialect(), row.method(), &path).unwrap();
        assert_eq!(found.pattern(), row.pattern());
        assert_eq!(row.has_body(), row.method() == "POST" && row.carries() != Carries::JsonOrNothing);
    }
}
