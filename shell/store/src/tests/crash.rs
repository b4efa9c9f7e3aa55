//! A disk that fails while the ledger is open.

use super::{folder, image, numbers, open, opening, segments, settings, unpublished, verify, write};
use crate::{Condition, Failure, Settings, Store};
use plant::Kind;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[test]
fn f3_a_sync_that_fails_once_ends_the_ledger_and_is_never_tried_again() {
    let folder = folder();
    let settings = settings();
    let faults = Arc::clone(&settings.faults);
    let (store, _) = Store::open(folder.path(), &opening(settings)).unwrap();
    write(&store, 0);
    faults.next_sync_fails.store(true, Ordering::SeqCst);
    // The next sync would succeed, and would be a lie.
    for number in 1..4 {
        let failure = store.write(super::draft(Kind::Admin, number, None, 1)).unwrap_err();
        assert!(matches!(failure, Failure::Failed(_)), "{failure}");
    }
    let state = store.close();
    assert!(matches!(state.condition, Condition::Failed(_)) && !state.healthy);
    assert_eq!((state.size, state.published), (3, 3), "what was durable is still published");
    assert!(matches!(store.write(super::draft(Kind::Admin, 9, None, 1)), Err(Failure::Failed(_))));
    drop(store);
    let (store, _) = open(folder.path());
    write(&store, 4);
    store.close();
    // The record of the failed group may or may not be there; here it is, for only the sync was made to fail.
    assert_eq!(numbers(folder.path()), [0, 1, 4]);
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn f6_a_log_that_is_unlinked_under_us_takes_no_record() {
    let folder = folder();
    let (store, _) = open(folder.path());
    write(&store, 0);
    std::fs::remove_file(segments(folder.path()).pop().unwrap()).unwrap();
    let failure = store.write(super::draft(Kind::Admin, 1, None, 1)).unwrap_err();
    assert!(failure.to_string().contains("removed, replaced or cut"), "{failure}");
    assert!(!store.state().healthy);
}

#[test]
fn f9_a_crash_between_two_files_of_a_publication_is_made_good() {
    let folder = folder();
    let (store, _) = open(folder.path());
    write(&store, 0);
    store.close();
    let before = image(folder.path());
    let (store, _) = open(folder.path());
    write(&store, 1);
    store.close();
    // The files of a publication in the order in which they are written; each crash has one more of them.
    for crash in 0..3 {
        let crashed = image(folder.path());
        for name in ["checkpoint", "checkpoints/lock"].into_iter().take(3 - crash) {
            std::fs::copy(before.path().join(name), crashed.path().join(name)).unwrap();
        }
        let (store, recovery) = open(crashed.path());
        assert_eq!(recovery.size, 5);
        assert_eq!(store.close().published, 6);
        assert_eq!(verify(crashed.path()), [""; 0]);
    }
}

#[test]
fn f9_a_ledger_that_published_all_but_the_checkpoint_publishes_it_first() {
    let folder = folder();
    open(folder.path()).0.close();
    std::fs::remove_file(folder.path().join("checkpoint")).unwrap();
    let (store, _) = open(folder.path());
    store.close();
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn a_crash_before_the_first_record_leaves_a_ledger_that_begins() {
    let folder = folder();
    drop(unpublished(folder.path()));
    let begun = super::folder();
    let wal = begun.path().join("wal");
    std::fs::create_dir_all(&wal).unwrap();
    std::fs::write(wal.join("next"), vec![0; 4096]).unwrap();
    std::fs::write(crate::segment::path(&wal, 0), vec![0; 1 << 18]).unwrap();
    let (store, recovery) = open(begun.path());
    assert!(recovery.fresh);
    store.close();
    assert_eq!(verify(begun.path()), [""; 0]);
}

#[test]
fn what_publishing_cannot_write_is_said_and_made_good_later() {
    let folder = folder();
    let settings = Settings { publish_after: std::time::Duration::from_millis(5), ..settings() };
    let (store, _) = Store::open(folder.path(), &opening(settings)).unwrap();
    write(&store, 0);
    super::wait_published(&store);
    // A folder where the next note has to go.
    let blocked = folder.path().join("checkpoint.tmp");
    std::fs::create_dir(&blocked).unwrap();
    write(&store, 1);
    let begin = std::time::Instant::now();
    while store.state().publishing.is_none() {
        assert!(begin.elapsed() < std::time::Duration::from_secs(60));
        std::thread::yield_now();
    }
    assert!(store.state().healthy, "records are still taken");
    write(&store, 2);
    std::fs::remove_dir(&blocked).unwrap();
    super::wait_published(&store);
    assert_eq!(store.state().publishing, None);
    store.close();
    assert!(super::kinds(folder.path()).contains(&"storage".to_owned()));
    assert_eq!(verify(folder.path()), [""; 0]);
}
