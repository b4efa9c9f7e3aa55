//! `[providers.<provider>]`: AI services and the companies behind them.

use crate::callers::{governance, strings};
use crate::descriptions;
use crate::node::{At, Node};
use crate::problem::Code;
use crate::report::Report;
use crate::value;
use plant::{CredentialReference, Dialect, Grpc, Provider, ProviderId, Scale, Supplier, ZoneId};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// The first step of the gateway's own paths.
const OWN: &str = "penstock";

/// Builds every provider that is whole.
pub(crate) fn build(
    file: &Node<'_>,
    scale: &Scale,
    folder: &Path,
    report: &mut Report,
) -> BTreeMap<ProviderId, Provider> {
    let mut providers = BTreeMap::new();
    for (name, node) in file.tables("providers") {
        in_the_clear(file, &node, report);
        taken(&name, &node, report);
        if let Some(provider) = provider(name.value, &node, scale, folder, report) {
            providers.insert(provider.id.clone(), provider);
        }
    }
    ambiguous(file, report);
    providers
}

fn provider(name: &str, node: &Node<'_>, scale: &Scale, folder: &Path, report: &mut Report) -> Option<Provider> {
    let dialect = descriptions::dialect(node, report);
    let supplier = node.table("supplier")?;
    let grpc = grpc(node, dialect, report);
    Some(Provider {
        id: ProviderId::new(name).ok()?,
        dialect: dialect?,
        address: node.read("address", value::url)?,
        authorities: node.text("authorities").map(|path| folder.join(path.value)),
        credential: credential(node, folder),
        zone: node.read("zone", ZoneId::new)?,
        clearance: scale.step(node.text("clearance")?.value)?,
        grpc,
        supplier: Supplier {
            name: supplier.string("name")?,
            country: supplier.string("country"),
            sub_processors: strings(&supplier, "sub_processors"),
        },
        governance: governance(node),
    })
}

/// How a provider is reached over gRPC, if it is.
fn grpc(node: &Node<'_>, dialect: Option<Dialect>, report: &mut Report) -> Option<Grpc> {
    let own = node.table("grpc").filter(|_| node.says("grpc"))?;
    if dialect.is_some_and(|dialect| dialect != Dialect::Kserve) {
        let message = format!("{} is to be reached over gRPC, and speaks a dialect that has none", node.place);
        let problem = report.problem(Code::BadValue, node.span_of("grpc"), message);
        report.add(problem.also(node.span_of("dialect"), "its dialect").help("only `kserve` is spoken over gRPC"));
        return None;
    }
    let address = node.read("address", value::url)?;
    let uri: http::Uri = address.parse().ok()?;
    let host = uri.host()?;
    let port = own.number::<u16>("port").or_else(|| uri.port_u16());
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let address = format!("{}://{host}{port}", uri.scheme_str()?);
    Some(Grpc { names: own.reads("names", value::host_name), address })
}

/// A call of gRPC names a host and nothing else, so a host must lead to one provider.
fn ambiguous(file: &Node<'_>, report: &mut Report) {
    let mut seen: BTreeMap<Option<String>, Range<usize>> = BTreeMap::new();
    for (_, node) in file.tables("providers") {
        let Some(own) = node.table("grpc").filter(|_| node.says("grpc")) else { continue };
        let mut names: Vec<(Option<String>, Range<usize>)> = Vec::new();
        for text in own.texts("names") {
            names.extend(value::host_name(text.value).ok().map(|name| (Some(name), text.span)));
        }
        if own.texts("names").is_empty() {
            names.push((None, node.span_of("grpc")));
        }
        for (name, span) in names {
            let Some(first) = seen.get(&name) else {
                seen.insert(name, span);
                continue;
            };
            let (message, help) = match &name {
                Some(name) => (
                    format!("two providers want the gRPC calls to {}", value::quote(name)),
                    "let the host lead to one of them",
                ),
                None => (
                    "two providers want the gRPC calls to every host".to_owned(),
                    "give all of them but one `names`, under which callers mean them",
                ),
            };
            let problem = report.problem(Code::Duplicate, span, message).also(first.clone(), "the other one");
            report.add(problem.help(help));
        }
    }
}

fn credential(node: &Node<'_>, folder: &Path) -> Option<CredentialReference> {
    let credential = node.table("credential")?;
    let file = credential.text("file").map(|path| CredentialReference::File(folder.join(path.value)));
    file.or_else(|| credential.string("environment").map(CredentialReference::Environment))
}

/// A provider's name is the first step of its path, and one is the gateway's own.
fn taken(name: &At<&str>, node: &Node<'_>, report: &mut Report) {
    if name.value == OWN {
        let message = format!("{} has the name that the gateway's own paths begin with", node.place);
        report.add(report.problem(Code::BadValue, name.span.clone(), message).help("give it another name"));
    }
}

/// Prompts and credentials in the clear: never beyond the plant, and within it only with open eyes.
fn in_the_clear(file: &Node<'_>, node: &Node<'_>, report: &mut Report) {
    let Some(address) = node.text("address") else { return };
    if value::url(address.value).is_err() || value::is_private(address.value) {
        return;
    }
    let zone = node.text("zone");
    let outside = zone.and_then(|zone| file.entry("zones", zone.value)).filter(|zone| zone.flag("external"));
    if let Some(zone) = outside {
        let message = format!("{} is outside the plant, and would be spoken to in the clear", node.place);
        let problem = report.problem(Code::PlainHttp, address.span, message).also(zone.span, "external zone");
        report.add(
            problem.help("use its `https://` address; with an authority of its own, name that under `authorities`"),
        );
    } else {
        let message = format!("{} is spoken to in the clear", node.place);
        let help = "whoever can listen on that network reads prompts and credential; an `https://` address with `authorities` avoids it";
        report.add(report.problem(Code::Permissive, address.span, message).help(help));
    }
}
