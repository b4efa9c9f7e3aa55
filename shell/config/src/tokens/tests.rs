//! `tokens.json`: what is read, refused and changed, also by several writers at once.

use super::{Change, Revocation, Token, Tokens, TokensProblem, change, read};
use identity::TokenEntry;
use plant::{Millis, TokenId, WorkloadId};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use tempfile::TempDir;

const NOW: Millis = Millis(1_795_210_200_000);

fn token(id: &str, seed: u8) -> Token {
    let entry = TokenEntry {
        id: TokenId::new(id).unwrap(),
        workload: WorkloadId::new("mes").unwrap(),
        sha256: [seed; 32],
        issued: NOW,
        expires: Some(Millis(NOW.0 + 1)),
        revoked: None,
    };
    Token { entry, note: None }
}

fn id(text: &str) -> TokenId {
    TokenId::new(text).unwrap()
}

struct Plant(TempDir);

impl Plant {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("tokens.json")
    }

    fn with(text: &str) -> Self {
        let plant = Self::new();
        fs::write(plant.path(), text).unwrap();
        fs::set_permissions(plant.path(), fs::Permissions::from_mode(0o600)).unwrap();
        plant
    }

    fn add(&self, token: Token) {
        change(&self.path(), |tokens| tokens.add(token)).unwrap().unwrap();
    }
}

const ROW: &str = r#"{"id": "a", "workload": "mes", "sha256": "0101010101010101010101010101010101010101010101010101010101010101",
    "issued": "2026-11-20T21:30:00Z", "expires": null, "revoked": null, "note": null}"#;

fn file(rows: &str) -> String {
    format!("{{\"version\": 1, \"tokens\": [{rows}]}}")
}

/// The message, and the text that it points at.
fn problem(text: &str) -> (String, String) {
    match read(&Plant::with(text).path()).unwrap_err() {
        TokensProblem::Malformed { message, text, place } => {
            let text = text.inner().get(place.unwrap().offset()..).unwrap_or_default();
            (message, text.chars().take(1).collect())
        }
        other => (other.to_string().split("`: ").last().unwrap().to_owned(), String::new()),
    }
}

#[test]
fn what_is_written_is_read_again() {
    let plant = Plant::new();
    assert_eq!(read(&plant.path()).unwrap(), Tokens::default());
    let mut first = token("a", 1);
    first.note = Some("line 2, \"rack\" 4 – Füller".to_owned());
    first.entry.expires = None;
    plant.add(first.clone());
    plant.add(token("b", 2));
    assert_eq!(read(&plant.path()).unwrap().list(), [first, token("b", 2)]);
}

#[test]
fn the_file_belongs_to_its_owner_alone_and_leaves_nothing_behind() {
    let plant = Plant::new();
    plant.add(token("a", 1));
    fs::write(plant.0.path().join("tokens.json.new"), "half a fi").unwrap();
    plant.add(token("b", 2));
    assert_eq!(fs::metadata(plant.path()).unwrap().mode() & 0o777, 0o600);
    let names: Vec<_> = fs::read_dir(plant.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["tokens.json"]);
}

#[test]
fn a_change_that_changes_nothing_does_not_touch_the_file() {
    let plant = Plant::new();
    change(&plant.path(), |_| ()).unwrap();
    assert!(!plant.path().exists());
    plant.add(token("a", 1));
    let before = fs::metadata(plant.path()).unwrap().ino();
    assert!(change(&plant.path(), |tokens| tokens.add(token("a", 3))).unwrap().is_err());
    assert_eq!(fs::metadata(plant.path()).unwrap().ino(), before);
}

#[test]
fn a_link_is_followed() {
    let (plant, other) = (Plant::new(), Plant::new());
    plant.add(token("a", 1));
    std::os::unix::fs::symlink(plant.path(), other.path()).unwrap();
    other.add(token("b", 2));
    assert!(fs::symlink_metadata(other.path()).unwrap().is_symlink());
    assert_eq!(read(&plant.path()).unwrap().list().len(), 2);
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let plant = Plant::with(&file(ROW));
    assert_eq!(read(&plant.path()).unwrap().list().len(), 1);
    for mode in [0o620, 0o602, 0o666] {
        fs::set_permissions(plant.path(), fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(read(&plant.path()), Err(TokensProblem::Exposed { .. })));
        assert!(matches!(change(&plant.path(), |_| ()), Err(TokensProblem::Exposed { .. })));
    }
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let said = |message: &str, place: &str| (message.to_owned(), place.to_owned());
    assert_eq!(problem("{"), said("EOF while parsing an object", "{"));
    assert_eq!(problem(&file(&ROW.replace("\"a\"", "\"A b\""))), said("this is not a name", "\""));
    assert_eq!(
        problem(&file(&ROW.replace("0101\"", "010F\""))),
        said("this is not a SHA-256 in lower-case hexadecimal", "\"")
    );
    assert_eq!(
        problem(&file(&ROW.replace("21:30:00Z", "25:30:00Z"))),
        said("this is not a time like 2026-11-20T21:30:00Z", "\"")
    );
    assert_eq!(
        problem(&file(ROW).replace("\"version\": 1", "\"version\": 2")).0,
        "the file is of another version of penstock"
    );
    assert_eq!(problem(&file(&format!("{ROW},{}", ROW.replace("0101", "0202")))).0, "token `a` stands twice");
    let twin = ROW.replace("\"a\"", "\"b\"");
    assert_eq!(problem(&file(&format!("{ROW},{twin}"))).0, "tokens `a` and `b` have the same secret");
    assert!(
        problem(&file(&ROW.replace("\"note\": null", "\"note\": \"a\\u0007\""))).0.starts_with("the note of token `a`")
    );
    assert!(problem(&file(&ROW.replace("\"note\"", "\"nota\""))).0.starts_with("unknown field `nota`"));
    assert!(problem(&file(&ROW.replace("\"id\"", "\"id\": \"x\", \"id\""))).0.starts_with("duplicate field `id`"));
}

#[test]
fn an_expiry_that_got_lost_is_not_taken_for_never() {
    assert_eq!(problem(&file(&ROW.replace("\"expires\": null,", ""))).0, "missing field `expires`");
    assert_eq!(problem(&file(&ROW.replace("\"revoked\": null,", ""))).0, "missing field `revoked`");
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let text = file(&ROW.replace("\"note\": null", &format!("\"note\": \"{}\"", "x".repeat(9 << 20))));
    assert!(matches!(read(&Plant::with(&text).path()), Err(TokensProblem::TooLarge { .. })));
}

#[test]
fn revoking_stands_and_is_said_once() {
    let mut tokens = Tokens::default();
    tokens.add(token("a", 1)).unwrap();
    assert_eq!(tokens.revoke(&id("b"), NOW), Revocation::Unknown);
    assert_eq!(tokens.revoke(&id("a"), NOW), Revocation::Revoked);
    assert_eq!(tokens.revoke(&id("a"), Millis(NOW.0 + 5)), Revocation::Already(NOW));
}

#[test]
fn changes_between_two_readings_are_told_apart() {
    let mut before = Tokens::default();
    for (name, seed) in [("a", 1), ("b", 2), ("c", 3)] {
        before.add(token(name, seed)).unwrap();
    }
    let mut after = before.clone();
    assert_eq!(after.since(&before), []);
    after.revoke(&id("a"), NOW);
    after.0[1].entry.expires = None;
    after.0.remove(2);
    after.add(token("d", 4)).unwrap();
    let entry = |name: &str| after.find(&id(name)).unwrap().entry.clone();
    let expected = [
        Change::Revoked(entry("a")),
        Change::Altered(entry("b")),
        Change::Issued(entry("d")),
        Change::Removed(token("c", 3).entry),
    ];
    assert_eq!(after.since(&before), expected);
    // Taking a revocation back is no revocation.
    assert!(matches!(before.since(&after)[0], Change::Altered(_)));
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let plant = Plant::new();
    std::thread::scope(|scope| {
        for writer in 0..8_u8 {
            let plant = &plant;
            scope.spawn(move || {
                for turn in 0..8_u8 {
                    plant.add(token(&format!("t-{writer}-{turn}"), writer * 8 + turn));
                    assert!(read(&plant.path()).unwrap().find(&id(&format!("t-{writer}-{turn}"))).is_some());
                }
            });
        }
    });
    assert_eq!(read(&plant.path()).unwrap().list().len(), 64);
}
