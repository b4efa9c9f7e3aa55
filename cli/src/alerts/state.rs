//! What a desk knows, over a restart: a small file beside the ledger for each destination.

use crate::file;
use alert::{Alert, Eyes, Watch};
use plant::{DestinationId, Millis};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const FOLDER: &str = "alerts";
/// The version of the file's form.
const VERSION: u64 = 1;
/// Longest file: all that is open, and all that waits.
const LIMIT: u64 = 16 << 20;

/// What a desk knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The number of the next record.
    pub(super) next: u64,
    pub(super) eyes: Eyes,
    pub(super) watch: Watch,
    /// What is to be sent, oldest first.
    pub(super) outbox: Vec<Alert>,
    /// How many alerts were delivered, and when the last.
    pub(super) delivered: u64,
    pub(super) last: Option<Millis>,
    /// Why the last attempt failed, if it did, and how many did in a row.
    pub(super) problem: Option<String>,
    pub(super) tries: u32,
}

impl State {
    /// What was known before; `None` where there is no file, or none that can be read.
    pub(super) fn read(ledger: &Path, id: &DestinationId) -> Option<Self> {
        let path = path(ledger, id);
        let bytes = match file::read(&path, LIMIT) {
            Ok(bytes) => bytes?,
            Err(problem) => {
                tracing::error!(path = %path.display(), %problem, "what a destination was told cannot be read");
                return None;
            }
        };
        let state = serde_json::from_slice(&bytes).ok().and_then(|value| Self::decode(&value));
        if state.is_none() {
            tracing::error!(path = %path.display(), "what a destination was told is damaged: alerts begin anew");
        }
        state
    }

    /// Whether it says anything else than another, but for the place. Records that nothing came of can be read again.
    pub(super) fn says_else_than(&self, other: &Self) -> bool {
        let Self { next: _, eyes, watch, outbox, delivered, last, problem, tries } = self;
        (eyes, watch, outbox) != (&other.eyes, &other.watch, &other.outbox)
            || (delivered, last, problem, tries) != (&other.delivered, &other.last, &other.problem, &other.tries)
    }

    /// Keeps it, whole or not at all, even if the power fails.
    pub(super) fn keep(&self, ledger: &Path, id: &DestinationId) -> io::Result<()> {
        let path = path(ledger, id);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        file::replace_durably(&path, self.encode().to_string())
    }

    fn encode(&self) -> Value {
        json!({
            "version": VERSION,
            "next": self.next,
            "eyes": self.eyes.save(),
            "watch": self.watch.save(),
            "outbox": self.outbox.iter().map(Alert::data).collect::<Vec<_>>(),
            "delivered": self.delivered,
            "last": self.last.map(|time| time.0),
            "problem": self.problem,
            "tries": self.tries,
        })
    }

    fn decode(value: &Value) -> Option<Self> {
        let number = |key: &str| value.get(key)?.as_u64();
        let outbox = value.get("outbox")?.as_array()?.iter().map(|one| Alert::restore(one).ok());
        (number("version")? == VERSION).then_some(())?;
        Some(Self {
            next: number("next")?,
            eyes: Eyes::restore(value.get("eyes")?),
            watch: Watch::restore(value.get("watch")?).ok()?,
            outbox: outbox.collect::<Option<_>>()?,
            delivered: number("delivered")?,
            last: number("last").map(Millis),
            problem: value.get("problem")?.as_str().map(str::to_owned),
            tries: u32::try_from(number("tries")?).ok()?,
        })
    }
}

fn path(ledger: &Path, id: &DestinationId) -> PathBuf {
    ledger.join(FOLDER).join(format!("{id}.json"))
}

#[cfg(test)]
mod tests {
    use super::State;
    use plant::{DestinationId, Millis};

    #[test]
    fn a_place_alone_is_nothing_else() {
        let state = State { delivered: 3, ..State::default() };
        assert!(!State { next: 9, ..state.clone() }.says_else_than(&state));
        assert!(State { tries: 1, ..state.clone() }.says_else_than(&state));
        assert!(State { delivered: 4, ..state.clone() }.says_else_than(&state));
    }

    #[test]
    fn a_state_reads_as_it_was_kept_and_a_damaged_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let id = DestinationId::new("soc").unwrap();
        assert_eq!(State::read(folder.path(), &id), None);
        let state =
            State { next: 7, delivered: 3, last: Some(Millis(9)), problem: Some("x".to_owned()), ..State::default() };
        state.keep(folder.path(), &id).unwrap();
        assert_eq!(State::read(folder.path(), &id).as_ref(), Some(&state));
        for damaged in ["", "{}", "[]", "{\"version\":2}"] {
            std::fs::write(folder.path().join("alerts/soc.json"), damaged).unwrap();
            assert_eq!(State::read(folder.path(), &id), None, "{damaged}");
        }
    }
}
