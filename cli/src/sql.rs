//! `penstock sql`: questions to the records of a ledger.

mod print;

use crate::reindex::{complain, with_progress};
use crate::verify::USAGE;
use index::{Index, Limits, QueryError, SCHEMA};
use print::{Format, Printer};
use serde_json::{Value, json};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Ask the records of a ledger a question in SQL.
///
/// Reads the records that were published since the last time into an index (`index.sqlite` in the ledger's folder, for
/// its owner only), and answers from there. `penstock sql --schema` lists views and columns. The language is SQLite's.
/// A question can only read: nothing in the ledger or beside it can be changed, and no other file can be read.
///
/// Who was refused most: `penstock sql LEDGER "select workload, count(*) from records where verdict = 'refuse' group by 1"`
///
/// Tokens by model and day: `penstock sql LEDGER "select date(time), model, sum(output_tokens) from records group by 1, 2"`
///
/// Calls with their ends: `penstock sql LEDGER "select i.id, o.status, o.us from records i join records o on o.ref = i.id"`
///
/// The answer is as good as the ledger: `penstock verify` proves that, and `penstock receipt` proves one record (`id`).
///
/// Exit codes: 0 answered, 1 not or not wholly answered, 2 wrong usage or question, 10 the records are not those of the
/// published checkpoint.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the ledger. It must be writable, for the index.
    #[arg(required_unless_present = "schema")]
    ledger: Option<PathBuf>,

    /// One `select`.
    #[arg(required_unless_present = "schema")]
    question: Option<String>,

    /// Print the views that can be asked, with columns and units.
    #[arg(long, conflicts_with_all = ["ledger", "question"])]
    schema: bool,

    /// Print one JSON array with an object for each row.
    #[arg(long, group = "format")]
    json: bool,

    /// Print one JSON object a line for each row.
    #[arg(long, group = "format")]
    ndjson: bool,

    /// Print CSV (RFC 4180); text that looks like a formula gets an apostrophe.
    #[arg(long, group = "format")]
    csv: bool,

    /// Most rows.
    #[arg(long, value_name = "N", default_value_t = Limits::default().rows)]
    rows: u64,

    /// Longest time for the answer, in seconds.
    #[arg(long, value_name = "N", default_value_t = Limits::default().time.as_secs())]
    seconds: u64,
}

pub(crate) fn run(args: Args) -> miette::Result<ExitCode> {
    let format = match (args.json, args.ndjson, args.csv) {
        (true, ..) => Format::Json,
        (_, true, _) => Format::Ndjson,
        (.., true) => Format::Csv,
        _ => Format::Table,
    };
    let said = match (&args.ledger, &args.question) {
        (Some(ledger), Some(question)) => answer(ledger, question, &args, format),
        _ => describe(format).map(|()| ExitCode::SUCCESS),
    };
    match said {
        // Whoever reads us has seen enough: `penstock sql ... | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        said => said.map_err(|error| miette::miette!("cannot print the answer: {error}")),
    }
}

fn answer(ledger: &Path, question: &str, args: &Args, format: Format) -> io::Result<ExitCode> {
    let index = match with_progress(|progress| Index::open(ledger, progress)) {
        Ok(index) => index,
        Err(error) => return Ok(complain(&error)),
    };
    let limits = Limits { time: Duration::from_secs(args.seconds), rows: args.rows };
    let mut out = BufWriter::new(io::stdout().lock());
    let mut printer = Printer::new(&mut out, format);
    let asked = index.ask(question, &limits, &mut printer);
    if !matches!(asked, Err(QueryError::Print(_))) {
        printer.end(asked.is_ok())?;
    }
    let Err(error) = asked else { return Ok(ExitCode::SUCCESS) };
    let (help, code) = advice(&error);
    match error {
        // All but what the printer itself refuses: names that JSON cannot have twice.
        QueryError::Print(error) if error.kind() != ErrorKind::InvalidInput => return Err(error),
        error => eprintln!("error: {error}"),
    }
    if let Some(help) = help {
        eprintln!("help: {help}");
    }
    Ok(code)
}

fn advice(error: &QueryError) -> (Option<&'static str>, ExitCode) {
    let (help, code) = match error {
        QueryError::Wrong(_) | QueryError::Forbidden(_) => {
            (Some("`penstock sql --schema` lists what can be asked; texts stand in single quotes"), USAGE)
        }
        QueryError::Nothing | QueryError::Several | QueryError::Print(_) => (None, USAGE),
        QueryError::TooSlow(_) => (Some("ask for less, or give it more time: `--seconds N`"), 1),
        QueryError::TooMany(_) => (Some("ask for less, or for more rows: `--rows N`"), 1),
        _ => (None, 1),
    };
    (help, ExitCode::from(code))
}

/// Prints what can be asked.
fn describe(format: Format) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match format {
        Format::Table => {
            for (number, view) in SCHEMA.iter().enumerate() {
                if number > 0 {
                    writeln!(out)?;
                }
                writeln!(out, "{}: {}", view.name, view.says)?;
                for column in view.columns() {
                    writeln!(out, "  {:15} {:7}  {:20}  {}", column.name, column.kind, column.source, column.says)?;
                }
            }
        }
        Format::Csv => {
            let mut printer = Printer::new(&mut out, format);
            printer.texts(&["view", "column", "type", "field", "says"])?;
            for view in SCHEMA {
                for column in view.columns() {
                    printer.texts(&[view.name, column.name, column.kind, &column.source, column.says])?;
                }
            }
        }
        Format::Json | Format::Ndjson => {
            let views = SCHEMA.iter().map(|view| {
                let columns = view.columns().map(|column| {
                    json!({"name": column.name, "type": column.kind, "field": column.source, "says": column.says})
                });
                json!({"view": view.name, "says": view.says, "columns": columns.collect::<Vec<_>>()})
            });
            if format == Format::Json {
                writeln!(out, "{}", Value::from(views.collect::<Vec<_>>()))?;
            } else {
                for view in views {
                    writeln!(out, "{view}")?;
                }
            }
        }
    }
    out.flush()
}
