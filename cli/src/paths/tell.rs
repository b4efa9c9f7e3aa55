//! The ways, told to people, spreadsheets, programs and drawings.

use super::{Line, Mark};
use crate::print::columns;
use console::Path;
use export::csv_field;
use miette::IntoDiagnostic;
use plant::{Scale, Supplier};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

const NOBODY: &str = "-";

impl Line<'_> {
    /// Whether it needs attention.
    pub(crate) fn is_wrong(&self) -> bool {
        self.marks.iter().any(|mark| *mark != Mark::Unused)
    }

    pub(crate) fn source(&self) -> &str {
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

    /// Each thing under its name; what a line does not have is left out.
    pub(crate) fn told(&self, scale: &Scale) -> Path {
        let (route, supplier) = (self.route.as_ref(), self.supplier());
        Path {
            source: Some(self.way.source.clone()).filter(|source| !source.is_empty()),
            source_owner: route.and_then(|route| route.source).map(|source| source.owner.clone()),
            workload: self.way.workload.clone(),
            workload_owner: route.and_then(|route| route.workload.governance.owner.clone()),
            zone: route.map(|route| route.workload.zone.to_string()),
            conduit: self.way.conduit.clone(),
            conduit_owner: route.map(|route| route.conduit.owner.clone()),
            provider: self.way.provider.clone(),
            provider_zone: route.map(|route| route.provider.zone.to_string()),
            supplier: supplier.map(|supplier| supplier.name.clone()),
            country: supplier.and_then(|supplier| supplier.country.clone()),
            sub_processors: self.sub_processors().to_vec(),
            declared: route.is_some(),
            allowed: route.map(|route| scale.name(route.carries()).to_owned()),
            seen: self.seen.most(scale).filter(|_| self.seen.calls > 0).map(str::to_owned),
            seen_labels: self.seen.labels.clone(),
            above: self.above.clone(),
            calls: self.seen.calls,
            refused: self.seen.refused,
            last: self.seen.last.map(|last| last.to_string()),
            marks: self.marks.iter().map(|mark| mark.name()).collect(),
        }
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

pub(crate) fn json(lines: &[Line<'_>], scale: &Scale) -> miette::Result<String> {
    let all = values(lines, scale).into_diagnostic()?;
    Ok(serde_json::to_string_pretty(&all).into_diagnostic()? + "\n")
}

fn values(lines: &[Line<'_>], scale: &Scale) -> serde_json::Result<Vec<Value>> {
    lines.iter().map(|line| serde_json::to_value(line.told(scale))).collect()
}

/// One line each; what is several stands in one field, parted by `; `.
pub(crate) fn csv(lines: &[Line<'_>], scale: &Scale) -> miette::Result<String> {
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
    for line in values(lines, scale).into_diagnostic()? {
        let cells: Vec<String> =
            names.iter().filter_map(|name| line.get(name)).map(|value| csv_field(&cell(value))).collect();
        let _ = write!(text, "{}\r\n", cells.join(","));
    }
    Ok(text)
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
