//! `penstock demo`: the main job, on a small plant that is built for it, told call by call.
//!
//! ```text
//! plant: folder, keys, AI services, gateway -> calls over TLS, each checked -> ledger proved, forged, found out -> yours
//! ```
//!
//! Nothing here is staged but the answers of the AI services: the gateway is the one of `penstock run`, the ledger is
//! verified by the code of `penstock verify`, and every card is printed from the signed record of its call.

mod caller;
mod page;
mod picture;
mod proof;
mod scenes;
mod services;
mod stage;
mod stay;
mod tell;

use crate::logging::{self, Form};
use caller::Got;
use ledger::Entry;
use miette::{IntoDiagnostic, WrapErr, bail, miette};
use page::{Ink, Page};
use plant::{RecordId, Verdict};
use scenes::{Act, Scene};
use services::Reached;
use stage::Stage;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use store::Reader;
use tell::Beside;
use tokio::signal::ctrl_c;

/// What a shell calls a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Show the main job on a small plant, in a minute, with nothing to set up.
///
/// Builds a brewery on this machine's loopback addresses: zones, conduits, workloads, keys, certificates and scripted
/// AI services. Runs the gateway, makes calls that are allowed, tokenised, redacted, rerouted and refused, and shows
/// for each what left and why. Proves the ledger, changes one byte of a copy, and shows that the proof finds it.
///
/// Then the plant stays up for your own calls. No key, no account and no internet are needed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// End after the story, with 0 only if everything went as it should.
    #[arg(long)]
    once: bool,

    /// Build the plant in this empty folder, and leave it there; a temporary one otherwise.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Show the gateway's own log, on standard error.
    #[arg(long, short)]
    verbose: bool,
}

pub(crate) fn run(args: Args) -> miette::Result<ExitCode> {
    let _ = logging::begin(Form::Human, if args.verbose { "info" } else { "warn" }, None)?;
    let place = Place::new(args.dir)?;
    let runtime = tokio::runtime::Runtime::new().into_diagnostic()?;
    let told = runtime.block_on(show(&place.folder, args.once));
    // A service that still waits for a connection must not keep the folder from being removed.
    runtime.shutdown_timeout(Duration::from_secs(1));
    told
}

/// Where the plant is built.
struct Place {
    folder: PathBuf,
    /// Removed with all that is in it when dropped.
    _temporary: Option<tempfile::TempDir>,
}

impl Place {
    fn new(folder: Option<PathBuf>) -> miette::Result<Self> {
        let Some(folder) = folder else {
            let temporary = tempfile::Builder::new().prefix("penstock-demo-").tempdir().into_diagnostic()?;
            return Ok(Self { folder: temporary.path().to_owned(), _temporary: Some(temporary) });
        };
        // The snippets must work from any folder.
        let folder = std::path::absolute(&folder).into_diagnostic()?;
        if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
            bail!(help = "name another folder; or none, for a temporary one", "`{}` is not empty", folder.display());
        }
        Ok(Self { folder, _temporary: None })
    }
}

async fn show(folder: &Path, once: bool) -> miette::Result<ExitCode> {
    let page = Page::new();
    let begun = Instant::now();
    let (mut stage, faults) = tokio::select! {
        told = story(page, folder, begun) => told?,
        _ = ctrl_c() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    if once {
        page.line("");
        page.prose("Without --once the plant stays up for your own calls. `penstock init DIR` begins one of your own.");
    } else {
        stay::invite(page, &stage)?;
        stay::stay(page, &mut stage).await?;
    }
    stage.house.close().await;
    if !once {
        page.line("");
        page.prose("Stopped: what was under way has ended, and the ledger is closed.");
    }
    Ok(if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells the whole story. Gives the plant, still up, and how much of it went wrong.
async fn story(page: Page, folder: &Path, begun: Instant) -> miette::Result<(Stage, usize)> {
    page.line(&page.ink(Ink::Strong, "PENSTOCK DEMO: a brewery, its AI, and the gate between them"));
    page.prose(
        "Everything is real but the AI: gateway, TLS, certificates, policy, ledger. The AI services answer from a \
         script, on this machine; no key and no internet are needed.",
    );
    page.step(
        1,
        "The plant",
        "Zones and conduits as in IEC 62443; each zone has a network of its own on this machine. Applications hold a \
         client certificate or a workload token. The providers' keys are the gateway's alone.",
    );
    page.begin("   building ... ");
    let picture = picture::bottle_cap();
    let stage = Stage::set(folder, &picture).await?;
    page.line(&format!("up in {}: {}", seconds(begun), folder.display()));
    map(page, &stage);

    let (mut calls, mut faults) = (0, 0);
    let mut forged = None;
    for (at, act) in scenes::acts(&picture).iter().enumerate() {
        page.step(at + 2, act.title, act.about);
        let (played, wrong, last) = play(page, &stage, act, calls).await?;
        (calls, faults) = (calls + played, faults + wrong);
        forged = last;
    }
    let forged = forged.ok_or_else(|| miette!("nothing was recorded"))?;
    faults += proof::prove(page, &stage, forged).await?;
    page.line("");
    let verdict = match faults {
        0 => page.ink(Ink::Good, &format!("{calls} calls as they should be, the ledger proved, the forgery found")),
        1 => page.ink(Ink::Bad, "1 thing went wrong; it is marked WRONG above"),
        _ => page.ink(Ink::Bad, &format!("{faults} things went wrong; they are marked WRONG above")),
    };
    page.line(&format!("   {verdict}, in {}.", seconds(begun)));
    Ok((stage, faults))
}

/// Shows zones with what stands in them, and conduits.
fn map(page: Page, stage: &Stage) {
    let plant = &stage.plant;
    let mut zones: Vec<_> = plant.zones.values().collect();
    zones.sort_by_key(|zone| (zone.is_external(), zone.level));
    let zones = zones.iter().map(|zone| {
        let networks: Vec<String> = zone.networks.iter().map(ToString::to_string).collect();
        let level = if zone.is_external() { "outside".to_owned() } else { format!("level {}", zone.level) };
        let workloads = plant.workloads.values().filter(|one| one.zone == zone.id).map(|one| one.id.as_str());
        let providers = plant.providers.values().filter(|one| one.zone == zone.id).map(|one| one.id.as_str());
        let inside: Vec<&str> = workloads.chain(providers).collect();
        vec![zone.id.to_string(), level, networks.join(", "), inside.join(", ")]
    });
    page.table(&["ZONE", "", "NETWORK", "HOLDS"], &zones.collect::<Vec<_>>());
    let conduits = plant.conduits.values().map(|conduit| {
        let from: Vec<&str> = conduit.from.iter().map(|zone| zone.as_str()).collect();
        let asks = if conduit.operator == plant::OperatorRequirement::Optional { "" } else { "an operator" };
        let handling = [Verdict::Tokenise, Verdict::Redact, Verdict::Reroute, Verdict::Refuse].into_iter();
        let handling = handling.filter(|deed| conduit.handling.iter().any(|entry| entry.verdict == *deed));
        vec![
            conduit.id.to_string(),
            format!("{} {} {}", from.join(", "), page.arrow(), conduit.to),
            plant.scale.name(conduit.ceiling).to_owned(),
            handling.map(Verdict::name).collect::<Vec<_>>().join(", "),
            asks.to_owned(),
        ]
    });
    page.table(&["CONDUIT", "", "CARRIES UP TO", "MAY", "ASKS FOR"], &conduits.collect::<Vec<_>>());
    for warning in &stage.warnings {
        page.line("");
        page.field("warning", &warning.replace('`', ""), None);
    }
}

/// Plays an act. Gives how many calls it had, how many went wrong, and the last record.
async fn play(page: Page, stage: &Stage, act: &Act, before: usize) -> miette::Result<(usize, usize, Option<RecordId>)> {
    let (mut wrong, mut last) = (0, None);
    for (at, scene) in act.scenes.iter().enumerate() {
        let mark = stage.services.mark();
        let got = stage.call(scene).await?;
        let reached = stage.services.since(&mark);
        let record = record(stage, &got)?;
        let number = (before + at + 1).to_string();
        let beside = Beside {
            number: &number,
            about: scene.about,
            asked: Some(&scene.asks),
            got: Some((&got.text, got.events)),
        };
        tell::card(page, &stage.plant, &record, &reached, &beside);
        for fault in faults(scene, &got, &record, &reached) {
            wrong += 1;
            page.line(&format!("     {}", page.ink(Ink::Bad, &format!("WRONG     {fault}"))));
        }
        last = Some(record.id());
    }
    Ok((act.scenes.len(), wrong, last))
}

/// The record that an answer names.
fn record(stage: &Stage, got: &Got) -> miette::Result<Entry> {
    let named = got.header("penstock-record");
    let id = RecordId::parse(named).ok_or_else(|| miette!("an answer with status {} names no record", got.status))?;
    let reader = Reader::open(&stage.ledger).into_diagnostic()?;
    let found = reader.find(id).into_diagnostic().wrap_err("the ledger cannot be read")?;
    found.map(|record| record.entry).ok_or_else(|| miette!("record {id} is not in the ledger"))
}

/// What did not go as it should.
fn faults(scene: &Scene, got: &Got, record: &Entry, reached: &[Reached]) -> Vec<String> {
    let expected = &scene.expected;
    let mut faults = Vec::new();
    let decision = match expected.reason {
        Some(reason) => format!("{}; reason={reason}", expected.verdict),
        None => expected.verdict.to_string(),
    };
    if got.header("penstock-decision") != decision {
        faults.push(format!("`{decision}` was expected, and the caller got `{}`", got.header("penstock-decision")));
    }
    let recorded = (record.text("dec.verdict"), record.text("dec.reason"));
    if let Some(reason) = expected.reason
        && (got.status != reason.status() || !got.text.contains(reason.message()))
    {
        faults.push(format!("the caller was told {} `{}`", got.status, got.text));
    }
    if recorded != (Some(expected.verdict.name()), expected.reason.map(|reason| reason.code())) {
        faults.push("the record says something else than the answer".to_owned());
    }
    let leaves = usize::from(expected.verdict != Verdict::Refuse);
    if reached.len() != leaves {
        faults.push(format!("{} requests reached a provider, and {leaves} should have", reached.len()));
    }
    if expected.verdict == Verdict::Allow && reached.iter().any(|one| one.seen.body != scene.body.as_bytes()) {
        faults.push("it was changed on its way".to_owned());
    }
    let cloud = |one: &&Reached| ["openai", "anthropic"].contains(&one.provider);
    for hidden in expected.hidden {
        if reached.iter().filter(cloud).any(|one| one.holds(hidden)) {
            faults.push(format!("`{hidden}` left the plant"));
        }
    }
    if reached.iter().any(|one| one.holds("psk_")) {
        faults.push("the workload's token reached a provider".to_owned());
    }
    if !reached.iter().filter(cloud).all(|one| one.holds(&format!("sk-demo-{}-", one.provider))) {
        faults.push("a provider did not get its own credential".to_owned());
    }
    for returned in expected.returned {
        if !got.text.contains(returned) {
            faults.push(format!("`{returned}` did not come back"));
        }
    }
    faults
}

fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f32())
}
