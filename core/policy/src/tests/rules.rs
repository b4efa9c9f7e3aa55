//! Cedar rules: what is refused when they are loaded, and what they forbid.

use super::brewery::brewery;
use super::{Line, outcome, policy, told};
use crate::{Policy, RuleFile, RuleProblem};
use std::fmt::Write;
use std::sync::Arc;

fn problems(files: &[(&str, &str)]) -> Vec<RuleProblem> {
    let files: Vec<_> =
        files.iter().map(|(name, text)| RuleFile { name: (*name).to_owned(), text: (*text).to_owned() }).collect();
    Policy::new(Arc::new(brewery()), &files).unwrap_err()
}

fn shown(files: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for problem in problems(files) {
        let source = files.iter().find(|(name, _)| *name == problem.file).unwrap().1;
        let at = source.get(problem.span.clone()).unwrap();
        let (line, at) = (source[..problem.span.start].lines().count(), at.escape_debug());
        writeln!(text, "{} near line {line}: {}\n  at: {at}", problem.file, problem.message).unwrap();
        if let Some(help) = problem.help {
            writeln!(text, "  help: {help}").unwrap();
        }
    }
    text
}

/// What becomes of a call under rules.
#[track_caller]
fn check(rules: &str, line: &str, expected: &str) {
    assert_eq!(told(&outcome(&policy(brewery(), rules), &Line::parse(line))), expected, "{line}");
}

/// Whether a rule that forbids when `condition` holds forbids a call.
#[track_caller]
fn forbids(condition: &str, line: &str, forbidden: bool) {
    let rule = format!("@id(\"tried\") forbid (principal, action, resource) when {{ {condition} }};");
    match outcome(&policy(brewery(), &rule), &Line::parse(line)) {
        Err(refusal) if refusal.reason == plant::Reason::RuleForbids => {
            assert!(forbidden, "{condition} forbids {line}: {}", refusal.detail);
            assert_eq!(refusal.rules, [super::id("tried")]);
        }
        other => assert!(!forbidden, "{condition} does not forbid {line}: {}", told(&other)),
    }
}

const CALL: &str = "copilot 10.1.0.5 -> openai chat, for maintenance, ask gpt-4o";

#[test]
fn everything_that_is_wrong_with_rules_is_said_at_once() {
    insta::assert_snapshot!(shown(&[
        ("broken.cedar", include_str!("../../../../testdata/policies/broken.cedar")),
        ("unreadable.cedar", include_str!("../../../../testdata/policies/unreadable.cedar")),
    ]));
}

#[test]
fn a_rules_name_is_its_own_across_files() {
    let rule = "@id(\"one\") forbid (principal, action, resource) when { context.stream };";
    let problems = problems(&[("a.cedar", rule), ("b.cedar", rule)]);
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].file.as_str(), &problems[0].span), ("b.cedar", &(5..8)));
}

#[test]
fn rules_may_be_absent_or_empty() {
    check("", CALL, "allow to openai over copilot-cloud");
    check("// nothing yet", CALL, "allow to openai over copilot-cloud");
    assert!(Policy::new(Arc::new(brewery()), &[]).is_ok());
}

#[test]
fn no_rule_opens_what_no_conduit_allows() {
    let rules = "@id(\"harmless\") forbid (principal, action, resource) when { context.stream };";
    check(rules, "copilot 10.1.0.5 -> archive chat", "no-conduit");
    check(rules, CALL, "allow to openai over copilot-cloud");
    check(rules, &format!("{CALL}, stream"), "rule-forbids");
}

#[test]
fn rules_see_everything_that_the_schema_promises() {
    forbids("context.purpose == Purpose::\"maintenance\"", CALL, true);
    forbids("context.purpose == Purpose::\"instruction\"", CALL, false);
    forbids("context.evidence == \"token\"", CALL, true);
    forbids("context has model && context.model like \"gpt-*\"", CALL, true);
    forbids("context has model", "copilot 10.1.0.5 -> openai models, for maintenance", false);
    forbids("context.endpoint == \"chat\"", CALL, true);
    forbids("context.opaque", "planner 10.3.0.5 -> archive /v1/files/7", true);
    forbids("context.endpoint == \"POST /v1/files/7\"", "planner 10.3.0.5 -> archive /v1/files/7", true);
    forbids("context.stream", &format!("{CALL}, stream"), true);
    forbids("context.tools.contains(\"b\")", &format!("{CALL}, tool a, tool b"), true);
    forbids("context.labels.contains(\"person.iban\")", &format!("{CALL}, hold person.iban"), true);
    forbids("context.labels.contains(\"person\")", &format!("{CALL}, hold person.iban"), true);
    forbids("context.labels.contains(\"iban\")", &format!("{CALL}, hold person.iban"), false);
    forbids("context.sensitivity == Sensitivity::\"confidential\"", &format!("{CALL}, hold person.iban"), true);
    forbids("context.residual.rank > 0", &format!("{CALL}, hold person.iban"), false);
    forbids("context.rerouted", CALL, false);
    forbids("context has operator", CALL, false);
    forbids("context has operator", &format!("{CALL}, by (op-1):lead"), false);
    forbids("context has operator && context.operator.id == \"op-1\"", &format!("{CALL}, by op-1:lead:mfa"), true);
    forbids(
        "context has operator && context.operator.roles.contains(\"lead\")",
        &format!("{CALL}, by op-1:lead"),
        true,
    );
    forbids(
        "context has operator && context.operator.authentication.contains(\"mfa\")",
        &format!("{CALL}, by op-1:lead:mfa"),
        true,
    );
    forbids("context has workstation && context.workstation in Zone::\"cell-1\"", &format!("{CALL}, at hmi-1"), true);
    forbids("context has workstation", &format!("{CALL}, at (hmi-1)"), false);
    forbids("context.hour == 21 && context.weekday == 5", CALL, true);
    forbids("principal.zone.level == \"2\" && principal.purposes.contains(Purpose::\"instruction\")", CALL, true);
    forbids("resource.provider.zone == Zone::\"internet\" && resource in Zone::\"internet\"", CALL, true);
    forbids("resource.provider has country && resource.provider.country == \"US\"", CALL, true);
    forbids("resource.provider.sub_processors.contains(\"Hosting Ltd\")", CALL, true);
    forbids("resource.ceiling.rank < resource.provider.clearance.rank", CALL, true);
}

#[test]
fn a_rule_may_leave_a_call_to_a_person_unless_another_forbids_it() {
    let holds = "@id(\"careful\") @do(\"hold\") forbid (principal, action, resource);";
    let forbids = "@id(\"never\") forbid (principal, action, resource) when { context.stream };";
    let refuses = "@id(\"as-ever\") @do(\"refuse\") forbid (principal, action, resource);";
    check(holds, CALL, "hold to openai over copilot-cloud");
    check(&format!("{holds}{forbids}"), CALL, "hold to openai over copilot-cloud");
    check(&format!("{holds}{forbids}"), &format!("{CALL}, stream"), "rule-forbids");
    check(&format!("{holds}{refuses}"), CALL, "rule-forbids");
    let odd = shown(&[(
        "odd.cedar",
        "@id(\"odd\") @do(\"permit\") forbid (principal, action, resource) when { context.stream };",
    )]);
    assert!(odd.contains("a rule can only hold or refuse"), "{odd}");
}

#[test]
fn rules_judge_the_path_that_is_taken() {
    let recipe = &format!("{CALL}, hold recipe");
    // The cloud may not see recipes; the call goes to the edge, so the rule has nothing to forbid.
    forbids("resource in Provider::\"openai\" && context.labels.contains(\"recipe\")", recipe, false);
    forbids("resource == Conduit::\"cell-edge\" && context.rerouted", recipe, true);
    forbids("context has model && context.model == \"llama-3\"", recipe, true);
}

#[test]
fn every_rule_that_forbids_is_named() {
    let rules = "@id(\"b\") forbid (principal, action, resource) when { context.stream };
                 @id(\"a\") @reason(\"why not\") forbid (principal, action, resource) when { context.hour > 1 };
                 @id(\"c\") forbid (principal, action, resource) when { context.opaque };";
    let refusal = outcome(&policy(brewery(), rules), &Line::parse(&format!("{CALL}, stream"))).unwrap_err();
    assert_eq!(refusal.rules, [super::id("a"), super::id("b")]);
    assert_eq!(refusal.detail, "rule `a` forbids it: why not; rule `b` forbids it");
}

#[test]
fn a_rule_that_cannot_be_evaluated_forbids() {
    // Overflow is the one failure that validation cannot exclude.
    let rule = "@id(\"overflows\") forbid (principal, action, resource)
                when { 9223372036854775807 + context.hour < 0 };";
    let refusal = outcome(&policy(brewery(), rule), &Line::parse(CALL)).unwrap_err();
    assert_eq!(refusal.to_string(), "rule-forbids: rule `overflows` could not be evaluated, which forbids");
    assert_eq!(refusal.rules, [super::id("overflows")]);
    check(rule, &format!("{CALL}, when 2026-11-20T00:30:00Z"), "allow to openai over copilot-cloud");
}
