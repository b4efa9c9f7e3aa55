//! Essential conduits, while the log cannot be written.

use super::{draft, folder, kinds, opening, settings, verify, write};
use crate::{Condition, Failure, Filter, Reader, Recovery, Settings, Store, Written};
use plant::{ConduitId, Draft, Kind, Place, PlantId, RecordId};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;

pub(super) fn room() -> Settings {
    Settings { emergency_bytes: 512 << 10, ..settings() }
}

pub(super) fn open_with(folder: &Path, settings: Settings) -> (Store, Recovery) {
    let (store, recovery) = Store::open(folder, &opening(settings)).unwrap();
    store.set_essential(BTreeSet::from([ConduitId::new("copilot").unwrap()]));
    (store, recovery)
}

/// A record of a call on a conduit.
pub(super) fn call(conduit: &str, kind: Kind, number: u64, reference: Option<RecordId>) -> Draft {
    let mut draft = draft(kind, number, reference, 200);
    let conduit = Some(ConduitId::new(conduit).unwrap());
    draft.body.place = Some(Place { plant: PlantId::new("brewery").unwrap(), zone: None, conduit, purpose: None });
    draft
}

fn begin(store: &Store, conduit: &str, number: u64) -> Result<Written, Failure> {
    store.write(call(conduit, Kind::Intent, number, None))
}

fn end(store: &Store, conduit: &str, number: u64, intent: RecordId) -> Result<Written, Failure> {
    store.write(call(conduit, Kind::Outcome, number, Some(intent)))
}

/// A ledger whose log has failed.
fn failed(folder: &Path, settings: Settings) -> Store {
    let faults = std::sync::Arc::clone(&settings.faults);
    let (store, _) = open_with(folder, settings);
    write(&store, 0);
    faults.next_sync_fails.store(true, Ordering::SeqCst);
    assert!(matches!(begin(&store, "copilot", 1), Err(Failure::Failed(_))));
    assert!(matches!(store.state().condition, Condition::Failed(_)));
    store
}

fn record(folder: &Path, id: RecordId) -> crate::Record {
    Reader::open(folder).unwrap().find(id).unwrap().unwrap()
}

#[test]
fn essential_calls_go_on_when_the_log_has_failed_and_are_in_it_after_a_start() {
    let folder = folder();
    let store = failed(folder.path(), room());
    let intent = begin(&store, "copilot", 2).unwrap();
    let open = begin(&store, "copilot", 3).unwrap();
    assert!(matches!(begin(&store, "vision", 4), Err(Failure::Failed(_))), "not essential");
    assert!(matches!(store.write(call("copilot", Kind::Refuse, 5, None)), Err(Failure::Failed(_))), "no call leaves");
    end(&store, "copilot", 6, intent.id).unwrap();
    assert_eq!(store.state().put_aside, 3);
    store.close();
    assert_eq!(verify(folder.path()), [""; 0]);

    let (store, recovery) = open_with(folder.path(), room());
    // The record whose sync failed may be there or not; its caller was told that nobody knows.
    assert_eq!(recovery.put_aside, 3);
    assert!(recovery.abandoned.contains(&open.id) && !recovery.abandoned.contains(&intent.id));
    assert_eq!(store.state().put_aside, 0);
    store.close();
    let kinds = kinds(folder.path());
    let from = kinds.iter().position(|kind| kind == "gap").unwrap();
    assert_eq!(kinds[from..from + 4], ["gap", "intent", "intent", "outcome"]);
    let gap = Reader::open(folder.path()).unwrap().records(0, Filter::default()).nth(from).unwrap().unwrap().entry;
    assert_eq!((gap.text("note.why"), gap.number("note.records")), (Some("restart"), Some(3)));
    let taken = record(folder.path(), intent.id).entry;
    assert_eq!((taken.number("note.n"), taken.number("note.taken")), (Some(2), gap.number("note.since")));
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn what_was_taken_in_is_not_taken_in_again() {
    let folder = folder();
    let store = failed(folder.path(), room());
    let intent = begin(&store, "copilot", 2).unwrap();
    store.close();
    let aside = std::fs::read(folder.path().join("emergency")).unwrap();
    let restart = || open_with(folder.path(), room()).1.put_aside;
    assert_eq!(restart(), 1);
    // As if the crash had come before the file was emptied.
    std::fs::write(folder.path().join("emergency"), aside).unwrap();
    assert_eq!((restart(), restart()), (0, 0));
    assert_eq!(kinds(folder.path()).iter().filter(|kind| *kind == "gap").count(), 1);
    assert_eq!(record(folder.path(), intent.id).entry.number("note.n"), Some(2));
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn a_call_is_let_in_only_with_room_for_its_end() {
    for bytes in [0, 4096, 40 << 10, 48 << 10, 200 << 10] {
        let folder = folder();
        let store = failed(folder.path(), Settings { emergency_bytes: bytes, ..room() });
        let mut intents = Vec::new();
        while let Ok(intent) = begin(&store, "copilot", 2) {
            intents.push(intent.id);
        }
        assert!(intents.len() as u64 <= bytes / 8192, "{bytes}");
        assert_eq!(intents.is_empty(), bytes < 40 << 10, "{bytes}");
        // Each end frees the room that was kept for it, so that others may begin.
        for intent in &intents {
            end(&store, "copilot", 3, *intent).unwrap();
        }
        store.close();
        assert_eq!(open_with(folder.path(), room()).1.put_aside, 2 * intents.len() as u64);
    }
}

#[test]
fn nothing_but_whole_frames_of_ours_is_taken_in() {
    let folder = folder();
    let store = failed(folder.path(), room());
    let first = begin(&store, "copilot", 2).unwrap();
    begin(&store, "copilot", 3).unwrap();
    store.close();
    let good = std::fs::read(folder.path().join("emergency")).unwrap();
    let key = std::fs::read_to_string(folder.path().join("trust/ledger.vkey")).unwrap();
    let key = seal::note::Verifier::parse(key.trim()).unwrap();
    let ids = |bytes: &[u8]| {
        std::fs::write(folder.path().join("emergency"), bytes).unwrap();
        let left = crate::emergency::left(folder.path(), &key).unwrap();
        left.into_iter().map(|waiting| waiting.gist.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&good).len(), 2);
    let second = 4096;
    for at in [0, 20, 100, 162, 200, second - 4000] {
        let mut spoilt = good.clone();
        spoilt[at] ^= 1;
        assert!(ids(&spoilt).is_empty(), "{at}");
        let mut spoilt = good.clone();
        spoilt[second + at] ^= 1;
        assert_eq!(ids(&spoilt), [first.id], "{at}");
    }
    assert!(ids(&good[second..]).is_empty(), "the first is missing");
    assert_eq!(ids(&good[..second + 100]), [first.id], "cut");
    assert!(ids(&[]).is_empty() && ids(&[0xff; 9000]).is_empty());
    // The frames of a segment of the log are no emergency's.
    let segment = std::fs::read(&super::segments(folder.path())[0]).unwrap();
    assert!(ids(&segment).is_empty());
}
