//! kill -9 under load: the parent holds the acknowledgements, and none of them may be missing afterwards.

use super::{draft, folder, opening, settings, verify};
use crate::{Filter, Reader, Settings, Store};
use plant::{Kind, RecordId};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

const CHILD: &str = "PENSTOCK_KILL_CHILD";

/// Writes calls as fast as it can and says which records are acknowledged, until it is killed. Not a test of its
/// own: without the variable it does nothing.
#[test]
fn a_child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let settings = Settings { publish_records: 64, ..settings() };
    let (store, _) = Store::open(Path::new(&folder), &opening(settings)).unwrap();
    let store = Arc::new(store);
    let out = Arc::new(Mutex::new(std::io::stdout()));
    let say = |out: &Mutex<std::io::Stdout>, seq: u64, id: RecordId| {
        // One write call a line: a killed process leaves no half line that could be taken for another one.
        let _ = out.lock().unwrap().write_all(format!("\nack {seq} {id}\n").as_bytes());
        let _ = out.lock().unwrap().flush();
    };
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (store, out) = (Arc::clone(&store), Arc::clone(&out));
            std::thread::spawn(move || {
                for number in 0.. {
                    let Ok(intent) = store.write(draft(Kind::Intent, number, None, 300)) else { return };
                    say(&out, intent.seq, intent.id);
                    let outcome = draft(Kind::Outcome, number, Some(intent.id), 100);
                    let Ok(outcome) = store.write(outcome) else { return };
                    say(&out, outcome.seq, outcome.id);
                }
            })
        })
        .collect();
    callers.into_iter().for_each(|caller| caller.join().unwrap());
}

/// One life of the child: gives the acknowledgements that came through before the kill.
fn life(folder: &Path, acknowledgements: usize) -> Vec<(u64, RecordId)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::kill::a_child_that_writes_until_it_is_killed", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut heard = Vec::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while heard.len() < acknowledgements {
        let Some(Ok(line)) = lines.next() else {
            panic!("the child ended by itself after {} acknowledgements", heard.len())
        };
        heard.extend(acknowledgement(&line));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What the child said before it died counts, whether or not we had read it.
    heard.extend(lines.map_while(Result::ok).filter_map(|line| acknowledgement(&line)));
    heard
}

fn acknowledgement(line: &str) -> Option<(u64, RecordId)> {
    let mut words = line.strip_prefix("ack ")?.split(' ');
    Some((words.next()?.parse().ok()?, RecordId::parse(words.next()?)?))
}

#[test]
fn f2_no_acknowledged_record_is_lost_when_the_process_is_killed() {
    let rounds = std::env::var("PENSTOCK_KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let folder = folder();
    let mut acknowledged: BTreeMap<u64, RecordId> = BTreeMap::new();
    for round in 0..rounds {
        // Sometimes soon after the start, sometimes in full swing.
        for (seq, id) in life(folder.path(), 1 + (round * 37) % 211) {
            assert_eq!(acknowledged.insert(seq, id), None, "record {seq} was acknowledged twice");
        }
        if round % 10 == 9 || round + 1 == rounds {
            check(folder.path(), &acknowledged);
        }
    }
    let (store, _) = Store::open(folder.path(), &opening(settings())).unwrap();
    store.close();
    check(folder.path(), &acknowledged);
    assert_eq!(verify(folder.path()), [""; 0]);
}

/// Every acknowledged record is where it was acknowledged, and numbers have no gap.
fn check(folder: &Path, acknowledged: &BTreeMap<u64, RecordId>) {
    let mut left: BTreeSet<u64> = acknowledged.keys().copied().collect();
    for (seq, record) in (0..).zip(Reader::open(folder).unwrap().records(0, Filter::default())) {
        let entry = record.unwrap().entry;
        assert_eq!(entry.seq(), seq);
        if let Some(id) = acknowledged.get(&seq) {
            assert_eq!(entry.id(), *id);
            left.remove(&seq);
        }
    }
    assert!(left.is_empty(), "acknowledged and lost: {left:?}");
}
