//! Evidence packs: records with the proof of each, and all that an auditor needs to check them without us.
//!
//! ```text
//! ledger -> make -> README.md verify.html verify.py ...            how to check it, and with what
//!                   trust/ledger.trust checkpoint                  the ledger's keys and signed head
//!                   population.txt                                 the numbers of all records that fit the filter
//!                   records.ndjson proofs/SEQ.tlog-proof           the records, or a sample of them, each with its proof
//!                   anchors/SIZE.tsr .head .proof                  time stamps of heads, and that these led to this one
//!                   redacted.ndjson                                those whose bytes stay at home, by their leaf hashes
//!                   manifest.json manifest.note                    what there must be, and the signature over that
//! ```
//!
//! What a proof shows: this record, byte for byte, is in the ledger under this head. That the population is all that fits
//! the filter, no proof can show; the ledger's key vouches for it by signing the manifest, and whoever has the ledger
//! can count.

mod against;
mod check;
mod make;
mod manifest;
mod redaction;
mod sample;
mod stamps;
mod vessel;

pub use against::{compare, head};
pub use check::{Checked, Problem, check, is_pack};
pub use make::{Made, MakeError, Order, make};
pub use redaction::{Profile, Redaction};
pub use sample::{Sample, SampleError};
pub use stamps::{Stamp, stamps};
pub use vessel::{Sink, VesselError};

/// Most records in a pack; more are for a sample. A file for each proof is what people and their file systems bear.
pub const RECORDS_LIMIT: usize = 100_000;
/// Most bytes that the files of a pack may have together.
const BYTES_LIMIT: u64 = 8 << 30;

const MANIFEST: &str = "manifest.json";
const NOTE: &str = "manifest.note";
const CHECKPOINT: &str = "checkpoint";
const POPULATION: &str = "population.txt";
const RECORDS: &str = "records.ndjson";
const REDACTED: &str = "redacted.ndjson";
const TRUST: &str = "trust/ledger.trust";
/// Longest file of trusted keys.
const TRUST_LIMIT: usize = 64 << 10;

/// The files that are not proofs.
const FIXED: [&str; 15] = [
    "README.md",
    "verify.html",
    "verify.py",
    "records.py",
    "signatures.py",
    "witnesses.py",
    "content.py",
    "pack.py",
    TRUST,
    CHECKPOINT,
    POPULATION,
    RECORDS,
    REDACTED,
    MANIFEST,
    NOTE,
];

/// Where the proof of a record lies.
fn proof(seq: u64) -> String {
    format!("proofs/{seq:012}.tlog-proof")
}

/// Whether a pack can have a file of that name. Everything else, `..` first, is refused before it is opened.
fn is_name(name: &str) -> bool {
    let seq = name.strip_prefix("proofs/").and_then(|rest| rest.strip_suffix(".tlog-proof"));
    FIXED.contains(&name)
        || seq.and_then(|seq| seq.parse().ok()).is_some_and(|seq| proof(seq) == name)
        || stamps::part(name).is_some()
}

#[cfg(test)]
mod tests;
