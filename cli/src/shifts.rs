//! `penstock shifts`: what changed abruptly in the calls of workloads, from the records that say so.

use crate::print::{columns, say, second};
use crate::records::{self, Where};
use miette::{IntoDiagnostic, WrapErr};
use plant::{Kind, Millis, WorkloadId};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use store::{Filter, Record};

/// List abrupt changes in what workloads ask of models and get from them.
///
/// The gateway compares the last calls of each workload and model with those before: how many are refused, fail, have their
/// answers stopped or changed, or repeat a prompt; what is found in them, in which language they are, and how large they
/// are. What changes abruptly is recorded once, with how it stood before and how it stands since (`[shifts]` in the plant
/// file). Each row has the number of its record.
///
/// Those of the last day: `penstock shifts --since 1d`
///
/// The record itself, with the proof that it is in the ledger: `penstock receipt NUMBER`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Recorded at this time or later: `2026-11-20T21:30:00Z`, `2026-11-20`, or so long ago: `90s`, `15m`, `2h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = records::time)]
    since: Option<Millis>,

    /// Of this workload.
    #[arg(long)]
    workload: Option<WorkloadId>,

    /// Print the same as data: a JSON array, counts and bytes as numbers.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    ledger: Where,
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let Args { since, workload, json, ledger } = args;
    let reader = ledger.reader(plant)?;
    let filter = Filter { since, workload, kind: Some(Kind::Alert), ..Filter::default() };
    let records: Result<Vec<Record>, _> = reader.records(0, filter).collect();
    let records = records.into_diagnostic().wrap_err("the ledger cannot be read; `penstock verify` says more")?;
    let shifts: Vec<Shift> = records.iter().filter_map(Shift::of).collect();
    let text = if json {
        serde_json::to_string_pretty(&shifts.iter().map(Shift::data).collect::<Vec<_>>()).into_diagnostic()? + "\n"
    } else {
        table(&shifts)
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A shift, as its record says it.
struct Shift<'a> {
    record: &'a Record,
}

impl<'a> Shift<'a> {
    fn of(record: &'a Record) -> Option<Self> {
        (record.entry.text("note.event") == Some("shift")).then_some(Self { record })
    }

    fn text(&self, name: &str) -> &'a str {
        self.record.entry.text(&format!("note.{name}")).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.record.entry.at(&format!("note.{name}"))?.as_u64()
    }

    /// `refused`, `label person`.
    fn measure(&self) -> String {
        format!("{} {}", self.text("measure"), self.text("of")).trim_end().to_owned()
    }

    /// `3 of 400` calls, or `1192 bytes`.
    fn level(&self, when: &str) -> String {
        let calls = self.number(&format!("{when}_calls")).unwrap_or_default();
        match (self.number(when), self.number(&format!("{when}_bytes"))) {
            (Some(hits), _) => format!("{hits} of {calls}"),
            (None, Some(bytes)) => format!("{bytes} bytes"),
            (None, None) => String::new(),
        }
    }

    fn data(&self) -> Value {
        let level = |when: &str| {
            let number = |name: String| self.number(&name);
            let level = [
                ("hits", number(when.to_owned())),
                ("bytes", number(format!("{when}_bytes"))),
                ("calls", number(format!("{when}_calls"))),
            ];
            let told = level.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
            Value::Object(told.collect())
        };
        json!({
            "record": self.record.entry.seq(),
            "time": self.record.entry.t().to_string(),
            "since": self.number("since").map(|since| Millis(since).to_string()),
            "workload": self.text("workload"),
            "model": self.text("model"),
            "measure": self.text("measure"),
            "of": self.record.entry.text("note.of"),
            "before": level("before"),
            "after": level("after"),
            "deviation": self.number("deviation"),
        })
    }
}

fn table(shifts: &[Shift<'_>]) -> String {
    if shifts.is_empty() {
        return "no shift is recorded\n".to_owned();
    }
    let row = |shift: &Shift<'_>| {
        let since = second(Millis(shift.number("since").unwrap_or_default()));
        [
            shift.record.entry.seq().to_string(),
            since,
            shift.text("workload").to_owned(),
            shift.text("model").to_owned(),
            shift.measure(),
            shift.level("before"),
            shift.level("after"),
        ]
    };
    columns(["NO", "SINCE", "WORKLOAD", "MODEL", "MEASURE", "BEFORE", "AFTER"], shifts.iter().map(row))
}
