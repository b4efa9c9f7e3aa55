//! A ledger that is made to be measured.

use plant::{Draft, GatewayId, PlantId};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use store::{Opening, Settings, Store};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Records under way while the ledger is written.
const CALLERS: u64 = 4096;

/// Does what the command line `DIR [RECORDS]` asks: writes a ledger of so many drafts below DIR, has it measured, and removes it.
pub(crate) fn with(
    name: &str,
    records: u64,
    draft: fn(u64) -> Result<Draft>,
    measure: fn(&Path) -> Result<()>,
) -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let Some(base) = args.next() else { return Err(format!("usage: {name} DIR [RECORDS]").into()) };
    let records = args.next().and_then(|text| text.to_str()?.parse().ok()).unwrap_or(records);
    let folder = Path::new(&base).join(format!("penstock-index-{name}-{}", std::process::id()));
    let measured = write(&folder, records, draft).and_then(|()| measure(&folder));
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn write(folder: &Path, records: u64, draft: fn(u64) -> Result<Draft>) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let opening = Opening {
        key: Arc::new(seal::SigningKey::from_seed([1; 32].into())),
        plant: PlantId::new("brewery")?,
        gateway: GatewayId::new("gate-1")?,
        epoch_seed: None,
        settings: Settings::default(),
    };
    let (store, _) = Store::open(folder, &opening)?;
    let (tell, told) = sync_channel(2 * CALLERS as usize);
    for number in 0..records {
        let tell = tell.clone();
        store.append(draft(number)?, Box::new(move |result| _ = tell.send(result.is_ok())));
        if number >= CALLERS && !told.recv()? {
            return Err("a record was not written".into());
        }
    }
    store.close();
    Ok(())
}
