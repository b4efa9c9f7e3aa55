//! Quotas: how much of AI a workload, an operator, a conduit or a provider may use in a window of time.
//!
//! ```text
//! call, with what it is expected to take ──admit──> Admitted ─────────── settle, with what it took
//!                                            └────> Stop: which quota, and when to ask again
//!                                                       └─ too many at a time, and the conduit is essential: Queue
//! ```
//!
//! What is expected is counted when a call is admitted, so that calls under way cannot use the same rest twice; what it
//! really took replaces that when it has ended. Windows are fixed: a window of a day begins at midnight UTC, and what may be
//! used again, and when, can be told to the second. Time is an argument, and so is every amount; memory is bounded.

mod amounts;
mod counters;
mod price;
mod queue;
mod quota;

#[cfg(test)]
mod tests;

pub use amounts::{Amounts, Measure};
pub use counters::{Admitted, Corrupt, Counters, Stop, Warning};
pub use price::{Price, Prices};
pub use queue::{Queue, Ticket};
pub use quota::{Per, Quota, Settings, Subject, Waits};
