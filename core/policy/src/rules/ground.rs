//! The plant's things as Cedar sees them: made once, when a plant file comes into force.

use super::{RuleProblem, SCHEMA};
use cedar_policy::{Entities, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression, Schema};
use plant::{
    Conduit, ConduitId, Criticality, Plant, Provider, Purpose, Scale, Sensitivity, Workload, WorkloadId, Workstation,
    WorkstationId, Zone,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;

/// What rules stand on.
pub(super) struct Ground {
    pub(super) schema: Schema,
    pub(super) entities: Entities,
    pub(super) uids: Uids,
}

/// The Cedar names of what a call is made of, ready to be put into a request.
pub(super) struct Uids {
    pub(super) call: EntityUid,
    pub(super) workloads: BTreeMap<WorkloadId, EntityUid>,
    pub(super) workstations: BTreeMap<WorkstationId, EntityUid>,
    pub(super) conduits: BTreeMap<ConduitId, EntityUid>,
    pub(super) purposes: BTreeMap<Purpose, EntityUid>,
    /// By rank.
    pub(super) steps: Vec<EntityUid>,
}

/// Reads the schema and puts the plant into it.
pub(super) fn ground(plant: &Plant) -> Result<Ground, RuleProblem> {
    let broken =
        |message: String| RuleProblem { file: "penstock.cedarschema".to_owned(), span: 0..0, message, help: None };
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(|error| broken(error.to_string()))?;
    let maker = Maker::new().map_err(|error| broken(error.to_string()))?;
    let entities = maker.entities(plant).map_err(|error| broken(error.to_string()))?;
    let entities = Entities::from_entities(entities, Some(&schema)).map_err(|error| broken(error.to_string()))?;
    Ok(Ground { schema, entities, uids: maker.uids(plant) })
}

type Attributes = HashMap<String, RestrictedExpression>;
type Made<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Makes entities; the names of their types are read once.
struct Maker {
    action: EntityTypeName,
    zone: EntityTypeName,
    workload: EntityTypeName,
    workstation: EntityTypeName,
    provider: EntityTypeName,
    conduit: EntityTypeName,
    purpose: EntityTypeName,
    sensitivity: EntityTypeName,
}

impl Maker {
    fn new() -> Made<Self> {
        Ok(Self {
            action: EntityTypeName::from_str("Action")?,
            zone: EntityTypeName::from_str("Zone")?,
            workload: EntityTypeName::from_str("Workload")?,
            workstation: EntityTypeName::from_str("Workstation")?,
            provider: EntityTypeName::from_str("Provider")?,
            conduit: EntityTypeName::from_str("Conduit")?,
            purpose: EntityTypeName::from_str("Purpose")?,
            sensitivity: EntityTypeName::from_str("Sensitivity")?,
        })
    }

    fn uids(&self, plant: &Plant) -> Uids {
        Uids {
            call: uid(&self.action, "call"),
            workloads: plant.workloads.keys().map(|id| (id.clone(), uid(&self.workload, id.as_str()))).collect(),
            workstations: plant
                .workstations
                .keys()
                .map(|id| (id.clone(), uid(&self.workstation, id.as_str())))
                .collect(),
            conduits: plant.conduits.keys().map(|id| (id.clone(), uid(&self.conduit, id.as_str()))).collect(),
            purposes: purposes(plant).into_iter().map(|id| (id.clone(), uid(&self.purpose, id.as_str()))).collect(),
            steps: plant.scale.names().iter().map(|name| uid(&self.sensitivity, name)).collect(),
        }
    }

    fn entities(&self, plant: &Plant) -> Made<Vec<Entity>> {
        let mut all = Vec::new();
        for (rank, name) in (0_i64..).zip(plant.scale.names()) {
            let rank = RestrictedExpression::new_long(rank);
            all.push(entity(uid(&self.sensitivity, name), [("rank", rank)], None)?);
        }
        for purpose in purposes(plant) {
            all.push(Entity::with_uid(uid(&self.purpose, purpose.as_str())));
        }
        for zone in plant.zones.values() {
            all.push(self.zone(zone)?);
        }
        for workload in plant.workloads.values() {
            all.push(self.workload(workload)?);
        }
        for workstation in plant.workstations.values() {
            all.push(self.workstation(workstation)?);
        }
        for provider in plant.providers.values() {
            all.push(self.provider(provider, &plant.scale)?);
        }
        for conduit in plant.conduits.values() {
            all.push(self.conduit(conduit, &plant.scale)?);
        }
        Ok(all)
    }

    fn zone(&self, zone: &Zone) -> Made<Entity> {
        let names = Criticality::NAMES.iter();
        let criticality = names.filter(|(_, one)| *one == zone.criticality).map(|(name, _)| *name).next();
        let attributes = [
            ("level", text(&zone.level.to_string())),
            ("criticality", text(criticality.unwrap_or_default())),
            ("owner", text(&zone.owner)),
        ];
        entity(uid(&self.zone, zone.id.as_str()), attributes, None)
    }

    fn workload(&self, workload: &Workload) -> Made<Entity> {
        let zone = uid(&self.zone, workload.zone.as_str());
        let purposes = workload.purposes.iter().map(|purpose| reference(uid(&self.purpose, purpose.as_str())));
        let attributes = [("zone", reference(zone.clone())), ("purposes", RestrictedExpression::new_set(purposes))];
        entity(uid(&self.workload, workload.id.as_str()), attributes, Some(zone))
    }

    fn workstation(&self, workstation: &Workstation) -> Made<Entity> {
        let zone = uid(&self.zone, workstation.zone.as_str());
        entity(uid(&self.workstation, workstation.id.as_str()), [("zone", reference(zone.clone()))], Some(zone))
    }

    fn provider(&self, provider: &Provider, scale: &Scale) -> Made<Entity> {
        let zone = uid(&self.zone, provider.zone.as_str());
        let supplier = &provider.supplier;
        let mut attributes = vec![
            ("zone", reference(zone.clone())),
            ("dialect", text(provider.dialect.name())),
            ("clearance", self.step(provider.clearance, scale)),
            ("supplier", text(&supplier.name)),
            ("sub_processors", RestrictedExpression::new_set(supplier.sub_processors.iter().map(|name| text(name)))),
        ];
        attributes.extend(supplier.country.as_deref().map(|country| ("country", text(country))));
        entity(uid(&self.provider, provider.id.as_str()), attributes, Some(zone))
    }

    fn conduit(&self, conduit: &Conduit, scale: &Scale) -> Made<Entity> {
        let provider = uid(&self.provider, conduit.to.as_str());
        let attributes = [
            ("provider", reference(provider.clone())),
            ("ceiling", self.step(conduit.ceiling, scale)),
            ("owner", text(&conduit.owner)),
        ];
        entity(uid(&self.conduit, conduit.id.as_str()), attributes, Some(provider))
    }

    fn step(&self, step: Sensitivity, scale: &Scale) -> RestrictedExpression {
        reference(uid(&self.sensitivity, scale.name(step)))
    }
}

/// Every purpose that the plant file speaks of.
fn purposes(plant: &Plant) -> BTreeSet<&Purpose> {
    let workloads = plant.workloads.values().flat_map(|workload| &workload.purposes);
    workloads.chain(plant.conduits.values().flat_map(|conduit| &conduit.purposes)).collect()
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn reference(uid: EntityUid) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(uid)
}

fn entity(
    uid: EntityUid,
    attributes: impl IntoIterator<Item = (&'static str, RestrictedExpression)>,
    parent: Option<EntityUid>,
) -> Made<Entity> {
    let attributes: Attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(Entity::new(uid, attributes, parent.into_iter().collect::<HashSet<_>>())?)
}
