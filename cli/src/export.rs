//! `penstock export`: records for a SIEM, a spreadsheet or an auditor.

use crate::pack::{self, Wish};
use crate::records::{Wanted, Where};
use clap::ValueEnum;
use export::{Exporter, Format};
use miette::{IntoDiagnostic, WrapErr};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::{Filter, ReadError, Reader};

/// Export records for other programs, or as evidence for an auditor.
///
/// With `--format`, writes flat rows for a SIEM or a spreadsheet, oldest first. Each row carries the record's number (`seq`) and its
/// leaf hash: SHA-256 of a zero byte and the record's exact bytes, as the ledger's tree has it. Whoever doubts a row can
/// look the record up with `penstock receipt SEQ`.
///
/// With `--pack`, makes an evidence pack: the records with the proof of each, the signed head, and a verifier with
/// instructions, all under a signed manifest. `penstock verify PACK` checks it, and so does the verifier inside it.
///
/// The refusals of a week for a spreadsheet: `penstock export LEDGER --format csv --verdict refuse --since 7d --out week.csv`
/// Everything for a SIEM: `penstock export LEDGER --format ocsf | collector`
/// 25 calls of a quarter for an auditor: `penstock export LEDGER --kind intent --since 2026-07-01 --until 2026-10-01
/// --pack q3.zip --sample 25 --seed "what the auditor said"`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the ledger; the plant's own if it is left out.
    ledger: Option<PathBuf>,

    #[command(flatten)]
    wanted: Wanted,

    /// What rows look like.
    #[arg(long, value_enum, required_unless_present = "pack")]
    format: Option<Name>,

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
}

impl From<Name> for Format {
    fn from(name: Name) -> Self {
        match name {
            Name::Ndjson => Self::Ndjson,
            Name::Csv => Self::Csv,
            Name::Ocsf => Self::Ocsf,
            Name::Cef => Self::Cef,
            Name::Rfc5424 => Self::Rfc5424,
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
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let filter = args.wanted.filter(plant)?;
    let reader = Where::named(args.ledger).reader(plant)?;
    if let Some(place) = &args.wish.pack {
        pack::make(place, &args.wish, plant, &reader, filter)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(format) = args.format.map(Format::from) else { return Ok(ExitCode::SUCCESS) };
    let done = match &args.out {
        None => rows(&reader, filter, format, BufWriter::new(io::stdout().lock())).map(drop),
        Some(path) => file(&reader, filter, format, path),
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
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

fn rows<W: Write>(reader: &Reader, filter: Filter, format: Format, out: W) -> Result<W, Problem> {
    let origin = export::origin(reader)?.unwrap_or_default();
    let mut exporter = Exporter::new(format, origin, out)?;
    for record in reader.records(0, filter) {
        exporter.write(&record?)?;
    }
    Ok(exporter.finish()?)
}

/// Writes beside the file and then puts it in its place: half an export must not look like a whole one.
fn file(reader: &Reader, filter: Filter, format: Format, path: &Path) -> Result<(), Problem> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unfinished = tempfile::NamedTempFile::new_in(folder)?;
    let out = rows(reader, filter, format, BufWriter::new(unfinished))?;
    let unfinished = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    unfinished.persist(path).map_err(|error| error.error)?;
    Ok(())
}
