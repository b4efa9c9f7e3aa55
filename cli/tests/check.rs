//! `penstock check` and `penstock schema`, as somebody runs them.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn penstock(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_penstock"))
        .current_dir(root())
        .env_remove("PENSTOCK_PLANT")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_good_plant_is_summed_up_in_a_line() {
    let output = penstock(&["check", "--plant", "examples/filling-line"]);
    assert!(output.status.success(), "{output:?}");
    let last = text(&output).lines().last().unwrap().to_owned();
    assert_eq!(last, "filling-line-2: 1 zone, 1 conduit, 1 provider, 1 workload; 5 warnings");
}

#[test]
fn warnings_fail_only_those_who_ask_for_it() {
    assert!(penstock(&["check", "--plant", "testdata/plants/warnings.toml"]).status.success());
    let denied = penstock(&["check", "--deny-warnings", "--plant", "testdata/plants/warnings.toml"]);
    assert_eq!(denied.status.code(), Some(1));
}

#[test]
fn a_bad_plant_is_shown_plainly_in_a_pipe() {
    let output = penstock(&["check", "--plant", "testdata/plants/missing-keys.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    assert!(text.is_ascii(), "no colours and no drawing characters in a pipe");
    insta::assert_snapshot!(text);
}

#[test]
fn the_same_is_told_as_data() {
    let output = penstock(&["check", "--json", "--plant", "testdata/plants/network-overlap.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let data: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(data["ok"], false);
    assert_eq!(data["summary"], Value::Null);
    let listed = data["problems"].as_array().unwrap();
    let first = listed.iter().find(|problem| problem["code"] == "network-overlap").unwrap();
    assert_eq!(first["file"], "testdata/plants/network-overlap.toml");
    assert_eq!((&first["line"], &first["column"]), (&13.into(), &13.into()));
    assert_eq!((&first["code"], &first["severity"]), (&"network-overlap".into(), &"error".into()));
    assert_eq!(first["message"], "networks of zones `site` and `cell` overlap");
    assert!(first["help"].as_str().unwrap().contains("divide `10.0.0.0/8`"));
    let bytes = std::fs::read(root().join("testdata/plants/network-overlap.toml")).unwrap();
    let span = |at: &Value| {
        let end = |key: &str| usize::try_from(at["span"][key].as_u64().unwrap()).unwrap();
        String::from_utf8(bytes[end("start")..end("end")].to_vec()).unwrap()
    };
    assert_eq!(span(first), "\"10.1.2.0/24\"");
    assert_eq!(span(&first["related"][0]), "\"10.0.0.0/8\"");
}

#[test]
fn good_data_says_what_is_in_force() {
    let output = penstock(&["check", "--json", "--plant", "examples/brewery"]);
    let data: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(data["ok"], true);
    assert_eq!(data["summary"]["plant"], "brewery-north");
    assert_eq!(data["summary"]["conduits"], 6);
    // What an auditor gets from `sha256sum plant.toml rules/shifts.cedar | sha256sum`.
    let listing = Command::new("sh")
        .args(["-c", "sha256sum plant.toml rules/shifts.cedar | sha256sum"])
        .current_dir(root().join("examples/brewery"))
        .output()
        .unwrap();
    let digest = String::from_utf8(listing.stdout).unwrap();
    assert_eq!(data["summary"]["digest"].as_str().unwrap(), digest.split(' ').next().unwrap());
}

#[test]
fn a_plant_that_is_not_there_is_a_problem_with_a_way_out() {
    let output = penstock(&["check", "--plant", "nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("penstock init DIR"), "{}", text(&output));
}

#[test]
fn no_output_quotes_a_secret() {
    for arguments in [&["check", "--plant"][..], &["check", "--json", "--plant"]] {
        let output = penstock(&[arguments, &["testdata/plants/secrets.toml"]].concat());
        let said = format!("{}{}", text(&output), String::from_utf8_lossy(&output.stderr));
        for secret in ["Zm9vYmFy", "MHcCAQEE", "hunter2", "AKIAIOSF", "swordfish", "not-even-a-key", "eyJhbGci"] {
            assert!(!said.contains(secret), "{secret}");
        }
    }
}

#[test]
fn the_schema_is_a_schema() {
    let schema: Value = serde_json::from_slice(&penstock(&["schema"]).stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema["$defs"]["conduits"]["properties"]["handling"].is_object());
}
