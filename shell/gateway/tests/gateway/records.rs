//! Provider and ledger fail in every way. Each exchange still ends in one record, and nothing is told that is not.

use crate::caller::{Caller, holds};
use crate::ledger::Does;
use crate::provider::{Act, DONE, Provider, chunk, completion, document, event, last_chunk, stream_head};
use crate::works::{Setting, Works};
use plant::{Kind, Note, Reason};
use std::time::Duration;

async fn plant(acts: Vec<Act>) -> (Provider, Works) {
    let provider = Provider::new(acts).await;
    let works = Works::start(Setting::impatient(provider.address)).await;
    (provider, works)
}

/// What becomes of a call that is not streamed.
async fn document_ends(acts: Vec<Act>, status: u16, reason: Reason) {
    let (_provider, works) = plant(acts).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    let answer = caller.answer().await.unwrap();
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.text().contains(reason.code()), "{}", answer.text());
    assert_eq!(answer.header("penstock-decision"), Some(format!("allow; reason={reason}").as_str()));
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, Some(reason)));
    assert_eq!(answer.header("penstock-record"), Some(story.id.to_string().as_str()));
}

/// What becomes of a stream after its first event.
async fn stream_ends(acts: Vec<Act>, reason: Reason) {
    let begin = vec![Act::Send(stream_head("text/event-stream")), Act::Send(chunk(event("begun")))];
    let (_provider, works) = plant([begin, acts].concat()).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    let answer = caller.answer().await.expect("the body ends as a body");
    assert!(answer.text().contains("begun"));
    let last = answer.text().trim_end().rsplit("\n\n").next().unwrap().to_owned();
    assert!(last.starts_with("data: {\"error\":") && last.contains(reason.code()), "{last}");
    assert!(!answer.text().contains(DONE));
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, Some(reason)));
    assert_eq!(story.last.body.io.unwrap().answer_bytes, answer.body.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_breaks_off_a_document_is_a_clean_error() {
    let whole = document(200, "", &completion("half of this"));
    let half = whole[..whole.len() - 20].to_vec();
    document_ends(vec![Act::Reset], 502, Reason::ProviderBroken).await;
    document_ends(vec![Act::Send(half.clone()), Act::Reset], 502, Reason::ProviderBroken).await;
    document_ends(vec![Act::Send(half), Act::Hang], 504, Reason::ProviderTimeout).await;
    document_ends(vec![Act::Hang], 504, Reason::ProviderTimeout).await;
    let cut = completion("half of this");
    document_ends(vec![Act::Send(document(200, "", &cut[..cut.len() - 9]))], 502, Reason::ProviderBroken).await;
    document_ends(vec![Act::Send(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), Act::Reset], 502, Reason::ProviderBroken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_or_an_error_without_end_is_cut_at_its_limit() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[\"".to_vec();
    let endless = vec![Act::Send(head), Act::Repeat(vec![b'a'; 8192])];
    document_ends(endless, 502, Reason::AnswerTooLarge).await;
    let head = b"HTTP/1.1 500 Oh\r\nContent-Type: text/event-stream\r\n\r\ndata: ".to_vec();
    document_ends(vec![Act::Send(head), Act::Repeat(vec![b'a'; 8192])], 500, Reason::AnswerTooLarge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_breaks_off_a_stream_is_said_in_its_dialect() {
    stream_ends(vec![Act::Reset], Reason::ProviderBroken).await;
    stream_ends(vec![Act::Send(last_chunk())], Reason::ProviderBroken).await;
    stream_ends(vec![Act::Send(chunk("data: {\"choi")), Act::Hang], Reason::ProviderTimeout).await;
    stream_ends(vec![Act::Send(b"xyz\r\n".to_vec()), Act::Hang], Reason::ProviderBroken).await;
    stream_ends(vec![Act::Send(chunk("data: {\"choices\": [}\n\n")), Act::Hang], Reason::ProviderBroken).await;
    stream_ends(vec![Act::Repeat(chunk(event("again")))], Reason::AnswerTooLarge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_there_is_said_to_be_unreachable_and_why() {
    let provider = Provider::new(Vec::new()).await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    drop(provider);
    let works = Works::start(Setting::new(gone)).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    assert_eq!(caller.answer().await.unwrap().status, 502);
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, Some(Reason::ProviderUnreachable)));
    let Some(Note::Text(detail)) = story.last.body.note.get("detail") else { panic!("no detail") };
    assert!(detail.contains("refused"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_nothing_is_forwarded_that_the_ledger_does_not_take() {
    let (provider, works) = plant(vec![Act::Send(document(200, "", &completion("hello")))]).await;
    works.ledger.once(Kind::Intent, Does::Refuse);
    let mut caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    let answer = caller.answer().await.unwrap();
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("ledger-unavailable"));
    assert!(provider.seen().is_empty());
    assert_eq!(works.ledger.story().await.told(), (Kind::Refuse, Some(Reason::LedgerUnavailable)));

    works.ledger.does(|_| Does::Refuse);
    caller.send(&works.chat("hello", false)).await;
    let answer = caller.answer().await.unwrap();
    assert_eq!((answer.status, answer.header("penstock-record")), (503, None), "there is no such record");
    works.until_metric("penstock_records_unwritten_total", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_outcome_is_not_recorded_is_not_given() {
    let stream = format!("{}{DONE}", event("so far"));
    let (provider, works) = plant(vec![Act::Send(document(200, "", &completion("the answer")))]).await;
    works.ledger.once(Kind::Outcome, Does::Refuse);
    let mut caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    let answer = caller.answer().await.unwrap();
    assert_eq!(answer.status, 503);
    assert!(!answer.text().contains("the answer"), "{}", answer.text());

    provider.acts(vec![
        Act::Send(stream_head("text/event-stream")),
        Act::Send(chunk(&stream)),
        Act::Send(last_chunk()),
    ]);
    works.ledger.once(Kind::Outcome, Does::Refuse);
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    let answer = caller.answer().await.unwrap();
    assert!(!answer.text().contains(DONE), "{}", answer.text());
    assert!(answer.text().contains("ledger-unavailable"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_the_outcome_is_durable_before_the_last_byte() {
    let (provider, works) = plant(vec![Act::Send(document(200, "", &completion("the answer")))]).await;
    works.ledger.once(Kind::Outcome, Does::Hold);
    let mut caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    works.ledger.until_held().await;
    assert!(silent(&mut caller).await, "a document is held back whole");
    works.ledger.release(Does::Write);
    assert!(caller.answer().await.unwrap().text().contains("the answer"));

    let acts = [event("one"), event("two"), DONE.to_owned()].map(|text| Act::Send(chunk(&text)));
    provider.acts(
        [vec![Act::Send(stream_head("text/event-stream"))], acts.to_vec(), vec![Act::Send(last_chunk())]].concat(),
    );
    works.ledger.once(Kind::Outcome, Does::Hold);
    caller.send(&works.chat("hello", true)).await;
    caller.until("two").await;
    works.ledger.until_held().await;
    assert!(silent(&mut caller).await);
    assert!(!holds(&caller.read, "[DONE]") && !holds(&caller.read, "0\r\n\r\n"));
    works.ledger.release(Does::Write);
    assert!(caller.answer().await.unwrap().text().ends_with(DONE));
}

/// Whether nothing comes for a while.
async fn silent(caller: &mut Caller) -> bool {
    tokio::time::timeout(Duration::from_millis(150), caller.more()).await.is_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_stage_is_recorded_and_hurts_nobody_else() {
    let (provider, works) = plant(vec![Act::Send(document(200, "", &completion("fine")))]).await;
    works.ledger.once(Kind::Intent, Does::Panic);
    let mut caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    assert!(caller.answer().await.is_none(), "the connection is cut");
    assert_eq!(works.ledger.story().await.told(), (Kind::Refuse, Some(Reason::Abandoned)));
    assert!(provider.seen().is_empty());
    works.until_metric("penstock_connections", 0).await;
    works.until_metric("penstock_exchanges_under_way", 0).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    assert_eq!(caller.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_large_body_is_read_on_a_runtime_of_one_thread_too() {
    let (_provider, works) = plant(vec![Act::Send(document(200, "", &completion("fine")))]).await;
    let mut caller = Caller::sends(works.address, &works.chat(&"long ".repeat(60_000), false)).await;
    assert_eq!(caller.answer().await.unwrap().status, 200);
}
