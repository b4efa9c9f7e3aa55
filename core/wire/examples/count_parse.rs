//! Parses a chat with a prompt of 2 KiB as often as the first argument says, for `cargo xtask count`.

use penstock_wire::{Limits, Request, endpoint};
use std::hint::black_box;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: usize = std::env::args().nth(1).ok_or("usage: count_parse ROUNDS")?.parse()?;
    let prompt = include_str!("../../../testdata/bench/prompt.txt");
    let body = format!(r#"{{"model":"bench","stream":false,"messages":[{{"role":"user","content":"{prompt}"}}]}}"#);
    let chat = endpoint(plant::Dialect::OpenAi, "POST", "/v1/chat/completions").ok_or("no such endpoint")?;
    for _ in 0..rounds {
        let request = Request::parse(chat, Some("application/json"), black_box(body.as_bytes()), &Limits::default())?;
        black_box(request);
    }
    Ok(())
}
