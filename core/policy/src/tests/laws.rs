//! Laws that hold for every plant and every call: a denial more never permits, and order means nothing.

use super::brewery::{brewery, conduit, finding, id, wildcards};
use super::{Line, outcome, policy};
use crate::{Passage, Policy};
use plant::{
    Access, Conduit, Evidence, Handling, Identity, Label, Millis, OperatorRequirement, Plant, Principal, Reason,
    Refusal, Tokens, Unapproved, Verdict,
};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::{Index, select, subsequence};

const LABELS: [&str; 7] = ["person.email", "person", "recipe", "setpoint", "sample", "source.line-1", "source.sis"];
const SOURCES: [&str; 2] = ["line-1", "sis"];
const STEPS: [&str; 4] = ["public", "internal", "confidential", "restricted"];

const RULES: [&str; 6] = [
    "forbid (principal, action, resource) when { context.stream };",
    "forbid (principal, action, resource in Zone::\"internet\") when { context.labels.contains(\"person\") };",
    "forbid (principal, action, resource in Provider::\"edge\");",
    "forbid (principal, action, resource) when { context.residual.rank >= 2 };",
    "forbid (principal, action, resource) when { context.rerouted };",
    "forbid (principal, action, resource) unless { context has operator };",
];

fn handlings() -> impl Strategy<Value = Vec<Handling>> {
    let verdict = select(vec![
        Verdict::Allow,
        Verdict::Tokenise,
        Verdict::Generalise,
        Verdict::Redact,
        Verdict::Reroute,
        Verdict::Refuse,
    ]);
    let entry = (select(LABELS.to_vec()), verdict, select(vec![Tokens::Words, Tokens::Alike]))
        .prop_map(|(label, verdict, tokens)| Handling { label: Label::new(label).unwrap(), verdict, tokens });
    vec(entry, 0..4)
}

fn one_conduit() -> impl Strategy<Value = Conduit> {
    let from = subsequence(vec!["cell-1", "cell-2", "site"], 1..=3);
    let to = select(vec!["openai", "edge", "claude", "archive"]);
    let workloads = select(vec![vec![], vec!["copilot"], vec!["camera", "planner"]]);
    let purposes = subsequence(vec!["maintenance", "instruction", "quality", "scheduling"], 1..=4);
    let models = select(vec!["*", "gpt-4o*", "llama-3 phi"]);
    let operator = prop_oneof![
        3 => Just(OperatorRequirement::Optional),
        1 => Just(OperatorRequirement::Required { assurance: Vec::new() }),
        1 => Just(OperatorRequirement::Required { assurance: vec!["mfa".to_owned()] }),
    ];
    let reroute = select(vec![None, Some("edge"), Some("openai"), Some("archive")]);
    let unapproved = select(vec![Unapproved::Refuse, Unapproved::Redact, Unapproved::Tokenise]);
    let expires = select(vec![None, Some(Millis(1_000))]);
    let other = (reroute, select(vec![None, Some("llama-3")]), any::<bool>(), expires, accesses(), unapproved);
    (from, to, workloads, purposes, models, select(STEPS.to_vec()), operator, handlings(), other).prop_map(
        |(from, to, workloads, purposes, models, ceiling, operator, handling, other)| {
            let (reroute, renamed, opaque, expires, sources, unapproved) = other;
            Conduit {
                workloads: workloads.into_iter().map(id).collect(),
                models: wildcards(models),
                operator,
                handling,
                reroute: reroute.map(id),
                reroute_model: renamed.map(str::to_owned),
                opaque: if opaque { wildcards("/v1/files/*") } else { Vec::new() },
                expires,
                sources,
                unapproved,
                ..conduit("c", &from.join(" "), to, &purposes.join(" "), ceiling)
            }
        },
    )
}

fn accesses() -> impl Strategy<Value = Access> {
    let open = prop_oneof![3 => Just(None), 1 => subsequence(SOURCES.to_vec(), 0..=2).prop_map(Some)];
    let denied = prop_oneof![3 => Just(Vec::new()), 1 => subsequence(SOURCES.to_vec(), 0..=1)];
    let ids = |names: Vec<&str>| names.into_iter().map(id).collect();
    (open, denied).prop_map(move |(open, denied)| Access { open: open.map(ids), denied: ids(denied) })
}

fn conduits() -> impl Strategy<Value = Vec<Conduit>> {
    vec(one_conduit(), 0..6)
}

/// A brewery with other conduits, named `c0`, `c1` ... in the order given.
fn plant_with(conduits: &[Conduit]) -> Plant {
    let mut plant = brewery();
    let named = conduits.iter().enumerate().map(|(index, one)| Conduit { id: id(&format!("c{index}")), ..one.clone() });
    plant.conduits = named.map(|one| (one.id.clone(), one)).collect();
    plant
}

fn lines() -> impl Strategy<Value = Line> {
    let caller =
        select(vec![("copilot", "10.1.0.5"), ("camera", "10.2.0.5"), ("planner", "10.3.0.5"), ("copilot", "10.2.0.5")]);
    let provider = select(vec!["openai", "edge", "claude", "archive"]);
    let purpose = select(vec![None, Some("maintenance"), Some("quality"), Some("scheduling")]);
    let model = select(vec![None, Some("gpt-4o"), Some("llama-3"), Some("phi")]);
    let endpoint = select(vec!["chat", "chat", "chat", "/v1/files/7"]);
    let operator = select(vec![None, Some(vec![]), Some(vec!["mfa".to_owned()])]);
    let findings = vec((select(LABELS.to_vec()), any::<bool>()), 0..4);
    let now = select(vec![Millis(500), Millis(1_500)]);
    (caller, provider, purpose, model, endpoint, operator, findings, any::<bool>(), now).prop_map(
        |((workload, peer), provider, purpose, model, endpoint, operator, findings, stream, now)| {
            let mut principal = Principal::unknown();
            principal.workload = Identity::Proved(id(workload), Evidence::Certificate);
            if let Some(authentication) = operator {
                principal.operator = Identity::Proved(id("op-1"), Evidence::Oidc);
                principal.authentication = authentication;
            }
            let opaque = endpoint.starts_with('/');
            let findings = if opaque { Vec::new() } else { findings };
            Line {
                principal,
                peer: peer.to_owned(),
                provider: provider.to_owned(),
                endpoint: endpoint.to_owned(),
                purpose: purpose.map(str::to_owned),
                model: model.filter(|_| !opaque).map(str::to_owned),
                stream,
                tools: Vec::new(),
                fixed: findings.iter().map(|(_, fixed)| *fixed).collect(),
                findings: findings.iter().enumerate().map(|(index, (label, _))| finding(label, index)).collect(),
                now,
            }
        },
    )
}

fn try_on(conduits: &[Conduit], rules: &str, line: &Line) -> (Policy, Result<Passage, Refusal>) {
    let policy = policy(plant_with(conduits), rules);
    let outcome = outcome(&policy, line);
    (policy, outcome)
}

/// What may not depend on the order of things.
fn gist(outcome: &Result<Passage, Refusal>) -> Result<Verdict, Reason> {
    outcome.as_ref().map(|passage| passage.verdict).map_err(|refusal| refusal.reason)
}

/// Asking for a purpose is a question, not an answer: with fewer conduits there may be nothing left to ask.
fn final_refusal(outcome: &Result<Passage, Refusal>) -> bool {
    matches!(outcome, Err(refusal) if refusal.reason != Reason::PurposeMissing)
}

/// Reads every permit against the conduit that it names, in other words than `decide` does.
fn covered(policy: &Policy, line: &Line, passage: &Passage) -> Result<(), String> {
    let plant = policy.plant();
    let conduit = &plant.conduits[&passage.conduit];
    let workload = &plant.workloads[line.principal.workload.proved().unwrap()];
    let ensure = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    ensure(conduit.to == passage.provider, "the conduit leads to the provider")?;
    ensure(passage.rerouted == (passage.provider.as_str() != line.provider), "a reroute goes elsewhere")?;
    ensure(conduit.from.contains(&workload.zone), "the conduit begins in the zone")?;
    ensure(conduit.workloads.is_empty() || conduit.workloads.contains(&workload.id), "it admits the workload")?;
    ensure(conduit.expires.is_none_or(|end| line.now < end), "it is approved")?;
    ensure(conduit.purposes.iter().any(|one| workload.purposes.contains(one)), "it shares a purpose")?;
    let proved = line.principal.operator.proved().is_some();
    ensure(proved || conduit.operator == OperatorRequirement::Optional, "it has its operator")?;
    let model = passage.model.as_ref().or(line.model.as_ref());
    ensure(model.is_none_or(|model| conduit.models.iter().any(|one| one.fits(model))), "it opens the model")?;
    let limit = conduit.ceiling.min(plant.providers[&passage.provider].clearance);
    let opaque = line.endpoint.starts_with('/');
    ensure(!opaque || limit == plant.scale.highest(), "what is unread needs the highest ceiling")?;
    for (index, finding) in line.findings.iter().enumerate() {
        let lists = [&passage.redact, &passage.generalise, &passage.tokenise];
        let replaced = lists.iter().any(|list| list.contains(&index));
        ensure(!(replaced && line.fixed[index]), "nothing fixed is replaced")?;
        ensure(replaced || finding.sensitivity <= limit, "nothing above the limit leaves")?;
        let entry = conduit.handling.iter().find(|entry| entry.label.covers(&finding.label));
        let closed = |access: &Access| finding.source().is_some_and(|source| access.closes(source).is_some());
        let closed = closed(&workload.sources) || closed(&conduit.sources);
        let wanted = match conduit.unapproved {
            Unapproved::Refuse if closed => Verdict::Refuse,
            Unapproved::Redact if closed => Verdict::Redact,
            Unapproved::Tokenise if closed => Verdict::Tokenise,
            _ => entry.map_or(Verdict::Allow, |entry| entry.verdict),
        };
        let done = match lists.map(|list| list.contains(&index)) {
            [true, ..] => Verdict::Redact,
            [false, true, _] => Verdict::Generalise,
            [false, false, true] => Verdict::Tokenise,
            [false, false, false] => Verdict::Allow,
        };
        ensure(wanted == done, "each finding is handled as the conduit says")?;
        let alike = wanted == Verdict::Tokenise && !closed && entry.is_some_and(|entry| entry.tokens == Tokens::Alike);
        ensure(alike == passage.alike.contains(&index), "tokens look as the conduit says")?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 120, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_permit_is_covered_by_a_conduit(conduits in conduits(), line in lines()) {
        let (policy, outcome) = try_on(&conduits, "", &line);
        if let Ok(passage) = outcome {
            prop_assert_eq!(covered(&policy, &line, &passage), Ok(()));
        }
    }

    #[test]
    fn taking_a_conduit_away_never_permits(conduits in conduits(), line in lines(), which in any::<Index>(), rule in select(RULES.to_vec())) {
        let rule = format!("@id(\"a\") {rule}");
        let (_, before) = try_on(&conduits, &rule, &line);
        let mut fewer = conduits.clone();
        if !fewer.is_empty() {
            fewer.remove(which.index(fewer.len()));
        }
        let (_, after) = try_on(&fewer, &rule, &line);
        prop_assert!(!final_refusal(&before) || after.is_err(), "{:?} became {:?}", before, after);
    }

    #[test]
    fn a_handling_that_refuses_never_permits(conduits in conduits(), line in lines(), which in any::<(Index, Index)>(), label in select(LABELS.to_vec())) {
        let (_, before) = try_on(&conduits, "", &line);
        let mut stricter = conduits.clone();
        if !stricter.is_empty() {
            let conduit = which.0.index(stricter.len());
            let handling = &mut stricter[conduit].handling;
            let entry = Handling { label: Label::new(label).unwrap(), verdict: Verdict::Refuse, tokens: Tokens::Words };
            handling.insert(which.1.index(handling.len() + 1), entry);
        }
        let (_, after) = try_on(&stricter, "", &line);
        prop_assert!(before.is_ok() || after.is_err(), "{:?} became {:?}", before, after);
    }

    #[test]
    fn a_source_that_is_denied_or_not_listed_never_permits(conduits in conduits(), line in lines(), source in select(SOURCES.to_vec()), listed in any::<bool>(), by_workload in any::<bool>()) {
        // Where it is taken out instead, what is left may go where the whole could not.
        let conduits: Vec<Conduit> = conduits.into_iter().map(|one| Conduit { unapproved: Unapproved::Refuse, ..one }).collect();
        let close = |access: &mut Access| match listed {
            true => access.open = Some(access.open.take().unwrap_or_default().into_iter().filter(|id| id.as_str() != source).collect()),
            false => access.denied.push(id(source)),
        };
        let mut stricter = plant_with(&conduits);
        match by_workload {
            true => stricter.workloads.values_mut().for_each(|workload| close(&mut workload.sources)),
            false => stricter.conduits.values_mut().for_each(|conduit| close(&mut conduit.sources)),
        }
        let (_, before) = try_on(&conduits, "", &line);
        let after = outcome(&policy(stricter, ""), &line);
        prop_assert!(before.is_ok() || after.is_err(), "{:?} became {:?}", before, after);
        let held = line.findings.iter().any(|finding| finding.source() == Some(source));
        prop_assert!(!held || after.is_err(), "what is closed left: {:?}", after);
    }

    #[test]
    fn a_rule_that_forbids_never_permits(conduits in conduits(), line in lines(), rules in subsequence(RULES.to_vec(), 0..3), more in select(RULES.to_vec())) {
        let rules: String = rules.iter().enumerate().map(|(index, rule)| format!("@id(\"r{index}\") {rule}\n")).collect();
        let (_, before) = try_on(&conduits, &rules, &line);
        let (_, after) = try_on(&conduits, &format!("{rules}@id(\"more\") {more}"), &line);
        prop_assert!(before.is_ok() || after.is_err(), "{:?} became {:?}", before, after);
    }

    #[test]
    fn the_order_and_the_names_of_conduits_decide_nothing((conduits, shuffled) in conduits().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())), line in lines()) {
        let (_, one) = try_on(&conduits, "", &line);
        let (_, other) = try_on(&shuffled, "", &line);
        prop_assert_eq!(gist(&one), gist(&other));
    }
}
