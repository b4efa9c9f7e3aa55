//! Redaction: records whose bytes stay at home. Their leaf hashes travel instead, so that place, number and proof stay.
//!
//! ```text
//! record, profile -> records.ndjson                 the bytes, which the proof proves
//!                 -> redacted.ndjson {claimed, leaf, seq}   the leaf hash, which the proof proves, and what the exporter says
//! ```
//!
//! A hash binds a whole record; no field of it can be shown and proved alone. What is said of a redacted record beside its hash is
//! the exporter's word, and every verifier calls it that.
//!
//! The hash must not become a way to try out who it was: a reader who knows all of a record but the person could hash it with
//! each of fifty names. So `claimed` never holds what else makes a record impossible to guess: the identity with its 74
//! random bits, the commitments under the plant's key, the references to other records.

use super::RECORDS_LIMIT;
use ledger::entry::check_form;
use ledger::{Entry, Hash, leaf_hash};
use plant::Kind;
use seal::{hex, unhex};
use serde_json::{Map, Value, json};
use store::{Filter, Record};

/// What of a ledger may leave in a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// No record that names a person or their device: those with `who.operator`, `who.workstation` or a pseudonym anywhere, and every
    /// kind whose notes may hold a name. What is left says of them is said without who.
    Persons,
    /// No record at all: hashes, numbers and proofs.
    All,
}

/// The kinds of record whose notes name nobody but under [`NAMED`]. A kind that comes later is redacted until it is put here.
const NAMELESS: [Kind; 12] = [
    Kind::Genesis,
    Kind::Boot,
    Kind::Intent,
    Kind::Outcome,
    Kind::Refuse,
    Kind::Abandon,
    Kind::Beat,
    Kind::Key,
    Kind::Policy,
    Kind::Config,
    Kind::Clock,
    Kind::Storage,
];

/// Where a person or their device is named in a record of those kinds: also who asked for a plant file, approved it, or decided on
/// a call that waited.
const NAMED: [&str; 4] = ["who.operator", "who.workstation", "note.by", "note.approvers"];

/// What `claimed` says under [`Profile::Persons`], if the record has it; in the order of canonical JSON.
const CLAIMED: [&str; 17] = [
    "dec.reason",
    "dec.verdict",
    "kind",
    "out.reason",
    "out.status",
    "t",
    "what.dialect",
    "what.findings",
    "what.model",
    "what.provider",
    "what.renamed",
    "what.rerouted",
    "what.sensitivity",
    "where.conduit",
    "where.plant",
    "where.purpose",
    "where.zone",
];

impl Profile {
    /// Every profile with its name.
    pub const NAMES: [(&'static str, Self); 2] = [("persons", Self::Persons), ("all", Self::All)];

    /// Its name in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, profile)| *profile == self).map_or("", |(name, _)| name)
    }

    fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, profile)| *profile)
    }

    /// Whether a record's bytes stay at home.
    pub(super) fn covers(self, record: &Record) -> bool {
        let entry = &record.entry;
        match self {
            Self::All => true,
            Self::Persons => {
                let nameless = entry.kind().is_some_and(|kind| NAMELESS.contains(&kind));
                let named = NAMED.iter().any(|path| entry.at(path).is_some());
                !nameless || named || holds_pseudonym(&record.line)
            }
        }
    }

    /// Whether what was asked for says by itself whom the records are about; the manifest repeats it.
    pub(super) fn gives_away(filter: &Filter) -> bool {
        filter.operator.is_some() || filter.id.is_some() || filter.incident.is_some()
    }

    /// The line of a redacted record: canonical JSON (RFC 8785).
    pub(super) fn line(self, record: &Record) -> String {
        // Canonical is in the order of the keys; a map keeps that in which they are put in, or sorts them.
        let mut line = Map::new();
        if self == Self::Persons {
            line.insert("claimed".to_owned(), claimed(&record.entry).into());
        }
        line.insert("leaf".to_owned(), hex(&leaf_hash(&record.line)).into());
        line.insert("seq".to_owned(), record.entry.seq().into());
        Value::Object(line).to_string()
    }
}

/// Whether a pseudonym of a person stands anywhere: `op-` and sixteen letters and digits.
fn holds_pseudonym(line: &[u8]) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    line.split(|byte| !word(byte)).any(|word| word.strip_prefix(b"op-").is_some_and(|rest| rest.len() == 16))
}

fn claimed(entry: &Entry) -> Map<String, Value> {
    let mut claimed = Map::new();
    for path in CLAIMED {
        let Some(value) = entry.at(path) else { continue };
        match path.split_once('.') {
            None => drop(claimed.insert(path.to_owned(), value.clone())),
            Some((group, key)) => {
                let group = claimed.entry(group).or_insert_with(|| json!({}));
                group.as_object_mut().map(|group| group.insert(key.to_owned(), value.clone()));
            }
        }
    }
    claimed
}

/// How much of a pack is redacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// By which profile.
    pub profile: Profile,
    /// How many of the pack's records.
    pub records: u64,
}

impl Redaction {
    pub(super) fn to_value(self) -> Value {
        json!({ "profile": self.profile.name(), "records": self.records })
    }

    /// Reads that of a manifest which says that the pack has so many records.
    pub(super) fn parse(value: &Value, records: u64) -> Option<Self> {
        let profile = value.get("profile").and_then(Value::as_str).and_then(Profile::named)?;
        let redacted = value.get("records").and_then(Value::as_u64)?;
        let fits = if profile == Profile::All { redacted == records } else { redacted <= records };
        (fits && redacted <= RECORDS_LIMIT as u64).then_some(Self { profile, records: redacted })
    }
}

/// A redacted record as a pack has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Redacted {
    pub(super) seq: u64,
    pub(super) leaf: Hash,
}

impl Redacted {
    /// Reads a line from any source: canonical JSON, and something claimed exactly if the profile claims something.
    pub(super) fn parse(line: &[u8], profile: Profile) -> Option<Self> {
        check_form(line).ok()?;
        let value: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let seq = value.get("seq").and_then(Value::as_u64)?;
        let leaf = value.get("leaf").and_then(Value::as_str).and_then(unhex)?.try_into().ok()?;
        let fits = match profile {
            Profile::All => value.len() == 2,
            Profile::Persons => value.len() == 3 && value.get("claimed").is_some_and(Value::is_object),
        };
        fits.then_some(Self { seq, leaf })
    }
}

#[cfg(test)]
mod tests {
    use super::{Profile, Redacted};
    use store::Record;

    fn record(kind: &str, rest: &str) -> Record {
        let line = format!(
            r#"{{"boot":1,"id":"01a1fb30-3806-72d4-ae00-31d6f6986299","kind":"{kind}","mono":5,{rest}"prev":"{:064}","seq":7,"t":9,"v":1}}"#,
            0
        );
        let entry = ledger::decode(line.as_bytes()).unwrap();
        Record { line: line.into_bytes(), entry }
    }

    #[test]
    fn persons_are_found_wherever_they_may_stand() {
        for (kind, rest, covered) in [
            ("intent", "", false),
            ("config", r#""note":{"result":"in-force"},"#, false),
            ("config", r#""note":{"by":"ada (token)","result":"in-force"},"#, true),
            ("policy", r#""note":{"policy":"00","result":"in-force"},"#, false),
            ("policy", r#""note":{"approvals":2,"approvers":"ada, ben"},"#, true),
            ("intent", r#""note":{"by":"ada (token)","hold":"approved"},"#, true),
            ("refuse", r#""note":{"detail":"shop-floor-api op-1"},"#, false),
            ("refuse", r#""note":{"detail":"`op-7k2m5qhd3zxw4a6t` lacks a role"},"#, true),
            ("erase", r#""note":{"approver":"J. Brandt"},"#, true),
            ("read", r#""note":{"user":0},"#, true),
            ("admin", r#""note":{"user":0},"#, true),
            ("oversight", "", true),
        ] {
            assert_eq!(Profile::Persons.covers(&record(kind, rest)), covered, "{kind} {rest}");
            assert!(Profile::All.covers(&record(kind, rest)));
        }
        for who in ["operator", "workstation"] {
            let mut record = record("outcome", "");
            let line = String::from_utf8(record.line).unwrap();
            record.line = line.replace('}', &format!(r#","who":{{"{who}":{{"by":"mtls","id":"x"}}}}}}"#)).into_bytes();
            record.entry = ledger::decode(&record.line).unwrap();
            assert!(Profile::Persons.covers(&record), "{who}");
        }
    }

    #[test]
    fn a_line_is_read_as_it_is_written_and_in_no_other_spelling() {
        let record = record("refuse", r#""note":{"detail":"x"},"#);
        for (profile, other) in [(Profile::Persons, Profile::All), (Profile::All, Profile::Persons)] {
            let line = profile.line(&record);
            let read = Redacted::parse(line.as_bytes(), profile).unwrap();
            assert_eq!((read.seq, read.leaf), (7, ledger::leaf_hash(&record.line)), "{line}");
            assert_eq!(Redacted::parse(line.as_bytes(), other), None);
            for (from, to) in [
                ("\"seq\":7", "\"seq\": 7"),
                ("\"seq\":7", "\"seq\":7,\"seq\":7"),
                ("7}", "7}}"),
                ("\"leaf\"", "\"laef\""),
            ] {
                let other = line.replace(from, to);
                assert!(other != line && Redacted::parse(other.as_bytes(), profile).is_none(), "{other}");
            }
        }
        let deep = format!(r#"{{"claimed":{}{},"leaf":"{:064}","seq":1}}"#, "[".repeat(60_000), "]".repeat(2), 0);
        assert_eq!(Redacted::parse(deep.as_bytes(), Profile::Persons), None);
        assert_eq!(Profile::Persons.line(&record).matches("note").count(), 0);
    }
}
