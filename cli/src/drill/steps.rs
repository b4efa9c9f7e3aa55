//! The steps of a drill, in their order: what is promised, what is seen, and whether that is the same.
//!
//! ```text
//! each conduit: all well ─> each trouble, along its steps ─> its breaker
//! all conduits: everything isolated ─> restored ─> islanded ─> restored ─> the ledger shut ─> the gateway gone
//! ```

use super::caller::Caller;
use super::double::Turn;
use super::promise::{Asked, Outcome, Promise, paths};
use super::stage::{Seen, Stage, micros_since};
use fallback::{Step as Fallback, Then, Trouble};
use miette::miette;
use plant::{Act, Conduit, ConduitId, Part, ProviderId, Reason, Zone};
use policy::Policy;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long breakers rest where they must not be over by themselves, and where they must.
const LONG: Duration = Duration::from_secs(86_400);
const SHORT: Duration = Duration::from_millis(1);

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What the plant file promises was seen.
    Kept,
    /// Something else was.
    Broken,
    /// Nothing could be sent.
    Undrilled,
    /// Only a person can see it, and one did.
    Observed,
    /// Only a person can see it, and nobody told.
    Unobserved,
}

impl Verdict {
    /// Its name in records.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Broken => "broken",
            Self::Undrilled => "undrilled",
            Self::Observed => "observed",
            Self::Unobserved => "unobserved",
        }
    }
}

/// A step, done.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The conduit, if it is about one.
    pub(super) conduit: Option<ConduitId>,
    /// What was done: `slow: openai, edge`.
    pub(super) path: String,
    pub(super) expected: String,
    pub(super) seen: String,
    pub(super) micros: u64,
    pub(super) verdict: Verdict,
    /// Why, where it did not come as expected.
    pub(super) detail: Option<String>,
}

/// A drill under way.
pub(super) struct Drill<'a> {
    pub(super) stage: Stage,
    pub(super) policy: Policy,
    /// The conduits that are drilled, each with who calls across it, or why nobody can.
    pub(super) conduits: Vec<(Conduit, Result<Caller, String>)>,
    pub(super) roles: &'a [String],
    /// What a person saw of the plant while AI was away.
    pub(super) observed: Option<&'a str>,
    pub(super) steps: Vec<Step>,
}

impl Drill<'_> {
    /// Takes all steps.
    pub(super) async fn run(mut self) -> miette::Result<Vec<Step>> {
        for (conduit, caller) in std::mem::take(&mut self.conduits) {
            match &caller {
                Ok(own) => self.conduit(&conduit, own).await?,
                Err(why) => self.steps.push(undrilled(&conduit, why)),
            }
            self.conduits.push((conduit, caller));
        }
        self.isolated().await?;
        self.ledger().await?;
        let (callers, observed) = (self.callers(), self.observed);
        self.steps.extend(gone(self.stage, &callers, observed).await);
        Ok(self.steps)
    }

    fn callers(&self) -> Vec<Caller> {
        self.conduits.iter().filter_map(|(_, caller)| caller.as_ref().ok()).cloned().collect()
    }

    /// One conduit: all well, each trouble along its steps, its breaker.
    async fn conduit(&mut self, conduit: &Conduit, caller: &Caller) -> miette::Result<()> {
        let streams: &[bool] = if caller.chats() { &[false, true] } else { &[false] };
        for stream in streams {
            let promise = Promise::answer(&conduit.to);
            self.step(caller, "all well", *stream, &Turn::default(), (None, &[]), &promise).await?;
        }
        let steps = self.stage.double.loaded.failing.steps.get(&conduit.id).cloned().unwrap_or_default();
        for (name, trouble) in Trouble::NAMES {
            for path in paths(&steps, &conduit.to, trouble) {
                let turn = turn(trouble, &path.troubled);
                let told = format!("{name}: {}", list(&path.troubled));
                let streams = match (trouble, &path.promise.outcome) {
                    (Trouble::Failing, _) => streams,
                    // A stream that has begun ends with an event, not with an error, where nobody takes its place.
                    (Trouble::Slow, Outcome::Answer { .. } | Outcome::Fixed { .. }) => streams,
                    _ => &[false],
                };
                for stream in streams {
                    let trouble = (Some(trouble), path.troubled.as_slice());
                    self.step(caller, &told, *stream, &turn, trouble, &path.promise).await?;
                }
            }
        }
        self.outside_limits(conduit, caller, &steps).await?;
        self.breaker(conduit, caller, &steps).await
    }

    /// A provider recommends a value outside the limits of a tag, where tags have some and the conduit stops that.
    async fn outside_limits(
        &mut self,
        conduit: &Conduit,
        caller: &Caller,
        steps: &Arc<[Fallback]>,
    ) -> miette::Result<()> {
        let reason = match conduit.guarding.violate {
            Act::Block => Reason::AnswerLimit,
            Act::Hold => Reason::AnswerHeld,
            Act::Allow | Act::Annotate => return Ok(()),
        };
        let text = self.stage.double.loaded.guard.forbidden().filter(|_| caller.chats());
        let path = paths(steps, &conduit.to, Trouble::Unsafe).into_iter().next();
        let Some((text, path)) = text.zip(path) else { return Ok(()) };
        let promise = match path.promise.outcome {
            Outcome::Error { .. } => Promise { outcome: Promise::refusal(reason).outcome, ..path.promise },
            _ => path.promise,
        };
        self.well()?;
        if let Some(stand_in) = self.stage.stand_in(&conduit.to) {
            stand_in.say(text);
        }
        let seen = self.stage.call(caller, false).await?;
        self.told(caller, format!("outside limits: {}", conduit.to), &promise, seen);
        Ok(())
    }

    /// A provider with a breaker fails until it is left alone, and is asked again after its rest.
    async fn breaker(&mut self, conduit: &Conduit, caller: &Caller, steps: &Arc<[Fallback]>) -> miette::Result<()> {
        let Some(breaking) = self.stage.double.loaded.failing.breakers.get(&conduit.to).copied() else { return Ok(()) };
        let troubled = [conduit.to.clone()];
        for (rest, told) in [(LONG, "breaker opens"), (SHORT, "breaker closes")] {
            self.stage.turn(&Turn { rest: Some(rest), ..Turn::default() })?;
            self.stage.trouble(&troubled, Some(Trouble::Failing), false);
            for _ in 0..breaking.failures {
                self.stage.call(caller, false).await?;
            }
            self.stage.trouble(&[], None, false);
            let promise = if rest == LONG { resting(steps, &conduit.to) } else { Promise::answer(&conduit.to) };
            // More than the rest: a breaker looks at its clock in whole milliseconds.
            tokio::time::sleep(SHORT * 3).await;
            let seen = self.stage.call(caller, false).await?;
            self.told(caller, format!("{told}: {}", conduit.to), &promise, seen);
        }
        Ok(())
    }

    /// The gate shut by hand: everything, then whatever is external; and opened again.
    async fn isolated(&mut self) -> miette::Result<()> {
        self.well()?;
        let callers = self.callers();
        for (part, told) in [(Part::Everything, "everything isolated"), (Part::External, "islanded")] {
            self.stage.valve().isolate(vec![part.clone()]);
            for caller in &callers {
                let promise = match part == Part::Everything || self.is_external(&caller.provider) {
                    true => Promise::refusal(Reason::Isolated),
                    false => Promise::answer(&caller.provider),
                };
                let seen = self.stage.call(caller, false).await?;
                self.told(caller, told.to_owned(), &promise, seen);
            }
            self.stage.valve().isolate(Vec::new());
            for caller in &callers {
                let seen = self.stage.call(caller, false).await?;
                self.told(caller, format!("restored ({part})"), &Promise::answer(&caller.provider), seen);
            }
        }
        for caller in &callers {
            self.cut(caller).await?;
        }
        Ok(())
    }

    /// A call that waits for its provider while everything is isolated. The time is from then until its caller has read so.
    async fn cut(&mut self, caller: &Caller) -> miette::Result<()> {
        self.stage.trouble(std::slice::from_ref(&caller.provider), Some(Trouble::Slow), false);
        let seen = self.cut_off(caller).await?;
        self.stage.valve().isolate(Vec::new());
        self.well()?;
        let outcome = Promise::refusal(Reason::Isolated).outcome;
        let promise = Promise { outcome, ..Promise::answer(&caller.provider) };
        self.told(caller, "isolated under way".to_owned(), &promise, seen);
        Ok(())
    }

    async fn cut_off(&self, caller: &Caller) -> miette::Result<Seen> {
        let stand_in = self.stage.stand_in(&caller.provider).ok_or_else(|| miette!("a stand-in is gone"))?;
        let waits = stand_in.until_asked(stand_in.asked().saturating_add(1));
        let mut call = std::pin::pin!(self.stage.call(caller, false));
        // One that is answered without its provider waits for nobody.
        tokio::select! {
            seen = &mut call => return seen,
            () = waits => {}
        }
        let shut = Instant::now();
        self.stage.valve().isolate(vec![Part::Everything]);
        let seen = call.await?;
        Ok(Seen { micros: micros_since(shut), ..seen })
    }

    /// The ledger takes nothing: no call leaves. And takes records again.
    async fn ledger(&mut self) -> miette::Result<()> {
        for shut in [true, false] {
            self.stage.shut_ledger(shut);
            for caller in &self.callers() {
                let (told, promise) = match shut {
                    true => ("the ledger takes nothing", Promise::refusal(Reason::LedgerUnavailable)),
                    false => ("the ledger is back", Promise::answer(&caller.provider)),
                };
                let seen = self.stage.call(caller, false).await?;
                self.told(caller, told.to_owned(), &promise, seen);
            }
        }
        Ok(())
    }

    fn well(&mut self) -> miette::Result<()> {
        self.stage.turn(&Turn::default())?;
        self.stage.trouble(&[], None, false);
        Ok(())
    }

    fn is_external(&self, provider: &ProviderId) -> bool {
        let plant = &self.stage.double.loaded.plant;
        let zone = plant.providers.get(provider).and_then(|provider| plant.zones.get(&provider.zone));
        zone.is_some_and(Zone::is_external)
    }

    /// Makes one call with providers in trouble.
    async fn step(
        &mut self,
        caller: &Caller,
        told: &str,
        stream: bool,
        turn: &Turn,
        (trouble, troubled): (Option<Trouble>, &[ProviderId]),
        promise: &Promise,
    ) -> miette::Result<()> {
        self.stage.turn(turn)?;
        self.stage.trouble(troubled, trouble, stream);
        let seen = self.stage.call(caller, stream).await?;
        let told = if stream { format!("{told}, streamed") } else { told.to_owned() };
        self.told(caller, told, promise, seen);
        Ok(())
    }

    /// Holds what was seen against what is promised.
    fn told(&mut self, caller: &Caller, path: String, promise: &Promise, seen: Seen) {
        let kept = seen.outcome == promise.outcome && seen.asked == promise.asked && seen.recorded;
        let detail = (!kept).then(|| self.why(caller, promise, &seen));
        self.steps.push(Step {
            conduit: Some(caller.conduit.clone()),
            path,
            expected: promise.outcome.to_string(),
            seen: seen.outcome.to_string(),
            micros: seen.micros,
            verdict: if kept { Verdict::Kept } else { Verdict::Broken },
            detail,
        });
    }

    /// Why something else was seen, as far as that can be told.
    fn why(&self, caller: &Caller, promise: &Promise, seen: &Seen) -> String {
        let steps = self.stage.double.loaded.failing.steps.get(&caller.conduit);
        let targets = steps.into_iter().flat_map(|steps| steps.iter()).filter_map(|step| match &step.then {
            Then::Ask { to, model } => caller.barred(&self.policy, self.roles, to, model.as_deref()),
            Then::Say(_) => None,
        });
        let mut why: Vec<String> = targets.collect();
        if seen.asked != promise.asked {
            why.push(format!("asked: {}; expected: {}", counts(&seen.asked), counts(&promise.asked)));
        }
        if !seen.recorded {
            why.push("its records are not complete".to_owned());
        }
        why.join("; ")
    }
}

/// No gateway: callers get no connection, and the plant goes on, which a person sees.
async fn gone(stage: Stage, callers: &[Caller], observed: Option<&str>) -> Vec<Step> {
    let workloads = &stage.double.loaded.plant.workloads;
    let plan = |caller: &Caller| {
        let plan = workloads.get(&caller.workload)?.governance.isolation_plan.clone()?;
        Some((caller.workload.clone(), plan))
    };
    let plans: BTreeMap<_, _> = callers.iter().filter_map(plan).collect();
    let (outcome, micros) = stage.gone().await.call().await;
    let verdict = if outcome == Outcome::Nobody { Verdict::Kept } else { Verdict::Broken };
    let mut steps = vec![Step {
        conduit: None,
        path: "the gateway gone".to_owned(),
        expected: Outcome::Nobody.to_string(),
        seen: outcome.to_string(),
        micros,
        verdict,
        detail: None,
    }];
    steps.extend(plans.into_iter().map(|(workload, plan)| Step {
        conduit: None,
        path: format!("the plant goes on: {workload}"),
        expected: plan,
        seen: observed.unwrap_or("nobody told").to_owned(),
        micros: 0,
        verdict: if observed.is_some() { Verdict::Observed } else { Verdict::Unobserved },
        detail: None,
    }));
    steps
}

/// How the double turns for a trouble of these providers.
fn turn(trouble: Trouble, troubled: &[ProviderId]) -> Turn {
    let all = || troubled.iter().cloned().collect();
    match trouble {
        Trouble::Unreachable => Turn { gone: all(), ..Turn::default() },
        Trouble::Slow => Turn { slow: all(), ..Turn::default() },
        _ => Turn::default(),
    }
}

/// What is promised while a provider is left alone: what is promised while it cannot be reached, but for the error's name.
fn resting(steps: &Arc<[Fallback]>, first: &ProviderId) -> Promise {
    let unreachable = paths(steps, first, Trouble::Unreachable).into_iter().next();
    match unreachable.map(|path| path.promise) {
        Some(promise) if !matches!(promise.outcome, Outcome::Error { .. }) => promise,
        _ => Promise::refusal(Reason::ProviderResting),
    }
}

fn undrilled(conduit: &Conduit, why: &str) -> Step {
    Step {
        conduit: Some(conduit.id.clone()),
        path: "all well".to_owned(),
        expected: Promise::answer(&conduit.to).outcome.to_string(),
        seen: "no call can be made".to_owned(),
        micros: 0,
        verdict: Verdict::Undrilled,
        detail: Some(why.to_owned()),
    }
}

fn list(providers: &[ProviderId]) -> String {
    providers.iter().map(ProviderId::as_str).collect::<Vec<_>>().join(", ")
}

fn counts(asked: &Asked) -> String {
    let one = |(id, count): (&ProviderId, &usize)| if *count == 1 { id.to_string() } else { format!("{id} {count}x") };
    if asked.is_empty() { "nobody".to_owned() } else { asked.iter().map(one).collect::<Vec<_>>().join(", ") }
}
