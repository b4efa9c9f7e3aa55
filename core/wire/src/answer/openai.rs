//! `OpenAI` streams: chat completions, the older completions, and the typed events of responses and audio.

use super::reading::{End, Key, Mould, Reading, number};
use super::realtime;
use crate::json::{Document, Kind, Value};
use std::ops::Range;

/// Texts of a chat delta: the name of the member, and what stands before and after the text in a choice's `delta`.
/// `reasoning_content` and `reasoning` are what compatible servers send.
const TEXTS: [(&str, &str); 4] = [
    ("content", r#"{"content":""#),
    ("refusal", r#"{"refusal":""#),
    ("reasoning_content", r#"{"reasoning_content":""#),
    ("reasoning", r#"{"reasoning":""#),
];

/// Events of which each holds a `delta` of one text, by the name without its ending. Of others the texts share a name, so
/// that they are read at all events.
const TYPED: [&str; 8] = [
    "response.output_text",
    "response.refusal",
    "response.reasoning_summary_text",
    "response.reasoning_text",
    "response.function_call_arguments",
    "response.mcp_call_arguments",
    "response.custom_tool_call_input",
    "transcript.text",
];

/// Reads one event.
pub(super) fn read<'a>(document: &Document<'a>, reading: &mut Reading<'a>) {
    let root = document.root();
    if let Some(kind) = root.get("type").and_then(Value::as_str) {
        if realtime::is_event(root) {
            return realtime::read(root, &kind, reading);
        }
        return typed(root, &kind, reading);
    }
    let gone = root.get("usage").filter(|usage| usage.kind() == Kind::Object);
    let gone = gone.map(|usage| (usage.span(), "null"));
    if let Some(choices) = root.get("choices") {
        for choice in choices.children() {
            read_choice(&Whole { choices: choices.span(), gone: gone.clone() }, choice, reading);
        }
    }
    if root.get("error").is_some_and(|error| error.kind() != Kind::Null) {
        reading.ends.push(End::All);
        reading.last = true;
    }
}

/// What of the event around a choice a mould needs.
struct Whole {
    choices: Range<usize>,
    gone: Option<(Range<usize>, &'static str)>,
}

impl Whole {
    /// An event with one choice that says nothing else.
    fn mould(&self, choice: u64, before: &str, after: &'static str) -> Mould {
        Mould::Around {
            stretch: self.choices.clone(),
            before: format!(r#"[{{"index":{choice},{before}"#),
            after,
            gone: self.gone.iter().cloned().collect(),
        }
    }
}

fn read_choice<'a>(whole: &Whole, choice: Value<'_, 'a>, reading: &mut Reading<'a>) {
    let position = u64::try_from(choice.position()).unwrap_or(u64::MAX);
    let place = choice.get("index").and_then(Value::as_u64).unwrap_or(position);
    for member in choice.children() {
        let Some(key) = member.key() else { continue };
        match &*key.decode() {
            "delta" => read_delta(whole, place, member, reading),
            "text" => {
                let key = Key { kind: "text", place, part: 0 };
                reading.delta(key, false, member, || {
                    whole.mould(place, r#""text":""#, r#"","logprobs":null,"finish_reason":null}]"#)
                });
            }
            "finish_reason" if member.text().is_some_and(|reason| !reason.is_empty()) => {
                reading.ends.push(End::Place(place));
            }
            _ => {}
        }
    }
}

fn read_delta<'a>(whole: &Whole, place: u64, delta: Value<'_, 'a>, reading: &mut Reading<'a>) {
    for member in delta.children() {
        let Some(name) = member.key() else { continue };
        let name = name.decode();
        if let Some((kind, before)) = TEXTS.into_iter().find(|(kind, _)| *kind == name) {
            let before = || format!(r#""delta":{before}"#);
            let after = r#""},"finish_reason":null}]"#;
            reading.delta(Key { kind, place, part: 0 }, false, member, || whole.mould(place, &before(), after));
            if member.kind() == Kind::Array {
                read_parts(whole, place, member, reading);
            }
        } else if name == "tool_calls" {
            for call in member.children() {
                read_call(whole, place, call, reading);
            }
        } else if let Some(arguments) = (name == "function_call").then(|| member.get("arguments")).flatten() {
            let key = Key { kind: "function_call", place, part: 0 };
            let before = r#""delta":{"function_call":{"arguments":""#;
            let after = r#""}},"finish_reason":null}]"#;
            reading.delta(key, true, arguments, || whole.mould(place, before, after));
        } else if let Some(transcript) = (name == "audio").then(|| member.get("transcript")).flatten() {
            let key = Key { kind: "transcript", place, part: 0 };
            let before = r#""delta":{"audio":{"transcript":""#;
            let after = r#""}},"finish_reason":null}]"#;
            reading.delta(key, false, transcript, || whole.mould(place, before, after));
        }
    }
}

/// Mistral's content in parts: of text, and of thoughts, which are a list of such parts.
fn read_parts<'a>(whole: &Whole, place: u64, content: Value<'_, 'a>, reading: &mut Reading<'a>) {
    for part in content.children() {
        if let Some(text) = part.get("text") {
            let before = r#""delta":{"content":[{"type":"text","text":""#;
            let after = r#""}]},"finish_reason":null}]"#;
            let key = Key { kind: "content", place, part: 0 };
            reading.delta(key, false, text, || whole.mould(place, before, after));
        }
        for text in part.get("thinking").into_iter().flat_map(Value::children).filter_map(|part| part.get("text")) {
            let before = r#""delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":""#;
            let after = r#""}]}]},"finish_reason":null}]"#;
            let key = Key { kind: "thinking", place, part: 0 };
            reading.delta(key, false, text, || whole.mould(place, before, after));
        }
    }
}

fn read_call<'a>(whole: &Whole, place: u64, call: Value<'_, 'a>, reading: &mut Reading<'a>) {
    let position = u64::try_from(call.position()).unwrap_or(u64::MAX);
    let part = call.get("index").and_then(Value::as_u64).unwrap_or(position);
    let Some(arguments) = call.get("function").and_then(|function| function.get("arguments")) else { return };
    reading.delta(Key { kind: "tool_calls", place, part }, true, arguments, || {
        let before = format!(r#""delta":{{"tool_calls":[{{"index":{part},"function":{{"arguments":""#);
        whole.mould(place, &before, r#""}}]},"finish_reason":null}]"#)
    });
}

/// Events that name their type: responses, transcriptions, speech, images.
fn typed<'a>(root: Value<'_, 'a>, kind: &str, reading: &mut Reading<'a>) {
    match kind {
        "response.completed"
        | "response.failed"
        | "response.incomplete"
        | "transcript.text.done"
        | "speech.audio.done"
        | "image_generation.completed"
        | "image_edit.completed"
        | "error" => {
            reading.ends.push(End::All);
            reading.last = true;
            return;
        }
        _ => {}
    }
    if let Some(name) = kind.strip_suffix(".done") {
        reading.ends.push(End::Text(typed_key(root, name)));
        return;
    }
    let Some(name) = kind.strip_suffix(".delta") else { return };
    // Recordings come in base64, each event a whole number of groups: not a text to hold back parts of.
    if name.contains("audio") && !name.contains("transcript") {
        return;
    }
    let Some(value) = root.get("delta") else { return };
    let json = name.ends_with("_arguments");
    reading.delta(typed_key(root, name), json, value, || {
        let gone = root.get("logprobs").filter(|logprobs| logprobs.kind() == Kind::Array && !logprobs.is_empty());
        Mould::Same(gone.map(|logprobs| (logprobs.span(), "[]")).into_iter().collect())
    });
}

fn typed_key(root: Value<'_, '_>, name: &str) -> Key {
    let kind = TYPED.into_iter().find(|kind| *kind == name).unwrap_or("other");
    let part = root.get("content_index").or_else(|| root.get("summary_index"));
    Key { kind, place: number(root.get("output_index")), part: number(part) }
}

/// Whether the payload is the mark that ends a stream of chat completions. SDKs look only at how it begins.
pub(super) fn is_done(payload: &[u8]) -> bool {
    payload.starts_with(b"[DONE]")
}

/// Whether a stream of this endpoint must end with such a mark or event.
pub(super) fn must_end(endpoint: &str) -> bool {
    matches!(endpoint, "chat.completions" | "completions" | "responses" | "responses.get")
        || endpoint.starts_with("audio.")
        || endpoint.starts_with("images.")
}
