//! What the rules are asked about one call.

use super::ground::Uids;
use crate::crossing::Crossing;
use crate::decide::Asked;
use cedar_policy::{Context, Request, RestrictedExpression, Schema};
use plant::{ConduitId, Finding, Millis, Principal, Sensitivity};
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

impl Question<'_> {
    /// The question in Cedar's words; `None` if the plant does not know something that it is about.
    pub(super) fn request(&self, uids: &Uids, schema: Option<&Schema>) -> Option<Request> {
        let workload = uids.workloads.get(&self.crossing.workload)?.clone();
        let conduit = uids.conduits.get(self.conduit)?.clone();
        let context = Context::from_pairs(self.context(uids)?).ok()?;
        Request::new(workload, uids.call.clone(), conduit, context, schema).ok()
    }

    fn context(&self, uids: &Uids) -> Option<Vec<(String, RestrictedExpression)>> {
        let Self { crossing, asked, .. } = self;
        let purpose = uids.purposes.get(&crossing.purpose)?;
        let step = |step: Sensitivity| uids.steps.get(usize::from(step.rank()));
        let evidence = self.principal.workload.known().map_or("", |(_, evidence)| evidence);
        let (hour, weekday) = clock(self.now);
        let mut pairs = vec![
            ("purpose", RestrictedExpression::new_entity_uid(purpose.clone())),
            ("evidence", text(evidence)),
            ("endpoint", text(&crossing.endpoint)),
            ("opaque", RestrictedExpression::new_bool(crossing.opaque)),
            ("stream", RestrictedExpression::new_bool(asked.stream)),
            ("tools", texts(asked.tools.iter().map(String::as_str))),
            ("labels", texts(families(self.findings))),
            ("sensitivity", RestrictedExpression::new_entity_uid(step(self.sensitivity)?.clone())),
            ("residual", RestrictedExpression::new_entity_uid(step(self.residual)?.clone())),
            ("rerouted", RestrictedExpression::new_bool(self.rerouted)),
            ("hour", RestrictedExpression::new_long(hour)),
            ("weekday", RestrictedExpression::new_long(weekday)),
        ];
        pairs.extend(asked.model.map(|model| ("model", text(model))));
        if self.principal.operator.proved().is_some() {
            pairs.push(("operator", self.operator()?));
        }
        if let Some(id) = self.principal.workstation.proved() {
            pairs.push(("workstation", RestrictedExpression::new_entity_uid(uids.workstations.get(id)?.clone())));
        }
        Some(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn operator(&self) -> Option<RestrictedExpression> {
        let principal = self.principal;
        let fields = [
            ("id", text(principal.operator.proved()?.as_str())),
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
