//! Hostile bytes for every parser of the house: one function per target, and the laws that must hold whatever comes.
//!
//! ```text
//! fuzz_targets/NAME.rs (libFuzzer, nightly) ─┐
//! src/bin/smoke.rs (seeded, stable) ─────────┴─> TARGETS ─> the crate's own parser, and a law
//! ```
//!
//! A law is more than "does not panic": what is read can be written again as the same bytes, chunks change nothing, a
//! byte that was altered is found, nobody is proved without evidence. A law that a single crate can state is stated
//! there, in its `fuzz` functions; here stand those that need two crates, or no more than what a crate shows.

#![forbid(unsafe_code)]

pub mod caller;
pub mod crossing;
pub mod inspection;
pub mod keys;
pub mod mutate;
pub mod packs;
pub mod plant_file;
pub mod records;
pub mod seeds;
pub mod timestamp;
pub mod wal;
pub mod wires;

/// A parser under fire.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: that of the file in `fuzz_targets/` and of the folder in `corpus/`.
    pub name: &'static str,
    /// Takes any bytes. Panics when a law is broken.
    pub run: fn(&[u8]),
    /// Good input, from `testdata/` and made on the spot; mutations begin here.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words of the format, to be thrown in.
    pub words: &'static [&'static str],
    /// How many mutated inputs a smoke run tries.
    pub rounds: u32,
}

const PROTOBUF: &[&str] = &[
    "\x0a\x01a",
    "\x2a\x02\x12\x00",
    "\x12\x05BYTES",
    "\x3a\x05\x01\0\0\0a",
    "\0\0\0\0\x01",
    "\x0b",
    "\x1a\x01\x01",
    "%C3",
];

const TAGS: &[&str] = &[
    "*",
    "\n\n",
    ".",
    "/",
    "\\",
    "|",
    ":",
    "_",
    "ns=2;s=",
    "[default]",
    "AREA1",
    ".PV",
    "Ö",
    "\u{301}",
    "\u{ff21}",
    "温",
];

const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\\ud83d\\ude00",
    "\\ud800",
    "null",
    "true",
    "-0",
    "1e999",
    "\u{feff}",
    "\"model\":",
    "\"messages\":[",
    "\"content\":",
    "\"role\":\"user\"",
    "\"stream\":true",
    "\"tools\":[",
    "{\"type\":\"image_url\"}",
];
const FILE: &[&str] = &[
    "PK\u{3}\u{4}",
    "PK\u{1}\u{2}",
    "PK\u{5}\u{6}",
    "%PDF-1.7\n",
    "1 0 obj<</Type/Page/Contents 2 0 R>>endobj ",
    "stream\n",
    "endstream",
    "/Filter[/Fl/LZW/A85]",
    "<</Predictor 12/Columns 1>>",
    "BT (",
    "[<",
    "<si><t>",
    "<c t=\"s\"><v>0",
    "<!--",
    "&#x",
    "{\\rtf1\\u-1?",
    "\\'",
    "=?utf-8?b?",
    "Content-Type: multipart/mixed; boundary=x\n\n--x\n",
    "0\nSECTION\n",
    "\\X2\\",
    "ustar",
];

const FORM: &[&str] = &[
    "--x\r\n",
    "--x--\r\n",
    "\r\n\r\n",
    "Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n",
    "name*=utf-8''x",
    "Content-Type: text/plain; charset=utf-8\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "\"",
    "\n--x",
];
const STREAM: &[&str] = &[
    "data: ",
    "data:",
    "event: ",
    "id: 1\n",
    ": comment\n",
    "\n\n",
    "\r\n\r\n",
    "\r",
    "\u{feff}",
    "[DONE]",
    "{\"choices\":[{\"delta\":{\"content\":\"",
    "event: message_stop\n",
    "event: response.completed\n",
    "{\"done\":true}\n",
    "\"index\":1",
    "\"tool_calls\":[{\"function\":{\"arguments\":\"",
    "TAG_0000000000",
    "\\n",
    "null",
];
const PROMPT: &[&str] = &[
    "TIC-101",
    "FV-203.SP",
    "= 4.2 bar",
    "10.0.12.7",
    "fe80::1",
    "psk_copilot_",
    "sk-",
    "AKIA",
    "-----BEGIN PRIVATE KEY-----",
    "password=",
    "DE89 3704 0044 0532 0130 00",
    "anna@brewery.example",
    "+49 171 5550123",
    "](https://a.example/?q=",
    "TAG_",
    "\u{200b}",
    "\u{202e}",
    "ﬁ",
    "\u{0}",
];
const CONSOLE: &[&str] = &[
    "{\"files\":{\"",
    "\"part\":\"zone:",
    "\"reason\":\"",
    "\"roles\":[\"engineer\"]",
    "/api/v1/holds/",
    "/decision",
    "penstock-9465=",
    "; ",
    "\"",
    "\\u202e",
    "2026-11-20T21:30:00.000Z",
    "null",
    "\n",
];
const CSV: &[&str] = &["\"", "\"\"", ",", ";", "\t", "\r\n", "\n", "\u{feff}", "4711-0815", "ﬁ", "\u{0}"];
const COUNTS: &[&str] = &["\n", " ", "(others)", "-1", "18446744073709551616", "1e9", "\u{0}"];
const PACK: &[&str] =
    &["PK\u{1}\u{2}", "PK\u{3}\u{4}", "PK\u{5}\u{6}", "manifest.json", "proofs/", "../", "\u{0}\u{0}\u{0}\u{0}"];
const NOTE: &[&str] = &[
    "\n\n",
    "\u{2014} ",
    "brewery/gate-1 ",
    "AAAAAA==",
    "=",
    "+",
    "0",
    "18446744073709551615",
    "extra ",
    "index ",
    "c2sp.org/tlog-proof@v1",
    "witness ",
    "group ",
    "quorum ",
    "all ",
    "any ",
    "none",
    "old ",
];
const DEVICE: &[&str] = &[
    "pkcs11:",
    "token=",
    "object=",
    "id=%00%ff",
    "serial=",
    "type=private",
    ";",
    "?",
    "&",
    "module-path=/",
    "pin-source=file:",
    "file:///",
    "pin-value=",
    "%",
    "%25",
    "%2",
];
const KEYS: &[&str] = &[
    "{\"keys\":[",
    "\"kty\":\"OKP\"",
    "\"kty\":\"RSA\"",
    "\"kty\":\"EC\"",
    "\"crv\":\"P-256\"",
    "\"alg\":\"none\"",
    "\"use\":\"enc\"",
    "\"kid\":",
    "\"x\":",
    "\"e\":\"AQAB\"",
    "\"d\":",
    ".",
    "..",
    "eyJhbGciOiJub25lIn0",
    "\"crit\":[",
    "=",
];
const HEADERS: &[&str] = &[
    "authorization: Bearer ",
    "x-api-key: ",
    "api-key: ",
    "x-goog-api-key: ",
    "penstock-operator: ",
    "penstock-workstation: ",
    "psk_",
    "_",
    "\n",
    "Basic ",
    "bearer",
    "aaaa",
];
const RECORD: &[&str] = &[
    "{\"boot\":",
    "\"kind\":\"",
    "\"prev\":\"",
    "\"ref\":",
    "\"seq\":",
    ",\"v\":1",
    "9007199254740992",
    "\\u001f",
    "\\\"",
    "\u{202e}",
    "{}",
    "[]",
];
const BILL: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"components\":[",
    "\"services\":[",
    "\"type\":\"machine-learning-model\"",
    "\"type\":\"library\"",
    "\"name\":\"*\"",
    "\"name\":\"\\u202e\\u0000\\\"\"",
    "\"hashes\":[{\"alg\":\"SHA-256\",\"content\":\"",
    "\"licenses\":[{\"expression\":\"",
    "\"properties\":[{\"name\":\"penstock:owner\",\"value\":\"",
    "penstock:kind",
    "1.7",
];
const TOML: &[&str] = &[
    "[zones.a]\n",
    "[conduits.b]\n",
    "[[x]]\n",
    "networks = [\"10.0.0.0/8\"]\n",
    "key = \"-----BEGIN PRIVATE KEY-----\"\n",
    "\"\"\"",
    "'''",
    "= ",
    "\"",
    "\\u0000",
    "2026-11-20",
    "1e400",
    "ü",
    "{ a = 1 }",
    "sk-ant-api03-",
    "from = ",
    "to = ",
    "expires = ",
    "patterns = [\"(a*)*\"]",
    "\r\n",
    "#",
];
const DETECTORS: &[&str] = &[
    "[[detector]]\n",
    "name = \"part.keg\"\n",
    "label = \"part.number\"\n",
    "patterns = ['",
    "(a*)*",
    "[0-9]{6}",
    "(?i)\\bß",
    "\\p{L}{1,100}",
    "(?s-u).",
    "^$",
    "|",
    "near = [\"Fass\"]\n",
    "check = \"mod97\"\n",
    "check = \"luhn\"\n",
    "finds = [\"",
    "ignores = [\"",
    "\"]\n",
    "'''",
    "\\u0000",
    "ü",
];
const CEDAR: &[&str] = &[
    "permit (principal, action, resource);",
    "forbid (principal, action, resource)",
    "when { ",
    "unless { ",
    "}",
    "context.hour",
    "@id(\"",
    "has ",
    "like \"*\"",
    "Zone::\"",
    "in [",
    "!",
    "(",
    ")",
    "if true then 1 else 2",
    "9223372036854775808",
    "\\u{0}",
    "//",
];
const QUERY: &[&str] = &[
    "&",
    "=",
    "%",
    "%00",
    "%F0%9F%92%A9",
    "+",
    "zone=",
    "&before=",
    "&limit=",
    "&model=*",
    "9007199254740992",
    "&id=",
];
const HELLO: &[&str] = &["\u{16}\u{3}\u{1}", "\0\0", "\0\u{10}", "api.openai.com", "h2", "\u{3}\u{3}", "\u{1}\0\0"];
const ALERT: &[&str] = &[
    "|",
    "\\",
    "=",
    "\\n",
    "\\u202e",
    "\\r\\nBcc: x",
    "]",
    "\"model\":\"",
    "\"status\":\"resolved\"",
    "\"holds\":true",
    "path-refused",
    "critical",
    "18446744073709551615",
    "null",
];
const NONE: &[&str] = &["\0", "\u{ff}", "0\x03", "U\x1d\x11", "spiffe://"];

macro_rules! targets {
    ($($name:literal $run:path, $seeds:path, $words:ident, $rounds:literal;)*) => {
        /// Every target. A test compares this with `fuzz_targets/` and `corpus/`.
        pub const TARGETS: &[Target] =
            &[$(Target { name: $name, run: $run, seeds: $seeds, words: $words, rounds: $rounds }),*];
    };
}

targets! {
    "json" wires::json, seeds::bodies, JSON, 200_000;
    "multipart" wires::multipart, seeds::forms, FORM, 200_000;
    "files" inspection::files, seeds::files, FILE, 5_000;
    "oversight" wires::oversight, seeds::accounts, JSON, 100_000;
    "console" caller::console, seeds::asked_of_the_console, CONSOLE, 100_000;
    "badges" keys::badges, seeds::badges, CONSOLE, 50_000;
    "request" wires::request, seeds::requests, JSON, 200_000;
    "form" wires::form, seeds::form_requests, FORM, 200_000;
    "call" wires::call, seeds::calls, JSON, 200_000;
    "answer" wires::answer, seeds::answers, STREAM, 60_000;
    "sse" wires::sse, seeds::streams, STREAM, 60_000;
    "messages" wires::messages, seeds::messages, STREAM, 60_000;
    "protobuf" wires::protobuf, seeds::protobufs, PROTOBUF, 200_000;
    "grpc" wires::grpc, seeds::grpc_bodies, PROTOBUF, 200_000;
    "ndjson" wires::ndjson, seeds::streams, STREAM, 60_000;
    "findings" inspection::findings, seeds::prompts, PROMPT, 30_000;
    "sources" inspection::sources, inspection::patterns, TAGS, 30_000;
    "documents" inspection::documents, seeds::documents, NONE, 20_000;
    "tables" inspection::tables, seeds::tables, NONE, 20_000;
    "query" console::fuzz_query, seeds::queries, QUERY, 200_000;
    "chapter" index::fuzz, seeds::chapters, NONE, 20_000;
    "counts" records::counts, seeds::counts, COUNTS, 20_000;
    "alerts" records::alerts, seeds::alerts, ALERT, 60_000;
    "inventory" plant_file::inventory, plant_file::bills, BILL, 8_000;
    "csv" inspection::csv, seeds::exports, CSV, 30_000;
    "picture" inspection::picture, seeds::pictures, NONE, 4_000;
    "gallery" inspection::gallery, seeds::galleries, NONE, 20_000;
    "writing" inspection::writing, seeds::writings, NONE, 20_000;
    "restore" inspection::restore, seeds::restorable, STREAM, 8_000;
    "sinks" inspection::sinks, seeds::showable, STREAM, 8_000;
    "guard" inspection::guard, seeds::recommendations, STREAM, 8_000;
    "crossing" crossing::request, seeds::requests, PROMPT, 60_000;
    "homecoming" crossing::answer, seeds::answers, STREAM, 60_000;
    "note" keys::note, seeds::notes, NOTE, 100_000;
    "pkcs11" keys::pkcs11, seeds::device_keys, DEVICE, 100_000;
    "cosignature" keys::cosignature, seeds::cosigned_notes, NOTE, 100_000;
    "jwks" keys::jwks, seeds::key_sets, KEYS, 50_000;
    "jws" keys::jws, seeds::operator_tokens, KEYS, 50_000;
    "token" keys::token, seeds::workload_tokens, HEADERS, 50_000;
    "envelope" keys::envelope, seeds::envelopes, NONE, 50_000;
    "time" wal::time, seeds::answers_of_time, NONE, 100_000;
    "timestamp" timestamp::timestamp, seeds::time_stamps, NONE, 30_000;
    "hello" caller::hello, seeds::hellos, HELLO, 100_000;
    "certificate" caller::certificate, seeds::nothing, NONE, 50_000;
    "evidence" caller::evidence, seeds::headers, HEADERS, 30_000;
    "record" records::record, seeds::records, RECORD, 100_000;
    "bundle" records::bundle, seeds::bundles, NONE, 50_000;
    "checkpoint" records::checkpoint, seeds::notes, NOTE, 100_000;
    "cose" records::cose, seeds::cose_receipts, NONE, 50_000;
    "receipt" records::receipt, seeds::receipts, NOTE, 50_000;
    "pack" packs::pack, packs::packs, PACK, 3_000;
    "witness_request" records::witness_request, seeds::witness_requests, NOTE, 50_000;
    "trust" records::trust, seeds::trust_files, NOTE, 50_000;
    "ledger" records::ledger, seeds::alterations, NONE, 10_000;
    "frame" wal::frame, seeds::frames, NONE, 30_000;
    "plant_file" plant_file::plant_file, seeds::plant_files, TOML, 2_000;
    "rules" plant_file::rules, seeds::rule_files, CEDAR, 2_000;
    "detectors" plant_file::detectors, seeds::detector_files, DETECTORS, 300;
}

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::TARGETS;
    use std::collections::BTreeSet;
    use std::fs;

    fn names(folder: &str) -> BTreeSet<String> {
        let path = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
        let stem = |entry: fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
        fs::read_dir(path).unwrap().map(|entry| stem(entry.unwrap())).collect()
    }

    #[test]
    fn every_target_has_its_file_its_corpus_and_its_entry_in_the_manifest() {
        let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
        assert_eq!(names("fuzz_targets"), targets);
        assert_eq!(names("corpus"), targets);
        let manifest = include_str!("../Cargo.toml");
        for name in targets {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} is not in Cargo.toml");
            let file = fs::read_to_string(format!("{}/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"))).unwrap();
            assert!(file.contains(&format!("target(\"{name}\")")), "{name} runs another target");
        }
    }

    #[test]
    fn every_target_has_seeds() {
        for target in TARGETS.iter().filter(|target| target.name != "certificate") {
            assert!(!(target.seeds)().is_empty(), "{}", target.name);
        }
    }
}
