//! What others can say of a ledger that it cannot say of itself: that everybody was shown the same one.
//!
//! A log proves from inside that nothing in it was changed. That its end was cut off, that it was put back from a backup, or
//! that two readers were shown two histories, only somebody sees who kept an earlier head (<https://c2sp.org/tlog-witness>, <https://c2sp.org/tlog-cosignature>).

mod conviction;
mod quorum;
mod request;

pub use conviction::{Comparison, compare};
pub(crate) use quorum::Lines;
pub use quorum::{Named, Quorum, QuorumError, Seen};
pub use request::{REQUEST_LIMIT, Refusal, Request, RequestError, conflicting_size};
