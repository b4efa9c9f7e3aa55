//! The caller leaves, at every stage. One record says so, and the provider is left at once.

use crate::caller::Caller;
use crate::ledger::Does;
use crate::provider::{Act, DONE, Provider, chunk, completion, document, event, stream_head};
use crate::works::{Setting, Works, chat};
use plant::{Kind, Reason};
use std::time::Duration;
use tokio::time::Instant;

const LEFT: Option<Reason> = Some(Reason::CallerLeft);
/// How long the gateway may go on with a provider whose answer nobody waits for.
const SOON: Duration = Duration::from_secs(5);

async fn plant(acts: Vec<Act>) -> (Provider, Works) {
    let provider = Provider::new(acts).await;
    let works = Works::start(Setting::new(provider.address)).await;
    (provider, works)
}

async fn is_left(provider: &Provider, since: Instant) {
    let took = provider.until_left().await.duration_since(since);
    assert!(took < SOON, "the provider was left after {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_uploading() {
    let (provider, works) = plant(Vec::new()).await;
    let head = works.head("/openai/v1/chat/completions", "Content-Length: 1000", "{\"model\":");
    let caller = Caller::sends(works.address, &head).await;
    drop(caller);
    assert_eq!(works.ledger.story().await.told(), (Kind::Refuse, LEFT));
    let chunked = works.head("/openai/v1/chat/completions", "Transfer-Encoding: chunked", "9\r\n{\"model\":\r\n");
    drop(Caller::sends(works.address, &chunked).await);
    assert!(works.ledger.stories(2).await.iter().all(|story| story.told() == (Kind::Refuse, LEFT)));
    assert!(provider.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_intent_is_written_and_the_ledger_takes_it() {
    let (provider, works) = plant(Vec::new()).await;
    works.ledger.once(Kind::Intent, Does::Hold);
    let caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    works.ledger.until_held().await;
    drop(caller);
    works
        .until_metric("penstock_exchanges_total{conduit=\"to-openai\",verdict=\"refuse\",reason=\"caller-left\"}", 1)
        .await;
    assert!(works.ledger.written().is_empty());
    works.ledger.release(Does::Write);
    let story = works.ledger.story().await;
    assert!(story.intent.is_some());
    assert_eq!(story.told(), (Kind::Outcome, LEFT));
    assert!(provider.seen().is_empty(), "nothing was forwarded");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_intent_is_written_and_the_ledger_does_not_take_it() {
    let (provider, works) = plant(Vec::new()).await;
    works.ledger.once(Kind::Intent, Does::Hold);
    let caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    works.ledger.until_held().await;
    drop(caller);
    works
        .until_metric("penstock_exchanges_total{conduit=\"to-openai\",verdict=\"refuse\",reason=\"caller-left\"}", 1)
        .await;
    works.ledger.release(Does::Refuse);
    let story = works.ledger.story().await;
    assert!(story.intent.is_none());
    assert_eq!(story.told(), (Kind::Refuse, LEFT));
    assert!(provider.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_head_of_the_answer() {
    let (provider, works) = plant(vec![Act::Hang]).await;
    let caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    provider.until_seen(1).await;
    let since = Instant::now();
    drop(caller);
    is_left(&provider, since).await;
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, LEFT));
    let io = story.last.body.io.unwrap();
    assert_eq!((io.request_bytes, io.answer_bytes), (chat("hello", true).len() as u64, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_middle_of_a_document() {
    let answer = document(200, "", &completion("half of this"));
    let (provider, works) = plant(vec![Act::Send(answer[..answer.len() / 2].to_vec()), Act::Hang]).await;
    let caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    works.ledger.until("the intent", |written| !written.is_empty()).await;
    works.until_metric("penstock_stage_seconds_count{stage=\"provider\"}", 1).await;
    let since = Instant::now();
    drop(caller);
    is_left(&provider, since).await;
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, LEFT));
    assert_eq!(story.last.body.io.unwrap().request_bytes, chat("hello", false).len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_mid_stream() {
    let acts = vec![Act::Send(stream_head("text/event-stream")), Act::Send(chunk(event("hello"))), Act::Hang];
    let (provider, works) = plant(acts).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    caller.until("hello").await;
    let since = Instant::now();
    drop(caller);
    is_left(&provider, since).await;
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, LEFT));
    let (out, io) = (story.last.body.out.unwrap(), story.last.body.io.unwrap());
    assert_eq!((out.status, io.answer_bytes), (200, event("hello").len() as u64), "what was released is recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_middle_of_a_stream_that_never_pauses() {
    let (provider, works) = plant(vec![
        Act::Send(stream_head("text/event-stream")),
        Act::Repeat(chunk(event("again and again"))),
        Act::Hang,
    ])
    .await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    caller.until("again").await;
    let since = Instant::now();
    drop(caller);
    is_left(&provider, since).await;
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, LEFT));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_outcome_is_written() {
    let (_provider, works) = plant(vec![Act::Send(document(200, "", &completion("whole")))]).await;
    works.ledger.once(Kind::Outcome, Does::Hold);
    let caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    works.ledger.until_held().await;
    drop(caller);
    works.until_metric("penstock_connections", 0).await;
    works.ledger.release(Does::Write);
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_frame() {
    let stream = format!("{}{DONE}", event("bye"));
    let (_provider, works) = plant(vec![
        Act::Send(stream_head("text/event-stream")),
        Act::Send(chunk(&stream)),
        Act::Send(b"0\r\n\r\n".to_vec()),
    ])
    .await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    caller.until(DONE).await;
    drop(caller);
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, None));
    works.until_metric("penstock_connections", 0).await;
    assert_eq!(works.ledger.stories(1).await.len(), 1);
}
