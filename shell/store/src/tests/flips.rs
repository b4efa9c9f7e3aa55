//! A1: no bit of a ledger flips unseen, save where there is nothing to see.

use super::damage::audited;
use super::{folder, image, numbers, open, opening, settings, verify, write};
use crate::{Settings, Store};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// All bits instead of one in each byte: `PENSTOCK_BITS=all`.
fn masks(at: u64) -> Vec<u8> {
    match std::env::var("PENSTOCK_BITS") {
        Ok(bits) if bits == "all" => (0..8).map(|bit| 1 << bit).collect(),
        _ => vec![1 << (at % 8)],
    }
}

/// What `penstock verify` would say: of the published log, and of what stands beside it.
fn judged(folder: &Path) -> Option<String> {
    if let Some(problem) = verify(folder).into_iter().next() {
        return Some(problem);
    }
    match audited(folder) {
        Ok(audit) if audit.torn == 0 => None,
        Ok(audit) => Some(format!("{} torn bytes", audit.torn)),
        Err(fault) => Some(fault.to_string()),
    }
}

/// Every file that is evidence. No evidence are the seed and the reserve, who writes at the moment, and `trust/`, of which
/// an auditor keeps a copy.
fn evidence(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.file_name().unwrap().to_str().unwrap() {
            "trust" | "reserve" | "epoch.seed" | "writer.lock" => {}
            _ if path.is_dir() => evidence(&path, into),
            _ => into.push(path),
        }
    }
}

/// The places of a file that say something. Behind the last frame of a segment is free space; of what is behind the entries
/// of a frame, all of it zero, one byte in 64 stands for the others.
fn telling(path: &Path, used: u64) -> Vec<u64> {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "seg") {
        return (0..).zip(bytes).map(|(at, _)| at).collect();
    }
    let blocks = (0..used).step_by(64).zip(bytes.chunks(64));
    blocks.flat_map(|(at, block)| at..at + if block.iter().any(|byte| *byte != 0) { 64 } else { 1 }).collect()
}

#[test]
fn a1_no_bit_of_a_ledger_flips_unseen() {
    let ledger = folder();
    // Published once, at the end: partial tiles of earlier heads can be derived from the later ones.
    let once = Settings { publish_after: Duration::from_secs(3600), publish_records: 1 << 40, ..settings() };
    let (store, _) = Store::open(ledger.path(), &opening(once)).unwrap();
    for number in 0..3 {
        write(&store, number);
    }
    store.close();
    assert_eq!(judged(ledger.path()), None);
    let mut files = Vec::new();
    evidence(ledger.path(), &mut files);
    let mut walker = crate::wal::Walker::new(&ledger.path().join("wal"), crate::publisher::BEGINNING, 0, None);
    while let crate::wal::Step::Frame(..) = walker.step().unwrap() {}
    let used = walker.position().offset;
    let (mut flipped, mut unseen) = (0, Vec::new());
    for path in &files {
        let file = File::options().read(true).write(true).open(path).unwrap();
        for at in telling(path, used) {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            for mask in masks(at) {
                file.write_all_at(&[byte[0] ^ mask], at).unwrap();
                flipped += 1;
                if judged(ledger.path()).is_none() {
                    unseen.push((path.strip_prefix(ledger.path()).unwrap().to_owned(), at, mask));
                }
            }
            file.write_all_at(&byte, at).unwrap();
        }
    }
    assert_eq!(judged(ledger.path()), None);
    assert!(flipped > 5000, "{flipped}");
    assert_eq!(unseen, [], "of {flipped}");
}

/// What is flipped in free space is no part of the log: the next start says that it was there, and goes on.
#[test]
fn a1_a_bit_in_free_space_is_mended() {
    let ledger = folder();
    let (store, _) = open(ledger.path());
    write(&store, 0);
    store.close();
    let segment = &super::segments(ledger.path())[0];
    let length = segment.metadata().unwrap().len();
    for at in [length - 1, length / 2] {
        let spoiled = image(ledger.path());
        super::damage::flip(&super::segments(spoiled.path())[0], at);
        let (store, _) = open(spoiled.path());
        write(&store, 1);
        store.close();
        assert_eq!((judged(spoiled.path()), numbers(spoiled.path())), (None, vec![0, 1]));
    }
}
