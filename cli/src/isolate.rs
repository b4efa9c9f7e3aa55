//! `penstock isolate` and `penstock restore`: the gate shut by hand, and opened again.

use crate::print::{columns, say};
use crate::reaching::Reach;
use http::{Method, StatusCode};
use plant::Part;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// What a wish that waits for a second person ends with.
const WAITS: u8 = 3;

/// Shut a part of the plant's AI traffic, at once
///
/// In force when this returns, and cut within 100 ms where streams are under way: their callers are
/// told so in their own dialect, and their records say `isolated`. It lasts until `penstock
/// restore`, over restarts too. Nothing but AI stops: the plant runs on.
///
/// A part is `everything`, `external` (islanded mode, IEC 62443-3-3 SR 5.2 RE 2: whatever goes to a
/// provider in an external zone; models on the edge go on), `conduit:NAME`, `workload:NAME`,
/// `zone:NAME` or `provider:NAME`. Without a part, what is isolated is listed.
///
///     penstock isolate external --reason "incident 47, uplink compromised"
///
/// Where the plant file asks for two people (`approver_for` of `[control]`), the first is told so
/// and this ends with 3; it is done when another one asks for the same within the hour.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Isolate {
    /// What to shut.
    #[arg(value_name = "PART", value_parser = part, requires = "reason")]
    part: Option<Part>,

    #[command(flatten)]
    how: How,
}

/// Open again what was isolated
///
/// Only what was isolated under the same name: whoever isolated a conduit and everything restores
/// both.
///
///     penstock restore external --reason "incident 47 closed"
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Restore {
    /// What to open.
    #[arg(value_name = "PART", value_parser = part, requires = "reason")]
    part: Part,

    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
struct How {
    /// Why: one line, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// Print what is isolated as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reach: Reach,
}

fn part(text: &str) -> Result<Part, String> {
    Part::parse(text).map_err(|problem| problem.to_string())
}

pub(crate) fn isolate(plant: &Path, args: &Isolate) -> miette::Result<ExitCode> {
    match &args.part {
        Some(part) => args.how.change(plant, "/api/v1/isolations", part),
        None => {
            let (_, now) = args.how.reach.ask(plant, &Method::GET, "/api/v1/isolations", None)?;
            args.how.tell(&now)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

pub(crate) fn restore(plant: &Path, args: &Restore) -> miette::Result<ExitCode> {
    args.how.change(plant, "/api/v1/restorations", &args.part)
}

impl How {
    fn change(&self, plant: &Path, path: &str, part: &Part) -> miette::Result<ExitCode> {
        let wish = json!({ "part": part.to_string(), "reason": self.reason });
        let (status, now) = self.reach.ask(plant, &Method::POST, path, Some(&wish))?;
        self.tell(&now)?;
        if status == StatusCode::ACCEPTED {
            eprintln!("not done yet: it takes a second person to ask for the same within the hour");
            return Ok(ExitCode::from(WAITS));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn tell(&self, now: &Value) -> miette::Result<()> {
        let text = if self.json { format!("{now:#}\n") } else { table(now) };
        say(&text)
    }
}

fn table(now: &Value) -> String {
    let rows = |key: &str| now.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let isolated = rows("isolated");
    let mut said = if isolated.is_empty() {
        "nothing is isolated\n".to_owned()
    } else {
        let row = |row: &Value| ["part", "since", "by", "approver", "reason"].map(|key| text(row, key));
        columns(["ISOLATED", "SINCE", "BY", "APPROVED BY", "WHY"], isolated.iter().map(row))
    };
    let waiting = rows("waiting");
    if !waiting.is_empty() {
        let row = |row: &Value| ["wish", "part", "by", "until", "reason"].map(|key| text(row, key));
        said += &columns(["WAITS FOR A SECOND PERSON", "PART", "BY", "UNTIL", "WHY"], waiting.iter().map(row));
    }
    said
}
