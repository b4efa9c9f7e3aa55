//! Streams of messages over gRPC, message by message, with a caller and a provider that do whatever a test wants of them.

use crate::caller::PATIENCE;
use crate::grpc::{asks, aws, compressed, field, framed, gzip, message, text_in};
use crate::ledger::Does;
use crate::works::{CREDENTIAL, Setting, Works};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use plant::{Kind, Part, Reason, Verdict};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const STREAM: &str = "/inference.GRPCInferenceService/ModelStreamInfer";

/// One side of a stream: what it hears, and what it says.
struct Side {
    hears: h2::RecvStream,
    says: h2::SendStream<Bytes>,
    held: Vec<u8>,
}

impl Side {
    fn say(&mut self, bytes: Vec<u8>) {
        self.says.send_data(bytes.into(), false).unwrap();
    }

    fn end(&mut self, lines: &[(&'static str, &str)]) {
        let lines = lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        self.says.send_trailers(lines.collect()).unwrap();
    }

    /// The next message with its frame; `None` at the end, or where the stream was reset.
    async fn hear(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(head) = self.held.first_chunk::<5>() {
                let whole = 5 + u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
                if self.held.len() >= whole {
                    let rest = self.held.split_off(whole);
                    return Some(std::mem::replace(&mut self.held, rest));
                }
            }
            let piece = timeout(PATIENCE, self.hears.data()).await.expect("a message, or an end")?.ok()?;
            self.hears.flow_control().release_capacity(piece.len()).unwrap();
            self.held.extend_from_slice(&piece);
        }
    }

    /// How the stream ended for whoever hears: the status, and what is said of it.
    async fn ended(&mut self) -> (String, String) {
        while let Some(piece) = timeout(PATIENCE, self.hears.data()).await.expect("an end") {
            self.hears.flow_control().release_capacity(piece.unwrap().len()).unwrap();
        }
        let trailers = self.hears.trailers().await.unwrap().expect("trailers");
        let said = |name: &str| trailers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        (said("grpc-status"), said("grpc-message"))
    }

    /// Waits until the other side has reset the stream.
    async fn left(&mut self) -> h2::Reason {
        timeout(PATIENCE, poll_fn(|cx| self.says.poll_reset(cx))).await.expect("the other side leaves").unwrap()
    }
}

/// A provider that takes streams one after the other, each on a connection of its own or on the one that there is.
struct Peer {
    address: SocketAddr,
    calls: tokio::sync::mpsc::Receiver<(Request<h2::RecvStream>, h2::server::SendResponse<Bytes>)>,
}

impl Peer {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, calls) = tokio::sync::mpsc::channel(8);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let tell = tell.clone();
                tokio::spawn(async move {
                    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
                    while let Some(Ok(call)) = connection.accept().await {
                        let _ = tell.send(call).await;
                    }
                });
            }
        });
        Self { address, calls }
    }

    /// The next call, answered with a head of gRPC.
    async fn stream(&mut self) -> (HeaderMap, Side) {
        let (request, mut respond) = timeout(PATIENCE, self.calls.recv()).await.expect("a call").unwrap();
        let (head, hears) = request.into_parts();
        assert_eq!(head.uri.path(), STREAM);
        let answer = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
        let says = respond.send_response(answer, false).unwrap();
        (head.headers, Side { hears, says, held: Vec::new() })
    }
}

struct Call<'a> {
    works: &'a Works,
    lines: Vec<(&'static str, String)>,
}

impl<'a> Call<'a> {
    fn new(works: &'a Works) -> Self {
        let own = |name, value: &str| (name, value.to_owned());
        let token = format!("Bearer {}", works.token);
        let lines = vec![own("content-type", "application/grpc"), own("te", "trailers"), ("authorization", token)];
        Self { works, lines }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.lines.push((name, value.to_owned()));
        self
    }

    /// Opens the stream with a first message; the head comes when the gateway has decided.
    async fn open(&self, first: Vec<u8>) -> (HeaderMap, Side) {
        let (head, mut side) = self.begin().await;
        side.says.send_data(first.into(), false).unwrap();
        let (head, hears) = timeout(PATIENCE, head).await.expect("a head").unwrap().into_parts();
        (head.headers, Side { hears, says: side.says, held: Vec::new() })
    }

    async fn begin(&self) -> (h2::client::ResponseFuture, Saying) {
        let stream = TcpStream::connect(self.works.address).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::post(format!("http://localhost:8443{STREAM}")).body(()).unwrap();
        let lines = self.lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        *request.headers_mut() = lines.collect();
        let (head, says) = client.ready().await.unwrap().send_request(request, false).unwrap();
        (head, Saying { says })
    }
}

struct Saying {
    says: h2::SendStream<Bytes>,
}

async fn plant(change: impl FnOnce(&mut Setting)) -> (Peer, Works) {
    let peer = Peer::new().await;
    let mut setting = Setting { grpc: true, ..Setting::new(peer.address) };
    change(&mut setting);
    (peer, Works::start(setting).await)
}

/// The message of an answer in a stream, in its frame.
fn answers(text: &str) -> Vec<u8> {
    framed(&field(2, &message(text, false)))
}

fn text(message: &[u8]) -> String {
    String::from_utf8_lossy(message).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_is_rewritten_both_ways_and_recorded_before_it_leaves() {
    let (mut peer, works) = plant(|_| {}).await;
    let (head, mut caller) = Call::new(&works).open(asks("why does TIC-101 swing?")).await;
    assert_eq!(head["penstock-decision"], "tokenise");
    let (seen, mut provider) = peer.stream().await;
    assert_eq!(seen["authorization"], format!("Bearer {CREDENTIAL}").as_str());
    let first = text_in(&provider.hear().await.unwrap());
    assert!(first.contains("TAG_") && !first.contains("TIC-101"), "{first}");

    works.ledger.once(Kind::Event, Does::Hold);
    caller.say(asks("and FIC-202?"));
    works.ledger.until_held().await;
    assert!(timeout(Duration::from_millis(30), provider.hears.data()).await.is_err(), "nothing left yet");
    // Meanwhile answers come.
    provider.say(answers(&format!("{first} Because.")));
    works.ledger.release(Does::Write);
    let second = text_in(&provider.hear().await.unwrap());
    assert!(second.contains("TAG_") && !second.contains("FIC-202"), "{second}");
    let answer = text(&caller.hear().await.unwrap());
    assert!(answer.contains("why does TIC-101 swing? Because."), "{answer}");
    provider.say(answers(&second));
    assert!(text(&caller.hear().await.unwrap()).contains("and FIC-202?"));

    caller.says.send_data(Bytes::new(), true).unwrap();
    assert_eq!(provider.hear().await, None);
    provider.say(answers("last"));
    provider.end(&[("grpc-status", "0")]);
    assert_eq!(caller.hear().await, Some(answers("last")), "byte for byte where nothing is changed");
    assert_eq!(caller.ended().await, ("0".to_owned(), String::new()));
    let story = works.ledger.story().await;
    assert_eq!(
        (story.told(), head["penstock-record"].to_str().unwrap()),
        ((Kind::Outcome, None), &*story.id.to_string())
    );
    let kinds: Vec<Kind> = works.ledger.written().iter().map(|draft| draft.kind).collect();
    assert_eq!(
        kinds,
        [Kind::Intent, Kind::Event, Kind::Outcome],
        "one record of the exchange, and one of each message more"
    );
    let (intent, last) = (story.intent.unwrap(), &story.last.body);
    assert_eq!(intent.body.what.as_ref().unwrap().model.as_deref(), Some("copilot"));
    let io = last.io.as_ref().unwrap();
    assert!(io.sent.is_some() && io.answer_bytes > 0 && last.out.as_ref().unwrap().status == 200, "{io:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_may_not_leave_is_answered_in_the_stream_which_goes_on() {
    let (mut peer, works) = plant(|setting| setting.models = "copilot").await;
    let (_, mut caller) = Call::new(&works).open(asks("is the weld sound?")).await;
    let (_, mut provider) = peer.stream().await;
    assert!(provider.hear().await.is_some());
    let other = framed(&[field(1, b"other"), field(3, b"run-7")].concat());
    for (bad, reason) in [
        (asks(&format!("key {}", aws())), "content-refused"),
        (other, "model-not-allowed"),
        (framed(b"\x0a\xff\xff\xff\xff\x0f"), "malformed"),
    ] {
        caller.say(bad.clone());
        let error = text(&caller.hear().await.unwrap());
        assert!(error.contains(reason), "{error}");
        let named = String::from_utf8_lossy(&bad).contains("run-7").then_some("run-7");
        assert!(named.is_none_or(|id| error.contains(id)), "{error}");
    }
    caller.say(asks("a good one"));
    assert_eq!(provider.hear().await, Some(asks("a good one")), "and nothing before it");
    provider.end(&[("grpc-status", "9"), ("grpc-message", &format!("gone: {CREDENTIAL}"))]);
    assert_eq!(caller.ended().await, ("9".to_owned(), "gone: [credential]".to_owned()));
    let story = works.ledger.story().await;
    assert_eq!((story.told(), story.last.body.out.as_ref().unwrap().status), ((Kind::Outcome, None), 400));
    let refused = works.ledger.written();
    let refused = refused.iter().filter(|draft| draft.body.out.as_ref().is_some_and(|out| out.reason.is_some()));
    assert_eq!(refused.map(|draft| draft.kind).collect::<Vec<_>>(), [Kind::Event; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_message_that_may_not_leave_is_the_end() {
    let (mut peer, works) = plant(|_| {}).await;
    let cases = [
        (Call::new(&works), asks(&format!("key {}", aws())), "7", Reason::ContentRefused),
        (Call::new(&works), b"\x02\0\0\0\x01a".to_vec(), "3", Reason::Malformed),
        (Call::new(&works), b"\0\x7f\xff\xff\xff".to_vec(), "8", Reason::BodyTooLarge),
    ];
    for (call, first, code, reason) in cases {
        let (head, _side) = call.open(first).await;
        assert_eq!(head["grpc-status"], code, "{reason} {head:?}");
        assert!(head["penstock-decision"].to_str().unwrap().ends_with(reason.code()));
    }
    let (head, mut saying) = Call::new(&works).begin().await;
    saying.says.send_data(Bytes::new(), true).unwrap();
    let head = timeout(PATIENCE, head).await.expect("a head").unwrap();
    assert_eq!(head.headers()["grpc-status"], "3", "a stream without a message");
    let stories = works.ledger.stories(4).await;
    assert!(stories.iter().all(|story| story.kind() == Kind::Refuse));
    assert!(peer.calls.try_recv().is_err(), "nothing left");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_is_noticed_on_the_other_side_and_on_record() {
    let (mut peer, works) = plant(|_| {}).await;
    let (_, mut caller) = Call::new(&works).open(asks("a")).await;
    let (_, mut provider) = peer.stream().await;
    provider.hear().await.unwrap();
    caller.says.send_reset(h2::Reason::CANCEL);
    assert_eq!(provider.left().await, h2::Reason::CANCEL);
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, Some(Reason::CallerLeft)));

    let broken: [(&str, fn(&mut Side)); 4] = [
        ("a reset", |side| side.says.send_reset(h2::Reason::INTERNAL_ERROR)),
        ("no status", |side| side.end(&[("a", "b")])),
        ("no trailers", |side| side.says.send_data(Bytes::new(), true).unwrap()),
        ("half a message", |side| {
            side.say(answers("a")[..7].to_vec());
            side.end(&[("grpc-status", "0")]);
        }),
    ];
    for (number, (what, breaks)) in broken.into_iter().enumerate() {
        let (_, mut caller) = Call::new(&works).open(asks("a")).await;
        let (_, mut provider) = peer.stream().await;
        provider.hear().await.unwrap();
        provider.say(answers("the first"));
        assert!(caller.hear().await.is_some(), "{what}");
        breaks(&mut provider);
        let (code, said) = caller.ended().await;
        assert!(code == "14" && said.contains("provider-broken"), "{what}: {code} {said}");
        let story = works.ledger.stories(number + 2).await.pop().unwrap();
        assert_eq!(story.told(), (Kind::Outcome, Some(Reason::ProviderBroken)), "{what}");
    }
}

/// More than the provider's window lies in between, so that the gateway waits for it when its caller leaves.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_reads_nothing_is_left_too() {
    let (mut peer, works) = plant(|_| {}).await;
    let (_, mut caller) = Call::new(&works).open(asks(&"a".repeat(200 << 10))).await;
    let (_, mut provider) = peer.stream().await;
    provider.say(answers("still reading"));
    assert!(caller.hear().await.is_some());
    caller.says.send_reset(h2::Reason::CANCEL);
    assert_eq!(works.ledger.story().await.reason(), Some(Reason::CallerLeft));
    provider.left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_have_limits_of_bytes_and_of_time() {
    let (mut peer, works) = plant(|setting| (setting.bounds.request, setting.bounds.answer) = (1 << 10, 1 << 10)).await;
    let (_, mut caller) = Call::new(&works).open(asks("a")).await;
    let (_, mut provider) = peer.stream().await;
    caller.say(b"\0\0\0\x10\0".to_vec());
    let (code, said) = caller.ended().await;
    assert!(code == "8" && said.contains("body-too-large"), "{code} {said}");
    assert_eq!(provider.left().await, h2::Reason::CANCEL);

    let (_, mut caller) = Call::new(&works).open(asks("a")).await;
    let (_, mut provider) = peer.stream().await;
    for _ in 0..2 {
        provider.say(answers(&"a".repeat(600)));
    }
    assert!(caller.hear().await.is_some());
    let (code, said) = caller.ended().await;
    assert!(code == "8" && said.contains("answer-too-large"), "{code} {said}");

    let bomb = compressed(&gzip(&message(&"a".repeat(1 << 20), true)));
    let (_, mut caller) = Call::new(&works).with("grpc-encoding", "gzip").open(asks("a")).await;
    let (_, mut provider) = peer.stream().await;
    provider.hear().await.unwrap();
    caller.say(compressed(&gzip(&message("packed", true))));
    assert_eq!(provider.hear().await, Some(asks("packed")));
    caller.say(bomb);
    assert_eq!(caller.ended().await.0, "8");

    let (_, mut caller) = Call::new(&works).with("grpc-timeout", "300m").open(asks("a")).await;
    let (_, mut provider) = peer.stream().await;
    let (code, said) = caller.ended().await;
    assert!(code == "4" && said.contains("answer-too-long"), "{code} {said}");
    provider.left().await;
    let reasons = works.ledger.stories(4).await.into_iter().map(|story| story.reason());
    let expected =
        [Reason::BodyTooLarge, Reason::AnswerTooLarge, Reason::BodyTooLarge, Reason::AnswerTooLong].map(Some);
    assert_eq!(reasons.collect::<Vec<_>>(), expected);
}

/// Neither side is read by the other for a while: no more is taken than what may be on its way, and then all of it comes.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_slows_the_other_down_and_nothing_is_lost() {
    const MESSAGES: usize = 200;
    let (mut peer, works) = plant(|setting| setting.secrets = Verdict::Allow).await;
    let (_, mut caller) = Call::new(&works).open(asks("a")).await;
    let (_, mut provider) = peer.stream().await;
    provider.hear().await.unwrap();
    let long = "a".repeat(16 << 10);
    for _ in 0..MESSAGES {
        provider.say(answers(&long));
    }
    // The provider's window closes although its caller takes nothing: there is more than the windows of both ways.
    provider.says.reserve_capacity(1 << 20);
    let mut taken = 0;
    while let Some(message) = caller.hear().await {
        assert_eq!(message, answers(&long));
        taken += 1;
        if taken == MESSAGES {
            break;
        }
        if taken % 50 == 0 {
            caller.say(asks("still here"));
            assert_eq!(provider.hear().await, Some(asks("still here")), "the other way goes on");
        }
    }
    provider.end(&[("grpc-status", "0")]);
    assert_eq!(caller.ended().await.0, "0");
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn isolation_cuts_a_stream_that_runs() {
    let (mut peer, works) = plant(|_| {}).await;
    let (_, mut caller) = Call::new(&works).open(asks("a")).await;
    let (_, mut provider) = peer.stream().await;
    provider.hear().await.unwrap();
    works.gateway.valve().isolate(vec![Part::Everything]);
    let (code, said) = caller.ended().await;
    assert!(code == "7" && said.contains("isolated"), "{code} {said}");
    assert_eq!(provider.left().await, h2::Reason::CANCEL);
    assert_eq!(works.ledger.story().await.kind(), Kind::Outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_to_a_provider_that_is_not_there_says_so() {
    let peer = Peer::new().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    drop(peer);
    let works = Works::start(Setting { grpc: true, ..Setting::new(nobody) }).await;
    let (head, mut caller) = Call::new(&works).open(asks("a")).await;
    assert!(head.contains_key("penstock-record"));
    let (code, said) = caller.ended().await;
    assert!(code == "14" && said.contains("provider-unreachable"), "{code} {said}");
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, Some(Reason::ProviderUnreachable)));
}
