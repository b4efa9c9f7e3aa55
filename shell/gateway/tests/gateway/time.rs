//! Evidence and patience end while a connection or a stream goes on.

use crate::caller::Caller;
use crate::provider::{Act, Provider, chunk, completion, document, event, stream_head};
use crate::works::{Setting, Works};
use gateway::Limits;
use plant::{Bounds, Kind, Millis, Reason};
use std::time::Duration;

fn soon(millis: u64) -> Option<Millis> {
    Some(Millis(gateway::now().0 + millis))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_outlives_the_token_of_its_caller_is_cut() {
    let acts = vec![Act::Send(stream_head("text/event-stream")), Act::Send(chunk(event("begun"))), Act::Hang];
    let provider = Provider::new(acts).await;
    let setting = Setting { token_expires: soon(2000), ..Setting::new(provider.address) };
    let works = Works::start(setting).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    let answer = caller.answer().await.unwrap();
    assert!(answer.text().contains("begun") && answer.text().contains("token-expired"), "{}", answer.text());
    assert!(answer.text().contains("authentication_error"), "as the dialect says it: {}", answer.text());
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, Some(Reason::TokenExpired)));
    provider.until_left().await;

    caller.send(&works.chat("hello", true)).await;
    assert_eq!(caller.answer().await.unwrap().status, 401, "nor does the connection prove anything any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_never_pauses_is_cut_too() {
    let acts = vec![Act::Send(stream_head("text/event-stream")), Act::Repeat(chunk(event("again")))];
    let provider = Provider::new(acts).await;
    let bounds = Bounds { answer: u64::MAX, ..Bounds::default() };
    let works = Works::start(Setting { bounds, token_expires: soon(2000), ..Setting::new(provider.address) }).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    while caller.more().await {
        if crate::caller::holds(&caller.read, "token-expired") {
            break;
        }
        let keep = caller.read.len().saturating_sub(4096);
        caller.read.drain(..keep);
    }
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, Some(Reason::TokenExpired)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_whole_is_given_to_whoever_asked() {
    let provider = Provider::new(vec![Act::Wait, Act::Send(document(200, "", &completion("late")))]).await;
    let works = Works::start(Setting { token_expires: soon(2000), ..Setting::new(provider.address) }).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    provider.until_seen(1).await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    provider.go();
    assert_eq!(caller.answer().await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_an_exchange_counts_from_its_first_byte() {
    let acts = vec![Act::Send(stream_head("text/event-stream")), Act::Send(chunk(event("begun"))), Act::Hang];
    let provider = Provider::new(acts).await;
    let bounds = Bounds { total: Duration::from_millis(3000), ..Bounds::default() };
    let works = Works::start(Setting { bounds, ..Setting::new(provider.address) }).await;
    let body = crate::works::chat("hello", true);
    let head = works.head("/openai/v1/chat/completions", &format!("Content-Length: {}", body.len()), "");
    let began = tokio::time::Instant::now();
    let mut caller = Caller::sends(works.address, &head).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    caller.send(body.as_bytes()).await;
    assert!(caller.answer().await.unwrap().text().contains("answer-too-long"));
    assert!(began.elapsed() < Duration::from_millis(4400), "{:?}", began.elapsed());
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, Some(Reason::AnswerTooLong)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_trickles_or_stalls_ends() {
    let provider = Provider::new(Vec::new()).await;
    let bounds = Bounds { idle: Duration::from_millis(200), total: Duration::from_millis(700), ..Bounds::default() };
    let works = Works::start(Setting { bounds, ..Setting::new(provider.address) }).await;
    let head = works.head("/openai/v1/chat/completions", "Content-Length: 1000", "{");
    let mut stalls = Caller::sends(works.address, &head).await;
    let answer = stalls.answer().await.unwrap();
    assert_eq!(answer.status, 408);
    assert!(answer.text().contains("body-timeout"));
    let mut trickles = Caller::sends(works.address, &head).await;
    let answer = loop {
        tokio::select! {
            answer = trickles.answer() => break answer,
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        let _ = tokio::io::AsyncWriteExt::write_all(&mut trickles.stream, b" ").await;
    };
    assert_eq!(answer.unwrap().status, 408);
    assert!(
        works.ledger.stories(2).await.iter().all(|story| story.told() == (Kind::Refuse, Some(Reason::BodyTimeout)))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_rests_longer_than_a_head_may_take() {
    let provider = Provider::new(vec![Act::Send(document(200, "", &completion("hello")))]).await;
    let mut setting = Setting::new(provider.address);
    setting.limits = Limits {
        header_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_millis(3000),
        ..setting.limits
    };
    let works = Works::start(setting).await;
    let mut never = Caller::new(works.address).await;
    assert!(never.closed().await);

    let mut rests = Caller::sends(works.address, &works.chat("hello", false)).await;
    assert_eq!(rests.answer().await.unwrap().status, 200);
    tokio::time::sleep(Duration::from_millis(500)).await;
    rests.send(&works.chat("hello", false)).await;
    assert_eq!(rests.answer().await.unwrap().status, 200);
    rests.send(b"POST / HTT").await;
    assert!(rests.closed().await);

    let mut rests = Caller::sends(works.address, &works.chat("hello", false)).await;
    assert_eq!(rests.answer().await.unwrap().status, 200);
    let began = tokio::time::Instant::now();
    assert!(rests.closed().await);
    assert!(began.elapsed() >= Duration::from_millis(2950), "{:?}", began.elapsed());
    works.until_metric("penstock_connections_cut_total{cause=\"idle\"}", 1).await;
    works.until_metric("penstock_connections_cut_total{cause=\"head\"}", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_does_not_read_loses_its_connection_when_its_time_is_up() {
    let much = chunk(event(&"much ".repeat(2000)));
    let provider = Provider::new(vec![Act::Send(stream_head("text/event-stream")), Act::Repeat(much)]).await;
    let bounds = Bounds { total: Duration::from_millis(400), answer: u64::MAX, ..Bounds::default() };
    let works = Works::start(Setting { bounds, ..Setting::new(provider.address) }).await;
    let _caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    works.until_metric("penstock_connections", 1).await;
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, Some(Reason::AnswerTooLong)));
    // What fits into the sockets between is gone; the rest never left the provider.
    assert!(story.last.body.io.unwrap().answer_bytes < 16 << 20);
    works.until_metric("penstock_connections", 0).await;
    works.until_metric("penstock_connections_cut_total{cause=\"overdue\"}", 1).await;
    works.until_metric("penstock_exchanges_under_way", 0).await;
}
