//! `[workloads.<workload>]`, `[workstations.<workstation>]`, `[operators]`: who calls, and what proves it.

use crate::node::{At, Node};
use crate::problem::Code;
use crate::report::Report;
use crate::sources;
use crate::value::{enumerate, quote};
use plant::{Governance, Issuer, Purpose, Workload, WorkloadId, Workstation, WorkstationId, ZoneId};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// Builds every workload that is whole.
pub(crate) fn workloads(file: &Node<'_>, report: &mut Report) -> BTreeMap<WorkloadId, Workload> {
    let mut workloads = BTreeMap::new();
    for (name, node) in file.tables("workloads") {
        from_outside(file, &node, report);
        if let Some(workload) = workload(file, name.value, &node) {
            ungoverned(&workload, &node, report);
            workloads.insert(workload.id.clone(), workload);
        }
    }
    workloads
}

fn workload(file: &Node<'_>, name: &str, node: &Node<'_>) -> Option<Workload> {
    Some(Workload {
        id: WorkloadId::new(name).ok()?,
        title: node.string("title"),
        zone: node.read("zone", ZoneId::new)?,
        certificates: strings(node, "certificates"),
        purposes: node.reads("purposes", Purpose::new),
        sources: sources::of_workload(file, node),
        governance: governance(node),
    })
}

/// What an AI component must have before its calls pass.
pub(crate) fn governance(node: &Node<'_>) -> Governance {
    Governance {
        owner: node.string("owner"),
        update_process: node.string("update_process"),
        isolation_plan: node.string("isolation_plan"),
    }
}

/// IEC 62443-2-1 asks for an owner and a way to update and to isolate every asset. A plant that cannot say them
/// yet may still draw its map; nothing of that workload passes until it can.
fn ungoverned(workload: &Workload, node: &Node<'_>, report: &mut Report) {
    missing(&workload.governance, node, report);
}

/// Warns of what a component lacks, so that no call may use it.
pub(crate) fn missing(governance: &Governance, node: &Node<'_>, report: &mut Report) {
    let gaps = governance.gaps();
    if gaps.is_empty() {
        return;
    }
    let message =
        format!("{} has no {}: its calls are refused as `ungoverned`", node.place, enumerate(gaps.iter().copied()));
    let lines: Vec<String> = gaps
        .iter()
        .filter_map(|gap| node.section.fields.iter().find(|field| field.key == *gap))
        .map(|field| format!("{} = {}", field.key, field.example))
        .collect();
    let help = format!("say it, for example:\n{}", lines.join("\n"));
    report.add(report.problem(Code::Ungoverned, node.span.clone(), message).help(help));
}

/// Builds every workstation that is whole.
pub(crate) fn workstations(file: &Node<'_>, report: &mut Report) -> BTreeMap<WorkstationId, Workstation> {
    let mut workstations = BTreeMap::new();
    for (name, node) in file.tables("workstations") {
        from_outside(file, &node, report);
        let build = || {
            Some(Workstation {
                id: WorkstationId::new(name.value).ok()?,
                zone: node.read("zone", ZoneId::new)?,
                certificates: strings(&node, "certificates"),
            })
        };
        if let Some(workstation) = build() {
            workstations.insert(workstation.id.clone(), workstation);
        }
    }
    workstations
}

/// Reports certificate names that would prove two callers at once.
pub(crate) fn shared_certificates(file: &Node<'_>, report: &mut Report) {
    let mut owners: BTreeMap<&str, (String, Range<usize>)> = BTreeMap::new();
    for key in ["workloads", "workstations"] {
        for (_, node) in file.tables(key) {
            for At { value, span } in node.texts("certificates") {
                match owners.get(value) {
                    // Twice in one list was reported as such.
                    Some((place, _)) if *place == node.place => {}
                    Some((place, first)) => {
                        let message = format!("certificate name {} proves {place} and {}", quote(value), node.place);
                        let problem = report
                            .problem(Code::CertificateShared, span, message)
                            .also(first.clone(), format!("proves {place}"));
                        report.add(problem.help("issue a certificate with a name of its own for each"));
                    }
                    None => {
                        owners.insert(value, (node.place.clone(), span));
                    }
                }
            }
        }
    }
}

/// Reports callers in a zone that no call can come from.
fn from_outside(file: &Node<'_>, node: &Node<'_>, report: &mut Report) {
    let Some(zone) = node.text("zone") else { return };
    no_networks(file, &zone, &format!("{} is in", node.place), report);
}

/// Reports a zone without networks in a place where calls are to come from it.
pub(crate) fn no_networks(file: &Node<'_>, zone: &At<&str>, beginning: &str, report: &mut Report) {
    let Some(node) = file.entry("zones", zone.value).filter(|node| node.flag("external")) else { return };
    let message = format!("{beginning} {}, from which no call can come", node.place);
    let problem =
        report.problem(Code::NoNetworks, zone.span.clone(), message).also(node.span, "external: has no networks");
    report.add(
        problem.help("name the zone of the plant that the calls come from; an external zone is only where calls go"),
    );
}

/// Builds the operators' issuer.
pub(crate) fn issuer(file: &Node<'_>, folder: &Path) -> Option<Issuer> {
    file.says("operators").then_some(())?;
    let node = file.table("operators")?;
    let keys = node.string("keys")?;
    Some(Issuer {
        issuer: node.text("issuer")?.value.to_owned(),
        audiences: strings(&node, "audiences"),
        keys: if keys.contains("://") { keys } else { folder.join(keys).to_string_lossy().into_owned() },
        authorities: node.text("authorities").map(|path| folder.join(path.value)),
        algorithms: strings(&node, "algorithms"),
        subject_claim: node.string("subject_claim")?,
        roles_claim: node.string("roles_claim"),
        leeway: node.count("leeway_seconds")?.saturating_mul(1000),
    })
}

/// Texts of their own.
pub(crate) fn strings(node: &Node<'_>, key: &str) -> Vec<String> {
    node.texts(key).into_iter().map(|text| text.value.to_owned()).collect()
}
