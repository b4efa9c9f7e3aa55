//! Streams of an API that the plant file describes: the texts that grow from event to event stand where it says.

use super::reading::{Key, Mould, Reading};
use crate::described::{positions, stands_at};
use crate::json::{Document, Kind};
use plant::Description;

/// Reads one event. Nothing marks the last one.
pub(super) fn read<'a>(document: &Document<'a>, description: &Description, reading: &mut Reading<'a>) {
    for value in document.values().filter(|value| value.kind() == Kind::String) {
        let Some(place) = description.texts.iter().position(|path| stands_at(value, path)) else { continue };
        let place = u64::try_from(place).unwrap_or(u64::MAX);
        let key = Key { kind: "described", place, part: positions(value) };
        reading.delta(key, false, value, || Mould::Same(Vec::new()));
    }
}
