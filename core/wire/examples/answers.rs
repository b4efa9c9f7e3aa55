//! Measures how many events of a chat stream pass in a second on one core: `cargo run --release -p penstock-wire --example answers`.

use penstock_wire::{Answer, endpoint};
use plant::{Channel, Dialect, Form, Rewrite};
use std::time::Instant;

const EVENTS: usize = 200_000;

/// Releases what it takes.
struct Same;

impl Rewrite for Same {
    fn push(&mut self, _: Channel, text: &str) -> String {
        text.to_owned()
    }

    fn finish(&mut self, _: Channel) -> String {
        String::new()
    }

    fn whole(&mut self, _: &str, _: Form) -> Option<String> {
        None
    }
}

/// Is always one push behind: every event is rewritten, and one could have to be made from each.
#[derive(Default)]
struct Behind(String);

impl Rewrite for Behind {
    fn push(&mut self, _: Channel, text: &str) -> String {
        std::mem::replace(&mut self.0, text.to_owned())
    }

    fn finish(&mut self, _: Channel) -> String {
        std::mem::take(&mut self.0)
    }

    fn whole(&mut self, _: &str, _: Form) -> Option<String> {
        None
    }
}

fn main() {
    let mut stream = Vec::new();
    for _ in 0..EVENTS {
        stream.extend_from_slice(
            b"data: {\"id\":\"chatcmpl-CeXq2kV0b7\",\"object\":\"chat.completion.chunk\",\"created\":1763676000,\
              \"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_cbf1785567\",\
              \"choices\":[{\"index\":0,\"delta\":{\"content\":\" valve\"},\"logprobs\":null,\"finish_reason\":null}],\
              \"usage\":null}\n\n",
        );
    }
    stream.extend_from_slice(b"data: [DONE]\n\n");
    let size = stream.len() / (EVENTS + 1);
    for (name, passive, rewrite) in [
        ("passive", true, &mut Same as &mut dyn Rewrite),
        ("unchanged", false, &mut Same),
        ("every event rewritten", false, &mut Behind::default()),
    ] {
        for chunk in [size, 16_384] {
            let rate = (0..5).map(|_| measure(&stream, chunk, passive, rewrite)).fold(0.0, f64::max);
            println!("{name:<22} chunks of {chunk:>5} bytes: {rate:>9.0} events/s, {:.2} us each", 1e6 / rate);
        }
    }
}

fn measure(stream: &[u8], chunk: usize, passive: bool, rewrite: &mut dyn Rewrite) -> f64 {
    let Some(endpoint) = endpoint(Dialect::OpenAi, "POST", "/chat/completions") else { return 0.0 };
    let mut answer = Answer::new(Dialect::OpenAi, endpoint, 200, "text/event-stream", passive);
    let mut out = Vec::new();
    let started = Instant::now();
    for chunk in stream.chunks(chunk) {
        out.clear();
        if answer.push(chunk, rewrite, &mut out).is_err() {
            return 0.0;
        }
    }
    if answer.finish(rewrite, &mut out).is_err() {
        return 0.0;
    }
    f64::from(u32::try_from(EVENTS).unwrap_or(u32::MAX)) / started.elapsed().as_secs_f64()
}
