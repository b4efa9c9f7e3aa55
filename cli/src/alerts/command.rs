//! `penstock alerts`: where alerts go and how that does, what they would be, and whether one arrives.

use super::send::send;
use super::state::State;
use super::tell;
use crate::assemble;
use crate::print::say;
use crate::records::{self, Where};
use alert::{Alert, Code, Destination, Eyes, Severity, Site, Status, Watch};
use clap::Subcommand;
use config::Loaded;
use gateway::now;
use miette::{IntoDiagnostic, WrapErr, ensure};
use plant::{DestinationId, Millis};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use store::{Filter, Reader};

/// Show where alerts go and how that does; send a test.
///
/// Without a subcommand it lists the destinations of `[alerts]` in the plant file, with what waits for each and why, as the gateway
/// left it beside the ledger. With `--since` it shows too what they would have been told of the records since then.
///
/// What would have been sent in the last day: `penstock alerts --since 1d`
///
/// Whether an alert arrives: `penstock alerts test soc`
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Option<Task>,

    /// Show what would have been sent of records since this time: `2026-11-20T21:30:00Z`, `2026-11-20`, or so long ago: `15m`, `2h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = records::time)]
    since: Option<Millis>,

    /// Print the same as data: a JSON object.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    ledger: Where,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Send a test alert from here, and say what came of it.
    ///
    /// It goes out at once, whether or not a gateway runs, with the credential and the authorities of the plant file. It ends with 1
    /// if it did not arrive everywhere.
    Test {
        /// The destination; all of them if it is left out.
        name: Option<DestinationId>,
        /// Print the same as data: a JSON array.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let loaded = assemble::load(plant)?;
    match args.task {
        Some(Task::Test { name, json }) => test(&loaded, name.as_ref(), json),
        None => {
            let reader = args.since.map(|_| args.ledger.reader(plant)).transpose()?;
            list(&loaded, reader.zip(args.since), args.json)
        }
    }
}

fn site(loaded: &Loaded) -> Site {
    Site { plant: loaded.plant.id.clone(), gateway: loaded.plant.gateway.clone() }
}

fn list(loaded: &Loaded, since: Option<(Reader, Millis)>, json: bool) -> miette::Result<ExitCode> {
    let states: Vec<(&Destination, Option<State>)> =
        loaded.alerts.iter().map(|to| (to, State::read(&loaded.gateway.ledger, &to.id))).collect();
    let alerts = match &since {
        Some((reader, since)) => Some(would_be(loaded, reader, *since)?),
        None => None,
    };
    say(&if json { tell::data(&states, alerts.as_deref())? } else { tell::text(&states, alerts.as_deref()) })?;
    Ok(ExitCode::SUCCESS)
}

/// What each destination would have been told of the records since then, had each been told of when it was written.
fn would_be<'a>(loaded: &'a Loaded, reader: &Reader, since: Millis) -> miette::Result<Vec<(&'a DestinationId, Alert)>> {
    let site = site(loaded);
    let unreadable = "the ledger cannot be read; `penstock verify` says more";
    let from = reader.since(since).into_diagnostic().wrap_err(unreadable)?;
    let mut desks: Vec<_> = loaded.alerts.iter().map(|to| (to, Eyes::default(), Watch::default())).collect();
    let mut told = Vec::new();
    for record in reader.records(from, Filter { since: Some(since), ..Filter::default() }) {
        let entry = record.into_diagnostic().wrap_err(unreadable)?.entry;
        for (to, eyes, watch) in &mut desks {
            let terms = to.terms();
            told.extend(watch.tick(&terms, &site, entry.t()).into_iter().map(|alert| (&to.id, alert)));
            let heard = to.hear(&entry, (eyes, watch), &loaded.plant, &site, entry.t());
            told.extend(heard.into_iter().map(|alert| (&to.id, alert)));
        }
    }
    let now = now();
    for (to, _, watch) in &mut desks {
        told.extend(watch.tick(&to.terms(), &site, now).into_iter().map(|alert| (&to.id, alert)));
    }
    Ok(told)
}

fn test(loaded: &Loaded, name: Option<&DestinationId>, json: bool) -> miette::Result<ExitCode> {
    let all: Vec<&Destination> = loaded.alerts.iter().filter(|to| name.is_none_or(|name| to.id == *name)).collect();
    ensure!(
        !all.is_empty(),
        help = "`[alerts.NAME]` in the plant file declares one; `penstock alerts` lists them",
        "there is no such destination of alerts"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let mut came = Vec::new();
    for to in all {
        let (begin, alert) = (Instant::now(), trial(loaded, to));
        let sent = runtime.block_on(send(to, std::slice::from_ref(&alert)));
        came.push((to, begin.elapsed(), sent.map(drop).map_err(|failed| failed.to_string())));
    }
    say(&if json { tell::tried_data(&came)? } else { tell::tried(&came) })?;
    let good = came.iter().all(|(_, _, sent)| sent.is_ok());
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// An alert of nothing.
fn trial(loaded: &Loaded, to: &Destination) -> Alert {
    let at = now();
    Alert {
        id: format!("t{}.{}.{}", at.0, Code::Test, to.id),
        code: Code::Test,
        status: Status::Firing,
        severity: Severity::Info,
        site: site(loaded),
        about: to.id.to_string(),
        count: 1,
        first: at,
        last: at,
        record: None,
        facts: alert::Facts::default(),
    }
}
