//! What answers recommend for a tag with limits: judged before it is released, in documents and streams of every dialect.

use crate::caller::Caller;
use crate::provider::{Act, DONE, Provider, chunk, completion, document, event, last_chunk, stream_head};
use crate::works::{Setting, Works, chat};
use plant::{Answers, Guarding, Kind, Note, Reason};

const OPENAI: &str = "/openai/v1/chat/completions";
const ANTHROPIC: &str = "/anthropic/v1/messages";
const OLLAMA: &str = "/ollama/api/chat";

async fn plant(acts: Vec<Act>, guarding: Guarding) -> (Provider, Works) {
    let provider = Provider::new(acts).await;
    let works = Works::start(Setting { guarding: Some(guarding), ..Setting::new(provider.address) }).await;
    (provider, works)
}

fn all(act: plant::Act) -> Guarding {
    Guarding { violate: act, unresolved: act }
}

/// Makes an event of a dialect of some words.
type Says<'a> = &'a dyn Fn(&str) -> String;

/// A stream of events, each in a piece of its own.
fn stream(kind: &str, events: &[String]) -> Vec<Act> {
    let mut acts = vec![Act::Send(stream_head(kind))];
    acts.extend(events.iter().map(|event| Act::Send(chunk(event))));
    acts.push(Act::Send(last_chunk()));
    acts
}

async fn asked(works: &Works, path: &str, content: &str, stream: bool) -> crate::caller::Answer {
    let body = chat(content, stream).replacen('{', "{\"max_tokens\":9,", 1);
    let mut caller = Caller::sends(works.address, &works.request(path, &body)).await;
    caller.answer().await.unwrap()
}

/// What the record of the only call says: why it ended, what was found, and the detail.
async fn recorded(works: &Works) -> (Option<Reason>, Vec<(String, u64)>, Option<String>) {
    let story = works.ledger.stories(1).await.pop().unwrap();
    let (kind, reason) = story.told();
    assert_eq!(kind, Kind::Outcome);
    let found = story.last.body.what.iter().flat_map(|what| &what.findings);
    let found = found.map(|found| (found.label.clone(), found.count)).collect();
    let detail = story.last.body.note.get("detail").map(|note| match note {
        Note::Text(text) => text.clone(),
        Note::Number(number) => number.to_string(),
    });
    (reason, found, detail)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_violates_a_limit_becomes_an_error_of_its_dialect() {
    let answer = completion("Please set KIC-77 to 250 °C.");
    let (_provider, works) = plant(vec![Act::Send(document(200, "", &answer))], Guarding::default()).await;
    let answer = asked(&works, OPENAI, "what now?", false).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(
        answer.text().contains("\"code\":\"answer-limit\"")
            && answer.text().contains("KIC-77: violate (above its highest value)")
            && !answer.text().contains("to 250"),
        "{}",
        answer.text()
    );
    let (reason, found, detail) = recorded(&works).await;
    assert_eq!((reason, found), (Some(Reason::AnswerLimit), vec![("guard.violate".to_owned(), 1)]));
    assert_eq!(detail.as_deref(), Some("KIC-77: violate (above its highest value)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_within_limits_passes_byte_for_byte_and_is_counted() {
    let answer = completion("Please set KIC-77 to 150 °C. It was at 340 °C yesterday.");
    let (_provider, works) = plant(vec![Act::Send(document(200, "", &answer))], Guarding::default()).await;
    let given = asked(&works, OPENAI, "what now?", false).await;
    assert_eq!((given.status, given.text()), (200, answer));
    assert_eq!(recorded(&works).await.1, [("guard.allow".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_dialects_error_before_the_value_is_released() {
    let anthropic = |text: &str| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":\
             {{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        )
    };
    let ollama =
        |text: &str| format!("{{\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"done\":false}}\n");
    let says: [(&str, &str, Says<'_>, String); 3] = [
        (OPENAI, "text/event-stream", &event, DONE.to_owned()),
        (
            ANTHROPIC,
            "text/event-stream",
            &anthropic,
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n".to_owned(),
        ),
        (OLLAMA, "application/x-ndjson", &ollama, "{\"message\":{\"content\":\"\"},\"done\":true}\n".to_owned()),
    ];
    for (path, kind, event, last) in says {
        let words = ["All is well. ", "Set KIC", "-77 to 2", "50", " °C.", " Then wait."];
        let mut events: Vec<String> = words.iter().map(|text| event(text)).collect();
        events.push(last);
        let (_provider, works) = plant(stream(kind, &events), Guarding::default()).await;
        let answer = asked(&works, path, "what now?", true).await;
        let text = answer.text();
        assert_eq!(answer.status, 200, "{path}");
        assert!(text.contains("All is well.") && text.contains("error"), "{path}: {text}");
        assert!(text.contains("KIC-77: violate (above its highest value)"), "the operator reads why: {path}: {text}");
        assert!(!text.contains("\"50") && !text.contains("wait") && !text.contains("message_stop"), "{path}: {text}");
        let (reason, found, _) = recorded(&works).await;
        assert_eq!((reason, found), (Some(Reason::AnswerLimit), vec![("guard.violate".to_owned(), 1)]), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_call_is_judged_before_any_of_its_arguments_is_released() {
    let delta = |arguments: &str| {
        let arguments = serde_json::to_string(arguments).unwrap();
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":{arguments}}}}}]}}}}]}}\n\n"
        )
    };
    for (value, status) in
        [("150", None), ("250", Some(Reason::AnswerLimit)), ("\"max\"", Some(Reason::AnswerUnresolved))]
    {
        let events = [
            delta("{\"tag\":\"KIC"),
            delta("-77\",\"value\":"),
            delta(&format!("{value}}}")),
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n".to_owned(),
            DONE.to_owned(),
        ];
        let (_provider, works) = plant(stream("text/event-stream", &events), Guarding::default()).await;
        let text = asked(&works, OPENAI, "what now?", true).await.text();
        assert_eq!(text.contains("\\\"KIC"), status.is_none(), "{value}: {text}");
        assert_eq!(text.contains("error"), status.is_some(), "{value}: {text}");
        assert_eq!(recorded(&works).await.0, status, "{value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_are_an_object_are_judged_too() {
    let answer = r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"tool_use","id":"t","name":"write","input":{"tag":"KIC-77","value":250}}],"stop_reason":"tool_use"}"#;
    let (_provider, works) = plant(vec![Act::Send(document(200, "", answer))], Guarding::default()).await;
    let answer = asked(&works, ANTHROPIC, "what now?", false).await;
    assert_eq!((answer.status, answer.text().contains("\"value\":250")), (403, false), "{}", answer.text());
    assert_eq!(recorded(&works).await.0, Some(Reason::AnswerLimit));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_left_as_a_token_is_judged_by_what_it_stands_for() {
    let (provider, works) = plant(Vec::new(), Guarding::default()).await;
    provider.acts(vec![Act::Send(document(200, "", &completion("hello")))]);
    asked(&works, OPENAI, "what of KIC-77?", false).await;
    let seen = provider.seen().pop().unwrap();
    let token = seen.split("what of ").nth(1).and_then(|rest| rest.split('?').next()).unwrap().to_owned();
    assert!(token.starts_with("TAG_"), "{token}");
    provider.acts(vec![Act::Send(document(200, "", &completion(&format!("Set {token} to 250 °C."))))]);
    assert_eq!(asked(&works, OPENAI, "what of KIC-77?", false).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conduit_may_annotate_let_pass_or_ask_for_a_person() {
    for (act, wanted) in [
        (plant::Act::Allow, Ok("Set KIC-77 to 250 °C. Done.")),
        (plant::Act::Annotate, Ok("Set KIC-77 to 250 °C. [guard: KIC-77: above its highest value] Done.")),
        (plant::Act::Hold, Err("answer-held")),
        (plant::Act::Block, Err("answer-limit")),
    ] {
        let answer = completion("Set KIC-77 to 250 °C. Done.");
        let (_provider, works) = plant(vec![Act::Send(document(200, "", &answer))], all(act)).await;
        let given = asked(&works, OPENAI, "what now?", false).await;
        match wanted {
            Ok(text) => assert_eq!((given.status, given.text()), (200, completion(text)), "{act:?}"),
            Err(code) => assert!(given.status == 403 && given.text().contains(code), "{act:?}: {}", given.text()),
        }
        assert_eq!(recorded(&works).await.1, [("guard.violate".to_owned(), 1)], "{act:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_conversation_tells_is_what_changes_begin_at() {
    for (asks, status) in [("KIC-77 is at 150 °C", 403), ("KIC-77 is at 50 °C", 200), ("and KIC-77?", 403)] {
        let answer = completion("Increase the kiln draught by 40 %.");
        let (_provider, works) = plant(vec![Act::Send(document(200, "", &answer))], Guarding::default()).await;
        let given = asked(&works, OPENAI, asks, false).await;
        assert_eq!(given.status, status, "{asks}: {}", given.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_rewriters_made_of_an_answer_is_what_is_judged() {
    let provider = Provider::new(Vec::new()).await;
    let answers = Answers { links: true, markup: true, ..Answers::open() };
    let guarding = Some(all(plant::Act::Annotate));
    let works = Works::start(Setting { answers, guarding, ..Setting::new(provider.address) }).await;
    let (said, told) = (
        "Set [KIC-77](https://evil.example) to 2\u{200b}50 °C.",
        "Set [KIC-77] (link removed: evil example) to 250 °C. [guard: KIC-77: above its highest value]",
    );
    let events: Vec<String> = said.chars().map(|c| event(&c.to_string())).chain([DONE.to_owned()]).collect();
    for (acts, whole) in
        [(vec![Act::Send(document(200, "", &completion(said)))], true), (stream("text/event-stream", &events), false)]
    {
        provider.acts(acts);
        let answer = asked(&works, OPENAI, "what now?", !whole).await.text();
        if whole {
            assert_eq!(answer, completion(told));
        } else {
            let events = answer.lines().filter_map(|line| line.strip_prefix("data: "));
            let read = events.filter_map(|event| serde_json::from_str::<serde_json::Value>(event).ok());
            let words: String =
                read.filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect();
            assert_eq!(words, told);
        }
    }
}
