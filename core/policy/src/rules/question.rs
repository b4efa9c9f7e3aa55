//! What the rules are asked about one call.

use super::ground::Uids;
use super::slice::Looks;
use crate::crossing::Crossing;
use crate::decide::Asked;
use crate::source;
use cedar_policy::{Context, EntityUid, Request, RestrictedExpression, Schema};
use plant::{ConduitId, Finding, Millis, OperatorId, Principal, Sensitivity};
use std::collections::BTreeSet;

/// A call on the path that it would take.
pub(crate) struct Question<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) crossing: &'a Crossing,
    pub(crate) asked: &'a Asked<'a>,
    pub(crate) conduit: &'a ConduitId,
    pub(crate) rerouted: bool,
    pub(crate) findings: &'a [Finding],
    pub(crate) sensitivity: Sensitivity,
    pub(crate) residual: Sensitivity,
    pub(crate) now: Millis,
}

/// The context's attributes, as the schema lists them.
const ATTRIBUTES: [&str; 16] = [
    "purpose",
    "evidence",
    "model",
    "endpoint",
    "opaque",
    "stream",
    "tools",
    "labels",
    "sources",
    "sensitivity",
    "residual",
    "rerouted",
    "operator",
    "workstation",
    "hour",
    "weekday",
];

impl Question<'_> {
    /// The question in Cedar's words; `None` if the plant does not know something that it is about.
    pub(super) fn request(&self, uids: &Uids, looks: &Looks, schema: Option<&Schema>) -> Option<Request> {
        let workload = uids.workloads.get(&self.crossing.workload)?.clone();
        let conduit = uids.conduits.get(self.conduit)?.clone();
        let context = Context::from_pairs(self.context(uids, looks)?).ok()?;
        Request::new(workload, uids.call.clone(), conduit, context, schema).ok()
    }

    /// Says of the call what `looks` looks at.
    fn context(&self, uids: &Uids, looks: &Looks) -> Option<Vec<(String, RestrictedExpression)>> {
        let Self { crossing, asked, principal, .. } = self;
        let mut pairs = Vec::new();
        for name in ATTRIBUTES {
            if !looks.at(name) {
                continue;
            }
            let value = match name {
                "purpose" => uid(uids.purposes.get(&crossing.purpose)?),
                "evidence" => text(principal.workload.known().map_or("", |(_, evidence)| evidence)),
                "endpoint" => text(&crossing.endpoint),
                "opaque" => RestrictedExpression::new_bool(crossing.opaque),
                "stream" => RestrictedExpression::new_bool(asked.stream),
                "tools" => texts(asked.tools.iter().map(String::as_str)),
                "labels" => texts(families(self.findings)),
                "sources" => texts(source::names(self.findings)),
                "sensitivity" => uid(step(uids, self.sensitivity)?),
                "residual" => uid(step(uids, self.residual)?),
                "rerouted" => RestrictedExpression::new_bool(self.rerouted),
                "hour" => RestrictedExpression::new_long(clock(self.now).0),
                "weekday" => RestrictedExpression::new_long(clock(self.now).1),
                "model" => match asked.model {
                    Some(model) => text(model),
                    None => continue,
                },
                "operator" => match principal.operator.proved() {
                    Some(operator) => self.operator(operator)?,
                    None => continue,
                },
                "workstation" => match principal.workstation.proved() {
                    Some(id) => uid(uids.workstations.get(id)?),
                    None => continue,
                },
                _ => return None,
            };
            pairs.push((name.to_owned(), value));
        }
        Some(pairs)
    }

    fn operator(&self, operator: &OperatorId) -> Option<RestrictedExpression> {
        let principal = self.principal;
        let fields = [
            ("id", text(operator.as_str())),
            ("roles", texts(principal.roles.iter().map(String::as_str))),
            ("authentication", texts(principal.authentication.iter().map(String::as_str))),
        ];
        RestrictedExpression::new_record(fields.map(|(name, value)| (name.to_owned(), value))).ok()
    }
}

/// The labels that were found, each with the families that it belongs to.
fn families(findings: &[Finding]) -> BTreeSet<&str> {
    let labels: BTreeSet<&str> = findings.iter().map(|finding| finding.label.as_str()).collect();
    let heads = |label: &'_ str| label.match_indices('.').map(|(end, _)| end).collect::<Vec<_>>();
    let families = labels.iter().flat_map(|label| heads(label).into_iter().filter_map(|end| label.get(..end)));
    let families: Vec<&str> = families.collect();
    labels.into_iter().chain(families).collect()
}

/// Hour of the day and day of the week (Monday is 1) in UTC. 1970-01-01 was a Thursday.
fn clock(now: Millis) -> (i64, i64) {
    let hours = now.0 / 3_600_000;
    let number = |small: u64| i64::try_from(small).unwrap_or(0);
    (number(hours % 24), number((hours / 24 + 3) % 7 + 1))
}

fn step(uids: &Uids, step: Sensitivity) -> Option<&EntityUid> {
    uids.steps.get(usize::from(step.rank()))
}

fn uid(uid: &EntityUid) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(uid.clone())
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn texts<'a>(all: impl IntoIterator<Item = &'a str>) -> RestrictedExpression {
    RestrictedExpression::new_set(all.into_iter().map(text))
}

#[cfg(test)]
mod tests {
    use super::clock;
    use plant::Millis;

    #[test]
    fn hour_and_weekday_are_those_of_utc() {
        let check = |text: &str, hour, weekday| {
            assert_eq!(clock(Millis::parse(text).unwrap()), (hour, weekday), "{text}");
        };
        check("1970-01-01T00:00:00Z", 0, 4);
        check("2026-11-20T21:35:00Z", 21, 5);
        check("2026-11-22T23:59:59Z", 23, 7);
        check("2026-11-23T00:00:00Z", 0, 1);
    }
}
