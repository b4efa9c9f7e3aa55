//! `penstock export` as people and collectors run it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A ledger of 13 records.
fn good() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/ledgers/good")
}

fn penstock(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    command.args(args).env_remove("PENSTOCK_PLANT").output().unwrap()
}

fn exported(args: &[&str]) -> String {
    let output = penstock(&[&["export", good().to_str().unwrap()], args].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_format_has_a_row_for_each_record_and_filters_hold() {
    for (format, heading) in [("ndjson", 0), ("csv", 1), ("ocsf", 0), ("cef", 0), ("rfc5424", 0)] {
        let rows = |filter: &[&str]| exported(&[&["--format", format], filter].concat()).lines().count() - heading;
        assert_eq!((rows(&[]), rows(&["--kind", "intent"]), rows(&["--until", "2020-01-01"])), (13, 5, 0), "{format}");
    }
}

#[test]
fn a_row_is_found_again_in_the_ledger() {
    let text = exported(&["--format", "ndjson", "--kind", "refuse"]);
    let row: Value = serde_json::from_str(&text).unwrap();
    let folder = good();
    let args = ["--ledger", folder.to_str().unwrap(), "receipt", &row["seq"].to_string()];
    let receipt = penstock(&[&args[2..], &args[..2]].concat()).stdout;
    let receipt = ledger::Receipt::parse(&receipt).unwrap();
    let leaf = ledger::leaf_hash(receipt.extra().unwrap());
    assert_eq!(
        (receipt.index(), seal::hex(&leaf).as_str()),
        (row["seq"].as_u64().unwrap(), row["leaf"].as_str().unwrap())
    );
}

#[test]
fn a_file_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    let whole = exported(&["--format", "csv"]);
    assert_eq!(exported(&["--format", "csv", "--out", file.to_str().unwrap()]), "");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), whole);
    // A ledger that ends in the middle leaves nothing behind.
    let broken = folder.path().join("ledger");
    std::fs::create_dir_all(&broken).unwrap();
    std::fs::copy(good().join("checkpoint"), broken.join("checkpoint")).unwrap();
    let lost = folder.path().join("lost.csv");
    let output = penstock(&["export", broken.to_str().unwrap(), "--format", "csv", "--out", lost.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("tile/entries"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "the csv and the broken ledger");
}

#[test]
fn whoever_has_seen_enough_may_go() {
    let folder = good();
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    command.args(["export", folder.to_str().unwrap(), "--format", "cef"]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn wrong_questions_get_an_answer_that_helps() {
    let said = |args: &[&str]| {
        let output = penstock(args);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said(&["export", "/nowhere", "--format", "csv"]).contains("/nowhere"));
    assert!(said(&["export", "/nowhere"]).contains("--format"));
    assert!(said(&["export", "/nowhere", "--format", "pdf"]).contains("rfc5424"));
}
