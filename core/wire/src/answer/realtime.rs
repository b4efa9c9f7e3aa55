//! The events of `OpenAI`'s Realtime sessions: deltas of texts that belong to an item, several of which may be under way.

use super::reading::{End, Key, Mould, Reading, number};
use crate::json::{Kind, Text, Value};

/// Events of which each holds a `delta` of one text, by the name without its ending. Of others the texts share a name, so that
/// they are read at all events. The first few have two names: that of the beta, and that of today.
const TYPED: [&str; 8] = [
    "response.output_text",
    "response.text",
    "response.output_audio_transcript",
    "response.audio_transcript",
    "response.function_call_arguments",
    "response.mcp_call_arguments",
    "conversation.item.input_audio_transcription",
    "session.output_transcript",
];

/// Whether an event is one of a session: no other API of this dialect gives events an id.
pub(super) fn is_event(root: Value<'_, '_>) -> bool {
    root.get("event_id").is_some_and(|id| id.kind() == Kind::String)
}

/// Reads one event. None is the last: a session ends with its connection.
pub(super) fn read<'a>(root: Value<'_, 'a>, kind: &str, reading: &mut Reading<'a>) {
    if let Some(name) = [".done", ".completed", ".failed"].into_iter().find_map(|end| kind.strip_suffix(end)) {
        reading.ends.push(End::Text(key(root, name)));
        return;
    }
    let Some(name) = kind.strip_suffix(".delta") else { return };
    // Recordings come in base64, each event a whole number of groups: not a text to hold back parts of.
    if name.ends_with("audio") {
        return;
    }
    let Some(delta) = root.get("delta") else { return };
    reading.delta(key(root, name), name.ends_with("_arguments"), delta, || {
        let gone = root.get("logprobs").filter(|logprobs| logprobs.kind() == Kind::Array && !logprobs.is_empty());
        Mould::Same(gone.map(|logprobs| (logprobs.span(), "[]")).into_iter().collect())
    });
}

/// Items are told apart by their ids, because each answer counts its own from 0.
fn key(root: Value<'_, '_>, name: &str) -> Key {
    let kind = TYPED.into_iter().find(|kind| *kind == name).unwrap_or("other");
    let item = root.get("item_id").and_then(Value::text).map(Text::decode).unwrap_or_default();
    let answer = root.get("response_id").and_then(Value::text).map(Text::decode).unwrap_or_default();
    // FNV-1a. A provider that makes two ids meet mixes two of its own texts.
    let hash = item.bytes().chain([0]).chain(answer.bytes());
    let place =
        hash.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Key { kind, place, part: number(root.get("content_index")) }
}
