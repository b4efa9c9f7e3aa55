//! Which rules can have a say in a call, worked out when they are loaded, so that a call pays only for those.
//!
//! Asking Cedar costs about a microsecond per rule, and most rules of a plant are about one zone, workload or
//! provider. A rule's scope tells without evaluating anything whether it could match a workload on a conduit.
//! What calls are described by is cut down in the same way, to what some rule looks at.

use super::ground::Ground;
use cedar_policy::{Entities, EntityUid, Policy, PolicySet, PolicySetError, PrincipalConstraint, ResourceConstraint};
use plant::{ConduitId, Plant, WorkloadId};
use serde_json::Value;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The rules that can have a say, for every workload on every conduit that admits it.
pub(super) type Slices = BTreeMap<WorkloadId, BTreeMap<ConduitId, Arc<PolicySet>>>;

/// Cuts the rules. `built_in` is part of every slice that is not empty; where no rule has a say, nobody is asked.
pub(super) fn slices(
    plant: &Plant,
    ground: &Ground,
    rules: &[Policy],
    built_in: &Policy,
) -> Result<Slices, Box<PolicySetError>> {
    let mut shared: BTreeMap<Vec<usize>, Arc<PolicySet>> = BTreeMap::new();
    let mut slices = Slices::new();
    for (workload, principal) in &ground.uids.workloads {
        let zone = plant.workloads.get(workload).map(|workload| &workload.zone);
        for (conduit, resource) in &ground.uids.conduits {
            let path = plant.conduits.get(conduit).zip(zone);
            if !path.is_some_and(|(conduit, zone)| conduit.from.contains(zone)) {
                continue;
            }
            let applies = |(_, rule): &(usize, &Policy)| applies(rule, principal, resource, &ground.entities);
            let (indices, chosen): (Vec<usize>, Vec<&Policy>) = rules.iter().enumerate().filter(applies).unzip();
            let slice = match shared.entry(indices) {
                Entry::Occupied(known) => Arc::clone(known.get()),
                Entry::Vacant(free) if chosen.is_empty() => Arc::clone(free.insert(Arc::new(PolicySet::new()))),
                Entry::Vacant(free) => {
                    let set =
                        PolicySet::from_policies(chosen.into_iter().chain([built_in]).cloned()).map_err(Box::new)?;
                    Arc::clone(free.insert(Arc::new(set)))
                }
            };
            slices.entry(workload.clone()).or_default().insert(conduit.clone(), slice);
        }
    }
    Ok(slices)
}

/// Whether a rule's scope covers a workload on a conduit.
fn applies(rule: &Policy, principal: &EntityUid, resource: &EntityUid, entities: &Entities) -> bool {
    let within = |one: &EntityUid, group: &EntityUid| one == group || entities.is_ancestor_of(group, one);
    let from = match rule.principal_constraint() {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Eq(uid) => *principal == uid,
        PrincipalConstraint::In(group) => within(principal, &group),
        PrincipalConstraint::Is(kind) => *principal.type_name() == kind,
        PrincipalConstraint::IsIn(kind, group) => *principal.type_name() == kind && within(principal, &group),
    };
    let to = match rule.resource_constraint() {
        ResourceConstraint::Any => true,
        ResourceConstraint::Eq(uid) => *resource == uid,
        ResourceConstraint::In(group) => within(resource, &group),
        ResourceConstraint::Is(kind) => *resource.type_name() == kind,
        ResourceConstraint::IsIn(kind, group) => *resource.type_name() == kind && within(resource, &group),
    };
    from && to
}

/// What rules look at of a call's context.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Looks {
    /// These attributes.
    At(BTreeSet<String>),
    /// The context as a whole, or something that cannot be told.
    Everywhere,
}

impl Looks {
    /// What any of the rules looks at.
    pub(super) fn of(rules: &[Policy]) -> Self {
        let mut attributes = BTreeSet::new();
        let told = rules.iter().all(|rule| rule.to_json().is_ok_and(|json| walk(&json, &mut attributes)));
        if told { Self::At(attributes) } else { Self::Everywhere }
    }

    /// Whether some rule looks at this attribute.
    pub(super) fn at(&self, attribute: &str) -> bool {
        match self {
            Self::At(attributes) => attributes.contains(attribute),
            Self::Everywhere => true,
        }
    }
}

/// Collects the attributes of the context that an expression in Cedar's JSON form reads or tests; false if it
/// uses the context in any other way.
fn walk(json: &Value, attributes: &mut BTreeSet<String>) -> bool {
    match json {
        Value::Object(fields) => {
            if fields.get("Var").and_then(Value::as_str) == Some("context") {
                return false;
            }
            if fields.get("left").is_some_and(is_context) {
                return match fields.get("attr") {
                    Some(Value::String(attribute)) => {
                        attributes.insert(attribute.clone());
                        true
                    }
                    _ => false,
                };
            }
            fields.values().all(|field| walk(field, attributes))
        }
        Value::Array(items) => items.iter().all(|item| walk(item, attributes)),
        _ => true,
    }
}

fn is_context(json: &Value) -> bool {
    json.get("Var").and_then(Value::as_str) == Some("context")
}

#[cfg(test)]
mod tests {
    use super::Looks;
    use cedar_policy::Policy;

    #[track_caller]
    fn check(condition: &str, looks: Option<&str>) {
        let rule = format!("forbid (principal, action, resource) when {{ {condition} }};");
        let rule = Policy::parse(None, rule).unwrap();
        let expected = match looks {
            Some(attributes) => Looks::At(attributes.split_whitespace().map(str::to_owned).collect()),
            None => Looks::Everywhere,
        };
        assert_eq!(Looks::of(&[rule]), expected, "{condition}");
    }

    #[test]
    fn what_a_rule_looks_at_is_found_however_it_is_written() {
        check("context.stream", Some("stream"));
        check("context[\"str\\u{65}am\"]", Some("stream"));
        check("context has model && context.model like \"a*\"", Some("model"));
        check("context has operator && context.operator.roles.contains(\"hour\")", Some("operator"));
        check(
            "if principal in resource then context.hour < 3 else [context.tools, context.labels] == []",
            Some("hour labels tools"),
        );
        check("{ a: context.hour }.a == 3", Some("hour"));
        check("principal.zone.level == \"context\"", Some(""));
        check("context == { hour: 3 }", None);
        check("[context].isEmpty()", None);
        check("(if true then context else context).stream", None);
    }
}
