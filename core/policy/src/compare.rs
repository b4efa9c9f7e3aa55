//! What one plant allows and another does not, in plain words: what a change of the plant file comes to.
//!
//! Two views of it, because neither says all. **Paths**: which workload can reach which provider now, and which could. **Fields**: what has
//! changed about a conduit, zone, workload or provider that both have, each said as what it opens or closes.

mod conduits;
mod said;
mod sources;

use crate::Policy;
use crate::place::admits;
use plant::{Grpc, Plant, Provider, ProviderId, Purpose, Workload, WorkloadId, Zone, ZoneId};
use said::{Said, list};
use std::collections::{BTreeMap, BTreeSet};

/// What a difference does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Something becomes possible that was not.
    Opens,
    /// Something stops that was possible.
    Closes,
    /// Something is done otherwise, and a person has to say whether that is more or less.
    Changes,
}

impl Effect {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::Closes => "closes",
            Self::Changes => "changes",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// What it does.
    pub effect: Effect,
    /// What it is about: ``conduit `copilot-cloud` ``.
    pub place: String,
    /// What it is, in words.
    pub text: String,
}

/// What a comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Every difference: first what opens, then what closes, then what changes; each in the order of the places.
    pub differences: Vec<Difference>,
    /// Whether it was looked at which workload reaches which provider. Of everything else nothing is ever left out.
    pub paths: bool,
}

/// Compares two plants. Which workload reaches which provider takes a step for each workload that a conduit may admit, and one
/// for each pair of their purposes; where the two plants together take more than `steps`, that is left out, and nothing else is.
#[must_use]
pub fn compare(before: &Policy, after: &Policy, steps: u64) -> Comparison {
    let mut said = Said::default();
    let (old, new) = (&*before.plant, &*after.plant);
    let mut left = steps;
    let both = reach(old, &mut left).zip(reach(new, &mut left));
    let compared = both.map(|(had, has)| paths(&had, &has, &mut said)).is_some();
    conduits::compare(old, new, &mut said);
    sources::compare(old, new, &mut said);
    zones(old, new, &mut said);
    workloads(old, new, &mut said);
    workstations(old, new, &mut said);
    providers(old, new, &mut said);
    rules(before, after, &mut said);
    whole(old, new, &mut said);
    Comparison { differences: said.sorted(), paths: compared }
}

/// A way from a workload to a provider, as far as conduits say it: for which purposes.
type Paths = BTreeMap<(WorkloadId, ProviderId), BTreeSet<Purpose>>;

/// What reaches what; nothing if that takes more steps than are left.
fn reach(plant: &Plant, left: &mut u64) -> Option<Paths> {
    let mut paths = Paths::new();
    let mut residents: BTreeMap<&ZoneId, Vec<&Workload>> = BTreeMap::new();
    for workload in plant.workloads.values().filter(|workload| workload.governance.gaps().is_empty()) {
        residents.entry(&workload.zone).or_default().push(workload);
    }
    for conduit in plant.conduits.values() {
        let named = conduit.workloads.len() as u64;
        for workload in conduit.from.iter().filter_map(|zone| residents.get(zone)).flatten() {
            *left = left.checked_sub(named.saturating_add(1))?;
            if !admits(conduit, &workload.id) {
                continue;
            }
            let pairs = conduit.purposes.len().saturating_mul(workload.purposes.len());
            *left = left.checked_sub(pairs as u64)?;
            let shared = conduit.purposes.iter().filter(|purpose| workload.purposes.contains(purpose)).cloned();
            paths.entry((workload.id.clone(), conduit.to.clone())).or_default().extend(shared);
        }
    }
    Some(paths)
}

fn paths(had: &Paths, has: &Paths, said: &mut Said) {
    let all: BTreeSet<_> = had.keys().chain(has.keys()).collect();
    for key in all {
        let (workload, provider) = key;
        let none = BTreeSet::new();
        let (was, is) = (had.get(key).unwrap_or(&none), has.get(key).unwrap_or(&none));
        let place = || format!("workload `{workload}`");
        let gone: Vec<_> = was.difference(is).collect();
        let more: Vec<_> = is.difference(was).collect();
        if !more.is_empty() {
            said.opens(place, || format!("can call `{provider}` for {}", list(&more)));
        }
        if !gone.is_empty() {
            said.closes(place, || format!("can no longer call `{provider}` for {}", list(&gone)));
        }
    }
}

fn zones(old: &Plant, new: &Plant, said: &mut Said) {
    for (id, was, is) in both(&old.zones, &new.zones) {
        let place = || format!("zone `{id}`");
        match (was, is) {
            (None, Some(zone)) => said.changes(place, || format!("is new, with {}", networks(zone))),
            (Some(zone), None) => said.changes(place, || format!("is gone, with {}", networks(zone))),
            (Some(was), Some(is)) => {
                said.set(
                    place,
                    (&was.networks, &is.networks),
                    "calls may come from {} too",
                    "no calls may come from {}",
                );
                said.plain(place, "Purdue level", (&was.level, &is.level));
                let levels = |zone: &Zone| zone.target.levels().map(|level| level.to_string()).join(" ");
                said.plain(place, "SL-T", (&levels(was), &levels(is)));
                said.plain(place, "criticality", (&format!("{:?}", was.criticality), &format!("{:?}", is.criticality)));
                said.plain(place, "owner", (&was.owner, &is.owner));
            }
            (None, None) => {}
        }
    }
}

fn networks(zone: &Zone) -> String {
    if zone.is_external() {
        "no networks: it is external".to_owned()
    } else {
        format!("networks {}", list(&zone.networks))
    }
}

fn workloads(old: &Plant, new: &Plant, said: &mut Said) {
    for (id, was, is) in both(&old.workloads, &new.workloads) {
        let place = || format!("workload `{id}`");
        match (was, is) {
            (None, Some(is)) => said.changes(place, || format!("is new, in zone `{}`", is.zone)),
            (Some(_), None) => said.closes(place, || "is no workload of this plant any more".to_owned()),
            (Some(was), Some(is)) => workload(place, was, is, said),
            (None, None) => {}
        }
    }
}

fn workload(place: impl Fn() -> String + Copy, was: &Workload, is: &Workload, said: &mut Said) {
    said.plain(place, "zone", (&was.zone, &is.zone));
    said.set(
        place,
        (&was.certificates, &is.certificates),
        "is also proved by a certificate for {}",
        "is not proved by a certificate for {} any more",
    );
    let gaps = (was.governance.gaps(), is.governance.gaps());
    match (gaps.0.is_empty(), gaps.1.is_empty()) {
        (false, true) => said.opens(place, || {
            "has owner, update process and isolation plan now: its calls are not refused as `ungoverned` any more"
                .to_owned()
        }),
        (true, false) => {
            said.closes(place, || format!("lacks {}: its calls are refused as `ungoverned`", list(&gaps.1)));
        }
        _ => {
            let told = |text: &Option<String>| text.clone().unwrap_or_default();
            said.plain(place, "owner", (&told(&was.governance.owner), &told(&is.governance.owner)));
            said.plain(
                place,
                "update process",
                (&told(&was.governance.update_process), &told(&is.governance.update_process)),
            );
            said.plain(
                place,
                "isolation plan",
                (&told(&was.governance.isolation_plan), &told(&is.governance.isolation_plan)),
            );
        }
    }
}

fn workstations(old: &Plant, new: &Plant, said: &mut Said) {
    for (id, was, is) in both(&old.workstations, &new.workstations) {
        let place = || format!("workstation `{id}`");
        match (was, is) {
            (None, Some(_)) => said.changes(place, || "is new".to_owned()),
            (Some(_), None) => said.changes(place, || "is gone".to_owned()),
            (Some(was), Some(is)) => {
                said.plain(place, "zone", (&was.zone, &is.zone));
                said.set(
                    place,
                    (&was.certificates, &is.certificates),
                    "is also proved by a certificate for {}",
                    "is not proved by a certificate for {} any more",
                );
            }
            (None, None) => {}
        }
    }
}

fn providers(old: &Plant, new: &Plant, said: &mut Said) {
    for (id, was, is) in both(&old.providers, &new.providers) {
        let place = || format!("provider `{id}`");
        match (was, is) {
            (None, Some(is)) => said.changes(place, || format!("is new: {}, by {}", is.address, is.supplier.name)),
            (Some(_), None) => said.closes(place, || "is no provider of this plant any more".to_owned()),
            (Some(was), Some(is)) => provider(place, (old, was), (new, is), said),
            (None, None) => {}
        }
    }
}

fn provider(
    place: impl Fn() -> String + Copy,
    (old, was): (&Plant, &Provider),
    (new, is): (&Plant, &Provider),
    said: &mut Said,
) {
    said.plain(place, "address", (&was.address, &is.address));
    said.plain(place, "dialect", (&was.dialect, &is.dialect));
    match (&was.grpc, &is.grpc) {
        (None, Some(own)) => said.opens(place, || format!("is reached over gRPC too, {}", meant(own))),
        (Some(_), None) => said.closes(place, || "is not reached over gRPC any more".to_owned()),
        (Some(own), Some(now)) if own != now => {
            said.changes(place, || format!("is reached over gRPC at {}, {}", now.address, meant(now)));
        }
        _ => {}
    }
    said.plain(place, "zone", (&was.zone, &is.zone));
    let clearance = (old.scale.name(was.clearance), new.scale.name(is.clearance));
    said.step(place, "clearance", clearance, was.clearance.cmp(&is.clearance));
    let told = |provider: &Provider| format!("{:?} {:?}", provider.authorities, provider.credential.is_some());
    said.plain(place, "authorities and credential", (&told(was), &told(is)));
    said.plain(place, "supplier", (&was.supplier.name, &is.supplier.name));
    let country = |provider: &Provider| provider.supplier.country.clone().unwrap_or_default();
    said.plain(place, "country of the supplier", (&country(was), &country(is)));
    let hands = (&was.supplier.sub_processors, &is.supplier.sub_processors);
    said.set(place, hands, "its supplier hands content to {} too", "its supplier hands no content to {} any more");
}

/// Who means a provider by gRPC.
fn meant(grpc: &Grpc) -> String {
    match grpc.names.as_slice() {
        [] => "by whoever names no other provider's host".to_owned(),
        names => format!("as {}", names.join(", ")),
    }
}

/// Rules only forbid, so that one more closes and one less opens.
fn rules(before: &Policy, after: &Policy, said: &mut Said) {
    let (old, new) = (before.rules.texts(), after.rules.texts());
    for (id, was, is) in both(&old, &new) {
        let place = || format!("rule `{id}`");
        match (was, is) {
            (None, Some(_)) => said.closes(place, || "is new, and forbids what it describes".to_owned()),
            (Some(_), None) => said.opens(place, || "is gone, and forbids nothing any more".to_owned()),
            (Some(was), Some(is)) if was != is => said.changes(place, || "forbids something else".to_owned()),
            _ => {}
        }
    }
}

fn whole(old: &Plant, new: &Plant, said: &mut Said) {
    let place = || "the plant".to_owned();
    said.plain(place, "name", (&old.id, &new.id));
    said.plain(place, "gateway", (&old.gateway, &new.gateway));
    said.plain(place, "scale of sensitivity", (&format!("{:?}", old.scale), &format!("{:?}", new.scale)));
    let issuer = |plant: &Plant| format!("{:?}", plant.issuer);
    if issuer(old) != issuer(new) {
        said.changes(
            || "the operators' issuer".to_owned(),
            || "is another one, or is believed on other terms".to_owned(),
        );
    }
}

/// Every key of two maps, with what each has there.
fn both<'a, K: Ord, V>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, Option<&'a V>)> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    keys.into_iter().map(|key| (key, old.get(key), new.get(key)))
}
