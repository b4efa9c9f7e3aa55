//! The life cycle of a component, and the steps between its states that people sign.
//!
//! ```text
//!      ┌──────── draft <──────────── retired
//!      v          ^ │                   ^
//!  approved ──────┘ └───────────────────┤ (from anywhere)
//!      └──> live <──> suspended ────────┘
//! ```

use crate::ComponentName;
use plant::Millis;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where a component stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It was proposed.
    Draft,
    /// People have agreed to it; it is not in service.
    Approved,
    /// In service.
    Live,
    /// Taken out of service for a while.
    Suspended,
    /// Taken out of service for good.
    Retired,
}

impl State {
    /// Every state with its name.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("draft", Self::Draft),
        ("approved", Self::Approved),
        ("live", Self::Live),
        ("suspended", Self::Suspended),
        ("retired", Self::Retired),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, state)| *state == self).map_or("", |(name, _)| name)
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, state)| *state)
    }

    /// Where it may go from here.
    #[must_use]
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Draft => &[Self::Approved, Self::Retired],
            Self::Approved => &[Self::Live, Self::Draft, Self::Retired],
            Self::Live => &[Self::Suspended, Self::Retired],
            Self::Suspended => &[Self::Live, Self::Retired],
            Self::Retired => &[Self::Draft],
        }
    }

    /// Whether it asks for an owner, an update process and an isolation plan.
    #[must_use]
    pub fn is_governed(self) -> bool {
        matches!(self, Self::Approved | Self::Live)
    }
}

/// One step of one component: what people sign. Its number makes it good for once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Of which.
    pub component: ComponentName,
    /// How many steps it has taken when it has taken this one.
    pub number: u64,
    /// From where.
    pub from: State,
    /// To where.
    pub to: State,
    /// SHA-256 of what the plant file in force declares of it, in hexadecimal.
    pub declared: String,
}

impl Step {
    /// What its approvers sign, before the line in which each says why.
    #[must_use]
    pub fn text(&self, plant: &plant::PlantId) -> String {
        let Self { component, number, from, to, declared } = self;
        format!(
            "penstock: a component changes its state\n{plant}\n{component}\nstep {number}\nfrom {} to {}\ndeclared {declared}\n",
            from.name(),
            to.name()
        )
    }

    /// The name of the file that holds the signature of one of them.
    #[must_use]
    pub fn file(&self, approver: &str) -> String {
        let Self { component, number, to, .. } = self;
        format!("component.{}.{}.{number}.{}.{approver}.note", component.kind().name(), component.id(), to.name())
    }
}

/// Where a component stands, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Where.
    pub state: State,
    /// How many steps it has taken.
    pub steps: u64,
    /// Since when.
    pub since: Millis,
    /// Who approved the last step.
    pub by: Vec<String>,
    /// Why, as the first of them says.
    pub because: String,
    /// SHA-256 of what was declared of it then, in hexadecimal.
    pub declared: String,
}

/// A step that enough people have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// The step.
    pub step: Step,
    /// Who signed it.
    pub by: Vec<String>,
    /// Why, as the first of them says.
    pub because: String,
}

/// Where each component stands that has taken a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lives(BTreeMap<ComponentName, Life>);

impl Lives {
    /// What is known of one.
    #[must_use]
    pub fn of(&self, name: &ComponentName) -> Option<&Life> {
        self.0.get(name)
    }

    /// Takes a step that was approved.
    pub fn take(&mut self, Approved { step, by, because }: Approved, at: Millis) {
        let Step { component, number, to, declared, .. } = step;
        self.0.insert(component, Life { state: to, steps: number, since: at, by, because, declared });
    }

    /// The step that leads from where a component stands to another state; `None` if none does. A component that has taken none
    /// stands where the plant file says (`unlisted`).
    #[must_use]
    pub fn step(&self, name: &ComponentName, unlisted: State, to: State, declared: &str) -> Option<Step> {
        let life = self.of(name);
        let from = life.map_or(unlisted, |life| life.state);
        let number = life.map_or(0, |life| life.steps).checked_add(1)?;
        let step = || Step { component: name.clone(), number, from, to, declared: declared.to_owned() };
        from.next().contains(&to).then(step)
    }

    /// As a line of JSON.
    #[must_use]
    pub fn save(&self) -> String {
        let entry = |(name, life): (&ComponentName, &Life)| {
            json!({
                "component": name.to_string(),
                "state": life.state.name(),
                "steps": life.steps,
                "since": life.since.0,
                "by": life.by,
                "because": life.because,
                "declared": life.declared,
            })
        };
        Value::Array(self.0.iter().map(entry).collect()).to_string()
    }

    /// Takes up what was saved. `None` if it is anything else.
    #[must_use]
    pub fn restore(line: &str) -> Option<Self> {
        let entries: Vec<Value> = serde_json::from_str(line).ok()?;
        let entry = |entry: &Value| {
            let text = |key: &str| entry.get(key)?.as_str();
            let life = Life {
                state: State::named(text("state")?)?,
                steps: entry.get("steps")?.as_u64()?,
                since: Millis(entry.get("since")?.as_u64()?),
                by: entry
                    .get("by")?
                    .as_array()?
                    .iter()
                    .map(|one| one.as_str().map(str::to_owned))
                    .collect::<Option<_>>()?,
                because: text("because")?.to_owned(),
                declared: text("declared")?.to_owned(),
            };
            Some((ComponentName::parse(text("component")?).ok()?, life))
        };
        entries.iter().map(entry).collect::<Option<_>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Approved, Lives, State};
    use crate::ComponentName;
    use plant::{Millis, PlantId};

    #[test]
    fn a_component_takes_signed_steps_and_each_is_good_for_once() {
        let name = ComponentName::parse("model:gpt").unwrap();
        let mut lives = Lives::default();
        assert_eq!(lives.step(&name, State::Draft, State::Live, ""), None, "nothing goes live without approval");
        let mut signed = Vec::new();
        for (to, number) in [
            (State::Approved, 1),
            (State::Live, 2),
            (State::Suspended, 3),
            (State::Live, 4),
            (State::Suspended, 5),
            (State::Retired, 6),
        ] {
            let step = lives.step(&name, State::Draft, to, "00").unwrap();
            assert_eq!(step.number, number);
            signed.push(step.text(&PlantId::new("works").unwrap()));
            lives.take(Approved { step, by: vec!["ada".to_owned()], because: "a \"test\"".to_owned() }, Millis(1));
        }
        assert_eq!(lives.of(&name).unwrap().state, State::Retired);
        assert_eq!(lives.step(&name, State::Draft, State::Live, ""), None, "what is retired begins again");
        signed.sort();
        signed.dedup();
        assert_eq!(signed.len(), 6, "no two steps are signed by the same words");
        assert_eq!(Lives::restore(&lives.save()), Some(lives.clone()));
        assert_eq!(Lives::restore(&lives.save().replace("retired", "gone")), None);
    }
}
