//! What an alert says of what it is about: a few named facts, clean and short.

use std::collections::BTreeMap;

/// The names that facts can have, in the order in which they are written.
pub const FACTS: [&str; 24] = [
    "zone",
    "conduit",
    "workload",
    "workstation",
    "operator",
    "provider",
    "model",
    "purpose",
    "reason",
    "sensitivity",
    "findings",
    "event",
    "part",
    "quota",
    "measure",
    "from",
    "to",
    "because",
    "result",
    "records",
    "destination",
    "withheld",
    "kind",
    "times",
];

/// Longest fact, in characters.
const LONGEST: usize = 120;

/// Named facts.
///
/// INVARIANT: names are of [`FACTS`], values as [`shown`] gives them and not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<&'static str, String>);

impl Facts {
    /// Adds a fact, if there is one.
    pub(crate) fn add(&mut self, name: &str, value: Option<impl AsRef<str>>) {
        let known = FACTS.into_iter().find(|known| *known == name);
        debug_assert!(known.is_some(), "`{name}` is in the list of facts");
        let value = value.map(|value| shown(value.as_ref())).filter(|value| !value.is_empty());
        if let Some((name, value)) = known.zip(value) {
            self.0.insert(name, value);
        }
    }

    /// The fact of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Every fact, in the order of [`FACTS`].
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        FACTS.into_iter().filter_map(|name| Some((name, self.0.get(name)?.as_str())))
    }

    /// Leaves what the others say too.
    pub(crate) fn keep_common(&mut self, others: &Self) {
        self.0.retain(|name, value| others.0.get(name) == Some(value));
    }
}

/// A text from outside as alerts show it: at most 120 characters, and none that ends a line, turns the direction of writing
/// (CVE-2021-42574), has no width, or cannot be seen.
#[must_use]
pub fn shown(text: &str) -> String {
    let clean = |character| if ledger::is_treacherous(character) { char::REPLACEMENT_CHARACTER } else { character };
    text.trim().chars().take(LONGEST).map(clean).collect()
}
