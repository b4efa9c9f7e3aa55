//! Witnesses: what a ledger whose owner turns against the auditor can still do, and what not (attacks A5 to A8, A11).

use crate::ledger::verify::{Class, Fault, Options, Report, Trust, verify};
use crate::support::{Book, Folder};
use seal::SigningKey;
use seal::cosignature::Cosigner;
use seal::note::Note;
use std::sync::{Arc, LazyLock};

/// Three heads: of 4, 8 and 12 records or so.
static BOOK: LazyLock<Book> = LazyLock::new(|| grow(Book::begin(1), 3));

const TIME: u64 = 1_700_000_000;

fn grow(mut book: Book, heads: usize) -> Book {
    for _ in 0..heads {
        book.calls(2);
        book.publish();
    }
    book
}

fn witness(seed: u8) -> Cosigner {
    Cosigner::new(format!("w{seed}.example"), Arc::new(SigningKey::from_seed([seed; 32].into()))).unwrap()
}

fn policy(quorum: &str) -> Trust {
    let [a, b] = [11, 12].map(|seed| witness(seed).witness().to_string());
    let text = format!("log {}\nwitness hilltop {a}\nwitness harbour {b}\n{quorum}\n", BOOK.signer.verifier());
    Trust::parse(&text).unwrap()
}

fn judge(folder: &Folder, quorum: &str) -> Report {
    verify(folder, &policy(quorum), &Options::default())
}

/// The note at `from`, cosigned, at `to`.
fn cosign(folder: &mut Folder, from: &str, to: &str, seeds: &[u8]) {
    let mut note = Note::parse(&folder.0[from]).unwrap();
    for seed in seeds {
        note.put(witness(*seed).sign(&note, TIME)).unwrap();
    }
    folder.0.insert(to.to_owned(), note.to_string().into_bytes());
}

fn sizes() -> Vec<u64> {
    let size = |path: &String| path.strip_prefix("checkpoints/")?.strip_suffix(".note")?.parse().ok();
    let mut sizes: Vec<u64> = BOOK.folder.0.keys().filter_map(size).collect();
    sizes.sort_unstable();
    sizes
}

const BOTH: &str = "group both all hilltop harbour\nquorum both";

#[test]
fn a_head_that_enough_have_seen_passes_wherever_their_signatures_lie() {
    let last = *sizes().last().unwrap();
    for to in ["checkpoint".to_owned(), format!("witnessed/{last}.note")] {
        let mut folder = BOOK.folder.clone();
        cosign(&mut folder, "checkpoint", &to, &[11, 12]);
        let report = judge(&folder, BOTH);
        assert_eq!((report.class(), report.exit_code()), (None, 0), "{to}: {:?}", report.problems);
        let seen = report.witnesses.unwrap().head;
        assert_eq!(seen.by, [("hilltop".to_owned(), TIME), ("harbour".to_owned(), TIME)]);
    }
    // One signature here and one there.
    let mut folder = BOOK.folder.clone();
    cosign(&mut folder, "checkpoint", &format!("witnessed/{last}.note"), &[12]);
    cosign(&mut folder, "checkpoint", "checkpoint", &[11]);
    assert_eq!(judge(&folder, BOTH).class(), None);
}

#[test]
fn a_head_without_a_quorum_is_named_with_those_who_are_missing() {
    let report = judge(&BOOK.folder, "quorum hilltop");
    let missing = "hilltop, harbour".to_owned();
    assert_eq!((&report.problems[0].fault, report.exit_code()), (&Fault::Unwitnessed { missing }, 13));
    let mut folder = BOOK.folder.clone();
    cosign(&mut folder, "checkpoint", "checkpoint", &[11]);
    assert_eq!(judge(&folder, "quorum hilltop").class(), None);
    let report = judge(&folder, BOTH);
    assert_eq!(
        report.problems[0].to_string(),
        "unwitnessed: checkpoint: not enough witnesses have signed the head; missing: harbour"
    );
    // Who asks for nobody is told of nobody; who has no policy, of nothing.
    assert_eq!(judge(&BOOK.folder, "quorum none").class(), None);
    assert_eq!(BOOK.judge(&BOOK.folder).witnesses, None);
}

#[test]
fn the_newest_head_that_enough_have_seen_is_told() {
    let mut folder = BOOK.folder.clone();
    let sizes = sizes();
    for (size, seeds) in [(sizes[0], &[11, 12][..]), (sizes[1], &[11])] {
        cosign(&mut folder, &format!("checkpoints/{size}.note"), &format!("witnessed/{size}.note"), seeds);
    }
    let newest = |quorum: &str| judge(&folder, quorum).witnesses.unwrap().newest;
    assert_eq!(
        (newest("quorum hilltop"), newest(BOTH), newest("quorum harbour")),
        (Some(sizes[1]), Some(sizes[0]), Some(sizes[0]))
    );
}

#[test]
fn a5_a_tail_cut_off_and_signed_anew_is_shown_by_one_witnessed_head() {
    let mut cut = BOOK.rewrite(BOOK.records[..usize::try_from(sizes()[1]).unwrap()].to_vec()).folder;
    assert_eq!(BOOK.judge(&cut).class(), None, "from inside it cannot be seen");
    let last = *sizes().last().unwrap();
    cut.0.insert("later".to_owned(), BOOK.folder.0["checkpoint"].clone());
    cosign(&mut cut, "later", &format!("witnessed/{last}.note"), &[11]);
    let report = judge(&cut, "quorum none");
    assert_eq!((&report.problems[0].fault, report.exit_code()), (&Fault::Shorter { size: last }, 12));
}

#[test]
fn a6_a_ledger_put_back_from_a_backup_and_continued_contradicts_what_was_witnessed() {
    let (first, last) = (sizes()[0], *sizes().last().unwrap());
    let mut records = BOOK.records[..usize::try_from(first).unwrap()].to_vec();
    let mut restored = BOOK.rewrite(std::mem::take(&mut records));
    restored.now += 5;
    let mut restored = grow(restored, 3);
    assert_eq!(BOOK.judge(&restored.folder).class(), None, "from inside it cannot be seen");
    restored.folder.0.insert("later".to_owned(), BOOK.folder.0["checkpoint"].clone());
    cosign(&mut restored.folder, "later", &format!("witnessed/{last}.note"), &[11]);
    let report = judge(&restored.folder, "quorum none");
    assert_eq!((report.class(), report.exit_code()), (Some(Class::Forked), 11), "{:?}", report.problems);
    // And with the head alone that somebody kept.
    let known = Options { known: Some(BOOK.folder.0["checkpoint"].clone()) };
    assert_eq!(verify(&restored.folder, &BOOK.trust(), &known).class(), Some(Class::Forked));
}

#[test]
fn a8_signatures_of_strangers_do_not_count_and_made_up_ones_are_named() {
    let mut strange = BOOK.folder.clone();
    cosign(&mut strange, "checkpoint", "checkpoint", &(20..60).collect::<Vec<_>>());
    assert_eq!(judge(&strange, "quorum hilltop").exit_code(), 13);
    // The line of a witness under an earlier head, moved to this one.
    let mut moved = BOOK.folder.clone();
    let mut note = Note::parse(&moved.0["checkpoint"]).unwrap();
    let earlier = Note::parse(&moved.0[&format!("checkpoints/{}.note", sizes()[0])]).unwrap();
    note.put(witness(11).sign(&earlier, TIME)).unwrap();
    moved.0.insert("checkpoint".to_owned(), note.to_string().into_bytes());
    let report = judge(&moved, "quorum none");
    assert_eq!((report.problems[0].file.as_deref(), report.exit_code()), (Some("checkpoint"), 10));
}

#[test]
fn a_witnessed_head_that_came_back_without_the_line_of_its_epoch_accuses_nobody() {
    let mut book = grow(Book::begin_epochs(1), 2);
    let size = book.head().size;
    let note = String::from_utf8(book.folder.0["checkpoint"].clone()).unwrap();
    let (kept, epoch) = note.trim_end().rsplit_once('\n').unwrap();
    assert!(epoch.contains("/epoch/"));
    book.folder.0.insert(format!("witnessed/{size}.note"), format!("{kept}\n").into_bytes());
    let book = grow(book, 1);
    assert_eq!(book.judge(&book.folder).problems, []);
}
