//! What a caller makes of an answer: an assembler of its own, on `serde_json`, that knows nothing of ours.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use plant::Dialect;
use serde_json::Value;
use std::collections::BTreeMap;

/// The payloads of a stream, as an SDK finds them.
pub(crate) fn payloads(dialect: Dialect, bytes: &[u8]) -> Vec<String> {
    if dialect == Dialect::Bedrock {
        return messages(bytes).into_iter().map(|(_, payload)| payload).collect();
    }
    if bytes.starts_with(b"[") {
        let events: Vec<Value> = serde_json::from_slice(bytes).unwrap();
        return events.iter().map(Value::to_string).collect();
    }
    let text = std::str::from_utf8(bytes).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    if dialect == Dialect::Ollama || text.starts_with('{') {
        return text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    }
    let value =
        |line: &str| line.strip_prefix("data:").map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned());
    let event = |event: &str| event.lines().filter_map(value).collect::<Vec<_>>().join("\n");
    text.split("\n\n").map(event).filter(|payload| !payload.is_empty()).collect()
}

/// The messages of Amazon's event stream: headers of text, and the payload or what it holds in base64. Checksums are checked.
pub(crate) fn messages(mut bytes: &[u8]) -> Vec<(BTreeMap<String, String>, String)> {
    let number = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (message, rest) = bytes.split_at(number(bytes, 0));
        let (body, sum) = message.split_at(message.len() - 4);
        assert_eq!(crc32fast::hash(&body[..8]) as usize, number(body, 8));
        assert_eq!(crc32fast::hash(body) as usize, number(sum, 0));
        let (mut block, payload) = body[12..].split_at(number(body, 4));
        let mut headers = BTreeMap::new();
        while let [length, after @ ..] = block {
            let (name, after) = after.split_at(usize::from(*length));
            assert_eq!(after[0], 7);
            let (value, after) = after[3..].split_at(usize::from(u16::from_be_bytes([after[1], after[2]])));
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            headers.insert(text(name), text(value));
            block = after;
        }
        let whole: Value = serde_json::from_slice(payload).unwrap();
        let payload = match whole["bytes"].as_str() {
            Some(inner) => BASE64_STANDARD.decode(inner).unwrap(),
            None => payload.to_vec(),
        };
        found.push((headers, String::from_utf8(payload).unwrap()));
        bytes = rest;
    }
    found
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
            Dialect::OpenAi | Dialect::Azure | Dialect::Mistral | Dialect::Vllm => openai(&event, &mut add),
            Dialect::Anthropic => anthropic(&event, &mut add),
            Dialect::Bedrock if event["type"].is_string() => anthropic(&event, &mut add),
            Dialect::Bedrock => {
                let (place, delta) = (&event["contentBlockIndex"], &event["delta"]);
                add(format!("{place} text"), &delta["text"]);
                add(format!("{place} reasoning"), &delta["reasoningContent"]["text"]);
                add(format!("{place} arguments"), &delta["toolUse"]["input"]);
            }
            Dialect::Cohere => {
                let (place, message) = (&event["index"], &event["delta"]["message"]);
                add(format!("{place} text"), &message["content"]["text"]);
                add(format!("{place} thinking"), &message["content"]["thinking"]);
                add("tool_plan".to_owned(), &message["tool_plan"]);
                add(format!("{place} arguments"), &message["tool_calls"]["function"]["arguments"]);
                add(format!("{place} name"), &message["tool_calls"]["function"]["name"]);
            }
            Dialect::Gemini => {
                for candidate in event["candidates"].as_array().into_iter().flatten() {
                    for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
                        add(format!("{} {}", candidate["index"], part["thought"]), &part["text"]);
                        add("name".to_owned(), &part["functionCall"]["name"]);
                    }
                }
            }
            Dialect::LlamaCpp => add("content".to_owned(), &event["content"]),
            Dialect::Ollama => {
                for place in ["/response", "/thinking", "/message/content", "/message/thinking"] {
                    add(place.to_owned(), event.pointer(place).unwrap_or(&Value::Null));
                }
            }
            Dialect::Kserve => add("text_output".to_owned(), &event["text_output"]),
            Dialect::Json | Dialect::Described(_) | Dialect::Mcp => {}
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
        for part in choice["delta"]["content"].as_array().into_iter().flatten() {
            add(format!("{index} content"), &part["text"]);
            for thought in part["thinking"].as_array().into_iter().flatten() {
                add(format!("{index} thinking"), &thought["text"]);
            }
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
