//! How fast the ledger is, printed beside what the disk gives in the same run.
//!
//! `cargo run --release -p penstock-store --example speed -- DIR [SECONDS]`
//!
//! DIR is a folder on the disk to be measured; what is made there is removed again. Latency rounds alternate between the
//! ledger and a raw file, so that a busy machine is busy for both.

use penstock_store::{Opening, Settings, Store};
use plant::{Body, Draft, GatewayId, Kind, Millis, Note, PlantId, RecordId};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let Some(base) = args.next() else { return Err("usage: speed DIR [SECONDS]".into()) };
    let seconds = args.next().and_then(|text| text.to_str()?.parse().ok()).unwrap_or(5);
    let folder = Path::new(&base).join(format!("penstock-speed-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(&folder, Duration::from_secs(seconds));
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn measure(folder: &Path, time: Duration) -> Result<()> {
    latency(folder, time)?;
    for callers in [128, 512] {
        throughput(folder, callers, time)?;
    }
    Ok(())
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
    Draft {
        kind: Kind::Admin,
        id: RecordId::new(Millis(1_700_000_000_000), random),
        reference: None,
        body: Body { note, ..Body::default() },
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn show(what: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let (middle, late) = (percentile(&times, 50), percentile(&times, 99));
    println!("{what:<44} p50 {middle:>10.1?}  p99 {late:>10.1?}  ({} times)", times.len());
    middle
}

/// One caller, against a raw write and sync of one block.
fn latency(folder: &Path, time: Duration) -> Result<()> {
    let raw_path = folder.join("raw");
    std::fs::write(&raw_path, vec![0; 64 << 20])?;
    let raw = File::options().write(true).open(&raw_path)?;
    raw.sync_all()?;
    let store = open(&folder.join("latency"))?;
    let (mut raw_times, mut store_times) = (Vec::new(), Vec::new());
    let block = [7; 4096];
    let begin = Instant::now();
    let mut number = 0;
    while begin.elapsed() < time * 2 {
        for _ in 0..20 {
            let once = Instant::now();
            raw.write_all_at(&block, (number % 16_000) * 4096)?;
            raw.sync_data()?;
            raw_times.push(once.elapsed());
            number += 1;
        }
        for _ in 0..20 {
            let draft = draft(number);
            let once = Instant::now();
            store.write(draft)?;
            store_times.push(once.elapsed());
            number += 1;
        }
    }
    let raw = show("raw write of 4 KiB and fdatasync", raw_times);
    let ours = show("record of 1 KiB acknowledged, one caller", store_times);
    println!("ratio of the middles: {:.2}", ours.as_secs_f64() / raw.as_secs_f64().max(f64::MIN_POSITIVE));
    store.close();
    Ok(())
}

/// Many callers, each with one record under way at any time; two threads stand for all of them.
fn throughput(folder: &Path, callers: u64, time: Duration) -> Result<()> {
    let store = Arc::new(open(&folder.join(format!("callers-{callers}")))?);
    let failed = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let threads: Vec<_> = (0..2)
        .map(|half| {
            let (store, failed) = (Arc::clone(&store), Arc::clone(&failed));
            std::thread::spawn(move || {
                let (tell, told) = channel();
                let mut number = half << 40;
                let mut times = Vec::new();
                let send = |number: u64| {
                    let tell = tell.clone();
                    let once = Instant::now();
                    let done = move |result: std::result::Result<_, _>| {
                        let _ = tell.send((once.elapsed(), result.is_ok()));
                    };
                    store.append(draft(number), Box::new(done));
                };
                for _ in 0..callers / 2 {
                    send(number);
                    number += 1;
                }
                while let Ok((took, written)) = told.recv() {
                    times.push(took);
                    failed.fetch_add(u64::from(!written), Ordering::Relaxed);
                    if begin.elapsed() > time {
                        break;
                    }
                    send(number);
                    number += 1;
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for thread in threads {
        times.extend(thread.join().map_err(|_| "a caller panicked")?);
    }
    let took = begin.elapsed();
    let (count, behind) = (times.len(), store.state().size.saturating_sub(store.state().published));
    let closing = Instant::now();
    store.close();
    show(&format!("acknowledged with {callers} callers"), times);
    println!(
        "  {:.0} records/s; {} failed; {behind} were not published yet, which took {:.1?} at the close",
        count as f64 / took.as_secs_f64(),
        failed.load(Ordering::Relaxed),
        closing.elapsed()
    );
    raw_groups(folder, callers, time)
}

/// What the disk gives for groups of that size, without hashing, signing, tiles or callers.
fn raw_groups(folder: &Path, callers: u64, time: Duration) -> Result<()> {
    let path = folder.join("raw-groups");
    std::fs::write(&path, vec![0; 64 << 20])?;
    let file = File::options().write(true).open(&path)?;
    file.sync_all()?;
    let group = vec![7; usize::try_from(callers)? * 1026 + 164];
    let group_blocks = group.len().next_multiple_of(4096);
    let (begin, mut groups) = (Instant::now(), 0);
    while begin.elapsed() < time {
        let at = (groups as usize * group_blocks) % ((64 << 20) - group_blocks);
        file.write_all_at(&group, at as u64)?;
        file.sync_data()?;
        groups += 1;
    }
    let rate = (groups * callers) as f64 / begin.elapsed().as_secs_f64();
    println!("  {rate:.0} records/s is what the bare disk gives for groups of {callers}");
    Ok(())
}
