//! How fast a device signs, and what that makes of the ledger, beside a key in memory in the same run.
//!
//! `cargo run --release -p penstock-hsm --example speed -- DIR URI [SECONDS]`
//!
//! DIR is a folder on the disk to be measured; what is made there is removed again. URI names the key as a plant file does.

use penstock_hsm::Device;
use plant::{Body, Draft, GatewayId, Kind, Millis, Note, PlantId, RecordId};
use seal::pkcs11::Uri;
use seal::{Sign, SigningKey};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use store::{Opening, Settings, Store};
use zeroize::Zeroizing;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(base), Some(uri)) = (args.first(), args.get(1)) else {
        return Err("usage: speed DIR URI [SECONDS]".into());
    };
    let time = Duration::from_secs(args.get(2).and_then(|text| text.parse().ok()).unwrap_or(5));
    let uri = Uri::parse(uri)?;
    let pin = uri.pin.clone();
    let device = Device::open(uri, Box::new(move || Ok(Zeroizing::new(std::fs::read_to_string(&pin)?))))?;
    let keys: [(&str, Arc<dyn Sign>); 2] =
        [("in memory", Arc::new(SigningKey::from_seed([1; 32].into()))), ("in the device", Arc::new(device))];
    let folder = Path::new(base).join(format!("penstock-hsm-speed-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    println!("| key | signatures/s | callers | records/s | p50 us | p99 us |");
    println!("|---|---|---|---|---|---|");
    for (name, key) in keys {
        let signed = signatures(&*key, time)?;
        for callers in [1, 128, 512] {
            let (rate, [middle, late]) = records(&folder.join(format!("{name} {callers}")), &key, callers, time)?;
            println!(
                "| {name} | {signed:.0} | {callers} | {rate:.0} | {} | {} |",
                middle.as_micros(),
                late.as_micros()
            );
        }
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Signatures of a message as long as a checkpoint, one after the other, each checked as the ledger does.
fn signatures(key: &dyn Sign, time: Duration) -> Result<f64> {
    let (begin, mut count) = (Instant::now(), 0_u32);
    while begin.elapsed() < time {
        key.sign(&[b'x'; 120])?;
        count += 1;
    }
    Ok(f64::from(count) / begin.elapsed().as_secs_f64())
}

/// So many callers, each with one record of 1 KiB under way at any time: records a second, and how long one takes.
fn records(folder: &Path, key: &Arc<dyn Sign>, callers: u64, time: Duration) -> Result<(f64, [Duration; 2])> {
    let opening = Opening {
        key: Arc::clone(key),
        plant: PlantId::new("brewery")?,
        gateway: GatewayId::new("gate-1")?,
        epoch_seed: None,
        settings: Settings::default(),
    };
    let store = Store::open(folder, &opening)?.0;
    let (tell, told) = channel();
    let send = |number: u64| {
        let (tell, begin) = (tell.clone(), Instant::now());
        store.append(draft(number), Box::new(move |written| drop(tell.send((begin.elapsed(), written)))));
    };
    let begin = Instant::now();
    (0..callers).for_each(send);
    let (mut number, mut times) = (callers, Vec::new());
    while begin.elapsed() < time {
        let (took, written) = told.recv()?;
        written?;
        times.push(took);
        send(number);
        number += 1;
    }
    let rate = times.len() as f64 / begin.elapsed().as_secs_f64();
    store.close();
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    Ok((rate, [at(50), at(99)]))
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
