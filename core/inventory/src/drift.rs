//! What is declared held against what is seen.

use crate::{Component, ComponentKind, Entry, Life, Lives, Seen, State, Terms, drafted};
use std::collections::BTreeSet;

/// How what is declared and what is seen stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// Seen, and not declared.
    Shadow,
    /// Declared and seen, and not as declared.
    Mismatch,
    /// Declared and seen.
    Matched,
    /// Declared, and never seen.
    Declared,
    /// Taken out of service for good.
    Retired,
}

impl Drift {
    /// Every one with its name.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("shadow", Self::Shadow),
        ("mismatch", Self::Mismatch),
        ("matched", Self::Matched),
        ("declared", Self::Declared),
        ("retired", Self::Retired),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, drift)| *drift == self).map_or("", |(name, _)| name)
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, drift)| *drift)
    }
}

/// A component of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub kind: ComponentKind,
    /// Its name: in the plant file, or else as it was seen (`openai/gpt-4o`).
    pub name: String,
    /// What is declared of it.
    pub component: Option<Component>,
    /// What was seen of it; of one that goes by several names, together.
    pub seen: Option<Entry>,
    /// How the two stand to each other.
    pub drift: Drift,
    /// Where it stands in its life. Nothing that is only seen has one.
    pub state: Option<State>,
    /// Since when, and who approved that, if anybody has.
    pub life: Option<Life>,
    /// What does not agree, a sentence each.
    pub why: Vec<String>,
    /// What it lacks to be used, by the keys of the plant file. Empty of what is asked for nothing.
    pub lacks: Vec<&'static str>,
}

impl Row {
    /// What it is called in commands: `model:gpt`, `model:openai/gpt-4o`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}:{}", self.kind.name(), self.name)
    }

    /// What does not agree, and what it lacks, a sentence each.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let lacks = (!self.lacks.is_empty()).then(|| format!("it has no {}", self.lacks.join(", ")));
        self.why.iter().cloned().chain(lacks).collect()
    }

    /// What it is declared as, if it was seen, is not declared, and traffic says enough of it.
    #[must_use]
    pub fn drafted(&self) -> Option<Component> {
        let seen = self.seen.as_ref().filter(|_| self.component.is_none())?;
        drafted(self.kind, &self.name, seen)
    }
}

/// The whole inventory, by kind and name. `hash` gives the digest of what is declared, as steps hold it.
#[must_use]
pub fn rows(
    components: &[Component],
    seen: &Seen,
    terms: &Terms,
    lives: &Lives,
    hash: fn(&[u8]) -> String,
) -> Vec<Row> {
    let mut taken: BTreeSet<(ComponentKind, &str)> = BTreeSet::new();
    let mut rows = Vec::new();
    for component in components {
        let mut entry: Option<Entry> = None;
        for (kind, name, found) in seen.entries().filter(|(kind, name, _)| shows(component, *kind, name)) {
            if kind == component.name.kind() {
                taken.insert((kind, name));
            }
            join(entry.get_or_insert_default(), found);
        }
        rows.push(declared(component, entry, terms, lives, hash));
    }
    let providers: BTreeSet<&str> =
        components.iter().filter(|one| one.name.kind() == ComponentKind::Provider).map(|one| one.name.id()).collect();
    for (kind, name, entry) in seen.entries().filter(|(kind, name, _)| !taken.contains(&(*kind, *name))) {
        rows.push(found(kind, name, entry, &providers));
    }
    rows.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    rows
}

/// Whether something that was seen shows that a component is used.
fn shows(component: &Component, kind: ComponentKind, name: &str) -> bool {
    let own = component.name.kind();
    match own {
        ComponentKind::Workload | ComponentKind::Provider => kind == own && name == component.name.id(),
        ComponentKind::Library => kind == own && component.is_called(name),
        ComponentKind::Model => {
            let Some((provider, model)) = name.split_once('/').filter(|_| kind == own) else { return false };
            plant::ProviderId::new(provider).is_ok_and(|provider| component.is_model(Some(&provider), model))
        }
        ComponentKind::EdgeNode | ComponentKind::Container | ComponentKind::Connector | ComponentKind::Identity => {
            let workload =
                kind == ComponentKind::Workload && component.workloads.iter().any(|one| one.as_str() == name);
            let provider =
                kind == ComponentKind::Provider && component.providers.iter().any(|one| one.as_str() == name);
            workload || provider
        }
        ComponentKind::Endpoint | ComponentKind::Caller => false,
    }
}

fn join(all: &mut Entry, one: &Entry) {
    let empty = all.span.calls == 0 && all.span.refused == 0;
    all.span.first = if empty { one.span.first } else { all.span.first.min(one.span.first) };
    all.span.last = all.span.last.max(one.span.last);
    all.span.used = all.span.used.max(one.span.used);
    all.span.calls = all.span.calls.saturating_add(one.span.calls);
    all.span.refused = all.span.refused.saturating_add(one.span.refused);
    all.versions.extend(one.versions.clone());
    all.workloads.extend(one.workloads.iter().cloned());
}

fn declared(
    component: &Component,
    seen: Option<Entry>,
    terms: &Terms,
    lives: &Lives,
    hash: fn(&[u8]) -> String,
) -> Row {
    let life = lives.of(&component.name);
    let state = life.map_or(terms.unlisted, |life| life.state);
    let mut why = Vec::new();
    if let Some(seen) = &seen {
        let versioned = matches!(component.name.kind(), ComponentKind::Model | ComponentKind::Library);
        let strange = seen.versions.keys().filter(|version| versioned && !component.is_version(version));
        why.extend(strange.map(|version| format!("version `{version}` was seen and is not declared")));
    }
    if life.is_some_and(|life| life.state.is_governed() && life.declared != hash(component.told().as_bytes())) {
        why.push("what the plant file declares has changed since it was approved".to_owned());
    }
    if let (Some(life), Some(seen)) = (life, &seen)
        && state != State::Live
        && seen.span.used > life.since
        && component.name.kind() != ComponentKind::Library
    {
        why.push(format!("it was used after it was {}", state.name()));
    }
    let drift = match &seen {
        _ if state == State::Retired => Drift::Retired,
        _ if !why.is_empty() => Drift::Mismatch,
        None => Drift::Declared,
        Some(_) => Drift::Matched,
    };
    // Of providers only a plant that requires it asks.
    let asked = component.name.kind() != ComponentKind::Provider || terms.require.contains(&ComponentKind::Provider);
    let lacks = if asked { component.governance.gaps() } else { Vec::new() };
    let name = component.name.id().to_owned();
    let (kind, component) = (component.name.kind(), Some(component.clone()));
    Row { kind, name, component, seen, drift, state: Some(state), life: life.cloned(), why, lacks }
}

/// One that is only seen. The endpoints of a provider that is declared are declared with it, if its dialect has them; what has no name of
/// its own passes unread.
fn found(kind: ComponentKind, name: &str, entry: &Entry, providers: &BTreeSet<&str>) -> Row {
    let own = name.split_once('/').filter(|(provider, _)| providers.contains(provider));
    let known = kind == ComponentKind::Endpoint && own.is_some_and(|(_, endpoint)| !endpoint.contains(' '));
    let drift = if known { Drift::Matched } else { Drift::Shadow };
    let why = if entry.span.calls == 0 { vec!["every call was refused".to_owned()] } else { Vec::new() };
    let (name, seen) = (name.to_owned(), Some(entry.clone()));
    Row { kind, name, component: None, seen, drift, state: None, life: None, why, lacks: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::{Drift, rows};
    use crate::{Approved, Component, ComponentName, Lives, Seen, State, Terms};
    use plant::{Millis, Wildcard};
    use serde_json::json;

    fn hash(bytes: &[u8]) -> String {
        format!("{:x}", bytes.len())
    }

    fn model(name: &str, versions: &[&str]) -> Component {
        Component {
            provider: "openai".parse().ok(),
            names: vec![Wildcard(name.to_owned())],
            versions: versions.iter().map(|one| Wildcard((*one).to_owned())).collect(),
            ..Component::bare(ComponentName::parse("model:gpt").unwrap())
        }
    }

    fn seen() -> Seen {
        let mut seen = Seen::default();
        for (seq, kind) in [(0, "intent"), (1, "outcome")] {
            let line = json!({
                "seq": seq, "id": "a", "t": 5, "kind": kind,
                "who": { "workload": { "id": "copilot", "by": "token" } },
                "what": { "provider": "openai", "endpoint": "chat.completions", "model": "gpt-4o" },
                "out": { "model": "gpt-4o-2024-08-06" },
            });
            seen.count(line.to_string().as_bytes());
        }
        seen
    }

    fn drifts(components: &[Component], seen: &Seen, lives: &Lives) -> Vec<(String, Drift)> {
        let rows = rows(components, seen, &Terms::default(), lives, hash);
        rows.iter().map(|row| (row.title(), row.drift)).collect()
    }

    fn of(components: &[Component], seen: &Seen, lives: &Lives, title: &str) -> Option<Drift> {
        drifts(components, seen, lives).into_iter().find(|(name, _)| name == title).map(|(_, drift)| drift)
    }

    #[test]
    fn what_is_seen_and_what_is_declared_are_held_against_each_other() {
        let none = Lives::default();
        assert_eq!(of(&[], &seen(), &none, "model:openai/gpt-4o"), Some(Drift::Shadow));
        for (versions, drift) in [
            (&[] as &[&str], Drift::Matched),
            (&["gpt-4o-2024*"], Drift::Matched),
            (&["gpt-4o-2023*"], Drift::Mismatch),
        ] {
            let own = [model("gpt-4o", versions)];
            assert_eq!(of(&own, &seen(), &none, "model:gpt"), Some(drift), "{versions:?}");
            assert_eq!(of(&own, &seen(), &none, "model:openai/gpt-4o"), None, "it stands in one row");
        }
        assert_eq!(of(&[model("o3", &[])], &seen(), &none, "model:gpt"), Some(Drift::Declared));
        assert_eq!(of(&[model("o3", &[])], &seen(), &none, "model:openai/gpt-4o"), Some(Drift::Shadow));
    }

    #[test]
    fn what_is_refused_after_it_was_suspended_was_not_used() {
        let one = [model("gpt-4o", &[])];
        let mut lives = Lives::default();
        let step = lives.step(&one[0].name, State::Live, State::Suspended, "").unwrap();
        lives.take(Approved { step, by: Vec::new(), because: String::new() }, Millis(7));
        let mut seen = seen();
        for (kind, drift) in [("refuse", Drift::Matched), ("intent", Drift::Mismatch)] {
            let line = json!({
                "seq": seen.next, "id": "b", "t": 9, "kind": kind,
                "who": { "workload": { "id": "copilot", "by": "token" } },
                "what": { "provider": "openai", "endpoint": "chat.completions", "model": "gpt-4o" },
            });
            seen.count(line.to_string().as_bytes());
            assert_eq!(of(&one, &seen, &lives, "model:gpt"), Some(drift), "{kind}");
        }
    }

    #[test]
    fn what_people_approved_is_what_is_declared_now() {
        let one = model("gpt-4o", &[]);
        let mut lives = Lives::default();
        for to in [State::Approved, State::Live] {
            let step = lives.step(&one.name, State::Draft, to, &hash(one.told().as_bytes())).unwrap();
            lives.take(Approved { step, by: Vec::new(), because: String::new() }, Millis(0));
        }
        assert_eq!(of(std::slice::from_ref(&one), &seen(), &lives, "model:gpt"), Some(Drift::Matched));
        let other = Component { licence: Some("MIT".to_owned()), ..one.clone() };
        assert_eq!(of(&[other], &seen(), &lives, "model:gpt"), Some(Drift::Mismatch));
        let step = lives.step(&one.name, State::Draft, State::Retired, "").unwrap();
        lives.take(Approved { step, by: Vec::new(), because: String::new() }, Millis(9));
        assert_eq!(of(&[one], &seen(), &lives, "model:gpt"), Some(Drift::Retired));
    }
}
