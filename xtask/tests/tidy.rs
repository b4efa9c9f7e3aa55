//! Every file says what it is, stays short, leaves nothing half done, and names nothing that a reader cannot look up.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the house has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// Longest source outside of tests. At 600 lines a second idea is usually hiding.
const LONGEST: usize = 600;

/// Folders that hold what others wrote or what tools make.
const LEFT_OUT: [&str; 8] = [".git", ".test", "artifacts", "corpus", "node_modules", "seeds", "target", "testdata"];

/// This file holds what it forbids, and so does the page that says it to people.
const SPEAK_OF_IT: [&str; 2] = ["xtask/tests/tidy.rs", "CONTRIBUTING.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Our own files with these endings: path from the root, and text.
fn files(endings: &[&str]) -> Vec<(String, String)> {
    let root = root();
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !path.is_symlink() {
                if !LEFT_OUT.contains(&name) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let short = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((short, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{endings:?}");
    found.sort();
    found
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("tests.rs")
}

/// Whether `word` stands in the line by itself. Case counts only where the word has capitals.
fn has_word(line: &str, word: &str) -> bool {
    let line = if word.bytes().any(|byte| byte.is_ascii_uppercase()) { line.to_owned() } else { line.to_lowercase() };
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part_of_word) && !line[at + word.len()..].starts_with(part_of_word))
}

/// Whether the line names an entry of a tracker, such as a number sign and digits; `PKCS #8` is a standard.
fn names_a_ticket(line: &str) -> bool {
    line.match_indices('#').any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + 1..]);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let ends = !after[digits..].starts_with(|next: char| next.is_alphanumeric());
        let begins = before.is_empty() || before.ends_with([' ', '(', '[']);
        (1..=5).contains(&digits) && ends && begins && !before.ends_with("PKCS ")
    })
}

#[test]
fn every_source_says_what_it_is() {
    let silent: Vec<String> =
        files(&[".rs"]).into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "these do not open with `//!`: {silent:#?}");
}

#[test]
fn no_source_is_longer_than_one_idea() {
    let long: Vec<String> = files(&[".rs"])
        .into_iter()
        .filter(|(path, text)| !is_test(path) && text.lines().count() > LONGEST)
        .map(|(path, text)| format!("{path}: {}", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "over {LONGEST} lines: {long:#?}");
}

#[test]
fn nothing_is_left_half_done_and_nothing_private_is_named() {
    let words = ["TODO", "FIXME", "HACK", "helper", "helpers"];
    let paths = ["/work/", "/farm/", "/root/"];
    let mut found = Vec::new();
    for (path, text) in files(&[".rs", ".md", ".toml", ".py", ".mjs", ".cedar", ".service", ".sh"]) {
        if SPEAK_OF_IT.contains(&path.as_str()) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let bad = words.iter().any(|word| has_word(line, word))
                || paths.iter().any(|path| line.contains(path))
                || (path.ends_with(".rs") && names_a_ticket(line));
            if bad {
                found.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_lock_file_names_a_registry_of_npm() {
    for (path, text) in files(&["package-lock.json"]) {
        assert!(!text.contains("\"resolved\""), "{path} says where packages came from; only their hashes count");
    }
}

#[test]
fn the_rules_of_this_file_hold() {
    assert!(has_word("// TODO: more", "TODO") && !has_word("TODOS", "TODO") && !has_word("a todo", "TODO"));
    assert!(has_word("A Helper.", "helper") && !has_word("helper_of", "helper"));
    assert!(
        names_a_ticket("see (#12)") && names_a_ticket("#7") && !names_a_ticket("PKCS #8") && !names_a_ticket("&#39;")
    );
    assert!(!names_a_ticket("#[test]") && !names_a_ticket("# 1. Name") && !names_a_ticket("r#1a"));
}
