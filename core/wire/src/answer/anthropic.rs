//! Anthropic's message stream: blocks that start, grow and stop.

use super::reading::{End, Key, Mould, Reading, number, says};
use crate::json::{Document, Value};

/// Texts of a block: the member, the type of its deltas, and whether it is JSON.
const TEXTS: [(&str, &str, bool); 3] =
    [("text", "text_delta", false), ("thinking", "thinking_delta", false), ("partial_json", "input_json_delta", true)];

/// Reads one event.
pub(super) fn read<'a>(document: &Document<'a>, reading: &mut Reading<'a>) {
    let root = document.root();
    let Some(kind) = root.get("type").and_then(Value::as_str) else { return };
    let place = number(root.get("index"));
    match &*kind {
        "content_block_delta" => texts(root.get("delta"), place, reading, |_, _| Mould::Same(Vec::new())),
        // A block may start with text; what of it is held back cannot come as a second start.
        "content_block_start" => texts(root.get("content_block"), place, reading, |member, kind| Mould::Own {
            event: "content_block_delta",
            before: format!(
                "{{\"type\":\"content_block_delta\",\"index\":{place},\"delta\":{{\"type\":\"{kind}\",\"{member}\":\""
            ),
            after: "\"}}",
        }),
        "content_block_stop" => reading.ends.push(End::Place(place)),
        "message_stop" | "error" => {
            reading.ends.push(End::All);
            reading.last = true;
        }
        _ => {}
    }
}

fn texts<'a>(
    around: Option<Value<'_, 'a>>,
    place: u64,
    reading: &mut Reading<'a>,
    mould: impl Fn(&str, &str) -> Mould,
) {
    let Some(around) = around else { return };
    // A citation or a tool's name is whole and no text that grows.
    if says(around.get("type"), "citations_delta") {
        return;
    }
    for (member, kind, json) in TEXTS {
        if let Some(value) = around.get(member) {
            reading.delta(Key { kind: member, place, part: 0 }, json, value, || mould(member, kind));
        }
    }
}
