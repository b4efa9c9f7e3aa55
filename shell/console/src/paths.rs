//! Every path of the plant's data to AI, as its people see it: which are open, which were taken, and what was tried beside them.

use serde::Serialize;
use std::collections::BTreeMap;

/// Which paths are wanted; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// With this mark.
    pub mark: Option<Marked>,
    /// From this source; `-` is data of no source.
    pub source: Option<String>,
    /// Through this workload.
    pub workload: Option<String>,
    /// Across this conduit.
    pub conduit: Option<String>,
    /// To this provider.
    pub provider: Option<String>,
}

/// How what is open and what was taken stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// `undeclared` or `above`.
    Wrong,
    /// It was taken and is not open.
    Undeclared,
    /// Something was found on it that would be refused there now.
    Above,
    /// It is open and was not taken.
    Unused,
    /// It was taken.
    Taken,
}

impl Marked {
    /// Every one with its name.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("wrong", Self::Wrong),
        ("undeclared", Self::Undeclared),
        ("above", Self::Above),
        ("unused", Self::Unused),
        ("taken", Self::Taken),
    ];
}

/// How paths are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As data.
    Json,
    /// RFC 4180, safe to open in a spreadsheet.
    Csv,
    /// A flow chart for Markdown.
    Mermaid,
}

impl Form {
    /// Every one with its name.
    pub const NAMES: [(&'static str, Self); 3] = [("json", Self::Json), ("csv", Self::Csv), ("mermaid", Self::Mermaid)];
}

/// The paths that are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paths {
    /// Those with a mark other than `unused` first.
    pub paths: Vec<Path>,
    /// How many more there are than are told.
    pub left_out: usize,
    /// How many of the newest records are not counted yet.
    pub uncounted: u64,
}

/// A path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Path {
    /// The source; nothing for what is of none.
    pub source: Option<String>,
    /// Who answers for it.
    pub source_owner: Option<String>,
    /// The software that calls.
    pub workload: String,
    /// Who answers for it.
    pub workload_owner: Option<String>,
    /// Where it stands.
    pub zone: Option<String>,
    /// Across what.
    pub conduit: String,
    /// Who answers for it.
    pub conduit_owner: Option<String>,
    /// To whom.
    pub provider: String,
    /// Where that stands.
    pub provider_zone: Option<String>,
    /// The company behind it.
    pub supplier: Option<String>,
    /// Its country.
    pub country: Option<String>,
    /// The companies that it hands content on to.
    pub sub_processors: Vec<String>,
    /// Whether it is open by the plant file in force.
    pub declared: bool,
    /// How sensitive content may be there.
    pub allowed: Option<String>,
    /// How sensitive the most sensitive call was that left.
    pub seen: Option<String>,
    /// What was found in calls that left, and how often.
    pub seen_labels: BTreeMap<String, u64>,
    /// Labels of these that would be refused there now.
    pub above: Vec<String>,
    /// How many calls left.
    pub calls: u64,
    /// How many were refused.
    pub refused: u64,
    /// When the last one left.
    pub last: Option<String>,
    /// What does not agree: `undeclared`, `above`, `unused`.
    pub marks: Vec<&'static str>,
}

/// What was seen within a day on paths that nobody declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undeclared {
    /// The latest first.
    pub paths: Vec<Stray>,
    /// How many more there are than are told.
    pub left_out: usize,
    /// How many of the newest records are not counted yet.
    pub uncounted: u64,
}

/// A path that nobody declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stray {
    /// Who calls: a workload that was proved, or an address.
    pub caller: String,
    /// Whether that is a workload.
    pub workload: bool,
    /// The zone that it comes from, as far as that is known.
    pub zone: Option<String>,
    /// Where to, as far as that is known.
    pub provider: Option<String>,
    /// The conduit that it crossed, if it did.
    pub conduit: Option<String>,
    /// Why it was refused; nothing of one that went on.
    pub reason: Option<&'static str>,
    /// How many calls went on.
    pub calls: u64,
    /// How many were refused.
    pub refused: u64,
    /// When the last one was seen.
    pub last: String,
}
