//! `penstock hold`: legal holds. What is held is not erased.

use crate::assemble;
use crate::erase::{self, What};
use crate::notice;
use crate::verify;
use ledger::Entry;
use miette::{IntoDiagnostic, WrapErr};
use plant::{Kind, RecordId};
use seal::subject::KeyName;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::{Filter, Reader, Scope};

/// Longest file of a hold.
const LIMIT: u64 = 16 << 10;
/// Longest basis or approver, in bytes: as much as a record takes.
const LONGEST: usize = 1024;

/// Keep records and content, while a dispute or an inquiry lasts.
///
/// `penstock erase` refuses what a hold touches, and `penstock prune` stops before the first record that it touches. Each hold
/// and each release is an `erase` record with its basis and approver. While one is on record and its file in `holds/` is gone or
/// altered, nothing is erased or pruned.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, clap::Subcommand)]
enum Task {
    /// Hold the content of a subject or of one call.
    Add(Change),
    /// End a hold: name it as it was added.
    Release(Change),
    /// Say what is held.
    List {
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Change {
    #[command(flatten)]
    what: What,

    /// Why. Goes into the record; no content, no names.
    #[arg(long, value_name = "TEXT")]
    basis: String,

    /// Who approved it.
    #[arg(long, value_name = "NAME")]
    approver: String,
}

/// Something that is held.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) scope: Scope,
    pub(crate) basis: String,
    pub(crate) approver: String,
    /// Under which keys the content of a held call lies.
    keys: Vec<KeyName>,
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let loaded = assemble::load(plant)?;
    let ledger = &loaded.gateway.ledger;
    if !matches!(args.task, Task::List { .. }) {
        notice::as_owner(ledger)?;
    }
    match args.task {
        Task::List { json } => list(ledger, json)?,
        Task::Add(Change { what, basis, approver }) => {
            let scope = what.scope(plant, &loaded)?;
            miette::ensure!(
                basis.len().max(approver.len()) <= LONGEST,
                "basis and approver have at most {LONGEST} bytes"
            );
            let keys = keys_of(ledger, &scope)?;
            let hold = Hold { scope, basis, approver, keys };
            // In force before it is recorded: a crash in between holds too much, never too little.
            hold.write(ledger).into_diagnostic().wrap_err("the hold is not in force")?;
            erase::told("held", &hold.scope, &hold.basis, &hold.approver).record(&loaded)?;
            println!("held       {}", hold.scope);
        }
        Task::Release(Change { what, basis, approver }) => {
            let scope = what.scope(plant, &loaded)?;
            let path = file(ledger, &scope);
            let held = path.exists() || recorded(&reader(ledger)?)?.iter().any(|(on_record, _)| *on_record == scope);
            miette::ensure!(held, help = "`penstock hold list` shows what is", "{scope} is not held");
            erase::told("released", &scope, &basis, &approver).record(&loaded)?;
            match fs::remove_file(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => removed.into_diagnostic()?,
            }
            println!("released   {scope}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The holds that touch a scope. One that cannot be read touches everything, and so does one that is gone.
pub(crate) fn on(ledger: &Path, scope: &Scope) -> miette::Result<Vec<Hold>> {
    let keys = keys_of(ledger, scope)?;
    let holds = all(ledger)?;
    check(&reader(ledger)?, &holds)?;
    Ok(holds.into_iter().filter(|hold| hold.touches(scope, &keys)).collect())
}

/// Whether everything that is on record as held is among `holds`. Somebody may have taken away a file.
pub(crate) fn check(reader: &Reader, holds: &[Hold]) -> miette::Result<()> {
    let gone = recorded(reader)?.into_iter().find(|(scope, _)| holds.iter().all(|hold| hold.scope != *scope));
    gone.map_or(Ok(()), |(scope, seq)| {
        Err(miette::miette!(
            help = "`penstock hold add` puts it in force again, `penstock hold release` ends it; both are on record",
            "{scope} is held by record {seq}, and its file in `holds` is gone: nothing is erased"
        ))
    })
}

/// What was held and not released, with the record that says so.
fn recorded(reader: &Reader) -> miette::Result<Vec<(Scope, u64)>> {
    let mut held: Vec<(Scope, u64)> = Vec::new();
    for record in reader.records(0, Filter { kind: Some(Kind::Erase), ..Filter::default() }) {
        let entry = record.into_diagnostic()?.entry;
        let event = entry.text("note.event");
        let Some(scope) = Scope::told(&entry).filter(|_| matches!(event, Some("held" | "released"))) else { continue };
        held.retain(|(other, _)| *other != scope);
        if event == Some("held") {
            held.push((scope, entry.seq()));
        }
    }
    Ok(held)
}

fn reader(ledger: &Path) -> miette::Result<Reader> {
    Reader::open(ledger).into_diagnostic()
}

fn list(ledger: &Path, json: bool) -> miette::Result<()> {
    let holds = all(ledger)?;
    if json {
        return verify::print_json(&holds.iter().map(Hold::value).collect()).into_diagnostic();
    }
    for Hold { scope, basis, approver, .. } in &holds {
        println!("held       {scope}: {basis}, approved by {approver}");
    }
    if holds.is_empty() {
        println!("nothing is held");
    }
    Ok(())
}

impl Hold {
    fn touches(&self, scope: &Scope, keys: &[KeyName]) -> bool {
        match (&self.scope, scope) {
            (Scope::Call(held), Scope::Call(call)) => held == call,
            (Scope::Call(_), subject) => self.keys.iter().any(|key| subject.covers_key(key)),
            (held, Scope::Call(_)) => keys.iter().any(|key| held.covers_key(key)),
            (Scope::Subject { subject: held, month: one }, Scope::Subject { subject, month: other }) => {
                held == subject && (one.is_none() || other.is_none() || one == other)
            }
        }
    }

    /// Whether a record must stay.
    pub(crate) fn holds(&self, entry: &Entry) -> bool {
        match &self.scope {
            Scope::Call(call) => entry.id() == *call || entry.reference() == Some(*call),
            Scope::Subject { subject, month } => {
                let sealed = entry.text("seal.key").and_then(KeyName::parse);
                let party = |kind: &str| entry.text(&format!("who.{kind}.id")).map(|id| format!("{kind}.{id}"));
                let concerns =
                    ["operator", "workload", "workstation"].iter().any(|kind| party(kind).as_ref() == Some(subject));
                let then = month.as_ref().is_none_or(|month| entry.t().to_string().starts_with(month.as_str()));
                (concerns && then) || sealed.is_some_and(|key| self.scope.covers_key(&key))
            }
        }
    }

    fn value(&self) -> Value {
        let (subject, month, record) = match &self.scope {
            Scope::Subject { subject, month } => (Some(subject), month.as_ref(), None),
            Scope::Call(record) => (None, None, Some(record.to_string())),
        };
        let keys: Vec<&str> = self.keys.iter().map(KeyName::as_str).collect();
        json!({
            "subject": subject, "month": month, "record": record, "keys": keys,
            "basis": self.basis, "approver": self.approver,
        })
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let text = |key: &str| value.get(key)?.as_str();
        let scope = match (text("record"), text("subject")) {
            (Some(record), None) => Scope::Call(RecordId::parse(record)?),
            (None, Some(subject)) => Scope::subject(subject, text("month"))?,
            _ => return None,
        };
        let keys = value.get("keys")?.as_array()?.iter().map(|key| KeyName::parse(key.as_str()?));
        let keys = keys.collect::<Option<_>>()?;
        Some(Self { scope, basis: text("basis")?.to_owned(), approver: text("approver")?.to_owned(), keys })
    }

    /// Durable when this returns.
    fn write(&self, ledger: &Path) -> std::io::Result<()> {
        let (folder, path) = (ledger.join("holds"), file(ledger, &self.scope));
        fs::create_dir_all(&folder)?;
        let fresh = folder.join(".fresh");
        let mut file = File::create(&fresh)?;
        writeln!(file, "{}", self.value())?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        [folder.as_path(), ledger].into_iter().try_for_each(|folder| File::open(folder)?.sync_all())
    }
}

/// Where a hold lies. Safe: neither a record's identity nor a subject leads out of the folder.
fn file(ledger: &Path, scope: &Scope) -> PathBuf {
    let name = match scope {
        Scope::Call(record) => record.to_string(),
        Scope::Subject { subject, month: None } => subject.clone(),
        Scope::Subject { subject, month: Some(month) } => format!("{subject}@{month}"),
    };
    ledger.join("holds").join(name)
}

/// Everything that is held.
pub(crate) fn all(ledger: &Path) -> miette::Result<Vec<Hold>> {
    let folder = ledger.join("holds");
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.into_diagnostic()?,
    };
    let mut holds = Vec::new();
    for entry in entries {
        let path = entry.into_diagnostic()?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        let mut bytes = Vec::new();
        File::open(&path).and_then(|file| file.take(LIMIT).read_to_end(&mut bytes)).into_diagnostic()?;
        // Nothing may be erased because somebody spoilt the file that forbids it.
        let hold = Hold::read(&bytes).filter(|hold| file(ledger, &hold.scope) == path);
        let mut hold = hold.ok_or_else(|| {
            miette::miette!(
                help = "`penstock records --kind erase` has what was held: `penstock hold add` writes its file anew",
                "the hold `{}` cannot be read, or is not what its name says",
                path.display()
            )
        })?;
        let missing: Vec<KeyName> =
            keys_of(ledger, &hold.scope)?.into_iter().filter(|key| !hold.keys.contains(key)).collect();
        hold.keys.extend(missing);
        holds.push(hold);
    }
    holds.sort_by_key(|hold| hold.scope.to_string());
    Ok(holds)
}

/// The keys under which the content of a call lies; none for a subject, which names its own.
fn keys_of(ledger: &Path, scope: &Scope) -> miette::Result<Vec<KeyName>> {
    let Scope::Call(call) = scope else { return Ok(Vec::new()) };
    let mut keys = Vec::new();
    for record in reader(ledger)?.records(0, Filter { id: Some(*call), ..Filter::default() }) {
        keys.extend(record.into_diagnostic()?.entry.text("seal.key").and_then(KeyName::parse));
    }
    keys.dedup();
    Ok(keys)
}
