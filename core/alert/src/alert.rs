//! What is sent.

use crate::fact::{FACTS, Facts};
use crate::{Code, Severity};
use plant::{GatewayId, Millis, PlantId, RecordId};
use serde_json::{Map, Value, json};

/// The version of an alert's form in JSON. A field that is added does not change it; one that goes or means something else does.
pub const SCHEMA: u64 = 1;
/// Longest identity of an alert.
const LONGEST: usize = 256;

/// Whose alerts they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The site.
    pub plant: PlantId,
    /// The gateway within it.
    pub gateway: GatewayId,
}

/// Which telling of it this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The first; or it began to hold.
    Firing,
    /// It was seen so often again.
    Repeated,
    /// It holds no more.
    Resolved,
}

impl Status {
    /// Every status with its name.
    pub const NAMES: [(&'static str, Self); 3] =
        [("firing", Self::Firing), ("repeated", Self::Repeated), ("resolved", Self::Resolved)];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Repeated => "repeated",
            Self::Resolved => "resolved",
        }
    }
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its own identity: printable ASCII without blanks. An alert that is sent again has the same.
    pub id: String,
    /// What it is of.
    pub code: Code,
    /// Which telling of it.
    pub status: Status,
    /// How urgent it is.
    pub severity: Severity,
    /// Whose it is.
    pub site: Site,
    /// What it is about, in one text: alerts of one code about the same belong together.
    pub about: String,
    /// How many sightings it tells of.
    pub count: u64,
    /// When the first of them was.
    pub first: Millis,
    /// When the last of them was.
    pub last: Millis,
    /// The record of the last of them; none for what the ledger cannot tell of.
    pub record: Option<RecordId>,
    /// What they have in common.
    pub facts: Facts,
}

impl Alert {
    /// The alert as JSON, for programs.
    #[must_use]
    pub fn data(&self) -> Value {
        let facts: Map<String, Value> =
            self.facts.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        json!({
            "schema": SCHEMA,
            "id": self.id,
            "code": self.code.name(),
            "title": self.code.title(),
            "status": self.status.name(),
            "severity": self.severity.name(),
            "plant": self.site.plant.as_str(),
            "gateway": self.site.gateway.as_str(),
            "about": self.about,
            "count": self.count,
            "first": self.first.to_string(),
            "last": self.last.to_string(),
            "record": self.record.map(|id| id.to_string()),
            "facts": facts,
        })
    }

    /// Reads what [`Self::data`] gives.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key)?.as_str();
        let id =
            text("id").filter(|id| (1..=LONGEST).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()))?;
        let record = match value.get("record")? {
            Value::Null => None,
            id => Some(RecordId::parse(id.as_str()?)?),
        };
        Some(Self {
            id: id.to_owned(),
            code: Code::named(text("code")?)?,
            status: Status::NAMES.iter().find(|(name, _)| Some(*name) == text("status"))?.1,
            severity: Severity::named(text("severity")?)?,
            site: Site { plant: PlantId::new(text("plant")?).ok()?, gateway: GatewayId::new(text("gateway")?).ok()? },
            about: text("about")?.chars().take(LONGEST * 2).collect(),
            count: value.get("count")?.as_u64()?,
            first: moment(text("first")?)?,
            last: moment(text("last")?)?,
            record,
            facts: facts(value.get("facts")?)?,
        })
    }
}

/// A time as [`Millis`] writes it, whatever it is.
fn moment(text: &str) -> Option<Millis> {
    match text.strip_suffix(" ms") {
        Some(number) => number.parse().ok().map(Millis),
        None => Millis::parse(text),
    }
}

/// Facts by name; those that no fact is called by are none.
pub(crate) fn facts(value: &Value) -> Option<Facts> {
    let mut facts = Facts::default();
    for (name, value) in value.as_object()? {
        if FACTS.contains(&name.as_str()) {
            facts.add(name, Some(value.as_str()?));
        }
    }
    Some(facts)
}
