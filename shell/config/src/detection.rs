//! Detectors: the plant's own detection rules, in files beside the plant file that `[inspection] detectors` names.
//!
//! They say what content holds and are tried on their own examples; whether a call may pass is not theirs to say (that
//! are the Cedar rules of `[rules]`).

use crate::node::Node;
use crate::problem::{Code, Problem, Problems, Source};
use crate::read::Surroundings;
use crate::report::Report;
use crate::secret;
use crate::value::quote;
use inspect::{Check, Detector, SettingsProblem};
use plant::{Label, RuleId};
use policy::RuleFile;
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;

/// Most detectors in one file: far more than a plant has kinds of numbers, and few enough to be compiled.
const MOST: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    detector: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    label: Spanned<String>,
    patterns: Vec<Spanned<String>>,
    #[serde(default)]
    near: Vec<String>,
    check: Option<Spanned<String>>,
    finds: Vec<String>,
    ignores: Vec<String>,
}

/// Reads the files that the plant file names: what they declare, and their texts, which are part of what is in force.
pub(crate) fn read(file: &Node<'_>, around: &Surroundings<'_>, report: &mut Report) -> (Vec<Detector>, Vec<RuleFile>) {
    let (mut detectors, mut files) = (Vec::new(), Vec::new());
    let Some(node) = file.table("inspection").filter(|_| file.says("inspection")) else { return (detectors, files) };
    for name in node.texts("detectors") {
        let bytes = around.files.read(&around.folder.join(name.value)).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "it is not there".to_owned(),
            _ => error.to_string(),
        });
        match bytes.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())) {
            Ok(text) => {
                match parse(name.value, &text) {
                    Ok(declared) => detectors.extend(declared),
                    Err(problems) => problems.list.into_iter().for_each(|problem| report.add(problem)),
                }
                files.push(RuleFile { name: name.value.to_owned(), text });
            }
            Err(why) => {
                let message = format!("detector file {} cannot be read: {why}", quote(name.value));
                let help = "paths begin at the plant's folder: `detectors = [\"detectors.toml\"]`";
                report.add(report.problem(Code::Unreadable, name.span, message).help(help));
            }
        }
    }
    (detectors, files)
}

/// Reads one file of detectors.
///
/// # Errors
/// Everything that is wrong with it, with the place.
pub fn parse(name: &str, text: &str) -> Result<Vec<Detector>, Problems> {
    let source = Source::new(name, secret::tame(text));
    let problem = |code, span: Range<usize>, message: String| Problem::new(&source, code, span, secret::tame(&message));
    let file: File = toml::from_str(text).map_err(|error| {
        let told = problem(Code::Syntax, error.span().unwrap_or(0..0), error.message().to_owned());
        Problems { list: vec![told.help("a detector is `[[detector]]` with name, label, patterns, finds and ignores")] }
    })?;
    let (mut detectors, mut list) = (Vec::new(), Vec::new());
    if file.detector.len() > MOST {
        list.push(problem(Code::TooMany, 0..0, format!("the file has more than {MOST} detectors")));
    }
    for entry in file.detector.into_iter().take(MOST) {
        let span = entry.span();
        match detector(entry.into_inner(), &span) {
            Ok(detector) => detectors.push(detector),
            Err((code, span, message)) => list.push(problem(code, span, message)),
        }
    }
    if list.is_empty() { Ok(detectors) } else { Err(Problems { list }) }
}

type Fault = (Code, Range<usize>, String);

fn detector(entry: Entry, whole: &Range<usize>) -> Result<Detector, Fault> {
    let bad = |what: &str, text: &Spanned<String>| {
        (
            Code::BadName,
            text.span(),
            format!("{} is no {what}: small letters, digits, `.`, `-`, `_`", quote(text.get_ref())),
        )
    };
    let name = RuleId::new(entry.name.get_ref()).map_err(|_| bad("name of a rule", &entry.name))?;
    let label = Label::new(entry.label.get_ref()).map_err(|_| bad("label", &entry.label))?;
    if entry.finds.is_empty() || entry.ignores.is_empty() {
        let message = format!(
            "{} needs examples: texts that it `finds` something in, and texts that it `ignores`",
            quote(name.as_str())
        );
        return Err((Code::MissingKey, whole.clone(), message));
    }
    if entry.patterns.is_empty() {
        return Err((Code::MissingKey, whole.clone(), format!("{} has no patterns", quote(name.as_str()))));
    }
    let check = match &entry.check {
        None => None,
        Some(check) => {
            let known = Check::NAMES.iter().find(|(known, _)| known == check.get_ref()).map(|(_, check)| *check);
            let unknown =
                || (Code::BadValue, check.span(), format!("{} is no check: `luhn`, `mod97`", quote(check.get_ref())));
            Some(known.ok_or_else(unknown)?)
        }
    };
    let spans: Vec<Range<usize>> = entry.patterns.iter().map(Spanned::span).collect();
    let patterns = entry.patterns.into_iter().map(Spanned::into_inner).collect();
    let near = entry.near.iter().map(|word| word.to_lowercase()).collect();
    let detector = Detector { name, label, patterns, near, check, finds: entry.finds, ignores: entry.ignores };
    match detector.check() {
        Ok(()) => Ok(detector),
        Err(SettingsProblem::Detector { index, problem, .. }) => {
            let span = spans.get(index).cloned().unwrap_or_else(|| whole.clone());
            Err((Code::Pattern, span, format!("pattern cannot be used: {problem}")))
        }
        Err(other) => Err((Code::Pattern, whole.clone(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    const GOOD: &str = "[[detector]]\nname = \"part.brewery\"\nlabel = \"part.number\"\npatterns = ['BR-[0-9]{6}']\nnear = [\"Keg\"]\ncheck = \"luhn\"\nfinds = [\"keg BR-123455\"]\nignores = [\"room BR-123455\"]\n";

    #[test]
    fn a_file_of_detectors_is_read_whole() {
        let detectors = parse("detectors.toml", GOOD).expect("a good file");
        assert_eq!(detectors[0].near, ["keg"]);
        assert_eq!(detectors[0].check, Some(inspect::Check::Luhn));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_place() {
        for (from, to, expected) in [
            ("name = \"part.brewery\"", "name = \"Part Brewery\"", "is no name of a rule"),
            ("'BR-[0-9]{6}'", "'BR-[0-9'", "pattern cannot be used"),
            ("\"luhn\"", "\"crc\"", "is no check"),
            ("near", "nera", "unknown field"),
            ("finds = [\"keg BR-123455\"]", "finds = []", "needs examples"),
            ("[[detector]]", "[[detector]", ""),
        ] {
            let text = GOOD.replacen(from, to, 1);
            let problems = parse("detectors.toml", &text).expect_err(to);
            let told = problems.list[0].to_string();
            assert!(told.contains(expected), "{to}: {told}");
        }
        let many = GOOD.repeat(super::MOST + 1);
        assert!(parse("detectors.toml", &many).is_err());
    }
}
