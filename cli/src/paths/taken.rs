//! The ways that calls took, counted from records, and held against those that are open.

use crate::records::answerer;
use alert::Code;
use config::Loaded;
use ledger::Entry;
use plant::{Kind, Label, Millis, Plant, Reason, SOURCE_FAMILY, Scale, Sensitivity, Verdict};
use policy::{Policy, Route};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Most ways. Names in records come from callers too: whoever makes them up fills no memory.
const MOST: usize = 10_000;
/// Most attempts by paths that no conduit is there for, told apart by who, where to and why not.
const MOST_STRAYS: usize = 512;

/// What is not as the plant file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    Undeclared,
    Above,
    Unused,
}

impl Mark {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Undeclared => "undeclared",
            Self::Above => "above",
            Self::Unused => "unused",
        }
    }
}

/// A way, by names. In records there may be such as the plant file does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    pub(crate) workload: String,
    pub(crate) conduit: String,
    pub(crate) provider: String,
    /// Empty: of no source.
    pub(crate) source: String,
}

/// What was seen of a way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) calls: u64,
    pub(crate) refused: u64,
    pub(crate) last: Option<Millis>,
    /// How sensitive calls were as they came, by name.
    sensitivities: BTreeSet<String>,
    /// What was found in calls that left.
    pub(crate) labels: BTreeMap<String, u64>,
}

impl Seen {
    /// The most sensitive that was seen. A name that the scale of now does not have counts as the least known.
    pub(crate) fn most(&self, scale: &Scale) -> Option<&str> {
        let rank = |name: &&String| (scale.step(name).map(Sensitivity::rank), (*name).clone());
        self.sensitivities.iter().max_by_key(rank).map(String::as_str)
    }
}

/// Who tried what no conduit is there for, and where to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stray {
    /// A workload, if it was proved; else an address.
    pub(crate) caller: Caller,
    pub(crate) zone: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) reason: &'static str,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Caller {
    Workload(String),
    Address(String),
}

/// How often somebody tried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tried {
    pub(crate) times: u64,
    pub(crate) last: Millis,
}

/// The ways that were taken, and what was tried beside them.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    taken: BTreeMap<Way, Seen>,
    /// How often calls were refused there. Apart, so that whoever only tries crowds out nothing.
    refused: BTreeMap<Way, u64>,
    strays: BTreeMap<Stray, Tried>,
}

/// A line: a way that is open or was taken.
pub(crate) struct Line<'a> {
    pub(crate) way: Way,
    pub(crate) route: Option<Route<'a>>,
    pub(crate) seen: Seen,
    /// Labels that were seen and would be refused there now.
    pub(crate) above: Vec<String>,
    pub(crate) marks: BTreeSet<Mark>,
}

impl Ways {
    /// Counts a record: what says so before anything leaves, and what was refused.
    pub(crate) fn count(&mut self, entry: &Entry, plant: &Plant) {
        let kind = match entry.kind() {
            Some(kind @ (Kind::Intent | Kind::Event | Kind::Switch | Kind::Refuse)) => kind,
            _ => return,
        };
        // An account of an answer is no call.
        if entry.text("note.at") == Some("oversight") {
            return;
        }
        let refused = kind == Kind::Refuse || entry.text("dec.verdict") == Some(Verdict::Refuse.name());
        if kind == Kind::Refuse {
            self.stray(entry, plant);
        }
        self.way(entry, refused);
    }

    fn way(&mut self, entry: &Entry, refused: bool) {
        let text = |path: &str| entry.text(path).unwrap_or("-").to_owned();
        // A call of nobody to nowhere; and an answer of the plant's own, which goes to no one.
        let Some(provider) = answerer(entry).filter(|provider| *provider != "fixed-answer") else { return };
        let findings = entry.at("what.findings").and_then(Value::as_array).into_iter().flatten();
        let labels: BTreeMap<String, u64> = findings
            .filter_map(|one| Some((one.get("label")?.as_str()?.to_owned(), one.get("count").and_then(Value::as_u64)?)))
            .collect();
        let prefix = format!("{SOURCE_FAMILY}.");
        let mut sources: Vec<&str> = labels.keys().filter_map(|label| label.strip_prefix(&prefix)).collect();
        if sources.is_empty() {
            sources.push("");
        }
        for source in sources {
            let way = Way {
                workload: text("who.workload.id"),
                conduit: text("where.conduit"),
                provider: provider.to_owned(),
                source: source.to_owned(),
            };
            if refused {
                if self.refused.len() < MOST || self.refused.contains_key(&way) {
                    *self.refused.entry(way).or_default() += 1;
                }
                continue;
            }
            if self.taken.len() >= MOST && !self.taken.contains_key(&way) {
                continue;
            }
            let seen = self.taken.entry(way).or_default();
            seen.calls += 1;
            seen.last = seen.last.max(Some(entry.t()));
            seen.sensitivities.insert(text("what.sensitivity"));
            let own = |label: &str| label.strip_prefix(&prefix).is_none_or(|name| name == source);
            for (label, count) in labels.iter().filter(|(label, _)| own(label)) {
                *seen.labels.entry(label.clone()).or_default() += count;
            }
        }
    }

    fn stray(&mut self, entry: &Entry, plant: &Plant) {
        let reason = ["dec.reason", "out.reason"].into_iter().find_map(|path| entry.text(path));
        let reason = reason.and_then(Reason::named);
        let of_path = |code| matches!(code, Code::IdentityMisused | Code::IdentityRefused | Code::PathRefused);
        let Some(reason) = reason.filter(|reason| Code::of_reason(*reason).is_some_and(of_path)) else { return };
        let (Some(peer), None) = (entry.text("who.peer"), entry.text("where.conduit")) else { return };
        let proved = entry.text("who.workload.by").is_some_and(|by| by != "asserted");
        let caller = match entry.text("who.workload.id").filter(|_| proved) {
            Some(name) => Caller::Workload(name.to_owned()),
            None => Caller::Address(peer.to_owned()),
        };
        let home = || peer.parse().ok().and_then(|peer| plant.zone_of(peer)).map(|zone| zone.id.to_string());
        let stray = Stray {
            caller,
            zone: entry.text("where.zone").map(str::to_owned).or_else(home),
            provider: entry.text("what.provider").map(str::to_owned),
            reason: reason.code(),
        };
        if self.strays.len() >= MOST_STRAYS && !self.strays.contains_key(&stray) {
            // What was tried lately is looked at; what was tried long ago makes room.
            let oldest = self.strays.iter().min_by_key(|(_, tried)| tried.last).map(|(stray, _)| stray.clone());
            oldest.and_then(|oldest| self.strays.remove(&oldest));
        }
        let tried = self.strays.entry(stray).or_default();
        tried.times += 1;
        tried.last = tried.last.max(entry.t());
    }

    /// What was tried by paths that no conduit is there for.
    pub(crate) fn strays(&self) -> impl Iterator<Item = (&Stray, &Tried)> {
        self.strays.iter()
    }

    /// What was taken, and what was only tried as far as there is room.
    fn seen(&self) -> BTreeMap<Way, Seen> {
        let mut seen = self.taken.clone();
        for (way, count) in &self.refused {
            if seen.len() < MOST || seen.contains_key(way) {
                seen.entry(way.clone()).or_default().refused = *count;
            }
        }
        seen
    }

    /// What is open and what was taken, side by side.
    pub(crate) fn lines<'a>(&self, loaded: &Loaded, policy: &'a Policy, now: Millis) -> Vec<Line<'a>> {
        let mut lines: Vec<Line<'a>> = Vec::new();
        let mut rest = self.seen();
        for route in policy.routes(now) {
            let way = Way {
                workload: route.workload.id.to_string(),
                conduit: route.conduit.id.to_string(),
                provider: route.provider.id.to_string(),
                source: route.source.map(|source| source.id.to_string()).unwrap_or_default(),
            };
            let seen = rest.remove(&way).unwrap_or_default();
            let above: Vec<String> =
                seen.labels.keys().filter(|label| refuses(loaded, &route, label)).cloned().collect();
            let mut marks = BTreeSet::new();
            marks.extend((!above.is_empty()).then_some(Mark::Above));
            marks.extend((seen.calls == 0).then_some(Mark::Unused));
            lines.push(Line { way, route: Some(route), seen, above, marks });
        }
        for (way, seen) in rest {
            // What was refused did not take the way.
            let withheld = loaded.plant.sources.keys().any(|id| id.as_str() == way.source) && softened(loaded, &way);
            let marks = (seen.calls > 0 && !withheld).then_some(Mark::Undeclared).into_iter().collect();
            lines.push(Line { way, route: None, seen, above: Vec::new(), marks });
        }
        lines
    }
}

/// Whether what was found would be refused on the route now.
fn refuses(loaded: &Loaded, route: &Route<'_>, label: &str) -> bool {
    let Ok(label) = Label::new(label) else { return false };
    // A source says for itself how sensitive it is.
    let source = label.as_str().strip_prefix(SOURCE_FAMILY).and_then(|rest| rest.strip_prefix('.'));
    let source = source.and_then(|name| loaded.plant.sources.values().find(|own| own.id.as_str() == name));
    let sensitivity = source.map_or_else(|| loaded.inspect.sensitivity(&label), |source| source.sensitivity);
    route.verdict(&label, sensitivity) == Verdict::Refuse
}

/// Whether what is of a source that may not cross is taken out there, so that a call that held it took none of it along.
fn softened(loaded: &Loaded, way: &Way) -> bool {
    let conduit = loaded.plant.conduits.values().find(|conduit| conduit.id.as_str() == way.conduit);
    conduit
        .is_some_and(|conduit| conduit.unapproved != plant::Unapproved::Refuse && conduit.to.as_str() == way.provider)
}
