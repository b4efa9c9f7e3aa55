//! The inventory at the console: what the plant in force declares, held against what the ledger's records say was used.

use crate::drafting::unusable;
use crate::governing;
use crate::inventory::{Unwritten, rows, written};
use crate::sighted;
use config::Loaded;
use console::{Component, Components, Declaration, Declared, Fault, Life, Next, Picked, Sheet, Sighting, Version};
use inventory::{Drift, Entry, Lives, Row, Seen};
use plant::Wildcard;
use std::cmp::Reverse;
use store::Reader;

/// Most components that are told.
const MOST: usize = 2_000;
/// Most of these of which every call was refused: whoever only tries crowds out nothing.
const MOST_REFUSED: usize = 500;
/// Most sentences, versions, workloads and names of each.
const MOST_INNER: usize = 16;
/// Longest of these, in characters.
const LONGEST: usize = 200;

/// The inventory. `size` is how many records the ledger has.
pub(crate) fn components(now: &Loaded, size: u64) -> Result<Components, Fault> {
    let (rows, seen, lives) = read(now)?;
    let (all, rows) = (rows.len(), chosen(rows));
    let mut steps = governing::next(now, &lives);
    let next = |row: &Row| {
        let name = row.component.as_ref().map(|component| &component.name);
        name.and_then(|name| steps.remove(name)).unwrap_or_default()
    };
    let steps: Vec<_> = rows.iter().map(next).collect();
    let told = rows.iter().zip(steps).map(|(row, steps)| told(row, steps, now.governance.approvals));
    Ok(Components {
        approvals: now.governance.approvals,
        approvers: now.control.approvers.iter().map(|one| one.name().to_owned()).collect(),
        components: told.collect(),
        left_out: all.saturating_sub(rows.len()),
        beyond: seen.beyond(),
        uncounted: size.saturating_sub(seen.next),
    })
}

/// Components as a command prints them.
pub(crate) fn text(now: &Loaded, picked: &Picked, sheet: Sheet) -> Result<String, Fault> {
    let (rows, seen, _) = read(now)?;
    written(now, rows, seen.beyond(), picked, sheet).map_err(|problem| match problem {
        Unwritten::Unknown => Fault::Unknown(problem.to_string()),
        Unwritten::Several(..) => Fault::Conflict(problem.to_string()),
        Unwritten::Kind | Unwritten::State => Fault::Unfit(problem.to_string()),
    })
}

/// What declares a component that was seen.
pub(crate) fn declaration(now: &Loaded, name: &str) -> Result<Declaration, Fault> {
    let (rows, ..) = read(now)?;
    let row = rows.iter().find(|row| row.title() == name);
    let row = row.ok_or_else(|| Fault::Unknown("no component has that name".to_owned()))?;
    let component = row.drafted().ok_or_else(|| {
        Fault::Unfit(match row.component {
            Some(_) => "it is declared".to_owned(),
            None => "traffic does not say enough of it to declare it: a workload or provider has a table of its own"
                .to_owned(),
        })
    })?;
    Ok(Declaration { text: inventory::fragment(&[component]) })
}

fn read(now: &Loaded) -> Result<(Vec<Row>, Seen, Lives), Fault> {
    let reader = Reader::open(&now.gateway.ledger).map_err(|problem| unusable(&miette::Report::msg(problem)))?;
    let seen = sighted::lately(&reader).map_err(|problem| unusable(&problem))?;
    let (rows, lives) = rows(now, &seen).map_err(|problem| unusable(&problem))?;
    Ok((rows, seen, lives))
}

/// Those that are told, in the order in which a person should look at them.
fn chosen(rows: Vec<Row>) -> Vec<Row> {
    let (refused, mut chosen): (Vec<_>, Vec<_>) = rows.into_iter().partition(only_refused);
    chosen.sort_by_key(urgency);
    chosen.truncate(MOST);
    let room = MOST.saturating_sub(chosen.len()).min(MOST_REFUSED);
    chosen.extend(refused.into_iter().take(room));
    chosen.sort_by_key(urgency);
    chosen
}

fn only_refused(row: &Row) -> bool {
    row.component.is_none() && row.seen.as_ref().is_none_or(|seen| seen.span.calls == 0)
}

fn urgency(row: &Row) -> u8 {
    match row.drift {
        Drift::Mismatch => 0,
        Drift::Shadow if !only_refused(row) => 1,
        _ if !row.lacks.is_empty() && row.drift != Drift::Retired => 2,
        Drift::Shadow => 3,
        Drift::Matched | Drift::Declared => 4,
        Drift::Retired => 5,
    }
}

fn told(row: &Row, steps: Vec<governing::Next>, approvals: usize) -> Component {
    let gaps = row.component.as_ref().is_some_and(|component| !component.governance.gaps().is_empty());
    let next = |step: governing::Next| Next {
        to: step.to.name(),
        needs: approvals.saturating_sub(step.by.len()),
        by: step.by,
        barred: gaps && step.to.is_governed(),
    };
    Component {
        name: row.title(),
        kind: row.kind.name(),
        drift: row.drift.name(),
        state: row.state.map(inventory::State::name),
        life: row.life.as_ref().map(|life| Life {
            since: life.since.to_string(),
            by: life.by.clone(),
            because: life.because.clone(),
        }),
        why: few(row.why.iter()),
        lacks: row.lacks.clone(),
        next: steps.into_iter().map(next).collect(),
        declared: row.component.as_ref().map(declared),
        seen: row.seen.as_ref().map(sighting),
        draftable: row.drafted().is_some(),
    }
}

fn declared(component: &inventory::Component) -> Declared {
    let texts = |all: &[Wildcard]| few(all.iter().map(|one| &one.0));
    let workloads = component.workloads.iter().map(ToString::to_string);
    let carries: Vec<_> = workloads.chain(component.providers.iter().map(ToString::to_string)).collect();
    Declared {
        title: component.title.clone(),
        owner: component.governance.owner.clone(),
        update_process: component.governance.update_process.clone(),
        isolation_plan: component.governance.isolation_plan.clone(),
        version: component.version.clone(),
        supplier: component.supplier.clone(),
        licence: component.licence.clone(),
        provider: component.provider.as_ref().map(ToString::to_string),
        names: texts(&component.names),
        versions: texts(&component.versions),
        carries: few(carries.iter()),
    }
}

fn sighting(seen: &Entry) -> Sighting {
    let mut versions: Vec<_> = seen.versions.iter().collect();
    versions.sort_by_key(|(_, span)| Reverse(span.last));
    let version = |(version, span): &(&String, &inventory::Span)| Version {
        version: short(version),
        times: span.calls.saturating_add(span.refused),
        last: span.last.to_string(),
    };
    let beyond = |count: usize| count.saturating_sub(MOST_INNER);
    Sighting {
        first: seen.span.first.to_string(),
        last: seen.span.last.to_string(),
        calls: seen.span.calls,
        refused: seen.span.refused,
        versions: versions.iter().take(MOST_INNER).map(version).collect(),
        workloads: few(seen.workloads.iter()),
        more: beyond(seen.versions.len()).saturating_add(beyond(seen.workloads.len())),
    }
}

fn few<'t>(texts: impl Iterator<Item = &'t String>) -> Vec<String> {
    texts.take(MOST_INNER).map(|text| short(text)).collect()
}

/// A text that may come from a caller, cut.
fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, MOST_REFUSED, chosen, short};
    use inventory::{Component, ComponentKind, ComponentName, Lives, Row, Seen, Terms, rows};
    use serde_json::json;

    fn inventory(calls: &[(&str, &str)], declared: &[&str]) -> Vec<Row> {
        let mut seen = Seen::default();
        for (seq, (kind, model)) in calls.iter().enumerate() {
            // No workload alone fills the list.
            let workload = if calls.len() < 500 { "copilot".to_owned() } else { format!("w-{}", seq % 4) };
            let line = json!({
                "seq": seq, "id": "a", "t": 5, "kind": kind,
                "who": { "workload": { "id": workload, "by": "token" } },
                "what": { "provider": "openai", "endpoint": "chat.completions", "model": model },
            });
            seen.count(line.to_string().as_bytes());
        }
        let declared: Vec<_> =
            declared.iter().map(|name| Component::bare(ComponentName::parse(name).unwrap())).collect();
        rows(&declared, &seen, &Terms::default(), &Lives::default(), |_| String::new())
    }

    #[test]
    fn what_needs_attention_comes_first() {
        let rows = inventory(&[("intent", "gpt-4o"), ("refuse", "o3")], &["workload:copilot", "provider:openai"]);
        let names: Vec<_> = chosen(rows).iter().map(Row::title).collect();
        let expected = [
            "model:openai/gpt-4o",
            "workload:copilot",
            "model:openai/o3",
            "provider:openai",
            "endpoint:openai/chat.completions",
        ];
        let mut models: Vec<_> = names.iter().filter(|name| !name.starts_with("endpoint")).cloned().collect();
        models.dedup();
        assert_eq!(models, expected[..4]);
        assert!(names.contains(&expected[4].to_owned()));
    }

    #[test]
    fn names_that_were_only_tried_crowd_out_nothing() {
        let tried: Vec<String> = (0..1_000).map(|number| format!("m-{number}")).collect();
        let mut calls: Vec<_> = tried.iter().map(|name| ("refuse", name.as_str())).collect();
        calls.extend([("intent", "z"); 4]);
        let (all, told) = (inventory(&calls, &[]), chosen(inventory(&calls, &[])));
        let models = |rows: &[Row]| rows.iter().filter(|row| row.kind == ComponentKind::Model).count();
        assert_eq!((models(&all), models(&told)), (1_001, MOST_REFUSED + 1));
        assert!(told.len() <= MOST && told.iter().any(|row| row.name == "openai/z"));
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!(short(&"ü".repeat(300)).chars().count(), 201);
        assert_eq!(short("gpt"), "gpt");
    }
}
