//! Places a call on the plant's map, decides whether it may cross, and grants the permit.
//!
//! ```text
//! principal, peer, head of request --place--> Crossing
//! Crossing, what is asked, findings --decide--> Permit --spend--> Passage --> forward
//!                                          \--> Refusal
//! ```
//!
//! Zones and conduits come first: they are the plant's own types, and what no conduit allows is closed. A conduit
//! is a grant with an owner and an approver. Where several conduits admit the same call it passes if one of them
//! permits it, so that taking a conduit away can only close, and the order in which they are written means nothing.
//! After them come the plant's own rules, written in Cedar, which can only forbid.
//!
//! This crate reads no content, holds no state between calls, and never waits: time is an argument.

mod compare;
mod crossing;
mod decide;
mod handle;
mod held;
mod permit;
mod place;
mod routes;
mod rules;
mod source;
mod steps;
mod way;

pub use compare::{Comparison, Difference, Effect, compare};
pub use crossing::{Call, Crossing, Misplaced, Partial};
pub use decide::{Asked, Case, Decided, Decision};
pub use held::{Approval, Held};
pub use permit::{Passage, Permit};

pub use routes::Route;
pub use rules::{RuleFile, RuleProblem, SCHEMA};
pub use steps::{Stage, Step};

use plant::{Conduit, Plant, Provider, ProviderId, ZoneId};
use rules::Rules;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is in force at a plant: its zones and conduits, and its own rules.
///
/// Built once when a plant file comes into force, and then only read, so any number of exchanges share it.
#[derive(Debug)]
pub struct Policy {
    plant: Arc<Plant>,
    providers: BTreeMap<ProviderId, Arc<Provider>>,
    paths: BTreeMap<ZoneId, BTreeMap<ProviderId, Vec<Arc<Conduit>>>>,
    rules: Rules,
}

impl Policy {
    /// Puts a plant and its Cedar rules in force.
    ///
    /// # Errors
    /// Everything that is wrong with the rules, at once: what does not parse, does not fit [`SCHEMA`], names
    /// something that the plant does not have, could never apply, or tries to permit.
    pub fn new(plant: Arc<Plant>, files: &[RuleFile]) -> Result<Self, Vec<RuleProblem>> {
        let rules = Rules::load(&plant, files)?;
        let providers = plant.providers.values().map(|one| (one.id.clone(), Arc::new(one.clone()))).collect();
        let mut paths: BTreeMap<ZoneId, BTreeMap<ProviderId, Vec<Arc<Conduit>>>> = BTreeMap::new();
        for conduit in plant.conduits.values() {
            let shared = Arc::new(conduit.clone());
            let zones: BTreeSet<_> = conduit.from.iter().collect();
            for zone in zones {
                let to = paths.entry(zone.clone()).or_default();
                to.entry(conduit.to.clone()).or_default().push(Arc::clone(&shared));
            }
        }
        Ok(Self { plant, providers, paths, rules })
    }

    /// The plant that is in force.
    #[must_use]
    pub fn plant(&self) -> &Arc<Plant> {
        &self.plant
    }

    /// The conduits from `zone` to `provider`, by name.
    fn conduits(&self, zone: &ZoneId, provider: &ProviderId) -> &[Arc<Conduit>] {
        self.paths.get(zone).and_then(|to| to.get(provider)).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests;
