//! `[labels]`, `[dictionary.<label>]`, `[inspection]`: how content is read, and how sensitive it is.

use crate::callers::strings;
use crate::node::{At, Node, defaults};
use crate::problem::Code;
use crate::report::Report;
use crate::value::quote;
use inspect::{Entry, Settings, SettingsProblem};
use plant::{Label, RuleId, Scale, Sensitivity};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The built-in labels and the families that they begin with.
pub(crate) fn built_in() -> BTreeSet<&'static str> {
    let labels = inspect::rules().map(|(_, label)| label).chain(inspect::labels_by_place());
    let labels = labels.chain([plant::SOURCE_FAMILY]);
    labels.flat_map(|label| std::iter::once(label).chain(label.split_once('.').map(|(family, _)| family))).collect()
}

/// Builds the settings of the inspector, and tries them.
pub(crate) fn build(file: &Node<'_>, scale: &Scale, report: &mut Report) -> Settings {
    let mut settings = Settings::new(scale.highest());
    settings.labels = default_labels(scale);
    for (name, step) in file.pairs("labels") {
        if let (Ok(label), Some(step)) = (Label::new(name.value), scale.step(step.value)) {
            settings.labels.insert(label, step);
        }
    }
    for (name, node) in file.tables("dictionary") {
        entry(file, &name, &node, scale, &mut settings, report);
    }
    if let Some(inspection) = file.table("inspection") {
        settings.tags = strings(&inspection, "tags");
        settings.ignore = strings(&inspection, "ignore");
        settings.disabled = inspection.reads("disabled", RuleId::new).into_iter().collect();
        settings.findings = inspection.number("findings").unwrap_or(settings.findings);
    }
    attempt(file, settings.clone(), report);
    settings
}

/// Lets the inspector take the settings. It tells the first problem that it meets; so that all are told, what it
/// refuses is put out of its way and it is asked again. Each time costs a compilation, so there is an end to it.
fn attempt(file: &Node<'_>, mut settings: Settings, report: &mut Report) {
    for _ in 0..20 {
        let Err(problem) = inspect::Inspector::new(&settings) else { return };
        tell(file, &problem, report);
        let nth = |list: Option<&mut Vec<String>>, index: usize| {
            list.and_then(|list| list.get_mut(index)).map(|text| "x".clone_into(text)).is_some()
        };
        let entries = &mut settings.dictionary;
        let moved = match &problem {
            SettingsProblem::Pattern { label, index, .. } => {
                nth(entries.get_mut(label).map(|entry| &mut entry.patterns), *index)
            }
            SettingsProblem::Term { label, index } => nth(entries.get_mut(label).map(|entry| &mut entry.terms), *index),
            SettingsProblem::Tag { index, .. } => nth(Some(&mut settings.tags), *index),
            SettingsProblem::NoSuchRule { rule } => settings.disabled.remove(rule),
            _ => false,
        };
        if !moved {
            return;
        }
    }
}

/// The embedded defaults, moved along the plant's own scale: the step at the same height, rounded up.
fn default_labels(scale: &Scale) -> BTreeMap<Label, Sensitivity> {
    let names: Vec<&str> = defaults()
        .table("plant")
        .map(|plant| plant.texts("sensitivity"))
        .unwrap_or_default()
        .into_iter()
        .map(|name| name.value)
        .collect();
    let height = |name: &str| {
        let rank = names.iter().position(|known| *known == name)?;
        let (steps, own) = (names.len().checked_sub(1)?, scale.names().len().checked_sub(1)?);
        let rank = (rank * own).div_ceil(steps.max(1));
        scale.step(scale.names().get(rank)?)
    };
    // A plant that uses our names means them, wherever they stand on its scale.
    let pairs = defaults().pairs("labels").into_iter();
    pairs
        .filter_map(|(label, step)| {
            Some((Label::new(label.value).ok()?, scale.step(step.value).or_else(|| height(step.value))?))
        })
        .collect()
}

fn entry(
    file: &Node<'_>,
    name: &At<&str>,
    node: &Node<'_>,
    scale: &Scale,
    settings: &mut Settings,
    report: &mut Report,
) {
    let Ok(label) = Label::new(name.value) else { return };
    let words = Entry { terms: strings(node, "terms"), patterns: strings(node, "patterns") };
    if words.terms.is_empty() && words.patterns.is_empty() {
        let message = format!("{} has neither terms nor patterns", node.place);
        let help = "say what to look for: `terms = [\"Project Amber\"]` or `patterns = ['RCP-[0-9]{4}']`";
        report.add(report.problem(Code::MissingKey, node.span.clone(), message).help(help));
    }
    let labels = file.given("labels").and_then(|(_, value)| value.get_ref().as_table());
    let listed = labels.and_then(|labels| labels.get(name.value));
    let listed = listed.and_then(|value| Some(At { value: value.get_ref().as_str()?, span: value.span() }));
    match (node.text("sensitivity"), listed) {
        (Some(own), Some(listed)) if own.value != listed.value => {
            let message =
                format!("{} is {} here and {} under `[labels]`", node.place, quote(own.value), quote(listed.value));
            report.add(
                report.problem(Code::Duplicate, own.span, message).also(listed.span, "and here").help("say it once"),
            );
        }
        (Some(own), _) => {
            if let Some(step) = scale.step(own.value) {
                settings.labels.insert(label.clone(), step);
            }
        }
        (None, Some(_)) => {}
        (None, None) if node.says("sensitivity") => {}
        (None, None) => {
            let message = format!("{} has no `sensitivity`", node.place);
            let problem = report.problem(Code::MissingKey, node.span.clone(), message).here("needs `sensitivity`");
            report.add(problem.help(format!(
                "say how sensitive it makes content: `sensitivity = \"{}\"`",
                scale.name(scale.highest())
            )));
        }
    }
    settings.dictionary.insert(label, words);
}

/// Tells a problem of the inspector at the place in the file where it comes from.
fn tell(file: &Node<'_>, problem: &SettingsProblem, report: &mut Report) {
    let inspection = file.table("inspection");
    let nth = |node: Option<&Node<'_>>, key: &str, index: usize| -> Range<usize> {
        node.and_then(|node| {
            node.texts(key).into_iter().nth(index).map(|text| text.span).or_else(|| Some(node.span.clone()))
        })
        .unwrap_or(0..0)
    };
    let (code, span, message, help) = match problem {
        SettingsProblem::Pattern { label, index, problem } => {
            let node = file.entry("dictionary", label.as_str());
            let help = "patterns run in linear time: no look-around, no back-references";
            (
                Code::Pattern,
                nth(node.as_ref(), "patterns", *index),
                format!("pattern cannot be used: {}", plain(problem)),
                help,
            )
        }
        SettingsProblem::Tag { index, problem } => {
            let help = "patterns run in linear time: no look-around, no back-references";
            (
                Code::Pattern,
                nth(inspection.as_ref(), "tags", *index),
                format!("tag pattern cannot be used: {}", plain(problem)),
                help,
            )
        }
        SettingsProblem::Term { label, index } => {
            let node = file.entry("dictionary", label.as_str());
            let message = "term needs a letter or a digit, and at most 256 bytes".to_owned();
            (
                Code::Pattern,
                nth(node.as_ref(), "terms", *index),
                message,
                "write a word or a phrase; forms belong into `patterns`",
            )
        }
        SettingsProblem::NoSuchRule { rule } => {
            let index = inspection
                .as_ref()
                .and_then(|node| node.texts("disabled").iter().position(|one| one.value == rule.as_str()));
            let near = crate::nearest::nearest(rule.as_str(), inspect::rules().map(|(name, _)| name));
            let help = near.map_or_else(
                || "rules are named in the findings that they give".to_owned(),
                |near| format!("did you mean {}?", quote(near)),
            );
            let span = nth(inspection.as_ref(), "disabled", index.unwrap_or(0));
            let message = format!("there is no rule {} to switch off", quote(rule.as_str()));
            return report.add(report.problem(Code::DanglingName, span, message).help(help));
        }
        other => {
            let span = file.given("dictionary").map_or(0..0, |(name, _)| name.span());
            (Code::Pattern, span, other.to_string(), "use fewer or shorter terms and patterns")
        }
    };
    report.add(report.problem(code, span, message).help(help));
}

/// The complaint without the word that the report says anyway.
fn plain(problem: &str) -> &str {
    problem.strip_prefix("error: ").unwrap_or(problem)
}
