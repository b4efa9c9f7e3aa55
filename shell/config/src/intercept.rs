//! `[intercept]`: connections that are taken over, the hosts that lead to providers, and the addresses that stand for workloads.

use crate::node::{At, Node};
use crate::problem::Code;
use crate::report::Report;
use crate::value::{self, quote};
use ipnet::IpNet;
use plant::{ProviderId, WorkloadId};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The `[intercept]` table, with what providers and workloads say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intercept {
    /// Where it is a proxy, spoken to in the clear.
    pub proxy: Vec<SocketAddr>,
    /// Where it is a proxy that is spoken to by TLS.
    pub proxy_tls: Vec<SocketAddr>,
    /// Where the network hands over connections.
    pub transparent: Vec<SocketAddr>,
    /// The authority that issues, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authorities that callers must trust, PEM.
    pub authorities: PathBuf,
    /// Hosts and ports that the file gives providers besides those of their addresses.
    pub hosts: Vec<(String, u16, ProviderId)>,
    /// Hosts whose connections pass unread.
    pub pinned: BTreeSet<String>,
    /// Whether what may be an encrypted `ClientHello` is declined and not refused.
    pub decline_encrypted: bool,
    /// Whether a proxy caller without evidence is asked for some.
    pub challenge: bool,
    /// Addresses that stand for workloads.
    pub callers: Vec<(IpNet, WorkloadId)>,
}

/// Builds the `[intercept]` table, if there is one.
pub(crate) fn build(file: &Node<'_>, folder: &Path, report: &mut Report) -> Option<Intercept> {
    if !file.says("intercept") {
        idle(file, report);
        return None;
    }
    let node = file.table("intercept")?;
    let path = |key| node.text(key).map(|path| folder.join(path.value));
    let sockets = |key| node.reads(key, value::socket);
    let hosts = hosts(file, report);
    let intercept = Intercept {
        proxy: sockets("proxy"),
        proxy_tls: sockets("proxy_tls"),
        transparent: sockets("transparent"),
        certificate: path("certificate")?,
        key: path("key")?,
        authorities: path("authorities")?,
        pinned: pinned(file, &node, report),
        decline_encrypted: node.text("encrypted_hello").is_some_and(|word| word.value == "decline"),
        challenge: node.flag("challenge"),
        callers: callers(file, report),
        hosts,
    };
    if listeners(file).is_empty() {
        let help = "say where: `proxy = [\"10.20.35.10:3128\"]`";
        report.add(report.problem(Code::BadValue, node.span.clone(), "nothing is intercepted anywhere").help(help));
    }
    in_the_clear(&node, report);
    Some(intercept)
}

/// Every address that is listened on.
pub(crate) fn listeners<'a>(file: &Node<'a>) -> Vec<At<&'a str>> {
    let node = file.table("intercept").filter(|_| file.says("intercept"));
    node.iter()
        .flat_map(|node| ["proxy", "proxy_tls", "transparent"].into_iter().flat_map(|key| node.texts(key)))
        .collect()
}

/// What has no effect where nothing is intercepted.
fn idle(file: &Node<'_>, report: &mut Report) {
    for (table, key) in [("providers", "hosts"), ("workloads", "addresses")] {
        for (_, node) in file.tables(table).into_iter().filter(|(_, node)| !node.texts(key).is_empty()) {
            let message =
                format!("`{key}` of {} counts on intercepted connections only, and there are none", node.place);
            let help = "add `[intercept]` with a listener, or remove it";
            report.add(report.problem(Code::Unused, node.span_of(key), message).help(help));
        }
    }
}

/// The hosts that the file gives providers. One host cannot lead to two.
fn hosts(file: &Node<'_>, report: &mut Report) -> Vec<(String, u16, ProviderId)> {
    let mut seen: BTreeMap<(String, u16), Range<usize>> = BTreeMap::new();
    let mut hosts = Vec::new();
    for (name, node) in file.tables("providers") {
        for text in node.texts("hosts") {
            let Ok((host, port)) = value::host(text.value) else { continue };
            if let Some(first) = seen.get(&(host.clone(), port)) {
                let message = format!("two providers want the calls to {}", quote(text.value));
                let problem = report.problem(Code::Duplicate, text.span, message).also(first.clone(), "the other one");
                report.add(problem.help("let the host lead to one of them"));
                continue;
            }
            seen.insert((host.clone(), port), text.span);
            if let Ok(provider) = ProviderId::new(name.value) {
                hosts.push((host, port, provider));
            }
        }
    }
    hosts
}

/// The host of a provider's address, and those that the file gives it.
fn known(node: &Node<'_>) -> BTreeSet<String> {
    let own = node.text("address").and_then(|address| {
        let uri: http::Uri = address.value.parse().ok()?;
        value::host(uri.authority()?.as_str()).ok().map(|(host, _)| host)
    });
    let given = node.texts("hosts").into_iter().filter_map(|text| value::host(text.value).ok().map(|(host, _)| host));
    own.into_iter().chain(given).collect()
}

/// The hosts whose connections pass unread: each a provider's, with a conduit that lets everything there pass unread.
fn pinned(file: &Node<'_>, node: &Node<'_>, report: &mut Report) -> BTreeSet<String> {
    let mut pinned = BTreeSet::new();
    for text in node.texts("pinned") {
        let Ok((host, _)) = value::host(text.value) else { continue };
        let providers = file.tables("providers");
        let of: Vec<&str> =
            providers.iter().filter(|(_, one)| known(one).contains(&host)).map(|(name, _)| name.value).collect();
        if of.is_empty() {
            let message = format!("{} is no provider's host", quote(text.value));
            let help = "declare whose it is: a provider with this host in its `address`, and a conduit to it";
            report.add(report.problem(Code::DanglingName, text.span.clone(), message).help(help));
        } else if !file.tables("conduits").iter().any(|(_, conduit)| opens_all(conduit, &of)) {
            let message =
                format!("no conduit lets connections to {} pass unread, so they are refused", quote(text.value));
            let help =
                "a conduit to its provider with `opaque = [\"/*\"]`, and the highest sensitivity as its ceiling, does";
            report.add(report.problem(Code::Unused, text.span.clone(), message).help(help));
        }
        pinned.insert(host);
    }
    pinned
}

/// Whether a conduit leads to one of these providers, and opens every path of it unread.
fn opens_all(conduit: &Node<'_>, providers: &[&str]) -> bool {
    let leads = conduit.text("to").is_some_and(|to| providers.contains(&to.value));
    leads && conduit.texts("opaque").iter().any(|wildcard| plant::Wildcard(wildcard.value.to_owned()).fits("/*"))
}

/// The addresses that stand for workloads: each in its zone, and none for two.
fn callers(file: &Node<'_>, report: &mut Report) -> Vec<(IpNet, WorkloadId)> {
    let mut callers: Vec<(IpNet, WorkloadId, Range<usize>)> = Vec::new();
    for (name, node) in file.tables("workloads") {
        let Ok(workload) = WorkloadId::new(name.value) else { continue };
        let zone = node.text("zone").and_then(|zone| file.entry("zones", zone.value));
        let networks = zone.map(|zone| zone.reads("networks", value::network)).unwrap_or_default();
        for text in node.texts("addresses") {
            let Ok(network) = value::network(text.value) else { continue };
            if !networks.iter().any(|zone| zone.contains(&network)) {
                let message = format!("{} is not within the zone of {}", quote(text.value), node.place);
                let help = "calls from there are refused as `zone-mismatch`: name addresses of its zone's networks";
                report.add(report.problem(Code::BadValue, text.span.clone(), message).help(help));
            }
            let overlaps = |other: &IpNet| other.contains(&network) || network.contains(other);
            if let Some((_, other, span)) = callers.iter().find(|(own, other, _)| *other != workload && overlaps(own)) {
                let message = format!("{} stands for workload `{other}` too", quote(text.value));
                let problem = report.problem(Code::Duplicate, text.span.clone(), message).also(span.clone(), "here");
                report
                    .add(problem.help("an address proves one workload; let the others show a token or a certificate"));
            }
            callers.push((network, workload.clone(), text.span));
        }
    }
    callers.into_iter().map(|(network, workload, _)| (network, workload)).collect()
}

/// A proxy in the clear shows the workload tokens that it is shown to whoever listens on the way.
fn in_the_clear(node: &Node<'_>, report: &mut Report) {
    for text in node.texts("proxy") {
        if value::socket(text.value).map_or(true, |address| address.ip().is_loopback()) {
            continue;
        }
        let message = format!("the proxy at {} is spoken to in the clear", quote(text.value));
        let help = "what goes through its tunnels is encrypted, but a token in `Proxy-Authorization` is not; `proxy_tls` avoids it";
        report.add(report.problem(Code::Permissive, text.span, message).help(help));
    }
}
