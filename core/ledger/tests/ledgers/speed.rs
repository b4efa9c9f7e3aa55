//! What a core can verify, beside what it can hash: printed, not judged. In release:
//! `cargo test --release -p penstock-ledger --test ledgers -- --ignored --nocapture speed`.

use crate::ledger::tile::Tiles;
use crate::ledger::{Frontier, Head, Receipt, encode, leaf_hash};
use crate::support::Book;
use plant::{Body, Draft, Kind};
use seal::note::Note;
use std::hint::black_box;
use std::time::Instant;

const RECORDS: usize = 200_000;

/// Prints how often a second something can be done `count` times.
fn measure(what: &str, count: usize, work: impl FnOnce()) {
    let begin = Instant::now();
    work();
    let seconds = begin.elapsed().as_secs_f64();
    println!("{what}: {:.0}/s ({:.2} us)", count as f64 / seconds, seconds * 1e6 / count as f64);
}

#[test]
#[ignore = "a measurement, and meaningful in release only"]
fn speed_of_writing_and_verifying() {
    let mut book = Book::begin(1);
    book.calls(RECORDS / 2 - 1);
    book.publish();
    let bytes: usize = book.records.iter().map(Vec::len).sum();
    println!("{} records of {} bytes on average", book.records.len(), bytes / book.records.len());
    measure("leaf hashes", RECORDS, || {
        for record in &book.records {
            black_box(leaf_hash(record));
        }
    });
    measure("heads read", RECORDS, || {
        for record in &book.records {
            black_box(Head::parse(record).unwrap());
        }
    });
    measure("leaves appended", RECORDS, || {
        let mut frontier = Frontier::new();
        for _ in 0..RECORDS {
            frontier.push(black_box([7; 32]));
        }
        black_box(frontier.root());
    });
    let draft = Draft { kind: Kind::Beat, id: book.id(), reference: None, body: Body::default() };
    let call = Draft { kind: Kind::Intent, body: crate::support::call(), ..draft };
    measure("records encoded", RECORDS, || {
        for _ in 0..RECORDS {
            black_box(encode(&book.stamp(), &call).unwrap());
        }
    });
    measure("heads signed", 10_000, || {
        for _ in 0..10_000 {
            black_box(book.head().sign(&book.signer).unwrap());
        }
    });
    measure("ledger verified, records", RECORDS, || {
        let report = book.judge(&book.folder);
        assert_eq!((report.exit_code(), report.records), (0, RECORDS as u64));
    });
    let note = Note::parse(&book.folder.0["checkpoint"]).unwrap();
    measure("receipts made", 2_000, || {
        for index in 0..2_000 {
            let tiles = Tiles::new(RECORDS as u64, |tile| book.folder.0.get(&tile.path()).cloned());
            black_box(Receipt::make(index * 97, note.clone(), &tiles).unwrap().to_string());
        }
    });
}
