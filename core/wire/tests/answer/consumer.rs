//! What a caller makes of an answer: an assembler of its own, on `serde_json`, that knows nothing of ours.

use plant::Dialect;
use serde_json::Value;
use std::collections::BTreeMap;

/// The payloads of a stream, as an SDK finds them.
pub(crate) fn payloads(dialect: Dialect, bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    if dialect == Dialect::Ollama {
        return text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    }
    let value =
        |line: &str| line.strip_prefix("data:").map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned());
    let event = |event: &str| event.lines().filter_map(value).collect::<Vec<_>>().join("\n");
    text.split("\n\n").map(event).filter(|payload| !payload.is_empty()).collect()
}

/// The texts of a stream, by where they stand. Deltas are joined; what else stands in an event is left out.
pub(crate) fn texts(dialect: Dialect, bytes: &[u8]) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for payload in payloads(dialect, bytes) {
        if payload == "[DONE]" {
            continue;
        }
        let Ok(event) = serde_json::from_str::<Value>(&payload) else { panic!("no JSON: {payload}") };
        let mut add = |place: String, value: &Value| {
            if let Some(text) = value.as_str() {
                texts.entry(place).or_insert_with(String::new).push_str(text);
            }
        };
        match dialect {
            Dialect::OpenAi => openai(&event, &mut add),
            Dialect::Anthropic => anthropic(&event, &mut add),
            Dialect::Ollama => {
                for place in ["/response", "/thinking", "/message/content", "/message/thinking"] {
                    add(place.to_owned(), event.pointer(place).unwrap_or(&Value::Null));
                }
            }
            Dialect::Kserve => add("text_output".to_owned(), &event["text_output"]),
            Dialect::Json => {}
        }
    }
    texts
}

fn openai(event: &Value, add: &mut impl FnMut(String, &Value)) {
    if let Some(kind) = event["type"].as_str() {
        if let Some(kind) = kind.strip_suffix(".delta") {
            add(
                format!("{kind} {} {} {}", event["output_index"], event["content_index"], event["summary_index"]),
                &event["delta"],
            );
        }
        return;
    }
    for choice in event["choices"].as_array().into_iter().flatten() {
        let index = &choice["index"];
        add(format!("{index} text"), &choice["text"]);
        for place in ["content", "refusal", "reasoning_content"] {
            add(format!("{index} {place}"), &choice["delta"][place]);
        }
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let call_index = &call["index"];
            // As the official Python SDK does: whatever comes as a string is joined.
            add(format!("{index} {call_index} id"), &call["id"]);
            add(format!("{index} {call_index} name"), &call["function"]["name"]);
            add(format!("{index} {call_index} arguments"), &call["function"]["arguments"]);
        }
        add(format!("{index} role"), &choice["delta"]["role"]);
        for token in choice["logprobs"]["content"].as_array().into_iter().flatten() {
            add(format!("{index} logprobs"), &token["token"]);
        }
    }
}

fn anthropic(event: &Value, add: &mut impl FnMut(String, &Value)) {
    let around = match event["type"].as_str() {
        Some("content_block_start") => &event["content_block"],
        Some("content_block_delta") => &event["delta"],
        _ => return,
    };
    for place in ["text", "thinking", "partial_json", "signature"] {
        add(format!("{} {place}", event["index"]), &around[place]);
    }
}

/// Whether a text is read as JSON by whoever gets it.
pub(crate) fn is_json(place: &str, text: &str) -> bool {
    place.contains("arguments") || place.contains("partial_json") || text.starts_with('{')
}
