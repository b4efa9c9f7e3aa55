//! `penstock export`: records for a SIEM, a spreadsheet or an auditor.

use crate::notice::Notice;
use crate::pack::{self, Wish};
use crate::records::{Tied, Wanted, Where};
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use export::{Exporter, Format};
use index::{SCHEMA, View};
use miette::{IntoDiagnostic, WrapErr};
use penstock_parquet::WriteError;
use plant::{Kind, Note};
use std::collections::BTreeMap;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::{Filter, ReadError, Reader};

/// Export records for other programs, or as evidence for an auditor.
///
/// With `--format`, writes flat rows for a SIEM or a spreadsheet, oldest first. Each row carries the record's number (`seq`) and its
/// leaf hash: SHA-256 of a zero byte and the record's exact bytes, as the ledger's tree has it. Whoever doubts a row can
/// look the record up with `penstock receipt SEQ`. `parquet` is a file of columns instead, those of `penstock sql`.
///
/// With `--pack`, makes an evidence pack: the records with the proof of each, the signed head, and a verifier with
/// instructions, all under a signed manifest. `penstock verify PACK` checks it, and so does the verifier inside it.
///
/// The refusals of a week for a spreadsheet: `penstock export LEDGER --format csv --verdict refuse --since 7d --out week.csv`
///
/// Everything for a SIEM: `penstock export LEDGER --format ocsf | collector`
///
/// What was found, for an analytical engine: `penstock export LEDGER --format parquet --view findings --out findings.parquet`
///
/// 25 calls of a quarter for an auditor: `penstock export LEDGER --kind intent --since 2026-07-01 --until 2026-10-01
/// --pack q3.zip --sample 25 --seed "what the auditor said"`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the ledger; the plant's own if it is left out.
    ledger: Option<PathBuf>,

    #[command(flatten)]
    wanted: Wanted,

    #[command(flatten)]
    tied: Tied,

    /// What rows look like.
    #[arg(long, value_enum, required_unless_present = "pack")]
    format: Option<Name>,

    /// With `--format parquet`: which view of `penstock sql` the file holds; `records` if it is left out.
    #[arg(long, conflicts_with = "pack", value_parser = PossibleValuesParser::new(SCHEMA.iter().map(|view| view.name)))]
    view: Option<String>,

    /// Write to this file instead of standard output. It appears when it is complete.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,

    #[command(flatten)]
    wish: Wish,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Name {
    /// One JSON object a line, with the record exactly as it is stored.
    Ndjson,
    /// RFC 4180, for spreadsheets; text that looks like a formula gets an apostrophe.
    Csv,
    /// OCSF 1.8, API Activity (6003), one JSON object a line.
    Ocsf,
    /// ArcSight Common Event Format, version 0.
    Cef,
    /// Syslog messages with structured data, one a line.
    Rfc5424,
    /// An Apache Parquet file with the columns of `penstock sql`, for engines that read columns.
    Parquet,
}

/// A form with what it takes.
#[derive(Clone, Copy)]
enum Form {
    /// A row for each record.
    Rows(Format),
    /// A Parquet file.
    Columns(&'static View),
}

impl Form {
    fn new(name: Name, view: Option<&str>) -> miette::Result<Self> {
        let form = match name {
            Name::Ndjson => Format::Ndjson,
            Name::Csv => Format::Csv,
            Name::Ocsf => Format::Ocsf,
            Name::Cef => Format::Cef,
            Name::Rfc5424 => Format::Rfc5424,
            Name::Parquet => {
                let view = SCHEMA.iter().find(|known| view.is_none_or(|view| view == known.name));
                return view.map(Self::Columns).ok_or_else(|| miette::miette!("there is no such view"));
            }
        };
        match view {
            None => Ok(Self::Rows(form)),
            Some(_) => Err(miette::miette!("`--view` is for `--format parquet`; rows are of whole records")),
        }
    }
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Out(#[from] io::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Columns(WriteError),
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Read(error) => Self::Read(error),
            WriteError::Out(error) => Self::Out(error),
            error => Self::Columns(error),
        }
    }
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let filter = args.tied.narrow(args.wanted.filter(plant)?);
    let reader = Where::named(args.ledger).reader(plant)?;
    if let Some(place) = &args.wish.pack {
        pack::make(place, &args.wish, plant, &reader, filter)?;
        // Afterwards: the head of the pack is one that witnesses have signed, and one more record would make another.
        args.wish.notice().mention(plant, &reader);
        return Ok(ExitCode::SUCCESS);
    }
    let Some(name) = args.format else { return Ok(ExitCode::SUCCESS) };
    let form = Form::new(name, args.view.as_deref())?;
    let format = name.to_possible_value().map(|name| name.get_name().to_owned()).unwrap_or_default();
    let note = BTreeMap::from([("event", Note::text("rows")), ("format", Note::Text(format))]);
    Notice { kind: Kind::Export, note }.mention(plant, &reader);
    let done = match &args.out {
        None if matches!(form, Form::Columns(_)) && io::stdout().is_terminal() => {
            miette::bail!("a Parquet file is binary: name a file with `--out FILE`, or send it through a pipe")
        }
        None => write(&reader, filter, form, io::stdout()),
        Some(path) => file(&reader, filter, form, path),
    };
    match done {
        // Whoever reads us has seen enough: `penstock export | head`.
        Err(Problem::Out(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(Problem::Out(error)) => {
            let place =
                args.out.map_or_else(|| "to standard output".to_owned(), |path| format!("`{}`", path.display()));
            Err(error).into_diagnostic().wrap_err_with(|| format!("cannot write {place}"))
        }
        Err(Problem::Read(error)) => {
            Err(error).into_diagnostic().wrap_err("the ledger cannot be read; `penstock verify` says more")
        }
        Err(Problem::Columns(error)) => Err(error).into_diagnostic(),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

fn write(reader: &Reader, filter: Filter, form: Form, out: impl Write + Send) -> Result<(), Problem> {
    let filter = filter.gathered(reader, u64::MAX)?;
    match form {
        Form::Rows(format) => rows(reader, filter, format, BufWriter::new(out)),
        Form::Columns(view) => Ok(penstock_parquet::write(reader, view, filter, out).map(drop)?),
    }
}

fn rows(reader: &Reader, filter: Filter, format: Format, out: impl Write) -> Result<(), Problem> {
    let origin = export::origin(reader)?.unwrap_or_default();
    let mut exporter = Exporter::new(format, origin, out)?;
    for record in reader.records(0, filter) {
        exporter.write(&record?)?;
    }
    Ok(exporter.finish().map(drop)?)
}

/// Writes beside the file and then puts it in its place: half an export must not look like a whole one.
fn file(reader: &Reader, filter: Filter, form: Form, path: &Path) -> Result<(), Problem> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut unfinished = tempfile::NamedTempFile::new_in(folder)?;
    write(reader, filter, form, &mut unfinished)?;
    unfinished.persist(path).map_err(|error| error.error)?;
    Ok(())
}
