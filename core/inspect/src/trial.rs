//! Tries every rule on its own examples.

use crate::inspector::{Inspector, Overflow};
use crate::rule::{example, rules};
use crate::settings::{Settings, SettingsProblem};
use plant::{Content, Origin, Piece, RuleId};
use std::borrow::Cow;

/// A rule that did not do with an example what it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule.
    pub rule: RuleId,
    /// The example.
    pub text: String,
    /// Whether something should have been found in it.
    pub finds: bool,
}

/// How many examples were tried, and the ones that came out otherwise than they must.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Rules with an example.
    pub rules: usize,
    /// Examples.
    pub examples: usize,
    /// What failed, by rule.
    pub failures: Vec<Failure>,
}

/// Tries every rule on its own examples: the built-in ones that are switched on, and the plant's.
///
/// # Errors
/// The first pattern, term or rule name of the settings that cannot be used.
pub fn try_rules(settings: &Settings) -> Result<Trial, SettingsProblem> {
    let inspector = Inspector::new(settings)?;
    let mut trial = Trial::default();
    let replaced = |name: &str| settings.detectors.iter().any(|own| own.name.as_str() == name);
    let built_in = rules().filter_map(|(name, _)| RuleId::new(name).ok());
    for rule in built_in.filter(|rule| !settings.disabled.contains(rule) && !replaced(rule.as_str())) {
        let examples = example::examples(rule.as_str());
        trial.rules += usize::from(!examples.is_empty());
        for (text, finds) in examples {
            trial.add(&inspector, &rule, text, finds);
        }
    }
    for own in &settings.detectors {
        trial.rules += 1;
        let (finds, ignores) =
            (own.finds.iter().map(|text| (text, true)), own.ignores.iter().map(|text| (text, false)));
        for (text, finds) in finds.chain(ignores) {
            trial.add(&inspector, &own.name, text.clone(), finds);
        }
    }
    Ok(trial)
}

impl Trial {
    fn add(&mut self, inspector: &Inspector, rule: &RuleId, text: String, finds: bool) {
        self.examples += 1;
        if found(inspector, rule, &text).is_ok_and(|found| found != finds) {
            self.failures.push(Failure { rule: rule.clone(), text, finds });
        }
    }
}

fn found(inspector: &Inspector, rule: &RuleId, text: &str) -> Result<bool, Overflow> {
    let piece = Piece {
        path: "example".to_owned(),
        text: Cow::Borrowed(text),
        attachment: None,
        origin: Origin::default(),
        fixed: false,
    };
    let findings = inspector.read(&Content { pieces: vec![piece] })?;
    Ok(findings.iter().any(|finding| finding.rule == *rule))
}
