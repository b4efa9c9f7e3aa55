//! What is shown works: commands, plant files and pieces of them, rules, records.

use crate::help::{help, paths};
use crate::{blocks, blocks_of, pages, read, root};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn commands_that_are_shown_exist() {
    let known: BTreeMap<Vec<String>, String> = paths().into_iter().map(|path| (path.clone(), help(&path))).collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = read(&page);
        for block in blocks(&text).0.iter().filter(|block| ["console", "sh"].contains(&block.language.as_str())) {
            for words in block.text.replace("\\\n", " ").lines().filter_map(called) {
                seen += 1;
                if let Err(problem) = check_call(&words, &known) {
                    wrong.push(format!("{}: {problem}: {}", page.display(), words.join(" ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 20, "the guides show commands");
}

/// The arguments of a shown call of `penstock`, if the line is one.
fn called(line: &str) -> Option<Vec<String>> {
    let line = line.trim_start().trim_start_matches("$ ");
    let line = line.split(" | ").find(|part| part.split_whitespace().any(|word| word == "penstock"))?;
    let line = line.split(['>', '<', '#', '&']).next()?;
    let mut words = line.split_whitespace().skip_while(|word| *word != "penstock");
    // `cat penstock` or a path with that name is no call.
    let before: Vec<&str> = line.split_whitespace().take_while(|word| *word != "penstock").collect();
    let prefix = |word: &&str| word.contains('=') || ["sudo", "-u", "env", "watch"].contains(word);
    if !before.iter().all(prefix) {
        return None;
    }
    words.next()?;
    Some(words.map(|word| word.trim_matches(['"', '\'']).to_owned()).collect())
}

fn check_call(words: &[String], known: &BTreeMap<Vec<String>, String>) -> Result<(), String> {
    let mut path = Vec::new();
    for word in words.iter().filter(|word| !word.starts_with('-')) {
        let mut longer = path.clone();
        longer.push(word.clone());
        if known.contains_key(&longer) {
            path = longer;
        }
    }
    let help = known.get(&path).ok_or("no such command")?;
    if path.is_empty() && words.iter().any(|word| !word.starts_with('-')) {
        return Err("no such command".to_owned());
    }
    for flag in words.iter().filter(|word| word.starts_with('-') && word.len() > 1) {
        let flag = flag.split_once('=').map_or(flag.as_str(), |(flag, _)| flag);
        let there = help.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with('-') && line.split([' ', ',', '=']).any(|word| word == flag)
        });
        if !there {
            return Err(format!("`{flag}` is no option of it"));
        }
    }
    Ok(())
}

/// Loads the brewery with tables of `more` in place of its own; gives what is wrong with it.
fn load(more: &str) -> Result<config::Loaded, String> {
    let example = root().join("examples/brewery");
    let base = read(&example.join("plant.toml"));
    let given: BTreeSet<&str> = more.lines().filter(|line| line.starts_with('[')).collect();
    let mut keep = true;
    let mut text = String::new();
    for line in base.lines() {
        if line.starts_with('[') {
            keep = !given.contains(line.trim());
        }
        if keep {
            text.push_str(line);
            text.push('\n');
        }
    }
    load_alone(&format!("{text}\n{more}"))
}

fn load_alone(text: &str) -> Result<config::Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    let rules = root().join("examples/brewery/rules/shifts.cedar");
    std::fs::copy(&rules, folder.path().join("rules/shifts.cedar")).unwrap();
    std::fs::write(folder.path().join("plant.toml"), text).unwrap();
    let now = plant::Millis::parse("2026-11-20").unwrap();
    config::load(folder.path(), now, |_| String::new())
        .map_err(|problems| format!("{:?}\n{text}", miette::Report::new(problems)))
}

#[test]
fn the_plant_file_of_the_guide_loads() {
    let page = read(&root().join("docs/src/guides/plant-file.md"));
    let text = blocks_of(&page, "toml").join("\n");
    let loaded = load_alone(&text).unwrap();
    assert!(!loaded.plant.conduits.is_empty());
    let odd: Vec<_> =
        loaded.warnings.iter().map(ToString::to_string).filter(|text| !text.contains("is not there")).collect();
    assert!(odd.is_empty(), "{odd:#?}");
}

#[test]
fn pieces_of_plant_files_load() {
    let mut seen = 0;
    for page in pages()
        .iter()
        .filter(|page| !page.ends_with("guides/plant-file.md") && !page.ends_with("reference/plant-file.md"))
    {
        for block in blocks_of(&read(page), "toml") {
            seen += 1;
            if let Err(problem) = load(&block) {
                panic!("{}: {problem}", page.display());
            }
        }
    }
    assert!(seen > 3);
}

#[test]
fn rules_that_are_shown_hold_against_the_schema() {
    let plant = load("").unwrap().plant;
    let mut seen = 0;
    for page in pages() {
        for text in blocks_of(&read(&page), "cedar") {
            seen += 1;
            let files = [policy::RuleFile { name: page.display().to_string(), text }];
            if let Err(problems) = policy::Policy::new(plant.clone(), &files) {
                panic!("{problems:#?}");
            }
        }
    }
    assert!(seen > 3);
}

#[test]
fn records_that_are_shown_are_records() {
    let mut seen = 0;
    for page in pages() {
        let text = read(&page);
        for line in text.lines().filter(|line| line.starts_with("{\"boot\":")) {
            seen += 1;
            ledger::decode(line.as_bytes()).unwrap_or_else(|problem| panic!("{}: {problem}", page.display()));
        }
    }
    assert!(seen > 0);
}
