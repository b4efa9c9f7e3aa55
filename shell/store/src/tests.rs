//! The store as its callers see it, and the disk doing its worst.

mod crash;
mod damage;
mod emergency;
mod epochs;
mod flips;
mod full;
mod kill;
mod life;
mod pen;
mod power;
mod retention;
mod unsigned;
mod witnesses;

use crate::{Failure, Opening, Reader, Recovery, Settings, Store, Written};
use plant::{Body, Draft, GatewayId, Kind, Millis, Note, PlantId, RecordId};
use seal::SigningKey;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// Where test ledgers live: `PENSTOCK_TEST_DIR`, or where temporary files go.
fn folder() -> tempfile::TempDir {
    match std::env::var_os("PENSTOCK_TEST_DIR") {
        Some(base) => tempfile::tempdir_in(base).unwrap(),
        None => tempfile::tempdir().unwrap(),
    }
}

/// Small segments, so that rolling is part of every test; no beats, no waiting for checkpoints.
fn settings() -> Settings {
    Settings {
        segment_bytes: 256 << 10,
        beat: Duration::from_secs(3600),
        publish_after: Duration::from_millis(20),
        publish_rest: Duration::ZERO,
        reserve_bytes: 64 << 10,
        // How full the disk is that tests run on is no matter of theirs.
        warn_at: Vec::new(),
        ..Settings::default()
    }
}

fn opening(settings: Settings) -> Opening {
    Opening {
        key: Arc::new(SigningKey::from_seed([7; 32].into())),
        plant: PlantId::new("brewery").unwrap(),
        gateway: GatewayId::new("gate-1").unwrap(),
        epoch_seed: None,
        settings,
    }
}

fn open(folder: &Path) -> (Store, Recovery) {
    Store::open(folder, &opening(settings())).unwrap()
}

/// A record with a number in it and about `bytes` bytes of text.
fn draft(kind: Kind, number: u64, reference: Option<RecordId>, bytes: usize) -> Draft {
    let text = "x".repeat(bytes.min(1000));
    let note = BTreeMap::from([("n", Note::Number(number)), ("text", Note::Text(text))]);
    Draft { kind, id: crate::own::id(Millis(1_700_000_000_000)), reference, body: Body { note, ..Body::default() } }
}

fn write(store: &Store, number: u64) -> Written {
    store.write(draft(Kind::Admin, number, None, 20)).unwrap()
}

/// Hands in many records at once and gives the ends on which they are acknowledged.
fn flood(store: &Store, numbers: std::ops::Range<u64>, bytes: usize) -> Vec<Receiver<Result<Written, Failure>>> {
    numbers
        .map(|number| {
            let (tell, told) = sync_channel(1);
            let draft = draft(Kind::Admin, number, None, bytes);
            store.append(draft, Box::new(move |result| tell.send(result).unwrap()));
            told
        })
        .collect()
}

/// Waits until all of them are written.
fn settle(told: Vec<Receiver<Result<Written, Failure>>>) -> Vec<Written> {
    told.into_iter().map(|told| told.recv().unwrap().unwrap()).collect()
}

/// The numbers of all test records, in the order of the log.
fn numbers(folder: &Path) -> Vec<u64> {
    let records = Reader::open(folder).unwrap().records(0, crate::Filter::default());
    records.filter_map(|record| record.unwrap().entry.number("note.n")).collect()
}

fn kinds(folder: &Path) -> Vec<String> {
    let records = Reader::open(folder).unwrap().records(0, crate::Filter::default());
    records.map(|record| record.unwrap().entry.text("kind").unwrap().to_owned()).collect()
}

/// Verifies a closed ledger with the core's verifier; gives the lines of what is wrong.
fn verify(folder: &Path) -> Vec<String> {
    report(folder).problems.iter().map(ToString::to_string).collect()
}

fn report(folder: &Path) -> ledger::verify::Report {
    let key = std::fs::read_to_string(folder.join("trust/ledger.trust")).unwrap();
    let trust = ledger::verify::Trust::parse(&key).unwrap();
    ledger::verify(&crate::Folder::new(folder), &trust, &ledger::verify::Options::default())
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let wal = folder.join("wal");
    crate::segment::list(&wal).unwrap().into_iter().map(|first| crate::segment::path(&wal, first)).collect()
}

/// The folder as a crash at this moment would leave it. Everything acknowledged is on the disk, so a copy will do.
fn image(folder: &Path) -> tempfile::TempDir {
    let image = self::folder();
    copy(folder, image.path());
    image
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A store that publishes only when it closes: what it holds meanwhile is the log alone.
fn unpublished(folder: &Path) -> Store {
    let settings = Settings { publish_after: Duration::from_secs(3600), publish_records: u64::MAX, ..settings() };
    Store::open(folder, &opening(settings)).unwrap().0
}

/// Waits until everything durable is published; the publisher's own promise bounds the wait.
fn wait_published(store: &Store) {
    let state = store.state();
    let begin = std::time::Instant::now();
    while store.state().published < state.size {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", store.state());
        std::thread::yield_now();
    }
}
