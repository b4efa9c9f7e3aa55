//! Ollama's stream: JSON lines, of which the last says `done`.

use super::reading::{End, Key, Mould, Reading};
use crate::json::{Document, Kind, Value};

/// Reads one line.
pub(super) fn read<'a>(document: &Document<'a>, reading: &mut Reading<'a>) {
    let root = document.root();
    let gone: Vec<_> = root
        .get("logprobs")
        .filter(|logprobs| logprobs.kind() == Kind::Array && !logprobs.is_empty())
        .map(|logprobs| (logprobs.span(), "[]"))
        .into_iter()
        .collect();
    for kind in ["response", "thinking"] {
        if let Some(value) = root.get(kind) {
            reading.delta(Key { kind, place: 0, part: 0 }, false, value, || Mould::Same(gone.clone()));
        }
    }
    if let Some(message) = root.get("message") {
        // The role and an empty content stay, as clients require them; tool calls must not come twice.
        let texts = [
            ("content", r#"{"role":"assistant","content":""#),
            ("thinking", r#"{"role":"assistant","content":"","thinking":""#),
        ];
        for (member, before) in texts {
            let Some(value) = message.get(member) else { continue };
            let kind = if member == "content" { "message.content" } else { "message.thinking" };
            reading.delta(Key { kind, place: 0, part: 0 }, false, value, || Mould::Around {
                stretch: message.span(),
                before: before.to_owned(),
                after: "\"}",
                gone: gone.clone(),
            });
        }
    }
    let failed = root.get("error").is_some_and(|error| error.kind() != Kind::Null);
    if failed || root.get("done").and_then(Value::as_bool) == Some(true) {
        reading.ends.push(End::All);
        reading.last = true;
    }
}
