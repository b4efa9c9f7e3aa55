//! llama.cpp's own completions: each event holds the next piece of `content`, and the last one says `stop`.

use super::openai;
use super::reading::{End, Key, Mould, Reading, number};
use crate::json::{Document, Kind, Value};

/// Reads one event, which may be one of `OpenAI`'s.
pub(super) fn read<'a>(document: &Document<'a>, reading: &mut Reading<'a>) {
    let root = document.root();
    let Some(content) = root.get("content") else { return openai::read(document, reading) };
    let place = number(root.get("index"));
    let said = root.get("completion_probabilities").filter(|list| list.kind() == Kind::Array);
    reading.delta(Key { kind: "completion", place, part: 0 }, false, content, || {
        Mould::Same(said.map(|list| (list.span(), "[]")).into_iter().collect())
    });
    if root.get("stop").and_then(Value::as_bool) == Some(true) {
        reading.ends.push(End::All);
        reading.last = true;
    }
}
