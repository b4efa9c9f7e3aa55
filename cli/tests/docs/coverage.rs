//! What of each call is inspected: a table made of the golden requests, and the proof that it holds, field by field.
//!
//! A golden request, or event of a session, is `testdata/dialects/<dialect>/requests/<endpoint>--<case>.json`, `.form` or `.grpc`. Servers that speak another's
//! dialect share its requests too.

use crate::root;
use inspect::{Inspector, Settings};
use plant::{Dialect, Sensitivity};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use wire::{Carries, Endpoint, Limits, Request};

const FORM: &str = "multipart/form-data; boundary=7f3c2a91d0";
/// A key of somebody's account: found wherever it stands.
const SECRET: &str = "AKIAY3FDF7Q2K5TNW4ZB";

/// The golden requests of an endpoint: the file's name and its bytes.
fn golden(endpoint: Endpoint) -> Vec<(String, Vec<u8>)> {
    let of = |dialect: Dialect| -> Vec<(String, Vec<u8>)> {
        let folder = root().join("testdata/dialects").join(dialect.name()).join("requests");
        let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let grpc = |path: &std::path::Path| path.extension().is_some_and(|own| own == "grpc");
        let own = files.filter(|path| name(path).split("--").next() == Some(endpoint.name()));
        let own = own.filter(|path| grpc(path) == endpoint.is_grpc());
        own.map(|path| (format!("{} {}", dialect, name(&path)), std::fs::read(&path).unwrap())).collect()
    };
    let mut all = of(endpoint.dialect());
    if endpoint.dialect().kin() != endpoint.dialect() {
        all.extend(of(endpoint.dialect().kin()));
    }
    all.sort();
    all
}

/// Endpoints whose calls hold something to inspect, each once.
fn endpoints() -> Vec<Endpoint> {
    let mut seen = BTreeSet::new();
    let carries = |endpoint: &Endpoint| {
        endpoint.is_session() || !matches!(endpoint.carries(), Carries::Nothing | Carries::JsonOrNothing)
    };
    let mut all: Vec<_> = wire::endpoints()
        .filter(carries)
        // What a server is asked about itself has no text.
        .filter(|endpoint| !endpoint.is_grpc() || endpoint.asks_model())
        .filter(|endpoint| seen.insert((endpoint.dialect(), endpoint.name(), endpoint.is_grpc())))
        .collect();
    all.sort_by_key(Endpoint::dialect);
    all
}

fn request<'a>(endpoint: Endpoint, bytes: &'a [u8]) -> Option<Request<'a>> {
    if endpoint.is_session() {
        return Request::parse_event(endpoint, bytes, &Limits::default()).ok();
    }
    let kind = match endpoint.carries() {
        Carries::Form => FORM,
        Carries::Protobuf => "application/grpc",
        _ => "application/json",
    };
    Request::parse(endpoint, Some(kind), bytes, &Limits::default()).ok()
}

/// The generated page: for each endpoint, the fields that a call has and what becomes of a finding in each.
pub(crate) fn table() -> String {
    let mut text = String::new();
    let mut last = None;
    for endpoint in endpoints() {
        if last.replace(endpoint.dialect()) != Some(endpoint.dialect()) {
            writeln!(
                text,
                "### `{}`\n\n| call | may be replaced | stays, so that a finding refuses | opened as a file |",
                endpoint.dialect()
            )
            .unwrap();
            text.push_str("|---|---|---|---|\n");
        }
        let mut fields: [BTreeSet<String>; 3] = Default::default();
        for (_, bytes) in golden(endpoint) {
            let Some(request) = request(endpoint, &bytes) else { continue };
            for piece in &request.content().pieces {
                let column = match (&piece.attachment, piece.fixed) {
                    (Some(_), _) => 2,
                    (None, fixed) => usize::from(fixed),
                };
                if !piece.path.contains('{') && !piece.path.ends_with("(key)") {
                    fields[column].insert(format!("`{}`", shape(&piece.path)));
                }
            }
        }
        let cell = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
        let [replaced, stays, files] = &fields;
        let over = if endpoint.is_grpc() { " over gRPC" } else { "" };
        writeln!(text, "| `{}`{over} | {} | {} | {} |", endpoint.name(), cell(replaced), cell(stays), cell(files))
            .unwrap();
    }
    text.replace("\n###", "\n\n###").trim_end().to_owned() + "\n"
}

/// A path without the places in its lists.
fn shape(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for letter in path.chars() {
        if !(inside && letter.is_ascii_digit()) {
            out.push(letter);
        }
        inside = letter == '[' || inside && letter.is_ascii_digit();
    }
    out
}

#[test]
fn every_endpoint_that_takes_content_has_a_golden_request() {
    let without: Vec<_> = endpoints().into_iter().filter(|endpoint| golden(*endpoint).is_empty()).collect();
    assert!(without.is_empty(), "{without:?}");
}

/// Every place of a JSON value that holds a string.
fn places(value: &serde_json::Value, at: &str, out: &mut Vec<String>) {
    match value {
        serde_json::Value::String(_) => out.push(at.to_owned()),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), out));
        }
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                places(member, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        _ => {}
    }
}

/// The same value with a member under another name.
fn renamed(value: &serde_json::Value, place: &str, name: &str) -> Option<serde_json::Value> {
    let mut changed = value.clone();
    let (parent, key) = place.rsplit_once('/')?;
    let object = changed.pointer_mut(parent)?.as_object_mut()?;
    let member = object.remove(&key.replace("~1", "/").replace("~0", "~"))?;
    object.insert(name.to_owned(), member);
    Some(changed)
}

/// A secret put into each string of each golden request, and in the place of each key above one, is found: or the call is
/// refused as malformed, and leaves no more than if it had been found.
#[test]
fn a_secret_in_any_field_of_any_call_is_found() {
    let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).unwrap();
    let found = |endpoint: Endpoint, body: &[u8]| {
        request(endpoint, body).is_none_or(|request| {
            let findings = inspector.read(request.content()).unwrap();
            findings.iter().any(|finding| finding.rule.as_str() == "key.aws")
        })
    };
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    for endpoint in endpoints() {
        for (name, bytes) in golden(endpoint) {
            assert!(!found(endpoint, &bytes), "{name} holds a secret of its own, or is malformed");
            // Parts of forms have a test of their own; fields of messages one with the protocol's own descriptors, in `sdk/`.
            if matches!(endpoint.carries(), Carries::Form | Carries::Protobuf) {
                continue;
            }
            let whole: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            let mut strings = Vec::new();
            places(&whole, "", &mut strings);
            for place in strings {
                let mut changed = whole.clone();
                *changed.pointer_mut(&place).unwrap() = format!("use {SECRET} today").into();
                assert!(found(endpoint, changed.to_string().as_bytes()), "{name} {place}");
                if let Some(changed) = renamed(&whole, &place, SECRET) {
                    assert!(found(endpoint, changed.to_string().as_bytes()), "{name}: the key {place}");
                }
                *tried.entry(endpoint.dialect().name()).or_default() += 1;
            }
        }
    }
    assert_eq!(tried.len(), Dialect::NAMES.len(), "{tried:?}");
    assert!(tried.values().sum::<usize>() > 500, "{tried:?}");
}

/// The same of what stands beside the body: parameters of the path, the query, headers; and of the parts of a form.
#[test]
fn a_secret_beside_the_body_or_in_a_part_of_a_form_is_found() {
    let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).unwrap();
    let found = |request: &Request<'_>| {
        let findings = inspector.read(request.content()).unwrap();
        findings.iter().any(|finding| finding.rule.as_str() == "key.aws")
    };
    for endpoint in endpoints() {
        for (name, bytes) in golden(endpoint) {
            let before = if endpoint.dialect() == Dialect::Azure { "/openai" } else { "" };
            let path = |value: &str| {
                let pattern = endpoint.pattern().replace("{...}", &format!("any/{value}"));
                let filled = pattern.split('/').map(|segment| match segment.split_once('}') {
                    Some((_, method)) => format!("{value}{method}"),
                    None => segment.to_owned(),
                });
                format!("{before}{}", filled.collect::<Vec<_>>().join("/"))
            };
            let (plain, secret) = (path("m"), path(SECRET));
            let read = || request(endpoint, &bytes).unwrap();
            assert_eq!(found(&read().at(&secret, None)), secret != plain, "{name} path");
            assert!(found(&read().at(&plain, Some(&format!("a={SECRET}")))), "{name} query");
            let header = ("x-amzn-bedrock-trace", SECRET.as_bytes());
            assert!(found(&read().at(&plain, None).with_headers([header])), "{name} header");
            if endpoint.carries() == Carries::Form {
                let text = String::from_utf8_lossy(&bytes);
                for (at, part) in
                    text.split("\r\n\r\n").enumerate().skip(1).filter(|(_, part)| part.contains("--7f3c2a91d0"))
                {
                    let said = part.split("\r\n--7f3c2a91d0").next().unwrap_or_default();
                    let changed: Vec<String> = text
                        .split("\r\n\r\n")
                        .enumerate()
                        .map(|(n, own)| if n == at { own.replacen(said, SECRET, 1) } else { own.to_owned() })
                        .collect();
                    let changed = changed.join("\r\n\r\n").into_bytes();
                    assert!(request(endpoint, &changed).is_none_or(|request| found(&request)), "{name} part {at}");
                }
            }
        }
    }
}
