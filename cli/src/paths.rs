//! `penstock paths`: every way that the plant's data may take to AI, and every way that it took.
//!
//! ```text
//! plant file ─> routes that are open ─┐
//!                                     ├─> one line each, marked where the two disagree
//! ledger ─────> routes that were taken┘
//! ```

mod taken;
pub(crate) mod tell;

use crate::reaching::{Reach, Whence};
use crate::records;
use crate::{assemble, print};
use clap::ValueEnum;
use config::Loaded;
use miette::{IntoDiagnostic, WrapErr, bail};
use plant::Millis;
use std::path::Path;
use std::process::ExitCode;
use store::Filter;
pub(crate) use taken::{Caller, Line, Mark, Ways};

/// Show every way of the plant's data to AI: which there are by the plant file, and which were taken by the ledger.
///
/// A line is a data source, the workload that may use it, the conduit, the provider, its supplier and whom that hands content to (its
/// sub-processors: Regulation (EU) 2016/679, Article 28(2) and (4)), with who answers for each. `-` stands for what is of no source. Beside it stands
/// how sensitive content may be there, and what the records of calls that left hold: how many, when last, how sensitive, with which labels.
///
/// Marked is what does not agree: `undeclared`, a way that was taken and is not open by the plant file of now; `above`, a label that was found in a call
/// that left, and that would be refused there now; `unused`, a way that is open and was not taken.
///
/// What was taken in this quarter: `penstock paths --since 2026-10-01`
///
/// For a record of processing activities: `penstock paths --format csv > paths.csv`
///
/// For a drawing: `penstock paths --format mermaid`
///
/// It reads the plant's files and its ledger, also where no gateway runs. With `--console` it asks a gateway elsewhere, which counts its whole
/// ledger: then for data, a spreadsheet or a drawing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Calls at this time or later: `2026-11-20T21:30:00Z`, `2026-11-20`, or so long ago: `90s`, `15m`, `2h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = records::time)]
    since: Option<Millis>,

    /// Calls before this time.
    #[arg(long, value_name = "TIME", value_parser = records::time)]
    until: Option<Millis>,

    /// Show only lines with a mark other than `unused`; ends with 1 if there are any.
    #[arg(long)]
    marked: bool,

    /// How to print them.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,

    /// Print JSON.
    #[arg(long, conflicts_with = "format")]
    json: bool,

    #[command(flatten)]
    whence: Whence,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// RFC 4180, safe to open in a spreadsheet.
    Csv,
    /// A flow chart for Markdown.
    Mermaid,
}

pub(crate) fn run(plant: &Path, args: &Args) -> miette::Result<ExitCode> {
    if let Some(reach) = args.whence.elsewhere() {
        return from_afar(plant, reach, args);
    }
    let loaded = assemble::load(plant)?;
    let policy = assemble::policy(&loaded)?;
    let ways = taken(plant, args, &loaded)?;
    let mut lines = ways.lines(&loaded, &policy, gateway::now());
    if args.marked {
        lines.retain(Line::is_wrong);
    }
    let scale = &loaded.plant.scale;
    print::say(&match args.format {
        _ if args.json => tell::json(&lines, scale)?,
        Format::Table => tell::table(&lines, scale),
        Format::Csv => tell::csv(&lines, scale)?,
        Format::Mermaid => tell::mermaid(&lines),
    })?;
    Ok(if args.marked && !lines.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The same from a gateway that runs elsewhere. Its answer is what this command would print there.
fn from_afar(plant: &Path, reach: &Reach, args: &Args) -> miette::Result<ExitCode> {
    let format = match args.format {
        _ if args.json => "json",
        Format::Csv => "csv",
        Format::Mermaid => "mermaid",
        Format::Table => {
            bail!(
                help = "`--json`, `--format csv` or `--format mermaid`",
                "a gateway elsewhere tells its paths as data"
            )
        }
    };
    if args.since.is_some() || args.until.is_some() {
        bail!("a gateway elsewhere counts its whole ledger");
    }
    let mark = if args.marked { "&mark=wrong" } else { "" };
    let text = reach.fetch(plant, &format!("/api/v1/paths?format={format}{mark}"))?;
    print::say(&text)?;
    let wrong = match args.format {
        _ if args.json => text.contains("\"workload\""),
        Format::Csv => text.lines().nth(1).is_some(),
        _ => text.contains("==>"),
    };
    Ok(if args.marked && wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The ways that calls took, from the records that say so before anything leaves; and of those that were refused.
fn taken(plant: &Path, args: &Args, loaded: &Loaded) -> miette::Result<Ways> {
    let mut ways = Ways::default();
    let Args { since, until, .. } = *args;
    let filter = Filter { since, until, ..Filter::default() };
    for record in args.whence.ledger.reader(plant)?.records(0, filter) {
        let record = record.into_diagnostic().wrap_err("the ledger cannot be read; `penstock verify` says more")?;
        ways.count(&record.entry, &loaded.plant);
    }
    Ok(ways)
}
