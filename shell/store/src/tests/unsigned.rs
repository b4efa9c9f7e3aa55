//! A key that is not at hand: in a device that was pulled out, or does not answer.

use super::{draft, flood, folder, kinds, numbers, opening, settings, verify, write};
use crate::{Condition, Failure, Filter, Opening, Reader, Settings, Store};
use plant::Kind;
use seal::{Sign, SignError, SigningKey, VerifyingKey};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A key that can be taken away.
#[derive(Debug)]
pub(super) struct Removable {
    key: SigningKey,
    away: AtomicBool,
}

impl Sign for Removable {
    fn verifying_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        if self.away.load(Ordering::SeqCst) { Err(SignError::Away) } else { Ok(self.key.sign(message)) }
    }
}

impl Removable {
    pub(super) fn take_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }
}

/// What opens a ledger whose key can be taken away.
pub(super) fn removable(settings: Settings) -> (Arc<Removable>, Opening) {
    let key = Arc::new(Removable { key: SigningKey::from_seed([7; 32].into()), away: AtomicBool::new(false) });
    (Arc::clone(&key), Opening { key, ..opening(settings) })
}

#[test]
fn records_are_turned_away_while_the_key_is_and_the_log_says_so_afterwards() {
    let folder = folder();
    let (key, opening) = removable(settings());
    let (store, _) = Store::open(folder.path(), &opening).unwrap();
    write(&store, 0);
    key.take_away(true);
    let told: Vec<_> = flood(&store, 1..6, 20).into_iter().map(|told| told.recv().unwrap()).collect();
    assert_eq!(told, vec![Err(Failure::Unsigned); 5]);
    let state = store.state();
    assert!(!state.healthy && state.condition == Condition::Unsigned, "{state:?}");
    key.take_away(false);
    write(&store, 6);
    assert!(store.state().healthy);
    store.close();
    assert_eq!(numbers(folder.path()), [0, 6]);
    let kinds = kinds(folder.path());
    let from = kinds.iter().position(|kind| kind == "gap").unwrap();
    assert_eq!(kinds[from..], ["gap", "admin"]);
    let gap = Reader::open(folder.path()).unwrap().records(0, Filter::default()).nth(from).unwrap().unwrap().entry;
    let said = (gap.text("note.why"), gap.number("note.records"), gap.number("note.turned_away"));
    assert_eq!(said, (Some("unsigned"), Some(0), Some(5)));
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn a_key_that_is_back_is_found_although_nobody_calls() {
    let folder = folder();
    let (key, opening) = removable(settings());
    let (store, _) = Store::open(folder.path(), &opening).unwrap();
    key.take_away(true);
    assert_eq!(store.write(draft(Kind::Intent, 1, None, 20)), Err(Failure::Unsigned));
    key.take_away(false);
    let begin = Instant::now();
    while !store.state().healthy {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", store.state());
        std::thread::yield_now();
    }
    store.close();
    assert_eq!(kinds(folder.path()).last().map(String::as_str), Some("beat"));
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn what_was_acknowledged_before_the_key_went_is_published_by_the_next_start() {
    let folder = folder();
    let quiet = Settings { publish_after: Duration::from_secs(3600), publish_records: u64::MAX, ..settings() };
    let (key, opening) = removable(quiet);
    let (store, _) = Store::open(folder.path(), &opening).unwrap();
    for number in 0..20 {
        write(&store, number);
    }
    key.take_away(true);
    let state = store.close();
    assert!(state.published < state.size && state.condition == Condition::Closed, "{state:?}");

    let away = Store::open(folder.path(), &opening).map(drop);
    assert!(matches!(away, Err(crate::OpenError::Failed(Failure::Unsigned))), "{away:?}");
    key.take_away(false);
    let (store, recovery) = Store::open(folder.path(), &opening).unwrap();
    assert_eq!(recovery.size, state.size);
    store.close();
    assert_eq!(numbers(folder.path()), (0..20).collect::<Vec<_>>());
    assert_eq!(verify(folder.path()), [""; 0]);
}
