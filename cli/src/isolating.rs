//! What is isolated, kept so that it survives: a small file in the ledger's folder, with a keyed checksum.
//!
//! ```text
//! ask ─> (a second person asks the same) ─> in force ─> file, synced ─> `isolate` record
//! ```
//!
//! To isolate comes into force first, and is written down after; to restore is written down and recorded first. A file
//! that cannot be read, or that somebody has changed without the plant's key, isolates everything: nobody knows what
//! it said. It shuts AI traffic, and nothing else of the plant depends on that.

use crate::file;
use crate::journal;
use crate::secrets::PlantKey;
use config::private;
use console::{Asked, Fault, Isolation, Isolations, Person, Waiting, Wish};
use plant::{Kind, Millis, Note, Part, Plant};
use seal::Mac;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Store;

/// The name of the file in the ledger's folder.
const FILE: &str = "isolations.json";
/// Largest file: a thousand parts with the longest reasons.
const LIMIT: u64 = 2 << 20;
/// Most parts that are isolated at a time. Whoever has more to shut shuts everything.
const MOST: usize = 1_000;
/// How long a wish waits for a second person.
const PATIENCE: u64 = 3_600_000;
/// Most wishes that wait.
const MOST_WAITING: usize = 100;

/// Why a part is isolated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    since: Millis,
    by: String,
    approver: Option<String>,
    reason: String,
}

type Shut = BTreeMap<Part, Why>;

/// What somebody wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    Isolate,
    Restore,
}

impl Deed {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Isolate => "isolate",
            Self::Restore => "restore",
        }
    }
}

/// A wish that waits for a second person.
struct Pending {
    by: Person,
    reason: String,
    until: Millis,
}

/// What is isolated, on disk and in force.
pub(crate) struct Isolating {
    path: PathBuf,
    mac: Mac,
    store: Arc<Store>,
    now: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    shut: Shut,
    pending: BTreeMap<(Deed, Part), Pending>,
}

impl Isolating {
    /// Reads what was isolated when a gateway ran last.
    pub(crate) fn open(ledger: &Path, key: &PlantKey, store: Arc<Store>) -> Self {
        let (path, mac) = (ledger.join(FILE), key.isolations());
        let shut = read(&path, &mac).unwrap_or_else(|problem| {
            tracing::error!(%problem, path = %path.display(), "what is isolated cannot be read: everything is");
            let why = Why {
                since: gateway::now(),
                by: "the gateway".to_owned(),
                approver: None,
                reason: format!("what was isolated cannot be read: {problem}"),
            };
            journal::note(&store, Kind::Isolate, told(Deed::Isolate, &Part::Everything, &why));
            Shut::from([(Part::Everything, why)])
        });
        Self { path, mac, store, now: Mutex::new(Standing { shut, ..Standing::default() }) }
    }

    /// What is isolated.
    pub(crate) fn parts(&self) -> Vec<Part> {
        self.lock().shut.keys().cloned().collect()
    }

    /// What is isolated, and what waits for a second person.
    pub(crate) fn list(&self) -> Isolations {
        let mut standing = self.lock();
        standing.forget(gateway::now());
        standing.list()
    }

    /// Does what a person wishes, or waits for a second one; `enforce` puts the parts in force. Blocks: the disk is
    /// written to.
    pub(crate) fn change(
        &self,
        deed: Deed,
        by: &Person,
        wish: Wish,
        two: bool,
        plant: &Plant,
        enforce: impl Fn(Vec<Part>),
    ) -> Result<Asked<Isolations>, Fault> {
        let Wish { part, reason } = wish;
        let now = gateway::now();
        // Held until the file is written: of two changes at once the second one begins with what the first one left.
        let mut standing = self.lock();
        standing.forget(now);
        let before = standing.shut.clone();
        match deed {
            Deed::Isolate if !part.is_of(plant) => {
                return Err(Fault::Unknown(format!("the plant has no {part}")));
            }
            Deed::Isolate if before.contains_key(&part) => return Ok(Asked::Done(standing.list())),
            Deed::Isolate if before.len() >= MOST => {
                return Err(Fault::Unavailable(format!("{MOST} parts are isolated; isolate everything instead")));
            }
            Deed::Restore if !before.contains_key(&part) => {
                return Err(Fault::Unknown(format!("`{part}` is not isolated")));
            }
            Deed::Isolate | Deed::Restore => {}
        }
        let (by, reason, approver) = match (two, standing.pending.remove(&(deed, part.clone()))) {
            (false, _) => (by.told(), reason, None),
            (true, Some(first)) if first.by.name != by.name => (first.by.told(), first.reason, Some(by.told())),
            (true, _) => {
                standing.wait(deed, part, Pending { by: by.clone(), reason, until: Millis(now.0 + PATIENCE) })?;
                return Ok(Asked::Waits(standing.list()));
            }
        };
        let why = Why { since: now, by, approver, reason };
        let note = told(deed, &part, &why);
        match deed {
            Deed::Isolate => {
                standing.shut.insert(part, why);
                enforce(standing.shut.keys().cloned().collect());
                let kept = self.write(&standing.shut);
                let recorded = journal::written(&self.store, Kind::Isolate, note);
                kept.map_err(|problem| {
                    Fault::Unavailable(format!("it is in force, and would not survive a restart: {problem}"))
                })?;
                recorded.map_err(|problem| {
                    Fault::Unavailable(format!("it is in force, and the ledger took no record of it: {problem}"))
                })?;
            }
            Deed::Restore => {
                let recorded = journal::written(&self.store, Kind::Isolate, note);
                recorded
                    .map_err(|problem| Fault::Unavailable(format!("the ledger took no record of it: {problem}")))?;
                standing.shut.remove(&part);
                if let Err(problem) = self.write(&standing.shut) {
                    standing.shut = before;
                    return Err(Fault::Unavailable(format!("it cannot be written down: {problem}")));
                }
                enforce(standing.shut.keys().cloned().collect());
            }
        }
        Ok(Asked::Done(standing.list()))
    }

    fn write(&self, shut: &Shut) -> io::Result<()> {
        let folder = File::open(self.path.parent().unwrap_or(Path::new(".")))?;
        private::replace(&self.path, &folder, encode(shut, &self.mac).as_bytes())
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        // A panic under this lock leaves what is in force as it was, or shut.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    fn forget(&mut self, now: Millis) {
        self.pending.retain(|_, pending| pending.until > now);
    }

    fn wait(&mut self, deed: Deed, part: Part, pending: Pending) -> Result<(), Fault> {
        if self.pending.len() >= MOST_WAITING {
            return Err(Fault::Unavailable(format!("{MOST_WAITING} wishes wait for a second person")));
        }
        self.pending.insert((deed, part), pending);
        Ok(())
    }

    fn list(&self) -> Isolations {
        let isolated = self.shut.iter().map(|(part, why)| Isolation {
            part: part.to_string(),
            since: why.since.to_string(),
            by: why.by.clone(),
            approver: why.approver.clone(),
            reason: why.reason.clone(),
        });
        let waiting = self.pending.iter().map(|((deed, part), pending)| Waiting {
            wish: deed.name(),
            part: part.to_string(),
            by: pending.by.told(),
            reason: pending.reason.clone(),
            until: pending.until.to_string(),
        });
        Isolations { isolated: isolated.collect(), waiting: waiting.collect() }
    }
}

/// What a record says of it.
fn told(deed: Deed, part: &Part, why: &Why) -> BTreeMap<&'static str, Note> {
    let mut note = BTreeMap::from([
        ("event", Note::text(deed.name())),
        ("part", Note::text(part.to_string())),
        ("by", Note::text(&why.by)),
        ("reason", Note::text(&why.reason)),
    ]);
    note.extend(why.approver.as_deref().map(|approver| ("approver", Note::text(approver))));
    note
}

fn encode(shut: &Shut, mac: &Mac) -> String {
    let entries: Vec<Value> = shut
        .iter()
        .map(|(part, why)| {
            json!({
                "part": part.to_string(),
                "since": why.since.to_string(),
                "by": why.by,
                "approver": why.approver,
                "reason": why.reason,
            })
        })
        .collect();
    file::tagged(&Value::Array(entries).to_string(), mac)
}

/// Reads the file. One that is not there isolates nothing: no gateway has isolated anything here yet.
fn read(path: &Path, mac: &Mac) -> Result<Shut, String> {
    let Some(bytes) = file::read(path, LIMIT).map_err(|problem| problem.to_string())? else { return Ok(Shut::new()) };
    let shut = std::str::from_utf8(&bytes).ok().and_then(|text| decode(text, mac));
    shut.ok_or_else(|| "the file is damaged, or was not written by this plant's gateway".to_owned())
}

fn decode(text: &str, mac: &Mac) -> Option<Shut> {
    let entries: Vec<Value> = serde_json::from_str(file::untagged(text, mac)?).ok()?;
    let entry = |entry: &Value| {
        let text = |key: &str| entry.get(key)?.as_str();
        let why = Why {
            since: Millis::parse(text("since")?)?,
            by: text("by")?.to_owned(),
            approver: text("approver").map(str::to_owned),
            reason: text("reason")?.to_owned(),
        };
        Some((Part::parse(text("part")?).ok()?, why))
    };
    entries.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::{Shut, Why, decode, encode, read};
    use plant::{Millis, Part};
    use seal::{Mac, RootKey};

    fn mac(byte: u8) -> Mac {
        RootKey::from_bytes([byte; 32]).derive("isolations")
    }

    fn shut() -> Shut {
        let why = |approver: Option<&str>| Why {
            since: Millis(1_700_000_000_000),
            by: "ada (token)".to_owned(),
            approver: approver.map(str::to_owned),
            reason: "a \"leak\" in line 2".to_owned(),
        };
        Shut::from([(Part::External, why(None)), (Part::parse("conduit:a").unwrap(), why(Some("ben (oidc)")))])
    }

    #[test]
    fn what_is_isolated_reads_as_it_was_written() {
        for shut in [shut(), Shut::new()] {
            assert_eq!(decode(&encode(&shut, &mac(1)), &mac(1)), Some(shut));
        }
    }

    #[test]
    fn whatever_else_is_in_the_file_is_not_read() {
        let good = encode(&shut(), &mac(1));
        assert_eq!(decode(&good, &mac(2)), None, "the key of another plant");
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(text) = String::from_utf8(bytes) {
                assert_eq!(decode(&text, &mac(1)), None, "bit flipped in byte {at}");
            }
            assert_eq!(decode(&good[..at], &mac(1)), None, "cut at {at}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_isolates_nothing_and_one_that_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("none"), &mac(1)), Ok(Shut::new()));
        assert!(read(folder.path(), &mac(1)).is_err(), "a folder");
        std::fs::write(folder.path().join("file"), [0xff; 10]).unwrap();
        assert!(read(&folder.path().join("file"), &mac(1)).is_err(), "no text");
    }
}
