//! How fast a request is read and rewritten: one thread, a 64 KiB chat body. Run with `--release`.
//!
//! Each figure is the best of several rounds, in bytes of the body per second.

use penstock_wire as wire;
use plant::{Dialect, Edit};
use std::hint::black_box;
use std::time::{Duration, Instant};
use wire::json::{self, Document};
use wire::{Endpoint, Limits, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chat = wire::endpoint(Dialect::OpenAi, "POST", "/v1/chat/completions").ok_or("no such endpoint")?;
    for (name, body) in [("prose", prose()), ("many short strings", short()), ("one 20 MiB image", image())] {
        measure(name, chat, body.as_bytes())?;
    }
    Ok(())
}

fn measure(name: &str, chat: Endpoint, body: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let limits = json::Limits::default();
    let parse = || Request::parse(chat, Some("application/json"), body, &Limits::default());
    let request = parse()?;
    let edits: Vec<Edit> = (0..request.content().pieces.len())
        .filter(|piece| request.content().pieces.get(*piece).is_some_and(|own| !own.fixed && own.text.len() > 8))
        .map(|piece| Edit { piece, span: 0..4, replacement: "T_7K2".to_owned() })
        .collect();
    println!("{name}: {} bytes, {} pieces", body.len(), request.content().pieces.len());
    report("  document", body.len(), || drop(black_box(Document::parse(black_box(body), &limits))));
    report("  request", body.len(), || drop(black_box(parse())));
    report("  rewrite", body.len(), || drop(black_box(request.rewrite(black_box(&edits), Some("edge")))));
    report("  serde_json::Value", body.len(), || {
        drop(black_box(serde_json::from_slice::<serde_json::Value>(black_box(body))));
    });
    Ok(())
}

fn report(what: &str, bytes: usize, mut run: impl FnMut()) {
    let mut best = Duration::MAX;
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(700) {
        let round = Instant::now();
        run();
        best = best.min(round.elapsed());
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = bytes as f64 / best.as_secs_f64() / 1e6;
    println!("{what:20} {rate:8.0} MB/s  {best:?}");
}

fn prose() -> String {
    let text = "At 05:10 the mash tun TIC-101 swung around 63 \u{b0}C, setpoint 62.5.\\nThe operator said: \\\"valve TV-101 sticks\\\". ";
    let turns: Vec<String> = (0..64)
        .map(|n| {
            format!(r#"{{"role":"{}","content":"{}"}}"#, if n % 2 == 0 { "user" } else { "assistant" }, text.repeat(9))
        })
        .collect();
    format!(r#"{{"model":"gpt-4o","messages":[{}],"stream":true}}"#, turns.join(","))
}

fn short() -> String {
    let turns: Vec<String> = (0..850)
        .map(|n| format!(r#"{{"role":"user","content":[{{"type":"text","text":"reading {n} of FIC-204"}}]}}"#))
        .collect();
    format!(r#"{{"model":"gpt-4o","messages":[{}],"stream":true}}"#, turns.join(","))
}

fn image() -> String {
    format!(
        r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,iVBORw0KGgoAAAAN{}"}}}}]}}]}}"#,
        "Zm9v".repeat(5 << 20)
    )
}
