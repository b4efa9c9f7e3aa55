//! A ledger and its witnesses, many at a time.

use super::{draft, folder, open};
use crate::{Memory, Store, Thinner, add, head, request_under, witnessed};
use ledger::verify::Trust;
use ledger::witness::Quorum;
use plant::{Kind, Millis};
use seal::SigningKey;
use seal::cosignature::Cosigner;
use seal::note::{Note, Verifier};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

fn cosigner(number: u8) -> Cosigner {
    Cosigner::new(format!("w{number}.example"), Arc::new(SigningKey::from_seed([number; 32].into()))).unwrap()
}

/// The first of so many witnesses, and how many of them are enough.
fn quorum(witnesses: u8, enough: u8) -> Quorum {
    let (mut policy, mut names) = (String::new(), String::new());
    for number in 1..=witnesses {
        writeln!(policy, "witness w{number} {}", cosigner(number).witness()).unwrap();
        write!(names, " w{number}").unwrap();
    }
    writeln!(policy, "group all {enough}{names}\nquorum all").unwrap();
    Trust::parse_policy(&policy).unwrap().quorum().unwrap().clone()
}

/// Writes records, and gives the ledger's key.
fn grow(ledger: &Path, records: u64) -> Verifier {
    let store: Store = open(ledger).0;
    for number in 0..records {
        store.write(draft(Kind::Admin, number, None, 10)).unwrap();
    }
    let key = store.verifier().clone();
    store.close();
    key
}

/// One witness signs a head, and the ledger keeps that.
fn sign(ledger: &Path, key: &Verifier, under: &Note, number: u8) {
    let (states, cosigner) = (ledger.join("../states"), cosigner(number));
    let mut memory = Memory::open(&states.join(number.to_string())).unwrap();
    let request = request_under(ledger, under, 0).unwrap();
    let keys = std::slice::from_ref(key);
    let note = memory.cosign(&request, keys, &cosigner, Millis(1_700_000_000_000)).unwrap();
    add(ledger, &note, keys, &[cosigner.witness()]).unwrap();
}

#[test]
fn no_signature_is_lost_when_all_come_at_once() {
    let folder = folder();
    let ledger = folder.path().join("ledger");
    std::fs::create_dir(&ledger).unwrap();
    let key = grow(&ledger, 300);
    let (published, under) = head(&ledger).unwrap();
    // All are asked about one head, also when there is a newer one by then.
    grow(&ledger, 300);
    std::thread::scope(|scope| {
        for number in 1..=16 {
            let (ledger, key, under) = (&ledger, &key, &under);
            scope.spawn(move || sign(ledger, key, under, number));
        }
    });
    let found = |quorum: &Quorum, above| witnessed(&ledger, std::slice::from_ref(&key), quorum, above).unwrap();
    assert_eq!(found(&quorum(16, 16), 0), Some(published.size));
    assert_eq!(found(&quorum(16, 16), published.size), None);
    assert_eq!(found(&quorum(17, 17), 0), None);
    // A newer head that too few have signed does not hide the older one.
    let (newer, under) = head(&ledger).unwrap();
    sign(&ledger, &key, &under, 20);
    assert!(newer.size > published.size && ledger.join(format!("witnessed/{}.note", newer.size)).exists());
    assert_eq!(found(&quorum(16, 16), 0), Some(published.size));
    assert_eq!(found(&quorum(20, 1), 0), Some(newer.size));
}

#[test]
fn the_state_of_a_witness_is_held_by_one_at_a_time() {
    let folder = folder();
    let held = Memory::try_open(&folder.path().join("a/b/state")).unwrap().unwrap();
    assert!(Memory::try_open(&folder.path().join("a/b/state")).unwrap().is_none());
    drop(held);
    assert!(Memory::try_open(&folder.path().join("a/b/state")).unwrap().is_some());
}

/// A ledger whose every head is signed, as many as a day has minutes, and one of them by a person.
#[test]
fn a_ledger_does_not_drown_in_signed_heads() {
    let folder = folder();
    let ledger = folder.path().join("ledger");
    std::fs::create_dir(&ledger).unwrap();
    let (quorum, asked) = (quorum(2, 1), cosigner(1));
    let (mut thinner, mut signed, mut removed) = (Thinner::new(8), Vec::new(), 0);
    for round in 0..30_u64 {
        let key = grow(&ledger, 1);
        let (published, under) = head(&ledger).unwrap();
        signed.push(published.size);
        // Ten rounds a day, of which the first two have no quorum: a signature of somebody else, whom we ask as well.
        let (day, other) = (20_000 + round / 10, cosigner(9));
        let by = if round % 10 < 2 { &other } else { &asked };
        let mut note = under.clone();
        note.put(by.sign(&note, day * 86_400)).unwrap();
        if round == 15 {
            note.put(cosigner(2).sign(&note, day * 86_400)).unwrap();
        }
        add(&ledger, &note, std::slice::from_ref(&key), &[by.witness(), cosigner(2).witness()]).unwrap();
        let asked = [asked.witness(), other.witness()];
        removed += thinner.thin(&ledger, std::slice::from_ref(&key), &quorum, &asked).unwrap();
    }
    let left: Vec<usize> = signed
        .iter()
        .enumerate()
        .filter(|(_, size)| ledger.join(format!("witnessed/{size}.note")).exists())
        .map(|(round, _)| round)
        .collect();
    // Of each day that is over the first and the first with a quorum; what a person carried; the last with a quorum among
    // those that were looked through; and the newest.
    assert_eq!(left.iter().filter(|round| **round < 20).copied().collect::<Vec<_>>(), [0, 2, 10, 12, 15, 19]);
    assert!((8..=13).contains(&left.iter().filter(|round| **round >= 20).count()), "{left:?}");
    assert_eq!(removed + left.len(), 30);
}
