//! The vectors in `testdata/ledgers`, on which every verifier of this format must agree: small ledgers, whole and
//! damaged, with the exit code and the place that verification must name.
//!
//! They are made here, from seeds. `PENSTOCK_WRITE_VECTORS=1` writes them; without it, the test says where the
//! committed files differ from what this code makes. A format vector that was released is never changed.

mod content;
mod pruned;
mod witnessed;

use crate::ledger::verify::{Options, Trust, verify};
use crate::ledger::{Checkpoint, Hashes, Receipt, Tile, leaf_hash, tile};
use crate::support::{Book, DAY, EPOCHS, Folder, sign_as};
use plant::Kind;
use seal::base64;
use seal::note::Note;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// All files by path below `testdata/ledgers`.
type Files = BTreeMap<String, Vec<u8>>;

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/ledgers")
}

/// The vectors in the making.
#[derive(Default)]
struct Vectors {
    files: Files,
    ledgers: Vec<Value>,
    /// Those that are wrong in their epochs, which a verifier of the public formats does not judge.
    epochs: Vec<Value>,
    /// Those that keep content beside them.
    content: Vec<Value>,
    receipts: Vec<Value>,
    policies: Vec<Value>,
}

/// What a verifier must find.
#[derive(Default)]
struct Expected {
    exit: u8,
    seq: Option<u64>,
    file: Option<&'static str>,
    trust: Option<&'static str>,
    known: Option<&'static str>,
    policy: Option<&'static str>,
}

impl Vectors {
    fn ledger(&mut self, name: &str, why: &str, folder: &Folder, expected: &Expected) {
        let Expected { exit, seq, file, trust, known, policy } = expected;
        // Only the widest tile of each place is needed.
        let tiles: BTreeSet<Tile> = folder.0.keys().filter_map(|path| Tile::parse(path)).collect();
        let widest: BTreeMap<Tile, Tile> = tiles.into_iter().map(|tile| (tile.filled(), tile)).collect();
        let stale = |path: &str| Tile::parse(path).is_some_and(|tile| widest[&tile.filled()] != tile);
        for (path, bytes) in folder.0.iter().filter(|(path, _)| !stale(path)) {
            self.files.insert(format!("{name}/{path}"), bytes.clone());
        }
        let list = match name.split('-').next() {
            Some("epoch" | "epochs") => &mut self.epochs,
            Some("content") => &mut self.content,
            _ => &mut self.ledgers,
        };
        list.push(json!({
            "folder": name, "why": why, "trust": trust.unwrap_or("trust"), "known": known, "policy": policy,
            "exit": exit, "seq": seq, "file": file,
        }));
    }

    fn receipt(&mut self, name: &str, why: &str, text: &str, record: &[u8], exit: u8, policy: Option<&str>) {
        let (receipt, line) = (format!("receipts/{name}.tlog-proof"), format!("receipts/{name}.json"));
        self.receipts.push(json!({
            "receipt": receipt, "record": line, "why": why, "trust": "trust", "policy": policy, "exit": exit,
        }));
        self.files.insert(receipt, text.as_bytes().to_vec());
        self.files.insert(line, record.to_vec());
    }
}

/// A short history with everything in it: calls, a crash, a call under way, three heads.
fn good() -> Book {
    let mut book = Book::begin(1);
    book.calls(2);
    let lost = book.intent();
    book.publish();
    book.reboot();
    book.abandon(lost);
    book.plain(Kind::Refuse);
    book.publish();
    book.calls(1);
    book.intent();
    book.publish();
    book
}

/// The head, signed, with its text changed first.
fn signed(book: &Book, change: impl Fn(String) -> String) -> String {
    Note::sign(change(book.head().to_string()), &book.signer).unwrap().to_string()
}

fn with(book: &Book, path: &str, bytes: impl Into<Vec<u8>>) -> Folder {
    let mut folder = book.folder.clone();
    folder.0.insert(path.to_owned(), bytes.into());
    folder
}

fn without(book: &Book, path: &str) -> Folder {
    let mut folder = book.folder.clone();
    folder.0.remove(path).unwrap();
    folder
}

fn flipped(book: &Book, path: &str, needle: &str, byte: u8) -> Folder {
    let mut bytes = book.folder.0[path].clone();
    let at = bytes.windows(needle.len()).position(|window| window == needle.as_bytes()).unwrap();
    bytes[at] = byte;
    with(book, path, bytes)
}

/// The ledger with other records, signed by its own key.
fn records(book: &Book, change: impl Fn(&mut Vec<Vec<u8>>)) -> Folder {
    let mut records = book.records.clone();
    change(&mut records);
    book.rewrite(records).folder
}

fn replaced(record: &[u8], from: &str, to: &str) -> Vec<u8> {
    String::from_utf8(record.to_vec()).unwrap().replace(from, to).into_bytes()
}

/// A record moved to another place: what a forger with the key would write.
fn moved(record: &[u8], from: u64, to: u64, old: &[u8], new: &[u8]) -> Vec<u8> {
    let record = replaced(record, &format!("\"seq\":{from},"), &format!("\"seq\":{to},"));
    replaced(&record, &seal::hex(&leaf_hash(old)), &seal::hex(&leaf_hash(new)))
}

fn make() -> Files {
    let book = good();
    let key = book.signer.verifier().to_string();
    let mut vectors = Vectors::default();
    vectors.files.insert("trust".to_owned(), format!("# The key of every ledger here.\n{key}\n").into_bytes());
    let schedule = Book::blank(1).schedule();
    vectors.files.insert("trust-epochs".to_owned(), format!("{key}\nepochs {schedule}\n").into_bytes());
    let policy = format!("log {key}\nwitness hilltop {}\nquorum hilltop\n", witnessed::witness(9).witness());
    vectors.files.insert("trust-witnessed".to_owned(), policy.into_bytes());
    vectors.files.insert("known.note".to_owned(), book.folder.0["checkpoint"].clone());
    whole(&mut vectors, &book);
    damaged(&mut vectors, &book);
    forged(&mut vectors, &book);
    replaced_key(&mut vectors, &book);
    misled(&mut vectors, &book);
    receipts(&mut vectors, &book);
    epochs(&mut vectors);
    witnessed::make(&mut vectors, &book);
    content::make(&mut vectors);
    pruned::make(&mut vectors);
    let Vectors { ledgers, epochs, content, receipts, policies, .. } = &vectors;
    let cases = json!({
        "content": content, "epochs": epochs, "ledgers": ledgers, "policies": policies, "receipts": receipts,
    });
    vectors.files.insert("cases.json".to_owned(), format!("{cases:#}\n").into_bytes());
    vectors.files
}

fn whole(vectors: &mut Vectors, book: &Book) {
    let fine = Expected::default();
    vectors.ledger("good", "calls, a crash, a call under way, three heads", &book.folder, &fine);
    let mut long = Book::begin(1);
    while long.records.len() < 255 {
        long.plain(Kind::Beat);
    }
    for _ in 0..3 {
        long.publish();
        long.plain(Kind::Beat);
    }
    vectors.ledger("boundary", "heads at 255, 256 and 257 records", &long.folder, &fine);
    vectors.ledger("empty", "a head over no record", &book.rewrite(Vec::new()).folder, &fine);
    let mut crashed = Book::begin(1);
    crashed.intent();
    crashed.reboot();
    crashed.publish();
    vectors.ledger("cleaning-up", "open calls right after a start are about to be abandoned", &crashed.folder, &fine);
    let mut clock = Book::begin(1);
    clock.now -= 5000;
    clock.boot += 1;
    clock.plain(Kind::Clock);
    clock.plain(Kind::Boot);
    clock.publish();
    vectors.ledger("clock-back-noted", "the time went back, and a clock record says so", &clock.folder, &fine);
}

fn damaged(vectors: &mut Vectors, book: &Book) {
    let tampered = |seq, file| Expected { exit: 10, seq, file, ..Expected::default() };
    let incomplete = |file| Expected { exit: 12, file, ..Expected::default() };
    let entries = "tile/entries/000.p/13";
    vectors.ledger(
        "altered-record",
        "one byte of the third record",
        &flipped(book, entries, "10.20", b'9'),
        &tampered(Some(2), Some(entries)),
    );
    let mut lengths = book.folder.0[entries].clone();
    lengths[1] ^= 1;
    vectors.ledger(
        "altered-length",
        "the length of the first record",
        &with(book, entries, lengths),
        &tampered(Some(0), Some(entries)),
    );
    let mut hashes = book.folder.0["tile/0/000.p/13"].clone();
    hashes[40] ^= 1;
    vectors.ledger(
        "altered-tile",
        "one bit of a stored hash",
        &with(book, "tile/0/000.p/13", hashes),
        &tampered(None, Some("tile/0/000.p/13")),
    );
    vectors.ledger(
        "altered-checkpoint",
        "one character of the published head",
        &flipped(book, "checkpoint", "brewery", b'c'),
        &tampered(None, Some("checkpoint")),
    );
    vectors.ledger(
        "altered-history",
        "one character of an earlier head",
        &flipped(book, "checkpoints/7.note", "brewery", b'c'),
        &tampered(None, Some("checkpoints/7.note")),
    );
    let filled = |path: &str, more: Vec<u8>| with(book, path, [book.folder.0[path].clone(), more].concat());
    let mut more = Vec::new();
    for _ in 13..256 {
        tile::push_entry(&mut more, b"{}").unwrap();
    }
    vectors.ledger(
        "filled-records",
        "a partial bundle filled up with records that nobody signed",
        &filled(entries, more),
        &tampered(None, Some(entries)),
    );
    vectors.ledger(
        "filled-tile",
        "a partial hash tile filled up to a full one",
        &filled("tile/0/000.p/13", vec![0; (256 - 13) * 32]),
        &tampered(None, Some("tile/0/000.p/13")),
    );
    vectors.ledger("missing-records", "a bundle is gone", &without(book, entries), &incomplete(Some(entries)));
    let tile = "tile/0/000.p/13";
    vectors.ledger("missing-tile", "a hash tile is gone", &without(book, tile), &incomplete(Some(tile)));
    vectors.ledger(
        "missing-checkpoint",
        "there is no head",
        &without(book, "checkpoint"),
        &Expected { exit: 14, file: Some("checkpoint"), ..Expected::default() },
    );
}

/// Heads that a forger without the key can make, or that must not be signed at all.
fn forged(vectors: &mut Vectors, book: &Book) {
    let bad = Expected { exit: 10, file: Some("checkpoint"), ..Expected::default() };
    let mut head = |name: &str, why: &str, text: String| {
        vectors.ledger(name, why, &with(book, "checkpoint", text), &bad);
    };
    let good = signed(book, |text| text);
    let line = good.lines().last().unwrap().to_owned();
    let stranger = sign_as(&book.origin.to_string(), 9);
    head("other-key", "signed by another key of the same name", {
        Note::sign(book.head().to_string(), &stranger).unwrap().to_string()
    });
    head("no-signature", "only a signature of somebody unknown", {
        Note::sign(book.head().to_string(), &sign_as("somebody", 9)).unwrap().to_string()
    });
    let forged = [book.signer.verifier().id().as_slice(), &stranger.key().sign(b"x").unwrap()].concat();
    let collision = format!("\u{2014} {} {}\n{line}", book.origin, base64(&forged));
    head("key-id-collision", "a line with name and id of the key that is not its", good.replace(&line, &collision));
    head("many-signatures", "101 signature lines", format!("{good}{}", format!("{line}\n").repeat(100)));
    let long = format!("{good}\u{2014} somebody {}\n", base64(&[7; 6144]));
    head("long-line", "a line of a stranger that is longer than 8 KiB", long);
    head("crlf", "lines that end in CR LF", good.replace('\n', "\r\n"));
    head("trailing", "bytes after the last line", format!("{good}x"));
    head("extension", "a signed extension line", signed(book, |text| format!("{text}more\n")));
    head("leading-zero", "a signed size with a leading zero", signed(book, |text| text.replace("\n13\n", "\n013\n")));
    let huge = "\n9223372036854775808\n";
    head("size-2-63", "a signed size of 2^63", signed(book, |text| text.replace("\n13\n", huge)));
    let other = Checkpoint { origin: "another/ledger/00".to_owned(), ..book.head() };
    head("other-origin", "signed by the key for another name", {
        Note::sign(other.to_string(), &book.signer).unwrap().to_string()
    });
}

/// A ledger whose key was replaced: the auditor trusts two keys of one name.
fn replaced_key(vectors: &mut Vectors, book: &Book) {
    let other = sign_as(&book.origin.to_string(), 2);
    let keys = format!("{}\n{}\n", other.verifier(), book.signer.verifier());
    vectors.files.insert("trust-two-keys".to_owned(), keys.into_bytes());
    let trust = Some("trust-two-keys");
    let good = signed(book, |text| text);
    let mut both = Note::parse(good.as_bytes()).unwrap();
    both.add(&other).unwrap();
    let wrong = [other.verifier().id().as_slice(), &other.key().sign(b"x").unwrap()].concat();
    let wrong = format!("{good}\u{2014} {} {}\n", book.origin, base64(&wrong));
    for (name, why, text, exit) in [
        ("two-keys", "both keys of the ledger have signed", both.to_string(), 0),
        ("two-keys-wrong", "one has, and a line in the name of the other is not its", wrong, 10),
    ] {
        let file = (exit != 0).then_some("checkpoint");
        let expected = Expected { exit, file, trust, ..Expected::default() };
        vectors.ledger(name, why, &with(book, "checkpoint", text), &expected);
    }
}

/// Ledgers that add up and are signed with the right key, and are wrong all the same.
fn misled(vectors: &mut Vectors, book: &Book) {
    let found = |exit, seq| Expected { exit, seq: Some(seq), ..Expected::default() };
    let mut case = |name: &str, why: &str, folder: Folder, expected: Expected| {
        vectors.ledger(name, why, &folder, &expected);
    };
    case("left-out", "record 3 is left out", records(book, |all| drop(all.remove(3))), found(12, 3));
    case("swapped", "records 3 and 4 are swapped", records(book, |all| all.swap(3, 4)), found(10, 3));
    case(
        "unlinked",
        "record 3 is changed, record 4 does not continue it",
        records(book, |all| all[3] = replaced(&all[3], "10.20", "10.99")),
        found(10, 4),
    );
    let last = |book: &Book, record: Vec<u8>| {
        let mut book = book.clone();
        book.records.pop();
        book.push(record);
        book.rewrite(book.records.clone()).folder
    };
    let tail = book.records.last().unwrap();
    let key = replaced(tail, "\"v\":1", "\"v\":1,\"v\":1");
    case("duplicate-key", "the last record has a key twice", last(book, key), found(10, 12));
    let version = replaced(tail, "\"v\":1", "\"v\":2");
    case("other-version", "the last record is of another version", last(book, version), found(10, 12));
    let float = replaced(tail, "\"v\":1", "\"v\":1,\"w\":1.5");
    case("float", "the last record holds a fraction", last(book, float), found(10, 12));
    let key = replaced(tail, "\"v\":1", "\"v\":1,\"w\\n\":1");
    case("escaped-key", "the last record has a key with an escape", last(book, key), found(10, 12));
    let kind = replaced(tail, "\"kind\":\"intent\"", "\"kind\":\"int\\\"ent\"");
    case("escaped-kind", "the last record has a kind with an escape", last(book, kind), found(10, 12));
    let mut unclosed = Book::begin(1);
    unclosed.intent();
    unclosed.reboot();
    unclosed.calls(1);
    unclosed.publish();
    case("unclosed", "a call of before the last start never ended", unclosed.folder.clone(), found(12, 2));
    let orphan = records(book, |all| {
        all.truncate(4);
        let next = moved(&all[3], 3, 2, &all[2].clone(), &all[1].clone());
        all.truncate(2);
        all.push(next);
    });
    case("no-intent", "an outcome without its intent", orphan, found(12, 2));
    let mut clock = Book::begin(1);
    clock.now -= 5000;
    clock.boot += 1;
    clock.plain(Kind::Boot);
    clock.publish();
    case("clock-back", "the time went back and nothing says so", clock.folder.clone(), found(12, 2));
    let stranger = Book::begin(2);
    case(
        "other-genesis",
        "the genesis is another ledger's",
        {
            records(book, |all| {
                all.truncate(1);
                all[0].clone_from(&stranger.records[0]);
            })
        },
        found(10, 0),
    );
    let mut fork = book.rewrite(book.records[..9].to_vec());
    fork.calls(3);
    fork.publish();
    fork.folder.0.insert("checkpoints/10.note".to_owned(), book.folder.0["checkpoints/10.note"].clone());
    let note = Some("checkpoints/10.note");
    case(
        "forked",
        "the key signed two histories",
        fork.folder.clone(),
        Expected { exit: 11, file: note, ..Expected::default() },
    );
    let known = Some("known.note");
    let fork = fork.rewrite(fork.records.clone()).folder;
    case(
        "forked-known",
        "the head that the auditor kept is of another history",
        fork,
        Expected { exit: 11, known, ..Expected::default() },
    );
    let short = book.rewrite(book.records[..10].to_vec()).folder;
    case(
        "cut-short",
        "the head that the auditor kept covers more",
        short,
        Expected { exit: 12, known, ..Expected::default() },
    );
    case(
        "kept",
        "the head that the auditor kept is this one",
        book.folder.clone(),
        Expected { known, ..Expected::default() },
    );
    let trust = Some("trust-witnessed");
    case(
        "unwitnessed",
        "the policy asks for witnesses",
        book.folder.clone(),
        Expected { exit: 13, trust, ..Expected::default() },
    );
}

/// The receipt of a record under a head.
fn receipt(index: u64, note: &Note, tiles: &impl Hashes) -> String {
    Receipt::make(index, note.clone(), tiles).unwrap().to_string()
}

fn receipts(vectors: &mut Vectors, book: &Book) {
    let tiles = tile::Tiles::new(book.head().size, |tile| book.folder.0.get(&tile.path()).cloned());
    let note = Note::parse(&book.folder.0["checkpoint"]).unwrap();
    let good = receipt(5, &note, &tiles);
    vectors.receipt("good", "record 5", &good, &book.records[5], 0, None);
    let extra = Receipt::make(12, note.clone(), &tiles).unwrap().with_extra(book.records[12].clone()).unwrap();
    vectors.receipt("extra", "the last record, carried along", &extra.to_string(), &book.records[12], 0, None);
    vectors.receipt("other-record", "the receipt of another record", &good, &book.records[6], 10, None);
    vectors.receipt(
        "altered",
        "the record was altered",
        &good,
        &replaced(&book.records[5], "10.20", "10.99"),
        10,
        None,
    );
    vectors.receipt("moved", "the index was changed", &good.replace("index 5", "index 4"), &book.records[4], 10, None);
    let first = good.lines().nth(2).unwrap();
    vectors.receipt("short", "a hash is missing", &good.replace(&format!("{first}\n"), ""), &book.records[5], 10, None);
    let respelled = good.replace("=\n", "==\n");
    vectors.receipt("respelled", "base64 in another spelling", &respelled, &book.records[5], 10, None);
}

/// Four epochs' worth of days with three keys; the checkpoints that hand over are at 8 and 13.
fn days() -> Book {
    let mut book = Book::begin_epochs(1);
    book.calls(2);
    book.publish();
    book.next_epoch(1);
    book.calls(1);
    book.publish();
    book.calls(1);
    book.next_epoch(2);
    book.calls(1);
    book.publish();
    book
}

fn epochs(vectors: &mut Vectors) {
    let book = days();
    let good = Expected { trust: Some("trust-epochs"), ..Expected::default() };
    let wrong = |exit, seq, file| Expected { exit, seq, file, ..good };
    let head = "checkpoint";
    vectors.ledger("epochs", "three keys on four days", &book.folder, &good);
    vectors.ledger("epochs-by-genesis", "the same, by the ledger's own schedule", &book.folder, &Expected::default());
    let mut thinned = book.folder.clone();
    for size in [7, 10] {
        thinned.0.remove(&format!("checkpoints/{size}.note")).unwrap();
    }
    vectors.ledger("epochs-thinned", "only the last checkpoint of each epoch is kept", &thinned, &good);
    // The thief of the last day's keys.
    let mut records = book.records.clone();
    let mut forged = book.rewrite(Vec::new());
    for seq in 4..records.len() {
        let text = replaced(&records[seq], "10.20", if seq == 4 { "10.99" } else { "10.20" });
        records[seq] =
            replaced(&text, &seal::hex(&leaf_hash(&book.records[seq - 1])), &seal::hex(&leaf_hash(&records[seq - 1])));
    }
    for size in [7, 8, 10, 13, 15] {
        forged.records = records[..size].to_vec();
        forged.publish();
    }
    forged.folder.0.remove("checkpoints/0.note");
    let file = Some("checkpoints/7.note");
    vectors.ledger(
        "epoch-rewritten",
        "an earlier epoch signed anew with later keys",
        &forged.folder,
        &wrong(10, None, file),
    );
    let note = String::from_utf8(book.folder.0[head].clone()).unwrap();
    let unsigned = format!("{}\n", note.trim_end().rsplit_once('\n').unwrap().0);
    vectors.ledger(
        "epoch-unsigned",
        "the head lacks its epoch's signature",
        &with(&book, head, unsigned),
        &wrong(10, None, Some(head)),
    );
    let mut broken = book.folder.0["checkpoints/10.note"].clone();
    let at = broken.len() - 9;
    broken[at] = if broken[at] == b'A' { b'B' } else { b'A' };
    let broken = with(&book, "checkpoints/10.note", broken);
    vectors.ledger(
        "epoch-altered",
        "one character of an epoch's signature",
        &broken,
        &wrong(10, None, Some("checkpoints/10.note")),
    );
    let mut gone = thinned.clone();
    gone.0.remove("checkpoints/8.note").unwrap();
    vectors.ledger("epoch-unfinished", "the last checkpoint of an epoch is gone", &gone, &wrong(12, Some(12), None));
    let mut gone = book.folder.clone();
    gone.0.remove("checkpoints/8.note").unwrap();
    let file = Some("checkpoints/10.note");
    vectors.ledger(
        "epoch-taken-over",
        "the next epoch signs where the one before had to",
        &gone,
        &wrong(10, None, file),
    );
    let lines = String::from_utf8(book.folder.0["checkpoints/10.note"].clone()).unwrap();
    let carried = format!("{}\n", lines.trim_end().rsplit_once('\n').unwrap().0);
    vectors.ledger(
        "epoch-witnessed",
        "a witnessed head came back without its epoch's signature",
        &with(&book, "witnessed/10.note", carried),
        &good,
    );
    let records = |change: &dyn Fn(&mut Book)| {
        let mut book = days();
        change(&mut book);
        book.publish();
        book.folder
    };
    let last = wrong(10, Some(15), None);
    let unproven = records(&|book| {
        book.announce(4);
        let key = |epoch| base64(EPOCHS.key(epoch).unwrap().as_bytes());
        let record = book.records.pop().unwrap();
        book.push(replaced(&record, &key(4), &key(5)));
    });
    vectors.ledger("epoch-unproven", "a key that the schedule does not have", &unproven, &last);
    vectors.ledger("epoch-again", "the key of an epoch that is over", &records(&|book| book.announce(3)), &last);
    vectors.ledger("epoch-early", "a key before its day", &records(&|book| book.announce(4)), &last);
    let late = records(&|book| {
        for hours in [24, 2] {
            book.now += DAY / 24 * hours;
            book.plain(Kind::Beat);
        }
    });
    vectors.ledger("epoch-late", "a key two hours after its day", &late, &wrong(12, Some(16), None));
    let mut bare = Book::blank(1);
    let id = bare.id();
    let genesis = bare.origin.begin(id, bare.signer.verifier(), Some(&bare.schedule()));
    bare.write(&genesis);
    bare.plain(Kind::Boot);
    bare.publish();
    vectors.ledger("epoch-keyless", "a schedule and no key", &bare.folder, &wrong(10, Some(1), None));
    let mut skipped = bare.rewrite(bare.records[..1].to_vec());
    skipped.now += DAY;
    skipped.announce(1);
    skipped.epoch = Some(1);
    skipped.publish();
    vectors.ledger("epoch-not-first", "the first key is of a later epoch", &skipped.folder, &wrong(10, Some(1), None));
    vectors.ledger(
        "epoch-unscheduled",
        "a ledger without the auditor's schedule",
        &self::good().folder,
        &wrong(10, Some(0), None),
    );
}

fn read_all(folder: &Path, prefix: &str, files: &mut Files) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            read_all(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

#[test]
fn f15_the_committed_vectors_are_those_that_this_code_makes() {
    let mut made = make();
    if std::env::var_os("PENSTOCK_WRITE_VECTORS").is_some() {
        // Files of vectors that are gone must go by hand: nothing here deletes.
        for (path, bytes) in &made {
            let path = home().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    let mut kept = Files::new();
    read_all(&home(), "", &mut kept);
    kept.retain(|path, _| path != "README.md");
    // The list of cases as what it says: the order of its keys is that of `serde_json`, which another crate of the
    // workspace can set.
    let cases =
        |files: &mut Files| files.remove("cases.json").map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap());
    assert_eq!(cases(&mut made), cases(&mut kept));
    let differing: Vec<&String> =
        made.keys().chain(kept.keys()).filter(|path| made.get(*path) != kept.get(*path)).collect();
    assert!(differing.is_empty(), "{differing:?}");
}

#[test]
fn f15_every_vector_is_judged_as_it_says() {
    let mut files = Files::new();
    read_all(&home(), "", &mut files);
    let cases: Value = serde_json::from_slice(&files["cases.json"]).unwrap();
    let file = |name: &Value| files[name.as_str().unwrap()].clone();
    let text = |name: &Value| String::from_utf8(file(name)).map_err(drop);
    let trust = |case: &Value| {
        let trust = Trust::parse(&text(&case["trust"]).unwrap()).unwrap();
        match case["policy"].is_null() {
            true => Ok(trust),
            false => trust.under(Trust::parse_policy(&text(&case["policy"])?).map_err(drop)?).map_err(drop),
        }
    };
    let lists = ["ledgers", "epochs", "policies"].iter().flat_map(|list| cases[list].as_array().unwrap());
    for case in lists {
        let Ok(trust) = trust(case) else {
            assert_eq!(case["exit"], 2, "{case:#}");
            continue;
        };
        let prefix = format!("{}/", case["folder"].as_str().unwrap());
        let inside = |(path, bytes): (&String, &Vec<u8>)| Some((path.strip_prefix(&prefix)?.to_owned(), bytes.clone()));
        let folder = Folder(files.iter().filter_map(inside).collect());
        let options = Options { known: case["known"].is_string().then(|| file(&case["known"])) };
        let report = verify(&folder, &trust, &options);
        assert_eq!(Some(u64::from(report.exit_code())), case["exit"].as_u64(), "{case:#} {:#?}", report.problems);
        let names = |problem: &crate::ledger::verify::Problem| {
            let seq = case["seq"].is_null() || problem.seq == case["seq"].as_u64();
            seq && (case["file"].is_null() || problem.file.as_deref() == case["file"].as_str())
        };
        let first = report.problems.first();
        assert!(first.is_none_or(names), "{case:#} {:#?}", report.problems);
    }
    for case in cases["receipts"].as_array().unwrap() {
        let trust = trust(case).unwrap();
        let judged = Receipt::parse(&file(&case["receipt"])).ok().and_then(|receipt| {
            receipt.verify(&file(&case["record"]), trust.verifiers()).ok()?;
            trust.quorum().map_or(Some(true), |quorum| Some(quorum.judge(receipt.note()).ok()?.enough))
        });
        let exit = judged.map_or(10, |enough| if enough { 0 } else { 13 });
        assert_eq!(case["exit"], exit, "{case:#}");
    }
}
