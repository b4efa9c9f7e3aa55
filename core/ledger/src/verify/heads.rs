//! The signed heads of a ledger: the published one, its history, and the one that the auditor kept.

use super::epochs::Epochs;
use super::witnesses::{self, WITNESSED};
use super::{Class, Fault, Files, Options, Report, Trust};
use crate::Schedule;
use crate::checkpoint::{Checkpoint, number};
use crate::tree::Hash;
use seal::note::{NOTE_LIMIT, Note};

const PUBLISHED: &str = "checkpoint";
const HISTORY: &str = "checkpoints";

/// The head to check against, and those that must agree with it on the way there.
pub(super) struct Heads<'a> {
    trust: &'a Trust,
    head: Checkpoint,
    /// The head as it was signed, until its epoch is judged; `None` if the head is the last good one of the history.
    signed: Option<Note>,
    known: Option<Checkpoint>,
    /// Sizes of earlier checkpoints, ascending, with their folders, and how many of them have been compared.
    history: Vec<(u64, &'static str)>,
    compared: usize,
    /// Sizes whose signed root is another than the records', the first ones.
    disagreeing: Vec<(u64, String)>,
    /// The largest size whose signed root is that of the records.
    agreed: u64,
}

impl<'a> Heads<'a> {
    /// Reads the head; `None` if there is none to believe.
    pub(super) fn read(files: &impl Files, trust: &'a Trust, options: &Options, report: &mut Report) -> Option<Self> {
        // The history first: what is listed in it now is not younger than the head that is read next.
        let mut history = history(files, report);
        let (head, signed) = match published(files, trust, report) {
            Some((head, note)) => (head, Some(note)),
            // A broken head is reported; the last good one of the history still shows what else is wrong.
            None => history.iter().rev().find_map(|listed| {
                let note = files.read(&path(*listed), NOTE_LIMIT).ok()??;
                Some((Checkpoint::open(&note, trust.verifiers()).ok()?.0, None))
            })?,
        };
        let later = history.split_off(history.partition_point(|(size, _)| *size <= head.size));
        judge_later(files, trust, &head, &later, report);
        // Again: a live ledger may have ended an epoch meanwhile, and the checkpoint that did it is needed.
        let mut history = self::history(files, &mut Report::default());
        history.retain(|(size, _)| *size <= head.size);
        if let Some(note) = &signed {
            let earlier = history.iter().filter(|(size, folder)| *folder == WITNESSED && *size < head.size);
            let earlier: Vec<u64> = earlier.map(|(size, _)| *size).collect();
            witnesses::judge(files, trust, (&head, note), &earlier, report);
        }
        let known = known(trust, options, &head, report);
        report.checkpoint = Some(head.clone());
        Some(Self { trust, head, signed, known, history, compared: 0, disagreeing: Vec::new(), agreed: 0 })
    }

    /// The head.
    pub(super) fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// The auditor's schedule of its epoch keys.
    pub(super) fn schedule(&self) -> Option<Schedule> {
        self.trust.schedule(&self.head.origin)
    }

    /// Whether a root is wanted at this size.
    pub(super) fn wants(&self, size: u64) -> bool {
        size == self.head.size
            || self.listed(size).is_some()
            || self.known.as_ref().is_some_and(|known| known.size == size)
    }

    /// Compares the root of the first `size` records with those that were signed, and their signatures with the epoch.
    pub(super) fn compare(
        &mut self,
        size: u64,
        root: &Hash,
        files: &impl Files,
        epochs: &mut Epochs,
        report: &mut Report,
    ) {
        let mut listed = false;
        while let Some(folder) = self.listed(size) {
            listed |= self.compare_listed((size, folder), root, files, epochs, report);
        }
        let head = self.signed.take_if(|_| self.head.size == size);
        if let Some(fault) = head.as_ref().and_then(|head| epochs.judge(head)) {
            report.add_file(Class::Tampered, fault, PUBLISHED);
        }
        if listed || head.is_some() {
            epochs.hand_over();
        }
        if let Some(known) = self.known.take_if(|known| known.size == size) {
            self.note_agreement(size, known.root == *root, "the known checkpoint");
        }
    }

    /// The folder of the next checkpoint of the history, if it is of this size.
    fn listed(&self, size: u64) -> Option<&'static str> {
        self.history.get(self.compared).filter(|(next, _)| *next == size).map(|(_, folder)| *folder)
    }

    /// Compares a checkpoint of the history; whether it is one that could hand over to the next epoch.
    fn compare_listed(
        &mut self,
        (size, folder): (u64, &'static str),
        root: &Hash,
        files: &impl Files,
        epochs: &Epochs,
        report: &mut Report,
    ) -> bool {
        self.compared += 1;
        report.checkpoints += 1;
        let file = path((size, folder));
        match files.read(&file, NOTE_LIMIT) {
            // Listed a moment ago: whoever prunes old notes may do so, they are not needed to verify.
            Ok(None) => return false,
            Ok(Some(note)) => match Checkpoint::open(&note, self.trust.verifiers()) {
                Ok((earlier, _)) if earlier.size != size || earlier.origin != self.head.origin => {
                    report.add_file(Class::Tampered, Fault::CheckpointName, file);
                }
                Ok((earlier, note)) => {
                    self.note_agreement(size, earlier.root == *root, &file);
                    // What a witness gave back need not carry the epoch's line: whoever carried it could have dropped it.
                    if let Some(fault) = epochs.judge(&note).filter(|_| folder == HISTORY) {
                        report.add_file(Class::Tampered, fault, file);
                    }
                }
                Err(error) => report.add_file(Class::Tampered, Fault::Checkpoint(error), file),
            },
            Err(error) => report.add_file(Class::Undecided, Fault::Unreadable(error.0), file),
        }
        folder == HISTORY
    }

    /// The records add up to the head: every signed root that they do not have was signed for another history.
    pub(super) fn convict(&mut self, report: &mut Report) {
        for (size, file) in std::mem::take(&mut self.disagreeing) {
            report.add_file(Class::Forked, Fault::Forked { size }, file);
        }
    }

    /// The records do not add up to the head: the range in which the first wrong one must lie.
    pub(super) fn narrow(&self) -> (u64, u64) {
        (self.agreed, self.disagreeing.first().map_or(self.head.size, |(size, _)| *size))
    }

    fn note_agreement(&mut self, size: u64, agrees: bool, file: &str) {
        if agrees {
            self.agreed = self.agreed.max(size);
        } else if self.disagreeing.len() < 100 {
            self.disagreeing.push((size, file.to_owned()));
        }
    }
}

fn path((size, folder): (u64, &str)) -> String {
    format!("{folder}/{size}.note")
}

/// The checkpoints that are kept, by size.
fn history(files: &impl Files, report: &mut Report) -> Vec<(u64, &'static str)> {
    let mut listed = Vec::new();
    for folder in [HISTORY, WITNESSED] {
        let names = files.names(folder).unwrap_or_else(|error| {
            report.add_file(Class::Undecided, Fault::Unreadable(error.0), folder);
            Vec::new()
        });
        listed.extend(names.iter().filter_map(|name| Some((number(name.strip_suffix(".note")?)?, folder))));
    }
    listed.sort_unstable();
    listed.dedup();
    listed
}

fn published(files: &impl Files, trust: &Trust, report: &mut Report) -> Option<(Checkpoint, Note)> {
    match files.read(PUBLISHED, NOTE_LIMIT) {
        Ok(Some(note)) => match Checkpoint::open(&note, trust.verifiers()) {
            Ok(head) => return Some(head),
            Err(error) => report.add_file(Class::Tampered, Fault::Checkpoint(error), PUBLISHED),
        },
        Ok(None) => report.add_file(Class::Undecided, Fault::NoCheckpoint, PUBLISHED),
        Err(error) => report.add_file(Class::Undecided, Fault::Unreadable(error.0), PUBLISHED),
    }
    None
}

/// Checkpoints beyond the head. One is the ledger caught between signing and publishing; more, or one that a witness has
/// seen, and records that were signed have been taken away (attack A5).
fn judge_later(
    files: &impl Files,
    trust: &Trust,
    head: &Checkpoint,
    later: &[(u64, &'static str)],
    report: &mut Report,
) {
    let mut signed = 0;
    for (size, folder) in later {
        let file = path((*size, folder));
        let opened = match files.read(&file, NOTE_LIMIT) {
            Ok(Some(note)) => Checkpoint::open(&note, trust.verifiers()),
            Ok(None) => continue,
            Err(error) => {
                report.add_file(Class::Undecided, Fault::Unreadable(error.0), file);
                continue;
            }
        };
        match opened {
            Ok((note, _)) if note.size == *size && note.origin == head.origin => {
                signed += 1;
                report.ahead = Some(*size);
            }
            Ok(_) => report.add_file(Class::Tampered, Fault::CheckpointName, file.as_str()),
            Err(error) => report.add_file(Class::Tampered, Fault::Checkpoint(error), file.as_str()),
        }
        if signed > 1 || (signed == 1 && *folder == WITNESSED) {
            report.add_file(Class::Incomplete, Fault::Shorter { size: *size }, file);
            return;
        }
    }
}

/// The checkpoint that the auditor kept, if it can be used against this ledger.
fn known(trust: &Trust, options: &Options, head: &Checkpoint, report: &mut Report) -> Option<Checkpoint> {
    let known = match Checkpoint::open(options.known.as_ref()?, trust.verifiers()) {
        Ok((known, _)) => known,
        Err(error) => {
            report.add(Class::Undecided, Fault::Known(error));
            return None;
        }
    };
    if known.origin != head.origin {
        report.add(Class::Undecided, Fault::KnownOrigin);
        return None;
    }
    if known.size > head.size {
        report.add(Class::Incomplete, Fault::Shorter { size: known.size });
        return None;
    }
    Some(known)
}
