//! `penstock drill`: what happens when AI fails, tried out against the plant in force, with a stand-in for every provider.
//!
//! ```text
//! plant in force ─> its double ─> gateway, stand-ins ─> calls ─> what the plant file promises = what was seen?
//!      └──────────> `drill` records: begun ────────────────────> each step, ended
//! ```
//!
//! The double lives in this process. A gateway that runs for the plant carries its calls meanwhile and takes no notice; only the
//! records of the drill go to its ledger.

mod caller;
mod double;
mod evidence;
mod promise;
mod stage;
mod standin;
mod steps;
mod tell;

use crate::assemble;
use crate::print::say;
use crate::reaching::{Nobody, Reach};
use crate::run::Signals;
use caller::Caller;
use config::Loaded;
use double::Double;
use evidence::{Evidence, People};
use http::Method;
use miette::{IntoDiagnostic, bail, miette};
use plant::{Conduit, ConduitId};
use stage::{Stage, micros_since};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use steps::{Drill, Step};
use tell::{Tally, Told};

/// Longest name and longest observation, in characters.
const LONGEST: usize = 300;

/// Try out what happens when AI fails, without any provider
///
/// For each conduit a call is made while its provider is well, unreachable, slow, over its limits,
/// failing, not paid, broken, or answers too much; then while those are too that its `fallback`
/// names; then while its breaker is open. Then everything is isolated and restored, the plant is
/// islanded, the ledger takes nothing, the gateway is gone. What was seen is held against what the
/// plant file promises.
///
/// The calls go through the gateway of this program over the plant file in force, in a process of
/// its own, with a stand-in on this machine for each provider. No real provider, no credential and
/// no caller is touched, and a gateway that runs goes on.
///
/// The result is written to the plant's ledger as `drill` records, signed like all others.
///
///     penstock drill --by "J. Brandt" --witness "M. Okoro, shift lead"
///
/// Ends with 0 if every promise is kept, with 1 if one is not or could not be tried out, and with 2
/// if there was no drill.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Only this conduit; may be given several times.
    #[arg(long = "conduit", value_name = "NAME")]
    conduits: Vec<ConduitId>,

    /// Who holds the drill. Left out: the user of the system.
    #[arg(long, value_name = "NAME", value_parser = line)]
    by: Option<String>,

    /// Who watched it.
    #[arg(long, value_name = "NAME", value_parser = line)]
    witness: Option<String>,

    /// What a person saw of the plant while it had no AI: one line. Without it, the record says that nobody told.
    #[arg(long, value_name = "TEXT", value_parser = line)]
    observed: Option<String>,

    /// A role of the operator behind the calls, where conduits or rules ask for one; may be given several times.
    #[arg(long = "operator-role", value_name = "ROLE")]
    roles: Vec<String>,

    /// Wait for a provider that never answers as long as the plant file says, and not for 0.3 s.
    #[arg(long)]
    patient: bool,

    /// Write nothing to the ledger: to try out a draft.
    #[arg(long)]
    unrecorded: bool,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(plant: &Path, args: &Args) -> miette::Result<ExitCode> {
    // A script must not take a mistyped name for a promise that was broken, so this does not leave it to `main`.
    match drill(plant, args) {
        Ok(code) => Ok(code),
        Err(problem) => {
            eprintln!("{problem:?}");
            Ok(ExitCode::from(2))
        }
    }
}

fn drill(plant: &Path, args: &Args) -> miette::Result<ExitCode> {
    let loaded = assemble::load(plant)?;
    let conduits = wanted(&loaded, &args.conduits)?;
    let by = args.by.clone().unwrap_or_else(user);
    let people = People { by: by.clone(), witness: args.witness.clone(), observed: args.observed.clone() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().into_diagnostic()?;
    // Before the drill is known to have begun, so that whoever breaks it off is told of.
    let signals = runtime.block_on(async { Signals::listen() })?;
    let evidence = if args.unrecorded {
        None
    } else {
        in_force(plant, &loaded)?;
        Some(Evidence::begin(&loaded, people)?)
    };
    let (began, start) = (gateway::now().to_string(), Instant::now());
    let steps = match runtime.block_on(hold(&loaded, conduits, signals, args)) {
        Ok(steps) => steps,
        Err(problem) => {
            if let Some(evidence) = &evidence {
                evidence.broke_off(&problem.to_string())?;
            }
            return Err(problem);
        }
    };
    let micros = micros_since(start);
    let recorded = evidence.as_ref().map_or(Ok(()), |evidence| evidence.end(&steps, micros));
    let told = Told {
        plant: loaded.plant.id.as_str(),
        digest: &loaded.plant.digest,
        by: &by,
        witness: args.witness.as_deref(),
        began,
        micros,
        record: evidence.as_ref().map(|evidence| evidence.begun),
        steps: &steps,
    };
    say(&if args.json { format!("{:#}\n", told.data()) } else { told.words() })?;
    // What was seen is told whatever becomes of its record.
    recorded?;
    Ok(if Tally::of(&steps).result() == "kept" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Holds the drill, until somebody breaks it off.
async fn hold(loaded: &Loaded, conduits: Vec<Conduit>, mut signals: Signals, args: &Args) -> miette::Result<Vec<Step>> {
    let double = Double::of(loaded, args.patient)?;
    let policy = double.policy()?;
    let found = conduits.into_iter().map(|conduit| {
        let caller = Caller::find(&double, &policy, &conduit, &args.roles);
        (conduit, caller)
    });
    let conduits = found.collect();
    let stage = Stage::set(double, &args.roles).await?;
    let observed = args.observed.as_deref();
    let drill = Drill { stage, policy, conduits, roles: &args.roles, observed, steps: Vec::new() };
    tokio::select! {
        done = drill.run() => done,
        _ = signals.next() => Err(miette!("somebody broke it off")),
    }
}

/// The conduits that are to be drilled.
fn wanted(loaded: &Loaded, named: &[ConduitId]) -> miette::Result<Vec<Conduit>> {
    let all = &loaded.plant.conduits;
    if let Some(unknown) = named.iter().find(|id| !all.contains_key(id)) {
        bail!("the plant has no conduit `{unknown}`");
    }
    Ok(all.values().filter(|conduit| named.is_empty() || named.contains(&conduit.id)).cloned().collect())
}

/// Sees that a gateway that runs has this plant in force: a drill of another would prove nothing about it.
fn in_force(plant: &Path, loaded: &Loaded) -> miette::Result<()> {
    match Reach::home().ask(plant, &Method::GET, "/api/v1/state", None) {
        Ok((_, state)) => {
            let digest = state.pointer("/in_force/digest").and_then(serde_json::Value::as_str).unwrap_or_default();
            if digest == loaded.plant.digest {
                return Ok(());
            }
            Err(miette!(
                help = "`penstock reload` says why the file is not in force; `--unrecorded` drills it as a draft",
                "the gateway has another plant in force than the file says: {digest}"
            ))
        }
        Err(problem) if problem.downcast_ref::<Nobody>().is_some() => Ok(()),
        Err(problem) => Err(problem),
    }
}

/// Whoever is at the machine, as it says; nobody proves it. The record also has the number of the system's user, which is.
fn user() -> String {
    let named = |name| std::env::var(name).ok().and_then(|name| line(&name).ok());
    let unnamed = || format!("user-{}", rustix::process::getuid().as_raw());
    named("SUDO_USER").or_else(|| named("USER")).unwrap_or_else(unnamed)
}

/// One line, which people can read.
fn line(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        return Err(format!("one line of 1 to {LONGEST} characters is expected"));
    }
    Ok(text.to_owned())
}
