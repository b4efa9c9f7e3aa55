//! The plant's own rules beyond zones and conduits, written in Cedar.
//!
//! Rules can only forbid. One built-in policy permits whatever reached them, which is what a conduit has already
//! allowed, and a plant's `permit` is refused when it is loaded: it could open nothing, and whoever wrote it
//! would believe that it does. A rule that cannot be evaluated forbids. One with `@do("hold")` leaves what it forbids to a
//! person, unless another forbids it too.

mod answered;
mod ground;
mod load;
mod question;
mod slice;

pub(crate) use question::Question;

use answered::Answered;
use cedar_policy::{AuthorizationError, Authorizer, Decision, Entities, PolicyId, PolicySet, Request, Schema};
use ground::Uids;
use plant::{Plant, Reason, Refusal, RuleId};
use slice::{Looks, Slices};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// The schema that rules are validated against, in Cedar's own notation. It is part of the product's contract.
pub const SCHEMA: &str = include_str!("penstock.cedarschema");

/// A file of Cedar rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// The file's name, for people.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// Something wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct RuleProblem {
    /// The file.
    pub file: String,
    /// Where in it, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// A way out, if there is one to show.
    pub help: Option<String>,
}

/// Rules in force, and the plant's things as Cedar sees them.
pub(crate) struct Rules {
    schema: Schema,
    entities: Entities,
    uids: Uids,
    /// Every rule. What a call is asked is a slice of them.
    policies: PolicySet,
    slices: Slices,
    looks: Looks,
    /// What the rules say of themselves, by policy id.
    known: BTreeMap<PolicyId, Rule>,
    authorizer: Authorizer,
    answered: Answered,
}

/// A rule's name, why it is there, and whether a person may overrule it.
struct Rule {
    id: RuleId,
    reason: Option<String>,
    /// Whether what it forbids waits for a person, who may allow it.
    holds: bool,
}

impl Rules {
    /// Parses and validates the rules against the schema and the plant.
    pub(crate) fn load(plant: &Plant, files: &[RuleFile]) -> Result<Self, Vec<RuleProblem>> {
        let ground = ground::ground(plant).map_err(|problem| vec![problem])?;
        let loaded = load::load(plant, &ground, files)?;
        Ok(Self {
            schema: ground.schema,
            entities: ground.entities,
            uids: ground.uids,
            policies: loaded.policies,
            slices: loaded.slices,
            looks: loaded.looks,
            known: loaded.known,
            authorizer: Authorizer::new(),
            answered: Answered::default(),
        })
    }

    /// Asks the rules about a call. All that forbid it are named, not only the first. Gives those that would have a person
    /// decide, if no other forbids.
    pub(crate) fn ask(&self, question: &Question<'_>) -> Result<Vec<RuleId>, Refusal> {
        if self.known.is_empty() {
            return Ok(Vec::new());
        }
        // The plant file and the rules come into force together, so everything that a call was placed on is known
        // here. If that ever fails, nothing may pass.
        let unknown = || Refusal::new(Reason::RuleForbids, "the rules do not know what this call was placed on");
        let slice = self.slices.get(&question.crossing.workload).and_then(|of| of.get(question.conduit));
        let slice = slice.ok_or_else(unknown)?;
        let asked = if slice.is_empty() { Ok(Vec::new()) } else { self.asked(question, slice).ok_or_else(unknown)? };
        debug_assert_eq!(Some(&asked), self.whole(question).as_ref(), "a slice answers as the whole does");
        asked
    }

    /// The answer of some rules to a question that they may have been asked before.
    fn asked(&self, question: &Question<'_>, slice: &PolicySet) -> Option<Result<Vec<RuleId>, Refusal>> {
        let said = question.said(&self.uids, &self.looks)?;
        let key = question.key(&said);
        if let Some(holding) = self.answered.find(&key) {
            return Some(Ok(holding));
        }
        let answer = self.answer(&question.request(&self.uids, said, None)?, slice);
        if let Ok(holding) = &answer {
            self.answered.keep(key, holding);
        }
        Some(answer)
    }

    /// What each rule says, by its name.
    pub(crate) fn texts(&self) -> BTreeMap<RuleId, String> {
        let text =
            |id: &PolicyId| self.policies.policy(id).and_then(cedar_policy::Policy::to_cedar).unwrap_or_default();
        self.known.iter().map(|(id, rule)| (rule.id.clone(), text(id))).collect()
    }

    /// The answer of all rules to the whole question, checked against the schema.
    fn whole(&self, question: &Question<'_>) -> Option<Result<Vec<RuleId>, Refusal>> {
        let said = question.said(&self.uids, &Looks::Everywhere)?;
        let request = question.request(&self.uids, said, Some(&self.schema))?;
        Some(self.answer(&request, &self.policies))
    }

    fn answer(&self, request: &Request, policies: &PolicySet) -> Result<Vec<RuleId>, Refusal> {
        let answer = self.authorizer.is_authorized(request, policies, &self.entities);
        let diagnostics = answer.diagnostics();
        if answer.decision() == Decision::Allow && diagnostics.errors().next().is_none() {
            return Ok(Vec::new());
        }
        let forbidding = diagnostics.reason().filter_map(|id| self.known.get(id)).map(|rule| (rule, false));
        let failed = diagnostics
            .errors()
            .filter_map(|AuthorizationError::PolicyEvaluationError(error)| self.known.get(error.policy_id()));
        let mut named: Vec<(&Rule, bool)> = forbidding.chain(failed.map(|rule| (rule, true))).collect();
        named.sort_by_key(|(rule, _)| &rule.id);
        // One that could not be evaluated may have meant anything.
        if !named.is_empty() && named.iter().all(|(rule, failed)| rule.holds && !failed) {
            return Ok(named.iter().map(|(rule, _)| rule.id.clone()).collect());
        }
        let details: Vec<String> = named.iter().map(|(rule, failed)| rule.told(*failed)).collect();
        Err(Refusal {
            reason: Reason::RuleForbids,
            detail: details.join("; "),
            rules: named.iter().map(|(rule, _)| rule.id.clone()).collect(),
        })
    }

    /// The outcome in words, if no rule forbids for good.
    pub(crate) fn told(&self, holding: &[RuleId]) -> String {
        if !holding.is_empty() {
            let names: Vec<String> = holding.iter().map(|id| format!("rule `{id}`")).collect();
            return format!("{} would have a person decide", names.join(", "));
        }
        match self.known.len() {
            0 => "the plant has none".to_owned(),
            1 => "the plant's one rule does not forbid it".to_owned(),
            count => format!("none of the plant's {count} rules forbids it"),
        }
    }
}

impl Rule {
    fn told(&self, failed: bool) -> String {
        let Self { id, reason, .. } = self;
        match (failed, reason) {
            (true, _) => format!("rule `{id}` could not be evaluated, which forbids"),
            (false, Some(reason)) => format!("rule `{id}` forbids it: {reason}"),
            (false, None) => format!("rule `{id}` forbids it"),
        }
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.values().map(|rule| &rule.id)).finish()
    }
}
