//! The gateway stops while exchanges are under way.

use crate::caller::Caller;
use crate::provider::{Act, DONE, Provider, chunk, completion, document, event, last_chunk, stream_head};
use crate::works::{Setting, Works};
use gateway::Limits;
use plant::{Kind, Reason};
use std::time::Duration;
use tokio::net::TcpStream;

async fn plant(acts: Vec<Act>, grace: Duration) -> (Provider, Works) {
    let provider = Provider::new(acts).await;
    let mut setting = Setting::new(provider.address);
    setting.limits = Limits { grace, ..setting.limits };
    (provider, Works::start(setting).await)
}

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(50);

fn first(then: Vec<Act>) -> Vec<Act> {
    [vec![Act::Send(stream_head("text/event-stream")), Act::Send(chunk(event("begun")))], then].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_ends_and_nothing_new_begins() {
    let rest = vec![Act::Wait, Act::Send(chunk(format!("{}{DONE}", event("ended")))), Act::Send(last_chunk())];
    let (provider, works) = plant(first(rest), LONG).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    let mut idle = Caller::new(works.address).await;
    caller.until("begun").await;
    let (address, ledger) = (works.address, works.ledger.clone());
    let stopping = tokio::spawn(works.gateway.stop());
    assert!(idle.closed().await, "a connection on which nobody calls is closed");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
    assert!(!stopping.is_finished());
    provider.go();
    let answer = caller.answer().await.unwrap();
    assert!(answer.text().contains("ended") && answer.text().ends_with(DONE));
    assert_eq!(stopping.await.unwrap(), 0, "nothing was cut");
    assert_eq!(ledger.story().await.told(), (Kind::Outcome, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_sees_it_stop_until_the_last_exchange_has_ended() {
    let rest = vec![Act::Wait, Act::Send(chunk(DONE)), Act::Send(last_chunk())];
    let (provider, works) = plant(first(rest), LONG).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    caller.until("begun").await;
    let operations = works.operations;
    let mut watches = Caller::new(operations).await;
    assert_eq!(ask(&mut watches, "/readyz").await, (200, "ready\n".to_owned()));
    let mut idle = Caller::new(works.address).await;
    let stopping = tokio::spawn(works.gateway.stop());
    assert!(idle.closed().await, "it stops");
    for caller in [&mut watches, &mut Caller::new(operations).await] {
        let (status, said) = ask(caller, "/readyz").await;
        assert_eq!((status, said.as_str()), (503, "not ready: the gateway is shutting down\n"));
        assert_eq!(ask(caller, "/healthz").await.0, 200);
        assert!(ask(caller, "/metrics").await.1.contains("penstock_exchanges_under_way 1\n"));
    }
    assert!(!stopping.is_finished());
    provider.go();
    assert!(caller.answer().await.unwrap().text().ends_with(DONE));
    assert_eq!(stopping.await.unwrap(), 0);
    assert!(watches.closed().await);
    assert!(TcpStream::connect(operations).await.is_err(), "nobody listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_had_just_connected_when_it_was_told_to_stop_is_served() {
    let (_provider, works) = plant(vec![Act::Send(document(200, "", &completion("hello")))], LONG).await;
    let call = works.chat("hello", false);
    let mut caller = Caller::new(works.address).await;
    works.until_metric("penstock_connections", 1).await;
    let (mut watches, ledger) = (Caller::new(works.operations).await, works.ledger.clone());
    let stopping = tokio::spawn(works.gateway.stop());
    while ask(&mut watches, "/readyz").await.0 == 200 {}
    caller.send(&call).await;
    assert_eq!(caller.answer().await.unwrap().status, 200);
    assert!(caller.closed().await);
    assert_eq!(stopping.await.unwrap(), 0);
    assert_eq!(ledger.story().await.told(), (Kind::Outcome, None));
}

/// Status and body at a path of the operations listener.
async fn ask(caller: &mut Caller, path: &str) -> (u16, String) {
    caller.send(format!("GET {path} HTTP/1.1\r\nHost: gate\r\n\r\n").as_bytes()).await;
    let answer = caller.answer().await.unwrap();
    (answer.status, answer.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_outlasts_the_grace_is_told_so() {
    let (provider, works) = plant(first(vec![Act::Hang]), SHORT).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    caller.until("begun").await;
    let ledger = works.ledger.clone();
    assert!(works.gateway.stop().await > 0);
    let answer = caller.answer().await.unwrap();
    assert!(answer.text().contains("shutting-down"), "{}", answer.text());
    assert_eq!(ledger.story().await.told(), (Kind::Outcome, Some(Reason::ShuttingDown)));
    provider.until_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_its_answer_is_told_so() {
    let (provider, works) = plant(vec![Act::Hang], SHORT).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    provider.until_seen(1).await;
    let ledger = works.ledger.clone();
    works.gateway.stop().await;
    let answer = caller.answer().await.unwrap();
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("shutting-down"));
    assert_eq!(ledger.story().await.told(), (Kind::Outcome, Some(Reason::ShuttingDown)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_on_its_way_and_an_upload_are_told_so() {
    let answer = document(200, "", &completion("half"));
    let (_provider, works) = plant(vec![Act::Send(answer[..answer.len() - 9].to_vec()), Act::Hang], SHORT).await;
    let mut reading = Caller::sends(works.address, &works.chat("hello", false)).await;
    works.until_metric("penstock_stage_seconds_count{stage=\"provider\"}", 1).await;
    let head = works.head("/openai/v1/chat/completions", "Content-Length: 1000", "{");
    let mut sending = Caller::sends(works.address, &head).await;
    works.until_metric("penstock_exchanges_under_way", 2).await;
    let ledger = works.ledger.clone();
    works.gateway.stop().await;
    assert_eq!(reading.answer().await.unwrap().status, 503);
    assert_eq!(sending.answer().await.unwrap().status, 503);
    let mut told: Vec<_> = ledger.stories(2).await.iter().map(|story| story.told()).collect();
    told.sort();
    assert_eq!(told, [(Kind::Outcome, Some(Reason::ShuttingDown)), (Kind::Refuse, Some(Reason::ShuttingDown))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_does_not_read_does_not_keep_the_gateway() {
    let (_provider, works) = plant(first(vec![Act::Repeat(chunk(event(&"much ".repeat(2000))))]), SHORT).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    caller.until("begun").await;
    let ledger = works.ledger.clone();
    let stopped = tokio::time::timeout(Duration::from_secs(9), works.gateway.stop()).await;
    assert!(stopped.is_ok());
    assert_eq!(ledger.story().await.told(), (Kind::Outcome, Some(Reason::ShuttingDown)));
}
