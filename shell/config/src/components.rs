//! `[components.<component>]` and `[governance]`: what the plant uses of AI, and what that needs.

use crate::callers::{governance, missing, strings};
use crate::control::Control;
use crate::node::Node;
use crate::problem::Code;
use crate::report::Report;
use inventory::{Component, ComponentKind, ComponentName, State, Terms};
use plant::{ProviderId, Wildcard, WorkloadId};

/// Most components that are declared beside workloads and providers: each call may be held against all of them.
const MOST: usize = 1_024;

/// Builds every component that is whole: those of tables of their own too.
pub(crate) fn build(file: &Node<'_>, report: &mut Report) -> Vec<Component> {
    let tables = file.tables("components");
    if let Some((name, _)) = tables.get(MOST) {
        let message = format!("there are {} components, and there may be {MOST}", tables.len());
        let help = "one component can go by several `names`";
        report.add(report.problem(Code::TooMany, name.span.clone(), message).help(help));
    }
    let mut components = Vec::new();
    for (name, node) in file.tables("workloads") {
        let own = ComponentName::new(ComponentKind::Workload, name.value).ok();
        components.extend(own.map(|own| Component { supplier: node.string("supplier"), ..said(own, &node) }));
    }
    for (name, node) in file.tables("providers") {
        let own = ComponentName::new(ComponentKind::Provider, name.value).ok();
        let supplier = node.table("supplier").and_then(|supplier| supplier.string("name"));
        components.extend(own.map(|own| Component { supplier, ..said(own, &node) }));
    }
    for (name, node) in &tables {
        if let Some(component) = component(name.value, node, report) {
            missing(&component.governance, node, report);
            components.push(component);
        }
    }
    components
}

/// What every component can say of itself, its supplier aside.
fn said(name: ComponentName, node: &Node<'_>) -> Component {
    Component {
        title: node.string("title"),
        governance: governance(node),
        version: node.string("version"),
        licence: node.string("licence"),
        hashes: strings(node, "hashes"),
        purl: node.string("purl"),
        ..Component::bare(name)
    }
}

fn component(name: &str, node: &Node<'_>, report: &mut Report) -> Option<Component> {
    let kind = node.text("kind")?.value;
    let kind = ComponentKind::DECLARED.iter().find(|(name, _)| *name == kind)?.1;
    fits(kind, node, report);
    let wildcards = |key: &str| -> Vec<Wildcard> { strings(node, key).into_iter().map(Wildcard).collect() };
    let mut names = wildcards("names");
    if names.is_empty() {
        names.push(Wildcard(name.to_owned()));
    }
    let named = matches!(kind, ComponentKind::Model | ComponentKind::Library);
    Some(Component {
        supplier: node.string("supplier"),
        provider: node.read("provider", ProviderId::new),
        names: if named { names } else { Vec::new() },
        versions: wildcards("versions"),
        workloads: node.reads("workloads", WorkloadId::new).into_iter().collect(),
        providers: node.reads("providers", ProviderId::new).into_iter().collect(),
        ..said(ComponentName::new(kind, name).ok()?, node)
    })
}

/// A key that its kind has no use for was meant for something.
fn fits(kind: ComponentKind, node: &Node<'_>, report: &mut Report) {
    let idle: &[&str] = match kind {
        ComponentKind::Model => &["workloads", "providers"],
        ComponentKind::Library => &["workloads", "providers", "provider"],
        _ => &["names", "versions", "provider"],
    };
    for key in idle.iter().filter(|key| node.says(key)) {
        let message = format!("{} is of kind `{}`, which has no use for `{key}`", node.place, kind.name());
        let help = "models have `provider`, `names` and `versions`, libraries `names` and `versions`, the others `workloads` and `providers`";
        report.add(report.problem(Code::BadValue, node.span_of(key), message).help(help));
    }
}

/// What components need.
pub(crate) fn terms(file: &Node<'_>, control: &Control, report: &mut Report) -> Option<Terms> {
    let node = file.table("governance")?;
    let approvals = node.number("approvals");
    let (needed, count) = (approvals.unwrap_or(1), control.approvers.len());
    if needed > count && (approvals.is_some() || node.text("unlisted").is_some_and(|at| at.value == "draft")) {
        let message = format!("a step of a component takes {needed} approvals, and there are {count} approvers");
        let help = "name them in `[control]`: `approvers`, whose keys `penstock approve key` makes";
        let code = if count == 0 { Code::MissingKey } else { Code::BadValue };
        report.add(report.problem(code, node.span_of("approvals"), message).help(help));
    }
    let required = strings(&node, "require");
    Some(Terms {
        unlisted: State::named(node.text("unlisted")?.value)?,
        require: required.iter().filter_map(|name| ComponentKind::named(name)).collect(),
        approvals: approvals.unwrap_or(control.approvals).max(1),
        contact: node.string("contact"),
    })
}
