//! Reads rule files and refuses whatever would not do what it seems to.
//!
//! A rule that forbids nothing is worse than none, because people rely on it. So beyond what Cedar's strict
//! validation finds, a rule is refused if it permits, has no name to be recorded by, names something that the
//! plant does not have, or could never apply.

use super::ground::Ground;
use super::slice::{Looks, Slices, slices};
use super::{Rule, RuleFile, RuleProblem};
use crate::steps::names;
use cedar_policy::{Effect, EntityUid, Policy, PolicyId, PolicySet, ValidationMode, ValidationWarning, Validator};
use miette::Diagnostic;
use plant::{Plant, RuleId};
use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

/// The built-in policy: what reaches the rules was allowed by a conduit. Its name is no identifier, so no rule of
/// a plant can have it.
const CONDUITS: (&str, &str) = ("(conduits)", "permit (principal, action, resource);");

/// Rules that may come into force.
pub(super) struct Loaded {
    pub(super) policies: PolicySet,
    pub(super) slices: Slices,
    pub(super) looks: Looks,
    pub(super) known: BTreeMap<PolicyId, Rule>,
}

/// Reads every file, and reports everything that is wrong with all of them.
pub(super) fn load(plant: &Plant, ground: &Ground, files: &[RuleFile]) -> Result<Loaded, Vec<RuleProblem>> {
    let validator = Validator::new(ground.schema.clone());
    let mut reader = Reader { ground, validator, homes: BTreeMap::new(), problems: Vec::new(), rules: Vec::new() };
    files.iter().for_each(|file| reader.file(file));
    let Reader { mut problems, rules, .. } = reader;
    if !problems.is_empty() {
        problems.sort_by(|one, other| (&one.file, one.span.start).cmp(&(&other.file, other.span.start)));
        problems.dedup();
        return Err(problems);
    }
    let built_in = Policy::parse(Some(PolicyId::new(CONDUITS.0)), CONDUITS.1);
    let broken = |message: String| vec![RuleProblem { file: CONDUITS.0.to_owned(), span: 0..0, message, help: None }];
    let built_in = built_in.map_err(|error| broken(error.to_string()))?;
    let (policies, known): (Vec<Policy>, Vec<(PolicyId, Rule)>) = rules.into_iter().unzip();
    let all = PolicySet::from_policies(policies.iter().chain([&built_in]).cloned());
    let all = all.map_err(|error| broken(error.to_string()))?;
    let slices = slices(plant, ground, &policies, &built_in).map_err(|error| broken(error.to_string()))?;
    Ok(Loaded { policies: all, slices, looks: Looks::of(&policies), known: known.into_iter().collect() })
}

struct Reader<'a> {
    ground: &'a Ground,
    validator: Validator,
    /// Which file a rule's name was first used in.
    homes: BTreeMap<RuleId, String>,
    problems: Vec<RuleProblem>,
    rules: Vec<(Policy, (PolicyId, Rule))>,
}

impl Reader<'_> {
    fn file(&mut self, file: &RuleFile) {
        let parsed = match PolicySet::from_str(&file.text) {
            Ok(parsed) => parsed,
            Err(errors) => return errors.iter().for_each(|error| self.report(file, error, 0..file.text.len())),
        };
        for template in parsed.templates() {
            let span = find(&file.text, &template.to_cedar(), 0);
            let help = "write the name where `?principal` or `?resource` stands";
            self.problem(file, span, "a rule cannot have placeholders".to_owned(), help);
        }
        let mut policies: Vec<&Policy> = parsed.policies().collect();
        // Cedar numbers the policies of a file: policy0, policy1 ...
        policies.sort_by_key(|one| one.id().to_string().trim_start_matches("policy").parse::<usize>().ok());
        let mut from = 0;
        let mut spans = BTreeMap::new();
        let mut sound = Vec::new();
        for policy in policies {
            let span = find(&file.text, &policy.to_cedar().unwrap_or_default(), from);
            from = span.end;
            if let Some((policy, rule)) = self.rule(file, policy, span.clone()) {
                spans.insert(policy.id().clone(), span);
                sound.push((policy.clone(), (policy.id().clone(), rule)));
            }
        }
        self.validate(file, &sound, &spans);
        self.rules.extend(sound);
    }

    /// Checks one rule by itself. Gives it, named by its `@id`, if it has a name of its own.
    fn rule(&mut self, file: &RuleFile, policy: &Policy, span: Range<usize>) -> Option<(Policy, Rule)> {
        if policy.effect() == Effect::Permit {
            let help = "conduits permit, and rules can only forbid what they allow: widen a conduit in the plant \
                        file, or turn the condition round into a `forbid`";
            self.problem(file, span.clone(), "a rule cannot permit".to_owned(), help);
        }
        self.literals(file, policy, &span);
        let id = self.name(file, policy, &span)?;
        let reason = policy.annotation("reason").map(str::trim).filter(|reason| !reason.is_empty()).map(str::to_owned);
        let holds = match policy.annotation("do") {
            None | Some("refuse") => false,
            Some("hold") => true,
            Some(_) => {
                let help = "`@do(\"hold\")` leaves the call to a person, `@do(\"refuse\")` is what a rule does anyway";
                self.problem(file, span, "a rule can only hold or refuse".to_owned(), help);
                return None;
            }
        };
        Some((policy.new_id(PolicyId::new(id.as_str())), Rule { id, reason, holds }))
    }

    fn name(&mut self, file: &RuleFile, policy: &Policy, span: &Range<usize>) -> Option<RuleId> {
        let help = "put `@id(\"a-name\")` above it: records and refusals name the rule by it";
        let Some(text) = policy.annotation("id").filter(|text| !text.is_empty()) else {
            self.problem(file, span.clone(), "the rule has no name".to_owned(), help);
            return None;
        };
        let at = find(file.text.get(..span.end).unwrap_or_default(), text, span.start);
        let id = match RuleId::new(text) {
            Ok(id) => id,
            Err(error) => {
                self.problem(file, at, error.to_string(), "for example `@id(\"no-drawings-at-night\")`");
                return None;
            }
        };
        if let Some(home) = self.homes.insert(id.clone(), file.name.clone()) {
            let message = format!("the name `{id}` is taken by another rule, in {home}");
            self.problem(file, at, message, "give each rule a name of its own");
            return None;
        }
        Some(id)
    }

    /// Everything that a rule names must exist: Cedar would silently never match a misspelt name.
    fn literals(&mut self, file: &RuleFile, policy: &Policy, span: &Range<usize>) {
        let mut unknown: Vec<EntityUid> = policy.entity_literals();
        // Actions and types are of the schema, and validation speaks of them.
        unknown.retain(|uid| uid.type_name().basename() != "Action" && self.ground.entities.get(uid).is_none());
        unknown.sort_by_key(ToString::to_string);
        unknown.dedup();
        for uid in unknown {
            let kind = uid.type_name();
            let entities = self.ground.entities.iter().map(cedar_policy::Entity::uid);
            let mut known: Vec<String> = entities
                .filter(|other| other.type_name() == kind)
                .map(|other| other.id().unescaped().to_owned())
                .collect();
            if known.is_empty() {
                continue;
            }
            known.sort();
            let at = find(file.text.get(..span.end).unwrap_or_default(), &uid.to_string(), span.start);
            let help = format!("known are {}", names(known));
            self.problem(file, at, format!("`{uid}` is not in the plant file"), &help);
        }
    }

    fn validate(
        &mut self,
        file: &RuleFile,
        sound: &[(Policy, (PolicyId, Rule))],
        spans: &BTreeMap<PolicyId, Range<usize>>,
    ) {
        // Their ids are distinct by now, so this cannot fail; if it did, loading the whole set fails as well.
        let Ok(set) = PolicySet::from_policies(sound.iter().map(|(policy, _)| policy.clone())) else { return };
        let result = self.validator.validate(&set, ValidationMode::Strict);
        let whole = |id: &PolicyId| spans.get(id).cloned().unwrap_or_default();
        for error in result.validation_errors() {
            self.report(file, error, whole(error.policy_id()));
        }
        for warning in result.validation_warnings() {
            let span = whole(warning.policy_id());
            match warning {
                ValidationWarning::ImpossiblePolicy(_) | ValidationWarning::InvalidActionApplication(_) => {
                    let help = "its conditions contradict each other or the schema, so it would forbid nothing";
                    self.problem(file, span, "the rule can never apply".to_owned(), help);
                }
                // Text whose order on the screen is not its order in the file hides what a rule does.
                ValidationWarning::BidiCharsInString(_) | ValidationWarning::BidiCharsInIdentifier(_) => {
                    self.report(file, warning, span);
                }
                // Letters of several scripts are ordinary in plants around the world.
                _ => {}
            }
        }
    }

    /// Reports what Cedar found, where it found it.
    fn report(&mut self, file: &RuleFile, error: &dyn Diagnostic, whole: Range<usize>) {
        let label = error.labels().and_then(|mut labels| labels.next());
        let span = label.map_or(whole, |label| label.offset()..label.offset().saturating_add(label.len()));
        let help = error.help().map(|help| help.to_string());
        self.problems.push(RuleProblem { file: file.name.clone(), span, message: error.to_string(), help });
    }

    fn problem(&mut self, file: &RuleFile, span: Range<usize>, message: String, help: &str) {
        let help = Some(help.to_owned());
        self.problems.push(RuleProblem { file: file.name.clone(), span, message, help });
    }
}

/// Where `what` stands in `text` at or after `from`; everything from there if it does not.
fn find(text: &str, what: &str, from: usize) -> Range<usize> {
    let rest = text.get(from..).unwrap_or_default();
    match rest.find(what) {
        Some(start) => from.saturating_add(start)..from.saturating_add(start).saturating_add(what.len()),
        None => from.min(text.len())..text.len(),
    }
}
