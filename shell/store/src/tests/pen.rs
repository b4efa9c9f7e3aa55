//! Records that their callers write themselves.

use super::damage::frames;
use super::{draft, numbers, opening, settings, verify};
use crate::{Failure, Settings, Store, Written};
use plant::Kind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::thread::{self, ThreadId};
use std::time::Duration;

/// A folder where a sync takes microseconds.
fn quick() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap()
}

/// Writes a record; gives who told of it, too.
fn told_by(store: &Store, number: u64) -> (ThreadId, Result<Written, Failure>) {
    let (tell, told) = sync_channel(1);
    let done = move |result| tell.send((thread::current().id(), result)).unwrap();
    store.append(draft(Kind::Admin, number, None, 20), Box::new(done));
    told.recv().unwrap()
}

/// Writes record after record until one is written by who brings it. A busy machine may take a while over it.
fn until_own(store: &Store) -> u64 {
    let own = (0..20_000).find(|number| {
        let (teller, result) = told_by(store, *number);
        result.unwrap();
        teller == thread::current().id()
    });
    own.unwrap() + 1
}

#[test]
fn lone_records_are_written_by_who_brings_them_and_stand_in_order() {
    let folder = quick();
    let (store, _) = Store::open(folder.path(), &opening(settings())).unwrap();
    let count = until_own(&store);
    assert!(count > 4, "the first ones go to the thread: {count}");
    store.close();
    assert_eq!(told_by(&store, 0).1, Err(Failure::Closed));
    assert_eq!(numbers(folder.path()), (0..count).collect::<Vec<_>>());
    assert_eq!(verify(folder.path()), [""; 0]);
}

/// Writes records together; gives who told of each, too, in the order in which they were told.
fn told_together(store: &Store, numbers: std::ops::Range<u64>) -> Vec<(ThreadId, u64, Written)> {
    let count = numbers.clone().count();
    let (tell, told) = sync_channel(count);
    store.append_all(numbers.map(|number| {
        let tell = tell.clone();
        let done =
            move |result: Result<_, Failure>| tell.send((thread::current().id(), number, result.unwrap())).unwrap();
        (draft(Kind::Admin, number, None, 20), Box::new(done) as crate::Done)
    }));
    told.iter().take(count).collect()
}

#[test]
fn records_that_are_brought_together_share_a_frame() {
    const TOGETHER: u64 = 5;
    let folder = quick();
    let settings = Settings { segment_bytes: 16 << 20, publish_after: Duration::from_secs(3600), ..settings() };
    let (store, _) = Store::open(folder.path(), &opening(Settings { publish_records: u64::MAX, ..settings })).unwrap();
    // A busy machine may take a while over it.
    let own = (0..1000).any(|_| {
        until_own(&store);
        let before = frames(folder.path()).len();
        let told = told_together(&store, 0..TOGETHER);
        assert!(told.iter().map(|(_, number, _)| *number).eq(0..TOGETHER));
        assert!(told.is_sorted_by_key(|(.., written)| written.seq));
        let own = told.iter().all(|(teller, ..)| *teller == thread::current().id());
        assert!(!own || frames(folder.path()).len() == before + 1);
        own
    });
    assert!(own, "the thread wrote all of them");
    store.close();
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn whoever_writes_each_record_is_there_once() {
    const EACH: u64 = 2000;
    let folder = quick();
    let (store, _) = Store::open(folder.path(), &opening(settings())).unwrap();
    let own = until_own(&store);
    thread::scope(|scope| {
        for caller in 0..3 {
            let store = &store;
            scope.spawn(move || {
                let seqs = (0..EACH).map(|number| told_by(store, own + caller * EACH + number).1.unwrap().seq);
                assert!(seqs.collect::<Vec<_>>().is_sorted(), "each waits for its record");
            });
        }
    });
    store.close();
    let mut all = numbers(folder.path());
    all.sort_unstable();
    assert_eq!(all, (0..own + 3 * EACH).collect::<Vec<_>>());
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn f3_a_sync_that_fails_under_a_caller_fails_the_ledger() {
    let folder = quick();
    let settings = Settings { segment_bytes: 16 << 20, ..settings() };
    let faults = Arc::clone(&settings.faults);
    let (store, _) = Store::open(folder.path(), &opening(settings)).unwrap();
    let written = until_own(&store);
    faults.next_sync_fails.store(true, Ordering::SeqCst);
    for number in written..written + 3 {
        assert!(matches!(told_by(&store, number).1, Err(Failure::Failed(_))), "{number}");
    }
    assert!(!store.state().healthy);
}
