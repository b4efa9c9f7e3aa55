//! IEC 62443-3-2 zones: assets that share one security level.

use crate::ZoneId;
use ipnet::IpNet;
use std::fmt;

/// Assets with one security level, and the networks they live in.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its name in the plant file.
    pub id: ZoneId,
    /// What people call it.
    pub title: Option<String>,
    /// The addresses of its assets. An external zone (a cloud) has none.
    pub networks: Vec<IpNet>,
    /// Where it stands in the Purdue reference model.
    pub level: PurdueLevel,
    /// SL-T: the security level it is to reach, per foundational requirement.
    pub target: SecurityLevels,
    /// How bad it is when it fails.
    pub criticality: Criticality,
    /// Who answers for it.
    pub owner: String,
}

impl Zone {
    /// Whether it lies outside of the plant: calls go to it, and none comes from it.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.networks.is_empty()
    }
}

/// A level of the Purdue reference model; 3.5 is the industrial demilitarised zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PurdueLevel {
    /// Level 0: the physical process.
    Process,
    /// Level 1: basic control.
    BasicControl,
    /// Level 2: supervision.
    Supervision,
    /// Level 3: site operations.
    Operations,
    /// Level 3.5: the industrial demilitarised zone.
    Demilitarised,
    /// Level 4: the site's business network.
    Business,
    /// Level 5: the enterprise and what lies beyond it.
    Enterprise,
}

impl PurdueLevel {
    /// Reads `0`, `1`, `2`, `3`, `3.5`, `4` or `5`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "0" => Self::Process,
            "1" => Self::BasicControl,
            "2" => Self::Supervision,
            "3" => Self::Operations,
            "3.5" => Self::Demilitarised,
            "4" => Self::Business,
            "5" => Self::Enterprise,
            _ => return None,
        })
    }
}

impl fmt::Display for PurdueLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process => "0",
            Self::BasicControl => "1",
            Self::Supervision => "2",
            Self::Operations => "3",
            Self::Demilitarised => "3.5",
            Self::Business => "4",
            Self::Enterprise => "5",
        })
    }
}

/// A security level from 0 to 4 for each of the seven foundational requirements of IEC 62443-3-3.
///
/// INVARIANT: each level is at most 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityLevels([u8; 7]);

impl SecurityLevels {
    /// The foundational requirements in the standard's order (FR 1 to FR 7), as the plant file abbreviates them.
    pub const REQUIREMENTS: [&'static str; 7] = ["iac", "uc", "si", "dc", "rdf", "tre", "ra"];

    /// Takes the levels in the order of [`Self::REQUIREMENTS`]; `None` if one is above 4.
    #[must_use]
    pub fn new(levels: [u8; 7]) -> Option<Self> {
        levels.iter().all(|level| *level <= 4).then_some(Self(levels))
    }

    /// The levels in the order of [`Self::REQUIREMENTS`].
    #[must_use]
    pub fn levels(&self) -> [u8; 7] {
        self.0
    }
}

/// How bad it is when a zone fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Criticality {
    /// An inconvenience.
    Low,
    /// Lost production.
    Medium,
    /// Damage to equipment or environment, or a long stop.
    High,
    /// Danger to people.
    Safety,
}

impl Criticality {
    /// Every value with its name in the plant file.
    pub const NAMES: [(&'static str, Self); 4] =
        [("low", Self::Low), ("medium", Self::Medium), ("high", Self::High), ("safety", Self::Safety)];
}
