//! What happens when AI fails, tried out beside a gateway that runs, without one, and against promises that do not hold.

use crate::house::House;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// What the conduit to the cloud falls back to; `model` is asked at the edge.
fn fallback(model: &str) -> String {
    let say = "{ answer = \"Call 4711.\", on = [\"unreachable\", \"slow\", \"failing\", \"unsafe\"] }";
    format!("fallback = [{{ to = \"edge\", model = \"{model}\" }}, {say}]\nmodels = [\"gpt-4o\"")
}

const LIMITS: &str = "\n[[limits]]\ntag = \"TIC-101\"\nunit = \"Cel\"\nlow = 20\nhigh = 180\n";

/// A plant with a fallback, a breaker and limits, in force.
fn house(model: &str) -> House {
    let house = House::new(LIMITS);
    change(&house, "models = [\"gpt-4o\"", &fallback(model));
    change(&house, "country = \"IE\" }", "country = \"IE\" }\nbreaker = { failures = 3, rest = \"10s\" }");
    change(&house, "http://127.0.0.1:11434", &format!("http://{}", house.provider()));
    house.says(&["reload"]);
    house
}

fn change(house: &House, from: &str, to: &str) {
    let file = house.plant().join("plant.toml");
    let text = fs::read_to_string(&file).unwrap();
    let changed = text.replacen(from, to, 1);
    assert_ne!(text, changed, "{from}");
    fs::write(&file, changed).unwrap();
}

/// What a drill comes to.
fn drilled(house: &House, more: &[&str]) -> (i32, Value) {
    let (code, said, problem) = house.tries(&[&["drill", "--json"], more].concat(), &[]);
    (code, serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{problem}")))
}

/// The records of a kind.
fn records(house: &House, kind: &str) -> Vec<Value> {
    let records = house.says(&["records", "--kind", kind, "--format", "ndjson"]);
    records.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// By conduit and path: what was seen, and what that is.
fn steps(told: &Value) -> BTreeMap<(String, String), (String, String)> {
    let text = |step: &Value, key: &str| step[key].as_str().unwrap_or("-").to_owned();
    let row = |step: &Value| ((text(step, "conduit"), text(step, "path")), (text(step, "seen"), text(step, "result")));
    told["steps"].as_array().unwrap().iter().map(row).collect()
}

fn notes(records: &[Value], event: &str) -> Vec<Value> {
    records.iter().map(|record| record["note"].clone()).filter(|note| note["event"] == event).collect()
}

#[test]
fn every_path_is_drilled_beside_a_gateway_that_runs_and_no_provider_is_reached() {
    let mut house = house("llama3.1");
    let seen = "line 2 ran on with printed manuals";
    let (code, told) = drilled(&house, &["--by", "ada", "--witness", "ben", "--observed", seen]);
    let steps = steps(&told);
    for (conduit, path, saw) in [
        ("maintenance-cloud", "all well", "openai answers"),
        ("maintenance-cloud", "all well, streamed", "openai answers"),
        ("maintenance-cloud", "unreachable: openai", "edge answers, because=unreachable"),
        ("maintenance-cloud", "unreachable: openai, edge", "fixed answer, because=unreachable"),
        ("maintenance-cloud", "slow: openai", "edge answers, because=slow"),
        ("maintenance-cloud", "slow: openai, edge", "fixed answer, because=slow"),
        ("maintenance-cloud", "slow: openai, streamed", "edge answers, because=slow"),
        ("maintenance-cloud", "slow: openai, edge, streamed", "fixed answer, because=slow"),
        ("maintenance-cloud", "limited: openai", "edge answers, because=limited"),
        ("maintenance-cloud", "limited: openai, edge", "error 429"),
        ("maintenance-cloud", "failing: openai, edge, streamed", "fixed answer, because=failing"),
        ("maintenance-cloud", "denied: openai, edge", "error 401"),
        ("maintenance-cloud", "broken: openai, edge", "error 502 provider-broken"),
        ("maintenance-cloud", "unsafe: openai", "fixed answer, because=unsafe"),
        ("maintenance-cloud", "outside limits: openai", "fixed answer, because=unsafe"),
        ("maintenance-cloud", "breaker opens: openai", "edge answers, because=unreachable"),
        ("maintenance-cloud", "breaker closes: openai", "openai answers"),
        ("maintenance-cloud", "islanded", "error 403 isolated"),
        ("maintenance-cloud", "restored (external)", "openai answers"),
        ("maintenance-edge", "slow: edge", "error 504 provider-timeout"),
        ("maintenance-edge", "unsafe: edge", "error 502 answer-too-large"),
        ("maintenance-edge", "outside limits: edge", "error 403 answer-limit"),
        ("maintenance-edge", "everything isolated", "error 403 isolated"),
        ("maintenance-edge", "islanded", "edge answers"),
        ("maintenance-edge", "isolated under way", "error 403 isolated"),
        ("maintenance-edge", "the ledger takes nothing", "error 503 ledger-unavailable"),
        ("maintenance-edge", "the ledger is back", "edge answers"),
        ("-", "the gateway gone", "no connection"),
    ] {
        let expected = (saw.to_owned(), "kept".to_owned());
        assert_eq!(steps.get(&(conduit.to_owned(), path.to_owned())), Some(&expected), "{path}: {told:#}");
    }
    let person = &steps[&("-".to_owned(), "the plant goes on: assistant".to_owned())];
    assert_eq!(person, &(seen.to_owned(), "observed".to_owned()));
    assert_eq!((code, &told["result"]), (0, &json!("kept")), "{told:#}");
    assert_eq!(house.asked(), 0, "no provider was reached, and the credential is not even there");

    let drills = records(&house, "drill");
    let [begun, ended] = ["begun", "ended"].map(|event| notes(&drills, event).pop().unwrap());
    assert_eq!(notes(&drills, "step").len(), told["steps"].as_array().unwrap().len());
    for note in [&begun, &ended] {
        assert_eq!((&note["by"], &note["witness"]), (&json!("ada"), &json!("ben")));
        assert_eq!((&note["policy"], &note["sha256"]), (&told["digest"], &told["digest"]));
        assert_eq!(note["user"], rustix::process::getuid().as_raw());
    }
    assert_eq!((&ended["result"], &ended["observed"], &ended["broken"]), (&json!("kept"), &json!(seen), &json!(0)));
    let own = drills.iter().find(|record| record["note"]["path"] == "slow: openai").unwrap();
    assert_eq!((&own["where"]["conduit"], &own["ref"]), (&json!("maintenance-cloud"), &told["record"]));
    assert!(own["note"]["us"].as_u64() > Some(0));
    for kind in ["intent", "outcome", "refuse", "switch", "isolate", "alert"] {
        assert!(records(&house, kind).is_empty(), "a drill leaves no `{kind}` of the plant");
    }
    let all = house.says(&["records", "--id", told["record"].as_str().unwrap(), "--format", "ndjson"]);
    assert_eq!(all.lines().count(), drills.len(), "its beginning leads to all of it");
    assert!(house.says(&["records", "--kind", "drill"]).contains("slow: openai"));

    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Which seals are due?"}]});
    assert!(house.chat(body.to_string().as_bytes()).starts_with("HTTP/1.1 200"), "the gateway went on");
    assert_eq!(house.asked(), 1);
    house.stop();
    let ledger = house.plant().join("ledger");
    assert!(house.says(&["verify", ledger.to_str().unwrap()]).contains("VERIFIED"));
}

#[test]
fn a_promise_that_is_not_kept_fails_the_drill_and_is_named() {
    let house = house("a-model-that-the-edge-does-not-open");
    let (code, told) = drilled(&house, &["--conduit", "maintenance-cloud", "--by", "ada"]);
    assert_eq!((code, &told["result"]), (1, &json!("broken")), "{told:#}");
    let of = |path: &str| told["steps"].as_array().unwrap().iter().find(|step| step["path"] == path).unwrap();
    let failing = of("failing: openai");
    assert_eq!(failing["expected"], "edge answers, because=failing");
    assert_eq!((&failing["seen"], &failing["result"]), (&json!("fixed answer, because=failing"), &json!("broken")));
    assert!(failing["detail"].as_str().unwrap().contains("model-not-allowed"), "{failing}");
    assert_eq!(of("unsafe: openai")["result"], "kept", "what does hold is told too");
    assert!(told["steps"].as_array().unwrap().iter().all(|step| step["conduit"] != "maintenance-edge"));
    let drills = records(&house, "drill");
    let ended = notes(&drills, "ended").pop().unwrap();
    assert_eq!((&ended["result"], &ended["broken"]), (&json!("broken"), &told["broken"]));
    let (code, said, _) = house.tries(&["drill", "--conduit", "maintenance-cloud", "--unrecorded"], &[]);
    assert!(code == 1 && said.contains("model-not-allowed") && said.contains("not on record"), "{said}");
    assert_eq!(records(&house, "drill").len(), drills.len());
}

#[test]
fn a_drill_needs_no_gateway_and_leaves_a_ledger_that_the_next_one_goes_on_with() {
    let mut house = house("llama3.1");
    house.stop();
    let (code, said, problem) = house.tries(&["drill", "--by", "ada", "--conduit", "maintenance-edge"], &[]);
    assert!(code == 0 && said.contains("on record"), "{said}{problem}");
    assert!(said.contains("nobody told") && said.contains("printed manuals"), "{said}");
    let ledger = house.plant().join("ledger");
    assert!(house.says(&["verify", ledger.to_str().unwrap()]).contains("VERIFIED"));
    house.start();
    let drills = records(&house, "drill");
    assert_eq!((notes(&drills, "begun").len(), notes(&drills, "ended").len()), (1, 1));
    assert_eq!(house.asked(), 0);
    house.stop();
}

#[test]
fn what_cannot_be_drilled_is_not_told_as_kept() {
    let house = house("llama3.1");
    let text = fs::read_to_string(house.plant().join("plant.toml")).unwrap();
    let expires = text.lines().rfind(|line| line.starts_with("expires = ")).unwrap();
    let (before, after) = text.rsplit_once(expires).unwrap();
    let ended = before.replace("approved_at = ", "# approved_at = ") + "expires = 2020-01-01" + after;
    fs::write(house.plant().join("plant.toml"), ended).unwrap();
    house.says(&["reload"]);
    let (code, told) = drilled(&house, &["--conduit", "maintenance-edge"]);
    assert_eq!((code, &told["result"], &told["undrilled"]), (1, &json!("undrilled"), &json!(1)), "{told:#}");
    assert!(told["steps"][0]["detail"].as_str().unwrap().contains("conduit-expired"), "{told:#}");
}

#[test]
fn a_plant_file_that_is_not_in_force_is_drilled_as_a_draft_or_not_at_all() {
    let house = house("llama3.1");
    let file = house.plant().join("plant.toml");
    let text = fs::read_to_string(&file).unwrap();
    let key = house.plant().join("ada.key");
    let ada = house.says(&["approve", "key", "--name", "ada", "--out", key.to_str().unwrap()]);
    fs::write(&file, format!("{text}\n[control]\napprovals = 1\napprovers = [{:?}]\n", ada.trim())).unwrap();
    house.says(&["reload"]);
    // Nobody has signed this one, so it stays out of force.
    change(&house, "Call 4711.", "Call 4712.");
    let (code, _, said) = house.tries(&["drill"], &[]);
    assert!(code == 2 && said.contains("another plant in force"), "{said}");
    change(&house, "[zones", "[zoness");
    assert_eq!(house.tries(&["drill"], &[]).0, 2, "with a slip it is no plant");
    change(&house, "[zoness", "[zones");
    let (code, said, problem) = house.tries(&["drill", "--unrecorded"], &[]);
    assert!(code == 0 && said.contains("not on record"), "{said}{problem}");
    assert_eq!(house.tries(&["drill", "--unrecorded", "--conduit", "nowhere"], &[]).0, 2);
    assert_eq!(house.tries(&["drill", "--unrecorded", "--by", "two\nlines"], &[]).0, 2);
    assert!(records(&house, "drill").is_empty());
}

#[test]
fn whatever_listens_where_the_plant_file_says_is_not_called() {
    let house = House::new("");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let own = format!("http://{}", listener.local_addr().unwrap());
    change(&house, &format!("http://{}", house.provider()), &own);
    change(&house, "http://127.0.0.1:11434", &own);
    assert_eq!(house.tries(&["drill", "--unrecorded"], &[]).0, 0);
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
}

#[test]
fn a_drill_that_is_broken_off_is_seen_as_one() {
    let house = house("llama3.1");
    // A provider that never answers is waited for two minutes.
    let mut drill = house.begin(&["drill", "--patient", "--by", "ada"]);
    let end = Instant::now() + Duration::from_secs(60);
    while records(&house, "drill").is_empty() {
        assert!(drill.try_wait().unwrap().is_none() && Instant::now() < end, "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&drill), rustix::process::Signal::INT).unwrap();
    assert_eq!(drill.wait().unwrap().code(), Some(2));
    let drills = records(&house, "drill");
    let ended = notes(&drills, "ended").pop().unwrap();
    assert_eq!((&ended["result"], &ended["by"]), (&json!("broken-off"), &json!("ada")));
    assert!(notes(&drills, "step").is_empty());
}
