//! ARCHITECTURE.md cannot drift: what it says of the crates is what cargo says.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot read the house has failed")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

type Table = BTreeMap<String, BTreeSet<String>>;

/// The table under "Who may use whom".
fn allowed() -> Table {
    let page = include_str!("../../ARCHITECTURE.md");
    let section = page.split("## Who may use whom").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).filter(|line| !line.starts_with("| crate"));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let name = cells.next().unwrap().to_owned();
        let uses = cells.next().unwrap().split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty());
        (name, uses.collect())
    })
    .collect()
}

/// What cargo says: our crates, and which of ours each depends on outside of tests.
fn actual() -> (Table, BTreeMap<String, BTreeSet<String>>) {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output =
        Command::new(cargo).args(["metadata", "--format-version=1", "--no-deps", "--offline"]).output().unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let short = |name: &str| name.strip_prefix("penstock-").unwrap_or(name).to_owned();
    let ours: BTreeSet<String> = packages.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    let (mut inner, mut outer) = (Table::new(), Table::new());
    for package in packages {
        let name = short(package["name"].as_str().unwrap());
        let (mine, others): (Vec<_>, Vec<_>) = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
            .partition(|dependency| ours.contains(dependency));
        inner.insert(name.clone(), mine.iter().map(|one| short(one)).collect());
        outer.insert(name, others.into_iter().collect());
    }
    (inner, outer)
}

#[test]
fn the_page_names_every_crate_and_no_other() {
    let (actual, _) = actual();
    assert_eq!(allowed().keys().collect::<Vec<_>>(), actual.keys().collect::<Vec<_>>());
}

#[test]
fn no_crate_uses_more_than_the_page_allows() {
    let allowed = allowed();
    for (name, uses) in actual().0 {
        let more: Vec<_> = uses.difference(&allowed[&name]).collect();
        assert!(more.is_empty(), "{name} uses {more:?}, which ARCHITECTURE.md does not allow");
    }
}

#[test]
fn the_core_has_no_way_to_act() {
    let acting = ["tokio", "hyper", "rustls", "getrandom", "rand", "rustix", "tempfile", "futures", "async-std"];
    for name in ["plant", "seal", "wire", "extract", "identity", "policy", "prints", "pictures", "inspect", "ledger"] {
        let uses = &actual().1[name];
        let acts: Vec<_> = acting.iter().filter(|acting| uses.contains(**acting)).collect();
        assert!(acts.is_empty(), "core/{name} depends on {acts:?}");
    }
}

#[test]
fn only_seal_names_a_cryptographic_library() {
    let libraries = ["aws-lc-rs", "ring", "ed25519-dalek", "sha2", "hmac", "jsonwebtoken", "blake3", "openssl"];
    for (name, uses) in actual().1 {
        let named: Vec<_> = libraries.iter().filter(|library| uses.contains(**library)).collect();
        assert!(name == "seal" || named.is_empty(), "{name} depends on {named:?}");
    }
}
