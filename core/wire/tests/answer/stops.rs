//! A rewriter that does not let an answer go on: nothing of the event at hand comes out, however the answer is cut.

use crate::rig::{CHAT, Given, JSON, MESSAGES, Source};
use plant::{Channel, Form, Reason, Refusal, Rewrite};

/// Stops at `STOP`: in a text, or in the structure around the texts.
#[derive(Default)]
struct Stops {
    stopped: bool,
    structure: bool,
}

impl Rewrite for Stops {
    fn push(&mut self, _: Channel, text: &str) -> String {
        self.stopped |= text.contains("STOP");
        text.to_owned()
    }

    fn finish(&mut self, _: Channel) -> String {
        String::new()
    }

    fn whole(&mut self, text: &str, _: Form) -> Option<String> {
        self.stopped |= text.contains("STOP");
        None
    }

    fn document(&mut self, json: &str) -> Option<String> {
        self.structure |= json.contains("\"input\":{\"value\":400}");
        None
    }

    fn stopped(&self) -> Option<Refusal> {
        (self.stopped || self.structure).then(|| Refusal::new(Reason::ContentRefused, "stopped"))
    }
}

fn stopped(given: &Given, wanted: &str) {
    let broken = given.ended.clone().unwrap_err();
    assert_eq!((broken.reason, broken.detail.as_str()), (Reason::ContentRefused, "stopped"));
    assert_eq!(String::from_utf8_lossy(&given.out), wanted);
}

fn event(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

#[test]
fn what_came_before_the_event_is_released_and_nothing_of_it() {
    let (first, second) = (event("one"), event("two"));
    let stream = format!("{first}{second}{}{}data: [DONE]\n\n", event("a STOP b"), event("three"));
    for cut in 0..stream.len() {
        let (head, tail) = stream.as_bytes().split_at(cut);
        stopped(&CHAT.give([head, tail], &mut Stops::default()), &format!("{first}{second}"));
    }
}

#[test]
fn a_document_that_is_stopped_is_not_released_at_all() {
    let check = |source: Source, document: &str| {
        stopped(&source.document().give([document.as_bytes()], &mut Stops::default()), "");
    };
    check(JSON, r#"{"answer":"a STOP b"}"#);
    check(MESSAGES, r#"{"content":[{"type":"tool_use","name":"write","input":{"value":400}}]}"#);
}
