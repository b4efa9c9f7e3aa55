//! What is watched of calls, and what a shift says.

use crate::Language;
use plant::Millis;
use std::fmt;

/// A call that has ended, as far as it counts here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Who called.
    pub workload: String,
    /// The model that was asked; empty where the provider chooses.
    pub model: String,
    /// Length of the request in bytes.
    pub request_bytes: u64,
    /// Length of the answer in bytes, if there was one.
    pub answer_bytes: Option<u64>,
    /// Whether it was refused.
    pub refused: bool,
    /// Whether it left and failed: the provider could not be reached, broke off, or said that it failed.
    pub failed: bool,
    /// Whether its answer was stopped or changed.
    pub guarded: bool,
    /// The families of labels that were found in it (`secret`, `person`, `tag`), each once.
    pub labels: Vec<String>,
    /// The language of its prompt, if there was one to tell it by.
    pub language: Option<Language>,
    /// A keyed hash of its prompt, if there was one.
    pub prompt: Option<u64>,
}

/// One thing that is watched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// The share of calls that are refused.
    Refused,
    /// The share of calls that fail.
    Failed,
    /// The share of calls whose answer is stopped or changed.
    Guarded,
    /// The share of calls whose prompt came shortly before, word for word.
    Repeated,
    /// The size of requests.
    RequestSize,
    /// The size of answers.
    AnswerSize,
    /// The share of calls in which something of this family of labels is found.
    Label(String),
    /// The share of calls in this language.
    Language(Language),
}

impl Measure {
    /// What kind of measure it is, in records and metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Guarded => "guarded",
            Self::Repeated => "repeated",
            Self::RequestSize => "request-size",
            Self::AnswerSize => "answer-size",
            Self::Label(_) => "label",
            Self::Language(_) => "language",
        }
    }

    /// Which label or language, if it is of one.
    #[must_use]
    pub fn of(&self) -> Option<&str> {
        match self {
            Self::Label(label) => Some(label),
            Self::Language(language) => Some(language.code()),
            _ => None,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of() {
            Some(of) => write!(f, "{} {of}", self.kind()),
            None => f.write_str(self.kind()),
        }
    }
}

/// How a measure stood in a stretch of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// So many of so many calls.
    Share {
        /// Those that count.
        hits: u64,
        /// All.
        calls: u64,
    },
    /// This size in the middle (the geometric mean) of so many.
    Size {
        /// Bytes.
        bytes: u64,
        /// How many calls.
        calls: u64,
    },
}

/// A measure that stands elsewhere than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Who called.
    pub workload: String,
    /// Which model.
    pub model: String,
    /// What changed.
    pub measure: Measure,
    /// How it stood before.
    pub before: Level,
    /// How it stands now.
    pub after: Level,
    /// When the first of the calls ended that it is seen in.
    pub since: Millis,
    /// By how many standard errors it stands out, in tenths.
    pub deviation: u32,
}
