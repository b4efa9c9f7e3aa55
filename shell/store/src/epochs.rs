//! The keys that sign beside the ledger's own, one a day, of which the gateway holds the newest and no older one.
//!
//! ```text
//! day over -> `key` record durable -> last checkpoint with the old key -> lock record -> seed replaced -> new key signs
//! ```
//!
//! A crash anywhere in between leaves a seed that is at most one step behind the lock record, and a lock record of
//! exactly the size that the old key had to sign last; [`crate::recover`] ends what was begun.

use crate::disk;
use crate::queue::Gist;
use ledger::epoch::{self, EPOCHS, EpochKeys, KEYS_LENGTH};
use ledger::{Origin, Schedule};
use plant::{Draft, Kind, Millis, RecordId};
use seal::EpochSeed;
use seal::note::{NoteError, Signer};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The public keys of all epochs, below the ledger's folder.
const KEYS_FILE: &str = "trust/epochs.pub";
/// A file with a seed is shorter.
const SEED_LIMIT: usize = 256;

/// What is wrong with the keys of the epochs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EpochError {
    /// The ledger has epochs, and the seed of their keys is gone.
    #[error("the ledger cannot go on without its seed of epoch keys, `{0}`")]
    Missing(PathBuf),
    /// The seed can be read by others.
    #[error("`{0}` can be read by others than its owner")]
    Open(PathBuf),
    /// The file holds no seed.
    #[error("`{0}` does not hold a seed of epoch keys")]
    Malformed(PathBuf),
    /// The seed cannot be read or replaced. It must be replaced each day.
    #[error("cannot replace `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no ledger, and the seed has been in use.
    #[error(
        "`{path}` has signed {epoch} days of a ledger, and this one is empty: is its disk there? To begin another, move the seed away"
    )]
    Used {
        /// The file.
        path: PathBuf,
        /// The seed's epoch.
        epoch: u32,
    },
    /// The ledger is older than its seed.
    #[error("`{path}` is in epoch {seed} and the ledger in epoch {ledger}: the ledger was put back from an older copy")]
    Ahead {
        /// The file.
        path: PathBuf,
        /// The seed's epoch.
        seed: u32,
        /// The ledger's.
        ledger: u32,
    },
    /// The seed does not give the keys of the ledger's schedule.
    #[error("`{0}` is not of this ledger's schedule of epoch keys")]
    Foreign(PathBuf),
    /// The public keys are not there, and cannot be made again.
    #[error("`{0}` is missing or damaged; any copy of the ledger has it")]
    Keys(PathBuf),
    /// The keys cannot be named.
    #[error("the epoch keys cannot be named: {0}")]
    Name(#[from] NoteError),
    /// No random bytes to be had.
    #[error("the system gives no random bytes")]
    Random,
}

/// How far a ledger is in its schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// As the genesis names it.
    pub(crate) schedule: Schedule,
    /// The epoch of the last `key` record.
    pub(crate) announced: Option<u32>,
}

impl Progress {
    /// Keeps up as records pass: what a genesis and what a `key` record says, by the key of its note.
    pub(crate) fn follow<'a>(
        progress: &mut Option<Self>,
        kind: Kind,
        text: impl FnOnce(&str) -> Option<&'a str>,
        number: impl FnOnce(&str) -> Option<u64>,
    ) {
        match kind {
            Kind::Genesis => {
                let schedule = text("epochs").and_then(Schedule::parse);
                *progress = schedule.map(|schedule| Self { schedule, announced: None });
            }
            Kind::Key => {
                let epoch = number("epoch").and_then(|epoch| u32::try_from(epoch).ok());
                if let Some(progress) = progress {
                    progress.announced = epoch.or(progress.announced);
                }
            }
            _ => {}
        }
    }

    /// The same for a record that is being written.
    pub(crate) fn follow_gist(progress: &mut Option<Self>, gist: &Gist) {
        Self::follow(progress, gist.kind, |key| gist.text(key), |key| gist.number(key));
    }
}

/// A seed as it lies in its file.
struct Kept {
    epoch: u32,
    seed: EpochSeed,
}

impl Kept {
    fn read(path: &Path) -> Result<Option<Self>, EpochError> {
        let failed = |source| EpochError::Io { path: path.to_owned(), source };
        let file = match disk::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed)?,
        };
        // The mode of the file that is open, not of whatever stands at the path by then.
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(EpochError::Open(path.to_owned()));
        }
        // Room for all of it, so that no copy is left behind as the buffer grows.
        let mut bytes = Vec::with_capacity(2 * SEED_LIMIT);
        file.take(SEED_LIMIT as u64).read_to_end(&mut bytes).map_err(failed)?;
        let (epoch, seed) = EpochSeed::decode(bytes).ok_or_else(|| EpochError::Malformed(path.to_owned()))?;
        Ok(Some(Self { epoch, seed }))
    }

    fn draw() -> Result<Self, EpochError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| EpochError::Random)?;
        Ok(Self { epoch: 0, seed: EpochSeed::from_bytes(bytes) })
    }

    fn write(&self, path: &Path) -> Result<(), EpochError> {
        let text = self.seed.encode(self.epoch);
        disk::replace_secret(path, text.as_bytes()).map_err(|source| EpochError::Io { path: path.to_owned(), source })
    }
}

/// The epochs of an open ledger.
pub(crate) struct Epochs {
    path: PathBuf,
    origin: String,
    schedule: Schedule,
    keys: EpochKeys,
    kept: Kept,
    signer: Signer,
}

impl Epochs {
    /// Begins the schedule of a new ledger: a seed that has signed nothing, and the keys that follow from it.
    pub(crate) fn begin(folder: &Path, origin: &Origin, path: &Path, now: Millis) -> Result<Self, EpochError> {
        let kept = match Kept::read(path)? {
            Some(Kept { epoch, .. }) if epoch > 0 => return Err(EpochError::Used { path: path.to_owned(), epoch }),
            // Of a ledger that died before its first record.
            Some(unused) => unused,
            None => Kept::draw()?,
        };
        // Durable before anything is signed: a schedule whose seed is lost could never be gone on with.
        kept.write(path)?;
        let keys = EpochKeys::derive(EpochSeed::from_bytes(*kept.seed.as_bytes()));
        let schedule = Schedule::begin(now, &keys);
        Self::keep_keys(folder, &keys)?;
        Self::new(origin, path, schedule, keys, kept)
    }

    /// Takes up the schedule of a ledger that has published up to the epoch `published`.
    pub(crate) fn resume(
        folder: &Path,
        origin: &Origin,
        path: &Path,
        schedule: Schedule,
        published: Option<u32>,
    ) -> Result<Self, EpochError> {
        let kept = Kept::read(path)?.ok_or_else(|| EpochError::Missing(path.to_owned()))?;
        let ledger = published.unwrap_or(0);
        if kept.epoch > ledger {
            return Err(EpochError::Ahead { path: path.to_owned(), seed: kept.epoch, ledger });
        }
        let file = folder.join(KEYS_FILE);
        let stored = disk::read_if_there(&file, KEYS_LENGTH as u64).ok().flatten();
        let stored = stored.and_then(|bytes| EpochKeys::from_bytes(&bytes)).filter(|keys| keys.root() == schedule.root);
        let keys = match stored {
            Some(keys) => keys,
            // They are all in the seed still.
            None if kept.epoch == 0 => {
                let keys = EpochKeys::derive(EpochSeed::from_bytes(*kept.seed.as_bytes()));
                if keys.root() != schedule.root {
                    return Err(EpochError::Foreign(path.to_owned()));
                }
                Self::keep_keys(folder, &keys)?;
                keys
            }
            None => return Err(EpochError::Keys(file)),
        };
        if keys.key(kept.epoch) != Some(kept.seed.key().verifying_key()) {
            return Err(EpochError::Foreign(path.to_owned()));
        }
        Self::new(origin, path, schedule, keys, kept)
    }

    fn new(origin: &Origin, path: &Path, schedule: Schedule, keys: EpochKeys, kept: Kept) -> Result<Self, EpochError> {
        let origin = origin.to_string();
        let signer = signer(&origin, &kept)?;
        Ok(Self { path: path.to_owned(), origin, schedule, keys, kept, signer })
    }

    fn keep_keys(folder: &Path, keys: &EpochKeys) -> Result<(), EpochError> {
        let path = folder.join(KEYS_FILE);
        disk::replace(&path, &keys.to_bytes()).map_err(|source| EpochError::Io { path, source })
    }

    /// Which key signs when.
    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The epoch whose key signs.
    pub(crate) fn epoch(&self) -> u32 {
        self.kept.epoch
    }

    /// Signs as the epoch.
    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The `key` record of an epoch.
    pub(crate) fn announce(&self, epoch: u32, id: RecordId) -> Option<Draft> {
        self.keys.announce(epoch, id)
    }

    /// Goes on to a later epoch. The seed on the disk is replaced first: nothing is signed with a key that could still
    /// be made from what lies there of the day before.
    pub(crate) fn advance(&mut self, epoch: u32) -> Result<(), EpochError> {
        let mut kept = Kept { epoch: self.kept.epoch, seed: EpochSeed::from_bytes(*self.kept.seed.as_bytes()) };
        while kept.epoch < epoch {
            kept = Kept { epoch: kept.epoch + 1, seed: kept.seed.next() };
        }
        let signer = signer(&self.origin, &kept)?;
        kept.write(&self.path)?;
        (self.kept, self.signer) = (kept, signer);
        if epoch == EPOCHS - 1 {
            tracing::error!("the last epoch key of the ledger is in use and none follows: begin a new ledger");
        }
        Ok(())
    }

    /// Writes the seed again as it is, so that one that cannot be replaced shows at the start and not at midnight.
    pub(crate) fn prove_replaceable(&mut self) -> Result<(), EpochError> {
        self.advance(self.kept.epoch)
    }
}

fn signer(origin: &str, kept: &Kept) -> Result<Signer, EpochError> {
    Ok(Signer::new(epoch::name(origin, kept.epoch), Arc::new(kept.seed.key()))?)
}

/// The epoch whose key is said to have signed a checkpoint.
pub(crate) fn said_to_sign(note: &[u8]) -> Option<u32> {
    let note = seal::note::Note::parse(note).ok()?;
    note.signatures().iter().find_map(|signature| signature.name().rsplit_once("/epoch/")?.1.parse().ok())
}
