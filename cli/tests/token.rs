//! `penstock token`, as its users run it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use config::tokens::{self, Tokens};
use plant::TokenId;
use seal::token::Secret;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

const PLANT: &str = include_str!("../../examples/filling-line/plant.toml");
const DAY: u64 = 86_400_000;

/// A plant's folder.
struct Plant(TempDir);

/// What a run gave.
struct Ran {
    good: bool,
    out: String,
    err: String,
}

impl Plant {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("plant.toml"), PLANT).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("tokens.json")
    }

    fn tokens(&self) -> Tokens {
        tokens::read(&self.file()).unwrap()
    }

    fn token(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        command.args(["--plant", self.0.path().to_str().unwrap(), "token"]).args(arguments);
        let output = command.env_remove("PENSTOCK_PLANT").env("NO_COLOR", "1").output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { good: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Issues a token with these further arguments; gives its text.
    fn issue(&self, arguments: &[&str]) -> String {
        let ran = self.token(&[&["issue", "--workload", "vision"], arguments].concat());
        assert!(ran.good, "{}", ran.err);
        ran.out.strip_suffix('\n').unwrap().to_owned()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let ran = self.token(arguments);
        assert!(!ran.good && ran.out.is_empty(), "{}", ran.out);
        ran.err
    }
}

fn id(token: &str) -> TokenId {
    Secret::parse(token).unwrap().id().clone()
}

#[test]
fn the_token_alone_goes_to_standard_output_and_only_its_hash_is_kept() {
    let plant = Plant::new();
    let ran = plant.token(&["issue", "--workload", "vision", "--note", "station 4"]);
    let secret = Secret::parse(ran.out.trim_end()).unwrap();
    assert_eq!(ran.out, format!("{}\n", secret.text()));
    assert!(secret.id().as_str().starts_with("vision-"));
    assert!(ran.err.contains("proves workload `vision` until ") && !ran.err.contains(secret.text()));
    let tokens = plant.tokens();
    let [token] = tokens.list() else { panic!("one token") };
    assert!(secret.is(&token.entry.sha256));
    assert_eq!((token.entry.id.clone(), token.note.as_deref()), (secret.id().clone(), Some("station 4")));
    let file = fs::read_to_string(plant.file()).unwrap();
    assert!(!file.contains(secret.text().rsplit('_').next().unwrap()));
}

#[test]
fn a_token_lives_90_days_unless_somebody_says_otherwise() {
    let plant = Plant::new();
    let life = |arguments: &[&str]| {
        let token = id(&plant.issue(arguments));
        let tokens = plant.tokens();
        let entry = &tokens.find(&token).unwrap().entry;
        (entry.expires.map(|end| (end.0 - entry.issued.0) / DAY), entry.expires.map(|end| end.to_string()))
    };
    assert_eq!(life(&[]).0, Some(90));
    assert_eq!(life(&["--days", "7"]).0, Some(7));
    assert_eq!(life(&["--expires", "2099-01-31"]).1.as_deref(), Some("2099-01-31T00:00:00.000Z"));
    assert_eq!(life(&["--expires", "2099-01-31T18:00:00Z"]).1.as_deref(), Some("2099-01-31T18:00:00.000Z"));
    assert_eq!(life(&["--never"]).1, None);
}

#[test]
fn an_impossible_life_is_refused_and_nothing_is_issued() {
    let plant = Plant::new();
    for life in [
        &["--days", "0"][..],
        &["--days", "4000"],
        &["--expires", "2020-01-01"],
        &["--expires", "soon"],
        &["--never", "--days", "7"],
        &["--expires", "2099-01-31", "--never"],
        &["--note", "two\nlines"],
    ] {
        plant.refused(&[&["issue", "--workload", "vision"], life].concat());
    }
    assert!(!plant.file().exists());
}

#[test]
fn an_unknown_workload_is_refused_with_those_that_are_known() {
    let plant = Plant::new();
    for name in ["visoin", "Vision", "", "\u{1b}[31m"] {
        let said = plant.refused(&["issue", "--workload", name]);
        assert!(
            said.contains("is not declared in the plant file") && said.contains("known workloads: vision"),
            "{said}"
        );
        assert!(!said.contains('\u{1b}'));
    }
    assert!(!plant.file().exists());
}

#[test]
fn an_ungoverned_workload_gets_its_token_and_a_word_about_it() {
    let plant = Plant::new();
    let text = PLANT.replace("owner = \"Quality department\"\nupdate_process", "update_process");
    fs::write(plant.0.path().join("plant.toml"), text).unwrap();
    let ran = plant.token(&["issue", "--workload", "vision"]);
    assert!(ran.good && ran.err.contains("refused as `ungoverned` until it has: owner"), "{}", ran.err);
}

#[test]
fn tokens_are_listed_with_their_state_and_without_their_secrets() {
    let plant = Plant::new();
    assert!(plant.token(&["list"]).out.contains("no tokens"));
    let (good, ending, revoked) = (plant.issue(&["--note", "rack 4"]), plant.issue(&["--days", "3"]), plant.issue(&[]));
    plant.token(&["revoke", id(&revoked).as_str()]);
    let listed = plant.token(&["list"]).out;
    let line = |token: &str| listed.lines().find(|line| line.starts_with(id(token).as_str())).unwrap();
    assert!(line(&good).contains("  valid ") && line(&good).ends_with("  rack 4"));
    assert!(line(&ending).contains("  ending "));
    assert!(line(&revoked).contains("  revoked "));
    assert_eq!(listed.lines().count(), 4);
    let json = plant.token(&["list", "--json"]).out;
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    let states: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["valid", "ending", "revoked"]);
    for token in [good, ending, revoked] {
        let secret = token.rsplit('_').next().unwrap();
        assert!(!listed.contains(secret) && !json.contains(secret));
    }
    assert!(!json.contains("sha256"));
}

#[test]
fn revoking_is_for_good() {
    let plant = Plant::new();
    let token = id(&plant.issue(&[]));
    assert_eq!(plant.token(&["revoke", token.as_str()]).out, format!("token `{token}` is revoked\n"));
    let first = plant.tokens().find(&token).unwrap().entry.revoked.unwrap();
    let again = plant.token(&["revoke", token.as_str()]);
    assert!(again.good && again.out.contains("has been revoked since"));
    assert_eq!(plant.tokens().find(&token).unwrap().entry.revoked, Some(first));
}

#[test]
fn revoking_what_is_not_there_says_what_is() {
    let plant = Plant::new();
    let token = plant.issue(&[]);
    let said = plant.refused(&["revoke", "vision-x"]);
    assert!(said.contains("there is no token `vision-x`") && said.contains(id(&token).as_str()), "{said}");
    // A whole token on the command line: its secret is not shown once more.
    let said = plant.refused(&["revoke", &token]);
    assert!(said.contains("give the token's id") && said.contains(id(&token).as_str()), "{said}");
    assert!(!said.contains(token.rsplit('_').next().unwrap()), "{said}");
    plant.refused(&["revoke", "Not An Id"]);
    assert!(plant.tokens().list()[0].entry.revoked.is_none());
}

#[test]
fn a_broken_plant_file_does_not_keep_a_leaked_token_alive() {
    let plant = Plant::new();
    let token = id(&plant.issue(&[]));
    fs::write(plant.0.path().join("plant.toml"), "[plant\nname = ").unwrap();
    plant.refused(&["issue", "--workload", "vision"]);
    assert!(plant.token(&["list"]).out.contains(token.as_str()));
    let ran = plant.token(&["revoke", token.as_str()]);
    assert!(ran.good && ran.err.contains("the plant file has problems"), "{}", ran.err);
    assert!(plant.tokens().find(&token).unwrap().entry.revoked.is_some());
}
