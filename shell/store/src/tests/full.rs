//! A disk that fills up, on a small file system of its own.

use super::emergency::{call, open_with};
use super::unsigned::removable;
use super::{draft, flood, kinds, opening, settings, verify};
use crate::{Condition, Failure, Filter, Reader, Settings, Store};
use plant::{ConduitId, Kind};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const CHILD: &str = "PENSTOCK_FULL_CHILD";

/// Runs one of the tests below as a process that sees a small tmpfs where `CHILD` says. The mount lives and dies with
/// that process's namespace.
fn on_a_small_disk(test: &str) {
    let folder = super::folder();
    let script = "mount -t tmpfs -o size=8m tmpfs \"$1\" && exec \"$0\" --exact \"$2\" --nocapture";
    let run = |namespace: &str| {
        Command::new("unshare")
            .args([namespace, "--", "sh", "-c", script])
            .arg(std::env::current_exe().unwrap())
            .arg(folder.path())
            .arg(format!("tests::full::{test}"))
            .env(CHILD, folder.path())
            .output()
    };
    // Root needs a mount namespace only; others need a user namespace, which not every system grants.
    let mut seen = String::new();
    for namespace in ["-m", "-rm"] {
        let Ok(output) = run(namespace) else { continue };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.contains("on a small disk") {
            assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
            return;
        }
        seen.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    eprintln!("no small file system can be mounted here, so this was not tested: {seen}");
}

fn small_disk() -> Option<std::path::PathBuf> {
    let folder = std::env::var_os(CHILD)?;
    println!("on a small disk");
    Some(folder.into())
}

fn small() -> Settings {
    Settings { segment_bytes: 512 << 10, reserve_bytes: 1 << 20, keep_segments: 0, ..settings() }
}

/// Fills the disk but for `left` bytes; gives the file to remove.
fn fill(folder: &Path, left: u64) -> std::path::PathBuf {
    let path = folder.join("foreign");
    let free = crate::Usage::of(folder).unwrap().free;
    crate::disk::zeroed(&path, free.saturating_sub(left) & !4095).unwrap();
    path
}

#[test]
fn essential_calls_go_on_when_the_disk_is_full_and_are_taken_in_when_there_is_room() {
    let Some(disk) = small_disk() else {
        return on_a_small_disk("essential_calls_go_on_when_the_disk_is_full_and_are_taken_in_when_there_is_room");
    };
    let folder = disk.join("ledger");
    let (store, _) = open_with(&folder, Settings { emergency_bytes: 512 << 10, ..small() });
    let under_way = store.write(call("copilot", Kind::Intent, 0, None)).unwrap();
    super::wait_published(&store);
    let foreign = fill(&disk, 64 << 10);
    let mut written = 0;
    while store.write(draft(Kind::Intent, 1, None, 1000)).is_ok() {
        written += 1;
        assert!(written < 10_000);
    }
    let refused = store.write(call("vision", Kind::Intent, 2, None));
    assert_eq!(refused, Err(Failure::Full));
    let aside = store.write(call("copilot", Kind::Intent, 3, None)).unwrap();
    // The end of a call that is in the log goes there; that of one that was put aside stays with it.
    store.write(call("copilot", Kind::Outcome, 4, Some(under_way.id))).unwrap();
    assert_eq!(store.state().put_aside, 1);
    store.write(call("copilot", Kind::Outcome, 5, Some(aside.id))).unwrap();
    assert_eq!((store.state().put_aside, store.state().condition), (2, Condition::Full));

    std::fs::remove_file(foreign).unwrap();
    let begin = std::time::Instant::now();
    while store.write(draft(Kind::Admin, 6, None, 10)).is_err() {
        assert!(begin.elapsed() < std::time::Duration::from_secs(60), "{:?}", store.state());
        std::thread::yield_now();
    }
    assert_eq!(store.state().put_aside, 0);
    store.close();
    let kinds = kinds(&folder);
    let from = kinds.iter().position(|kind| kind == "gap").unwrap();
    assert_eq!(kinds[from - 1..from + 3], ["storage", "gap", "intent", "outcome"]);
    let gap = Reader::open(&folder).unwrap().records(0, Filter::default()).nth(from).unwrap().unwrap().entry;
    let said = (gap.text("note.why"), gap.number("note.records"), gap.number("note.turned_away").unwrap());
    assert!(said.0 == Some("full") && said.1 == Some(2) && said.2 >= 2, "{said:?}");
    assert_eq!(verify(&folder), [""; 0]);
}

#[test]
fn what_was_put_aside_waits_for_the_key_when_there_is_room_again() {
    let Some(disk) = small_disk() else {
        return on_a_small_disk("what_was_put_aside_waits_for_the_key_when_there_is_room_again");
    };
    let folder = disk.join("ledger");
    let (key, opening) = removable(Settings { emergency_bytes: 512 << 10, ..small() });
    let (store, _) = Store::open(&folder, &opening).unwrap();
    store.set_essential(BTreeSet::from([ConduitId::new("copilot").unwrap()]));
    store.write(draft(Kind::Admin, 0, None, 10)).unwrap();
    super::wait_published(&store);
    let foreign = fill(&disk, 64 << 10);
    let number = (0..10_000).find(|number| store.write(draft(Kind::Intent, *number, None, 1000)).is_err());
    assert!(number.is_some());
    let aside = store.write(call("copilot", Kind::Intent, 1, None)).unwrap();
    let second = store.write(call("copilot", Kind::Intent, 2, None)).unwrap();
    assert_eq!(store.state().put_aside, 2);

    key.take_away(true);
    std::fs::remove_file(foreign).unwrap();
    let begin = std::time::Instant::now();
    while store.write(draft(Kind::Admin, 3, None, 10)) != Err(Failure::Unsigned) {
        assert!(begin.elapsed() < std::time::Duration::from_secs(60), "{:?}", store.state());
        std::thread::yield_now();
    }
    assert_eq!(store.write(call("copilot", Kind::Outcome, 4, Some(aside.id))), Err(Failure::Unsigned));
    assert_eq!((store.state().put_aside, store.state().condition), (2, Condition::Unsigned));

    key.take_away(false);
    // Wherever its intent is by now, its end comes after it.
    store.write(call("copilot", Kind::Outcome, 5, Some(aside.id))).unwrap();
    while store.state().put_aside > 0 {
        assert!(begin.elapsed() < std::time::Duration::from_secs(60), "{:?}", store.state());
        std::thread::yield_now();
    }
    store.write(call("copilot", Kind::Outcome, 6, Some(second.id))).unwrap();
    store.close();
    let kinds = kinds(&folder);
    let calls: Vec<&String> = kinds.iter().rev().filter(|kind| matches!(kind.as_str(), "intent" | "outcome")).collect();
    assert_eq!(calls[..4], ["outcome", "outcome", "intent", "intent"]);
    assert_eq!(kinds.iter().filter(|kind| *kind == "gap").count(), 2);
    assert_eq!(verify(&folder), [""; 0]);
    let (_, recovery) = Store::open(&folder, &opening).unwrap();
    assert!(!recovery.abandoned.contains(&aside.id) && !recovery.abandoned.contains(&second.id));
}

#[test]
fn f4_a_full_disk_is_recorded_refuses_intents_and_is_left_again() {
    let Some(disk) = small_disk() else {
        return on_a_small_disk("f4_a_full_disk_is_recorded_refuses_intents_and_is_left_again");
    };
    let folder = disk.join("ledger");
    let (store, _) = Store::open(&folder, &opening(small())).unwrap();
    let under_way = store.write(draft(Kind::Intent, 0, None, 10)).unwrap();
    super::wait_published(&store);
    let foreign = fill(&disk, 64 << 10);
    let mut refused = None;
    for number in 1..10_000 {
        match store.write(draft(Kind::Intent, number, None, 1000)) {
            Ok(_) => {}
            Err(failure) => {
                refused = Some(failure);
                break;
            }
        }
    }
    assert_eq!(refused, Some(Failure::Full));
    assert_eq!(store.state().condition, Condition::Full);
    store.write(draft(Kind::Outcome, 1, Some(under_way.id), 10)).unwrap();
    assert!(kinds(&folder).contains(&"storage".to_owned()));

    std::fs::remove_file(foreign).unwrap();
    let begin = std::time::Instant::now();
    while store.write(draft(Kind::Intent, 2, None, 10)).is_err() {
        assert!(begin.elapsed() < std::time::Duration::from_secs(60), "{:?}", store.state());
        std::thread::yield_now();
    }
    assert!(store.state().healthy && folder.join("reserve").exists());
    let size = store.close().size;
    assert_eq!(store.state().published, size);
    assert_eq!(verify(&folder), [""; 0]);
}

#[test]
fn f4_a_ledger_that_met_a_full_disk_opens_again() {
    let Some(disk) = small_disk() else { return on_a_small_disk("f4_a_ledger_that_met_a_full_disk_opens_again") };
    let folder = disk.join("ledger");
    let (store, _) = Store::open(&folder, &opening(small())).unwrap();
    let foreign = fill(&disk, 0);
    let mut written = 2;
    for round in 0.. {
        let told = flood(&store, round * 100..(round + 1) * 100, 1000);
        let results: Vec<_> = told.into_iter().map(|told| told.recv().unwrap()).collect();
        written += results.iter().filter(|result| result.is_ok()).count() as u64;
        if results.iter().any(Result::is_err) {
            break;
        }
    }
    let state = store.close();
    assert!(state.size >= written);
    std::fs::remove_file(foreign).unwrap();
    let (store, recovery) = Store::open(&folder, &opening(small())).unwrap();
    assert_eq!(recovery.size, state.size);
    store.close();
    assert_eq!(super::numbers(&folder).len() as u64, written - 2);
    assert_eq!(verify(&folder), [""; 0]);
}
