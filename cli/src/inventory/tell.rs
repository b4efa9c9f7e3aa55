//! The inventory in words, as data, and as a table for spreadsheets.

use crate::print::{columns, second};
use inventory::{Component, Row, Span};
use plant::{Millis, Wildcard};
use serde_json::{Value, json};
use std::fmt::Write as _;

pub(super) fn table(rows: &[Row], beyond: u64) -> String {
    if rows.is_empty() {
        return "no component\n".to_owned();
    }
    let row = |row: &Row| {
        let span = row.seen.as_ref().map(|seen| seen.span);
        let number = |of: fn(&Span) -> u64| span.as_ref().map(of).unwrap_or_default().to_string();
        let when = |of: fn(&Span) -> Millis| span.as_ref().map(|span| second(of(span))).unwrap_or_default();
        [
            row.kind.name().to_owned(),
            row.name.clone(),
            row.drift.name().to_owned(),
            row.state.map(|state| state.name().to_owned()).unwrap_or_default(),
            number(|span| span.calls),
            number(|span| span.refused),
            when(|span| span.first),
            when(|span| span.last),
            row.told().join("; "),
        ]
    };
    let heading = ["KIND", "NAME", "DRIFT", "STATE", "CALLS", "REFUSED", "FIRST SEEN", "LAST SEEN", "WHY"];
    let mut text = columns(heading, rows.iter().map(row));
    if beyond > 0 {
        let _ = writeln!(text, "\n{beyond} sightings of other names found no room");
    }
    text
}

/// Everything that is known of one, a line each.
pub(super) fn whole(row: &Row) -> String {
    let mut text = format!("{}\n", row.title());
    let mut line = |key: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{key:14}  {value}");
        }
    };
    line("drift", row.drift.name().to_owned());
    line("state", row.state.map(|state| state.name().to_owned()).unwrap_or_default());
    if let Some(life) = &row.life {
        line("since", format!("{} by {}: {}", second(life.since), life.by.join(", "), life.because));
    }
    for why in row.told() {
        line("why", why);
    }
    if let Some(component) = &row.component {
        let given = |text: &Option<String>| text.clone().unwrap_or_default();
        line("title", given(&component.title));
        line("owner", given(&component.governance.owner));
        line("update process", given(&component.governance.update_process));
        line("isolation plan", given(&component.governance.isolation_plan));
        line("version", given(&component.version));
        line("supplier", given(&component.supplier));
        line("licence", given(&component.licence));
        line("names", join(component.names.iter().map(|one| one.0.clone())));
        line("versions", join(component.versions.iter().map(|one| one.0.clone())));
        line("provider", component.provider.as_ref().map(ToString::to_string).unwrap_or_default());
        line("carries", join(carried(component)));
        line("package", given(&component.purl));
        line("hashes", component.hashes.join(", "));
    }
    if let Some(seen) = &row.seen {
        line("first seen", second(seen.span.first));
        line("last seen", second(seen.span.last));
        line("calls", format!("{}, and {} refused", seen.span.calls, seen.span.refused));
        line("used by", join(seen.workloads.iter().cloned()));
        for (version, span) in &seen.versions {
            line("seen version", format!("{version}, {} times until {}", span.calls + span.refused, second(span.last)));
        }
    }
    text
}

fn join(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// The workloads and providers that stand on it.
fn carried(component: &Component) -> impl Iterator<Item = String> + '_ {
    let providers = component.providers.iter().map(ToString::to_string);
    component.workloads.iter().map(ToString::to_string).chain(providers)
}

pub(super) fn data(rows: &[Row]) -> String {
    format!("{:#}\n", Value::Array(rows.iter().map(one).collect()))
}

fn one(row: &Row) -> Value {
    let span = |span: &Span| json!({ "first": span.first.to_string(), "last": span.last.to_string(), "calls": span.calls, "refused": span.refused });
    let seen = row.seen.as_ref().map(|seen| {
        let versions: serde_json::Map<_, _> =
            seen.versions.iter().map(|(version, own)| (version.clone(), span(own))).collect();
        json!({ "span": span(&seen.span), "versions": versions, "workloads": seen.workloads })
    });
    let life = row.life.as_ref().map(
        |life| json!({ "since": life.since.to_string(), "steps": life.steps, "by": life.by, "because": life.because }),
    );
    json!({
        "name": row.title(),
        "kind": row.kind.name(),
        "drift": row.drift.name(),
        "state": row.state.map(|state| state.name()),
        "life": life,
        "why": row.told(),
        "declared": row.component.as_ref().map(declared),
        "seen": seen,
    })
}

fn declared(component: &Component) -> Value {
    let Component { title, governance, version, supplier, licence, hashes, purl, provider, .. } = component;
    let texts = |all: &[Wildcard]| all.iter().map(|one| one.0.clone()).collect::<Vec<_>>();
    json!({
        "title": title,
        "owner": governance.owner,
        "update_process": governance.update_process,
        "isolation_plan": governance.isolation_plan,
        "version": version,
        "supplier": supplier,
        "licence": licence,
        "hashes": hashes,
        "purl": purl,
        "provider": provider.as_ref().map(plant::ProviderId::as_str),
        "names": texts(&component.names),
        "versions": texts(&component.versions),
        "workloads": component.workloads.iter().map(plant::WorkloadId::as_str).collect::<Vec<_>>(),
        "providers": component.providers.iter().map(plant::ProviderId::as_str).collect::<Vec<_>>(),
    })
}

/// RFC 4180, in which no field is a formula.
pub(super) fn csv(rows: &[Row]) -> String {
    let heading = "kind,name,drift,state,owner,update_process,isolation_plan,version,supplier,licence,hashes,calls,refused,first_seen,last_seen,versions_seen,used_by,why";
    let mut text = format!("{heading}\r\n");
    for row in rows {
        let declared = |of: fn(&Component) -> Option<String>| row.component.as_ref().and_then(of).unwrap_or_default();
        let span = row.seen.as_ref().map(|seen| seen.span);
        let seen = |of: fn(&Span) -> String| span.as_ref().map(of).unwrap_or_default();
        let versions = row.seen.iter().flat_map(|seen| seen.versions.keys()).cloned();
        let workloads = row.seen.iter().flat_map(|seen| &seen.workloads).cloned();
        let cells = [
            row.kind.name().to_owned(),
            row.name.clone(),
            row.drift.name().to_owned(),
            row.state.map(|state| state.name().to_owned()).unwrap_or_default(),
            declared(|one| one.governance.owner.clone()),
            declared(|one| one.governance.update_process.clone()),
            declared(|one| one.governance.isolation_plan.clone()),
            declared(|one| one.version.clone()),
            declared(|one| one.supplier.clone()),
            declared(|one| one.licence.clone()),
            declared(|one| Some(one.hashes.join(" "))),
            seen(|span| span.calls.to_string()),
            seen(|span| span.refused.to_string()),
            seen(|span| span.first.to_string()),
            seen(|span| span.last.to_string()),
            join(versions),
            join(workloads),
            row.told().join("; "),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| export::csv_field(cell)).collect();
        let _ = write!(text, "{}\r\n", cells.join(","));
    }
    text
}
