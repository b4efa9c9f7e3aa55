//! Witnesses: whether enough of those whom the auditor's policy names have seen the head.
//!
//! A ledger's own key cannot show that its end was cut off, that it was put back from a backup, or that it has a twin (attacks
//! A5, A6, A7, A11). A witness signs no smaller head and no other root after what it has seen.

use super::{Class, Fault, Files, Report, Trust};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::witness::{Quorum, Seen};
use seal::note::{NOTE_LIMIT, Note};

/// Where heads lie that witnesses have signed. Nobody prunes it; `checkpoint` passes.
pub(super) const WITNESSED: &str = "witnessed";
/// How many earlier heads are looked through for the last one with a quorum: more than a gateway keeps of those that too few
/// have signed, so that a witness that is away for weeks hides nothing.
const LOOKED_THROUGH: usize = 2000;

/// What was judged of the witnesses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WitnessesJudged {
    /// Who has seen the head, and when.
    pub head: Seen,
    /// The size of the newest earlier head that enough have seen, if the head is not it.
    pub newest: Option<u64>,
}

/// Judges the head and, if it has no quorum, the earlier ones of these sizes, ascending.
pub(super) fn judge(
    files: &impl Files,
    trust: &Trust,
    (head, note): (&Checkpoint, &Note),
    earlier: &[u64],
    report: &mut Report,
) {
    let Some(quorum) = trust.quorum() else { return };
    let head = match quorum.judge(&with_witnessed(files, head.size, note)) {
        Ok(seen) => seen,
        Err(error) => {
            return report.add_file(Class::Tampered, Fault::Checkpoint(CheckpointError::Note(error)), "checkpoint");
        }
    };
    let mut newest = None;
    if !head.enough {
        newest = earlier.iter().rev().take(LOOKED_THROUGH).find(|size| is_seen(files, trust, quorum, **size)).copied();
        let missing = head.missing.join(", ");
        report.add_file(Class::Unwitnessed, Fault::Unwitnessed { missing }, "checkpoint");
    }
    report.witnesses = Some(WitnessesJudged { head, newest });
}

/// The note with the signatures that witnesses gave it later.
fn with_witnessed(files: &impl Files, size: u64, note: &Note) -> Note {
    let mut note = note.clone();
    let witnessed = files.read(&path(size), NOTE_LIMIT).ok().flatten();
    let witnessed = witnessed.and_then(|bytes| Note::parse(&bytes).ok()).filter(|other| other.text() == note.text());
    for signature in witnessed.iter().flat_map(Note::signatures) {
        if note.put(signature.clone()).is_err() {
            break;
        }
    }
    note
}

fn is_seen(files: &impl Files, trust: &Trust, quorum: &Quorum, size: u64) -> bool {
    let bytes = files.read(&path(size), NOTE_LIMIT).ok().flatten();
    let opened = bytes.and_then(|bytes| Checkpoint::open(&bytes, trust.verifiers()).ok());
    opened.is_some_and(|(head, note)| head.size == size && quorum.judge(&note).is_ok_and(|seen| seen.enough))
}

fn path(size: u64) -> String {
    format!("{WITNESSED}/{size}.note")
}
