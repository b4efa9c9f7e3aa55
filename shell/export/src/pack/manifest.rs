//! The manifest: what is in a pack, what was asked for, and how many records fitted. The note beside it signs its hash.
//!
//! The first line of the note is no origin and the second no number, so that it can never be taken for a checkpoint, which
//! the same key signs.

use super::redaction::Redaction;
use super::sample::{METHOD, Sample};
use super::stamps::FILES_LIMIT;
use super::{BYTES_LIMIT, FIXED, MANIFEST, NOTE, RECORDS_LIMIT, REDACTED, is_name};
use ledger::Checkpoint;
use plant::{
    ConduitId, Judgement, Kind, Millis, OperatorId, ProviderId, Reason, RecordId, Verdict, Wildcard, WorkloadId, ZoneId,
};
use seal::{base64, hex, sha256, unhex};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use store::{Filter, Incident};

/// Longest manifest: a line of some 140 bytes for each proof.
pub(super) const MANIFEST_LIMIT: u64 = 32 << 20;
const FIRST_LINE: &str = "penstock evidence pack v1";
const VERSION: u64 = 1;

/// Size and SHA-256 of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Manifest {
    pub(super) head: Checkpoint,
    pub(super) filter: Map<String, Value>,
    pub(super) population: u64,
    pub(super) records: u64,
    pub(super) sample: Option<Sample>,
    pub(super) redaction: Option<Redaction>,
    pub(super) made: String,
    pub(super) files: BTreeMap<String, Measure>,
}

impl Manifest {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let files: Vec<Value> = self
            .files
            .iter()
            .map(|(name, Measure { size, sha256 })| json!({ "name": name, "sha256": hex(sha256), "size": size }))
            .collect();
        let mut value = json!({
            "by": format!("penstock {}", env!("CARGO_PKG_VERSION")),
            "files": files,
            "filter": self.filter,
            "head": { "origin": self.head.origin, "root": base64(&self.head.root), "size": self.head.size },
            "made": self.made,
            "population": self.population,
            "records": self.records,
            "version": VERSION,
        });
        if let (Some(members), Some(sample)) = (value.as_object_mut(), &self.sample) {
            let sample = json!({ "method": METHOD, "seed": sample.seed(), "size": sample.size() });
            members.insert("sample".to_owned(), sample);
        }
        if let (Some(members), Some(redaction)) = (value.as_object_mut(), self.redaction) {
            members.insert("redaction".to_owned(), redaction.to_value());
        }
        let mut bytes = serde_json::to_vec_pretty(&value).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a manifest from any source; says what is wrong with it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let value: Value = serde_json::from_slice(bytes).map_err(|_| "is not JSON")?;
        let number = |name: &str| value.get(name).and_then(Value::as_u64).ok_or("lacks a count");
        if number("version")? != VERSION {
            return Err("is of another version");
        }
        let sample = match value.get("sample") {
            None => None,
            Some(sample) if sample.get("method").and_then(Value::as_str) == Some(METHOD) => {
                let size = sample.get("size").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
                let seed = sample.get("seed").and_then(Value::as_str);
                let (size, seed) = size.zip(seed).ok_or("has a malformed sample")?;
                Some(Sample::new(size, seed).map_err(|_| "has a malformed sample")?)
            }
            Some(_) => return Err("names a method of sampling that is not known"),
        };
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let records = number("records")?;
        let redaction = match value.get("redaction") {
            None => None,
            Some(redaction) => Some(
                Redaction::parse(redaction, records)
                    .ok_or("has a malformed redaction, or one by a profile that is not known")?,
            ),
        };
        let files = files(value.get("files").and_then(Value::as_array).ok_or("lists no files")?)?;
        if files.contains_key(REDACTED) != redaction.is_some() {
            return Err("names a redaction without its file, or the file without it");
        }
        Ok(Self {
            head: value.get("head").and_then(head).ok_or("names no head")?,
            filter: value.get("filter").and_then(Value::as_object).ok_or("names no filter")?.clone(),
            population: number("population")?,
            records,
            sample,
            redaction,
            made: text("made").filter(|made| Millis::parse(made).is_some()).ok_or("does not say when it was made")?,
            files,
        })
    }

    /// What the note signs.
    pub(super) fn text(origin: &str, manifest: &[u8]) -> String {
        format!("{FIRST_LINE}\n{origin}\nsha256 {}\n", hex(&sha256(manifest)))
    }
}

fn head(value: &Value) -> Option<Checkpoint> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let size = value.get("size").and_then(Value::as_u64)?;
    Checkpoint::parse(&format!("{}\n{size}\n{}\n", text("origin")?, text("root")?)).ok()
}

fn files(list: &[Value]) -> Result<BTreeMap<String, Measure>, &'static str> {
    let (mut files, mut total) = (BTreeMap::new(), 0_u64);
    if list.len() > RECORDS_LIMIT + FIXED.len() + FILES_LIMIT {
        return Err("lists too many files");
    }
    for file in list {
        let text = |name: &str| file.get(name).and_then(Value::as_str);
        let name = text("name").filter(|name| is_name(name) && ![MANIFEST, NOTE].contains(name));
        let name = name.ok_or("lists a file that no pack has")?;
        let sha256 = text("sha256").and_then(unhex).and_then(|hash| <[u8; 32]>::try_from(hash).ok());
        let size = file.get("size").and_then(Value::as_u64);
        let (sha256, size) = sha256.zip(size).ok_or("lists a file without its size and hash")?;
        total = total.saturating_add(size);
        if files.insert(name.to_owned(), Measure { size, sha256 }).is_some() {
            return Err("lists a file twice");
        }
    }
    if total > BYTES_LIMIT { Err("lists files of more than 8 GiB") } else { Ok(files) }
}

/// What was asked for, in the words of the command line.
pub(super) fn filter(filter: &Filter) -> Map<String, Value> {
    let Filter {
        since,
        until,
        kind,
        zone,
        conduit,
        workload,
        operator,
        provider,
        model,
        verdict,
        reason,
        sensitivity,
        judgement,
        id,
        incident,
    } = filter;
    let all = [
        ("since", since.map(|time| time.to_string())),
        ("until", until.map(|time| time.to_string())),
        ("kind", kind.map(|kind| kind.name().to_owned())),
        ("zone", zone.as_ref().map(ToString::to_string)),
        ("conduit", conduit.as_ref().map(ToString::to_string)),
        ("workload", workload.as_ref().map(ToString::to_string)),
        ("operator", operator.as_ref().map(ToString::to_string)),
        ("provider", provider.as_ref().map(ToString::to_string)),
        ("model", model.as_ref().map(|model| model.0.clone())),
        ("verdict", verdict.map(|verdict| verdict.name().to_owned())),
        ("reason", reason.map(|reason| reason.code().to_owned())),
        ("sensitivity", sensitivity.clone()),
        ("decision", judgement.map(|judgement| judgement.name().to_owned())),
        ("id", id.map(|id| id.to_string())),
        ("incident", incident.as_ref().map(|incident| incident.record().to_string())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?)))).collect()
}

/// Reads what [`filter`] writes; `None` if it is anything else, or of a later version.
pub(super) fn read_filter(asked: &Map<String, Value>) -> Option<Filter> {
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    let read = Filter {
        since: text("since").and_then(Millis::parse),
        until: text("until").and_then(Millis::parse),
        kind: text("kind").and_then(|kind| named(&Kind::NAMES, kind)),
        zone: text("zone").and_then(|zone| ZoneId::new(zone).ok()),
        conduit: text("conduit").and_then(|conduit| ConduitId::new(conduit).ok()),
        workload: text("workload").and_then(|workload| WorkloadId::new(workload).ok()),
        operator: text("operator").and_then(|operator| OperatorId::new(operator).ok()),
        provider: text("provider").and_then(|provider| ProviderId::new(provider).ok()),
        model: text("model").map(|model| Wildcard(model.to_owned())),
        verdict: text("verdict").and_then(|verdict| named(&Verdict::NAMES, verdict)),
        reason: text("reason").and_then(Reason::named),
        sensitivity: text("sensitivity").map(str::to_owned),
        judgement: text("decision").and_then(Judgement::named),
        id: text("id").and_then(RecordId::parse),
        incident: text("incident").and_then(RecordId::parse).map(Incident::about),
    };
    // What was not understood would let too much pass.
    (filter(&read) == *asked).then_some(read)
}

fn named<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
    names.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}
