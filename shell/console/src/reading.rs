//! What the gateway's instruments show at a moment, as numbers that only grow and states that come and go.
//!
//! [`crate::pulse`] makes of two of them what has happened in between.

use crate::control::{InForce, Isolations};
use plant::{Millis, RecordId, Verdict};

/// Everything that a person is shown live, without content.
#[derive(Clone, Debug)]
pub struct Reading {
    /// When it was taken.
    pub at: Millis,
    /// The site.
    pub plant: String,
    /// The gateway within it.
    pub gateway: String,
    /// The version that runs.
    pub version: &'static str,
    /// Why no calls are taken, if none are.
    pub problem: Option<String>,
    /// What is in force.
    pub in_force: InForce,
    /// Exchanges under way.
    pub under_way: u64,
    /// Every conduit, and under the empty name what came to none.
    pub lanes: Vec<Lane>,
    /// Every provider.
    pub providers: Vec<Health>,
    /// The ledger.
    pub books: Books,
    /// What is isolated, and what waits for a second person.
    pub isolations: Isolations,
    /// The calls that wait for a person, and until when.
    pub holds: Vec<(RecordId, Millis)>,
}

/// A conduit, and what has crossed it since the gateway began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// Its name; empty for what came to none.
    pub conduit: String,
    /// The zones that calls come from.
    pub from: Vec<String>,
    /// The provider that it leads to.
    pub to: Option<String>,
    /// Calls that ended, by verdict, in the order of [`Verdict::NAMES`].
    pub verdicts: [u64; Verdict::NAMES.len()],
    /// How many of those that were let through failed.
    pub failed: u64,
    /// How many of those that were let through took how long: where a step of time begins, in microseconds, and how many. Steps are
    /// the same in every reading.
    pub times: Vec<(u64, u64)>,
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Its name.
    pub provider: String,
    /// The zone that it stands in.
    pub zone: String,
    /// Whether that is outside of the plant.
    pub external: bool,
    /// Where its breaker stands, if it has one: `closed`, `half-open`, `open`.
    pub breaker: Option<&'static str>,
}

/// The ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Why it takes no records, if it takes none.
    pub problem: Option<String>,
    /// How many records are durable and signed.
    pub records: u64,
    /// How many of them the published checkpoint covers.
    pub published: u64,
    /// Why the last checkpoint could not be published, if so.
    pub publishing: Option<String>,
    /// Records that wait to be written.
    pub queue: u64,
    /// Records of essential conduits that wait for the ledger to work again.
    pub put_aside: u64,
    /// How long the last group took to be written and synced, in microseconds.
    pub sync_micros: u64,
    /// Bytes that the ledger's disk still takes.
    pub disk_free: u64,
    /// Bytes that are in use on it.
    pub disk_used: u64,
    /// What no quorum of witnesses has seen; `None` where none are asked.
    pub unwitnessed: Option<Unwitnessed>,
    /// What keeps the time: `ntp`, or `system` if nobody says that it is synchronised.
    pub clock: String,
    /// The last step of the clock that was put on record since the gateway began.
    pub stepped: Option<Stepped>,
}

/// What no quorum of witnesses has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwitnessed {
    /// How many records.
    pub records: u64,
    /// How long the oldest of them has been waiting, in seconds.
    pub seconds: u64,
}

/// A step of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stepped {
    /// The time after it.
    pub at: Millis,
    /// By how many milliseconds; negative if it went back.
    pub by: i64,
}
