//! Requests that two readers could read in two ways, and requests that nobody should send: each is one exchange or
//! none, nothing of a refused one reaches a provider, and what stands behind it is not taken for a request.

use crate::caller::{Caller, holds};
use crate::provider::{Act, Provider, completion, document};
use crate::works::{Setting, Works, chat};
use plant::{Kind, Reason};

/// Stands for the workload's token.
const TOKEN: &str = "TOKEN";
const CHAT: &str = "/openai/v1/chat/completions";
/// The request that somebody might smuggle past a proxy in front.
const BEHIND: &str = "GET /openai/v1/models HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer TOKEN\r\n\r\n";

async fn plant() -> (Provider, Works) {
    let provider = Provider::new(vec![Act::Send(document(200, "", &completion("hello")))]).await;
    let works = Works::start(Setting::new(provider.address)).await;
    (provider, works)
}

async fn send(works: &Works, request: &str) -> Caller {
    Caller::sends(works.address, request.replace(TOKEN, &works.token).as_bytes()).await
}

/// A chat with these lines in its head, to a target.
fn to(target: &str, lines: &str, body: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer TOKEN\r\nContent-Type: application/json\r\n\
         {lines}\r\n\r\n{body}"
    )
}

fn post(lines: &str, body: &str) -> String {
    to(CHAT, lines, body)
}

/// A chat that is in order but for these lines.
fn with(lines: &str) -> String {
    let body = chat("hello", false);
    post(&format!("{lines}\r\nContent-Length: {}", body.len()), &body)
}

/// A chat whose body is framed like this.
fn framed(transfer: &str) -> String {
    let body = chat("hello", false);
    post(&format!("Transfer-Encoding: {transfer}"), &format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()))
}

/// Whose answer it is: hyper's, which saw no request, or ours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Hyper,
    Us,
}

/// Each gets one answer and one record, and ends its connection with everything that stands behind it.
async fn are_refused(cases: impl IntoIterator<Item = (impl Into<String>, String, u16, By)>) {
    let cases: Vec<_> =
        cases.into_iter().map(|(name, request, status, by)| (name.into(), request, status, by)).collect();
    // More at a time would share a record.
    for cases in cases.chunks(8) {
        let (provider, works) = plant().await;
        for (count, (name, request, status, by)) in cases.iter().enumerate() {
            let mut caller = send(&works, &format!("{request}{BEHIND}")).await;
            let answer = caller.answer().await.unwrap_or_else(|| panic!("{name}: no answer"));
            assert_eq!(answer.status, *status, "{name}");
            assert!(caller.closed().await && caller.read.is_empty(), "{name}: more than one answer");
            let story = works.ledger.stories(count + 1).await.pop().unwrap();
            assert_eq!(story.told(), (Kind::Refuse, Some(Reason::BadRequest)), "{name}");
            let ours = *by == By::Us;
            let decision = ours.then_some("refuse; reason=bad-request");
            assert_eq!(answer.header("penstock-decision"), decision, "{name}");
            assert_eq!(answer.header("penstock-record"), ours.then_some(story.id.to_string()).as_deref(), "{name}");
        }
        works.until_metric("penstock_connections", 0).await;
        assert_eq!((works.ledger.written().len(), provider.connections()), (cases.len(), 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_frames_a_body_in_two_ways_is_refused() {
    let lengths = [
        ("two lengths", "Content-Length: 5\r\nContent-Length: 6"),
        ("a list of lengths", "Content-Length: 5, 5"),
        ("a signed length", "Content-Length: +5"),
        ("a length in hex", "Content-Length: 0x5"),
        ("a length beyond all", "Content-Length: 18446744073709551616"),
        ("no length in it", "Content-Length: "),
    ];
    are_refused(lengths.map(|(name, lines)| (name, post(lines, "hello"), 400, By::Hyper))).await;
    let codings = [
        ("another coding", "xchunked", By::Hyper),
        ("a parameter", "chunked;q=1", By::Hyper),
        ("in quotes", "\"chunked\"", By::Hyper),
        ("not last", "chunked, identity", By::Hyper),
        ("overruled", "chunked\r\nTransfer-Encoding: identity", By::Hyper),
        ("folded", "\r\n chunked", By::Hyper),
        ("a vertical tab", "\u{b}chunked", By::Hyper),
        ("twice in a line", "chunked, chunked", By::Us),
        ("twice", "chunked\r\nTransfer-Encoding: chunked", By::Us),
        ("behind another", "gzip, chunked", By::Us),
        ("behind none", "identity\r\nTransfer-Encoding: chunked", By::Us),
        ("behind nothing", ", chunked", By::Us),
    ];
    are_refused(codings.map(|(name, coding, by)| (name, framed(coding), 400, by))).await;
    let space = framed("chunked").replace("Encoding:", "Encoding :");
    let old = framed("chunked").replacen("HTTP/1.1", "HTTP/1.0", 1);
    let others = [("a space before the colon", space), ("in a version that has none", old)];
    are_refused(others.map(|(name, request)| (name, request, 400, By::Hyper))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_none_is_refused() {
    let lines = ["X: a"; 100].join("\r\n");
    let long = "a".repeat(70_000);
    are_refused(
        [
            ("a NUL in a value", with("X: a\0b"), 400),
            ("a NUL in a name", with("X\0: a"), 400),
            ("a bare CR", with("X: a\rContent-Length: 5"), 400),
            ("a folded line", with("X: a\r\n b"), 400),
            ("a line that begins with a space", with("X: a").replace("Host:", " Host:"), 400),
            ("a line without a name", with(": a"), 400),
            ("two spaces", with("X: a").replacen("POST ", "POST  ", 1), 400),
            ("a method that is none", with("X: a").replacen("POST", "PO(ST", 1), 400),
            ("no version", "GET /openai/v1/models\r\n".to_owned(), 400),
            ("a version that is none", with("X: a").replacen("HTTP/1.1", "HTTP/1.2", 1), 400),
            ("too many lines", with(&lines), 431),
            ("a long line", with(&format!("X: {long}")), 431),
            ("a long target", to(&format!("{CHAT}?{long}"), "X: a", ""), 431),
        ]
        .map(|(name, request, status)| (name, request, status, By::Hyper)),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_as_long_as_it_may_be_and_not_a_byte_longer() {
    for longest in [1024, 64 << 10] {
        let provider = Provider::new(vec![Act::Send(document(200, "", &completion("hello")))]).await;
        let mut setting = Setting::new(provider.address);
        setting.limits.header_bytes = longest;
        let works = Works::start(setting).await;
        let body = chat("hello", false);
        let length = format!("Content-Length: {}", body.len());
        let head = |more: usize| works.head(CHAT, &format!("{length}\r\nX: {}", "a".repeat(more)), "");
        let room = longest - head(0).len();
        for (more, status) in [(room, 200), (room + 1, 431)] {
            let request = [head(more), body.clone().into_bytes()].concat();
            assert_eq!(Caller::sends(works.address, &request).await.answer().await.unwrap().status, status);
        }
        assert_eq!(provider.seen().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_turn_the_connection_into_something_else_is_refused() {
    are_refused(
        [
            ("no host", with("X: a").replacen("Host: gate\r\n", "", 1)),
            ("two hosts", with("Host: other")),
            ("a websocket", with("Connection: upgrade\r\nUpgrade: websocket")),
            ("HTTP/2", with("Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk")),
            ("a tunnel", with("X: a").replacen(&format!("POST {CHAT}"), "CONNECT api.example:443", 1)),
            ("a tunnel to a path", with("X: a").replacen("POST", "CONNECT", 1)),
        ]
        .map(|(name, request)| (name, request, 400, By::Us)),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_that_nobody_agreed_on_is_not_begun() {
    let (provider, works) = plant().await;
    let mut caller = send(&works, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0").await;
    assert!(caller.closed().await && caller.read.is_empty());
    assert_eq!(works.ledger.story().await.told(), (Kind::Refuse, Some(Reason::BadRequest)));
    assert_eq!(provider.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_are_none_are_refused() {
    let body = chat("hello", false);
    let size = body.len();
    are_refused(
        [
            ("a size that ends in LF", format!("{size:x}\n{body}\r\n0\r\n\r\n")),
            ("a LF in an extension", format!("{size:x};a\nb\r\n{body}\r\n0\r\n\r\n")),
            ("a chunk that ends in LF", format!("{size:x}\r\n{body}\n0\r\n\r\n")),
            ("a prefix", format!("0x{size:x}\r\n{body}\r\n0\r\n\r\n")),
            ("a sign", format!("+{size:x}\r\n{body}\r\n0\r\n\r\n")),
            ("less than nothing", format!("-1\r\n{body}\r\n0\r\n\r\n")),
            ("a space before", format!(" {size:x}\r\n{body}\r\n0\r\n\r\n")),
            ("no size", format!("\r\n{body}\r\n0\r\n\r\n")),
            ("a size beyond all", format!("1{size:016x}\r\n{body}\r\n0\r\n\r\n")),
            ("a size too large", format!("{:x}\r\n{body}\r\n0\r\n\r\n", size + 1)),
            ("a size too small", format!("{:x}\r\n{body}\r\n0\r\n\r\n", size - 1)),
            ("a trailer that is none", format!("{size:x}\r\n{body}\r\n0\r\nno trailer\r\n\r\n")),
        ]
        .map(|(name, chunks)| (name, post("Transfer-Encoding: chunked", &chunks), 400, By::Us)),
    )
    .await;
}

/// The provider sees one call in order, framed by a length.
fn sees_the_chat(name: &str, seen: &str) {
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{name}: {head}");
    assert_eq!(body, chat("hello", false), "{name}");
    let names: Vec<_> = head.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
    assert!(names.contains(&"content-length") && !names.contains(&"transfer-encoding"), "{name}: {head}");
    assert!(!names.contains(&"x-late"), "{name}: {head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_and_yet_clear_is_one_call_and_what_stands_behind_it_the_next() {
    let (provider, works) = plant().await;
    let body = chat("hello", false);
    let size = body.len();
    let chunked = |chunks: String| post("Transfer-Encoding: chunked\r\nTrailer: X-Late", &chunks);
    for (count, (name, request)) in [
        ("a length twice", with(&format!("Content-Length: {size}"))),
        ("in capitals", framed("CHUNKED")),
        ("an extension", chunked(format!("{size:x};a=\"b\";c\r\n{body}\r\n0;d\r\n\r\n"))),
        ("zeros", chunked(format!("{size:016x}\r\n{body}\r\n000\r\n\r\n"))),
        ("a space behind", chunked(format!("{size:x} \r\n{body}\r\n0\r\n\r\n"))),
        ("trailers", chunked(format!("{size:x}\r\n{body}\r\n0\r\nX-Late: a\r\nContent-Length: 5\r\nHost: b\r\n\r\n"))),
        ("blank lines before", format!("\r\n\r\n{}", with("X: a"))),
        ("a head in LFs", with("X: a").replace("\r\n", "\n")),
        ("a length that the connection shall hide", with("Connection: Content-Length, Authorization")),
        ("to a whole URL", with("X: a").replacen(CHAT, &format!("http://api.example:81{CHAT}"), 1)),
        ("with a fragment", with("X: a").replacen(CHAT, &format!("{CHAT}#/../../other"), 1)),
    ]
    .into_iter()
    .enumerate()
    {
        let mut caller = send(&works, &format!("{request}{BEHIND}")).await;
        for _ in 0..2 {
            let answer = caller.answer().await.unwrap_or_else(|| panic!("{name}: no answer"));
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        }
        let seen = provider.seen();
        assert_eq!(seen.len(), 2 * count + 2, "{name}");
        sees_the_chat(name, &seen[2 * count]);
        assert!(seen[2 * count + 1].starts_with("GET /v1/models HTTP/1.1\r\n"), "{name}");
        assert_eq!(works.ledger.stories(2 * count + 2).await.len(), seen.len(), "{name}");
    }
}

/// RFC 9112 section 6.3: the encoding frames the body, and the connection is closed after the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_length_beside_a_transfer_encoding_frames_nothing_and_ends_the_connection() {
    let (provider, works) = plant().await;
    let body = chat("hello", false);
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let mut calls = 0;
    for length in [0, 5, chunked.len(), chunked.len() + BEHIND.len()] {
        for lines in [
            format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
            format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"),
            format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive"),
        ] {
            calls += 1;
            let mut caller = send(&works, &format!("{}{BEHIND}", post(&lines, &chunked))).await;
            let answer = caller.answer().await.unwrap();
            assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{lines}");
            assert!(caller.closed().await && caller.read.is_empty(), "{lines}");
            works.until_metric("penstock_connections", 0).await;
            assert_eq!((works.ledger.stories(calls).await.len(), provider.seen().len()), (calls, calls), "{lines}");
            sees_the_chat(&lines, &provider.seen()[calls - 1]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_names_no_provider_leads_nowhere() {
    let (provider, works) = plant().await;
    let body = chat("hello", false);
    let length = format!("Content-Length: {}", body.len());
    for (count, target) in
        ["*", "/", "gate:443", "http://gate", "//openai/v1/models", "/OPENAI/v1/models"].iter().enumerate()
    {
        let mut caller = send(&works, &to(target, &length, &body)).await;
        let answer = caller.answer().await.unwrap();
        assert_eq!((answer.status, answer.text().contains("unknown-provider")), (404, true), "{target}");
        let story = works.ledger.stories(count + 1).await.pop().unwrap();
        assert_eq!(story.told(), (Kind::Refuse, Some(Reason::UnknownProvider)), "{target}");
    }
    assert_eq!(provider.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_a_row_are_answered_in_a_row() {
    let (provider, works) = plant().await;
    provider.acts(vec![Act::Wait, Act::Send(document(200, "", &completion("hello")))]);
    let nowhere = to("/nowhere", "Content-Length: 2", "{}");
    let mut caller = send(&works, &[BEHIND, &nowhere, &framed("chunked"), BEHIND].concat()).await;
    let mut ids = Vec::new();
    for (count, status) in [(1, 200), (1, 404), (2, 200), (3, 200)] {
        if status == 200 {
            provider.until_seen(count).await;
            assert_eq!(provider.seen().len(), count, "one at a time");
            provider.go();
        }
        let answer = caller.answer().await.unwrap();
        assert_eq!(answer.status, status);
        ids.push(answer.header("penstock-record").unwrap().to_owned());
    }
    let stories = works.ledger.stories(4).await;
    assert_eq!(ids, stories.iter().map(|story| story.id.to_string()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_does_not_wait_for_the_body_and_the_connection_goes_on() {
    let (provider, works) = plant().await;
    let mut caller = send(&works, &to("/nowhere", "Content-Length: 1000", "{")).await;
    assert_eq!(caller.answer().await.unwrap().status, 404);
    caller.send(&[b' '; 999]).await;
    caller.send(&works.head("/nowhere", "Transfer-Encoding: chunked", "1\r\n{\r\n")).await;
    assert_eq!(caller.answer().await.unwrap().status, 404);
    caller.send(b"1\r\n}\r\n0\r\n\r\n").await;
    caller.send(&works.chat("hello", false)).await;
    assert_eq!(caller.answer().await.unwrap().status, 200);
    assert_eq!((works.ledger.stories(3).await.len(), provider.seen().len()), (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_before_the_body_is_not_told_to_go_on() {
    let (provider, works) = plant().await;
    let behind = BEHIND.replace(TOKEN, &works.token);
    let lines = format!("Expect: 100-continue\r\nContent-Length: {}", behind.len());
    let mut caller = Caller::sends(works.address, post(&lines, "").replace(TOKEN, "psk_nobody_x").as_bytes()).await;
    let answer = caller.answer().await.unwrap();
    assert_eq!(answer.status, 401, "and no 100 before it");
    // What comes all the same is the body that was refused, whatever it looks like.
    let _ = tokio::io::AsyncWriteExt::write_all(&mut caller.stream, behind.as_bytes()).await;
    assert!(caller.closed().await && !holds(&caller.read, "HTTP/1.1"));
    works.until_metric("penstock_connections", 0).await;
    assert_eq!(works.ledger.story().await.told(), (Kind::Refuse, Some(Reason::TokenUnknown)));
    assert_eq!(provider.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_body_where_one_is_due_and_one_where_none_is_are_refused() {
    let (provider, works) = plant().await;
    let behind = BEHIND.replace(TOKEN, &works.token);
    let get = |body: &str| behind.replace("\r\n\r\n", &format!("\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let mut caller = Caller::new(works.address).await;
    for (count, (name, request)) in [
        ("no length", post("X: a", "")),
        ("a length of nothing", post("Content-Length: 0", "")),
        ("chunks of nothing", post("Transfer-Encoding: chunked", "0\r\n\r\n")),
        ("a body of a GET", get("hello")),
        ("a request in a GET", get(&behind)),
    ]
    .into_iter()
    .enumerate()
    {
        caller.send(request.replace(TOKEN, &works.token).as_bytes()).await;
        let answer = caller.answer().await.unwrap();
        assert_eq!((answer.status, answer.text().contains("malformed")), (400, true), "{name}");
        let story = works.ledger.stories(count + 1).await.pop().unwrap();
        assert_eq!(story.told(), (Kind::Refuse, Some(Reason::Malformed)), "{name}");
    }
    assert_eq!(provider.connections(), 0);
}
