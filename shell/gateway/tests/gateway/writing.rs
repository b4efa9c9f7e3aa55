//! Writing in pictures, read by Tesseract as Debian has it, and by engines that do not do what they should.

use crate::files::{CHAT, MESSAGES, Trial, chat, file_part, gzip, picture, url};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use plant::{Attachments, Files, Images, OpaqueFiles, Writing};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than anything here takes on a machine under load.
const LONG: Duration = Duration::from_secs(120);

fn engine(command: impl Into<PathBuf>) -> Option<ocr::Settings> {
    Some(ocr::Settings {
        command: command.into(),
        models: None,
        languages: vec!["eng".to_owned()],
        time: LONG,
        call_time: LONG,
        memory: 1 << 30,
        at_once: 2,
        remember: LONG,
    })
}

fn tesseract() -> Option<ocr::Settings> {
    engine("/usr/bin/tesseract")
}

/// An engine that is a script.
fn script(folder: &Path, text: &str) -> Option<ocr::Settings> {
    let path = folder.join("engine");
    fs::write(&path, format!("#!/bin/sh\ncat >/dev/null\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    engine(path)
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(format!("{}/../../testdata/pictures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn shows(bytes: &[u8]) -> Value {
    chat(&json!({"type": "image_url", "image_url": {"url": url("image/png", bytes)}}))
}

/// The labels that the last call was recorded with; it was the `count`th.
async fn labels(trial: &Trial, count: usize) -> Vec<String> {
    let story = trial.works.ledger.stories(count).await.pop().unwrap();
    let body = story.intent.map_or(story.last.body, |intent| intent.body);
    body.what.unwrap().findings.iter().map(|finding| finding.label.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_on_a_panel_is_a_tag() {
    let trial = Trial::with(Files::default(), tesseract()).await;
    trial.refuses(CHAT, &shows(&sample("panel.png"))).await;
    // In a file too, and in another dialect.
    trial.refuses(CHAT, &file_part("a.gz", &gzip(&sample("panel.png")))).await;
    let data = BASE64_STANDARD.encode(sample("panel.png"));
    let content = json!([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}]);
    let body = json!({"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": content}]});
    trial.refuses(MESSAGES, &body).await;
    let clean = shows(&sample("clean.png"));
    assert_eq!(trial.passes(CHAT, &clean).await, clean);
    assert_eq!(labels(&trial, 4).await, ["attachment.image.drawing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_with_a_tag_is_left_out_or_leaves_without_it() {
    let drop = Files { attachments: Attachments::Drop, ..Files::default() };
    let trial = Trial::with(drop, tesseract()).await;
    let seen = trial.passes(CHAT, &shows(&sample("panel.png"))).await;
    assert_eq!(seen["messages"][0]["content"][0], json!({"type": "text", "text": "[file left out: tag]"}));
    let found = labels(&trial, 1).await;
    assert!(found.iter().any(|label| label == "tag") && found.iter().any(|label| label == "setpoint"), "{found:?}");
    // What cannot be read in what leaves does not leave.
    for (images, passes) in [(Images::Blur, true), (Images::Downscale, false)] {
        let files = Files { images, image_side: 400, image_detail: 64, ..Files::default() };
        let trial = Trial::with(files, tesseract()).await;
        match passes {
            true => assert_ne!(picture(&trial.passes(CHAT, &shows(&sample("panel.png"))).await), sample("panel.png")),
            false => trial.refuses(CHAT, &shows(&sample("panel.png"))).await,
        }
    }
    let dropped = Trial::with(Files { images: Images::Drop, ..Files::default() }, tesseract()).await;
    dropped.passes(CHAT, &shows(&sample("panel.png"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_nobody_could_read_is_opaque() {
    let folder = tempfile::tempdir().unwrap();
    let hangs =
        script(folder.path(), "sleep 1000").map(|own| ocr::Settings { time: Duration::from_millis(200), ..own });
    for engine in [engine("/nowhere/tesseract"), hangs, engine("/bin/false")] {
        let trial = Trial::with(Files::default(), engine.clone()).await;
        trial.refuses(CHAT, &shows(&sample("clean.png"))).await;
        // What has no picture needs no engine.
        trial.passes(CHAT, &json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]})).await;
        let record = Files { opaque: OpaqueFiles::Record, ..Files::default() };
        let trial = Trial::with(record, engine.clone()).await;
        trial.passes(CHAT, &shows(&sample("clean.png"))).await;
        assert_eq!(labels(&trial, 1).await, ["attachment.image.drawing", "attachment.opaque"]);
        let ignore = Files { writing: Writing::Ignore, ..Files::default() };
        Trial::with(ignore, engine).await.passes(CHAT, &shows(&sample("panel.png"))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_picture_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let settings = script(folder.path(), "printf '5\\t1\\t1\\t1\\t1\\t1\\t4\\t2\\t8\\t3\\t91\\tnothing\\n'");
    let command = settings.as_ref().unwrap().command.clone();
    let trial = Trial::with(Files::default(), settings).await;
    trial.passes(CHAT, &shows(&sample("clean.png"))).await;
    fs::remove_file(command).unwrap();
    trial.passes(CHAT, &shows(&sample("clean.png"))).await;
    trial.refuses(CHAT, &shows(&sample("umlauts.png"))).await;
}
