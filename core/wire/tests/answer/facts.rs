//! What is known of an answer, how one that breaks off is told, and the limits.

use super::consumer;
use super::rig::{CHAT, JSON, KSERVE, MESSAGES, OLLAMA, RESPONSES, Restore, SPEECH, Same, Source, all, give, golden};
use plant::{Dialect, Reason};
use wire::{AnswerLimits, Carrier};

fn facts(name: &str) -> wire::Facts {
    let (_, source) = all().into_iter().find(|(own, _)| *own == name).unwrap();
    let given = source.give([golden(name).as_slice()], &mut Same);
    let passive = give(source.answer(true), [golden(name).as_slice()], &mut Same);
    assert_eq!(given.facts, passive.facts, "{name}: the same whether it is read or not");
    given.facts
}

/// Model, id, tokens in and out, finish.
fn check(name: &str, model: &str, id: Option<&str>, tokens: (Option<u64>, Option<u64>), finish: Option<&str>) {
    let facts = facts(name);
    assert_eq!(facts.model.as_deref(), Some(model), "{name}");
    assert_eq!(facts.provider_id.as_deref(), id, "{name}");
    assert_eq!((facts.input_tokens, facts.output_tokens), tokens, "{name}");
    assert_eq!(facts.finish.as_deref(), finish, "{name}");
    assert!(facts.complete && facts.error.is_none() && facts.frames > 0, "{name}");
}

#[test]
fn each_dialect_tells_model_id_tokens_and_end() {
    let gpt = "gpt-4o-2024-08-06";
    check("openai-chat.sse", gpt, Some("chatcmpl-CeXq2kV0b7"), (Some(31), Some(17)), Some("stop"));
    check("openai-chat-tools.sse", gpt, Some("chatcmpl-CeXq2kV0b7"), (None, None), Some("tool_calls"));
    check("openai-chat.json", gpt, Some("chatcmpl-B9"), (Some(19), Some(10)), Some("tool_calls"));
    check("openai-completions.sse", "gpt-3.5-turbo-instruct", Some("cmpl-7b"), (None, None), Some("stop"));
    let (gpt, id) = ("gpt-5-2025-08-07", Some("resp_68af4030baa48193b0b43b4c2a176a1a"));
    check("openai-responses.sse", gpt, id, (Some(52), Some(40)), Some("completed"));
    check("openai-responses.json", gpt, id, (Some(52), Some(40)), Some("completed"));
    check("openai-embeddings.json", "text-embedding-3-small", None, (Some(8), None), None);
    let claude = "claude-sonnet-4-5-20250929";
    check("anthropic.sse", claude, Some("msg_01XFDUDYJgAACzvnptvVoYEL"), (Some(125), Some(89)), Some("tool_use"));
    check("anthropic.json", claude, Some("msg_01"), (Some(25), Some(89)), Some("tool_use"));
    check("ollama-chat.ndjson", "llama3.2", None, (Some(26), Some(282)), Some("stop"));
    check("ollama-generate.ndjson", "llama3.2", None, (Some(26), Some(282)), Some("stop"));
    check("ollama-chat.json", "llama3.2", None, (Some(26), Some(282)), Some("stop"));
    check("kserve-generate.sse", "copilot", None, (None, None), None);
    check("kserve-infer.json", "classify", Some("42"), (None, None), None);
    check("gemini.sse", "gemini-2.5-flash", Some("r7QxaYr1"), (Some(12), Some(14)), Some("STOP"));
    check("gemini-array.json", "gemini-2.5-flash", Some("r7QxaYr1"), (Some(12), Some(14)), Some("STOP"));
    check("gemini.json", "gemini-2.5-flash", Some("r7QxaYr1"), (Some(12), Some(14)), Some("STOP"));
    check("bedrock-invoke.eventstream", claude, Some("msg_bdrk_01"), (Some(25), Some(9)), Some("end_turn"));
    check("mistral.sse", "magistral-medium-2509", Some("cmpl-e5cc70bb"), (Some(19), Some(9)), Some("stop"));
    check("llamacpp-completion.sse", "qwen3", None, (Some(14), Some(9)), None);
    let cohere = facts("cohere.sse");
    assert_eq!((cohere.input_tokens, cohere.output_tokens), (Some(210), Some(11)));
    assert_eq!((cohere.finish.as_deref(), cohere.complete), (Some("COMPLETE"), true));
    let converse = facts("bedrock-converse.eventstream");
    assert_eq!((converse.input_tokens, converse.output_tokens), (Some(31), Some(17)));
    assert_eq!((converse.finish.as_deref(), converse.complete), (Some("tool_use"), true));
    assert_eq!(facts("bedrock-converse.json").input_tokens, Some(35));
    assert_eq!(facts("openai-transcription.sse").output_tokens, Some(9));
}

#[test]
fn a_stream_that_breaks_off_is_told_from_one_that_ended() {
    let marks = [
        ("openai-chat.sse", "data: [DONE]"),
        ("openai-responses.sse", "event: response.completed"),
        ("openai-transcription.sse", "data: {\"type\":\"transcript.text.done\""),
        ("anthropic.sse", "event: message_stop"),
        ("cohere.sse", "event: message-end"),
        ("mistral.sse", "data: [DONE]"),
        ("llamacpp-completion.sse", "data: {\"index\":0,\"content\":\"\""),
        (
            "ollama-chat.ndjson",
            "{\"model\":\"llama3.2\",\"created_at\":\"2026-11-20T21:00:00.123456Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true",
        ),
    ];
    for (name, mark) in marks {
        let came = golden(name);
        let (_, source) = all().into_iter().find(|(own, _)| *own == name).unwrap();
        let at = String::from_utf8(came.clone()).unwrap().find(mark).unwrap_or_else(|| panic!("{name}"));
        for cut in [at, at + mark.len() - 2] {
            let given = source.give([&came[..cut]], &mut Same);
            assert_eq!(given.ended.unwrap_err().reason, Reason::ProviderBroken, "{name}");
            assert!(given.out == came[..at], "{name}: whole events, and no half one");
            assert!(!given.facts.complete, "{name}");
        }
    }
}

#[test]
fn a_last_event_without_its_blank_line_still_ends_the_stream() {
    for (name, source) in all() {
        let came = golden(name);
        let cut = came.trim_ascii_end();
        let given = source.give([cut], &mut Same);
        assert_eq!(given.ended, Ok(()), "{name}");
        assert_eq!(given.out, cut, "{name}");
    }
}

#[test]
fn an_error_can_follow_whatever_was_given() {
    for (name, source) in all() {
        if !(name.ends_with(".sse") || name.ends_with(".ndjson")) || source.dialect == Dialect::Json {
            continue;
        }
        let came = golden(name);
        for cut in 1..came.len() {
            let given = source.give([&came[..cut]], &mut Restore::default());
            if given.ended.is_err() && !given.out.is_empty() {
                let end = given.out.trim_ascii_end().len();
                let newlines = given.out[end..].iter().filter(|byte| **byte == b'\n').count();
                assert!(newlines >= if name.ends_with(".sse") { 2 } else { 1 }, "{name} cut at {cut}");
                consumer::texts(source.dialect, &given.out);
            }
        }
    }
}

#[test]
fn what_was_held_back_when_a_stream_breaks_off_is_the_callers() {
    let came = golden("openai-chat.sse");
    let at = String::from_utf8(came.clone()).unwrap().find("\"finish_reason\":\"stop\"").unwrap();
    let given = CHAT.give([&came[..at]], &mut Restore::default());
    assert!(given.ended.is_err());
    let said = consumer::texts(Dialect::OpenAi, &given.out);
    assert!(said["0 content"].ends_with(" Then TO"), "{said:?}");
}

#[test]
fn documents_cut_short_or_garbled_are_broken() {
    for (name, source) in all().into_iter().filter(|(name, _)| name.ends_with(".json") && !name.contains("array")) {
        let came = golden(name);
        let cut = &came.trim_ascii_end()[..came.trim_ascii_end().len() - 1];
        let given = source.give([cut], &mut Same);
        assert_eq!(given.ended.unwrap_err().reason, Reason::ProviderBroken, "{name}");
        assert!(given.out.is_empty(), "{name}: no half message");
        let passive = give(source.answer(true), [cut], &mut Same);
        assert!(passive.ended.is_err(), "{name}");
    }
    for wrong in ["<html></html>", "{\"a\":1,\"a\":2}", "{} {}", "{\"a\":\"\u{1}\"}"] {
        assert!(CHAT.document().give([wrong.as_bytes()], &mut Same).ended.is_err(), "{wrong}");
    }
    assert!(CHAT.document().give([], &mut Same).ended.is_ok(), "no content");
}

#[test]
fn events_that_no_sdk_could_read_are_broken() {
    for wrong in ["data: {\"choices\": [}\n\n", "data: hello\n\n", "data: {\"a\":1,\"a\":2}\n\n"] {
        let given = CHAT.give([wrong.as_bytes()], &mut Same);
        assert_eq!(given.ended.unwrap_err().reason, Reason::ProviderBroken);
        assert!(given.out.is_empty());
    }
    let given = JSON.give([&b"data: \xff\n\n"[..]], &mut Same);
    assert!(given.ended.is_err(), "no UTF-8");
}

#[test]
fn errors_of_the_provider_pass_and_are_noted() {
    let streams = [
        (CHAT, "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"code\":null}}\n\n", "server_error"),
        (RESPONSES, "event: error\ndata: {\"type\":\"error\",\"code\":\"ERR_X\",\"message\":\"m\"}\n\n", "ERR_X"),
        (
            MESSAGES,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}\n\n",
            "api_error",
        ),
        (OLLAMA, "{\"error\":\"model is gone\"}\n", "error"),
        (KSERVE, "data: {\"error\":\"m\"}\n\n", "error"),
        (CHAT.document(), "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}", "c"),
    ];
    for (source, said, kind) in streams {
        let given = source.give([said.as_bytes()], &mut Restore::default());
        assert_eq!(given.ended, Ok(()), "{said}");
        assert_eq!(given.out, said.as_bytes());
        assert_eq!(given.facts.error.as_deref(), Some(kind), "{said}");
    }
    let failed = "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"object\":\"response\",\
                  \"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"m\"}}}\n\n";
    let given = RESPONSES.give([failed.as_bytes()], &mut Same);
    assert_eq!((given.ended, given.facts.error.as_deref()), (Ok(()), Some("server_error")));
    assert_eq!(facts("anthropic-error.sse").error.as_deref(), Some("overloaded_error"));
}

#[test]
fn the_end_is_known_as_soon_as_the_last_event_is_there() {
    for name in ["openai-chat.sse", "openai-responses.sse", "anthropic.sse", "ollama-chat.ndjson"] {
        let (_, source) = all().into_iter().find(|(own, _)| *own == name).unwrap();
        let came = golden(name);
        let mut answer = source.answer(false);
        let mut out = Vec::new();
        answer.push(&came[..came.len() - 1], &mut Same, &mut out).unwrap();
        assert!(!answer.facts().complete, "{name}");
        answer.push(&came[came.len() - 1..], &mut Same, &mut out).unwrap();
        assert!(answer.facts().complete && out == came, "{name}");
    }
}

#[test]
fn recordings_and_pages_pass_as_they_are() {
    let recording = [b"ID3\x04\xff\xfb\x90".as_slice(), &[0xff; 200]].concat();
    let speech = Source { kind: "audio/mpeg", ..SPEECH };
    let given = speech.give(recording.chunks(3), &mut Restore::default());
    assert_eq!((given.out, given.ended), (recording, Ok(())));
    let page = Source { kind: "text/html", status: 500, ..CHAT }.give([&b"<p>\xe4</p>"[..]], &mut Restore::default());
    assert_eq!((page.out.as_slice(), page.ended), (&b"<p>\xe4</p>"[..], Ok(())), "no UTF-8, so no text of ours");
}

#[test]
fn events_under_a_false_content_type_are_read_all_the_same() {
    let came = golden("openai-chat.sse");
    for kind in ["", "image/png", "application/octet-stream", "text/plain"] {
        let mut answer = Source { kind, ..CHAT }.answer(false);
        assert_eq!(answer.carrier(), None);
        let mut out = Vec::new();
        for chunk in came.chunks(1) {
            answer.push(chunk, &mut Restore::default(), &mut out).unwrap();
        }
        assert_eq!(answer.carrier(), Some(Carrier::Events), "{kind}");
    }
    let tiny = Source { kind: "", ..CHAT }.give([&b"{}"[..]], &mut Same);
    assert_eq!((tiny.out.as_slice(), tiny.ended), (&b"{}"[..], Ok(())));
}

#[test]
fn limits_hold() {
    let limits = AnswerLimits { frame: 256, body: 64, depth: 4, nodes: 64 };
    let long = format!("data: {{\"choices\":[],\"x\":\"{}\"}}\n\n", "a".repeat(300));
    for size in [1, 100, 1000] {
        let given = give(CHAT.answer(false).within(limits), long.as_bytes().chunks(size), &mut Same);
        assert_eq!(given.ended.unwrap_err().reason, Reason::AnswerTooLarge);
    }
    let body = format!("\"{}\"", "a".repeat(100));
    let given = give(CHAT.document().answer(false).within(limits), [body.as_bytes()], &mut Same);
    assert_eq!(given.ended.unwrap_err().reason, Reason::AnswerTooLarge);
    let passive = give(CHAT.document().answer(true).within(limits), [body.as_bytes()], &mut Same);
    assert_eq!((passive.ended, passive.out.len()), (Ok(()), 102), "passing as it comes costs nothing");
    let deep = give(CHAT.answer(false).within(limits), [&b"data: [[[[[]]]]]\n\n"[..]], &mut Same);
    assert!(deep.ended.is_err());
}

#[test]
fn no_provider_can_open_texts_without_end() {
    let mut stream = Vec::new();
    for index in 0..2000 {
        stream.extend(
            format!("data: {{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"T\"}}}}]}}\n\n").bytes(),
        );
    }
    let given = CHAT.give([stream.as_slice()], &mut Restore::default());
    assert_eq!(given.ended.unwrap_err().reason, Reason::AnswerTooLarge);
}

#[test]
fn an_event_of_many_choices_costs_no_more_than_their_sum() {
    let choice = |index: usize| format!("{{\"index\":{index},\"delta\":{{\"content\":\"a T\"}}}}");
    let event = |count: usize| {
        let choices: Vec<_> = (0..count).map(choice).collect();
        format!("data: {{\"x\":\"{}\",\"choices\":[{}]}}\n\n", "y".repeat(4000), choices.join(","))
    };
    let done = "data: [DONE]\n\n";
    let given = CHAT.give([(event(1000) + done).as_bytes()], &mut Restore::default());
    assert_eq!(given.ended, Ok(()));
    let said = consumer::texts(Dialect::OpenAi, &given.out);
    assert_eq!(said.len(), 1000);
    assert!(said.values().all(|text| text == "a T"));
    let given = CHAT.give([event(5000).as_bytes()], &mut Restore::default());
    assert_eq!(given.ended.unwrap_err().reason, Reason::AnswerTooLarge);
    let tight = AnswerLimits { frame: 1 << 19, ..AnswerLimits::default() };
    let given = give(CHAT.answer(false).within(tight), [event(1000).as_bytes()], &mut Restore::default());
    assert_eq!(given.ended.unwrap_err().reason, Reason::AnswerTooLarge, "what is kept is bounded too");
}

#[test]
fn texts_that_an_answer_names_are_cut() {
    let long = "m".repeat(500);
    let given = CHAT.document().give([format!("{{\"model\":\"{long}\",\"id\":\"{long}\"}}").as_bytes()], &mut Same);
    assert_eq!(given.facts.model.map(|model| model.len()), Some(120));
    assert_eq!(given.facts.provider_id.map(|id| id.len()), Some(120));
}
