//! How a release was built: an in-toto Statement (v1) with a SLSA provenance (v1), in a DSSE envelope where it is signed.
//!
//! Signed is the pre-authentication encoding of DSSE 1.0.2 (`DSSEv1`, lengths, type, payload), with Ed25519 by `openssl`, so
//! that the key may be wherever `openssl` finds it.

use crate::Outcome;
use crate::build::{TARGET, compiler};
use crate::shell::{command, git, output, root, run as must, sha256};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const TYPE: &str = "application/vnd.in-toto+json";

/// Where the binary of a release comes from.
pub(crate) enum Origin {
    /// Built here, from the commit.
    Built { profile: String, flags: Vec<String> },
    /// Built before; of it nothing is known but its SHA-256.
    Given { hash: String },
}

/// When and by whom the release was made.
pub(crate) struct Run<'a> {
    pub(crate) began: String,
    pub(crate) ended: String,
    pub(crate) builder: &'a str,
}

/// The statement about these files, each with its SHA-256.
pub(crate) fn statement(subjects: &[(String, String)], origin: &Origin, run: &Run<'_>) -> Outcome<Value> {
    let commit = git(&["rev-parse", "HEAD"])?;
    // A build of something else than the commit must not pass for a build of it.
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    let subjects: Vec<Value> =
        subjects.iter().map(|(name, hash)| json!({"name": name, "digest": {"sha256": hash}})).collect();
    let lock = sha256(&root().join("Cargo.lock"))?;
    let source = json!({"digest": {"gitCommit": commit}, "changed": changed});
    let (asked, known) = match origin {
        Origin::Built { profile, flags } => (
            json!({"source": source, "package": "penstock", "profile": profile, "target": TARGET}),
            json!({"compiler": compiler()?, "rustFlags": flags}),
        ),
        Origin::Given { hash } => (json!({"source": source, "binary": {"digest": {"sha256": hash}}}), json!({})),
    };
    Ok(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:penstock:cargo-xtask-dist:v1",
                "externalParameters": asked,
                "internalParameters": known,
                "resolvedDependencies": [
                    {"name": "source", "digest": {"gitCommit": commit}},
                    {"name": "Cargo.lock", "digest": {"sha256": lock}}
                ]
            },
            "runDetails": {
                "builder": {"id": run.builder},
                "metadata": {"startedOn": run.began, "finishedOn": run.ended}
            }
        }
    }))
}

/// The statement as it is published: in a signed envelope, or bare where there is no key.
pub(crate) fn envelope(statement: &Value, key: Option<&Path>) -> Outcome<String> {
    let payload = statement.to_string();
    let Some(key) = key else { return Ok(serde_json::to_string_pretty(statement)? + "\n") };
    let place = tempfile::tempdir()?;
    let (signed, signature) = (place.path().join("signed"), place.path().join("signature"));
    fs::write(&signed, encoded(&payload))?;
    let sign = ["pkeyutl", "-sign", "-rawin", "-inkey"];
    must(command("openssl", sign).arg(std::path::absolute(key)?).arg("-in").arg(&signed).arg("-out").arg(&signature))?;
    let envelope = json!({
        "payloadType": TYPE,
        "payload": base64(&payload)?,
        "signatures": [{"keyid": "", "sig": output(command("base64", ["-w0"]).arg(&signature))?.trim()}]
    });
    Ok(envelope.to_string() + "\n")
}

/// What is signed, by DSSE.
fn encoded(payload: &str) -> String {
    format!("DSSEv1 {} {TYPE} {} {payload}", TYPE.len(), payload.len())
}

fn base64(text: &str) -> Outcome<String> {
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), text)?;
    Ok(output(command("base64", ["-w0"]).arg(file.path()))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn what_is_signed_is_what_dsse_says() {
        assert_eq!(encoded("{}"), "DSSEv1 28 application/vnd.in-toto+json 2 {}");
    }
}
