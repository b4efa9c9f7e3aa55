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
        for row in path.node.rows("fallback") {
            falls_back(file, path, &row, &paths, scale, report);
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
    let ways = match ways(path, target.value, paths) {
        Ok(ways) => ways,
        Err((zone, purpose)) => {
            let (zone, purpose) = (quote(zone), quote(purpose));
            let message = format!(
                "{place} reroutes to {}, and no conduit leads there from zone {zone} for {purpose}",
                there.place
            );
            let help =
                "a reroute needs a conduit of its own, with its owner and approver: add one, or remove `reroute`";
            let problem = report.problem(Code::Reroute, target.span, message).also(there.span, "the target");
            return report.add(problem.help(help));
        }
    };
    let capacity = |node: &Node<'_>, provider: &Node<'_>| capacity(node, provider, scale);
    let own = capacity(&path.node, &here);
    if own.is_some() && ways.iter().all(|way| capacity(&way.node, &there).is_some_and(|other| Some(other) <= own)) {
        let message = format!("{place} reroutes to {}, which carries nothing more sensitive", there.place);
        let help = "raise the ceiling of the conduit there and the provider's clearance, or remove `reroute`";
        report.add(report.problem(Code::Unused, target.span, message).help(help));
    }
}

/// The most sensitive content that a conduit carries to a provider.
fn capacity(node: &Node<'_>, provider: &Node<'_>, scale: &Scale) -> Option<Sensitivity> {
    Some(scale.step(node.text("ceiling")?.value)?.min(scale.step(provider.text("clearance")?.value)?))
}

/// The conduits that lead to another provider from each zone and for each purpose of a path; or the zone and purpose for which
/// none does.
fn ways<'p, 'a>(path: &Path<'a>, target: &str, paths: &'p [Path<'a>]) -> Result<Vec<&'p Path<'a>>, (&'a str, &'a str)> {
    let leads = |zone: &str, purpose: &str, other: &&Path<'_>| {
        other.to == target
            && other.from.contains(zone)
            && other.purposes.contains(purpose)
            && (other.everyone || path.workloads.is_empty() || !other.workloads.is_disjoint(&path.workloads))
    };
    let asked = path.from.iter().flat_map(|zone| path.purposes.iter().map(move |purpose| (*zone, *purpose)));
    asked.map(|(zone, purpose)| paths.iter().find(|one| leads(zone, purpose, one)).ok_or((zone, purpose))).collect()
}

/// An entry of `fallback` that asks another provider.
fn falls_back(
    file: &Node<'_>,
    path: &Path<'_>,
    row: &Node<'_>,
    paths: &[Path<'_>],
    scale: &Scale,
    report: &mut Report,
) {
    let Some(target) = row.text("to") else { return };
    let place = &path.node.place;
    if target.value == path.to {
        let message = format!("{place} falls back to the provider that has failed");
        let help = "name another provider; what provably was not processed is sent again without being told to";
        return report.add(report.problem(Code::Fallback, target.span, message).help(help));
    }
    let (Some(here), Some(there)) = (file.entry("providers", path.to), file.entry("providers", target.value)) else {
        return;
    };
    if let (Some(own), Some(other)) = (here.text("dialect"), there.text("dialect"))
        && own.value != other.value
    {
        let message = format!("{place} falls back from dialect {} to dialect {}", quote(own.value), quote(other.value));
        let problem = report.problem(Code::Fallback, target.span, message).also(other.span, "its dialect");
        let help =
            "nothing is translated between dialects: name a provider that speaks the same, or give a fixed `answer`";
        return report.add(problem.help(help));
    }
    let twice = path.node.rows("fallback").into_iter().filter_map(|row| row.text("to"));
    if let Some(first) =
        twice.into_iter().find(|other| other.value == target.value && other.span.start < target.span.start)
    {
        let message = format!("{place} falls back to {} twice", there.place);
        let problem = report.problem(Code::Unused, target.span.clone(), message).also(first.span, "the first time");
        report.add(problem.help("what failed a moment ago fails again: remove one of the two"));
    }
    let ways = match ways(path, target.value, paths) {
        Ok(ways) => ways,
        Err((zone, purpose)) => {
            let (zone, purpose) = (quote(zone), quote(purpose));
            let message = format!(
                "{place} falls back to {}, and no conduit leads there from zone {zone} for {purpose}",
                there.place
            );
            let help = "another provider needs a conduit of its own, with its owner and approver: add one, or remove the entry";
            let problem = report.problem(Code::Fallback, target.span, message).also(there.span, "the target");
            return report.add(problem.help(help));
        }
    };
    let own = capacity(&path.node, &here, scale);
    if let Some(less) = ways.iter().find(|way| capacity(&way.node, &there, scale) < own) {
        let message = format!("{place} falls back to {}, which carries less than it", there.place);
        let problem =
            report.problem(Code::LessThere, target.span, message).also(less.name.span.clone(), "carries less");
        report.add(problem.help(
            "calls that are more sensitive go on to the next entry; raise that conduit's ceiling if they should not",
        ));
    }
}
