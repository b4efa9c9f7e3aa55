//! What a damaged disk does to a ledger: a torn write is cut, anything else keeps it shut.

use super::{
    copy, flood, folder, image, kinds, numbers, open, opening, segments, settings, settle, unpublished, verify, write,
};
use crate::wal::WalError;
use crate::{OpenError, Reader, Store};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where the frames begin in the only segment, in order, and where the last one ends.
pub(super) fn frames(folder: &Path) -> Vec<u64> {
    let mut walker = crate::wal::Walker::new(&folder.join("wal"), crate::publisher::BEGINNING, 0, None);
    let mut begins = Vec::new();
    while let crate::wal::Step::Frame(_, at) = walker.step().unwrap() {
        begins.push(at.offset);
    }
    begins.push(walker.position().offset);
    begins
}

fn spoil(path: &Path, at: u64, bytes: &[u8]) {
    File::options().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
}

pub(super) fn flip(path: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

/// A crash image with ten frames that nothing was published of, each with one record.
fn ten() -> tempfile::TempDir {
    let folder = folder();
    let store = unpublished(folder.path());
    for number in 0..8 {
        write(&store, number);
    }
    image(folder.path())
}

#[test]
fn f7_a_torn_tail_is_cut_at_whatever_block_and_put_on_record() {
    let ten = ten();
    let begins = frames(ten.path());
    assert_eq!(begins.len(), 11);
    for (kept, end) in begins.into_iter().enumerate().skip(2) {
        let crashed = image(ten.path());
        let segment = &segments(crashed.path())[0];
        let length = segment.metadata().unwrap().len();
        spoil(segment, end, &vec![0; usize::try_from(length - end).unwrap()]);
        // Half a header, and something in a block further on, as blocks may land in any order.
        spoil(segment, end, &[0xf7, b'P', b'N']);
        spoil(segment, end + 8192, &[0xff; 100]);
        let (store, recovery) = open(crashed.path());
        assert_eq!((recovery.torn, recovery.size), (8192 + 100, kept as u64));
        write(&store, 100);
        store.close();
        let mut expected: Vec<u64> = (0..kept as u64 - 2).collect();
        expected.push(100);
        assert_eq!(numbers(crashed.path()), expected);
        assert_eq!(kinds(crashed.path())[kept..=kept + 1], ["boot", "storage"]);
        assert_eq!(verify(crashed.path()), [""; 0]);
        assert_eq!(open(crashed.path()).1.torn, 0);
    }
}

#[test]
fn a_clean_end_costs_nothing() {
    let ten = ten();
    let (store, recovery) = open(ten.path());
    assert_eq!((recovery.torn, recovery.size, recovery.replayed), (0, 10, 10));
    drop(store);
    assert_eq!(numbers(ten.path()), (0..8).collect::<Vec<_>>());
}

#[test]
fn f7_damage_with_valid_frames_behind_it_keeps_the_ledger_shut_and_untouched() {
    let ten = ten();
    let begins = frames(ten.path());
    for (frame, begin) in begins.iter().enumerate().take(9) {
        for at in [0, 9, 20, 30, 70, 100, 161, 170, 300] {
            let crashed = image(ten.path());
            let segment = &segments(crashed.path())[0];
            flip(segment, begin + at);
            let before = std::fs::read(segment).unwrap();
            let error = Store::open(crashed.path(), &opening(settings())).unwrap_err();
            assert!(
                matches!(&error, OpenError::Wal(WalError::Corrupt { seq, .. }) if *seq == frame as u64),
                "frame {frame}, byte {at}: {error}"
            );
            assert_eq!(std::fs::read(segment).unwrap(), before);
        }
    }
}

#[test]
fn a_flipped_bit_in_the_very_last_frame_looks_like_a_torn_write() {
    let ten = ten();
    let begins = frames(ten.path());
    flip(&segments(ten.path())[0], begins[9] + 200);
    let (_store, recovery) = open(ten.path());
    assert!(recovery.torn > 0 && recovery.size == 9);
}

#[test]
fn f7_damage_before_a_later_segment_is_corruption_too() {
    let folder = folder();
    let store = unpublished(folder.path());
    settle(flood(&store, 0..900, 900));
    let crashed = image(folder.path());
    let all = segments(crashed.path());
    assert!(all.len() >= 3);
    // The first segment loses its last frame: the next one continues something that is gone.
    let length = all[0].metadata().unwrap().len();
    let begins: Vec<u64> =
        frames(crashed.path()).windows(2).take_while(|pair| pair[0] < pair[1]).map(|pair| pair[0]).collect();
    let last = *begins.last().unwrap();
    spoil(&all[0], last, &vec![0; usize::try_from(length - last).unwrap()]);
    let error = Store::open(crashed.path(), &opening(settings())).unwrap_err();
    assert!(matches!(error, OpenError::Wal(WalError::Corrupt { .. })), "{error}");
    // A segment from the middle that is gone altogether is missed as well.
    copy(folder.path(), crashed.path());
    std::fs::remove_file(&all[1]).unwrap();
    let error = Store::open(crashed.path(), &opening(settings())).unwrap_err();
    assert!(matches!(error, OpenError::Wal(WalError::Corrupt { .. })), "{error}");
}

#[test]
fn f8_zeros_garbage_or_an_old_frame_behind_the_end_are_no_records() {
    let folder = folder();
    let store = unpublished(folder.path());
    settle(flood(&store, 0..900, 900));
    let whole = image(folder.path());
    drop(store);
    let mut walker = crate::wal::Walker::new(&whole.path().join("wal"), crate::publisher::BEGINNING, 0, None);
    while let crate::wal::Step::Frame(..) = walker.step().unwrap() {}
    let end = walker.position();
    assert!(end.segment > 0);
    let old = std::fs::read(&segments(whole.path())[0]).unwrap()[..8192].to_vec();
    let garbage: Vec<u8> = (0..8192_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for (stale, torn) in [(vec![0; 8192], false), (garbage, true), (old, true)] {
        let crashed = image(whole.path());
        spoil(&crate::segment::path(&crashed.path().join("wal"), end.segment), end.offset, &stale);
        let (store, recovery) = open(crashed.path());
        assert_eq!((recovery.size, recovery.torn > 0), (902, torn));
        write(&store, 1000);
        store.close();
        let expected: Vec<u64> = (0..900).chain([1000]).collect();
        assert_eq!((numbers(crashed.path()), verify(crashed.path())), (expected, Vec::new()));
    }
}

#[test]
fn f8_a_frame_that_is_whole_but_continues_another_is_not_taken() {
    let ten = ten();
    let begins = frames(ten.path());
    let segment = segments(ten.path()).remove(0);
    let bytes = std::fs::read(&segment).unwrap();
    // The last frame again, in the place of the one before it: its checksum is right, its place is not.
    let (from, to) = (begins[9] as usize, begins[10] as usize);
    spoil(&segment, begins[8], &bytes[from..to]);
    let error = Store::open(ten.path(), &opening(settings())).unwrap_err();
    assert!(matches!(error, OpenError::Wal(WalError::Chain { seq: 8, .. })), "{error}");
}

#[test]
fn a_frame_of_another_key_is_not_taken() {
    let ten = ten();
    let mut other = opening(settings());
    other.key = std::sync::Arc::new(seal::SigningKey::from_seed([9; 32].into()));
    assert!(matches!(Store::open(ten.path(), &other), Err(OpenError::Signature(0))));
}

/// A closed, published ledger.
fn published() -> tempfile::TempDir {
    let folder = folder();
    // One segment, though each record may come to stand in a group of its own.
    let roomy = crate::Settings { segment_bytes: 8 << 20, ..settings() };
    let (store, _) = Store::open(folder.path(), &opening(roomy)).unwrap();
    settle(flood(&store, 0..600, 20));
    store.close();
    folder
}

fn refuses(folder: &Path, expected: impl Fn(&OpenError) -> bool) {
    let error = Store::open(folder, &opening(settings())).unwrap_err();
    assert!(expected(&error), "{error}");
}

#[test]
fn published_files_that_are_gone_or_older_keep_the_ledger_shut() {
    let whole = published();
    let check = |spoil: &dyn Fn(&Path), expected: &dyn Fn(&OpenError) -> bool| {
        let copy = image(whole.path());
        spoil(copy.path());
        refuses(copy.path(), expected);
    };
    check(&|f| std::fs::remove_file(f.join("checkpoints/lock")).unwrap(), &|e| matches!(e, OpenError::LockMissing(_)));
    check(&|f| flip(&f.join("checkpoints/lock"), 30), &|e| matches!(e, OpenError::LockDamaged(_)));
    check(&|f| std::fs::remove_dir_all(f.join("wal")).unwrap(), &|e| matches!(e, OpenError::WalMissing(_)));
    check(&|f| std::fs::remove_file(f.join("tile/1/000.p/2")).unwrap(), &|e| matches!(e, OpenError::Tile(_)));
    check(&|f| flip(&f.join("tile/1/000.p/2"), 5), &|e| matches!(e, OpenError::Tree(602)));
    check(&|f| flip(&f.join("tile/entries/002.p/90"), 50), &|e| matches!(e, OpenError::Tile(_)));
    check(&|f| flip(&f.join("checkpoint"), 5), &|e| matches!(e, OpenError::Checkpoint(_)));
}

#[test]
fn a_lock_record_from_a_backup_is_noticed() {
    let folder = folder();
    open(folder.path()).0.close();
    let old = std::fs::read(folder.path().join("checkpoints/lock")).unwrap();
    open(folder.path()).0.close();
    std::fs::write(folder.path().join("checkpoints/lock"), old).unwrap();
    refuses(folder.path(), |error| matches!(error, OpenError::RolledBack { published: 3, lock: 2 }));
}

#[test]
fn a_flipped_bit_in_any_published_file_is_found_by_the_verifier() {
    let whole = published();
    let mut checked = 0;
    for name in ["checkpoint", "tile/0/000", "tile/0/002.p/90", "tile/1/000.p/2", "tile/entries/001"] {
        let length = whole.path().join(name).metadata().unwrap().len();
        for at in (0..length).step_by(usize::try_from(length / 17 + 1).unwrap()) {
            let copy = image(whole.path());
            flip(&copy.path().join(name), at);
            assert_ne!(verify(copy.path()), [""; 0], "{name} byte {at}");
            checked += 1;
        }
    }
    assert!(checked > 60);
}

#[test]
fn a_reader_names_the_file_that_is_damaged() {
    let whole = published();
    std::fs::remove_file(whole.path().join("tile/entries/001")).unwrap();
    let mut records = Reader::open(whole.path()).unwrap().records(0, crate::Filter::default());
    let error = records.find_map(Result::err).unwrap();
    assert!(error.to_string().contains("tile/entries/001"), "{error}");
    assert!(records.next().is_none());
}

pub(super) fn audited(folder: &Path) -> Result<crate::Audit, crate::AuditFault> {
    let key = std::fs::read_to_string(folder.join("trust/ledger.vkey")).unwrap();
    let key = seal::note::Verifier::parse(key.trim()).unwrap();
    let published = Reader::open(folder).unwrap().published().unwrap().unwrap().0;
    crate::audit(folder, &published, &[key])
}

#[test]
fn the_auditor_sees_a_flipped_bit_in_any_frame_or_the_lock_record() {
    let whole = published();
    let audit = audited(whole.path()).unwrap();
    assert!(audit.segments > 0 && audit.heads > 1 && audit.unpublished == 0 && audit.torn == 0);
    let segment = segments(whole.path()).remove(0).strip_prefix(whole.path()).unwrap().to_owned();
    let begins = frames(whole.path());
    for (frame, pair) in begins.windows(2).enumerate() {
        // The last place is in the zeros that fill the frame's last block.
        for at in [3, 10, 30, 60, 70, 100, 162, 180, pair[1] - pair[0] - 1] {
            let copy = image(whole.path());
            flip(&copy.path().join(&segment), pair[0] + at);
            assert_eq!(audited(copy.path()).unwrap_err().class() as u8, 10, "frame {frame}, byte {at}");
        }
    }
    let copy = image(whole.path());
    flip(&copy.path().join("checkpoints/lock"), 70);
    assert!(matches!(audited(copy.path()), Err(crate::AuditFault::Lock)));
}

#[test]
fn the_auditor_checks_what_is_not_published_yet() {
    let folder = folder();
    open(folder.path()).0.close();
    let store = unpublished(folder.path());
    for number in 0..5 {
        write(&store, number);
    }
    assert_eq!(audited(folder.path()).unwrap().unpublished, 6);
    let copy = image(folder.path());
    std::fs::remove_dir_all(copy.path().join("wal")).unwrap();
    assert_eq!(audited(copy.path()).unwrap(), crate::Audit::default());
}
