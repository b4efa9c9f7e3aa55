//! What happens when a provider fails: the order of steps, circuit breakers, budgets of retries.
//!
//! ```text
//! answer or failure ──> Trouble ──> Plan: the first step left that is for it ──> another provider, or a fixed answer
//!                          └──────> Breaker: admit, or let the provider rest
//! ```
//!
//! It says what comes next, and never whether content may go there: that is `policy`'s, anew for each provider. It keeps
//! no clock: time is an argument, in milliseconds of any clock that does not go back.

mod breaker;
mod budget;
mod plan;
mod trouble;

pub use breaker::{Breaker, Change, Ended, Pass, Rest, State};
pub use budget::Budget;
pub use plan::{Plan, Step, Then};
pub use trouble::{Trouble, Troubles};

use plant::{ConduitId, ProviderId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a plant file says about failing.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The steps of each conduit that has any, in their order.
    pub steps: BTreeMap<ConduitId, Arc<[Step]>>,
    /// The breakers of the providers that have one.
    pub breakers: BTreeMap<ProviderId, Breaking>,
}

/// When a provider is left alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaking {
    /// So many failures open the breaker, if they are at least half of what ended.
    pub failures: u32,
    /// The time in which they are counted.
    pub within: Duration,
    /// How long the provider is left alone at first. Each probe that fails doubles it.
    pub rest: Duration,
    /// The longest that it is left alone.
    pub longest: Duration,
}
