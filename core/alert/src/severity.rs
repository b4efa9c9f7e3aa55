//! How urgent an alert is: what it is of, weighed by the zone that it concerns.

use plant::Criticality;

/// How urgent an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// To know, not to do.
    Info,
    /// To look at when there is time.
    Low,
    /// To look at today.
    Medium,
    /// To look at now.
    High,
    /// To get up for.
    Critical,
}

impl Severity {
    /// Every severity with its name, least urgent first.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("info", Self::Info),
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
        ("critical", Self::Critical),
    ];

    /// The severity of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, severity)| *severity)
    }

    /// Its name in the plant file and in alerts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Severity of ArcSight's Common Event Format, 0 to 10.
    #[must_use]
    pub fn cef(self) -> u8 {
        match self {
            Self::Info => 1,
            Self::Low => 3,
            Self::Medium => 5,
            Self::High => 8,
            Self::Critical => 10,
        }
    }

    /// Severity of RFC 5424, table 2: 6 is informational, 2 critical.
    #[must_use]
    pub fn syslog(self) -> u8 {
        match self {
            Self::Info => 6,
            Self::Low => 5,
            Self::Medium => 4,
            Self::High => 3,
            Self::Critical => 2,
        }
    }
}

/// What something of `base` severity weighs in a zone: one step less where a failure is an inconvenience, one more where it
/// breaks equipment, two more where it endangers people. What is only to know stays so everywhere.
#[must_use]
pub fn weigh(base: Severity, zone: Option<Criticality>) -> Severity {
    use Severity::{Critical, High, Info, Low, Medium};
    match (base, zone) {
        (Info, _) => Info,
        (base, None | Some(Criticality::Medium)) => base,
        (Low | Medium, Some(Criticality::Low)) => Low,
        (High, Some(Criticality::Low)) | (Low, Some(Criticality::High)) => Medium,
        (Critical, Some(Criticality::Low)) | (Medium, Some(Criticality::High)) | (Low, Some(Criticality::Safety)) => {
            High
        }
        (High | Critical, Some(Criticality::High)) | (Medium | High | Critical, Some(Criticality::Safety)) => Critical,
    }
}
