//! Manifests hold what is used, and no more: an unused dependency is code that we answer for and nobody reads.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot read the house has failed")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output =
        Command::new(cargo).args(["metadata", "--format-version=1", "--no-deps", "--offline"]).output().unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Everything that the crate in this folder says in Rust.
fn sources(folder: &Path) -> String {
    let (mut folders, mut text) = (vec![folder.to_owned()], String::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}

/// The name by which code calls a dependency.
fn name(dependency: &Value) -> String {
    dependency["rename"].as_str().or(dependency["name"].as_str()).unwrap().replace('-', "_")
}

fn is_used(name: &str, code: &str) -> bool {
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(name).any(|(at, _)| {
        let after = &code[at + name.len()..];
        !code[..at].ends_with(part_of_word) && (after.starts_with("::") || after.starts_with(';'))
    })
}

#[test]
fn every_dependency_of_a_crate_is_used_by_it() {
    let mut unused = Vec::new();
    for package in packages() {
        let code = sources(Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap());
        let names = package["dependencies"].as_array().unwrap().iter().map(name);
        let missing = names.filter(|name| !is_used(name, &code));
        unused.extend(missing.map(|name| format!("{}: {name}", package["name"].as_str().unwrap())));
    }
    assert!(unused.is_empty(), "these are in a Cargo.toml for nothing: {unused:#?}");
}

#[test]
fn every_dependency_of_the_workspace_is_used_by_a_crate() {
    let manifest = include_str!("../../Cargo.toml");
    let table = manifest.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap();
    let listed = table.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.replace('-', "_"));
    let packages = packages();
    let used: BTreeSet<String> =
        packages.iter().flat_map(|package| package["dependencies"].as_array().unwrap()).map(name).collect();
    let unused: Vec<String> = listed.filter(|name| !used.contains(name)).collect();
    assert!(unused.is_empty(), "no crate takes these from the root's Cargo.toml: {unused:?}");
}
