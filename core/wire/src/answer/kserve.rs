//! The generate extension of the open inference protocol: each event holds the next piece of `text_output`.

use super::reading::{End, Key, Mould, Reading};
use crate::json::{Document, Kind};

/// Reads one event. Nothing in the protocol marks the last one.
pub(super) fn read<'a>(document: &Document<'a>, reading: &mut Reading<'a>) {
    let root = document.root();
    if let Some(value) = root.get("text_output") {
        reading.delta(Key { kind: "text_output", place: 0, part: 0 }, false, value, || Mould::Same(Vec::new()));
    }
    if root.get("error").is_some_and(|error| error.kind() != Kind::Null) {
        reading.ends.push(End::All);
        reading.last = true;
    }
}
