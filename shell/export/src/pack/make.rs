//! Makes a pack: two passes over the records, one to count and draw, one to write what was drawn.

use super::manifest::{self, Manifest, Measure};
use super::sample::Draw;
use super::vessel::{Sink, VesselError};
use super::{
    CHECKPOINT, MANIFEST, NOTE, POPULATION, Profile, RECORDS, RECORDS_LIMIT, REDACTED, Redaction, Sample, TRUST,
    TRUST_LIMIT, proof,
};
use ledger::checkpoint::CheckpointError;
use ledger::verify::{Files, Trust, TrustError};
use ledger::{Checkpoint, Hashes, Receipt, ReceiptError};
use plant::Millis;
use seal::note::{Note, NoteError, Signer, Verifier};
use seal::{Sha256, Sign};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use store::{Filter, Folder, ReadError, Reader, Record};

const README: &str = include_str!("README.md");
/// The verifiers that are not ours to run, as they lie in the repository: one for a browser, one in Python.
const VERIFIERS: [(&str, &str); 7] = [
    ("verify.html", include_str!("../../../../verify/verify.html")),
    ("verify.py", include_str!("../../../../verify/verify.py")),
    ("records.py", include_str!("../../../../verify/records.py")),
    ("signatures.py", include_str!("../../../../verify/signatures.py")),
    ("witnesses.py", include_str!("../../../../verify/witnesses.py")),
    ("content.py", include_str!("../../../../verify/content.py")),
    ("pack.py", include_str!("../../../../verify/pack.py")),
];
/// How many records are passed over rather than sought anew: a bundle is read as a whole.
const STRIDE: u64 = 256;

/// What to put into a pack.
pub struct Order<'a> {
    /// The ledger.
    pub reader: &'a Reader,
    /// What the records must be.
    pub filter: Filter,
    /// How many of them to draw; all, if none is named.
    pub sample: Option<Sample>,
    /// What must not leave; if none is named, all does.
    pub profile: Option<Profile>,
    /// The time now.
    pub now: Millis,
    /// The ledger's identity key, if it is at hand.
    pub key: Option<Arc<dyn Sign>>,
}

/// What a pack came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The head under which the records are proved.
    pub head: Checkpoint,
    /// How many records fit the filter.
    pub population: u64,
    /// How many of them are in the pack.
    pub records: u64,
    /// How many of those by their hashes only.
    pub redaction: Option<Redaction>,
    /// Whether the manifest is signed.
    pub signed: bool,
}

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It cannot be written.
    #[error(transparent)]
    Vessel(#[from] VesselError),
    /// What is written into a file of the pack does not go through.
    #[error("cannot write the pack: {0}")]
    Write(#[from] io::Error),
    /// The ledger has no published checkpoint yet.
    #[error("the ledger has no published checkpoint yet")]
    NoCheckpoint,
    /// The ledger does not say whom to trust.
    #[error("the ledger has no `{TRUST}`")]
    NoTrust,
    /// Its trust file is malformed.
    #[error("the ledger's `{TRUST}`: {0}")]
    Trust(#[from] TrustError),
    /// Its checkpoint is not its own.
    #[error("the ledger's checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// What was asked for says whom the records are about.
    #[error(
        "a pack that leaves persons out cannot be asked for by `operator`, `id` or `incident`: its manifest would say whom it is about"
    )]
    GivesAway,
    /// More records fit than a pack holds.
    #[error("more than {RECORDS_LIMIT} records fit: draw a sample")]
    TooMany,
    /// A record is not what the head says: the ledger was changed.
    #[error("record {seq}: {source}")]
    Record {
        /// Which.
        seq: u64,
        /// Why.
        source: ReceiptError,
    },
    /// A record that was there in the first pass is not there in the second.
    #[error("record {0} is gone")]
    Gone(u64),
    /// The key is not the ledger's.
    #[error("the key that should sign the manifest is not the ledger's")]
    ForeignKey,
    /// The manifest cannot be signed.
    #[error("the manifest: {0}")]
    Sign(#[from] NoteError),
}

/// Makes a pack.
///
/// # Errors
/// If the ledger cannot be read, does not verify, or the pack cannot be written; then nothing is left at its place.
pub fn make(order: Order<'_>, sink: Sink) -> Result<Made, MakeError> {
    let Order { reader, filter, sample, profile, now, key } = order;
    if profile.is_some() && Profile::gives_away(&filter) {
        return Err(MakeError::GivesAway);
    }
    let (_, note) = reader.published()?.ok_or(MakeError::NoCheckpoint)?;
    let trust_file = trust_file(reader)?;
    let trust = Trust::parse(&String::from_utf8_lossy(&trust_file))?;
    let (head, head_note) = Checkpoint::open(&note, trust.verifiers())?;
    let signer = key.map(|key| signer(key, &head, trust.verifiers())).transpose()?;

    let mut pack = Pack { sink, files: BTreeMap::new() };
    pack.file("README.md", README.as_bytes())?;
    for (name, text) in VERIFIERS {
        pack.file(name, text.as_bytes())?;
    }
    pack.file(TRUST, &trust_file)?;
    pack.file(CHECKPOINT, &note)?;
    let described = manifest::filter(&filter);
    let filter = filter.gathered(reader, head.size)?;
    let mut draw = Draw::new(sample.as_ref());
    pack.write(POPULATION, |out| population(reader, filter, head.size, &mut draw, out))?;
    let count = draw.count();
    let drawn = draw.drawn();
    pack.write(RECORDS, |out| {
        for record in Chosen::new(reader, &drawn) {
            let record = record?;
            if !covered(profile, &record) {
                out.write_all(&record.line)?;
                out.write_all(b"\n")?;
            }
        }
        Ok(())
    })?;
    let redaction = profile.map(|profile| redacted(&mut pack, reader, &drawn, profile)).transpose()?;
    let tiles = Folder::new(reader.folder()).tiles(head.size);
    for record in Chosen::new(reader, &drawn) {
        let record = record?;
        let seq = record.entry.seq();
        let mut receipt = receipt(&tiles, &head_note, &record, trust.verifiers())?;
        if !covered(profile, &record) {
            receipt = receipt.with_extra(record.line).map_err(|source| MakeError::Record { seq, source })?;
        }
        pack.file(&proof(seq), receipt.to_string().as_bytes())?;
    }
    let records = drawn.len() as u64;
    let signed = signer.is_some();
    let Pack { mut sink, files } = pack;
    let made = now.to_string();
    let manifest = Manifest { head, filter: described, population: count, records, sample, redaction, made, files };
    seal_up(&mut sink, &manifest, signer.as_ref())?;
    sink.finish()?;
    Ok(Made { head: manifest.head, population: count, records, redaction, signed })
}

fn covered(profile: Option<Profile>, record: &Record) -> bool {
    profile.is_some_and(|profile| profile.covers(record))
}

/// Writes the records whose bytes stay at home.
fn redacted(pack: &mut Pack, reader: &Reader, drawn: &[u64], profile: Profile) -> Result<Redaction, MakeError> {
    let mut records = 0;
    pack.write(REDACTED, |out| {
        for record in Chosen::new(reader, drawn) {
            let record = record?;
            if profile.covers(&record) {
                writeln!(out, "{}", profile.line(&record))?;
                records += 1;
            }
        }
        Ok(())
    })?;
    Ok(Redaction { profile, records })
}

/// The ledger's own trust file; of one from before schedules, its key.
fn trust_file(reader: &Reader) -> Result<Vec<u8>, MakeError> {
    let folder = Folder::new(reader.folder());
    for name in [TRUST, "trust/ledger.vkey"] {
        let read = folder.read(name, TRUST_LIMIT);
        if let Some(bytes) = read.map_err(|error| io::Error::other(error.0))? {
            return Ok(bytes);
        }
    }
    Err(MakeError::NoTrust)
}

fn signer(key: Arc<dyn Sign>, head: &Checkpoint, trusted: &[Verifier]) -> Result<Signer, MakeError> {
    let signer = Signer::new(head.origin.as_str(), key)?;
    if trusted.contains(signer.verifier()) { Ok(signer) } else { Err(MakeError::ForeignKey) }
}

/// Writes the numbers of all that fit, as `7` or `7-9` a line, and draws among them.
fn population(
    reader: &Reader,
    filter: Filter,
    size: u64,
    draw: &mut Draw<'_>,
    out: &mut dyn Write,
) -> Result<(), MakeError> {
    let mut run: Option<(u64, u64)> = None;
    for record in reader.records(0, filter) {
        let seq = record?.entry.seq();
        // What no checkpoint covers yet cannot be proved.
        if seq >= size {
            break;
        }
        if !draw.take(seq) {
            return Err(MakeError::TooMany);
        }
        run = match run {
            Some((first, last)) if last + 1 == seq => Some((first, seq)),
            Some(run) => {
                range(run, out)?;
                Some((seq, seq))
            }
            None => Some((seq, seq)),
        };
    }
    run.map_or(Ok(()), |run| range(run, out))?;
    Ok(())
}

fn range((first, last): (u64, u64), out: &mut dyn Write) -> io::Result<()> {
    if first == last { writeln!(out, "{first}") } else { writeln!(out, "{first}-{last}") }
}

/// The proof of a record under the head of the pack, checked: a pack of a ledger that was changed must not come about.
fn receipt(tiles: &impl Hashes, note: &Note, record: &Record, trusted: &[Verifier]) -> Result<Receipt, MakeError> {
    let seq = record.entry.seq();
    let make = || {
        let receipt = Receipt::make(seq, note.clone(), tiles)?;
        receipt.verify(&record.line, trusted)?;
        Ok(receipt)
    };
    make().map_err(|source| MakeError::Record { seq, source })
}

fn seal_up(sink: &mut Sink, manifest: &Manifest, signer: Option<&Signer>) -> Result<(), MakeError> {
    let bytes = manifest.to_bytes();
    sink.file(MANIFEST, |out| Ok::<_, MakeError>(out.write_all(&bytes)?))?;
    if let Some(signer) = signer {
        let note = Note::sign(Manifest::text(&manifest.head.origin, &bytes), signer)?;
        sink.file(NOTE, |out| Ok::<_, MakeError>(out.write_all(note.to_string().as_bytes())?))?;
    }
    Ok(())
}

/// A sink that measures what goes into it.
struct Pack {
    sink: Sink,
    files: BTreeMap<String, Measure>,
}

impl Pack {
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), MakeError> {
        self.write(name, |out| Ok(out.write_all(bytes)?))
    }

    fn write(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> Result<(), MakeError>,
    ) -> Result<(), MakeError> {
        let Self { sink, files } = self;
        sink.file(name, |out| {
            let mut measured = Measured { out, size: 0, hash: Sha256::default() };
            fill(&mut measured)?;
            let Measured { size, hash, .. } = measured;
            files.insert(name.to_owned(), Measure { size, sha256: hash.finish() });
            Ok(())
        })
    }
}

struct Measured<'a> {
    out: &'a mut dyn Write,
    size: u64,
    hash: Sha256,
}

impl Write for Measured<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or(bytes));
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The records with these numbers, in order.
struct Chosen<'a> {
    reader: &'a Reader,
    left: std::slice::Iter<'a, u64>,
    records: Option<store::Records>,
}

impl<'a> Chosen<'a> {
    fn new(reader: &'a Reader, numbers: &'a [u64]) -> Self {
        Self { reader, left: numbers.iter(), records: None }
    }

    fn find(&mut self, seq: u64) -> Result<Record, MakeError> {
        let near = self.records.take().filter(|records| seq.saturating_sub(records.position()) < STRIDE);
        let mut records = near.unwrap_or_else(|| self.reader.records(seq, Filter::default()));
        for record in records.by_ref() {
            let record = record?;
            if record.entry.seq() == seq {
                self.records = Some(records);
                return Ok(record);
            }
        }
        Err(MakeError::Gone(seq))
    }
}

impl Iterator for Chosen<'_> {
    type Item = Result<Record, MakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let seq = *self.left.next()?;
        Some(self.find(seq))
    }
}
