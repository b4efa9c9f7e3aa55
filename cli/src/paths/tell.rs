//! The ways, told to people, spreadsheets, programs and drawings.

use super::{Line, Mark};
use crate::print::columns;
use export::csv_field;
use miette::IntoDiagnostic;
use plant::{Scale, Supplier};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

const NOBODY: &str = "-";

impl Line<'_> {
    fn source(&self) -> &str {
        if self.way.source.is_empty() { NOBODY } else { &self.way.source }
    }

    fn supplier(&self) -> Option<&Supplier> {
        self.route.as_ref().map(|route| &route.provider.supplier)
    }

    fn sub_processors(&self) -> &[String] {
        self.supplier().map_or(&[], |supplier| &supplier.sub_processors)
    }

    fn carries(&self, scale: &Scale) -> String {
        self.route.as_ref().map_or_else(|| NOBODY.to_owned(), |route| scale.name(route.carries()).to_owned())
    }

    /// The most sensitive that was seen.
    fn seen(&self, scale: &Scale) -> &str {
        self.seen.most(scale).unwrap_or(NOBODY)
    }

    fn last(&self) -> String {
        self.seen.last.map_or_else(|| NOBODY.to_owned(), |time| time.to_string())
    }

    fn marks(&self) -> String {
        let mark = |mark: &Mark| match mark {
            Mark::Above => format!("above: {}", self.above.join(" ")),
            other => other.name().to_owned(),
        };
        self.marks.iter().map(mark).collect::<Vec<_>>().join(", ")
    }
}

pub(crate) fn table(lines: &[Line<'_>], scale: &Scale) -> String {
    if lines.is_empty() {
        return "there is no way, and none was taken\n".to_owned();
    }
    let row = |line: &Line<'_>| {
        let processors = line.supplier().map_or_else(
            || NOBODY.to_owned(),
            |own| std::iter::once(&own.name).chain(&own.sub_processors).cloned().collect::<Vec<_>>().join(" > "),
        );
        [
            line.source().to_owned(),
            line.way.workload.clone(),
            line.way.conduit.clone(),
            line.way.provider.clone(),
            processors,
            line.carries(scale),
            line.seen(scale).to_owned(),
            line.seen.calls.to_string(),
            line.seen.refused.to_string(),
            line.last(),
            line.marks(),
        ]
    };
    let head = [
        "SOURCE",
        "WORKLOAD",
        "CONDUIT",
        "PROVIDER",
        "SUPPLIER > SUB-PROCESSORS",
        "UP TO",
        "SEEN",
        "CALLS",
        "REFUSED",
        "LAST",
        "",
    ];
    columns(head, lines.iter().map(row))
}

/// Each line by names; what a line does not have is left out.
fn fields(line: &Line<'_>, scale: &Scale) -> Vec<(&'static str, Value)> {
    let route = line.route.as_ref();
    let labels: BTreeMap<&str, u64> = line.seen.labels.iter().map(|(label, count)| (label.as_str(), *count)).collect();
    let owner = |of: Option<&str>| of.map_or(Value::Null, Value::from);
    vec![
        ("source", if line.way.source.is_empty() { Value::Null } else { json!(line.way.source) }),
        ("source_owner", owner(route.and_then(|route| Some(route.source?.owner.as_str())))),
        ("workload", json!(line.way.workload)),
        ("workload_owner", owner(route.and_then(|route| route.workload.governance.owner.as_deref()))),
        ("zone", owner(route.map(|route| route.workload.zone.as_str()))),
        ("conduit", json!(line.way.conduit)),
        ("conduit_owner", owner(route.map(|route| route.conduit.owner.as_str()))),
        ("provider", json!(line.way.provider)),
        ("provider_zone", owner(route.map(|route| route.provider.zone.as_str()))),
        ("supplier", owner(line.supplier().map(|supplier| supplier.name.as_str()))),
        ("country", owner(line.supplier().and_then(|supplier| supplier.country.as_deref()))),
        ("sub_processors", json!(line.sub_processors())),
        ("declared", json!(route.is_some())),
        ("allowed", route.map_or(Value::Null, |route| json!(scale.name(route.carries())))),
        ("seen", if line.seen.calls > 0 { json!(line.seen(scale)) } else { Value::Null }),
        ("seen_labels", json!(labels)),
        ("above", json!(line.above)),
        ("calls", json!(line.seen.calls)),
        ("refused", json!(line.seen.refused)),
        ("last", line.seen.last.map_or(Value::Null, |time| json!(time.to_string()))),
        ("marks", json!(line.marks.iter().map(|mark| mark.name()).collect::<Vec<_>>())),
    ]
}

pub(crate) fn json(lines: &[Line<'_>], scale: &Scale) -> miette::Result<String> {
    let object = |line: &Line<'_>| {
        Value::Object(fields(line, scale).into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let all: Vec<Value> = lines.iter().map(object).collect();
    Ok(serde_json::to_string_pretty(&all).into_diagnostic()? + "\n")
}

/// One line each; what is several stands in one field, parted by `; `.
pub(crate) fn csv(lines: &[Line<'_>], scale: &Scale) -> String {
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
        Value::Object(all) => all.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    };
    let names = [
        "source",
        "source_owner",
        "workload",
        "workload_owner",
        "zone",
        "conduit",
        "conduit_owner",
        "provider",
        "provider_zone",
        "supplier",
        "country",
        "sub_processors",
        "declared",
        "allowed",
        "seen",
        "seen_labels",
        "above",
        "calls",
        "refused",
        "last",
        "marks",
    ];
    let mut text = format!("{}\r\n", names.join(","));
    for line in lines {
        let cells: Vec<String> = fields(line, scale).iter().map(|(_, value)| csv_field(&cell(value))).collect();
        let _ = write!(text, "{}\r\n", cells.join(","));
    }
    text
}

/// A flow chart. Ways that were taken are drawn through, those that are open and unused dashed, those that are wrong thick.
pub(crate) fn mermaid(lines: &[Line<'_>]) -> String {
    let mut text = "flowchart LR\n".to_owned();
    let mut nodes: BTreeMap<(&'static str, String), usize> = BTreeMap::new();
    let mut edges: BTreeMap<(usize, usize), &'static str> = BTreeMap::new();
    let mut node = |kind: &'static str, name: &str| {
        let next = nodes.len();
        *nodes.entry((kind, name.to_owned())).or_insert(next)
    };
    for line in lines {
        let arrow = match line.marks.iter().next() {
            Some(Mark::Undeclared | Mark::Above) => "==>",
            Some(Mark::Unused) => "-.->",
            None => "-->",
        };
        let mut chain = vec![
            node("source", if line.way.source.is_empty() { "of no source" } else { &line.way.source }),
            node("workload", &line.way.workload),
            node("conduit", &line.way.conduit),
            node("provider", &line.way.provider),
        ];
        chain.extend(line.supplier().map(|supplier| node("supplier", &supplier.name)));
        let (last, processors) = (chain.last().copied(), line.sub_processors());
        let onward: Vec<(usize, usize)> =
            processors.iter().filter_map(|name| Some((last?, node("sub-processor", name)))).collect();
        let pairs = chain.iter().copied().zip(chain.iter().copied().skip(1)).chain(onward);
        for pair in pairs {
            // What is wrong shows before what is used, and that before what is not.
            let edge = edges.entry(pair).or_insert(arrow);
            *edge = [*edge, arrow]
                .into_iter()
                .min_by_key(|arrow| ["==>", "-->", "-.->"].iter().position(|one| one == arrow))
                .unwrap_or(arrow);
        }
    }
    for ((kind, name), number) in &nodes {
        let _ = writeln!(text, "  n{number}[\"{kind}<br/>{}\"]", label(name));
    }
    for ((from, to), arrow) in &edges {
        let _ = writeln!(text, "  n{from} {arrow} n{to}");
    }
    text
}

/// A name as Mermaid takes it: nothing in it ends the text, begins a tag or a link.
fn label(name: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | ',');
    name.chars().map(|c| if safe(c) { c.to_string() } else { format!("#{};", u32::from(c)) }).collect()
}
