//! The golden answers: unchanged when nothing is rewritten, right when something is.

use super::consumer::{is_json, payloads, texts};
use super::rig::{CHAT, Given, JSON, Restore, Same, Source, VALUE, all, give, golden, replaced};
use plant::{Dialect, Form};
use serde_json::Value;
use std::collections::BTreeMap;

/// An answer in one piece, rewritten.
fn restored(name: &str, source: Source) -> (Vec<u8>, Given) {
    let came = golden(name);
    let given = source.give([came.as_slice()], &mut Restore::default());
    (came, given)
}

fn streams() -> impl Iterator<Item = (&'static str, Source)> {
    all()
        .into_iter()
        .filter(|(name, _)| !name.ends_with("json") || name.contains("ndjson") || name.contains("array"))
        .filter(|(name, _)| !name.ends_with("html") && !name.ends_with("grpc"))
}

#[test]
fn what_nothing_matches_leaves_byte_for_byte() {
    for (name, source) in all() {
        let came = golden(name);
        let chunkings: [Vec<&[u8]>; 3] = [vec![&came], came.chunks(1).collect(), came.chunks(7).collect()];
        for chunks in chunkings {
            for passive in [false, true] {
                let given = give(source.answer(passive), chunks.iter().copied(), &mut Same);
                assert_eq!(given.ended, Ok(()), "{name}");
                assert!(given.out == came, "{name} changed");
                assert!(given.facts.complete, "{name}");
            }
        }
    }
}

#[test]
fn every_split_in_two_gives_the_same() {
    for (name, source) in all() {
        let (came, whole) = restored(name, source);
        for at in 0..=came.len() {
            let given = source.give([&came[..at], &came[at..]], &mut Restore::default());
            assert!(given.out == whole.out, "{name} cut at {at}");
            assert_eq!((given.ended, given.facts), (whole.ended.clone(), whole.facts.clone()), "{name} cut at {at}");
        }
        let given = source.give(came.chunks(1), &mut Restore::default());
        assert!(given.out == whole.out, "{name} byte by byte");
    }
}

#[test]
fn the_assembled_texts_are_those_of_the_buffered_answer() {
    for (name, source) in streams() {
        let (came, given) = restored(name, source);
        assert_eq!(given.ended, Ok(()), "{name}");
        if source.dialect == Dialect::Json {
            continue;
        }
        // Log probabilities go where a text was changed.
        let is_text = |(place, _): &(String, String)| !place.ends_with("logprobs");
        let expected: BTreeMap<String, String> = texts(source.dialect, &came)
            .into_iter()
            .filter(is_text)
            .map(|(place, text)| {
                let form = if is_json(&place, &text) { Form::Json } else { Form::Plain };
                let new = replaced(&text, form);
                (place, new)
            })
            .collect();
        let given: BTreeMap<String, String> = texts(source.dialect, &given.out).into_iter().filter(is_text).collect();
        assert_eq!(given, expected, "{name}");
    }
}

#[test]
fn arguments_with_a_restored_value_are_still_json() {
    for (name, place) in [
        ("openai-chat-tools.sse", "0 0 arguments"),
        ("openai-responses.sse", "response.function_call_arguments 2 null null"),
        ("openai-realtime.ndjson", "response.function_call_arguments 2 null null"),
        ("anthropic.sse", "2 partial_json"),
        ("bedrock-converse.eventstream", "2 arguments"),
        ("cohere.sse", "0 arguments"),
    ] {
        let (_, source) = all().into_iter().find(|(own, _)| *own == name).unwrap();
        let (_, given) = restored(name, source);
        let arguments: Value = serde_json::from_str(&texts(source.dialect, &given.out)[place]).unwrap();
        assert_eq!(arguments["valve"], VALUE, "{name}");
    }
}

#[test]
fn no_token_is_left_anywhere_in_a_stream_or_a_document() {
    for (name, source) in all() {
        let (came, given) = restored(name, source);
        let said = match source.dialect {
            Dialect::Bedrock if name.ends_with("eventstream") => payloads(source.dialect, &given.out).concat(),
            _ if name.ends_with(".grpc") => String::from_utf8_lossy(&given.out).into_owned(),
            _ => String::from_utf8(given.out.clone()).unwrap(),
        };
        assert!(!said.contains("TOKEN"), "{name}: {said}");
        if name != "openai-embeddings.json" && name != "error-500.html" {
            assert_ne!(given.out, came, "{name}");
        }
    }
}

#[test]
fn events_that_repeat_the_whole_are_rewritten_whole() {
    let (_, given) = restored("openai-responses.sse", super::rig::RESPONSES);
    let events: Vec<Value> =
        payloads(Dialect::OpenAi, &given.out).iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    let whole = format!("Open {VALUE}\nand T");
    assert_eq!(of("response.output_text.done")[0]["text"], whole);
    assert_eq!(of("response.completed")[0]["response"]["output"][1]["content"][0]["text"], whole);
    let arguments = |event: &Value| serde_json::from_str::<Value>(event.as_str().unwrap()).unwrap()["valve"].clone();
    assert_eq!(arguments(&of("response.function_call_arguments.done")[0]["arguments"]), VALUE);
    assert_eq!(arguments(&of("response.completed")[0]["response"]["output"][2]["arguments"]), VALUE);
}

#[test]
fn what_was_held_back_comes_right_before_the_event_that_ends_its_text() {
    let (_, given) = restored("openai-chat.sse", CHAT);
    let events = payloads(Dialect::OpenAi, &given.out);
    let ending = events.iter().position(|event| event.contains("\"finish_reason\":\"stop\"")).unwrap();
    let rest: Value = serde_json::from_str(&events[ending - 1]).unwrap();
    assert_eq!(rest["choices"][0]["delta"]["content"], "TO");
    assert_eq!(rest["id"], "chatcmpl-CeXq2kV0b7");
    let came = payloads(Dialect::OpenAi, &golden("openai-chat.sse"));
    assert_eq!(events.len(), came.len() + 1, "one event more, none less");
}

#[test]
fn an_event_made_anew_repeats_no_name_and_no_log_probability() {
    // The consumer joins ids, names, roles and log probabilities: any that came twice would show.
    let (came, given) = restored("openai-chat-logprobs.sse", CHAT);
    let of = |bytes: &[u8], what: &str| texts(Dialect::OpenAi, bytes)[what].clone();
    assert_eq!(of(&given.out, "0 role"), of(&came, "0 role"));
    // Those of events that came as they were; of the others they would tell what was replaced.
    assert_eq!(of(&given.out, "0 logprobs"), "see or");
}

#[test]
fn plain_text_and_lines_of_a_generic_stream_are_rewritten_in_place() {
    let (_, given) = restored("json.sse", JSON);
    let said = payloads(Dialect::Json, &given.out);
    let quoted = serde_json::to_string(VALUE).unwrap().replace('\u{2028}', "\\u2028");
    assert_eq!(said, [format!("{{\"state\":\n {quoted}}}"), format!("plain {VALUE}"), format!("[{quoted}, 1]")]);
    assert!(given.out.starts_with("\u{feff}retry: 3000\nid: 1\ndata: {\"state\":\ndata:  ".as_bytes()));
}
