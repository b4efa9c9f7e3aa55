//! What the plant file promises: which provider answers, or what the caller reads, when providers are in trouble.
//!
//! Told from the conduit's own steps and from nothing that the gateway does: the drill holds one against the other.

use fallback::{Plan, Step, Then, Trouble};
use plant::{ProviderId, Reason};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What a caller gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A provider's answer, and in which trouble it stands in for another.
    Answer { by: ProviderId, because: Option<Trouble> },
    /// The plant's own fixed answer.
    Fixed { because: Trouble },
    /// An error: of the gateway, with its reason, or the provider's own.
    Error { status: u16, reason: Option<Reason> },
    /// No connection, as where no gateway runs.
    Nobody,
    /// Something that no plant file promises.
    Odd(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer { by, because: None } => write!(f, "{by} answers"),
            Self::Answer { by, because: Some(trouble) } => write!(f, "{by} answers, because={}", trouble.name()),
            Self::Fixed { because } => write!(f, "fixed answer, because={}", because.name()),
            Self::Error { status, reason: Some(reason) } => write!(f, "error {status} {reason}"),
            Self::Error { status, reason: None } => write!(f, "error {status}"),
            Self::Nobody => f.write_str("no connection"),
            Self::Odd(text) => f.write_str(text),
        }
    }
}

/// How often each provider is asked. One that cannot be reached is never.
pub(super) type Asked = BTreeMap<ProviderId, usize>;

/// What is promised for one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Promise {
    pub(super) outcome: Outcome,
    pub(super) asked: Asked,
}

impl Promise {
    /// The provider of a conduit answers.
    pub(super) fn answer(by: &ProviderId) -> Self {
        let outcome = Outcome::Answer { by: by.clone(), because: None };
        Self { outcome, asked: Asked::from([(by.clone(), 1)]) }
    }

    /// The gateway refuses, and nobody is asked.
    pub(super) fn refusal(reason: Reason) -> Self {
        Self { outcome: error(reason), asked: Asked::new() }
    }
}

/// Providers in trouble, and what is promised then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// Those in trouble, in the order in which the call comes to them.
    pub(super) troubled: Vec<ProviderId>,
    pub(super) promise: Promise,
}

/// Every way that a call takes along the steps of a conduit: its provider in trouble, then also the one that is asked instead, and
/// so on, until nobody else is asked.
pub(super) fn paths(steps: &Arc<[Step]>, first: &ProviderId, trouble: Trouble) -> Vec<Path> {
    let mut paths = Vec::new();
    let mut troubled = vec![first.clone()];
    loop {
        let promise = along(steps, first, trouble, &troubled);
        let next = match &promise.outcome {
            Outcome::Answer { by, .. } => Some(by.clone()),
            _ => None,
        };
        paths.push(Path { troubled: troubled.clone(), promise });
        match next {
            Some(next) => troubled.push(next),
            None => return paths,
        }
    }
}

/// Walks the steps with these providers in trouble.
fn along(steps: &Arc<[Step]>, first: &ProviderId, trouble: Trouble, troubled: &[ProviderId]) -> Promise {
    let mut asked = Asked::new();
    let mut ask = |provider: &ProviderId| {
        let is_troubled = troubled.contains(provider);
        if !(is_troubled && trouble == Trouble::Unreachable) {
            *asked.entry(provider.clone()).or_default() += 1;
        }
        is_troubled
    };
    ask(first);
    let mut plan = Plan::new(Arc::clone(steps));
    let mut outcome = failure(trouble);
    while let Some((_, step)) = plan.after(trouble) {
        match step.then {
            Then::Say(_) => {
                outcome = Outcome::Fixed { because: trouble };
                break;
            }
            Then::Ask { to, .. } if ask(&to) => {}
            Then::Ask { to, .. } => {
                outcome = Outcome::Answer { by: to, because: Some(trouble) };
                break;
            }
        }
    }
    Promise { outcome, asked }
}

/// What a caller reads of a provider in trouble where nobody else is asked: docs/src/concepts/failure.md.
fn failure(trouble: Trouble) -> Outcome {
    let passed_on = |status| Outcome::Error { status, reason: None };
    match trouble {
        Trouble::Unreachable => error(Reason::ProviderUnreachable),
        Trouble::Slow => error(Reason::ProviderTimeout),
        Trouble::Limited => passed_on(429),
        Trouble::Failing => passed_on(500),
        Trouble::Denied => passed_on(401),
        Trouble::Broken => error(Reason::ProviderBroken),
        Trouble::Unsafe => error(Reason::AnswerTooLarge),
    }
}

fn error(reason: Reason) -> Outcome {
    Outcome::Error { status: reason.status(), reason: Some(reason) }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, paths};
    use fallback::{Step, Then, Trouble, Troubles};
    use plant::ProviderId;
    use std::sync::Arc;

    fn id(name: &str) -> ProviderId {
        ProviderId::new(name).unwrap()
    }

    fn ask(to: &str, on: Troubles) -> Step {
        Step { on, then: Then::Ask { to: id(to), model: None } }
    }

    /// Each path as: who is in trouble, what comes of it, how many are asked.
    fn told(steps: Vec<Step>, trouble: Trouble) -> Vec<(String, String, usize)> {
        let steps: Arc<[Step]> = steps.into();
        let told = |path: super::Path| {
            let troubled: Vec<&str> = path.troubled.iter().map(ProviderId::as_str).collect();
            (troubled.join(" "), path.promise.outcome.to_string(), path.promise.asked.values().sum())
        };
        paths(&steps, &id("a"), trouble).into_iter().map(told).collect()
    }

    fn row(troubled: &str, outcome: &str, asked: usize) -> (String, String, usize) {
        (troubled.to_owned(), outcome.to_owned(), asked)
    }

    #[test]
    fn each_step_is_reached_once_those_before_it_are_in_trouble_too() {
        let say = Step { on: Troubles::USUAL, then: Then::Say("Call 4711.".to_owned()) };
        let steps = vec![ask("b", Troubles::USUAL), ask("c", Troubles::from_iter([Trouble::Slow])), say];
        assert_eq!(
            told(steps.clone(), Trouble::Slow),
            [
                row("a", "b answers, because=slow", 2),
                row("a b", "c answers, because=slow", 3),
                row("a b c", "fixed answer, because=slow", 3)
            ]
        );
        assert_eq!(
            told(steps.clone(), Trouble::Unreachable),
            [row("a", "b answers, because=unreachable", 1), row("a b", "fixed answer, because=unreachable", 0)]
        );
        assert_eq!(told(steps, Trouble::Unsafe), [row("a", "error 502 answer-too-large", 1)]);
    }

    #[test]
    fn without_steps_the_caller_reads_the_error() {
        for (trouble, said) in [
            (Trouble::Unreachable, "error 502 provider-unreachable"),
            (Trouble::Slow, "error 504 provider-timeout"),
            (Trouble::Limited, "error 429"),
            (Trouble::Failing, "error 500"),
            (Trouble::Denied, "error 401"),
            (Trouble::Broken, "error 502 provider-broken"),
        ] {
            let told = told(Vec::new(), trouble);
            assert_eq!((told.len(), told[0].1.as_str()), (1, said));
        }
    }

    #[test]
    fn a_provider_that_is_named_twice_ends_the_walk() {
        let twice = vec![ask("b", Troubles::USUAL), ask("b", Troubles::USUAL), ask("a", Troubles::USUAL)];
        let told = told(twice, Trouble::Failing);
        assert_eq!(told.last().unwrap(), &row("a b", "error 500", 4));
        assert_eq!(Outcome::Nobody.to_string(), "no connection");
    }
}
