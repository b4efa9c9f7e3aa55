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
    let lost = folder.path().join("lost");
    for format in ["csv", "parquet"] {
        let args = ["export", broken.to_str().unwrap(), "--format", format, "--out", lost.to_str().unwrap()];
        let output = penstock(&args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("tile/entries"), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "the csv and the broken ledger");
}

/// What stands in them, the tests of `penstock-parquet` read; what engines make of them, `sdk/test_engines.py`.
#[test]
fn a_parquet_file_of_each_view_is_the_same_in_a_pipe_and_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = std::collections::BTreeSet::new();
    for view in ["records", "findings", "tools", "rules"] {
        let file = folder.path().join(view);
        let args = ["export", good().to_str().unwrap(), "--format", "parquet", "--view", view].map(str::to_owned);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let piped = penstock(&args);
        assert!(penstock(&[&args[..], &["--out", file.to_str().unwrap()]].concat()).status.success());
        let whole = std::fs::read(&file).unwrap();
        assert!(piped.status.success() && piped.stdout == whole, "{view}");
        assert!(whole.starts_with(b"PAR1") && whole.ends_with(b"PAR1"), "{view}");
        all.insert(whole);
    }
    assert_eq!(all.len(), 4, "each view is a file of its own");
    let plain = penstock(&["export", good().to_str().unwrap(), "--format", "parquet"]);
    assert_eq!(plain.stdout, std::fs::read(folder.path().join("records")).unwrap());
}

#[test]
fn whoever_has_seen_enough_may_go() {
    for format in ["cef", "parquet"] {
        let folder = good();
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        command.args(["export", folder.to_str().unwrap(), "--format", format]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        assert!(child.wait().unwrap().success(), "{format}");
    }
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
    let ledger = good();
    let ledger = ledger.to_str().unwrap();
    assert!(said(&["export", ledger, "--format", "csv", "--view", "rules"]).contains("--format parquet"));
    assert!(said(&["export", ledger, "--format", "parquet", "--view", "calls"]).contains("findings"));
    assert!(said(&["export", "/nowhere", "--pack", "/nowhere/p", "--view", "rules"]).contains("--view"));
}
