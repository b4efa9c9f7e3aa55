//! Epoch keys: what whoever steals today's keys can still do, and what they cannot (attack A3).

use crate::ledger::verify::{Class, EpochsJudged, Fault, Files, Options, Report, Unreadable, verify};
use crate::ledger::{Head, leaf_hash};
use crate::support::{Book, DAY, EPOCHS, Folder, epoch_signer};
use plant::{Kind, Millis};
use std::cell::Cell;
use std::sync::LazyLock;

/// Three epochs on five days, two calls and a checkpoint or two in each; the notes that hand over are at 9 and 16.
static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let mut book = Book::begin_epochs(1);
    book.calls(1);
    book.publish();
    book.calls(1);
    book.plain(Kind::Beat);
    book.next_epoch(1);
    book.calls(2);
    book.publish();
    book.calls(1);
    book.next_epoch(3);
    book.calls(2);
    book.publish();
    book
});

fn judge(folder: &Folder) -> Report {
    verify(folder, &BOOK.scheduled_trust(), &Options::default())
}

fn faults(report: &Report) -> Vec<Fault> {
    report.problems.iter().map(|problem| problem.fault.clone()).collect()
}

fn notes(folder: &Folder) -> Vec<u64> {
    let size = |path: &String| path.strip_prefix("checkpoints/")?.strip_suffix(".note")?.parse().ok();
    let mut sizes: Vec<u64> = folder.0.keys().filter_map(size).collect();
    sizes.sort_unstable();
    sizes
}

/// The records with one of them changed, and all places and links made good.
fn rewritten(seq: usize) -> Vec<Vec<u8>> {
    let mut records: Vec<Vec<u8>> = Vec::new();
    for (at, record) in BOOK.records.iter().enumerate() {
        let prev = records.last().map_or([0; 32], |last| leaf_hash(last));
        let text = String::from_utf8(record.clone()).unwrap();
        let mut text = text.replace(&seal::hex(&Head::parse(record).unwrap().prev), &seal::hex(&prev));
        if at == seq {
            assert!(text.contains("10.20"));
            text = text.replace("10.20", "10.99");
        }
        records.push(text.into_bytes());
    }
    records
}

/// What the thief of the last day's machine makes of other records: a tree, and every note signed anew with all the
/// keys that were found there.
fn forge(records: &[Vec<u8>], sizes: &[u64]) -> Folder {
    let mut forged = BOOK.rewrite(Vec::new());
    for size in sizes {
        forged.records = records[..usize::try_from(*size).unwrap()].to_vec();
        forged.publish();
    }
    forged.folder.0.remove("checkpoints/0.note");
    forged.folder
}

#[test]
fn a_ledger_of_several_epochs_is_found_whole() {
    let report = judge(&BOOK.folder);
    assert_eq!((report.class(), faults(&report)), (None, Vec::new()));
    assert_eq!(report.epochs, Some(EpochsJudged { count: 3, known: true, spent: false }));
    assert_eq!(notes(&BOOK.folder), [5, 9, 13, 16, 20]);
    let by_itself = BOOK.judge(&BOOK.folder);
    assert_eq!((by_itself.class(), by_itself.epochs.unwrap().known), (None, false));
}

#[test]
fn a3_an_earlier_epoch_rewritten_with_all_keys_of_a_later_one_is_found() {
    let keys = [3, 10].map(|seq| (seq, rewritten(seq)));
    for (seq, records) in &keys {
        let epoch = u32::from(*seq > 8);
        // Every note made anew: none of the earlier epochs is signed by its key.
        let all = judge(&forge(records, &notes(&BOOK.folder)));
        assert_eq!(all.class(), Some(Class::Tampered));
        assert!(faults(&all).contains(&Fault::EpochSignature { epoch }), "{:?}", all.problems);
        // The real notes put back: the keys signed other records.
        let mut kept = forge(records, &[20]);
        for size in [5, 9, 13, 16] {
            let path = format!("checkpoints/{size}.note");
            kept.0.insert(path.clone(), BOOK.folder.0[&path].clone());
        }
        assert_eq!(judge(&kept).class(), Some(Class::Forked));
        // No notes but the last: those that hand over are missing.
        let report = judge(&forge(records, &[20]));
        assert_eq!(faults(&report)[0], Fault::NoLastCheckpoint { epoch: 0 });
        assert_eq!(report.problems[0].seq, Some(15), "the next key comes, and the one before has signed nothing");
    }
    // Without the schedule the thief would only need keys of another one.
    let genesis = String::from_utf8(BOOK.records[0].clone()).unwrap();
    let mut records = BOOK.records.clone();
    records[0] =
        genesis.replace(&BOOK.schedule().to_string(), "20412 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").into();
    assert_eq!(faults(&judge(&forge(&records, &[20])))[0], Fault::Schedule);
}

#[test]
fn a3_a_whole_ledger_of_earlier_days_cannot_be_written_with_a_later_key() {
    // All records under the one key that was stolen, as if it had been announced at the beginning.
    let mut forged = Book::begin_epochs(1);
    forged.records.truncate(1);
    forged.announce(4);
    forged.epoch = Some(4);
    forged.calls(2);
    forged.publish();
    let report = judge(&forged.folder);
    assert_eq!(faults(&report)[..2], [Fault::KeyOrder { epoch: 4 }, Fault::KeyEarly { epoch: 4 }]);
    // Or under none.
    let mut forged = Book::begin_epochs(1);
    forged.records.remove(1);
    let forged = forged.rewrite(forged.records.clone());
    assert_eq!(
        (faults(&judge(&forged.folder))[0].clone(), judge(&forged.folder).exit_code()),
        (Fault::Place { says: 2 }, 10)
    );
    assert!(faults(&judge(&forged.folder)).contains(&Fault::KeyMissing));
}

#[test]
fn a_checkpoint_without_its_epochs_signature_is_named() {
    for path in ["checkpoint", "checkpoints/5.note", "checkpoints/9.note", "checkpoints/13.note"] {
        let mut folder = BOOK.folder.clone();
        let note = String::from_utf8(folder.0[path].clone()).unwrap();
        let (kept, last) = note.trim_end().rsplit_once('\n').unwrap();
        assert!(last.contains("/epoch/"));
        folder.0.insert(path.to_owned(), format!("{kept}\n").into_bytes());
        let report = judge(&folder);
        assert!(matches!(faults(&report)[..], [Fault::EpochSignature { .. }]), "{path}: {:?}", report.problems);
        assert_eq!((report.problems[0].file.as_deref(), report.exit_code()), (Some(path), 10));
    }
}

#[test]
fn an_altered_checkpoint_is_named_alone_though_an_epoch_ends_with_it() {
    let paths = ["checkpoint", "checkpoints/5.note", "checkpoints/9.note", "checkpoints/16.note"];
    for (path, at) in
        paths.iter().flat_map(|path| (0..BOOK.folder.0[*path].len()).step_by(11).map(move |at| (path, at)))
    {
        let mut folder = BOOK.folder.clone();
        folder.0.get_mut(*path).unwrap()[at] ^= 1;
        let report = judge(&folder);
        let files: Vec<_> = report.problems.iter().map(|problem| problem.file.as_deref()).collect();
        assert_eq!((files, report.exit_code()), (vec![Some(*path)], 10), "{at}");
    }
}

#[test]
fn the_last_checkpoint_of_an_epoch_cannot_go_and_others_can() {
    let without = |sizes: &[u64]| {
        let mut folder = BOOK.folder.clone();
        for size in sizes {
            folder.0.remove(&format!("checkpoints/{size}.note")).unwrap();
        }
        let report = judge(&folder);
        (faults(&report), report.exit_code())
    };
    assert_eq!(without(&[5, 13]), (vec![], 0));
    assert_eq!(without(&[9]), (vec![Fault::EpochSignature { epoch: 0 }], 10));
    assert_eq!(without(&[9, 13]), (vec![Fault::NoLastCheckpoint { epoch: 0 }], 12));
}

#[test]
fn an_epoch_that_ends_while_the_ledger_is_read_is_no_fault() {
    /// Lists the notes of yesterday when it is asked first, and those of now from then on.
    struct Live(Cell<bool>);
    impl Files for Live {
        fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Unreadable> {
            BOOK.folder.read(path, limit)
        }
        fn names(&self, folder: &str) -> Result<Vec<String>, Unreadable> {
            let now = self.0.replace(true);
            Ok(BOOK.folder.names(folder)?.into_iter().filter(|name| now || name == "5.note").collect())
        }
    }
    let report = verify(&Live(Cell::new(false)), &BOOK.scheduled_trust(), &Options::default());
    assert_eq!((faults(&report), report.checkpoints), (Vec::new(), 5));
}

#[test]
fn keys_that_the_schedule_does_not_have_or_that_come_out_of_turn_are_named() {
    let mut book = Book::begin_epochs(1);
    book.next_epoch(2);
    let seq = Some(book.records.len() as u64);
    let mut stranger = book.clone();
    let record = String::from_utf8(stranger.records[1].clone()).unwrap();
    let key = seal::base64(EPOCHS.key(0).unwrap().as_bytes());
    stranger.records[1] = record.replace(&key, &seal::base64(EPOCHS.key(1).unwrap().as_bytes())).into();
    let report = judge(&stranger.rewrite(stranger.records.clone()).folder);
    assert!(faults(&report).contains(&Fault::KeyUnproven), "{:?}", report.problems);
    let mut back = book.clone();
    back.announce(1);
    back.publish();
    let report = judge(&back.folder);
    assert_eq!((faults(&report), report.problems[0].seq), (vec![Fault::KeyOrder { epoch: 1 }], seq));
    let mut early = book;
    early.announce(3);
    early.publish();
    assert_eq!(faults(&judge(&early.folder)), [Fault::KeyEarly { epoch: 3 }]);
}

#[test]
fn a_gateway_that_keeps_yesterdays_key_is_told_of_and_one_that_was_off_or_set_right_is_not() {
    let late = |wait: u64, kind: Kind| {
        let mut book = Book::begin_epochs(1);
        book.now = book.schedule().begins(1).0 + 100;
        book.plain(Kind::Beat);
        book.now += wait;
        book.plain(kind);
        book.plain(Kind::Beat);
        book.publish();
        faults(&judge(&book.folder))
    };
    assert_eq!(late(DAY / 24 - 1000, Kind::Beat), []);
    assert_eq!(late(DAY / 24 + 1000, Kind::Beat), [Fault::KeyLate { epoch: 0 }]);
    assert_eq!(late(30 * DAY, Kind::Boot), []);
    assert_eq!(late(30 * DAY, Kind::Clock), []);
}

#[test]
fn the_last_epoch_stays_and_says_so() {
    let mut book = Book::begin_epochs(1);
    book.next_epoch(4095);
    book.now += 100 * DAY;
    book.plain(Kind::Beat);
    book.now += DAY;
    book.plain(Kind::Beat);
    book.publish();
    let report = judge(&book.folder);
    assert_eq!((faults(&report), report.epochs.unwrap().spent), (Vec::new(), true));
    assert_eq!(book.schedule().epoch(Millis(book.now)), 4095);
}

#[test]
fn an_auditor_with_a_schedule_is_not_given_a_ledger_without() {
    let mut bare = Book::begin(1);
    bare.publish();
    let report = judge(&bare.folder);
    assert_eq!(faults(&report)[0], Fault::Schedule);
    let before = bare.judge(&bare.folder);
    assert_eq!(
        (before.class(), before.epochs),
        (None, None),
        "a ledger that was begun without epochs is judged as before"
    );
}

#[test]
fn the_log_says_less_while_records_are_missing_and_goes_on_after_them() {
    let mut book = Book::begin_epochs(1);
    while book.records.len() < 300 {
        book.plain(Kind::Beat);
    }
    book.publish();
    book.next_epoch(1);
    book.plain(Kind::Beat);
    book.publish();
    let mut folder = book.folder.clone();
    folder.0.remove("tile/entries/000").unwrap();
    assert_eq!(faults(&judge(&folder)), [Fault::Missing]);
    let signer = epoch_signer(&book.origin, 0);
    let mut note = book.head().sign(&book.signer).unwrap();
    note.add(&signer).unwrap();
    folder.0.insert("checkpoint".to_owned(), note.to_string().into_bytes());
    assert_eq!(faults(&judge(&folder)), [Fault::Missing, Fault::EpochSignature { epoch: 1 }]);
}
