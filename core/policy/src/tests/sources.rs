//! Data sources: who may use which, and what becomes of a call that holds something of another.

use super::brewery::{brewery, handling, id, ids};
use super::{Line, outcome, policy};
use plant::{Access, ConduitId, Plant, Reason, SourceId, Unapproved, Verdict, WorkloadId};

fn access(open: Option<&str>, denied: &str) -> Access {
    Access { open: open.map(ids::<SourceId>), denied: ids(denied) }
}

/// The brewery where the copilot may use some sources, and its conduits carry some.
fn plant(copilot: Access, cloud: Access, unapproved: Unapproved) -> Plant {
    let mut plant = brewery();
    plant.workloads.get_mut(&id::<WorkloadId>("copilot")).unwrap().sources = copilot;
    let conduit = plant.conduits.get_mut(&id::<ConduitId>("copilot-cloud")).unwrap();
    (conduit.sources, conduit.unapproved) = (cloud, unapproved);
    plant
}

fn ask(plant: Plant, rules: &str, held: &str) -> Result<Verdict, plant::Refusal> {
    let line = format!("copilot 10.1.0.5 -> openai chat.completions, for maintenance, ask gpt-4o, hold {held}");
    outcome(&policy(plant, rules), &Line::parse(&line)).map(|passage| passage.verdict)
}

fn refused(plant: Plant, held: &str) -> String {
    let refusal = ask(plant, "", held).unwrap_err();
    assert_eq!(refusal.reason, Reason::SourceDenied);
    assert_eq!(refusal.told(), Some(refusal.detail.as_str()));
    refusal.detail
}

#[test]
fn a_source_that_is_denied_refuses_the_call_and_is_named() {
    let denied = || plant(access(None, "line-2 sis"), Access::default(), Unapproved::Refuse);
    assert_eq!(refused(denied(), "source.line-2"), "source `line-2` is denied to workload `copilot`");
    assert_eq!(
        refused(denied(), "source.sis source.line-1 source.line-2 source.sis"),
        "source `line-2` is denied to workload `copilot`; source `sis` is denied to workload `copilot`"
    );
    assert_eq!(ask(denied(), "", "source.line-1").unwrap(), Verdict::Allow);
    let refusal = ask(denied(), "", "source.sis secret").unwrap_err();
    assert_eq!((refusal.reason, refusal.rules), (Reason::SourceDenied, vec![id("finds-source.sis")]));
}

#[test]
fn a_list_closes_what_is_not_on_it_and_denial_wins_over_the_list() {
    let listed = || plant(access(Some("line-1 line-2"), "line-2"), Access::default(), Unapproved::Refuse);
    assert_eq!(ask(listed(), "", "source.line-1").unwrap(), Verdict::Allow);
    assert_eq!(refused(listed(), "source.line-2"), "source `line-2` is denied to workload `copilot`");
    assert_eq!(
        refused(listed(), "source.line-3"),
        "source `line-3` is not among those that are open to workload `copilot`"
    );
}

#[test]
fn a_conduit_closes_what_its_workload_may_use_elsewhere() {
    let narrow = || plant(access(Some("line-1 line-2"), ""), access(Some("line-1"), ""), Unapproved::Refuse);
    assert_eq!(ask(narrow(), "", "source.line-1").unwrap(), Verdict::Allow);
    assert_eq!(refused(narrow(), "source.line-2"), "source `line-2` is not among those that are open to this conduit");
    let edge = "copilot 10.1.0.5 -> edge chat.completions, for maintenance, ask phi, hold source.line-2";
    assert_eq!(outcome(&policy(narrow(), ""), &Line::parse(edge)).unwrap().verdict, Verdict::Allow);
}

#[test]
fn a_conduit_may_take_it_out_instead_and_refuses_where_it_cannot() {
    for (unapproved, verdict) in [(Unapproved::Redact, Verdict::Redact), (Unapproved::Tokenise, Verdict::Tokenise)] {
        let softer = || plant(access(None, "line-2"), Access::default(), unapproved);
        assert_eq!(ask(softer(), "", "source.line-2").unwrap(), verdict);
        assert_eq!(ask(softer(), "", "source.line-1").unwrap(), Verdict::Allow);
        assert_eq!(refused(softer(), "source.line-2!"), "source `line-2` is denied to workload `copilot`");
    }
}

#[test]
fn handling_never_lets_pass_what_is_denied() {
    for deed in ["allow", "hold", "reroute"] {
        let mut plant = plant(access(None, "line-2"), Access::default(), Unapproved::Redact);
        let conduit = plant.conduits.get_mut(&id::<ConduitId>("copilot-cloud")).unwrap();
        conduit.handling = handling(&format!("source {deed}"));
        assert_eq!(ask(plant, "", "source.line-2").unwrap(), Verdict::Redact, "{deed}");
    }
    let mut plant = plant(access(None, ""), Access::default(), Unapproved::Refuse);
    plant.conduits.get_mut(&id::<ConduitId>("copilot-cloud")).unwrap().handling = handling("source.line-2 redact");
    assert_eq!(ask(plant, "", "source.line-2").unwrap(), Verdict::Redact);
}

#[test]
fn what_is_denied_does_not_go_elsewhere_either() {
    // Recipes are rerouted to the edge, where nothing is closed to the conduit, and the source still is to the workload.
    let there = plant(access(None, "line-2"), Access::default(), Unapproved::Redact);
    assert_eq!(refused(there, "recipe source.line-2"), "source `line-2` is denied to workload `copilot`");
    let policy = policy(plant(access(None, "line-2"), Access::default(), Unapproved::Redact), "");
    let line =
        Line::parse("copilot 10.1.0.5 -> openai chat.completions, for maintenance, ask gpt-4o, hold source.line-2");
    let there = super::instead::instead(&policy, &line, "edge", Some("phi"));
    assert_eq!(there.unwrap_err().reason, Reason::SourceDenied);
}

#[test]
fn rules_see_the_sources() {
    let rule = r#"@id("no-sis") forbid (principal, action, resource) when { context.sources.contains("sis") };"#;
    let open = || plant(Access::default(), Access::default(), Unapproved::Refuse);
    assert_eq!(ask(open(), rule, "source.sis").unwrap_err().reason, Reason::RuleForbids);
    assert_eq!(ask(open(), rule, "source.line-1").unwrap(), Verdict::Allow);
}

#[test]
fn steps_say_which_sources_were_found() {
    let policy = policy(plant(access(None, "line-2"), Access::default(), Unapproved::Redact), "");
    let line = Line::parse(
        "copilot 10.1.0.5 -> openai chat.completions, for maintenance, ask gpt-4o, hold source.line-2 source.line-1",
    );
    let mut steps = Vec::new();
    line.take(&policy, &mut steps).unwrap();
    let step = steps.iter().find(|step| step.stage.name() == "sources").unwrap();
    assert_eq!(step.text, "source `line-1` may be used; source `line-2` is denied to workload `copilot`");
}

#[test]
fn a_change_of_sources_is_told_as_what_it_opens_and_closes() {
    let source = |name: &str, tags: &[&str]| plant::Source {
        id: id(name),
        title: None,
        sensitivity: super::brewery::step("internal"),
        owner: "OT".to_owned(),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        paths: Vec::new(),
        documents: vec!["recipes".to_owned()],
        tables: Vec::new(),
    };
    let with = |mut plant: Plant, sources: &[plant::Source]| {
        plant.sources = sources.iter().map(|one| (one.id.clone(), one.clone())).collect();
        policy(plant, "")
    };
    let before = with(
        plant(access(None, "sis"), access(Some("line-1"), ""), Unapproved::Redact),
        &[source("line-1", &["AREA1.*", "AREA9.*"]), source("sis", &["SIS.*"])],
    );
    let after = with(
        plant(access(Some("line-1"), ""), access(Some("line-1 line-2"), "sis"), Unapproved::Refuse),
        &[source("line-1", &["AREA1.*", "AREA2.*"]), source("line-2", &["L2.*"])],
    );
    let told: Vec<String> = crate::compare(&before, &after, u64::MAX)
        .differences
        .into_iter()
        .map(|one| format!("{}: {} {}", one.effect.name(), one.place, one.text))
        .collect();
    assert_eq!(
        told,
        [
            "opens: conduit `copilot-cloud` may use source `line-2` too",
            "opens: source `line-1` does not hold tag `AREA9.*` any more",
            "opens: source `sis` is no source any more: nothing of it is looked for",
            "opens: workload `copilot` is denied source `sis` no longer",
            "closes: conduit `copilot-cloud` is denied source `sis`",
            "closes: conduit `copilot-cloud` what is of a source that is not approved: refuse, and was redact",
            "closes: workload `copilot` may use source `line-1` only",
            "changes: source `line-1` holds tag `AREA2.*` too",
            "changes: source `line-2` is new: tags: 1, collections of documents: 1",
        ]
    );
}

#[test]
fn routes_are_what_conduits_and_sources_leave_open() {
    let mut plant = plant(access(Some("line-1"), ""), access(None, ""), Unapproved::Refuse);
    for name in ["line-1", "line-2"] {
        let source = plant::Source {
            id: id(name),
            title: None,
            sensitivity: super::brewery::step("internal"),
            owner: "OT".to_owned(),
            tags: vec![format!("{name}.*")],
            paths: Vec::new(),
            documents: Vec::new(),
            tables: Vec::new(),
        };
        plant.sources.insert(source.id.clone(), source);
    }
    plant.conduits.get_mut(&id::<ConduitId>("cell-edge")).unwrap().sources = access(Some("line-2"), "");
    let policy = policy(plant, "");
    let at = |time: &str| {
        let routes = policy.routes(plant::Millis::parse(time).unwrap());
        let told = |route: &crate::Route<'_>| {
            let source = route.source.map_or("-", |source| source.id.as_str());
            format!("{source} {} {} {}", route.workload.id, route.conduit.id, route.provider.id)
        };
        routes.iter().filter(|route| route.workload.id.as_str() == "copilot").map(told).collect::<Vec<_>>()
    };
    assert_eq!(
        at("2026-11-20T00:00:00Z"),
        [
            "- copilot cell-edge edge",
            "- copilot copilot-cloud openai",
            "line-1 copilot copilot-cloud openai",
            "- copilot old claude",
            "line-1 copilot old claude",
            "- copilot writing claude",
            "line-1 copilot writing claude",
        ]
    );
    assert!(!at("2026-12-20T00:00:00Z").contains(&"- copilot old claude".to_owned()), "its approval has ended");
    let routes = policy.routes(plant::Millis(0));
    assert!(routes.iter().all(|route| route.workload.id.as_str() != "trial"), "it is not governed");
    let cloud = routes.iter().find(|route| route.conduit.id.as_str() == "copilot-cloud").unwrap();
    let verdict =
        |label: &str, step: &str| cloud.verdict(&plant::Label::new(label).unwrap(), super::brewery::step(step));
    assert_eq!(verdict("secret.key", "restricted"), Verdict::Refuse);
    assert_eq!(verdict("person.name", "confidential"), Verdict::Tokenise);
    assert_eq!(verdict("network", "internal"), Verdict::Allow);
    assert_eq!(verdict("network", "confidential"), Verdict::Refuse, "above its ceiling");
    assert_eq!(verdict("source.line-1", "internal"), Verdict::Allow);
    assert_eq!(verdict("source.line-2", "internal"), Verdict::Refuse);
}
