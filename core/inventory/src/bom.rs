//! A bill of materials of CycloneDX 1.5 to 1.7 as components of a plant file, and back as one of 1.6 (ECMA-424).
//!
//! A bill comes from suppliers: it is read within bounds, and nothing of it is taken that the plant file has no place for. What it
//! says of owner, update process and isolation plan is only read where Penstock wrote it.

mod write;

pub use write::{About, export};

use crate::fragment::tamed;
use crate::{Component, ComponentKind, ComponentName};
use plant::Wildcard;
use serde_json::Value;
use std::collections::BTreeMap;

/// Largest bill that is read.
pub const MOST_BYTES: usize = 16 << 20;
/// Most components of a bill, how deep they may stand in each other, and the longest text that is taken of one.
const MOST: usize = 4_096;
const DEEPEST: usize = 16;
const LONGEST: usize = 1_024;
/// Most hashes, names and licences of a component.
const MOST_INNER: usize = 64;
/// What our own properties begin with.
const OURS: &str = "penstock:";

/// Why a bill of materials cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BomError {
    /// It is longer than [`MOST_BYTES`].
    #[error("the bill of materials has more than 16 MiB")]
    TooLong,
    /// It is no JSON, or nested too deep to be read.
    #[error("the bill of materials is no JSON: line {line}, column {column}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It is JSON and no bill of CycloneDX.
    #[error("it is no bill of materials of CycloneDX: `bomFormat` does not say so")]
    Format,
    /// It has another version.
    #[error("CycloneDX 1.5, 1.6 and 1.7 are read, and `specVersion` says another")]
    Version,
    /// It has too many components.
    #[error("the bill of materials has more than 4096 components")]
    TooMany,
    /// Its components stand too deep in each other.
    #[error("components stand in each other more than 16 deep")]
    TooDeep,
    /// Something stands where something else should.
    #[error("`{0}` is not what CycloneDX says it is")]
    Shape(&'static str),
}

/// What a bill of materials says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// What can be declared.
    pub components: Vec<Component>,
    /// How many there are of types that the plant file has no kind for.
    pub left_out: BTreeMap<String, usize>,
}

/// Reads a bill of materials.
///
/// # Errors
/// If it is none, or larger than bills are read.
pub fn read(bytes: &[u8]) -> Result<Parsed, BomError> {
    if bytes.len() > MOST_BYTES {
        return Err(BomError::TooLong);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bill: Value =
        serde_json::from_slice(bytes).map_err(|error| BomError::Json { line: error.line(), column: error.column() })?;
    if bill.get("bomFormat").and_then(Value::as_str) != Some("CycloneDX") {
        return Err(BomError::Format);
    }
    if !matches!(bill.get("specVersion").and_then(Value::as_str), Some("1.5" | "1.6" | "1.7")) {
        return Err(BomError::Version);
    }
    let mut reading = Reading::default();
    if let Some(own) = bill.get("metadata").and_then(|metadata| metadata.get("component")) {
        reading.component(own, 0)?;
    }
    for own in list(&bill, "components")? {
        reading.component(own, 0)?;
    }
    for own in list(&bill, "services")? {
        reading.service(own)?;
    }
    Ok(reading.parsed)
}

#[derive(Default)]
struct Reading {
    parsed: Parsed,
    /// Each name that is taken, and up to which number others like it are.
    names: BTreeMap<String, usize>,
    count: usize,
}

impl Reading {
    fn component(&mut self, own: &Value, depth: usize) -> Result<(), BomError> {
        if depth > DEEPEST {
            return Err(BomError::TooDeep);
        }
        self.counted()?;
        let kind = text(own, "type").ok_or(BomError::Shape("type"))?;
        let name = text(own, "name").ok_or(BomError::Shape("name"))?;
        // What Penstock wrote says what it is: several kinds have one type, and some have tables of their own.
        let own_kind = property(own, "kind");
        match own_kind.as_deref().map_or_else(|| kind_of(&kind), declared) {
            None => *self.parsed.left_out.entry(cut(own_kind.as_deref().unwrap_or(&kind), 32)).or_default() += 1,
            Some(kind) => self.take(kind, &name, own)?,
        }
        for inner in list(own, "components")? {
            self.component(inner, depth + 1)?;
        }
        Ok(())
    }

    /// What joins a plant to AI from outside is a service; a provider needs an address and a dialect, which no bill says.
    fn service(&mut self, own: &Value) -> Result<(), BomError> {
        self.counted()?;
        let name = text(own, "name").ok_or(BomError::Shape("name"))?;
        self.take(ComponentKind::Connector, &name, own)
    }

    fn counted(&mut self) -> Result<(), BomError> {
        self.count += 1;
        if self.count > MOST { Err(BomError::TooMany) } else { Ok(()) }
    }

    fn take(&mut self, kind: ComponentKind, name: &str, own: &Value) -> Result<(), BomError> {
        let Some(id) = self.unused(kind, &tamed(name)) else { return Ok(()) };
        let mut component = Component::bare(id);
        component.title = Some(name.to_owned()).filter(|name| name != component.name.id());
        component.version = text(own, "version");
        component.supplier = supplier(own);
        component.licence = licence(own)?;
        component.hashes = hashes(own)?;
        component.purl = text(own, "purl").filter(|purl| Component::is_purl(purl));
        component.governance.owner = property(own, "owner");
        component.governance.update_process = property(own, "update_process");
        component.governance.isolation_plan = property(own, "isolation_plan");
        let wildcards = |name: &str| -> Vec<Wildcard> {
            properties(own, name).into_iter().filter(|one| is_wildcard(one)).map(Wildcard).collect()
        };
        // A star of a supplier's stands for itself, and a name of the plant file has no way to say that.
        let plain =
            || (!name.contains('*') && is_wildcard(name)).then(|| Wildcard(name.to_owned())).into_iter().collect();
        if matches!(kind, ComponentKind::Model | ComponentKind::Library) {
            let called = wildcards("name");
            component.names = if called.is_empty() { plain() } else { called };
            component.versions = wildcards("version");
        }
        if kind == ComponentKind::Model {
            component.provider = property(own, "provider").and_then(|id| id.parse().ok());
        } else if kind != ComponentKind::Library {
            component.workloads = properties(own, "workload").iter().filter_map(|id| id.parse().ok()).collect();
            component.providers = properties(own, "provider").iter().filter_map(|id| id.parse().ok()).collect();
        }
        self.parsed.components.push(component);
        Ok(())
    }

    /// A name that no other component has. The plant file has one table for all kinds.
    fn unused(&mut self, kind: ComponentKind, id: &str) -> Option<ComponentName> {
        let mut own = id.to_owned();
        while self.names.contains_key(&own) {
            // Where thousands have one name, each goes on counting where the one before it ended.
            let count = self.names.entry(id.to_owned()).or_insert(1);
            *count += 1;
            own = format!("{}-{count}", id.get(..id.len().min(88))?);
        }
        self.names.insert(own.clone(), 1);
        ComponentName::new(kind, &own).ok()
    }
}

/// Whether the plant file takes it as a name with stars.
fn is_wildcard(text: &str) -> bool {
    text.len() <= 256 && text.matches('*').count() <= 16
}

fn kind_of(kind: &str) -> Option<ComponentKind> {
    Some(match kind {
        "machine-learning-model" => ComponentKind::Model,
        "library" | "framework" => ComponentKind::Library,
        "container" => ComponentKind::Container,
        "device" | "platform" => ComponentKind::EdgeNode,
        "cryptographic-asset" => ComponentKind::Identity,
        _ => return None,
    })
}

fn declared(name: &str) -> Option<ComponentKind> {
    ComponentKind::DECLARED.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// A text without controls, of bounded length; `None` if it is blank.
fn clean(text: &str) -> Option<String> {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let text: String = plain.take(LONGEST).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn text(own: &Value, key: &str) -> Option<String> {
    own.get(key)?.as_str().and_then(clean)
}

fn list<'a>(own: &'a Value, key: &'static str) -> Result<&'a [Value], BomError> {
    match own.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(BomError::Shape(key)),
    }
}

/// Who made it: what the standard names first counts.
fn supplier(own: &Value) -> Option<String> {
    let organisation = |key: &str| own.get(key).and_then(|one| text(one, "name"));
    let author = || own.get("authors")?.as_array()?.first().and_then(|one| text(one, "name"));
    let first = organisation("supplier").or_else(|| organisation("manufacturer"));
    first
        .or_else(|| organisation("provider"))
        .or_else(|| text(own, "publisher"))
        .or_else(author)
        .or_else(|| text(own, "author"))
}

fn licence(own: &Value) -> Result<Option<String>, BomError> {
    let mut all: Vec<String> = Vec::new();
    for one in list(own, "licenses")?.iter().take(MOST_INNER) {
        let licence = one.get("license");
        let named = licence.and_then(|licence| text(licence, "id").or_else(|| text(licence, "name")));
        all.extend(text(one, "expression").or(named));
    }
    Ok(clean(&all.join(" AND ")))
}

fn hashes(own: &Value) -> Result<Vec<String>, BomError> {
    let mut all = Vec::new();
    for one in list(own, "hashes")?.iter().take(MOST_INNER) {
        let (Some(algorithm), Some(content)) = (text(one, "alg"), text(one, "content")) else {
            return Err(BomError::Shape("hashes"));
        };
        let hash = format!("{}:{}", algorithm.to_ascii_lowercase(), content.to_ascii_lowercase());
        // CycloneDX 1.7 has more, which a bill of 1.6 could not say.
        if !ALGORITHMS.iter().any(|(name, _)| name.eq_ignore_ascii_case(&algorithm)) {
            continue;
        }
        if !is_hash(&hash) {
            return Err(BomError::Shape("hashes"));
        }
        if !all.contains(&hash) {
            all.push(hash);
        }
    }
    Ok(all)
}

/// The algorithms of CycloneDX 1.6 and how many hexadecimal digits each gives.
const ALGORITHMS: [(&str, usize); 12] = [
    ("MD5", 32),
    ("SHA-1", 40),
    ("SHA-256", 64),
    ("SHA-384", 96),
    ("SHA-512", 128),
    ("SHA3-256", 64),
    ("SHA3-384", 96),
    ("SHA3-512", 128),
    ("BLAKE2b-256", 64),
    ("BLAKE2b-384", 96),
    ("BLAKE2b-512", 128),
    ("BLAKE3", 64),
];

impl Component {
    /// Whether a text is a digest: an algorithm of CycloneDX, a colon, lower-case hexadecimal of its length.
    #[must_use]
    pub fn is_hash(text: &str) -> bool {
        is_hash(text)
    }
}

fn is_hash(text: &str) -> bool {
    digest(text).is_some()
}

/// The algorithm, as CycloneDX spells it, and the digest.
fn digest(text: &str) -> Option<(&'static str, &str)> {
    let (algorithm, content) = text.split_once(':')?;
    let (name, length) = ALGORITHMS.iter().find(|(name, _)| name.to_ascii_lowercase() == algorithm)?;
    let fit = content.len() == *length && content.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    fit.then_some((name, content))
}

fn properties(own: &Value, name: &str) -> Vec<String> {
    let all = own.get("properties").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named = all
        .iter()
        .filter(|one| one.get("name").and_then(Value::as_str).and_then(|own| own.strip_prefix(OURS)) == Some(name));
    let mut values: Vec<String> = Vec::new();
    for value in named.filter_map(|one| text(one, "value")).take(MOST_INNER) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

fn property(own: &Value, name: &str) -> Option<String> {
    properties(own, name).into_iter().next()
}

#[cfg(test)]
mod tests;
