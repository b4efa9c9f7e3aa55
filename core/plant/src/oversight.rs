//! Oversight: what people do with the answers of AI, and who must say so (Regulation (EU) 2024/1689, Article 14).

use crate::WorkloadId;
use std::time::Duration;

/// What a person did with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judgement {
    /// Used it as it was.
    Accepted,
    /// Used it, changed.
    Edited,
    /// Did not use it.
    Rejected,
    /// Did something else than it advised.
    Overridden,
    /// Stopped it, or what it had begun.
    Stopped,
}

impl Judgement {
    /// Every judgement with its name in records.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("accepted", Self::Accepted),
        ("edited", Self::Edited),
        ("rejected", Self::Rejected),
        ("overridden", Self::Overridden),
        ("stopped", Self::Stopped),
    ];

    /// The judgement of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, judgement)| *judgement)
    }

    /// The judgement's name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Edited => "edited",
            Self::Rejected => "rejected",
            Self::Overridden => "overridden",
            Self::Stopped => "stopped",
        }
    }
}

/// How the answers of a conduit are accounted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oversight {
    /// Within which time after its end somebody must account for each answer; `None` leaves it to them.
    pub within: Option<Duration>,
    /// How long after its end an answer can be accounted for.
    pub until: Duration,
    /// The workloads that may account for it besides the one that called.
    pub by: Vec<WorkloadId>,
    /// Whether the person must be proved by a token of their own.
    pub proved: bool,
}

impl Default for Oversight {
    /// Nobody must, and whoever wants to has a day.
    fn default() -> Self {
        Self { within: None, until: Duration::from_secs(24 * 3600), by: Vec::new(), proved: false }
    }
}
