//! The inventory as a bill of materials: CycloneDX 1.6, with models as an ML-BOM has them.

use super::{OURS, digest};
use crate::{Component, ComponentKind, Row};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Whose bill it is.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// The site.
    pub plant: &'a str,
    /// Its serial number: a UUID.
    pub serial: &'a str,
    /// Who answers for it: an e-mail address or a URL.
    pub contact: Option<&'a str>,
    /// SHA-256 of the plant file, in hexadecimal: the version of what it is of.
    pub digest: &'a str,
    /// When it was made, as RFC 3339 has it.
    pub time: &'a str,
    /// The version of Penstock that made it.
    pub version: &'a str,
}

/// The inventory as CycloneDX 1.6, as JSON.
#[must_use]
pub fn export(rows: &[Row], about: &About<'_>) -> String {
    // A provider is no `service` here: those have neither package URL nor digest, which inventories are asked for.
    let components: Vec<Value> = rows.iter().filter(|row| is_listed(row)).map(component).collect();
    let own = json!({
        "type": "application",
        "bom-ref": "plant",
        "name": about.plant,
        "version": about.digest,
        "description": "The AI components of a plant",
        "purl": format!("pkg:generic/{}@{}", encoded(about.plant), encoded(about.digest)),
        "supplier": organisation(about.plant, about.contact),
        "licenses": [{ "license": { "name": "not distributed" } }],
        "externalReferences": references(about.contact),
    });
    let metadata = json!({
        "timestamp": about.time,
        "lifecycles": [{ "phase": "operations" }],
        "tools": { "components": [{ "type": "application", "name": "penstock", "version": about.version }] },
        "manufacturer": organisation(about.plant, about.contact),
        "component": own,
    });
    let listed: Vec<String> = rows.iter().filter(|row| is_listed(row)).map(Row::title).collect();
    let bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", about.serial),
        "version": 1,
        "metadata": metadata,
        "components": components,
        "dependencies": dependencies(rows),
        // What a component is made of is its supplier's to say.
        "compositions": [
            { "aggregate": "incomplete", "assemblies": ["plant"], "dependencies": listed },
        ],
    });
    format!("{bill:#}\n")
}

/// The plant as an organisation.
fn organisation(plant: &str, contact: Option<&str>) -> Value {
    match contact {
        Some(contact) if contact.contains("://") => json!({ "name": plant, "url": [contact] }),
        Some(contact) => json!({ "name": plant, "contact": [{ "email": contact }] }),
        None => json!({ "name": plant }),
    }
}

/// Where to tell of a weakness.
fn references(contact: Option<&str>) -> Vec<Value> {
    let url = |contact: &str| if contact.contains("://") { contact.to_owned() } else { format!("mailto:{contact}") };
    contact.map(|contact| json!({ "type": "security-contact", "url": url(contact) })).into_iter().collect()
}

/// A text as a part of a package URL.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// An endpoint is a part of its provider, and an address is no component that anybody ships.
fn is_listed(row: &Row) -> bool {
    !matches!(row.kind, ComponentKind::Endpoint | ComponentKind::Caller)
}

/// The package URL that is declared, or one that says no more than the name.
fn purl(row: &Row) -> String {
    let declared = row.component.as_ref().and_then(|one| one.purl.clone());
    declared.unwrap_or_else(|| {
        let version = version(row).map(|version| format!("@{}", encoded(version))).unwrap_or_default();
        format!("pkg:generic/{}/{}{version}", row.kind.name(), encoded(&row.name))
    })
}

fn component(row: &Row) -> Value {
    let kind = match row.kind {
        ComponentKind::Model => "machine-learning-model",
        ComponentKind::Library => "library",
        ComponentKind::Container => "container",
        ComponentKind::EdgeNode => "device",
        ComponentKind::Provider => "platform",
        ComponentKind::Identity => "data",
        _ => "application",
    };
    let mut own = common(row);
    own.insert("type".to_owned(), kind.into());
    own.insert("purl".to_owned(), purl(row).into());
    let declared = row.component.as_ref();
    if let Some(version) = version(row) {
        own.insert("version".to_owned(), version.into());
    }
    if let Some(supplier) = declared.and_then(|one| one.supplier.as_deref()) {
        own.insert("supplier".to_owned(), json!({ "name": supplier }));
    }
    let hashes = declared.map(|one| one.hashes.as_slice()).unwrap_or_default().iter().filter_map(|hash| digest(hash));
    let hashes: Vec<Value> =
        hashes.map(|(algorithm, content)| json!({ "alg": algorithm, "content": content })).collect();
    if !hashes.is_empty() {
        own.insert("hashes".to_owned(), hashes.into());
    }
    if row.kind == ComponentKind::Model {
        let users: Vec<&String> = row.seen.iter().flat_map(|seen| &seen.workloads).collect();
        own.insert("modelCard".to_owned(), json!({ "considerations": { "users": users } }));
    }
    Value::Object(own)
}

fn common(row: &Row) -> Map<String, Value> {
    let mut own = Map::new();
    let declared = row.component.as_ref();
    own.insert("bom-ref".to_owned(), row.title().into());
    let title = declared.and_then(|one| one.title.as_deref());
    own.insert("name".to_owned(), row.name.as_str().into());
    if let Some(title) = title {
        own.insert("description".to_owned(), title.into());
    }
    if let Some(licence) = declared.and_then(|one| one.licence.as_deref()) {
        let one = if is_expression(licence) {
            json!({ "expression": licence })
        } else {
            json!({ "license": { "name": licence } })
        };
        own.insert("licenses".to_owned(), json!([one]));
    }
    own.insert("properties".to_owned(), properties(row).into());
    own
}

/// The version that is declared, or else the only one that was seen of a library.
fn version(row: &Row) -> Option<&str> {
    let declared = row.component.as_ref().and_then(|one| one.version.as_deref());
    let mut seen = row.seen.iter().flat_map(|seen| seen.versions.keys());
    let only = match (seen.next(), seen.next()) {
        (Some(only), None) => Some(only.as_str()),
        _ => None,
    };
    declared.or(only)
}

/// Whether a text has the form of an SPDX licence expression.
fn is_expression(text: &str) -> bool {
    let plain = |word: &str| word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.+():".contains(&b));
    let joined =
        |(at, word): (usize, &str)| if at % 2 == 1 { matches!(word, "AND" | "OR" | "WITH") } else { plain(word) };
    let words: Vec<&str> = text.split(' ').collect();
    words.len() % 2 == 1 && words.into_iter().enumerate().all(joined)
}

fn properties(row: &Row) -> Vec<Value> {
    let mut all: Vec<(&str, String)> =
        vec![("kind", row.kind.name().to_owned()), ("drift", row.drift.name().to_owned())];
    all.extend(row.state.map(|state| ("state", state.name().to_owned())));
    if let Some(component) = &row.component {
        declared(component, &mut all);
    }
    if let Some(seen) = &row.seen {
        all.push(("first_seen", seen.span.first.to_string()));
        all.push(("last_seen", seen.span.last.to_string()));
        all.push(("calls", seen.span.calls.to_string()));
        all.push(("refused", seen.span.refused.to_string()));
        all.extend(seen.versions.keys().map(|version| ("version_seen", version.clone())));
    }
    all.extend(row.told().into_iter().map(|why| ("why", why)));
    all.into_iter().map(|(name, value)| json!({ "name": format!("{OURS}{name}"), "value": value })).collect()
}

fn declared(component: &Component, all: &mut Vec<(&'static str, String)>) {
    let governance = &component.governance;
    for (name, value) in [
        ("owner", &governance.owner),
        ("update_process", &governance.update_process),
        ("isolation_plan", &governance.isolation_plan),
    ] {
        all.extend(value.clone().map(|value| (name, value)));
    }
    all.extend(component.names.iter().map(|one| ("name", one.0.clone())));
    all.extend(component.versions.iter().map(|one| ("version", one.0.clone())));
    all.extend(component.provider.iter().map(|one| ("provider", one.to_string())));
    all.extend(component.workloads.iter().map(|one| ("workload", one.to_string())));
    all.extend(component.providers.iter().map(|one| ("provider", one.to_string())));
}

/// What uses what: a workload what its calls were seen to use, a model its provider, and the plant its workloads.
fn dependencies(rows: &[Row]) -> Vec<Value> {
    let listed = |row: &&Row| is_listed(row);
    let on = |row: &Row| -> BTreeSet<String> {
        let uses = |other: &&Row| match row.kind {
            ComponentKind::Workload => other.seen.iter().any(|seen| seen.workloads.contains(&row.name)),
            ComponentKind::Model => {
                let own = row.component.as_ref().and_then(|one| one.provider.as_ref());
                let own = own.map(plant::ProviderId::as_str).or_else(|| row.name.split_once('/').map(|(id, _)| id));
                other.kind == ComponentKind::Provider && own == Some(other.name.as_str())
            }
            _ => false,
        };
        rows.iter().filter(listed).filter(uses).map(Row::title).collect()
    };
    let workloads = rows.iter().filter(|row| row.kind == ComponentKind::Workload).map(Row::title).collect::<Vec<_>>();
    let root = json!({ "ref": "plant", "dependsOn": workloads });
    let each = rows.iter().filter(listed).map(|row| json!({ "ref": row.title(), "dependsOn": on(row) }));
    std::iter::once(root).chain(each).collect()
}
