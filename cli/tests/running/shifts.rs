//! A workload that changes abruptly is told of: in the ledger, by the command, in metrics and in the log.

use crate::house::House;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Windows of ten calls, of which three must have passed.
const SHIFTS: &str = "\n[shifts]\ncalls = 10\nbaseline = 3\n";
const CALM: [&str; 4] = [
    "Which seals of the filler are due, and what is needed to change them in the night shift?",
    "How is the lubrication of the conveyor to be checked when the line is at rest?",
    "What does the manual say of the pump that is louder than it was in the last week?",
    "Is there a note on the valve that was changed by the second shift, and is it complete?",
];
const SECRET: &str = "Xk29dLq8vTz1";

fn chat(text: &str) -> Vec<u8> {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}).to_string().into_bytes()
}

/// What the command tells, once it tells so many.
fn told(house: &House, count: usize) -> Vec<Value> {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let shifts: Vec<Value> = serde_json::from_str(&house.says(&["shifts", "--json"])).unwrap();
        if shifts.len() >= count {
            return shifts;
        }
        assert!(Instant::now() < end, "waited for {count}: {shifts:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_workload_that_changes_is_told_of_with_before_and_after_and_without_content() {
    let mut house = House::new(SHIFTS);
    for at in 0..40 {
        let answer = house.chat(&chat(&format!("{} Report {at}.", CALM[at % 4])));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(house.says(&["shifts"]), "no shift is recorded\n");
    for at in 0..10 {
        let answer = house
            .chat(&chat(&format!("Das Passwort der Steuerung ist nicht mehr das alte. password: {SECRET} und {at}")));
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    let shifts = told(&house, 4);
    let tell = |shift: &Value| {
        let level = |when: &str| format!("{} of {}", shift[when]["hits"], shift[when]["calls"]);
        let measure = format!("{} {}", shift["measure"].as_str().unwrap(), shift["of"].as_str().unwrap_or_default());
        assert_eq!((&shift["workload"], &shift["model"]), (&json!("assistant"), &json!("gpt-4o")));
        format!("{}: {}, {}", measure.trim_end(), level("before"), level("after"))
    };
    let mut lines: Vec<String> = shifts.iter().map(tell).collect();
    lines.sort();
    let expected = [
        "label secret: 0 of 40, 10 of 10",
        "language de: 0 of 40, 10 of 10",
        "language en: 40 of 40, 0 of 10",
        "refused: 0 of 40, 10 of 10",
    ];
    assert_eq!(lines, expected);

    let table = house.says(&["shifts", "--workload", "assistant"]);
    eprintln!("{table}");
    assert!(table.contains("assistant  gpt-4o  refused"), "{table}");
    assert_eq!(house.says(&["shifts", "--workload", "scada"]), "no shift is recorded\n");
    let records = house.says(&["records", "--kind", "alert", "--workload", "assistant", "--format", "ndjson"]);
    assert_eq!(records.lines().count(), 4);
    let metrics = house.operations("/metrics");
    assert!(metrics.contains("penstock_shifts_total{workload=\"assistant\",measure=\"refused\"} 1"), "{metrics}");
    let log = house.log();
    assert!(log.contains("the calls of a workload have shifted"), "{log}");
    for said in [records.as_str(), metrics.as_str(), log.as_str()] {
        assert!(
            !said.contains(SECRET) && !said.contains("Passwort") && !said.contains("seals of the filler"),
            "{said}"
        );
    }
    house.stop();
    let ledger = house.plant().join("ledger");
    assert!(house.says(&["verify", ledger.to_str().unwrap()]).contains("VERIFIED"));
}
