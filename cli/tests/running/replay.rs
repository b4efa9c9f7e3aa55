//! A draft of the plant, held against calls that were recorded.

use crate::house::House;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// A plant that keeps content, four calls of which are on record: one that passes, one that is tokenised, one that is refused for
/// what it holds, one for its model.
fn house() -> House {
    let house = House::new("");
    let file = house.plant().join("plant.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("models = [\"gpt-4o\"", "keep = \"content\"\nmodels = [\"gpt-4o\"", 1)).unwrap();
    house.says(&["reload"]);
    for (model, prompt, status) in [
        ("gpt-4o", "The sourdough of line 2 is too dry.", "200"),
        ("gpt-4o", "Write to erika@example.org about the sourdough.", "200"),
        ("gpt-4o", "password: Tr0ub4dor&3-horse", "403"),
        ("o9", "Hello.", "403"),
    ] {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": prompt }] });
        let answer = house.chat(body.to_string().as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    house
}

/// A copy of the plant in which a text is another.
fn draft(house: &House, name: &str, from: &str, to: &str) -> PathBuf {
    let folder = house.plant().join(name);
    fs::create_dir_all(folder.join("rules")).unwrap();
    fs::copy(house.plant().join("rules/plant.cedar"), folder.join("rules/plant.cedar")).unwrap();
    let text = fs::read_to_string(house.plant().join("plant.toml")).unwrap();
    let changed = text.replacen(from, to, 1);
    assert!(from == to || changed != text, "{from}");
    fs::write(folder.join("plant.toml"), changed).unwrap();
    folder
}

/// What a replay comes to.
fn replayed(house: &House, draft: &Path, more: &[&str]) -> (i32, Value) {
    let (code, said, problem) = house.tries(&[&["replay", draft.to_str().unwrap(), "--json"], more].concat(), &[]);
    (code, serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{problem}")))
}

/// What a ruling comes to, in a word.
fn word(ruling: &Value) -> &str {
    ruling["reason"].as_str().or(ruling["verdict"].as_str()).unwrap_or("read")
}

/// Of each changed call: what is recorded, what the draft decides, and what that does.
fn changed(told: &Value) -> Vec<(&str, &str, &str)> {
    let calls = told["changed"].as_array().unwrap().iter();
    calls.map(|call| (word(&call["recorded"]), word(&call["draft"]), call["effect"].as_str().unwrap())).collect()
}

#[test]
fn a_draft_is_held_against_recorded_calls_and_nothing_is_sent() {
    let house = house();
    let same = draft(&house, "same", "x", "x");
    let (code, told) = replayed(&house, &same, &[]);
    assert_eq!((code, &told["calls"], changed(&told).len()), (0, &json!(4), 0), "{told:#}");

    let narrower = draft(&house, "narrower", "models = [\"gpt-4o\", \"gpt-4o-mini\"]", "models = [\"gpt-4o-mini\"]");
    let (code, told) = replayed(&house, &narrower, &[]);
    let closes = |was| (was, "model-not-allowed", "closes");
    assert_eq!(changed(&told)[..2], [closes("allow"), closes("tokenise")], "{told:#}");
    assert_eq!(code, 1);

    let wider = draft(&house, "wider", "models = [\"gpt-4o\"", "models = [\"o9\", \"gpt-4o\"");
    let (_, told) = replayed(&house, &wider, &[]);
    assert_eq!(changed(&told), [("model-not-allowed", "allow", "opens")], "{told:#}");
    let call = &told["changed"][0];
    assert_eq!(
        (&call["judged_by"], &call["doubtful"], &call["workload"]),
        (&json!("findings"), &json!(false), &json!("assistant"))
    );
    let id = call["record"].as_str().unwrap();
    assert!(
        house.says(&["records", "--id", id, "--format", "ndjson"]).contains("model-not-allowed"),
        "it names the record"
    );

    let blacker =
        draft(&house, "blacker", "label = \"person\", do = \"tokenise\"", "label = \"person\", do = \"redact\"");
    let (_, told) = replayed(&house, &blacker, &[]);
    assert_eq!(changed(&told), [("tokenise", "redact", "changes")], "{told:#}");
    assert_eq!(told["changed"][0]["draft"]["done"], json!([{ "label": "person.email", "do": "redact" }]));

    let (code, said, _) = house.tries(&["replay", wider.to_str().unwrap()], &[]);
    assert!(code == 1 && said.contains("4 calls, 1 decided otherwise") && said.contains(id), "{said}");
    assert_eq!(replayed(&house, &wider, &["--workload", "nobody"]).0, 0, "only calls that are wanted");
    assert_eq!(house.tries(&["replay", "nowhere"], &[]).0, 2);
}

#[test]
fn what_a_draft_would_newly_find_is_seen_where_content_was_kept_and_its_key_is_there() {
    let house = house();
    let words = "\n[dictionary.dough]\nsensitivity = \"restricted\"\nterms = [\"sourdough\"]\n";
    let file = house.plant().join("plant.toml");
    let end = fs::read_to_string(&file).unwrap();
    let keener = draft(&house, "keener", &end, &(end.clone() + words));
    let (code, told) = replayed(&house, &keener, &[]);
    assert_eq!((code, &told["judged_by"]["content"]), (0, &json!(0)), "found then: no dough");
    let reads = |house: &House| house.says(&["records", "--kind", "read", "--format", "ndjson"]);
    assert_eq!(reads(&house), "");

    let key = house.plant().join("keys/seal.key");
    let (code, told) = replayed(&house, &keener, &["--key", key.to_str().unwrap()]);
    assert_eq!((code, &told["judged_by"]["content"]), (1, &json!(2)), "{told:#}");
    let changes = changed(&told);
    assert_eq!(changes.iter().map(|one| one.0).collect::<Vec<_>>(), ["allow", "tokenise"], "{told:#}");
    assert!(changes.iter().all(|one| one.1 != one.0), "{told:#}");
    assert!(!told.to_string().contains("sourdough"), "no content");
    let note = &serde_json::from_str::<Value>(&reads(&house)).unwrap()["note"];
    assert_eq!(
        (&note["event"], &note["sha256"]),
        (&json!("replayed"), &told["draft"]),
        "that it was read is on record"
    );
}

/// What a replay says that it left out.
fn left_out(told: &Value) -> Vec<&str> {
    told["not_replayed"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect()
}

#[test]
fn quotas_of_a_draft_are_counted_over_the_calls_and_what_was_not_replayed_is_told() {
    let house = house();
    let end = fs::read_to_string(house.plant().join("plant.toml")).unwrap();
    let quota = "\n[quotas.few]\nper = \"workload\"\nrequests = 1\nwindow = \"744h\"\n";
    let scarce = draft(&house, "scarce", &end, &(end.clone() + quota));
    let (code, told) = replayed(&house, &scarce, &[]);
    assert_eq!((code, changed(&told)), (1, vec![("tokenise", "quota-exceeded", "closes")]), "{told:#}");
    assert!(told["changed"][0]["draft"]["detail"].as_str().unwrap().contains("`few` lets `assistant` have 1 requests"));
    let partly = left_out(&told);
    assert!(partly.iter().any(|one| one.starts_with("2 answers: kept, and read with `--key` only")), "{partly:?}");
    assert!(partly.iter().any(|one| one.contains("used before the first")), "{partly:?}");
    assert!(partly.iter().any(|one| one.contains("what happens when providers fail")), "{partly:?}");

    // Over some of the calls alone no quota can be counted.
    let (code, told) = replayed(&house, &scarce, &["--workload", "assistant"]);
    assert_eq!((code, changed(&told).len()), (0, 0), "{told:#}");
    assert!(left_out(&told).iter().any(|one| one.starts_with("quotas: only some")), "{told:#}");
    let (_, said, _) = house.tries(&["replay", scarce.to_str().unwrap()], &[]);
    assert!(said.contains("Not replayed\n") && said.contains("quota-exceeded"), "{said}");
}

#[test]
fn answers_that_were_kept_are_read_again_where_their_key_is_there() {
    let house = house();
    let key = house.plant().join("keys/seal.key");
    let with_key = ["--key", key.to_str().unwrap()];
    let same = draft(&house, "same", "x", "x");
    let (code, told) = replayed(&house, &same, &with_key);
    assert_eq!((code, &told["answers"], &told["changed_answers"]), (0, &json!(2), &json!([])), "{told:#}");
    assert!(!left_out(&told).iter().any(|one| one.contains("answers")), "{told:#}");

    // The provider says a word to everything, which this draft keeps from whoever reads the answer.
    let end = fs::read_to_string(house.plant().join("plant.toml")).unwrap();
    let words = "\n[dictionary.sight]\nsensitivity = \"restricted\"\nterms = [\"seen\"]\n";
    let conduit = end.lines().find(|line| line.starts_with("[conduits.")).unwrap().trim_matches(['[', ']']).to_owned();
    let withheld = format!("{words}\n[[{conduit}.answers.withhold]]\nlabel = \"sight\"\ndo = \"redact\"\n");
    let keener = draft(&house, "keener", &end, &(end.clone() + &withheld));
    let (code, told) = replayed(&house, &keener, &with_key);
    assert_eq!((code, told["changed_answers"].as_array().unwrap().len()), (1, 2), "{told:#}");
    let one = &told["changed_answers"][0];
    assert_eq!((&one["in_force"]["changed"], &one["draft"]["changed"]), (&json!(false), &json!(true)), "{one}");
    assert_eq!(one["draft"]["findings"][0]["label"], "sight");
    assert!(
        house.says(&["records", "--id", one["record"].as_str().unwrap(), "--format", "ndjson"]).contains("outcome")
    );
    let (_, said, _) = house.tries(&[&["replay", keener.to_str().unwrap()], &with_key[..]].concat(), &[]);
    assert!(said.contains("2 answers were read again, of which 2 would be otherwise"), "{said}");
    assert!(said.contains("ANSWER NOW") && said.contains("changed (sight)"), "{said}");

    let (_, told) = replayed(&house, &keener, &[]);
    assert_eq!(told["answers"], 0, "nothing is read without a key, and that is told: {told:#}");
    assert!(left_out(&told).iter().any(|one| one.starts_with("2 answers: kept")), "{told:#}");
}
