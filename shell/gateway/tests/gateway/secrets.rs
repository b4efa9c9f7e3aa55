//! A secret on its way out, in every wrapping that a dialect has for it: what must not leave does not, and what leaves without
//! it is still a call.
//!
//! Secrets are put together at run time, so that no scanner of this repository takes a test for a leak.

use crate::caller::Caller;
use crate::provider::{Act, Provider, completion, document};
use crate::works::{Setting, Works};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use plant::{Reason, Verdict};
use serde_json::{Value, json};
use std::io::Write;

const CHAT: &str = "/openai/v1/chat/completions";
const JSON: &str = "application/json";

fn aws() -> String {
    format!("AKIA{}", "Y3FDF7Q2K5TNW4ZB")
}

/// The same with its first letter escaped, as JSON may.
fn escaped() -> String {
    format!("\\u0041{}", &aws()[1..])
}

fn pem() -> String {
    let body =
        "MIIEowIBAAKCAQEAoy1XXuVAQpqHbQE05mkhrNg\nTZUUhK08U8Lah/RmUlXqQ01/SnZjKF9f\nNTZUUhK08U8Lah/RmUlXqQ01/SnZjKF9f=";
    format!("-----BEGIN RSA {0}-----\n{body}\n-----END RSA {0}-----", "PRIVATE KEY")
}

/// A plant whose conduits do this with secrets.
struct Trial {
    provider: Provider,
    works: Works,
}

/// What became of a call.
struct Sent {
    status: u16,
    decision: String,
    /// What the provider saw, if it saw anything: the head and the body.
    seen: Option<(String, String)>,
}

impl Trial {
    async fn new(secrets: Verdict) -> Self {
        let provider = Provider::new(vec![Act::Send(document(200, "", &completion("seen")))]).await;
        let works = Works::start(Setting { secrets, ..Setting::new(provider.address) }).await;
        Self { provider, works }
    }

    async fn send(&self, path: &str, lines: &str, body: &[u8]) -> Sent {
        let before = self.provider.seen().len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {}\r\n{lines}\r\nContent-Length: {}\r\n\r\n",
            self.works.token,
            body.len()
        );
        let mut caller = Caller::sends(self.works.address, &[head.as_bytes(), body].concat()).await;
        let answer = caller.answer().await.unwrap();
        let seen = self.provider.seen().split_off(before).pop();
        let seen = seen
            .map(|seen| seen.split_once("\r\n\r\n").map(|(head, body)| (head.to_owned(), body.to_owned())).unwrap());
        let decision = answer.header("penstock-decision").unwrap_or_default().to_owned();
        Sent { status: answer.status, decision, seen }
    }
}

/// A call with a secret in it.
struct Case {
    name: &'static str,
    path: &'static str,
    lines: String,
    body: Vec<u8>,
    secret: String,
    /// What the provider sees in place of the body; `None` if nothing can be replaced there, and the call is refused.
    leaves: Option<Vec<u8>>,
}

/// A body in which `SECRET` stands for the secret as it is written there.
fn case(name: &'static str, path: &'static str, kind: &str, body: &str, secret: &str, label: Option<&str>) -> Case {
    let leaves = label.map(|label| body.replace("SECRET", &format!("[redacted:{label}]")).into_bytes());
    let lines = format!("Content-Type: {kind}\r\nanthropic-version: 2023-06-01");
    Case { name, path, lines, body: body.replace("SECRET", secret).into_bytes(), secret: secret.to_owned(), leaves }
}

fn said(content: &str) -> String {
    format!(r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":"{content}"}}]}}"#)
}

const FORM: &str = "multipart/form-data; boundary=x";

fn form(file: &str, kind: &str, text: &str, prompt: &str) -> String {
    format!(
        "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
         --x\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n{prompt}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file}\"\r\nContent-Type: {kind}\r\n\r\n{text}\r\n--x--\r\n"
    )
}

fn tensor(data: &str) -> String {
    format!(r#"{{"inputs":[{{"name":"question","shape":[1],"datatype":"BYTES","data":{data}}}]}}"#)
}

/// Every wrapping in a body that is not packed.
fn cases() -> Vec<Case> {
    const KEY: Option<&str> = Some("secret.key");
    let (aws, escaped) = (aws(), escaped());
    let pem = pem().replace('\n', "\\n");
    let config = |text: &str| BASE64_STANDARD.encode(text);
    let wrapped = config("api_key = \"951bc382db9abad29c68634761dd6e19\"\nmode = runs\n");
    let text = config(&format!("keys {aws}\n\n"));
    let url = format!("data:text/plain;base64,{text}");
    let image = |url: &str| {
        format!(
            r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{url}"}}}}]}}]}}"#
        )
    };
    let call = |arguments: &str| {
        format!(
            r#"{{"model":"gpt-4o","messages":[{{"role":"assistant","tool_calls":[{{"id":"c","type":"function","function":{{"name":"get","arguments":"{arguments}"}}}}]}},{{"role":"tool","tool_call_id":"c","content":"ok"}}]}}"#
        )
    };
    let anthropic = r#"{"model":"claude","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"get","input":{"key":"SECRET","deep":[{"a":1}]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"ok"}]}]}"#;
    let ollama = r#"{"model":"llama3","messages":[{"role":"assistant","content":"","tool_calls":[{"function":{"name":"get","arguments":{"key":"SECRET"}}}]}]}"#;
    let infer = "/kserve/v2/models/weld/infer";
    let kinds = "/openai/v1/audio/transcriptions";
    vec![
        case("plain", CHAT, JSON, &said("use SECRET now"), &aws, KEY),
        case("an escape in JSON", CHAT, JSON, &said("use SECRET now"), &escaped, KEY),
        case("a PEM in lines", CHAT, JSON, &said("SECRET\\nis it right?"), &pem, Some("secret.private-key")),
        case("arguments of a tool", CHAT, JSON, &call(r#"{\"url\":\"a\",\"key\":\"SECRET\"}"#), &aws, KEY),
        case(
            "an escape in arguments",
            CHAT,
            JSON,
            &call(r#"{\"key\":\"SECRET\"}"#),
            &format!("\\\\u0041{}", &aws[1..]),
            KEY,
        ),
        case("input of a tool", "/anthropic/v1/messages", JSON, anthropic, &aws, KEY),
        case("arguments that are an object", "/ollama/api/chat", JSON, ollama, &escaped, KEY),
        case("a configuration in base64", CHAT, JSON, &said("config: SECRET please check"), &wrapped, KEY),
        case("a text as a data URL", CHAT, JSON, &image("SECRET"), &url, None),
        case("a data URL in percent", CHAT, JSON, &image(&format!("data:text/plain,key%20{aws}")), &aws, None),
        case("a data URL in prose", CHAT, JSON, &said("see data:text/plain;base64,SECRET"), &text, KEY),
        case("a field of a form", kinds, FORM, &form("a.txt", "text/plain", "hi", "use SECRET"), &aws, KEY),
        case("a text in a form", kinds, FORM, &form("a.txt", "text/plain", "a\nSECRET\nb", "hi"), &aws, KEY),
        case(
            "a text of no type",
            kinds,
            FORM,
            &form("a.bin", "application/octet-stream", "a\nSECRET\nb", "hi"),
            &aws,
            KEY,
        ),
        case("the name of a file", kinds, FORM, &form("backup-SECRET.env", "text/plain", "hi", "hi"), &aws, KEY),
        case("a tensor of bytes", infer, JSON, &tensor(r#"["use SECRET now"]"#), &aws, KEY),
        case("a tensor in a tensor", infer, JSON, &tensor(r#"[["one","SECRET"],["two","three"]]"#), &escaped, KEY),
    ]
}

/// Whether a secret stands in what was seen, in any way that it could be read there.
fn leaks(seen: &str, secret: &str) -> bool {
    let plain = aws();
    seen.contains(secret)
        || seen.contains(&plain)
        || seen.contains(&plain[1..])
        || seen.contains("MIIEowIBAAKCAQEAoy1XX")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_refuses_the_call_in_whatever_it_is_wrapped() {
    let trial = Trial::new(Verdict::Refuse).await;
    for Case { name, path, lines, body, .. } in cases() {
        let sent = trial.send(path, &lines, &body).await;
        let reason = Reason::ContentRefused;
        assert_eq!((sent.status, sent.decision), (reason.status(), format!("refuse; reason={reason}")), "{name}");
        assert!(sent.seen.is_none(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_taken_out_of_whatever_it_is_wrapped_in_and_the_rest_is_as_it_was() {
    let trial = Trial::new(Verdict::Redact).await;
    for Case { name, path, lines, body, secret, leaves } in cases() {
        let sent = trial.send(path, &lines, &body).await;
        let Some(leaves) = leaves else {
            assert_eq!((sent.status, sent.seen.is_some()), (Reason::ContentRefused.status(), false), "{name}");
            continue;
        };
        let (_, seen) = sent.seen.unwrap_or_else(|| panic!("{name}: {} {}", sent.status, sent.decision));
        assert!(!leaks(&seen, &secret), "{name}: {seen}");
        assert_eq!(seen, String::from_utf8(leaves).unwrap(), "{name}");
    }
}

/// Packs bytes as a content encoding does, by its name.
fn packed(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    let best = Compression::best();
    match encoding {
        "gzip" => {
            // Two members, as a program writes that flushes.
            let (first, second) = bytes.split_at(bytes.len() / 2);
            [first, second]
                .iter()
                .flat_map(|half| {
                    let mut encoder = GzEncoder::new(Vec::new(), best);
                    encoder.write_all(half).unwrap();
                    encoder.finish().unwrap()
                })
                .collect()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), best);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => {
            let mut encoder = DeflateEncoder::new(Vec::new(), best);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_body_is_read_as_what_it_unpacks_to() {
    let (refusing, redacting) = (Trial::new(Verdict::Refuse).await, Trial::new(Verdict::Redact).await);
    for encoding in ["gzip", "deflate", "bare"] {
        for Case { name, path, lines, body, secret, leaves } in cases() {
            let body = packed(encoding, &body);
            let header = if encoding == "bare" { "deflate" } else { encoding };
            let lines = format!("{lines}\r\nContent-Encoding: {header}");
            let sent = refusing.send(path, &lines, &body).await;
            assert_eq!(
                (sent.status, sent.seen.is_some()),
                (Reason::ContentRefused.status(), false),
                "{encoding} {name}"
            );
            let sent = redacting.send(path, &lines, &body).await;
            let Some(leaves) = leaves else {
                assert_eq!((sent.status, sent.seen.is_some()), (Reason::ContentRefused.status(), false), "{name}");
                continue;
            };
            let (head, seen) = sent.seen.unwrap_or_else(|| panic!("{encoding} {name}: {}", sent.decision));
            // It leaves unpacked, and nothing says otherwise.
            assert!(!head.to_ascii_lowercase().contains("content-encoding"), "{encoding} {name}: {head}");
            assert!(!leaks(&seen, &secret), "{encoding} {name}");
            assert_eq!(seen, String::from_utf8(leaves).unwrap(), "{encoding} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_be_packed_and_is_not_goes_nowhere() {
    let trial = Trial::new(Verdict::Redact).await;
    let body = said(&aws());
    let lines = |encoding: &str| format!("Content-Type: {JSON}\r\nContent-Encoding: {encoding}");
    let twice = packed("gzip", &packed("deflate", body.as_bytes()));
    let torn = packed("gzip", body.as_bytes());
    let cases: [(&str, &[u8]); 5] = [
        ("gzip", body.as_bytes()),
        ("deflate", body.as_bytes()),
        ("gzip", &torn[..torn.len() - 9]),
        ("deflate, gzip", &twice),
        ("gzip", &twice),
    ];
    for (encoding, body) in cases {
        let sent = trial.send(CHAT, &lines(encoding), body).await;
        assert!(sent.status >= 400 && sent.seen.is_none(), "{encoding}: {} {}", sent.status, sent.decision);
    }
}

/// The binary tensor extension of the Open Inference Protocol puts tensors behind the JSON, where nothing reads them.
#[tokio::test(flavor = "multi_thread")]
async fn tensors_behind_the_json_are_refused() {
    let trial = Trial::new(Verdict::Redact).await;
    let aws = aws();
    let length = u32::try_from(aws.len()).unwrap().to_le_bytes();
    let element = [&length[..], aws.as_bytes()].concat();
    let input =
        json!({"name": "q", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": element.len()}});
    let head = json!({"inputs": [input]}).to_string();
    let body = [head.as_bytes(), &element].concat();
    let length = format!("Inference-Header-Content-Length: {}", head.len());
    let kinds = ["application/octet-stream", JSON, "application/vnd.kserve.binary"];
    for (kind, body) in kinds.iter().map(|kind| (kind, body.as_slice())).chain([(&JSON, head.as_bytes())]) {
        let lines = format!("Content-Type: {kind}\r\n{length}");
        let sent = trial.send("/kserve/v2/models/weld/infer", &lines, body).await;
        assert!((400..500).contains(&sent.status) && sent.seen.is_none(), "{kind}: {} {}", sent.status, sent.decision);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_a_secret_and_holds_none_passes_as_it_is() {
    let trial = Trial::new(Verdict::Refuse).await;
    let commit = "9f8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b";
    for content in [
        "curl -H 'Authorization: Bearer $OPENAI_API_KEY'".to_owned(),
        format!("fix of the token check in {commit}"),
        "request 123e4567-e89b-12d3-a456-426614174000 failed".to_owned(),
        "AKIAIOSFODNN7EXAMPLE is the one of the manual".to_owned(),
    ] {
        let body = said(&content);
        let sent = trial.send(CHAT, &format!("Content-Type: {JSON}"), body.as_bytes()).await;
        assert_eq!(sent.status, 200, "{content}: {}", sent.decision);
        let seen: Value = serde_json::from_str(&sent.seen.unwrap().1).unwrap();
        assert_eq!(seen["messages"][0]["content"], content.as_str());
    }
}
