//! `ledger` under fire: records, bundles, checkpoints, receipts, trust files, and a whole ledger that somebody altered.

use crate::keys;
use crate::seeds::{self, Folder, data};
use ledger::verify::{Files, Options, Trust, Unreadable};
use ledger::witness::{Request, conflicting_size};
use ledger::{Checkpoint, CoseReceipt, Head, Receipt, Tile};
use seal::note::Note;
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

/// A record: two parsers agree on it, and it has one spelling.
pub fn record(bytes: &[u8]) {
    let head = Head::parse(bytes);
    let Ok(entry) = ledger::decode(bytes) else { return };
    let head = head.expect("whoever reads the whole reads the head");
    assert_eq!((head.seq, head.id, head.t, &head.prev), (entry.seq(), entry.id(), entry.t(), entry.prev()));
    assert_eq!(entry.text("kind"), Some(head.kind));
    let again = serde_json::to_string(entry.value()).expect("JSON");
    assert_eq!(again.as_bytes(), bytes, "a record has one spelling");
}

/// A bundle or a tile: the first byte is its width, and its path is tried as well.
pub fn bundle(bytes: &[u8]) {
    let Some((width, rest)) = bytes.split_first() else { return };
    if let Ok(entries) = ledger::tile::entries(rest, u16::from(*width)) {
        let mut again = Vec::new();
        for entry in entries {
            ledger::tile::push_entry(&mut again, entry).expect("it came out of a bundle");
        }
        assert_eq!(again, rest, "a bundle has one spelling");
    }
    if let Ok(hashes) = ledger::tile::hashes(rest, u16::from(*width)) {
        assert_eq!(hashes.as_flattened(), rest);
    }
    if let Some(tile) = std::str::from_utf8(bytes).ok().and_then(|path| Some((path, Tile::parse(path)?))) {
        assert_eq!(tile.1.path(), tile.0, "a tile has one path");
    }
}

/// What was used of quotas: what is taken up is written again as what is taken up.
pub fn counts(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(used) = quota::Counters::restore(text) else { return };
    let saved = used.save();
    assert_eq!(saved.lines().count(), text.lines().count(), "every line is a count");
    assert_eq!(quota::Counters::restore(&saved).expect("it was saved").save(), saved);
}

/// What a destination of alerts was told, and what is sent: what is taken up is written again as the same, and whatever stands in
/// an alert ends no field, line or header.
pub fn alerts(bytes: &[u8]) {
    export::alerts::fuzz(bytes);
    let Ok(value) = serde_json::from_slice(bytes) else { return };
    let Ok(mut watch) = alert::Watch::restore(&value) else { return };
    assert_eq!(alert::Watch::restore(&watch.save()).as_ref(), Ok(&watch), "a state reads as it was saved");
    let terms =
        alert::Terms { at_least: alert::Severity::Info, window: std::time::Duration::from_secs(60), per_minute: 5 };
    let plant = plant::PlantId::new("works").expect("a name");
    let site = alert::Site { plant, gateway: plant::GatewayId::new("gate-1").expect("a name") };
    for time in [0, 1 << 40, u64::MAX] {
        assert!(watch.tick(&terms, &site, plant::Millis(time)).len() <= 6, "a minute has its number and one more");
    }
}

/// A checkpoint, signed or not.
pub fn checkpoint(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.to_string(), text, "a checkpoint has one spelling");
    }
    if let Ok((checkpoint, note)) = Checkpoint::open(bytes, trusted().verifiers()) {
        assert_eq!(checkpoint.to_string(), note.text());
        assert!(heads().contains(note.text()), "nothing else was ever signed");
    }
}

/// A receipt, held against a record that it may be for.
pub fn receipt(bytes: &[u8]) {
    let Ok(receipt) = Receipt::parse(bytes) else { return };
    assert_eq!(receipt.to_string().as_bytes(), bytes, "a receipt has one spelling");
    let record = data("ledgers/receipts/good.json");
    if receipt.verify(&record, trusted().verifiers()).is_ok() {
        assert_eq!(receipt.index(), Head::parse(&record).expect("a record").seq);
        let mut altered = record.clone();
        let last = altered.len() - 2;
        altered[last] ^= 1;
        assert!(receipt.verify(&altered, trusted().verifiers()).is_err(), "a receipt is for one record");
    }
}

/// A COSE receipt proves the one record that it was made for, under the one root that was signed.
pub fn cose(bytes: &[u8]) {
    static RECORD: LazyLock<Vec<u8>> = LazyLock::new(|| data("ledgers/receipts/good.json"));
    let Ok(receipt) = CoseReceipt::parse(bytes) else { return };
    if let Ok(head) = receipt.verify(&RECORD, std::slice::from_ref(keys::signer().verifier())) {
        assert_eq!(head.root, seeds::last_of(&RECORD).0.root, "one root was signed");
        let mut altered = RECORD.clone();
        let last = altered.len() - 2;
        altered[last] ^= 1;
        let again = receipt.verify(&altered, std::slice::from_ref(keys::signer().verifier()));
        assert!(again.is_err(), "a receipt is for one record");
    }
}

/// What a ledger asks of a witness, and what the witness answers.
pub fn witness_request(bytes: &[u8]) {
    static ASKED: OnceLock<Request> = OnceLock::new();
    let first = || seeds::witness_requests().iter().find_map(|seed| Request::parse(seed).ok());
    let asked = ASKED.get_or_init(|| first().expect("a request of our own"));
    if let Ok(note) = asked.with_answer(bytes) {
        assert_eq!(note.text(), asked.note().text(), "an answer adds signatures only");
    }
    if let Some(size) = conflicting_size(bytes) {
        assert_eq!(format!("{size}\n").as_bytes(), bytes, "a size has one spelling");
    }
    let Ok(request) = Request::parse(bytes) else { return };
    assert_eq!(request.to_string().as_bytes(), bytes, "a request has one spelling");
    if request.judge(trusted().verifiers(), None).is_ok() {
        assert!(request.old() == 0 && heads().contains(request.note().text()), "nothing else was ever signed");
    }
}

/// A trust file.
pub fn trust(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let policy = Trust::parse_policy(text);
    if let Some(quorum) = policy.as_ref().ok().and_then(|policy| policy.quorum()) {
        let seen = quorum.judge(&keys::cosigned()).expect("no line is made up");
        assert_eq!(seen.by.len() + seen.missing.len(), quorum.witnesses().count());
        assert!(seen.enough || !seen.missing.is_empty(), "all of them are always enough");
    }
    let Ok(trust) = Trust::parse(text) else { return };
    for verifier in trust.verifiers() {
        let again = verifier.to_string();
        assert!(text.contains(&again), "a key has one spelling");
    }
}

/// Alterations of a good ledger, five bytes each: which file, where (two bytes), what to do there, with what. Whatever is
/// not exactly as it was written is found.
pub fn ledger(bytes: &[u8]) {
    let good = good();
    let mut files = good.clone();
    let names: Vec<String> = good.keys().cloned().collect();
    for change in bytes.as_chunks::<5>().0.iter().take(64) {
        let [file, high, low, how, what] = *change;
        let Some(content) = files.get_mut(&names[usize::from(file) % names.len()]) else { continue };
        let at = usize::from(u16::from_be_bytes([high, low])) % content.len().max(1);
        match how % 5 {
            0 => content.truncate(at),
            1 => content.insert(at, what),
            2 if at < content.len() => drop(content.remove(at)),
            3 if at < content.len() => content[at] = what,
            _ if at < content.len() => content[at] ^= what,
            _ => {}
        }
    }
    let report = ledger::verify(&Altered(&files), trusted(), &Options::default());
    assert_eq!(report.class().is_none(), files == *good, "an altered ledger is found out, a good one is not accused");
}

struct Altered<'a>(&'a Folder);

impl Files for Altered<'_> {
    fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Unreadable> {
        match self.0.get(path) {
            Some(bytes) if bytes.len() > limit => Err(Unreadable("it is too long".to_owned())),
            other => Ok(other.cloned()),
        }
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, Unreadable> {
        let prefix = format!("{folder}/");
        let names = self.0.keys().filter_map(|path| path.strip_prefix(&prefix)?.split('/').next().map(str::to_owned));
        Ok(names.collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }
}

pub(crate) fn good() -> &'static Folder {
    static GOOD: OnceLock<Folder> = OnceLock::new();
    GOOD.get_or_init(|| seeds::folder("ledgers/good"))
}

fn trusted() -> &'static Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    TRUST.get_or_init(|| Trust::parse(&String::from_utf8_lossy(&data("ledgers/trust"))).expect("a trust file"))
}

/// Every text that the vectors' key has signed, in `testdata/ledgers`.
fn heads() -> &'static std::collections::BTreeSet<String> {
    static HEADS: OnceLock<std::collections::BTreeSet<String>> = OnceLock::new();
    HEADS.get_or_init(|| {
        let all: BTreeMap<String, Vec<u8>> = seeds::folder("ledgers");
        let notes = all.values().filter_map(|bytes| Note::parse(bytes).ok());
        let believed = notes.filter(|note| note.verify(trusted().verifiers()).is_ok());
        let receipts = all.values().filter_map(|bytes| {
            let text = std::str::from_utf8(bytes).ok()?;
            Note::parse(text.split_once("\n\n")?.1.as_bytes()).ok()
        });
        believed.chain(receipts).map(|note| note.text().to_owned()).collect()
    })
}
