//! `penstock paths`: every way that the plant's data may take to AI, and every way that it took.
//!
//! ```text
//! plant file ─> routes that are open ─┐
//!                                     ├─> one line each, marked where the two disagree
//! ledger ─────> routes that were taken┘
//! ```

mod tell;

use crate::records::{self, Where};
use crate::{assemble, print};
use clap::ValueEnum;
use config::Loaded;
use ledger::Entry;
use miette::{IntoDiagnostic, WrapErr};
use plant::{Kind, Label, Millis, SOURCE_FAMILY, Verdict};
use policy::{Policy, Route};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use store::Filter;

/// Most lines. Names in records come from callers too: whoever makes them up fills no memory.
const MOST: usize = 10_000;

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
/// For a record of processing activities: `penstock paths --format csv > paths.csv`
/// For a drawing: `penstock paths --format mermaid`
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
    ledger: Where,
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

/// What is not as the plant file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Undeclared,
    Above,
    Unused,
}

impl Mark {
    fn name(self) -> &'static str {
        match self {
            Self::Undeclared => "undeclared",
            Self::Above => "above",
            Self::Unused => "unused",
        }
    }
}

/// A way, by names. In records there may be such as the plant file does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    workload: String,
    conduit: String,
    provider: String,
    /// Empty: of no source.
    source: String,
}

/// What was seen of a way.
#[derive(Debug, Default)]
struct Seen {
    calls: u64,
    refused: u64,
    last: Option<Millis>,
    /// How sensitive calls were as they came: ranks on the plant's scale, and names that it does not have.
    sensitivities: BTreeSet<(Option<u8>, String)>,
    /// What was found in calls that left.
    labels: BTreeMap<String, u64>,
}

/// A line.
struct Line<'a> {
    way: Way,
    route: Option<Route<'a>>,
    seen: Seen,
    /// Labels that were seen and would be refused there now.
    above: Vec<String>,
    marks: BTreeSet<Mark>,
}

pub(crate) fn run(plant: &Path, args: &Args) -> miette::Result<ExitCode> {
    let loaded = assemble::load(plant)?;
    let policy = assemble::policy(&loaded)?;
    let seen = seen(plant, args, &loaded)?;
    let mut lines = lines(&loaded, &policy, seen);
    let wrong = |line: &Line<'_>| line.marks.iter().any(|mark| *mark != Mark::Unused);
    if args.marked {
        lines.retain(wrong);
    }
    let scale = &loaded.plant.scale;
    print::say(&match args.format {
        _ if args.json => tell::json(&lines, scale)?,
        Format::Table => tell::table(&lines, scale),
        Format::Csv => tell::csv(&lines, scale),
        Format::Mermaid => tell::mermaid(&lines),
    })?;
    Ok(if args.marked && !lines.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The ways that calls took, from the records that say so before anything leaves; and those that were refused, as far as there is room.
fn seen(plant: &Path, args: &Args, loaded: &Loaded) -> miette::Result<BTreeMap<Way, Seen>> {
    let (mut taken, mut refused) = (BTreeMap::new(), BTreeMap::<Way, Seen>::new());
    let filter = Filter { since: args.since, until: args.until, ..Filter::default() };
    for record in args.ledger.reader(plant)?.records(0, filter) {
        let record = record.into_diagnostic().wrap_err("the ledger cannot be read; `penstock verify` says more")?;
        let Some(passage) = passage(&record.entry) else { continue };
        add(&record.entry, passage, loaded, if passage == Passage::Taken { &mut taken } else { &mut refused });
    }
    for (way, seen) in refused {
        if taken.len() < MOST || taken.contains_key(&way) {
            taken.entry(way).or_default().refused = seen.refused;
        }
    }
    Ok(taken)
}

/// How a call fared on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passage {
    Taken,
    Refused,
}

/// None: the record says nothing of a way.
fn passage(entry: &Entry) -> Option<Passage> {
    let refused = entry.text("dec.verdict") == Some(Verdict::Refuse.name());
    match entry.kind()? {
        // Accounts for an answer.
        _ if entry.text("note.at") == Some("oversight") => None,
        Kind::Refuse => Some(Passage::Refused),
        Kind::Intent | Kind::Event | Kind::Switch => Some(if refused { Passage::Refused } else { Passage::Taken }),
        _ => None,
    }
}

fn add(entry: &Entry, passage: Passage, loaded: &Loaded, seen: &mut BTreeMap<Way, Seen>) {
    let text = |path: &str| entry.text(path).unwrap_or("-").to_owned();
    let provider = ["note.answered_by", "what.rerouted", "what.provider"].iter().find_map(|path| entry.text(path));
    // A call of nobody to nowhere; and an answer of the plant's own, which goes to no one.
    let Some(provider) = provider.filter(|provider| *provider != "fixed-answer") else { return };
    let findings = entry.at("what.findings").and_then(Value::as_array).into_iter().flatten();
    let labels: BTreeMap<String, u64> = findings
        .filter_map(|one| Some((one.get("label")?.as_str()?.to_owned(), one.get("count").and_then(Value::as_u64)?)))
        .collect();
    let prefix = format!("{SOURCE_FAMILY}.");
    let mut sources: Vec<&str> = labels.keys().filter_map(|label| label.strip_prefix(&prefix)).collect();
    if sources.is_empty() {
        sources.push("");
    }
    let name = text("what.sensitivity");
    let sensitivity = (loaded.plant.scale.step(&name).map(plant::Sensitivity::rank), name);
    for source in sources {
        let way = Way {
            workload: text("who.workload.id"),
            conduit: text("where.conduit"),
            provider: provider.to_owned(),
            source: source.to_owned(),
        };
        if seen.len() >= MOST && !seen.contains_key(&way) {
            continue;
        }
        let seen = seen.entry(way).or_default();
        if passage == Passage::Refused {
            seen.refused += 1;
            continue;
        }
        seen.calls += 1;
        seen.last = seen.last.max(Some(entry.t()));
        seen.sensitivities.insert(sensitivity.clone());
        let own = |label: &str| label.strip_prefix(&prefix).is_none_or(|name| name == source);
        for (label, count) in labels.iter().filter(|(label, _)| own(label)) {
            *seen.labels.entry(label.clone()).or_default() += count;
        }
    }
}

/// What is open and what was taken, side by side.
fn lines<'a>(loaded: &Loaded, policy: &'a Policy, mut seen: BTreeMap<Way, Seen>) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    for route in policy.routes(gateway::now()) {
        let way = Way {
            workload: route.workload.id.to_string(),
            conduit: route.conduit.id.to_string(),
            provider: route.provider.id.to_string(),
            source: route.source.map(|source| source.id.to_string()).unwrap_or_default(),
        };
        let seen = seen.remove(&way).unwrap_or_default();
        let above: Vec<String> = seen.labels.keys().filter(|label| refuses(loaded, &route, label)).cloned().collect();
        let mut marks = BTreeSet::new();
        marks.extend((!above.is_empty()).then_some(Mark::Above));
        marks.extend((seen.calls == 0).then_some(Mark::Unused));
        lines.push(Line { way, route: Some(route), seen, above, marks });
    }
    // What was refused did not take the way.
    let taken = seen.into_iter().filter(|(_, seen)| seen.calls > 0 || seen.refused > 0);
    for (way, seen) in taken {
        let withheld = loaded.plant.sources.keys().any(|id| id.as_str() == way.source) && softened(loaded, &way);
        let marks = (seen.calls > 0 && !withheld).then_some(Mark::Undeclared).into_iter().collect();
        lines.push(Line { way, route: None, seen, above: Vec::new(), marks });
    }
    lines
}

/// Whether what was found would be refused on the route now.
fn refuses(loaded: &Loaded, route: &Route<'_>, label: &str) -> bool {
    let Ok(label) = Label::new(label) else { return false };
    // A source says for itself how sensitive it is.
    let source = label.as_str().strip_prefix(SOURCE_FAMILY).and_then(|rest| rest.strip_prefix('.'));
    let source = source.and_then(|name| loaded.plant.sources.values().find(|own| own.id.as_str() == name));
    let sensitivity = source.map_or_else(|| loaded.inspect.sensitivity(&label), |source| source.sensitivity);
    route.verdict(&label, sensitivity) == Verdict::Refuse
}

/// Whether what is of a source that may not cross is taken out there, so that a call that held it took none of it along.
fn softened(loaded: &Loaded, way: &Way) -> bool {
    let conduit = loaded.plant.conduits.values().find(|conduit| conduit.id.as_str() == way.conduit);
    conduit
        .is_some_and(|conduit| conduit.unapproved != plant::Unapproved::Refuse && conduit.to.as_str() == way.provider)
}
