//! What the program says of itself: `--help` of each subcommand.

use crate::PENSTOCK;
use std::process::{Command, Stdio};

pub(crate) fn help(path: &[String]) -> String {
    let output = Command::new(PENSTOCK)
        .args(path)
        .arg("--help")
        .env("COLUMNS", "100")
        .env_remove("PENSTOCK_PLANT")
        .env_remove("PENSTOCK_LOG")
        .env_remove("PENSTOCK_LOG_FORM")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The program and every subcommand, in the order of the help.
pub(crate) fn paths() -> Vec<Vec<String>> {
    let (mut paths, mut open) = (Vec::new(), vec![Vec::new()]);
    // A command that has commands of its own comes before them.
    while let Some(path) = open.pop() {
        let below = subcommands(&path).into_iter().rev();
        open.extend(below.map(|name| [path.as_slice(), &[name]].concat()));
        paths.push(path);
    }
    paths
}

fn subcommands(path: &[String]) -> Vec<String> {
    let help = help(path);
    let Some((_, rest)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let names = rest.lines().take_while(|line| !line.trim().is_empty()).filter(|line| !line.starts_with("    "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn help_is_set_in_paragraphs_and_each_example_stands_alone() {
    let mut wrong = Vec::new();
    for path in paths() {
        let help = help(&path);
        let about = help.split("\nUsage:").next().unwrap_or_default();
        for paragraph in about.split("\n\n") {
            let lines: Vec<&str> = paragraph.lines().collect();
            // Set for wider lines than are shown, a paragraph has stubs in its middle.
            let stubs = lines.iter().rev().skip(1).any(|line| line.len() < 60 && !line.starts_with([' ', '-']));
            let examples = lines.join(" ").matches(": `penstock ").count();
            if stubs || examples > 1 {
                wrong.push(format!("{}: {paragraph}", path.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
