//! What the rules are asked about one call.

use super::answered::Key;
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

/// What a call says of itself under one attribute.
pub(super) enum Said<'a> {
    Thing(&'a EntityUid),
    Text(&'a str),
    Texts(BTreeSet<&'a str>),
    Flag(bool),
    Number(i64),
    Record(Vec<(&'static str, Said<'a>)>),
}

impl<'a> Question<'a> {
    /// The question in Cedar's words, by what it says; `None` if the plant does not know something that it is about.
    pub(super) fn request(
        &self,
        uids: &Uids,
        said: Vec<(&'static str, Said<'_>)>,
        schema: Option<&Schema>,
    ) -> Option<Request> {
        let workload = uids.workloads.get(&self.crossing.workload)?.clone();
        let conduit = uids.conduits.get(self.conduit)?.clone();
        let context = Context::from_pairs(expressions(said)?).ok()?;
        Request::new(workload, uids.call.clone(), conduit, context, schema).ok()
    }

    /// The question in bytes: others than those of any other question.
    pub(super) fn key(&self, said: &[(&'static str, Said<'_>)]) -> Key {
        let mut key = Key::with_capacity(256);
        spell(&mut key, self.crossing.workload.as_str());
        spell(&mut key, self.conduit.as_str());
        spell_all(&mut key, said);
        key
    }

    /// Says of the call what `looks` looks at; `None` if the plant does not know something that it is about.
    pub(super) fn said(&self, uids: &'a Uids, looks: &Looks) -> Option<Vec<(&'static str, Said<'a>)>> {
        let Self { crossing, asked, principal, .. } = self;
        let mut pairs = Vec::new();
        for name in ATTRIBUTES {
            if !looks.at(name) {
                continue;
            }
            let value = match name {
                "purpose" => Said::Thing(uids.purposes.get(&crossing.purpose)?),
                "evidence" => Said::Text(principal.workload.known().map_or("", |(_, evidence)| evidence)),
                "endpoint" => Said::Text(&crossing.endpoint),
                "opaque" => Said::Flag(crossing.opaque),
                "stream" => Said::Flag(asked.stream),
                "tools" => Said::Texts(asked.tools.iter().map(String::as_str).collect()),
                "labels" => Said::Texts(families(self.findings)),
                "sources" => Said::Texts(source::names(self.findings)),
                "sensitivity" => Said::Thing(step(uids, self.sensitivity)?),
                "residual" => Said::Thing(step(uids, self.residual)?),
                "rerouted" => Said::Flag(self.rerouted),
                "hour" => Said::Number(clock(self.now).0),
                "weekday" => Said::Number(clock(self.now).1),
                "model" => match asked.model {
                    Some(model) => Said::Text(model),
                    None => continue,
                },
                "operator" => match principal.operator.proved() {
                    Some(operator) => Said::Record(self.operator(operator)),
                    None => continue,
                },
                "workstation" => match principal.workstation.proved() {
                    Some(id) => Said::Thing(uids.workstations.get(id)?),
                    None => continue,
                },
                _ => return None,
            };
            pairs.push((name, value));
        }
        Some(pairs)
    }

    fn operator(&self, operator: &'a OperatorId) -> Vec<(&'static str, Said<'a>)> {
        let principal = self.principal;
        vec![
            ("id", Said::Text(operator.as_str())),
            ("roles", Said::Texts(principal.roles.iter().map(String::as_str).collect())),
            ("authentication", Said::Texts(principal.authentication.iter().map(String::as_str).collect())),
        ]
    }
}

impl Said<'_> {
    fn expression(self) -> Option<RestrictedExpression> {
        Some(match self {
            Self::Thing(uid) => RestrictedExpression::new_entity_uid(uid.clone()),
            Self::Text(said) => text(said),
            Self::Texts(all) => RestrictedExpression::new_set(all.into_iter().map(text)),
            Self::Flag(flag) => RestrictedExpression::new_bool(flag),
            Self::Number(number) => RestrictedExpression::new_long(number),
            Self::Record(fields) => RestrictedExpression::new_record(expressions(fields)?).ok()?,
        })
    }

    /// Writes it. What stands under one name is always of one kind, so kinds need not be told apart.
    fn spell(&self, key: &mut Key) {
        match self {
            Self::Thing(uid) => spell(key, uid.id().unescaped()),
            Self::Text(said) => spell(key, said),
            Self::Texts(all) => {
                key.extend_from_slice(&all.len().to_le_bytes());
                all.iter().for_each(|one| spell(key, one));
            }
            Self::Flag(flag) => key.push(u8::from(*flag)),
            Self::Number(number) => key.extend_from_slice(&number.to_le_bytes()),
            Self::Record(fields) => spell_all(key, fields),
        }
    }
}

fn expressions(said: Vec<(&'static str, Said<'_>)>) -> Option<Vec<(String, RestrictedExpression)>> {
    said.into_iter().map(|(name, said)| Some((name.to_owned(), said.expression()?))).collect()
}

fn spell_all(key: &mut Key, said: &[(&'static str, Said<'_>)]) {
    for (name, said) in said {
        spell(key, name);
        said.spell(key);
    }
}

/// Writes a text behind its length.
fn spell(key: &mut Key, text: &str) {
    key.extend_from_slice(&text.len().to_le_bytes());
    key.extend_from_slice(text.as_bytes());
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

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
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
