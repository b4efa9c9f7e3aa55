//! The generated parts of pages are up to date.

use crate::help::{help, paths};
use crate::{read, root};
use plant::Reason;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

#[test]
fn generated_parts_are_up_to_date() {
    let parts = [
        ("reference/reasons.md", "reasons", reasons()),
        ("reference/alerts.md", "alerts", alerts()),
        ("reference/endpoints.md", "endpoints", endpoints()),
        ("reference/coverage.md", "coverage", crate::coverage::table()),
        ("reference/inspection.md", "rules", inspection()),
        ("reference/rules.md", "schema", format!("```text\n{}```\n", policy::SCHEMA)),
        ("reference/sql.md", "views", views()),
        ("reference/cli.md", "commands", commands()),
    ];
    let mut stale = Vec::new();
    for (page, name, text) in parts {
        let path = root().join("docs/src").join(page);
        let before = read(&path);
        let after = spliced(&before, name, &text);
        if before != after {
            stale.push(page);
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::write(&path, after).unwrap();
            }
        }
    }
    assert!(
        stale.is_empty() || std::env::var_os("UPDATE_DOCS").is_some(),
        "{stale:?} are out of date: UPDATE_DOCS=1 cargo test -p penstock --test docs"
    );
}

#[test]
fn the_reference_of_the_plant_file_is_up_to_date() {
    assert_eq!(read(&root().join("docs/src/reference/plant-file.md")), config::reference());
}

/// The page with another text between the marks of `name`.
fn spliced(page: &str, name: &str, text: &str) -> String {
    let (start, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end of {name} -->"));
    let (head, rest) = page.split_once(&start).unwrap_or_else(|| panic!("the mark `{}` is missing", start.trim()));
    let (_, tail) = rest.split_once(&end).unwrap_or_else(|| panic!("the mark `{end}` is missing"));
    format!("{head}{start}\n{text}\n{end}{tail}")
}

fn reasons() -> String {
    let mut text = String::from("| code | status | what the caller is told |\n|---|---|---|\n");
    for reason in Reason::ALL {
        writeln!(text, "| `{}` | {} | {} |", reason.code(), reason.status(), reason.message()).unwrap();
    }
    text
}

fn alerts() -> String {
    let mut text = String::from("| code | what it says | low | medium | high | safety |\n|---|---|---|---|---|---|\n");
    for code in alert::Code::ALL {
        let weights = plant::Criticality::NAMES.map(|(_, zone)| alert::weigh(code.base(), Some(zone)).name());
        writeln!(text, "| `{code}` | {} | {} |", code.title(), weights.join(" | ")).unwrap();
    }
    text.push_str("\nWhich reasons of a call make which:\n\n| code | reasons |\n|---|---|\n");
    for code in alert::Code::ALL {
        let reasons = Reason::ALL.iter().filter(|reason| alert::Code::of_reason(**reason) == Some(*code));
        let reasons: Vec<String> = reasons.map(|reason| format!("`{reason}`")).collect();
        if !reasons.is_empty() {
            writeln!(text, "| `{code}` | {} |", reasons.join(", ")).unwrap();
        }
    }
    text
}

fn endpoints() -> String {
    let mut text = String::new();
    for (name, dialect) in plant::Dialect::NAMES {
        writeln!(text, "### `{name}`\n\n| name | call | body |\n|---|---|---|").unwrap();
        for endpoint in wire::endpoints().filter(|endpoint| endpoint.dialect() == dialect) {
            let body = match endpoint.carries() {
                wire::Carries::Nothing => "none",
                wire::Carries::Json => "JSON",
                wire::Carries::JsonOrNothing => "JSON or none",
                wire::Carries::Form => "`multipart/form-data`",
                wire::Carries::Protobuf => "gRPC",
            };
            writeln!(text, "| `{}` | `{} {}` | {body} |", endpoint.name(), endpoint.method(), endpoint.pattern())
                .unwrap();
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

fn inspection() -> String {
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (rule, label) in inspect::rules() {
        labels.entry(label).or_default().insert(rule);
    }
    let mut text = String::from("| label | rules |\n|---|---|\n");
    for (label, rules) in labels {
        let rules: Vec<String> = rules.into_iter().map(|rule| format!("`{rule}`")).collect();
        writeln!(text, "| `{label}` | {} |", rules.join(", ")).unwrap();
    }
    text
}

/// The views that `penstock sql` answers from.
fn views() -> String {
    let mut text = String::new();
    for view in index::SCHEMA {
        writeln!(text, "### `{}`\n\nHas {}.\n\n| column | type | field | |\n|---|---|---|---|", view.name, view.says)
            .unwrap();
        for column in view.columns() {
            writeln!(text, "| `{}` | {} | {} | {} |", column.name, column.kind, column.source, column.says).unwrap();
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

/// What `--help` says of the program and of each subcommand.
fn commands() -> String {
    let mut text = String::new();
    for path in paths() {
        let title = if path.is_empty() { "penstock".to_owned() } else { format!("penstock {}", path.join(" ")) };
        let help: String = help(&path).lines().map(|line| format!("{}\n", line.trim_end())).collect();
        writeln!(text, "## `{title}`\n\n```text\n{}\n```\n", help.trim_end()).unwrap();
    }
    text.trim_end().to_owned() + "\n"
}
