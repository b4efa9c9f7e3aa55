//! `penstock inventory`: what the plant uses of AI, declared and seen, and where each component stands in its life.

mod sign;
mod tell;

use crate::approve;
use crate::assemble;
use crate::governing;
use crate::print::say;
use crate::reaching::Whence;
use crate::sighted;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Subcommand, ValueEnum};
use config::Loaded;
use console::{Picked, Sheet};
use http::Method;
use inventory::{About, ComponentKind, Drift, Lives, Row, Seen, State};
use miette::{IntoDiagnostic, WrapErr, miette};
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the plant uses of AI
///
/// Components are declared in the plant file: workloads, providers, and under `[components.NAME]`
/// models, libraries, edge nodes, containers, connectors and identities. The ledger's records say
/// which are seen in traffic. The two are held against each other:
///
///     shadow    seen, and not declared
///     mismatch  declared and seen, and not as declared
///     matched   declared and seen
///     declared  declared, and never seen
///     retired   taken out of service for good
///
/// What calls use must be live. Its state is changed by steps that approvers of the plant sign.
///
///     penstock inventory list --state shadow
///     penstock inventory draft model:openai/gpt-4o
///     penstock inventory sign model:gpt-4o --to suspended --because "leaks recipes" --key ada.key
///     penstock inventory export --format cyclonedx
///
/// It reads the plant's files and its ledger, also where no gateway runs; with `--console` it asks a
/// gateway elsewhere, which has counted already.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// List components with what is seen of them.
    List {
        /// Only those in this state: of drift (`shadow`, `mismatch`, `matched`, `declared`, `retired`) or of life (`draft`,
        /// `approved`, `live`, `suspended`).
        #[arg(long, value_parser = wanted())]
        state: Option<String>,

        /// Only those of this kind.
        #[arg(long, value_parser = kind())]
        kind: Option<String>,

        /// Print the same as data.
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        whence: Whence,
    },
    /// Show everything that is known of one.
    Show {
        /// Its name, with its kind if several have it: `model:gpt-4o`.
        #[arg(value_name = "NAME")]
        name: String,

        /// Print the same as data.
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        whence: Whence,
    },
    /// Print the declaration of a model or library that was seen, for the plant file.
    Draft {
        /// Its name as `list` says it: `model:openai/gpt-4o`.
        #[arg(value_name = "NAME")]
        name: String,

        #[command(flatten)]
        whence: Whence,
    },
    /// Print the declarations of a bill of materials (CycloneDX 1.5 to 1.7, JSON), for the plant file.
    Import {
        /// The bill of materials; `-` reads standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,

        /// Write them to this file, which must not be there.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print the inventory for other tools.
    Export {
        /// `cyclonedx` is a bill of materials of CycloneDX 1.6 with models (ML-BOM), `csv` is for spreadsheets.
        #[arg(long, value_enum)]
        format: Format,

        #[command(flatten)]
        whence: Whence,
    },
    /// Sign a step of a component's life: draft, approved, live, suspended, retired.
    ///
    /// It comes into force, in a gateway that runs too, once as many approvers have signed it as `[governance]` says. Each is recorded.
    Sign {
        /// Its name in the plant file, with its kind if several have it: `workload:mes-copilot`.
        #[arg(value_name = "NAME")]
        name: String,

        /// Where it is to stand.
        #[arg(long, value_parser = state())]
        to: State,

        /// Why, in a line.
        #[arg(long, value_name = "TEXT")]
        because: String,

        /// Your key, as `penstock approve key` makes it.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Cyclonedx,
    Csv,
}

/// Which components are wanted.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Drift(Drift),
    State(State),
}

impl Wanted {
    fn named(name: &str) -> Option<Self> {
        Drift::named(name).map(Self::Drift).or_else(|| State::named(name).map(Self::State))
    }

    fn fits(self, row: &Row) -> bool {
        match self {
            Self::Drift(drift) => row.drift == drift,
            Self::State(state) => row.state == Some(state),
        }
    }
}

fn wanted() -> PossibleValuesParser {
    let names = Drift::NAMES.iter().map(|(name, _)| *name);
    let states = State::NAMES.iter().map(|(name, _)| *name).filter(|name| Drift::named(name).is_none());
    PossibleValuesParser::new(names.chain(states))
}

fn kind() -> PossibleValuesParser {
    PossibleValuesParser::new(ComponentKind::NAMES.iter().map(|(name, _)| *name))
}

fn state() -> impl TypedValueParser<Value = State> {
    PossibleValuesParser::new(State::NAMES.iter().map(|(name, _)| *name))
        .try_map(|given| State::named(&given).ok_or("not one of them"))
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let text = match args.task {
        Task::List { state, kind, json, whence } => {
            let sheet = if json { Sheet::Json } else { Sheet::Text };
            told(plant, &whence, &Picked { name: None, kind, state }, sheet)?
        }
        Task::Show { name, json, whence } => {
            let sheet = if json { Sheet::Json } else { Sheet::Text };
            told(plant, &whence, &Picked { name: Some(name), ..Picked::default() }, sheet)?
        }
        Task::Export { format: Format::Csv, whence } => told(plant, &whence, &Picked::default(), Sheet::Csv)?,
        Task::Export { format: Format::Cyclonedx, whence } => {
            told(plant, &whence, &Picked::default(), Sheet::Cyclonedx)?
        }
        Task::Draft { name, whence } => drafted(plant, &whence, &name)?,
        Task::Import { file, out } => return import(&file, out.as_deref()),
        Task::Sign { name, to, because, key } => {
            let loaded = assemble::load(plant)?;
            sign::sign(&loaded, &name, to, &because, &approve::signer_of(&key)?)?
        }
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn told(plant: &Path, whence: &Whence, picked: &Picked, sheet: Sheet) -> miette::Result<String> {
    if let Some(reach) = whence.elsewhere() {
        return reach.fetch(plant, &picked.address(sheet));
    }
    let (loaded, rows, beyond) = stock(plant, whence)?;
    Ok(written(&loaded, rows, beyond, picked, sheet)?)
}

fn drafted(plant: &Path, whence: &Whence, name: &str) -> miette::Result<String> {
    if let Some(reach) = whence.elsewhere() {
        let body = json!({ "component": name });
        let (_, answer) = reach.ask(plant, &Method::POST, "/api/v1/declarations", Some(&body))?;
        return Ok(answer.get("text").and_then(Value::as_str).unwrap_or_default().to_owned());
    }
    let (_, rows, _) = stock(plant, whence)?;
    draft(named(&rows, name)?)
}

/// The whole inventory, and how many sightings found no room.
fn stock(plant: &Path, whence: &Whence) -> miette::Result<(Loaded, Vec<Row>, u64)> {
    let loaded = assemble::load(plant)?;
    let seen = sighted::now(&whence.ledger.reader(plant)?)?;
    let (rows, _) = rows(&loaded, &seen)?;
    Ok((loaded, rows, seen.beyond()))
}

/// What the plant declares, held against what was seen; and where each component stands in its life.
pub(crate) fn rows(loaded: &Loaded, seen: &Seen) -> miette::Result<(Vec<Row>, Lives)> {
    let lives = governing::known(loaded)?;
    Ok((inventory::rows(&loaded.components, seen, &loaded.governance, &lives, governing::digest), lives))
}

/// Why components are not written down.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum Unwritten {
    #[error("no component has that name")]
    #[diagnostic(help("`penstock inventory list` has them all"))]
    Unknown,
    #[error("several components have that name")]
    #[diagnostic(help("say which: `{0}`, `{1}`"))]
    Several(String, String),
    #[error("there is no such kind of component")]
    Kind,
    #[error("there is no such state of a component")]
    State,
}

/// Those that are picked, written down: by the command, and by a gateway for whoever asks it.
pub(crate) fn written(
    loaded: &Loaded,
    mut rows: Vec<Row>,
    beyond: u64,
    picked: &Picked,
    sheet: Sheet,
) -> Result<String, Unwritten> {
    let kind = picked.kind.as_deref().map(|name| ComponentKind::named(name).ok_or(Unwritten::Kind)).transpose()?;
    let state = picked.state.as_deref().map(|name| Wanted::named(name).ok_or(Unwritten::State)).transpose()?;
    if let Some(name) = &picked.name {
        rows = vec![named(&rows, name)?.clone()];
    }
    rows.retain(|row| state.is_none_or(|state| state.fits(row)) && kind.is_none_or(|kind| row.kind == kind));
    Ok(match (sheet, rows.as_slice()) {
        (Sheet::Text, [row]) if picked.name.is_some() => tell::whole(row),
        (Sheet::Text, rows) => tell::table(rows, beyond),
        (Sheet::Json, rows) => tell::data(rows),
        (Sheet::Csv, rows) => tell::csv(rows),
        (Sheet::Cyclonedx, rows) => bill(loaded, rows),
    })
}

fn bill(loaded: &Loaded, rows: &[Row]) -> String {
    let now = gateway::now();
    // A UUID like those of records: its time, and bits that no other has.
    let serial = gateway::draw_id(now).to_string();
    let (plant, version) = (loaded.plant.id.as_str(), env!("CARGO_PKG_VERSION"));
    let (contact, digest) = (loaded.governance.contact.as_deref(), loaded.plant.digest.as_str());
    let about = About { plant, serial: &serial, contact, digest, time: &now.to_string(), version };
    inventory::export(rows, &about)
}

/// The one of that name, with its kind or without.
fn named<'a>(rows: &'a [Row], name: &str) -> Result<&'a Row, Unwritten> {
    if let Some(row) = rows.iter().find(|row| row.title() == name) {
        return Ok(row);
    }
    let mut found = rows.iter().filter(|row| row.name == name);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (Some(one), Some(other)) => Err(Unwritten::Several(one.title(), other.title())),
        (None, _) => Err(Unwritten::Unknown),
    }
}

fn draft(row: &Row) -> miette::Result<String> {
    let component = row.drafted().ok_or_else(|| match &row.component {
        Some(_) => miette!("`{}` is declared", row.title()),
        None => miette!(
            help = "what calls from there needs a table `[workloads.NAME]`, and where it calls `[providers.NAME]`",
            "traffic does not say enough of `{}` to declare it",
            row.title()
        ),
    })?;
    Ok(inventory::fragment(&[component]))
}

fn import(file: &Path, out: Option<&Path>) -> miette::Result<ExitCode> {
    let bytes = read(file).into_diagnostic().wrap_err_with(|| format!("cannot read `{}`", file.display()))?;
    let parsed =
        inventory::read(&bytes).into_diagnostic().wrap_err_with(|| format!("cannot use `{}`", file.display()))?;
    for (kind, count) in &parsed.left_out {
        eprintln!("left out: {count} of type {kind:?}");
    }
    let text = inventory::fragment(&parsed.components);
    match out {
        None => say(&text)?,
        Some(path) => {
            let mut new = std::fs::File::options();
            let written = new.write(true).create_new(true).open(path);
            let written = written.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
            written.into_diagnostic().wrap_err_with(|| format!("cannot write `{}`", path.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let most = u64::try_from(inventory::MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::Wanted;
    use inventory::{ComponentKind, Drift, State};

    #[test]
    fn the_description_has_every_kind_and_state() {
        let document: serde_json::Value = serde_json::from_str(console::OPENAPI).unwrap();
        let parameters = document["paths"]["/api/v1/components"]["get"]["parameters"].as_array().unwrap();
        let words = |name: &str| -> Vec<&str> {
            let one = parameters.iter().find(|one| one["name"] == name).unwrap();
            one["schema"]["enum"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
        };
        assert_eq!(words("kind"), ComponentKind::NAMES.map(|(name, _)| name));
        let states = words("state");
        assert!(states.iter().all(|state| Wanted::named(state).is_some()));
        let all = Drift::NAMES.iter().map(|(name, _)| *name).chain(State::NAMES.iter().map(|(name, _)| *name));
        assert!(all.into_iter().all(|name| states.contains(&name)));
    }
}
