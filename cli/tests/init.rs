//! `penstock init`, as somebody runs it.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn penstock(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_penstock")).env_remove("PENSTOCK_PLANT").args(arguments).output().unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn begin(folder: &Path) -> Output {
    penstock(&["init", folder.to_str().unwrap(), "--name", "plant-1"])
}

#[test]
fn what_it_lays_out_loads_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let plant = folder.path().join("new/plant");
    let output = begin(&plant);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("penstock token issue --workload assistant"));
    let check = penstock(&["check", "--deny-warnings", "--plant", plant.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(check.status.success(), "{said}");
    assert_eq!(said.trim(), "plant-1: 2 zones, 2 conduits, 2 providers, 1 workload; no warnings");
}

#[test]
fn only_the_owner_reads_what_is_secret() {
    let folder = tempfile::tempdir().unwrap();
    begin(folder.path());
    for path in [
        "keys/gateway.key",
        "keys/plant.key",
        "pki/authority.key",
        "pki/gateway.key",
        "pki/workloads/assistant.key",
        "tokens.json",
    ] {
        assert_eq!(mode(&folder.path().join(path)), 0o600, "{path}");
    }
    for path in ["keys", "secrets"] {
        assert_eq!(mode(&folder.path().join(path)), 0o700, "{path}");
    }
}

#[test]
fn keys_are_32_bytes_that_nobody_else_has() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for name in ["a", "b"] {
        begin(&folder.path().join(name));
        for key in ["gateway.key", "plant.key"] {
            let text = std::fs::read_to_string(folder.path().join(name).join("keys").join(key)).unwrap();
            let bytes = seal::unbase64(text.trim_end_matches('\n')).unwrap();
            assert_eq!(bytes.len(), 32);
            assert!(seen.insert(bytes));
        }
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let output = begin(folder.path());
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--force"), "{output:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn force_adds_what_is_missing_and_touches_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    begin(folder.path());
    let read = |path: &str| std::fs::read(folder.path().join(path)).unwrap();
    let before = (read("keys/gateway.key"), read("pki/authority.pem"), read("plant.toml"));
    std::fs::remove_file(folder.path().join("pki/gateway.pem")).unwrap();
    std::fs::remove_file(folder.path().join("pki/gateway.key")).unwrap();
    let output = penstock(&["init", folder.path().to_str().unwrap(), "--force"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(before, (read("keys/gateway.key"), read("pki/authority.pem"), read("plant.toml")));
    assert!(!read("pki/gateway.pem").is_empty());
}

#[test]
fn a_name_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = penstock(&["init", folder.path().join("x").to_str().unwrap(), "--name", "Plant 1"]);
    assert!(!output.status.success());
    assert!(!folder.path().join("x").exists());
}
