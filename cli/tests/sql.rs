//! `penstock sql` and `penstock reindex` as auditors run them, over copies of the ledgers in `testdata`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A copy of a ledger that may be written to.
fn house(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/ledgers").join(name);
    let ledger = folder.path().join("a ledger%?#");
    assert!(Command::new("cp").arg("-r").args([&from, &ledger]).status().unwrap().success());
    (folder, ledger)
}

fn penstock(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_penstock")).args(args).output().unwrap()
}

/// Exit code, output and complaints of a question.
fn ask(ledger: &Path, args: &[&str]) -> (i32, String, String) {
    let output = penstock(&[&["sql", ledger.to_str().unwrap()], args].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_format_answers_and_records_says_the_same() {
    let (_folder, ledger) = house("good");
    let question = "select kind, count(*) as n, min(model) as model from records group by kind order by kind";
    let (code, table, _) = ask(&ledger, &[question]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(table);
    let (_, csv, _) = ask(&ledger, &[question, "--csv"]);
    let (_, ndjson, _) = ask(&ledger, &[question, "--ndjson"]);
    let (_, json, _) = ask(&ledger, &[question, "--json"]);
    let rows: Vec<Value> = serde_json::from_str(&json).unwrap();
    let lines: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows, lines);
    assert_eq!(csv.lines().count(), rows.len() + 1);
    let folder = ledger.to_str().unwrap();
    for row in rows {
        let records =
            penstock(&["records", "--ledger", folder, "--format", "ndjson", "--kind", row["kind"].as_str().unwrap()]);
        let count = records.stdout.split(|byte| *byte == b'\n').count() as u64 - 1;
        assert_eq!(row["n"].as_u64().unwrap(), count, "{row}");
    }
}

#[test]
fn the_leaf_hash_is_that_of_the_receipt() {
    let (_folder, ledger) = house("good");
    let (_, rows, _) = ask(&ledger, &["--ndjson", "select seq, leaf from records where kind = 'refuse'"]);
    let row: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    let receipt = penstock(&["receipt", "--ledger", ledger.to_str().unwrap(), &row["seq"].to_string()]).stdout;
    let receipt = ledger::Receipt::parse(&receipt).unwrap();
    assert_eq!(row["leaf"], seal::hex(&ledger::leaf_hash(receipt.extra().unwrap())));
}

#[test]
fn what_cannot_be_asked_is_said_with_a_way_out() {
    let (_folder, ledger) = house("good");
    for (args, code, said) in [
        (&["delete from stored_records"][..], 2, "does more than read"),
        (&["select * from sqlite_master"], 2, "`sqlite_master`, which is none of the views"),
        (&["attach '/etc/passwd' as p"], 2, "does more than read"),
        (&["select verdickt from records"], 2, "no such column: verdickt"),
        (&["select verdickt from records"], 2, "--schema"),
        (&["select 1; select 2"], 2, "one question at a time"),
        (&["--json", "select seq, seq from records"], 2, "two columns have the same name"),
        (&["--rows", "2", "select seq from records"], 1, "more than 2 rows"),
        (
            &["--seconds", "0", "with recursive n(a) as (select 1 union all select a + 1 from n) select max(a) from n"],
            1,
            "--seconds",
        ),
        (&["--json", "--csv", "select 1"], 2, "cannot be used with"),
        (&[], 2, "QUESTION"),
    ] {
        let (exit, out, complaint) = ask(&ledger, args);
        assert_eq!(exit, code, "{args:?}: {out}{complaint}");
        assert!(complaint.contains(said), "{args:?}: {complaint}");
    }
    // What came before the limit is there, and as JSON it is no whole answer.
    let (_, out, _) = ask(&ledger, &["--rows", "2", "--json", "select seq from records"]);
    assert_eq!(out, "[\n{\"seq\":0},\n{\"seq\":1}");
    let (code, _, complaint) = ask(Path::new("/nowhere"), &["select 1"]);
    assert!(code == 1 && complaint.contains("`/nowhere` holds no ledger"), "{complaint}");
}

#[test]
fn a_ledger_whose_records_were_changed_gives_no_answer() {
    let (_folder, ledger) = house("altered-record");
    let (code, out, complaint) = ask(&ledger, &["select count(*) from records"]);
    assert_eq!((code, out.as_str()), (10, ""), "{complaint}");
    assert!(complaint.contains("penstock verify"), "{complaint}");
    let output = penstock(&["reindex", ledger.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(10));
}

#[test]
fn reindex_says_what_it_built() {
    let (_folder, ledger) = house("good");
    let output = penstock(&["reindex", ledger.to_str().unwrap(), "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    let (_, count, _) = ask(&ledger, &["--csv", "select count(*) as n from records"]);
    assert_eq!(count, format!("n\r\n{}\r\n", said["records"]));
    let text = String::from_utf8(penstock(&["reindex", ledger.to_str().unwrap()]).stdout).unwrap();
    assert!(text.contains(said["root"].as_str().unwrap()) && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn the_schema_names_every_column_with_its_unit() {
    let schema = |args: &[&str]| String::from_utf8(penstock(&[&["sql", "--schema"], args].concat()).stdout).unwrap();
    insta::assert_snapshot!(schema(&[]));
    let json: Value = serde_json::from_str(&schema(&["--json"])).unwrap();
    let columns: usize = json.as_array().unwrap().iter().map(|view| view["columns"].as_array().unwrap().len()).sum();
    assert_eq!(schema(&["--csv"]).lines().count(), columns + 1);
}
