//! What of a record somebody should hear of.

use crate::fact::Facts;
use crate::{Code, Severity, place, weigh};
use ledger::Entry;
use plant::{Criticality, Kind, Millis, Part, Plant, Reason, RecordId, Sensitivity};
use serde_json::Value;

/// Something that was seen, before it is known whether anybody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// What it is.
    pub code: Code,
    /// Whether it happens or holds.
    pub turn: Turn,
    /// What it is about: sightings of one code about the same are equal. Only names that the plant file declares, and reasons.
    pub about: String,
    /// How urgent it is there.
    pub severity: Severity,
    /// When it was.
    pub at: Millis,
    /// The record that says so.
    pub record: Option<RecordId>,
    /// What is told of it.
    pub facts: Facts,
}

/// Whether something happens or holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It happened.
    Once,
    /// It began to hold.
    Raised,
    /// It holds no more.
    Cleared,
}

/// Reads records for one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Eyes {
    /// The plant file that was in force last, so that a start with the same one is no change.
    pub(crate) policy: Option<String>,
}

/// What is known before the zone is weighed in.
struct Found {
    code: Code,
    turn: Turn,
    about: Vec<String>,
    zone: Option<Criticality>,
    facts: Facts,
}

impl Found {
    fn new(code: Code) -> Self {
        Self { code, turn: Turn::Once, about: Vec::new(), zone: None, facts: Facts::default() }
    }

    fn fact(mut self, name: &str, value: Option<impl AsRef<str>>) -> Self {
        self.facts.add(name, value);
        self
    }

    /// A fact that tells sightings apart.
    fn key(mut self, name: &str, value: Option<&str>) -> Self {
        self.facts.add(name, value);
        self.about.push(self.facts.get(name).unwrap_or_default().to_owned());
        self
    }

    fn weighing(mut self, zone: Option<Criticality>) -> Self {
        self.zone = zone;
        self
    }

    fn turning(mut self, raised: bool) -> Self {
        self.turn = if raised { Turn::Raised } else { Turn::Cleared };
        self
    }
}

impl Eyes {
    /// Eyes that know which plant file is in force, by its digest.
    #[must_use]
    pub fn under(policy: &str) -> Self {
        Self { policy: Some(policy.to_owned()) }
    }

    /// What of a record is something to tell; findings only where the call is as sensitive as `findings` or more.
    pub fn look(&mut self, entry: &Entry, plant: &Plant, findings: Sensitivity) -> Option<Sighting> {
        let found = match entry.kind()? {
            Kind::Config | Kind::Policy => self.config(entry),
            kind => of_call(kind, entry, plant, findings).or_else(|| of_house(kind, entry, plant)),
        }?;
        let Found { code, turn, about, zone, facts } = found;
        let severity = weigh(code.base(), zone);
        let about = about.join("/");
        Some(Sighting { code, turn, about, severity, at: entry.t(), record: Some(entry.id()), facts })
    }

    fn config(&mut self, entry: &Entry) -> Option<Found> {
        if entry.text("note.result") == Some("rejected") {
            return Some(Found::new(Code::PlantRefused));
        }
        let policy = entry.text("note.policy")?.to_owned();
        let before = self.policy.replace(policy);
        before.filter(|before| Some(before) != self.policy.as_ref()).map(|_| Found::new(Code::PlantChanged))
    }
}

/// What a record of a call comes to.
fn of_call(kind: Kind, entry: &Entry, plant: &Plant, findings: Sensitivity) -> Option<Found> {
    let reason = ["dec.reason", "out.reason", "note.reason"].into_iter().find_map(|path| entry.text(path));
    let reason = reason.and_then(Reason::named);
    let code = match kind {
        Kind::Outcome if unsafe_values(entry) => Some(Code::UnsafeSetpoint),
        Kind::Refuse | Kind::Outcome | Kind::Event => reason.and_then(Code::of_reason),
        Kind::Abandon => Some(Code::CallAbandoned),
        Kind::Intent => sensitive(entry, plant, findings).then_some(Code::SensitiveContent),
        Kind::Hold => (entry.text("note.event") == Some("held")).then_some(Code::CallHeld),
        Kind::Switch => Some(Code::AnswerSwitched),
        Kind::Oversight => {
            matches!(entry.text("note.decision"), Some("overridden" | "stopped")).then_some(Code::AnswerOverruled)
        }
        Kind::Alert => (entry.text("note.event") == Some("unaccounted")).then_some(Code::AnswerUnaccounted),
        _ => None,
    }?;
    let zone = place::zone(entry, plant).map(|zone| zone.id.as_str().to_owned());
    let found = Found::new(code)
        .key("zone", zone.as_deref())
        .key(
            "conduit",
            declared(entry.text("where.conduit"), |name| plant.conduits.keys().any(|id| id.as_str() == name)),
        )
        .key("workload", workload(entry, plant))
        .key("provider", declared(provider(entry), |name| plant.providers.keys().any(|id| id.as_str() == name)))
        .key("reason", reason.filter(|_| kind != Kind::Abandon).map(Reason::code))
        .key("because", entry.text("note.because").and_then(known_reason))
        .fact("workstation", entry.text("who.workstation.id"))
        .fact("operator", entry.text("who.operator.id").filter(|id| id.starts_with("op-")))
        .fact("model", entry.text("out.model").or_else(|| entry.text("what.model")))
        .fact("purpose", entry.text("where.purpose"))
        .fact("sensitivity", entry.text("what.sensitivity"))
        .fact("findings", labels(entry))
        .fact("event", entry.text("note.decision"))
        .weighing(place::of_call(entry, plant));
    Some(found)
}

/// What any other record comes to.
fn of_house(kind: Kind, entry: &Entry, plant: &Plant) -> Option<Found> {
    let event = entry.text("note.event").unwrap_or_default();
    let provider = entry.text("note.provider");
    Some(match (kind, event) {
        (Kind::Alert, "shift") => {
            let workload = entry.text("note.workload");
            Found::new(Code::WorkloadShifted)
                .key("workload", workload)
                .key("measure", entry.text("note.measure"))
                .fact("model", entry.text("note.model"))
                .weighing(workload.and_then(|name| place::workload(plant, name)))
        }
        (Kind::Alert, "breaker") => {
            let to = entry.text("note.to")?;
            // Tried again is neither the beginning nor the end of it.
            if to != "open" && to != "closed" {
                return None;
            }
            Found::new(Code::BreakerOpen)
                .key("provider", provider)
                .turning(to == "open")
                .weighing(provider.and_then(|name| place::provider(plant, name)))
        }
        (Kind::Alert, "quota") => {
            let whose = entry.text("note.whose");
            let operator = whose.filter(|whose| whose.starts_with("op-"));
            Found::new(Code::QuotaWarning)
                .key("quota", entry.text("note.quota"))
                .key("measure", entry.text("note.measure"))
                .fact("operator", operator)
                .weighing(whose.and_then(|name| place::whose(plant, name)))
        }
        (Kind::Isolate, "isolate" | "restore") => {
            let part = Part::parse(entry.text("note.part")?).ok()?;
            Found::new(Code::Isolated)
                .key("part", Some(&part.to_string()))
                .turning(event == "isolate")
                .weighing(place::part(plant, &part))
        }
        (Kind::Storage, "torn-tail") => Found::new(Code::LedgerTorn),
        (Kind::Storage, "publish-full" | "publish-failed") => Found::new(Code::LedgerUnpublished),
        // Each threshold that is passed is news; that it is not passed any more nobody records.
        (Kind::Storage, "disk-fills") => Found::new(Code::LedgerDisk).key("event", Some(event)),
        (Kind::Storage, "full" | "room-again") => {
            Found::new(Code::LedgerDisk).fact("event", Some(event)).turning(event == "full")
        }
        (Kind::Drill, "ended") => {
            let result = entry.text("note.result").filter(|result| matches!(*result, "broken" | "broken-off"))?;
            Found::new(Code::DrillFailed).fact("result", Some(result))
        }
        (Kind::Read, "opened") => Found::new(Code::ContentOpened),
        (Kind::Erase, _) => Found::new(Code::ContentErased).key("event", Some(event)),
        (Kind::Export | Kind::Prune, _) => Found::new(Code::RecordsMoved).key("kind", Some(kind.name())),
        (Kind::Admin, _) if entry.text("note.change") == Some("access-refused") => {
            let zone = place::zone(entry, plant);
            let times = entry.number("note.times").map(|times| times.to_string());
            Found::new(Code::AccessRefused)
                .key("zone", zone.map(|zone| zone.id.as_str()))
                .key("reason", entry.text("note.reason"))
                .fact("times", times)
                .weighing(zone.map(|zone| zone.criticality))
        }
        (Kind::Admin, _) => {
            let change = entry.text("note.change").filter(|change| change.contains("token-"))?;
            Found::new(Code::AccessChanged).key("event", Some(change)).fact("workload", entry.text("note.workload"))
        }
        (Kind::Clock, _) => Found::new(Code::ClockSet).fact("event", entry.text("note.direction")),
        (Kind::Gap, _) => {
            let records = entry.number("note.records").map(|count| count.to_string());
            Found::new(Code::LedgerGap).fact("event", entry.text("note.why")).fact("records", records)
        }
        (Kind::Boot, _) => Found::new(Code::GatewayStarted),
        _ => return None,
    })
}

/// Whether an answer that was let through recommends what no limit allows.
fn unsafe_values(entry: &Entry) -> bool {
    entry.kind() == Some(Kind::Outcome) && found(entry).any(|(label, _)| label == "guard.violate")
}

fn sensitive(entry: &Entry, plant: &Plant, least: Sensitivity) -> bool {
    let step = entry.text("what.sensitivity").and_then(|name| plant.scale.step(name));
    step.is_some_and(|step| step >= least) && found(entry).next().is_some()
}

fn found(entry: &Entry) -> impl Iterator<Item = (&str, u64)> {
    let list = entry.at("what.findings").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|one| Some((one.get("label")?.as_str()?, one.get("count")?.as_u64()?)))
}

/// What was found and how often: `person.email 2, tag 1`.
fn labels(entry: &Entry) -> Option<String> {
    let all: Vec<String> = found(entry).map(|(label, count)| format!("{label} {count}")).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn provider(entry: &Entry) -> Option<&str> {
    entry.text("what.rerouted").or_else(|| entry.text("what.provider"))
}

fn workload<'a>(entry: &'a Entry, plant: &Plant) -> Option<&'a str> {
    let named = entry.text("who.workload.id").or_else(|| entry.text("note.workload"));
    declared(named, |name| plant.workloads.keys().any(|id| id.as_str() == name))
}

/// A name, if the plant file declares it.
fn declared(name: Option<&str>, is: impl Fn(&str) -> bool) -> Option<&str> {
    name.filter(|name| is(name))
}

fn known_reason(code: &str) -> Option<&'static str> {
    Reason::ALL.iter().map(|reason| reason.code()).find(|known| *known == code)
}
