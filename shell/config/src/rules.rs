//! `[rules]`: reads the plant's Cedar rules, and lets `policy` judge them against the plant.

use crate::node::Node;
use crate::problem::{Code, Problem, Source};
use crate::read::Surroundings;
use crate::report::Report;
use crate::secret;
use crate::value::quote;
use plant::Plant;
use policy::{Policy, RuleFile};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// Reads the rule files that the plant file names.
pub(crate) fn read(file: &Node<'_>, around: &Surroundings<'_>, report: &mut Report) -> Vec<RuleFile> {
    let Some(node) = file.table("rules") else { return Vec::new() };
    let mut rules = Vec::new();
    for name in node.texts("files") {
        let read = around.files.read(&around.folder.join(name.value)).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "it is not there".to_owned(),
            _ => error.to_string(),
        });
        match read.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())) {
            Ok(text) => rules.push(RuleFile { name: name.value.to_owned(), text }),
            Err(why) => {
                let message = format!("rule file {} cannot be read: {why}", quote(name.value));
                let help = "paths begin at the plant's folder: `files = [\"rules/shifts.cedar\"]`";
                report.add(report.problem(Code::Unreadable, name.span, message).help(help));
            }
        }
    }
    rules
}

/// The digest of what is in force: of the plant file alone, or, where there are files of rules and detectors, of the listing that
/// `sha256sum plant.toml rules/...` prints, so that an auditor needs no tool of ours.
pub(crate) fn digest<'r>(
    plant_file: &[u8],
    rules: impl Iterator<Item = &'r RuleFile>,
    hash: fn(&[u8]) -> String,
) -> String {
    let own = hash(plant_file);
    let mut rules = rules.peekable();
    if rules.peek().is_none() {
        return own;
    }
    let mut listing = format!("{own}  plant.toml\n");
    for rule in rules {
        let _ = writeln!(listing, "{}  {}", hash(rule.text.as_bytes()), rule.name);
    }
    hash(listing.as_bytes())
}

/// Judges the rules.
pub(crate) fn judge(plant: &Arc<Plant>, rules: &[RuleFile], report: &mut Report) {
    let Err(problems) = Policy::new(Arc::clone(plant), rules) else { return };
    let sources: BTreeMap<&str, Source> =
        rules.iter().map(|rule| (rule.name.as_str(), Source::new(&rule.name, secret::tame(&rule.text)))).collect();
    for problem in problems {
        let message = secret::tame(&problem.message);
        let source = sources.get(problem.file.as_str());
        let told = match source {
            Some(source) => Problem::new(source, Code::Rule, problem.span, message),
            None => report.problem(Code::Rule, 0..0, message),
        };
        report.add(match problem.help {
            Some(help) => told.help(secret::tame(&help)),
            None => told,
        });
    }
}
