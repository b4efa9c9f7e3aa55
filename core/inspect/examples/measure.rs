//! Measures the inspector on labelled texts, and its speed.
//!
//! `cargo run --release -p penstock-inspect --example measure -- DIR [misses|false LABEL]`, where DIR holds
//! `labelled.jsonl`: one JSON object a line with `text`, `labels` (`type`, `start`, `end` in code points),
//! `labelled_for`, `class` and `kind`. A finding counts as right if it overlaps a label of its type; a label
//! as found if a finding of its type overlaps it; `exact` counts labels whose span is met to the byte.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measuring program stops at data that is not as described"
)]

use penstock_inspect::{Inspector, Settings};
use plant::{Content, Finding, Piece, Sensitivity};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

/// Label types of the data, and the family of ours that they stand for.
const TYPES: [(&str, &str); 10] = [
    ("secret", "secret"),
    ("email", "person.email"),
    ("phone", "person.phone"),
    ("iban", "person.iban"),
    ("credit_card", "person.card"),
    ("ip", "network.address"),
    ("mac", "network.mac"),
    ("tag", "tag"),
    ("setpoint", "setpoint"),
    ("pii_strict", "person"),
];

struct Row {
    class: String,
    kind: String,
    text: String,
    labels: Vec<(String, Range<usize>)>,
    labelled_for: Vec<String>,
}

#[derive(Default)]
struct Score {
    labels: usize,
    found: usize,
    exact: usize,
    right: usize,
    wrong: usize,
    /// Of `wrong`: in texts that have no label of the type. Texts with a secret often hold more of them than the one labelled.
    wrong_clean: usize,
    clean: usize,
    flagged: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().cloned().or_else(|| std::env::var("PENSTOCK_DATA").ok());
    let Some(folder) = folder else {
        println!("no data: give the folder of labelled.jsonl, or set PENSTOCK_DATA");
        return;
    };
    let rows = read(&format!("{folder}/labelled.jsonl"));
    let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
    let show = (arguments.get(1).map(String::as_str), arguments.get(2).map(String::as_str));
    let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
    for row in &rows {
        let findings = find(&inspector, &row.text);
        for (kind, family) in TYPES {
            score(row, &findings, kind, family, scores.entry(kind).or_default(), show);
        }
    }
    println!(
        "{:12} {:>6} {:>7} {:>7} {:>9} {:>9} {:>6} {:>6} {:>14}",
        "type", "labels", "recall", "exact", "precision", "on clean", "F1", "wrong", "clean flagged"
    );
    for (kind, _) in TYPES {
        let Some(score) = scores.get(kind) else { continue };
        let share = |part: usize, whole: usize| if whole == 0 { f64::NAN } else { part as f64 / whole as f64 };
        let (recall, precision) = (share(score.found, score.labels), share(score.right, score.right + score.wrong));
        println!(
            "{kind:12} {:6} {recall:7.3} {:7.3} {precision:9.3} {:9.3} {:6.3} {:6} {:6}/{:<6} {:.4}",
            score.labels,
            share(score.exact, score.labels),
            share(score.right, score.right + score.wrong_clean),
            2.0 * precision * recall / (precision + recall),
            score.wrong,
            score.flagged,
            score.clean,
            share(score.flagged, score.clean),
        );
    }
    speed(&inspector, &rows);
}

fn find(inspector: &Inspector, text: &str) -> Vec<Finding> {
    let piece = Piece {
        path: "text".to_owned(),
        text: Cow::Borrowed(text),
        attachment: None,
        origin: plant::Origin::Prompt,
        fixed: false,
    };
    inspector.read(&Content { pieces: vec![piece] }).expect("no labelled text overflows")
}

fn score(
    row: &Row,
    findings: &[Finding],
    kind: &str,
    family: &str,
    score: &mut Score,
    show: (Option<&str>, Option<&str>),
) {
    let group = match kind {
        "secret" | "tag" | "setpoint" | "pii_strict" => kind,
        "ip" | "mac" => "network",
        _ => "pii",
    };
    if !row.labelled_for.iter().any(|name| name == group) || row.kind == "secret_soft_negative" {
        return;
    }
    let ours: Vec<&Finding> = findings.iter().filter(|f| f.label.as_str().starts_with(family)).collect();
    let labels: Vec<&Range<usize>> = row.labels.iter().filter(|(name, _)| name == kind).map(|(_, span)| span).collect();
    // An equipment number read as a tag is neither right nor wrong: the data counts it apart.
    let apart: Vec<&Range<usize>> =
        row.labels.iter().filter(|(name, _)| name == "equipment" && kind == "tag").map(|(_, span)| span).collect();
    let meets = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
    for label in &labels {
        score.labels += 1;
        score.found += usize::from(ours.iter().any(|f| meets(&f.span, label)));
        score.exact += usize::from(ours.iter().any(|f| f.span == **label));
        if show == (Some("misses"), Some(kind)) && !ours.iter().any(|f| meets(&f.span, label)) {
            println!("MISS {} | {} | {}", row.kind, &row.text[(*label).clone()], around(&row.text, label));
        }
    }
    for finding in &ours {
        if labels.iter().any(|label| meets(&finding.span, label)) {
            score.right += 1;
        } else if !apart.iter().any(|label| meets(&finding.span, label)) {
            score.wrong += 1;
            score.wrong_clean += usize::from(labels.is_empty());
            if show == (Some("false"), Some(kind)) {
                println!(
                    "FALSE {} {} | {} | {}",
                    row.class,
                    finding.rule,
                    &row.text[finding.span.clone()],
                    around(&row.text, &finding.span)
                );
            }
        }
    }
    if labels.is_empty() {
        score.clean += 1;
        score.flagged += usize::from(!ours.is_empty());
    }
}

fn around(text: &str, span: &Range<usize>) -> String {
    let (from, to) = (
        text.floor_char_boundary(span.start.saturating_sub(60)),
        text.ceil_char_boundary((span.end + 40).min(text.len())),
    );
    text[from..to].replace('\n', "⏎")
}

fn read(path: &str) -> Vec<Row> {
    let file = std::fs::read_to_string(path).expect("the data can be read");
    file.lines().map(|line| row(&serde_json::from_str(line).expect("a row is JSON"))).collect()
}

fn row(value: &Value) -> Row {
    let word = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let text = word("text");
    let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let byte = |value: &Value| bytes[usize::try_from(value.as_u64().unwrap_or(0)).unwrap_or(0).min(bytes.len() - 1)];
    let list = |key: &str| value[key].as_array().cloned().unwrap_or_default();
    let labels = list("labels");
    let labels =
        labels.iter().map(|l| (l["type"].as_str().unwrap_or_default().to_owned(), byte(&l["start"])..byte(&l["end"])));
    Row {
        class: word("class"),
        kind: word("kind"),
        labels: labels.collect(),
        labelled_for: list("labelled_for").iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        text,
    }
}

/// 64 KiB chat bodies of benign texts with now and then one that has something in it.
fn speed(inspector: &Inspector, rows: &[Row]) {
    let benign: Vec<&Row> = rows.iter().filter(|row| row.class == "benign").collect();
    let others: Vec<&Row> = rows.iter().filter(|row| row.class != "benign" && row.text.len() < 600).collect();
    let mut bodies = vec![String::new()];
    for (at, row) in benign.iter().cycle().take(benign.len() * 3).enumerate() {
        let text = if at % 20 == 19 { &others[at % others.len()].text } else { &row.text };
        let body = bodies.last_mut().expect("one body at least");
        body.push_str(text);
        body.push('\n');
        if body.len() >= 65_536 {
            bodies.push(String::new());
        }
    }
    bodies.retain(|body| body.len() >= 65_536);
    let (mut times, mut total, mut count) = (Vec::new(), 0, 0);
    for round in 0..20 {
        for body in &bodies {
            let begin = Instant::now();
            count += find(inspector, body).len();
            if round > 2 {
                times.push(begin.elapsed());
                total += body.len();
            }
        }
    }
    times.sort_unstable();
    let sum: f64 = times.iter().map(std::time::Duration::as_secs_f64).sum();
    println!(
        "{} bodies of 64 KiB, {} findings each: {:.1} MB/s, p50 {:?}, p99 {:?}",
        bodies.len(),
        count / bodies.len().max(1) / 20,
        total as f64 / sum / 1e6,
        times[times.len() / 2],
        times[times.len() * 99 / 100],
    );
}
