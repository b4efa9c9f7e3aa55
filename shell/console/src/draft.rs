//! The plant's own files as its people see them, and drafts of them that are tried out before they go live.

use serde::Serialize;

/// The plant's files, and what is to come of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The plant that is in force: SHA-256 of the plant file and what it names, in lower-case hexadecimal.
    pub in_force: String,
    /// How many people must approve another.
    pub approvals: usize,
    /// Who may, by name.
    pub approvers: Vec<String>,
    /// The plant file, and the rules and detectors that it names, as they lie on the disk. None to whom may not see them: they
    /// may hold words that the plant keeps to itself.
    pub files: Vec<File>,
    /// What lies on the disk, if that is not what is in force.
    pub waits: Option<Tried>,
}

/// A file of the plant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its path, from the plant's folder.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// What a draft would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// Its digest, which people approve; `None` if it cannot come into force.
    pub digest: Option<String>,
    /// What is wrong with it, or should be looked at.
    pub problems: Vec<Wrong>,
    /// What it opens, closes and changes against the plant in force, in words.
    pub differences: Vec<Difference>,
    /// Who has approved it, by name.
    pub approved_by: Vec<String>,
    /// Which recorded calls it would decide otherwise, if that was asked.
    pub replay: Option<Replay>,
}

/// Something that is wrong with a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// In which file.
    pub file: String,
    /// In which line, from 1.
    pub line: usize,
    /// `error`, and it cannot come into force; or `warning`.
    pub severity: &'static str,
    /// What.
    pub message: String,
    /// A way out.
    pub help: Option<String>,
}

/// Something that a draft opens, closes or changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `opens`, `closes` or `changes`.
    pub effect: &'static str,
    /// Where.
    pub place: String,
    /// What.
    pub text: String,
}

/// What became of recorded calls under a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// When the oldest of them was recorded.
    pub since: Option<String>,
    /// How many there were.
    pub calls: u64,
    /// How many would be decided otherwise.
    pub changed: u64,
    /// By conduit and workload.
    pub tallies: Vec<Tally>,
    /// The newest of those that would be decided otherwise.
    pub list: Vec<Judged>,
    /// What was not replayed, and why.
    pub not_replayed: Vec<String>,
}

/// How often what became of the calls of a workload on a conduit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// The conduit, or `-`.
    pub conduit: String,
    /// The workload, or `-`.
    pub workload: String,
    /// How many calls.
    pub calls: u64,
    /// How many pass now.
    pub opens: u64,
    /// How many are refused now.
    pub closes: u64,
    /// How many pass otherwise, or are refused for something else.
    pub changes: u64,
    /// Of how many of these the record holds too little to be sure.
    pub doubtful: u64,
}

/// A recorded call that a draft would decide otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Its record.
    pub record: String,
    /// When it was.
    pub time: String,
    /// Who called, or `-`.
    pub workload: String,
    /// Across what, or `-`.
    pub conduit: String,
    /// What is done now.
    pub in_force: String,
    /// What the draft does.
    pub draft: String,
    /// Whether the record holds too little to be sure.
    pub doubtful: bool,
}
