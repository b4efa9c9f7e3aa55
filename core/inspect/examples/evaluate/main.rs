//! Measures the inspector on labelled texts: how much it finds, how often it is wrong, how sure that is, how fast it is.
//!
//! `cargo run --release -p penstock-inspect --example evaluate -- FOLDER [--json] [--peers PYTHON]`
//! `... [--misses KIND | --false KIND | --fragments KIND]`
//!
//! The folder holds `labelled.jsonl` and may hold `stream.jsonl`: one JSON object a line with `text`, `labels` (`type`,
//! `start`, `end` in code points), `labelled_for`, `class` and `kind`. A finding is right if it overlaps a label of its
//! kind; a label is found if a finding of its kind overlaps it; `exact` are labels whose span is met to the byte. `apart` is
//! the precision in which a finding beside a label does not count: texts with a secret often hold others. With `--peers`,
//! others read the same texts in the same run: in that Python, as `peers/peers.py` says. A folder may also hold texts with
//! brackets around what is to be found (`marked.rs`), as `testdata/inspection` does.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measuring program stops at data that is not as described, and counts no more than a few millions"
)]

mod data;
mod lines;
mod marked;
mod peers;
mod score;
mod speed;
mod streams;

use data::Row;
use penstock_inspect::{Inspector, Settings};
use plant::{Content, Finding, Origin, Piece, Sensitivity};
use score::{KINDS, Score, Share, Show};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)).cloned();
    let shown = option("--misses").map(|kind| (Show::Misses, kind));
    let (show, shown) =
        shown.or_else(|| option("--false").map(|kind| (Show::False, kind))).unwrap_or((Show::Nothing, String::new()));
    let folder =
        arguments.first().filter(|a| !a.starts_with("--")).cloned().or_else(|| std::env::var("PENSTOCK_DATA").ok());
    let Some(folder) = folder else {
        println!("no data: give the folder of labelled.jsonl, or set PENSTOCK_DATA");
        return;
    };
    let mut rows = data::read(&folder, "labelled.jsonl");
    rows.extend(marked::read(&folder));
    let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
    if let Some(kind) = option("--fragments") {
        lines::show(&inspector, &rows, &kind);
        return;
    }
    let json = arguments.iter().any(|a| a == "--json");
    let mut report = Map::new();
    report.insert("texts".to_owned(), json!(rows.len()));
    if !json {
        println!(
            "kind         labels  recall (95 %)      precision (95 %)    apart     F1  exact  clean flagged  benign flagged"
        );
    }
    let found: Vec<Vec<Finding>> = rows.iter().map(|row| find(&inspector, &row.text)).collect();
    let mut kinds = Map::new();
    for kind in &KINDS {
        let mut score = Score::default();
        for (row, findings) in rows.iter().zip(&found) {
            score.add(row, findings, kind, if shown == kind.name { show } else { Show::Nothing });
        }
        if !json {
            println!("{:12} {}", kind.name, score.line());
        }
        kinds.insert(kind.name.to_owned(), score.json());
    }
    report.insert("kinds".to_owned(), Value::Object(kinds));
    if show != Show::Nothing {
        return;
    }
    let soft = soft_negatives(&rows, &found);
    let lines = lines::evaluate(&inspector, &rows);
    let streams = streams::evaluate(&inspector, &data::read(&folder, "stream.jsonl"));
    let speed = speed::measure(&inspector, &rows);
    let others = option("--peers").map(|python| peers::evaluate(&python, &folder));
    if json {
        report.insert("soft_negatives".to_owned(), json!({ "texts": soft.1, "flagged": soft.0 }));
        report.insert("three_lines".to_owned(), lines.json());
        report.insert("streams".to_owned(), streams.json());
        report.insert("speed".to_owned(), speed.json());
        report.extend(others.map(|others| ("peers".to_owned(), others)));
        println!("{}", Value::Object(report));
    } else {
        println!("\nsoft negatives (examples that look like secrets): {} of {} flagged", soft.0, soft.1);
        println!("{lines}{streams}{speed}");
        others.iter().for_each(peers::show);
    }
}

fn find(inspector: &Inspector, text: &str) -> Vec<Finding> {
    inspector.read(&message(text)).expect("no labelled text overflows")
}

fn message(text: &str) -> Content<'_> {
    let piece = Piece {
        path: "text".to_owned(),
        text: Cow::Borrowed(text),
        attachment: None,
        origin: Origin::default(),
        fixed: false,
    };
    Content { pieces: vec![piece] }
}

/// Texts that some project gives as no secrets of its own and that may well be some: counted, not held against anyone.
fn soft_negatives(rows: &[Row], found: &[Vec<Finding>]) -> Share {
    let soft = || rows.iter().zip(found).filter(|(row, _)| row.kind == "secret_soft_negative");
    let secret = |findings: &[Finding]| findings.iter().any(|finding| finding.label.as_str().starts_with("secret"));
    Share(soft().filter(|(_, findings)| secret(findings)).count(), soft().count())
}
