//! Checks a pack from any source: every file against the manifest, the manifest against its signature, the sample against
//! the population, every record against its proof.

use super::manifest::{MANIFEST_LIMIT, Manifest, Measure};
use super::redaction::{Redacted, Redaction};
use super::sample::Draw;
use super::vessel::{Source, VesselError};
use super::{CHECKPOINT, MANIFEST, NOTE, POPULATION, RECORDS, RECORDS_LIMIT, REDACTED, TRUST, TRUST_LIMIT, proof};
use ledger::receipt::RECEIPT_LIMIT;
use ledger::verify::{Class, Trust};
use ledger::{Checkpoint, Hash, Receipt, leaf_hash};
use seal::Sha256;
use seal::note::{NOTE_LIMIT, Note};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Longest record: what the format allows.
const LINE_LIMIT: u64 = 64 << 10;
/// Longest line of the population: two numbers below 2^63 and what is between them.
const RANGE_LIMIT: u64 = 42;
/// Most problems that are listed.
const LISTED: usize = 100;

/// Something that is wrong with a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub class: Class,
    /// The file or the record.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

/// What a pack came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The head under which its records are proved.
    pub head: Option<Checkpoint>,
    /// How many records fit the filter, as the manifest says.
    pub population: u64,
    /// How many records were proved, by their bytes or, if they are redacted, by their hashes.
    pub proved: u64,
    /// How many of the pack's records are redacted, as the manifest says and the files agree.
    pub redaction: Option<Redaction>,
    /// The seed of the sample, if it is one.
    pub seed: Option<String>,
    /// How many time stamps of heads that led to this one are there; by whom, is not judged here.
    pub stamps: u64,
    /// When it was made, as the manifest says.
    pub made: Option<String>,
    /// Whether the ledger's key signed the manifest.
    pub signed: bool,
    /// What is wrong, at most a hundred.
    pub problems: Vec<Problem>,
}

impl Checked {
    /// The worst of it; `None` if all is well.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.problems.iter().map(|problem| problem.class).min()
    }

    fn add(&mut self, class: Class, place: impl Into<String>, what: impl ToString) {
        if self.problems.len() < LISTED {
            self.problems.push(Problem { class, place: place.into(), what: what.to_string() });
        }
    }
}

/// Whether this is meant to be a pack: a folder with a manifest or with records beside their proofs, or a zip.
#[must_use]
pub fn is_pack(place: &Path) -> bool {
    if fs::metadata(place).is_ok_and(|meta| meta.is_dir()) {
        return [MANIFEST, RECORDS].iter().any(|name| place.join(name).is_file());
    }
    let mut magic = [0; 4];
    fs::File::open(place).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"PK\x03\x04"
}

/// Checks a pack against a trust file of the reader's own; `None` takes the pack's copy.
#[must_use]
pub fn check(place: &Path, trust: Option<&Trust>) -> Checked {
    let mut checked = Checked::default();
    match Source::open(place) {
        Ok(source) => {
            let check = Check { source, checked: &mut checked };
            if let Err(stop) = check.run(trust) {
                checked.add(stop.class, stop.place, stop.what);
            }
        }
        Err(error) => {
            let class = if matches!(error, VesselError::Io { .. }) { Class::Undecided } else { Class::Tampered };
            checked.add(class, place.display().to_string(), error);
        }
    }
    checked
}

struct Check<'a> {
    source: Source,
    checked: &'a mut Checked,
}

/// What makes going on pointless.
pub(super) type Stop = Problem;

pub(super) fn stop(class: Class, place: &str, what: impl ToString) -> Stop {
    Stop { class, place: place.to_owned(), what: what.to_string() }
}

impl Check<'_> {
    fn run(mut self, own: Option<&Trust>) -> Result<(), Stop> {
        let bytes = self.whole(MANIFEST, MANIFEST_LIMIT)?;
        let manifest = Manifest::parse(&bytes).map_err(|problem| stop(Class::Tampered, MANIFEST, problem))?;
        self.checked.population = manifest.population;
        self.checked.seed = manifest.sample.as_ref().map(|sample| sample.seed().to_owned());
        self.checked.made = Some(manifest.made.clone());
        self.checked.redaction = manifest.redaction;
        self.files(&manifest);
        let trust = match own {
            Some(trust) => trust.clone(),
            None => {
                let text = self.whole(TRUST, TRUST_LIMIT as u64)?;
                let parsed = Trust::parse(&String::from_utf8_lossy(&text));
                parsed.map_err(|problem| stop(Class::Tampered, TRUST, problem))?
            }
        };
        self.signature(&manifest, &bytes, &trust)?;
        let note = self.whole(CHECKPOINT, NOTE_LIMIT as u64)?;
        let (head, note) =
            Checkpoint::open(&note, trust.verifiers()).map_err(|problem| stop(Class::Tampered, CHECKPOINT, problem))?;
        if head != manifest.head {
            return Err(stop(Class::Tampered, CHECKPOINT, "is not the head that the manifest names"));
        }
        self.witnesses(&note, &trust)?;
        self.checked.head = Some(head.clone());
        match super::stamps::read(&self.source, &head) {
            Ok(stamps) => self.checked.stamps = stamps.len() as u64,
            Err(Stop { class, place, what }) => self.checked.add(class, place, what),
        }
        let drawn = self.drawn(&manifest)?;
        self.records(&drawn, &manifest, &trust)
    }

    /// A file that is short enough to hold.
    fn whole(&self, name: &str, limit: u64) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::new();
        self.open(name, limit + 1)?.read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
        if bytes.len() as u64 > limit { Err(stop(Class::Tampered, name, "is too long")) } else { Ok(bytes) }
    }

    fn open(&self, name: &str, limit: u64) -> Result<Box<dyn Read + '_>, Stop> {
        let file = self.source.open_file(name, limit).map_err(|error| stop(Class::Tampered, name, error))?;
        file.ok_or_else(|| stop(Class::Incomplete, name, "is missing"))
    }

    /// Every file is the one that the manifest names, and there is no other.
    fn files(&mut self, manifest: &Manifest) {
        let mut wrong = Vec::new();
        for (name, measure) in &manifest.files {
            wrong.extend(self.measure(name, measure).err());
        }
        let listed = |name: &str| manifest.files.contains_key(name) || [MANIFEST, NOTE].contains(&name);
        for name in self.source.names().into_iter().filter(|name| !listed(name)) {
            wrong.push(stop(Class::Tampered, name, "is not in the manifest"));
        }
        for Stop { class, place, what } in wrong {
            self.checked.add(class, place, what);
        }
    }

    fn measure(&self, name: &str, measure: &Measure) -> Result<(), Stop> {
        let mut file = self.open(name, measure.size.saturating_add(1))?;
        let (mut hash, mut size, mut piece) = (Sha256::default(), 0_u64, vec![0; 64 << 10]);
        loop {
            let read = file.read(&mut piece).map_err(|error| unreadable(name, &error))?;
            let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            hash.update(bytes);
            size += bytes.len() as u64;
        }
        let same = (Measure { size, sha256: hash.finish() }) == *measure;
        if same { Ok(()) } else { Err(stop(Class::Tampered, name, "is not the file that the manifest names")) }
    }

    fn signature(&mut self, manifest: &Manifest, bytes: &[u8], trust: &Trust) -> Result<(), Stop> {
        if !self.source.names().contains(&NOTE) {
            // Somebody may have taken it away together with part of the population.
            let what =
                "is missing: nobody vouches for the filter and the population; the records are proved all the same";
            self.checked.add(Class::Undecided, NOTE, what);
            return Ok(());
        }
        let note = Note::parse(&self.whole(NOTE, NOTE_LIMIT as u64)?);
        let note = note.map_err(|problem| stop(Class::Tampered, NOTE, problem))?;
        let signed = note.verify(trust.verifiers()).map_err(|problem| stop(Class::Tampered, NOTE, problem))?;
        let origin = &manifest.head.origin;
        if !signed.iter().any(|key| key.name() == origin) || note.text() != Manifest::text(origin, bytes) {
            return Err(stop(Class::Tampered, MANIFEST, "is not the one that the ledger's key signed"));
        }
        self.checked.signed = true;
        Ok(())
    }

    /// Whether as many witnesses as the reader's policy asks for have signed the head.
    fn witnesses(&mut self, note: &Note, trust: &Trust) -> Result<(), Stop> {
        let Some(quorum) = trust.quorum() else { return Ok(()) };
        let seen = quorum.judge(note).map_err(|problem| stop(Class::Tampered, CHECKPOINT, problem))?;
        if !seen.enough {
            let what = format!("not enough witnesses have signed it; missing: {}", seen.missing.join(", "));
            self.checked.add(Class::Unwitnessed, CHECKPOINT, what);
        }
        Ok(())
    }

    /// The numbers of the records that must be there: the population, or the sample of it drawn again.
    fn drawn(&self, manifest: &Manifest) -> Result<Vec<u64>, Stop> {
        let wrong = |what: &str| stop(Class::Tampered, POPULATION, what);
        let limit = manifest.files.get(POPULATION).map_or(0, |file| file.size);
        let mut lines = BufReader::new(self.open(POPULATION, limit)?);
        let mut draw = Draw::new(manifest.sample.as_ref());
        let mut next = 0;
        while let Some(line) = line(&mut lines, RANGE_LIMIT).map_err(|error| unreadable(POPULATION, &error))? {
            let (first, last) = range(&line).ok_or_else(|| wrong("is malformed"))?;
            if first < next || last >= manifest.head.size {
                return Err(wrong("is not in order, or names records beyond the head"));
            }
            for seq in first..=last {
                // Before the numbers of a long range are gone through.
                if draw.count() >= manifest.population || !draw.take(seq) {
                    return Err(wrong("names more records than the manifest says"));
                }
            }
            next = last + 1;
        }
        if draw.count() != manifest.population {
            return Err(wrong("names fewer records than the manifest says"));
        }
        let drawn = draw.drawn();
        let all = drawn.len() as u64 == manifest.records && drawn.len() <= RECORDS_LIMIT;
        if all { Ok(drawn) } else { Err(wrong("does not give as many records as the manifest says")) }
    }

    fn records(&mut self, drawn: &[u64], manifest: &Manifest, trust: &Trust) -> Result<(), Stop> {
        let (mut wrong, mut proved) = (Vec::new(), 0);
        let mut before: Option<(u64, Hash)> = None;
        let hidden = self.hidden(drawn, manifest.redaction)?;
        let mut lines = BufReader::new(self.open(RECORDS, u64::MAX)?);
        for seq in drawn {
            let found = if let Some(leaf) = hidden.get(seq) {
                self.redacted(*seq, *leaf, &manifest.head, trust)
            } else {
                let line = line(&mut lines, LINE_LIMIT).map_err(|error| unreadable(RECORDS, &error))?;
                let Some(line) = line else {
                    wrong.push(stop(Class::Incomplete, &format!("record {seq}"), "is not in records.ndjson"));
                    break;
                };
                self.record(*seq, &line, before, &manifest.head, trust)
            };
            before = found.as_ref().ok().map(|leaf| (*seq, *leaf));
            match found {
                Ok(_) => proved += 1,
                Err(problem) => wrong.push(problem),
            }
        }
        let more = line(&mut lines, LINE_LIMIT).map_err(|error| unreadable(RECORDS, &error))?;
        if more.is_some() && wrong.is_empty() {
            wrong.push(stop(Class::Tampered, RECORDS, "holds more records than were drawn"));
        }
        drop(lines);
        self.checked.proved = proved;
        for Stop { class, place, what } in wrong {
            self.checked.add(class, place, what);
        }
        Ok(())
    }

    /// The leaf hashes of the redacted records by number.
    fn hidden(&self, drawn: &[u64], redaction: Option<Redaction>) -> Result<BTreeMap<u64, Hash>, Stop> {
        let mut hidden = BTreeMap::new();
        let Some(Redaction { profile, records }) = redaction else { return Ok(hidden) };
        let wrong = |what: &str| stop(Class::Tampered, REDACTED, what);
        let mut lines = BufReader::new(self.open(REDACTED, u64::MAX)?);
        while let Some(line) = line(&mut lines, LINE_LIMIT).map_err(|error| unreadable(REDACTED, &error))? {
            let Redacted { seq, leaf } = Redacted::parse(&line, profile).ok_or_else(|| wrong("is malformed"))?;
            let ascends = hidden.last_key_value().is_none_or(|(last, _)| *last < seq);
            if !ascends || hidden.len() as u64 >= records {
                return Err(wrong("is not in order, or holds more than the manifest says"));
            }
            hidden.insert(seq, leaf);
        }
        let drawn = hidden.keys().all(|seq| drawn.binary_search(seq).is_ok());
        let all = drawn && hidden.len() as u64 == records;
        if all { Ok(hidden) } else { Err(wrong("does not hold the records that the manifest says")) }
    }

    /// One record against its proof, and against the one before it if that is here; gives its leaf hash.
    fn record(
        &self,
        seq: u64,
        line: &[u8],
        before: Option<(u64, Hash)>,
        head: &Checkpoint,
        trust: &Trust,
    ) -> Result<Hash, Stop> {
        let name = proof(seq);
        let tampered = |what: String| stop(Class::Tampered, &format!("record {seq} in {RECORDS} and {name}"), what);
        let receipt = Receipt::parse(&self.whole(&name, RECEIPT_LIMIT as u64)?);
        let receipt = receipt.map_err(|error| tampered(error.to_string()))?;
        let under = receipt.verify(line, trust.verifiers()).map_err(|error| tampered(error.to_string()))?;
        let entry = ledger::decode(line).map_err(|error| tampered(error.to_string()))?;
        if under != *head || entry.seq() != seq {
            return Err(tampered("is proved for another head or another place".to_owned()));
        }
        if receipt.extra().is_some_and(|extra| extra != line) {
            return Err(tampered("the proof carries another record".to_owned()));
        }
        if before.is_some_and(|(last, leaf)| last + 1 == seq && leaf != *entry.prev()) {
            return Err(tampered("does not continue the one before it".to_owned()));
        }
        Ok(leaf_hash(line))
    }

    /// The leaf hash of a redacted record against its proof, which must not carry what stays at home.
    fn redacted(&self, seq: u64, leaf: Hash, head: &Checkpoint, trust: &Trust) -> Result<Hash, Stop> {
        let name = proof(seq);
        let tampered = |what: String| stop(Class::Tampered, &format!("record {seq} in {REDACTED} and {name}"), what);
        let receipt = Receipt::parse(&self.whole(&name, RECEIPT_LIMIT as u64)?);
        let receipt = receipt.map_err(|error| tampered(error.to_string()))?;
        let under = receipt.verify_leaf(&leaf, trust.verifiers()).map_err(|error| tampered(error.to_string()))?;
        if under != *head || receipt.index() != seq {
            return Err(tampered("is proved for another head or another place".to_owned()));
        }
        if receipt.extra().is_some() {
            return Err(tampered("the proof carries a record that is redacted".to_owned()));
        }
        Ok(leaf)
    }
}

/// A zip that does not give what it promised was changed; a disk that does not read says nothing of the pack.
pub(super) fn unreadable(name: &str, error: &io::Error) -> Stop {
    let changed =
        matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof);
    stop(if changed { Class::Tampered } else { Class::Undecided }, name, format!("cannot be read: {error}"))
}

/// The next line without its newline; nothing at the end.
pub(super) fn line(lines: &mut impl BufRead, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    lines.by_ref().take(limit + 1).read_until(b'\n', &mut line)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long, or has no end")),
    }
}

/// `7` or `7-9`.
pub(super) fn range(line: &[u8]) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(line).ok()?;
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let spelt = if first == last { first.to_string() } else { format!("{first}-{last}") };
    (first <= last && spelt == text).then_some((first, last))
}
