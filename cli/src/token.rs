//! `penstock token`: issue, list and revoke workload tokens.
//!
//! It changes `tokens.json` and nothing else. A running gateway holds the ledger's lock, so this command cannot write
//! there; the gateway notices the changed file, puts it in force, and records what changed. Where no gateway runs,
//! the next one to start does.

use crate::assemble;
use crate::print::{columns, say};
use crate::secret;
use clap::{ArgGroup, Subcommand};
use config::tokens::{self, Revocation, Token, Tokens};
use identity::TokenEntry;
use miette::{IntoDiagnostic, bail, miette};
use plant::{Millis, Plant, TokenId, WorkloadId};
use seal::token::Secret;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

const DAY: u64 = 86_400_000;
/// A token that ends within this time is pointed out.
const SOON: u64 = 14 * DAY;
/// Issue, list and revoke workload tokens.
///
/// A workload token is what an unmodified SDK sends as its API key; it proves which workload calls. Only its hash is
/// kept, in `tokens.json`. A running gateway takes a change within a second, and records it in the ledger; without
/// one, the next start does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Issue(Issue),
    List(List),
    Revoke(Revoke),
}

/// Issue a token and print it, once
///
/// The token alone goes to standard output, so that it can be piped into a secret store; advice
/// goes to standard error.
///
///     penstock token issue --workload mes --note "line 2" | vault kv put secret/mes penstock=-
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("life").multiple(false), verbatim_doc_comment)]
struct Issue {
    /// The workload that the token proves; it must be declared in the plant file.
    #[arg(long, value_name = "ID")]
    workload: String,

    /// How many days the token lives.
    #[arg(long, group = "life", value_name = "N", default_value = "90", value_parser = clap::value_parser!(u64).range(1..=3650))]
    days: u64,

    /// When the token ends: a date (its first moment in UTC) or a time like `2027-01-31T18:00:00Z`.
    #[arg(long, group = "life", value_name = "DATE")]
    expires: Option<String>,

    /// The token lives until it is revoked. Prefer an end: a token that leaked and was forgotten is a door.
    #[arg(long, group = "life")]
    never: bool,

    /// What the token is for, for people: one line, at most 200 characters.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// List the tokens, without their secrets.
#[derive(Debug, clap::Args)]
struct List {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Revoke a token, for good.
///
/// Calls that bear it are refused from then on. It cannot be taken back: issue another token instead.
#[derive(Debug, clap::Args)]
struct Revoke {
    /// The token's id, as `penstock token list` shows it: the part between `psk_` and the secret.
    #[arg(value_name = "TOKEN-ID")]
    id: String,
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    match args.task {
        Task::Issue(args) => issue(plant, args),
        Task::List(args) => list(plant, &args),
        Task::Revoke(args) => revoke(plant, &args),
    }
}

fn issue(path: &Path, args: Issue) -> miette::Result<ExitCode> {
    let loaded = assemble::load(path)?;
    let now = gateway::now();
    let workload = known(&loaded.plant, &args.workload)?;
    let expires = end(&args, now)?;
    let secret = add(&loaded.gateway.tokens, &workload, (now, expires), args.note)?;
    let id = secret.id();
    secret::show(&secret)?;
    advise(&loaded.plant, id, &workload, expires);
    Ok(ExitCode::SUCCESS)
}

/// Makes a token that proves `workload` for a time, and adds its hash to the file of tokens.
pub(crate) fn add(
    file: &Path,
    workload: &WorkloadId,
    (issued, expires): (Millis, Option<Millis>),
    note: Option<String>,
) -> miette::Result<Secret> {
    let secret = secret::drawn(workload.as_str())?;
    let entry = TokenEntry {
        id: secret.id().clone(),
        workload: workload.clone(),
        sha256: secret.digest(),
        issued,
        expires,
        revoked: None,
    };
    tokens::change(file, |tokens| tokens.add(Token { entry, note }))?.map_err(|problem| miette!("{problem}"))?;
    Ok(secret)
}

/// What the person at the keyboard should know, on standard error.
fn advise(plant: &Plant, id: &TokenId, workload: &WorkloadId, expires: Option<Millis>) {
    let end = expires.map_or("until it is revoked".to_owned(), |end| format!("until {}", minute(end)));
    eprintln!("token `{id}` proves workload `{workload}` {end}");
    eprintln!("it is shown this once; only its hash is kept");
    eprintln!("give it to the application as its API key, with https://GATEWAY/PROVIDER/... as base URL");
    let gaps = plant.workloads.get(workload).map(|workload| workload.governance.gaps()).unwrap_or_default();
    if !gaps.is_empty() {
        eprintln!("note: calls of `{workload}` are refused as `ungoverned` until it has: {}", gaps.join(", "));
    }
}

fn known(plant: &Plant, text: &str) -> miette::Result<WorkloadId> {
    let known = WorkloadId::new(text).ok().filter(|id| plant.workloads.contains_key(id));
    known.ok_or_else(|| {
        let names: Vec<&str> = plant.workloads.keys().map(WorkloadId::as_str).collect();
        let help = match names.is_empty() {
            true => "the plant file declares no workloads; add a `[workloads.ID]` table".to_owned(),
            false => format!("known workloads: {}", names.join(", ")),
        };
        miette!(help = help, "workload `{}` is not declared in the plant file", text.escape_debug())
    })
}

fn end(args: &Issue, now: Millis) -> miette::Result<Option<Millis>> {
    if args.never {
        return Ok(None);
    }
    let Some(text) = &args.expires else {
        return Ok(Some(Millis(now.0.saturating_add(args.days.saturating_mul(DAY)))));
    };
    match Millis::parse(text) {
        Some(end) if end > now => Ok(Some(end)),
        Some(end) => bail!("`{end}` has passed; a token must end in the future"),
        None => bail!(
            help = "write 2027-01-31, or 2027-01-31T18:00:00Z",
            "`{}` is neither a date nor a time",
            text.escape_debug()
        ),
    }
}

fn list(path: &Path, args: &List) -> miette::Result<ExitCode> {
    let (file, plant) = place(path);
    let tokens = tokens::read(&file)?;
    let shown = if args.json { as_json(&tokens, plant.as_deref()) } else { as_table(&tokens, plant.as_deref()) };
    say(&shown)?;
    Ok(ExitCode::SUCCESS)
}

fn revoke(path: &Path, args: &Revoke) -> miette::Result<ExitCode> {
    let (file, _) = place(path);
    let id = TokenId::new(args.id.as_str()).map_err(|_| {
        // Not repeated: it may be a whole token.
        miette!(help = "`penstock token list` shows the ids", "this is not the id of a token")
    })?;
    let (revocation, tokens) = tokens::change(&file, |tokens| (tokens.revoke(&id, gateway::now()), tokens.clone()))?;
    let mut out = std::io::stdout().lock();
    match revocation {
        Revocation::Revoked => writeln!(out, "token `{id}` is revoked"),
        Revocation::Already(at) => writeln!(out, "token `{id}` has been revoked since {}", minute(at)),
        Revocation::Unknown => return Err(unknown(&id, &tokens, &file)),
    }
    .into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}

fn unknown(id: &TokenId, tokens: &Tokens, file: &Path) -> miette::Report {
    // Somebody who pastes a whole token should be told its id, and not see the secret again.
    if let Some((start, _)) = id.as_str().strip_prefix("psk_").and_then(|rest| rest.rsplit_once('_')) {
        return miette!(help = format!("its id is `{start}`"), "give the token's id, not the token");
    }
    let valid = tokens.list().iter().filter(|token| token.entry.revoked.is_none());
    let names: Vec<&str> = valid.map(|token| token.entry.id.as_str()).take(20).collect();
    let help = match names.is_empty() {
        true => format!("`{}` holds no token that could be revoked", file.display()),
        false => format!("tokens that can be revoked: {}", names.join(", ")),
    };
    miette!(help = help, "there is no token `{id}`")
}

/// Where the tokens are. Listing and revoking go on when the plant file is broken: a leaked token cannot wait for
/// somebody to repair it.
fn place(path: &Path) -> (PathBuf, Option<Arc<Plant>>) {
    match assemble::load(path) {
        Ok(loaded) => (loaded.gateway.tokens, Some(loaded.plant)),
        Err(_) => {
            let folder = if path.is_dir() { Some(path) } else { path.parent() };
            let file = folder.unwrap_or(Path::new(".")).join("tokens.json");
            eprintln!("note: the plant file has problems (see `penstock check`); using `{}`", file.display());
            (file, None)
        }
    }
}

/// What a token is worth now.
fn standing(entry: &TokenEntry, plant: Option<&Plant>, now: Millis) -> &'static str {
    let declared = plant.is_none_or(|plant| plant.workloads.contains_key(&entry.workload));
    match entry {
        TokenEntry { revoked: Some(_), .. } => "revoked",
        TokenEntry { expires: Some(end), .. } if *end <= now => "expired",
        _ if !declared => "undeclared",
        TokenEntry { expires: Some(end), .. } if end.0.saturating_sub(now.0) < SOON => "ending",
        _ => "valid",
    }
}

fn as_json(tokens: &Tokens, plant: Option<&Plant>) -> String {
    let now = gateway::now();
    let row = |Token { entry, note }: &Token| {
        serde_json::json!({
            "id": entry.id.as_str(),
            "workload": entry.workload.as_str(),
            "state": standing(entry, plant, now),
            "issued": entry.issued.to_string(),
            "expires": entry.expires.map(|time| time.to_string()),
            "revoked": entry.revoked.map(|time| time.to_string()),
            "note": note,
        })
    };
    let rows: Vec<_> = tokens.list().iter().map(row).collect();
    format!("{:#}\n", serde_json::Value::Array(rows))
}

fn as_table(tokens: &Tokens, plant: Option<&Plant>) -> String {
    if tokens.list().is_empty() {
        return "no tokens; `penstock token issue --workload ID` issues one\n".to_owned();
    }
    let now = gateway::now();
    let row = |Token { entry, note }: &Token| {
        let end = entry.revoked.or(entry.expires).map_or("never".to_owned(), minute);
        let (id, workload) = (entry.id.to_string(), entry.workload.to_string());
        [
            id,
            workload,
            standing(entry, plant, now).to_owned(),
            minute(entry.issued),
            end,
            note.clone().unwrap_or_default(),
        ]
    };
    columns(["TOKEN", "WORKLOAD", "STATE", "ISSUED", "ENDS", "NOTE"], tokens.list().iter().map(row))
}

/// A time to the minute, in UTC.
fn minute(time: Millis) -> String {
    let text = time.to_string();
    match text.split_once('T').and_then(|(date, time)| Some((date, time.get(..5)?))) {
        Some((date, time)) => format!("{date} {time}Z"),
        None => text,
    }
}
