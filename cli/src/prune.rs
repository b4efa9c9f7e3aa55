//! `penstock prune`: removes records whose time is over, with authority.

use crate::hold::{self, Hold};
use crate::notice::{self, Notice};
use crate::{assemble, verify};
use config::Loaded;
use ledger::Pruning;
use miette::{IntoDiagnostic, miette};
use plant::{Kind, Millis, Note};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use store::{Filter, Reader, Store};

/// How many records go at once: a bundle.
const BUNDLE: u64 = 256;
const DAY: Duration = Duration::from_secs(86_400);

/// Remove records whose time is over.
///
/// The plant file says how long records are kept (`gateway.retention.keep_for`). First a `prune` record says what is removed, on
/// which basis and who approved it; then the records go, the oldest first and 256 at a time, with the content that is
/// sealed of them. Their hashes stay: every record that stays, every receipt and every earlier head still verifies, and
/// `penstock verify` says `pruned` with the number of that record. What `penstock hold` holds stays, and so does all that came
/// after it.
///
/// A running gateway does the same once a day by itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Why: the law, the policy. Goes into the record; no content, no names.
    #[arg(long, value_name = "TEXT")]
    basis: String,

    /// Who approved it.
    #[arg(long, value_name = "NAME")]
    approver: String,

    /// Say what would be removed, and remove nothing.
    #[arg(long)]
    dry_run: bool,

    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What may be removed now.
#[derive(Clone, Copy, Debug)]
struct Due {
    /// The number of the first record that is there.
    first: u64,
    pruning: Pruning,
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let loaded = assemble::load(plant)?;
    notice::as_owner(&loaded.gateway.ledger)?;
    let keep_for = loaded.gateway.keep_for.ok_or_else(|| {
        miette!(
            help = "for example: `[gateway.retention]`, and below it `keep_for = \"1095d\"`",
            "the plant file does not say how long records are kept, so none is too old"
        )
    })?;
    let due = due(&loaded.gateway.ledger, keep_for, gateway::now())?;
    let mut removed = None;
    if !args.dry_run && due.is_some() {
        let record = told(&args.basis, &args.approver).record(&loaded)?;
        let reader = Reader::open(&loaded.gateway.ledger).into_diagnostic()?;
        removed = reader.find(record).into_diagnostic()?.map(|record| record.entry.seq());
    }
    say(due, removed, &args)?;
    Ok(ExitCode::SUCCESS)
}

/// What the record says of why.
fn told(basis: &str, approver: &str) -> Notice {
    Notice {
        kind: Kind::Prune,
        note: BTreeMap::from([("basis", Note::text(basis)), ("approver", Note::text(approver))]),
    }
}

/// What a `prune` record that is written now may say; `None` if nothing is due.
pub(crate) fn note(loaded: &Loaded) -> miette::Result<Option<BTreeMap<&'static str, Note>>> {
    let Some(keep_for) = loaded.gateway.keep_for else { return Ok(None) };
    Ok(due(&loaded.gateway.ledger, keep_for, gateway::now())?.map(|due| due.pruning.note()))
}

/// Removes what the plant file says, if anything is due.
pub(crate) fn by_policy(loaded: &Loaded, store: &Store) -> miette::Result<()> {
    let told = told("gateway.retention.keep_for", &format!("plant file {}", loaded.plant.digest));
    let draft = told.draft(loaded, gateway::draw_id(gateway::now()), None)?;
    draft.map_or(Ok(()), |draft| store.write(draft).map(drop).into_diagnostic())
}

/// Goes through the oldest records up to the first that has to stay.
fn due(ledger: &Path, keep_for: Duration, now: Millis) -> miette::Result<Option<Due>> {
    let reader = Reader::open(ledger).into_diagnostic()?;
    let Some((head, _)) = reader.published().into_diagnostic()? else { return Ok(None) };
    let (first, holds) = (reader.first().into_diagnostic()?, hold::all(ledger)?);
    let keep_days = keep_for.as_secs() / DAY.as_secs();
    let young = now.0.saturating_sub(u64::try_from(keep_for.as_millis()).unwrap_or(u64::MAX));
    let (mut newest, mut due) = (Millis(0), None);
    for record in reader.records(first, Filter::default()) {
        let entry = record.into_diagnostic()?.entry;
        if entry.t().0 > young || entry.seq() >= head.size || holds.iter().any(|hold: &Hold| hold.holds(&entry)) {
            break;
        }
        newest = newest.max(entry.t());
        let minimum = entry.seq() + 1;
        if minimum.is_multiple_of(BUNDLE) {
            due = Some(Due { first, pruning: Pruning { minimum, until: newest, keep_days } });
        }
    }
    if due.is_some() {
        hold::check(&reader, &holds)?;
    }
    Ok(due)
}

fn say(due: Option<Due>, removed: Option<u64>, args: &Args) -> miette::Result<()> {
    if args.json {
        return verify::print_json(&json!({
            "first": due.map(|due| due.first),
            "minimum": due.map(|due| due.pruning.minimum),
            "until": due.map(|due| due.pruning.until.to_string()),
            "keep_days": due.map(|due| due.pruning.keep_days),
            "removed": removed.is_some(),
            "record": removed,
        }))
        .into_diagnostic();
    }
    let Some(Due { first, pruning: Pruning { minimum, until, keep_days } }) = due else {
        println!("nothing is due");
        return Ok(());
    };
    println!("due        records {first} to {}, up to {until}: older than {keep_days} days", minimum - 1);
    match removed {
        Some(by) => println!("removed    by record {by}"),
        None => println!("dry run    nothing was removed"),
    }
    Ok(())
}
