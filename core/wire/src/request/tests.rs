//! Requests: what is found in them, what steers policy, and edits that touch nothing else.

use super::{Limits, Place, Request, Substitute, Unfit};
use crate::{Malformed, endpoint};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use plant::{Dialect, Edit, Origin, Reason};
use proptest::prelude::*;

const FORM: &str = "multipart/form-data; boundary=x";

fn parse<'a>(dialect: Dialect, path: &str, body: &'a str) -> Result<Request<'a>, Malformed> {
    let endpoint = endpoint(dialect, "POST", path).unwrap();
    Request::parse(endpoint, endpoint.content_type().map(|_| "application/json"), body.as_bytes(), &Limits::default())
}

fn chat(body: &str) -> Result<Request<'_>, Malformed> {
    parse(Dialect::OpenAi, "/v1/chat/completions", body)
}

fn refused(dialect: Dialect, path: &str, body: &str) -> Reason {
    parse(dialect, path, body).unwrap_err().reason
}

fn text(request: &Request<'_>, edits: &[Edit], model: Option<&str>) -> Result<String, Unfit> {
    request.rewrite(edits, model).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn edit(piece: usize, span: std::ops::Range<usize>, replacement: &str) -> Edit {
    Edit { piece, span, replacement: replacement.to_owned() }
}

/// The piece at a path.
fn at(request: &Request<'_>, path: &str) -> usize {
    let found = request.content().pieces.iter().position(|piece| piece.path == path);
    found.unwrap_or_else(|| {
        panic!("{path} in {:?}", request.content().pieces.iter().map(|piece| &piece.path).collect::<Vec<_>>())
    })
}

fn pieces<'r>(request: &'r Request<'_>) -> Vec<(&'r str, &'r str, bool)> {
    request.content().pieces.iter().map(|piece| (piece.path.as_str(), piece.text.as_ref(), piece.fixed)).collect()
}

#[test]
fn a_call_that_leaves_the_model_to_the_provider_asks_for_the_empty_name() {
    assert_eq!(chat(r#"{"messages":[]}"#).unwrap().asked_model(), Some(""));
    assert_eq!(chat(r#"{"model":"","messages":[]}"#).unwrap().asked_model(), Some(""));
    assert_eq!(chat(r#"{"model":"gpt-4o","messages":[]}"#).unwrap().asked_model(), Some("gpt-4o"));
    let list = endpoint(Dialect::OpenAi, "GET", "/v1/models").unwrap();
    assert_eq!(Request::parse(list, None, b"", &Limits::default()).unwrap().asked_model(), None);
    let infer = endpoint(Dialect::Kserve, "POST", "/v2/models/weld/infer").unwrap();
    let request = Request::parse(infer, Some("application/json"), b"{}", &Limits::default()).unwrap();
    assert_eq!(request.at("/v2/models/weld/infer", None).asked_model(), Some("weld"));
}

#[test]
fn what_a_chat_asks_for_is_known() {
    let request = chat(
        r#"{"model":"gpt-4o","stream":true,"messages":[],"tools":[{"type":"function","function":{"name":"read_tag"}},{"type":"web_search"}],"functions":[{"name":"old"}]}"#,
    )
    .unwrap();
    assert_eq!((request.model(), request.stream()), (Some("gpt-4o"), true));
    assert_eq!(request.tools(), ["read_tag", "web_search", "old"]);
    let ollama = |path, body| parse(Dialect::Ollama, path, body).unwrap().stream();
    assert!(ollama("/api/chat", r#"{"model":"llama3"}"#), "Ollama streams unless told otherwise");
    assert!(!ollama("/api/generate", r#"{"model":"llama3","stream":false}"#));
    assert!(!ollama("/api/embed", r#"{"model":"llama3","input":"x"}"#));
    assert!(!chat(r#"{"stream":null}"#).unwrap().stream());
    let kserve = |path, body| parse(Dialect::Kserve, path, body).unwrap().stream();
    assert!(kserve("/v2/models/m/generate_stream", r#"{"text_input":"x"}"#));
    assert!(!kserve("/v2/models/m/generate", r#"{"text_input":"x"}"#));
}

#[test]
fn what_steers_policy_cannot_be_said_in_two_ways() {
    let openai = |body| refused(Dialect::OpenAi, "/v1/chat/completions", body);
    assert_eq!(openai(r#"{"model":"a","model":"b"}"#), Reason::DuplicateKey);
    assert_eq!(openai(r#"{"model":"a","m\u006fdel":"b"}"#), Reason::DuplicateKey);
    assert_eq!(openai(r#"{"model":"a","Model":"b"}"#), Reason::DuplicateKey);
    assert_eq!(openai("{\"model\":\"a\",\"\u{17f}tream\":true}"), Reason::DuplicateKey);
    assert_eq!(
        openai(r#"{"tools":[{"type":"function","Function":{"name":"write_tag"},"function":{"name":"a"}}]}"#),
        Reason::DuplicateKey
    );
    assert_eq!(openai(r#"{"model":["a"]}"#), Reason::Malformed);
    assert_eq!(openai(r#"{"stream":"true"}"#), Reason::Malformed);
    assert_eq!(openai(r#"{"stream":1}"#), Reason::Malformed);
    assert_eq!(openai(r#"{"tools":{"a":1}}"#), Reason::Malformed);
    assert_eq!(openai(r#"{"tools":[{"function":{}}]}"#), Reason::Malformed);
    assert_eq!(openai(r#"{"tools":["a"]}"#), Reason::Malformed);
    assert_eq!(openai(r#"["model"]"#), Reason::Malformed);
    let show = |body| parse(Dialect::Ollama, "/api/show", body).unwrap().model().map(str::to_owned);
    assert_eq!(show(r#"{"name":"llama3"}"#).as_deref(), Some("llama3"));
    assert_eq!(show(r#"{"model":"","name":"llama3"}"#).as_deref(), Some("llama3"));
    assert_eq!(show(r#"{"model":"gemma","name":"llama3"}"#).as_deref(), Some("gemma"));
}

#[test]
fn a_content_type_that_does_not_fit_is_refused() {
    let endpoint = endpoint(Dialect::OpenAi, "POST", "/chat/completions").unwrap();
    let reason = |kind| Request::parse(endpoint, kind, b"{}", &Limits::default()).map(|_| ()).map_err(|bad| bad.reason);
    assert_eq!(reason(Some("application/json")), Ok(()));
    assert_eq!(reason(Some("Application/JSON; Charset=\"utf-8\"")), Ok(()));
    assert_eq!(reason(None), Err(Reason::ContentType));
    assert_eq!(reason(Some("text/json")), Err(Reason::ContentType));
    assert_eq!(reason(Some("application/x-www-form-urlencoded")), Err(Reason::ContentType));
    assert_eq!(reason(Some("application/json, text/plain")), Err(Reason::ContentType));
    assert_eq!(reason(Some("application/json; charset=utf-8; charset=utf-16")), Err(Reason::ContentType));
    assert_eq!(reason(Some("application/json; charset=utf-16le")), Err(Reason::Malformed));
    assert_eq!(reason(Some(FORM)), Err(Reason::ContentType));
    let infer = crate::endpoint(Dialect::Kserve, "POST", "/v2/models/weld/infer").unwrap();
    let reason =
        |kind, body: &[u8]| Request::parse(infer, kind, body, &Limits::default()).map(|_| ()).map_err(|bad| bad.reason);
    assert_eq!(reason(None, br#"{"inputs":[]}"#), Ok(()));
    assert_eq!(reason(None, b"{\"inputs\":[]}\x04\0\0\0text"), Err(Reason::Malformed));
    assert_eq!(reason(Some("application/octet-stream"), br#"{"inputs":[]}"#), Err(Reason::ContentType));
    let files = crate::endpoint(Dialect::OpenAi, "POST", "/files").unwrap();
    let reason = |kind| Request::parse(files, kind, b"--x--", &Limits::default()).map(|_| ()).map_err(|bad| bad.reason);
    assert_eq!(reason(Some(FORM)), Ok(()));
    assert_eq!(reason(Some("multipart/form-data")), Err(Reason::Malformed));
    assert_eq!(reason(Some("multipart/mixed; boundary=x")), Err(Reason::ContentType));
}

#[test]
fn a_call_without_body_has_none() {
    let models = endpoint(Dialect::OpenAi, "GET", "/v1/models/gpt-4o").unwrap();
    let parse = |body| Request::parse(models, None, body, &Limits::default());
    let request = parse(b"").unwrap().at("/v1/models/gpt-4o", None);
    assert_eq!(request.model(), Some("gpt-4o"));
    assert_eq!(pieces(&request), [("path.model", "gpt-4o", true)]);
    assert_eq!(request.rewrite(&[], Some("other")).unwrap(), b"");
    assert_eq!(parse(b"{}").unwrap_err().reason, Reason::Malformed);
    let replay = endpoint(Dialect::OpenAi, "GET", "/v1/responses/resp_1").unwrap();
    let replay = Request::parse(replay, None, b"", &Limits::default()).unwrap();
    assert!(replay.clone().at("/v1/responses/resp_1", Some("include=x&stream=true")).stream());
    assert!(!replay.at("/v1/responses/resp_1", Some("nostream=true")).stream());
    let cancel = endpoint(Dialect::OpenAi, "POST", "/v1/responses/resp_1/cancel").unwrap();
    assert!(Request::parse(cancel, None, b"", &Limits::default()).is_ok());
    assert!(Request::parse(cancel, Some("application/json"), b"{}", &Limits::default()).is_ok());
}

#[test]
fn edits_change_their_bytes_and_no_others() {
    let body = "{ \"model\" : \"gpt-4o\",\r\n\t\"messages\":[{\"role\":\"user\",\"content\":\"TIC-101 auf 185\\u00b0C \\ud83d\\ude00, TIC-101!\"}], \"x\\u0041\":1.50}\n";
    let request = chat(body).unwrap();
    let piece = at(&request, "messages[0].content");
    assert_eq!(request.content().pieces[piece].text, "TIC-101 auf 185°C 😀, TIC-101!");
    // In any order; the second is behind three escapes.
    let edits = [edit(piece, 25..32, "\"B\"\n"), edit(piece, 0..7, "Kessel ü"), edit(piece, 15..18, "")];
    let expected = body.replacen("TIC-101", "Kessel ü", 1).replace("TIC-101", "\\\"B\\\"\\n").replace("\\u00b0C", "");
    assert_eq!(text(&request, &edits, None).unwrap(), expected);
    assert_eq!(text(&request, &[], Some("edge \"1\"")).unwrap(), body.replace("gpt-4o", "edge \\\"1\\\""));
    assert_eq!(text(&request, &[], None).unwrap(), body);
}

#[test]
fn an_edit_that_does_not_fit_is_refused() {
    let request = chat(r#"{"model":"gpt-4o","messages":[{"role":"user","content":"a\u00fcz"}]}"#).unwrap();
    let (role, content) = (at(&request, "messages[0].role"), at(&request, "messages[0].content"));
    let fails = |edits: &[Edit]| request.rewrite(edits, None).unwrap_err();
    assert_eq!(fails(&[edit(at(&request, "model"), 0..1, "")]), Unfit::Fixed(0));
    assert_eq!(fails(&[edit(content, 0..1, ""), edit(role, 0..1, "")]), Unfit::Fixed(1));
    assert_eq!(fails(&[edit(99, 0..1, "")]), Unfit::Piece(0));
    assert_eq!(fails(&[edit(content, 1..2, "")]), Unfit::Span(0), "within a character");
    assert_eq!(fails(&[edit(content, 3..9, "")]), Unfit::Span(0), "behind the end");
    #[expect(clippy::reversed_empty_ranges, reason = "hostile on purpose")]
    let reversed = edit(content, 3..1, "");
    assert_eq!(fails(&[reversed]), Unfit::Span(0));
    assert_eq!(fails(&[edit(content, 0..3, ""), edit(content, 1..4, "")]), Unfit::Overlap(1));
}

#[test]
fn a_model_is_put_where_the_body_has_none() {
    let rewrite = |dialect, path, body| text(&parse(dialect, path, body).unwrap(), &[], Some("edge"));
    let responses = |body| rewrite(Dialect::OpenAi, "/responses", body);
    assert_eq!(responses(r#"{ "input":"x"}"#).unwrap(), r#"{"model":"edge", "input":"x"}"#);
    assert_eq!(responses("{ }").unwrap(), r#"{"model":"edge" }"#);
    assert_eq!(responses(r#"{"model":null}"#).unwrap(), r#"{"model":"edge"}"#);
    assert_eq!(responses(r#"{"model":""}"#).unwrap(), r#"{"model":"edge"}"#);
    let show = rewrite(Dialect::Ollama, "/api/show", r#"{"name":"a"}"#).unwrap();
    assert_eq!(show, r#"{"model":"edge","name":"a"}"#);
    assert_eq!(rewrite(Dialect::Json, "/predict", r#"{"x":1}"#), Err(Unfit::Model));
    assert_eq!(rewrite(Dialect::Json, "/predict", r#"{"model":"a"}"#).unwrap(), r#"{"model":"edge"}"#);
    assert_eq!(rewrite(Dialect::Kserve, "/v2/models/m/infer", r#"{"inputs":[]}"#).unwrap(), r#"{"inputs":[]}"#);
}

#[test]
fn a_path_shows_no_content() {
    let request = parse(
        Dialect::Json,
        "/predict",
        r#"{"hans.mueller@brauerei.example":{"AKIAIOSFODNN7EXAMPLE":["x"]},"readings":[[{"value":"y"}]]}"#,
    )
    .unwrap();
    assert_eq!(
        pieces(&request),
        [
            ("{0} (key)", "hans.mueller@brauerei.example", true),
            ("{0}.{0} (key)", "AKIAIOSFODNN7EXAMPLE", true),
            ("{0}.{0}[0]", "x", false),
            ("{1} (key)", "readings", true),
            ("readings[0][0].{0} (key)", "value", true),
            ("readings[0][0].value", "y", false),
        ]
    );
}

#[test]
fn deep_and_long_names_do_not_make_long_paths() {
    let mut body = String::from("\"x\"");
    for _ in 0..60 {
        body = format!("{{\"{}\":{body}}}", "a_long_key_of_a_level");
    }
    let request = parse(Dialect::Json, "/predict", &body).unwrap();
    assert!(request.content().pieces.iter().all(|piece| piece.path.len() < 300));
    assert!(request.content().pieces.last().unwrap().path.contains('…'));
}

#[test]
fn binary_tensors_are_refused() {
    let infer = |body| parse(Dialect::Kserve, "/v2/models/m/infer", body);
    for body in [
        r#"{"inputs":[{"name":"a","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}"#,
        r#"{"inputs":[],"outputs":[{"name":"b","parameters":{"binary_data":true}}]}"#,
        r#"{"inputs":[],"parameters":{"binary_data_output":true}}"#,
    ] {
        assert_eq!(infer(body).unwrap_err().reason, Reason::Malformed, "{body}");
    }
    assert!(infer(r#"{"inputs":[],"outputs":[{"name":"b","parameters":{"binary_data":false}}]}"#).is_ok());
    for body in [
        r#"{"inputs":[{"name":"a","shape":[1],"datatype":"BYTES","parameters":{"shared_memory_region":"r"}}]}"#,
        r#"{"inputs":[{"name":"a","shape":[1],"datatype":"BYTES","parameters":{"shared_memory_byt\u0065_size":8}}]}"#,
        r#"{"inputs":[],"outputs":[{"name":"b","parameters":{"shared_memory_region":"r","shared_memory_offset":0}}]}"#,
        r#"{"inputs":[],"parameters":{"Shared_Memory_Region":"r"}}"#,
    ] {
        assert_eq!(infer(body).unwrap_err().reason, Reason::ContentRefused, "{body}");
    }
    assert_eq!(infer("{\"inputs\":[]}\u{1}\u{2}").unwrap_err().reason, Reason::Malformed, "a tensor behind the JSON");
}

#[test]
fn a_prompt_in_token_ids_is_an_attachment() {
    let attachments = |dialect, path, body| {
        let request = parse(dialect, path, body).unwrap();
        let kinds: Vec<_> = request.content().pieces.iter().filter_map(|piece| piece.attachment.clone()).collect();
        kinds.len()
    };
    assert_eq!(attachments(Dialect::OpenAi, "/embeddings", r#"{"input":[1,2,3]}"#), 1);
    assert_eq!(attachments(Dialect::OpenAi, "/embeddings", r#"{"input":[[1,2],[3]]}"#), 2);
    assert_eq!(attachments(Dialect::OpenAi, "/completions", r#"{"prompt":[7]}"#), 1);
    assert_eq!(attachments(Dialect::Ollama, "/api/generate", r#"{"context":[1,2]}"#), 1);
    assert_eq!(attachments(Dialect::OpenAi, "/completions", r#"{"prompt":"x","n":1,"logit_bias":{"5":1}}"#), 0);
}

#[test]
fn every_piece_says_whose_words_it_holds() {
    let says = |dialect, path: &str, body: &str| -> Vec<(String, Origin)> {
        let request = parse(dialect, path, body).expect("a request");
        let pieces = request.content().pieces.iter().filter(|piece| piece.text.starts_with('@'));
        pieces.map(|piece| (piece.text.to_string(), piece.origin)).collect()
    };
    let one = |text: &str, origin| (format!("@{text}"), origin);
    let chat = r#"{"model":"m","tools":[{"type":"function","function":{"name":"f","description":"@tools"}}],"messages":[
        {"role":"system","content":"@system"},{"role":"developer","content":"@developer"},
        {"role":"user","content":[{"type":"text","text":"@user"},{"type":"file","file":{"filename":"@file"}}]},
        {"role":"assistant","content":"@answer"},{"role":"tool","content":[{"type":"text","text":"@tool"}]},
        {"role":"oracle","content":"@unknown"}]}"#;
    let expected = [
        one("tools", Origin::Tool),
        one("system", Origin::System),
        one("developer", Origin::System),
        one("user", Origin::Prompt),
        one("file", Origin::Document),
        one("answer", Origin::Answer),
        one("tool", Origin::Tool),
        one("unknown", Origin::Prompt),
    ];
    assert_eq!(says(Dialect::OpenAi, "/v1/chat/completions", chat), expected);
    let messages = r#"{"model":"m","max_tokens":1,"system":"@system","messages":[{"role":"user","content":[
        {"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"@tool"}]},
        {"type":"document","source":{"type":"text","media_type":"text/plain","data":"@document"}}]}],
        "metadata":{"role":"tool","note":"@data"}}"#;
    let expected = [
        one("system", Origin::System),
        one("tool", Origin::Tool),
        one("document", Origin::Document),
        one("data", Origin::Prompt),
    ];
    assert_eq!(says(Dialect::Anthropic, "/v1/messages", messages), expected);
    let responses = r#"{"model":"m","instructions":"@system","input":[{"role":"user","content":"@user"},
        {"type":"function_call_output","call_id":"c","output":"@tool"}]}"#;
    let expected = [one("system", Origin::System), one("user", Origin::Prompt), one("tool", Origin::Tool)];
    assert_eq!(says(Dialect::OpenAi, "/v1/responses", responses), expected);
}

#[test]
fn texts_are_bounded() {
    let limits = Limits { pieces: 2, ..Limits::default() };
    let json = endpoint(Dialect::Json, "POST", "/predict").unwrap();
    let parse = |body: &'static str| Request::parse(json, Some("application/json"), body.as_bytes(), &limits);
    assert!(parse(r#"["a","b","",null]"#).is_ok());
    assert_eq!(parse(r#"["a","b","c"]"#).unwrap_err().reason, Reason::BodyTooLarge);
}

const UPLOAD: &str = "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n\
    --x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
    --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"Plan TIC-101.csv\"\r\nContent-Type: image/png\r\n\r\ntag;value\r\nTIC-101;185\r\n\r\n--x--\r\n";

fn upload(body: &[u8]) -> Result<Request<'_>, Malformed> {
    Request::parse(endpoint(Dialect::OpenAi, "POST", "/files").unwrap(), Some(FORM), body, &Limits::default())
}

#[test]
fn a_form_is_rewritten_in_content_and_file_name() {
    let request = upload(UPLOAD.as_bytes()).unwrap();
    assert_eq!(request.model(), Some("whisper-1"));
    assert_eq!(
        pieces(&request),
        [
            ("part \"purpose\"", "assistants", true),
            ("part \"model\"", "whisper-1", true),
            ("part \"file\" filename", "Plan TIC-101.csv", false),
            ("part \"file\"", "tag;value\r\nTIC-101;185\r\n", false),
            ("boundary", "x", true),
        ],
        "text is text whatever it claims to be"
    );
    let edits = [edit(2, 5..12, "\"A\"\r\n"), edit(3, 11..18, "T\r\n1")];
    let expected = UPLOAD
        .replace("Plan TIC-101", "Plan %22A%22%0D%0A")
        .replace("TIC-101;185", "T\r\n1;185")
        .replace("whisper-1", "edge");
    assert_eq!(text(&request, &edits, Some("edge")).unwrap(), expected);
    assert!(upload(expected.as_bytes()).is_ok());
}

#[test]
fn a_file_of_calls_is_one_only_where_it_is_made_into_calls() {
    let calls = "{\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"gpt-4o\"}}";
    let body = UPLOAD.replace("assistants", "batch").replace("tag;value", calls).replace("TIC-101;185\r\n", "");
    assert_eq!(upload(body.as_bytes()).unwrap().model(), Some("gpt-4o"));
    let speech = endpoint(Dialect::OpenAi, "POST", "/audio/transcriptions").unwrap();
    let request = Request::parse(speech, Some(FORM), body.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(request.model(), Some("whisper-1"), "the model that answers");
}

#[test]
fn an_edit_of_a_file_of_calls_changes_what_they_say_and_not_what_they_ask() {
    let call = r#"{"url":"/v1/chat/completions","body":{"model":"gpt-4o","input":"ask anna@works.example"}}"#;
    let calls = format!("{call}\n{call}\n");
    let body = UPLOAD.replace("assistants", "batch").replace("tag;value\r\nTIC-101;185\r\n", &calls);
    let request = upload(body.as_bytes()).unwrap();
    let both = |from: &str, to: &str| -> Vec<Edit> {
        calls.match_indices(from).map(|(start, _)| edit(3, start..start + from.len(), to)).collect()
    };
    let told = body.replace("anna@works.example", "[person]");
    assert_eq!(text(&request, &both("anna@works.example", "[person]"), None).unwrap(), told);
    for (from, to) in [("gpt-4o", "[code]"), ("/v1/chat", "[path]"), ("\"input\"", "input"), ("body", "[word]")] {
        assert_eq!(text(&request, &both(from, to), None), Err(Unfit::Batch), "{from}");
    }
    assert_eq!(text(&request, &[], Some("edge")), Err(Unfit::Model), "the lines would ask the old one");
}

#[test]
fn an_edit_cannot_end_its_part() {
    let request = upload(UPLOAD.as_bytes()).unwrap();
    assert_eq!(request.rewrite(&[edit(3, 0..3, "\r\n--x--\r\n")], None), Err(Unfit::Boundary));
    assert_eq!(request.rewrite(&[edit(3, 0..3, "--"), edit(3, 3..4, "x")], None), Err(Unfit::Boundary));
    assert_eq!(request.rewrite(&[], Some("--x")), Err(Unfit::Boundary));
}

#[test]
fn binary_parts_are_attachments_and_fields_are_text() {
    let with = |from: &str, to: &[u8]| {
        let (before, after) = UPLOAD.split_once(from).unwrap();
        [before.as_bytes(), to, after.as_bytes()].concat()
    };
    let kind = |body: &[u8]| upload(body).unwrap().content().pieces.iter().find_map(|piece| piece.attachment.clone());
    assert_eq!(kind(&with("tag;value", b"\x89PNG\r\n\x1a\n\0")).as_deref(), Some("image/png"));
    assert_eq!(kind(&with("tag;value", b"%PDF-1.7\0")).as_deref(), Some("application/pdf; claimed=image/png"));
    let utf16 = with("image/png", b"text/plain; charset=utf-16");
    assert_eq!(kind(&utf16).as_deref(), Some("text/plain"), "text that we cannot read is an attachment");
    assert_eq!(upload(&with("assistants", b"\xff\xfea")).unwrap_err().reason, Reason::Malformed);
    assert_eq!(upload(&with("name=\"purpose\"", b"name=\"stream\"")).unwrap_err().reason, Reason::Malformed);
}

#[test]
fn debug_output_holds_no_content() {
    let shown = format!("{:?}", chat(r#"{"model":"m","messages":[{"role":"user","content":"geheim"}]}"#).unwrap());
    assert!(!shown.contains("geheim"), "{shown}");
}

/// Bodies of every kind, with strings that escapes and characters of all lengths stand in.
fn bodies() -> impl Strategy<Value = (Dialect, &'static str, String)> {
    let text = "([a-zA-Z0-9 \"\\\\\n\t/üß€😀\u{1}-]|TIC-101){0,24}";
    let strings = prop::collection::vec((text, any::<bool>()), 1..6);
    let places = prop_oneof![
        Just((
            Dialect::OpenAi,
            "/v1/chat/completions",
            r#"{"model":"m","messages":[{"role":"user","content":@},{"role":"user","content":[{"type":"text","text":@}]}],"metadata":{"x":@}}"#
        )),
        Just((
            Dialect::OpenAi,
            "/v1/responses",
            r#"{"model":"m","instructions":@,"input":[{"type":"function_call_output","call_id":"c","output":@}]}"#
        )),
        Just((
            Dialect::Anthropic,
            "/v1/messages",
            r#"{"model":"m","system":@,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":@}]}]}"#
        )),
        Just((
            Dialect::Ollama,
            "/api/chat",
            r#"{"model":"m","messages":[{"role":"user","content":@}],"options":{"stop":[@]}}"#
        )),
        Just((
            Dialect::Kserve,
            "/v2/models/m/infer",
            r#"{"inputs":[{"name":"t","shape":[2],"datatype":"BYTES","data":[@,@]}]}"#
        )),
        Just((Dialect::Json, "/predict", "[ @ , {\"a\" : @ } ]\n")),
    ];
    (places, strings).prop_map(|((dialect, path, template), strings)| {
        let mut strings = strings.iter().cycle();
        let mut body = String::new();
        for (n, stretch) in template.split('@').enumerate() {
            if n > 0 {
                let (text, escaped) = strings.next().unwrap();
                let json = serde_json::to_string(text).unwrap();
                body.push_str(&if *escaped { escape_all(&json) } else { json });
            }
            body.push_str(stretch);
        }
        (dialect, path, body)
    })
}

/// The same JSON string with everything that is not ASCII, and every `T`, as `\u` escapes.
fn escape_all(json: &str) -> String {
    let mut out = String::new();
    for character in json.chars() {
        if character.is_ascii() && character != 'T' {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04X}"));
            }
        }
    }
    out
}

/// Edits of a piece's text, cut at character boundaries by `dice`.
fn edits_of(piece: usize, text: &str, dice: &mut impl Iterator<Item = u8>) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    bounds.retain(|_| dice.next().unwrap_or(0).is_multiple_of(3));
    for pair in bounds.chunks_exact(2) {
        let replacement = ["", "[tag]", "ü\"\\\n\u{2}", "T_7K2"][usize::from(dice.next().unwrap_or(0)) % 4];
        edits.push(edit(piece, pair[0]..pair[1], replacement));
    }
    edits
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut out = text.to_owned();
    for edit in edits.iter().rev() {
        out.replace_range(edit.span.clone(), &edit.replacement);
    }
    out
}

proptest! {
    #[test]
    fn edits_say_what_was_asked_and_leave_all_other_bytes(
        (dialect, path, body) in bodies(),
        dice in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let request = parse(dialect, path, &body).unwrap();
        let mut dice = dice.into_iter().cycle();
        let per_piece: Vec<Vec<Edit>> = request.content.pieces.iter().enumerate()
            .map(|(n, piece)| if piece.fixed { Vec::new() } else { edits_of(n, &piece.text, &mut dice) })
            .collect();
        let mut edits: Vec<Edit> = per_piece.iter().flatten().cloned().collect();
        edits.reverse();
        let changed = text(&request, &edits, None).unwrap();
        let again = parse(dialect, path, &changed).unwrap();
        let empty = |n: usize| edited(&request.content.pieces[n].text, &per_piece[n]).is_empty();
        let kept = (0..request.content.pieces.len()).filter(|n| !empty(*n));
        for (n, piece) in kept.zip(&again.content.pieces) {
            prop_assert_eq!(&edited(&request.content.pieces[n].text, &per_piece[n]), piece.text.as_ref());
        }
        // What stands around the texts is the same bytes on both sides.
        let outside = |request: &Request<'_>, whole: &str| {
            let mut around = String::new();
            let mut from = 0;
            for place in &request.places {
                if let Place::Json(text) = place {
                    around.push_str(&whole[from..text.span().start]);
                    from = text.span().end;
                }
            }
            around + &whole[from..]
        };
        prop_assert_eq!(outside(&request, &body), outside(&again, &changed));
    }

    #[test]
    fn damaged_bodies_are_read_without_panic(
        (dialect, path, body) in bodies(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let row = crate::endpoints().position(|own| endpoint(dialect, "POST", path).is_some_and(|named| named.pattern() == own.pattern())).unwrap();
        let mut bytes = vec![u8::try_from(row).unwrap()];
        bytes.extend_from_slice(body.as_bytes());
        super::fuzz(&bytes);
        let at = 1 + at.index(body.len());
        bytes[at] = byte;
        super::fuzz(&bytes);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        super::fuzz(&bytes);
    }
}

#[test]
fn a_text_file_that_is_not_quite_utf_8_is_an_attachment_and_read() {
    let (before, after) = UPLOAD.split_once("tag;value").unwrap();
    for odd in [&b"f\xfcr \0"[..], b"\xff"] {
        let body = [before.as_bytes(), odd, b"tag;value", after.as_bytes()].concat();
        let request = upload(&body).unwrap();
        let file: Vec<_> = request.content().pieces.iter().filter(|piece| piece.path == "part \"file\"").collect();
        assert!(file.iter().any(|piece| piece.attachment.is_some()));
        assert!(file.iter().any(|piece| piece.text.contains("TIC-101;185") && piece.fixed));
    }
}

#[test]
fn a_type_of_a_part_that_no_file_has_is_content() {
    let body = UPLOAD.replace("image/png", "text/x; name=TIC-101");
    assert!(pieces(&upload(body.as_bytes()).unwrap()).contains(&("part \"file\" type", "text/x; name=TIC-101", true)));
}

#[test]
fn numbers_that_may_tell_are_pieces() {
    let body =
        r#"{"card":4111111111111111,"at":1763000000,"warm":78.5,"TIC-101":78.5,"heater_sp":5,"n":[1,2,3],"seed":7}"#;
    let request = parse(Dialect::Json, "/predict", body).unwrap();
    let numbers: Vec<_> = pieces(&request).into_iter().filter(|(path, ..)| !path.ends_with(')')).collect();
    assert_eq!(numbers, [("card", "4111111111111111", true), ("{3}", "78.5", true), ("heater_sp", "5", true)]);
    let lists = r#"{"cards":[7, 4111111111111111 ,1],"heater_sp":[78.5,79],"mixed":["",4111111111111111],"x":[0.4111111111111111,1]}"#;
    let request = parse(Dialect::Json, "/predict", lists).unwrap();
    let numbers: Vec<_> = pieces(&request).into_iter().filter(|(path, ..)| !path.ends_with(')')).collect();
    assert_eq!(
        numbers,
        [
            ("cards[0]", "7, 4111111111111111 ,1", true),
            ("heater_sp[0]", "78.5,79", true),
            ("mixed[1]", "4111111111111111", true)
        ]
    );
}

#[test]
fn the_path_of_a_json_service_is_read() {
    let request = parse(Dialect::Json, "/v1/TIC-101/predict", "{}").unwrap().at("/v1/TIC-101/predict", None);
    assert_eq!(pieces(&request), [("path", "/v1/TIC-101/predict", true)]);
}

#[test]
fn a_data_url_is_read_with_its_type() {
    let body = r#"{"a":"data:text/x-TIC-101;base64,c2VlIFRJQy0xMDIgcGxlYXNl","b":"data:,TIC%2D103"}"#;
    let request = parse(Dialect::Json, "/predict", body).unwrap();
    let texts: Vec<_> = pieces(&request).into_iter().map(|(_, text, _)| text.to_owned()).collect();
    assert_eq!(texts, ["a", "text/x-TIC-101;base64", "see TIC-102 please", "b", "data:,TIC-103"]);
}

#[test]
fn the_query_of_an_address_is_read_as_a_form_too() {
    let body = r#"{"a":"https://x.example/?q=to+78.5","b":"https://x.example/a+b","c":"what? 1+1"}"#;
    let request = parse(Dialect::Json, "/predict", body).unwrap();
    let texts: Vec<_> = pieces(&request).into_iter().map(|(_, text, fixed)| (text.to_owned(), fixed)).collect();
    assert!(texts.contains(&("q=to 78.5".to_owned(), true)), "{texts:?}");
    assert_eq!(texts.len(), 7);
}

#[test]
fn what_leaves_beside_the_body_is_content_that_nothing_replaces() {
    let parsed = parse(Dialect::OpenAi, "/v1/chat/completions", r#"{"messages":[],"model":"m"}"#).unwrap();
    let before = parsed.content().pieces.len();
    let headers: [(&str, &[u8]); 2] = [("user-agent", b"mes/4"), ("openai-note", b"caf\xE9")];
    let request = parsed.at("/v1/chat/completions", Some("note=TIC%2D101+high")).with_headers(headers);
    let beside: Vec<_> =
        request.content().pieces.iter().skip(before).map(|p| (p.path.as_str(), &*p.text, p.fixed)).collect();
    let expected = [
        ("query", "note=TIC-101 high", true),
        ("header.user-agent", "mes/4", true),
        ("header.openai-note", "caf\u{FFFD}", true),
    ];
    assert_eq!(beside, expected);
}

#[test]
fn a_file_can_be_replaced_or_left_out_in_every_dialect() {
    let png = BASE64_STANDARD.encode([b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; 300]].concat());
    let note = r#"[file left out: "a"]"#;
    let said = note.replace('"', "\\\"");
    let cases = [
        (
            Dialect::OpenAi,
            "/chat/completions",
            r#"[{"image_url":{"url":"data:image/png;base64,PNG"},"type":"image_url"},1]"#,
            r#"[{"type":"text","text":"NOTE"},1]"#,
        ),
        (
            Dialect::OpenAi,
            "/responses",
            r#"[{"type":"input_image","image_url":"data:image\/png;base64,PNG"}]"#,
            r#"[{"type":"input_text","text":"NOTE"}]"#,
        ),
        (
            Dialect::Anthropic,
            "/v1/messages",
            r#"[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"PNG"}}]"#,
            r#"[{"type":"text","text":"NOTE"}]"#,
        ),
        (
            Dialect::Ollama,
            "/api/chat",
            r#"[{"images":["PNG","PNG"],"content":"see"}]"#,
            r#"[{"images":[],"content":"NOTE see"}]"#,
        ),
        (Dialect::Json, "/any", r#"{"a":"data:image/png;base64,PNG"}"#, r#"{"a":"NOTE"}"#),
    ];
    for (dialect, path, messages, left) in cases {
        let body = |messages: &str| format!(r#"{{"model":"m","messages":{messages}}}"#);
        let whole = body(&messages.replace("PNG", &png));
        let request = parse(dialect, path, &whole).unwrap();
        let count = request.attachments().len();
        assert!(count > 0 && (0..count).all(|file| request.can_leave_out(file)), "{dialect} {path}");
        assert_eq!(request.attachment_bytes(0).unwrap().len(), 308);
        let notes: Vec<_> =
            (0..count).map(|attachment| Substitute::Note { attachment, text: note.to_owned() }).collect();
        let changed = String::from_utf8(request.rewrite_with(&[], &notes, None).unwrap()).unwrap();
        assert_eq!(changed, body(&left.replace("NOTE", &said)), "{dialect} {path}");
        let bytes: Vec<_> =
            (0..count).map(|attachment| Substitute::Bytes { attachment, bytes: vec![1, 2, 3] }).collect();
        let changed = String::from_utf8(request.rewrite_with(&[], &bytes, None).unwrap()).unwrap();
        assert_eq!(changed, body(&messages.replace("PNG", "AQID")), "{dialect} {path}");
    }
}
