//! A change that two people must have signed, at a gateway that runs and over restarts.

use crate::house::House;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a command complains of, without the marks at which its lines are broken.
fn plain(complaint: &str) -> String {
    complaint.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// A plant whose changes two of three approve, and a folder for drafts and their keys.
fn house() -> (House, PathBuf) {
    let house = House::new("");
    let desk = house.plant().join("desk");
    fs::create_dir(&desk).unwrap();
    let key = |name: &&str| {
        let out = desk.join(format!("{name}.key"));
        house.says(&["approve", "key", "--name", name, "--out", out.to_str().unwrap()]).trim().to_owned()
    };
    let keys: Vec<String> = ["ada", "ben", "cleo"].iter().map(key).collect();
    let file = house.plant().join("plant.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text + &format!("\n[control]\napprovals = 2\napprovers = {}\n", json!(keys))).unwrap();
    house.says(&["reload"]);
    (house, desk)
}

/// Writes a draft of the plant that stands there, with another model. Rules and what else is named must be there too.
fn draft(house: &House, desk: &Path, model: &str) -> PathBuf {
    let folder = desk.join(model);
    fs::create_dir_all(folder.join("rules")).unwrap();
    fs::copy(house.plant().join("rules/plant.cedar"), folder.join("rules/plant.cedar")).unwrap();
    let text = fs::read_to_string(house.plant().join("plant.toml")).unwrap();
    let changed = text.replacen("models = [\"gpt-4o\"", &format!("models = [\"{model}\", \"gpt-4o\""), 1);
    assert_ne!(text, changed);
    fs::write(folder.join("plant.toml"), changed).unwrap();
    folder
}

/// What `approve show` says of a draft, and whether it is enough.
fn shown(house: &House, draft: &Path) -> (bool, Value) {
    let (code, said, problem) = house.tries(&["approve", "show", draft.to_str().unwrap(), "--json"], &[]);
    (code == 0, serde_json::from_str(&said).unwrap_or_else(|_| panic!("{problem}")))
}

fn sign(house: &House, draft: &Path, digest: &str, key: &Path) -> (i32, String, String) {
    let (draft, key) = (draft.to_str().unwrap(), key.to_str().unwrap());
    house.tries(&["approve", "sign", draft, "--digest", digest, "--key", key], &[])
}

fn notes(house: &House, kind: &str) -> Vec<Value> {
    let records = house.says(&["records", "--kind", kind, "--format", "ndjson"]);
    records.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["note"].clone()).collect()
}

/// The digest of what came into force last.
fn in_force(house: &House) -> String {
    notes(house, "policy").pop().unwrap()["policy"].as_str().unwrap().to_owned()
}

#[test]
fn a_change_comes_into_force_once_two_have_signed_it_and_a_restart_is_no_way_round() {
    let (mut house, desk) = house();
    let before = in_force(&house);
    let live = house.plant().join("plant.toml");
    let good = fs::read_to_string(&live).unwrap();

    let more = draft(&house, &desk, "o9");
    let (enough, told) = shown(&house, &more);
    assert!(!enough && told["approved_by"] == json!([]) && told["needed"] == 2 && told["from"] == before, "{told}");
    assert!(told["differences"].to_string().contains("opens models `o9` too"), "{told}");
    let digest = told["digest"].as_str().unwrap();
    let key = |name: &str| desk.join(format!("{name}.key"));
    let (code, _, said) = sign(&house, &more, &before, &key("ada"));
    assert!(code == 1 && plain(&said).contains("not what you have looked at"), "{said}");
    for _ in 0..2 {
        let (code, said, problem) = sign(&house, &more, digest, &key("ada"));
        assert!(code == 0 && said.contains("1 of 2"), "signing twice is signing once: {said}{problem}");
    }
    house.says(&["approve", "key", "--name", "cleo", "--out", key("sly").to_str().unwrap()]);
    let (code, _, said) = sign(&house, &more, digest, &key("sly"));
    assert!(code == 1 && plain(&said).contains("no approver"), "a key that somebody made under cleo's name: {said}");

    fs::copy(more.join("plant.toml"), &live).unwrap();
    let (code, _, said) = house.tries(&["reload"], &[]);
    assert!(
        code == 1 && plain(&said).contains("the change is not approved") && plain(&said).contains("ada has"),
        "{said}"
    );
    assert!(house.chat(br#"{"model":"o9","messages":[]}"#).contains("\"model-not-allowed\""), "the old plant runs on");
    let refused = json!({ "result": "rejected", "refused": digest, "needed": 2, "approvals": 1, "kept": before });
    let same = |note: &Value| refused.as_object().unwrap().iter().all(|(key, value)| note[key] == *value);
    assert!(notes(&house, "config").iter().any(same), "{:#?}", notes(&house, "config"));

    house.stop();
    let (code, _, said) = house.tries(&["run"], &[]);
    assert!(code != 0 && plain(&said).contains("the change is not approved"), "{said}");
    fs::write(&live, &good).unwrap();
    house.start();
    assert_eq!(in_force(&house), before);

    // The second signature comes while the draft stands there: nobody has to say more.
    sign(&house, &more, digest, &key("cleo"));
    assert!(shown(&house, &more).0);
    fs::copy(more.join("plant.toml"), &live).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while in_force(&house) != digest {
        assert!(Instant::now() < end, "{}", house.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let by: Vec<Value> = notes(&house, "approval");
    let one = |note: &Value, name: &str| note["by"] == name && note["policy"] == digest && note["from"] == before;
    assert!(by.len() == 2 && one(&by[0], "ada") && one(&by[1], "cleo"), "{by:#?}");
    let taken = notes(&house, "policy").pop().unwrap();
    assert_eq!(
        (&taken["from"], &taken["approvals"], &taken["approvers"]),
        (&json!(before), &json!(2), &json!("ada, cleo"))
    );

    // Back again is a step of its own, whoever approved the old plant once.
    fs::write(&live, &good).unwrap();
    assert_eq!(house.tries(&["reload"], &[]).0, 1);
    assert_eq!(in_force(&house), digest);
    house.stop();
}

#[test]
fn a_draft_cannot_do_away_with_its_own_approval() {
    let (mut house, desk) = house();
    let before = in_force(&house);
    let live = house.plant().join("plant.toml");
    let sly = draft(&house, &desk, "o10");
    let key = desk.join("eve.key");
    let own = house.says(&["approve", "key", "--name", "eve", "--out", key.to_str().unwrap()]);
    let text = fs::read_to_string(sly.join("plant.toml")).unwrap();
    for (from, to) in
        [("approvals = 2", "approvals = 0".to_owned()), ("approvers = [", format!("approvers = [\"{}\",", own.trim()))]
    {
        let changed = text.replace(from, &to);
        assert_ne!(changed, text);
        fs::write(sly.join("plant.toml"), &changed).unwrap();
        let (_, told) = shown(&house, &sly);
        assert!(told["differences"].to_string().contains("changes of the plant"), "{told}");
        assert_eq!(sign(&house, &sly, told["digest"].as_str().unwrap(), &key).0, 1);
        fs::write(&live, &changed).unwrap();
        let (code, _, said) = house.tries(&["reload"], &[]);
        assert!(code == 1 && plain(&said).contains("nobody has"), "{said}");
    }
    // What was in force is kept under the plant's key: nobody else writes it, and without it nothing starts.
    house.stop();
    let kept = house.plant().join("ledger/in-force.json");
    let forged = fs::read_to_string(&kept).unwrap().replace("\"approvals\":2", "\"approvals\":0");
    fs::write(&kept, forged).unwrap();
    let (code, _, said) = house.tries(&["run"], &[]);
    assert!(code != 0 && plain(&said).contains("was not written by this plant's gateway"), "{said}");
    assert_eq!(in_force(&house), before);
}
