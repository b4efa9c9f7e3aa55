//! `penstock match`, as its users run it: registered, listed, found by `test` and by `explain`.

use crate::plant::Plant;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const ORDERS: &str =
    "part;customer;colour\r\n4711-0815;Ackermann Pumpen GmbH;blue\r\nPX 99/204;Nordsee Brauerei AG;red\r\n";

fn plant() -> Plant {
    Plant::with([("Orders 2026.csv", ORDERS.as_bytes())])
}

fn register(plant: &Plant) -> String {
    let rules = ["--column", "part", "--together", "customer,colour", "--within", "60"];
    plant.good(
        &[&["match", "add", "--label", "data.order", "--sensitivity", "restricted"], &rules[..], &["Orders 2026.csv"]]
            .concat(),
    )
}

#[test]
fn a_table_is_registered_listed_and_forgotten() {
    let plant = plant();
    assert_eq!(register(&plant), "`orders-2026` is registered: 2 rows, 6 different values\n");
    assert_eq!(register(&plant), "`orders-2026` is registered anew: 2 rows, 6 different values\n");
    let file = fs::read(plant.path("tables.match")).unwrap();
    assert_eq!(fs::metadata(plant.path("tables.match")).unwrap().permissions().mode() & 0o777, 0o600);
    let shown = String::from_utf8_lossy(&file).to_lowercase();
    assert!(!shown.contains("4711") && !shown.contains("ackermann") && !shown.contains("blue"));
    let list: Value = serde_json::from_str(&plant.good(&["match", "list", "--json"])).unwrap();
    let rules = json!([{"columns": ["part"], "within": 0}, {"columns": ["customer", "colour"], "within": 60}]);
    assert_eq!((&list[0]["rules"], &list[0]["values"], &list[0]["label"]), (&rules, &json!(6), &json!("data.order")));
    assert!(plant.good(&["match", "list"]).contains("part; customer with colour within 60 bytes"));
    assert_eq!(plant.good(&["match", "remove", "orders-2026"]), "`orders-2026` is forgotten\n");
    assert!(plant.refused(&["match", "remove", "orders-2026"]).contains("there is no table `orders-2026`"));
}

#[test]
fn values_are_found_alone_and_together() {
    let plant = plant();
    register(&plant);
    plant.write("prompt.txt", "Dear all,\nis 4711 0815 in stock,\nand the RED one of Nordsee-Brauerei AG?\n");
    let (code, out, _) = plant.run(&["match", "test", "prompt.txt"]);
    let told = "1 value of part in `orders-2026`\n  line 2, bytes 13..22\n\
        1 row of customer with colour in `orders-2026`\n  line 3, bytes 41..44\n  line 3, bytes 52..71\n";
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!((code, sorted(&out)), (1, sorted(told)), "{out}");
    plant.write("prompt.txt", "The blue one of Nordsee Brauerei AG, 14711-0815.");
    assert_eq!(plant.run(&["match", "test", "prompt.txt"]).0, 0);
    assert_eq!(plant.run(&["match", "test", "--json", "prompt.txt"]).1, "[]\n");
    assert_eq!(plant.run(&["match", "test", "nowhere.txt"]).0, 2);
}

#[test]
fn a_call_with_a_value_is_explained_and_damage_stops_it() {
    let plant = plant();
    register(&plant);
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Is 4711-0815 in stock?"}]});
    plant.write("chat.json", body.to_string());
    let line = "explain --workload copilot --provider openai --purpose assistance --at 2026-11-20T21:30:00Z --body chat.json --json";
    let explain: Vec<&str> = line.split(' ').collect();
    let (_, out, _) = plant.run(&explain);
    let told: Value = serde_json::from_str(&out).unwrap();
    let finding = &told["findings"][0];
    let said = ["label", "rule", "sensitivity"].map(|key| finding[key].as_str().unwrap().to_owned());
    assert_eq!(said, ["data.order", "data.orders-2026", "restricted"], "{out}");
    assert!(!out.contains("0815"), "content is not told: {out}");
    let mut file = fs::read(plant.path("tables.match")).unwrap();
    *file.last_mut().unwrap() ^= 1;
    fs::write(plant.path("tables.match"), file).unwrap();
    assert!(plant.refused(&explain).contains("it is damaged: its checksum does not fit"));
}

#[test]
fn what_cannot_be_registered_is_told() {
    let plant = plant();
    plant.write("odd.csv", "a,b\n1\n");
    for (line, complaint) in [
        (
            &["--column", "parts", "Orders 2026.csv"][..],
            "it has no column `parts`; its columns are part, customer, colour",
        ),
        (&["--column", "a", "odd.csv"], "line 2: 1 fields, where the first line has 2"),
        (&["Orders 2026.csv"], "the following required arguments were not provided"),
        (&["--column", "part", "--label", "order", "Orders 2026.csv"], "the plant knows no label `order` for this"),
        (&["--column", "part", "nowhere.csv"], "`nowhere.csv` is not registered: No such file"),
    ] {
        let told = plant.refused(&[&["match", "add"], line].concat());
        assert!(told.contains(complaint), "{line:?}: {told}");
    }
    assert!(!plant.path("tables.match").exists());
}
