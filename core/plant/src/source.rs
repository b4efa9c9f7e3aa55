//! Data sources of the plant: what may be shown to AI, and to which.
//!
//! A source is a part of the plant's data under one name: the tags of a line, a collection of procedures, the tables of
//! the MES. What of it stands in content is a [`crate::Finding`] labelled `source.NAME`; [`Access`] says who may use it.

use crate::{Finding, Label, Sensitivity, SourceId};

/// The family of the labels of sources.
pub const SOURCE_FAMILY: &str = "source";

/// A part of the plant's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name in the plant file: at most 80 characters.
    pub id: SourceId,
    /// What people call it.
    pub title: Option<String>,
    /// How sensitive it makes what holds something of it.
    pub sensitivity: Sensitivity,
    /// Who answers for it.
    pub owner: String,
    /// Tags, as patterns.
    pub tags: Vec<String>,
    /// Paths of historians and asset frameworks, as patterns.
    pub paths: Vec<String>,
    /// Collections of registered documents.
    pub documents: Vec<String>,
    /// Tables of databases, `schema.table`, as patterns.
    pub tables: Vec<String>,
}

/// Which sources somebody may use. What is denied is denied, whatever else is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The sources that may be used; `None` opens any that is not denied.
    pub open: Option<Vec<SourceId>>,
    /// The sources that may not.
    pub denied: Vec<SourceId>,
}

/// Why a source may not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// It is denied by name.
    Denied,
    /// It is not among those that are open.
    Unnamed,
}

/// What is done with what stands in a request of a source that may not be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unapproved {
    /// It is replaced by stand-ins.
    Tokenise,
    /// It is blacked out.
    Redact,
    /// The call is refused.
    #[default]
    Refuse,
}

impl Unapproved {
    /// Every choice with its name in plant files.
    pub const NAMES: [(&'static str, Self); 3] =
        [("refuse", Self::Refuse), ("redact", Self::Redact), ("tokenise", Self::Tokenise)];
}

impl Access {
    /// Why the source may not be used; `None` if it may.
    #[must_use]
    pub fn closes(&self, source: &str) -> Option<Closed> {
        let among = |list: &[SourceId]| list.iter().any(|id| id.as_str() == source);
        if among(&self.denied) {
            return Some(Closed::Denied);
        }
        self.open.as_ref().is_some_and(|open| !among(open)).then_some(Closed::Unnamed)
    }

    /// Whether anything at all is closed to it.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.open.is_some() || !self.denied.is_empty()
    }
}

impl SourceId {
    /// The label of what stands in content of this source; `None` if the name is longer than 80 characters.
    #[must_use]
    pub fn label(&self) -> Option<Label> {
        Label::new(format!("{SOURCE_FAMILY}.{self}")).ok()
    }
}

impl Finding {
    /// The name of the source that was found, if it is one.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.label.as_str().strip_prefix(SOURCE_FAMILY)?.strip_prefix('.')
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Closed};
    use crate::SourceId;

    fn access(open: Option<&[&str]>, denied: &[&str]) -> Access {
        let ids = |names: &[&str]| names.iter().map(|name| SourceId::new(*name).unwrap()).collect();
        Access { open: open.map(ids), denied: ids(denied) }
    }

    #[test]
    fn what_is_denied_is_denied_even_where_it_is_named_as_open() {
        assert_eq!(access(None, &[]).closes("line-1"), None);
        assert_eq!(access(None, &["line-1"]).closes("line-1"), Some(Closed::Denied));
        assert_eq!(access(Some(&["line-1"]), &["line-1"]).closes("line-1"), Some(Closed::Denied));
        assert_eq!(access(Some(&["line-1"]), &[]).closes("line-1"), None);
        assert_eq!(access(Some(&["line-1"]), &[]).closes("line-2"), Some(Closed::Unnamed));
        assert_eq!(access(Some(&[]), &[]).closes("line-2"), Some(Closed::Unnamed));
    }
}
