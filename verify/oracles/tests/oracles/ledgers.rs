//! Whole ledgers: those that `store` wrote, checked by the crates; those that the crates made, verified by us.

use crate::support::{Damage, Folder, check, flipped, keys, make, open, split};
use ledger::verify::{Class, Options, Trust, verify};
use ledger::{Origin, Receipt, Tile};
use plant::{Body, Draft, GatewayId, Kind, Millis, Note, PlantId, RecordId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use store::{Opening, Settings, Store};

/// A ledger that `store` wrote on a disk, in two lives, with several heads; and its key.
static LEDGER: LazyLock<(Folder, String)> = LazyLock::new(|| {
    let home = tempfile::tempdir().unwrap();
    live(home.path(), 0..300, None);
    let key = live(home.path(), 300..600, None);
    (Folder::load(home.path()), key)
});

/// One life of a gateway's ledger, with keys of its days if there is a place for their seed; gives the key.
fn live(folder: &Path, numbers: std::ops::Range<u64>, epoch_seed: Option<PathBuf>) -> String {
    let opening = Opening {
        key: Arc::new(seal::SigningKey::from_seed([1; 32].into())),
        plant: PlantId::new("brewery").unwrap(),
        gateway: GatewayId::new("gate-1").unwrap(),
        epoch_seed,
        settings: Settings {
            publish_records: 50,
            keep_notes: 4,
            publish_after: Duration::from_millis(1),
            segment_bytes: 1 << 20,
            warn_at: Vec::new(),
            ..Settings::default()
        },
    };
    let (store, _) = Store::open(folder, &opening).unwrap();
    let (tell, told) = channel();
    for number in numbers {
        let tell = tell.clone();
        store.append(draft(number), Box::new(move |result| tell.send(result.is_ok()).unwrap()));
    }
    drop(tell);
    assert!(told.into_iter().all(|written| written));
    let state = store.close();
    assert_eq!(state.size, state.published);
    store.verifier().to_string()
}

fn draft(number: u64) -> Draft {
    let [.., a, b] = number.to_be_bytes();
    let id = RecordId::new(Millis(1_763_674_500_000), [0, 0, 0, 0, 0, 0, 0, 0, a, b]);
    let note = BTreeMap::from([("number", Note::Number(number)), ("text", Note::Text("x".repeat(a.into())))]);
    Draft { kind: Kind::Admin, id, reference: None, body: Body { note, ..Body::default() } }
}

fn trust(key: &str) -> Trust {
    Trust::parse(key).unwrap()
}

/// What we find in a folder.
fn judge(folder: &Folder, key: &str) -> Option<Class> {
    verify(folder, &trust(key), &Options::default()).class()
}

fn records(folder: &Folder, size: u64) -> Vec<&[u8]> {
    let bundles = folder.current(size).into_iter().filter(|path| path.starts_with("tile/entries/"));
    let mut bundles: Vec<Tile> = bundles.map(|path| Tile::parse(&path).unwrap()).collect();
    bundles.sort_unstable_by_key(|tile| tile.index());
    bundles.iter().flat_map(|tile| split(&folder.0[&tile.path()]).unwrap()).collect()
}

#[test]
fn a_ledger_of_the_store_holds_for_other_crates() {
    let (folder, key) = &*LEDGER;
    let size = check(folder, key).unwrap();
    assert!(size > 600, "600 records, and those of two starts: {size}");
    assert_eq!(judge(folder, key), None);
    let notes = folder.0.keys().filter(|path| path.starts_with("checkpoints/")).count();
    assert!(notes > 2, "{notes}");
}

#[test]
fn a_head_that_the_key_of_its_day_signed_as_well_holds_for_other_crates() {
    let home = tempfile::tempdir().unwrap();
    let key = live(home.path(), 0..10, Some(home.path().join("epoch.seed")));
    let folder = Folder::load(home.path());
    let note = seal::note::Note::parse(&folder.0["checkpoint"]).unwrap();
    assert_eq!(note.signatures().len(), 2);
    assert!(check(&folder, &key).unwrap() > 10);
    assert_eq!(judge(&folder, &key), None);
}

#[test]
fn a_record_of_the_store_has_a_receipt_whose_path_holds_for_other_crates() {
    let (folder, key) = &*LEDGER;
    let note = seal::note::Note::parse(&folder.0["checkpoint"]).unwrap();
    let head = open(&folder.0["checkpoint"], key).unwrap();
    let tiles = ledger::tile::Tiles::new(head.size(), |tile: Tile| folder.0.get(&tile.path()).cloned());
    for (index, record) in (0..).zip(records(folder, head.size())).step_by(37) {
        let text = Receipt::make(index, note.clone(), &tiles).unwrap().to_string();
        let (proof, note) = text.split_once("\n\n").unwrap();
        let mut lines = proof.lines();
        assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
        assert_eq!(lines.next(), Some(format!("index {index}").as_str()));
        let path = lines.map(|line| tlog_tiles::Hash::parse_hash(line).unwrap()).collect();
        let head = open(note.as_bytes(), key).unwrap();
        tlog_tiles::check_record(&path, head.size(), *head.hash(), index, tlog_tiles::record_hash(record)).unwrap();
    }
}

/// What can happen to the bytes of a file.
const DAMAGE: &Damage<Vec<u8>> = &[
    ("its first bit flipped", |bytes| bytes[0] ^= 128),
    ("a bit in its middle flipped", |bytes| *bytes = flipped(bytes, bytes.len() / 2, 0)),
    ("its last bit flipped", |bytes| *bytes.last_mut().unwrap() ^= 1),
    ("a byte more", |bytes| bytes.push(b'\n')),
    ("a hash more", |bytes| bytes.extend([0; 32])),
    ("a byte less", |bytes| bytes.truncate(bytes.len() - 1)),
    ("a hash less", |bytes| bytes.truncate(bytes.len() - 32)),
    ("as many hashes as a full tile", |bytes| bytes.resize(bytes.len().next_multiple_of(256 * 32), 0)),
    ("nothing in it", Vec::clear),
];

#[test]
fn a_damaged_file_is_seen_by_both_sides() {
    let (folder, key) = &*LEDGER;
    let size = open(&folder.0["checkpoint"], key).unwrap().size();
    for path in folder.current(size) {
        for (name, damage) in DAMAGE {
            let mut damaged = folder.clone();
            let bytes = damaged.0.get_mut(&path).unwrap();
            damage(bytes);
            let changed = *bytes != folder.0[&path];
            assert_eq!(judge(&damaged, key).is_some(), changed, "{path}: {name}");
            assert_eq!(check(&damaged, key).is_err(), changed, "{path}: {name}");
        }
    }
}

#[test]
fn a_file_that_is_gone_is_missed_by_both_sides() {
    let (folder, key) = &*LEDGER;
    let size = open(&folder.0["checkpoint"], key).unwrap().size();
    // Earlier heads are not needed.
    for path in folder.current(size).into_iter().filter(|path| !path.starts_with("checkpoints/")) {
        let mut poorer = folder.clone();
        poorer.0.remove(&path);
        assert!(judge(&poorer, key).is_some() && check(&poorer, key).is_err(), "{path}");
    }
}

#[test]
fn files_that_changed_places_are_seen_by_both_sides() {
    let (folder, key) = &*LEDGER;
    for (one, other) in
        [("tile/0/000", "tile/0/001"), ("tile/entries/000", "tile/entries/001"), ("tile/entries/001", "tile/0/001")]
    {
        let mut swapped = folder.clone();
        swapped.0.insert(one.to_owned(), folder.0[other].clone());
        swapped.0.insert(other.to_owned(), folder.0[one].clone());
        assert!(judge(&swapped, key).is_some() && check(&swapped, key).is_err(), "{one} and {other}");
    }
}

#[test]
fn a_ledger_under_another_key_is_refused_by_both_sides() {
    let (folder, key) = &*LEDGER;
    let origin = key.split_once('+').unwrap().0;
    let other = keys(origin, 2).0.verifier().to_string();
    assert!(judge(folder, &other).is_some() && check(folder, &other).is_err());
}

#[test]
fn what_the_crates_make_of_our_records_is_what_we_made() {
    for (name, sizes) in [("good", [7, 10, 13]), ("boundary", [255, 256, 257])] {
        let vector = Folder::vector(name);
        let origin = origin(&vector);
        let (log, signer) = keys(&origin, 1);
        let made = make(&records(&vector, sizes[2]), &sizes, &signer);
        for (path, bytes) in &vector.0 {
            assert_eq!(made.0.get(path), Some(bytes), "{name}: {path}");
        }
        assert_eq!(judge(&made, &log.verifier().to_string()), None);
    }
}

#[test]
fn what_the_crates_make_of_the_stores_records_verifies_and_is_refused_when_damaged() {
    let (folder, key) = &*LEDGER;
    let size = open(&folder.0["checkpoint"], key).unwrap().size();
    let (log, signer) = keys(&origin(folder), 9);
    let key = log.verifier().to_string();
    let made = make(&records(folder, size), &[255, 256, 257, size], &signer);
    assert_eq!((judge(&made, &key), check(&made, &key)), (None, Ok(size)));
    for path in made.current(size) {
        let mut damaged = made.clone();
        let bytes = &made.0[&path];
        damaged.0.insert(path.clone(), flipped(bytes, bytes.len() / 3, 2));
        assert_eq!(judge(&damaged, &key), Some(Class::Tampered), "{path}");
        assert!(check(&damaged, &key).is_err(), "{path}");
    }
}

#[test]
fn a_receipt_that_the_crates_make_proves_its_record_to_us() {
    let vector = Folder::vector("boundary");
    let origin = origin(&vector);
    let (log, signer) = keys(&origin, 1);
    let records = records(&vector, 257);
    let made = make(&records, &[257], &signer);
    let head = open(&made.0["checkpoint"], &log.verifier().to_string()).unwrap();
    let tree = tlog_tiles::TileHashReader::new(257, *head.hash(), &made);
    for index in [0, 1, 128, 254, 255, 256] {
        let path = tlog_tiles::prove_record(257, index, &tree).unwrap();
        let path: String = path.iter().map(|hash| format!("{hash}\n")).collect();
        let note = String::from_utf8(made.0["checkpoint"].clone()).unwrap();
        let receipt = format!("c2sp.org/tlog-proof@v1\nindex {index}\n{path}\n{note}");
        let trusted = [log.verifier().clone()];
        let record = records[usize::try_from(index).unwrap()];
        let proved = Receipt::parse(receipt.as_bytes()).unwrap().verify(record, &trusted).unwrap();
        assert_eq!((proved.size, proved.root), (257, head.hash().0));
        let spoilt = receipt.replace(&format!("index {index}\n"), &format!("index {}\n", index ^ 1));
        assert!(Receipt::parse(spoilt.as_bytes()).unwrap().verify(record, &trusted).is_err(), "{index}");
    }
}

fn origin(folder: &Folder) -> String {
    let note = std::str::from_utf8(&folder.0["checkpoint"]).unwrap();
    let origin = note.lines().next().unwrap();
    Origin::parse(origin).unwrap().to_string()
}
