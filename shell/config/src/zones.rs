//! `[zones.<zone>]`: builds zones, and sees that no two claim the same address.

use crate::node::{At, Node};
use crate::problem::Code;
use crate::report::Report;
use crate::value::{self, quote};
use ipnet::IpNet;
use plant::{Criticality, PurdueLevel, SecurityLevels, Zone, ZoneId};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

/// Builds every zone that is whole.
pub(crate) fn build(file: &Node<'_>, report: &mut Report) -> BTreeMap<ZoneId, Zone> {
    let zones = file.tables("zones");
    for (_, node) in &zones {
        contradiction(node, report);
    }
    overlaps(&zones, report);
    zones.iter().filter_map(|(name, node)| zone(name.value, node)).map(|zone| (zone.id.clone(), zone)).collect()
}

fn zone(name: &str, node: &Node<'_>) -> Option<Zone> {
    let external = node.flag("external");
    Some(Zone {
        id: ZoneId::new(name).ok()?,
        title: node.string("title"),
        networks: node.reads("networks", value::network),
        // Of a cloud the plant knows neither level nor target; it is beyond the enterprise, and trusted with nothing.
        level: node.level("level").or(external.then_some(PurdueLevel::Enterprise))?,
        target: if external && !node.says("sl_t") {
            SecurityLevels::new([0; 7])?
        } else {
            target(&node.table("sl_t")?)?
        },
        criticality: match node.text("criticality") {
            Some(text) => Criticality::NAMES.iter().find(|(name, _)| *name == text.value)?.1,
            None => external.then_some(Criticality::Low)?,
        },
        owner: node.string("owner")?,
    })
}

fn target(node: &Node<'_>) -> Option<SecurityLevels> {
    let mut levels = [0; 7];
    for (level, requirement) in levels.iter_mut().zip(SecurityLevels::REQUIREMENTS) {
        *level = node.number(requirement)?;
    }
    SecurityLevels::new(levels)
}

fn contradiction(node: &Node<'_>, report: &mut Report) {
    if node.flag("external") && node.says("networks") {
        let message = format!("{} is external and has networks", node.place);
        let problem = report
            .problem(Code::BadValue, node.span_of("networks"), message)
            .also(node.span_of("external"), "external here");
        report.add(problem.help("an external zone is where calls go, not where they come from: remove one of the two"));
    }
}

/// A network, who claims it, and where that stands.
struct Claim<'a> {
    network: IpNet,
    zone: &'a str,
    span: Range<usize>,
}

/// Reports networks that lie within another. Two CIDR blocks are either apart or one holds the other, so after
/// sorting by first address and size a stack of the blocks that are still open finds every overlap.
fn overlaps<'a>(zones: &[(At<&'a str>, Node<'a>)], report: &mut Report) {
    let mut claims: Vec<Claim<'a>> = Vec::new();
    for (name, node) in zones {
        for text in node.texts("networks") {
            let Ok(network) = value::network(text.value) else { continue };
            wide(network, &text, node, report);
            claims.push(Claim { network, zone: name.value, span: text.span });
        }
    }
    claims.sort_by_key(|claim| (claim.network.network(), claim.network.prefix_len(), claim.span.start));
    let mut open: Vec<&Claim<'_>> = Vec::new();
    for claim in &claims {
        if report.is_full() {
            return;
        }
        open.retain(|outer| outer.network.contains(&claim.network));
        let other = open.iter().rev().find(|outer| outer.zone != claim.zone);
        if let Some(outer) = other {
            report_overlap(outer, claim, report);
        } else if let Some(outer) = open.last()
            && outer.network != claim.network
        {
            let message = format!("`{}` lies within `{}` of the same zone", claim.network, outer.network);
            report.add(
                report
                    .problem(Code::Unused, claim.span.clone(), message)
                    .also(outer.span.clone(), "holds it")
                    .help("remove it"),
            );
        }
        open.push(claim);
    }
}

fn report_overlap(outer: &Claim<'_>, inner: &Claim<'_>, report: &mut Report) {
    // The later one in the file is the one that somebody just wrote.
    let (new, old) = if inner.span.start > outer.span.start { (inner, outer) } else { (outer, inner) };
    let message = format!("networks of zones {} and {} overlap", quote(old.zone), quote(new.zone));
    let problem = report
        .problem(Code::NetworkOverlap, new.span.clone(), message)
        .here(format!("`{}` of {}", new.network, quote(new.zone)))
        .also(old.span.clone(), format!("`{}` of {}", old.network, quote(old.zone)));
    let help = if outer.network == inner.network {
        format!("give `{}` to one of the two zones", inner.network)
    } else {
        format!(
            "an address must belong to one zone: divide `{}` into the networks around `{}`, or put both under one zone",
            outer.network, inner.network
        )
    };
    report.add(problem.help(help));
}

fn wide(network: IpNet, text: &At<&str>, node: &Node<'_>, report: &mut Report) {
    let narrow = match network.network() {
        IpAddr::V4(_) => 8,
        IpAddr::V6(_) => 16,
    };
    if network.prefix_len() < narrow {
        let message = format!("{} claims a large part of all addresses: `{network}`", node.place);
        let help = "a zone is proved by the network that a call comes from; list the networks that it really has";
        report.add(report.problem(Code::Permissive, text.span.clone(), message).help(help));
    }
}
