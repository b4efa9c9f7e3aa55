//! What the console shows of a gateway that runs: its instruments, and the plant as it is in force.

use console::{Books, Conduit, Health, Isolations, Lane, Map, Provider, Reading, Stepped, Unwitnessed, Workload, Zone};
use gateway::{Crossed, STEPS, Valve, step_begins};
use plant::{Criticality, Plant};
use std::collections::BTreeMap;
use store::{Clock, Store};
use witness::Standing;

/// Reads every instrument.
pub(crate) fn reading(valve: &Valve, store: &Store, standing: &Standing, isolations: Isolations) -> Reading {
    let inforce = valve.inforce();
    let plant = inforce.plant();
    Reading {
        at: gateway::now(),
        plant: plant.id.to_string(),
        gateway: plant.gateway.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        problem: valve.readiness().err(),
        in_force: crate::controlling::in_force(plant),
        under_way: valve.under_way(),
        lanes: lanes(plant, valve.crossed()),
        providers: providers(plant, valve),
        books: books(store, standing),
        isolations,
        holds: valve.waiting(),
    }
}

/// Every conduit of the plant, and what came to none.
fn lanes(plant: &Plant, crossed: Vec<(String, Crossed)>) -> Vec<Lane> {
    let mut crossed: BTreeMap<String, Crossed> = crossed.into_iter().collect();
    let mut counted = |lane: Lane| match crossed.remove(&lane.conduit) {
        Some(Crossed { verdicts, failed, times }) => {
            let times = times.into_iter().enumerate().map(|(step, count)| (step_begins(step), count)).collect();
            Lane { verdicts, failed, times, ..lane }
        }
        None => Lane { times: (0..STEPS).map(|step| (step_begins(step), 0)).collect(), ..lane },
    };
    let nowhere = counted(Lane::default());
    let conduits = plant.conduits.values().map(|conduit| Lane {
        conduit: conduit.id.to_string(),
        from: conduit.from.iter().map(ToString::to_string).collect(),
        to: Some(conduit.to.to_string()),
        ..Lane::default()
    });
    conduits.map(counted).chain([nowhere]).collect()
}

fn providers(plant: &Plant, valve: &Valve) -> Vec<Health> {
    let breakers: BTreeMap<_, _> = valve.breakers().into_iter().collect();
    let health = |provider: &plant::Provider| Health {
        provider: provider.id.to_string(),
        zone: provider.zone.to_string(),
        external: plant.zones.get(&provider.zone).is_some_and(plant::Zone::is_external),
        breaker: breakers.get(&provider.id).copied(),
    };
    plant.providers.values().map(health).collect()
}

fn books(store: &Store, standing: &Standing) -> Books {
    let state = store.state();
    let behind = |behind: witness::Behind| Unwitnessed {
        records: behind.records,
        seconds: behind.age(gateway::now()).as_secs(),
    };
    let stepped = |step: store::Stepped| {
        let by = i64::try_from(step.by).unwrap_or(i64::MAX);
        Stepped { at: step.at, by: if step.back { -by } else { by } }
    };
    Books {
        problem: (!state.healthy).then(|| state.condition.to_string()),
        records: state.size,
        published: state.published,
        publishing: state.publishing,
        queue: u64::try_from(state.queue_depth).unwrap_or(u64::MAX),
        put_aside: state.put_aside,
        sync_micros: state.last_sync_micros,
        disk_free: state.disk.free,
        disk_used: state.disk.used,
        unwitnessed: standing.behind().map(behind),
        clock: store::System.source(),
        stepped: state.stepped.map(stepped),
    }
}

/// The plant in force, as its people see it.
pub(crate) fn map(plant: &Plant, two_people: Vec<&'static str>) -> Map {
    let criticality =
        |of: Criticality| Criticality::NAMES.iter().find(|(_, one)| *one == of).map_or("", |(name, _)| name);
    let zone = |zone: &plant::Zone| Zone {
        name: zone.id.to_string(),
        title: zone.title.clone(),
        level: zone.level.to_string(),
        external: zone.is_external(),
        criticality: criticality(zone.criticality),
        networks: texts(&zone.networks),
        target: zone.target.levels(),
        owner: zone.owner.clone(),
    };
    let workload = |workload: &plant::Workload| Workload {
        name: workload.id.to_string(),
        title: workload.title.clone(),
        zone: workload.zone.to_string(),
        owner: workload.governance.owner.clone(),
    };
    let provider = |provider: &plant::Provider| Provider {
        name: provider.id.to_string(),
        zone: provider.zone.to_string(),
        supplier: provider.supplier.name.clone(),
        sub_processors: provider.supplier.sub_processors.clone(),
        clearance: plant.scale.name(provider.clearance).to_owned(),
    };
    let conduit = |conduit: &plant::Conduit| Conduit {
        name: conduit.id.to_string(),
        from: texts(&conduit.from),
        to: conduit.to.to_string(),
        workloads: texts(&conduit.workloads),
        purposes: texts(&conduit.purposes),
        models: conduit.models.iter().map(|wildcard| wildcard.0.clone()).collect(),
        tools: conduit.tools.as_ref().map(|tools| tools.iter().map(|wildcard| wildcard.0.clone()).collect()),
        ceiling: plant.scale.name(conduit.ceiling).to_owned(),
        owner: conduit.owner.clone(),
        approved_by: conduit.approval.by.clone(),
        approved: conduit.approval.at.map(|at| at.to_string()),
        expires: conduit.expires.map(|at| at.to_string()),
    };
    Map {
        zones: plant.zones.values().map(zone).collect(),
        workloads: plant.workloads.values().map(workload).collect(),
        providers: plant.providers.values().map(provider).collect(),
        conduits: plant.conduits.values().map(conduit).collect(),
        two_people,
    }
}

fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}
