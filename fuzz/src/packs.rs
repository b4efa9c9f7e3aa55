//! `export` under fire: evidence packs as zips.

use crate::seeds::{data, folder};
use export::pack::{Order, Profile, Sample, Sink, check, make};
use ledger::verify::Trust;
use plant::{Kind, Millis};
use seal::{Sign, SigningKey};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use store::{Filter, Reader};
use zeroize::Zeroizing;

/// When the good packs were made: what only their signed manifests say.
const MADE: Millis = Millis(1_800_000_000_000);

/// A zip that may be a pack: whatever passes says what the good ones say.
pub fn pack(bytes: &[u8]) {
    let place = scratch().join("pack.zip");
    fs::write(&place, bytes).expect("a place for the zip");
    let checked = check(&place, Some(trust()));
    if checked.class().is_none() {
        let head = checked.head.expect("who passes has a head");
        assert!(checked.signed && checked.made == Some(MADE.to_string()), "a manifest that nobody signed");
        assert_eq!((head.size, checked.population), (13, 5), "a manifest that says something else");
        assert!([2, 5].contains(&checked.proved), "records that nobody drew");
    }
    // The bytes of the central directory decide; also without a signature at the front.
    let _ = export::pack::is_pack(&place);
}

/// Packs of the intents of a ledger in `testdata/`: all of them, a sample, and redacted.
#[must_use]
pub fn packs() -> Vec<Vec<u8>> {
    let home = scratch().join("ledger");
    for (name, bytes) in folder("ledgers/good") {
        put(&home.join(name), &bytes);
    }
    put(&home.join("trust/ledger.trust"), &data("ledgers/trust"));
    let reader = Reader::open(&home).expect("a ledger");
    [(None, None), (Sample::new(2, "fuzz").ok(), None), (None, Some(Profile::Persons)), (None, Some(Profile::All))]
        .into_iter()
        .map(|(sample, profile)| {
            let place = scratch().join("seed.zip");
            let _ = fs::remove_file(&place);
            let filter = Filter { kind: Some(Kind::Intent), ..Filter::default() };
            let key: Option<Arc<dyn Sign>> = Some(Arc::new(SigningKey::from_seed(Zeroizing::new([1; 32]))));
            let order = Order { reader: &reader, filter, sample, profile, now: MADE, key };
            make(order, Sink::new(&place).expect("a place")).expect("a pack");
            fs::read(&place).expect("the zip")
        })
        .collect()
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

fn trust() -> &'static Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    let text = || String::from_utf8(data("ledgers/trust")).expect("text");
    TRUST.get_or_init(|| Trust::parse(&text()).expect("a trust file"))
}

/// A folder of this process's own.
fn scratch() -> &'static Path {
    static SCRATCH: OnceLock<PathBuf> = OnceLock::new();
    SCRATCH.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("penstock-fuzz-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        path
    })
}
