//! A call that waits for a person, at a gateway that runs: listed, shown, decided, and ended by a crash.

use crate::house::House;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

const RULE: &str = "\n@id(\"ask-first\") @do(\"hold\") forbid (principal, action, resource) when { context.labels.contains(\"person\") };\n";

fn chat() -> Vec<u8> {
    let text = "Write to anna.huber@springwell.example about the seals.";
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}).to_string().into_bytes()
}

/// A gateway that leaves people's data to people.
fn house() -> House {
    let house = House::new("");
    let rules = house.plant().join("rules/plant.cedar");
    let text = fs::read_to_string(&rules).unwrap_or_default() + RULE;
    fs::write(&rules, text).unwrap();
    house.says(&["reload"]);
    house
}

/// The one call that waits.
fn waiting(house: &House) -> Value {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let held: Value = serde_json::from_str(&house.says(&["holds", "list", "--json"])).unwrap();
        if let Some(one) = held.as_array().unwrap().first() {
            return one.clone();
        }
        assert!(Instant::now() < end, "no call waits");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn records(house: &House) -> Vec<Value> {
    let records = house.says(&["records", "--format", "ndjson"]);
    let records = records.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|one| ["hold", "intent", "refuse", "outcome"].contains(&one["kind"].as_str().unwrap())).collect()
}

#[test]
fn a_person_decides_and_only_who_may_sees_content() {
    let mut house = house();
    let [viewer, operator] = ["viewer", "operator"]
        .map(|role| house.says(&["admin", "token", "issue", "--person", role, "--role", role]).trim().to_owned());
    house.says(&["reload"]);
    let console = format!("http://{}", house.console());
    let tries = |args: &[&str], token: &str| {
        house.tries(args, &[("PENSTOCK_CONSOLE", &console), ("PENSTOCK_CONSOLE_TOKEN", token)])
    };
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| house.chat(&chat()));
        let id = waiting(&house)["id"].as_str().unwrap().to_owned();
        let (code, said, _) = tries(&["holds", "show", &id], &viewer);
        assert!(code == 0 && said.contains("person.email") && !said.contains("anna"), "{said}");
        for token in [&viewer, &operator] {
            let (code, _, said) = tries(&["holds", "show", &id, "--content"], token);
            assert!(code != 0 && said.contains("`see-content`"), "{said}");
        }
        let shown = house.says(&["holds", "show", &id, "--content"]);
        assert!(shown.contains("Write to >>anna.huber@springwell.example<< about the seals"), "{shown}");
        let (code, _, said) = tries(&["holds", "approve", &id, "--reason", "why not"], &viewer);
        assert!(code != 0 && said.contains("`decide-hold`"), "{said}");
        let (code, said, _) = tries(&["holds", "approve", &id, "--reason", "she agreed"], &operator);
        assert_eq!(code, 0, "{said}");
        assert!(answer.join().unwrap().starts_with("HTTP/1.1 200"));
        let (code, _, said) = tries(&["holds", "refuse", &id, "--reason", "too late"], &operator);
        assert!(code != 0 && said.contains("no call of that name waits"), "{said}");
    });
    let records = records(&house);
    let told: Vec<&str> =
        records.iter().map(|one| one["note"]["event"].as_str().or(one["kind"].as_str()).unwrap()).collect();
    assert_eq!(told, ["held", "seen", "intent", "outcome"]);
    assert_eq!((&records[1]["ref"], &records[2]["ref"]), (&records[0]["id"], &records[0]["id"]));
    assert_eq!(
        (&records[2]["note"]["by"], &records[2]["note"]["reason"]),
        (&json!("operator (token)"), &json!("she agreed"))
    );
    assert!(!house.log().contains("anna"));
    house.stop();
    let ledger = house.plant().join("ledger");
    assert!(house.says(&["verify", ledger.to_str().unwrap()]).contains("VERIFIED"));
}

#[test]
fn a_call_that_waited_when_the_gateway_died_is_refused_on_record() {
    let mut house = house();
    let id = std::thread::scope(|scope| {
        let call = scope.spawn(|| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| house.chat(&chat()))));
        let id = waiting(&house)["id"].as_str().unwrap().to_owned();
        let pid = rustix::process::Pid::from_raw(house.process().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let _ = call.join();
        id
    });
    house.kill();
    house.start();
    assert_eq!(house.says(&["holds", "list"]), "no call waits for a person\n");
    let records = records(&house);
    assert_eq!((&records[0]["kind"], &records[1]["kind"]), (&json!("hold"), &json!("refuse")));
    assert_eq!((&records[1]["id"], &records[1]["ref"]), (&json!(id), &records[0]["id"]));
    assert_eq!(records[1]["note"]["reason"], "abandoned");
    assert_eq!(records[1]["where"], records[0]["where"]);
    house.stop();
    let ledger = house.plant().join("ledger");
    assert!(house.says(&["verify", ledger.to_str().unwrap()]).contains("VERIFIED"));
}
