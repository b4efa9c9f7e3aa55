//! Checks the content against the records: what they refer to is there, or an `erase` record says why it is not.

use super::erase::is_overwritten;
use super::{Blobs, Scope};
use crate::{ReadError, Reader, disk};
use ledger::Entry;
use ledger::verify::{Class, Report};
use plant::{Kind, Millis, RecordId};
use seal::envelope::ENVELOPE_LIMIT;
use seal::subject::KeyName;
use std::collections::BTreeMap;
use std::path::Path;

/// Most faults that are listed; the rest are counted.
const LISTED: usize = 100;

/// What became of the content that records refer to.
#[derive(Debug, Default)]
pub struct ContentAudit {
    /// How much of it is there, as its records name it.
    pub kept: u64,
    /// How much of it is gone with authority, by the number of the `erase` record.
    pub erased: BTreeMap<u64, u64>,
    /// What is wrong, at most a hundred.
    pub faults: Vec<ContentFault>,
    /// How many more there are.
    pub unlisted: u64,
}

/// Content that is not as its record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} ({id}): {what}")]
pub struct ContentFault {
    /// The record.
    pub seq: u64,
    /// Its identity.
    pub id: RecordId,
    /// What is wrong.
    pub what: ContentProblem,
}

/// What is wrong with content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentProblem {
    /// The envelope is gone.
    #[error("its content is gone, and nothing says that it was erased")]
    Gone,
    /// The key is gone.
    #[error("the key of its content is gone, and nothing says that it was erased")]
    KeyGone,
    /// The envelope is another.
    #[error("its content is not what the record names")]
    Altered,
    /// The envelope is still there.
    #[error("its content is still there, though #{by} says that it was erased: erase it again")]
    Unfinished {
        /// The `erase` record.
        by: u64,
    },
    /// The record names no file that may be, or the file cannot be read.
    #[error("its content cannot be read")]
    Unreadable,
}

impl ContentFault {
    /// How bad it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self.what {
            ContentProblem::Altered => Class::Tampered,
            ContentProblem::Unreadable => Class::Undecided,
            ContentProblem::Gone | ContentProblem::KeyGone | ContentProblem::Unfinished { .. } => Class::Incomplete,
        }
    }
}

/// An `erase` record.
struct Erasure {
    seq: u64,
    t: Millis,
    scope: Scope,
}

impl Erasure {
    /// Whether it allows that the content of a record is gone. A record's identity is drawn before its content is sealed, and
    /// nothing is sealed while content is erased; so what was sealed before has an earlier identity, though its record may
    /// come later.
    fn allows(&self, entry: &Entry, key: &KeyName) -> bool {
        let call = entry.reference().unwrap_or(entry.id());
        self.scope.covers(call, key) && (entry.seq() < self.seq || entry.id().time() <= self.t)
    }
}

/// Checks the content beside a ledger whose records are good, as `report` says. What that has read already is read again
/// only from where there is something: most ledgers keep no content, and have nothing to erase.
///
/// # Errors
/// If the records cannot be read.
pub fn audit_content(folder: &Path, report: &Report) -> Result<ContentAudit, ReadError> {
    let reader = Reader::open(folder)?;
    let unread = report.checkpoint.as_ref().map_or(0, |head| head.size);
    let erased = if report.kinds.contains_key(Kind::Erase.name()) { 0 } else { unread };
    let mut erasures = Vec::new();
    for record in reader.holding(erased, "\"kind\":\"erase\"") {
        let entry = record?.entry;
        if entry.kind() == Some(Kind::Erase) {
            erasures.extend(Scope::of(&entry).map(|scope| Erasure { seq: entry.seq(), t: entry.t(), scope }));
        }
    }
    let (blobs, mut audit) = (Blobs::new(folder), ContentAudit::default());
    for record in reader.holding(report.sealed.unwrap_or(unread), "\"seal\":{\"blob\":") {
        let entry = record?.entry;
        let Some((blob, key)) = entry.text("seal.blob").zip(entry.text("seal.key")) else { continue };
        let minimum = report.pruned.map_or(0, |pruned| pruned.minimum);
        match blobs.judge(&entry, blob, key, &erasures) {
            // Its record goes next.
            Err(ContentProblem::Gone | ContentProblem::KeyGone) if entry.seq() < minimum => {}
            Ok(None) => audit.kept += 1,
            Ok(Some(by)) => *audit.erased.entry(by).or_default() += 1,
            Err(_) if audit.faults.len() >= LISTED => audit.unlisted += 1,
            Err(what) => audit.faults.push(ContentFault { seq: entry.seq(), id: entry.id(), what }),
        }
    }
    Ok(audit)
}

impl Blobs {
    /// Whether content is as its record says: there, or gone by the record that is given.
    fn judge(&self, entry: &Entry, blob: &str, key: &str, erasures: &[Erasure]) -> Result<Option<u64>, ContentProblem> {
        let name = KeyName::parse(key).ok_or(ContentProblem::Unreadable)?;
        let path = self.blob(blob).ok_or(ContentProblem::Unreadable)?;
        let erased = erasures.iter().find(|erasure| erasure.allows(entry, &name)).map(|erasure| erasure.seq);
        // A call that began before and was sealed after is kept under a fresh key.
        let earlier = erased.filter(|by| entry.seq() < *by);
        let bytes = disk::read_if_there(&path, ENVELOPE_LIMIT as u64).map_err(|_| ContentProblem::Unreadable)?;
        let bytes = bytes.filter(|bytes| !is_overwritten(bytes));
        match (bytes, erased, earlier) {
            (None, Some(by), _) => Ok(Some(by)),
            (None, None, _) => Err(ContentProblem::Gone),
            (Some(_), _, Some(by)) => Err(ContentProblem::Unfinished { by }),
            (Some(bytes), ..) if seal::hex(&seal::sha256(&bytes)) != blob => Err(ContentProblem::Altered),
            (Some(_), ..) if !self.seal(&name).exists() => Err(ContentProblem::KeyGone),
            (Some(_), ..) => Ok(None),
        }
    }
}
