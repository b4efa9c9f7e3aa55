//! Heads of ledgers outside of them: convicted by each other, and signed by witnesses. The ledgers are a store's own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(test)]
mod convict;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod witness;

use plant::{Body, Draft, GatewayId, Kind, Millis, PlantId, RecordId};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use store::{Opening, Settings, Store};

/// A folder of a test, with ledgers below it.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Opens a ledger as its gateway does.
    pub(crate) fn open(&self, ledger: &str) -> Store {
        let folder = self.path(ledger);
        std::fs::create_dir_all(&folder).unwrap();
        let opening = Opening {
            key: Arc::new(seal::SigningKey::from_seed([3; 32].into())),
            plant: PlantId::new("brewery").unwrap(),
            gateway: GatewayId::new("gate-1").unwrap(),
            epoch_seed: None,
            settings: Settings {
                segment_bytes: 1 << 20,
                reserve_bytes: 4096,
                warn_at: Vec::new(),
                ..Settings::default()
            },
        };
        Store::open(&folder, &opening).unwrap().0
    }

    /// Runs the gateway of a ledger for so many records more.
    pub(crate) fn run(&self, ledger: &str, records: u16) {
        let store = self.open(ledger);
        for number in 0..records {
            let [high, low] = number.to_be_bytes();
            let id = RecordId::new(Millis(1_700_000_000_000), [1, 1, 1, 1, 1, 1, 1, 1, high, low]);
            store.write(Draft { kind: Kind::Beat, id, reference: None, body: Body::default() }).unwrap();
        }
        store.close();
    }

    pub(crate) fn copy(&self, from: &str, to: &str) {
        let copied = Command::new("cp").arg("-r").arg(self.path(from)).arg(self.path(to)).status().unwrap();
        assert!(copied.success());
    }

    /// Keeps the head that a ledger has now.
    pub(crate) fn keep(&self, ledger: &str, name: &str) {
        std::fs::copy(self.path(ledger).join("checkpoint"), self.path(name)).unwrap();
    }

    /// What the program says, and its exit code.
    pub(crate) fn penstock(&self, args: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        let output = command.current_dir(&self.0).args(args).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }
}

/// A ledger of which a copy went on with the same key, and the heads of both.
pub(crate) fn cloned() -> Desk {
    let desk = Desk::new();
    desk.run("one", 3);
    desk.keep("one", "common");
    desk.copy("one", "two");
    desk.run("one", 2);
    desk.run("two", 2);
    desk.keep("one", "a");
    desk.keep("two", "b");
    desk.run("two", 2);
    desk.keep("two", "later");
    desk
}

pub(crate) fn size(path: &Path) -> u64 {
    std::fs::read_to_string(path).unwrap().lines().nth(1).unwrap().parse().unwrap()
}
