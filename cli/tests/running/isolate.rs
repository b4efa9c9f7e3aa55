//! The gate shut by hand, at a gateway that runs: by commands, with tokens, over restarts, by two people.

use crate::house::House;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

fn chat() -> Vec<u8> {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Which seals are due?"}]})
        .to_string()
        .into_bytes()
}

/// The status of a call.
fn status(house: &House) -> u16 {
    house.chat(&chat()).split(' ').nth(1).unwrap().parse().unwrap()
}

/// The notes of the records of a kind.
fn notes(house: &House, kind: &str) -> Vec<Value> {
    let records = house.says(&["records", "--kind", kind, "--format", "ndjson"]);
    records.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["note"].clone()).collect()
}

fn token(house: &House, person: &str, role: &str) -> String {
    let token = house.says(&["admin", "token", "issue", "--person", person, "--role", role]);
    let token = token.trim().to_owned();
    // The gateway looks at its files twice a second.
    let end = Instant::now() + Duration::from_secs(20);
    while !notes(house, "admin").iter().any(|note| note["person"] == person) {
        assert!(Instant::now() < end, "the token of {person} is not in force");
        std::thread::sleep(Duration::from_millis(20));
    }
    token
}

#[test]
fn a_gateway_is_shut_and_opened_again_and_stays_shut_over_restarts_and_crashes() {
    let mut house = House::new("");
    assert_eq!(status(&house), 200);
    assert_eq!(house.says(&["isolate"]), "nothing is isolated\n");
    let (code, said, _) = house.tries(&["isolate", "workload:assistant", "--reason", "odd answers"], &[]);
    assert!(code == 0 && said.contains("workload:assistant") && said.contains("odd answers"), "{said}");
    let answer = house.chat(&chat());
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("isolated"), "{answer}");

    house.stop();
    house.start();
    assert_eq!(status(&house), 403, "after a restart");
    house.says(&["isolate", "external", "--reason", "the uplink is compromised"]);
    house.kill();
    house.start();
    let now: Value = serde_json::from_str(&house.says(&["isolate", "--json"])).unwrap();
    let parts: Vec<&str> =
        now["isolated"].as_array().unwrap().iter().map(|one| one["part"].as_str().unwrap()).collect();
    assert_eq!(parts, ["external", "workload:assistant"], "after a crash");

    house.says(&["restore", "workload:assistant", "--reason", "checked"]);
    assert_eq!(status(&house), 403, "the provider is external");
    house.says(&["restore", "external", "--reason", "the uplink is back"]);
    assert_eq!(status(&house), 200);
    let (code, _, said) = house.tries(&["restore", "external", "--reason", "again"], &[]);
    assert!(code != 0 && said.contains("not isolated"), "{said}");
    let (code, _, said) = house.tries(&["isolate", "conduit:nowhere", "--reason", "a typo"], &[]);
    assert!(code != 0 && said.contains("the plant has no conduit:nowhere"), "{said}");

    let told: Vec<String> = notes(&house, "isolate")
        .iter()
        .map(|note| format!("{} {}", note["event"], note["part"]).replace('"', ""))
        .collect();
    let expected = ["isolate workload:assistant", "isolate external", "restore workload:assistant", "restore external"];
    assert_eq!(told, expected);
    assert!(notes(&house, "isolate").iter().all(|note| note["by"].as_str().unwrap().ends_with(" (local)")));
    house.stop();
    let ledger = house.plant().join("ledger");
    assert!(house.says(&["verify", ledger.to_str().unwrap()]).contains("VERIFIED"));
}

#[test]
fn a_file_of_isolations_that_cannot_be_believed_shuts_everything() {
    let mut house = House::new("");
    house.says(&["isolate", "workload:assistant", "--reason", "a drill"]);
    house.stop();
    let file = house.plant().join("ledger/isolations.json");
    let text = fs::read_to_string(&file).unwrap();
    // Somebody who may write the file, and has not the plant's key, takes the isolation out.
    fs::write(&file, format!("{}\n[]\n", text.lines().next().unwrap())).unwrap();
    house.start();
    assert_eq!(status(&house), 403);
    let said = house.says(&["isolate"]);
    assert!(said.contains("everything") && said.contains("cannot be read"), "{said}");
    house.says(&["restore", "everything", "--reason", "looked into"]);
    assert_eq!(status(&house), 200);
    house.stop();
}

#[test]
fn a_role_that_may_not_is_refused_and_a_token_that_ended_is_nobodys() {
    let house = House::new("");
    let console = format!("http://{}", house.console());
    let env = |token: &str| [("PENSTOCK_CONSOLE", console.clone()), ("PENSTOCK_CONSOLE_TOKEN", token.to_owned())];
    let tries = |args: &[&str], token: &str| {
        let env = env(token);
        house.tries(args, &env.each_ref().map(|(key, value)| (*key, value.as_str())))
    };
    let [viewer, operator, engineer] = ["viewer", "operator", "engineer"].map(|role| token(&house, role, role));
    let isolate = ["isolate", "provider:openai", "--reason", "a drill"];
    let restore = ["restore", "provider:openai", "--reason", "the drill is over"];
    let (start, last) = viewer.split_at(viewer.len() - 1);
    let other = format!("{start}{}", if last == "a" { "q" } else { "a" });
    for nobody in ["", "psk_nobody", &other, "eyJhbGciOiJub25lIn0.e30."] {
        let (code, _, said) = tries(&["isolate"], nobody);
        assert!(code != 0 && said.contains("not known who asks"), "{nobody}: {said}");
    }
    assert_eq!(tries(&["isolate"], &viewer).0, 0);
    let (code, _, said) = tries(&isolate, &viewer);
    assert!(code != 0 && said.contains("`isolate`"), "{said}");
    assert_eq!(status(&house), 200);
    assert_eq!(tries(&isolate, &operator).0, 0);
    assert_eq!(status(&house), 403);
    let (code, _, said) = tries(&restore, &operator);
    assert!(code != 0 && said.contains("`restore`"), "{said}");
    assert_eq!(tries(&restore, &engineer).0, 0);
    assert_eq!(notes(&house, "isolate")[1]["by"], "engineer (token)");

    let id = engineer.strip_prefix("psk_").unwrap().rsplit_once('_').unwrap().0;
    house.says(&["admin", "token", "revoke", id]);
    let end = Instant::now() + Duration::from_secs(20);
    while tries(&["isolate"], &engineer).0 == 0 {
        assert!(Instant::now() < end, "a revoked token still counts");
        std::thread::sleep(Duration::from_millis(20));
    }
    let socket = house.plant().join("ledger/control.sock");
    assert_eq!(fs::metadata(socket).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn where_the_plant_asks_for_two_it_takes_another_person() {
    let house = House::new("\n[control]\napprover_for = [\"restore\"]\n");
    let console = format!("http://{}", house.console());
    let (ada, again, ben) =
        (token(&house, "ada", "engineer"), token(&house, "ada", "security"), token(&house, "ben", "security"));
    let restore = |token: &str| {
        let env = [("PENSTOCK_CONSOLE", console.as_str()), ("PENSTOCK_CONSOLE_TOKEN", token)];
        house.tries(&["restore", "everything", "--reason", "all is well"], &env)
    };
    house.says(&["isolate", "everything", "--reason", "a drill"]);
    let (code, said, _) = restore(&ada);
    assert!(code == 3 && said.contains("WAITS FOR A SECOND PERSON"), "{said}");
    assert_eq!(restore(&again).0, 3, "another token of the same person is no second person");
    assert_eq!(status(&house), 403);
    assert_eq!(restore(&ben).0, 0);
    assert_eq!(status(&house), 200);
    let note = notes(&house, "isolate").pop().unwrap();
    assert_eq!((&note["by"], &note["approver"]), (&json!("ada (token)"), &json!("ben (token)")));
}

#[test]
fn a_change_that_somebody_asks_for_is_recorded_with_who_and_a_bad_one_changes_nothing() {
    let house = House::new("");
    let file = house.plant().join("plant.toml");
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, good.replacen("[zones", "[zoness", 1)).unwrap();
    let (code, _, said) = house.tries(&["reload"], &[]);
    assert!(code == 1 && said.contains("zoness"), "{said}");
    assert_eq!(status(&house), 200);
    fs::write(&file, good + "# one line more\n").unwrap();
    let now: Value = serde_json::from_str(&house.says(&["reload", "--json"])).unwrap();
    // The gateway looks by itself as well, and may have been first.
    let asked = |kind: &str| -> Vec<Value> {
        notes(&house, kind)
            .into_iter()
            .filter(|note| note["by"].as_str().is_some_and(|by| by.ends_with(" (local)")))
            .collect()
    };
    assert_eq!(asked("config")[0]["result"], "rejected");
    let told = asked("policy").into_iter().chain(asked("config")).find(|note| note["result"] == "in-force").unwrap();
    assert_eq!(told["policy"], now["digest"]);
    let taken = notes(&house, "policy");
    assert_eq!((&taken[1]["policy"], &taken[1]["from"]), (&now["digest"], &taken[0]["policy"]));
    house.says(&["reload"]);
    let again = asked("config").pop().unwrap();
    assert_eq!((again["result"].as_str(), &again["policy"]), (Some("in-force"), &now["digest"]), "nothing has changed");
    assert_eq!(notes(&house, "policy").len(), 2, "and nothing else came into force");
}
