//! The routes that the plant's data may take to AI: from a source, through a workload, across a conduit, to a provider.
//!
//! What conduits and sources allow, apart from any call: models, purposes, rules and people behind a call come on top.

use crate::Policy;
use crate::place::{admits, approved};
use crate::source::Sources;
use plant::{Conduit, Finding, Label, Millis, Provider, RuleId, Sensitivity, Source, Verdict, Workload};

/// A route from a source of the plant's data to a provider.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// The source; `None` stands for data that is of no source.
    pub source: Option<&'a Source>,
    /// The software that calls.
    pub workload: &'a Workload,
    /// The conduit that it crosses.
    pub conduit: &'a Conduit,
    /// Where it goes.
    pub provider: &'a Provider,
}

impl Route<'_> {
    /// The most sensitive content that the route carries.
    #[must_use]
    pub fn carries(&self) -> Sensitivity {
        self.conduit.ceiling.min(self.provider.clearance)
    }

    /// What becomes of content with this label on the route.
    #[must_use]
    pub fn verdict(&self, label: &Label, sensitivity: Sensitivity) -> Verdict {
        // Where in a call it stands is not asked, and by whom it was found changes nothing.
        let Ok(rule) = RuleId::new(label.as_str()) else { return Verdict::Refuse };
        let finding = Finding { label: label.clone(), sensitivity, piece: 0, span: 0..0, rule };
        match crate::handle::verdict(&Sources::new(self.workload, self.conduit), &finding).0 {
            Verdict::Allow | Verdict::Hold if sensitivity > self.carries() => Verdict::Refuse,
            verdict => verdict,
        }
    }
}

impl Policy {
    /// Every route that is open at a time, in the order of workloads, conduits and sources. The first of a workload on a conduit
    /// is that of data which is of no source.
    #[must_use]
    pub fn routes(&self, now: Millis) -> Vec<Route<'_>> {
        let plant = &self.plant;
        let governed = plant.workloads.values().filter(|workload| workload.governance.gaps().is_empty());
        let mut routes = Vec::new();
        for workload in governed {
            let open = |conduit: &&Conduit| {
                let shares = conduit.purposes.iter().any(|purpose| workload.purposes.contains(purpose));
                conduit.from.contains(&workload.zone)
                    && admits(conduit, &workload.id)
                    && shares
                    && approved(conduit, now)
            };
            for conduit in plant.conduits.values().filter(open) {
                let Some(provider) = plant.providers.get(&conduit.to) else { continue };
                let sources = Sources::new(workload, conduit);
                let route = Route { source: None, workload, conduit, provider };
                let used = plant.sources.values().filter(|source| !sources.keeps_out(source.id.as_str()));
                routes.push(route);
                routes.extend(used.map(|source| Route { source: Some(source), ..route }));
            }
        }
        routes
    }
}
