//! What becomes of calls: each check, in the order of the pipeline.

use super::brewery::{brewery, conduit, handling, id, wildcards};
use super::{Line, check, outcome, policy, refused, told};
use crate::{Call, Decision};
use plant::{Bounds, Conduit, OperatorRequirement, Plant, Reason, Sensitivity};

const COPILOT: &str = "copilot 10.1.0.5 -> openai chat, for maintenance, ask gpt-4o";

#[test]
fn a_call_on_its_conduit_passes_as_it_is() {
    check(COPILOT, "allow to openai over copilot-cloud");
    check("copilot fd00:1::7 -> openai chat, for maintenance, ask gpt-4o", "allow to openai over copilot-cloud");
    check(
        "copilot ::ffff:10.1.0.5 -> openai chat, for instruction, ask gpt-4o-mini",
        "allow to openai over copilot-cloud",
    );
}

#[test]
fn a_provider_that_is_not_declared_is_unknown() {
    refused("copilot 10.1.0.5 -> nowhere chat", Reason::UnknownProvider);
    refused("copilot 10.1.0.5 -> ../openai chat", Reason::UnknownProvider);
    refused("- 10.1.0.5 -> OpenAI chat", Reason::UnknownProvider);
}

#[test]
fn a_workload_that_is_only_asserted_is_nobody() {
    refused("- 10.1.0.5 -> openai chat", Reason::NoIdentity);
    refused("(copilot) 10.1.0.5 -> openai chat", Reason::NoIdentity);
    refused("stranger 10.1.0.5 -> openai chat", Reason::NoIdentity);
}

#[test]
fn a_workload_without_owner_update_process_or_isolation_plan_is_ungoverned() {
    refused("trial 10.2.0.5 -> claude messages", Reason::Ungoverned);
}

#[test]
fn a_call_from_another_network_than_its_zone_is_a_mismatch() {
    refused("copilot 10.2.0.5 -> openai chat", Reason::ZoneMismatch);
    refused("copilot 192.0.2.1 -> openai chat", Reason::ZoneMismatch);
}

#[test]
fn loopback_is_a_network_like_any_other() {
    refused("copilot 127.0.0.1 -> openai chat", Reason::ZoneMismatch);
    refused("planner ::1 -> openai chat", Reason::ZoneMismatch);
    check("planner 127.0.0.1 -> openai chat, ask gpt-4o", "allow to openai over planning");
}

#[test]
fn a_proved_workstation_must_stand_in_the_same_zone() {
    check(&format!("{COPILOT}, at hmi-1"), "allow to openai over copilot-cloud");
    check(&format!("{COPILOT}, at (laptop-7)"), "allow to openai over copilot-cloud");
    refused(&format!("{COPILOT}, at laptop-7"), Reason::ZoneMismatch);
    refused(&format!("{COPILOT}, at stolen-1"), Reason::ZoneMismatch);
}

#[test]
fn a_zone_without_conduit_is_closed() {
    refused("copilot 10.1.0.5 -> archive chat", Reason::NoConduit);
    refused("camera 10.2.0.5 -> openai chat", Reason::NoConduit);
}

#[test]
fn a_conduit_admits_only_the_workloads_it_names() {
    refused("idle 10.1.0.5 -> openai chat", Reason::NoConduit);
}

#[test]
fn a_purpose_must_be_the_workloads_and_the_conduits() {
    refused("copilot 10.1.0.5 -> openai chat, for espionage", Reason::PurposeNotAllowed);
    refused("copilot 10.1.0.5 -> openai chat, for quality", Reason::PurposeNotAllowed);
    refused("copilot 10.1.0.5 -> openai chat, for Not A Purpose", Reason::PurposeNotAllowed);
    refused("idle 10.1.0.5 -> edge chat", Reason::PurposeNotAllowed);
    refused("idle 10.1.0.5 -> edge chat, for reporting", Reason::PurposeNotAllowed);
}

#[test]
fn an_unstated_purpose_is_taken_only_if_it_is_the_only_one() {
    refused("copilot 10.1.0.5 -> openai chat, ask gpt-4o", Reason::PurposeMissing);
    check("camera 10.2.0.5 -> edge chat, ask phi", "allow to edge over cell-edge");
}

#[test]
fn a_conduit_ends_with_the_moment_it_names() {
    let old = "copilot 10.1.0.5 -> claude messages, for maintenance, ask opus";
    check(&format!("{old}, when 2026-11-30T23:59:59.999Z"), "allow to claude over old");
    refused(&format!("{old}, when 2026-12-01T00:00:00Z"), Reason::ConduitExpired);
}

#[test]
fn a_conduit_that_asks_for_an_operator_gets_a_proved_one() {
    let writing = "copilot 10.1.0.5 -> claude messages, for instruction, ask opus";
    refused(writing, Reason::OperatorRequired);
    refused(&format!("{writing}, by (op-1):lead:mfa"), Reason::OperatorRequired);
    refused(&format!("{writing}, by op-1:lead:pwd"), Reason::OperatorAssurance);
    refused(&format!("{writing}, by op-1:mfa"), Reason::OperatorAssurance);
    check(&format!("{writing}, by op-1:lead:pwd:mfa"), "allow to claude over writing");
}

#[test]
fn an_unknown_endpoint_is_closed_unless_its_conduit_lists_it() {
    refused("copilot 10.1.0.5 -> openai /v1/files/7, for maintenance", Reason::UnknownEndpoint);
    check("planner 10.3.0.5 -> archive /v1/files/7", "allow to archive over files");
    refused("planner 10.3.0.5 -> archive /v1/batches/7", Reason::UnknownEndpoint);
}

#[test]
fn a_path_that_a_provider_could_read_as_another_is_never_opaque() {
    for path in [
        "/v1/files/../chat/completions",
        "/v1/files/./x",
        "/v1/files//x",
        "/v1/files/%2e%2E/chat/completions",
        "/v1/files/..%2fchat/completions",
        "/v1/files/%252e%252e/chat",
        "/v1/files/..\\chat",
        "/v1/files/..;/chat",
        "/v1/files/%0d%0aX",
        "/v1/files/a b",
        "/v1/files/ü",
    ] {
        refused(&format!("planner 10.3.0.5 -> archive {path}"), Reason::UnknownEndpoint);
    }
    check("planner 10.3.0.5 -> archive /v1/files/a%20b/", "allow to archive over files");
}

#[test]
fn what_nobody_reads_counts_as_the_most_sensitive() {
    refused("planner 10.3.0.5 -> openai /v1/anything", Reason::AboveCeiling);
}

#[test]
fn a_known_endpoint_is_read_also_where_the_conduit_calls_everything_opaque() {
    check("planner 10.3.0.5 -> openai chat, hold person.email", "allow to openai over planning");
    refused("planner 10.3.0.5 -> openai chat, hold recipe", Reason::AboveCeiling);
}

#[test]
fn a_model_must_fit_one_of_the_conduits_wildcards() {
    refused("copilot 10.1.0.5 -> openai chat, for maintenance, ask o3", Reason::ModelNotAllowed);
    refused("copilot 10.1.0.5 -> edge chat, for maintenance, ask phi-4", Reason::ModelNotAllowed);
    check("copilot 10.1.0.5 -> openai models, for maintenance", "allow to openai over copilot-cloud");
}

#[test]
fn a_call_that_leaves_the_model_to_the_provider_needs_a_conduit_open_to_any() {
    refused("copilot 10.1.0.5 -> openai chat, for maintenance, ask ", Reason::ModelNotAllowed);
    check("planner 10.3.0.5 -> openai chat, ask ", "allow to openai over planning");
}

#[test]
fn the_first_entry_that_covers_a_finding_decides() {
    check(
        &format!("{COPILOT}, hold person.phone person.iban"),
        "tokenise to openai over copilot-cloud, tokenise [0, 1]",
    );
    check(
        &format!("{COPILOT}, hold person.phone setpoint network"),
        "redact to openai over copilot-cloud, redact [1], tokenise [0]",
    );
    refused(&format!("{COPILOT}, hold network secret.key"), Reason::ContentRefused);
}

#[test]
fn what_is_let_pass_still_counts_towards_the_ceiling() {
    // `person.email allow` lets it pass, but it is confidential and the conduit carries internal.
    check(&format!("{COPILOT}, hold person.email"), "reroute to edge over cell-edge as llama-3, redact [0]");
    check(&format!("{COPILOT}, hold network"), "allow to openai over copilot-cloud");
}

#[test]
fn a_finding_that_cannot_be_replaced_refuses_the_call() {
    refused(&format!("{COPILOT}, hold person.phone setpoint!"), Reason::ContentRefused);
    check(&format!("{COPILOT}, hold person.phone network!"), "tokenise to openai over copilot-cloud, tokenise [0]");
}

#[test]
fn what_should_wait_for_a_person_does_not_pass_without_one_and_no_person_lifts_the_ceiling() {
    check(&format!("{COPILOT}, hold sample"), "hold to openai over copilot-cloud");
    check(&format!("{COPILOT}, hold sample setpoint"), "hold to openai over copilot-cloud, redact [1]");
    refused(&format!("{COPILOT}, hold sample secret.key"), Reason::ContentRefused);
    check(&format!("{COPILOT}, hold sample recipe"), "reroute to edge over cell-edge as llama-3");
    let low = |plant: &mut Plant| plant.providers.get_mut(&id("openai")).unwrap().clearance = Sensitivity::LOWEST;
    let line = format!("{COPILOT}, hold sample");
    after(low, &line, "reroute to edge over cell-edge as llama-3");
}

#[test]
fn an_approval_covers_what_was_held_on_the_way_that_was_seen_and_nothing_else() {
    let held = |line: &str, rules: &str| match Line::parse(line)
        .take(&policy(brewery(), rules), &mut Vec::new())
        .unwrap()
        .decision
    {
        Decision::Hold(held) => held,
        other => panic!("{line}: {other:?}"),
    };
    let rule = "@id(\"careful\") @do(\"hold\") forbid (principal, action, resource) when { context.labels.contains(\"sample\") };";
    let (sample, setpoint) = (format!("{COPILOT}, hold sample"), format!("{COPILOT}, hold sample setpoint"));
    let approval = held(&sample, "").approval();
    assert!(held(&sample, "").release(&approval).is_ok());
    assert!(held(&setpoint, "").release(&approval).is_ok(), "what else is in it is handled, not held");
    let more = held(&sample, rule).release(&approval).unwrap_err();
    assert_eq!(more.to_string(), "conduit `copilot-cloud` waits for a person because of `sample`, rule `careful`");
    assert!(held(&sample, "").release(&held(&sample, rule).approval()).is_ok(), "less than what was approved");
    assert_eq!(held(&setpoint, "").found(), [0]);
}

#[test]
fn a_reroute_crosses_the_targets_own_conduit() {
    check(&format!("{COPILOT}, hold recipe"), "reroute to edge over cell-edge as llama-3");
    check(
        &format!("{COPILOT}, hold recipe person.phone setpoint"),
        "reroute to edge over cell-edge as llama-3, redact [1]",
    );
    refused(&format!("{COPILOT}, hold recipe secret.key"), Reason::ContentRefused);
    refused(&format!("{COPILOT}, hold recipe person.phone!"), Reason::ContentRefused);
}

fn changed(change: impl FnOnce(&mut Plant)) -> crate::Policy {
    let mut plant = brewery();
    change(&mut plant);
    policy(plant, "")
}

fn edit(plant: &mut Plant, name: &str, change: impl FnOnce(&mut Conduit)) {
    change(plant.conduits.get_mut(&id(name)).unwrap());
}

#[track_caller]
fn after(change: impl FnOnce(&mut Plant), line: &str, expected: &str) {
    assert_eq!(told(&outcome(&changed(change), &Line::parse(line))), expected, "{line}");
}

#[test]
fn a_reroute_needs_an_open_way() {
    let recipe = &format!("{COPILOT}, hold recipe");
    let away = |change: fn(&mut Conduit), expected| after(|plant| edit(plant, "cell-edge", change), recipe, expected);
    away(|edge| edge.expires = Some(plant::Millis(0)), "content-refused");
    away(|edge| edge.purposes = vec![id("quality")], "content-refused");
    away(|edge| edge.workloads = vec![id("camera")], "content-refused");
    away(|edge| edge.models = wildcards("phi"), "content-refused");
    away(|edge| edge.ceiling = Sensitivity::LOWEST, "content-refused");
    away(|edge| edge.handling = handling("recipe refuse"), "content-refused");
    away(|edge| edge.operator = OperatorRequirement::Required { assurance: Vec::new() }, "content-refused");
    after(|plant| edit(plant, "copilot-cloud", |cloud| cloud.reroute = None), recipe, "content-refused");
}

#[test]
fn a_reroute_never_leads_on() {
    let back = |plant: &mut Plant| {
        edit(plant, "cell-edge", |edge| {
            edge.handling = handling("recipe reroute");
            edge.reroute = Some(id("openai"));
        });
    };
    after(back, &format!("{COPILOT}, hold recipe"), "content-refused");
}

#[test]
fn a_reroute_keeps_the_dialect() {
    refused("planner 10.3.0.5 -> claude messages, hold person.email", Reason::AboveCeiling);
}

#[test]
fn a_providers_clearance_binds_whatever_the_conduit_says() {
    let low = |plant: &mut Plant| {
        plant.providers.get_mut(&id("edge")).unwrap().clearance = Sensitivity::LOWEST;
    };
    after(low, "copilot 10.1.0.5 -> edge chat, for maintenance, ask phi, hold network", "above-ceiling");
}

#[test]
fn a_reroute_without_another_name_keeps_the_callers_model() {
    let same = |plant: &mut Plant| edit(plant, "copilot-cloud", |cloud| cloud.reroute_model = None);
    after(same, &format!("{COPILOT}, hold recipe"), "content-refused");
    let open = |plant: &mut Plant| {
        edit(plant, "copilot-cloud", |cloud| cloud.reroute_model = None);
        edit(plant, "cell-edge", |edge| edge.models = wildcards("*"));
    };
    after(open, &format!("{COPILOT}, hold recipe"), "reroute to edge over cell-edge");
}

fn second(plant: &mut Plant, name: &str, change: impl FnOnce(&mut Conduit)) {
    let mut more = conduit(name, "cell-1", "openai", "maintenance", "internal");
    change(&mut more);
    plant.conduits.insert(more.id.clone(), more);
}

#[test]
fn of_several_conduits_one_that_permits_is_enough() {
    let open = |plant: &mut Plant| second(plant, "a", |more| more.models = wildcards("o3"));
    after(open, "copilot 10.1.0.5 -> openai chat, for maintenance, ask o3", "allow to openai over a");
    let ended = |plant: &mut Plant| second(plant, "a", |more| more.expires = Some(plant::Millis(1)));
    after(ended, COPILOT, "allow to openai over copilot-cloud");
}

#[test]
fn of_several_conduits_that_permit_the_strictest_is_crossed() {
    for name in ["a", "z"] {
        let lax = |plant: &mut Plant| second(plant, name, |more| more.ceiling = super::brewery::step("restricted"));
        after(lax, &format!("{COPILOT}, hold setpoint"), "redact to openai over copilot-cloud, redact [0]");
    }
}

#[test]
fn of_several_conduits_the_tightest_bounds_hold_until_one_is_chosen() {
    let policy = changed(|plant| {
        second(plant, "a", |more| more.bounds = Bounds { depth: 8, ..Bounds::default() });
    });
    let line = Line::parse(COPILOT);
    let call =
        Call { provider: "openai", endpoint: Some("chat"), method: "POST", path: "/", purpose: Some("maintenance") };
    let crossing = policy.place(&line.principal, "10.1.0.5".parse().unwrap(), &call, line.now).unwrap();
    assert_eq!((crossing.bounds().request, crossing.bounds().depth), (1 << 20, 8));
    assert_eq!(crossing.conduit(), None);
}

#[test]
fn a_decision_tells_how_sensitive_the_call_was_and_is() {
    let policy = policy(brewery(), "");
    let sensitivities = |line: &str| {
        let decided = Line::parse(line).take(&policy, &mut Vec::new()).unwrap();
        (
            policy.plant().scale.name(decided.sensitivity).to_owned(),
            policy.plant().scale.name(decided.residual).to_owned(),
        )
    };
    let check = |line: &str, before: &str, after: &str| {
        assert_eq!(sensitivities(line), (before.to_owned(), after.to_owned()), "{line}");
    };
    check(COPILOT, "public", "public");
    check(&format!("{COPILOT}, hold setpoint network"), "confidential", "internal");
    check(&format!("{COPILOT}, hold recipe"), "restricted", "restricted");
    check("planner 10.3.0.5 -> archive /v1/files/7", "restricted", "restricted");
}

#[test]
fn a_permit_names_the_rules_whose_findings_made_something_be_done() {
    let policy = policy(brewery(), "");
    let rules = |line: &str| match Line::parse(line).take(&policy, &mut Vec::new()).unwrap().decision {
        Decision::Permit(permit) => permit.spend().rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Decision::Hold(held) => held.to_string(),
        Decision::Refuse(refusal) => refusal.rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    };
    assert_eq!(rules(&format!("{COPILOT}, hold setpoint setpoint network")), "finds-setpoint");
    assert_eq!(rules(&format!("{COPILOT}, hold recipe person.phone")), "finds-person.phone finds-recipe");
    assert_eq!(rules(&format!("{COPILOT}, hold recipe secret.key")), "finds-secret.key");
    assert_eq!(rules("planner 10.3.0.5 -> openai chat, hold recipe person.email"), "finds-recipe");
}
