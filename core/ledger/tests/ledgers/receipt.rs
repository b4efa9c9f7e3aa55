//! Receipts of single records.

use crate::ledger::tile::Tiles;
use crate::ledger::{Checkpoint, Receipt, ReceiptError, Tile};
use crate::support::{Book, sign_as};
use proptest::prelude::{any, prop, proptest};
use seal::note::Note;
use std::sync::LazyLock;

static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let mut book = Book::begin(1);
    book.calls(299);
    book.publish();
    book
});

fn receipt(book: &Book, index: u64) -> Receipt {
    let tiles = Tiles::new(book.head().size, |tile: Tile| book.folder.0.get(&tile.path()).cloned());
    let note = Note::parse(&book.folder.0["checkpoint"]).unwrap();
    Receipt::make(index, note, &tiles).unwrap()
}

fn record(index: u64) -> &'static [u8] {
    &BOOK.records[usize::try_from(index).unwrap()]
}

#[test]
fn every_record_has_a_receipt_that_verifies() {
    let trusted = [BOOK.signer.verifier().clone()];
    for index in 0..BOOK.head().size {
        let text = receipt(&BOOK, index).to_string();
        let read = Receipt::parse(text.as_bytes()).unwrap();
        assert_eq!(read.verify(record(index), &trusted), Ok(BOOK.head()), "{index}");
        assert_eq!(read.to_string(), text);
    }
}

#[test]
fn a_receipt_looks_as_the_format_says() {
    let extra = receipt(&BOOK, 17).with_extra(b"about".to_vec()).unwrap();
    let text = extra.to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra YWJvdXQ=\nindex 17\n"));
    assert!(text.ends_with(&format!("=\n\n{}", String::from_utf8_lossy(&BOOK.folder.0["checkpoint"]))));
    assert_eq!(Receipt::parse(text.as_bytes()).unwrap().extra(), Some(b"about".as_slice()));
    assert!(extra.with_extra(vec![0; 1 << 16]).is_err());
}

/// Why the text is longer than the COSE form, which has less than 1,300 bytes: the format writes each hash in 45.
#[test]
fn a_text_among_a_billion_records_is_as_long_as_its_format_makes_it() {
    let origin = "o".repeat(50);
    let head = Checkpoint { origin: origin.clone(), size: 1_000_000_000, root: [7; 32] };
    let note = Note::sign(head.to_string(), &sign_as(&origin, 1)).unwrap();
    let path = format!("{}\n", seal::base64(&[3; 32])).repeat(30);
    let text = format!("c2sp.org/tlog-proof@v1\nindex 999999999\n{path}\n{note}");
    assert!(Receipt::parse(text.as_bytes()).is_ok());
    assert_eq!((path.len(), text.len()), (1350, 1646));
}

#[test]
fn a_receipt_proves_its_record_under_its_key_only() {
    let trusted = [BOOK.signer.verifier().clone()];
    let receipt = receipt(&BOOK, 17);
    assert_eq!(receipt.index(), 17);
    assert_eq!(receipt.verify(record(18), &trusted), Err(ReceiptError::OtherPlace { index: 17, seq: 18 }));
    let altered = String::from_utf8(record(17).to_vec()).unwrap().replace("10.20", "10.21");
    assert_eq!(receipt.verify(altered.as_bytes(), &trusted), Err(ReceiptError::NotIncluded));
    assert!(matches!(receipt.verify(b"{}", &trusted), Err(ReceiptError::Record(_))));
    let stranger = [sign_as(&BOOK.origin.to_string(), 2).verifier().clone()];
    assert!(matches!(receipt.verify(record(17), &stranger), Err(ReceiptError::Checkpoint(_))));
}

#[test]
fn a_receipt_beyond_the_head_cannot_be_made() {
    let note = Note::parse(&BOOK.folder.0["checkpoint"]).unwrap();
    let tiles = Tiles::new(BOOK.head().size, |_: Tile| None);
    assert!(matches!(Receipt::make(10_000, note.clone(), &tiles), Err(ReceiptError::Proof(_))));
    assert!(matches!(Receipt::make(3, note, &tiles), Err(ReceiptError::Proof(_))));
}

#[test]
fn a9_hostile_receipts_are_refused() {
    let good = receipt(&BOOK, 17).to_string();
    let refused = |text: String| assert!(Receipt::parse(text.as_bytes()).is_err(), "{text}");
    refused(String::new());
    refused(good.replace("@v1", "@v2"));
    refused(good.replace("index 17", "index 017"));
    refused(good.replace("index 17", "index -1"));
    refused(good.replace("index 17", "index 9223372036854775808"));
    refused(good.replace("index 17", "Index 17"));
    refused(good.replace("index 17\n", ""));
    refused(good.replace("index 17", "extra AA==\nextra AA==\nindex 17"));
    refused(good.replace("index 17", "extra AB==\nindex 17"));
    refused(good.replace("index 17", &format!("extra {}\nindex 17", seal::base64(&vec![0; 1 << 16]))));
    refused(good.replace("=\n", "= \n"));
    refused(good.replace("index 17\n", "index 17\nAAAA\n"));
    refused(good.replace('\n', "\r\n"));
    refused(good.replacen("\n\n", "\n", 1));
    let hash = seal::base64(&[1; 32]);
    refused(good.replace("index 17\n", &format!("index 17\n{}", format!("{hash}\n").repeat(100))));
    assert_eq!(Receipt::parse(&vec![b'a'; 16 << 20]), Err(ReceiptError::NotText));
    assert_eq!(Receipt::parse(b"\xff"), Err(ReceiptError::NotText));
}

proptest! {
    #[test]
    fn a9_a_flipped_bit_in_a_receipt_is_seen(place: prop::sample::Index, bit in 0_u8..8) {
        let mut bytes = receipt(&BOOK, 17).to_string().into_bytes();
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let trusted = [BOOK.signer.verifier().clone()];
        assert!(Receipt::parse(&bytes).and_then(|receipt| receipt.verify(record(17), &trusted)).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "(c2sp.org/tlog-proof@v1\n)?(index [0-9]{1,3}\n)?.{0,60}") {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(receipt) = Receipt::parse(bytes) {
                assert_eq!(receipt.to_string().as_bytes(), bytes);
            }
        }
    }
}
