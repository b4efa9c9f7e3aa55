//! Records go when their time is over, and everything that stays still verifies.

use super::epochs::{Days, opening};
use super::{draft, flood, folder, report, settings, settle, verify, wait_published};
use crate::{Blobs, Content, Filter, Reader, Settings, Store, audit_content};
use ledger::Pruning;
use plant::{Body, Draft, Kind, Millis, RecordId, Sealed};
use seal::OpeningKey;
use seal::envelope::Salt;
use std::path::Path;
use zeroize::Zeroizing;

const DAY: u64 = 86_400_000;

/// The clock of [`Days`] on a day.
pub(super) fn day(day: u64) -> Millis {
    Millis(1_763_674_500_000 + day * DAY)
}

/// Seals something under the key of a subject; gives the record that refers to it.
pub(super) fn keep(folder: &Path, at: Millis, subject: &str, number: u64) -> Draft {
    let own = OpeningKey::from_bytes(Zeroizing::new([5; 32])).unwrap();
    let salt = Salt::from_bytes(Zeroizing::new([6; 32]));
    let mut draft = draft(Kind::Admin, number, None, 10);
    let content = Content { record: draft.id, at, subject, salt: &salt, bytes: b"mash at 67 degrees" };
    draft.body.seal = Some(Blobs::new(folder).keep(&own, &[], content).unwrap());
    draft
}

pub(super) fn prune(minimum: u64, until: Millis, keep_days: u64) -> Draft {
    let note = Pruning { minimum, until, keep_days }.note();
    let id = RecordId::new(until, [9; 10]);
    Draft { kind: Kind::Prune, id, reference: None, body: Body { note, ..Body::default() } }
}

fn blob(folder: &Path, sealed: &Sealed) -> std::path::PathBuf {
    folder.join("blobs").join(&sealed.blob[..2]).join(&sealed.blob)
}

/// 800 records on day 0, and a few on day 100. The first refers to content of a call that began two months before.
struct Aged {
    folder: tempfile::TempDir,
    clock: std::sync::Arc<Days>,
    sealed: [Sealed; 2],
}

impl Aged {
    fn new() -> Self {
        let (folder, clock) = (folder(), Days::at(0));
        let store = Store::open(folder.path(), &opening(folder.path(), &clock, few_segments())).unwrap().0;
        let old = keep(folder.path(), Millis(day(0).0 - 70 * DAY), "operator.op-1", 1);
        let sealed = old.body.seal.clone().unwrap();
        store.write(old).unwrap();
        let intent = store.write(draft(Kind::Intent, 2, None, 1)).unwrap();
        settle(flood(&store, 3..800, 300));
        clock.pass(100);
        let new = keep(folder.path(), day(100), "operator.op-1", 800);
        let sealed = [sealed, new.body.seal.clone().unwrap()];
        store.write(new).unwrap();
        store.write(draft(Kind::Outcome, 801, Some(intent.id), 1)).unwrap();
        wait_published(&store);
        store.close();
        Self { folder, clock, sealed }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a `prune` record, and sees that what it says is done.
    fn prune(&self, draft: Draft) -> u64 {
        let store = Store::open(self.path(), &opening(self.path(), &self.clock, few_segments())).unwrap().0;
        let written = store.write(draft).unwrap();
        store.close();
        written.seq
    }
}

fn few_segments() -> Settings {
    Settings { keep_segments: 1, segment_bytes: 64 << 10, ..settings() }
}

#[test]
fn what_is_old_enough_goes_with_its_content_and_the_rest_verifies() {
    let aged = Aged::new();
    let (early, _) = Reader::open(aged.path()).unwrap().published().unwrap().unwrap();
    let by = aged.prune(prune(512, day(0), 90));
    assert_eq!(verify(aged.path()), [""; 0]);
    let pruned = report(aged.path()).pruned.unwrap();
    assert_eq!((pruned.records, pruned.minimum, pruned.by, pruned.keep_days), (512, 512, by, 90));
    assert!(!aged.path().join("tile/entries/000").exists() && !aged.path().join("tile/entries/001").exists());
    assert!(!blob(aged.path(), &aged.sealed[0]).exists() && blob(aged.path(), &aged.sealed[1]).exists());
    assert!(!aged.path().join("seals").join(&aged.sealed[0].key).exists());
    assert!(aged.path().join("seals").join(&aged.sealed[1].key).exists());
    let content = audit_content(aged.path(), &report(aged.path())).unwrap();
    assert_eq!((content.kept, content.faults), (1, Vec::new()));

    let reader = Reader::open(aged.path()).unwrap();
    assert_eq!(reader.first().unwrap(), 512);
    let seqs: Vec<u64> = reader.records(0, Filter::default()).map(|record| record.unwrap().entry.seq()).collect();
    assert_eq!(seqs, (512..=by).chain(by + 1..seqs.last().unwrap() + 1).collect::<Vec<_>>());
    assert_eq!(reader.newest(10_000, Filter::default()).unwrap().len(), seqs.len());
    let first = reader.records(0, Filter::default()).next().unwrap().unwrap();
    assert!(reader.receipt(&first).is_ok());
    // The tree of every earlier head can still be built.
    let head = reader.published().unwrap().unwrap().0;
    let earlier = ledger::Frontier::from_hashes(early.size, &crate::Folder::new(aged.path()).tiles(head.size)).unwrap();
    assert_eq!(earlier.root(), early.root);
    // No copy stays in the write-ahead log.
    let segments = crate::segment::list(&aged.path().join("wal")).unwrap();
    assert!(segments.iter().skip(1).all(|first| *first > 512), "{segments:?}");
    super::damage::audited(aged.path()).unwrap();
}

#[test]
fn what_was_to_go_goes_at_the_next_start_too() {
    let aged = Aged::new();
    let kept = super::image(aged.path());
    aged.prune(prune(512, day(0), 90));
    // The bundles come back, as from a power cut before the folder was synced.
    for name in ["000", "001"] {
        let name = Path::new("tile/entries").join(name);
        std::fs::copy(kept.path().join(&name), aged.path().join(&name)).unwrap();
    }
    std::fs::remove_file(aged.path().join("tile/entries/001")).unwrap();
    assert_eq!(verify(aged.path()), [""; 0]);
    Store::open(aged.path(), &opening(aged.path(), &aged.clock, few_segments())).unwrap().0.close();
    assert!(!aged.path().join("tile/entries/000").exists());
    assert_eq!(verify(aged.path()), [""; 0]);
}

#[test]
fn a21_a_bundle_that_is_gone_without_authority_is_missing() {
    let missing = |path: &str| format!("incomplete: {path}: is missing");
    for (name, pruning) in [
        ("000", None),
        // Attack A21: a record that allows less, too early, or itself.
        ("002", Some(prune(512, day(0), 90))),
        ("000", Some(prune(512, day(0), 101))),
        ("000", Some(prune(512, day(11), 90))),
        ("000", Some(prune(1024, day(0), 90))),
        ("000", Some(prune(100, day(0), 90))),
    ] {
        let aged = Aged::new();
        let refused = pruning.as_ref().is_some_and(|_| name == "000");
        // The store obeys whoever has its key; the verifier does not.
        let whole = super::image(aged.path());
        let by = pruning.map(|pruning| aged.prune(pruning));
        super::copy(whole.path().join("tile/entries").as_path(), aged.path().join("tile/entries").as_path());
        let path = format!("tile/entries/{name}");
        std::fs::remove_file(aged.path().join(&path)).unwrap();
        let problems = verify(aged.path());
        assert_eq!(problems.first(), Some(&missing(&path)), "{problems:?}");
        let says = |by: u64| problems.iter().any(|problem| problem.contains(&format!("record {by} ")));
        assert_eq!(by.is_some_and(says), refused, "{problems:?}");
    }
}
