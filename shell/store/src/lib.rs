//! The ledger on a disk: write-ahead segments, tiles, checkpoints, and reading them. The only durable state.
//!
//! ```text
//! append -> writer: group, sign, one frame, one fdatasync -> acknowledged
//!                          |
//!                          v
//!           publisher: tiles, bundles, checkpoint -> reader, receipts, auditors
//! ```
//!
//! [`Store`] is the one writer, [`Reader`] reads beside it. What the bytes mean is [`ledger`]'s business; how a
//! crash at any moment loses no acknowledged record is this crate's.

mod anchors;
mod audit;
mod background;
mod blobs;
mod clock;
mod disk;
mod emergency;
mod epochs;
mod exclusive;
mod filter;
mod folder;
pub mod frame;
mod incident;
mod lock;
mod numbered;
mod own;
mod publisher;
mod queue;
mod reader;
mod recover;
mod retention;
mod segment;
mod settings;
mod shared;
mod store;
mod touch;
mod trust;
pub mod wal;
mod witness;
mod writer;

pub use anchors::Anchors;
pub use audit::{Audit, AuditFault, audit};
pub use blobs::{
    BlobError, Blobs, Content, ContentAudit, ContentFault, ContentProblem, Doomed, Newcomer, Scope, audit_content,
};
pub use clock::{Answer as TimeAnswer, Clock, Compared, Reading, System, TOLERANCE};
pub use disk::Usage;
pub use epochs::EpochError;
pub use filter::Filter;
pub use folder::Folder;
pub use incident::{INCIDENT_LIMIT, Incident};
pub use numbered::Numbered;
pub use own::about;
pub use reader::{ReadError, Reader, Receipts, Record, Records};
pub use settings::Settings;
pub use shared::{Condition, Done, Failure, State, Stepped, Written};
pub use store::{OpenError, Opening, Recovery, Store};
pub use witness::{Memory, Thinner, WitnessError, add, head, request, request_under, witnessed};

#[cfg(test)]
mod tests;
