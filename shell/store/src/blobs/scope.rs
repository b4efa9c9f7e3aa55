//! What is erased or held: a subject's content, of one month or of all, or one call's.

use ledger::Entry;
use plant::{Note, RecordId};
use seal::subject::KeyName;
use std::collections::BTreeMap;
use std::fmt;

/// What is erased or held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything of a subject.
    Subject {
        /// Who: a kind, a dot and an id.
        subject: String,
        /// Only of this month, `YYYY-MM`.
        month: Option<String>,
    },
    /// One call, by the identity of its intent.
    Call(RecordId),
}

impl Scope {
    /// A subject's content; `None` unless both are as in the name of a key.
    #[must_use]
    pub fn subject(subject: &str, month: Option<&str>) -> Option<Self> {
        KeyName::parse(&format!("{}/{subject}", month.unwrap_or("2000-01")))?;
        Some(Self::Subject { subject: subject.to_owned(), month: month.map(str::to_owned) })
    }

    /// What an `erase` record erases; `None` if it says that something was held or released.
    #[must_use]
    pub fn of(entry: &Entry) -> Option<Self> {
        if entry.text("note.event") == Some("erased") { Self::told(entry) } else { None }
    }

    /// What an `erase` record speaks of, whatever it says of it.
    #[must_use]
    pub fn told(entry: &Entry) -> Option<Self> {
        match (entry.text("note.record"), entry.text("note.subject")) {
            (Some(record), None) => RecordId::parse(record).map(Self::Call),
            (None, Some(subject)) => Self::subject(subject, entry.text("note.month")),
            _ => None,
        }
    }

    /// What a record says of it.
    #[must_use]
    pub fn note(&self) -> BTreeMap<&'static str, Note> {
        match self {
            Self::Call(record) => BTreeMap::from([("record", Note::text(record.to_string()))]),
            Self::Subject { subject, month } => {
                let month = month.iter().map(|month| ("month", Note::text(month)));
                [("subject", Note::text(subject))].into_iter().chain(month).collect()
            }
        }
    }

    /// Whether it takes in the content of a call that lies under this key.
    #[must_use]
    pub fn covers(&self, call: RecordId, key: &KeyName) -> bool {
        *self == Self::Call(call) || self.covers_key(key)
    }

    /// Whether the key itself is in it, and not only what lies under it.
    #[must_use]
    pub fn covers_key(&self, key: &KeyName) -> bool {
        match self {
            Self::Call(_) => false,
            Self::Subject { subject, month } => {
                subject == key.subject() && month.as_deref().is_none_or(|month| month == key.month())
            }
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(record) => write!(f, "call {record}"),
            Self::Subject { subject, month: None } => write!(f, "{subject}"),
            Self::Subject { subject, month: Some(month) } => write!(f, "{subject} in {month}"),
        }
    }
}
