//! What conduits mean together: no two for the same call, and reroutes that lead somewhere.

use crate::node::{At, Node};
use crate::problem::Code;
use crate::report::Report;
use crate::value::quote;
use plant::{Scale, Sensitivity};
use std::collections::{BTreeMap, BTreeSet};

/// A conduit as far as this module needs it, read once.
struct Path<'a> {
    node: Node<'a>,
    name: At<&'a str>,
    to: &'a str,
    from: BTreeSet<&'a str>,
    purposes: BTreeSet<&'a str>,
    /// Workloads by zone; those named, or else all.
    workloads: BTreeSet<&'a str>,
    /// Whether every workload of the zones may use it, also where none is declared yet.
    everyone: bool,
}

/// Reports overlaps and reroutes that lead nowhere.
pub(crate) fn check(file: &Node<'_>, scale: &Scale, report: &mut Report) {
    let homes = homes(file);
    let paths: Vec<Path<'_>> =
        file.tables("conduits").into_iter().filter_map(|(name, node)| path(name, node, &homes)).collect();
    overlaps(&paths, &homes, report);
    for path in &paths {
        if path.node.says("reroute") {
            reroute(file, path, &paths, scale, report);
        }
    }
}

/// Which workloads are at home in which zone.
fn homes<'a>(file: &Node<'a>) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut homes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, node) in file.tables("workloads") {
        if let Some(zone) = node.text("zone") {
            homes.entry(zone.value).or_default().insert(name.value);
        }
    }
    homes
}

fn path<'a>(name: At<&'a str>, node: Node<'a>, homes: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Option<Path<'a>> {
    let set = |key| node.texts(key).into_iter().map(|text| text.value).collect::<BTreeSet<_>>();
    let (from, named) = (set("from"), set("workloads"));
    let local: BTreeSet<&str> = from.iter().filter_map(|zone| homes.get(zone)).flatten().copied().collect();
    let everyone = named.is_empty();
    let workloads = if everyone { local } else { local.intersection(&named).copied().collect() };
    Some(Path { to: node.text("to")?.value, purposes: set("purposes"), from, workloads, everyone, name, node })
}

/// Two conduits for the same call could name different ceilings, and order would decide.
fn overlaps(paths: &[Path<'_>], homes: &BTreeMap<&str, BTreeSet<&str>>, report: &mut Report) {
    let mut by_provider: BTreeMap<&str, Vec<&Path<'_>>> = BTreeMap::new();
    for path in paths {
        by_provider.entry(path.to).or_default().push(path);
    }
    for rivals in by_provider.values() {
        for (index, one) in rivals.iter().enumerate() {
            for other in rivals.iter().skip(index + 1) {
                if report.is_full() {
                    return;
                }
                overlap(one, other, homes, report);
            }
        }
    }
}

fn overlap(one: &Path<'_>, other: &Path<'_>, homes: &BTreeMap<&str, BTreeSet<&str>>, report: &mut Report) {
    let Some(purpose) = one.purposes.intersection(&other.purposes).next() else { return };
    let shared = one.from.intersection(&other.from).find_map(|zone| {
        let home = homes.get(zone);
        let workload = home
            .and_then(|home| home.iter().find(|name| one.workloads.contains(*name) && other.workloads.contains(*name)));
        (workload.is_some() || one.everyone && other.everyone).then_some((zone, workload))
    });
    let Some((zone, workload)) = shared else { return };
    // The later one in the file is the one that somebody just wrote.
    let (new, old) = if one.name.span.start > other.name.span.start { (one, other) } else { (other, one) };
    let who = workload.map_or_else(|| "every workload".to_owned(), |name| format!("workload {}", quote(name)));
    let message = format!("conduits {} and {} overlap", quote(old.name.value), quote(new.name.value));
    let text = format!("{who} of zone {} to {} for {}", quote(zone), quote(new.to), quote(purpose));
    let problem = report
        .problem(Code::ConduitOverlap, new.name.span.clone(), message)
        .here(text)
        .also(old.name.span.clone(), "and here");
    report.add(problem.help("let `workloads` or `purposes` tell the two apart, or make them one"));
}

fn reroute(file: &Node<'_>, path: &Path<'_>, paths: &[Path<'_>], scale: &Scale, report: &mut Report) {
    let Some(table) = path.node.table("reroute") else { return };
    let Some(target) = table.text("to") else { return };
    let place = &path.node.place;
    if target.value == path.to {
        let message = format!("{place} reroutes to the provider that it leads to anyway");
        return report.add(
            report.problem(Code::Reroute, target.span, message).help("name another provider, or remove `reroute`"),
        );
    }
    let (Some(here), Some(there)) = (file.entry("providers", path.to), file.entry("providers", target.value)) else {
        return;
    };
    if let (Some(own), Some(other)) = (here.text("dialect"), there.text("dialect"))
        && own.value != other.value
    {
        let message = format!("{place} reroutes from dialect {} to dialect {}", quote(own.value), quote(other.value));
        let problem = report.problem(Code::Reroute, target.span.clone(), message).also(other.span, "its dialect");
        report.add(problem.help("nothing is translated between dialects: reroute to a provider that speaks the same"));
    }
    let leads = |zone: &str, purpose: &str, other: &&Path<'_>| {
        other.to == target.value
            && other.from.contains(zone)
            && other.purposes.contains(purpose)
            && (other.everyone || path.workloads.is_empty() || !other.workloads.is_disjoint(&path.workloads))
    };
    let mut ways: Vec<&Path<'_>> = Vec::new();
    for zone in &path.from {
        for purpose in &path.purposes {
            let Some(way) = paths.iter().find(|other| leads(zone, purpose, other)) else {
                let message = format!(
                    "{place} reroutes to {}, and no conduit leads there from zone {} for {}",
                    there.place,
                    quote(zone),
                    quote(purpose)
                );
                let help =
                    "a reroute needs a conduit of its own, with its owner and approver: add one, or remove `reroute`";
                return report.add(
                    report
                        .problem(Code::Reroute, target.span.clone(), message)
                        .also(there.span, "the target")
                        .help(help),
                );
            };
            ways.push(way);
        }
    }
    let capacity = |node: &Node<'_>, provider: &Node<'_>| -> Option<Sensitivity> {
        Some(scale.step(node.text("ceiling")?.value)?.min(scale.step(provider.text("clearance")?.value)?))
    };
    let own = capacity(&path.node, &here);
    if own.is_some() && ways.iter().all(|way| capacity(&way.node, &there).is_some_and(|other| Some(other) <= own)) {
        let message = format!("{place} reroutes to {}, which carries nothing more sensitive", there.place);
        let help = "raise the ceiling of the conduit there and the provider's clearance, or remove `reroute`";
        report.add(report.problem(Code::Unused, target.span, message).help(help));
    }
}
