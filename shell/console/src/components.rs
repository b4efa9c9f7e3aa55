//! The components of the plant as its people see them: what is declared against what was seen, and where each stands in its life.

use serde::Serialize;

/// The inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Components {
    /// How many people sign a step.
    pub approvals: usize,
    /// Who may, by name.
    pub approvers: Vec<String>,
    /// What is declared or seen: what needs attention first.
    pub components: Vec<Component>,
    /// How many more there are than are told.
    pub left_out: usize,
    /// How many sightings found no room where they are counted.
    pub beyond: u64,
    /// How many of the newest records are not counted yet.
    pub uncounted: u64,
}

/// Which components are written down; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picked {
    /// The one of this name, with its kind if several have it: `model:gpt`.
    pub name: Option<String>,
    /// What it is.
    pub kind: Option<String>,
    /// Where it stands in its life, or how what is declared and what is seen stand to each other.
    pub state: Option<String>,
}

/// How components are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    /// For people: a table, or everything that is known of one.
    Text,
    /// As data.
    Json,
    /// RFC 4180, safe to open in a spreadsheet.
    Csv,
    /// A bill of materials, CycloneDX 1.6 with models (ML-BOM).
    Cyclonedx,
}

impl Sheet {
    /// Every one with its name.
    pub const NAMES: [(&'static str, Self); 4] =
        [("text", Self::Text), ("json", Self::Json), ("csv", Self::Csv), ("cyclonedx", Self::Cyclonedx)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, sheet)| *sheet == self).map_or("text", |(name, _)| name)
    }
}

/// A component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Component {
    /// What it is called in commands: `model:gpt`, `model:openai/gpt-4o`.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// How what is declared and what is seen stand to each other: `shadow`, `mismatch`, `matched`, `declared`, `retired`.
    pub drift: &'static str,
    /// Where it stands in its life; `None` of what is only seen.
    pub state: Option<&'static str>,
    /// The last step that people signed.
    pub life: Option<Life>,
    /// What does not agree, a sentence each.
    pub why: Vec<String>,
    /// What it lacks to be used: `owner`, `update_process`, `isolation_plan`.
    pub lacks: Vec<&'static str>,
    /// Where it can go from here.
    pub next: Vec<Next>,
    /// What the plant file says of it.
    pub declared: Option<Declared>,
    /// What traffic says of it.
    pub seen: Option<Sighting>,
    /// Whether traffic says enough of it to draft a declaration.
    pub draftable: bool,
}

/// The last step that people signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Life {
    /// When it came into force.
    pub since: String,
    /// Who signed it.
    pub by: Vec<String>,
    /// Why, as the first of them says.
    pub because: String,
}

/// A step that a component can take next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    /// To where.
    pub to: &'static str,
    /// Who has signed it, by name.
    pub by: Vec<String>,
    /// How many more signatures it takes.
    pub needs: usize,
    /// Whether it is not taken while something is lacking.
    pub barred: bool,
}

/// What the plant file says of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Declared {
    /// What it is, for people.
    pub title: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How it is kept up to date.
    pub update_process: Option<String>,
    /// How it is cut off, and what the plant does without it.
    pub isolation_plan: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The company or project behind it.
    pub supplier: Option<String>,
    /// Its licence.
    pub licence: Option<String>,
    /// The provider of a model.
    pub provider: Option<String>,
    /// What calls name it by.
    pub names: Vec<String>,
    /// The versions that may answer or call; any, if none is named.
    pub versions: Vec<String>,
    /// The workloads and providers that stand on it.
    pub carries: Vec<String>,
}

/// What traffic says of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// The time of the first record.
    pub first: String,
    /// The time of the last one.
    pub last: String,
    /// How many calls left.
    pub calls: u64,
    /// How many were refused.
    pub refused: u64,
    /// In which versions, those of the newest sightings first.
    pub versions: Vec<Version>,
    /// The workloads whose calls used it.
    pub workloads: Vec<String>,
    /// How many more versions and workloads there are.
    pub more: usize,
}

/// A version that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Which.
    pub version: String,
    /// How often.
    pub times: u64,
    /// When it was seen last.
    pub last: String,
}

/// The text that declares something that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Declaration {
    /// A piece of a plant file.
    pub text: String,
}
