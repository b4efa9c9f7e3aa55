//! Attacks and faults on a whole ledger, by their numbers in the design (A1 flipped bits, A2 rebuilt trees, ...).

use crate::ledger::verify::{Class, Fault, Options, Problem, Report, verify};
use crate::ledger::{Checkpoint, Head, Tile};
use crate::support::{Book, Folder, sign_as};
use plant::{Body, Draft, Kind};
use proptest::prelude::{ProptestConfig, any, prop, proptest};
use std::sync::LazyLock;

/// 601 records in three bundles, published three times, with a crash and a call under way.
static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let mut book = Book::begin(1);
    book.calls(100);
    let lost = book.intent();
    book.publish();
    book.reboot();
    book.abandon(lost);
    book.calls(50);
    book.publish();
    book.plain(Kind::Refuse);
    book.calls(147);
    book.intent();
    book.publish();
    book
});

/// The problems, one a line.
fn shown(report: &Report) -> String {
    report.problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn only(report: &Report) -> &Problem {
    assert_eq!(report.problems.len(), 1, "{}", shown(report));
    &report.problems[0]
}

fn id_of(record: &[u8]) -> Option<plant::RecordId> {
    Head::parse(record).ok().map(|head| head.id)
}

/// Re-stamps records so that places and links fit again: what a forger with the key would do.
fn relink(records: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut linked: Vec<Vec<u8>> = Vec::new();
    for record in records {
        let head = Head::parse(&record).unwrap();
        let prev = linked.last().map_or([0; 32], |last| crate::ledger::leaf_hash(last));
        let text = String::from_utf8(record.clone()).unwrap();
        let text = text
            .replace(&seal::hex(&head.prev), &seal::hex(&prev))
            .replace(&format!("\"seq\":{},", head.seq), &format!("\"seq\":{},", linked.len()));
        linked.push(text.into_bytes());
    }
    linked
}

#[test]
fn a_whole_ledger_is_found_whole() {
    let report = BOOK.judge(&BOOK.folder);
    assert_eq!((report.class(), shown(&report).as_str()), (None, ""));
    assert_eq!(report.exit_code(), 0);
    assert_eq!(report.records, BOOK.records.len() as u64);
    assert_eq!(report.bytes, BOOK.records.iter().map(|record| record.len() as u64).sum::<u64>());
    assert_eq!((report.checkpoints, report.tiles, report.under_way, report.ahead), (3, 4, 1, None));
    assert_eq!(report.checkpoint, Some(BOOK.head()));
    assert_eq!((report.kinds["intent"], report.kinds["abandon"], report.kinds["boot"]), (299, 1, 2));
    assert!(report.complete_judged);
}

#[test]
fn ledgers_at_tile_boundaries_are_found_whole() {
    let mut book = Book::begin(2);
    for size in [255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537] {
        while book.records.len() < size {
            book.plain(Kind::Beat);
        }
        book.publish();
        let report = book.judge(&book.folder);
        assert_eq!((report.class(), report.records), (None, size as u64), "{}", shown(&report));
    }
}

#[test]
fn an_empty_ledger_is_whole_and_a_folder_without_one_is_undecided() {
    let mut empty = Book::begin(3);
    empty.records.clear();
    empty.publish();
    assert_eq!(empty.judge(&empty.folder).class(), None);
    let report = empty.judge(&Folder::default());
    assert_eq!((report.class(), only(&report).fault.clone()), (Some(Class::Undecided), Fault::NoCheckpoint));
}

#[test]
fn an_altered_record_is_named() {
    let mut folder = BOOK.folder.clone();
    let bundle = folder.0.get_mut("tile/entries/001").unwrap();
    let at = bundle.windows(5).position(|window| window == b"10.20").unwrap();
    bundle[at] = b'9';
    let report = BOOK.judge(&folder);
    let problem = only(&report);
    let seq = 256;
    assert_eq!((problem.class, &problem.fault, problem.seq), (Class::Tampered, &Fault::Altered, Some(seq)));
    assert_eq!(problem.id, id_of(&BOOK.records[256]));
    assert_eq!(problem.file.as_deref(), Some("tile/entries/001"));
    assert!(!report.complete_judged);
}

#[test]
fn an_altered_length_names_the_first_record_that_is_wrong() {
    for (flip, byte) in [(1, 1), (0, 4)] {
        let mut folder = BOOK.folder.clone();
        let bundle = folder.0.get_mut("tile/entries/000").unwrap();
        let before: usize = BOOK.records[..17].iter().map(|record| record.len() + 2).sum();
        bundle[before + flip] ^= byte;
        let report = BOOK.judge(&folder);
        assert_eq!(only(&report).seq, Some(17));
        assert!(matches!(only(&report).fault, Fault::Tile(_)));
        assert_eq!(report.class(), Some(Class::Tampered));
    }
}

#[test]
fn missing_files_are_named_and_the_rest_is_still_judged() {
    for (path, class) in [
        ("tile/entries/001", Class::Incomplete),
        ("tile/entries/002.p/89", Class::Incomplete),
        ("tile/0/001", Class::Incomplete),
        ("tile/1/000.p/2", Class::Incomplete),
        ("checkpoint", Class::Undecided),
    ] {
        let mut folder = BOOK.folder.clone();
        assert!(folder.0.remove(path).is_some(), "{path}");
        let report = BOOK.judge(&folder);
        assert_eq!((report.class(), only(&report).file.as_deref()), (Some(class), Some(path)));
    }
    let mut folder = BOOK.folder.clone();
    folder
        .0
        .retain(|path, _| !path.starts_with("checkpoints/") && Tile::parse(path).is_none_or(|_| !path.ends_with("/1")));
    assert_eq!(BOOK.judge(&folder).class(), None, "old checkpoints are not needed");
}

#[test]
fn a_file_that_cannot_be_read_leaves_it_undecided() {
    let mut folder = BOOK.folder.clone();
    folder.0.insert("tile/1/000.p/2".to_owned(), vec![0; 1 << 20]);
    let report = BOOK.judge(&folder);
    assert_eq!((report.class(), only(&report).file.as_deref()), (Some(Class::Undecided), Some("tile/1/000.p/2")));
}

#[test]
fn a_tree_that_was_rebuilt_needs_the_key() {
    let mut records = BOOK.records.clone();
    records[120] = String::from_utf8(records[120].clone()).unwrap().replace("10.20", "10.99").into_bytes();
    let mut forged = BOOK.rewrite(relink(records));
    // Without the key: the old head, or one of the forger's own.
    forged.folder.0.insert("checkpoint".to_owned(), BOOK.folder.0["checkpoint"].clone());
    assert_eq!(BOOK.judge(&forged.folder).class(), Some(Class::Tampered));
    forged.signer = sign_as(&BOOK.origin.to_string(), 99);
    forged.folder.0.retain(|path, _| !path.starts_with("checkpoint"));
    forged.sign();
    let report = BOOK.judge(&forged.folder);
    assert_eq!(report.class(), Some(Class::Tampered));
    assert!(matches!(only(&report).fault, Fault::Checkpoint(_)));
}

#[test]
fn with_earlier_checkpoints_at_hand_a_rebuilt_tree_is_narrowed_down() {
    let mut records = BOOK.records.clone();
    records[230] = String::from_utf8(records[230].clone()).unwrap().replace("10.20", "10.99").into_bytes();
    let mut folder = BOOK.rewrite(relink(records)).folder;
    folder.0.extend(BOOK.folder.0.clone().into_iter().filter(|(path, _)| path.starts_with("checkpoint")));
    let report = BOOK.judge(&folder);
    assert!(shown(&report).contains("the first wrong one is in 203..305"), "{}", shown(&report));
}

#[test]
fn a2_records_left_out_swapped_doubled_or_put_in_are_seen_though_the_key_signed() {
    let altered = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut records = BOOK.records.clone();
        change(&mut records);
        BOOK.judge(&BOOK.rewrite(records).folder)
    };
    let left_out = altered(&|records| drop(records.remove(120)));
    assert_eq!((left_out.class(), left_out.problems[0].seq), (Some(Class::Incomplete), Some(120)));
    assert_eq!(left_out.problems[0].fault, Fault::Place { says: 121 });
    let swapped = altered(&|records| records.swap(120, 121));
    assert_eq!((swapped.class(), swapped.problems[0].seq), (Some(Class::Tampered), Some(120)));
    let doubled = altered(&|records| records.insert(120, records[120].clone()));
    assert_eq!(doubled.problems[0].fault, Fault::Place { says: 120 });
    let changed = altered(&|records| {
        records[120] = String::from_utf8(records[120].clone()).unwrap().replace("10.20", "10.99").into_bytes();
    });
    assert_eq!((only(&changed).seq, &only(&changed).fault), (Some(121), &Fault::Chain));
    let garbage = altered(&|records| records[120] = b"{}".to_vec());
    assert!(matches!(garbage.problems[0].fault, Fault::Malformed(_)));
    assert_eq!(garbage.problems[0].seq, Some(120));
}

#[test]
fn a17_a_relinked_ledger_without_an_intent_or_an_outcome_is_incomplete() {
    for (seq, fault) in [(120, Fault::NoIntent), (121, Fault::Unclosed)] {
        let mut records = BOOK.records.clone();
        records.remove(seq);
        let report = BOOK.judge(&BOOK.rewrite(relink(records)).folder);
        assert_eq!((report.class(), only(&report).fault.clone()), (Some(Class::Incomplete), fault));
        assert_eq!(only(&report).seq, Some(120));
    }
}

#[test]
fn the_same_record_closed_twice_or_begun_twice_is_seen() {
    let mut book = Book::begin(4);
    let intent = book.intent();
    book.outcome(intent);
    book.abandon(intent);
    let twice = book.intent();
    book.write(&Draft { kind: Kind::Intent, id: twice, reference: None, body: Body::default() });
    book.publish();
    let report = book.judge(&book.folder);
    assert_eq!((report.problems[0].fault.clone(), report.problems[1].fault.clone()), (Fault::NoIntent, Fault::IdTwice));
}

#[test]
fn calls_of_before_a_crash_may_be_open_only_while_the_gateway_cleans_up() {
    let mut book = Book::begin(5);
    book.intent();
    book.reboot();
    book.publish();
    let report = book.judge(&book.folder);
    assert_eq!((report.class(), report.under_way), (None, 1));
    book.calls(1);
    book.publish();
    let report = book.judge(&book.folder);
    assert_eq!((report.class(), report.under_way), (Some(Class::Incomplete), 0));
    assert_eq!((only(&report).fault.clone(), only(&report).seq), (Fault::Unclosed, Some(2)));
}

#[test]
fn a12_time_goes_back_only_beside_a_clock_record() {
    let mut book = Book::begin(6);
    book.calls(1);
    let (before, mono) = (book.clone(), book.now);
    book.now -= 5000;
    book.boot += 1;
    let mut honest = book.clone();
    book.plain(Kind::Boot);
    book.publish();
    assert_eq!(only(&book.judge(&book.folder)).fault, Fault::ClockBack { by: 4993 });
    honest.plain(Kind::Clock);
    honest.plain(Kind::Boot);
    honest.publish();
    assert_eq!(honest.judge(&honest.folder).class(), None);
    let mut frozen = before;
    frozen.now = mono - 5000;
    frozen.plain(Kind::Clock);
    frozen.publish();
    assert_eq!(only(&frozen.judge(&frozen.folder)).fault, Fault::Order, "the machine's own clock does not go back");
}

#[test]
fn the_genesis_binds_the_records_to_the_name() {
    let mut cloned = Book::begin(7);
    cloned.records[0] = Book::begin(8).records[0].clone();
    let cloned = cloned.rewrite(relink(cloned.records.clone()));
    assert_eq!(only(&cloned.judge(&cloned.folder)).fault, Fault::Genesis);
    let mut second = Book::begin(9);
    let id = second.id();
    let genesis = second.origin.begin(id, second.signer.verifier(), None);
    second.write(&genesis);
    second.publish();
    assert_eq!(only(&second.judge(&second.folder)).fault, Fault::SecondGenesis);
}

#[test]
fn a5_a_ledger_cut_short_is_seen_by_who_kept_a_checkpoint() {
    let short = BOOK.rewrite(BOOK.records[..400].to_vec());
    assert_eq!(short.judge(&short.folder).class(), None, "nothing inside a log shows that its end is missing");
    let known = Some(BOOK.folder.0["checkpoint"].clone());
    let report = verify(&short.folder, &BOOK.trust(), &Options { known });
    let fault = Fault::Shorter { size: BOOK.records.len() as u64 };
    assert_eq!((report.class(), only(&report).fault.clone()), (Some(Class::Incomplete), fault));
}

#[test]
fn a7_two_histories_under_one_key_convict_it() {
    let mut records = BOOK.records[..300].to_vec();
    records.pop();
    let mut other = BOOK.rewrite(records);
    other.calls(200);
    other.publish();
    for kept in ["checkpoints/305.note", "checkpoint"] {
        let known = Some(BOOK.folder.0[kept].clone());
        let report = verify(&other.folder, &BOOK.trust(), &Options { known });
        assert_eq!(report.class(), Some(Class::Forked), "{}", shown(&report));
    }
    let known = Some(BOOK.folder.0["checkpoints/203.note"].clone());
    assert_eq!(verify(&other.folder, &BOOK.trust(), &Options { known }).class(), None, "the common past agrees");
    // The note of the other history put back among the files convicts as well.
    other.folder.0.insert("checkpoints/305.note".to_owned(), BOOK.folder.0["checkpoints/305.note"].clone());
    let report = other.judge(&other.folder);
    assert_eq!((report.class(), &only(&report).fault), (Some(Class::Forked), &Fault::Forked { size: 305 }));
}

#[test]
fn a_known_checkpoint_that_proves_nothing_is_said_to_prove_nothing() {
    let stranger = Book::begin(50);
    let foreign = stranger.head().sign(&stranger.signer).unwrap().to_string().into_bytes();
    for known in [b"junk".to_vec(), foreign] {
        let report = verify(&BOOK.folder, &BOOK.trust(), &Options { known: Some(known) });
        assert_eq!(report.class(), Some(Class::Undecided));
    }
}

#[test]
fn one_signed_head_beyond_the_published_one_is_the_moment_of_publishing_two_are_a_loss() {
    let mut folder = BOOK.folder.clone();
    folder.0.insert("checkpoint".to_owned(), BOOK.folder.0["checkpoints/305.note"].clone());
    let report = BOOK.judge(&folder);
    assert_eq!((report.class(), report.ahead), (None, Some(BOOK.records.len() as u64)), "{}", shown(&report));
    folder.0.insert("checkpoint".to_owned(), BOOK.folder.0["checkpoints/203.note"].clone());
    let report = BOOK.judge(&folder);
    assert_eq!(report.class(), Some(Class::Incomplete), "{}", shown(&report));
}

#[test]
fn a_note_under_another_size_is_seen() {
    let mut folder = BOOK.folder.clone();
    folder.0.insert("checkpoints/204.note".to_owned(), BOOK.folder.0["checkpoints/203.note"].clone());
    let report = BOOK.judge(&folder);
    assert_eq!((only(&report).fault.clone(), report.class()), (Fault::CheckpointName, Some(Class::Tampered)));
}

#[test]
fn a_wall_of_problems_is_counted_not_listed() {
    let mut book = Book::begin(10);
    for _ in 0..500 {
        book.push(b"junk".to_vec());
    }
    book.publish();
    let report = book.judge(&book.folder);
    assert_eq!((report.problems.len(), report.unlisted), (100, 400));
}

#[test]
fn absurd_sizes_end_at_the_first_missing_file() {
    let mut folder = Folder::default();
    let head = Checkpoint { size: (1 << 63) - 1, ..BOOK.head() };
    folder.0.insert("checkpoint".to_owned(), head.sign(&BOOK.signer).unwrap().to_string().into_bytes());
    let report = BOOK.judge(&folder);
    assert_eq!(report.class(), Some(Class::Incomplete));
    assert_eq!(report.problems.len(), 2, "{}", shown(&report));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_in_any_file_is_seen(file: prop::sample::Index, place: prop::sample::Index, bit in 0_u8..8) {
        let needed = |path: &String| !matches!(Tile::parse(path), Some(tile) if !tile.is_full() && !CURRENT.contains(&tile.path().as_str()));
        let paths: Vec<&String> = BOOK.folder.0.keys().filter(|path| needed(path)).collect();
        let path = paths[file.index(paths.len())].clone();
        let mut folder = BOOK.folder.clone();
        let bytes = folder.0.get_mut(&path).unwrap();
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let report = BOOK.judge(&folder);
        assert_eq!(report.class(), Some(Class::Tampered), "{path} {at} {bit}: {}", shown(&report));
        assert_eq!(report.problems.len(), 1, "{path} {at} {bit}: {}", shown(&report));
        assert_eq!(report.problems[0].file.as_deref(), Some(path.as_str()), "{at} {bit}: {}", shown(&report));
    }

    #[test]
    fn any_bytes_in_any_file_are_judged(file: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 0..400), cut: prop::sample::Index) {
        let paths: Vec<&String> = BOOK.folder.0.keys().collect();
        let path = paths[file.index(paths.len())].clone();
        let mut folder = BOOK.folder.clone();
        folder.0.insert(path.clone(), bytes);
        let _ = BOOK.judge(&folder);
        let mut folder = BOOK.folder.clone();
        let whole = folder.0.get_mut(&path).unwrap();
        whole.truncate(cut.index(whole.len()));
        let _ = BOOK.judge(&folder);
    }
}

/// The partial tiles of the current size; those of earlier sizes are not needed any more.
const CURRENT: [&str; 3] = ["tile/entries/002.p/89", "tile/0/002.p/89", "tile/1/000.p/2"];
