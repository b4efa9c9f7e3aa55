//! The tools that an answer of a server of tools offers (MCP, `tools/list`), and the list without those that may not be seen.

use super::stream::Change;
use crate::json::{Document, Kind, Value, canonical};
use plant::Rewrite;
use std::ops::Range;

/// Asks about every tool that is offered; gives what goes of the document, in order, commas with it.
pub(super) fn withheld(document: &Document<'_>, rewrite: &mut dyn Rewrite) -> Vec<Range<usize>> {
    let root = document.root();
    // Versions before 2025-06-18 knew lists of messages.
    let messages: Vec<_> = if root.kind() == Kind::Array { root.children().collect() } else { vec![root] };
    let lists = messages.into_iter().filter_map(|message| message.get("result")?.get("tools"));
    lists.filter(|list| list.kind() == Kind::Array).flat_map(|list| cut(list, rewrite)).collect()
}

fn cut(list: Value<'_, '_>, rewrite: &mut dyn Rewrite) -> Vec<Range<usize>> {
    let tools: Vec<_> = list.children().collect();
    let (mut gone, mut kept, mut last) = (Vec::new(), false, 0);
    for (place, tool) in tools.iter().enumerate() {
        let span = tool.span();
        let name = tool.get("name").and_then(Value::as_str);
        // What has no name cannot be called, and its description would be read all the same.
        if name.is_some_and(|name| rewrite.offers(&name, &canonical(*tool))) {
            kept = true;
        } else if kept {
            gone.push(last..span.end);
        } else {
            gone.push(span.start..tools.get(place + 1).map_or(span.end, |next| next.span().start));
        }
        last = span.end;
    }
    gone
}

/// Changes without those of what goes, and with its going.
pub(super) fn without(mut changes: Vec<Change>, gone: Vec<Range<usize>>) -> Vec<Change> {
    if gone.is_empty() {
        return changes;
    }
    changes.retain(|change| !gone.iter().any(|gone| gone.start <= change.span.start && change.span.end <= gone.end));
    changes.extend(gone.into_iter().map(|span| Change { span, bytes: Vec::new() }));
    changes.sort_by_key(|change| change.span.start);
    changes
}
