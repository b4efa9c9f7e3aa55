//! What was seen in content.

use crate::{InvalidId, RuleId, Sensitivity};
use std::fmt;
use std::ops::Range;

/// What kind of thing a finding is: a word, or several joined by dots from the family to the member.
///
/// Built-in labels: `secret` (`secret.key`, `secret.private-key`, `secret.password`), `person` (`person.email`,
/// `person.phone`, `person.iban`, `person.card`), `network` (`network.address`, `network.mac`), `tag`,
/// `setpoint`, `attachment` (`attachment.image`, `attachment.audio`, `attachment.file`, and `attachment.opaque` for what of them
/// nobody could read). A plant adds its own
/// in the dictionary (`recipe`, `customer`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(RuleId);

impl Label {
    /// Takes the text if it is a label.
    ///
    /// # Errors
    /// As for any identifier.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
        RuleId::new(text).map(Self)
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether `other` is this label or a member of its family.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.as_str().strip_prefix(self.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something seen in a piece of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub label: Label,
    /// How sensitive that makes the content.
    pub sensitivity: Sensitivity,
    /// Which piece of the message it is in: an index into [`crate::Content::pieces`].
    pub piece: usize,
    /// Where in the piece's decoded text, in bytes.
    pub span: Range<usize>,
    /// The rule that saw it.
    pub rule: RuleId,
}
