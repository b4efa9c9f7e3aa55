//! `penstock holds`: the calls that wait for a person.

use crate::print::{columns, say};
use crate::reaching::Reach;
use clap::Subcommand;
use http::Method;
use plant::RecordId;
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

/// Decide the calls that wait for a person.
///
/// A conduit (`do = "hold"` in its `handling`) or a rule (`@do("hold")`) leaves a call to a person. It waits for as long as
/// `hold_for` of `[control]` says, and is then refused. One that is approved is decided anew, by the plant as it is then; who
/// decided stands in its record. A caller that leaves takes its call back.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// List them, the oldest first.
    List(List),
    Show(Show),
    /// Let one go on.
    Approve(Decide),
    /// Refuse one.
    Refuse(Decide),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reach: Reach,
}

/// Show one, and what was found in it
///
/// With `--content`, what was found is shown with the words around it, marked. That takes the right to see content, and is
/// recorded before it is shown.
#[derive(Debug, clap::Args)]
struct Show {
    /// The call, as it is listed.
    #[arg(value_name = "ID", value_parser = id)]
    id: RecordId,

    /// Show what was found.
    #[arg(long)]
    content: bool,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reach: Reach,
}

#[derive(Debug, clap::Args)]
struct Decide {
    /// The call, as it is listed.
    #[arg(value_name = "ID", value_parser = id)]
    id: RecordId,

    /// Why: one line, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    reach: Reach,
}

fn id(text: &str) -> Result<RecordId, &'static str> {
    RecordId::parse(text).ok_or("this is not the id of a record")
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let text = match args.task {
        Task::List(List { json, reach }) => {
            let (_, held) = reach.ask(plant, &Method::GET, "/api/v1/holds", None)?;
            let held = held.get("holds").cloned().unwrap_or_default();
            if json { format!("{held:#}\n") } else { table(&held) }
        }
        Task::Show(Show { id, content, json, reach }) => {
            let query = if content { "?content=true" } else { "" };
            let (_, held) = reach.ask(plant, &Method::GET, &format!("/api/v1/holds/{id}{query}"), None)?;
            if json { format!("{held:#}\n") } else { page(&held) }
        }
        Task::Approve(decide) => decide.send(plant, "approve", "approved")?,
        Task::Refuse(decide) => decide.send(plant, "refuse", "refused")?,
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}

impl Decide {
    fn send(&self, plant: &Path, decision: &str, done: &str) -> miette::Result<String> {
        let ruling = json!({ "decision": decision, "reason": self.reason });
        let path = format!("/api/v1/holds/{}/decision", self.id);
        self.reach.ask(plant, &Method::POST, &path, Some(&ruling))?;
        Ok(format!("{done}: `penstock receipt {}` tells what became of it\n", self.id))
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn table(held: &Value) -> String {
    let held = held.as_array().map(Vec::as_slice).unwrap_or_default();
    if held.is_empty() {
        return "no call waits for a person\n".to_owned();
    }
    let row =
        |one: &Value| ["id", "since", "until", "workload", "provider", "why"].map(|key| text(one, key).to_owned());
    columns(["CALL", "SINCE", "UNTIL", "WORKLOAD", "PROVIDER", "WHY"], held.iter().map(row))
}

fn page(held: &Value) -> String {
    let keys = [
        "id",
        "why",
        "since",
        "until",
        "workload",
        "operator",
        "zone",
        "conduit",
        "provider",
        "model",
        "purpose",
        "sensitivity",
    ];
    let mut page: String = keys
        .iter()
        .filter(|key| !text(held, key).is_empty())
        .map(|key| format!("{key:<12} {}\n", text(held, key)))
        .collect();
    let (open, close) = if std::io::stdout().is_terminal() { ("\u{1b}[7m", "\u{1b}[0m") } else { (">>", "<<") };
    for one in held.get("found").and_then(Value::as_array).into_iter().flatten() {
        let mark = if one.get("held_for").and_then(Value::as_bool) == Some(true) { "*" } else { " " };
        page += &format!("{mark} {} ({}) in {}\n", text(one, "label"), text(one, "rule"), plain(text(one, "place")));
        if one.get("text").is_some_and(Value::is_string) {
            let [before, found, after] = ["before", "text", "after"].map(|key| plain(text(one, key)));
            page += &format!("    {before}{open}{found}{close}{after}\n");
        }
    }
    page
}

/// Content on a terminal: what could move its cursor or turn its letters round is shown as what it is.
fn plain(text: &str) -> String {
    let shown = |c: char| if console::misleads(c) { c.escape_unicode().collect() } else { vec![c] };
    text.chars().flat_map(shown).collect()
}
