//! Log probabilities: they say a text once more, token by token, as letters and as bytes. Where anything of an event or a
//! document is changed or held back, they go, or what was taken out of the text could be read from them.

use super::stream::Change;
use crate::json::{Document, Kind, Value};

/// The changes to a document with its log probabilities gone, in order of their place; `held` says that something of it is
/// changed that is not among them. Without a change nothing goes.
pub(super) fn without(document: &Document<'_>, mut changes: Vec<Change>, held: bool) -> Vec<Change> {
    if changes.is_empty() && !held {
        return changes;
    }
    let mut gone: Vec<Change> = Vec::new();
    for value in document.values() {
        let (span, inside) = (value.span(), gone.last().is_some_and(|last| value.span().start < last.span.end));
        if let Some(nothing) = nothing(value).filter(|_| !inside) {
            gone.push(Change { span, bytes: nothing.to_vec() });
        }
    }
    let among = |change: &Change| {
        let after = gone.partition_point(|one| one.span.start <= change.span.start);
        after.checked_sub(1).and_then(|at| gone.get(at)).is_some_and(|one| change.span.start < one.span.end)
    };
    changes.retain(|change| !among(change));
    changes.extend(gone);
    changes.sort_by_key(|change| change.span.start);
    changes
}

/// What stands where a value of log probabilities was.
fn nothing(value: Value<'_, '_>) -> Option<&'static [u8]> {
    match value.kind() {
        _ if value.is_empty() || !value.is_at("logprobs") => None,
        Kind::Array => Some(b"[]"),
        Kind::Object => Some(b"null"),
        _ => None,
    }
}
