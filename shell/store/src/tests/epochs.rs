//! Epoch keys: the day changes, the machine stops in between, and somebody was at the seed.

use super::{folder, image, kinds, settings, verify, wait_published, write};
use crate::{Clock, EpochError, OpenError, Opening, Reading, Settings, Store};
use ledger::epoch::KEYS_LENGTH;
use plant::Millis;
use seal::EpochSeed;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const DAY: u64 = 86_400_000;

/// A clock that stands until days pass.
#[derive(Debug)]
pub(super) struct Days {
    time: AtomicU64,
    up: AtomicU64,
}

impl Days {
    pub(super) fn at(day: u64) -> Arc<Self> {
        let up = day * DAY;
        Arc::new(Self { time: AtomicU64::new(1_763_674_500_000 + up), up: AtomicU64::new(up) })
    }

    pub(super) fn pass(&self, days: u64) {
        self.time.fetch_add(days * DAY, Ordering::SeqCst);
        self.up.fetch_add(days * DAY, Ordering::SeqCst);
    }

    fn set_back(&self, days: u64) {
        self.time.fetch_sub(days * DAY, Ordering::SeqCst);
    }
}

impl Clock for Days {
    fn read(&self) -> Reading {
        let (time, up) = (self.time.load(Ordering::SeqCst), self.up.load(Ordering::SeqCst));
        Reading { time: Millis(time), mono: up * 1000 }
    }
    fn boot(&self) -> String {
        "machine-1".to_owned()
    }
    fn source(&self) -> String {
        "script".to_owned()
    }
}

/// What opens a ledger with epochs; the seed lies with it, so that a picture of a crash has both.
pub(super) fn opening(folder: &Path, clock: &Arc<Days>, settings: Settings) -> Opening {
    let settings = Settings { clock: Arc::clone(clock) as Arc<dyn Clock>, ..settings };
    Opening { epoch_seed: Some(seed(folder)), ..super::opening(settings) }
}

fn seed(folder: &Path) -> PathBuf {
    folder.join("epoch.seed")
}

fn open(folder: &Path, clock: &Arc<Days>) -> Store {
    Store::open(folder, &opening(folder, clock, settings())).unwrap().0
}

fn refused(folder: &Path, clock: &Arc<Days>) -> EpochError {
    match Store::open(folder, &opening(folder, clock, settings())) {
        Err(OpenError::Epoch(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn kept(folder: &Path) -> (u32, EpochSeed) {
    EpochSeed::decode(std::fs::read(seed(folder)).unwrap()).unwrap()
}

/// Writes a record, which makes the publisher look at the day, and waits until the seed is that of `epoch`.
pub(super) fn wait_for_epoch(folder: &Path, store: &Store, epoch: u32) {
    write(store, 1000);
    let begin = Instant::now();
    while kept(folder).0 != epoch {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", store.state());
        std::thread::yield_now();
    }
}

/// The epochs that signed the notes that are there, in the order of their sizes.
fn signed(folder: &Path) -> Vec<(u64, u32)> {
    let mut notes = Vec::new();
    for entry in std::fs::read_dir(folder.join("checkpoints")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let Some(size) = name.strip_suffix(".note") else { continue };
        let note = std::fs::read(entry.path()).unwrap();
        notes.push((size.parse().unwrap(), crate::epochs::said_to_sign(&note).unwrap()));
    }
    notes.sort_unstable();
    notes
}

#[test]
fn a_ledger_begins_with_the_key_of_its_first_day() {
    let (folder, clock) = (folder(), Days::at(0));
    let store = open(folder.path(), &clock);
    store.close();
    assert_eq!(kinds(folder.path()), ["genesis", "key", "boot"]);
    assert_eq!(verify(folder.path()), [""; 0]);
    assert_eq!(kept(folder.path()).0, 0);
    assert_eq!(seed(folder.path()).metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(folder.path().join("trust/epochs.pub").metadata().unwrap().len(), KEYS_LENGTH as u64);
    let trust = std::fs::read_to_string(folder.path().join("trust/ledger.trust")).unwrap();
    assert!(trust.contains("\nepochs 20412 "), "{trust}");
    let note = std::fs::read(folder.path().join("checkpoint")).unwrap();
    let note = seal::note::Note::parse(&note).unwrap();
    let names: Vec<&str> = note.signatures().iter().map(|line| line.name()).collect();
    let origin = store.verifier().name();
    assert_eq!(names, [origin.to_owned(), format!("{origin}/epoch/0")]);
}

#[test]
fn a15_when_the_day_changes_the_old_key_signs_a_last_time_and_its_seed_is_gone() {
    let (folder, clock) = (folder(), Days::at(0));
    let store = open(folder.path(), &clock);
    let (_, first) = kept(folder.path());
    let before = std::fs::File::open(seed(folder.path())).unwrap();
    write(&store, 0);
    wait_published(&store);
    clock.pass(1);
    wait_for_epoch(folder.path(), &store, 1);
    assert_eq!(kept(folder.path()).1.as_bytes(), first.next().as_bytes());
    // The gateway was off, or nothing came, for some days.
    clock.pass(3);
    wait_for_epoch(folder.path(), &store, 4);
    // A clock that is set back changes nothing.
    clock.set_back(2);
    write(&store, 1);
    store.close();
    let old = std::io::read_to_string(before).unwrap();
    assert!(!old.is_empty() && old.bytes().all(|byte| byte == 0), "the old seed is overwritten where it lay");
    assert_eq!(kept(folder.path()).0, 4);
    assert_eq!(kinds(folder.path()).iter().filter(|kind| *kind == "key").count(), 3);
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn the_last_note_of_an_epoch_is_never_thinned_out() {
    let (folder, clock) = (folder(), Days::at(0));
    for epoch in [1, 2] {
        let settings = Settings { keep_notes: 1, ..settings() };
        let (store, _) = Store::open(folder.path(), &opening(folder.path(), &clock, settings)).unwrap();
        for number in 0..6 {
            write(&store, number);
            wait_published(&store);
        }
        clock.pass(1);
        wait_for_epoch(folder.path(), &store, epoch);
        for number in 0..6 {
            write(&store, number);
            wait_published(&store);
        }
        store.close();
        assert_eq!(verify(folder.path()), [""; 0]);
    }
    let notes = signed(folder.path());
    assert!(notes.len() <= 9, "{notes:?}");
    assert!([0, 1, 2].iter().all(|epoch| notes.iter().any(|(_, signed)| signed == epoch)), "{notes:?}");
}

#[test]
fn a15_a_seed_that_a_crash_left_one_step_behind_goes_on() {
    let (folder, clock) = (folder(), Days::at(0));
    let store = open(folder.path(), &clock);
    let (_, old) = kept(folder.path());
    clock.pass(1);
    wait_for_epoch(folder.path(), &store, 1);
    store.close();
    let handed_over = signed(folder.path()).into_iter().filter(|(_, epoch)| *epoch == 0).map(|(size, _)| size).max();
    // As if the machine had stopped before the seed was replaced, with the last note there or not, and the checkpoint too.
    let lock = |image: &Path| {
        let text = std::fs::read_to_string(image.join("checkpoints/lock")).unwrap();
        text.lines().nth(2).unwrap().strip_prefix("size ").unwrap().parse::<u64>().unwrap()
    };
    assert!(lock(folder.path()) >= handed_over.unwrap());
    let crashed = image(folder.path());
    std::fs::write(seed(crashed.path()), old.encode(0).as_bytes()).unwrap();
    open(crashed.path(), &clock).close();
    assert_eq!(kept(crashed.path()).0, 1);
    assert_eq!(verify(crashed.path()), [""; 0]);
}

#[test]
fn while_the_old_seed_cannot_go_records_are_taken_and_nothing_is_published() {
    let (folder, clock) = (folder(), Days::at(0));
    let store = open(folder.path(), &clock);
    let blocked = folder.path().join("epoch.seed.tmp");
    std::fs::create_dir(&blocked).unwrap();
    clock.pass(1);
    write(&store, 0);
    let begin = Instant::now();
    while store.state().publishing.is_none() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", store.state());
        std::thread::yield_now();
    }
    assert!(store.state().publishing.unwrap().contains("epoch.seed"));
    assert!(store.state().healthy);
    let published = store.state().published;
    write(&store, 1);
    assert_eq!((kept(folder.path()).0, store.state().published), (0, published));
    let crashed = image(folder.path());
    assert!(matches!(refused(crashed.path(), &clock), EpochError::Io { .. }), "it shows at the start too");
    std::fs::remove_dir(&blocked).unwrap();
    wait_for_epoch(folder.path(), &store, 1);
    wait_published(&store);
    assert_eq!(store.state().publishing, None);
    store.close();
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn a_seed_that_cannot_be_right_keeps_the_ledger_shut() {
    let (folder, clock) = (folder(), Days::at(0));
    let store = open(folder.path(), &clock);
    let young = image(folder.path());
    clock.pass(1);
    wait_for_epoch(folder.path(), &store, 1);
    store.close();
    let (_, right) = kept(folder.path());
    let spoilt = |spoil: &dyn Fn(&Path)| {
        let image = image(folder.path());
        spoil(image.path());
        refused(image.path(), &clock)
    };
    let put = |text: &str| {
        let text = text.to_owned();
        move |folder: &Path| std::fs::write(seed(folder), &text).unwrap()
    };
    let readable = |folder: &Path| std::fs::set_permissions(seed(folder), PermissionsExt::from_mode(0o640)).unwrap();
    assert!(matches!(spoilt(&readable), EpochError::Open(_)));
    assert!(matches!(spoilt(&|folder| std::fs::remove_file(seed(folder)).unwrap()), EpochError::Missing(_)));
    assert!(matches!(spoilt(&put("penstock epoch seed 1\n")), EpochError::Malformed(_)));
    let stranger = EpochSeed::from_bytes([9; 32]);
    assert!(matches!(spoilt(&put(&stranger.encode(1))), EpochError::Foreign(_)));
    assert!(matches!(spoilt(&put(&right.next().encode(2))), EpochError::Ahead { seed: 2, ledger: 1, .. }));
    let keys = |folder: &Path| std::fs::write(folder.join("trust/epochs.pub"), vec![0; KEYS_LENGTH]).unwrap();
    assert!(matches!(spoilt(&keys), EpochError::Keys(_)));
    // The ledger alone was put back from a copy of yesterday.
    std::fs::copy(seed(folder.path()), seed(young.path())).unwrap();
    assert!(matches!(refused(young.path(), &clock), EpochError::Ahead { seed: 1, ledger: 0, .. }));
    // Its disk is not there, and an empty folder is.
    let empty = super::folder();
    std::fs::copy(seed(folder.path()), seed(empty.path())).unwrap();
    assert!(matches!(refused(empty.path(), &clock), EpochError::Used { epoch: 1, .. }));
    assert_eq!(crate::segment::list(&empty.path().join("wal")).unwrap_or_default(), [0; 0]);
    open(folder.path(), &clock).close();
}

#[test]
fn on_the_first_day_the_public_keys_can_be_made_again() {
    let (folder, clock) = (folder(), Days::at(0));
    open(folder.path(), &clock).close();
    let keys = folder.path().join("trust/epochs.pub");
    let before = std::fs::read(&keys).unwrap();
    std::fs::remove_file(&keys).unwrap();
    open(folder.path(), &clock).close();
    assert_eq!(std::fs::read(&keys).unwrap(), before);
}

#[test]
fn a_ledger_that_began_without_epochs_goes_on_without() {
    let (folder, clock) = (folder(), Days::at(0));
    super::open(folder.path()).0.close();
    let store = open(folder.path(), &clock);
    clock.pass(1);
    write(&store, 0);
    store.close();
    assert!(!seed(folder.path()).exists() && !kinds(folder.path()).contains(&"key".to_owned()));
    assert_eq!(verify(folder.path()), [""; 0]);
}
