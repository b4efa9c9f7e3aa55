//! Content that a conduit keeps: sealed before its record, opened by its commitments, and nothing where nothing is kept.

use crate::caller::{Answer, Caller, holds};
use crate::ledger::Story;
use crate::provider::{Act, DONE, Provider, chunk, completion, document, event, last_chunk, stream_head};
use crate::works::{Setting, Works};
use plant::{Kind, Reason};
use std::time::Duration;

async fn works(acts: Vec<Act>, keep: bool) -> (Provider, Works) {
    let provider = Provider::new(acts).await;
    let setting = Setting { keep, ..Setting::impatient(provider.address) };
    (provider, Works::start(setting).await)
}

fn streamed() -> Vec<Act> {
    let pieces = [chunk(event("one")), chunk(event("two")), chunk(DONE), last_chunk()].concat();
    vec![Act::Send(stream_head("text/event-stream")), Act::Send(pieces)]
}

async fn call(works: &Works, content: &str, stream: bool) -> (Answer, Story) {
    let answer = Caller::sends(works.address, &works.chat(content, stream)).await.answer().await.unwrap();
    (answer, works.ledger.story().await)
}

/// What was sent and what was released lie under the two records, and open their commitments.
fn check(works: &Works, story: &Story, answer: &[u8]) -> Vec<u8> {
    let kept = works.ledger.kept();
    let [request, released] = kept.as_slice() else { panic!("{} were kept", kept.len()) };
    let intent = story.intent.as_ref().unwrap();
    for (kept, record) in [(request, intent), (released, &story.last)] {
        assert_eq!((kept.record, kept.subject.as_str()), (record.id, "workload.copilot"));
        assert_eq!(record.body.seal.as_ref().unwrap().blob, seal::hex(&seal::sha256(&kept.bytes)));
    }
    assert_eq!(released.bytes, answer);
    let id = intent.id.to_string();
    let io = intent.body.io.as_ref().unwrap();
    let (word, commitment) = io.sent.as_ref().map_or(("request", io.request.as_ref()), |sent| ("sent", Some(sent)));
    let tag = request.salt.commitments().tag(&[id.as_bytes(), word.as_bytes(), &request.bytes]);
    assert_eq!(commitment, Some(&seal::hex(&tag)));
    let mut tagging = released.salt.commitments().start(&[id.as_bytes(), b"answer"]);
    tagging.update(&released.bytes);
    assert_eq!(story.last.body.io.as_ref().unwrap().answer, Some(seal::hex(&tagging.finish())));
    request.bytes.to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_and_what_is_released_is_kept_under_its_records() {
    let text = completion("half past nine");
    let (provider, works) = works(vec![Act::Send(document(200, "", &text))], true).await;
    let (answer, story) = call(&works, "when", false).await;
    let request = check(&works, &story, &answer.body);
    assert!(provider.seen()[0].ends_with(std::str::from_utf8(&request).unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_kept_whole() {
    let (_provider, works) = works(streamed(), true).await;
    let (answer, story) = call(&works, "when", true).await;
    check(&works, &story, &answer.body);
    assert!(answer.text().ends_with(DONE));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_redacted_is_not_kept_either() {
    let (_provider, works) = works(vec![Act::Send(document(200, "", &completion("yes")))], true).await;
    let (answer, story) = call(&works, "ask anna@brewery.example", false).await;
    let request = check(&works, &story, &answer.body);
    assert!(story.intent.as_ref().unwrap().body.io.as_ref().unwrap().sent.is_some());
    assert!(!holds(&request, "anna@brewery"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_kept_nothing_is_sealed() {
    let (_provider, works) = works(streamed(), false).await;
    let (_, story) = call(&works, "when", true).await;
    assert!(works.ledger.kept().is_empty());
    assert!(story.intent.unwrap().body.seal.is_none() && story.last.body.seal.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_that_cannot_be_kept() {
    let (provider, works) = works(vec![Act::Send(document(200, "", &completion("yes")))], true).await;
    works.ledger.loses(0);
    let (answer, story) = call(&works, "when", false).await;
    assert_eq!((answer.status, story.told()), (503, (Kind::Refuse, Some(Reason::LedgerUnavailable))));
    assert!(provider.seen().is_empty() && story.last.body.seal.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_kept_is_not_completed() {
    for stream in [false, true] {
        let acts = if stream { streamed() } else { vec![Act::Send(document(200, "", &completion("yes")))] };
        let (_provider, works) = works(acts, true).await;
        works.ledger.loses(1);
        let (answer, story) = call(&works, "when", stream).await;
        assert!(answer.text().contains(Reason::LedgerUnavailable.code()), "{}", answer.text());
        assert!(!answer.text().contains(DONE) && !answer.text().contains("yes"));
        assert_eq!(story.told(), (Kind::Outcome, Some(Reason::LedgerUnavailable)));
        assert!(story.intent.unwrap().body.seal.is_some() && story.last.body.seal.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_does_not_get_around_being_kept() {
    let (provider, works) = works(vec![Act::Hang], true).await;
    let caller = Caller::sends(works.address, &works.chat("when", false)).await;
    tokio::time::timeout(Duration::from_secs(10), provider.until_seen(1)).await.unwrap();
    drop(caller);
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, Some(Reason::CallerLeft)));
    assert!(story.intent.unwrap().body.seal.is_some());
    assert_eq!(works.ledger.kept().len(), 1);
}
