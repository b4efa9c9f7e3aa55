//! Sessions over WebSocket, event by event, with a caller and a provider that do whatever a test wants of them.

use crate::caller::{Caller, PATIENCE};
use crate::ledger::Does;
use crate::provider::{self, Act, document};
use crate::works::{Setting, Works};
use futures_util::{SinkExt, StreamExt};
use gateway::Limits;
use plant::{Kind, Part, Reason, Verdict};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Far below every other time after which a session would end.
const AT_ONCE: Duration = Duration::from_secs(5);
const PATH: &str = "/openai/v1/realtime?model=gpt-realtime";

type Socket = WebSocketStream<TcpStream>;

/// A provider that takes sessions one after the other.
struct Peer(TcpListener);

impl Peer {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    async fn session(&self) -> Socket {
        let (stream, _) = self.0.accept().await.unwrap();
        tokio_tungstenite::accept_async(stream).await.unwrap()
    }
}

async fn call(works: &Works, path: &str) -> Result<Socket, Error> {
    let stream = TcpStream::connect(works.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut request = format!("ws://gate{path}").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {}", works.token).parse().unwrap());
    Ok(tokio_tungstenite::client_async(request, stream).await?.0)
}

/// A session: its caller and its provider.
async fn session(works: &Works, peer: &Peer) -> (Socket, Socket) {
    let (caller, provider) = tokio::join!(call(works, PATH), peer.session());
    (caller.unwrap(), provider)
}

async fn plant(change: impl FnOnce(&mut Setting)) -> (Peer, Works) {
    let peer = Peer::new().await;
    let mut setting = Setting::new(peer.address());
    change(&mut setting);
    (peer, Works::start(setting).await)
}

fn item(text: &str) -> Message {
    let content = json!([{"type": "input_text", "text": text}]);
    let item = json!({"type": "message", "role": "user", "content": content});
    Message::text(json!({"type": "conversation.item.create", "event_id": "mine", "item": item}).to_string())
}

async fn event(socket: &mut Socket) -> Value {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("an event").unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The error event of the gateway that ends a session, and its close code.
async fn goodbye(caller: &mut Socket) -> (String, u16) {
    let error = loop {
        let event = event(caller).await;
        if event["type"] == "error" {
            break event["error"]["code"].as_str().unwrap().to_owned();
        }
    };
    match timeout(PATIENCE, caller.next()).await.expect("a last frame") {
        Some(Ok(Message::Close(Some(frame)))) => {
            assert_eq!(frame.reason.as_str(), error);
            (error, frame.code.into())
        }
        other => panic!("{other:?}"),
    }
}

/// Waits until a side is left.
async fn left(socket: &mut Socket) {
    while let Some(Ok(_)) = timeout(PATIENCE, socket.next()).await.expect("an end") {}
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_leaves_after_its_record_and_not_without_one() {
    let (peer, works) = plant(|_| {}).await;
    works.ledger.once(Kind::Event, Does::Hold);
    let (mut caller, mut provider) = session(&works, &peer).await;
    caller.send(item("why does TIC-101 swing?")).await.unwrap();
    works.ledger.until_held().await;
    // Had it left, it would come before what the provider is sent next.
    assert!(timeout(Duration::from_millis(30), provider.next()).await.is_err(), "nothing left yet");
    works.ledger.release(Does::Write);
    let seen = event(&mut provider).await.to_string();
    assert!(seen.contains("TAG_") && !seen.contains("TIC-101"), "{seen}");
    let written = works.ledger.written();
    let (intent, own) = (&written[0], &written[1]);
    assert_eq!((intent.kind, own.kind, own.reference), (Kind::Intent, Kind::Event, Some(intent.id)));
    assert_eq!(own.body.decided.as_ref().unwrap().verdict, Verdict::Tokenise);
    let io = own.body.io.as_ref().unwrap();
    assert!(io.request.is_some() && io.sent.is_some() && io.request != io.sent);

    works.ledger.once(Kind::Event, Does::Refuse);
    caller.send(item("hello")).await.unwrap();
    assert_eq!(goodbye(&mut caller).await, ("ledger-unavailable".to_owned(), 1011));
    left(&mut provider).await;
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, Some(Reason::LedgerUnavailable)));
    assert_eq!(story.last.body.out.as_ref().unwrap().status, 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_leave_is_told_and_the_session_goes_on() {
    let (peer, works) = plant(|setting| setting.models = "gpt-realtime").await;
    let (mut caller, mut provider) = session(&works, &peer).await;
    let other = json!({"audio": {"input": {"transcription": {"model": "whisper-1"}}}});
    let cases = [
        (item("the house yeast is strain 34/70"), "content-refused"),
        (
            Message::text(json!({"type": "session.update", "session": {"model": "gpt-4o"}}).to_string()),
            "model-not-allowed",
        ),
        (Message::text(json!({"type": "session.update", "session": other}).to_string()), "model-not-allowed"),
        (Message::text(r#"{"type":"a","type":"b"}"#), "duplicate-key"),
        (Message::text("{}"), "malformed"),
        (Message::binary(b"{}".as_slice()), "content-type"),
    ];
    let count = cases.len();
    for (message, code) in cases {
        caller.send(message).await.unwrap();
        let told = event(&mut caller).await;
        assert_eq!((&told["type"], &told["error"]["code"]), (&json!("error"), &json!(code)));
        let record = works.ledger.written().pop().unwrap();
        assert_eq!(record.kind, Kind::Event);
        assert_eq!(record.body.decided.unwrap().reason.unwrap().code(), code);
        assert!(told["error"]["message"].as_str().unwrap().contains(&record.id.to_string()), "{told}");
    }
    caller.send(item("hello")).await.unwrap();
    assert!(event(&mut provider).await.to_string().contains("hello"));
    caller.close(None).await.unwrap();
    let last = works.ledger.story().await.last;
    let refused = last.body.what.unwrap().findings.into_iter().find(|found| found.label == "event.refused").unwrap();
    assert_eq!(refused.count, u64::try_from(count).unwrap());
}

/// Two texts at once, each cut at every byte, in either order.
#[tokio::test(flavor = "multi_thread")]
async fn stand_ins_are_put_back_however_their_texts_are_cut() {
    let (peer, works) = plant(|_| {}).await;
    let (mut caller, mut provider) = session(&works, &peer).await;
    caller.send(item("why does TIC-101 swing?")).await.unwrap();
    let said = event(&mut provider).await["item"]["content"][0]["text"].as_str().unwrap().to_owned();
    for cut in 1..said.len() {
        for (place, piece) in [&said[..cut], &said[cut..]].into_iter().enumerate() {
            for item in ["a", "b"] {
                let delta = json!({"type": "response.output_text.delta", "event_id": format!("e{place}"), "response_id": "r",
                    "item_id": format!("{cut}{item}"), "output_index": 0, "content_index": 0, "delta": piece});
                provider.send(Message::text(delta.to_string())).await.unwrap();
            }
        }
        for item in ["a", "b"] {
            let done = json!({"type": "response.output_text.done", "event_id": "e3", "response_id": "r",
                "item_id": format!("{cut}{item}"), "output_index": 0, "content_index": 0, "text": said});
            provider.send(Message::text(done.to_string())).await.unwrap();
        }
        let (mut joined, mut done) = ([String::new(), String::new()], 0);
        while done < 2 {
            let event = event(&mut caller).await;
            let own = usize::from(event["item_id"].as_str().unwrap().ends_with('b'));
            match event["type"].as_str().unwrap() {
                "response.output_text.delta" => joined[own].push_str(event["delta"].as_str().unwrap()),
                _ => {
                    assert_eq!(event["text"], "why does TIC-101 swing?");
                    done += 1;
                }
            }
        }
        assert_eq!(joined, ["why does TIC-101 swing?"; 2], "cut at {cut}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn isolation_cuts_sessions_at_once_whatever_they_do() {
    const QUIET: usize = 30;
    const LOUD: usize = 4;
    let (peer, works) = plant(|_| {}).await;
    let (mut callers, mut providers) = (Vec::new(), Vec::new());
    for _ in 0..QUIET + LOUD {
        let (caller, provider) = session(&works, &peer).await;
        callers.push(caller);
        providers.push(provider);
    }
    // Some say something for as long as somebody takes it, and nobody does.
    let says = Message::text(json!({"type": "rate_limits.updated", "event_id": "e".repeat(4096)}).to_string());
    let loud = providers.split_off(QUIET).into_iter().map(|mut provider| {
        let says = says.clone();
        tokio::spawn(async move { while provider.send(says.clone()).await.is_ok() {} })
    });
    let loud: Vec<_> = loud.collect();
    for caller in callers.iter_mut().skip(QUIET) {
        assert_eq!(event(caller).await["type"], "rate_limits.updated");
    }
    let shut = Instant::now();
    works.gateway.valve().isolate(vec![Part::parse("provider:openai").unwrap()]);
    let stories = works.ledger.stories(QUIET + LOUD).await;
    let took = shut.elapsed();
    assert!(took < AT_ONCE, "took {took:?}");
    for story in stories {
        assert_eq!(story.told(), (Kind::Outcome, Some(Reason::Isolated)));
    }
    for caller in &mut callers {
        assert_eq!(goodbye(caller).await, ("isolated".to_owned(), 1008));
    }
    for provider in &mut providers {
        left(provider).await;
    }
    for provider in loud {
        timeout(PATIENCE, provider).await.expect("the gateway leaves").unwrap();
    }
    let Err(Error::Http(answer)) = call(&works, PATH).await else { panic!("it is shut") };
    assert_eq!(answer.status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_the_other_side_and_the_record_learn_it() {
    let (peer, works) = plant(|_| {}).await;
    let (caller, mut provider) = session(&works, &peer).await;
    drop(caller);
    let gone = Instant::now();
    left(&mut provider).await;
    assert!(gone.elapsed() < AT_ONCE, "took {:?}", gone.elapsed());
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, Some(Reason::CallerLeft)));

    let (mut caller, provider) = session(&works, &peer).await;
    drop(provider);
    assert_eq!(goodbye(&mut caller).await, ("provider-broken".to_owned(), 1011));
    let reasons: Vec<_> = works.ledger.stories(2).await.iter().map(|story| story.reason()).collect();
    assert_eq!(reasons, [Some(Reason::CallerLeft), Some(Reason::ProviderBroken)]);

    for code in [1000, 3001, 4001] {
        let (mut caller, mut provider) = session(&works, &peer).await;
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        provider.close(Some(frame.clone())).await.unwrap();
        let Some(Ok(Message::Close(Some(told)))) = caller.next().await else { panic!("no close") };
        assert_eq!(told.code, frame.code);
        let (mut caller, mut provider) = session(&works, &peer).await;
        caller.close(Some(frame.clone())).await.unwrap();
        let Some(Ok(Message::Close(Some(told)))) = provider.next().await else { panic!("no close") };
        assert_eq!(told.code, frame.code);
    }
    assert!(works.ledger.stories(8).await.iter().skip(2).all(|story| story.reason().is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_by_what_is_heard_of_it_and_no_longer_than_its_conduit_allows() {
    let (peer, works) = plant(|setting| {
        setting.bounds.idle = Duration::from_millis(1500);
        setting.bounds.total = Duration::from_millis(4000);
    })
    .await;
    let (mut caller, _provider) = session(&works, &peer).await;
    assert_eq!(goodbye(&mut caller).await, ("provider-timeout".to_owned(), 1011));

    let began = Instant::now();
    let (mut caller, _provider) = session(&works, &peer).await;
    let pings = async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if caller.send(Message::Ping(b"".as_slice().into())).await.is_err() {
                break;
            }
            while let Ok(Some(Ok(message))) = timeout(Duration::from_millis(1), caller.next()).await {
                if let Message::Text(text) = message {
                    return serde_json::from_str::<Value>(&text).unwrap()["error"]["code"].clone();
                }
            }
        }
        Value::Null
    };
    assert_eq!(pings.await, "answer-too-long");
    assert!(began.elapsed() >= Duration::from_millis(3900), "pings kept it: {:?}", began.elapsed());
}

/// Opcodes (RFC 6455 section 5.2), and the bit that says that a message ends.
const CONTINUE: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const PING: u8 = 9;
const LAST: u8 = 0x80;

fn frame(first: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mask: [u8; 4] = if masked { [1, 2, 3, 4] } else { [0; 4] };
    let length = match payload.len() {
        short @ ..126 => vec![u8::try_from(short).unwrap()],
        length => [&[127][..], &u64::try_from(length).unwrap().to_be_bytes()].concat(),
    };
    let mut out = [&[first][..], &length].concat();
    out[1] |= u8::from(masked) << 7;
    out.extend(&mask[..if masked { 4 } else { 0 }]);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

/// Fragments with control frames between them are one event; what RFC 6455 forbids ends the session with its code.
#[tokio::test(flavor = "multi_thread")]
async fn frames_are_joined_or_refused() {
    use tokio::io::AsyncWriteExt as _;
    let (peer, works) = plant(|setting| setting.bounds.request = 4096).await;
    let (mut caller, mut provider) = session(&works, &peer).await;
    let bytes = item("h\u{e4} \u{1f600} TIC-101").into_data();
    let mut out = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        let first = if at == 0 { TEXT } else { CONTINUE };
        let last = if at + 1 == bytes.len() { LAST } else { 0 };
        out.extend(frame(first | last, &[*byte], true));
        out.extend(frame(PING | LAST, b"between", true));
    }
    caller.get_mut().write_all(&out).await.unwrap();
    let seen = event(&mut provider).await.to_string();
    assert!(seen.contains("h\u{e4} \u{1f600} TAG_"), "{seen}");

    let declared = [&[0x81, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    let long: Vec<u8> =
        (0..9).flat_map(|at| frame(if at == 0 { TEXT } else { CONTINUE }, &[b' '; 512], true)).collect();
    let cases = [
        (frame(TEXT | LAST, b"\xff\xfe", true), 1007),
        (frame(TEXT | LAST, b"{}", false), 1002),
        (frame(CONTINUE | LAST, b"{}", true), 1002),
        (frame(3 | LAST, b"{}", true), 1002),
        (frame(PING, b"{}", true), 1002),
        (frame(PING | LAST, &[0; 126], true), 1002),
        ([frame(TEXT, b"{", true), frame(TEXT | LAST, b"}", true)].concat(), 1002),
        (vec![0xc1, 0x82, 0, 0, 0, 0, b'{', b'}'], 1002),
        (declared, 1009),
        (frame(TEXT | LAST, &[b' '; 4097], true), 1009),
        (long, 1009),
    ];
    let count = cases.len();
    for (at, (bytes, code)) in cases.into_iter().enumerate() {
        let (mut caller, _provider) = session(&works, &peer).await;
        caller.get_mut().write_all(&bytes).await.unwrap();
        assert_eq!(goodbye(&mut caller).await.1, code, "case {at}");
    }
    drop(caller);
    let seen = works.ledger.stories(count + 1).await;
    let told = |story: &crate::ledger::Story| {
        matches!(story.reason(), Some(Reason::BadRequest | Reason::Malformed | Reason::BodyTooLarge))
    };
    assert_eq!(seen.iter().filter(|story| told(story)).count(), count);
}

/// Frames that a provider should not send end the session too, and are no fault of the caller.
#[tokio::test(flavor = "multi_thread")]
async fn a_providers_broken_frames_reach_nobody() {
    use tokio::io::AsyncWriteExt as _;
    let (peer, works) = plant(|_| {}).await;
    let cases = [
        frame(TEXT | LAST, b"{}", true),
        frame(TEXT | LAST, b"\xff", false),
        frame(TEXT | LAST, b"{\"type\":", false),
        frame(TEXT | LAST, b"[]\n{}", false),
        frame(BINARY | LAST, b"{}", false),
    ];
    for (at, bytes) in cases.into_iter().enumerate() {
        let (mut caller, mut provider) = session(&works, &peer).await;
        provider.get_mut().write_all(&bytes).await.unwrap();
        assert_eq!(goodbye(&mut caller).await, ("provider-broken".to_owned(), 1011), "case {at}");
    }
}

/// What callers leave half said takes room like bodies do, and no more than there is.
#[tokio::test(flavor = "multi_thread")]
async fn half_said_events_take_no_more_room_than_there_is() {
    use tokio::io::AsyncWriteExt as _;
    let (peer, works) = plant(|setting| setting.limits = Limits { bodies: 2 << 20, ..setting.limits.clone() }).await;
    let mut half = Vec::new();
    for _ in 0..3 {
        let (mut caller, provider) = session(&works, &peer).await;
        let piece = frame(TEXT, &vec![b' '; 900 << 10], true);
        // The third may be closed before it has said all.
        let _ = caller.get_mut().write_all(&piece).await;
        half.push((caller, provider));
    }
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, Some(Reason::TooBusy)));
    drop(half);
    works.ledger.stories(3).await;
    let (mut caller, mut provider) = session(&works, &peer).await;
    caller.send(item(&"x ".repeat(80 << 10))).await.unwrap();
    assert_eq!(event(&mut provider).await["type"], "conversation.item.create");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_may_not_begin_is_refused_as_a_call_is() {
    let shake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let get = |works: &Works, path: &str, lines: &str| {
        let token = &works.token;
        format!("GET {path} HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {token}\r\n{lines}\r\n\r\n").into_bytes()
    };
    type Case<'a> = (fn(&mut Setting), &'a str, &'a str, u16);
    let cases: [Case<'_>; 7] = [
        (|_| {}, PATH, "Accept: */*", 400),
        (|_| {}, PATH, "Connection: Upgrade\r\nUpgrade: h2c", 400),
        (|_| {}, "/openai/v1/models", shake, 400),
        (|_| {}, "/openai/v1/realtime?model=gpt-4o&model=gpt-realtime", shake, 403),
        (|setting| setting.models = "gpt-4o", PATH, shake, 403),
        (|setting| setting.keep = true, PATH, shake, 403),
        // What is known is always read, whatever a conduit calls opaque.
        (|setting| (setting.opaque, setting.keep) = ("/v1/*", true), PATH, shake, 403),
    ];
    for (at, (change, path, lines, status)) in cases.into_iter().enumerate() {
        let provider = provider::Provider::new(vec![Act::Close]).await;
        let mut setting = Setting::new(provider.address);
        setting.models = "gpt-realtime";
        change(&mut setting);
        let works = Works::start(setting).await;
        let mut caller = Caller::sends(works.address, &get(&works, path, lines)).await;
        let answer = caller.answer().await.unwrap();
        assert_eq!(answer.status, status, "case {at}: {}", answer.text());
        assert_eq!((works.ledger.story().await.kind(), provider.connections()), (Kind::Refuse, 0), "case {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_agrees_to_no_session_is_told_as_it_is() {
    let agrees = |accept: &str, more: &str| {
        format!(
            "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n{more}\r\n"
        )
    };
    let cases = [
        (document(401, "", r#"{"error":{"message":"no"}}"#), 401, None),
        (agrees("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "").into_bytes(), 502, Some(Reason::ProviderBroken)),
        (document(302, "Location: https://elsewhere.example\r\n", ""), 502, Some(Reason::ProviderBroken)),
    ];
    for (answer, status, reason) in cases {
        let provider = provider::Provider::new(vec![Act::Send(answer), Act::Hang]).await;
        let works = Works::start(Setting::new(provider.address)).await;
        let Err(Error::Http(told)) = call(&works, PATH).await else { panic!("no session") };
        assert_eq!(told.status().as_u16(), status);
        assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, reason));
        let seen = provider.seen().remove(0).to_ascii_lowercase();
        assert!(seen.starts_with("get /v1/realtime?model=gpt-realtime http/1.1\r\n"), "{seen}");
        assert!(!seen.contains("psk_") && !seen.contains("dghlihnhbxbszsbub25jzq"), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_says_so() {
    let (peer, works) =
        plant(|setting| setting.limits = Limits { grace: Duration::from_millis(50), ..setting.limits.clone() }).await;
    let (mut caller, _provider) = session(&works, &peer).await;
    let ledger = works.ledger.clone();
    let (told, _) = tokio::join!(goodbye(&mut caller), works.gateway.stop());
    assert_eq!(told, ("shutting-down".to_owned(), 1001));
    assert_eq!(ledger.story().await.told(), (Kind::Outcome, Some(Reason::ShuttingDown)));
}
