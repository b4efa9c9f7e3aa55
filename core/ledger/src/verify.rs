//! Proves that a ledger is whole, trusting nothing but a public key that the auditor holds.
//!
//! ```text
//! checkpoint --signature--> size, root
//! tile/entries -> leaf hashes -> tree == root          bytes: every record is the one that was signed
//!              |             -> tile/0, tile/1 ..      hashes: where it is not, they say which one
//!              -> heads -> order, links, time, closing completeness: nothing is missing
//! checkpoints/N.note --signature--> root of the first N records     history: never signed otherwise
//!              |     --epoch's signature--> `key` records           nor signed later than it says
//! ```
//!
//! Records that were removed because their time was over are not there to be checked. A `prune` record must say so; their
//! hashes stay, and so does everything that stands on these.
//!
//! One pass over the files; memory is bounded by the calls under way and 8 bytes for each published checkpoint. What
//! cannot be seen from inside a log (that its end was cut off, that two readers are shown two logs) needs a
//! checkpoint that somebody else has kept, [`Options::known`], or witnesses whom the auditor trusts, [`Trust::quorum`].

mod epochs;
mod heads;
mod report;
mod story;
mod trust;
mod walk;
mod witnesses;

pub use epochs::EpochsJudged;
pub use report::{Class, Fault, Problem, Pruned, Report, Silences};
pub use trust::{Trust, TrustError};
pub use witnesses::WitnessesJudged;

use heads::Heads;

/// The files of a ledger, by path below its folder.
pub trait Files {
    /// The bytes of a file; `None` if there is none. At most `limit` bytes: what is longer is unreadable.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Unreadable>;

    /// As [`Self::read`], into a buffer that is cleared first and used again for the next file; whether the file is
    /// there. Worth implementing: fresh memory for each bundle costs a quarter of the time of verifying it.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    fn read_into(&self, path: &str, limit: usize, buffer: &mut Vec<u8>) -> Result<bool, Unreadable> {
        buffer.clear();
        match self.read(path, limit)? {
            Some(bytes) => {
                *buffer = bytes;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// The names of the files in a folder; none if there is no such folder.
    ///
    /// # Errors
    /// If the folder is there and cannot be read.
    fn names(&self, folder: &str) -> Result<Vec<String>, Unreadable>;
}

/// A file that is there and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// What the auditor knows beyond the key.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A signed checkpoint of this ledger that was kept elsewhere: shows a cut tail and a rewritten past.
    pub known: Option<Vec<u8>>,
}

/// Checks a ledger and says everything that is wrong with it.
pub fn verify(files: &impl Files, trust: &Trust, options: &Options) -> Report {
    let mut report = Report::default();
    let Some(mut heads) = Heads::read(files, trust, options, &mut report) else { return report };
    let schedule = heads.schedule();
    walk::walk(files, &mut heads, schedule, &mut report);
    report
}
