//! What was looked at and why it came out so, in plain words, for `penstock explain`.
//!
//! On the data path nothing listens, and then no text is made.

use std::fmt;

/// One check and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which check.
    pub stage: Stage,
    /// What it found. Names plant things, never content.
    pub text: String,
}

/// The checks, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Where the call wants to go.
    Provider,
    /// Who calls.
    Workload,
    /// Whether the workload has an owner, an update process and an isolation plan.
    Governance,
    /// Whether the call comes from where its workload runs.
    Zone,
    /// Whether the device stands there too.
    Workstation,
    /// Which conduits lead from there to the provider.
    Conduit,
    /// What the call is for.
    Purpose,
    /// Whether the conduits' approval has ended.
    Expiry,
    /// Whether the person whom the conduit asks for stands behind the call.
    Operator,
    /// Whether the endpoint is open.
    Endpoint,
    /// Whether the model is open.
    Model,
    /// Whether the tools are open, if the conduit says which.
    Tools,
    /// Whether the data sources that were found may be used, if any were.
    Sources,
    /// What is done with what was found.
    Handling,
    /// Whether what is left is within what conduit and provider may carry.
    Ceiling,
    /// Where it goes instead.
    Reroute,
    /// What the plant's own rules say.
    Rules,
    /// What it comes to.
    Verdict,
}

impl Stage {
    /// The stage's name in explanations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Workload => "workload",
            Self::Governance => "governance",
            Self::Zone => "zone",
            Self::Workstation => "workstation",
            Self::Conduit => "conduit",
            Self::Purpose => "purpose",
            Self::Expiry => "expiry",
            Self::Operator => "operator",
            Self::Endpoint => "endpoint",
            Self::Model => "model",
            Self::Tools => "tools",
            Self::Sources => "sources",
            Self::Handling => "handling",
            Self::Ceiling => "ceiling",
            Self::Reroute => "reroute",
            Self::Rules => "rules",
            Self::Verdict => "verdict",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where the steps go, if anyone wants them.
#[derive(Debug)]
pub(crate) struct Trace<'a>(Option<&'a mut Vec<Step>>);

impl<'a> Trace<'a> {
    /// Nobody listens.
    pub(crate) fn silent() -> Self {
        Self(None)
    }

    /// Everything is written down.
    pub(crate) fn aloud(steps: &'a mut Vec<Step>) -> Self {
        Self(Some(steps))
    }

    /// Writes a step down if anyone listens.
    pub(crate) fn say(&mut self, stage: Stage, text: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.0 {
            steps.push(Step { stage, text: text() });
        }
    }
}

/// Names in backticks, joined by commas.
pub(crate) fn names<T: fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What a caller sent, fit to be shown: cut to 80 characters, control characters escaped, so that a header or a
/// model name cannot forge a line of a log or steer a terminal.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}
