//! Vectors of witnesses: heads and receipts that some have signed, and policies.

use super::{Expected, Vectors, receipt, replaced};
use crate::ledger::tile;
use crate::support::{Book, Folder};
use seal::cosignature::Cosigner;
use seal::note::{Note, Signer};
use seal::{SigningKey, base64};
use serde_json::json;
use std::sync::Arc;

const TIME: u64 = 1_763_700_000;
const HEAD: &str = "checkpoint";
const BESIDE: &str = "witnessed/13.note";
/// Asks for two organisations.
const BOTH: &str = "policies/both";
const NOBODY: &str = "policies/nobody";

fn key(seed: u8) -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed([seed; 32].into()))
}

/// Hilltop has the seeds 9 and 10, the supplier 11; everybody else is a stranger.
pub(super) fn witness(seed: u8) -> Cosigner {
    let name = if seed == 9 { "witness.example".to_owned() } else { format!("w{seed}.example") };
    Cosigner::new(name, key(seed)).unwrap()
}

/// A note with one more line for each witness, made at one time after the other.
fn cosigned(note: &[u8], seeds: &[u8]) -> String {
    let mut text = String::from_utf8(note.to_vec()).unwrap();
    let parsed = Note::parse(note).unwrap();
    for (seed, time) in seeds.iter().zip(TIME..) {
        text += &format!("{}\n", witness(*seed).sign(&parsed, time));
    }
    text
}

/// A line in the name of a witness over these bytes.
fn line(seed: u8, time: u64, message: &str) -> String {
    let signature = key(seed).sign(message.as_bytes());
    let text = witness(seed).witness().to_string();
    let id = seal::unhex(text.split('+').nth(1).unwrap()).unwrap();
    let bytes = [id.as_slice(), &time.to_be_bytes(), &signature].concat();
    format!("\u{2014} {} {}\n", witness(seed).witness().name(), base64(&bytes))
}

fn with(folder: &Folder, files: &[(&str, &str)]) -> Folder {
    let mut folder = folder.clone();
    folder.0.extend(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    folder
}

pub(super) fn make(vectors: &mut Vectors, book: &Book) {
    ledgers(vectors, book);
    elsewhere(vectors, book);
    receipts(vectors, book);
    policies(vectors, &book.signer.verifier().to_string());
}

/// Who has signed the head.
fn ledgers(vectors: &mut Vectors, book: &Book) {
    let note = &book.folder.0[HEAD];
    let text = Note::parse(note).unwrap().text().to_owned();
    let plain = String::from_utf8(note.clone()).unwrap();
    let all = cosigned(note, &[9, 11]);
    let supplier = cosigned(note, &[11]);
    // The line of one head, under another.
    let earlier = cosigned(&book.folder.0["checkpoints/10.note"], &[9]);
    let moved = format!("{supplier}{}\n", earlier.lines().last().unwrap());
    let dated = |time: u64| line(9, time, &format!("cosignature/v1\ntime {time}\n{text}"));
    let late = format!("{supplier}{}", dated(1 << 63));
    let first = format!("{supplier}{}", dated(0));
    let other_time = format!("{supplier}{}", line(9, TIME + 1, &format!("cosignature/v1\ntime {TIME}\n{text}")));
    let undated = format!("{supplier}{}", line(9, TIME, &text));
    let short = base64(&[&seal::unhex("00000000").unwrap()[..], &[7; 40]].concat());
    let short = replaced(late.as_bytes(), late.trim_end().rsplit(' ').next().unwrap(), &short);
    let again = format!("{all}{}", dated(TIME + 9));
    let again_wrong = format!("{all}{}", line(9, TIME, "x"));
    let strangers = cosigned(note, &(20..60).collect::<Vec<_>>());
    for (name, why, head, beside, policy, exit) in [
        ("witnessed", "two organisations have signed the head", &*all, "", BOTH, 0),
        ("witnessed-beside", "the same, in the file beside", &plain, &*all, BOTH, 0),
        ("witnessed-apart", "one here, one there", &cosigned(note, &[10]), &supplier, BOTH, 0),
        ("witnessed-few", "two machines of one organisation", &cosigned(note, &[9, 10]), "", BOTH, 13),
        ("witnessed-strangers", "forty signatures of strangers", &strangers, "", BOTH, 13),
        ("witnessed-moved", "the signature under an earlier head", &moved, "", BOTH, 10),
        ("witnessed-moved-nobody", "the same, and nobody is asked for", &moved, "", NOBODY, 10),
        ("witnessed-moved-beside", "the same, in the file beside", &plain, &moved, BOTH, 10),
        ("witnessed-mended", "the same, replaced in the file beside", &moved, &all, BOTH, 0),
        ("witnessed-late", "a signature of the second 2^63", &late, "", BOTH, 10),
        ("witnessed-first", "a signature of the second 0", &first, "", BOTH, 0),
        ("witnessed-other-time", "the time was changed", &other_time, "", BOTH, 10),
        ("witnessed-undated", "a signature over the head without a time", &undated, "", BOTH, 10),
        ("witnessed-short", "a line that is too short", std::str::from_utf8(&short).unwrap(), "", BOTH, 13),
        ("witnessed-again", "a witness has signed twice", &again, "", BOTH, 0),
        ("witnessed-again-wrong", "a witness has signed twice, and once not", &again_wrong, "", BOTH, 10),
    ] {
        let files = [(HEAD, head), (BESIDE, beside)];
        let folder = with(&book.folder, &files[..if beside.is_empty() { 1 } else { 2 }]);
        let file = (exit != 0).then_some(HEAD);
        vectors.ledger(name, why, &folder, &Expected { exit, file, policy: Some(policy), ..Expected::default() });
    }
}

/// What lies beside the ledger shows when no policy is given, too.
fn elsewhere(vectors: &mut Vectors, book: &Book) {
    let all = cosigned(&book.folder.0[HEAD], &[9, 11]);
    let older = cosigned(&book.folder.0["checkpoints/10.note"], &[9, 11]);
    let older_path = "witnessed/10.note";
    let few = Expected { exit: 13, file: Some(HEAD), policy: Some(BOTH), ..Expected::default() };
    let folder = with(&book.folder, &[(older_path, &older)]);
    vectors.ledger("witnessed-older", "enough have signed the head before", &folder, &few);
    let found = |exit, file| Expected { exit, file: Some(file), ..Expected::default() };
    let short = book.rewrite(book.records[..10].to_vec()).folder;
    let cut = with(&short, &[(BESIDE, &all)]);
    vectors.ledger("witnessed-cut", "the end was cut off after it was witnessed", &cut, &found(12, BESIDE));
    let mut fork = book.rewrite(book.records[..9].to_vec());
    fork.calls(3);
    fork.publish();
    let forked = with(&fork.folder, &[(older_path, &older)]);
    vectors.ledger("witnessed-forked", "another history was witnessed", &forked, &found(11, older_path));
    let parsed = Note::parse(&book.folder.0["checkpoints/10.note"]).unwrap();
    let unsigned = format!("{}\n{}\n", parsed.text(), witness(9).sign(&parsed, TIME));
    let unsigned = with(&book.folder, &[(older_path, &unsigned)]);
    vectors.ledger("witnessed-unsigned", "a head that only a witness has signed", &unsigned, &found(10, older_path));
    let renamed = with(&book.folder, &[("witnessed/7.note", &older)]);
    vectors.ledger("witnessed-renamed", "a head under another's name", &renamed, &found(10, "witnessed/7.note"));
}

fn receipts(vectors: &mut Vectors, book: &Book) {
    let tiles = tile::Tiles::new(book.head().size, |tile| book.folder.0.get(&tile.path()).cloned());
    let note = &book.folder.0[HEAD];
    let earlier = cosigned(&book.folder.0["checkpoints/10.note"], &[9]);
    let moved = format!("{}{}\n", cosigned(note, &[11]), earlier.lines().last().unwrap());
    for (name, why, note, exit) in [
        ("witnessed", "two organisations have signed its head", cosigned(note, &[9, 11]), 0),
        ("witnessed-few", "one has", cosigned(note, &[9]), 13),
        ("witnessed-moved", "a signature is that under another head", moved, 10),
    ] {
        let text = receipt(5, &Note::parse(note.as_bytes()).unwrap(), &tiles);
        vectors.receipt(name, why, &text, &book.records[5], exit, Some(BOTH));
    }
}

/// Policies over the ledger that Hilltop and the supplier have witnessed; `W9` stands for the key of witness 9, `LOG` for
/// the ledger's. Those that exit with 2 are no policies.
fn policies(vectors: &mut Vectors, log: &str) {
    let many = |count: u8| (20..20 + count).map(|seed| format!("witness w{seed} W{seed}\n")).collect::<String>();
    let groups = |count: u8| {
        let group = |seed: u8| format!("witness w{seed} W{seed}\ngroup g{seed} any w{seed}\n");
        (20..20 + count).map(group).collect::<String>()
    };
    let (full, full_groups) = (many(62), groups(62));
    let both =
        "witness h1 W9\nwitness h2 W10\nwitness s W11\ngroup hilltop any h1 h2\ngroup all 2 hilltop s\nquorum all\n";
    let plain_key = Signer::new("witness.example", key(9)).unwrap().verifier().to_string();
    let upper = witness(9).witness().to_string();
    let upper = upper.split('+').enumerate().map(|(place, part)| match place {
        1 => part.to_uppercase(),
        _ => part.to_owned(),
    });
    let upper = upper.collect::<Vec<_>>().join("+");
    let stranger = Signer::new("another", key(12)).unwrap().verifier().to_string();
    let long = format!("# {}\nquorum none\n", "x".repeat(64 << 10));
    for (name, text, exit) in [
        ("both", both, 0),
        ("nobody", "witness h W9\nquorum none\n", 0),
        ("one", "witness h W9 https://hilltop.example/\nquorum h\n", 0),
        ("another", "witness h W9\nwitness x W12\nquorum x\n", 13),
        ("one-of-two", "witness h W9\nwitness x W12\ngroup g 1 h x\nquorum g\n", 0),
        ("two-of-two", "witness h W9\nwitness x W12\ngroup g 2 h x\nquorum g\n", 13),
        ("all-of-two", "witness h W9\nwitness x W12\ngroup g all h x\nquorum g\n", 13),
        (
            "nested",
            "witness h W9\nwitness x W12\nwitness s W11\ngroup g any h x\ngroup k any g\ngroup m all k s\nquorum m\n",
            0,
        ),
        ("blanks", "# ours\n\n \twitness \t h\tW9  \n   # of both\nquorum h\t\n", 0),
        ("crlf", "witness h W9\r\nquorum h\r\n", 0),
        ("no-newline", "witness h W9\nquorum h", 0),
        ("odd-names", "witness h\u{a0}\u{2028}1+ W9\ngroup \u{e9} any h\u{a0}\u{2028}1+\nquorum \u{e9}\n", 0),
        ("other-form", "witness e\u{301} W9\nwitness \u{e9} W11\nquorum e\u{301}\n", 0),
        ("early-quorum", "witness h W9\nquorum h\nwitness x W12\n", 0),
        ("keyword", "witness group W9\ngroup witness any group\nquorum witness\n", 0),
        ("for-this-log", "log LOG https://x.example/\nwitness h W9\nquorum h\n", 0),
        ("for-this-log-bare", "LOG\nwitness h W9\nquorum h\n", 0),
        ("for-other-logs", "log OTHER\nwitness h W9\nquorum h\n", 2),
        ("full", &format!("{full}witness h W9\nwitness s W11\nquorum h\n"), 0),
        ("too-many", &format!("{full}witness h W9\nwitness s W11\nwitness x W12\nquorum h\n"), 2),
        ("full-groups", &format!("{full_groups}witness h W9\ngroup a any h\ngroup b any a\nquorum b\n"), 0),
        (
            "too-many-groups",
            &format!("{full_groups}witness h W9\ngroup a any h\ngroup b any a\ngroup c any b\nquorum c\n"),
            2,
        ),
        ("no-quorum", "witness h W9\n", 2),
        ("empty", "", 2),
        ("two-quorums", "witness h W9\nquorum h\nquorum h\n", 2),
        ("two-nobodies", "quorum none\nquorum none\n", 2),
        ("unknown-quorum", "witness h W9\nquorum x\n", 2),
        ("late-witness", "quorum h\nwitness h W9\n", 2),
        ("quorum-of-two", "witness h W9\nquorum h h\n", 2),
        ("quorum-of-none", "quorum\n", 2),
        ("witness-none", "witness none W9\nquorum none\n", 2),
        ("witness-twice", "witness h W9\nwitness h W11\nquorum h\n", 2),
        ("key-twice", "witness h W9\nwitness k W9\nquorum h\n", 2),
        ("group-like-witness", "witness h W9\ngroup h any h\nquorum h\n", 2),
        ("group-in-itself", "group g any g\nquorum g\n", 2),
        ("group-of-none", "witness h W9\ngroup g any none\nquorum h\n", 2),
        ("member-twice", "witness h W9\ngroup g any h h\nquorum g\n", 2),
        ("member-of-two", "witness h W9\ngroup g any h\ngroup k any h\nquorum g\n", 2),
        ("count-zero", "witness h W9\ngroup g 0 h\nquorum g\n", 2),
        ("count-beyond", "witness h W9\ngroup g 2 h\nquorum g\n", 2),
        ("count-leading-zero", "witness h W9\ngroup g 01 h\nquorum g\n", 2),
        ("count-sign", "witness h W9\ngroup g +1 h\nquorum g\n", 2),
        ("count-huge", "witness h W9\ngroup g 18446744073709551617 h\nquorum g\n", 2),
        ("count-other-digits", "witness h W9\ngroup g \u{661} h\nquorum g\n", 2),
        ("group-empty", "witness h W9\ngroup g all\nquorum h\n", 2),
        ("witness-without-key", "witness h\nquorum none\n", 2),
        ("witness-with-more", "witness h W9 https://h.example/ more\nquorum h\n", 2),
        ("key-of-a-log", &format!("witness h {plain_key}\nquorum h\n"), 2),
        ("key-id-upper-case", &format!("witness h {upper}\nquorum h\n"), 2),
        ("upper-case", "Witness h W9\nquorum h\n", 2),
        ("byte-order-mark", "\u{feff}witness h W9\nquorum h\n", 2),
        ("vertical-tab", "witness\u{b}h W9\nquorum none\n", 2),
        ("carriage-return", "witness h W9\nquorum h\r", 2),
        ("other-blank", "witness\u{a0}h W9\nquorum none\n", 2),
        ("log-twice", "log LOG\nlog LOG\nwitness h W9\nquorum h\n", 2),
        ("unknown-line", "mirror h W9\nwitness h W9\nquorum h\n", 2),
        ("too-long", &long, 2),
        ("not-text", "quorum none\n# \u{0}BYTE\n", 2),
    ] {
        let words = |line: &str| {
            let word = |word: &str| match word.strip_prefix('W').map(str::parse::<u8>) {
                Some(Ok(seed)) => witness(seed).witness().to_string(),
                _ => word.replace("LOG", log).replace("OTHER", &stranger),
            };
            line.split(' ').map(word).collect::<Vec<_>>().join(" ")
        };
        let text = text.split_inclusive('\n').flat_map(|line| {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            let (line, end) =
                line.strip_suffix('\r').filter(|_| end == "\n").map_or((line, end), |line| (line, "\r\n"));
            // Keys may stand after a tab as well.
            let tabs = line.split('\t').map(words).collect::<Vec<_>>().join("\t");
            [tabs, end.to_owned()]
        });
        let mut bytes = text.collect::<String>().into_bytes();
        if let Some(at) = bytes.windows(5).position(|window| window == b"\0BYTE") {
            bytes.splice(at..at + 5, [0xff]);
        }
        let path = format!("policies/{name}");
        vectors.policies.push(json!({"policy": path, "folder": "witnessed", "trust": "trust", "exit": exit}));
        vectors.files.insert(path, bytes);
    }
}
