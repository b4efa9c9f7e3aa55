//! Others on the same texts in the same run: `core/inspect/peers/peers.py`, in a Python that has them.

use serde_json::Value;
use std::process::Command;

/// What they find, and how fast, as their script tells it.
pub(crate) fn evaluate(python: &str, folder: &str) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/peers.py");
    let run = Command::new(python).args([script, folder, "--json"]).output().expect("the peers' Python can be run");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).expect("the peers tell in JSON")
}

/// Prints a line for each peer and kind.
pub(crate) fn show(report: &Value) {
    for (name, kinds) in report.as_object().into_iter().flatten() {
        for (kind, counts) in kinds.as_object().into_iter().flatten() {
            match counts.as_object() {
                Some(_) => println!(
                    "{name:15} {kind:12} recall {}  precision {}  clean flagged {} of {}",
                    counts["recall"], counts["precision"], counts["flagged"], counts["clean"]
                ),
                None => println!("{name:15} {kind} {counts}"),
            }
        }
    }
}
