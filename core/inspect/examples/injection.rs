//! Measures how well instructions to a model are found, kind by kind, and what finding them costs.
//!
//! `cargo run --release -p penstock-inspect --example injection -- DIR [misses|false]`, where DIR holds `labelled.jsonl`
//! as for `measure`. A row of class `injection` counts as found if any finding of that family is made in it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measuring program stops at data that is not as described"
)]

use penstock_inspect::{Inspector, Settings, Sinks, rules};
use plant::{Answers, Content, Deed, Form, Origin, Piece, Rewrite, RuleId, Sensitivity};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// 95 % of a normal distribution.
const Z: f64 = 1.96;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().cloned().or_else(|| std::env::var("PENSTOCK_DATA").ok());
    let Some(folder) = folder else {
        println!("no data: give the folder of labelled.jsonl, or set PENSTOCK_DATA");
        return;
    };
    let show = arguments.get(1).map(String::as_str);
    let file = std::fs::read_to_string(format!("{folder}/labelled.jsonl")).expect("the data can be read");
    let rows: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect();
    let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
    let mut kinds: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    for row in &rows {
        let word = |key: &str| row[key].as_str().unwrap_or_default();
        let (class, text) = (word("class"), word("text"));
        let found = find(&inspector, text);
        let (count, all) = kinds.entry((class.to_owned(), word("kind").to_owned())).or_default();
        *count += u64::from(!found.is_empty());
        *all += 1;
        let head: String = text.chars().take(160).collect();
        match show {
            Some("misses") if class == "injection" && found.is_empty() => println!("MISS {} | {head:?}", word("kind")),
            Some("false") if class != "injection" && !found.is_empty() => {
                println!("FALSE {class} {} {found:?} | {head:?}", word("kind"));
            }
            _ => {}
        }
    }
    for ((class, kind), (count, all)) in
        kinds.iter().filter(|((class, _), _)| class == "injection" || class == "benign")
    {
        print(&format!("{class} {kind}"), *count, *all);
    }
    let others = kinds.iter().filter(|((class, _), _)| class != "injection");
    let (count, all) = others.fold((0, 0), |(count, all), (_, (more, rows))| (count + more, all + rows));
    print("all that is no injection", count, all);
    sinks(&rows, show == Some("sinks"));
    speed(&rows);
}

/// What would be taken out of benign texts if they were answers, with the settings that hold where a plant says nothing.
fn sinks(rows: &[Value], show: bool) {
    let inspector = Arc::new(Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile"));
    let unsafe_instructions = Deed::Annotate;
    let answers = Answers { images: true, links: true, markup: true, unsafe_instructions, ..Answers::open() };
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let benign = rows.iter().filter(|row| row["class"] == "benign").filter_map(|row| row["text"].as_str());
    let (mut all, mut bytes, begin) = (0, 0, Instant::now());
    for text in benign {
        let mut sinks = Sinks::new(&answers, Arc::clone(&inspector));
        let shown = sinks.whole(text, Form::Plain);
        for finding in sinks.findings() {
            *counts.entry(finding.label.clone()).or_default() += 1;
            if show {
                println!("{} | {:?}", finding.label, shown.as_deref().unwrap_or_default());
            }
        }
        all += 1;
        bytes += text.len();
    }
    let speed = bytes as f64 / begin.elapsed().as_secs_f64() / 1e6;
    for (label, count) in counts {
        print(&format!("benign, as an answer: {label}"), count, all);
    }
    println!("as answers: {speed:.0} MB/s");
}

/// A share with its Wilson interval.
fn print(what: &str, count: u64, all: u64) {
    let (n, share) = (all as f64, count as f64 / all as f64);
    let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    println!("{what:36} {count:5} of {all:5}  {share:.3}  [{:.3}, {:.3}]", (centre - half).max(0.0), centre + half);
}

fn find(inspector: &Inspector, text: &str) -> Vec<String> {
    let findings = inspector.read(&content(text)).expect("no labelled text overflows");
    let ours = findings.iter().filter(|finding| finding.label.as_str().starts_with("injection"));
    ours.map(|finding| format!("{}:{}", finding.rule, &text[finding.span.clone()])).collect()
}

fn content(text: &str) -> Content<'_> {
    let (path, text) = ("text".to_owned(), Cow::Borrowed(text));
    Content { pieces: vec![Piece { path, text, attachment: None, origin: Origin::Prompt, fixed: false }] }
}

/// Bodies of 64 KiB of what is benign, read with the detector and without its findings.
fn speed(rows: &[Value]) {
    let benign: Vec<&str> =
        rows.iter().filter(|row| row["class"] == "benign").filter_map(|row| row["text"].as_str()).collect();
    let mut body = benign.join("\n");
    body.truncate(body.floor_char_boundary(65_536));
    let ours =
        rules().filter(|(_, label)| label.starts_with("injection")).filter_map(|(name, _)| RuleId::new(name).ok());
    let mut settings = Settings::new(Sensitivity::LOWEST);
    settings.disabled = ours.collect::<BTreeSet<_>>();
    let without = Inspector::new(&settings).expect("built-in settings compile");
    settings.disabled.clear();
    let with = Inspector::new(&settings).expect("built-in settings compile");
    for (name, inspector) in [("without its rules", &without), ("with them", &with)] {
        let mut times: Vec<_> = (0..200)
            .map(|_| {
                let begin = Instant::now();
                let count = inspector.read(&content(&body)).map(|findings| findings.len());
                (begin.elapsed(), count.expect("few findings"))
            })
            .collect();
        times.sort_unstable();
        println!("64 KiB, {name}: p50 {:?}, p99 {:?}, {} findings", times[100].0, times[198].0, times[0].1);
    }
}
