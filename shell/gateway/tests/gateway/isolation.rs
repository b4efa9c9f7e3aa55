//! The gate is shut by hand while exchanges are under way.

use crate::caller::Caller;
use crate::provider::{Act, DONE, Provider, chunk, completion, document, event, last_chunk, stream_head};
use crate::works::{Setting, Works, chat};
use gateway::Limits;
use plant::{Kind, Part, Reason};
use std::time::{Duration, Instant};

/// IEC 62443-3-3 asks for no number; the plant's people were promised this one.
/// Far below every other time after which the call would end.
const AT_ONCE: Duration = Duration::from_secs(5);

const ISOLATED: (Kind, Option<Reason>) = (Kind::Outcome, Some(Reason::Isolated));
const REFUSED: (Kind, Option<Reason>) = (Kind::Refuse, Some(Reason::Isolated));

fn part(text: &str) -> Vec<Part> {
    vec![Part::parse(text).unwrap()]
}

fn endless() -> Vec<Act> {
    vec![Act::Send(stream_head("text/event-stream")), Act::Send(chunk(event("begun"))), Act::Hang]
}

async fn plant(acts: Vec<Act>) -> (Provider, Works) {
    let provider = Provider::new(acts).await;
    let setting = Setting::new(provider.address);
    (provider, Works::start(setting).await)
}

async fn ask(works: &Works, to: &str, stream: bool) -> Caller {
    let path = format!("/{to}/v1/chat/completions");
    Caller::sends(works.address, &works.request(&path, &chat("hello", stream))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_that_holds_a_live_stream_cuts_it_at_once_and_its_record_says_why() {
    let parts = [
        "everything",
        "external",
        "conduit:to-openai",
        "workload:copilot",
        "zone:line",
        "zone:cloud",
        "provider:openai",
    ];
    for name in parts {
        let (provider, works) = plant(endless()).await;
        let mut caller = ask(&works, "openai", true).await;
        caller.until("begun").await;
        let shut = Instant::now();
        works.gateway.valve().isolate(part(name));
        let answer = caller.answer().await.unwrap();
        let took = shut.elapsed();
        assert!(took < AT_ONCE, "{name} took {took:?}");
        assert!(answer.text().contains("isolated"), "{name}: {}", answer.text());
        let story = works.ledger.story().await;
        assert_eq!(story.told(), ISOLATED, "{name}");
        provider.until_left().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_of_the_part_goes_on() {
    let rest = vec![Act::Wait, Act::Send(chunk(format!("{}{DONE}", event("ended")))), Act::Send(last_chunk())];
    let first = vec![Act::Send(stream_head("text/event-stream")), Act::Send(chunk(event("begun")))];
    for name in ["conduit:to-edge", "workload:other", "zone:other", "provider:anthropic"] {
        let (provider, works) = plant([first.clone(), rest.clone()].concat()).await;
        let mut caller = ask(&works, "openai", true).await;
        caller.until("begun").await;
        works.gateway.valve().isolate(part(name));
        provider.go();
        assert!(caller.answer().await.unwrap().text().ends_with(DONE), "{name}");
        assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, None), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_an_island_the_edge_goes_on_and_nothing_leaves() {
    let (provider, works) = plant(vec![Act::Send(document(200, "", &completion("fine")))]).await;
    works.gateway.valve().isolate(part("external"));
    let answer = ask(&works, "openai", false).await.answer().await.unwrap();
    assert_eq!((answer.status, provider.seen().len()), (403, 0));
    assert!(answer.text().contains("isolated"), "{}", answer.text());
    assert_eq!(ask(&works, "edge", false).await.answer().await.unwrap().status, 200);
    let mut told: Vec<_> = works.ledger.stories(2).await.iter().map(|story| story.told()).collect();
    told.sort();
    assert_eq!(told, [(Kind::Outcome, None), REFUSED]);
    // What would have left goes to the edge where its conduit says so; that way is open.
    let rerouted = works.request("/openai/v1/chat/completions", &chat("our house yeast is secret", false));
    assert_eq!(Caller::sends(works.address, &rerouted).await.answer().await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_its_answer_is_cut_and_one_that_is_restored_passes() {
    let (provider, works) = plant(vec![Act::Hang]).await;
    let valve = works.gateway.valve();
    let mut caller = ask(&works, "openai", false).await;
    provider.until_seen(1).await;
    valve.isolate(part("provider:openai"));
    let answer = caller.answer().await.unwrap();
    assert_eq!(answer.status, 403);
    assert_eq!(works.ledger.story().await.told(), ISOLATED);

    let (_provider, works) = plant(vec![Act::Send(document(200, "", &completion("fine")))]).await;
    let valve = works.gateway.valve();
    valve.isolate(part("everything"));
    assert_eq!(ask(&works, "openai", false).await.answer().await.unwrap().status, 403);
    assert_eq!(valve.isolated(), part("everything"));
    valve.isolate(Vec::new());
    assert_eq!(ask(&works, "openai", false).await.answer().await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_from_an_isolated_workload_is_not_read_to_its_end() {
    let (_provider, works) = plant(vec![Act::Hang]).await;
    let head = works.head("/openai/v1/chat/completions", "Content-Length: 1000", "{");
    let mut caller = Caller::sends(works.address, &head).await;
    works.until_metric("penstock_exchanges_under_way", 1).await;
    let shut = Instant::now();
    works.gateway.valve().isolate(part("workload:copilot"));
    assert_eq!(caller.answer().await.unwrap().status, 403);
    assert!(shut.elapsed() < AT_ONCE);
    assert_eq!(works.ledger.story().await.told(), REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_streams_are_cut_at_once_and_a_stop_still_ends_what_is_left() {
    const STREAMS: usize = 200;
    let provider = Provider::new(endless()).await;
    let mut setting = Setting::new(provider.address);
    setting.limits = Limits { grace: Duration::from_millis(50), ..setting.limits };
    let works = Works::start(setting).await;
    let mut callers = Vec::new();
    for at in 0..STREAMS {
        callers.push(ask(&works, if at % 2 == 0 { "openai" } else { "edge" }, true).await);
    }
    for caller in &mut callers {
        caller.until("begun").await;
    }
    works.gateway.valve().isolate(part("external"));
    for caller in callers.iter_mut().step_by(2) {
        assert!(caller.answer().await.unwrap().text().contains("isolated"));
    }
    let ledger = works.ledger.clone();
    works.gateway.stop().await;
    for caller in callers.iter_mut().skip(1).step_by(2) {
        assert!(caller.answer().await.unwrap().text().contains("shutting-down"));
    }
    let told: Vec<_> = ledger.stories(STREAMS).await.iter().map(|story| story.told()).collect();
    assert_eq!(told.iter().filter(|one| **one == ISOLATED).count(), STREAMS / 2);
}
