//! The ways that a call could take: across a conduit, or from there to where it reroutes.
//!
//! `decide` picks among them; here each is tried by itself, so that no conduit's fate depends on another's.

use crate::Policy;
use crate::decide::{Asked, Case, Decision};
use crate::handle::{Handled, above, handle};
use crate::held::{Because, Held};
use crate::permit::{Passage, Permit};
use crate::place::{admits, approved, operator_gap};
use crate::rules::Question;
use crate::source::Sources;
use crate::steps::{Stage, Trace, names, shown};
use plant::{Bounds, Conduit, ConduitId, Finding, Provider, ProviderId, Reason, Refusal, RuleId, Sensitivity, Verdict};
use std::collections::BTreeSet;

/// A way that is open.
pub(crate) struct Way<'a> {
    conduit: &'a ConduitId,
    provider: &'a ProviderId,
    bounds: &'a Bounds,
    handled: Handled,
    /// The rules that hold the call.
    holding: Vec<RuleId>,
    rerouted: bool,
    renamed: Option<&'a str>,
}

/// A way that is closed, and how sensitive the content was there.
pub(crate) struct Closed {
    /// Where it is closed; `None` if the trace has it already.
    pub(crate) stage: Option<Stage>,
    pub(crate) refusal: Refusal,
    pub(crate) residual: Sensitivity,
}

/// Of two refusals, the one of the conduit where the call got further; of equals the earlier.
pub(crate) fn furthest(other: Option<Closed>, closed: Closed) -> Closed {
    match other {
        Some(other) if other.refusal.reason >= closed.refusal.reason => other,
        _ => closed,
    }
}

impl Way<'_> {
    fn holds(&self) -> bool {
        !self.handled.hold.is_empty() || !self.holding.is_empty()
    }

    fn verdict(&self) -> Verdict {
        if self.rerouted { Verdict::Reroute } else { self.handled.verdict() }
    }

    /// The stricter of two open ways; of equals the other, which came earlier.
    pub(crate) fn stricter(self, other: Option<Self>) -> Self {
        let strictness = |way: &Self| (way.holds(), way.verdict(), way.handled.verdict());
        match other {
            Some(other) if strictness(&other) >= strictness(&self) => other,
            _ => self,
        }
    }

    pub(crate) fn residual(&self) -> Sensitivity {
        self.handled.residual
    }

    /// The permit, or what waits for a person before it is one.
    pub(crate) fn decision(mut self, findings: &[Finding]) -> Decision {
        let found = std::mem::take(&mut self.handled.hold);
        let labels = found.iter().filter_map(|index| findings.get(*index)).map(|one| Because::Label(one.label.clone()));
        let rules = std::mem::take(&mut self.holding).into_iter().map(Because::Rule);
        let because: BTreeSet<Because> = labels.chain(rules).collect();
        let permit = Permit::new(self.pass());
        if because.is_empty() { Decision::Permit(permit) } else { Decision::Hold(Held::new(permit, because, found)) }
    }

    fn pass(self) -> Passage {
        Passage {
            verdict: self.verdict(),
            provider: self.provider.clone(),
            conduit: self.conduit.clone(),
            rerouted: self.rerouted,
            model: self.renamed.map(str::to_owned),
            redact: self.handled.redact,
            generalise: self.handled.generalise,
            tokenise: self.handled.tokenise,
            alike: self.handled.alike,
            rules: self.handled.rules.into_iter().collect(),
            bounds: self.bounds.clone(),
        }
    }
}

impl Policy {
    /// The way that the call would take from `conduit`: across it, or to where it reroutes.
    pub(crate) fn way<'a>(
        &'a self,
        case: &Case<'a>,
        conduit: &'a Conduit,
        sensitivity: Sensitivity,
        trace: &mut Trace<'_>,
    ) -> Result<Way<'a>, Closed> {
        let provider: &Provider = &case.crossing.provider;
        let path = Path { conduit, provider, model: case.asked.model, rerouted: false, sensitivity };
        let closed = |stage, residual| move |refusal| Closed { stage: Some(stage), refusal, residual };
        path.open(trace).map_err(closed(Stage::Model, sensitivity))?;
        path.offer(case.asked.tools, trace).map_err(closed(Stage::Tools, sensitivity))?;
        let handled = self.handled(case, &path, trace).map_err(closed(Stage::Handling, sensitivity))?;
        let residual = handled.residual;
        let refusal = match &handled.reroute {
            Some(labels) => path.sent_away(labels, &handled),
            None => match self.within(case, &path, residual, trace) {
                Ok(()) => {
                    let holding = self.ask(case, &path, residual, trace).map_err(closed(Stage::Rules, residual))?;
                    return Ok(path.way(handled, holding, None));
                }
                Err(refusal) => {
                    trace.say(Stage::Ceiling, || refusal.detail.clone());
                    refusal
                }
            },
        };
        self.reroute(case, &path, refusal, trace).map_err(|refusal| Closed { stage: None, refusal, residual })
    }

    fn handled(&self, case: &Case<'_>, path: &Path<'_>, trace: &mut Trace<'_>) -> Result<Handled, Refusal> {
        if case.crossing.opaque {
            trace.say(Stage::Handling, || "nothing is read, so nothing is handled".to_owned());
            return Ok(Handled { residual: path.sensitivity, ..Handled::default() });
        }
        handle(&self.sources(case, path.conduit)?, case, trace)
    }

    /// The data sources that the call may carry something of across a conduit.
    fn sources<'a>(&'a self, case: &Case<'_>, conduit: &'a Conduit) -> Result<Sources<'a>, Refusal> {
        // Placing refuses workloads that the plant does not have.
        let nobody = || Refusal::new(Reason::NoConduit, "the plant does not have the workload");
        let workload = self.plant.workloads.get(&case.crossing.workload).ok_or_else(nobody)?;
        Ok(Sources::new(workload, conduit))
    }

    /// Whether what is left may be carried. The provider's clearance binds whatever a conduit says.
    fn within(
        &self,
        case: &Case<'_>,
        path: &Path<'_>,
        residual: Sensitivity,
        trace: &mut Trace<'_>,
    ) -> Result<(), Refusal> {
        let (scale, conduit, provider) = (&self.plant.scale, path.conduit, path.provider);
        let limit = conduit.ceiling.min(provider.clearance);
        let (ceiling, clearance) = (scale.name(conduit.ceiling), scale.name(provider.clearance));
        let state = |what: &str| {
            let (left, conduit, provider) = (scale.name(residual), &conduit.id, &provider.id);
            format!("{what} `{left}`; conduit `{conduit}` carries `{ceiling}` at most, `{provider}` `{clearance}`")
        };
        if residual <= limit {
            trace.say(Stage::Ceiling, || state("what leaves is"));
            return Ok(());
        }
        if case.crossing.opaque {
            return Err(Refusal::new(Reason::AboveCeiling, state("nobody reads the request, so it counts as")));
        }
        let (labels, rules) = above(&self.sources(case, conduit)?, case.findings, limit);
        let detail = state(&format!("{labels} would leave and is"));
        Err(Refusal { reason: Reason::AboveCeiling, detail, rules })
    }

    /// Whether the plant's own rules let the call take this path.
    fn ask(
        &self,
        case: &Case<'_>,
        path: &Path<'_>,
        residual: Sensitivity,
        trace: &mut Trace<'_>,
    ) -> Result<Vec<RuleId>, Refusal> {
        let holding = self.rules.ask(&Question {
            principal: case.principal,
            crossing: case.crossing,
            asked: &Asked { model: path.model, ..case.asked },
            conduit: &path.conduit.id,
            rerouted: path.rerouted,
            findings: case.findings,
            sensitivity: path.sensitivity,
            residual,
            now: case.now,
        })?;
        trace.say(Stage::Rules, || self.rules.told(&holding));
        Ok(holding)
    }

    /// The way to another provider, in place of one that failed. Its own conduits decide as they would for a call that asked
    /// for it, save that they cannot reroute: what may go to one provider may not for that go to another.
    pub(crate) fn other<'a>(
        &'a self,
        case: &Case<'a>,
        to: &ProviderId,
        model: Option<&'a str>,
        sensitivity: Sensitivity,
    ) -> Result<Way<'a>, Closed> {
        let nowhere = |refusal| Closed { stage: None, refusal, residual: sensitivity };
        let (target, conduits) = self.target(case, to).map_err(|why| nowhere(Refusal::new(Reason::NoConduit, why)))?;
        let renamed = case.asked.model.and(model);
        let asked = renamed.or(case.asked.model);
        let (mut best, mut worst): (Option<Way<'a>>, Option<Closed>) = (None, None);
        for conduit in conduits {
            let path = Path { conduit, provider: target, model: asked, rerouted: true, sensitivity };
            match self.carried(case, path, renamed, &[], &mut Trace::silent()) {
                Ok(way) => best = Some(way.stricter(best)),
                Err(closed) => worst = Some(furthest(worst, closed)),
            }
        }
        // The target has conduits, or it would have been none.
        best.ok_or_else(|| worst.unwrap_or_else(|| nowhere(Refusal::new(Reason::NoConduit, "no conduit is left"))))
    }

    /// The way to where a conduit reroutes. The target's own conduits decide there as they would for a call that
    /// asked for it, save that they cannot reroute again. `refusal` is what becomes of the call without it.
    fn reroute<'a>(
        &'a self,
        case: &Case<'a>,
        from: &Path<'a>,
        refusal: Refusal,
        trace: &mut Trace<'_>,
    ) -> Result<Way<'a>, Refusal> {
        let target = match &from.conduit.reroute {
            Some(id) => self.target(case, id),
            None => Err("it goes nowhere else".to_owned()),
        };
        let (target, conduits) = match target {
            Ok(found) => found,
            Err(why) => {
                trace.say(Stage::Reroute, || why.clone());
                return Err(Refusal { detail: format!("{}; {why}", refusal.detail), ..refusal });
            }
        };
        let renamed = case.asked.model.and(from.conduit.reroute_model.as_deref());
        let model = renamed.or(case.asked.model);
        let asking = || model.map_or_else(String::new, |model| format!(", asked for model `{}`", shown(model)));
        trace.say(Stage::Reroute, || format!("`{}` may carry it instead{}", target.id, asking()));
        let (mut best, mut worst): (Option<Way<'a>>, Option<Closed>) = (None, None);
        for conduit in conduits {
            let path = Path { conduit, provider: target, model, rerouted: true, sensitivity: from.sensitivity };
            match self.carried(case, path, renamed, &refusal.rules, trace) {
                Ok(way) => best = Some(way.stricter(best)),
                Err(closed) => {
                    trace.say(closed.stage.unwrap_or(Stage::Reroute), || closed.refusal.detail.clone());
                    worst = Some(furthest(worst, closed));
                }
            }
        }
        best.ok_or_else(|| neither(refusal, &target.id, worst))
    }

    /// A provider that a call may go to instead, and the conduits there that are open to the call.
    fn target<'a>(&'a self, case: &Case<'_>, id: &ProviderId) -> Result<(&'a Provider, Vec<&'a Conduit>), String> {
        let crossing = case.crossing;
        if crossing.opaque {
            return Err(format!("what is not read cannot go to `{id}` instead"));
        }
        let target = self.providers.get(id).ok_or_else(|| format!("`{id}` is no provider of this plant"))?;
        // Nothing is translated, so only a provider of the same dialect understands the request.
        let (has, wants) = (crossing.provider.dialect, target.dialect);
        if has != wants {
            return Err(format!("`{id}` speaks {wants}, not {has}"));
        }
        let leading = self.conduits(&crossing.zone, id).iter();
        let conduits: Vec<&Conduit> = leading.map(AsRef::as_ref).filter(|one| serves(one, case)).collect();
        if conduits.is_empty() {
            let (zone, purpose) = (&crossing.zone, &crossing.purpose);
            return Err(format!("no conduit from zone `{zone}` to `{id}` is open to the call for `{purpose}`"));
        }
        Ok((target, conduits))
    }

    fn carried<'a>(
        &self,
        case: &Case<'_>,
        path: Path<'a>,
        renamed: Option<&'a str>,
        because: &[RuleId],
        trace: &mut Trace<'_>,
    ) -> Result<Way<'a>, Closed> {
        let closed = |stage, residual| move |refusal| Closed { stage: Some(stage), refusal, residual };
        path.open(trace).map_err(closed(Stage::Model, path.sensitivity))?;
        path.offer(case.asked.tools, trace).map_err(closed(Stage::Tools, path.sensitivity))?;
        let handled = self.sources(case, path.conduit).and_then(|sources| handle(&sources, case, trace));
        let mut handled = handled.map_err(closed(Stage::Handling, path.sensitivity))?;
        let residual = handled.residual;
        if let Some(labels) = &handled.reroute {
            return Err(closed(Stage::Handling, residual)(path.sent_away(labels, &handled)));
        }
        self.within(case, &path, residual, trace).map_err(closed(Stage::Ceiling, residual))?;
        let holding = self.ask(case, &path, residual, trace).map_err(closed(Stage::Rules, residual))?;
        handled.rules.extend(because.iter().cloned());
        Ok(path.way(handled, holding, renamed))
    }
}

/// A refusal that rerouting did not avert.
fn neither(refusal: Refusal, target: &ProviderId, worst: Option<Closed>) -> Refusal {
    let Some(Closed { refusal: there, .. }) = worst else { return refusal };
    let detail = format!("{}; `{target}` cannot carry it either: {}", refusal.detail, there.detail);
    // Who asks learns which source is closed to them, and nothing of where else their call might have gone.
    if there.reason == Reason::SourceDenied {
        return there;
    }
    // A rule that forbids must be named as such, also where it forbids only the way out.
    if there.reason == Reason::RuleForbids { Refusal { detail, ..there } } else { Refusal { detail, ..refusal } }
}

/// A conduit to a provider, for a model.
struct Path<'a> {
    conduit: &'a Conduit,
    provider: &'a Provider,
    model: Option<&'a str>,
    rerouted: bool,
    sensitivity: Sensitivity,
}

impl<'a> Path<'a> {
    /// Whether the model is open. An endpoint that asks no model has none to check.
    fn open(&self, trace: &mut Trace<'_>) -> Result<(), Refusal> {
        let Self { conduit, model, .. } = self;
        let Some(model) = model else {
            trace.say(Stage::Model, || "the call asks none".to_owned());
            return Ok(());
        };
        if conduit.models.iter().any(|wildcard| wildcard.fits(model)) {
            trace.say(Stage::Model, || format!("`{}` is open on conduit `{}`", shown(model), conduit.id));
            return Ok(());
        }
        let open = names(conduit.models.iter().map(|wildcard| &wildcard.0));
        let asked =
            if model.is_empty() { "whatever the provider takes".to_owned() } else { format!("`{}`", shown(model)) };
        let detail = format!("conduit `{}` opens {open}, not {asked}", conduit.id);
        Err(Refusal::new(Reason::ModelNotAllowed, detail))
    }

    /// Whether the tools are open, each of them. Most conduits say nothing of tools, and nothing is said of them then.
    fn offer(&self, tools: &[String], trace: &mut Trace<'_>) -> Result<(), Refusal> {
        let Some(open) = &self.conduit.tools else { return Ok(()) };
        let conduit = &self.conduit.id;
        let closed = tools.iter().find(|tool| !open.iter().any(|wildcard| wildcard.fits(tool)));
        let Some(tool) = closed else {
            trace.say(Stage::Tools, || format!("{} named, all open on conduit `{conduit}`", tools.len()));
            return Ok(());
        };
        let open = names(open.iter().map(|wildcard| &wildcard.0));
        let detail = format!("conduit `{conduit}` opens the tools {open}, not `{}`", shown(tool));
        Err(Refusal::new(Reason::ToolNotAllowed, detail))
    }

    fn sent_away(&self, labels: &str, handled: &Handled) -> Refusal {
        let rules: BTreeSet<_> = handled.away.iter().cloned().collect();
        let detail = format!("conduit `{}` reroutes {labels}", self.conduit.id);
        Refusal { reason: Reason::ContentRefused, detail, rules: rules.into_iter().collect() }
    }

    fn way(self, handled: Handled, holding: Vec<RuleId>, renamed: Option<&'a str>) -> Way<'a> {
        let Self { conduit, provider, rerouted, .. } = self;
        Way {
            conduit: &conduit.id,
            provider: &provider.id,
            bounds: &conduit.bounds,
            handled,
            holding,
            rerouted,
            renamed,
        }
    }
}

/// Whether a conduit to a reroute's target admits the call as far as placing would say.
fn serves(conduit: &Conduit, case: &Case<'_>) -> bool {
    admits(conduit, &case.crossing.workload)
        && conduit.purposes.contains(&case.crossing.purpose)
        && approved(conduit, case.now)
        && operator_gap(conduit, case.principal).is_none()
}
