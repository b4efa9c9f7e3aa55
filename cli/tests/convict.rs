//! `penstock convict`: two heads that one key has signed, over ledgers that a store has written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use plant::{Body, Draft, GatewayId, Kind, Millis, PlantId, RecordId};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use store::{Opening, Settings, Store};

/// A folder of a test, with ledgers below it.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the gateway of a ledger for so many records more.
    fn run(&self, ledger: &str, records: u8) {
        let folder = self.path(ledger);
        std::fs::create_dir_all(&folder).unwrap();
        let opening = Opening {
            key: Arc::new(seal::SigningKey::from_seed([3; 32].into())),
            plant: PlantId::new("brewery").unwrap(),
            gateway: GatewayId::new("gate-1").unwrap(),
            epoch_seed: None,
            settings: Settings { segment_bytes: 1 << 20, reserve_bytes: 4096, ..Settings::default() },
        };
        let store = Store::open(&folder, &opening).unwrap().0;
        for number in 0..records {
            let id = RecordId::new(Millis(1_700_000_000_000), [number; 10]);
            store.write(Draft { kind: Kind::Beat, id, reference: None, body: Body::default() }).unwrap();
        }
        store.close();
    }

    fn copy(&self, from: &str, to: &str) {
        let copied = Command::new("cp").arg("-r").arg(self.path(from)).arg(self.path(to)).status().unwrap();
        assert!(copied.success());
    }

    /// Keeps the head that a ledger has now.
    fn keep(&self, ledger: &str, name: &str) {
        std::fs::copy(self.path(ledger).join("checkpoint"), self.path(name)).unwrap();
    }

    /// What is said of two heads. `at` is the ledger whose key and hashes are used.
    fn convict(&self, one: &str, other: &str, more: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        let output = command.current_dir(&self.0).args(["convict", one, other]).args(more).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }
}

/// A ledger of which a copy went on with the same key, and the heads of both.
fn cloned() -> Desk {
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

const KEY: [&str; 2] = ["--key", "one/trust/ledger.vkey"];

fn size(path: &Path) -> u64 {
    std::fs::read_to_string(path).unwrap().lines().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a7_two_roots_for_one_size_convict_with_nothing_but_the_key() {
    let desk = cloned();
    let (code, text) = desk.convict("a", "b", &KEY);
    assert_eq!(code, 11, "{text}");
    let records = size(&desk.path("a"));
    assert!(text.contains(&format!("for {records} records it has signed two different roots")), "{text}");
    assert!(text.contains("RFC 6962") && text.ends_with("FORKED (exit code 11)\n"), "{text}");
    let (code, text) = desk.convict("b", "a", &[&KEY[..], &["--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, json["result"].as_str(), json["code"].as_u64()), (11, Some("forked"), Some(11)));
    let digest = seal::hex(&seal::sha256(&std::fs::read(desk.path("b")).unwrap()));
    assert_eq!(
        (json["heads"][0]["sha256"].as_str(), &json["contradiction"]),
        (Some(&digest[..]), &serde_json::json!([0, 1]))
    );
}

#[test]
fn a7_heads_of_two_sizes_convict_with_the_ledger_of_either() {
    let desk = cloned();
    assert_eq!(desk.convict("a", "later", &KEY).0, 14, "nothing leads from the one to the other");
    let (code, text) = desk.convict("a", "later", &["--ledger", "two"]);
    assert_eq!(code, 11, "{text}");
    assert!(text.contains("are not those"), "{text}");
    desk.run("one", 9);
    assert_eq!(desk.convict("later", "a", &["--ledger", "one"]).0, 11, "the later head and the ledger's own");
}

#[test]
fn a11_a_cloned_gateway_is_convicted_by_its_own_heads_and_its_common_past_is_not() {
    let desk = cloned();
    for ledger in ["one", "two"] {
        let (code, text) = desk.convict("common", "common", &["--ledger", ledger]);
        assert_eq!(code, 0, "{text}");
    }
    assert_eq!(desk.convict("common", "later", &["--ledger", "two"]).0, 0);
    assert_eq!(desk.convict("common", "a", &["--ledger", "one", "--key", "two/trust/ledger.vkey"]).0, 0);
    // Shown one head of each machine, or one and the folder of the other.
    assert_eq!(desk.convict("a", "b", &KEY).0, 11);
    assert_eq!(desk.convict("a", "common", &["--ledger", "two"]).0, 11);
}

#[test]
fn a_receipt_is_as_good_as_a_head() {
    let desk = cloned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    command.current_dir(&desk.0).args(["receipt", "1", "--ledger", "one", "-o", "receipt"]);
    assert!(command.status().unwrap().success());
    assert_eq!(desk.convict("receipt", "b", &KEY).0, 11);
    assert_eq!(desk.convict("receipt", "a", &KEY).0, 0);
}

#[test]
fn what_is_no_evidence_convicts_nobody() {
    let desk = cloned();
    let refused = |one: &str, other: &str, more: &[&str], words: &str| {
        let (code, text) = desk.convict(one, other, more);
        assert_eq!(code, 14, "{text}");
        assert!(text.contains(words), "{text}");
    };
    // One bit of the signed text: the signature does not hold.
    let altered = std::fs::read_to_string(desk.path("b")).unwrap().replacen('\n', "\n1", 1);
    std::fs::write(desk.path("altered"), altered).unwrap();
    refused("a", "altered", &KEY, "no key that was given has signed both");
    std::fs::write(desk.path("garbage"), "no note\n").unwrap();
    refused("a", "garbage", &KEY, "is no signed head");
    desk.run("stranger", 1);
    desk.keep("stranger", "strange");
    refused("a", "strange", &KEY, "they say nothing of each other");
    refused("a", "b", &["--key", "stranger/trust/ledger.vkey"], "no key that was given has signed both");
    refused("a", "later", &["--ledger", "one"], "do not lead to both heads");
    // And what makes no sense is said so.
    for wrong in [&[][..], &["--key", "nowhere"], &["--key", "garbage"]] {
        assert_eq!(desk.convict("a", "b", wrong).0, 2);
    }
    assert_eq!(desk.convict("a", "nowhere", &KEY).0, 2);
}
