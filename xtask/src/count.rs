//! `cargo xtask count`: how many instructions the stages of a call take, beside the table of the last time.
//!
//! Counted by valgrind's callgrind, so a busy machine counts the same as an idle one. Each stage is an example of its crate that
//! does its work as often as it is told; the difference of two runs leaves out what starting takes.

use crate::Outcome;
use crate::shell::{command, output, root, run as must, target};
use serde_json::{Map, Value};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Count the instructions of parsing, reading, deciding and recording, and compare them with `bench/counts.json`.
///
/// Needs valgrind. Fails where a stage takes more than the table says and the tolerance allows; where one takes much less, says so,
/// and `--write` makes that the measure from now on.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the table anew.
    #[arg(long)]
    write: bool,
    /// Per cent that a count may grow; compilers and libraries change more than nothing.
    #[arg(long, value_name = "PER CENT", default_value_t = 5)]
    tolerance: u64,
}

/// Stages in their order: name, crate, example, what it does.
const STAGES: [(&str, &str, &str, &str); 5] = [
    ("parse", "penstock-wire", "count_parse", "a chat with a prompt of 2 KiB becomes a message"),
    ("read", "penstock-inspect", "count_read", "that prompt is searched by every built-in rule"),
    (
        "decide",
        "penstock-policy",
        "count_decide",
        "a call like one before is placed, and decided with five Cedar rules and two findings",
    ),
    ("ask", "penstock-policy", "count_ask", "the same where the rules have not been asked about it before"),
    ("record", "penstock-ledger", "count_record", "a record of 1 KiB is written and hashed into the tree"),
];

const FEW: u64 = 100;
const MANY: u64 = 300;

pub(crate) fn run(args: &Args) -> Outcome<()> {
    let table = root().join("bench/counts.json");
    let known: Map<String, Value> = match fs::read(&table) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(_) => Map::new(),
    };
    build()?;
    let (mut fresh, mut grown, mut page) = (Map::new(), Vec::new(), String::new());
    page += "| stage | instructions | what it does |\n|---|---:|---|\n";
    println!("{:8} {:>12} {:>12} {:>8}", "stage", "was", "is", "change");
    for (stage, _, example, what) in STAGES {
        let is = count(example)?;
        let was = known.get(stage).and_then(Value::as_u64).unwrap_or(is);
        println!("{stage:8} {was:>12} {is:>12} {:>7.1}%", (is as f64 / was as f64 - 1.0) * 100.0);
        if is * 100 > was * (100 + args.tolerance) {
            grown.push(stage);
        }
        writeln!(page, "| {stage} | {is} | {what} |")?;
        fresh.insert(stage.to_owned(), is.into());
    }
    if args.write || known.is_empty() {
        fs::write(&table, serde_json::to_string_pretty(&fresh)? + "\n")?;
        put(&root().join("docs/src/reference/performance.md"), &page)?;
        return Ok(());
    }
    if grown.is_empty() {
        return Ok(());
    }
    Err(format!("{} took more than {} per cent more instructions", grown.join(", "), args.tolerance).into())
}

fn build() -> Outcome<()> {
    let mut cargo = command("cargo", ["build", "--release", "--locked", "--quiet"]);
    for (_, package, example, _) in STAGES {
        cargo.args(["--package", package, "--example", example]);
    }
    must(&mut cargo)
}

/// Instructions of one round.
fn count(example: &str) -> Outcome<u64> {
    let binary = target().join("release/examples").join(example);
    let (few, many) = (total(&binary, FEW)?, total(&binary, MANY)?);
    Ok(many.saturating_sub(few) / (MANY - FEW))
}

/// Instructions of a whole run.
fn total(binary: &Path, rounds: u64) -> Outcome<u64> {
    let counts = tempfile::NamedTempFile::new()?;
    let out = format!("--callgrind-out-file={}", counts.path().display());
    output(command("valgrind", ["--tool=callgrind", "-q", &out]).arg(binary).arg(rounds.to_string()))?;
    let text = fs::read_to_string(counts.path())?;
    let line = text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")));
    Ok(line.ok_or("callgrind says no total")?.trim().parse()?)
}

const BEGIN: &str = "<!-- Written by cargo xtask count --write. -->\n\n";
const END: &str = "\n<!-- End of what cargo xtask count writes. -->";

fn put(page: &Path, table: &str) -> Outcome<()> {
    let text = fs::read_to_string(page)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("the page has no place for the table")?;
    let (_, after) = rest.split_once(END).ok_or("the page has no end of the table")?;
    Ok(fs::write(page, format!("{before}{BEGIN}{table}{END}{after}"))?)
}
