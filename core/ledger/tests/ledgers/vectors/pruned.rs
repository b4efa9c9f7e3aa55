//! Vectors of records that were removed because their time was over, and of some that just are not there.

use super::{Expected, Vectors};
use crate::ledger::Pruning;
use crate::support::{Book, DAY, Folder};
use plant::{Body, Draft, Kind, Millis};

const BUNDLE: &str = "tile/entries/000";

/// Records over the end of the first bundle, with a call under way there; two days later one says what may go.
fn aged(mut book: Book, pruning: impl FnOnce(Pruning) -> Option<Pruning>) -> Book {
    while book.records.len() < 250 {
        book.plain(Kind::Beat);
    }
    let intent = book.intent();
    while book.records.len() < 256 {
        book.plain(Kind::Beat);
    }
    let until = Millis(book.now);
    book.plain(Kind::Beat);
    book.outcome(intent);
    book.publish();
    if book.epoch.is_some() {
        book.next_epoch(2);
    } else {
        book.now += 2 * DAY;
    }
    book.calls(2);
    if let Some(pruning) = pruning(Pruning { minimum: 256, until, keep_days: 1 }) {
        let id = book.id();
        let body = Body { note: pruning.note(), ..Body::default() };
        book.write(&Draft { kind: Kind::Prune, id, reference: None, body });
    }
    book.calls(1);
    book.publish();
    book
}

fn without_bundle(mut book: Book) -> Folder {
    book.folder.0.remove(BUNDLE).unwrap();
    book.folder
}

pub(super) fn make(vectors: &mut Vectors) {
    let begin = || Book::begin(1);
    let fine = Expected::default();
    vectors.ledger("pruned", "the first records were removed", &without_bundle(aged(begin(), Some)), &fine);
    vectors.ledger("pruned-next", "the first records may go, and are still there", &aged(begin(), Some).folder, &fine);
    let missing = |exit| Expected { exit, file: Some(BUNDLE), ..Expected::default() };
    let unsaid = aged(begin(), |_| None);
    vectors.ledger("pruned-unsaid", "records are gone without a word", &without_bundle(unsaid), &missing(12));
    for (name, why, says) in [
        ("pruned-early", "their time was not over", (256, 3)),
        ("pruned-ahead", "the record removes itself", (512, 1)),
        ("pruned-within", "a bundle does not go in parts", (100, 1)),
    ] {
        let (minimum, keep_days) = says;
        let book = aged(begin(), |pruning| Some(Pruning { minimum, keep_days, ..pruning }));
        vectors.ledger(name, why, &without_bundle(book), &missing(10));
    }
    let mut hashes = without_bundle(aged(begin(), Some));
    hashes.0.remove("tile/0/000").unwrap();
    vectors.ledger("pruned-hashes", "their hashes went with them", &hashes, &Expected { exit: 12, ..fine });
    let mut orphan = aged(begin(), Some);
    let stranger = orphan.id();
    let seq = Some(orphan.records.len() as u64);
    orphan.outcome(stranger);
    orphan.publish();
    let expected = Expected { exit: 12, seq, ..Expected::default() };
    vectors.ledger(
        "pruned-orphan",
        "a call ends that began after them, and nowhere",
        &without_bundle(orphan),
        &expected,
    );
    let epochs = aged(Book::begin_epochs(1), Some);
    let known = Expected { trust: Some("trust-epochs"), ..Expected::default() };
    let epochs = without_bundle(epochs);
    vectors.ledger("epochs-pruned", "the first key went with them", &epochs, &known);
    let mut unsigned = epochs.clone();
    let note = String::from_utf8(epochs.0["checkpoint"].clone()).unwrap();
    let note = format!("{}\n", note.trim_end().rsplit_once('\n').unwrap().0);
    unsigned.0.insert("checkpoint".to_owned(), note.into_bytes());
    let wrong = Expected { exit: 10, file: Some("checkpoint"), ..known };
    vectors.ledger("epochs-pruned-unsigned", "the same, and the head lacks its epoch's signature", &unsigned, &wrong);
}
