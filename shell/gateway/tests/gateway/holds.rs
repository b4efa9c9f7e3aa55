//! Calls that wait for a person, and what becomes of them.

use crate::caller::{Caller, PATIENCE};
use crate::provider::{Act, Provider, completion, document};
use crate::works::{Setting, Works};
use gateway::{HoldTerms, Limits, Waiting, Word};
use plant::{Draft, Kind, Note, Part, Reason, Verdict};
use std::time::{Duration, Instant};

const SECRET: &str = "Xk29dLq8vTz1";

async fn plant(terms: HoldTerms) -> (Provider, Works) {
    let provider = Provider::new(vec![Act::Send(document(200, "", &completion("fine")))]).await;
    let mut setting = Setting::new(provider.address);
    (setting.secrets, setting.holds) = (Verdict::Hold, terms);
    (provider, Works::start(setting).await)
}

fn terms(most: usize, patience: Duration) -> HoldTerms {
    HoldTerms { most, patience }
}

async fn ask(works: &Works) -> Caller {
    Caller::sends(works.address, &works.chat(&format!("for TIC-101 use password: {SECRET} please"), false)).await
}

/// Waits until so many calls wait.
async fn waiting(works: &Works, count: usize) -> Vec<Waiting> {
    let (valve, end) = (works.gateway.valve(), Instant::now() + PATIENCE);
    loop {
        let waiting = valve.holds();
        if waiting.len() == count {
            return waiting;
        }
        assert!(Instant::now() < end, "waited for {count}, there are {}", waiting.len());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn word(approve: bool) -> Word {
    Word { approve, by: "ada (token)".to_owned(), reason: "it is a test account".to_owned() }
}

/// Kind, reason and what the note says of the hold, of each record once there are so many.
async fn told(works: &Works, count: usize) -> Vec<String> {
    let written = works.ledger.until("records", |written| written.len() >= count).await;
    assert_eq!(written.len(), count);
    let held = written[0].id;
    assert_eq!((written[0].kind, written[0].reference), (Kind::Hold, None));
    assert_eq!(written[1].reference, Some(held), "what comes of it refers to it");
    written.iter().map(line).collect()
}

fn line(draft: &Draft) -> String {
    let reason = draft.body.out.as_ref().and_then(|out| out.reason).map_or("", Reason::code);
    let hold = match draft.body.note.get("hold") {
        Some(Note::Text(text)) => text.as_str(),
        _ => "",
    };
    format!("{} {reason} {hold}", draft.kind.name()).trim().replace("  ", " ")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_approves_goes_on_and_its_record_says_who() {
    let (provider, works) = plant(HoldTerms::default()).await;
    let mut caller = ask(&works).await;
    let held = waiting(&works, 1).await.remove(0);
    assert_eq!(provider.seen().len(), 0, "nothing leaves before");
    assert!(held.why.contains("`secret.password`") && held.until.0 > held.since.0, "{}", held.why);
    let found: Vec<_> = held.found.iter().map(|one| (one.label.as_str(), one.held_for, one.text[1].as_str())).collect();
    assert!(found[0].0 == "secret.password" && found[0].1 && found[0].2.contains(SECRET), "{found:?}");
    assert!(found.contains(&("tag", false, "TIC-101")), "{found:?}");
    assert!(works.gateway.valve().decide(held.id, word(true)).is_some());
    assert_eq!(caller.answer().await.unwrap().status, 200);
    let sent = provider.seen().remove(0);
    assert!(sent.contains(SECRET) && !sent.contains("TIC-101"), "what is not held is handled as ever: {sent}");
    assert_eq!(told(&works, 3).await, ["hold", "intent approved", "outcome"]);
    let intent = works.ledger.written().remove(1);
    assert_eq!(intent.id, held.id);
    assert_eq!(intent.body.note["by"], Note::Text("ada (token)".to_owned()));
    assert_eq!(intent.body.decided.unwrap().verdict, Verdict::Tokenise);
    assert!(works.gateway.valve().holds().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_refuses_and_what_nobody_decides_goes_nowhere() {
    let (provider, works) = plant(HoldTerms::default()).await;
    let mut caller = ask(&works).await;
    let held = waiting(&works, 1).await.remove(0);
    assert!(works.gateway.valve().decide(held.id, word(false)).is_some());
    let answer = caller.answer().await.unwrap();
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("hold-refused") && !answer.text().contains("ada"), "{}", answer.text());
    assert_eq!(told(&works, 2).await, ["hold", "refuse hold-refused refused"]);
    assert!(works.gateway.valve().decide(held.id, word(true)).is_none(), "it is over");

    let (_, works) = plant(terms(1, Duration::from_millis(30))).await;
    let answer = ask(&works).await.answer().await.unwrap();
    assert!(answer.status == 403 && answer.text().contains("hold-expired"), "{}", answer.text());
    assert_eq!(told(&works, 2).await, ["hold", "refuse hold-expired"]);
    assert_eq!(provider.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_leaves_takes_its_call_back() {
    let (_provider, works) = plant(HoldTerms::default()).await;
    let caller = ask(&works).await;
    let held = waiting(&works, 1).await.remove(0);
    drop(caller);
    waiting(&works, 0).await;
    assert!(works.gateway.valve().decide(held.id, word(true)).is_none());
    assert_eq!(told(&works, 2).await, ["hold", "refuse caller-left"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_than_may_wait_are_refused_at_once() {
    let (_provider, works) = plant(terms(2, PATIENCE)).await;
    let _waiting = [ask(&works).await, ask(&works).await];
    waiting(&works, 2).await;
    let answer = ask(&works).await.answer().await.unwrap();
    assert!(answer.status == 503 && answer.text().contains("too-busy"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_call_is_decided_anew_by_the_plant_as_it_is_then() {
    let (provider, mut works) = plant(HoldTerms::default()).await;
    let mut caller = ask(&works).await;
    let held = waiting(&works, 1).await.remove(0);
    works.change(|setting| setting.secrets = Verdict::Refuse);
    assert!(works.gateway.valve().decide(held.id, word(true)).is_some());
    let answer = caller.answer().await.unwrap();
    assert!(answer.status == 403 && answer.text().contains("content-refused"), "{}", answer.text());
    assert_eq!(told(&works, 2).await, ["hold", "refuse content-refused approved"]);
    let policy = works.ledger.written().remove(1).body.decided.unwrap().policy;
    assert_eq!(policy, crate::works::digest(2), "the record names the version that decided");

    // What nobody held is not what a person has approved.
    works.change(|setting| setting.secrets = Verdict::Hold);
    let mut caller = ask(&works).await;
    let held = waiting(&works, 1).await.remove(0);
    works.change(|setting| setting.tags = Verdict::Hold);
    assert!(works.gateway.valve().decide(held.id, word(true)).is_some());
    let answer = caller.answer().await.unwrap();
    assert!(answer.status == 403 && answer.text().contains("hold-refused"), "{}", answer.text());
    assert_eq!(provider.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isolation_and_a_stop_end_the_wait() {
    let (_provider, works) = plant(HoldTerms::default()).await;
    let mut caller = ask(&works).await;
    waiting(&works, 1).await;
    works.gateway.valve().isolate(vec![Part::parse("conduit:to-openai").unwrap()]);
    assert!(caller.answer().await.unwrap().text().contains("isolated"));
    assert_eq!(told(&works, 2).await, ["hold", "refuse isolated"]);

    let provider = Provider::new(vec![Act::Hang]).await;
    let mut setting = Setting::new(provider.address);
    setting.secrets = Verdict::Hold;
    setting.limits = Limits { grace: Duration::from_millis(30), ..setting.limits };
    let works = Works::start(setting).await;
    let mut caller = ask(&works).await;
    waiting(&works, 1).await;
    let ledger = works.ledger.clone();
    works.gateway.stop().await;
    assert!(caller.answer().await.unwrap().text().contains("shutting-down"));
    let written = ledger.written();
    assert_eq!(written.iter().map(line).collect::<Vec<_>>(), ["hold", "refuse shutting-down"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_cannot_be_recorded_is_none() {
    let (provider, works) = plant(HoldTerms::default()).await;
    works.ledger.once(Kind::Hold, crate::ledger::Does::Refuse);
    let answer = ask(&works).await.answer().await.unwrap();
    assert!(answer.status == 503 && answer.text().contains("ledger-unavailable"), "{}", answer.text());
    assert!(works.gateway.valve().holds().is_empty() && provider.seen().is_empty());
}
