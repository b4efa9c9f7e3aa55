//! `penstock usage`: how much AI was used, by whom and of what, from the records that say so; and what is used of quotas.

use crate::print::{columns, say};
use crate::records::{self, Where};
use crate::{assemble, quotas};
use clap::ValueEnum;
use miette::{IntoDiagnostic, WrapErr};
use plant::{Kind, Millis, ProviderId};
use quota::{Measure, Prices};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use store::{Filter, Record};

/// Most rows. Names of models come from callers: whoever makes them up fills no memory.
const MOST: usize = 10_000;
/// What all beyond those are.
const OTHERS: &str = "(others)";

/// Show how much AI was used, from the ledger.
///
/// Calls that ended, with the tokens that providers counted and the bytes that crossed. Refused calls never left; failed ones left and
/// ended badly; switched ones were answered by another provider, or with a fixed answer, because the first one failed. A provider that does not count
/// tokens leaves its calls uncounted: most count those of a stream only if the caller asks for it. Where the plant file says what models
/// cost (`prices`), so does the last column, at the prices of now.
///
/// This month, by day and workload: `penstock usage --since 2026-11-01 --by day --by workload`
///
/// Which models cost the tokens: `penstock usage --by provider --by model --since 7d`
///
/// How much of each quota is used now: `penstock usage --quotas`
///
/// For another program: `--json`, an array of objects; money in millionths.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ended at this time or later: `2026-11-20T21:30:00Z`, `2026-11-20`, or so long ago: `90s`, `15m`, `2h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = records::time)]
    since: Option<Millis>,

    /// Ended before this time.
    #[arg(long, value_name = "TIME", value_parser = records::time)]
    until: Option<Millis>,

    /// What is told apart; several times for several columns. Days are UTC.
    #[arg(long, value_enum, default_values = ["workload"])]
    by: Vec<By>,

    /// Show instead what of each quota is used in the window that is now, as the gateway counts it.
    #[arg(long, conflicts_with_all = ["since", "until", "by", "ledger"])]
    quotas: bool,

    /// Print the same as data.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    ledger: Where,
}

/// What is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// The software that calls.
    Workload,
    /// The person, by pseudonym.
    Operator,
    /// The conduit that calls cross.
    Conduit,
    /// The provider that answered, or was asked.
    Provider,
    /// The model that answered, or was asked.
    Model,
    /// The day.
    Day,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Operator => "operator",
            Self::Conduit => "conduit",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Day => "day",
        }
    }

    fn of(self, record: &Record) -> String {
        let paths: &[&str] = match self {
            Self::Workload => &["who.workload.id"],
            Self::Operator => &["who.operator.id"],
            Self::Conduit => &["where.conduit"],
            Self::Provider => &["what.rerouted", "what.provider"],
            Self::Model => &["out.model", "what.model"],
            Self::Day => return record.entry.t().to_string().chars().take(10).collect(),
        };
        paths.iter().find_map(|path| record.entry.text(path)).unwrap_or("-").to_owned()
    }
}

/// What was used.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    calls: u64,
    refused: u64,
    failed: u64,
    switched: u64,
    input_tokens: u64,
    output_tokens: u64,
    uncounted: u64,
    sent_bytes: u64,
    received_bytes: u64,
    /// In millionths.
    cost: u64,
}

impl Usage {
    /// The headings, in the order of the numbers.
    const NAMES: [&str; 10] = [
        "calls",
        "refused",
        "failed",
        "switched",
        "input_tokens",
        "output_tokens",
        "uncounted",
        "sent_bytes",
        "received_bytes",
        "cost",
    ];

    fn numbers(&self) -> [u64; 10] {
        [
            self.calls,
            self.refused,
            self.failed,
            self.switched,
            self.input_tokens,
            self.output_tokens,
            self.uncounted,
            self.sent_bytes,
            self.received_bytes,
            self.cost,
        ]
    }

    fn cells(&self) -> [String; 10] {
        let mut cells = self.numbers().map(|number| number.to_string());
        let [.., cost] = &mut cells;
        *cost = Measure::Money.show(self.cost);
        cells
    }

    fn add(&mut self, record: &Record, prices: &Prices) {
        let entry = &record.entry;
        let number = |path: &str| entry.at(path).and_then(Value::as_u64);
        self.calls += 1;
        if entry.kind() == Some(Kind::Refuse) {
            self.refused += 1;
            return;
        }
        let failed = entry.text("out.reason").is_some() || number("out.status").is_some_and(|status| status >= 400);
        self.failed += u64::from(failed);
        self.switched += u64::from(entry.text("note.answered_by").is_some());
        let (input, output) = (number("io.input_tokens"), number("io.output_tokens"));
        self.uncounted += u64::from(!failed && input.is_none() && output.is_none());
        self.input_tokens = self.input_tokens.saturating_add(input.unwrap_or_default());
        self.output_tokens = self.output_tokens.saturating_add(output.unwrap_or_default());
        let (provider, model) = (By::Provider.of(record), By::Model.of(record));
        if let Ok(provider) = ProviderId::new(provider) {
            let cost = prices.of(&provider, &model, input.unwrap_or_default(), output.unwrap_or_default());
            self.cost = self.cost.saturating_add(cost);
        }
        self.sent_bytes = self.sent_bytes.saturating_add(number("io.request_bytes").unwrap_or_default());
        self.received_bytes = self.received_bytes.saturating_add(number("io.answer_bytes").unwrap_or_default());
    }
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let Args { since, until, by, quotas, json, ledger } = args;
    let text = if quotas {
        quotas::standing(plant, json)?
    } else {
        // A plant file with problems must not keep anyone from reading what was recorded.
        let prices = assemble::load(plant).map(|loaded| loaded.quotas.prices).unwrap_or_default();
        let mut rows: BTreeMap<Vec<String>, Usage> = BTreeMap::new();
        let reader = ledger.reader(plant)?;
        for kind in [Kind::Outcome, Kind::Abandon, Kind::Refuse] {
            let filter = Filter { since, until, kind: Some(kind), ..Filter::default() };
            for record in reader.records(0, filter) {
                let record =
                    record.into_diagnostic().wrap_err("the ledger cannot be read; `penstock verify` says more")?;
                // A refused account of an answer was no call.
                if record.entry.text("note.at") == Some("oversight") {
                    continue;
                }
                let mut key: Vec<String> = by.iter().map(|by| by.of(&record)).collect();
                if rows.len() >= MOST && !rows.contains_key(&key) {
                    key.iter_mut().for_each(|name| OTHERS.clone_into(name));
                }
                rows.entry(key).or_default().add(&record, &prices);
            }
        }
        if json { data(&by, &rows)? } else { table(&by, &rows, !prices.is_empty()) }
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn data(by: &[By], rows: &BTreeMap<Vec<String>, Usage>) -> miette::Result<String> {
    let row = |(key, usage): (&Vec<String>, &Usage)| {
        let names = by.iter().zip(key).map(|(by, name)| (by.name().to_owned(), Value::from(name.as_str())));
        let numbers =
            Usage::NAMES.iter().zip(usage.numbers()).map(|(name, number)| ((*name).to_owned(), number.into()));
        Value::Object(names.chain(numbers).collect::<Map<_, _>>())
    };
    Ok(serde_json::to_string_pretty(&rows.iter().map(row).collect::<Vec<_>>()).into_diagnostic()? + "\n")
}

fn table(by: &[By], rows: &BTreeMap<Vec<String>, Usage>, priced: bool) -> String {
    if rows.is_empty() {
        return "no call is recorded\n".to_owned();
    }
    let line = |key: String, mut cells: [String; 10]| {
        let [.., cost] = &mut cells;
        if !priced {
            cost.clear();
        }
        let [calls, refused, failed, switched, input, output, uncounted, sent, received, cost] = cells;
        [key, calls, refused, failed, switched, input, output, uncounted, sent, received, cost]
    };
    // Several names stand in one column, each as wide as its widest.
    let names = |key: Vec<String>| {
        let width = |at: usize| {
            let heading = by.get(at).map_or(0, |by| by.name().len());
            rows.keys().filter_map(|row| row.get(at)).map(|name| name.chars().count()).max().unwrap_or(0).max(heading)
        };
        let cells: Vec<String> =
            key.iter().enumerate().map(|(at, name)| format!("{name:width$}", width = width(at))).collect();
        cells.join("  ")
    };
    let heading = names(by.iter().map(|by| by.name().to_uppercase()).collect());
    let heading = line(heading, Usage::NAMES.map(|name| name.replace('_', " ").to_uppercase()));
    let heading = heading.each_ref().map(String::as_str);
    let row = |(key, usage): (&Vec<String>, &Usage)| line(names(key.clone()), usage.cells());
    columns(heading, rows.iter().map(row))
}
