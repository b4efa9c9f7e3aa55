//! The operators' keys: rotation, an issuer that is away, and strangers who would make us fetch.

use super::fetch::max_age;
use super::{Fetch, FetchError, Fetched, HttpFetch, OperatorKeys, Pending, SourceError};
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue, Response, Uri};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use plant::Issuer;
use rcgen::{KeyPair, PKCS_ED25519};
use seal::jose::Keys;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

const KEYS_URL: &str = "https://login.plant.example/keys";
const DISCOVERY_URL: &str = "https://login.plant.example/.well-known/openid-configuration";

fn issuer(keys: &str) -> Issuer {
    Issuer {
        issuer: "https://login.plant.example".to_owned(),
        audiences: vec!["penstock".to_owned()],
        keys: keys.to_owned(),
        authorities: None,
        algorithms: vec!["EdDSA".to_owned()],
        subject_claim: "sub".to_owned(),
        roles_claim: None,
        leeway: 0,
    }
}

/// A key set of `count` keys: their number tells one set from another.
fn set(count: usize) -> String {
    let key = |index| {
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let x = seal::base64(pair.public_key_raw()).replace('+', "-").replace('/', "_");
        serde_json::json!({"kty": "OKP", "crv": "Ed25519", "kid": format!("k{index}"), "x": x.trim_end_matches('=')})
    };
    serde_json::json!({"keys": (0..count).map(key).collect::<Vec<_>>()}).to_string()
}

/// A scripted issuer.
#[derive(Default)]
struct Script {
    /// What each URL answers; nothing is unreachable.
    answers: Mutex<BTreeMap<String, (String, Option<u64>)>>,
    fetches: AtomicUsize,
    /// How long each answer takes.
    delay: Duration,
}

impl Script {
    fn answering(url: &str, body: impl Into<String>, max_age: Option<u64>) -> Arc<Self> {
        let script = Self::default();
        script.set(url, body, max_age);
        Arc::new(script)
    }

    fn set(&self, url: &str, body: impl Into<String>, max_age: Option<u64>) {
        self.answers.lock().unwrap().insert(url.to_owned(), (body.into(), max_age));
    }

    fn go_away(&self) {
        self.answers.lock().unwrap().clear();
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

impl Fetch for Script {
    fn get(&self, url: Uri) -> Pending<'_> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.lock().unwrap().get(&url.to_string()).cloned();
        Box::pin(async move {
            tokio::time::sleep(self.delay).await;
            let (body, age) = answer.ok_or_else(|| FetchError::Unreachable("scripted".to_owned()))?;
            Ok(Fetched { body: body.into(), max_age: age.map(Duration::from_secs) })
        })
    }
}

/// The number of keys, which tells the sets apart.
fn count(keys: Option<Arc<Keys>>) -> Option<usize> {
    keys.map(|keys| keys.len())
}

fn start(url: &str, script: &Arc<Script>) -> OperatorKeys {
    OperatorKeys::start(&issuer(url), Arc::clone(script) as Arc<dyn Fetch>).unwrap()
}

/// Lets time pass. The clock of these tests is paused: it leaps when everything waits.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_request_waits_for_the_first_keys() {
    let script = Arc::new(Script { delay: Duration::from_secs(2), ..Script::default() });
    script.set(KEYS_URL, set(1), None);
    let keys = start(KEYS_URL, &script);
    assert_eq!(count(keys.current()), None);
    assert_eq!(keys.age(), None);
    assert_eq!(count(keys.refreshed().await), Some(1));
    assert!(keys.age().is_some());
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_again_when_they_are_old_and_not_before() {
    for (said, true_age) in [(None, 600), (Some(300), 300), (Some(0), 60), (Some(1_000_000), 86_400)] {
        let script = Script::answering(KEYS_URL, set(1), said);
        let keys = start(KEYS_URL, &script);
        pass(1).await;
        script.set(KEYS_URL, set(2), said);
        pass(true_age - 2).await;
        assert_eq!((count(keys.current()), script.fetches()), (Some(1), 1), "{said:?}");
        pass(2).await;
        assert_eq!((count(keys.current()), script.fetches()), (Some(2), 2), "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_has_the_set_fetched_at_once_and_only_once() {
    let script = Arc::new(Script { delay: Duration::from_secs(1), ..Script::default() });
    script.set(KEYS_URL, set(1), None);
    let keys = Arc::new(start(KEYS_URL, &script));
    pass(5).await;
    script.set(KEYS_URL, set(2), None);
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let keys = Arc::clone(&keys);
            tokio::spawn(async move { count(keys.refreshed().await) })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), Some(2));
    }
    assert!(script.fetches() <= 3, "{}", script.fetches());
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_began_before_the_question_does_not_answer_it() {
    let script = Arc::new(Script { delay: Duration::from_secs(2), ..Script::default() });
    script.set(KEYS_URL, set(1), None);
    let keys = start(KEYS_URL, &script);
    pass(602).await;
    // The second fetch has begun with the old set; the issuer rotates now, and a token with the new key comes.
    pass(1).await;
    assert_eq!(script.fetches(), 2);
    script.set(KEYS_URL, set(2), None);
    assert_eq!(count(keys.refreshed().await), Some(2));
}

#[tokio::test(start_paused = true)]
async fn made_up_key_ids_cannot_make_us_fetch_without_end() {
    let script = Script::answering(KEYS_URL, set(1), None);
    let keys = start(KEYS_URL, &script);
    pass(1).await;
    for _ in 0..1000 {
        assert_eq!(count(keys.refreshed().await), Some(1));
    }
    assert_eq!(script.fetches(), 1 + 5);
    pass(120).await;
    script.set(KEYS_URL, set(2), None);
    assert_eq!(count(keys.refreshed().await), Some(2));
}

#[tokio::test(start_paused = true)]
async fn the_last_good_keys_stay_when_the_source_is_gone_for_a_week() {
    let script = Script::answering(KEYS_URL, set(1), None);
    let keys = start(KEYS_URL, &script);
    pass(1).await;
    script.go_away();
    pass(7 * 86_400).await;
    assert_eq!(count(keys.current()), Some(1));
    assert_eq!(keys.age().unwrap().as_secs(), 7 * 86_400 + 1);
    assert_eq!(keys.problem().as_deref(), Some("no answer: scripted"));
    // Every five minutes, not in a loop.
    assert!((2000..2100).contains(&script.fetches()), "{}", script.fetches());
    script.set(KEYS_URL, set(2), None);
    pass(300).await;
    assert_eq!((count(keys.current()), keys.problem()), (Some(2), None));
}

#[tokio::test(start_paused = true)]
async fn a_bad_key_set_does_not_replace_a_good_one() {
    let script = Script::answering(KEYS_URL, set(1), None);
    let keys = start(KEYS_URL, &script);
    pass(1).await;
    for bad in ["<html>", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#] {
        script.set(KEYS_URL, bad, None);
        pass(700).await;
        assert_eq!(count(keys.current()), Some(1), "{bad}");
        assert!(keys.problem().is_some(), "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn discovery_leads_to_the_keys_of_our_issuer_and_nowhere_else() {
    let document = |issuer: &str, place: &str| format!(r#"{{"issuer":"{issuer}","jwks_uri":"{place}"}}"#);
    let ours = "https://login.plant.example";
    for (document, expected) in [
        (document(ours, KEYS_URL), Some(1)),
        (document("https://login.plant.example/", KEYS_URL), None),
        (document("https://evil.example", KEYS_URL), None),
        (document(ours, "http://login.plant.example/keys"), None),
        (document(ours, "http://127.0.0.1/keys"), None),
        (document(ours, "file:///etc/passwd"), None),
        ("[]".to_owned(), None),
        ("<html>".to_owned(), None),
    ] {
        let script = Script::answering(DISCOVERY_URL, document.as_str(), None);
        script.set(KEYS_URL, set(1), None);
        script.set("http://127.0.0.1/keys", set(1), None);
        let keys = start(DISCOVERY_URL, &script);
        pass(1).await;
        assert_eq!(count(keys.current()), expected, "{document}");
        assert_eq!(keys.problem().is_none(), expected.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_keys_ends_the_fetching() {
    let script = Script::answering(KEYS_URL, set(1), Some(60));
    drop(start(KEYS_URL, &script));
    pass(600).await;
    assert!(script.fetches() <= 1);
}

#[tokio::test]
async fn keys_come_over_https_or_from_this_machine() {
    let fetch: Arc<dyn Fetch> = Arc::new(Script::default());
    for good in
        ["https://x.example/k", "http://localhost:1/k", "http://127.8.8.8/k", "http://[::1]:8080/k", "keys.json"]
    {
        assert!(OperatorKeys::start(&issuer(good), Arc::clone(&fetch)).is_ok(), "{good}");
    }
    for bad in ["http://x.example/k", "http://10.0.0.1/k", "ftp://x/k", "http://localhost.evil.example/k"] {
        let refused = OperatorKeys::start(&issuer(bad), Arc::clone(&fetch)).unwrap_err();
        assert!(matches!(refused, SourceError::Scheme(_)), "{bad}");
    }
    let secret = OperatorKeys::start(&issuer("https://user:secret@x.example/k"), fetch).unwrap_err();
    assert!(matches!(&secret, SourceError::Url(shown) if shown == "https://x.example/k"), "{secret}");
}

#[tokio::test]
async fn a_file_of_keys_is_read_and_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let replace = |text: &str| {
        // As an administrator's tools do it: a whole new file.
        std::fs::write(path.with_extension("new"), text).unwrap();
        std::fs::rename(path.with_extension("new"), &path).unwrap();
    };
    replace(&set(1));
    let keys = start(path.to_str().unwrap(), &Arc::new(Script::default()));
    assert_eq!(count(keys.refreshed().await), Some(1));
    replace(&set(2));
    assert_eq!(count(keys.refreshed().await), Some(2));
    replace("{");
    assert_eq!(count(keys.refreshed().await), Some(2));
    assert!(keys.problem().is_some());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(count(keys.refreshed().await), Some(2));
}

/// Serves one answer to everybody, on a port of its own.
async fn serve(status: u16, header: (&'static str, &'static str), body: impl Into<Bytes>) -> Uri {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap()).parse().unwrap();
    let body: Bytes = body.into();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|_| {
                let answer = Response::builder().status(status).header(header.0, header.1);
                let answer = answer.body(Full::new(body.clone())).unwrap();
                async move { Ok::<_, Infallible>(answer) }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    });
    url
}

async fn fetched(
    status: u16,
    header: (&'static str, &'static str),
    body: impl Into<Bytes>,
) -> Result<Fetched, FetchError> {
    HttpFetch::new(None::<&Path>).unwrap().get(serve(status, header, body).await).await
}

#[tokio::test]
async fn a_document_is_fetched_within_limits() {
    let good = fetched(200, ("cache-control", "public, max-age=300"), "{}").await.unwrap();
    assert_eq!((good.body.as_ref(), good.max_age), (b"{}".as_slice(), Some(Duration::from_secs(300))));
    assert!(matches!(fetched(200, ("x", "y"), vec![b' '; 256 << 10]).await, Ok(Fetched { max_age: None, .. })));
    assert!(matches!(fetched(200, ("x", "y"), vec![b' '; (256 << 10) + 1]).await, Err(FetchError::Body)));
    assert!(matches!(fetched(200, ("content-encoding", "gzip"), "{}").await, Err(FetchError::Body)));
    assert!(matches!(fetched(500, ("x", "y"), "{}").await, Err(FetchError::Status(500))));
    let elsewhere = ("location", "https://evil.example/keys");
    assert!(matches!(fetched(302, elsewhere, "{}").await, Err(FetchError::Status(302))));
}

#[tokio::test]
async fn a_server_that_is_not_there_or_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Uri = format!("http://{}/keys", listener.local_addr().unwrap()).parse().unwrap();
    let fetch = HttpFetch::new(None).unwrap();
    tokio::time::pause();
    // The listener's backlog takes the connection, and nobody ever reads from it.
    assert!(matches!(fetch.get(url.clone()).await, Err(FetchError::Late)));
    tokio::time::resume();
    drop(listener);
    assert!(matches!(fetch.get(url).await, Err(FetchError::Unreachable(_))));
}

#[test]
fn the_strictest_cache_directive_counts() {
    let age = |values: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for &value in values {
            headers.append(CACHE_CONTROL, HeaderValue::from_static(value));
        }
        max_age(&headers).map(|age| age.as_secs())
    };
    assert_eq!(age(&[]), None);
    assert_eq!(age(&["public, Max-Age=3600, must-revalidate"]), Some(3600));
    assert_eq!(age(&["max-age=\"60\""]), Some(60));
    assert_eq!(age(&["no-store"]), Some(0));
    assert_eq!(age(&["max-age=3600", "no-cache"]), Some(0));
    assert_eq!(age(&["max-age=soon"]), None);
    assert_eq!(age(&["max-age=99999999999999999999"]), None);
}
