//! Proves the ledger, then changes one byte of a copy and shows that the proof finds it.

use super::page::{Ink, Page};
use super::stage::Stage;
use crate::verify::{self, Said};
use ledger::verify::Class;
use miette::{IntoDiagnostic, WrapErr, bail, miette};
use plant::RecordId;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::{Reader, Record};

/// What an auditor takes along: the published files. The write-ahead log beside them repeats what they hold.
const PUBLISHED: [&str; 4] = ["checkpoint", "checkpoints", "tile", "trust"];

/// Longest wait until the ledger is published.
const PATIENCE: Duration = Duration::from_secs(20);

/// Verifies the ledger, and a copy with one byte changed. Gives how much went wrong.
pub(super) async fn prove(page: Page, stage: &Stage, forged: RecordId) -> miette::Result<usize> {
    page.step(
        5,
        "The ledger",
        "Each call was recorded, signed and on disk before its caller had the answer. Whoever has the folder and the \
         public key can prove it, without us and offline.",
    );
    published(stage).await?;
    let (ledger, key) = (&stage.ledger, &stage.ledger_key());
    let good = verify::say(ledger, key)?;
    let mut faults = 0;
    command(page, stage, ledger, &good);
    if good.code != 0 {
        faults += 1;
        page.output(Some(Ink::Bad), "WRONG     the ledger should be proved");
    }
    let forgery = forge(ledger, key, &stage.folder.join("forged"), forged)?;
    let (before, after) = &forgery.change;
    page.line("");
    page.prose(&format!(
        "Now somebody wants the copied token to have been used elsewhere. In a copy of the ledger, one byte of record \
         {} changes:",
        forgery.seq
    ));
    page.line("");
    page.line(&format!("   {before} {} {}", page.arrow(), page.ink(Ink::Bad, after)));
    command(page, stage, &forgery.folder, &forgery.said);
    if !forgery.found {
        faults += 1;
        page.output(Some(Ink::Bad), "WRONG     the changed record should be named");
    }
    Ok(faults)
}

/// Shows a command and what it prints.
fn command(page: Page, stage: &Stage, ledger: &Path, said: &Said) {
    let short = |path: &Path| path.strip_prefix(&stage.folder).unwrap_or(path).display().to_string();
    let command = format!("$ penstock verify {} --key {}", short(ledger), short(&stage.ledger_key()));
    page.line("");
    page.output(Some(Ink::Strong), &command);
    for line in said.text.lines() {
        let ink = match line {
            "VERIFIED" => Some(Ink::Good),
            _ if line.starts_with(char::is_uppercase) || line.contains(": record ") => Some(Ink::Bad),
            _ => None,
        };
        page.output(ink, line);
    }
}

/// Waits until the published checkpoint covers every record.
async fn published(stage: &Stage) -> miette::Result<()> {
    let covered = async {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        loop {
            look.tick().await;
            let state = stage.house.ledger();
            if state.published >= state.size {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, covered).await.map_err(|_| miette!("the ledger was not published in time"))
}

/// A forgery, and what verification says of it.
struct Forgery {
    /// The copy.
    folder: PathBuf,
    /// The record's sequence number.
    seq: u64,
    /// The piece that was changed, before and after.
    change: (String, String),
    /// What `penstock verify` says.
    said: Said,
    /// Whether it says what it should.
    found: bool,
}

/// Copies the ledger, and lets the call of a record have come from another address.
fn forge(ledger: &Path, key: &Path, copy: &Path, id: RecordId) -> miette::Result<Forgery> {
    for name in PUBLISHED {
        copy_all(&ledger.join(name), &copy.join(name)).into_diagnostic().wrap_err("the ledger cannot be copied")?;
    }
    let record = Reader::open(ledger).into_diagnostic()?.find(id).into_diagnostic()?;
    let record = record.ok_or_else(|| miette!("record {id} is not in the ledger"))?;
    let (at, change) = weak_spot(&record)?;
    let mut places = Vec::new();
    find(&copy.join("tile/entries"), &record.line, &mut places)?;
    if places.is_empty() {
        bail!("record {id} is not published");
    }
    // A bundle that is not full is written anew as it grows, and the copy may hold it at several lengths.
    for bundle in places {
        let mut bytes = fs::read(&bundle.path).into_diagnostic()?;
        if let Some(byte) = bytes.get_mut(bundle.at + at) {
            *byte = other(*byte);
        }
        fs::write(&bundle.path, bytes).into_diagnostic()?;
    }
    let said = verify::say(copy, key)?;
    let found = said.code == Class::Tampered as u8 && said.wrong == [id];
    Ok(Forgery { folder: copy.to_owned(), seq: record.entry.seq(), change, said, found })
}

/// The last digit of the caller's address: where it stands in the record, and the address before and after.
fn weak_spot(record: &Record) -> miette::Result<(usize, (String, String))> {
    let peer = record.entry.text("who.peer").unwrap_or_default();
    let before = format!("\"peer\":\"{peer}\"");
    let start = record.line.windows(before.len()).position(|window| window == before.as_bytes());
    let start = start.ok_or_else(|| miette!("the record names no address"))?;
    let at = before.len().saturating_sub(2);
    let after =
        before.bytes().enumerate().map(|(place, byte)| char::from(if place == at { other(byte) } else { byte }));
    let after = after.collect();
    Ok((start + at, (before, after)))
}

/// Another digit.
fn other(digit: u8) -> u8 {
    if digit == b'9' { b'7' } else { digit.saturating_add(1) }
}

/// A file that holds a record, and where in it.
struct Place {
    path: PathBuf,
    at: usize,
}

fn find(folder: &Path, line: &[u8], places: &mut Vec<Place>) -> miette::Result<()> {
    for entry in fs::read_dir(folder).into_diagnostic()? {
        let path = entry.into_diagnostic()?.path();
        if path.is_dir() {
            find(&path, line, places)?;
            continue;
        }
        let bytes = fs::read(&path).into_diagnostic()?;
        let at = bytes.windows(line.len()).position(|window| window == line);
        places.extend(at.map(|at| Place { path, at }));
    }
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_all(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
