//! The names that a plant file declares, for those that use them to be compared with.

use crate::node::Node;
use crate::table::{Kind, Named};
use std::collections::{BTreeMap, BTreeSet};

/// The names that the file declares, whatever else is wrong with what they name.
///
/// A kind that is missing here was declared in a way that cannot be read: then any name may be one.
#[derive(Debug)]
pub(crate) struct Names<'a>(BTreeMap<Named, BTreeSet<&'a str>>);

impl<'a> Names<'a> {
    /// Collects the names; `labels` are those that need no declaration.
    pub(crate) fn of(file: &Node<'a>, labels: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = BTreeMap::new();
        for field in file.section.fields {
            let Kind::Tables(_, named) = &field.kind else { continue };
            // Not `tables`: an entry that is no table still declares its name.
            match file.given(field.key).map(|(_, value)| value.get_ref().as_table()) {
                None => names.insert(*named, BTreeSet::new()),
                Some(None) => None,
                Some(Some(table)) => names.insert(*named, table.keys().map(|name| name.get_ref().as_ref()).collect()),
            };
        }
        let scale = file.table("plant").map(|plant| plant.texts("sensitivity")).unwrap_or_default();
        if !scale.is_empty() {
            names.insert(Named::Sensitivity, scale.into_iter().map(|name| name.value).collect());
        }
        if let Some(known) = names.get_mut(&Named::Label) {
            known.extend(labels);
        }
        Self(names)
    }

    /// Every name of a kind.
    pub(crate) fn all(&self, named: Named) -> impl Iterator<Item = &'a str> + '_ {
        self.0.get(&named).into_iter().flatten().copied()
    }

    /// Whether the name is declared, or may be.
    pub(crate) fn has(&self, named: Named, name: &str) -> bool {
        // Labels of these families are declared by whoever registers a document or a table.
        let registered = named == Named::Label && (name.starts_with("document.") || name.starts_with("data."));
        // Each source has a label of its own.
        let of_source =
            || named == Named::Label && name.strip_prefix("source.").is_some_and(|name| self.has(Named::Source, name));
        registered || of_source() || self.0.get(&named).is_none_or(|names| names.contains(name))
    }
}
