//! What verification found, for people and for exit codes.

use super::epochs::EpochsJudged;
use super::witnesses::WitnessesJudged;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::entry::Malformed;
use crate::tile::{Row, Tile, TileError, WIDTH};
use plant::{Millis, RecordId};
use std::collections::BTreeMap;
use std::fmt;

/// Most problems that are listed; the rest are counted. One broken disk must not fill another.
const LISTED: usize = 100;

/// How bad a problem is. The numbers are the exit codes of `penstock verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Something is not what was signed.
    Tampered = 10,
    /// The ledger's key signed two histories.
    Forked = 11,
    /// Something that must be there is not.
    Incomplete = 12,
    /// Fewer witnesses than the auditor's policy asks for.
    Unwitnessed = 13,
    /// What would be needed to judge is missing or unreadable.
    Undecided = 14,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The ledger has no checkpoint.
    #[error("there is no checkpoint")]
    NoCheckpoint,
    /// A checkpoint is malformed or not signed by a trusted key.
    #[error(transparent)]
    Checkpoint(CheckpointError),
    /// The file `checkpoints/N.note` holds the checkpoint of another size.
    #[error("the checkpoint is of another size than its name says")]
    CheckpointName,
    /// A file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// A file is not there.
    #[error("is missing")]
    Missing,
    /// A tile or bundle is malformed.
    #[error(transparent)]
    Tile(TileError),
    /// The hashes of a tile are not those of the records, which are right.
    #[error("the stored hashes are not those of the records")]
    TileDiffers,
    /// The record is not the one whose hash is stored.
    #[error("the record is not the one that was signed")]
    Altered,
    /// The records do not add up to the signed root, and the first wrong one lies in this range.
    #[error("the records do not add up to the signed root; the first wrong one is in {from}..{to}")]
    Root {
        /// All records before this one are right.
        from: u64,
        /// One of those before this is wrong.
        to: u64,
    },
    /// The entry is no record.
    #[error(transparent)]
    Malformed(Malformed),
    /// The record stands at another place than it says.
    #[error("the record says that it is number {says}: records are missing, swapped or there twice")]
    Place {
        /// What it says.
        says: u64,
    },
    /// The record does not carry the hash of the one before it.
    #[error("the record does not continue the one before it")]
    Chain,
    /// The first record is not the genesis of the ledger that the checkpoint names.
    #[error("the first record is not the genesis of this ledger")]
    Genesis,
    /// There is a genesis after the first record.
    #[error("a second genesis")]
    SecondGenesis,
    /// The time went back without a clock record.
    #[error("the time went back by {by} ms and no clock record says why")]
    ClockBack {
        /// How far.
        by: u64,
    },
    /// The start counter or the time since start went back.
    #[error("the order of starts went back")]
    Order,
    /// A record ends a call that is not under way.
    #[error("ends a call that is not under way: its intent is missing, or it was ended before")]
    NoIntent,
    /// A call was begun before the last start of the gateway and never ended.
    #[error("the call was never ended")]
    Unclosed,
    /// Two calls under way have one id.
    #[error("another call under way has the same id")]
    IdTwice,
    /// More calls are open than any gateway has.
    #[error("more calls are open than can be followed")]
    TooManyOpen,
    /// The key signed another root for these records.
    #[error("the ledger's key signed another root for the first {size} records")]
    Forked {
        /// How many records.
        size: u64,
    },
    /// A signed checkpoint covers more records than there are.
    #[error("a signed checkpoint covers {size} records, more than there are")]
    Shorter {
        /// How many it covers.
        size: u64,
    },
    /// The checkpoint that the auditor kept is not of this ledger, or not signed by a trusted key.
    #[error("the known checkpoint cannot be used: {0}")]
    Known(CheckpointError),
    /// The known checkpoint is of another ledger.
    #[error("the known checkpoint is of another ledger")]
    KnownOrigin,
    /// The genesis names no schedule that can be read, or another than the auditor's.
    #[error("the schedule of epoch keys is malformed, or not the one that the auditor has")]
    Schedule,
    /// Records begin before the key of epoch 0.
    #[error("records begin without the key of an epoch, though the ledger has a schedule of such keys")]
    KeyMissing,
    /// A `key` record does not prove its key.
    #[error("the record does not prove that this is the key of its epoch")]
    KeyUnproven,
    /// A `key` record of an epoch whose turn it is not.
    #[error("the key of epoch {epoch} is out of order: epochs begin with 0 and ascend")]
    KeyOrder {
        /// Which epoch.
        epoch: u32,
    },
    /// A `key` record of a day that has not come.
    #[error("the key of epoch {epoch} is announced before its day")]
    KeyEarly {
        /// Which epoch.
        epoch: u32,
    },
    /// An epoch went on though its day was over.
    #[error("the key of epoch {epoch} stays in use for more than an hour after its day, and no other is announced")]
    KeyLate {
        /// Which epoch.
        epoch: u32,
    },
    /// The checkpoint that hands over to the next epoch is not there.
    #[error("the last checkpoint of epoch {epoch} is missing: nothing shows that its records were not rewritten later")]
    NoLastCheckpoint {
        /// Which epoch.
        epoch: u32,
    },
    /// A checkpoint is not signed by the key of its epoch.
    #[error("the key of epoch {epoch} did not sign the checkpoint: it may have been made later")]
    EpochSignature {
        /// Which epoch.
        epoch: u32,
    },
    /// A `prune` record that allows nothing.
    #[error("the record allows to remove records whose time is not over, or says nothing that can be read")]
    Prune,
    /// Too few of the witnesses that the policy names have seen the head.
    #[error("not enough witnesses have signed the head; missing: {missing}")]
    Unwitnessed {
        /// Who has not, by the policy's names.
        missing: String,
    },
}

/// What was removed because its time was over, and the record that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// How many records are not there any more.
    pub records: u64,
    /// The number of the first that had to stay.
    pub minimum: u64,
    /// The number of the `prune` record.
    pub by: u64,
    /// For how many days this ledger keeps records, as that record says.
    pub keep_days: u64,
}

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub class: Class,
    /// What it is.
    pub fault: Fault,
    /// The record.
    pub seq: Option<u64>,
    /// The record's own identity, if it could be read.
    pub id: Option<RecordId>,
    /// The file.
    pub file: Option<String>,
}

/// What verification found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The head that everything was checked against; `None` if there was none to believe.
    pub checkpoint: Option<Checkpoint>,
    /// How many records were read.
    pub records: u64,
    /// Their length together.
    pub bytes: u64,
    /// How many hash tiles were compared with the records.
    pub tiles: u64,
    /// How many earlier checkpoints were compared with the records.
    pub checkpoints: u64,
    /// How many records of each kind; those of unknown kinds under `other`.
    pub kinds: BTreeMap<&'static str, u64>,
    /// What was removed, and the last record that allows it.
    pub pruned: Option<Pruned>,
    /// The number of the first record that refers to content that is kept.
    pub sealed: Option<u64>,
    /// What was judged of the epochs; `None` if the ledger has no schedule of epoch keys.
    pub epochs: Option<EpochsJudged>,
    /// What was judged of the witnesses; `None` if the auditor has no policy.
    pub witnesses: Option<WitnessesJudged>,
    /// The times of the first and the last record.
    pub span: Option<(Millis, Millis)>,
    /// Where nothing was written for longer than beats allow; `None` if nowhere. It says that a gateway did not run or could
    /// not write, and takes nothing away from what is there: a machine may have slept.
    pub silences: Option<Silences>,
    /// Calls begun since the last start of the gateway and not ended yet: how many.
    pub under_way: u64,
    /// The size of a signed checkpoint that is about to be published, if the ledger was caught in the act.
    pub ahead: Option<u64>,
    /// Whether completeness could be judged: not if records are missing or are not those that were signed.
    pub complete_judged: bool,
    /// What is wrong, at most a hundred.
    pub problems: Vec<Problem>,
    /// How many more problems there are than are listed.
    pub unlisted: u64,
    worst: Option<Class>,
}

/// Where a gateway that had not been started anew was silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silences {
    /// How often.
    pub count: u64,
    /// The longest, in milliseconds of the time since the machine started.
    pub longest_ms: u64,
    /// The record that ended it.
    pub before: u64,
}

impl Report {
    /// How bad it is; `None` if nothing is wrong.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.worst
    }

    /// The exit code that says so: 0 if nothing is wrong.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.worst.map_or(0, |class| class as u8)
    }

    /// Notes a silence that a record ended.
    pub(super) fn silent(&mut self, ms: u64, before: u64) {
        let known = self.silences.unwrap_or(Silences { count: 0, longest_ms: 0, before });
        let count = known.count.saturating_add(1);
        let longest = if ms > known.longest_ms { Silences { count, longest_ms: ms, before } } else { known };
        self.silences = Some(Silences { count, ..longest });
    }

    pub(super) fn add(&mut self, class: Class, fault: Fault) {
        self.put(Problem { class, fault, seq: None, id: None, file: None });
    }

    pub(super) fn add_file(&mut self, class: Class, fault: Fault, file: impl Into<String>) {
        self.put(Problem { class, fault, seq: None, id: None, file: Some(file.into()) });
    }

    pub(super) fn add_record(&mut self, class: Class, fault: Fault, seq: u64, id: Option<RecordId>) {
        let size = self.checkpoint.as_ref().map_or(u64::MAX, |head| head.size);
        let file = Tile::in_tree(Row::Entries, seq / u64::from(WIDTH), size).map(Tile::path);
        self.put(Problem { class, fault, seq: Some(seq), id, file });
    }

    /// Says that bundles are missing, before all else: what else is wrong may follow from that.
    pub(super) fn put_missing(&mut self, bundles: impl Iterator<Item = Tile>) {
        let rest = std::mem::take(&mut self.problems);
        bundles.for_each(|tile| self.add_file(Class::Incomplete, Fault::Missing, tile.path()));
        rest.into_iter().for_each(|problem| self.put(problem));
    }

    pub(super) fn put(&mut self, problem: Problem) {
        self.worst = Some(self.worst.map_or(problem.class, |worst| worst.min(problem.class)));
        if self.problems.len() < LISTED {
            self.problems.push(problem);
        } else {
            self.unlisted += 1;
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tampered => "tampered",
            Self::Forked => "forked",
            Self::Incomplete => "incomplete",
            Self::Unwitnessed => "unwitnessed",
            Self::Undecided => "undecided",
        })
    }
}

impl fmt::Display for Problem {
    /// One line: `tampered: record 17 (0198…) in tile/entries/000: the record is not the one that was signed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.class)?;
        match (self.seq, self.id) {
            (Some(seq), Some(id)) => write!(f, "record {seq} ({id})")?,
            (Some(seq), None) => write!(f, "record {seq}")?,
            (None, _) => {}
        }
        match (&self.seq, &self.file) {
            (Some(_), Some(file)) => write!(f, " in {file}: ")?,
            (None, Some(file)) => write!(f, "{file}: ")?,
            (Some(_), None) => f.write_str(": ")?,
            (None, None) => {}
        }
        write!(f, "{}", self.fault)
    }
}
