//! How fast a ledger is opened, verified and proved from, printed beside what hashing its bytes takes in the same run.
//!
//! `cargo run --release -p penstock-store --example proofs -- DIR [RECORDS]`
//!
//! DIR is a folder on the disk to be measured; what is made there is removed again. A million records take 1.2 GB.

use ledger::verify::{Files, Options, Trust};
use penstock_store::{Filter, Folder, Opening, Reader, Settings, Store};
use plant::{Body, Draft, GatewayId, Kind, Millis, Note, PlantId, RecordId};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Records under way while the ledger is made.
const UNDER_WAY: usize = 2048;
/// Receipts that are made.
const RECEIPTS: u64 = 2000;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let Some(base) = args.next() else { return Err("usage: proofs DIR [RECORDS]".into()) };
    let records = args.next().and_then(|text| text.to_str()?.parse().ok()).unwrap_or(1_000_000);
    let folder = Path::new(&base).join(format!("penstock-proofs-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = make(&folder, records).and_then(|()| measure(&folder));
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn open(folder: &Path) -> Result<Store> {
    let opening = Opening {
        key: Arc::new(seal::SigningKey::from_seed([1; 32].into())),
        plant: PlantId::new("brewery")?,
        gateway: GatewayId::new("gate-1")?,
        epoch_seed: Some(folder.join("epoch.seed")),
        settings: Settings::default(),
    };
    Ok(Store::open(folder, &opening)?.0)
}

/// A record whose line is about 1 KiB.
fn draft(number: u64) -> Draft {
    let mut random = [0; 10];
    for (byte, from) in random.iter_mut().zip(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()) {
        *byte = from;
    }
    let note = BTreeMap::from([("n", Note::Number(number)), ("text", Note::Text("x".repeat(690)))]);
    let id = RecordId::new(Millis(1_700_000_000_000), random);
    Draft { kind: Kind::Admin, id, reference: None, body: Body { note, ..Body::default() } }
}

fn make(folder: &Path, records: u64) -> Result<()> {
    let (store, begin) = (open(folder)?, Instant::now());
    let (tell, told) = sync_channel(UNDER_WAY);
    let mut under_way = 0;
    for number in 0..records {
        let tell = tell.clone();
        store.append(draft(number), Box::new(move |result| tell.send(result.is_ok()).unwrap_or_default()));
        under_way += 1;
        if under_way == UNDER_WAY {
            under_way -= usize::from(told.recv()?);
        }
    }
    for _ in 0..under_way {
        told.recv()?;
    }
    let written = begin.elapsed();
    store.close();
    println!("{records} records written in {written:.1?}, published {:.1?} later", begin.elapsed() - written);
    Ok(())
}

fn measure(folder: &Path) -> Result<()> {
    let begin = Instant::now();
    let store = open(folder)?;
    println!("opened for writing in {:.1?}", begin.elapsed());
    store.close();
    verification(folder)?;
    receipts(folder)
}

/// Verifies the whole ledger, and beside it reads and hashes the same files without looking at them.
fn verification(folder: &Path) -> Result<()> {
    let trust = Trust::parse(&std::fs::read_to_string(folder.join("trust/ledger.trust"))?)?;
    let files = Folder::new(folder);
    let (mut best, mut limit, mut records) = (Duration::MAX, Duration::MAX, 0);
    for _ in 0..3 {
        let begin = Instant::now();
        let report = ledger::verify(&files, &trust, &Options::default());
        best = best.min(begin.elapsed());
        if report.class().is_some() {
            return Err(format!("the ledger does not verify: {:?}", report.problems).into());
        }
        records = report.records;
        let begin = Instant::now();
        let bytes = hash(&files, records)?;
        limit = limit.min(begin.elapsed());
        if bytes < report.bytes {
            return Err("not everything was hashed".into());
        }
    }
    let rate = |time: Duration| records as f64 / time.as_secs_f64();
    println!("verified in {best:.1?}: {:.0} records/s", rate(best));
    println!("reading and hashing the same bytes in {limit:.1?}: {:.0} records/s", rate(limit));
    println!("ratio: {:.2}", best.as_secs_f64() / limit.as_secs_f64());
    Ok(())
}

/// One hash over each bundle; gives the bytes.
fn hash(files: &Folder, records: u64) -> Result<u64> {
    let (mut bytes, mut buffer) = (0, Vec::new());
    for index in 0..records.div_ceil(u64::from(ledger::tile::WIDTH)) {
        let Some(tile) = ledger::Tile::in_tree(ledger::Row::Entries, index, records) else { continue };
        files.read_into(&tile.path(), ledger::tile::BUNDLE_LIMIT, &mut buffer).map_err(|error| error.0)?;
        bytes += buffer.len() as u64;
        std::hint::black_box(seal::sha256(&buffer));
    }
    Ok(bytes)
}

fn receipts(folder: &Path) -> Result<()> {
    let reader = Reader::open(folder)?;
    let (head, _) = reader.published()?.ok_or("nothing is published")?;
    let receipts = reader.receipts()?.ok_or("nothing is published")?;
    let (mut times, mut longest) = (Vec::new(), 0);
    for number in 0..RECEIPTS {
        let seq = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % head.size;
        let record = reader.records(seq, Filter::default()).next().ok_or("no such record")??;
        let begin = Instant::now();
        let receipt = receipts.of(&record)?;
        times.push(begin.elapsed());
        longest = longest.max(receipt.to_string().len());
    }
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    println!("a receipt: p50 {:.1?}, p99 {:.1?}; the longest of {RECEIPTS} has {longest} bytes", at(50), at(99));
    Ok(())
}
