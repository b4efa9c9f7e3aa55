//! Content that is kept, opened, lost and tampered with.

use super::{BlobError, Blobs, Content};
use plant::{Millis, RecordId, Sealed};
use seal::envelope::Salt;
use seal::{OpeningKey, Recipient};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;
use zeroize::Zeroizing;

const NOVEMBER: Millis = Millis(1_795_000_000_000);

struct Case {
    folder: TempDir,
    blobs: Blobs,
}

fn holder(byte: u8) -> OpeningKey {
    OpeningKey::from_bytes(Zeroizing::new([byte; 32])).unwrap()
}

fn record(byte: u8) -> RecordId {
    RecordId::new(NOVEMBER, [byte; 10])
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { blobs: Blobs::new(folder.path()), folder }
    }

    fn keep(&self, byte: u8, auditors: &[Recipient], bytes: &[u8]) -> Sealed {
        let salt = Salt::from_bytes(Zeroizing::new([byte; 32]));
        let content = Content { record: record(byte), at: NOVEMBER, subject: "operator.op-1", salt: &salt, bytes };
        self.blobs.keep(&holder(1), auditors, content).unwrap()
    }

    fn open(&self, byte: u8, sealed: &Sealed, by: u8) -> Result<Vec<u8>, BlobError> {
        self.blobs.open(record(byte), sealed, &holder(by)).map(|opened| opened.content.to_vec())
    }

    fn blob(&self, sealed: &Sealed) -> std::path::PathBuf {
        self.folder.path().join("blobs").join(&sealed.blob[..2]).join(&sealed.blob)
    }
}

#[test]
fn what_is_kept_opens_to_the_gateway_and_the_auditor_and_to_nobody_else() {
    let case = Case::new();
    let sealed = case.keep(1, &[holder(2).recipient()], b"the recipe");
    assert_eq!(sealed.key, "2026-11/operator.op-1");
    for by in [1, 2] {
        assert_eq!(case.open(1, &sealed, by).unwrap(), b"the recipe");
    }
    assert!(matches!(case.open(1, &sealed, 3), Err(BlobError::NotYours(_))));
    for path in [case.blob(&sealed), case.folder.path().join("seals").join(&sealed.key)] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let bytes = fs::read(path).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"recipe"));
    }
}

#[test]
fn without_its_key_nothing_of_a_month_opens_and_the_next_call_gets_a_fresh_one() {
    let case = Case::new();
    let (one, two) = (case.keep(1, &[], b"one"), case.keep(2, &[], b"two"));
    let path = case.folder.path().join("seals").join(&one.key);
    fs::remove_file(&path).unwrap();
    for (byte, sealed) in [(1, &one), (2, &two)] {
        assert!(matches!(case.open(byte, sealed, 1), Err(BlobError::KeyGone(_))));
    }
    let three = case.keep(3, &[], b"three");
    assert_eq!(case.open(3, &three, 1).unwrap(), b"three");
    assert!(matches!(case.open(1, &one, 1), Err(BlobError::Envelope(_))));
}

#[test]
fn an_auditor_who_comes_opens_the_month_and_one_who_goes_does_not() {
    let case = Case::new();
    let first = case.keep(1, &[], b"first");
    assert!(case.open(1, &first, 2).is_err());
    let second = case.keep(2, &[holder(2).recipient()], b"second");
    assert_eq!(case.open(1, &first, 2).unwrap(), b"first");
    case.keep(3, &[], b"third");
    assert!(case.open(2, &second, 2).is_err());
    assert_eq!(case.open(2, &second, 1).unwrap(), b"second");
}

#[test]
fn an_envelope_that_is_gone_altered_or_of_another_record_is_told_apart() {
    let case = Case::new();
    let (one, two) = (case.keep(1, &[], b"one"), case.keep(2, &[], b"two"));
    assert!(matches!(case.open(2, &one, 1), Err(BlobError::Differs(_))));
    let mut bytes = fs::read(case.blob(&one)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(case.blob(&one), bytes).unwrap();
    assert!(matches!(case.open(1, &one, 1), Err(BlobError::Differs(_))));
    fs::remove_file(case.blob(&two)).unwrap();
    assert!(matches!(case.open(2, &two, 1), Err(BlobError::Gone(_))));
    let astray = Sealed { blob: "../../etc/passwd".to_owned(), ..two };
    assert!(matches!(case.open(2, &astray, 1), Err(BlobError::Name(_))));
}

#[test]
fn a_key_in_another_subjects_place_is_not_used() {
    let case = Case::new();
    let sealed = case.keep(1, &[], b"one");
    let seals = case.folder.path().join("seals/2026-11");
    fs::copy(seals.join("operator.op-1"), seals.join("operator.op-2")).unwrap();
    let salt = Salt::from_bytes(Zeroizing::new([9; 32]));
    let content = Content { record: record(9), at: NOVEMBER, subject: "operator.op-2", salt: &salt, bytes: b"theirs" };
    assert!(matches!(case.blobs.keep(&holder(1), &[], content), Err(BlobError::Name(_))));
    assert_eq!(case.open(1, &sealed, 1).unwrap(), b"one");
}

#[test]
fn calls_of_one_person_at_once_share_one_key() {
    let case = Case::new();
    let sealed: Vec<Sealed> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..9)
            .map(|byte| {
                let case = &case;
                scope.spawn(move || case.keep(byte, &[], &[byte]))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (byte, sealed) in (1..9).zip(&sealed) {
        assert_eq!(case.open(byte, sealed, 1).unwrap(), [byte]);
    }
}
