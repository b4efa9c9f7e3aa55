//! A record as a row: what all formats take from it.

use ledger::{Entry, leaf_hash};
use plant::Millis;
use seal::hex;
use serde_json::Value;
use store::Record;

/// One record on its way out.
pub(crate) struct Row<'a> {
    record: &'a Record,
    origin: &'a str,
    leaf: String,
}

/// How much a record asks for attention. Not how bad it is: that depends on the plant, and rules of the SIEM say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gravity {
    /// As it should be.
    Routine,
    /// Somebody may want to look: a call that ended badly, a gateway that died, a clock that was set, a disk that fills.
    Notice,
    /// Something was refused.
    Warning,
}

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// It left, or ended, without a reason against it.
    Success,
    /// It was refused, ended with a reason, or was abandoned.
    Failure,
    /// The record is of no call.
    None,
}

impl<'a> Row<'a> {
    pub(crate) fn new(record: &'a Record, origin: &'a str) -> Self {
        Self { record, origin, leaf: hex(&leaf_hash(&record.line)) }
    }

    /// The index of the leaf.
    pub(crate) fn seq(&self) -> u64 {
        self.record.entry.seq()
    }

    /// The leaf hash (RFC 6962 section 2.1), in hexadecimal.
    pub(crate) fn leaf(&self) -> &str {
        &self.leaf
    }

    /// The name of the ledger.
    pub(crate) fn origin(&self) -> &str {
        self.origin
    }

    /// The exact bytes.
    pub(crate) fn line(&self) -> &[u8] {
        &self.record.line
    }

    pub(crate) fn time(&self) -> Millis {
        self.record.entry.t()
    }

    pub(crate) fn kind(&self) -> &str {
        self.entry().text("kind").unwrap_or("unknown")
    }

    pub(crate) fn entry(&self) -> &Entry {
        &self.record.entry
    }

    /// What stands at a path, as text for one cell; lists are joined by commas.
    pub(crate) fn cell(&self, path: &str) -> Option<String> {
        match path {
            "seq" => Some(self.seq().to_string()),
            "leaf" => Some(self.leaf.clone()),
            "ledger" => Some(self.origin.to_owned()),
            "time" => Some(self.time().to_string()),
            _ => self.entry().at(path).map(plain),
        }
    }

    /// The first of the paths at which something stands.
    pub(crate) fn first(&self, paths: &[&str]) -> Option<String> {
        paths.iter().find_map(|path| self.cell(path))
    }

    /// Why it was refused or did not end well.
    pub(crate) fn reason(&self) -> Option<&str> {
        ["dec.reason", "out.reason", "note.reason"].into_iter().find_map(|path| self.entry().text(path))
    }

    pub(crate) fn gravity(&self) -> Gravity {
        let event = matches!(self.kind(), "abandon" | "clock" | "storage");
        let rejected = self.entry().text("note.result") == Some("rejected");
        match self.kind() {
            "refuse" => Gravity::Warning,
            "admin" if self.entry().text("note.result") == Some("refused") => Gravity::Warning,
            _ if event || rejected || self.reason().is_some() => Gravity::Notice,
            _ => Gravity::Routine,
        }
    }

    pub(crate) fn course(&self) -> Course {
        match self.kind() {
            "refuse" | "abandon" => Course::Failure,
            "intent" | "outcome" if self.reason().is_some() => Course::Failure,
            "intent" | "outcome" => Course::Success,
            "admin" if self.entry().text("note.result") == Some("refused") => Course::Failure,
            "admin" => Course::Success,
            _ => Course::None,
        }
    }
}

/// A value as text: `tag (2), secret.password` for findings.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(members) => match (members.get("label"), members.get("count")) {
            (Some(label), Some(count)) => format!("{} ({count})", plain(label)),
            _ => value.to_string(),
        },
        _ => value.to_string(),
    }
}

/// Replaces what a program that reads lines could take for the end of one, and what no log can show. Records of ours
/// hold no such characters; the row of a record must not depend on it.
pub(crate) fn one_line(text: &str) -> impl Iterator<Item = char> + use<'_> {
    text.chars().map(|character| match character {
        // NEL, LS and PS end a line for Unicode (UAX 14), and so for `splitlines` of Python.
        '\u{2028}' | '\u{2029}' => char::REPLACEMENT_CHARACTER,
        character if character.is_control() => char::REPLACEMENT_CHARACTER,
        character => character,
    })
}
