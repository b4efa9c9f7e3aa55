//! Good input, where mutation begins: `testdata/` in the form that each target takes, and what has to be signed.

mod ledger;

pub use ledger::*;

use crate::{crossing, keys};
use ::ledger::{Checkpoint, Hash, Head, leaf_hash, node_hash};
use seal::note::Note;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Files by their path below a folder.
pub type Folder = BTreeMap<String, Vec<u8>>;

/// A file of the house, by its path from the root.
pub(crate) fn file(path: &str) -> Vec<u8> {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read(&whole).unwrap_or_else(|error| panic!("{}: {error}", whole.display()))
}

/// A file of `testdata/`.
pub(crate) fn data(path: &str) -> Vec<u8> {
    file(&format!("testdata/{path}"))
}

/// Every file below a folder of `testdata/`.
pub(crate) fn folder(path: &str) -> Folder {
    let mut files = Folder::new();
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(path);
    let mut left = vec![base.clone()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(&base).expect("it is below").to_str().expect("text").to_owned();
                files.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

fn values(path: &str) -> impl Iterator<Item = (String, Vec<u8>)> + use<> {
    folder(path).into_iter()
}

fn is_json(name: &str) -> bool {
    name.ends_with(".json")
}

/// No seeds: what cannot be made here lies in `corpus/`.
#[must_use]
pub fn nothing() -> Vec<Vec<u8>> {
    Vec::new()
}

/// JSON documents, hostile ones too. The ten thousand brackets are left out: mutation makes its own.
#[must_use]
pub fn bodies() -> Vec<Vec<u8>> {
    let all = values("dialects").chain(values("hostile")).filter(|(name, _)| is_json(name)).map(|(_, bytes)| bytes);
    all.filter(|bytes| bytes.len() <= 4096).collect()
}

/// Whether an endpoint takes a body, or events.
fn takes(own: &wire::Endpoint) -> bool {
    own.method() == "POST" || own.is_session()
}

/// The golden requests with the index of their endpoint among all.
fn golden() -> impl Iterator<Item = (u8, wire::Endpoint, String, Vec<u8>)> {
    plant::Dialect::NAMES.iter().flat_map(|(name, dialect)| {
        values(&format!("dialects/{name}/requests")).map(move |(file, bytes)| {
            let named = file.split("--").next().unwrap_or_default();
            let mut all = wire::endpoints().enumerate();
            let grpc = file.ends_with(".grpc");
            let fits = |own: &wire::Endpoint| {
                own.dialect() == *dialect && own.name() == named && takes(own) && own.is_grpc() == grpc
            };
            let (index, endpoint) =
                all.find(|(_, own)| fits(own)).unwrap_or_else(|| panic!("{file} names no endpoint"));
            (u8::try_from(index).expect("fewer than 256 endpoints"), endpoint, file, bytes)
        })
    })
}

/// A form whose boundary is `x`.
fn with_short_boundary(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let boundary = String::from_utf8_lossy(first.get(2..).unwrap_or_default()).into_owned();
    replaced(bytes, &boundary, "x")
}

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len().max(1)).position(|window| window == from.as_bytes()) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to.as_bytes());
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Accounts of answers.
#[must_use]
pub fn accounts() -> Vec<Vec<u8>> {
    let account = |more: &str| format!(r#"{{"record":"01a1fb30-3806-72d4-ae00-31d6f6986299",{more}}}"#).into_bytes();
    vec![
        account(r#""decision":"accepted","shown_ms":0,"operator":"anna""#),
        account(r#""decision":"edited","edited":"62 \u00b0C","comment":"too hot""#),
    ]
}

/// Requests after the byte that picks their endpoint.
#[must_use]
pub fn requests() -> Vec<Vec<u8>> {
    // Messages of gRPC have a target of their own.
    let plain = golden().filter(|(_, own, ..)| !own.is_grpc()).map(|(index, _, name, bytes)| {
        let bytes = if name.ends_with(".form") { with_short_boundary(&bytes) } else { bytes };
        [&[index], bytes.as_slice()].concat()
    });
    plain.collect()
}

fn golden_forms() -> impl Iterator<Item = Vec<u8>> {
    golden().filter(|(_, _, name, _)| name.ends_with(".form")).map(|(_, _, _, bytes)| with_short_boundary(&bytes))
}

/// Forms after the byte that picks an endpoint for forms.
#[must_use]
pub fn form_requests() -> Vec<Vec<u8>> {
    golden_forms().flat_map(|form| (0..6).map(move |which| [&[which], form.as_slice()].concat())).collect()
}

/// Files of every kind after the byte that picks a name.
#[must_use]
pub fn files() -> Vec<Vec<u8>> {
    values("files").flat_map(|(_, file)| [0, 2].map(|name| [&[name], file.as_slice()].concat())).collect()
}

/// Messages of gRPC after the byte that picks their method, requests and answers.
#[must_use]
pub fn protobufs() -> Vec<Vec<u8>> {
    let methods: Vec<wire::Endpoint> = wire::endpoints().filter(wire::Endpoint::is_grpc).collect();
    let of = |named: &str, framed: &[u8]| {
        let at = methods.iter().position(|own| own.name() == named).expect("a method");
        [&[u8::try_from(at).expect("few methods")], &framed[wire::grpc::HEAD..]].concat()
    };
    let requests = golden().filter(|(_, own, ..)| own.is_grpc()).map(|(_, own, _, bytes)| of(own.name(), &bytes));
    let answers = values("dialects/answers").filter(|(name, _)| name.ends_with(".grpc"));
    requests.chain(answers.map(|(_, bytes)| of("infer", &bytes))).collect()
}

/// Bodies of gRPC.
#[must_use]
pub fn grpc_bodies() -> Vec<Vec<u8>> {
    let all = golden().filter(|(_, own, ..)| own.is_grpc()).map(|(.., bytes)| bytes);
    all.chain([b"100 %25 f%C3%BCr alle".to_vec(), b"250m".to_vec()]).collect()
}

/// Forms after a line with their boundary.
#[must_use]
pub fn forms() -> Vec<Vec<u8>> {
    golden_forms().map(|form| [b"x\n", form.as_slice()].concat()).collect()
}

/// Whole calls, one for each endpoint at least.
#[must_use]
pub fn calls() -> Vec<Vec<u8>> {
    let call = |endpoint: wire::Endpoint, kind: &str, body: &[u8]| {
        let path = endpoint.pattern().replace("{model}", "m-1").replace("{version}", "2").replace("{id}", "r_1");
        let path = path.replace("{...}", "predict/fill");
        [format!("{} {} {path}?stream=true\n{kind}\n", endpoint.dialect(), endpoint.method()).as_bytes(), body].concat()
    };
    let mut calls: Vec<Vec<u8>> = wire::endpoints().map(|endpoint| call(endpoint, "application/json", b"{}")).collect();
    calls.extend(golden().map(|(_, endpoint, name, bytes)| {
        if name.ends_with(".form") {
            call(endpoint, "multipart/form-data; boundary=\"x\"", &with_short_boundary(&bytes))
        } else if name.ends_with(".grpc") {
            call(endpoint, "application/grpc", &bytes)
        } else {
            call(endpoint, "application/json; charset=utf-8", &bytes)
        }
    }));
    calls
}

/// The answers of `testdata/` with a token of ours in them, also cut in two.
fn recorded() -> impl Iterator<Item = (String, Vec<u8>)> {
    let token = crossing::token();
    let (front, back) = token.split_at(token.len() / 2);
    let cuts = [("TOKEN", token), ("TOK", front), ("KEN", back)].map(|(from, to)| (from.to_owned(), to.to_owned()));
    let loose = [("TO\"", format!("{front}\"")), ("\"EN", format!("\"{back}"))].map(|(from, to)| (from.to_owned(), to));
    values("dialects/answers").filter(|(name, _)| !name.ends_with(".md")).map(move |(name, bytes)| {
        let bytes = cuts.iter().chain(&loose).fold(bytes, |bytes, (from, to)| replaced(&bytes, from, to));
        (name, bytes)
    })
}

/// Answers after two bytes: one that picks an endpoint of their dialect, one that says how they are carried.
#[must_use]
pub fn answers() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (name, bytes) in recorded() {
        let dialect = name.split(['-', '.']).next().unwrap_or_default();
        let carrier = match name.rsplit('.').next() {
            Some("sse") => 0,
            Some("ndjson") => 1,
            Some("json") => 2,
            Some("eventstream") => 6,
            _ => 3,
        };
        let known = wire::endpoints().enumerate().filter(|(_, own)| own.dialect().name() == dialect && takes(own));
        for (index, _) in known {
            all.push([&[u8::try_from(index).expect("fewer than 256 endpoints"), carrier], bytes.as_slice()].concat());
        }
    }
    all
}

/// Messages of Amazon's event stream as the target takes them: two lengths, headers, a payload.
#[must_use]
pub fn messages() -> Vec<Vec<u8>> {
    let cut = |name: &str| {
        let bytes = data(&format!("dialects/answers/{name}"));
        let (mut rest, mut out) = (bytes.as_slice(), Vec::new());
        while let Some(prelude) = rest.first_chunk::<8>() {
            let [_, _, high, low, .., headers] = *prelude;
            let (message, after) = rest.split_at(usize::from(u16::from_be_bytes([high, low])));
            let body = &message[12..message.len() - 4];
            let payload = u16::try_from(body.len() - usize::from(headers)).expect("a short payload");
            out.push(headers);
            out.extend(payload.to_be_bytes());
            out.extend_from_slice(body);
            rest = after;
        }
        out
    };
    vec![cut("bedrock-converse.eventstream"), cut("bedrock-invoke.eventstream")]
}

/// Answers as they are.
#[must_use]
pub fn streams() -> Vec<Vec<u8>> {
    recorded().map(|(_, bytes)| bytes).collect()
}

/// Texts that hold what a plant would not send out. The values are invented.
#[must_use]
pub fn prompts() -> Vec<Vec<u8>> {
    let texts = [
        "Why does TIC-204 hunt after FV-203.SP = 4.2 bar, and is 85 °C too high for HX-12?",
        "Ask anna@brewery.example or +49 171 5550123; the pump is at 10.20.30.40:502, its camera at fe80::1%eth0.",
        "Acme Brew, R-2041, in the süd hall. IBAN DE89 3704 0044 0532 0130 00, card 4111 1111 1111 1111.",
        "password = \"hunter2hunter2\"; Authorization: Bearer eyJhbGciOiJub25lIn0.e30.c2ln",
        "[look](https://a.example/?q=TIC-204) and ![x](https://a.example/TIC-204.png)",
        "-----BEGIN PRIVATE KEY-----\nAAECAwQFBgcICQoLDA0ODw==\n-----END PRIVATE KEY-----\n",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).chain(bodies()).collect()
}

/// Recommendations as people, models and programs write them, behind the length of their pieces.
#[must_use]
pub fn recommendations() -> Vec<Vec<u8>> {
    let texts = [
        include_str!("../../core/guard/src/cases/targets.txt"),
        include_str!("../../core/guard/src/cases/mentions.txt"),
        include_str!("../../core/guard/src/cases/numbers.txt"),
        include_str!("../../core/guard/src/cases/changes.txt"),
        include_str!("../../core/guard/src/cases/structures.txt"),
    ];
    let lines = texts.into_iter().flat_map(str::lines).filter_map(|line| line.split_once(' '));
    lines.map(|(_, text)| [b"\x05", text.replace("\\n", "\n").as_bytes()].concat()).collect()
}

/// Texts with the tokens that the target knows.
#[must_use]
pub fn restorable() -> Vec<Vec<u8>> {
    let texts = [
        "\u{1}the valve TAG_0000000000 is open",
        "\u{3}tag_0000000000, KEY_0ABC, [a](https://b.example/?TAG_0000000000) TAG_000",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).chain(streams()).collect()
}

/// Texts with all that is taken out of an answer.
#[must_use]
pub fn showable() -> Vec<Vec<u8>> {
    let texts = [
        "\u{1}see ![a](https://evil.example/?q=1 \"t\") and [b](<//evil.example>), [c]: data:x www.evil.example",
        "\u{2}<img src='//evil.example'><p onclick=\"x\"><script>x</script> a\u{200B}b\u{E0041} \u{1F3F4}\u{E0067}\u{E007F}",
        "\u{3}{\"a\":\"\\u0021[x](https:\\/\\/evil.example)\\nBypass the interlock.\"} password: hunter2!x\n",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).chain(streams()).collect()
}

/// Signed notes, receipts' and ledgers' too.
#[must_use]
pub fn notes() -> Vec<Vec<u8>> {
    let own = Note::sign(keys::SIGNED, keys::signer()).expect("a text of our own").to_string().into_bytes();
    let found = values("ledgers").filter(|(name, _)| name.ends_with("checkpoint") || name.ends_with(".note"));
    let text = keys::SIGNED.as_bytes().to_vec();
    [own, text].into_iter().chain(found.map(|(_, bytes)| bytes)).collect()
}

/// A head under which the record of the receipts in `testdata/` is the last, and the path to it.
pub(crate) fn last_of(record: &[u8]) -> (Checkpoint, Vec<Hash>) {
    let seq = Head::parse(record).expect("a record").seq;
    let path = vec![[7; 32]; seq.count_ones() as usize];
    let root = path.iter().fold(leaf_hash(record), |root, left| node_hash(left, &root));
    (Checkpoint { origin: keys::signer().verifier().name().to_owned(), size: seq + 1, root }, path)
}

/// COSE receipts: one for that record, and one that proves nothing.
#[must_use]
pub fn cose_receipts() -> Vec<Vec<u8>> {
    let record = data("ledgers/receipts/good.json");
    let (head, path) = last_of(&record);
    let Head { seq, id, .. } = Head::parse(&record).expect("a record");
    let receipt = |index, path: &[Hash]| ::ledger::cose::receipt(&head, index, id, path, keys::signer());
    [receipt(seq, &path), receipt(0, &[])].map(|receipt| receipt.expect("the key is at hand")).to_vec()
}

/// Keys in devices, as plant files name them.
#[must_use]
pub fn device_keys() -> Vec<Vec<u8>> {
    let end = "?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:keys/hsm.pin";
    let keys = [
        "token=plant;object=gateway",
        "serial=00a1;id=%01%02;type=private",
        "token=The%20plant;model=M;manufacturer=A;object=o",
    ];
    keys.iter().map(|key| format!("pkcs11:{key}{end}").into_bytes()).collect()
}

/// What a time server answers, of stratum 2, to a question with the bits `question`.
#[must_use]
pub fn answers_of_time() -> Vec<Vec<u8>> {
    let mut answer = vec![0x24, 2, 6, 0xec, 0, 0, 0x20, 0, 0, 0, 0x20, 0, 10, 20, 35, 5];
    let time = [0xe9, 0x3c, 0x7f, 0x80, 0x40, 0, 0, 0];
    [time, *b"question", time, time].iter().for_each(|field| answer.extend_from_slice(field));
    vec![answer.clone(), [answer, vec![0; 20]].concat()]
}

/// What an authority has answered.
#[must_use]
pub fn time_stamps() -> Vec<Vec<u8>> {
    values("anchors").filter(|(name, _)| name.ends_with(".tsr")).map(|(_, bytes)| bytes).collect()
}

/// The same, and one that a witness has signed.
#[must_use]
pub fn cosigned_notes() -> Vec<Vec<u8>> {
    std::iter::once(keys::cosigned().to_string().into_bytes()).chain(notes()).collect()
}

/// Key sets: the test key's, and one of each other kind.
#[must_use]
pub fn key_sets() -> Vec<Vec<u8>> {
    let modulus = "A".repeat(338) + "_w0B";
    let rsa = format!(r#"{{"keys":[{{"kty":"RSA","kid":"r","n":"{modulus}","e":"AQAB","use":"sig"}}]}}"#);
    let mixed =
        keys::key_set().replace("[{", r#"[{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"#);
    [keys::key_set(), rsa, mixed].map(String::into_bytes).into()
}

/// The token that the issuer has signed, and ones that it has not.
#[must_use]
pub fn operator_tokens() -> Vec<Vec<u8>> {
    let token = keys::operator_token();
    let (signed, _) = token.rsplit_once('.').expect("three parts");
    [token.to_owned(), format!("{signed}."), format!("eyJhbGciOiJub25lIn0.{token}")].map(String::into_bytes).into()
}

/// A workload token as its holder has it.
pub(crate) fn workload_token() -> String {
    let id = plant::TokenId::new("copilot-1").expect("an id");
    seal::token::Secret::new(id, &zeroize::Zeroizing::new([9; 32])).text().to_owned()
}

/// What the console is asked.
#[must_use]
pub fn asked_of_the_console() -> Vec<Vec<u8>> {
    [
        "/api/v1/holds/01a1fb30-3806-72d4-ae00-31d6f6986299/decision",
        "penstock-9465=0123456789abcdef; other=1",
        r#"{"part":"zone:line","reason":"the copilot gives wrong setpoints"}"#,
        r#"{"decision":"approve","reason":"seen by two"}"#,
        r#"{"person":"ada","roles":["engineer","viewer"]}"#,
        r#"{"link":"0123456789abcdef"}"#,
        r#"{"files":{"plant.toml":"[plant]\nname = \"works\"\n"}}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

/// The tokens of people, as they are kept.
#[must_use]
pub fn badges() -> Vec<Vec<u8>> {
    let row = |id: &str, hash: &str, rest: &str| {
        format!(r#"{{"id":"{id}","person":"ada","roles":["engineer"],"sha256":"{}",{rest}}}"#, hash.repeat(32))
    };
    let ended = r#""issued":"2026-11-20T21:30:00.000Z","expires":"2026-12-20T21:30:00.000Z","revoked":"2026-11-21T08:00:00.000Z","note":"for the pilot""#;
    let open = r#""issued":"2026-11-20T21:30:00.000Z","expires":null,"revoked":null,"note":null"#;
    let rows = [row("ada-k7q2vd", "9f", ended), row("ada-m3x8ra", "0a", open)].join(",");
    vec![format!(r#"{{"version":1,"tokens":[{rows}]}}"#).into_bytes()]
}

/// Workload tokens.
#[must_use]
pub fn workload_tokens() -> Vec<Vec<u8>> {
    vec![workload_token().into_bytes()]
}

/// An envelope and the file of the key that opens it.
#[must_use]
pub fn envelopes() -> Vec<Vec<u8>> {
    let hex = String::from_utf8(data("envelopes/recipe.hex")).expect("text");
    vec![seal::unhex(hex.trim()).expect("hexadecimal digits"), keys::key_file().encode(), keys::person()]
}

/// Headers with every kind of evidence.
#[must_use]
pub fn headers() -> Vec<Vec<u8>> {
    let (workload, operator) = (workload_token(), keys::operator_token());
    let all = [
        format!("authorization: Bearer {workload}\npenstock-operator: {operator}\npenstock-workstation: panel-3"),
        format!("x-api-key: {workload}\napi-key: sk-foreign"),
        format!("x-goog-api-key: {workload}\nauthorization: Basic QUE=\npenstock-operator: Bearer {operator}"),
    ];
    all.map(String::into_bytes).into()
}

/// First messages of TLS clients.
#[must_use]
pub fn hellos() -> Vec<Vec<u8>> {
    folder("hello").into_values().collect()
}

/// Plant files, good and bad.
#[must_use]
pub fn plant_files() -> Vec<Vec<u8>> {
    let examples = ["examples/brewery/plant.toml", "examples/filling-line/plant.toml", "sdk/plant.toml"].map(file);
    examples
        .into_iter()
        .chain(values("plants").filter(|(name, _)| name.ends_with(".toml")).map(|(_, bytes)| bytes))
        .collect()
}

/// Files of detectors: one for each thing that a detector may have.
#[must_use]
pub fn detector_files() -> Vec<Vec<u8>> {
    let detector = |name: &str, pattern: &str, more: &str| {
        let examples = "finds = [\"keg BR-123455\"]\nignores = [\"room BR-1\"]\n";
        format!("[[detector]]\nname = \"{name}\"\nlabel = \"part.number\"\npatterns = ['{pattern}']\n{more}{examples}")
    };
    let all = [
        detector("part.keg", "BR-[0-9]{6}", "near = [\"keg\", \"fass\"]\ncheck = \"luhn\"\n"),
        detector("tag.isa", "(?i)[a-zä]+-\\d{2,}", ""),
        detector("part.long", "\\b(?:[A-Z]{2}\\s?){1,8}\\d+", "check = \"mod97\"\n"),
        detector("part.keg", "a{1,1000}", "") + &detector("Part", "(", "near = []\nextra = 1\n"),
    ];
    all.into_iter().map(String::into_bytes).collect()
}

/// Cedar rules, good and bad.
#[must_use]
pub fn rule_files() -> Vec<Vec<u8>> {
    let own = file("examples/brewery/rules/shifts.cedar");
    let found = values("policies").chain(values("plants")).filter(|(name, _)| name.ends_with(".cedar"));
    std::iter::once(own).chain(found.map(|(_, bytes)| bytes)).collect()
}

/// The bodies of files of registered documents.
#[must_use]
pub fn documents() -> Vec<Vec<u8>> {
    let keys = prints::Keys::new(&[5; 32]);
    let registration = |(name, text): (String, Vec<u8>)| {
        let id = plant::DocumentId::new(name.trim_end_matches(".txt")).expect("a name");
        let label = plant::Label::new("document").expect("a label");
        let public = name.starts_with('m');
        let registration = prints::Registration { id, label, sensitivity: None, public, collection: None };
        (registration, String::from_utf8(text).expect("text"))
    };
    let mut collection = prints::Collection::default();
    let empty = body(&collection.encode(&keys), "penstock documents 1\n");
    collection.add(values("documents").map(registration), &keys, |_, added| assert!(added.is_ok()));
    vec![empty, body(&collection.encode(&keys), "penstock documents 1\n")]
}

/// Small pictures of each kind that is decoded.
#[must_use]
pub fn pictures() -> Vec<Vec<u8>> {
    ["panel.gif", "panel.png", "panel.webp", "photograph.jpg"].map(|name| data(&format!("files/{name}"))).to_vec()
}

/// What an engine writes of a picture.
#[must_use]
pub fn writings() -> Vec<Vec<u8>> {
    let head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n";
    let page = "1\t1\t0\t0\t0\t0\t0\t0\t420\t150\t-1\t\n";
    let words = "5\t1\t1\t1\t1\t1\t40\t20\t80\t30\t96.1\tTIC-101\n5\t1\t1\t1\t1\t2\t130\t22\t60\t30\t91\t62.4 °C\n5\t1\t2\t1\t1\t1\t40\t80\t20\t30\t5\tgrain\n";
    vec![format!("{head}{page}").into_bytes(), format!("{head}{page}{words}").into_bytes()]
}

/// The bodies of files of registered pictures.
#[must_use]
pub fn galleries() -> Vec<Vec<u8>> {
    let (keys, mut gallery) = (prints::Keys::new(&[5; 32]), pictures::Gallery::default());
    let empty = body(&gallery.encode(&keys), "penstock pictures 1\n");
    for (number, bytes) in pictures().iter().enumerate() {
        let mut budget = pictures::Budget::new(&pictures::Limits::default());
        let picture = pictures::Picture::decode(bytes, &mut budget).expect("a picture");
        let registration = pictures::Registration {
            id: plant::PictureId::new(format!("picture-{number}")).expect("a name"),
            label: plant::Label::new("picture").expect("a label"),
            sensitivity: Some("secret".to_owned()),
        };
        // Four that are the same in other formats.
        gallery.add(registration, &picture, &keys).expect("it shows something");
    }
    vec![empty, body(&gallery.encode(&keys), "penstock pictures 1\n")]
}

/// An alert, and the state of a destination.
#[must_use]
pub fn alerts() -> Vec<Vec<u8>> {
    vec![
        br#"{"schema":1,"id":"01890a5d-0000-7000-8000-000000000001.path-refused.firing","code":"path-refused","title":"x","status":"firing","severity":"high","plant":"works","gateway":"gate-1","about":"line","count":1,"first":"2026-11-22T15:00:00.000Z","last":"2026-11-22T15:00:00.000Z","record":null,"facts":{"model":"gpt-4o","zone":"line","event":"x"}}"#.to_vec(),
        br#"{"open":[{"code":"isolated","about":"external","ends":5,"count":2,"first":1,"last":2,"record":null,"severity":"high","facts":{"part":"external"},"holds":true,"told":null,"turns":1}],"minute":[0,3],"withheld":{"path-refused":7},"worst":"low"}"#.to_vec(),
    ]
}

/// Counts of quotas.
#[must_use]
pub fn counts() -> Vec<Vec<u8>> {
    vec![Vec::new(), b"calls copilot 1795305600000 2 16 640 40 0\nmoney (others) 0 1 0 0 0 1\n".to_vec()]
}

/// The bodies of files of registered tables.
#[must_use]
pub fn tables() -> Vec<Vec<u8>> {
    let (keys, mut sheets) = (prints::Keys::new(&[5; 32]), prints::Sheets::default());
    let empty = body(&sheets.encode(&keys), "penstock tables 1\n");
    for (number, export) in exports().iter().enumerate() {
        let order = prints::Order {
            id: plant::TableId::new(format!("table-{number}")).expect("a name"),
            label: plant::Label::new("data").expect("a label"),
            sensitivity: Some("secret".to_owned()),
            rules: vec![(vec!["part".to_owned()], 0), (vec!["part".to_owned(), "customer".to_owned()], 90)],
        };
        sheets.add(order, std::str::from_utf8(export).expect("text"), &keys).expect("a table");
    }
    vec![empty, body(&sheets.encode(&keys), "penstock tables 1\n")]
}

/// What is between the head of a file, with the key's eight bytes, and its checksum.
fn body(file: &[u8], name: &str) -> Vec<u8> {
    file[name.len() + 8..file.len() - 16].to_vec()
}

/// Exports of tables.
#[must_use]
pub fn exports() -> Vec<Vec<u8>> {
    let all = [
        "part;customer\r\n4711-0815;Ackermann Pumpen GmbH\r\nPX 99/204;\"Nordsee \"\"N\"\" AG\"\r\n",
        "part,customer\nReactor,\"Water\nworks, north\"\n",
    ];
    all.map(|text| text.as_bytes().to_vec()).to_vec()
}
