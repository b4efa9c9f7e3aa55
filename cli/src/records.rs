//! `penstock records`: searches the ledger, also beside a running gateway.

mod afar;
pub(crate) mod open;

use crate::print::second;
use crate::reaching::{Reach, Whence};
use crate::{assemble, people};
use afar::Afar;
use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ledger::Entry;
use miette::{IntoDiagnostic, WrapErr, bail};
use open::Wish;
use plant::{
    ConduitId, Judgement, Kind, Millis, OperatorId, ProviderId, Reason, Verdict, Wildcard, WorkloadId, ZoneId,
};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use store::{Filter, Incident, Reader, Record};

/// How often a followed ledger is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Search the ledger.
///
/// Records come oldest first; all conditions must hold. Works on the ledger of a running gateway and on a copy; with `--console` it asks a
/// gateway elsewhere.
///
/// The refusals of the last hour: `penstock records --verdict refuse --since 1h`
///
/// Everything about one call: `penstock records --id RECORD`
///
/// For another program: `penstock records --format ndjson`, which prints the exact bytes that are signed.
///
/// What a call said, if its conduit keeps that: `penstock records --open RECORD --key FILE`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    wanted: Wanted,

    #[command(flatten)]
    tied: Tied,

    /// Print only the newest N that fit.
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<usize>,

    /// How to print them.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,

    /// Go on printing records as they come.
    #[arg(long, short)]
    follow: bool,

    /// Show what this call said: the request as it was sent and the answer as it was released, each compared with the
    /// commitment in its record. That it was opened is recorded first. `--format json` for another program.
    #[arg(long, value_name = "RECORD", value_parser = record_id, requires = "key")]
    open: Option<plant::RecordId>,

    /// The file with the key that opens it: an auditor's, or the gateway's own `keys/seal.key`.
    #[arg(long, value_name = "FILE", requires = "open")]
    key: Option<PathBuf>,

    #[command(flatten)]
    whence: Whence,
}

/// Which ledger.
#[derive(Debug, clap::Args)]
pub(crate) struct Where {
    /// The folder of the ledger, if it is not the plant's own.
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
}

impl Where {
    /// Whether it is said which.
    pub(crate) fn is_named(&self) -> bool {
        self.ledger.is_some()
    }
}

/// What the records must be.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// Written at this time or later: `2026-11-20T21:30:00Z`, `2026-11-20`, or so long ago: `90s`, `15m`, `2h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Millis>,
    /// Written before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Millis>,
    /// Of this kind.
    #[arg(long, value_parser = named(&Kind::NAMES))]
    kind: Option<Kind>,
    /// Calls from this zone.
    #[arg(long)]
    zone: Option<ZoneId>,
    /// Calls on this conduit.
    #[arg(long)]
    conduit: Option<ConduitId>,
    /// Calls by this workload.
    #[arg(long)]
    workload: Option<WorkloadId>,
    /// Calls for this person: a pseudonym (`op-...`), or the subject as the issuer names it, which takes the plant's key.
    #[arg(long)]
    operator: Option<String>,
    /// Calls to this provider.
    #[arg(long)]
    provider: Option<ProviderId>,
    /// The model that was asked or that answered; `*` stands for any run of characters.
    #[arg(long)]
    model: Option<String>,
    /// Calls that were decided like this.
    #[arg(long, value_parser = named(&Verdict::NAMES))]
    verdict: Option<Verdict>,
    /// Calls that were refused or failed for this reason.
    #[arg(long, value_parser = reason())]
    reason: Option<Reason>,
    /// Calls of this sensitivity, by the plant's name for it.
    #[arg(long)]
    sensitivity: Option<String>,
    /// Accounts that say this was done with an answer.
    #[arg(long, value_parser = named(&Judgement::NAMES))]
    decision: Option<Judgement>,
    /// The record with this identity, and those that answer it.
    #[arg(long, value_name = "RECORD", value_parser = record_id)]
    id: Option<plant::RecordId>,
}

/// Records that belong together.
#[derive(Debug, clap::Args)]
pub(crate) struct Tied {
    /// The record with this identity and all that is tied to it: what it answers, what answers it, what was done with the answer,
    /// who decided, read or erased it, and what was alerted.
    #[arg(long, value_name = "RECORD", value_parser = record_id)]
    incident: Option<plant::RecordId>,
}

impl Tied {
    /// The filter, for the incident as well, if one is asked for.
    pub(crate) fn narrow(&self, filter: Filter) -> Filter {
        Filter { incident: self.incident.map(Incident::about), ..filter }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Columns for people; `ndjson` has everything.
    Table,
    /// One JSON array.
    Json,
    /// One record a line, exactly as it is stored and signed.
    Ndjson,
}

fn named<T: Copy + Send + Sync + 'static>(names: &'static [(&'static str, T)]) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names.iter().map(|(name, _)| *name)).try_map(move |given| {
        names.iter().find(|(name, _)| *name == given).map(|(_, value)| *value).ok_or("not one of them")
    })
}

fn reason() -> impl TypedValueParser<Value = Reason> {
    PossibleValuesParser::new(Reason::ALL.iter().map(|reason| reason.code()))
        .try_map(|given| Reason::named(&given).ok_or("not one of them"))
}

pub(crate) fn record_id(text: &str) -> Result<plant::RecordId, &'static str> {
    plant::RecordId::parse(text)
        .ok_or("no record has such an identity; it looks like 0193e6a4-7c1b-7f00-8000-000000000000")
}

/// Whom a call went to, by a record of it.
pub(crate) fn answerer(entry: &Entry) -> Option<&str> {
    ["note.answered_by", "what.rerouted", "what.provider"].into_iter().find_map(|path| entry.text(path))
}

/// A time, or how long ago.
pub(crate) fn time(text: &str) -> Result<Millis, &'static str> {
    if let Some(time) = Millis::parse(text) {
        return Ok(time);
    }
    let problem = "neither a time like 2026-11-20T21:30:00Z, nor a day like 2026-11-20, nor so long ago like 2h";
    let unit = text.char_indices().next_back().map_or(0, |(at, _)| at);
    let (count, unit) = text.split_at(unit);
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(problem),
    };
    let ago = count.parse::<u64>().map_err(|_| problem)?.saturating_mul(seconds).saturating_mul(1000);
    Ok(Millis(gateway::now().0.saturating_sub(ago)))
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let filter = args.tied.narrow(args.wanted.filter(plant)?);
    if let Some(reach) = args.whence.elsewhere() {
        return from_afar(plant, reach, &args, filter);
    }
    let reader = args.whence.ledger.reader(plant)?;
    if let Some((record, key)) = args.open.zip(args.key.as_deref()) {
        let wish = Wish { record, key, json: args.format != Format::Table, named: args.whence.ledger.is_named() };
        return open::run(plant, &reader, &wish);
    }
    printed(args.format, |printer| print(&reader, filter, &args, printer))
}

/// The newest records of a gateway elsewhere.
fn from_afar(plant: &Path, reach: &Reach, args: &Args, filter: Filter) -> miette::Result<ExitCode> {
    if args.open.is_some() || args.follow {
        bail!(
            help = "the console's pages do both; a SIEM gets records as they come by `[forward]`",
            "a gateway elsewhere is asked for records, not followed, and opens nothing with a key from here"
        );
    }
    let records = Afar::new(plant, reach, filter)?.newest(args.limit.unwrap_or(usize::MAX))?;
    printed(args.format, |printer| {
        records.iter().try_for_each(|record| printer.print(record))?;
        Ok(printer.end()?)
    })
}

fn printed(format: Format, print: impl FnOnce(&mut Printer<'_>) -> Result<(), Problem>) -> miette::Result<ExitCode> {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let mut out = BufWriter::new(stdout.lock());
    let printed = print(&mut Printer { out: &mut out, format, terminal, begun: false });
    match printed {
        // Whoever reads us has seen enough: `penstock records | head`.
        Err(Problem::Out(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(Problem::Out(error)) => Err(error).into_diagnostic(),
        Err(Problem::Read(error)) => {
            drop(out);
            Err(error).into_diagnostic().wrap_err("the ledger cannot be read; `penstock verify` says more")
        }
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

enum Problem {
    Out(io::Error),
    Read(store::ReadError),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Out(error)
    }
}

impl From<store::ReadError> for Problem {
    fn from(error: store::ReadError) -> Self {
        Self::Read(error)
    }
}

fn print(reader: &Reader, filter: Filter, args: &Args, printer: &mut Printer<'_>) -> Result<(), Problem> {
    let filter = filter.gathered(reader, u64::MAX)?;
    let mut from = 0;
    if let Some(limit) = args.limit {
        // Where following goes on, taken before: a record that comes in between is not missed, but may be one too many.
        from = reader.newest(1, Filter::default())?.last().map_or(0, |last| last.entry.seq() + 1);
        for record in reader.newest(limit, filter.clone())? {
            from = from.max(record.entry.seq() + 1);
            printer.print(&record)?;
        }
    }
    if args.limit.is_none() || args.follow {
        loop {
            let mut records = reader.records(from, filter.clone());
            for record in records.by_ref() {
                printer.print(&record?)?;
            }
            from = records.position();
            if !args.follow {
                break;
            }
            printer.out.flush()?;
            std::thread::sleep(LOOK);
        }
    }
    printer.end()?;
    Ok(())
}

impl Where {
    /// The ledger in this folder, or the plant's own.
    pub(crate) fn named(ledger: Option<PathBuf>) -> Self {
        Self { ledger }
    }

    /// The folder of the ledger: the one that was named, the one that the plant file names, or `ledger` beside it.
    pub(crate) fn folder(&self, plant: &Path) -> PathBuf {
        if let Some(ledger) = &self.ledger {
            return ledger.clone();
        }
        // A plant file with problems must not keep anyone from reading what was recorded.
        if let Ok(loaded) = assemble::load(plant) {
            return loaded.gateway.ledger;
        }
        let folder = if plant.is_file() { plant.parent().unwrap_or(Path::new(".")) } else { plant };
        folder.join("ledger")
    }

    pub(crate) fn reader(&self, plant: &Path) -> miette::Result<Reader> {
        let folder = self.folder(plant);
        Reader::open(&folder).map_err(|error| {
            miette::miette!(
                help = "name the plant with `--plant DIR`, or the ledger itself with `--ledger DIR`",
                "{error}"
            )
        })
    }
}

impl Wanted {
    /// Whether nothing but a time is asked for, so that no call of that time is left out.
    pub(crate) fn is_all_of_a_time(&self) -> bool {
        let Self { since: _, until: _, kind, zone, conduit, workload, operator, provider, model, verdict, .. } = self;
        let Self { reason, sensitivity, decision, id, .. } = self;
        let texts = [operator, model, sensitivity].into_iter().all(Option::is_none);
        let names = zone.is_none() && conduit.is_none() && workload.is_none() && provider.is_none();
        texts && names && kind.is_none() && verdict.is_none() && reason.is_none() && decision.is_none() && id.is_none()
    }

    pub(crate) fn filter(&self, plant: &Path) -> miette::Result<Filter> {
        Ok(Filter {
            since: self.since,
            until: self.until,
            kind: self.kind,
            zone: self.zone.clone(),
            conduit: self.conduit.clone(),
            workload: self.workload.clone(),
            operator: self.operator.as_deref().map(|person| operator(person, plant)).transpose()?,
            provider: self.provider.clone(),
            model: self.model.clone().map(Wildcard),
            verdict: self.verdict,
            reason: self.reason,
            sensitivity: self.sensitivity.clone(),
            judgement: self.decision,
            id: self.id,
            incident: None,
        })
    }
}

/// The pseudonym of a person. Only who holds the plant's key can tell it from the name.
pub(crate) fn operator(person: &str, plant: &Path) -> miette::Result<OperatorId> {
    if person.starts_with("op-")
        && let Ok(pseudonym) = OperatorId::new(person)
    {
        return Ok(pseudonym);
    }
    let loaded = assemble::load(plant);
    people::known(&loaded.wrap_err("whose pseudonym it is only the plant's key tells: give it as `op-...`")?, person)
}

/// Columns of the table: heading, width on a terminal, and where the text comes from, first found first. Together
/// 119 characters; the identity would not fit and stands only in a pipe. `penstock receipt` takes the number as well.
const COLUMNS: [(&str, usize, &[&str]); 9] = [
    ("NO", 7, &["seq"]),
    ("TIME", 20, &[]),
    ("KIND", 8, &["kind"]),
    ("VERDICT", 8, &["dec.verdict", "note.result"]),
    ("WORKLOAD", 13, &["who.workload.id", "note.workload"]),
    ("CONDUIT", 18, &["where.conduit"]),
    ("MODEL", 14, &["out.model", "what.model", "note.model"]),
    (
        "REASON",
        17,
        &["dec.reason", "out.reason", "note.reason", "note.path", "note.event", "note.decision", "out.status"],
    ),
    ("ID", 36, &["id"]),
];

struct Printer<'a> {
    out: &'a mut dyn Write,
    format: Format,
    terminal: bool,
    begun: bool,
}

impl Printer<'_> {
    fn print(&mut self, record: &Record) -> io::Result<()> {
        let first = !std::mem::replace(&mut self.begun, true);
        match self.format {
            Format::Ndjson => {
                self.out.write_all(&record.line)?;
                self.out.write_all(b"\n")
            }
            Format::Json => {
                self.out.write_all(if first { b"[\n" } else { b",\n" })?;
                self.out.write_all(&record.line)
            }
            Format::Table => {
                if first {
                    self.heading()?;
                }
                self.row(record)
            }
        }
    }

    fn end(&mut self) -> io::Result<()> {
        if self.format == Format::Json {
            self.out.write_all(if self.begun { b"\n]\n" } else { b"[]\n" })?;
        } else if self.format == Format::Table && !self.begun && self.terminal {
            self.out.write_all(b"no record fits\n")?;
        }
        self.out.flush()
    }

    fn heading(&mut self) -> io::Result<()> {
        let cells = self.columns().map(|(heading, width, _)| format!("{heading:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let line = line.trim_end();
        if self.terminal { writeln!(self.out, "\u{1b}[1m{line}\u{1b}[0m") } else { writeln!(self.out, "{line}") }
    }

    fn columns(&self) -> impl Iterator<Item = (&'static str, usize, &'static [&'static str])> + use<> {
        let terminal = self.terminal;
        COLUMNS.into_iter().filter(move |(heading, ..)| !(terminal && *heading == "ID"))
    }

    fn row(&mut self, record: &Record) -> io::Result<()> {
        let refused = record.entry.text("dec.verdict") == Some(Verdict::Refuse.name());
        let cells = self.columns().map(|(heading, width, paths)| {
            let text = match heading {
                "TIME" if self.terminal => second(record.entry.t()),
                "TIME" => record.entry.t().to_string(),
                _ => paths.iter().find_map(|path| cell(record, path)).unwrap_or_else(|| "-".to_owned()),
            };
            // On a terminal the columns stay in line; in a pipe nothing is cut.
            if self.terminal { fit(&text, width) } else { format!("{text:width$}") }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        let line = line.trim_end();
        if self.terminal && refused {
            writeln!(self.out, "\u{1b}[31m{line}\u{1b}[0m")
        } else {
            writeln!(self.out, "{line}")
        }
    }
}

fn cell(record: &Record, path: &str) -> Option<String> {
    let value = record.entry.at(path)?;
    value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|number| number.to_string()))
}

/// Cuts or fills a text to a width. Records hold no control characters: the ledger does not let them in.
fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return format!("{text:width$}");
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::{fit, time};
    use plant::Millis;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(time("1970-01-02"), Ok(Millis(86_400_000)));
        assert_eq!(time("1970-01-01T00:00:01Z"), Ok(Millis(1000)));
        let now = gateway::now().0;
        let two_hours = time("2h").unwrap().0;
        assert!((now - 7_200_000..now - 7_100_000).contains(&two_hours));
        for bad in ["", "h", "2", "2w", "-2h", "yesterday", "2ü"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cell_is_cut_between_characters() {
        assert_eq!(fit("abc", 5), "abc  ");
        assert_eq!(fit("äöüäöü", 4), "äöü…");
    }
}
