//! `cargo xtask sbom`: what the binary is made of, as CycloneDX 1.5 in JSON, from what cargo itself says.
//!
//! Listed is what is linked in: the normal dependencies of `penstock` on the platform of a release, with the features that a
//! release has. What only runs while building (build scripts, macros and what they need) is in Cargo.lock, and not here.

use crate::Outcome;
use crate::build::TARGET;
use crate::shell::{command, commit_time, output, root, sha256};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Print what `penstock` is made of, as CycloneDX 1.5.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Outcome<()> {
    print!("{}", text()?);
    Ok(())
}

/// The bill of materials. The same commit gives the same bytes.
pub(crate) fn text() -> Outcome<String> {
    // `cargo metadata` would not do: it joins the features of all packages of the workspace, and lists what a release has not.
    let tree = ["tree", "--locked", "--package=penstock", "--edges=normal,no-proc-macro", "--prefix=depth"];
    let tree = output(command("cargo", tree).args(["--target", TARGET, "--format", FORM]))?;
    let lock = sha256(&root().join("Cargo.lock"))?;
    let time = output(command("date", ["-u", "+%Y-%m-%dT%H:%M:%SZ", "-d"]).arg(format!("@{}", commit_time()?)))?;
    let mut bill = bill(&tree, &checksums()?, &lock, time.trim()).ok_or("cargo's tree has another form")?;
    let charts = root().join("web/uplot.js");
    add_charts(&mut bill, &std::fs::read_to_string(&charts)?, &sha256(&charts)?)
        .ok_or("the charts do not say which they are")?;
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

/// What cargo writes for each crate, after its depth.
const FORM: &str = "{p}\t{l}\t{r}";

/// A crate that is linked in.
#[derive(Debug, Default)]
struct Part {
    name: String,
    version: String,
    licence: String,
    repository: String,
    on: BTreeSet<String>,
}

/// The crates of a tree by `NAME@VERSION`, and which is the root. A crate that was seen before stands there without its own ones.
fn parts(tree: &str) -> Option<(String, BTreeMap<String, Part>)> {
    let (mut parts, mut above) = (BTreeMap::<String, Part>::new(), Vec::<String>::new());
    for line in tree.lines() {
        let (depth, rest) = line.split_at(line.find(|sign: char| !sign.is_ascii_digit())?);
        let mut fields = rest.trim_end_matches(" (*)").split('\t');
        let mut words = fields.next()?.split(' ');
        let (name, version) = (words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned());
        let (licence, repository) = (fields.next()?.to_owned(), fields.next()?.to_owned());
        let reference = format!("{name}@{version}");
        above.truncate(depth.parse().ok()?);
        if let Some(user) = above.last() {
            parts.get_mut(user)?.on.insert(reference.clone());
        }
        above.push(reference.clone());
        parts.entry(reference).or_insert(Part { name, version, licence, repository, on: BTreeSet::new() });
    }
    Some((above.into_iter().next()?, parts))
}

fn bill(tree: &str, checksums: &BTreeMap<String, String>, lock: &str, time: &str) -> Option<Value> {
    let (root, parts) = parts(tree)?;
    let mut subject = component(&root, parts.get(&root)?, checksums);
    subject.insert("type".to_owned(), "application".into());
    let others = parts.iter().filter(|(reference, _)| **reference != root);
    let components = others.map(|(reference, part)| component(reference, part, checksums));
    let dependencies = parts.iter().map(|(reference, part)| json!({"ref": reference, "dependsOn": part.on}));
    Some(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": serial(lock)?,
        "version": 1,
        "metadata": {
            "timestamp": time,
            "tools": {"components": [{"type": "application", "name": "cargo xtask sbom"}]},
            "component": subject
        },
        "components": components.collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>()
    }))
}

fn component(reference: &str, part: &Part, checksums: &BTreeMap<String, String>) -> Map<String, Value> {
    let mut component = Map::from_iter([
        ("type".to_owned(), "library".into()),
        ("bom-ref".to_owned(), reference.into()),
        ("name".to_owned(), part.name.as_str().into()),
        ("version".to_owned(), part.version.as_str().into()),
    ]);
    if !part.licence.is_empty() {
        // Before SPDX expressions, crates wrote a slash for a choice.
        component.insert("licenses".to_owned(), json!([{"expression": part.licence.replace('/', " OR ")}]));
    }
    // Only what comes from the registry has a name there, and a hash.
    if let Some(hash) = checksums.get(reference) {
        component.insert("purl".to_owned(), format!("pkg:cargo/{reference}").into());
        component.insert("hashes".to_owned(), json!([{"alg": "SHA-256", "content": hash}]));
    }
    if part.repository.starts_with("https://") {
        component.insert("externalReferences".to_owned(), json!([{"type": "vcs", "url": part.repository}]));
    }
    component
}

/// Adds what is in the binary and no crate: the library that draws the console's charts, which says its version itself.
fn add_charts(bill: &mut Value, script: &str, hash: &str) -> Option<()> {
    let version = script.lines().next()?.split_once("(v")?.1.split_once(')')?.0;
    let reference = format!("uplot@{version}");
    bill.get_mut("components")?.as_array_mut()?.push(json!({
        "type": "library", "bom-ref": reference, "name": "uplot", "version": version,
        "licenses": [{"expression": "MIT"}], "purl": format!("pkg:npm/{reference}"),
        "hashes": [{"alg": "SHA-256", "content": hash}],
        "externalReferences": [{"type": "vcs", "url": "https://github.com/leeoniya/uPlot"}]
    }));
    let subject = bill.pointer("/metadata/component/bom-ref")?.clone();
    let dependencies = bill.get_mut("dependencies")?.as_array_mut()?;
    let own = dependencies.iter_mut().find(|one| one.get("ref") == Some(&subject))?;
    own.get_mut("dependsOn")?.as_array_mut()?.push(reference.as_str().into());
    dependencies.push(json!({"ref": reference, "dependsOn": []}));
    Some(())
}

/// A UUID (version 8, RFC 9562) of the lock file's hash.
fn serial(hash: &str) -> Option<String> {
    let part = |from: usize, to: usize| hash.get(from..to);
    Some(format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8)?, part(8, 12)?, part(13, 16)?, part(17, 20)?, part(20, 32)?))
}

/// The checksums in Cargo.lock, by `NAME@VERSION`.
fn checksums() -> Outcome<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(root().join("Cargo.lock"))?;
    let value = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
        Some(line.trim_matches('"').to_owned())
    };
    let entry = |block: &str| {
        let name = format!("{}@{}", value(block, "name")?, value(block, "version")?);
        Some((name, value(block, "checksum")?))
    };
    Ok(text.split("[[package]]").filter_map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::{add_charts, bill};
    use serde_json::json;
    use std::collections::BTreeMap;

    /// As cargo writes it: the depth, the crate, where it lies if it is ours; a star where it was listed before.
    const TREE: &str = "0penstock v0.1.0 (/src/cli)\tApache-2.0\t
1one v1.0.0\tMIT/Apache-2.0\thttps://one.example/
2deep v0.2.0+x\tMIT\t
1other v3.0.0 (/src/other)\tApache-2.0\t
2one v1.0.0\tMIT/Apache-2.0\thttps://one.example/ (*)
";

    #[test]
    fn each_crate_is_listed_once_with_what_it_uses() {
        let checksums = BTreeMap::from([("one@1.0.0".to_owned(), "ab".repeat(32))]);
        let bill = bill(TREE, &checksums, &"0123456789abcdef".repeat(4), "2026-01-01T00:00:00Z").unwrap_or_default();
        assert_eq!(bill["metadata"]["component"]["bom-ref"], "penstock@0.1.0");
        assert_eq!(
            bill["components"][1],
            json!({"type": "library", "bom-ref": "one@1.0.0", "name": "one", "version": "1.0.0",
                "licenses": [{"expression": "MIT OR Apache-2.0"}], "purl": "pkg:cargo/one@1.0.0",
                "hashes": [{"alg": "SHA-256", "content": "ab".repeat(32)}],
                "externalReferences": [{"type": "vcs", "url": "https://one.example/"}]})
        );
        assert_eq!(
            bill["dependencies"],
            json!([{"ref": "deep@0.2.0+x", "dependsOn": []}, {"ref": "one@1.0.0", "dependsOn": ["deep@0.2.0+x"]},
                {"ref": "other@3.0.0", "dependsOn": ["one@1.0.0"]},
                {"ref": "penstock@0.1.0", "dependsOn": ["one@1.0.0", "other@3.0.0"]}])
        );
        assert_eq!(bill["serialNumber"], "urn:uuid:01234567-89ab-8def-8123-456789abcdef");
    }

    #[test]
    fn the_charts_are_listed_by_what_they_say_of_themselves() {
        let mut bill = bill(TREE, &BTreeMap::new(), &"0".repeat(64), "2026-01-01T00:00:00Z").unwrap_or_default();
        assert_eq!(add_charts(&mut bill, "var uPlot", "cd"), None);
        add_charts(&mut bill, "/*! https://uplot.example (v1.6.32) */\nvar uPlot", "cd").unwrap();
        assert_eq!(bill["components"][3]["purl"], "pkg:npm/uplot@1.6.32");
        assert_eq!(bill["dependencies"][3]["dependsOn"], json!(["one@1.0.0", "other@3.0.0", "uplot@1.6.32"]));
        assert_eq!(bill["dependencies"][4], json!({"ref": "uplot@1.6.32", "dependsOn": []}));
    }

    #[test]
    fn another_form_of_the_tree_is_not_a_bill() {
        for tree in ["", "penstock v0.1.0\t\t\n", "0penstock\t\t\n", "0penstock v0.1.0\n"] {
            assert_eq!(bill(tree, &BTreeMap::new(), &"0".repeat(64), ""), None, "{tree:?}");
        }
    }
}
