//! What people tell of answers, and a ledger that may not take it. Who may tell, and what they may say, is tested from outside.

use crate::caller::{Answer, Caller};
use crate::ledger::Does;
use crate::provider::{Act, Provider, completion, document};
use crate::works::{Setting, Works};
use plant::{Draft, Kind};
use std::time::Duration;

async fn plant(within: Option<Duration>) -> (Provider, Works) {
    let answers = vec![Act::Send(document(200, "", &completion("fine"))); 3];
    let provider = Provider::new(answers).await;
    let mut setting = Setting::new(provider.address);
    setting.account_within = within;
    (provider, Works::start(setting).await)
}

/// Asks, and gives the record that the answer bears.
async fn ask(works: &Works) -> String {
    let answer = Caller::sends(works.address, &works.chat("how hot", false)).await.answer().await.unwrap();
    assert_eq!(answer.status, 200);
    answer.header("penstock-record").unwrap().to_owned()
}

fn account(works: &Works, call: &str) -> Vec<u8> {
    let body = format!(r#"{{"record":"{call}","decision":"accepted"}}"#);
    format!(
        "POST /penstock/v1/oversight HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        works.token,
        body.len()
    )
    .into_bytes()
}

async fn tell(works: &Works, call: &str) -> Answer {
    Caller::sends(works.address, &account(works, call)).await.answer().await.unwrap()
}

fn of(written: &[Draft], kind: Kind) -> usize {
    written.iter().filter(|draft| draft.kind == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledger_does_not_take_was_not_told() {
    let (_provider, works) = plant(Some(Duration::from_secs(3600))).await;
    let call = ask(&works).await;
    works.ledger.once(Kind::Oversight, Does::Refuse);
    let refused = tell(&works, &call).await;
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains("ledger-unavailable"), "{}", refused.text());
    assert!(works.metric("penstock_oversight_open").await == Some(1), "it is still open");
    assert_eq!(tell(&works, &call).await.status, 201);
    assert!(works.metric("penstock_oversight_open").await == Some(0));
    assert_eq!(of(&works.ledger.written(), Kind::Oversight), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_before_it_is_durable_and_whoever_leaves_has_told_all_the_same() {
    let (_provider, works) = plant(None).await;
    let call = ask(&works).await;
    works.ledger.once(Kind::Oversight, Does::Hold);
    let caller = Caller::sends(works.address, &account(&works, &call)).await;
    works.ledger.until_held().await;
    drop(caller);
    works.ledger.release(Does::Write);
    let written = works.ledger.until("the account", |written| of(written, Kind::Oversight) == 1).await;
    assert_eq!(of(&written, Kind::Refuse), 0, "one record, and no other that says it was refused");
    let told = tell(&works, &call).await;
    assert!(told.status == 201 && told.text().contains("\"nth\":2"), "{}", told.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_accounts_for_is_found_once_and_only_what_a_model_said() {
    let (provider, works) = plant(Some(Duration::from_millis(50))).await;
    let call = ask(&works).await;
    let written = works.ledger.until("the finding", |written| of(written, Kind::Alert) == 1).await;
    let alert = written.iter().find(|draft| draft.kind == Kind::Alert).unwrap();
    assert_eq!(alert.reference.map(|id| id.to_string()), Some(call.clone()));
    assert_eq!((alert.text("event"), alert.number("oversight_ms")), (Some("unaccounted"), Some(50)));
    let late = tell(&works, &call).await;
    assert!(late.status == 201 && late.text().contains("\"late\":true"), "{}", late.text());
    // A refused call has no answer.
    let secret = works.chat("use AKIAQ3EGRTYUJK5LZXCV", false);
    assert_eq!(Caller::sends(works.address, &secret).await.answer().await.unwrap().status, 403);
    assert_eq!(provider.seen().len(), 1);
    assert!(works.metric("penstock_oversight_open").await == Some(0));
    assert_eq!(of(&works.ledger.written(), Kind::Alert), 1);
}
