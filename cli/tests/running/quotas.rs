//! Quotas at a gateway that runs: what is used counts over a restart and a crash, and can be shown.

use crate::house::House;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const QUOTAS: &str = r#"
[quotas.assistant-day]
per = "workload"
only = ["assistant"]
requests = 3
money = 1000000

[[providers.openai.prices]]
model = "gpt-*"
input = 2500
output = 10000
"#;

fn status(house: &House) -> u16 {
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Which seals are due?"}]});
    house.chat(body.to_string().as_bytes()).split(' ').nth(1).unwrap().parse().unwrap()
}

/// How many calls have been counted and written down.
fn calls(house: &House) -> u64 {
    let rows: Value = serde_json::from_str(&house.says(&["usage", "--quotas", "--json"])).unwrap();
    rows.as_array()
        .unwrap()
        .iter()
        .find(|row| row["measure"] == "requests")
        .map_or(0, |row| row["used"].as_u64().unwrap())
}

#[test]
fn what_is_used_counts_over_restarts_and_crashes() {
    let mut house = House::new(QUOTAS);
    assert_eq!(house.says(&["usage", "--quotas"]), "nothing is used of any quota\n");
    assert_eq!(status(&house), 200);
    house.stop();
    house.start();
    assert_eq!((calls(&house), status(&house)), (1, 200), "after a restart");
    // What is used is written down twice a second.
    let end = Instant::now() + Duration::from_secs(20);
    while calls(&house) < 2 {
        assert!(Instant::now() < end, "what is used is not kept");
        std::thread::sleep(Duration::from_millis(20));
    }
    house.kill();
    house.start();
    assert_eq!([status(&house), status(&house)], [200, 429], "after a crash");
    let answer = house.chat(b"{\"model\":\"gpt-4o\",\"messages\":[]}");
    let after =
        answer.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("retry-after: ")?.parse::<u64>().ok());
    assert!(after.is_some_and(|after| (1..=86_400).contains(&after)), "{answer}");
    let used = house.says(&["usage"]);
    let [heading, row] = used.lines().collect::<Vec<_>>()[..] else { panic!("{used}") };
    let cell = |name: &str| {
        let at = heading.find(name).unwrap();
        row[at..].split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!((cell("CALLS").as_str(), cell("REFUSED").as_str()), ("5", "2"), "{used}");
    assert_ne!(cell("COST"), "0.0000", "{used}");
    house.stop();
    let standing = house.says(&["usage", "--quotas"]);
    assert!(standing.contains("assistant-day  assistant  requests  3"), "{standing}");
    // A file that is none is told of, and calls go on.
    std::fs::write(house.plant().join("ledger/quotas.used"), "assistant-day assistant 9 nine\n").unwrap();
    house.start();
    assert!(house.log().contains("counted anew"), "{}", house.log());
    assert_eq!(status(&house), 200);
    house.stop();
    let ledger = house.plant().join("ledger");
    assert!(house.says(&["verify", ledger.to_str().unwrap()]).contains("VERIFIED"));
}
