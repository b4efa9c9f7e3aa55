//! What stands in the files is what the index answers.

use crate::WriteError;
use index::{Answer, Index, Limits, SCHEMA, Value};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field as Read;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use store::{Filter, Reader};

/// A copy of a ledger of 13 records, with a folder for files beside it.
fn house() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/ledgers/good");
    let ledger = folder.path().join("ledger");
    assert!(Command::new("cp").arg("-r").args([&from, &ledger]).status().unwrap().success());
    (folder, ledger)
}

/// Rows as text, `|` between cells.
#[derive(Default)]
struct Told(Vec<String>);

impl Answer for Told {
    fn columns(&mut self, _: &[&str]) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        let cells = values.iter().map(|value| match value {
            Value::Null => "-".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) | Value::Bytes(text) => String::from_utf8_lossy(text).into_owned(),
        });
        self.0.push(cells.collect::<Vec<_>>().join("|"));
        Ok(())
    }
}

fn ask(ledger: &Path, question: &str) -> Vec<String> {
    let mut told = Told::default();
    Index::open(ledger, &mut |_| {}).unwrap().ask(question, &Limits::default(), &mut told).unwrap();
    told.0
}

fn file(folder: &Path, ledger: &Path, view: &index::View, filter: Filter) -> (u64, PathBuf) {
    let path = folder.join(format!("{}.parquet", view.name));
    let rows = crate::write(&Reader::open(ledger).unwrap(), view, filter, File::create(&path).unwrap()).unwrap();
    (rows, path)
}

fn rows(path: &Path) -> Vec<String> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let cell = |field: &Read| match field {
        Read::Null => "-".to_owned(),
        Read::Long(number) => number.to_string(),
        Read::Str(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let row =
        |row: parquet::record::Row| row.get_column_iter().map(|(_, field)| cell(field)).collect::<Vec<_>>().join("|");
    reader.get_row_iter(None).unwrap().map(|one| row(one.unwrap())).collect()
}

#[test]
fn each_view_is_the_same_in_its_file() {
    let (folder, ledger) = house();
    for view in SCHEMA {
        let (count, path) = file(folder.path(), &ledger, view, Filter::default());
        let asked = ask(&ledger, &format!("select * from {} order by seq", view.name));
        assert_eq!((rows(&path), count), (asked.clone(), asked.len() as u64), "{}", view.name);
    }
    assert_eq!(ask(&ledger, "select count(*) from records"), ["13"]);
}

#[test]
fn a_filter_holds_and_rows_keep_their_numbers() {
    let (folder, ledger) = house();
    let filter = Filter { kind: Some(plant::Kind::Outcome), ..Filter::default() };
    let (_, path) = file(folder.path(), &ledger, &SCHEMA[0], filter);
    let asked = ask(&ledger, "select * from records where kind = 'outcome' order by seq");
    assert!(!asked.is_empty());
    assert_eq!(rows(&path), asked);
}

#[test]
fn the_file_names_the_head_of_the_ledger() {
    let (folder, ledger) = house();
    let (_, path) = file(folder.path(), &ledger, &SCHEMA[0], Filter::default());
    let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
    let metadata = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let said = |key: &str| metadata.iter().find(|one| one.key == key).unwrap().value.clone().unwrap();
    let (head, _) = Reader::open(&ledger).unwrap().published().unwrap().unwrap();
    assert_eq!(said("penstock.origin"), head.origin);
    assert_eq!(said("penstock.size"), head.size.to_string());
    assert_eq!(said("penstock.root"), seal::base64(&head.root));
}

#[test]
fn a_ledger_that_published_nothing_gives_no_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("wal")).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let error = crate::write(&reader, &SCHEMA[0], Filter::default(), Vec::new()).unwrap_err();
    assert!(matches!(error, WriteError::NotPublished(_)), "{error}");
}

/// The same questions to `DuckDB` and to the index. `PENSTOCK_DUCKDB` names a Python that has the package `duckdb`;
/// without it only what the other tests read with the crate's own reader is compared.
#[test]
fn another_engine_gives_the_same_answers() {
    let (folder, ledger) = house();
    for view in SCHEMA {
        file(folder.path(), &ledger, view, Filter::default());
    }
    let questions = [
        "select kind, count(*) from records group by kind order by kind",
        "select i.seq, i.workload, o.status, o.us from records i join records o on o.ref = i.id order by i.seq",
        "select min(time), max(time), sum(output_tokens), count(distinct leaf) from records",
        "select label, sum(count) from findings group by label order by label",
        "select rule, count(*) from rules join records using (seq) group by rule order by rule",
        "select seq, coalesce(reason, 'none') from records order by seq",
    ];
    let answers: Vec<_> = questions.iter().map(|question| ask(&ledger, question)).collect();
    assert!(answers.iter().flatten().count() > 20);
    let Some(python) = std::env::var_os("PENSTOCK_DUCKDB") else { return };
    let program = "import duckdb, sys
for view in ('records', 'findings', 'tools', 'rules'):
    duckdb.sql(f\"create view {view} as select * from '{sys.argv[1]}/{view}.parquet'\")
for row in duckdb.sql(sys.argv[2]).fetchall():
    print('|'.join('-' if cell is None else str(cell) for cell in row))";
    for (question, answer) in questions.iter().zip(answers) {
        let output = Command::new(&python).args(["-c", program]).arg(folder.path()).arg(question).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let other: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        assert_eq!(other, answer, "{question}");
    }
}
