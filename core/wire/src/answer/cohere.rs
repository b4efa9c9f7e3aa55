//! Cohere's stream, version 2: content blocks, a plan and tool calls that start, grow and end.

use super::reading::{End, Key, Mould, Reading, number};
use crate::json::{Document, Value};

const PLAN: Key = Key { kind: "tool_plan", place: 0, part: 0 };

/// Reads one event.
pub(super) fn read<'a>(document: &Document<'a>, reading: &mut Reading<'a>) {
    let root = document.root();
    let Some(kind) = root.get("type").and_then(Value::as_str) else { return };
    let place = number(root.get("index"));
    let message = root.get("delta").and_then(|delta| delta.get("message"));
    let inside = |names: &[&str]| names.iter().try_fold(message?, |value, name| value.get(name));
    let mut note = |key, json, value: Option<Value<'_, 'a>>| {
        value.into_iter().for_each(|value| reading.delta(key, json, value, || Mould::Same(Vec::new())));
    };
    match &*kind {
        "content-delta" => {
            note(Key { kind: "text", place, part: 0 }, false, inside(&["content", "text"]));
            note(Key { kind: "thinking", place, part: 0 }, false, inside(&["content", "thinking"]));
        }
        "tool-plan-delta" => note(PLAN, false, inside(&["tool_plan"])),
        "tool-call-delta" => note(call(place), true, inside(&["tool_calls", "function", "arguments"])),
        "tool-call-start" => reading.ends.push(End::Text(PLAN)),
        "tool-call-end" => reading.ends.push(End::Text(call(place))),
        "content-end" => {
            let texts = ["text", "thinking"].map(|kind| End::Text(Key { kind, place, part: 0 }));
            reading.ends.extend(texts);
        }
        "message-end" => {
            reading.ends.push(End::All);
            reading.last = true;
        }
        _ => {}
    }
}

fn call(place: u64) -> Key {
    Key { kind: "tool_calls", place, part: 0 }
}
