//! Who says what in a request: the caller, the application, the model, a tool, a document.
//!
//! By the roles and types of the dialects. What an unknown role says is a prompt, so nothing is taken for less than it is.

use crate::json::{Kind, Text, Value};
use plant::Origin;

/// Who says a value of the dialect's own structure, where `around` says what stands around it.
pub(super) fn of(value: Value<'_, '_>, around: Origin) -> Origin {
    let by_key = value.key().and_then(|key| keyed(value, key));
    let by_object = || (value.kind() == Kind::Object).then(|| object(value, around)).flatten();
    by_key.or_else(by_object).unwrap_or(around)
}

/// By the key of a member of the whole body.
fn keyed(value: Value<'_, '_>, key: Text<'_>) -> Option<Origin> {
    if value.parent().is_none_or(|parent| parent.parent().is_some()) {
        return None;
    }
    let is = |names: &[&str]| names.iter().any(|name| key.is(name));
    if is(&["system", "instructions", "systemInstruction", "system_instruction"]) {
        Some(Origin::System)
    } else if is(&["documents"]) {
        Some(Origin::Document)
    } else {
        is(&["tools", "functions", "toolConfig"]).then_some(Origin::Tool)
    }
}

/// By the type of an object, or its role.
fn object(value: Value<'_, '_>, around: Origin) -> Option<Origin> {
    let member = |key| value.get(key).and_then(Value::as_str);
    // Gemini's and Bedrock's parts of a message are told by the name of their only member.
    if ["functionResponse", "function_response", "toolResult"].iter().any(|key| value.is_at(key)) {
        return Some(Origin::Tool);
    }
    match member("type").as_deref() {
        Some("document" | "search_result" | "file" | "input_file" | "container_upload") => Some(Origin::Document),
        // `tool_result`, `web_search_tool_result`; `function_call_output`, `computer_call_output`; lists and calls of MCP,
        // and searches in files, which hold what they found.
        Some(kind)
            if kind.ends_with("_result")
                || kind.ends_with("_call_output")
                || kind.starts_with("mcp_")
                || kind == "file_search_call" =>
        {
            Some(Origin::Tool)
        }
        // A part of a message has no role of its own.
        _ if around == Origin::Tool => None,
        None if value.is_at("document") => Some(Origin::Document),
        _ => match member("role").as_deref() {
            Some("system" | "developer") => Some(Origin::System),
            Some("assistant" | "model") => Some(Origin::Answer),
            Some("tool" | "function") => Some(Origin::Tool),
            _ => None,
        },
    }
}
