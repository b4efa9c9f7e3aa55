//! Single streams, written out: what goes out when something is held back.

use super::rig::{CHAT, MESSAGES, OLLAMA, Restore, SSE, Source, VALUE};
use plant::Dialect;

fn chunk(content: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{content}\"}},\"finish_reason\":null}}]}}\n\n"
    )
}

const DONE: &str = "data: [DONE]\n\n";

fn check(source: Source, came: &str, expected: &str) {
    let given = source.give([came.as_bytes()], &mut Restore::default());
    assert_eq!(given.ended, Ok(()));
    assert_eq!(String::from_utf8(given.out).unwrap(), expected);
}

/// [`VALUE`] as string content.
fn value() -> String {
    let quoted = serde_json::to_string(VALUE).unwrap().replace('\u{2028}', "\\u2028");
    quoted[1..quoted.len() - 1].to_owned()
}

#[test]
fn a_token_over_two_events_comes_with_the_second_and_the_first_stays_in_its_place() {
    let came = [chunk("a TO"), chunk("KEN b"), DONE.to_owned()].concat();
    check(CHAT, &came, &[chunk("a "), chunk(&format!("{} b", value())), DONE.to_owned()].concat());
}

#[test]
fn what_is_held_at_the_very_end_comes_before_the_end() {
    check(CHAT, &(chunk("a TO") + DONE), &(chunk("a ") + &chunk("TO") + DONE));
}

#[test]
fn an_ending_event_that_has_text_itself_takes_the_rest_along() {
    let last = |text: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}]}}\n\n{DONE}"
        )
    };
    check(CHAT, &(chunk("a TO") + &last("KE")), &(chunk("a ") + &last("TOKE")));
}

#[test]
fn a_call_that_came_in_one_event_keeps_its_name_single() {
    let call = |first: &str, arguments: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{{}\"tool_calls\":[{{\"index\":0,{first}\"function\":{{{}\"arguments\":\"{arguments}\"}}}}]}},\"finish_reason\":null}}]}}\n\n",
            if first.is_empty() { "" } else { "\"role\":\"assistant\"," },
            if first.is_empty() { "" } else { "\"name\":\"f\"," },
        )
    };
    let came = call("\"id\":\"call_1\",", "{TO") + DONE;
    check(CHAT, &came, &(call("\"id\":\"call_1\",", "{") + &call("", "TO") + DONE));
}

#[test]
fn a_block_that_starts_with_text_is_not_started_twice() {
    let start = |text: &str| {
        format!(
            "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":3,\"content_block\":{{\"type\":\"text\",\"text\":\"{text}\"}}}}\n\n"
        )
    };
    let delta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"text_delta\",\"text\":\"TO\"}}\n\n";
    let end = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":3}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    check(MESSAGES, &(start("a TO") + end), &(start("a ") + delta + end));
}

#[test]
fn a_stream_without_marks_gives_the_rest_at_its_end_even_if_its_last_event_is_open() {
    let kserve = Source { dialect: Dialect::Kserve, path: "/v2/models/m/generate_stream", status: 200, kind: SSE };
    check(
        kserve,
        "data: {\"text_output\":\"a T\"}",
        "data: {\"text_output\":\"a \"}\n\ndata: {\"text_output\":\"T\"}\n\n",
    );
    let line = |text: &str, done: bool| {
        format!("{{\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"done\":{done}}}")
    };
    let came = format!("{}\n{}", line("a T", false), line("", true));
    check(OLLAMA, &came, &format!("{}\n{}\n{}", line("a ", false), line("T", false), line("", true)));
}

#[test]
fn a_byte_order_mark_is_not_repeated() {
    let came = format!("\u{feff}{}{DONE}", chunk("T"));
    check(CHAT, &came, &format!("\u{feff}{}{}{DONE}", chunk(""), chunk("T")));
}

#[test]
fn a_structured_answer_stays_json() {
    let came = chunk("{\\\"tag\\\":\\\"TOKEN\\\"}") + DONE;
    let given = CHAT.give([came.as_bytes()], &mut Restore::default());
    let said = super::consumer::texts(Dialect::OpenAi, &given.out);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&said["0 content"]).unwrap()["tag"], VALUE);
}

#[test]
fn a_character_in_halves_goes_out_as_it_came_or_whole() {
    check(CHAT, &(chunk("a\\ud83d") + &chunk("\\ude00b") + DONE), &(chunk("a\\ud83d") + &chunk("\\ude00b") + DONE));
    // The first half went out before anything was held back; the second follows by itself.
    check(
        CHAT,
        &(chunk("a\\ud83d") + &chunk("\\ude00T") + DONE),
        &(chunk("a\\ud83d") + &chunk("\\ude00") + &chunk("T") + DONE),
    );
    // Something is held back already, so the character stays whole.
    check(CHAT, &(chunk("T\\ud83d") + &chunk("\\ude00b") + DONE), &(chunk("") + &chunk("T\u{1f600}b") + DONE));
}
