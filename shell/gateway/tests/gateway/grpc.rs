//! KServe v2 over gRPC, frame by frame: calls that cross, calls that are refused, and providers that do not keep to gRPC.

use crate::caller::PATIENCE;
use crate::works::{CREDENTIAL, Setting, Works};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use plant::{Kind, Reason, Verdict};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
const READY: &str = "/inference.GRPCInferenceService/ModelReady";

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

pub(crate) fn field(number: usize, content: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(content.len()), content.to_vec()].concat()
}

pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &length, message].concat()
}

/// The message of a call, or of its answer, with one tensor of one text.
pub(crate) fn message(text: &str, raw: bool) -> Vec<u8> {
    let head = [field(1, b"text"), field(2, b"BYTES"), field(3, &[1])].concat();
    let length = u32::try_from(text.len()).unwrap().to_le_bytes();
    let element = [&length[..], text.as_bytes()].concat();
    if raw {
        [field(1, b"copilot"), field(3, b"run-1"), field(5, &head), field(7, &element)].concat()
    } else {
        let contents = field(5, &field(8, text.as_bytes()));
        [field(1, b"copilot"), field(3, b"run-1"), field(5, &[head, contents].concat())].concat()
    }
}

pub(crate) fn asks(text: &str) -> Vec<u8> {
    framed(&message(text, true))
}

fn says(text: &str) -> Vec<u8> {
    framed(&message(text, false))
}

type Lines = Vec<(&'static str, String)>;

/// What a provider does with a call.
#[derive(Clone, Default)]
struct Says {
    status: u16,
    head: Lines,
    /// `None` ends the call with its head.
    body: Option<Vec<u8>>,
    trailers: Option<Lines>,
    /// Ends with a reset, after what else there is.
    resets: bool,
    /// Waits until the gateway leaves before it ends.
    hangs: bool,
}

fn line(name: &'static str, value: &str) -> (&'static str, String) {
    (name, value.to_owned())
}

fn answers(body: Vec<u8>) -> Says {
    let head = vec![line("content-type", "application/grpc")];
    Says { status: 200, head, body: Some(body), trailers: Some(vec![line("grpc-status", "0")]), ..Says::default() }
}

/// A call as a provider saw it.
#[derive(Clone)]
struct Seen {
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// What a provider says to a call.
type Script = Arc<dyn Fn(&Seen) -> Says + Send + Sync>;

struct Provider {
    address: SocketAddr,
    script: watch::Sender<Script>,
    seen: watch::Sender<Vec<Seen>>,
    /// How often the gateway left in the middle of a call.
    left: watch::Sender<usize>,
}

impl Provider {
    async fn new(script: impl Fn(&Seen) -> Says + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let own = Self {
            address,
            script: watch::Sender::new(Arc::new(script)),
            seen: watch::Sender::default(),
            left: watch::Sender::default(),
        };
        let (script, seen, left) = (own.script.clone(), own.seen.clone(), own.left.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, seen, left) = (script.clone(), seen.clone(), left.clone());
                tokio::spawn(async move {
                    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        let (script, seen, left) = (script.clone(), seen.clone(), left.clone());
                        tokio::spawn(async move { serve(request, respond, &script, &seen, &left).await });
                    }
                });
            }
        });
        own
    }

    fn does(&self, script: impl Fn(&Seen) -> Says + Send + Sync + 'static) {
        self.script.send_replace(Arc::new(script));
    }

    fn last(&self) -> Seen {
        self.seen.borrow().last().cloned().expect("a call")
    }

    fn calls(&self) -> usize {
        self.seen.borrow().len()
    }

    async fn until_called(&self) {
        let mut seen = self.seen.subscribe();
        timeout(PATIENCE, seen.wait_for(|seen| !seen.is_empty())).await.expect("a call").unwrap();
    }

    async fn until_left(&self) {
        let mut left = self.left.subscribe();
        timeout(PATIENCE, left.wait_for(|left| *left > 0)).await.expect("the gateway leaves").unwrap();
    }
}

async fn serve(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    script: &watch::Sender<Script>,
    seen: &watch::Sender<Vec<Seen>>,
    left: &watch::Sender<usize>,
) {
    let (head, mut body) = request.into_parts();
    let mut bytes = Vec::new();
    while let Some(Ok(piece)) = body.data().await {
        body.flow_control().release_capacity(piece.len()).unwrap();
        bytes.extend_from_slice(&piece);
    }
    let call = Seen { path: head.uri.path().to_owned(), headers: head.headers, body: bytes };
    seen.send_modify(|all| all.push(call.clone()));
    let says = (script.borrow().clone())(&call);
    if says.hangs {
        let gone = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
        left.send_modify(|count| *count += usize::from(gone.is_ok()));
        return;
    }
    let mut answer = Response::new(());
    *answer.status_mut() = says.status.try_into().unwrap();
    answer.headers_mut().extend(map(&says.head));
    let alone = says.body.is_none() && says.trailers.is_none() && !says.resets;
    let mut send = respond.send_response(answer, alone).unwrap();
    if let Some(body) = says.body {
        send.send_data(body.into(), says.trailers.is_none() && !says.resets).unwrap();
    }
    if says.resets {
        send.send_reset(h2::Reason::INTERNAL_ERROR);
    } else if let Some(trailers) = says.trailers {
        send.send_trailers(map(&trailers)).unwrap();
    }
}

fn map(lines: &[(&'static str, String)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

/// What a caller got.
#[derive(Debug)]
struct Got {
    status: u16,
    head: HeaderMap,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
}

impl Got {
    fn said(&self, name: &str) -> &str {
        let own = self.trailers.as_ref().and_then(|own| own.get(name)).or_else(|| self.head.get(name));
        own.map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn code(&self) -> &str {
        self.said("grpc-status")
    }
}

/// A call that is being made.
struct Call<'a> {
    works: &'a Works,
    path: &'a str,
    authority: &'a str,
    lines: Lines,
}

impl<'a> Call<'a> {
    fn new(works: &'a Works) -> Self {
        let lines = vec![
            line("content-type", "application/grpc"),
            line("te", "trailers"),
            line("authorization", &format!("Bearer {}", works.token)),
        ];
        Self { works, path: INFER, authority: "localhost:8443", lines }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.lines.retain(|(own, _)| *own != name);
        self.lines.push(line(name, value));
        self
    }

    fn to(self, path: &'a str) -> Self {
        Self { path, ..self }
    }

    /// Sends the head and the body; what comes of it is to be waited for.
    async fn begin(&self, body: Vec<u8>) -> (h2::client::ResponseFuture, h2::SendStream<Bytes>) {
        let stream = TcpStream::connect(self.works.address).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::post(format!("http://{}{}", self.authority, self.path)).body(()).unwrap();
        *request.headers_mut() = map(&self.lines);
        let (answer, mut send) = client.ready().await.unwrap().send_request(request, false).unwrap();
        // One that is refused by its head may be over already.
        let _ = send.send_data(body.into(), true);
        (answer, send)
    }

    async fn send(&self, body: Vec<u8>) -> Got {
        let (answer, _send) = self.begin(body).await;
        let (head, mut body) = timeout(PATIENCE, answer).await.expect("an answer").unwrap().into_parts();
        let mut bytes = Vec::new();
        while let Some(piece) = timeout(PATIENCE, body.data()).await.expect("an end") {
            // What is reset behind its end has ended.
            let Ok(piece) = piece else { break };
            body.flow_control().release_capacity(piece.len()).unwrap();
            bytes.extend_from_slice(&piece);
        }
        let trailers = body.trailers().await.ok().flatten();
        Got { status: head.status.as_u16(), head: head.headers, body: bytes, trailers }
    }
}

/// A plant whose provider answers with what it was asked.
async fn echoing() -> (Provider, Works) {
    let provider = Provider::new(|seen| answers(says(&text_in(&seen.body)))).await;
    let works = Works::start(Setting { secrets: Verdict::Refuse, grpc: true, ..Setting::new(provider.address) }).await;
    (provider, works)
}

/// The text of a call's only tensor, where every length around it is right.
pub(crate) fn text_in(body: &[u8]) -> String {
    assert_eq!(body[1..5], u32::try_from(body.len() - 5).unwrap().to_be_bytes(), "the length of the message");
    let texts = (5..body.len()).filter_map(|at| {
        let element = body[at..].strip_prefix(&[0x3a])?;
        let width = if element.first()? < &0x80 { 1 } else { 2 };
        let (length, rest) = element.split_at_checked(width)?;
        let (inner, text) = rest.split_first_chunk::<4>()?;
        let fits = length == varint(rest.len()) && usize::try_from(u32::from_le_bytes(*inner)) == Ok(text.len());
        fits.then(|| String::from_utf8(text.to_vec()).ok()).flatten()
    });
    let texts: Vec<_> = texts.collect();
    let [text] = texts.as_slice() else { panic!("one text: {texts:?}") };
    text.clone()
}

pub(crate) fn aws() -> String {
    format!("AKIA{}", "Y3FDF7Q2K5TNW4ZB")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_crosses_with_its_texts_rewritten_both_ways() {
    let (provider, works) = echoing().await;
    let question = "KIC-77 drifts, mail anna.keller@example.com";
    let got = Call::new(&works).send(asks(question)).await;
    let seen = provider.last();
    let left = text_in(&seen.body);
    assert!(!left.contains("KIC-77") && left.contains("[redacted:person"), "{left}");
    assert_eq!((seen.path.as_str(), seen.headers["te"].as_bytes()), (INFER, &b"trailers"[..]));
    assert_eq!(seen.headers["authorization"], format!("Bearer {CREDENTIAL}").as_str());
    assert_eq!((got.status, got.code()), (200, "0"));
    let answer = String::from_utf8_lossy(&got.body).into_owned();
    assert!(answer.contains("KIC-77 drifts"), "{answer}");
    assert_eq!(got.body[1..5], u32::try_from(got.body.len() - 5).unwrap().to_be_bytes());
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, None));
    assert_eq!(got.said("penstock-record"), story.id.to_string());
    assert_eq!(got.said("penstock-decision").split(';').next(), Some("redact"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_changes_leaves_and_returns_as_it_came() {
    let (provider, works) = echoing().await;
    let body = asks("is the weld sound?");
    let got = Call::new(&works).send(body.clone()).await;
    assert_eq!(provider.last().body, body);
    assert_eq!(got.body, says("is the weld sound?"));
    let ready = framed(&field(1, b"weld"));
    provider.does(|_| answers(framed(&[8, 1])));
    let got = Call::new(&works).to(READY).send(ready.clone()).await;
    assert_eq!((provider.last().body, got.body, provider.last().path.as_str()), (ready, framed(&[8, 1]), READY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_a_status_with_its_reason_and_its_record() {
    let (provider, works) = echoing().await;
    let call = || Call::new(&works);
    let elsewhere = Call { authority: "gate.example:8443", ..call() };
    let two = [asks("a"), asks("b")].concat();
    let cases = [
        (call().with("authorization", "Bearer psk_mes_x"), asks("a"), "16", Reason::TokenUnknown),
        (
            call().to("/inference.GRPCInferenceService/SystemSharedMemoryRegister"),
            asks("a"),
            "12",
            Reason::UnknownEndpoint,
        ),
        (
            call().to("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
            asks("a"),
            "12",
            Reason::UnknownEndpoint,
        ),
        (elsewhere, asks("a"), "5", Reason::UnknownProvider),
        (call(), asks(&format!("key {}", aws())), "7", Reason::ContentRefused),
        (call(), b"\0\x7f\xff\xff\xff".to_vec(), "8", Reason::BodyTooLarge),
        (call(), asks("a")[..9].to_vec(), "3", Reason::Malformed),
        (call(), framed(b"\x0a\xff\xff\xff\xff\x0f"), "3", Reason::Malformed),
        (call(), two, "3", Reason::Malformed),
        (call(), Vec::new(), "3", Reason::Malformed),
        (call().with("content-type", "application/grpc+json"), asks("a"), "3", Reason::ContentType),
        (call().with("grpc-timeout", "soon"), asks("a"), "3", Reason::BadRequest),
    ];
    for (number, (call, body, code, reason)) in cases.into_iter().enumerate() {
        let got = call.send(body).await;
        assert_eq!((got.status, got.code(), got.trailers.is_none()), (200, code, true), "{reason} {got:?}");
        assert!(got.said("grpc-message").contains(reason.code()), "{got:?}");
        let story = works.ledger.stories(number + 1).await.pop().unwrap();
        assert_eq!(story.reason(), Some(reason));
        assert_eq!(got.said("penstock-record"), story.id.to_string());
        assert!(got.said("penstock-decision").ends_with(&format!("reason={reason}")));
    }
    assert_eq!(provider.calls(), 0);
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut framed = framed(bytes);
    framed[0] = 1;
    framed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_message_is_read_within_bounds_or_refused() {
    let provider = Provider::new(|seen| answers(says(&text_in(&seen.body)))).await;
    let mut setting = Setting::new(provider.address);
    (setting.bounds.request, setting.grpc) = (64 << 10, true);
    let works = Works::start(setting).await;
    let packed = compressed(&gzip(&message("is the weld sound?", true)));
    let got = Call::new(&works).with("grpc-encoding", "gzip").send(packed.clone()).await;
    assert_eq!((got.code(), provider.last().body), ("0", asks("is the weld sound?")));
    assert!(!provider.last().headers.contains_key("grpc-encoding"));
    let bomb = compressed(&gzip(&message(&"a".repeat(1 << 20), true)));
    let cases = [
        ("gzip", bomb, "8"),
        ("snappy", packed.clone(), "12"),
        ("deflate", packed.clone(), "12"),
        ("gzip", compressed(b"no gzip"), "12"),
    ];
    for (encoding, body, code) in cases {
        let got = Call::new(&works).with("grpc-encoding", encoding).send(body).await;
        assert_eq!(got.code(), code, "{got:?}");
    }
    assert_eq!(provider.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_provider_is_told_as_it_is() {
    let (provider, works) = echoing().await;
    let failed = |seen: &Seen| {
        let text = format!("model of {} is 100%25 gone: {CREDENTIAL}", text_in(&seen.body));
        let lines = vec![
            line("content-type", "application/grpc"),
            line("grpc-status", "9"),
            line("grpc-message", &text),
            line("grpc-status-details-bin", "AAAA"),
        ];
        Says { status: 200, head: lines, ..Says::default() }
    };
    provider.does(failed);
    for behind in [false, true] {
        if behind {
            provider.does(move |seen| {
                let says = failed(seen);
                Says { head: vec![line("content-type", "application/grpc")], trailers: Some(says.head), ..says }
            });
        }
        let got = Call::new(&works).send(asks("KIC-77")).await;
        assert_eq!((got.code(), got.trailers.is_some()), ("9", behind), "{got:?}");
        assert_eq!(got.said("grpc-message"), "model of KIC-77 is 100%25 gone: [credential]");
        assert_eq!(got.said("grpc-status-details-bin"), "");
    }
    let story = works.ledger.stories(2).await.pop().unwrap();
    assert_eq!(story.told(), (Kind::Outcome, None));
    assert_eq!(story.last.body.out.map(|out| out.status), Some(400));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_breaks_the_protocol_is_no_answer() {
    let (provider, works) = echoing().await;
    let grpc = || vec![line("content-type", "application/grpc")];
    let with = |name, value| [grpc(), vec![line(name, value)]].concat();
    let whole = says("fine");
    let cases: Vec<(&str, Says)> = vec![
        ("no trailers", Says { trailers: None, ..answers(whole.clone()) }),
        ("trailers without a status", Says { trailers: Some(vec![line("a", "b")]), ..answers(whole.clone()) }),
        ("a status in the head", Says { head: with("grpc-status", "0"), trailers: None, ..answers(whole.clone()) }),
        ("a reset", Says { trailers: None, resets: true, ..answers(whole.clone()) }),
        ("a reset at once", Says { body: None, trailers: None, resets: true, ..answers(whole.clone()) }),
        ("a cut message", answers(whole[..whole.len() - 1].to_vec())),
        ("two messages", answers(whole.repeat(2))),
        ("a compressed message", answers(compressed(&gzip(&message("fine", false))))),
        ("a web page", Says { head: vec![line("content-type", "text/html")], ..answers(b"<html>".to_vec()) }),
        ("a proxy's error", Says { status: 503, ..answers(b"busy".to_vec()) }),
        ("no status", Says { body: None, trailers: None, ..answers(Vec::new()) }),
        ("a length that lies", answers(b"\0\x7f\xff\xff\xff".to_vec())),
    ];
    for (number, (what, says)) in cases.into_iter().enumerate() {
        provider.does(move |_| says.clone());
        let got = Call::new(&works).send(asks("a")).await;
        assert!(matches!(got.code(), "14" | "8"), "{what}: {got:?}");
        assert!(got.body.is_empty(), "{what}");
        let story = works.ledger.stories(number + 1).await.pop().unwrap();
        assert_eq!(story.kind(), Kind::Outcome, "{what}");
        assert!(matches!(story.reason(), Some(Reason::ProviderBroken | Reason::AnswerTooLarge)), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_ends_with_the_time_of_its_caller_and_with_its_caller() {
    let (provider, works) = echoing().await;
    provider.does(|_| Says { hangs: true, ..Says::default() });
    let got = Call::new(&works).with("grpc-timeout", "200m").send(asks("a")).await;
    assert_eq!(got.code(), "4", "{got:?}");
    let told = provider.last().headers["grpc-timeout"].to_str().unwrap().to_owned();
    assert!(told.strip_suffix('m').and_then(|left| left.parse().ok()).is_some_and(|left: u32| left <= 200), "{told}");
    provider.until_left().await;

    let (provider, works) = echoing().await;
    provider.does(|_| Says { hangs: true, ..Says::default() });
    let call = Call::new(&works);
    let (answer, mut send) = call.begin(asks("a")).await;
    provider.until_called().await;
    send.send_reset(h2::Reason::CANCEL);
    drop(answer);
    provider.until_left().await;
    assert_eq!(works.ledger.story().await.reason(), Some(Reason::CallerLeft));
}

/// The methods of gRPC are none of HTTP: JSON does not reach them, and they do not reach what is read as JSON.
#[tokio::test(flavor = "multi_thread")]
async fn a_method_is_no_path_of_http() {
    let (provider, works) = echoing().await;
    let path = format!("/kserve{INFER}");
    let got = Call::new(&works).with("content-type", "application/json").to(&path).send(b"{}".to_vec()).await;
    assert_eq!(got.status, 403, "{got:?}");
    let got = Call::new(&works).to(&path).send(asks("a")).await;
    assert_eq!(got.code(), "12", "{got:?}");
    let got = Call::new(&works).to("/v2/models/weld/infer").send(asks("a")).await;
    assert_eq!(got.code(), "12", "{got:?}");
    assert_eq!(provider.calls(), 0);
}
