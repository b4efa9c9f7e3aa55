//! An API that is known by its description alone.

use super::rig::{Restore, SSE, Same, VALUE, give, replaced};
use plant::{DescribedCall, Description, Dialect, Form, JsonPath, Reason, Refusal};
use serde_json::Value;
use wire::{Answer, Limits, Request, endpoint, error_body};

fn twin() -> Dialect {
    let path = |text| JsonPath::parse(text).unwrap();
    Dialect::Described(Box::leak(Box::new(Description {
        calls: [
            "ask POST /v1/machines/{machine}/ask",
            "state GET /v1/machines/{machine}",
            "realtime GET /v1/machines/{machine}/trend",
        ]
        .map(|call| DescribedCall::parse(call).unwrap())
        .into(),
        model: Some(path("engine.name")),
        stream: Some(path("options.live")),
        prompts: vec![path("question"), path("history[].text")],
        texts: vec![path("delta[].text"), path("thought")],
        error: Some("{\"fault\":{\"code\":\"{code}\",\"text\":\"{message}\",\"http\":\"{status}\"}}".to_owned()),
    })))
}

const BODY: &str = r#"{"question":"Why?","history":[{"by":"crew","text":"It foams"}],"engine":{"name":"deep"},"options":{"live":true},"site":"hall 3"}"#;

fn read(body: &str) -> Request<'_> {
    let ask = endpoint(twin(), "POST", "/v1/machines/m-7/ask").unwrap();
    Request::parse(ask, Some("application/json"), body.as_bytes(), &Limits::default()).unwrap()
}

#[test]
fn what_is_described_is_found_and_what_is_not_is_read_all_the_same() {
    let request = read(BODY).at("/v1/machines/m-7/ask", None);
    assert_eq!((request.endpoint().name(), request.model(), request.stream()), ("ask", Some("deep"), true));
    let pieces: Vec<(&str, &str, bool)> =
        request.content().pieces.iter().map(|piece| (&*piece.path, &*piece.text, piece.fixed)).collect();
    for expected in [
        ("question", "Why?", false),
        ("history[0].text", "It foams", false),
        ("history[0].by", "crew", true),
        ("engine.name", "deep", true),
        ("site", "hall 3", true),
        ("path.machine", "m-7", true),
    ] {
        assert!(pieces.contains(&expected), "{expected:?} in {pieces:?}");
    }
    let other = read(BODY).rewrite(&[], Some("edge")).unwrap();
    assert_eq!(String::from_utf8(other).unwrap(), BODY.replace("deep", "edge"));
    assert!(read("{\"question\":1}").rewrite(&[], Some("edge")).is_err(), "a model that nobody named has no place");
}

#[test]
fn only_described_calls_are_known() {
    let name = |method, path| endpoint(twin(), method, path).map(|endpoint| endpoint.name());
    assert_eq!(name("GET", "/v1/machines/m-7"), Some("state"));
    for (method, path) in [("POST", "/v1/machines/m-7"), ("GET", "/v1/machines/m-7/ask"), ("GET", "/v1/machines/a%2fb")]
    {
        assert_eq!(name(method, path), None, "{method} {path}");
    }
    let trend = endpoint(twin(), "GET", "/v1/machines/m-7/trend").unwrap();
    assert!(trend.name() == "realtime" && !trend.is_session(), "a name makes no session");
}

#[test]
fn texts_that_grow_are_joined_by_their_places() {
    let event = |first: &str, second: &str, thought: &str| {
        let event =
            serde_json::json!({"delta": [{"text": first}, {"text": second}], "thought": thought, "note": "TOKEN"});
        format!("data: {event}\n\n")
    };
    let came = event("a TO", "x T", "T") + &event("KEN b", "OKEN", "") + &event(".", "", "OKEN");
    let ask = endpoint(twin(), "POST", "/v1/machines/m-7/ask").unwrap();
    for size in [1, 7, came.len()] {
        let answer = Answer::new(twin(), ask, 200, SSE, false);
        let given = give(answer, came.as_bytes().chunks(size), &mut Restore::default());
        assert_eq!(given.ended, Ok(()));
        let said = String::from_utf8(given.out).unwrap();
        let events: Vec<Value> =
            said.split("\n\n").filter_map(|event| serde_json::from_str(event.strip_prefix("data: ")?).ok()).collect();
        let joined =
            |pointer: &str| -> String { events.iter().filter_map(|event| event.pointer(pointer)?.as_str()).collect() };
        assert_eq!(joined("/delta/0/text"), replaced("a TOKEN b.", Form::Plain));
        assert_eq!(joined("/delta/1/text"), replaced("x TOKEN", Form::Plain));
        assert_eq!((joined("/thought"), &events[0]["note"]), (VALUE.to_owned(), &VALUE.into()));
    }
    let same = give(Answer::new(twin(), ask, 200, SSE, false), [came.as_bytes()], &mut Same);
    assert_eq!(same.out, came.as_bytes());
}

#[test]
fn an_error_has_the_form_that_is_described() {
    let refusal = Refusal::new(Reason::NoConduit, "");
    let (kind, body) = error_body(twin(), 403, &refusal, Some("rec-{code}"));
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (kind, &body["fault"]["code"], &body["fault"]["http"]),
        ("application/json", &"no-conduit".into(), &403.into())
    );
    assert!(body["fault"]["text"].as_str().unwrap().contains("rec-{code}"), "what is put in stays as it is");
    let ask = endpoint(twin(), "POST", "/v1/machines/m-7/ask").unwrap();
    let event = wire::error_event(twin(), ask, &refusal, "rec-7").unwrap();
    assert!(String::from_utf8(event).unwrap().starts_with("event: error\ndata: {\"fault\":"));
}
