//! One gateway takes the place of another behind a socket that is never closed: no connection is refused, streams end where they
//! began, and the ledger goes from one writer to the next.

use crate::house::{House, PENSTOCK};
use crate::traffic::Traffic;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A house behind a socket that the test holds, as systemd does for a service.
fn house() -> (House, TcpListener) {
    let mut house = House::new("");
    house.stop();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let file = house.plant().join("plant.toml");
    let text = fs::read_to_string(&file).unwrap();
    let own = format!("plain_http = [\"{}\"]", socket.local_addr().unwrap());
    let text = text.replacen("plain_http = [\"127.0.0.1:0\"]", &own, 1);
    fs::write(&file, text.replacen("models = [\"gpt-4o\"", "models = [\"paced-20\", \"gpt-4o\"", 1)).unwrap();
    house.start_on(&socket);
    (house, socket)
}

/// How many records there are of each kind, with the status of outcomes.
fn counted(house: &House) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in house.says(&["records", "--format", "ndjson"]).lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let status = record["out"]["status"].as_u64().map(|status| format!(" {status}")).unwrap_or_default();
        *counts.entry(format!("{}{status}", record["kind"].as_str().unwrap())).or_default() += 1;
    }
    counts
}

fn verified(house: &House) {
    let ledger = house.plant().join("ledger");
    house.says(&["verify", ledger.to_str().unwrap()]);
}

/// Waits until so many streams have begun.
fn under_way(house: &House, intents: usize) {
    let end = Instant::now() + Duration::from_secs(20);
    while counted(house).get("intent").copied().unwrap_or_default() < intents {
        assert!(Instant::now() < end, "{}", house.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Callers of streams and of whole answers.
fn traffic(house: &House) -> [Traffic; 2] {
    [Traffic::start(house.caller(), 4, "paced-20", true), Traffic::start(house.caller(), 4, "gpt-4o", false)]
}

/// Ends the traffic and the house: no call broke off, and each is on record with its end. Gives how many records there are.
fn ended_whole(house: &mut House, traffic: [Traffic; 2]) -> BTreeMap<String, usize> {
    let ended = traffic.map(Traffic::end);
    house.stop();
    let broken: Vec<&String> = ended.iter().flat_map(|one| &one.broken).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let whole: usize = ended.iter().map(|one| one.whole).sum();
    let counts = counted(house);
    assert_eq!((counts["intent"], counts["outcome 200"]), (whole, whole), "{counts:?}");
    counts
}

#[test]
fn gateways_follow_each_other_under_load_and_no_connection_is_refused() {
    let (mut house, socket) = house();
    let traffic = traffic(&house);
    for turn in 1..=3 {
        under_way(&house, turn * 20);
        // The old one ends its streams, closes the ledger and is gone; who calls meanwhile waits at the socket.
        house.stop();
        house.start_on(&socket);
    }
    under_way(&house, 80);
    let counts = ended_whole(&mut house, traffic);
    assert!(!counts.contains_key("abandon") && counts["boot"] >= 4, "{counts:?}");
    verified(&house);
}

#[test]
fn a_crash_in_the_middle_of_a_take_over_refuses_no_connection_and_each_call_has_its_end() {
    let (mut house, socket) = house();
    let traffic = Traffic::start(house.caller(), 4, "paced-20", true);
    under_way(&house, 8);
    house.stop();
    // The new one dies while it takes over, before anybody knows that it is there, and the next one amid streams.
    house.start_on_and_kill(&socket);
    house.start_on(&socket);
    under_way(&house, 24);
    house.kill();
    house.start_on(&socket);
    under_way(&house, 40);
    let ended = traffic.end();
    house.stop();
    // Only what was under way in the two that died broke off, one call of each caller; nobody was turned away.
    assert!(ended.broken.len() <= 8, "{:#?}", ended.broken);
    let turned_away = |one: &&String| one.contains("refused") || one.starts_with("HTTP/1.1 5");
    assert_eq!(ended.broken.iter().find(turned_away), None);
    let counts = counted(&house);
    let closed = counts["outcome 200"] + counts.get("abandon").copied().unwrap_or_default();
    assert_eq!(counts["intent"], closed, "each call has its end: {counts:?}");
    assert!(counts["outcome 200"] >= ended.whole, "{counts:?}");
    verified(&house);
}

/// The versions that gateways told when they started, in order.
fn booted(house: &House) -> Vec<String> {
    let told = house.says(&["records", "--format", "ndjson", "--kind", "boot"]);
    let version = |line| serde_json::from_str::<Value>(line).unwrap()["note"]["version"].as_str().unwrap().to_owned();
    told.lines().map(version).collect()
}

#[test]
#[ignore = "needs a binary of another version, which `./test upgrade` builds"]
fn another_version_takes_over_and_gives_back_under_load_and_no_connection_is_refused() {
    let other = PathBuf::from(std::env::var_os("PENSTOCK_OTHER").expect("PENSTOCK_OTHER names no binary"));
    let own = Path::new(PENSTOCK);
    let (mut house, socket) = house();
    let traffic = traffic(&house);
    // Up, back, up and killed while it takes over, back once more.
    under_way(&house, 20);
    house.stop();
    house.install(&other);
    house.start_on(&socket);
    under_way(&house, 40);
    house.stop();
    house.install(own);
    house.start_on(&socket);
    under_way(&house, 60);
    house.stop();
    house.install(&other);
    house.start_on_and_kill(&socket);
    house.install(own);
    house.start_on(&socket);
    under_way(&house, 80);
    let counts = ended_whole(&mut house, traffic);
    // Each of them reads and verifies what both have written.
    let versions = [own, &other].map(|binary| {
        house.install(binary);
        verified(&house);
        assert_eq!(counted(&house), counts);
        house.says(&["--version"]).trim().trim_start_matches("penstock ").to_owned()
    });
    let [first, second] = &versions;
    assert_ne!(first, second);
    let booted = booted(&house);
    assert_eq!(booted.get(..4), Some([first, first, second, first].map(String::clone).as_slice()));
    assert_eq!(booted.last(), Some(first));
}
