//! Which zone something concerns, for how much a failure there matters.

use ledger::Entry;
use plant::{ConduitId, Criticality, Part, Plant, ProviderId, WorkloadId, Zone, ZoneId};

/// How critical the zone of a call is: the one that it was placed in, or else the one that its address lies in.
pub(crate) fn of_call(entry: &Entry, plant: &Plant) -> Option<Criticality> {
    zone(entry, plant)
        .map(|zone| zone.criticality)
        .or_else(|| conduit(plant, &ConduitId::new(entry.text("where.conduit")?).ok()?))
        .or_else(|| workload(plant, entry.text("who.workload.id")?))
}

/// The zone of a call.
pub(crate) fn zone<'a>(entry: &Entry, plant: &'a Plant) -> Option<&'a Zone> {
    let placed = entry.text("where.zone").and_then(|zone| plant.zones.get(&ZoneId::new(zone).ok()?));
    placed.or_else(|| plant.zone_of(entry.text("who.peer")?.parse().ok()?))
}

/// How critical the zone of a workload is.
pub(crate) fn workload(plant: &Plant, name: &str) -> Option<Criticality> {
    let workload = plant.workloads.get(&WorkloadId::new(name).ok()?)?;
    plant.zones.get(&workload.zone).map(|zone| zone.criticality)
}

/// How critical the most critical zone is that a conduit leads from.
pub(crate) fn conduit(plant: &Plant, id: &ConduitId) -> Option<Criticality> {
    let conduit = plant.conduits.get(id)?;
    conduit.from.iter().filter_map(|zone| plant.zones.get(zone)).map(|zone| zone.criticality).max()
}

/// How critical the most critical zone is that calls a provider.
pub(crate) fn provider(plant: &Plant, name: &str) -> Option<Criticality> {
    let id = ProviderId::new(name).ok()?;
    let leading = plant.conduits.values().filter(|conduit| conduit.to == id);
    leading.filter_map(|one| conduit(plant, &one.id)).max()
}

/// How critical the most critical zone is that a part of the traffic comes from.
pub(crate) fn part(plant: &Plant, part: &Part) -> Option<Criticality> {
    match part {
        Part::Everything | Part::External => plant.zones.values().map(|zone| zone.criticality).max(),
        Part::Conduit(id) => conduit(plant, id),
        Part::Workload(id) => workload(plant, id.as_str()),
        Part::Zone(id) => plant.zones.get(id).map(|zone| zone.criticality),
        Part::Provider(id) => provider(plant, id.as_str()),
    }
}

/// How critical what a quota counts is, whatever that is: a name of a workload, a conduit or a provider.
pub(crate) fn whose(plant: &Plant, name: &str) -> Option<Criticality> {
    let as_conduit = || ConduitId::new(name).ok().and_then(|id| conduit(plant, &id));
    workload(plant, name).or_else(as_conduit).or_else(|| provider(plant, name))
}
