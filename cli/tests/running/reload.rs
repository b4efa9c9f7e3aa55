//! The plant is changed again and again while calls stream: none is refused or torn, and each record names what decided it.

use crate::house::House;
use crate::traffic::Traffic;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

/// How often the plant changes under the load. Each time reads every file of the plant anew.
const TIMES: usize = 24;

/// The two plants that take turns, and the digest of each: the model that only this one opens.
fn plants(house: &House) -> [(String, &'static str); 2] {
    let text = fs::read_to_string(house.plant().join("plant.toml")).unwrap();
    ["only-even", "only-odd"].map(|model| {
        let opens = format!("models = [\"{model}\", \"paced-5\", \"gpt-4o\"");
        (text.replacen("models = [\"gpt-4o\"", &opens, 1), model)
    })
}

/// Has the plant's files read anew; gives the digest that is in force then.
fn reload(house: &House) -> String {
    let mut socket = UnixStream::connect(house.plant().join("ledger/control.sock")).unwrap();
    let head = "POST /api/v1/reloads HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    let told: Value = serde_json::from_str(body).unwrap();
    told["digest"].as_str().unwrap().to_owned()
}

#[test]
fn reloads_under_load_refuse_and_tear_no_call_and_each_record_names_what_decided_it() {
    let mut house = House::new("");
    let plants = plants(&house);
    let file = house.plant().join("plant.toml");
    let digest = |(text, _): &(String, &str)| {
        fs::write(file.with_extension("new"), text).unwrap();
        // Whole or not at all: the gateway looks by itself as well.
        fs::rename(file.with_extension("new"), &file).unwrap();
        reload(&house)
    };
    let mut opens: BTreeMap<String, &str> = BTreeMap::new();
    opens.insert(digest(&plants[0]), plants[0].1);

    let calls = Traffic::start(house.caller(), 6, "paced-5", true);
    let telling = ["only-even", "only-odd"].map(|model| Traffic::start(house.caller(), 1, model, false));
    for turn in 1..TIMES {
        let plant = &plants[turn % 2];
        opens.insert(digest(plant), plant.1);
    }
    assert_eq!(opens.len(), 2, "two plants took turns");
    let streamed = calls.end();
    assert!(streamed.broken.is_empty(), "{:#?}", streamed.broken);
    assert!(streamed.whole > TIMES, "{} streams were under way", streamed.whole);
    let told = telling.map(Traffic::end);
    house.stop();

    // Of a call for a model that only one of the plants opens, the record must name just that one.
    let mut seen = BTreeMap::from([("intent", 0), ("refuse", 0)]);
    for line in house.says(&["records", "--format", "ndjson"]).lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let Some(policy) = record["dec"]["policy"].as_str() else { continue };
        let (opened, model) = (opens[policy], record["what"]["model"].as_str().unwrap());
        let kind = record["kind"].as_str().unwrap();
        match kind {
            "intent" => assert!(model == opened || model == "paced-5", "{line}"),
            _ => assert!(model != opened && record["dec"]["reason"] == "model-not-allowed", "{line}"),
        }
        if model != "paced-5" {
            *seen.get_mut(kind).unwrap() += 1;
        }
    }
    assert!(seen.values().all(|count| *count > 0), "both plants decided: {seen:?}");
    let answered: usize = told.iter().map(|one| one.whole + one.broken.len()).sum();
    assert_eq!(seen.values().sum::<usize>(), answered, "one record of a decision for each call");
    assert!(!notes(&house, "config").iter().any(|note| note["result"] == "rejected"));
    let taken = notes(&house, "policy");
    assert!(taken.len() == TIMES + 1, "one for the start and one for each change: {taken:#?}");
    assert!(taken.is_sorted_by(|before, after| after["from"] == before["policy"]), "{taken:#?}");
}

/// What is recorded of plant files, oldest first.
fn notes(house: &House, kind: &str) -> Vec<Value> {
    let records = house.says(&["records", "--kind", kind, "--format", "ndjson"]);
    records.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["note"].clone()).collect()
}

#[test]
fn the_plant_file_of_another_plant_or_gateway_never_comes_into_force() {
    let house = House::new("");
    let file = house.plant().join("plant.toml");
    let good = fs::read_to_string(&file).unwrap();
    let own = good.lines().find(|line| line.starts_with("name = ")).unwrap();
    let before = notes(&house, "policy").pop().unwrap()["policy"].clone();
    let theirs = |key: &str, name: &str| {
        let text = good.replacen(
            own,
            &format!("{}{key} = \"{name}\"\n", if key == "name" { "" } else { "name = \"plant\"\n" }),
            1,
        );
        assert_ne!(text, good);
        text
    };
    assert_eq!(own, "name = \"plant\"");
    for (text, told) in
        [(theirs("name", "elsewhere"), "plant `elsewhere`"), (theirs("gateway", "gate-9"), "gateway `gate-9`")]
    {
        fs::write(&file, &text).unwrap();
        let (code, _, said) = house.tries(&["reload"], &[]);
        let said = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(code == 1 && said.contains("this is the plant file of") && said.contains(told), "{said}");
        let answer = house.chat(br#"{"model":"gpt-4o","messages":[]}"#);
        assert!(answer.starts_with("HTTP/1.1 200"), "what was in force goes on: {answer}");
        let note = notes(&house, "config").pop().unwrap();
        assert_eq!((&note["result"], &note["kept"]), (&Value::from("rejected"), &before), "{note}");
        assert!(note["of"].as_str().unwrap().contains(told) && note["refused"] != before, "{note}");
    }

    // Nor as a draft: it could never take this plant's place.
    let folder = house.plant().join("draft");
    fs::create_dir_all(folder.join("rules")).unwrap();
    fs::copy(house.plant().join("rules/plant.cedar"), folder.join("rules/plant.cedar")).unwrap();
    fs::write(folder.join("plant.toml"), theirs("name", "elsewhere")).unwrap();
    fs::write(&file, &good).unwrap();
    let draft = folder.to_str().unwrap();
    for (args, code) in [(&["approve", "show", draft][..], 1), (&["replay", draft], 2)] {
        let (ended, _, said) = house.tries(args, &[]);
        assert!(ended == code && said.contains("elsewhere"), "{args:?}: {said}");
    }
    let plant = house.plant();
    let (code, said, problem) = house.tries(&["diff", plant.to_str().unwrap(), draft], &[]);
    assert!(code == 1 && said.contains("name is `elsewhere`"), "{said}{problem}");

    house.says(&["reload"]);
    assert_eq!(notes(&house, "config").pop().unwrap()["policy"], before);
}
