//! Rows read back by parsers that know the formats and nothing of us.

use crate::{Exporter, Format};
use ledger::{ClockState, Stamp, leaf_hash};
use plant::{
    Body, Decided, Draft, FindingCount, Io, Kind, Millis, Outcome, Party, Place, PlantId, ProviderId, Reason, RecordId,
    Verdict, What, Who,
};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use seal::{hex, sha256_parts};
use serde_json::Value;
use store::Record;

const ORIGIN: &str = "brewery/gate-1/01010101010101010101010101010101";
const HOSTILE: &str = "=cmd|' /C calc'!A0\"],x=y\\|act=allow\r\n<13>1 forged\u{2028}\u{85}\u{1b}[2J";

/// A record that says hostile things wherever a record takes text from outside.
fn record(kind: Kind, hostile: &str) -> Record {
    let text = || Some(hostile.to_owned());
    let party = |by| Some(Party { id: hostile.to_owned(), by });
    let body = Body {
        who: Some(Who {
            client: Some(plant::Client { name: "OpenAI/Python".to_owned(), version: Some("1.52.0".to_owned()) }),
            workload: party("mtls"),
            workstation: party("asserted"),
            operator: party("oidc"),
            peer: "10.2.0.7".parse().unwrap(),
        }),
        place: Some(Place { plant: PlantId::new("brewery").unwrap(), zone: None, conduit: None, purpose: None }),
        what: Some(What {
            provider: ProviderId::new("openai").ok(),
            endpoint: hostile.to_owned(),
            model: text(),
            tools: vec![hostile.to_owned(), "two".to_owned()],
            sensitivity: text(),
            findings: vec![FindingCount { label: "tag".to_owned(), count: 2 }],
            ..What::default()
        }),
        decided: Some(Decided {
            verdict: Verdict::Refuse,
            reason: Some(Reason::NoConduit),
            detail: text(),
            rules: Vec::new(),
            policy: "ab".to_owned(),
        }),
        io: Some(Io { request_bytes: 12, input_tokens: Some(3), ..Io::default() }),
        out: Some(Outcome {
            status: 403,
            reason: None,
            began: Millis(1_763_674_500_000),
            micros: 2500,
            first_byte_micros: None,
            provider_id: text(),
            model: text(),
        }),
        ..Body::default()
    };
    let clk = ClockState { source: "ntp".to_owned(), bound: Some(5) };
    let stamp = Stamp { seq: 7, prev: [1; 32], t: Millis(1_763_674_500_007), mono: 9, boot: 1, clk };
    let line = ledger::encode(&stamp, &Draft { kind, id: RecordId::new(Millis(1), [7; 10]), reference: None, body });
    let line = line.unwrap();
    Record { entry: ledger::decode(&line).unwrap(), line }
}

fn exported(format: Format, records: &[Record]) -> String {
    let mut exporter = Exporter::new(format, ORIGIN.to_owned(), Vec::new()).unwrap();
    for record in records {
        exporter.write(record).unwrap();
    }
    String::from_utf8(exporter.finish().unwrap()).unwrap()
}

/// RFC 4180, section 2.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && characters.next_if_eq(&'\n').is_some() => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            _ => cell.push(character),
        }
    }
    assert!(!quoted && cell.is_empty() && row.is_empty(), "the last line is whole");
    rows
}

/// RFC 5424, section 6.3: name and value of every parameter.
fn parameters(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = &line[line.find("[penstock@32473 ").unwrap() + 16..];
    loop {
        let (name, after) = rest.split_once("=\"").unwrap();
        let (mut value, mut characters) = (String::new(), after.char_indices());
        let end = loop {
            match characters.next().unwrap() {
                (_, '\\') => value.push(characters.next().unwrap().1),
                (at, '"') => break at,
                (_, ']') => panic!("a bracket that is not escaped: {line}"),
                (_, character) => value.push(character),
            }
        };
        found.push((name.to_owned(), value));
        rest = &after[end + 1..];
        match rest.chars().next() {
            Some(' ') => rest = &rest[1..],
            Some(']') => return found,
            other => panic!("{other:?} after a parameter"),
        }
    }
}

/// The pairs of a CEF extension: a pair begins at a blank, a word, and an equals sign that is not escaped.
fn extension(line: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for word in line.split(' ') {
        let bare = word.find('=').filter(|at| !word[..*at].contains('\\'));
        match (bare, pairs.last_mut()) {
            (Some(at), _) => pairs.push((word[..at].to_owned(), word[at + 1..].to_owned())),
            (None, Some((_, value))) => *value = format!("{value} {word}"),
            (None, None) => panic!("the extension begins with `{word}`"),
        }
    }
    let plain = |value: &str| value.replace("\\=", "=").replace("\\\\", "\\");
    pairs.into_iter().map(|(key, value)| (key, plain(&value))).collect()
}

/// What the ledger lets through of a hostile text.
fn kept(record: &Record) -> String {
    record.entry.text("what.model").unwrap().to_owned()
}

#[test]
fn every_row_leads_back_to_its_record() {
    let records = [record(Kind::Refuse, HOSTILE), record(Kind::Outcome, "plain")];
    for (record, row) in records.iter().zip(exported(Format::Ndjson, &records).lines()) {
        let leaf = hex(&leaf_hash(&record.line));
        let bytes = row.split_once("\"record\":").unwrap().1.strip_suffix('}').unwrap();
        assert_eq!(hex(&sha256_parts(&[&[0], bytes.as_bytes()])), leaf);
        let value: Value = serde_json::from_str(row).unwrap();
        assert_eq!((value["seq"].as_u64(), value["leaf"].as_str()), (Some(7), Some(leaf.as_str())));
    }
    for format in [Format::Csv, Format::Ocsf, Format::Cef, Format::Rfc5424] {
        let text = exported(format, &records);
        assert!(records.iter().all(|record| text.contains(&hex(&leaf_hash(&record.line)))), "{format:?}");
    }
}

#[test]
fn csv_keeps_hostile_text_in_its_cell_and_makes_no_formula() {
    let hostile = record(Kind::Refuse, HOSTILE);
    let rows = csv(&exported(Format::Csv, &[hostile.clone(), record(Kind::Refuse, "a")]));
    assert!(rows.len() == 3 && rows.iter().all(|row| row.len() == super::csv::COLUMNS.len()));
    let column = |name: &str| rows[0].iter().position(|column| column == name).unwrap();
    assert_eq!(rows[1][column("what.model")], format!("'{}", kept(&hostile)));
    assert_eq!(rows[1][column("what.findings")], "tag (2)");
    assert_eq!((rows[1][0].as_str(), rows[1][2].as_str()), ("7", "2025-11-20T21:35:00.007Z"));
    let dangerous = |cell: &String| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    assert!(!rows.iter().flatten().any(dangerous));
}

#[test]
fn cef_keeps_hostile_text_in_its_value() {
    let hostile = record(Kind::Refuse, HOSTILE);
    let text = exported(Format::Cef, &[hostile.clone(), record(Kind::Refuse, "a")]);
    assert_eq!(text.lines().count(), 2);
    let line = text.lines().next().unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let body = line.strip_prefix(&format!("CEF:0|Penstock|Penstock|{version}|refuse|AI refuse|6|")).unwrap();
    let pairs = extension(body);
    let value =
        |key: &str| pairs.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
    assert_eq!(value("act"), ["refuse"], "the forged one stays in its field");
    assert_eq!(value("cs4"), [kept(&hostile)]);
    assert_eq!((value("cn1"), value("cn1Label")), (vec!["7"], vec!["seq"]));
    assert_eq!((value("src"), value("rt"), value("in")), (vec!["10.2.0.7"], vec!["1763674500007"], vec!["12"]));
}

#[test]
fn rfc_5424_keeps_hostile_text_in_its_parameter() {
    let hostile = record(Kind::Refuse, HOSTILE);
    let text = exported(Format::Rfc5424, &[hostile.clone(), record(Kind::Refuse, "a")]);
    assert_eq!(text.lines().count(), 2);
    let line = text.lines().next().unwrap();
    // Facility 13, severity 4.
    assert!(line.starts_with("<108>1 2025-11-20T21:35:00.007Z gate-1 penstock - refuse [timeQuality "), "{line}");
    assert!(line.contains("[timeQuality tzKnown=\"1\" isSynced=\"1\" syncAccuracy=\"5000\"]"), "{line}");
    assert!(line.ends_with("] refuse refuse no-conduit"), "{line}");
    let parameters = parameters(line);
    let value = |key: &str| parameters.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    assert_eq!(value("model"), Some(kept(&hostile)));
    assert_eq!(value("seq"), Some("7".to_owned()));
    let name_fits = |name: &str| name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(parameters.iter().all(|(name, _)| name_fits(name)));
}

#[test]
fn ocsf_has_what_its_class_requires() {
    for record in [record(Kind::Refuse, HOSTILE), record(Kind::Outcome, "a"), bare()] {
        let text = exported(Format::Ocsf, std::slice::from_ref(&record));
        let event: Value = serde_json::from_str(text.strip_suffix('\n').unwrap()).unwrap();
        for number in ["activity_id", "category_uid", "class_uid", "severity_id", "time", "type_uid", "status_id"] {
            assert!(event[number].is_u64(), "{number}: {event}");
        }
        let id = |key: &str| event[key].as_u64().unwrap();
        assert_eq!((id("class_uid"), id("type_uid")), (6003, id("class_uid") * 100 + id("activity_id")));
        assert!(event["api"]["operation"].is_string() && event["metadata"]["product"]["name"].is_string());
        assert_eq!(event["metadata"]["version"], "1.8.0");
        // At least one of the members that the schema lists.
        let any = |object: &str, keys: &[&str]| keys.iter().any(|key| !event[object][key].is_null());
        assert!(any("actor", &["user", "app_name"]) && any("src_endpoint", &["ip", "name"]), "{event}");
        let raw = event["raw_data"].as_str().unwrap();
        assert_eq!(event["unmapped"]["leaf"], hex(&sha256_parts(&[&[0], raw.as_bytes()])));
        if let Some(model) = event["ai_model"].as_object() {
            assert!(model.contains_key("ai_provider") && model["name"] == record.entry.text("out.model").unwrap());
            assert_eq!(event["metadata"]["profiles"][0], "ai_operation");
        }
    }
}

/// A record of no call.
fn bare() -> Record {
    let stamp = Stamp { seq: 0, prev: [0; 32], t: Millis(1), mono: 1, boot: 1, clk: ClockState::default() };
    let draft =
        Draft { kind: Kind::Boot, id: RecordId::new(Millis(1), [1; 10]), reference: None, body: Body::default() };
    let line = ledger::encode(&stamp, &draft).unwrap();
    Record { entry: ledger::decode(&line).unwrap(), line }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_leaves_its_field(hostile in any::<String>()) {
        let record = record(Kind::Refuse, &hostile);
        let records = [record.clone(), record.clone()];
        let rows = csv(&exported(Format::Csv, &records));
        prop_assert_eq!(rows.len(), 3);
        prop_assert_eq!(rows[1].len(), super::csv::COLUMNS.len());
        let at = super::csv::COLUMNS.iter().position(|column| *column == "what.model").unwrap();
        let cell = rows[1][at].strip_prefix('\'').unwrap_or(&rows[1][at]);
        prop_assert_eq!(cell, kept(&record));
        let syslog = exported(Format::Rfc5424, &records);
        prop_assert_eq!(syslog.lines().count(), 2);
        let found = parameters(syslog.lines().next().unwrap());
        let model = found.iter().find(|(name, _)| name == "model").unwrap();
        prop_assert_eq!(&model.1, &kept(&record));
        let cef = exported(Format::Cef, &records);
        prop_assert_eq!(cef.lines().count(), 2);
        prop_assert_eq!(exported(Format::Ocsf, &records).lines().count(), 2);
        prop_assert_eq!(exported(Format::Ndjson, &records).lines().count(), 2);
    }
}

#[test]
fn the_reference_lists_every_field() {
    let page = include_str!("../../../docs/src/reference/exports.md");
    let keys = crate::cef::KEYS.iter().map(|(key, _)| key).chain(crate::cef::LABELLED.iter().map(|(key, ..)| key));
    let unmapped: Vec<String> = crate::ocsf::UNMAPPED.iter().map(|(key, _)| format!("unmapped.{key}")).collect();
    let parameters = crate::syslog::PARAMETERS.iter().map(|(name, _)| name);
    let all = crate::csv::COLUMNS.iter().chain(keys).chain(parameters).copied();
    let missing: Vec<_> =
        all.chain(unmapped.iter().map(String::as_str)).filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
