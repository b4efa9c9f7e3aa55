//! Providers that answer wrongly, hostilely, or as few expect: what the caller gets of it, and what is recorded.

use crate::caller::{Answer, Caller};
use crate::ledger::Story;
use crate::provider::{Act, DONE, Provider, completion, document, event, last_chunk, stream_head};
use crate::works::{CREDENTIAL, Setting, Works, chat};
use async_compression::tokio::write::GzipEncoder;
use plant::{Kind, Note, Reason};
use tokio::io::AsyncWriteExt;

/// A plant whose provider is called again and again.
struct Trial {
    provider: Provider,
    works: Works,
    calls: usize,
}

impl Trial {
    async fn new() -> Self {
        let provider = Provider::new(Vec::new()).await;
        let works = Works::start(Setting::impatient(provider.address)).await;
        Self { provider, works, calls: 0 }
    }

    /// Calls once, in a connection of its own; gives the answer and its story.
    async fn call(&mut self, acts: Vec<Act>, stream: bool) -> (Answer, Story) {
        self.provider.acts(acts);
        self.calls += 1;
        let mut caller = Caller::sends(self.works.address, &self.works.chat("hello", stream)).await;
        let answer = caller.answer().await.expect("an answer");
        let story = self.works.ledger.stories(self.calls).await.pop().unwrap();
        assert_eq!(answer.header("penstock-record"), Some(story.id.to_string().as_str()));
        assert!(story.intent.is_some());
        assert_eq!(story.last.body.out.as_ref().unwrap().status, answer.status);
        assert_eq!(self.provider.seen().len(), self.calls, "a call is sent once");
        (answer, story)
    }

    /// Nothing of the answer is given, and the next call goes well.
    async fn fails(&mut self, name: &str, acts: Vec<Act>, told: (u16, Reason, &str)) {
        self.failed(name, acts, told).await;
        let fine = completion("fine");
        self.gives("the call after it", stays(document(200, "", &fine)), 200, &fine).await;
    }

    /// Nothing of the answer is given. The caller is told so, and the record tells why.
    async fn failed(&mut self, name: &str, acts: Vec<Act>, (status, reason, why): (u16, Reason, &str)) {
        let (answer, story) = self.call(acts, false).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, Some("application/json")), "{name}");
        let decision = format!("allow; reason={reason}");
        assert_eq!(answer.header("penstock-decision"), Some(decision.as_str()), "{name}");
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["error"]["code"], reason.code(), "{name}");
        assert_eq!(story.told(), (Kind::Outcome, Some(reason)), "{name}");
        let Some(Note::Text(detail)) = story.last.body.note.get("detail") else { panic!("{name}: no detail") };
        assert!(detail.contains(why), "{name}: {detail}");
        assert_eq!(story.last.body.io.unwrap().answer_bytes, 0, "{name}");
    }

    /// The answer is given as it came.
    async fn gives(&mut self, name: &str, acts: Vec<Act>, status: u16, body: &str) -> Answer {
        let (answer, story) = self.call(acts, false).await;
        assert_eq!((answer.status, answer.text().as_str()), (status, body), "{name}");
        assert_eq!(answer.header("penstock-decision"), Some("allow"), "{name}");
        assert_eq!(story.told(), (Kind::Outcome, None), "{name}");
        assert_eq!(story.last.body.io.unwrap().answer_bytes, body.len() as u64, "{name}");
        answer
    }
}

/// An answer of JSON, with a head and a body as they are.
fn raw(status: u16, lines: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{lines}\r\n\r\n{body}").into_bytes()
}

/// Sends all of it, and ends.
fn ends(bytes: impl Into<Vec<u8>>) -> Vec<Act> {
    vec![Act::Send(bytes.into()), Act::Close]
}

/// Sends all of it, and leaves the connection open.
fn stays(bytes: impl Into<Vec<u8>>) -> Vec<Act> {
    vec![Act::Send(bytes.into())]
}

const BROKEN: (u16, Reason, &str) = (502, Reason::ProviderBroken, "");
const BROKE_OFF: (u16, Reason, &str) = (502, Reason::ProviderBroken, "the answer broke off");
const NO_HEAD: (u16, Reason, &str) = (502, Reason::ProviderBroken, "broke off before its answer");

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_as_long_as_it_says_is_not_given() {
    let mut trial = Trial::new().await;
    let body = completion("hello");
    let (length, chunked) = (body.len(), format!("{:x}\r\n{body}\r\n", body.len()));
    let says = |length: usize| format!("Content-Length: {length}");
    let cut = &body[..length - 5];
    for (name, acts, told) in [
        ("it says less", stays(raw(200, &says(length - 5), &body)), (502, Reason::ProviderBroken, "ends too early")),
        ("it says more", ends(raw(200, &says(length + 5), &body)), BROKE_OFF),
        ("it ends with its connection, too early", ends(raw(200, "X: y", cut)), BROKEN),
        ("a reset in it", vec![Act::Send(raw(200, &says(length), cut)), Act::Reset], BROKE_OFF),
        ("a head without it", ends(raw(200, &says(length), "")), BROKE_OFF),
        ("no last chunk", ends(raw(200, "Transfer-Encoding: chunked", &chunked)), BROKE_OFF),
        ("half a last chunk", ends(raw(200, "Transfer-Encoding: chunked", &format!("{chunked}0\r\n"))), BROKE_OFF),
        ("a chunk that is none", ends(raw(200, "Transfer-Encoding: chunked", &format!("-{chunked}"))), BROKE_OFF),
    ] {
        trial.fails(name, acts, told).await;
    }
    trial.gives("it ends with its connection", ends(raw(200, "X: y", &body)), 200, &body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_none_is_no_answer() {
    let mut trial = Trial::new().await;
    let body = completion("hello");
    let length = format!("Content-Length: {}", body.len());
    let with = |line: &str| ends(raw(200, &format!("{line}\r\n{length}"), &body));
    for (name, acts) in [
        ("nothing", vec![Act::Close]),
        ("a reset", vec![Act::Reset]),
        ("half a head", ends("HTTP/1.1 200 OK\r\nContent-Ty")),
        ("two lengths", with("Content-Length: 5")),
        ("a signed length", ends(raw(200, "Content-Length: +5", &body))),
        ("a NUL", with("X: a\0b")),
        ("a bare CR", with("X: a\rb")),
        ("a folded line", with("X: a\r\n b")),
        ("a space before the colon", with("X : a")),
        ("a status below all", ends("HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n")),
        ("a status of two digits", ends("HTTP/1.1 20 X\r\nContent-Length: 0\r\n\r\n")),
        ("another protocol", ends("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")),
        ("too many lines", with(&"X: y\r\n".repeat(100))),
        ("a line without end", vec![Act::Send(b"HTTP/1.1 200 OK\r\nX: ".to_vec()), Act::Repeat(vec![b'a'; 8192])]),
        ("a long head", with(&format!("X: {}", "a".repeat(512 << 10)))),
    ] {
        trial.fails(name, acts, NO_HEAD).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_behind_an_answer_is_not_the_next() {
    let forged = document(200, "", &completion("forged"));
    let behind = |answer: Vec<u8>| stays([answer, forged.clone()].concat());
    let mut trial = Trial::new().await;
    for _ in 0..3 {
        let acts = behind(document(200, "", &completion("hello")));
        trial.gives("a document", acts, 200, &completion("hello")).await;
        trial.gives("a body that cannot be", behind(raw(204, "Content-Length: 5", "hello")), 204, "").await;
        let chunked = format!("{}{}", event("hello"), DONE);
        let stream = [stream_head("text/event-stream"), crate::provider::chunk(&chunked), last_chunk()].concat();
        assert_eq!(trial.call(behind(stream), true).await.0.text(), chunked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_an_answer_is_not_passed_on() {
    let mut trial = Trial::new().await;
    let body = completion("hello");
    let early =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 X\r\n\r\nHTTP/1.1 103 X\r\nLink: <https://evil.example>\r\n\r\n";
    let answer = [early.as_bytes(), &document(200, "", &body)].concat();
    let answer = trial.gives("informational", stays(answer), 200, &body).await;
    assert_eq!(answer.header("link"), None);
    let endless = vec![Act::Repeat(b"HTTP/1.1 103 X\r\n\r\n".to_vec())];
    trial.fails("for ever", endless, (504, Reason::ProviderTimeout, "no answer began in time")).await;
    let switch = "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    trial.fails("a switch", ends(switch), (502, Reason::ProviderBroken, "into something else")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_and_not_passed_on() {
    let elsewhere = Provider::new(stays(document(200, "", &completion("elsewhere")))).await;
    let mut trial = Trial::new().await;
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let lines = format!("Location: http://{}/v1/chat/completions\r\nContent-Length: 0", elsewhere.address);
        let told = (502, Reason::ProviderBroken, "a redirect");
        trial.fails(&status.to_string(), stays(raw(status, &lines, "")), told).await;
    }
    trial.fails("304", stays("HTTP/1.1 304 X\r\nETag: \"a\"\r\n\r\n"), BROKEN).await;
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_another_kind_than_an_api_gives_is_not_given() {
    let mut trial = Trial::new().await;
    let page = |status: u16, kind: &str| {
        stays(format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: 13\r\n\r\n<html></html>"))
    };
    let web = |status| (status, Reason::ProviderBroken, "a web page");
    trial.fails("a portal", page(200, "text/html"), web(502)).await;
    trial.fails("an error page", page(500, "Text/HTML; charset=utf-8"), web(500)).await;
    trial.fails("a proxy's page", page(407, "application/xhtml+xml"), web(407)).await;
    trial
        .fails("a page that says JSON", page(200, "application/json"), (502, Reason::ProviderBroken, "not the JSON"))
        .await;
    trial
        .fails("JSON of another kind", stays(document(200, "", "[{]")), (502, Reason::ProviderBroken, "not the JSON"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_provider_is_given_without_the_credential() {
    let mut trial = Trial::new().await;
    let error = |said: &str| format!(r#"{{"error":{{"message":"{said}","type":"invalid_request_error"}}}}"#);
    for status in [400, 401, 404, 429, 500, 529] {
        let lines = "Retry-After: 3\r\n";
        let answer = trial.gives("an error", stays(document(status, lines, &error("no"))), status, &error("no")).await;
        assert_eq!(answer.header("retry-after"), Some("3"));
    }
    let acts = stays(document(401, &format!("X-Key: {CREDENTIAL}\r\n"), &error(CREDENTIAL)));
    let answer = trial.gives("the credential", acts, 401, &error("[credential]")).await;
    assert_eq!(answer.header("x-key"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_body_stays_one() {
    let mut trial = Trial::new().await;
    for (name, bytes) in [
        ("plain", "HTTP/1.1 204 X\r\n\r\n"),
        ("with a length", "HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\n"),
        ("chunked", "HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ] {
        let answer = trial.gives(name, stays(bytes), 204, "").await;
        assert_eq!((answer.header("content-length"), answer.header("transfer-encoding")), (None, None), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoding_is_undone_or_the_answer_is_not_given() {
    let mut trial = Trial::new().await;
    let body = completion("hello");
    let packed = gzip(body.as_bytes()).await;
    let says = |encoding: &str, bytes: &[u8]| {
        let lines = format!("Content-Encoding: {encoding}\r\nContent-Length: {}", bytes.len());
        stays([raw(200, &lines, "").as_slice(), bytes].concat())
    };
    let answer = trial.gives("gzip", says("gzip", &packed), 200, &body).await;
    assert_eq!(answer.header("content-encoding"), None);
    let mut flipped = packed.clone();
    flipped[20] ^= 0xff;
    let mut summed = packed.clone();
    *summed.iter_mut().nth_back(5).unwrap() ^= 0xff;
    let unread = (502, Reason::ProviderBroken, "its encoding is not one we read");
    let bomb = gzip(&vec![b' '; 32 << 20]).await;
    for (name, acts, told) in [
        ("a bomb", says("gzip", &bomb), (502, Reason::AnswerTooLarge, "larger than 65536 bytes")),
        ("a broken one", says("gzip", &flipped), BROKE_OFF),
        ("a wrong sum", says("gzip", &summed), BROKE_OFF),
        ("half of one", says("gzip", &packed[..packed.len() / 2]), BROKE_OFF),
        ("one without its end", says("gzip", &packed[..packed.len() - 1]), BROKE_OFF),
        ("more behind it", says("gzip", &[&packed[..], b"more"].concat()), BROKE_OFF),
        ("none where one is said", says("gzip", body.as_bytes()), BROKE_OFF),
        ("two", says("gzip, gzip", &gzip(&packed).await), unread),
        ("an unknown one", says("rot13", body.as_bytes()), unread),
        ("one where none is said", ends([raw(200, "X: y", "").as_slice(), &packed].concat()), BROKEN),
    ] {
        trial.fails(name, acts, told).await;
    }
}

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_a_connection_of_state_and_of_ours_end_here() {
    let mut trial = Trial::new().await;
    let lines = format!(
        "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n\
         Proxy-Authenticate: Basic\r\nTrailer: X-Late\r\nUpgrade: h2c\r\nAlt-Svc: h2=\":443\"\r\nSet-Cookie: a=b\r\n\
         Set-Cookie: c=d\r\nLocation: /elsewhere\r\nStrict-Transport-Security: max-age=1\r\nPenstock-Record: forged\r\n\
         Penstock-Decision: forged\r\nPenstock-Rerouted: forged\r\nX-Echo: Bearer {CREDENTIAL}\r\nX-Request-Id: r-1\r\n"
    );
    let body = completion("hello");
    let answer = trial.gives("headers", stays(document(200, &lines, &body)), 200, &body).await;
    let mut names: Vec<_> = answer.head.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    let expected = ["content-length", "content-type", "date", "penstock-decision", "penstock-record", "x-request-id"];
    assert_eq!(names, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_sees_these_bytes_and_no_others() {
    let provider = Provider::new(stays(document(200, "", &completion("hello")))).await;
    let works = Works::start(Setting::new(provider.address)).await;
    let body = chat("hello", false);
    let lines = format!(
        "Content-Length: {}\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nCookie: a=b\r\n\
         X-Api-Key: other\r\nX-Forwarded-For: 10.0.0.1\r\nPenstock-Purpose: advice\r\nAccept-Encoding: gzip\r\n\
         Accept: */*\r\nOpenAI-Organization: works\r\nX-HTTP-Method-Override: DELETE\r\nTraceparent: 00-a-b-01",
        body.len()
    );
    let mut caller = Caller::sends(works.address, &works.head("/openai/v1/chat/completions", &lines, &body)).await;
    assert_eq!(caller.answer().await.unwrap().status, 200);
    let mut expected = vec![
        "accept-encoding: identity".to_owned(),
        "accept: */*".to_owned(),
        format!("authorization: Bearer {CREDENTIAL}"),
        format!("content-length: {}", body.len()),
        "content-type: application/json".to_owned(),
        format!("host: {}", provider.address),
        "openai-organization: works".to_owned(),
    ];
    let seen = provider.seen();
    let (head, sent) = seen[0].split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /v1/chat/completions HTTP/1.1");
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
    assert_eq!(sent, body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_may_have_been_heard_is_not_sent_again() {
    let mut trial = Trial::new().await;
    let good = document(200, "", &completion("hello"));
    for acts in [vec![Act::Reset], vec![Act::Close], ends("HTTP/1.1 2")] {
        // Only on a connection that was kept would a client try again.
        loop {
            trial.gives("the call before", stays(good.clone()), 200, &completion("hello")).await;
            let before = trial.provider.connections();
            trial.failed("a connection that ends under it", acts.clone(), NO_HEAD).await;
            if trial.provider.connections() == before {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_that_has_ended_costs_no_call() {
    let mut trial = Trial::new().await;
    let body = completion("hello");
    trial.gives("before", ends(document(200, "", &body)), 200, &body).await;
    trial.provider.until_left().await;
    trial.gives("after", stays(document(200, "", &body)), 200, &body).await;
    assert_eq!(trial.provider.connections(), 2);
}
