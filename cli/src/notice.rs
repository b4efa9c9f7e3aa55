//! Records that commands want written: that somebody read what was sealed, erased it, or held it.
//!
//! Only one process may write a ledger. Where no gateway runs, the command opens the ledger, writes its record and closes it. Where
//! one does, the command leaves a notice in the ledger's folder, under the identity of the record to be, and waits until the
//! record is there:
//!
//! ```text
//! command ── notices/RECORD.json ──> gateway, twice a second ── record, durable ──> command goes on
//! ```
//!
//! Whoever may write that folder can leave a notice; the record says which user of the system it was.

use crate::{assemble, prune};
use config::Loaded;
use miette::{IntoDiagnostic, WrapErr};
use plant::{Body, ConduitId, Draft, Kind, Note, Place, RecordId};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use store::{OpenError, Reader, Store};

const FOLDER: &str = "notices";
/// Longest notice: a record's note, which holds at most a few names and a sentence.
const LIMIT: u64 = 4096;
/// Most notices that are taken at a time, so that a flood of them holds up nothing else.
const AT_ONCE: usize = 64;
/// How long a gateway may take; it looks twice a second, and what is to be removed takes a second for 100,000 records.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take where what is done does not wait for its record.
const BRIEFLY: Duration = Duration::from_secs(5);
/// What notices may be about.
const KINDS: [Kind; 7] = [Kind::Read, Kind::Erase, Kind::Prune, Kind::Anchor, Kind::Export, Kind::Admin, Kind::Drill];
/// What a notice may say: in words, and in numbers.
const KEYS: [&str; 14] = [
    "approver",
    "authority",
    "basis",
    "event",
    "format",
    "key",
    "month",
    "provider",
    "record",
    "redact",
    "seed",
    "sha256",
    "subject",
    "tool",
];
const NUMBERS: [&str; 3] = ["sample", "size", "time"];
/// What one of a drill may say besides.
const OF_DRILLS: [&str; 11] =
    ["by", "conduit", "detail", "expected", "observed", "of", "path", "result", "seen", "sha256", "witness"];
const NUMBERS_OF_DRILLS: [&str; 5] = ["broken", "number", "steps", "undrilled", "us"];

/// What is to be recorded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) kind: Kind,
    pub(crate) note: BTreeMap<&'static str, Note>,
}

impl Notice {
    /// Makes the record, durable and signed when this returns, whoever has the ledger open.
    pub(crate) fn record(self, loaded: &Loaded) -> miette::Result<RecordId> {
        self.record_within(loaded, PATIENCE)
    }

    /// Makes the record if that can be done soon, and says on standard error what became of it: evidence must come out of a
    /// ledger that takes nothing any more, too.
    pub(crate) fn mention(self, plant: &Path, reader: &Reader) {
        let Some(loaded) = assemble::load(plant).ok().filter(|loaded| is_of(loaded, reader)) else {
            return eprintln!("this is a copy of a ledger: nothing records what is done with it");
        };
        match self.record_within(&loaded, BRIEFLY) {
            Ok(id) => eprintln!("recorded as {id}"),
            Err(problem) => eprintln!("not recorded: {problem}"),
        }
    }

    fn record_within(self, loaded: &Loaded, patience: Duration) -> miette::Result<RecordId> {
        let id = gateway::draw_id(gateway::now());
        record_all(vec![(id, self)], loaded, patience)?;
        Ok(id)
    }

    /// The record, with the user who left the notice. Which records are to be removed is not for a notice to say; `None` if
    /// it was about those, and none are. Nor is it for one to say which plant is in force.
    pub(crate) fn draft(self, loaded: &Loaded, id: RecordId, user: Option<u32>) -> miette::Result<Option<Draft>> {
        let (mut note, mut body, mut reference) = (self.note, Body::default(), None);
        match self.kind {
            Kind::Prune => match prune::note(loaded)? {
                Some(due) => note.extend(due),
                None => return Ok(None),
            },
            Kind::Drill => {
                let mut taken = |key| match note.remove(key) {
                    Some(Note::Text(text)) => Some(text),
                    _ => None,
                };
                reference = taken("of").and_then(|id| RecordId::parse(&id));
                let conduit = taken("conduit").and_then(|id| ConduitId::new(id).ok());
                let plant = loaded.plant.id.clone();
                body.place = conduit.map(|id| Place { plant, zone: None, conduit: Some(id), purpose: None });
                note.insert("policy", Note::text(&loaded.plant.digest));
            }
            _ => {}
        }
        note.extend(user.map(|user| ("user", Note::Number(user.into()))));
        Ok(Some(Draft { kind: self.kind, id, reference, body: Body { note, ..body } }))
    }

    /// Leaves a notice to the gateway that has the ledger open.
    fn leave(&self, ledger: &Path, id: RecordId) -> miette::Result<()> {
        let folder = ledger.join(FOLDER);
        let path = left(ledger, id);
        let put = fs::create_dir_all(&folder).and_then(|()| {
            let fresh = folder.join(format!(".{id}"));
            fs::write(&fresh, self.encode())?;
            fs::rename(&fresh, &path)
        });
        put.into_diagnostic().wrap_err_with(|| format!("cannot write `{}`", path.display()))
    }

    fn encode(&self) -> String {
        let note: Map<String, Value> = self.note.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect();
        serde_json::json!({ "kind": self.kind.name(), "note": note }).to_string()
    }

    /// Reads a notice; `None` for anything but a kind that may be, and texts and numbers under keys that may be.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let value: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
        let name = value.get("kind")?.as_str()?;
        let kind = KINDS.into_iter().find(|kind| kind.name() == name)?;
        let (texts, numbers): (&[_], &[_]) = match kind {
            Kind::Drill => (&OF_DRILLS, &NUMBERS_OF_DRILLS),
            _ => (&[], &[]),
        };
        let entry = |(key, value): (&String, &Value)| {
            let known = |usual: &[&'static str], own: &[&'static str]| {
                usual.iter().chain(own).find(|known| *known == key).copied()
            };
            match value {
                Value::String(text) => Some((known(&KEYS, texts)?, Note::Text(text.clone()))),
                number => Some((known(&NUMBERS, numbers)?, Note::Number(number.as_u64()?))),
            }
        };
        let note = value.get("note")?.as_object()?.iter().map(entry).collect::<Option<_>>()?;
        (value.len() == 2).then_some(Self { kind, note })
    }
}

/// Makes these records, durable and signed when this returns, whoever has the ledger open. A gateway that has it takes them in any
/// order.
pub(crate) fn record_all(notices: Vec<(RecordId, Notice)>, loaded: &Loaded, patience: Duration) -> miette::Result<()> {
    let user = rustix::process::getuid().as_raw();
    let folder = &loaded.gateway.ledger;
    as_owner(folder)?;
    match Store::open(folder, &assemble::opening(loaded)?) {
        Ok((store, _)) => {
            let write = |(id, notice): (RecordId, Notice)| match notice.draft(loaded, id, Some(user))? {
                Some(draft) => store.write(draft).map(drop).into_diagnostic(),
                None => Ok(()),
            };
            let written = notices.into_iter().try_for_each(write);
            store.close();
            written.wrap_err("the ledger took no record of this")
        }
        Err(OpenError::InUse { .. }) => leave_all(&notices, folder, patience),
        Err(error) => Err(error).into_diagnostic(),
    }
}

/// Leaves notices to the gateway, and waits for their records.
fn leave_all(notices: &[(RecordId, Notice)], ledger: &Path, patience: Duration) -> miette::Result<()> {
    let reader = Reader::open(ledger).into_diagnostic()?;
    let begin = Instant::now();
    let mut waiting: Vec<RecordId> = notices.iter().map(|(id, _)| *id).collect();
    let left_all = notices.iter().try_for_each(|(id, notice)| notice.leave(ledger, *id));
    while left_all.is_ok() {
        while let Some(id) = waiting.last() {
            match reader.find(*id).into_diagnostic()? {
                Some(_) => waiting.pop(),
                None => break,
            };
        }
        if waiting.is_empty() {
            return Ok(());
        }
        if begin.elapsed() >= patience {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    // Taken back, so that no record tells later of what was not done.
    for id in waiting {
        let _ = fs::remove_file(left(ledger, id));
    }
    left_all?;
    miette::bail!(
        help = "see whether the gateway runs and its ledger is healthy",
        "the gateway that has the ledger open has made no record of this"
    )
}

/// Where a notice lies until its record is there.
fn left(ledger: &Path, id: RecordId) -> PathBuf {
    ledger.join(FOLDER).join(format!("{id}.json"))
}

/// Whether a ledger is the plant's own, and no copy of it.
pub(crate) fn is_of(loaded: &Loaded, reader: &Reader) -> bool {
    let place = |path: &Path| path.canonicalize().ok();
    place(&loaded.gateway.ledger).is_some_and(|own| place(reader.folder()) == Some(own))
}

/// A file that another user makes in the ledger is one that its gateway cannot write.
pub(crate) fn as_owner(ledger: &Path) -> miette::Result<()> {
    let owner = match fs::metadata(ledger) {
        // No gateway has run yet: there is nothing that one could not go on with.
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.into_diagnostic()?.uid(),
    };
    miette::ensure!(
        owner == rustix::process::getuid().as_raw(),
        help = format!("sudo -u '#{owner}' penstock ..."),
        "the ledger belongs to user {owner}: run this as that user, so that its gateway can go on with it"
    );
    Ok(())
}

fn text(note: &Note) -> Value {
    match note {
        Note::Text(text) => text.as_str().into(),
        Note::Number(number) => (*number).into(),
    }
}

/// Records what was left in the ledger's folder since the last look.
pub(crate) fn collect(loaded: &Loaded, store: &Store) {
    let Ok(entries) = fs::read_dir(loaded.gateway.ledger.join(FOLDER)) else { return };
    let named = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        Some((RecordId::parse(entry.file_name().to_str()?.strip_suffix(".json")?)?, entry.path()))
    });
    for (id, path) in named.take(AT_ONCE) {
        let notice = read(&path);
        // Taken away first: one that cannot be would be recorded again and again. Whoever left it waits for its record.
        if let Err(problem) = fs::remove_file(&path) {
            tracing::error!(%problem, "a notice cannot be taken");
            continue;
        }
        match notice.map(|(bytes, user)| (Notice::decode(&bytes), user)) {
            Ok((Some(notice), user)) => {
                let written = match notice.draft(loaded, id, Some(user)) {
                    Ok(Some(draft)) => store.write(draft).map(drop).into_diagnostic(),
                    other => other.map(drop),
                };
                if let Err(problem) = written {
                    tracing::error!(%problem, "a notice was not recorded");
                }
            }
            Ok((None, user)) => tracing::error!(user, "a notice was left that says nothing that may be recorded"),
            Err(problem) => tracing::error!(%problem, "a notice cannot be read"),
        }
    }
}

/// A notice, and who left it. Neither a pipe nor a link is followed.
fn read(path: &Path) -> io::Result<(Vec<u8>, u32)> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() > LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no notice"));
    }
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok((bytes, meta.uid()))
}

#[cfg(test)]
mod tests {
    use super::{Notice, read};
    use plant::{Kind, Note};
    use std::collections::BTreeMap;

    fn notice() -> Notice {
        Notice { kind: Kind::Read, note: BTreeMap::from([("event", Note::text("opened \"x\""))]) }
    }

    #[test]
    fn a_notice_reads_as_it_was_left() {
        assert_eq!(Notice::decode(notice().encode().as_bytes()), Some(notice()));
    }

    #[test]
    fn nothing_else_can_be_slipped_into_the_ledger() {
        let good = notice().encode();
        for (from, to) in [
            ("read", "outcome"),
            ("read", "genesis"),
            ("\"event\"", "\"user\""),
            ("\"event\"", "\"reason\""),
            ("{\"event\"", "{\"event\":1,\"key\""),
            ("{\"event\"", "{\"size\":\"1\",\"event\""),
            ("{\"event\"", "{\"size\":-1,\"event\""),
            ("\"note\"", "\"body\""),
            ("{\"kind\"", "{\"id\":1,\"kind\""),
            ("}", ""),
        ] {
            assert_eq!(Notice::decode(good.replacen(from, to, 1).as_bytes()), None, "{to}");
        }
        for bad in ["", "[]", "{}", "\u{0}", "{\"kind\":\"read\",\"note\":[]}"] {
            assert_eq!(Notice::decode(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_drill_may_say_what_others_may_not_and_never_which_plant_is_in_force() {
        let step = |kind: &str, key: &str, value: &str| {
            Notice::decode(format!("{{\"kind\":\"{kind}\",\"note\":{{\"{key}\":{value}}}}}").as_bytes())
        };
        for (key, value) in [("path", "\"slow\""), ("of", "\"x\""), ("result", "\"kept\""), ("us", "7"), ("steps", "7")]
        {
            assert!(step("drill", key, value).is_some(), "{key}");
            assert_eq!(step("read", key, value), None, "{key}");
        }
        for (key, value) in [("policy", "\"x\""), ("user", "7"), ("us", "\"7\""), ("path", "7"), ("us", "-1")] {
            assert_eq!(step("drill", key, value), None, "{key}");
        }
    }

    #[test]
    fn neither_a_link_nor_a_long_file_nor_a_folder_is_a_notice() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("good"), notice().encode()).unwrap();
        std::fs::write(path("long"), vec![b' '; 5000]).unwrap();
        std::os::unix::fs::symlink(path("good"), path("link")).unwrap();
        assert!(read(&path("good")).is_ok());
        for bad in ["long", "link", "none", "."] {
            assert!(read(&path(bad)).is_err(), "{bad}");
        }
    }
}
