//! A call that waits for a person: what it waits for, and what a person's word lets pass.

use crate::permit::{Passage, Permit};
use plant::{ConduitId, Label, ProviderId, RuleId};
use std::collections::BTreeSet;
use std::fmt;

/// A call that may cross once a person says so. Only [`crate::Policy::decide`] makes one, and only an approval of the same
/// gets the permit out of it:
///
/// ```compile_fail,E0616
/// # use penstock_policy as policy;
/// fn help_oneself(held: policy::Held) -> policy::Permit {
///     held.permit
/// }
/// ```
#[derive(Debug)]
#[must_use = "a call that is held waits for somebody"]
pub struct Held {
    permit: Permit,
    because: BTreeSet<Because>,
    found: Vec<usize>,
}

/// What a call is held for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Because {
    /// Its conduit holds findings of a label.
    Label(Label),
    /// A rule of the plant holds it.
    Rule(RuleId),
}

/// A person's word that a call may cross: this way, with this in it. It covers nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    conduit: ConduitId,
    provider: ProviderId,
    because: BTreeSet<Because>,
}

impl Held {
    pub(crate) fn new(permit: Permit, because: BTreeSet<Because>, found: Vec<usize>) -> Self {
        debug_assert!(!because.is_empty(), "a call is held for something");
        Self { permit, because, found }
    }

    /// What it will be allowed, and what will be done to it.
    #[must_use]
    pub fn terms(&self) -> &Passage {
        self.permit.terms()
    }

    /// The findings that it is held for, by their index, rising. None if only rules hold it.
    #[must_use]
    pub fn found(&self) -> &[usize] {
        &self.found
    }

    /// The word that lets it pass, to be given by a person who was asked.
    #[must_use]
    pub fn approval(&self) -> Approval {
        let Passage { conduit, provider, .. } = self.terms();
        Approval { conduit: conduit.clone(), provider: provider.clone(), because: self.because.clone() }
    }

    /// Lets it pass, if the approval covers all that it is held for, on the way that it takes.
    ///
    /// # Errors
    /// If it does not: the plant has changed since the person was asked.
    pub fn release(self, approval: &Approval) -> Result<Permit, Self> {
        let Passage { conduit, provider, .. } = self.terms();
        let same = (conduit, provider) == (&approval.conduit, &approval.provider);
        if same && self.because.is_subset(&approval.because) { Ok(self.permit) } else { Err(self) }
    }
}

/// What it waits for, in words.
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conduit `{}` waits for a person because of ", self.terms().conduit)?;
        for (place, because) in self.because.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            match because {
                Because::Label(label) => write!(f, "{comma}`{label}`")?,
                Because::Rule(rule) => write!(f, "{comma}rule `{rule}`")?,
            }
        }
        Ok(())
    }
}
