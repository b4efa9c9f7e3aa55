//! `penstock oversight`: what people did with answers, how fast, and which answers nobody accounted for.

pub(crate) mod page;
mod tally;

use crate::overseen::OWED;
use crate::print::{columns, say};
use crate::records::{self, Where};
use clap::ValueEnum;
use miette::{IntoDiagnostic, WrapErr};
use plant::{ConduitId, Judgement, Kind, Millis, RecordId, WorkloadId};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use store::{ReadError, Reader, Record};
use tally::Tally;

/// Most answers that are joined with their accounts: about 400 MB.
const MOST: usize = 2_000_000;
/// What all lines hold that say anything of this.
const WORD: &str = "oversight";

/// Show what people did with answers, from the ledger.
///
/// Answers that had to be accounted for (`oversight = { required = true }` of their conduit) and those for which somebody did all the same. What
/// counts as the decision is the last that was told; how long it took, and who decided, the first. A time is how long the answer was on show, if
/// the program in front of the person says so, else from its end until the gateway was told.
///
/// Accepted within seconds, and never accounted for, are what an audit looks at first: people who agree with whatever comes, and
/// people whom nobody asked.
///
/// This month, by person: `penstock oversight --since 2026-11-01 --by operator`
///
/// One conduit, by day: `penstock oversight --conduit copilot-cloud --by day`
///
/// For another program: `--json`, an array of objects; times in milliseconds.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Answers that ended at this time or later: `2026-11-20T21:30:00Z`, `2026-11-20`, or so long ago: `90s`, `15m`, `2h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = records::time)]
    since: Option<Millis>,

    /// Answers that ended before this time. What was told of them later counts.
    #[arg(long, value_name = "TIME", value_parser = records::time)]
    until: Option<Millis>,

    /// What is told apart; several times for several columns. Days are UTC.
    #[arg(long, value_enum, default_values = ["conduit"])]
    by: Vec<By>,

    /// Answers on this conduit only.
    #[arg(long)]
    conduit: Option<ConduitId>,

    /// Answers to calls of this workload only.
    #[arg(long)]
    workload: Option<WorkloadId>,

    /// Answers that this person decided on only: a pseudonym (`op-...`), or the subject as the issuer names it, which takes the plant's key.
    #[arg(long)]
    operator: Option<String>,

    /// Accepted in less than this counts as unread.
    #[arg(long, value_name = "TIME", value_parser = short, default_value = "5s")]
    quick: Duration,

    /// Print the same as data.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    ledger: Where,
}

/// What is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// The conduit that the call crossed.
    Conduit,
    /// The person who decided first, by pseudonym; else the one for whom the call was made.
    Operator,
    /// The software that called.
    Workload,
    /// The day on which the answer ended.
    Day,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Conduit => "conduit",
            Self::Operator => "operator",
            Self::Workload => "workload",
            Self::Day => "day",
        }
    }

    fn of(self, answer: &Answer) -> String {
        let text = match self {
            Self::Conduit => answer.conduit.as_deref(),
            Self::Operator => {
                answer.first.as_ref().and_then(|first| first.operator.as_deref()).or(answer.operator.as_deref())
            }
            Self::Workload => answer.workload.as_deref(),
            Self::Day => return answer.ended.to_string().chars().take(10).collect(),
        };
        text.unwrap_or("-").to_owned()
    }
}

/// An answer, and what is known of what became of it.
#[derive(Clone, Debug)]
struct Answer {
    ended: Millis,
    conduit: Option<String>,
    workload: Option<String>,
    /// For whom the call was made.
    operator: Option<String>,
    /// By when somebody must account for it.
    due: Option<Millis>,
    first: Option<Decision>,
    last: Option<Judgement>,
}

/// The first account of an answer.
#[derive(Clone, Debug)]
struct Decision {
    judgement: Judgement,
    operator: Option<String>,
    proved: bool,
    /// How long it took, in milliseconds.
    took: u64,
    late: bool,
}

fn short(text: &str) -> Result<Duration, &'static str> {
    let problem = "so many milliseconds, seconds or minutes, like 500ms, 5s or 1m";
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or(problem)?;
    let (count, unit) = text.split_at(digits);
    let unit: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err(problem),
    };
    count.parse::<u64>().map(|count| Duration::from_millis(count.saturating_mul(unit))).map_err(|_| problem)
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let Args { since, until, by, conduit, workload, operator, quick, json, ledger } = args;
    let operator = operator.map(|person| records::operator(&person, plant)).transpose()?;
    let (now, reader) = (gateway::now(), ledger.reader(plant)?);
    let answers = read(&reader, since, until)?;
    let mut rows: BTreeMap<Vec<String>, Tally> = BTreeMap::new();
    for answer in answers.values() {
        let person = answer.first.as_ref().and_then(|first| first.operator.as_deref());
        if answer.is_of(conduit.as_ref(), workload.as_ref())
            && is(operator.as_ref().map(plant::OperatorId::as_str), person)
        {
            rows.entry(by.iter().map(|by| by.of(answer)).collect()).or_default().add(answer, now, quick);
        }
    }
    say(&if json { data(&by, &rows)? } else { table(&by, &rows, quick) })?;
    Ok(ExitCode::SUCCESS)
}

/// The answers that ended in a time, by the records of their calls.
#[derive(Debug)]
pub(crate) struct Answers {
    since: Option<Millis>,
    until: Option<Millis>,
    /// Most of them.
    most: usize,
    found: BTreeMap<RecordId, Answer>,
}

impl Answers {
    pub(crate) fn new(since: Option<Millis>, until: Option<Millis>, most: usize) -> Self {
        Self { since, until, most, found: BTreeMap::new() }
    }

    /// Where to begin to read.
    pub(crate) fn begin(&self, reader: &Reader) -> Result<u64, ReadError> {
        reader.since(self.since.unwrap_or(Millis(0)))
    }

    /// Takes what a record says of one. Whether there was room for it.
    pub(crate) fn take(&mut self, record: &Record) -> bool {
        let (entry, owed) = (&record.entry, record.entry.number(OWED));
        let Some(call) = entry.reference() else { return true };
        if self.found.len() >= self.most && !self.found.contains_key(&call) {
            return false;
        }
        match (entry.kind(), owed) {
            (Some(Kind::Outcome), Some(owed)) if self.holds(entry.t()) => {
                let due = Some(Millis(entry.t().0.saturating_add(owed)));
                self.found.insert(call, Answer { due, ..answer(record, entry.t()) });
            }
            (Some(Kind::Oversight), _) => {
                let ended = Millis(entry.t().0.saturating_sub(entry.number("note.after_ms").unwrap_or_default()));
                if self.found.contains_key(&call) || self.holds(ended) {
                    self.found.entry(call).or_insert_with(|| told(record, ended)).decide(record);
                }
            }
            _ => {}
        }
        true
    }

    fn holds(&self, ended: Millis) -> bool {
        within(self.since, self.until, ended)
    }
}

/// Whether a time lies between two, where there are such.
fn within(since: Option<Millis>, until: Option<Millis>, time: Millis) -> bool {
    since.is_none_or(|since| time >= since) && until.is_none_or(|until| time < until)
}

/// Whether something is what is wanted, if anything is.
fn is(wanted: Option<&str>, own: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| own == Some(wanted))
}

/// All that there are.
fn read(reader: &Reader, since: Option<Millis>, until: Option<Millis>) -> miette::Result<BTreeMap<RecordId, Answer>> {
    let unreadable = || "the ledger cannot be read; `penstock verify` says more";
    let mut answers = Answers::new(since, until, MOST);
    let from = answers.begin(reader).into_diagnostic().wrap_err_with(unreadable)?;
    for record in reader.holding(from, WORD) {
        if !answers.take(&record.into_diagnostic().wrap_err_with(unreadable)?) {
            miette::bail!(help = "name a shorter time: `--since`, `--until`", "there are more than {MOST} answers");
        }
    }
    Ok(answers.found)
}

/// An answer, as its outcome tells of it.
fn answer(record: &Record, ended: Millis) -> Answer {
    let text = |path: &str| record.entry.text(path).map(str::to_owned);
    Answer {
        ended,
        conduit: text("where.conduit"),
        workload: text("who.workload.id"),
        operator: text("who.operator.id"),
        due: None,
        first: None,
        last: None,
    }
}

/// An answer that nobody had to account for, as the first account of it tells.
fn told(record: &Record, ended: Millis) -> Answer {
    let of = record.entry.text("note.of").map(str::to_owned);
    let told = answer(record, ended);
    Answer { workload: of.or(told.workload), operator: None, ..told }
}

impl Answer {
    /// Whether it is to a call on this conduit and of this workload.
    fn is_of(&self, conduit: Option<&ConduitId>, workload: Option<&WorkloadId>) -> bool {
        is(conduit.map(ConduitId::as_str), self.conduit.as_deref())
            && is(workload.map(WorkloadId::as_str), self.workload.as_deref())
    }

    fn decide(&mut self, record: &Record) {
        let entry = &record.entry;
        let Some(judgement) = entry.text("note.decision").and_then(Judgement::named) else { return };
        self.last = Some(judgement);
        self.first.get_or_insert_with(|| Decision {
            judgement,
            operator: entry.text("who.operator.id").map(str::to_owned),
            proved: entry.text("who.operator.by") == Some("oidc"),
            took: entry.number("note.shown_ms").or(entry.number("note.after_ms")).unwrap_or_default(),
            late: entry.number("note.late_ms").is_some(),
        });
    }
}

fn data(by: &[By], rows: &BTreeMap<Vec<String>, Tally>) -> miette::Result<String> {
    let row = |(key, tally): (&Vec<String>, &Tally)| {
        let names = by.iter().zip(key).map(|(by, name)| (by.name().to_owned(), Value::from(name.as_str())));
        Value::Object(names.chain(tally.numbers()).collect::<Map<_, _>>())
    };
    Ok(serde_json::to_string_pretty(&rows.iter().map(row).collect::<Vec<_>>()).into_diagnostic()? + "\n")
}

fn table(by: &[By], rows: &BTreeMap<Vec<String>, Tally>, quick: Duration) -> String {
    if rows.is_empty() {
        return "no answer had to be accounted for, and nobody has accounted for one\n".to_owned();
    }
    let names: Vec<String> = by.iter().map(|by| by.name().to_uppercase()).collect();
    let quick = format!("IN {} S", quick.as_secs_f64());
    let head = Tally::heading(names.join("  "), quick);
    let head = head.each_ref().map(String::as_str);
    columns(head, rows.iter().map(|(key, tally)| tally.cells(key.join("  "))))
}

#[cfg(test)]
mod tests {
    use super::short;
    use std::time::Duration;

    #[test]
    fn short_times_are_read() {
        assert_eq!(short("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!((short("5s"), short("2m")), (Ok(Duration::from_secs(5)), Ok(Duration::from_secs(120))));
        assert!(["", "5", "s", "5h", "-1s", "1.5s"].iter().all(|text| short(text).is_err()));
    }
}
