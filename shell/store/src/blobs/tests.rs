//! Content that is kept, opened, lost and tampered with.

use super::{BlobError, Blobs, Content, Scope};
use plant::{Millis, RecordId, Sealed};
use seal::envelope::Salt;
use seal::subject::KeyName;
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

fn subject(subject: &str, month: Option<&str>) -> Scope {
    Scope::subject(subject, month).unwrap()
}

impl Case {
    /// Keeps the content of another subject.
    fn keep_for(&self, byte: u8, subject: &str, at: Millis) -> Sealed {
        let salt = Salt::from_bytes(Zeroizing::new([byte; 32]));
        let content = Content { record: record(byte), at, subject, salt: &salt, bytes: b"theirs" };
        self.blobs.keep(&holder(1), &[], content).unwrap()
    }

    /// Every file below the folder that still has bytes of content or keys in it.
    fn left(&self) -> usize {
        let count = |folder: &str| {
            let files =
                |path: std::path::PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
            files(self.folder.path().join(folder)).filter(|path| path.is_dir()).flat_map(files).count()
        };
        count("seals") + count("blobs")
    }
}

#[test]
fn erasing_a_subjects_month_destroys_its_key_and_envelopes_and_no_others() {
    let case = Case::new();
    let (one, two) = (case.keep(1, &[], b"one"), case.keep(2, &[], b"two"));
    let october = case.keep_for(3, "operator.op-1", Millis(NOVEMBER.0 - 30 * 86_400_000));
    let other = case.keep_for(4, "operator.op-11", NOVEMBER);
    // What a crash leaves of a key and of an envelope is in it too.
    for path in [case.folder.path().join("seals").join(&one.key), case.blob(&one)] {
        fs::copy(&path, format!("{}.tmp", path.display())).unwrap();
    }
    let open = fs::File::open(case.blob(&one)).unwrap();
    let doomed = case.blobs.doomed(&subject("operator.op-1", Some("2026-11"))).unwrap();
    assert_eq!((doomed.keys().count(), doomed.envelopes()), (2, 3));
    doomed.destroy().unwrap();
    for (byte, sealed) in [(1, &one), (2, &two)] {
        assert!(matches!(case.open(byte, sealed, 1), Err(BlobError::Gone(_))));
    }
    let bytes = std::io::read_to_string(open).unwrap().into_bytes();
    assert!(!bytes.is_empty() && bytes.iter().all(|byte| *byte == 0), "overwritten where it lay");
    assert_eq!(case.open(3, &october, 1).unwrap(), b"theirs");
    assert_eq!(case.open(4, &other, 1).unwrap(), b"theirs");
    assert_eq!(case.left(), 4);
    case.blobs.doomed(&subject("operator.op-1", None)).unwrap().destroy().unwrap();
    assert!(case.open(3, &october, 1).is_err());
    assert!(case.blobs.doomed(&subject("operator.op-1", None)).unwrap().is_empty());
}

#[test]
fn an_envelope_that_was_overwritten_and_not_yet_removed_goes_with_the_next_erasure() {
    let case = Case::new();
    let one = case.keep(1, &[], b"one");
    let length = usize::try_from(case.blob(&one).metadata().unwrap().len()).unwrap();
    case.blobs.doomed(&subject("operator.op-1", None)).unwrap().destroy().unwrap();
    fs::write(case.blob(&one), vec![0; length]).unwrap();
    let doomed = case.blobs.doomed(&subject("operator.op-1", None)).unwrap();
    assert_eq!((doomed.keys().count(), doomed.envelopes()), (0, 1));
    doomed.destroy().unwrap();
    assert_eq!(case.left(), 0);
}

#[test]
fn nobody_seals_while_content_is_erased() {
    let case = Case::new();
    case.keep(1, &[], b"one");
    let doomed = case.blobs.doomed(&subject("operator.op-1", None)).unwrap();
    std::thread::scope(|scope| {
        let (began, begins) = std::sync::mpsc::channel();
        let case = &case;
        let sealing = scope.spawn(move || {
            began.send(()).unwrap();
            case.keep(2, &[], b"two")
        });
        begins.recv().unwrap();
        doomed.destroy().unwrap();
        // Whether it waited or came after: it lies under a fresh key.
        let two = sealing.join().unwrap();
        assert_eq!(case.open(2, &two, 1).unwrap(), b"two");
    });
    assert_eq!(case.left(), 2);
}

#[test]
fn a_scope_is_a_month_and_a_subject_or_nothing() {
    for (subject, month) in
        [("../../etc", None), ("a/b", None), ("operator.op-1", Some("2026-13")), ("", None), ("a", Some(".."))]
    {
        assert_eq!(Scope::subject(subject, month), None, "{subject} {month:?}");
    }
    let key = |text| KeyName::parse(text).unwrap();
    let november = subject("operator.op-1", Some("2026-11"));
    assert!(november.covers_key(&key("2026-11/operator.op-1")));
    assert!(!november.covers_key(&key("2026-12/operator.op-1")));
    assert!(!subject("operator.op-1", None).covers_key(&key("2026-11/operator.op-11")));
    let call = Scope::Call(record(1));
    assert!(call.covers(record(1), &key("2026-11/plant")) && !call.covers(record(2), &key("2026-11/plant")));
}
