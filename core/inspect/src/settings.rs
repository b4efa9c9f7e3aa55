//! What the plant wants read: sensitivities of labels, its own dictionary and tag schemes, what to ignore.
//!
//! Plain and complete. Patterns are the only part that can still be wrong; [`crate::Inspector::new`] says which.

use crate::detector::Detector;
use crate::source::SourceProblem;
use plant::{Label, RuleId, Sensitivity, Source};
use std::collections::{BTreeMap, BTreeSet};

/// How the inspector is set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How sensitive each label makes a message. The longest entry that covers a label decides, so `person` is
    /// the default of `person.email`.
    pub labels: BTreeMap<Label, Sensitivity>,
    /// The sensitivity of labels that no entry covers.
    pub unlisted: Sensitivity,
    /// The plant's own words, by label.
    pub dictionary: BTreeMap<Label, Entry>,
    /// Patterns of the plant's tag numbering schemes. What they match is labelled `tag`.
    pub tags: Vec<String>,
    /// Texts that are never a finding, compared whole and without case (`info@example.com`, `10.0.0.0/8`).
    pub ignore: Vec<String>,
    /// The plant's own rules, in order.
    pub detectors: Vec<Detector>,
    /// The plant's data sources, in order.
    pub sources: Vec<Source>,
    /// Rules that are switched off, by the names that [`crate::rules`] lists.
    pub disabled: BTreeSet<RuleId>,
    /// Most findings in one message. Beyond it the message is not read at all: see [`crate::Overflow`].
    pub findings: usize,
}

/// What the dictionary says of one label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Words and phrases, found as whole tokens and without case.
    pub terms: Vec<String>,
    /// Regular expressions, without look-around and back-references. A match lies within one line.
    pub patterns: Vec<String>,
}

impl Settings {
    /// Settings that find everything built in, and make it `unlisted`.
    ///
    /// 32,768 findings: a list of 10,000 rows with a tag and two values each is still read, and the findings
    /// of one message stay below 8 MiB.
    #[must_use]
    pub fn new(unlisted: Sensitivity) -> Self {
        Self {
            labels: BTreeMap::new(),
            unlisted,
            dictionary: BTreeMap::new(),
            tags: Vec::new(),
            ignore: Vec::new(),
            detectors: Vec::new(),
            sources: Vec::new(),
            disabled: BTreeSet::new(),
            findings: 32_768,
        }
    }

    /// How sensitive `label` makes a message.
    #[must_use]
    pub fn sensitivity(&self, label: &Label) -> Sensitivity {
        self.labels
            .iter()
            .filter(|(entry, _)| entry.covers(label))
            .max_by_key(|(entry, _)| entry.as_str().len())
            .map_or(self.unlisted, |(_, sensitivity)| *sensitivity)
    }
}

/// Why the settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsProblem {
    /// A dictionary pattern is not a regular expression that we take.
    #[error("pattern {index} of dictionary label `{label}` cannot be used: {problem}")]
    Pattern {
        /// The dictionary label.
        label: Label,
        /// Which of its patterns, from 0.
        index: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A tag pattern is not a regular expression that we take.
    #[error("tag pattern {index} cannot be used: {problem}")]
    Tag {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A pattern of one of the plant's own rules is not a regular expression that we take.
    #[error("pattern {index} of rule `{rule}` cannot be used: {problem}")]
    Detector {
        /// The rule.
        rule: RuleId,
        /// Which of its patterns, from 0.
        index: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A dictionary term has no letter or digit, or is too long.
    #[error("term {index} of dictionary label `{label}` needs a letter or a digit and at most 256 bytes")]
    Term {
        /// The dictionary label.
        label: Label,
        /// Which of its terms, from 0.
        index: usize,
    },
    /// All terms or all patterns together are too large to be compiled.
    #[error("the dictionary is too large to be compiled")]
    TooLarge,
    /// The data sources cannot be looked for.
    #[error(transparent)]
    Source(#[from] SourceProblem),
    /// A rule to switch off does not exist.
    #[error("there is no rule `{rule}` to switch off")]
    NoSuchRule {
        /// Its name.
        rule: RuleId,
    },
}
