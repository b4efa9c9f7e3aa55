//! `penstock erase`: destroys kept content, with authority.

use crate::hold;
use crate::notice::{self, Notice};
use crate::records::{self, Where};
use crate::{assemble, verify};
use config::Loaded;
use miette::{IntoDiagnostic, WrapErr};
use plant::{Kind, Note, RecordId};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use store::{Blobs, Doomed, Scope};

/// Erase kept content: of a person, of a workload, or of one call.
///
/// First an `erase` record says what is erased, on which basis and who approved it; then the keys are destroyed, and the
/// envelopes under them. The records stay as they are, and `penstock verify` says `erased by` with the number of that record.
/// What is held by `penstock hold` is not erased. If it was interrupted, ask again.
///
/// A person's November: `penstock erase --subject op-7k2m --month 2026-11 --basis "request of 3 Nov" --approver "J. Brandt"`
///
/// With the key of a subject and month, every copy of its envelopes is closed for good. One call alone has no key of its own:
/// its envelopes are destroyed here, and copies of them stay readable until the month is erased.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    what: What,

    /// Why: the law, the request, the contract. Goes into the record; no content, no names.
    #[arg(long, value_name = "TEXT")]
    basis: String,

    /// Who approved it.
    #[arg(long, value_name = "NAME")]
    approver: String,

    /// Say what would be erased, and erase nothing.
    #[arg(long)]
    dry_run: bool,

    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Whose content, or which call.
#[derive(Debug, clap::Args)]
pub(crate) struct What {
    /// Everything of this subject: a pseudonym (`op-...`), `workload.NAME`, `workstation.NAME`, `plant`, or a person as the issuer
    /// names them, which takes the plant's key.
    #[arg(long, value_name = "SUBJECT", required_unless_present = "record", conflicts_with = "record")]
    subject: Option<String>,

    /// Only of this month, by when calls began: `2026-11`.
    #[arg(long, value_name = "YYYY-MM", requires = "subject")]
    month: Option<String>,

    /// Only this call.
    #[arg(long, value_name = "RECORD", value_parser = records::record_id)]
    record: Option<RecordId>,
}

impl What {
    /// What is meant, in the ledger's own words.
    pub(crate) fn scope(&self, plant: &Path, loaded: &Loaded) -> miette::Result<Scope> {
        if let Some(record) = self.record {
            let reader = Where::named(Some(loaded.gateway.ledger.clone())).reader(plant)?;
            let found = reader.find(record).into_diagnostic()?;
            let found = found.ok_or_else(|| miette::miette!("the ledger has no record {record}"))?;
            return Ok(Scope::Call(found.entry.reference().unwrap_or(record)));
        }
        let given = self.subject.as_deref().unwrap_or_default();
        let own =
            given == "plant" || ["operator.", "workload.", "workstation."].iter().any(|kind| given.starts_with(kind));
        let subject = if own { given.to_owned() } else { format!("operator.{}", records::operator(given, plant)?) };
        Scope::subject(&subject, self.month.as_deref()).ok_or_else(|| {
            miette::miette!(
                help = "`--subject op-7k2m --month 2026-11`",
                "`{subject}` is no subject, or the month is none"
            )
        })
    }
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let loaded = assemble::load(plant)?;
    let ledger = &loaded.gateway.ledger;
    notice::as_owner(ledger)?;
    let scope = args.what.scope(plant, &loaded)?;
    let doomed = Blobs::new(ledger).doomed(&scope).into_diagnostic()?;
    let holds = hold::on(ledger, &scope)?;
    if let Some(first) = holds.first() {
        miette::bail!(
            help = "`penstock hold list` shows what is held; `penstock hold release` ends a hold",
            "{scope} is not erased: {} is held ({}), approved by {}",
            first.scope,
            first.basis,
            first.approver
        );
    }
    let keys = doomed.keys().map(ToString::to_string).collect();
    let found = Found { keys, person: doomed.is_named(), envelopes: doomed.envelopes() };
    let erased = if args.dry_run || doomed.is_empty() { None } else { Some(erase(&loaded, &scope, &args, doomed)?) };
    say(&scope, &found, erased, &args)?;
    Ok(ExitCode::SUCCESS)
}

/// Records it, then does it. Gives the number of the record.
fn erase(loaded: &Loaded, scope: &Scope, args: &Args, doomed: Doomed) -> miette::Result<u64> {
    let id = told("erased", scope, &args.basis, &args.approver).record(loaded)?;
    doomed.destroy().into_diagnostic().wrap_err("it is recorded, and not all of it is destroyed: ask again")?;
    let reader = Where::named(Some(loaded.gateway.ledger.clone())).reader(Path::new("."))?;
    let record = reader.find(id).into_diagnostic()?;
    record.map(|record| record.entry.seq()).ok_or_else(|| miette::miette!("the record {id} is not found again"))
}

/// What an `erase` record says: what was erased, held or released, why, and on whose word.
pub(crate) fn told(event: &str, scope: &Scope, basis: &str, approver: &str) -> Notice {
    let own = BTreeMap::from([
        ("event", Note::text(event)),
        ("basis", Note::text(basis)),
        ("approver", Note::text(approver)),
    ]);
    Notice { kind: Kind::Erase, note: own.into_iter().chain(scope.note()).collect() }
}

/// What is there to be erased.
struct Found {
    keys: Vec<String>,
    /// Who the pseudonym is.
    person: bool,
    envelopes: usize,
}

fn say(scope: &Scope, found: &Found, erased: Option<u64>, args: &Args) -> miette::Result<()> {
    let Found { keys, person, envelopes } = found;
    if args.json {
        return verify::print_json(&json!({
            "scope": scope.to_string(),
            "keys": keys,
            "person": person,
            "envelopes": envelopes,
            "erased": erased.is_some(),
            "record": erased,
        }))
        .into_diagnostic();
    }
    for key in keys {
        println!("key        {key}");
    }
    if *person {
        println!("person     who the pseudonym is");
    }
    println!("envelopes  {envelopes}");
    match erased {
        Some(by) => println!("erased     {scope}, by record {by}"),
        None if args.dry_run => println!("dry run    nothing of {scope} was erased"),
        None => println!("nothing of {scope} is kept"),
    }
    Ok(())
}
