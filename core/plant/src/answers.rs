//! What answers may hold when they come back across a conduit.

use crate::{Handling, Wildcard};

/// What is done with what an answer holds beside its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// Hosts that images and links may lead to, in lower case. Empty lets none.
    pub hosts: Vec<Wildcard>,
    /// Whether images that lead elsewhere are taken out. A viewer fetches them unasked, with what stands in their address.
    pub images: bool,
    /// Whether links that lead elsewhere are left as text.
    pub links: bool,
    /// Whether bare addresses that lead elsewhere are taken out too.
    pub addresses: bool,
    /// Whether active HTML is defused, and characters that nobody sees are taken out.
    pub markup: bool,
    /// What is done with a sentence that tells how to defeat a safeguard.
    pub unsafe_instructions: Deed,
    /// The tools that an answer may call. `None` lets any that the provider names.
    pub tools: Option<Vec<Wildcard>>,
    /// What the readers of the answers may not see: [`crate::Verdict::Redact`] or [`crate::Verdict::Refuse`]. The first entry
    /// whose label covers a finding decides.
    pub withhold: Vec<Handling>,
}

impl Answers {
    /// Answers that pass as they come.
    #[must_use]
    pub fn open() -> Self {
        Self {
            hosts: Vec::new(),
            images: false,
            links: false,
            addresses: false,
            markup: false,
            unsafe_instructions: Deed::Allow,
            tools: None,
            withhold: Vec::new(),
        }
    }

    /// Whether nothing is to be done, so that an answer may pass unread.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self { hosts: self.hosts.clone(), ..Self::open() }
    }
}

/// What is done with something in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Nothing; it is not looked for.
    Allow,
    /// It passes, and is recorded.
    #[default]
    Record,
    /// It passes with a warning in the text, and is recorded.
    Annotate,
    /// The answer ends before it.
    Block,
}

impl Deed {
    /// Every deed with its name in plant files.
    pub const NAMES: [(&'static str, Self); 4] =
        [("allow", Self::Allow), ("record", Self::Record), ("annotate", Self::Annotate), ("block", Self::Block)];
}
