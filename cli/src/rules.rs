//! `penstock rules`: the rules by which content is read, listed and tried on their own examples.

use clap::Subcommand;
use inspect::{Failure, Settings, Trial};
use miette::{IntoDiagnostic, WrapErr, miette};
use plant::Sensitivity;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// List the rules by which content is read, and try them on their examples.
///
/// These rules say what a text holds: a key, a tag, a setpoint. They come with Penstock, and a plant adds its own
/// (detectors) in files that `[inspection] detectors` names; one that is called like ours stands in its place. They are
/// not the Cedar rules of `[rules]`, which say what may pass.
#[derive(Debug, clap::Args)]
#[command(after_help = "A file of detectors:\n  \
    [[detector]]\n  \
    name = \"part.brewery\"          # comes back in findings; one of ours with that name is replaced\n  \
    label = \"part.number\"\n  \
    patterns = ['BR-[0-9]{6}']     # linear time: no look-around, no back-references\n  \
    near = [\"keg\", \"fass\"]         # one of these among the three words in front; may be left out\n  \
    check = \"luhn\"                 # or \"mod97\"; may be left out\n  \
    finds = [\"keg BR-123455\"]      # what it must find something in\n  \
    ignores = [\"room BR-123455\"]   # and what it must leave alone")]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// List every rule with the label that it gives.
    List {
        /// Print the same as data.
        #[arg(long)]
        json: bool,
    },
    /// Try every rule on its own examples, or those of a file of detectors.
    ///
    /// Ends with 0 if each finds and leaves what it says, and with 1 if one does not.
    Test {
        /// The file. Left out: all rules that are in force, ours and the plant's.
        file: Option<PathBuf>,
        /// Print the same as data.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    match args.task {
        Task::List { json } => list(&settings(plant)?, json),
        Task::Test { file: None, json } => {
            let settings = settings(plant)?;
            told(&inspect::try_rules(&settings).into_diagnostic()?, json)
        }
        Task::Test { file: Some(file), json } => {
            let text = std::fs::read_to_string(&file)
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot read {}", file.display()))?;
            let mut settings = Settings::new(Sensitivity::LOWEST);
            settings.detectors = config::detectors(&file.display().to_string(), &text).map_err(miette::Report::new)?;
            settings.disabled = inspect::rules().filter_map(|(name, _)| plant::RuleId::new(name).ok()).collect();
            told(&inspect::try_rules(&settings).into_diagnostic()?, json)
        }
    }
}

/// What is in force in the plant; ours alone where there is none.
fn settings(plant: &Path) -> miette::Result<Settings> {
    let file = if plant.is_dir() { plant.join(config::PLANT_FILE) } else { plant.to_path_buf() };
    if !file.exists() {
        return Ok(Settings::new(Sensitivity::LOWEST));
    }
    let loaded = config::load(plant, gateway::now(), |bytes| seal::hex(&seal::sha256(bytes)));
    loaded
        .map(|loaded| loaded.inspect)
        .map_err(|_| miette!("the plant file cannot come into force: see `penstock check`"))
}

fn list(settings: &Settings, json: bool) -> miette::Result<ExitCode> {
    let own = |name: &str| settings.detectors.iter().any(|own| own.name.as_str() == name);
    let off = |name: &str| settings.disabled.iter().any(|rule| rule.as_str() == name);
    let ours =
        inspect::rules().filter(|(name, _)| !own(name)).map(|(name, label)| (name, label, "built in", off(name)));
    let plants = settings.detectors.iter().map(|own| (own.name.as_str(), own.label.as_str(), "plant", false));
    let rules: Vec<_> = ours.chain(plants).collect();
    let mut out = std::io::stdout().lock();
    if json {
        let rules: Vec<Value> = rules
            .iter()
            .map(|(name, label, from, off)| json!({ "rule": name, "label": label, "from": from, "enabled": !off }))
            .collect();
        writeln!(out, "{}", json!({ "rules": rules })).into_diagnostic()?;
        return Ok(ExitCode::SUCCESS);
    }
    for (name, label, from, off) in rules {
        writeln!(out, "{name:24} {label:20} {}", if off { "off" } else { from }).into_diagnostic()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn told(trial: &Trial, json: bool) -> miette::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let wanted = |failure: &Failure| if failure.finds { "finds nothing in" } else { "finds something in" };
    if json {
        let failures: Vec<Value> = trial
            .failures
            .iter()
            .map(|failure| json!({ "rule": failure.rule.as_str(), "text": failure.text, "should_find": failure.finds }))
            .collect();
        let report = json!({ "rules": trial.rules, "examples": trial.examples, "failures": failures });
        writeln!(out, "{report}").into_diagnostic()?;
    } else {
        for failure in &trial.failures {
            writeln!(out, "{} {} `{}`", failure.rule, wanted(failure), failure.text).into_diagnostic()?;
        }
        let (rules, examples, failed) = (trial.rules, trial.examples, trial.failures.len());
        writeln!(out, "{rules} rules, {examples} examples, {failed} that come out otherwise").into_diagnostic()?;
    }
    Ok(if trial.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
