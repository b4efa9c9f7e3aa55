//! A call whose provider failed goes elsewhere only if it could have gone there of itself.

use super::brewery::{brewery, handling, id};
use super::{Line, outcome, policy, told};
use crate::{Asked, Call, Case, Decided, Decision, Policy};
use plant::{Conduit, Plant, ProviderId, Reason, Refusal};

pub(super) fn instead(policy: &Policy, line: &Line, to: &str, model: Option<&str>) -> Result<crate::Passage, Refusal> {
    let call = Call {
        provider: &line.provider,
        endpoint: Some(&line.endpoint),
        method: "POST",
        path: "/v1/known",
        purpose: line.purpose.as_deref(),
    };
    let crossing = policy.place(&line.principal, line.peer.parse().unwrap(), &call, line.now).unwrap();
    let asked = Asked { model: line.model.as_deref(), stream: line.stream, tools: &line.tools };
    let fixed = |index: usize, _: &Conduit| line.fixed[index];
    let to: ProviderId = id(to);
    let (principal, findings) = (&line.principal, line.findings.as_slice());
    let case = Case { principal, crossing: &crossing, asked, findings, fixed: &fixed, now: line.now };
    match policy.instead(&case, &to, model) {
        Decided { decision: Decision::Permit(permit), .. } => Ok(permit.spend()),
        Decided { decision: Decision::Refuse(refusal), .. } => Err(refusal),
        Decided { decision: Decision::Hold(held), .. } => Err(Refusal::new(Reason::HoldRefused, held.to_string())),
    }
}

#[track_caller]
fn check(plant: Plant, rules: &str, line: &str, to: (&str, Option<&str>), expected: &str) {
    let policy = policy(plant, rules);
    assert_eq!(told(&instead(&policy, &Line::parse(line), to.0, to.1)), expected, "{line}");
}

const LINE: &str = "copilot 10.1.0.5 -> openai chat.completions, for maintenance, ask gpt-4o";

#[test]
fn the_other_providers_own_conduit_decides() {
    let edge = |model, expected: &str| check(brewery(), "", LINE, ("edge", model), expected);
    edge(Some("llama-3"), "reroute to edge over cell-edge as llama-3");
    edge(None, "model-not-allowed");
    edge(Some("gpt-2"), "model-not-allowed");
    let with = |labels: &str, expected| {
        check(brewery(), "", &format!("{LINE}, hold {labels}"), ("edge", Some("phi")), expected);
    };
    with("person", "reroute to edge over cell-edge as phi, redact [0]");
    with("setpoint", "reroute to edge over cell-edge as phi");
    with("secret", "content-refused");
}

#[test]
fn what_waits_for_a_person_there_gets_no_permit() {
    let mut plant = brewery();
    plant.conduits.get_mut(&id("cell-edge")).unwrap().handling = handling("person hold");
    check(plant, "", &format!("{LINE}, hold person"), ("edge", Some("phi")), "hold-refused");
}

#[test]
fn neither_another_dialect_nor_a_provider_without_conduit_takes_it() {
    for to in ["claude", "archive", "nobody"] {
        check(brewery(), "", LINE, (to, None), "no-conduit");
    }
}

#[test]
fn a_clearance_that_is_lower_there_closes_it() {
    let mut low = brewery();
    low.providers.get_mut(&id("edge")).unwrap().clearance = low.scale.step("public").unwrap();
    check(low, "", &format!("{LINE}, hold setpoint"), ("edge", Some("phi")), "above-ceiling");
}

#[test]
fn the_plants_own_rules_are_asked_about_the_other_provider() {
    let rule = "@id(\"stay\") forbid (principal, action, resource) when { context.rerouted };";
    check(brewery(), rule, LINE, ("edge", Some("phi")), "rule-forbids");
}

#[test]
fn what_is_refused_at_its_own_door_is_refused_here() {
    let policy = policy(brewery(), "");
    for labels in ["person", "recipe", "setpoint", "secret", "sample", "tag", "drawing", "network person"] {
        for model in ["llama-3", "phi", "gpt-4o"] {
            let line = |to: &str, ask: &str| {
                Line::parse(&format!(
                    "copilot 10.1.0.5 -> {to} chat.completions, for maintenance, ask {ask}, hold {labels}"
                ))
            };
            let direct = outcome(&policy, &line("edge", model));
            let there = instead(&policy, &line("openai", "gpt-4o"), "edge", Some(model));
            assert_eq!(
                direct.as_ref().err().map(|one| one.reason),
                there.as_ref().err().map(|one| one.reason),
                "{labels} {model}"
            );
            if let (Ok(direct), Ok(there)) = (direct, there) {
                assert_eq!((direct.redact, direct.tokenise), (there.redact, there.tokenise));
            }
        }
    }
}
