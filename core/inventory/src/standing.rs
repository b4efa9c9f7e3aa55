//! Whether a call may use the components that it uses.

use crate::{Component, ComponentKind, Lives, State, Subject};
use plant::{Body, Reason, Refusal};
use std::collections::BTreeSet;

/// What the plant asks of its components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Where a component stands that nobody has signed a step of.
    pub unlisted: State,
    /// The kinds of which a call may use nothing that is not declared in full: providers, models, libraries. Workloads always are.
    pub require: BTreeSet<ComponentKind>,
    /// How many people sign a step.
    pub approvals: usize,
    /// Who answers for the inventory: an e-mail address or a URL.
    pub contact: Option<String>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { unlisted: State::Live, require: BTreeSet::new(), approvals: 1, contact: None }
    }
}

/// Which components may not be used, and which kinds must be declared.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    barred: Vec<(Component, Refusal)>,
    models: Option<Vec<Component>>,
    libraries: Option<Vec<Component>>,
}

impl Standing {
    /// Joins what is declared with where it stands.
    #[must_use]
    pub fn new(components: &[Component], terms: &Terms, lives: &Lives) -> Self {
        let barred = components.iter().filter_map(|one| Some((one.clone(), refusal(one, terms, lives)?)));
        let declared = |kind| {
            let own = || components.iter().filter(|one| one.name.kind() == kind).cloned().collect();
            terms.require.contains(&kind).then(own)
        };
        Self {
            barred: barred.collect(),
            models: declared(ComponentKind::Model),
            libraries: declared(ComponentKind::Library),
        }
    }

    /// Whether every call may use everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.barred.is_empty() && self.models.is_none() && self.libraries.is_none()
    }

    /// Why a call may not go on, if it may not.
    #[must_use]
    pub fn stops(&self, call: &Body) -> Option<Refusal> {
        if self.is_open() {
            return None;
        }
        let subject = Subject::of(call);
        let barred = self.barred.iter().find(|(component, _)| component.is_used_by(&subject));
        barred.map(|(_, refusal)| refusal.clone()).or_else(|| self.undeclared(&subject))
    }

    fn undeclared(&self, subject: &Subject<'_>) -> Option<Refusal> {
        let refuse = |detail| Some(Refusal::new(Reason::Ungoverned, detail));
        if let (Some(models), Some(model)) = (&self.models, subject.model)
            && !models.iter().any(|one| one.is_used_by(subject))
        {
            let provider = subject.provider.map(ToString::to_string).unwrap_or_default();
            return refuse(match model {
                "" => format!("the call leaves the model to `{provider}`, and only what is declared may be used"),
                _ => format!("model `{model}` of `{provider}` is not declared as a component"),
            });
        }
        if let Some(libraries) = self.libraries.as_ref().filter(|_| subject.going)
            && !libraries.iter().any(|one| one.is_used_by(subject))
        {
            return refuse(match subject.library {
                Some(library) => format!("library `{library}` is not declared as a component"),
                None => "the call does not say which library it was made with".to_owned(),
            });
        }
        None
    }
}

/// Why a component may not be used, if it may not.
fn refusal(component: &Component, terms: &Terms, lives: &Lives) -> Option<Refusal> {
    let life = lives.of(&component.name);
    let state = life.map_or(terms.unlisted, |life| life.state);
    let reason = match state {
        State::Live => return ungoverned(component, terms),
        State::Draft | State::Approved => Reason::ComponentNotLive,
        State::Suspended => Reason::ComponentSuspended,
        State::Retired => Reason::ComponentRetired,
    };
    Some(Refusal::new(reason, format!("component `{}` is {}", component.name, told(state))))
}

fn told(state: State) -> &'static str {
    match state {
        State::Draft => "a draft",
        State::Approved => "approved, and not live yet",
        State::Live => "live",
        State::Suspended => "suspended",
        State::Retired => "retired",
    }
}

/// Workloads are refused for it where they are placed. Of providers only a plant that requires it asks.
fn ungoverned(component: &Component, terms: &Terms) -> Option<Refusal> {
    let kind = component.name.kind();
    let asked = match kind {
        ComponentKind::Workload => false,
        ComponentKind::Provider => terms.require.contains(&kind),
        _ => true,
    };
    let gaps = component.governance.gaps();
    if gaps.is_empty() || !asked {
        return None;
    }
    let gaps: Vec<String> = gaps.iter().map(|gap| format!("`{gap}`")).collect();
    Some(Refusal::new(Reason::Ungoverned, format!("component `{}` has no {}", component.name, gaps.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::{Standing, Terms};
    use crate::{Approved, Component, ComponentKind, ComponentName, Lives, State};
    use plant::{Body, Client, Decided, Governance, Millis, Party, Reason, Verdict, What, Who, Wildcard};
    use std::collections::BTreeSet;

    fn component(name: &str) -> Component {
        let said = Some("somebody".to_owned());
        let governance = Governance { owner: said.clone(), update_process: said.clone(), isolation_plan: said };
        Component { governance, ..Component::bare(ComponentName::parse(name).unwrap()) }
    }

    fn model() -> Component {
        let provider = "openai".parse().ok();
        Component { provider, names: vec![Wildcard("gpt-4o*".to_owned())], ..component("model:gpt") }
    }

    fn call(verdict: Verdict) -> Body {
        Body {
            who: Some(Who {
                workload: Some(Party { id: "copilot".to_owned(), by: "token" }),
                workstation: None,
                operator: None,
                peer: "10.0.0.1".parse().unwrap(),
                client: Some(Client { name: "OpenAI/Python".to_owned(), version: None }),
            }),
            what: Some(What {
                provider: "openai".parse().ok(),
                model: Some("gpt-4o-mini".to_owned()),
                ..What::default()
            }),
            decided: Some(Decided { verdict, reason: None, detail: None, rules: Vec::new(), policy: String::new() }),
            ..Body::default()
        }
    }

    fn suspended(name: &str) -> Lives {
        let mut lives = Lives::default();
        let step = lives.step(&ComponentName::parse(name).unwrap(), State::Live, State::Suspended, "").unwrap();
        lives.take(Approved { step, by: Vec::new(), because: String::new() }, Millis(0));
        lives
    }

    fn reason(components: &[Component], terms: &Terms, lives: &Lives) -> Option<Reason> {
        Standing::new(components, terms, lives).stops(&call(Verdict::Allow)).map(|refusal| refusal.reason)
    }

    #[test]
    fn a_plant_that_says_nothing_stops_nothing() {
        let components =
            [component("workload:copilot"), Component::bare(ComponentName::parse("provider:openai").unwrap())];
        let standing = Standing::new(&components, &Terms::default(), &Lives::default());
        assert!(standing.is_open() && standing.stops(&call(Verdict::Allow)).is_none());
    }

    #[test]
    fn whatever_is_suspended_and_used_stops_the_call() {
        let node = Component { providers: ["openai".parse().unwrap()].into(), ..component("edge-node:box") };
        let image = Component { workloads: ["copilot".parse().unwrap()].into(), ..component("container:image") };
        let library = Component { names: vec![Wildcard("OpenAI/*".to_owned())], ..component("library:openai-python") };
        let all = [component("workload:copilot"), component("provider:openai"), model(), node, image, library];
        for one in &all {
            let lives = suspended(&one.name.to_string());
            assert_eq!(reason(&all, &Terms::default(), &lives), Some(Reason::ComponentSuspended), "{}", one.name);
            assert_eq!(reason(&all, &Terms::default(), &Lives::default()), None);
        }
        assert_eq!(reason(&all, &Terms::default(), &suspended("model:other")), None);
    }

    #[test]
    fn where_a_call_goes_counts_once_it_is_decided() {
        let standing = Standing::new(&[model()], &Terms::default(), &suspended("model:gpt"));
        assert!(standing.stops(&call(Verdict::Refuse)).is_none(), "it may be sent elsewhere");
        assert!(standing.stops(&call(Verdict::Redact)).is_some());
    }

    #[test]
    fn nothing_goes_live_without_owner_update_process_and_isolation_plan() {
        let gap = Component { governance: Governance::default(), ..model() };
        assert_eq!(reason(&[gap], &Terms::default(), &Lives::default()), Some(Reason::Ungoverned));
        let provider = [Component::bare(ComponentName::parse("provider:openai").unwrap())];
        assert_eq!(reason(&provider, &Terms::default(), &Lives::default()), None);
        let terms = |kind| Terms { require: BTreeSet::from([kind]), ..Terms::default() };
        assert_eq!(reason(&provider, &terms(ComponentKind::Provider), &Lives::default()), Some(Reason::Ungoverned));
    }

    #[test]
    fn a_kind_that_is_required_must_be_declared() {
        let terms = |kind| Terms { require: BTreeSet::from([kind]), ..Terms::default() };
        for kind in [ComponentKind::Model, ComponentKind::Library] {
            assert_eq!(reason(&[], &terms(kind), &Lives::default()), Some(Reason::Ungoverned), "{kind:?}");
        }
        assert_eq!(reason(&[model()], &terms(ComponentKind::Model), &Lives::default()), None);
    }

    #[test]
    fn what_nobody_signed_stands_where_the_plant_says() {
        let terms = Terms { unlisted: State::Draft, ..Terms::default() };
        assert_eq!(reason(&[model()], &terms, &Lives::default()), Some(Reason::ComponentNotLive));
    }
}
