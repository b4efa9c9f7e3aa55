//! Entry for fuzzing: any bytes as an answer of any endpoint, whole and in pieces, with a rewriter that changes nothing.

use super::{Answer, Limits};
use crate::endpoints;
use plant::{Channel, Form, Rewrite};

const AMAZON: &str = "application/vnd.amazon.eventstream";

/// Releases what it takes.
pub(super) struct Same;

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

/// Reads the bytes as an answer; asserts that nothing is changed, whatever the chunks. The first byte picks the endpoint,
/// the second how it is carried.
pub fn fuzz(bytes: &[u8]) {
    let [which, carrier, bytes @ ..] = bytes else { return };
    let all: Vec<_> = endpoints().collect();
    let Some(endpoint) = all.get(usize::from(*which) % all.len().max(1)).copied() else { return };
    let kinds =
        ["text/event-stream", "application/x-ndjson", "application/json", "text/plain", "", "image/png", AMAZON];
    let kind = kinds.into_iter().cycle().nth(usize::from(*carrier)).unwrap_or_default();
    let limits = Limits { frame: 1 << 12, body: 1 << 14, depth: 16, nodes: 512 };
    let mut results = Vec::new();
    for size in [1, 7, bytes.len().max(1)] {
        let mut answer = Answer::new(endpoint.dialect(), endpoint, 200, kind, false).within(limits);
        let mut out = Vec::new();
        let pushed = bytes.chunks(size).try_for_each(|chunk| answer.push(chunk, &mut Same, &mut out));
        let ended = pushed.and_then(|()| answer.finish(&mut Same, &mut out));
        // An event that lacks its end gets one if an error is to follow it.
        let came = if ended.is_err() { out.trim_ascii_end() } else { &out };
        assert!(bytes.starts_with(came), "nothing is changed");
        assert!(ended.is_err() || out.len() == bytes.len(), "nothing is lost");
        results.push((ended, out, answer.facts().clone()));
    }
    assert!(results.windows(2).all(|pair| pair.first() == pair.last()), "chunking changes nothing");
}
