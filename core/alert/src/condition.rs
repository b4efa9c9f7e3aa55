//! What the ledger cannot tell of, because it is about the ledger, its witnesses, or the alerts themselves.

use crate::fact::Facts;
use crate::{Code, Sighting, Turn};
use plant::Millis;

/// Something that holds, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What it is.
    pub code: Code,
    /// Of which destination, where it is about one.
    pub destination: Option<String>,
    /// Whether it holds.
    pub holds: bool,
}

impl Condition {
    /// The ledger takes no records, or does.
    #[must_use]
    pub fn of(code: Code, holds: bool) -> Self {
        Self { code, destination: None, holds }
    }

    pub(crate) fn sighting(&self, now: Millis) -> Sighting {
        let mut facts = Facts::default();
        facts.add("destination", self.destination.as_deref());
        let about = self.destination.clone().unwrap_or_default();
        let turn = if self.holds { Turn::Raised } else { Turn::Cleared };
        Sighting { code: self.code, turn, about, severity: self.code.base(), at: now, record: None, facts }
    }
}
