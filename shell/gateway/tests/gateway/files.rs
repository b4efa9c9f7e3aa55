//! Files that calls carry: opened, judged by what is in them, and left out or refused where nothing can be replaced.

use crate::caller::Caller;
use crate::provider::{Act, Provider, completion, document};
use crate::works::{Setting, Works};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use plant::{Attachments, Bounds, Files, Images, OpaqueFiles, Reason, Writing};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// A file of the test data.
fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../testdata/files/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A plant whose conduits do this with files.
pub(crate) struct Trial {
    provider: Provider,
    pub(crate) works: Works,
}

impl Trial {
    async fn new(files: Files) -> Self {
        Self::with(files, None).await
    }

    pub(crate) async fn with(files: Files, engine: Option<ocr::Settings>) -> Self {
        let provider = Provider::new(vec![Act::Send(document(200, "", &completion("seen")))]).await;
        let works = Works::start(Setting { files, engine, ..Setting::new(provider.address) }).await;
        Self { provider, works }
    }

    /// Sends a body; gives the status, the reason, and what the provider saw.
    async fn send(&self, path: &str, kind: &str, body: &[u8]) -> (u16, String, Option<String>) {
        let before = self.provider.seen().len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {}\r\nContent-Type: {kind}\r\n\
             anthropic-version: 2023-06-01\r\nContent-Length: {}\r\n\r\n",
            self.works.token,
            body.len()
        );
        let mut caller = Caller::sends(self.works.address, &[head.as_bytes(), body].concat()).await;
        let answer = caller.answer().await.unwrap();
        let seen = self.provider.seen().split_off(before).pop();
        (answer.status, answer.header("penstock-decision").unwrap_or_default().to_owned(), seen)
    }

    async fn json(&self, path: &str, body: &Value) -> (u16, String, Option<String>) {
        self.send(path, "application/json", body.to_string().as_bytes()).await
    }

    /// The call is refused for its content.
    pub(crate) async fn refuses(&self, path: &str, body: &Value) {
        let (status, decision, seen) = self.json(path, body).await;
        let reason = Reason::ContentRefused;
        assert_eq!((status, decision), (reason.status(), format!("refuse; reason={reason}")));
        assert!(seen.is_none());
    }

    /// The call passes; gives the body that the provider saw.
    pub(crate) async fn passes(&self, path: &str, body: &Value) -> Value {
        let (status, decision, seen) = self.json(path, body).await;
        assert_eq!(status, 200, "{decision}");
        let seen = seen.unwrap();
        serde_json::from_str(seen.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

pub(crate) const CHAT: &str = "/openai/v1/chat/completions";
pub(crate) const MESSAGES: &str = "/anthropic/v1/messages";

pub(crate) fn url(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", BASE64_STANDARD.encode(bytes))
}

pub(crate) fn chat(part: &Value) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": [part, {"type": "text", "text": "what is it?"}]}]})
}

pub(crate) fn file_part(name: &str, bytes: &[u8]) -> Value {
    chat(&json!({"type": "file", "file": {"filename": name, "file_data": url("application/octet-stream", bytes)}}))
}

fn anthropic(name: &str, kind: &str) -> Value {
    let data = BASE64_STANDARD.encode(sample(name));
    let document =
        json!({"type": "document", "title": name, "source": {"type": "base64", "media_type": kind, "data": data}});
    json!({"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": [document]}]})
}

const STRICT: Files = Files {
    attachments: Attachments::Refuse,
    opaque: OpaqueFiles::Refuse,
    images: Images::Strip,
    image_side: 1024,
    image_detail: 64,
    writing: Writing::Read,
};
const DROP: Files = Files { attachments: Attachments::Drop, ..STRICT };
const RECORD: Files = Files { opaque: OpaqueFiles::Record, ..STRICT };
const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_file_refuses_the_call_in_every_dialect() {
    let trial = Trial::new(DROP).await;
    for name in
        ["report.pdf", "brew-sheet.docx", "prices.xlsx", "line-3.pptx", "mail.eml", "archive.zip", "archive.tar.gz"]
    {
        trial.refuses(CHAT, &file_part(name, &sample(name))).await;
        trial.refuses(MESSAGES, &anthropic(name, SHEET)).await;
    }
    let file = json!({"type": "input_file", "filename": "a", "file_data": url("text/plain", &gzip(b"password: Xk29dLq8vTz1"))});
    let responses = json!({"model": "gpt-4o", "input": [{"role": "user", "content": [file]}]});
    trial.refuses("/openai/v1/responses", &responses).await;
    let images = json!([BASE64_STANDARD.encode(sample("archive.zip"))]);
    let ollama = json!({"model": "llava", "messages": [{"role": "user", "content": "see", "images": images}]});
    trial.refuses("/ollama/api/chat", &ollama).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_in_a_form_is_read_too() {
    let trial = Trial::new(DROP).await;
    let upload = |name: &str, bytes: &[u8]| {
        let head = format!(
            "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--x\r\nContent-Disposition: \
             form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        [head.as_bytes(), bytes, b"\r\n--x--\r\n"].concat()
    };
    let kind = "multipart/form-data; boundary=x";
    let (status, _, seen) = trial.send("/openai/v1/files", kind, &upload("a.docx", &sample("brew-sheet.docx"))).await;
    assert_eq!((status, seen), (Reason::ContentRefused.status(), None));
    let (status, decision, seen) =
        trial.send("/openai/v1/files", kind, &upload("a.xlsx", &sample("shared.xlsx"))).await;
    assert_eq!((status, seen.is_some()), (200, true), "{decision}");
    // What would have to be replaced inside refuses: without its file the form says nothing.
    let mail = gzip(b"write to lena.brandt@brewery-north.com");
    let (status, _, seen) = trial.send("/openai/v1/files", kind, &upload("a.gz", &mail)).await;
    assert_eq!((status, seen), (Reason::ContentRefused.status(), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_what_should_be_replaced_is_left_out_where_the_conduit_says_so() {
    let mail = gzip(b"write to lena.brandt@brewery-north.com");
    let refusing = Trial::new(Files::default()).await;
    refusing.refuses(CHAT, &file_part("a.gz", &mail)).await;
    let trial = Trial::new(DROP).await;
    let note = "[file left out: person.email]";
    let left = json!([{"type": "text", "text": note}, {"type": "text", "text": "what is it?"}]);
    assert_eq!(trial.passes(CHAT, &file_part("a.gz", &mail)).await["messages"][0]["content"], left);
    // A name beside it that would be redacted leaves with it.
    let body = file_part("lena.brandt@brewery-north.com.gz", &mail);
    assert_eq!(trial.passes(CHAT, &body).await["messages"][0]["content"], left);
    let source = json!({"type": "base64", "media_type": "application/gzip", "data": BASE64_STANDARD.encode(&mail)});
    let body = json!({"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "document", "source": source}]}]}]});
    let left = json!([{"type": "text", "text": note}]);
    assert_eq!(trial.passes(MESSAGES, &body).await["messages"][0]["content"][0]["content"], left);
    let images = json!([BASE64_STANDARD.encode(&mail), BASE64_STANDARD.encode(&mail)]);
    let body = json!({"model": "llava", "messages": [{"role": "user", "images": images, "content": "see"}]});
    let message = json!({"role": "user", "images": [], "content": format!("{note} see")});
    assert_eq!(trial.passes("/ollama/api/chat", &body).await["messages"][0], message);
    let file = json!({"type": "input_file", "file_data": url("application/gzip", &mail)});
    let body = json!({"model": "gpt-4o", "input": [{"role": "user", "content": [file]}]});
    let left = json!([{"type": "input_text", "text": note}]);
    assert_eq!(trial.passes("/openai/v1/responses", &body).await["input"][0]["content"], left);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_or_recorded_as_the_conduit_says() {
    let refusing = Trial::new(Files::default()).await;
    let recording = Trial::new(RECORD).await;
    let bomb = gzip(&vec![b' '; 4 << 20]);
    for (count, bytes) in [bomb, sample("encrypted.pdf")].into_iter().enumerate() {
        let body = file_part("a.bin", &bytes);
        refusing.refuses(CHAT, &body).await;
        assert_eq!(recording.passes(CHAT, &body).await, body);
        let story = recording.works.ledger.stories(count + 1).await.pop().unwrap();
        let findings = story.intent.unwrap().body.what.unwrap().findings;
        assert!(findings.iter().any(|finding| finding.label == "attachment.opaque"), "{findings:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_says_nothing_sensitive_passes_byte_for_byte() {
    let trial = Trial::new(Files::default()).await;
    let body = file_part("shared.xlsx", &sample("shared.xlsx"));
    assert_eq!(trial.passes(CHAT, &body).await, body);
}

/// A photograph with Exif (camera, author and place), XMP and a comment, and something behind its end.
fn photograph() -> Vec<u8> {
    [sample("photograph.jpg"), b"behind".to_vec()].concat()
}

/// The pictures that a provider saw in the parts of a message.
pub(crate) fn picture(body: &Value) -> Vec<u8> {
    let url = body["messages"][0]["content"][0]["image_url"]["url"].as_str().unwrap();
    BASE64_STANDARD.decode(url.split_once(',').unwrap().1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photograph_leaves_without_its_place_and_author() {
    let trial = Trial::new(Files::default()).await;
    let part = json!({"type": "image_url", "image_url": {"url": url("image/jpeg", &photograph())}});
    let seen = picture(&trial.passes(CHAT, &chat(&part)).await);
    assert!(seen.starts_with(&[0xff, 0xd8]) && seen.ends_with(&[0xff, 0xd9]));
    for secret in ["GPS", "Lena", "brewery-north", "xmpmeta", "behind"] {
        assert!(photograph().windows(secret.len()).any(|own| own == secret.as_bytes()) || secret == "GPS", "{secret}");
        assert!(!seen.windows(secret.len()).any(|own| own == secret.as_bytes()), "{secret}");
    }
    // The coded pixels are the same bytes.
    let pixels = |bytes: &[u8]| bytes.windows(2).rposition(|own| own == [0xff, 0xda]).unwrap();
    let (was, is) = (photograph(), seen);
    assert!(was[pixels(&was)..].starts_with(&is[pixels(&is)..]));
    // In a form too, and what stands around it is as it was.
    let form = |bytes: &[u8]| {
        let head = "--x\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n";
        let prompt = "\r\n--x\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nbrighter\r\n--x--\r\n";
        [head.as_bytes(), bytes, prompt.as_bytes()].concat()
    };
    let kind = "multipart/form-data; boundary=x";
    let (status, decision, seen) = trial.send("/openai/v1/images/edits", kind, &form(&photograph())).await;
    assert_eq!(status, 200, "{decision}");
    let seen = seen.unwrap();
    assert!(!seen.contains("Lena") && seen.contains("brighter\r\n--x--\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_left_out_where_the_conduit_says_so() {
    let trial = Trial::new(Files { images: Images::Drop, ..Files::default() }).await;
    let part = json!({"type": "image_url", "image_url": {"url": url("image/jpeg", &photograph())}});
    let left =
        json!([{"type": "text", "text": "[file left out: attachment.image]"}, {"type": "text", "text": "what is it?"}]);
    assert_eq!(trial.passes(CHAT, &chat(&part)).await["messages"][0]["content"], left);
    let source = json!({"type": "base64", "media_type": "image/jpeg", "data": BASE64_STANDARD.encode(photograph())});
    let body = json!({"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "image", "source": source}]}]});
    let left = json!([{"type": "text", "text": "[file left out: attachment.image]"}]);
    assert_eq!(trial.passes(MESSAGES, &body).await["messages"][0]["content"], left);
}

/// A drawing: lines on white, so large.
fn drawing(width: u32, height: u32) -> Vec<u8> {
    let line = |x: u32, y: u32| x % 97 < 3 && y > height / 3 || y % 71 < 3 && x < width / 2;
    let shown = image::RgbImage::from_fn(width, height, |x, y| image::Rgb(if line(x, y) { [0; 3] } else { [255; 3] }));
    let mut out = std::io::Cursor::new(Vec::new());
    shown.write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_leave_smaller_or_blurred_where_the_conduit_says_so() {
    let part = |bytes: &[u8]| chat(&json!({"type": "image_url", "image_url": {"url": url("image/png", bytes)}}));
    let whole = drawing(900, 600);
    let trial = Trial::new(Files { images: Images::Downscale, image_side: 300, ..Files::default() }).await;
    let seen = image::load_from_memory(&picture(&trial.passes(CHAT, &part(&whole)).await)).unwrap();
    assert_eq!((seen.width(), seen.height()), (300, 200));
    // What is small enough stays as it came, and what else stands in the body too.
    let small = part(&drawing(120, 80));
    assert_eq!(trial.passes(CHAT, &small).await, small);
    // What claims to be a picture and cannot be decoded leaves neither large nor small.
    trial.refuses(CHAT, &part(&whole[..whole.len() - 400])).await;
    let data = BASE64_STANDARD.encode(&whole);
    let source = json!({"type": "base64", "media_type": "image/png", "data": data});
    let content = json!([{"type": "image", "source": source}]);
    let body = json!({"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": content}]});
    let trial = Trial::new(Files { images: Images::Blur, image_detail: 8, ..Files::default() }).await;
    let seen = trial.passes(MESSAGES, &body).await;
    let source = &seen["messages"][0]["content"][0]["source"];
    assert_eq!(source["media_type"], "image/png");
    let blurred = BASE64_STANDARD.decode(source["data"].as_str().unwrap()).unwrap();
    let blurred = image::load_from_memory_with_format(&blurred, image::ImageFormat::Png).unwrap().to_luma8();
    assert_eq!(blurred.dimensions(), (900, 600));
    assert!(blurred.pixels().all(|pixel| pixel.0[0] > 100), "no line is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_picture_is_becomes_its_label() {
    let trial = Trial::new(Files::default()).await;
    let docx = gzip(&drawing(400, 300));
    let whole = json!({"type": "image_url", "image_url": {"url": url("image/png", &drawing(400, 300))}});
    for (count, body) in [chat(&whole), file_part("a.gz", &docx)].into_iter().enumerate() {
        trial.passes(CHAT, &body).await;
        let story = trial.works.ledger.stories(count + 1).await.pop().unwrap();
        let findings = story.intent.unwrap().body.what.unwrap().findings;
        assert!(findings.iter().any(|finding| finding.label == "attachment.image.drawing"), "{findings:?}");
    }
    let bomb = json!({"type": "image_url", "image_url": {"url": url("image/bmp", &claims_to_be_huge())}});
    trial.refuses(CHAT, &chat(&bomb)).await;
}

/// A BMP of one row that says that it has a billion pixels.
fn claims_to_be_huge() -> Vec<u8> {
    let mut bytes = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bytes.extend([30_000u32, 30_000].map(u32::to_le_bytes).concat());
    bytes.extend([1, 0, 24, 0]);
    bytes.extend([0; 28]);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_code_in_a_picture_says_is_read() {
    let code =
        |name: &str| std::fs::read(format!("{}/../../testdata/codes/{name}.png", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let trial = Trial::new(Files::default()).await;
    for name in ["qr", "data-matrix", "code-128"] {
        let part = json!({"type": "image_url", "image_url": {"url": url("image/png", &code(name))}});
        trial.refuses(CHAT, &chat(&part)).await;
        trial.refuses(CHAT, &file_part("a.gz", &gzip(&code(name)))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_is_longer_than_the_conduit_takes_is_refused() {
    let provider = Provider::new(vec![Act::Send(document(200, "", &completion("seen")))]).await;
    let bounds = Bounds { audio: Some(Duration::from_secs(60)), ..Bounds::default() };
    let works = Works::start(Setting { bounds, ..Setting::new(provider.address) }).await;
    let trial = Trial { provider, works };
    // 8,000 samples a second of two bytes each.
    let wav = |seconds: usize| {
        let form = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0";
        [&form[..], &vec![0x22; seconds * 16_000]].concat()
    };
    let body = |recordings: &[Vec<u8>]| {
        let part = |bytes: &Vec<u8>| json!({"type": "input_audio", "input_audio": {"format": "wav", "data": BASE64_STANDARD.encode(bytes)}});
        let content: Vec<Value> = recordings.iter().map(part).collect();
        json!({"model": "gpt-4o", "messages": [{"role": "user", "content": content}]})
    };
    trial.passes(CHAT, &body(&[wav(59)])).await;
    trial.refuses(CHAT, &body(&[wav(61)])).await;
    trial.refuses(CHAT, &body(&[wav(40), wav(40)])).await;
    // What states neither format nor length is not taken for short.
    trial
        .refuses(CHAT, &body(&[b"OggS\0\x02\0\0\0\0\0\0\0\0aaaa\0\0\0\0\0\0\0\0\x01\x04\x81\x82\x83\x84".to_vec()]))
        .await;
}
