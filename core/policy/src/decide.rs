//! Decides whether a placed call may cross, and what is done to it.
//!
//! For each conduit that admits the call, in this order:
//!
//! 1. the model is open: `model-not-allowed`
//! 2. the data sources that something was found of may be used, by the workload and on the conduit: `source-denied`
//! 3. handling: each finding is redacted, generalised, tokenised, let pass, or decides for the whole call: `content-refused`
//! 4. what is left is within the conduit's ceiling and the provider's clearance: `above-ceiling`
//! 5. if not, or if handling says so, and the conduit names a target: the same four on a conduit to the target
//! 6. no Cedar rule forbids the path that is then taken: `rule-forbids`
//!
//! The call passes if one conduit permits it. If several do, the one that does the most to the content is crossed, one that
//! waits for a person before all others; of equals the first by name.

use crate::Policy;
use crate::crossing::Crossing;
use crate::held::Held;
use crate::permit::Permit;
use crate::steps::{Stage, Step, Trace};
use crate::way::{Closed, Way, furthest};
use plant::{Conduit, Finding, Millis, Principal, ProviderId, Reason, Refusal, Sensitivity};

/// What the body of a request asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The model. `None` only for endpoints that take none, such as the list of models. A call that could name one
    /// and leaves it to the provider asks for the empty name, which only a conduit that opens `*` lets pass:
    /// a default of the provider's must not undercut the list of models that was approved.
    pub model: Option<&'a str>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// The names of the tools that the request offers; all of them, because rules may forbid one.
    pub tools: &'a [String],
}

/// Everything that is known about a placed call when it is decided.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// Who calls.
    pub principal: &'a Principal,
    /// Where the call stands on the plant's map.
    pub crossing: &'a Crossing,
    /// What its body asks for.
    pub asked: Asked<'a>,
    /// What was found in it.
    pub findings: &'a [Finding],
    /// Whether a finding, by its index, stands where nothing can be replaced on a conduit.
    pub fixed: &'a dyn Fn(usize, &Conduit) -> bool,
    /// When the call came.
    pub now: Millis,
}

/// A decision, and how sensitive the content is before and after what it does.
#[derive(Debug)]
pub struct Decided {
    /// The outcome.
    pub decision: Decision,
    /// The sensitivity of the request as it came; the scale's highest if nobody read it.
    pub sensitivity: Sensitivity,
    /// The sensitivity of what leaves, or would have left.
    pub residual: Sensitivity,
}

/// The outcome of a decision: there is no fourth.
#[derive(Debug)]
pub enum Decision {
    /// It may cross.
    Permit(Permit),
    /// It may cross once a person says so.
    Hold(Held),
    /// It goes nowhere.
    Refuse(Refusal),
}

impl Policy {
    /// Decides a placed call.
    #[must_use]
    pub fn decide(&self, case: &Case<'_>) -> Decided {
        self.decided(case, &mut Trace::silent())
    }

    /// As [`Self::decide`], and writes down each step.
    #[must_use]
    pub fn decide_aloud(&self, case: &Case<'_>, steps: &mut Vec<Step>) -> Decided {
        self.decided(case, &mut Trace::aloud(steps))
    }

    /// Decides whether a placed call may go to another provider because the one that it was permitted to reach has failed:
    /// to `other`, which is asked for `model` if the caller's has another name there.
    ///
    /// Nothing of the first permit holds there. Conduit, model, handling, ceiling, clearance and rules are asked anew.
    #[must_use]
    pub fn instead(&self, case: &Case<'_>, other: &ProviderId, model: Option<&str>) -> Decided {
        let sensitivity = self.before(case);
        match self.other(case, other, model, sensitivity) {
            Ok(way) => {
                let residual = way.residual();
                Decided { decision: way.decision(case.findings), sensitivity, residual }
            }
            Err(Closed { refusal, residual, .. }) => {
                Decided { decision: Decision::Refuse(refusal), sensitivity, residual }
            }
        }
    }

    fn decided(&self, case: &Case<'_>, trace: &mut Trace<'_>) -> Decided {
        let sensitivity = self.before(case);
        let (mut best, mut worst): (Option<Way<'_>>, Option<Closed>) = (None, None);
        for conduit in &case.crossing.conduits {
            match self.way(case, conduit, sensitivity, trace) {
                Ok(way) => best = Some(way.stricter(best)),
                Err(closed) => {
                    if let Some(stage) = closed.stage {
                        trace.say(stage, || closed.refusal.detail.clone());
                    }
                    worst = Some(furthest(worst, closed));
                }
            }
        }
        let (decision, residual) = match (best, worst) {
            (Some(way), _) => {
                let residual = way.residual();
                (way.decision(case.findings), residual)
            }
            (None, Some(closed)) => (Decision::Refuse(closed.refusal), closed.residual),
            // Placing never leaves a crossing without conduits; if it did, nothing would be allowed.
            (None, None) => (Decision::Refuse(Refusal::new(Reason::NoConduit, "no conduit is left")), sensitivity),
        };
        trace.say(Stage::Verdict, || told(&decision));
        Decided { decision, sensitivity, residual }
    }

    /// How sensitive the request is as it came. What nobody reads may hold anything, so an opaque crossing counts
    /// as the highest step: a conduit that lists opaque endpoints must say with its ceiling that it carries even
    /// that, and the provider with its clearance. Anything milder would make `opaque` a way around the ceiling.
    fn before(&self, case: &Case<'_>) -> Sensitivity {
        let found = case.findings.iter().map(|finding| finding.sensitivity).max();
        if case.crossing.opaque { self.plant.scale.highest() } else { found.unwrap_or(Sensitivity::LOWEST) }
    }
}

fn told(decision: &Decision) -> String {
    match decision {
        Decision::Permit(permit) => {
            let terms = permit.terms();
            format!("{}: it goes to `{}` across conduit `{}`", terms.verdict, terms.provider, terms.conduit)
        }
        Decision::Hold(held) => format!("hold: {held}"),
        Decision::Refuse(refusal) => format!("refuse: {}", refusal.reason),
    }
}
