//! What is listed by hand is complete: fields, files, headers, metrics.

use crate::{PENSTOCK, read, root};
use plant::Reason;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// A record that says all that a record can say.
fn full() -> Vec<u8> {
    use plant::{
        Body, Decided, Draft, FindingCount, Io, Kind, Millis, Note, Outcome, Party, Place, RecordId, Sealed, Verdict,
        What, Who,
    };
    let party = |by| Some(Party { id: "one".to_owned(), by });
    let text = || Some("text".to_owned());
    let body = Body {
        who: Some(Who {
            client: Some(plant::Client { name: "OpenAI/Python".to_owned(), version: Some("1.52.0".to_owned()) }),
            workload: party("token"),
            workstation: party("mtls"),
            operator: party("oidc"),
            peer: [127, 0, 0, 1].into(),
        }),
        place: Some(Place {
            plant: plant::PlantId::new("works").unwrap(),
            zone: plant::ZoneId::new("line").ok(),
            conduit: plant::ConduitId::new("one").ok(),
            purpose: plant::Purpose::new("advice").ok(),
        }),
        what: Some(What {
            provider: plant::ProviderId::new("openai").ok(),
            rerouted: plant::ProviderId::new("edge").ok(),
            dialect: Some(plant::Dialect::OpenAi),
            endpoint: "chat.completions".to_owned(),
            model: text(),
            renamed: text(),
            tools: vec!["tool".to_owned()],
            sensitivity: text(),
            findings: vec![FindingCount { label: "tag".to_owned(), count: 1 }],
            stream: true,
        }),
        decided: Some(Decided {
            verdict: Verdict::Allow,
            reason: Some(Reason::Malformed),
            detail: text(),
            rules: vec![plant::RuleId::new("rule").unwrap()],
            policy: "digest".to_owned(),
        }),
        io: Some(Io {
            request: text(),
            request_bytes: 1,
            sent: text(),
            answer: text(),
            answer_bytes: 1,
            input_tokens: Some(1),
            output_tokens: Some(1),
        }),
        out: Some(Outcome {
            status: 200,
            reason: Some(Reason::Malformed),
            began: Millis(1),
            micros: 1,
            first_byte_micros: Some(1),
            provider_id: text(),
            model: text(),
        }),
        seal: Some(Sealed { blob: "digest".to_owned(), key: "2026-11/workload.one".to_owned() }),
        note: BTreeMap::from([("key", Note::Number(1))]),
    };
    let id = RecordId::new(Millis(1), [0; 10]);
    let clk = ledger::ClockState { source: "ntp".to_owned(), bound: Some(1) };
    let stamp = ledger::Stamp { seq: 1, prev: [0; 32], t: Millis(1), mono: 1, boot: 1, clk };
    ledger::encode(&stamp, &Draft { kind: Kind::Outcome, id, reference: Some(id), body }).unwrap()
}

fn keys(value: &serde_json::Value, path: &str, out: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(members) if path != "note" => {
            for (key, value) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                keys(value, &path, out);
            }
        }
        serde_json::Value::Array(items) if items.iter().all(serde_json::Value::is_object) => {
            items.iter().for_each(|item| keys(item, path, out));
        }
        _ => {
            out.insert(path.to_owned());
        }
    }
}

#[test]
fn every_field_of_a_record_is_explained() {
    let page = read(&root().join("docs/src/reference/records.md"));
    let mut fields = BTreeSet::new();
    keys(&serde_json::from_slice(&full()).unwrap(), "", &mut fields);
    let names =
        plant::Kind::NAMES.iter().map(|(name, _)| *name).chain(plant::Verdict::NAMES.iter().map(|(name, _)| *name));
    let missing: Vec<String> = fields
        .into_iter()
        .chain(names.map(str::to_owned))
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_kind_of_record_is_written_where_the_page_says() {
    let page = read(&root().join("docs/src/reference/records.md"));
    let (_, rest) = page.split_once("| `kind` | when | written in |\n").unwrap();
    let (table, _) = rest.split_once("\n\n").unwrap();
    let mut written = BTreeMap::new();
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        let [kind, .., file] = cells[..] else { panic!("{row}") };
        let kind = plant::Kind::named(kind).unwrap_or_else(|| panic!("{row}"));
        let source = read(&root().join(file));
        assert!(source.contains(&format!("Kind::{kind:?}")), "{file} writes no `{}`", kind.name());
        assert!(written.insert(kind, file).is_none(), "{row}");
    }
    let all: Vec<_> = plant::Kind::NAMES.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(
        written.len(),
        all.len(),
        "{:?}",
        all.iter().filter(|kind| !written.contains_key(kind)).collect::<Vec<_>>()
    );
}

#[test]
fn every_file_of_a_plant_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let plant = folder.path().join("hilltop");
    let status = Command::new(PENSTOCK).args(["init"]).arg(&plant).stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
    let page = read(&root().join("docs/src/reference/folder.md"));
    let mut folders = vec![plant.clone()];
    let mut missing = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let name = entry.strip_prefix(&plant).unwrap().display().to_string();
            let name = name.replace("workloads/assistant.", "workloads/<workload>.");
            if !page.contains(&name) {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_header_is_explained() {
    let page = read(&root().join("docs/src/reference/headers.md")).to_lowercase();
    let ours = [identity::OPERATOR_HEADER, identity::WORKSTATION_HEADER, "penstock-purpose"];
    let back = ["penstock-record", "penstock-decision", "penstock-rerouted", "penstock-fallback"];
    for name in ours.iter().chain(&back).chain(&identity::TOKEN_HEADERS) {
        assert!(page.contains(&format!("`{name}")), "{name}");
    }
}

/// A gateway that ends with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_metric_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let plant = folder.path().join("hilltop");
    assert!(Command::new(PENSTOCK).arg("init").arg(&plant).stdout(Stdio::null()).status().unwrap().success());
    let file = plant.join("plant.toml");
    let text = read(&file).replace("127.0.0.1:9464", "127.0.0.1:0").replace("127.0.0.1:9465", "127.0.0.1:0");
    let text = text.replace("listen = [\"127.0.0.1:8443\"]", "listen = []\nplain_http = [\"127.0.0.1:0\"]");
    std::fs::write(&file, text).unwrap();
    let mut child = Command::new(PENSTOCK);
    child.arg("run").arg("--plant").arg(&plant).args(["--log", "json"]).stderr(Stdio::piped());
    let mut running = Running(child.spawn().unwrap());
    let log = BufReader::new(running.0.stderr.take().unwrap());
    let mut addresses = log.lines().map_while(Result::ok).filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line).ok()?;
        Some(line.get("address")?.as_str()?.to_owned())
    });
    let (calls, operations) = (addresses.next().unwrap(), addresses.next().unwrap());
    assert!(get(&calls, "/openai/v1/models").contains("no-identity"));
    let metrics = get(&operations, "/metrics");
    let page = read(&root().join("docs/src/reference/metrics.md"));
    let names: Vec<&str> = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(names.len() > 8, "{metrics}");
    for name in names.iter().filter_map(|line| line.split_whitespace().next()) {
        assert!(page.contains(&format!("`{name}")), "{name}");
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The attacks and faults that the ledger was designed against. None of them goes without a test.
const TRIED: &str = "A1 A2 A3 A5 A6 A7 A8 A9 A10 A11 A12 A15 A17 A18 A19 A21 F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F14 F15";

#[test]
fn every_attack_has_its_tests_and_every_test_is_there() {
    let mut known = BTreeSet::new();
    for folder in ["core", "shell", "cli/tests", "verify", "sdk"] {
        tests_below(&root().join(folder), &mut known);
    }
    let page = read(&root().join("docs/src/reference/attacks.md"));
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let rows: BTreeMap<&str, Vec<&str>> = rows
        .filter(|(id, _)| id.len() < 4 && id.starts_with(['A', 'F']))
        .map(|(id, rest)| (id, rest.rsplit_once(" | ").unwrap().1.split('`').skip(1).step_by(2).collect()))
        .collect();
    assert_eq!(rows.keys().copied().collect::<BTreeSet<_>>(), TRIED.split(' ').collect());
    for (id, tests) in rows {
        assert!(!tests.is_empty(), "{id}");
        let missing: Vec<&str> = tests.into_iter().filter(|test| !known.contains(*test)).collect();
        assert_eq!(missing, [""; 0], "{id}");
    }
}

/// The names of all functions that are tests, in Rust and in Python.
fn tests_below(folder: &std::path::Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|extension| extension.to_str()) {
            None if path.is_dir() && !path.ends_with("node_modules") => tests_below(&path, into),
            Some("rs" | "py") => {
                let text = std::fs::read_to_string(path).unwrap();
                let mut lines = text.lines().map(str::trim_start).peekable();
                while let Some(line) = lines.next() {
                    let next = lines.peek().copied().unwrap_or_default();
                    let named = match line.ends_with("test]") || line.starts_with("#[tokio::test") {
                        true => next.trim_start_matches("async ").strip_prefix("fn "),
                        false => line.strip_prefix("def "),
                    };
                    into.extend(named.and_then(|named| named.split_once('(')).map(|(name, _)| name.to_owned()));
                }
            }
            _ => {}
        }
    }
}
