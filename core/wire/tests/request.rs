//! Requests as applications send them, and as attackers do, from `testdata/`.
//!
//! A golden request is `testdata/dialects/<dialect>/requests/<endpoint>--<case>.json`, `.form` or `.grpc`; what is read of it is
//! a snapshot. A hostile one is `testdata/hostile/<reason>--<what>.json`; its name says what must come of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read its data has failed")]

use penstock_wire as wire;
use plant::{Dialect, Edit};
use proptest::test_runner::{Config, TestRunner};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use wire::{Endpoint, Limits, Malformed, Request};

const FORM: &str = "multipart/form-data; boundary=7f3c2a91d0";

fn testdata(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(below)
}

/// The files of a folder with their names split at `--`, in order.
fn files(folder: &str) -> Vec<(String, String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(testdata(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let (first, rest) = name.split_once("--").unwrap_or_else(|| panic!("{name}"));
            (first.to_owned(), rest.to_owned(), std::fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} is empty");
    files
}

/// Every golden request: dialect, endpoint, its name, its bytes.
fn golden() -> Vec<(Dialect, Endpoint, String, Vec<u8>)> {
    let all = Dialect::NAMES.iter().flat_map(|(name, dialect)| {
        files(&format!("dialects/{name}/requests")).into_iter().map(move |(endpoint, case, bytes)| {
            let grpc = case.ends_with(".grpc");
            let takes = |own: &Endpoint| (own.method() == "POST" || own.is_session()) && own.is_grpc() == grpc;
            let known = wire::endpoints().find(|own| own.dialect() == *dialect && own.name() == endpoint && takes(own));
            (*dialect, known.unwrap_or_else(|| panic!("{endpoint}")), format!("{name}-{endpoint}-{case}"), bytes)
        })
    });
    all.collect()
}

fn parse(endpoint: Endpoint, bytes: &[u8]) -> Result<Request<'_>, Malformed> {
    if endpoint.is_session() {
        return Request::parse_event(endpoint, bytes, &Limits::default());
    }
    let kind = endpoint.content_type().filter(|kind| *kind != "multipart/form-data").unwrap_or(FORM);
    Request::parse(endpoint, Some(kind), bytes, &Limits::default())
}

fn show(request: &Request<'_>) -> String {
    let mut out = format!("model {:?}, stream {}, tools {:?}\n\n", request.model(), request.stream(), request.tools());
    for piece in &request.content().pieces {
        let what = match &piece.attachment {
            Some(kind) => format!("<{kind}>"),
            None => format!("{}{:?}", if piece.fixed { "fixed " } else { "" }, piece.text),
        };
        writeln!(out, "{}: {what}", piece.path).unwrap();
    }
    out
}

#[test]
fn golden_requests_are_read_as_pieces() {
    for (_, endpoint, name, bytes) in golden() {
        let request = parse(endpoint, &bytes).unwrap_or_else(|bad| panic!("{name}: {bad}"));
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name.as_str(), show(&request));
        });
        assert_eq!(request.rewrite(&[], None).unwrap(), bytes, "{name}");
    }
}

#[test]
fn hostile_bodies_come_to_what_their_names_say() {
    let chat = wire::endpoint(Dialect::OpenAi, "POST", "/v1/chat/completions").unwrap();
    for (reason, what, bytes) in files("hostile") {
        let came = parse(chat, &bytes).map_or_else(|bad| bad.reason.code(), |_| "accepted");
        assert_eq!(came, reason, "{what}");
    }
}

/// Every place of a JSON value that holds a string: a value, or a key that can be renamed.
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

/// Whatever string or key of a golden request is replaced, the replacement is read, or the call refused.
#[test]
fn no_string_and_no_key_leaves_unread() {
    const CANARY: &str = "canary 7Q2x";
    let mut tried = 0;
    for (_, endpoint, name, bytes) in golden().into_iter().filter(|(_, _, name, _)| name.ends_with(".json")) {
        let whole: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let mut strings = Vec::new();
        places(&whole, "", &mut strings);
        for place in &strings {
            let mut changed = whole.clone();
            *changed.pointer_mut(place).unwrap() = CANARY.into();
            is_read(endpoint, &changed, &format!("{name} {place}"), CANARY);
            // A member beside it, under a key that nobody knows.
            let (parent, _) = place.rsplit_once('/').unwrap();
            if let Some(object) = changed.pointer_mut(parent).and_then(serde_json::Value::as_object_mut) {
                object.insert(format!("{CANARY} key"), format!("{CANARY} value").into());
                is_read(endpoint, &changed, &format!("{name} {place} key"), &format!("{CANARY} key"));
                is_read(endpoint, &changed, &format!("{name} {place} value"), &format!("{CANARY} value"));
            }
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

fn is_read(endpoint: Endpoint, body: &serde_json::Value, what: &str, canary: &str) {
    let bytes = body.to_string().into_bytes();
    if let Ok(request) = parse(endpoint, &bytes) {
        assert!(request.content().pieces.iter().any(|piece| piece.text == canary), "{what}");
    }
}

#[test]
fn events_of_a_session_say_what_they_set() {
    let session = wire::endpoints().find(Endpoint::is_session).unwrap();
    let read =
        |name: &str| std::fs::read(testdata(&format!("dialects/openai/requests/realtime--{name}.json"))).unwrap();
    let (update, sound, item) = (read("session"), read("sound"), read("item"));
    let request = parse(session, &update).unwrap();
    assert_eq!((request.transcriber(), request.asked_model()), (Some("gpt-4o-transcribe"), None));
    assert_eq!((request.tools(), request.is_sound()), (&["read_tag".to_owned()][..], false));
    assert!(parse(session, &sound).unwrap().is_sound() && !parse(session, &item).unwrap().is_sound());
    let model = br#"{"type":"session.update","session":{"model":"a","input_audio_transcription":{"model":"b"}}}"#;
    let request = parse(session, model).unwrap();
    assert_eq!((request.asked_model(), request.transcriber()), (Some("a"), Some("b")));
    for none in ["{}", r#"{"type":""}"#, r#"{"type":7}"#, "[]", r#"{"type":"x","Session":{}}"#] {
        assert!(parse(session, none.as_bytes()).is_err(), "{none}");
    }
    // Of two models, nobody knows which the provider takes.
    for two in [
        r#"{"type":"x","session":{"model":"a"},"response":{"model":"b"}}"#,
        r#"{"type":"x","session":{"audio":{"input":{"transcription":{"model":"a"}}},"input_audio_transcription":{"model":"b"}}}"#,
    ] {
        assert!(parse(session, two.as_bytes()).unwrap_err().to_string().contains("two models"), "{two}");
        assert!(parse(session, two.replace("\"b\"", "\"\\u0061\"").as_bytes()).is_ok(), "{two}");
    }
    // The handshake names the model once, or leaves it to the provider.
    for (query, model) in
        [("model=a", "a"), ("model=a&model=b", ""), ("model=a%20b", ""), ("Model=a&model=b", ""), ("", "")]
    {
        let handshake = Request::parse(session, None, b"", &Limits::default()).unwrap();
        assert_eq!(handshake.at("/v1/realtime", Some(query)).asked_model(), Some(model), "{query}");
    }
}

/// Every piece that may be edited is, once alone and once with all the others; the body reads again as asked.
#[test]
fn every_piece_that_is_not_fixed_can_be_replaced() {
    // A file of calls with other words in the place of all of them is no such file.
    for (_, endpoint, name, bytes) in golden().into_iter().filter(|(_, _, name, _)| name != "openai-files-batch.form") {
        let request = parse(endpoint, &bytes).unwrap();
        let pieces = &request.content().pieces;
        let whole = |piece: usize| Edit {
            piece,
            span: 0..pieces[piece].text.len(),
            replacement: format!("neu \u{fc} {piece}"),
        };
        let edits: Vec<Edit> = (0..pieces.len()).filter(|piece| !pieces[*piece].fixed).map(whole).collect();
        let changed = request.rewrite(&edits, None).unwrap_or_else(|unfit| panic!("{name}: {unfit}"));
        let again = parse(endpoint, &changed).unwrap_or_else(|bad| panic!("{name}: {bad}"));
        assert_eq!(again.content().pieces.len(), pieces.len(), "{name}");
        for (n, (before, after)) in pieces.iter().zip(&again.content().pieces).enumerate() {
            assert_eq!((&before.path, before.fixed, &before.attachment), (&after.path, after.fixed, &after.attachment));
            let expected = if before.fixed { before.text.as_ref() } else { &format!("neu \u{fc} {n}") };
            assert_eq!(after.text, expected, "{name}");
        }
        for fixed in (0..pieces.len()).filter(|piece| pieces[*piece].fixed) {
            assert!(request.rewrite(&[whole(fixed)], None).is_err(), "{name} {fixed}");
        }
    }
}

/// Golden and hostile bodies, damaged at one byte, in every dialect.
#[test]
fn damaged_bodies_never_panic() {
    let mut seeds: Vec<Vec<u8>> = golden().into_iter().map(|(_, _, _, bytes)| bytes).collect();
    seeds.extend(files("hostile").into_iter().map(|(_, _, bytes)| bytes).filter(|bytes| bytes.len() < 4096));
    let endpoints = wire::endpoints().count();
    let mut runner = TestRunner::new(Config { cases: 2000, failure_persistence: None, ..Config::default() });
    let strategy = (0..seeds.len(), 0..endpoints, proptest::num::usize::ANY, proptest::num::u8::ANY);
    let law = |(seed, endpoint, at, byte): (usize, usize, usize, u8)| {
        let mut bytes = vec![u8::try_from(endpoint).unwrap()];
        bytes.extend_from_slice(&seeds[seed]);
        let at = 1 + at % (bytes.len() - 1).max(1);
        if let Some(own) = bytes.get_mut(at) {
            *own = byte;
        }
        wire::fuzz_request(&bytes);
        wire::json::fuzz(bytes.get(1..).unwrap_or_default());
        Ok(())
    };
    runner.run(&strategy, law).unwrap();
}
