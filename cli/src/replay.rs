//! `penstock replay`: which recorded calls a draft of the plant would decide otherwise. Nothing is sent.
//!
//! ```text
//! record ─> call as far as it is known ─┬─> decided by the plant in force ─┐
//!    └───── kept content, with its key ─┴─> decided by the draft ──────────┴─> the same, or a change
//! ```
//!
//! A record does not hold everything that a decision may ask for. So both plants are asked the same, and what they disagree on is
//! the draft's doing; where the plant in force does not come to what is recorded either, the answer is told as doubtful.

mod answers;
mod call;
mod side;
mod tell;
mod uses;

use crate::assemble;
use crate::notice::{self, Notice};
use crate::print::say;
use crate::records::{Wanted, Where, open};
use crate::secrets::{self, PlantKey};
use crate::stranger::Stranger;
use answers::Answers;
use call::{Basis, Recorded};
use config::Loaded;
use miette::{IntoDiagnostic, WrapErr};
use plant::{Kind, Note, Sealed};
use seal::OpeningKey;
use side::{Ruling, Side};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::{Blobs, ReadError, Reader};
use tell::Change;
pub(crate) use tell::Told;
use uses::Uses;
use zeroize::Zeroizing;

/// Say which recorded calls a draft would decide otherwise
///
/// The requests of the ledger are decided anew, by the plant in force and by the draft, and what
/// they disagree on is listed with the record of each call. Nothing is sent. With `--key`, what was
/// kept of calls and of their answers is read again by both; without, a draft is judged by what was
/// found then, what it would newly find is not seen, and no answer is read. Quotas of both are
/// counted from the first of the calls on, unless only some calls of that time are looked at. What
/// was not replayed is told, with the reason.
///
///     penstock replay draft/ --plant /etc/penstock --since 7d
///
/// Ends with 0 if every call that was replayed would be decided as it is now, and every answer read
/// as it is now, with 1 if one would not, and with 2 if that cannot be told.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The draft: a folder that holds `plant.toml`, or the file itself.
    #[arg(value_name = "DRAFT")]
    draft: PathBuf,

    #[command(flatten)]
    wanted: Wanted,

    /// The file with the key that opens kept content: an auditor's, or the gateway's own `keys/seal.key`. That it is opened is
    /// recorded first.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// Print JSON: every call that would be decided otherwise.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    ledger: Where,
}

pub(crate) fn run(plant: &Path, args: &Args) -> miette::Result<ExitCode> {
    // A script must not take a mistyped name for a change, so this does not leave it to `main`.
    let told = match replay(plant, args) {
        Ok(told) => told,
        Err(problem) => {
            eprintln!("{problem:?}");
            return Ok(ExitCode::from(2));
        }
    };
    let text = if args.json { format!("{:#}\n", told.data()) } else { told.words() };
    say(&text)?;
    Ok(if told.is_the_same() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn replay(plant: &Path, args: &Args) -> miette::Result<Told> {
    let (now, draft) = (assemble::load(plant)?, assemble::load(&args.draft)?);
    Stranger::refuse(&now, &draft)?;
    let reader = args.ledger.reader(plant)?;
    let vault = args.key.as_deref().map(|key| Vault::open(key, &now, &draft, &reader)).transpose()?;
    // What is registered lies beside the plant in force; a draft changes none of it.
    let draft = Loaded { gateway: now.gateway.clone(), ..draft };
    over(now, draft, vault.as_ref(), args.wanted.is_all_of_a_time(), reader.records(0, args.wanted.filter(plant)?))
}

/// Decides recorded calls anew by both plants; by what was kept of them where there is a vault for it. `all` says that no call is
/// left out of a stretch of time: quotas can be counted over nothing less.
pub(crate) fn over(
    now: Loaded,
    draft: Loaded,
    vault: Option<&Vault>,
    all: bool,
    records: impl Iterator<Item = Result<store::Record, ReadError>>,
) -> miette::Result<Told> {
    let key = PlantKey::read(&now.gateway.keys).ok();
    let mut uses = [Uses::of(now.quotas.clone()), Uses::of(draft.quotas.clone())];
    let sides = Sides { before: Side::of(now, key.as_ref())?, after: Side::of(draft, key.as_ref())? };
    let (mut told, mut answers) = (Told::new(&sides.before, &sides.after), Answers::default());
    let quotas = uses.iter().any(Uses::any);
    for record in records {
        let record = record.into_diagnostic().wrap_err("the ledger cannot be read; `penstock verify` says more")?;
        let entry = &record.entry;
        if let Some(call) = Recorded::of(entry) {
            let content = vault.and_then(|vault| vault.content(&record));
            let mut change = sides.judge(call, content.as_ref().map(|content| content.as_slice()));
            if all && quotas {
                let [before, after] = &mut uses;
                change.before = before.admit(&change.call, change.before);
                change.after = after.admit(&change.call, change.after);
                change.doubtful |= !change.before.agrees(&change.call);
            }
            if change.call.left && change.before.lets_pass() && change.after.lets_pass() {
                let ways = [&change.before, &change.after].map(|ruling| ruling.conduit.clone());
                answers.expect(change.call.clone(), ways, content);
            }
            told.add(change);
        } else if let (Some(Kind::Outcome | Kind::Abandon), Some(of)) = (entry.kind(), entry.reference()) {
            let of = of.to_string();
            uses.iter_mut().for_each(|uses| uses.settle(&of, entry));
            let kept = given(&record, vault);
            told.answered(answers.judge(&sides, &of, &entry.id().to_string(), kept));
        } else if entry.kind() == Some(Kind::Event) {
            told.leaves_out(tell::EVENTS, 1);
        }
    }
    told.leaves_out(tell::UNANSWERED, answers.left());
    told.quotas(quotas, all);
    Ok(told)
}

/// The answer that a record is of, or why nobody knows it.
fn given(record: &store::Record, vault: Option<&Vault>) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let entry = &record.entry;
    match (entry.text("seal.blob"), vault) {
        _ if entry.number("io.answer_bytes").unwrap_or_default() == 0 => Err(tell::NOTHING_CAME),
        _ if entry.number("out.status").is_some_and(|status| status >= 400) => Err(tell::ERRORS),
        (None, _) => Err(tell::NOT_KEPT),
        (Some(_), None) => Err(tell::NO_KEY),
        (Some(_), Some(vault)) => vault.content(record).ok_or(tell::CLOSED),
    }
}

/// The plant in force and the draft.
struct Sides {
    before: Side,
    after: Side,
}

impl Sides {
    fn judge(&self, call: Recorded, content: Option<&[u8]>) -> Change {
        let read = content.and_then(|bytes| self.before.read(&call, bytes).zip(self.after.read(&call, bytes)));
        let basis = match (&read, call.read) {
            (Some(_), _) => Basis::Content,
            (None, true) => Basis::Findings,
            (None, false) => Basis::Head,
        };
        let (before, after) = read.unzip();
        // What was found then and is not there any more was replaced before the call left.
        let gone = call.beyond(before.as_ref().map(|read| read.findings.as_slice()).unwrap_or_default());
        // How the operator signed in is not recorded: as the conduit that let the call pass asks for.
        let principal = self.before.principal(&call);
        let before = self.before.rule(&call, &principal, before.as_ref(), &gone);
        let after = self.after.rule(&call, &principal, after.as_ref(), &gone);
        let doubtful = !before.agrees(&call) || after.asks_what_is_not_recorded();
        Change { call, before, after, basis, doubtful }
    }
}

impl Change {
    /// Whether the draft decides otherwise.
    fn is_one(&self) -> bool {
        Ruling::differ(&self.before, &self.after)
    }
}

/// Kept content, and the key that opens it.
pub(crate) struct Vault {
    blobs: Blobs,
    key: OpeningKey,
}

impl Vault {
    /// Records that content is about to be read, before any of it is.
    fn open(path: &Path, now: &Loaded, draft: &Loaded, reader: &Reader) -> miette::Result<Self> {
        let key = secrets::opening_key(path)?;
        if notice::is_of(now, reader) {
            let note = BTreeMap::from([
                ("event", Note::text("replayed")),
                ("key", Note::text(key.recipient().to_string())),
                ("sha256", Note::text(&draft.plant.digest)),
            ]);
            let id = Notice { kind: Kind::Read, note }.record(now)?;
            eprintln!("recorded as {id}");
        } else {
            eprintln!("this is a copy of a ledger: nothing records that you read it");
        }
        Ok(Self { blobs: Blobs::new(reader.folder()), key })
    }

    /// What left, if it is kept, opens, and is what the record commits to.
    fn content(&self, record: &store::Record) -> Option<Zeroizing<Vec<u8>>> {
        let text = |path| record.entry.text(path).map(str::to_owned);
        let sealed = Sealed { blob: text("seal.blob")?, key: text("seal.key")? };
        let opened = self.blobs.open(record.entry.id(), &sealed, &self.key).ok()?;
        let (_, genuine) = open::judge(record, &opened);
        genuine.then_some(opened.content)
    }
}
