//! Streams of Amazon Bedrock: the events of `ConverseStream`, and what the models themselves send where they are invoked.
//!
//! An event of Converse is told by its members: what it is called stands in the message around it, which this does not see.

use super::reading::{End, Key, Mould, Reading, number};
use super::{anthropic, openai};
use crate::json::{Document, Kind, Value};

/// Texts that models of their own makers send under one member: Llama, Titan, Cohere's older ones.
const NATIVE: [&str; 3] = ["generation", "outputText", "text"];

/// Reads one event.
pub(super) fn read<'a>(document: &Document<'a>, reading: &mut Reading<'a>) {
    let root = document.root();
    if root.get("contentBlockIndex").is_some() {
        return block(root, reading);
    }
    if root.get("metrics").is_some_and(|metrics| metrics.kind() == Kind::Object) {
        // The last event, which tells what the call has cost.
        reading.ends.push(End::All);
        reading.last = true;
    } else if is_text(root.get("stopReason")) {
        reading.ends.push(End::All);
    } else if root.get("choices").is_some() {
        openai::read(document, reading);
    } else if is_text(root.get("type")) {
        anthropic::read(document, reading);
    } else {
        native(root, reading);
    }
}

/// A piece of a block, or its end.
fn block<'a>(event: Value<'_, 'a>, reading: &mut Reading<'a>) {
    let place = number(event.get("contentBlockIndex"));
    let Some(delta) = event.get("delta") else {
        if event.get("start").is_none() {
            reading.ends.push(End::Place(place));
        }
        return;
    };
    let mut note = |kind, json, value: Option<Value<'_, 'a>>| {
        let key = Key { kind, place, part: 0 };
        value.into_iter().for_each(|value| reading.delta(key, json, value, || Mould::Same(Vec::new())));
    };
    note("text", false, delta.get("text"));
    note("toolUse", true, delta.get("toolUse").and_then(|tool| tool.get("input")));
    note("reasoning", false, delta.get("reasoningContent").and_then(|reasoning| reasoning.get("text")));
}

/// What a model sends in its own form.
fn native<'a>(root: Value<'_, 'a>, reading: &mut Reading<'a>) {
    // Nova's events are those of Converse, each under its name.
    for name in ["contentBlockDelta", "contentBlockStop"] {
        root.get(name).into_iter().for_each(|event| block(event, reading));
    }
    for kind in NATIVE {
        root.get(kind).into_iter().for_each(|text| {
            reading.delta(Key { kind, place: 0, part: 0 }, false, text, || Mould::Same(Vec::new()));
        });
    }
    // Mistral's older ones.
    for (output, place) in root.get("outputs").into_iter().flat_map(Value::children).zip(0..) {
        output.get("text").into_iter().for_each(|text| {
            reading.delta(Key { kind: "outputs", place, part: 0 }, false, text, || Mould::Same(Vec::new()));
        });
        if is_text(output.get("stop_reason")) {
            reading.ends.push(End::Place(place));
        }
    }
    let finished = root.get("is_finished").and_then(Value::as_bool) == Some(true);
    let ends = ["stop_reason", "completionReason"].into_iter().any(|key| is_text(root.get(key)));
    if finished || ends || root.get("messageStop").is_some() {
        reading.ends.push(End::All);
    }
}

fn is_text(value: Option<Value<'_, '_>>) -> bool {
    value.is_some_and(|value| value.kind() == Kind::String)
}
