//! Labelled texts, as `labelled.jsonl` and `stream.jsonl` hold them.

use serde_json::Value;
use std::ops::Range;

/// One text with what is known of it.
pub(crate) struct Row {
    pub(crate) class: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    /// Type and span, in bytes.
    pub(crate) labels: Vec<(String, Range<usize>)>,
    /// The groups of types that it is fully labelled for; what it says of others is unknown.
    pub(crate) labelled_for: Vec<String>,
}

impl Row {
    pub(crate) fn is_labelled_for(&self, group: &str) -> bool {
        self.labelled_for.iter().any(|name| name == group)
    }

    pub(crate) fn spans(&self, kind: &str) -> impl Iterator<Item = &Range<usize>> {
        self.labels.iter().filter(move |(name, _)| name == kind).map(|(_, span)| span)
    }
}

/// The rows of a file; none if there is no such file.
pub(crate) fn read(folder: &str, name: &str) -> Vec<Row> {
    let path = std::path::Path::new(folder).join(name);
    if !path.exists() {
        return Vec::new();
    }
    let file = std::fs::read_to_string(path).expect("the data can be read");
    file.lines().map(|line| row(&serde_json::from_str(line).expect("a row is JSON"))).collect()
}

fn row(value: &Value) -> Row {
    let word = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let text = word("text");
    // Offsets of the data are code points.
    let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let byte = |value: &Value| bytes[usize::try_from(value.as_u64().unwrap_or(0)).unwrap_or(0).min(bytes.len() - 1)];
    let list = |key: &str| value[key].as_array().cloned().unwrap_or_default();
    let labels = list("labels");
    let labels =
        labels.iter().map(|l| (l["type"].as_str().unwrap_or_default().to_owned(), byte(&l["start"])..byte(&l["end"])));
    Row {
        class: word("class"),
        kind: word("kind"),
        labels: labels.collect(),
        labelled_for: list("labelled_for").iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        text,
    }
}
