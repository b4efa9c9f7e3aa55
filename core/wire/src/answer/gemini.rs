//! Streams of `generateContent`, also where they pass as plain JSON: each event holds the next piece of each candidate's text.

use super::reading::{End, Key, Mould, Reading, number};
use crate::json::{Document, Kind, Value};

/// Reads one event, if it is one of these. Nothing marks the last one.
pub(super) fn read<'a>(document: &Document<'a>, reading: &mut Reading<'a>) {
    let root = document.root();
    let Some(candidates) = root.get("candidates").filter(|candidates| candidates.kind() == Kind::Array) else { return };
    let usage = root.get("usageMetadata").filter(|usage| usage.kind() == Kind::Object);
    for candidate in candidates.children() {
        let place = number(candidate.get("index"));
        let Some(parts) = candidate.get("content").and_then(|content| content.get("parts")) else { continue };
        for part in parts.children() {
            let thought = part.get("thought").and_then(Value::as_bool) == Some(true);
            let (kind, opens) = if thought { ("thought", r#""thought":true,"#) } else { ("candidate", "") };
            let Some(text) = part.get("text") else { continue };
            reading.delta(Key { kind, place, part: 0 }, false, text, || Mould::Around {
                stretch: candidates.span(),
                before: format!(r#"[{{"index":{place},"content":{{"role":"model","parts":[{{{opens}"text":""#),
                after: r#""}]}}]"#,
                gone: usage.map(|usage| (usage.span(), "{}")).into_iter().collect(),
            });
        }
        if candidate.get("finishReason").is_some_and(|reason| reason.kind() == Kind::String) {
            reading.ends.push(End::Place(place));
        }
    }
}
