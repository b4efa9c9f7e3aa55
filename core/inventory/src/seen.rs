//! What is seen in traffic: counted from records, in their order, and kept so that old records need not be read again.
//!
//! Names that are counted come from callers and providers. A workload that is not proved counts as an address, so that nobody fills
//! the list with names that they made up, and each kind has its bound.

use crate::ComponentKind;
use plant::Millis;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Most of a kind, and most versions and workloads of each.
const MOST: usize = 2_048;
const MOST_INNER: usize = 64;
/// Most versions of all together: what is kept stays a few megabytes, whatever a provider calls itself.
const MOST_VERSIONS: usize = 8_192;
/// Longest name.
const LONGEST: usize = 512;

/// How often, and between when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The time of the first record.
    pub first: Millis,
    /// The time of the last one.
    pub last: Millis,
    /// How many calls left.
    pub calls: u64,
    /// How many were refused.
    pub refused: u64,
    /// The time of the last one that left.
    pub used: Millis,
}

impl Span {
    fn add(&mut self, at: Millis, refused: bool) {
        if self.calls == 0 && self.refused == 0 {
            self.first = at;
        }
        (self.first, self.last) = (self.first.min(at), self.last.max(at));
        if !refused {
            self.used = self.used.max(at);
        }
        let count = if refused { &mut self.refused } else { &mut self.calls };
        *count = count.saturating_add(1);
    }

    fn save(&self) -> Value {
        json!([self.first.0, self.last.0, self.calls, self.refused, self.used.0])
    }

    fn restore(value: &Value) -> Option<Self> {
        let numbers: Vec<u64> = value.as_array()?.iter().map(Value::as_u64).collect::<Option<_>>()?;
        let (first, last, calls, refused, used) = match *numbers.as_slice() {
            [first, last, calls, refused, used] => (first, last, calls, refused, used),
            // As earlier versions kept it: they did not tell the last that left from the last that was refused.
            [first, last, calls, refused] => (first, last, calls, refused, if refused == 0 { last } else { 0 }),
            _ => return None,
        };
        let fits = first <= last && used <= last;
        fits.then_some(Self { first: Millis(first), last: Millis(last), calls, refused, used: Millis(used) })
    }
}

/// What is known of one that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// How often it was seen.
    pub span: Span,
    /// In which versions: of a model, as its provider says; of a library, as it says itself.
    pub versions: BTreeMap<String, Span>,
    /// The workloads whose calls used it.
    pub workloads: BTreeSet<String>,
}

/// A saved count is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no count of what was seen")]
pub struct Corrupt;

/// What was seen, up to a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The number of the next record that is to be counted.
    pub next: u64,
    /// The identity of the last one that was.
    pub last: Option<String>,
    entries: BTreeMap<(ComponentKind, String), Entry>,
    /// How many versions they have.
    versions: usize,
    /// How many sightings found no room.
    beyond: u64,
}

impl Seen {
    /// Counts a record by its line. Of that, only what is counted is read: whoever needs more of it to be true verifies it.
    pub fn count(&mut self, line: &[u8]) {
        let Ok(record) = serde_json::from_slice::<Record<'_>>(line) else { return };
        self.next = record.seq.saturating_add(1);
        self.last = Some(record.id.to_string());
        match &*record.kind {
            "intent" | "refuse" => self.call(&record, record.kind == "refuse"),
            "outcome" => self.answered(&record),
            _ => {}
        }
    }

    /// What was seen of each.
    pub fn entries(&self) -> impl Iterator<Item = (ComponentKind, &str, &Entry)> {
        self.entries.iter().map(|((kind, name), entry)| (*kind, name.as_str(), entry))
    }

    /// What was seen of one.
    #[must_use]
    pub fn of(&self, kind: ComponentKind, name: &str) -> Option<&Entry> {
        self.entries.get(&(kind, name.to_owned()))
    }

    /// How many sightings found no room: beyond so many of a kind, new names are not listed.
    #[must_use]
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    fn call(&mut self, record: &Record<'_>, refused: bool) {
        // An account of an answer is no call, and one record of many refused connections is none either.
        let (Some(endpoint), None) = (said(&record.what.endpoint), record.note.at()) else { return };
        let Some(workload) = record.workload() else {
            if let Some(peer) = said(&record.who.peer) {
                self.see(ComponentKind::Caller, peer, record, refused, None);
            }
            return;
        };
        let own = Some(workload);
        self.see(ComponentKind::Workload, workload, record, refused, None);
        if let Some(library) = said(&record.who.client.name) {
            let version = said(&record.who.client.version);
            self.see(ComponentKind::Library, library, record, refused, own);
            self.version(ComponentKind::Library, library, version, record, refused);
        }
        let Some(provider) = record.provider() else { return };
        self.see(ComponentKind::Provider, provider, record, refused, own);
        self.see(ComponentKind::Endpoint, &format!("{provider}/{endpoint}"), record, refused, own);
        if let Some(model) = record.model() {
            self.see(ComponentKind::Model, &format!("{provider}/{model}"), record, refused, own);
        }
    }

    /// Which version of its model a provider says that it answered with. Where another one answered in its place, nobody knows which
    /// model that was asked for.
    fn answered(&mut self, record: &Record<'_>) {
        let (None, Some(provider)) = (record.note.answered_by(), record.provider()) else { return };
        if let (Some(model), version @ Some(_)) = (record.model(), said(&record.out.model)) {
            self.version(ComponentKind::Model, &format!("{provider}/{model}"), version, record, false);
        }
    }

    fn see(&mut self, kind: ComponentKind, name: &str, record: &Record<'_>, refused: bool, by: Option<&str>) {
        let Some(entry) = self.entry(kind, name, refused, by) else { return };
        entry.span.add(Millis(record.t), refused);
        if let Some(by) = by.filter(|by| entry.workloads.len() < MOST_INNER && !entry.workloads.contains(*by)) {
            entry.workloads.insert(by.to_owned());
        }
    }

    fn version(&mut self, kind: ComponentKind, name: &str, version: Option<&str>, record: &Record<'_>, refused: bool) {
        let Some((version, entry)) = version.zip(self.entries.get_mut(&(kind, name.to_owned()))) else { return };
        if !entry.versions.contains_key(version) {
            let room = entry.versions.len() < MOST_INNER && self.versions < MOST_VERSIONS;
            if version.len() > LONGEST || !room {
                self.beyond = self.beyond.saturating_add(1);
                return;
            }
            self.versions += 1;
        }
        entry.versions.entry(version.to_owned()).or_default().add(Millis(record.t), refused);
    }

    /// The entry of a name. What was only ever refused takes half of the room at most, so that attempts do not crowd out what is used;
    /// and what one workload alone uses a quarter, so that it does not crowd out what the others do.
    fn entry(&mut self, kind: ComponentKind, name: &str, refused: bool, by: Option<&str>) -> Option<&mut Entry> {
        let key = (kind, name.to_owned());
        if !self.entries.contains_key(&key) {
            let of_kind = || self.entries.range((kind, String::new())..).take_while(|((one, _), _)| *one == kind);
            let of_one = |by: &str| {
                of_kind().filter(|(_, entry)| entry.workloads.len() == 1 && entry.workloads.contains(by)).count()
            };
            let full = of_kind().count() >= if refused { MOST / 2 } else { MOST };
            if name.len() > LONGEST || full || by.is_some_and(|by| of_one(by) >= MOST / 4) {
                self.beyond = self.beyond.saturating_add(1);
                return None;
            }
        }
        Some(self.entries.entry(key).or_default())
    }

    /// As a line of JSON, to go on with later.
    #[must_use]
    pub fn save(&self) -> String {
        let entry = |((kind, name), entry): (&(ComponentKind, String), &Entry)| {
            let versions: Vec<Value> =
                entry.versions.iter().map(|(version, span)| json!([version, span.save()])).collect();
            json!([kind.name(), name, entry.span.save(), versions, entry.workloads])
        };
        let entries: Vec<Value> = self.entries.iter().map(entry).collect();
        json!({ "v": 1, "next": self.next, "last": self.last, "beyond": self.beyond, "entries": entries }).to_string()
    }

    /// Takes up what was saved.
    ///
    /// # Errors
    /// If it is anything else: then the records are counted anew.
    pub fn restore(line: &str) -> Result<Self, Corrupt> {
        let value: Value = serde_json::from_str(line).map_err(|_| Corrupt)?;
        read(&value).ok_or(Corrupt)
    }
}

fn read(value: &Value) -> Option<Seen> {
    value.get("v").filter(|version| version.as_u64() == Some(1))?;
    let mut entries = BTreeMap::new();
    for entry in value.get("entries")?.as_array()? {
        let [kind, name, span, versions, workloads] = entry.as_array()?.as_slice() else { return None };
        let mut own = Entry { span: Span::restore(span)?, ..Entry::default() };
        for version in versions.as_array()? {
            let [version, span] = version.as_array()?.as_slice() else { return None };
            own.versions.insert(version.as_str()?.to_owned(), Span::restore(span)?);
        }
        own.workloads =
            workloads.as_array()?.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>()?;
        entries.insert((ComponentKind::named(kind.as_str()?)?, name.as_str()?.to_owned()), own);
    }
    let versions = entries.values().map(|entry: &Entry| entry.versions.len()).sum();
    let last = value.get("last")?;
    let last = if last.is_null() { None } else { Some(last.as_str()?.to_owned()) };
    Some(Seen { next: value.get("next")?.as_u64()?, last, entries, versions, beyond: value.get("beyond")?.as_u64()? })
}

/// A record, as far as it is counted.
#[derive(Deserialize)]
struct Record<'a> {
    seq: u64,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    t: u64,
    #[serde(borrow, default)]
    who: Who<'a>,
    #[serde(borrow, default)]
    what: What<'a>,
    #[serde(default)]
    note: Note,
    #[serde(borrow, default)]
    out: Out<'a>,
}

/// A text that is not copied where nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Who<'a> {
    #[serde(borrow)]
    peer: Option<Text<'a>>,
    #[serde(borrow)]
    workload: Workload<'a>,
    #[serde(borrow)]
    client: Client<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Workload<'a> {
    #[serde(borrow)]
    by: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Client<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    version: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct What<'a> {
    #[serde(borrow)]
    endpoint: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    provider: Option<Text<'a>>,
    #[serde(borrow)]
    renamed: Option<Text<'a>>,
    #[serde(borrow)]
    rerouted: Option<Text<'a>>,
}

/// Notes of different kinds may have numbers under these names.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Note {
    at: Value,
    answered_by: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Out<'a> {
    #[serde(borrow)]
    model: Option<Text<'a>>,
}

impl Note {
    fn at(&self) -> Option<&str> {
        self.at.as_str()
    }

    fn answered_by(&self) -> Option<&str> {
        self.answered_by.as_str()
    }
}

impl Record<'_> {
    /// Who calls, if that is proved.
    fn workload(&self) -> Option<&str> {
        let proved = said(&self.who.workload.by).is_some_and(|by| by != "asserted");
        said(&self.who.workload.id).filter(|_| proved)
    }

    /// The model that is asked there.
    fn model(&self) -> Option<&str> {
        said(&self.what.renamed).or_else(|| said(&self.what.model))
    }

    /// Where it goes.
    fn provider(&self) -> Option<&str> {
        said(&self.what.rerouted).or_else(|| said(&self.what.provider))
    }
}

fn said<'t>(text: &'t Option<Text<'_>>) -> Option<&'t str> {
    text.as_ref().map(|text| &*text.0)
}

#[cfg(test)]
mod tests {
    use super::{Corrupt, Seen};
    use crate::ComponentKind;
    use serde_json::{Value, json};

    fn count(seen: &mut Seen, mut record: Value) {
        let line = record.as_object_mut().unwrap();
        let seq = seen.next;
        line.insert("seq".to_owned(), seq.into());
        line.insert("id".to_owned(), format!("id-{seq}").into());
        line.insert("t".to_owned(), (1_000 + seq).into());
        seen.count(record.to_string().as_bytes());
    }

    fn call(kind: &str, model: &str) -> Value {
        json!({
            "kind": kind,
            "who": { "peer": "10.0.0.1", "workload": { "id": "copilot", "by": "token" },
                     "client": { "name": "OpenAI/Python", "version": "1.52.0" } },
            "what": { "provider": "openai", "endpoint": "chat.completions", "model": model },
        })
    }

    #[test]
    fn what_calls_use_is_seen_with_its_versions() {
        let mut seen = Seen::default();
        count(&mut seen, json!({ "kind": "boot" }));
        count(&mut seen, call("intent", "gpt-4o"));
        let mut outcome = call("outcome", "gpt-4o");
        outcome["out"] = json!({ "model": "gpt-4o-2024-08-06" });
        count(&mut seen, outcome);
        count(&mut seen, call("refuse", "o3"));
        assert_eq!(seen.next, 4);
        let of = |kind, name: &str| {
            let span = seen.of(kind, name).unwrap().span;
            (span.first.0, span.last.0, span.calls, span.refused)
        };
        assert_eq!(of(ComponentKind::Workload, "copilot"), (1_001, 1_003, 1, 1));
        assert_eq!(of(ComponentKind::Model, "openai/gpt-4o"), (1_001, 1_001, 1, 0));
        assert_eq!(of(ComponentKind::Model, "openai/o3"), (1_003, 1_003, 0, 1));
        assert_eq!(of(ComponentKind::Endpoint, "openai/chat.completions"), (1_001, 1_003, 1, 1));
        let model = seen.of(ComponentKind::Model, "openai/gpt-4o").unwrap();
        assert_eq!(model.versions.keys().collect::<Vec<_>>(), ["gpt-4o-2024-08-06"]);
        assert!(model.workloads.contains("copilot"));
        let library = seen.of(ComponentKind::Library, "OpenAI/Python").unwrap();
        assert_eq!(library.versions.keys().collect::<Vec<_>>(), ["1.52.0"]);
        assert_eq!(Seen::restore(&seen.save()), Ok(seen));
    }

    #[test]
    fn who_proves_nothing_is_an_address_and_names_nothing() {
        let mut seen = Seen::default();
        let mut asserted = call("refuse", "made-up");
        asserted["who"]["workload"]["by"] = "asserted".into();
        count(&mut seen, asserted);
        let kinds: Vec<_> = seen.entries().map(|(kind, name, _)| (kind, name)).collect();
        assert_eq!(kinds, [(ComponentKind::Caller, "10.0.0.1")]);
    }

    fn by(workload: &str, mut call: Value) -> Value {
        call["who"]["workload"]["id"] = workload.into();
        call
    }

    #[test]
    fn names_that_callers_make_up_have_a_bound_and_leave_room_for_what_is_used() {
        let mut seen = Seen::default();
        for number in 0..3_000 {
            let workload = format!("w-{}", number % 4);
            count(&mut seen, by(&workload, call("refuse", &format!("m-{number}"))));
        }
        count(&mut seen, call("intent", "gpt-4o"));
        let models = seen.entries().filter(|(kind, ..)| *kind == ComponentKind::Model).count();
        assert_eq!((models, seen.beyond()), (1_025, 1_976));
        assert!(seen.of(ComponentKind::Model, "openai/gpt-4o").is_some());
    }

    #[test]
    fn what_one_workload_makes_up_leaves_room_for_what_others_use() {
        let mut seen = Seen::default();
        for number in 0..3_000 {
            count(&mut seen, call("intent", &format!("m-{number}")));
        }
        count(&mut seen, by("planner", call("intent", "o3")));
        let models = seen.entries().filter(|(kind, ..)| *kind == ComponentKind::Model).count();
        assert_eq!((models, seen.beyond()), (513, 2_488));
        assert!(seen.of(ComponentKind::Model, "openai/o3").is_some());
    }

    #[test]
    fn what_a_provider_calls_itself_has_a_bound() {
        let mut seen = Seen::default();
        for model in 0..300 {
            let name = format!("m-{model}");
            count(&mut seen, call("intent", &name));
            for version in 0..70 {
                let mut outcome = call("outcome", &name);
                outcome["out"] = json!({ "model": format!("{version}{}", "\u{1f3ed}".repeat(100)) });
                count(&mut seen, outcome);
            }
        }
        let kept = seen.save();
        assert!(kept.len() < 8 << 20, "{}", kept.len());
        assert_eq!(seen.entries().map(|(_, _, entry)| entry.versions.len()).sum::<usize>(), 8_192);
        assert_eq!(Seen::restore(&kept), Ok(seen));
    }

    #[test]
    fn whatever_else_is_in_the_file_is_not_taken_up() {
        for text in ["", "{}", "[]", r#"{"v":2,"next":0,"last":null,"beyond":0,"entries":[]}"#] {
            assert_eq!(Seen::restore(text), Err(Corrupt), "{text}");
        }
    }
}
