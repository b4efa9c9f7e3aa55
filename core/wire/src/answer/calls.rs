//! The tools that an answer calls, by name, as every dialect says it.
//!
//! Told before anything of the event is released. A name that comes in pieces is told piece by piece: each must be one that
//! may be called.

use crate::json::{Document, Kind, Value};
use plant::Rewrite;
use std::borrow::Cow;

/// Tells of every call in a document or an event.
pub(super) fn tell(document: &Document<'_>, rewrite: &mut dyn Rewrite) {
    for value in document.values().filter(|value| value.kind() == Kind::Object) {
        if let Some(name) = called(value).filter(|name| !name.is_empty()) {
            rewrite.calls(&name);
        }
    }
}

/// The name of the tool that an object calls, if it is a call.
fn called<'a>(value: Value<'_, 'a>) -> Option<Cow<'a, str>> {
    let name = || value.get("name").and_then(Value::as_str);
    // OpenAI's older word, Gemini's, and Bedrock's.
    if ["function_call", "functionCall", "toolUse"].iter().any(|key| value.is_at(key)) {
        return name();
    }
    // Cohere's stream has one call where others have a list.
    let listed = value.parent().is_some_and(|list| list.kind() == Kind::Array && list.is_at("tool_calls"));
    if listed || value.is_at("tool_calls") {
        let function = value.get("function").and_then(|function| function.get("name"));
        return function.and_then(Value::as_str).or_else(name);
    }
    // `tool_use`, `server_tool_use`, `function_call`, `mcp_call`; those that are built in have no name but their type.
    let kind = value.get("type").and_then(Value::as_str)?;
    (kind.ends_with("_use") || kind.ends_with("_call")).then(|| name().unwrap_or(kind))
}
