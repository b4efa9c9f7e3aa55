//! Measures the guard on labelled texts: missed violations, false alarms, forms that were not held. With `all`, tells each text
//! that was judged otherwise, and with `--json` the figures as data; without a file, measures throughput on text without limited
//! tags.
//!
//! ```text
//! cargo run --release -p penstock-guard --example measure -- guardrail.jsonl [all | --json]
//! ```
//!
//! Each line is an object with `text`, `limits` (per tag `unit`, `min`, `max`, `max_rate_per_min`), `current` values and
//! `expect.verdict`: `allow`, `violate`, `unresolved` or `none`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement that cannot be made may stop")]

extern crate penstock_guard as guard;

use guard::{Decimal, Guard, Known, Limit, Unit, Verdict};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next() {
        Some(path) => measure(&std::fs::read_to_string(path).unwrap(), arguments.next().as_deref()),
        None => throughput(),
    }
}

fn measure(lines: &str, how: Option<&str>) {
    let (mut violations, mut missed, mut fine, mut alarms, mut open, mut let_go) = (0, 0, 0, 0, 0, 0);
    let (mut held, mut exact, mut all) = (0, 0, 0);
    for line in lines.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let wanted = row["expect"]["verdict"].as_str().unwrap();
        let guard = Guard::new(limits(&row["limits"]), Decimal::Either).unwrap();
        let mut known = Known::default();
        for (tag, value) in row["current"].as_object().into_iter().flatten() {
            guard.tell(tag, value.as_f64().unwrap(), &mut known);
        }
        let text = row["text"].as_str().unwrap();
        let found = guard.read(text, &known);
        let worst = found.iter().map(|found| found.verdict).max();
        let alarm = worst.is_some_and(|verdict| verdict > Verdict::Allow);
        all += 1;
        let right = match wanted {
            "violate" => {
                violations += 1;
                missed += usize::from(!alarm);
                worst == Some(Verdict::Violate)
            }
            "unresolved" => {
                open += 1;
                let_go += usize::from(!alarm);
                worst == Some(Verdict::Unresolved)
            }
            _ => {
                fine += 1;
                alarms += usize::from(worst == Some(Verdict::Violate));
                held += usize::from(worst == Some(Verdict::Unresolved));
                !alarm && (wanted == "none" || !found.is_empty())
            }
        };
        exact += usize::from(right);
        if how == Some("all") && !right {
            println!("{}: {wanted}, not {found:?}\n    {}", row["id"], text.replace('\n', "\n    "));
        }
    }
    if how == Some("--json") {
        let figures = json!({
            "texts": all, "as_labelled": exact, "violations": { "texts": violations, "missed": missed },
            "fine": { "texts": fine, "false_alarms": alarms, "held": held }, "unresolved": { "texts": open, "let_go": let_go },
        });
        println!("{figures}");
        return;
    }
    println!(
        "missed violations {missed}/{violations}, false alarms {alarms}+{held} held of {fine}, let go {let_go}/{open}"
    );
    println!("as labelled {exact}/{all}");
}

fn limits(limits: &Value) -> Vec<Limit> {
    let each = limits.as_object().unwrap().iter();
    each.map(|(tag, limit)| Limit {
        tag: tag.clone(),
        aliases: Vec::new(),
        unit: Unit::named(limit["unit"].as_str().unwrap()).unwrap(),
        low: limit["min"].as_f64(),
        high: limit["max"].as_f64(),
        step: limit["max_rate_per_min"].as_f64(),
        window: Some(Duration::from_secs(60)),
        modes: Vec::new(),
        interlocked: limit["interlocked"].as_bool().unwrap_or(false),
    })
    .collect()
}

fn throughput() {
    let plain = "The pump in hall 3 was serviced on 12 May; its seal had worn after 8,400 hours, so we ordered two more. \
                 Please keep an eye on the bearing temperature over the next days, and tell the shift if it exceeds 80 °C.\n";
    let code = "FUNCTION_BLOCK Dose\nVAR x : REAL := 12.5; END_VAR\nIF x > 3.0 THEN x := x - 0.1; END_IF;\n";
    let row = |tag: usize| Limit {
        tag: format!("TIC-{tag}"),
        aliases: vec![format!("kettle {tag} temperature")],
        unit: Unit::named("Cel").unwrap(),
        low: Some(0.0),
        high: Some(100.0),
        step: None,
        window: None,
        modes: Vec::new(),
        interlocked: false,
    };
    for tags in [4, 1000, 10_000] {
        let guard = Guard::new((1000..1000 + tags).map(row).collect(), Decimal::Either).unwrap();
        for (name, text) in [("text", plain), ("code", code)] {
            let body = text.repeat((4 << 20) / text.len());
            let mut best = f64::MAX;
            for _ in 0..5 {
                let began = Instant::now();
                assert!(guard.read(&body, &Known::default()).is_empty());
                best = best.min(began.elapsed().as_secs_f64());
            }
            println!("{name}, {tags} tags: {:.0} MB/s", body.len() as f64 / best / 1e6);
        }
    }
    let guard = Guard::new((1000..1004).map(row).collect(), Decimal::Either).unwrap();
    let busy = "Set TIC-1001 to 80 °C and keep it there for 10 min; TIC-1002 was at 340 °C yesterday.\n".repeat(20_000);
    let began = Instant::now();
    let found = guard.read(&busy, &Known::default()).len();
    println!(
        "a tag in every sentence: {:.0} MB/s, {found} recommendations",
        busy.len() as f64 / began.elapsed().as_secs_f64() / 1e6
    );
}
