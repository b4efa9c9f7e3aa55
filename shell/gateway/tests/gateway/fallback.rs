//! Providers fail, and what the conduit names for that happens: another provider, a fixed answer, or the error.

use crate::caller::{Answer, Caller};
use crate::ledger::Does;
use crate::provider::{Act, DONE, Provider, chunk, completion, document, event, last_chunk, stream_head};
use crate::works::{Setting, Works};
use ::fallback::{Breaking, Settings, Step, Then, Trouble, Troubles};
use plant::{Draft, Kind, Note, Reason};
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) fn ask(to: &str, model: Option<&str>) -> Step {
    let then = Then::Ask { to: to.parse().unwrap(), model: model.map(str::to_owned) };
    Step { on: Troubles::USUAL, then }
}

pub(crate) fn say(text: &str) -> Step {
    Step { on: Troubles::USUAL, then: Then::Say(text.to_owned()) }
}

pub(crate) fn steps(steps: Vec<Step>) -> Settings {
    Settings { steps: [("to-openai".parse().unwrap(), steps.into())].into(), ..Settings::default() }
}

/// A plant whose provider fails, and another that answers.
struct Trial {
    first: Provider,
    edge: Provider,
    works: Works,
}

impl Trial {
    async fn new(failing: Settings) -> Self {
        Self::with(failing, |_| ()).await
    }

    async fn with(failing: Settings, change: impl FnOnce(&mut Setting)) -> Self {
        let first = Provider::new(Vec::new()).await;
        let edge = Provider::new(vec![Act::Send(document(200, "", &completion("from the edge")))]).await;
        let mut setting = Setting { edge: Some(edge.address), failing, ..Setting::impatient(first.address) };
        change(&mut setting);
        Self { works: Works::start(setting).await, first, edge }
    }

    async fn call(&self, acts: Vec<Act>, content: &str, stream: bool) -> Answer {
        self.first.acts(acts);
        let mut caller = Caller::sends(self.works.address, &self.works.chat(content, stream)).await;
        caller.answer().await.expect("an answer")
    }

    fn written(&self, kind: Kind) -> Vec<Draft> {
        self.works.ledger.written().into_iter().filter(|draft| draft.kind == kind).collect()
    }
}

fn note(draft: &Draft, key: &str) -> String {
    match draft.body.note.get(key) {
        Some(Note::Text(text)) => text.clone(),
        other => panic!("{key}: {other:?}"),
    }
}

fn gone() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Every way in which a provider can fail before anything of its answer has reached the caller, and what it is called.
fn failures() -> Vec<(&'static str, Vec<Act>)> {
    let whole = document(200, "", &completion("half of this"));
    let half = whole[..whole.len() - 20].to_vec();
    vec![
        ("broken", vec![Act::Reset]),
        ("broken", vec![Act::Close]),
        ("slow", vec![Act::Hang]),
        ("broken", vec![Act::Send(half.clone()), Act::Reset]),
        ("slow", vec![Act::Send(half), Act::Hang]),
        ("limited", vec![Act::Send(document(429, "Retry-After: 7\r\n", "{\"error\":{\"message\":\"slow down\"}}"))]),
        ("failing", vec![Act::Send(document(500, "", "{\"error\":{\"message\":\"oh\"}}"))]),
        ("failing", vec![Act::Send(document(529, "", "{\"error\":{\"message\":\"overloaded\"}}"))]),
        ("denied", vec![Act::Send(document(401, "", "{\"error\":{\"message\":\"who\"}}"))]),
        ("broken", vec![Act::Send(document(200, "", "{\"choices\": [}"))]),
        ("broken", vec![Act::Send(document(302, "Location: https://elsewhere.example\r\n", ""))]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn another_provider_answers_whatever_the_first_one_does() {
    let trial = Trial::new(steps(vec![ask("edge", Some("small"))])).await;
    for (index, (because, acts)) in failures().into_iter().enumerate() {
        let answer = trial.call(acts, "hello", false).await;
        let text = answer.text();
        assert_eq!(answer.status, 200, "{index} {because}: {text}");
        assert_eq!(answer.header("penstock-fallback"), Some(format!("edge; because={because}").as_str()), "{index}");
        assert_eq!(answer.header("penstock-rerouted"), Some("edge"));
        let body: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["choices"][0]["message"]["content"], "from the edge");
        assert_eq!((&body["penstock"]["answered_by"], &body["penstock"]["because"]), (&"edge".into(), &because.into()));
        assert_eq!(trial.first.seen().len(), index + 1, "the provider that failed is asked once");
        assert_eq!(trial.edge.seen().len(), index + 1);
        assert!(trial.edge.seen()[index].contains("\"model\":\"small\""), "{}", trial.edge.seen()[index]);
        let stories = trial.works.ledger.stories(index + 1).await;
        let last = &stories[index].last;
        assert_eq!(stories[index].told(), (Kind::Outcome, None), "{index} {because}");
        assert_eq!(last.body.what.as_ref().unwrap().rerouted.as_ref().unwrap().as_str(), "edge");
        assert_eq!(last.body.place.as_ref().unwrap().conduit.as_ref().unwrap().as_str(), "to-edge");
        assert_eq!(note(last, "answered_by"), "edge");
        let switches = trial.written(Kind::Switch);
        let switch = switches.last().unwrap();
        assert_eq!(switches.len(), index + 1);
        assert_eq!(switch.reference, Some(stories[index].id));
        assert_eq!((note(switch, "from").as_str(), note(switch, "because").as_str()), ("openai", because));
        assert!(switch.body.io.as_ref().unwrap().sent.is_some(), "what leaves is committed to");
    }
    let line = "penstock_fallbacks_total{conduit=\"to-openai\",because=\"slow\",answered_by=\"edge\"}";
    assert_eq!(trial.works.metric(line).await, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_there_is_replaced_too() {
    let trial =
        Trial::with(steps(vec![ask("edge", None)]), |setting| setting.address = format!("http://{}", gone())).await;
    let answer = trial.call(Vec::new(), "hello", false).await;
    assert_eq!(answer.header("penstock-fallback"), Some("edge; because=unreachable"));
    assert!(answer.text().contains("from the edge"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_has_not_begun_is_replaced_and_one_that_has_is_not() {
    let trial = Trial::new(steps(vec![ask("edge", None)])).await;
    let answers = [event("from the edge"), DONE.to_owned()].map(|text| Act::Send(chunk(&text)));
    let head = Act::Send(stream_head("text/event-stream"));
    trial.edge.acts([vec![head.clone()], answers.to_vec(), vec![Act::Send(last_chunk())]].concat());
    let error = "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n";
    for (because, acts) in [
        ("broken", vec![head.clone(), Act::Reset]),
        ("slow", vec![head.clone(), Act::Hang]),
        ("broken", vec![head.clone(), Act::Send(chunk(error)), Act::Hang]),
        ("failing", vec![Act::Send(document(503, "", "{}"))]),
    ] {
        let answer = trial.call(acts, "hello", true).await;
        assert_eq!(answer.header("penstock-fallback"), Some(format!("edge; because={because}").as_str()));
        let text = answer.text();
        assert!(text.starts_with(": penstock {") && text.contains("from the edge") && text.ends_with(DONE), "{text}");
    }
    let answer = trial.call(vec![head, Act::Send(chunk(event("begun"))), Act::Reset], "hello", true).await;
    assert_eq!(answer.header("penstock-fallback"), None);
    assert!(answer.text().contains("begun") && answer.text().contains("provider-broken"), "{}", answer.text());
    let story = trial.works.ledger.stories(5).await.pop().unwrap();
    assert_eq!(story.last.body.io.unwrap().answer_bytes, answer.body.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_answer_comes_last_and_in_the_callers_form() {
    let trial = Trial::new(steps(vec![ask("edge", None), say("Follow SOP 7.")])).await;
    trial.edge.acts(vec![Act::Reset]);
    for stream in [false, true] {
        let answer = trial.call(vec![Act::Hang], "hello", stream).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("penstock-fallback"), Some("fixed-answer; because=broken"));
        let kind = if stream { "text/event-stream" } else { "application/json" };
        assert_eq!(answer.header("content-type"), Some(kind));
        assert!(answer.text().contains("Follow SOP 7.") && answer.text().contains("penstock-fixed-answer"));
        assert_eq!(answer.text().ends_with(DONE), stream);
    }
    let stories = trial.works.ledger.stories(2).await;
    assert!(stories.iter().all(|story| story.told() == (Kind::Outcome, None)));
    assert_eq!(note(&stories[0].last, "answered_by"), "fixed-answer");
    let ways: Vec<_> = trial.written(Kind::Switch).iter().map(|one| note(one, "answered_by")).collect();
    assert_eq!(ways, ["edge", "fixed-answer", "edge", "fixed-answer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_provider_may_be_shown_another_may_not() {
    let public = |setting: &mut Setting| setting.edge_clearance = "public";
    let trial = Trial::with(steps(vec![ask("edge", None), say("No.")]), public).await;
    let answer = trial.call(vec![Act::Reset], "why does 10.20.30.40 not answer?", false).await;
    assert_eq!(answer.header("penstock-fallback"), Some("fixed-answer; because=broken"), "{}", answer.text());
    assert!(trial.edge.seen().is_empty(), "decided anew, and refused");
    let answer = trial.call(vec![Act::Reset], "hello", false).await;
    assert_eq!(answer.header("penstock-fallback"), Some("edge; because=broken"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_step_for_it_the_error_is_the_providers_own() {
    let only = Step { on: Troubles::from_iter([Trouble::Slow]), ..ask("edge", None) };
    let trial = Trial::new(steps(vec![only])).await;
    let limited = document(429, "Retry-After: 7\r\n", "{\"error\":{\"message\":\"slow down\"}}");
    let answer = trial.call(vec![Act::Send(limited)], "hello", false).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
    assert!(answer.text().contains("slow down"));
    let answer = trial.call(vec![Act::Reset], "hello", false).await;
    assert_eq!((answer.status, answer.header("penstock-fallback")), (502, None));
    let bad = document(400, "", "{\"error\":{\"message\":\"no such parameter\"}}");
    assert_eq!(trial.call(vec![Act::Send(bad)], "hello", false).await.status, 400);
    assert!(trial.edge.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_error_is_given_when_all_have_failed() {
    let trial = Trial::new(steps(vec![ask("edge", None)])).await;
    trial.edge.acts(vec![Act::Send(document(503, "Retry-After: 3\r\n", "{\"error\":{\"message\":\"busy too\"}}"))]);
    let answer = trial.call(vec![Act::Hang], "hello", false).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("3")));
    assert!(answer.text().contains("busy too"));
    assert_eq!(answer.header("penstock-fallback"), Some("edge; because=slow"));
    trial.edge.acts(vec![Act::Reset]);
    let answer = trial.call(vec![Act::Hang], "hello", false).await;
    assert_eq!(answer.status, 502);
    assert_eq!(trial.works.ledger.stories(2).await[1].told(), (Kind::Outcome, Some(Reason::ProviderBroken)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_to_another_provider_that_the_ledger_does_not_take() {
    let trial = Trial::new(steps(vec![ask("edge", None)])).await;
    trial.works.ledger.once(Kind::Switch, Does::Refuse);
    let answer = trial.call(vec![Act::Reset], "hello", false).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("ledger-unavailable"));
    assert!(trial.edge.seen().is_empty());
    assert_eq!(trial.works.ledger.story().await.told(), (Kind::Outcome, Some(Reason::LedgerUnavailable)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_asks_no_model_means_its_own_provider() {
    let trial = Trial::new(steps(vec![ask("edge", None), say("no")])).await;
    trial.first.acts(vec![Act::Reset]);
    let token = &trial.works.token;
    let head = format!("GET /openai/v1/models HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut caller = Caller::sends(trial.works.address, head.as_bytes()).await;
    assert_eq!(caller.answer().await.unwrap().status, 502);
    assert!(trial.edge.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_outside_limits_is_replaced_only_where_the_plant_says_so() {
    let guarded = |setting: &mut Setting| setting.guarding = Some(plant::Guarding::default());
    let unsafe_too = Step { on: Troubles::from_iter([Trouble::Unsafe]), ..say("Ask the shift lead.") };
    for (failing, expected) in [(steps(vec![say("no")]), 403), (steps(vec![unsafe_too]), 200)] {
        let trial = Trial::with(failing, guarded).await;
        let bad = document(200, "", &completion("Set KIC-77 to 500 Cel."));
        let answer = trial.call(vec![Act::Send(bad)], "What about KIC-77?", false).await;
        assert_eq!(answer.status, expected, "{}", answer.text());
        assert_eq!(answer.text().contains("Ask the shift lead."), expected == 200);
    }
}

fn breaking(failures: u32, rest: u64) -> Settings {
    let rest = Duration::from_millis(rest);
    let breaking = Breaking { failures, within: Duration::from_secs(30), rest, longest: rest * 2 };
    Settings { breakers: [("openai".parse().unwrap(), breaking)].into(), ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_failed_too_often_is_left_alone_and_tried_again() {
    let trial = Trial::new(breaking(3, 3000)).await;
    for _ in 0..3 {
        assert_eq!(trial.call(vec![Act::Reset], "hello", false).await.status, 502);
    }
    let state = "penstock_breaker_state{provider=\"openai\"}";
    assert_eq!(trial.works.metric(state).await, Some(2));
    let answer = trial.call(vec![Act::Reset], "hello", false).await;
    assert_eq!(answer.status, 503);
    assert!(["1", "2", "3"].contains(&answer.header("retry-after").unwrap()));
    assert!(answer.text().contains("provider-resting"));
    assert_eq!(trial.first.seen().len(), 3, "it is left alone");
    assert!(
        crate::caller::get(trial.works.operations, "/readyz").await.contains("ready"),
        "the gateway itself is well"
    );

    let fine = || vec![Act::Send(document(200, "", &completion("back again")))];
    let end = tokio::time::Instant::now() + crate::caller::PATIENCE;
    let mut answer = trial.call(fine(), "hello", false).await;
    while answer.status == 503 && tokio::time::Instant::now() < end {
        answer = trial.call(fine(), "hello", false).await;
    }
    assert!(answer.text().contains("back again"), "{}", answer.text());
    assert_eq!(trial.works.metric(state).await, Some(0));
    let alerts: Vec<_> = trial.written(Kind::Alert).iter().map(|one| note(one, "to")).collect();
    assert_eq!(alerts, ["open", "half-open", "closed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_stays_open_over_a_change_of_the_plant() {
    let mut trial = Trial::new(breaking(1, 60_000)).await;
    assert_eq!(trial.call(vec![Act::Reset], "hello", false).await.status, 502);
    trial.works.change(|setting| setting.models = "gpt-4o");
    let answer = trial.call(vec![Act::Reset], "hello", false).await;
    assert_eq!((answer.status, answer.header("x-should-retry")), (503, Some("false")), "a minute is no time to wait");
    trial.works.change(|setting| setting.failing = Settings::default());
    assert_eq!(trial.call(vec![Act::Reset], "hello", false).await.status, 502, "unless it is taken away");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_breaker_leads_to_the_next_step_at_once() {
    let failing = Settings { steps: steps(vec![ask("edge", None)]).steps, ..breaking(1, 60_000) };
    let trial = Trial::new(failing).await;
    assert_eq!(
        trial.call(vec![Act::Hang], "hello", false).await.header("penstock-fallback"),
        Some("edge; because=slow")
    );
    let answer = trial.call(vec![Act::Hang], "hello", false).await;
    assert_eq!(answer.header("penstock-fallback"), Some("edge; because=unreachable"));
    assert_eq!(trial.first.seen().len(), 1, "nobody waits for it");
}
