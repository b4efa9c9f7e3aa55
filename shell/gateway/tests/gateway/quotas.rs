//! Quotas: what is used up is refused in the caller's dialect, and what calls really took is what counts.

use crate::caller::{Answer, Caller};
use crate::fallback::{ask, say, steps};
use crate::provider::{Act, Provider, chunk, completion, document, event, stream_head};
use crate::works::{Setting, Works};
use plant::{Kind, Note, Part, Reason, Wildcard};
use quota::{Counters, Per, Price, Prices, Quota, Settings, Waits};
use std::collections::BTreeSet;
use std::time::Duration;

fn quota(name: &str, per: Per) -> Quota {
    Quota {
        id: name.parse().unwrap(),
        per,
        only: BTreeSet::new(),
        window: Duration::from_secs(86_400),
        requests: None,
        tokens: None,
        bytes: None,
        money: None,
        concurrent: None,
        warn: 80,
    }
}

async fn plant(quotas: Vec<Quota>) -> (Provider, Works) {
    let provider = Provider::new(vec![Act::Send(document(200, "", &completion("fine")))]).await;
    let price = Price { model: Wildcard("gpt-4o".to_owned()), input: 1_000_000_000_000, output: 2_000_000_000_000 };
    let prices = Prices([("openai".parse().unwrap(), vec![price])].into());
    let setting =
        Setting { quotas: Settings { quotas, prices, ..Settings::default() }, ..Setting::impatient(provider.address) };
    (provider, Works::start(setting).await)
}

async fn call(works: &Works) -> Answer {
    let mut caller = Caller::sends(works.address, &works.chat("hello", false)).await;
    caller.answer().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_up_is_refused_and_says_when_to_ask_again() {
    let (provider, works) = plant(vec![Quota { requests: Some(2), ..quota("calls", Per::Workload) }]).await;
    for _ in 0..2 {
        assert_eq!(call(&works).await.status, 200);
    }
    let answer = call(&works).await;
    assert_eq!(answer.status, 429);
    assert!(
        answer.text().contains("rate_limit_error") && answer.text().contains("quota-exceeded"),
        "{}",
        answer.text()
    );
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&wait));
    assert_eq!(answer.header("penstock-decision"), Some("refuse; reason=quota-exceeded"));
    assert_eq!(provider.seen().len(), 2);
    let stories = works.ledger.stories(3).await;
    assert_eq!(stories[2].told(), (Kind::Refuse, Some(Reason::QuotaExceeded)));
    assert_eq!(works.metric("penstock_quota_stops_total{quota=\"calls\",measure=\"requests\"}").await, Some(1));
    let used = works.gateway.used().save();
    assert!(used.starts_with("calls copilot ") && used.contains(" 2 "), "{used}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_money_count_as_the_provider_says() {
    // The provider counts 3 and 5 tokens, which cost 3 + 10.
    for (limited, name) in [
        (Quota { tokens: Some(20), ..quota("t", Per::Provider) }, "tokens"),
        (Quota { money: Some(30_000_000), ..quota("m", Per::Conduit) }, "money"),
    ] {
        let (_provider, works) = plant(vec![limited]).await;
        let statuses = [call(&works).await.status, call(&works).await.status, call(&works).await.status];
        assert_eq!(statuses[..2], [200, 200], "{name}");
        assert_eq!(call(&works).await.status, 429, "{name}: {}", works.gateway.used().save());
        let written = works.ledger.written();
        let alert = written.iter().find(|draft| draft.kind == Kind::Alert).expect("a warning");
        assert_eq!(alert.body.note["event"], Note::Text("quota".to_owned()));
        assert_eq!(alert.body.note["measure"], Note::Text(name.to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_at_a_time_and_whoever_leaves_makes_room() {
    let (provider, works) = plant(vec![Quota { concurrent: Some(1), ..quota("one", Per::Plant) }]).await;
    provider.acts(vec![Act::Hang]);
    let waiting = Caller::sends(works.address, &works.chat("hello", false)).await;
    provider.until_seen(1).await;
    assert_eq!(call(&works).await.status, 429);
    drop(waiting);
    provider.until_left().await;
    works.until_metric("penstock_exchanges_under_way", 0).await;
    provider.acts(vec![Act::Send(document(200, "", &completion("fine")))]);
    assert_eq!(call(&works).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_counting() {
    let quotas = || vec![Quota { requests: Some(1), ..quota("calls", Per::Workload) }];
    let (_provider, works) = plant(quotas()).await;
    assert_eq!(call(&works).await.status, 200);
    let used = Counters::restore(&works.gateway.used().save()).unwrap();
    let provider = Provider::new(vec![Act::Send(document(200, "", &completion("fine")))]).await;
    let quotas = Settings { quotas: quotas(), ..Settings::default() };
    let again = Works::start(Setting { quotas, used, ..Setting::impatient(provider.address) }).await;
    assert_eq!(call(&again).await.status, 429);
    assert!(provider.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_limited_nothing_is_counted() {
    let (_provider, works) = plant(Vec::new()).await;
    assert_eq!(call(&works).await.status, 200);
    assert_eq!(works.gateway.used().save(), "");
    let (_provider, works) = plant(vec![Quota { requests: Some(9), ..quota("calls", Per::Workload) }]).await;
    assert_eq!(call(&works).await.status, 200);
    assert_ne!(works.gateway.used().save(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_leaves_in_mid_stream_has_used_what_came() {
    let (provider, works) = plant(vec![Quota { tokens: Some(1_000), ..quota("t", Per::Workload) }]).await;
    let events: String = (0..40).map(|_| event("word ")).collect();
    provider.acts(vec![Act::Send(stream_head("text/event-stream")), Act::Send(chunk(events)), Act::Hang]);
    let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
    caller.until("word ").await;
    drop(caller);
    provider.until_left().await;
    works.until_metric("penstock_exchanges_under_way", 0).await;
    let used = works.gateway.used().save();
    let tokens: u64 = used.split(' ').nth(4).unwrap().parse().unwrap();
    assert!((10..=60).contains(&tokens), "{used}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_fallback_says_costs_nothing_and_a_provider_that_is_used_up_is_passed_over() {
    let edge = Provider::new(vec![Act::Send(document(200, "", &completion("from the edge")))]).await;
    let provider = Provider::new(vec![Act::Send(document(503, "", "{}"))]).await;
    let quotas = vec![
        Quota { requests: Some(1), only: BTreeSet::from(["edge".to_owned()]), ..quota("edge-one", Per::Provider) },
        Quota { tokens: Some(1_000_000), ..quota("mine", Per::Workload) },
    ];
    let quotas = Settings { quotas, ..Settings::default() };
    let mut setting = Setting { quotas, edge: Some(edge.address), ..Setting::impatient(provider.address) };
    setting.failing = steps(vec![ask("edge", None), say("Ask the shift lead.")]);
    let works = Works::start(setting).await;
    assert_eq!(call(&works).await.header("penstock-fallback"), Some("edge; because=failing"));
    let used = works.gateway.used().save();
    assert!(used.contains("edge-one edge ") && used.contains("mine copilot "), "{used}");
    assert_eq!(call(&works).await.header("penstock-fallback"), Some("fixed-answer; because=failing"));
    let again = works.gateway.used().save();
    let tokens = |used: &str| used.lines().last().unwrap().split(' ').nth(4).unwrap().parse::<u64>().unwrap();
    assert_eq!((tokens(&used), tokens(&again)), (8, 8), "{again}");
    assert_eq!(edge.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_goes_nowhere_uses_nothing() {
    let (_provider, works) = plant(vec![Quota { requests: Some(1), ..quota("calls", Per::Workload) }]).await;
    works.ledger.once(Kind::Intent, crate::ledger::Does::Refuse);
    assert_eq!(call(&works).await.status, 503);
    assert_eq!(call(&works).await.status, 200);
}

/// A plant whose conduit is essential, and whose provider takes one call at a time.
async fn essential(longest: Duration) -> (Provider, Works) {
    let provider = Provider::new(vec![Act::Wait, Act::Send(document(200, "", &completion("fine")))]).await;
    let quotas = vec![Quota { concurrent: Some(1), ..quota("one", Per::Provider) }];
    let waits = [("to-openai".parse().unwrap(), Waits { weight: 1, longest })].into();
    let quotas = Settings { quotas, waits, ..Settings::default() };
    let works = Works::start(Setting { quotas, ..Setting::new(provider.address) }).await;
    (provider, works)
}

const WAITED: &str = "penstock_quota_waits_total{conduit=\"to-openai\"}";

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_an_essential_conduit_wait_for_their_turn_and_whoever_leaves_costs_nobody_one() {
    let (provider, works) = essential(Duration::from_secs(30)).await;
    let mut first = Caller::sends(works.address, &works.chat("first", false)).await;
    provider.until_seen(1).await;
    let leaves = Caller::sends(works.address, &works.chat("second", false)).await;
    works.until_metric(WAITED, 1).await;
    let mut third = Caller::sends(works.address, &works.chat("third", false)).await;
    works.until_metric(WAITED, 2).await;
    drop(leaves);
    works.until_metric("penstock_exchanges_under_way", 2).await;
    provider.go();
    assert_eq!(first.answer().await.unwrap().status, 200);
    provider.until_seen(2).await;
    provider.go();
    assert_eq!(third.answer().await.unwrap().status, 200);
    let seen = provider.seen();
    assert!(seen.len() == 2 && seen[1].contains("third"), "{seen:?}");
    let told: Vec<_> = works.ledger.stories(3).await.iter().map(|story| story.told()).collect();
    assert!(told.contains(&(Kind::Refuse, Some(Reason::CallerLeft))), "{told:?}");
    works.until_metric("penstock_exchanges_under_way", 0).await;
    let used = works.gateway.used().save();
    assert_eq!(used.split(' ').nth(3), Some("2"), "{used}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_longer_than_its_conduit_says() {
    let (provider, works) = essential(Duration::from_millis(30)).await;
    let mut first = Caller::sends(works.address, &works.chat("first", false)).await;
    provider.until_seen(1).await;
    let answer = call(&works).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    provider.go();
    assert_eq!(first.answer().await.unwrap().status, 200);
    provider.go();
    assert_eq!(call(&works).await.status, 200, "its place in the queue is given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_has_an_end_and_the_gate_shut_by_hand_empties_it() {
    let (provider, works) = essential(Duration::from_secs(30)).await;
    let _first = Caller::sends(works.address, &works.chat("first", false)).await;
    provider.until_seen(1).await;
    let mut waiting = Vec::new();
    for _ in 0..64 {
        waiting.push(Caller::sends(works.address, &works.chat("waits", false)).await);
    }
    works.until_metric(WAITED, 64).await;
    assert_eq!(call(&works).await.status, 429, "the queue is full");
    works.gateway.valve().isolate(vec![Part::parse("everything").unwrap()]);
    for mut caller in waiting {
        assert_eq!(caller.answer().await.unwrap().status, 403);
    }
    assert_eq!(provider.seen().len(), 1);
}
