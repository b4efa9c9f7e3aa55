//! Another plant is put in force while exchanges are under way: each is judged by one plant, the one that it began under.

use crate::caller::Caller;
use crate::provider::{Act, DONE, Provider, chunk, completion, document, event, last_chunk, stream_head};
use crate::works::{Setting, Works, chat, digest};
use plant::{Bounds, Draft, Kind, Millis, Reason};
use std::sync::Arc;
use tokio::sync::Barrier;

const CHAT: &str = "/openai/v1/chat/completions";

async fn plant(acts: Vec<Act>) -> (Provider, Works) {
    let provider = Provider::new(acts).await;
    let works = Works::start(Setting::new(provider.address)).await;
    (provider, works)
}

/// A stream that begins, waits, and ends.
fn stream() -> Vec<Act> {
    vec![
        Act::Send(stream_head("text/event-stream")),
        Act::Send(chunk(event("begun"))),
        Act::Wait,
        Act::Send(chunk(format!("{}{DONE}", event("ended")))),
        Act::Send(last_chunk()),
    ]
}

/// The version of the plant that a record names.
fn version(draft: &Draft) -> String {
    draft.body.decided.as_ref().unwrap().policy.clone()
}

type Change = fn(&mut Setting);

#[tokio::test(flavor = "multi_thread")]
async fn a_change_holds_for_the_next_call_and_not_for_the_stream_under_way() {
    let changes: [(&str, Change, Reason); 6] = [
        ("the conduit names another model", |setting| setting.models = "gpt-5", Reason::ModelNotAllowed),
        ("the conduit is gone", |setting| setting.conduits = "edge anthropic", Reason::NoConduit),
        (
            "the provider is gone",
            |setting| (setting.providers, setting.conduits) = ("edge anthropic", "edge anthropic"),
            Reason::UnknownProvider,
        ),
        ("the token has ended", |setting| setting.token_expires = Some(Millis(1)), Reason::TokenExpired),
        ("requests are shorter", |setting| setting.bounds.request = 10, Reason::BodyTooLarge),
        ("nothing is nested", |setting| setting.bounds.depth = 1, Reason::TooDeep),
    ];
    for (name, change, reason) in changes {
        let (provider, mut works) = plant(vec![Act::Send(document(200, "", &completion("before")))]).await;
        let mut next = Caller::sends(works.address, &works.chat("hello", false)).await;
        assert_eq!(next.answer().await.unwrap().status, 200, "{name}");
        provider.acts(stream());
        let mut streams = Caller::sends(works.address, &works.chat("hello", true)).await;
        streams.until("begun").await;

        works.change(change);
        next.send(&works.chat("hello", true)).await;
        let answer = next.answer().await.unwrap();
        assert_eq!(answer.status, reason.status(), "{name}: {}", answer.text());
        let decision = format!("refuse; reason={reason}");
        assert_eq!(answer.header("penstock-decision"), Some(decision.as_str()), "{name}");
        assert_eq!(provider.seen().len(), 2, "{name}");

        provider.go();
        let answer = streams.answer().await.unwrap();
        assert_eq!((answer.status, answer.text().ends_with(DONE)), (200, true), "{name}");
        let stories = works.ledger.stories(3).await;
        let told: Vec<_> = stories.iter().map(|story| story.told()).collect();
        assert_eq!(told, [(Kind::Outcome, None), (Kind::Refuse, Some(reason)), (Kind::Outcome, None)], "{name}");
        assert_eq!(version(stories[2].intent.as_ref().unwrap()), digest(1), "{name}");
        assert_eq!(version(&stories[1].last), digest(2), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_closed_opens_for_the_next_call_on_the_same_connection() {
    let provider = Provider::new(vec![Act::Send(document(200, "", &completion("hello")))]).await;
    let mut works = Works::start(Setting { conduits: "edge", ..Setting::new(provider.address) }).await;
    let mut caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    assert_eq!(caller.answer().await.unwrap().status, 403);
    works.change(|setting| setting.conduits = "openai edge");
    caller.send(&works.chat("hello", false)).await;
    assert_eq!(caller.answer().await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_moves_gets_the_next_call_and_ends_what_it_began() {
    let (old, mut works) = plant(stream()).await;
    let new = Provider::new(vec![Act::Send(document(200, "", &completion("from the new")))]).await;
    let mut streams = Caller::sends(works.address, &works.chat("hello", true)).await;
    streams.until("begun").await;
    works.change(|setting| setting.address = format!("http://{}", new.address));
    let mut next = Caller::sends(works.address, &works.chat("hello", false)).await;
    assert!(next.answer().await.unwrap().text().contains("from the new"));
    old.go();
    assert!(streams.answer().await.unwrap().text().ends_with(DONE));
    assert_eq!((old.seen().len(), new.seen().len()), (1, 1));
    old.until_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_judged_by_the_plant_that_it_began_under() {
    let (provider, mut works) = plant(vec![Act::Send(document(200, "", &completion("hello")))]).await;
    let body = chat("hello", false);
    let head = works.head(CHAT, &format!("Content-Length: {}", body.len()), "");
    let mut uploads = Caller::sends(works.address, &head).await;
    works.until_metric("penstock_exchanges_under_way", 1).await;
    works.change(|setting| (setting.models, setting.bounds.request) = ("gpt-5", 10));
    uploads.send(body.as_bytes()).await;
    assert_eq!(uploads.answer().await.unwrap().status, 200);
    uploads.send(&works.chat("hello", false)).await;
    assert_eq!(uploads.answer().await.unwrap().status, 413);
    assert_eq!(provider.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_an_answer_are_those_that_it_began_under() {
    let (provider, mut works) = plant(stream()).await;
    let mut streams = Caller::sends(works.address, &works.chat("hello", true)).await;
    streams.until("begun").await;
    works.change(|setting| setting.bounds = Bounds { answer: 10, ..setting.bounds.clone() });
    provider.go();
    assert!(streams.answer().await.unwrap().text().ends_with(DONE));
    let mut next = Caller::sends(works.address, &works.chat("hello", true)).await;
    assert!(next.answer().await.unwrap().text().contains("answer-too-large"));
    let told: Vec<_> = works.ledger.stories(2).await.iter().map(|story| story.told()).collect();
    assert_eq!(told, [(Kind::Outcome, None), (Kind::Outcome, Some(Reason::AnswerTooLarge))]);
}

/// Versions that allow and versions that refuse take turns while calls come without pause.
#[tokio::test(flavor = "multi_thread")]
async fn no_call_is_judged_by_two_plants() {
    const CALLERS: usize = 3;
    const TURNS: u64 = 6;
    let (_provider, mut works) = plant(vec![Act::Send(document(200, "", &completion("hello")))]).await;
    let turn = Arc::new(Barrier::new(CALLERS + 1));
    let call = |turn: Arc<Barrier>, address, bytes: Vec<u8>| async move {
        let mut caller = Caller::new(address).await;
        for _ in 0..TURNS {
            turn.wait().await;
            // One call while nothing changes; the others while the next version comes.
            for count in 0..10 {
                caller.send(&bytes).await;
                let answer = caller.answer().await.unwrap();
                assert!([200, 403].contains(&answer.status), "{}", answer.text());
                if count == 0 {
                    turn.wait().await;
                }
            }
        }
    };
    let bytes = works.chat("hello", false);
    let callers: Vec<_> =
        (0..CALLERS).map(|_| tokio::spawn(call(Arc::clone(&turn), works.address, bytes.clone()))).collect();
    for count in 1..=TURNS {
        works.change(|setting| setting.models = if count % 2 == 0 { "*" } else { "gpt-5" });
        turn.wait().await;
        turn.wait().await;
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let stories = works.ledger.stories(CALLERS * 10 * usize::try_from(TURNS).unwrap()).await;
    let allowing: Vec<_> = (1..=TURNS + 1).step_by(2).map(digest).collect();
    for story in &stories {
        let draft = story.intent.as_ref().unwrap_or(&story.last);
        assert_eq!(story.intent.is_some(), allowing.contains(&version(draft)), "{story:?}");
    }
    for version in (2..=TURNS + 1).map(digest) {
        let of = |draft: &Draft| self::version(draft) == version;
        assert!(stories.iter().any(|story| of(story.intent.as_ref().unwrap_or(&story.last))), "{version}");
    }
}
