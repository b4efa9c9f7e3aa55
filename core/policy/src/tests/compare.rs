//! What a change of a plant comes to, in words.

use super::brewery::{brewery, handling, id, wildcards};
use super::policy;
use crate::{Difference, Effect, compare};
use plant::{Millis, OperatorRequirement, Plant, Sensitivity};

fn lines(before: (Plant, &str), after: (Plant, &str)) -> Vec<String> {
    let told = |one: Difference| format!("{}: {} {}", one.effect.name(), one.place, one.text);
    let told_of = compare(&policy(before.0, before.1), &policy(after.0, after.1), u64::MAX);
    assert!(told_of.paths, "nothing is left out where there is no end of steps");
    told_of.differences.into_iter().map(told).collect()
}

#[test]
fn paths_that_take_too_many_steps_are_left_out_and_nothing_else() {
    let mut after = brewery();
    after.conduits.remove(&id("copilot-cloud")).unwrap();
    let (before, after) = (policy(brewery(), ""), policy(after, ""));
    let whole = compare(&before, &after, u64::MAX);
    let path = |one: &&Difference| one.text.starts_with("can ");
    assert!(whole.paths && whole.differences.iter().any(|one| path(&one)));
    let few = (0..).find(|steps| compare(&before, &after, *steps).paths).unwrap();
    assert!(few > 1);
    let less = compare(&before, &after, few - 1);
    let rest: Vec<_> = whole.differences.iter().filter(|one| !path(one)).cloned().collect();
    assert_eq!((less.paths, less.differences), (false, rest));
    assert_eq!(compare(&before, &after, few), whole);
}

/// What one change comes to, and that taking it back comes to the opposite.
#[track_caller]
fn check(change: impl FnOnce(&mut Plant), expected: &[&str]) {
    let mut after = brewery();
    change(&mut after);
    let there = lines((brewery(), ""), (after.clone(), ""));
    assert_eq!(there, expected);
    let back = lines((after, ""), (brewery(), ""));
    let count = |lines: &[String], effect: Effect| lines.iter().filter(|line| line.starts_with(effect.name())).count();
    for (one, other) in
        [(Effect::Opens, Effect::Closes), (Effect::Closes, Effect::Opens), (Effect::Changes, Effect::Changes)]
    {
        assert_eq!(count(&there, one), count(&back, other), "{there:?} against {back:?}");
    }
}

#[test]
fn a_plant_does_not_differ_from_itself() {
    check(|_| {}, &[]);
}

#[test]
fn a_conduit_that_opens_more_says_what() {
    fn cloud(plant: &mut Plant) -> &mut plant::Conduit {
        plant.conduits.get_mut(&id("copilot-cloud")).unwrap()
    }
    check(
        |plant| cloud(plant).models = wildcards("gpt-4o* o3"),
        &["opens: conduit `copilot-cloud` opens models `o3` too"],
    );
    check(
        |plant| cloud(plant).ceiling = plant.scale.highest(),
        &["opens: conduit `copilot-cloud` its ceiling is raised from `internal` to `restricted`"],
    );
    check(
        |plant| {
            cloud(plant).handling =
                handling("person tokenise, setpoint redact, recipe reroute, sample hold, drawing generalise");
        },
        &[
            "opens: conduit `copilot-cloud` `secret`: allow, and was refuse",
            "closes: conduit `copilot-cloud` `person.email`: tokenise, and was allow",
        ],
    );
    check(
        |plant| cloud(plant).operator = OperatorRequirement::Required { assurance: Vec::new() },
        &["closes: conduit `copilot-cloud` asks for a proved operator"],
    );
    check(
        |plant| cloud(plant).expires = Some(Millis::parse("2026-12-31T00:00:00Z").unwrap()),
        &["closes: conduit `copilot-cloud` is approved until 2026-12-31T00:00:00.000Z, and was without an end"],
    );
    check(
        |plant| cloud(plant).oversight.within = Some(std::time::Duration::from_secs(300)),
        &[
            "closes: conduit `copilot-cloud` its answers are accounted for within 300 s, and were by nobody who does not want to",
        ],
    );
    check(
        |plant| cloud(plant).oversight.proved = true,
        &["closes: conduit `copilot-cloud` takes no account without a proved operator"],
    );
    check(
        |plant| cloud(plant).essential = true,
        &[
            "opens: conduit `copilot-cloud` is essential: some of its calls may leave while the ledger cannot be written",
        ],
    );
    check(
        |plant| cloud(plant).bounds.depth = 3,
        &["closes: conduit `copilot-cloud` deepest nesting is lowered from `64` to `3`"],
    );
}

#[test]
fn who_can_reach_whom_is_said_apart_from_how() {
    let mut without = brewery();
    without.conduits.remove(&id("writing"));
    let said = lines((brewery(), ""), (without, ""));
    assert_eq!(
        said[0],
        "closes: conduit `writing` is gone; it was: every workload of `cell-1` may ask models `*` of `claude` for `instruction`, up to `confidential`, with an operator behind it"
    );
    assert!(
        said.iter()
            .any(|line| line.starts_with("closes: workload `copilot` can no longer call `claude` for `instruction`")),
        "{said:#?}"
    );
    let governed = |plant: &mut Plant| plant.workloads.get_mut(&id("copilot")).unwrap().governance.owner = None;
    let mut after = brewery();
    governed(&mut after);
    let said = lines((brewery(), ""), (after, ""));
    assert!(
        said.iter()
            .any(|line| line == "closes: workload `copilot` lacks `owner`: its calls are refused as `ungoverned`"),
        "{said:#?}"
    );
    assert!(said.iter().any(|line| line.contains("can no longer call `openai`")), "{said:#?}");
}

#[test]
fn providers_zones_and_rules_are_compared_too() {
    check(
        |plant| plant.providers.get_mut(&id("openai")).unwrap().clearance = Sensitivity::LOWEST,
        &["closes: provider `openai` clearance is lowered from `confidential` to `public`"],
    );
    check(
        |plant| plant.providers.get_mut(&id("openai")).unwrap().address = "https://elsewhere.example".to_owned(),
        &["changes: provider `openai` address is `https://elsewhere.example`, and was `https://openai.example`"],
    );
    check(
        |plant| plant.zones.get_mut(&id("cell-1")).unwrap().networks.push("10.9.0.0/16".parse().unwrap()),
        &["opens: zone `cell-1` calls may come from `10.9.0.0/16` too"],
    );
    let rule = |condition: &str| format!("@id(\"quiet\") forbid (principal, action, resource) when {{ {condition} }};");
    let (night, day) = (rule("context.hour > 20"), rule("context.hour > 2"));
    assert_eq!(
        lines((brewery(), ""), (brewery(), &night)),
        ["closes: rule `quiet` is new, and forbids what it describes"]
    );
    assert_eq!(
        lines((brewery(), &night), (brewery(), "")),
        ["opens: rule `quiet` is gone, and forbids nothing any more"]
    );
    assert_eq!(lines((brewery(), &night), (brewery(), &day)), ["changes: rule `quiet` forbids something else"]);
    assert!(lines((brewery(), &night), (brewery(), &night)).is_empty());
}
