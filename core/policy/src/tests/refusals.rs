//! What the plant's people read: the details of refusals, and the steps that `penstock explain` prints.

use super::brewery::brewery;
use super::{Line, outcome, policy};
use plant::Plant;
use std::fmt::Write;

fn details(plant: Plant, rules: &str, lines: &[&str]) -> String {
    let policy = policy(plant, rules);
    let mut text = String::new();
    for line in lines {
        let told = match outcome(&policy, &Line::parse(line)) {
            Err(refusal) => refusal.to_string(),
            Ok(passage) => panic!("{line} passes to {}", passage.provider),
        };
        writeln!(text, "{line}\n  {told}").unwrap();
    }
    text
}

#[test]
fn a_refusal_says_what_exactly_is_missing() {
    insta::assert_snapshot!(details(
        brewery(),
        include_str!("../../../../testdata/policies/brewery.cedar"),
        &[
            "- 10.1.0.5 -> no\u{1b}[31mwhere chat",
            "- 10.1.0.5 -> openai chat",
            "(copilot) 10.1.0.5 -> openai chat",
            "stranger 10.1.0.5 -> openai chat",
            "trial 10.2.0.5 -> claude messages",
            "copilot 10.2.0.5 -> openai chat",
            "copilot 192.0.2.1 -> openai chat",
            "copilot 10.1.0.5 -> openai chat, at laptop-7",
            "copilot 10.1.0.5 -> openai chat, at stolen-1",
            "copilot 10.1.0.5 -> archive chat",
            "idle 10.1.0.5 -> openai chat",
            "copilot 10.1.0.5 -> openai chat",
            "copilot 10.1.0.5 -> openai chat, for espionage",
            "copilot 10.1.0.5 -> edge chat, for instruction, ask gpt-4o",
            "idle 10.1.0.5 -> edge chat",
            "idle 10.1.0.5 -> edge chat, for reporting",
            "copilot 10.1.0.5 -> claude messages, for maintenance, when 2027-01-01",
            "copilot 10.1.0.5 -> claude messages, for instruction",
            "copilot 10.1.0.5 -> claude messages, for instruction, by (op-1)",
            "copilot 10.1.0.5 -> claude messages, for instruction, by op-1:lead:pwd",
            "copilot 10.1.0.5 -> openai /v1/files/7, for maintenance",
            "planner 10.3.0.5 -> archive /v1/files/../chat",
            "planner 10.3.0.5 -> openai /v1/anything",
            "copilot 10.1.0.5 -> openai chat, for maintenance, ask o3",
            "copilot 10.1.0.5 -> openai chat, for maintenance, hold secret.key secret.key secret.password network",
            "copilot 10.1.0.5 -> openai chat, for maintenance, hold setpoint!",
            "copilot 10.1.0.5 -> openai chat, for maintenance, hold recipe secret.key!",
            "planner 10.3.0.5 -> openai chat, hold recipe person.email",
            "planner 10.3.0.5 -> claude messages, hold person.email",
            "copilot 10.1.0.5 -> openai chat, for maintenance, ask gpt-4o, hold setpoint, when 2026-11-20T03:00:00Z",
            "planner 10.3.0.5 -> openai chat, ask gpt-4o, tool run_shell",
        ]
    ));
}

#[test]
fn a_refusal_on_the_way_elsewhere_says_why_there_too() {
    let mut plant = brewery();
    let edge = plant.conduits.get_mut(&super::id("cell-edge")).unwrap();
    edge.models = super::brewery::wildcards("phi");
    let recipe = "copilot 10.1.0.5 -> openai chat, for maintenance, ask gpt-4o, hold recipe";
    let email = "copilot 10.1.0.5 -> openai chat, for maintenance, ask gpt-4o, hold person.email";
    let closed = details(plant, "", &[recipe, email]);
    let rule = r#"@id("no-recipes-elsewhere") forbid (principal, action, resource) when { context.rerouted };"#;
    insta::assert_snapshot!(format!("{closed}{}", details(brewery(), rule, &[recipe])));
}

#[test]
fn several_conduits_are_named_together() {
    let mut plant = brewery();
    for name in ["a", "b"] {
        let more = super::brewery::conduit(name, "cell-1", "claude", "maintenance", "internal");
        let mut more = plant::Conduit { expires: Some(plant::Millis(86_400_000)), ..more };
        more.operator = plant::OperatorRequirement::Required { assurance: Vec::new() };
        plant.conduits.insert(more.id.clone(), more);
    }
    insta::assert_snapshot!(details(
        plant,
        "",
        &[
            "copilot 10.1.0.5 -> claude messages, for quality",
            "copilot 10.1.0.5 -> claude messages, for maintenance, when 2027-01-01",
            "copilot 10.1.0.5 -> claude messages, for instruction",
        ]
    ));
}

#[test]
fn an_explanation_tells_every_step() {
    let policy = policy(brewery(), include_str!("../../../../testdata/policies/brewery.cedar"));
    let mut text = String::new();
    for line in [
        "copilot 10.1.0.5 -> openai chat, for maintenance, ask gpt-4o, at hmi-1, hold setpoint person.iban network",
        "copilot 10.1.0.5 -> openai chat, for maintenance, ask gpt-4o, hold recipe recipe person.iban",
        "planner 10.3.0.5 -> archive /v1/files/7",
        "planner 10.3.0.5 -> claude messages, ask opus, hold person.email",
        "copilot 10.2.0.5 -> openai chat",
        "planner 10.3.0.5 -> openai chat, ask gpt-4o, tool run_shell",
    ] {
        let mut steps = Vec::new();
        let _ = Line::parse(line).take(&policy, &mut steps);
        writeln!(text, "{line}").unwrap();
        for step in steps {
            writeln!(text, "  {:<12} {}", step.stage.name(), step.text).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_misplaced_call_says_how_far_it_got() {
    let policy = policy(brewery(), "");
    let place = |line: &str| Line::parse(line).take(&policy, &mut Vec::new()).unwrap_err().place;
    let told = |line: &str| {
        let place = place(line);
        let word = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let (provider, zone) = (place.provider.map(|id| id.to_string()), place.zone.map(|id| id.to_string()));
        let (conduit, purpose) = (place.conduit.map(|id| id.to_string()), place.purpose.map(|id| id.to_string()));
        [provider, zone, conduit, purpose].map(word).join(" ")
    };
    assert_eq!(told("copilot 10.1.0.5 -> nowhere chat"), "- - - -");
    assert_eq!(told("copilot 10.2.0.5 -> openai chat"), "openai - - -");
    assert_eq!(told("copilot 10.1.0.5 -> archive chat"), "archive cell-1 - -");
    assert_eq!(told("copilot 10.1.0.5 -> openai chat"), "openai cell-1 copilot-cloud -");
    assert_eq!(told("copilot 10.1.0.5 -> claude messages"), "claude cell-1 - -");
    assert_eq!(told("copilot 10.1.0.5 -> claude messages, for instruction"), "claude cell-1 writing instruction");
}
