//! Providers on HTTP/2, frame by frame: they refuse a call, say goodbye in the middle of one, or never take it. A call is sent again
//! where it provably was not processed (RFC 9113 section 8.7), and nowhere else.

use crate::caller::{Answer, Caller};
use crate::provider::completion;
use crate::second::{
    ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, INTERNAL_ERROR,
    NO_ERROR, Named, REFUSED_STREAM, RESET, SETTINGS, field, frame,
};
use crate::works::{Setting, Works};
use plant::{Kind, Note, Reason};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a provider does with a call.
#[derive(Clone, Copy, Debug)]
enum Does {
    Answer,
    Reset(u32),
    /// Says goodbye: the call is not among those that it looked at.
    Before(u32),
    /// Says goodbye: it may have looked at the call. Then it is gone.
    After(u32),
    /// Says that this is the last call, and answers it.
    Last,
    /// Begins to answer, and refuses then.
    Late,
    /// Ends the connection without a word.
    Gone,
    /// A head that goes on and on.
    Endless,
    Nothing,
}

struct Peer {
    address: SocketAddr,
    named: Named,
    does: Arc<Mutex<Vec<Does>>>,
    seen: Arc<Mutex<usize>>,
}

impl Peer {
    async fn new(does: &[Does]) -> Self {
        let named = Named::new();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = rustls::pki_types::PrivateKeyDer::try_from(named.key_der.clone()).unwrap();
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![named.certificate_der.clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let does = Arc::new(Mutex::new(does.iter().rev().copied().collect()));
        let seen = Arc::new(Mutex::new(0));
        let state = (Arc::clone(&does), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, (does, seen)) = (acceptor.clone(), state.clone());
                tokio::spawn(async move {
                    let stream = acceptor.accept(stream).await.ok()?;
                    Line { stream, does, seen }.serve().await
                });
            }
        });
        Self { address, named, does, seen }
    }

    async fn works(&self, change: impl FnOnce(&mut Setting)) -> Works {
        let mut setting = Setting::new(self.address);
        setting.address = format!("https://localhost:{}", self.address.port());
        setting.authorities = Some(self.named.certificate.clone());
        setting.providers = "openai";
        setting.conduits = "openai";
        change(&mut setting);
        Works::start(setting).await
    }

    fn seen(&self) -> usize {
        *self.seen.lock().unwrap()
    }
}

struct Line {
    stream: TlsStream<TcpStream>,
    does: Arc<Mutex<Vec<Does>>>,
    seen: Arc<Mutex<usize>>,
}

impl Line {
    /// Takes calls until the connection ends.
    async fn serve(mut self) -> Option<()> {
        self.stream.read_exact(&mut [0; 24]).await.ok()?;
        self.send(frame(SETTINGS, 0, 0, &[])).await?;
        loop {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let (kind, flags) = (head[3], head[4]);
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut payload).await.ok()?;
            match kind {
                SETTINGS if flags & ACK == 0 => self.send(frame(SETTINGS, ACK, 0, &[])).await?,
                HEADERS | DATA if flags & END_STREAM != 0 => self.act(stream).await?,
                _ => {}
            }
        }
    }

    async fn act(&mut self, stream: u32) -> Option<()> {
        *self.seen.lock().unwrap() += 1;
        let does = self.does.lock().unwrap().pop().unwrap_or(Does::Nothing);
        let goaway = |last: u32, code: u32| frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat());
        let head = [&[0x88][..], &field("content-type", "application/json")].concat();
        let begin = frame(HEADERS, END_HEADERS, stream, &head);
        let answer = [begin.clone(), frame(DATA, END_STREAM, stream, completion("done").as_bytes())].concat();
        let reset = |code: u32| frame(RESET, 0, stream, &code.to_be_bytes());
        match does {
            Does::Answer => self.send(answer).await,
            Does::Reset(code) => self.send(reset(code)).await,
            Does::Before(code) => self.send(goaway(stream.saturating_sub(2), code)).await,
            Does::After(code) => {
                self.send(goaway(stream, code)).await?;
                self.gone().await
            }
            Does::Last => self.send([goaway(stream, NO_ERROR), answer].concat()).await,
            Does::Late => self.send([begin, reset(REFUSED_STREAM)].concat()).await,
            Does::Gone => self.gone().await,
            Does::Endless => {
                self.send(frame(HEADERS, 0, stream, &head)).await?;
                loop {
                    self.send(frame(CONTINUATION, 0, stream, &field("x-more", "and more"))).await?;
                }
            }
            Does::Nothing => Some(()),
        }
    }

    async fn gone(&mut self) -> Option<()> {
        let _ = self.stream.shutdown().await;
        None
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Option<()> {
        self.stream.write_all(&bytes).await.ok()?;
        self.stream.flush().await.ok()
    }
}

async fn ask(works: &Works) -> Answer {
    Caller::sends(works.address, &works.chat("hello", false)).await.answer().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_sent_again_only_where_nobody_can_have_looked_at_it() {
    use Does::{After, Answer, Before, Endless, Gone, Last, Late, Reset};
    let cases: [(&[Does], u16, usize); 15] = [
        (&[Answer], 200, 1),
        (&[Reset(REFUSED_STREAM), Answer], 200, 2),
        (&[Reset(REFUSED_STREAM), Before(NO_ERROR), Answer], 200, 3),
        (&[Before(NO_ERROR), Answer], 200, 2),
        (&[Before(ENHANCE_YOUR_CALM), Answer], 200, 2),
        (&[Last, Answer], 200, 1),
        // Twice again, and no more.
        (&[Reset(REFUSED_STREAM); 4], 502, 3),
        // From here on somebody may have.
        (&[After(NO_ERROR), Answer], 502, 1),
        (&[After(INTERNAL_ERROR), Answer], 502, 1),
        (&[Reset(CANCEL), Answer], 502, 1),
        (&[Reset(INTERNAL_ERROR), Answer], 502, 1),
        (&[Reset(NO_ERROR), Answer], 502, 1),
        (&[Late, Answer], 502, 1),
        (&[Gone, Answer], 502, 1),
        (&[Endless, Answer], 502, 1),
    ];
    for (does, status, seen) in cases {
        let peer = Peer::new(does).await;
        let works = peer.works(|_| {}).await;
        let answer = ask(&works).await;
        assert_eq!((answer.status, peer.seen()), (status, seen), "{does:?}: {}", answer.text());
        let story = works.ledger.story().await;
        let reason = (status == 502).then_some(Reason::ProviderBroken);
        assert_eq!(story.told(), (Kind::Outcome, reason), "{does:?}");
        let retries = story.last.body.note.get("retries").cloned();
        let expected = (status == 200 && seen > 1).then(|| Note::Number(u64::try_from(seen).unwrap() - 1));
        assert_eq!(retries, expected, "{does:?}");
        // Whatever it was, the next call finds a connection that works.
        *peer.does.lock().unwrap() = vec![Answer];
        assert_eq!(ask(&works).await.status, 200, "after {does:?}");
    }
}

/// One that gives no window beyond the first 64 KiB (RFC 9113 section 6.9.2), and one that never answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_takes_no_more_or_says_nothing_is_waited_for_no_longer_than_its_conduit_says() {
    for (length, seen) in [(50_000, 0), (1, 2)] {
        let peer = Peer::new(&[]).await;
        let works = peer.works(|setting| setting.bounds.first_byte = Duration::from_millis(1500)).await;
        let call = works.chat(&"x ".repeat(length), false);
        let ask = || async { Caller::sends(works.address, &call).await.answer().await.unwrap() };
        let (one, other) = tokio::join!(ask(), ask());
        for answer in [one, other] {
            assert_eq!((answer.status, answer.text().contains("provider-timeout")), (504, true), "{}", answer.text());
        }
        assert_eq!(peer.seen(), seen);
        assert!(works.ledger.stories(2).await.iter().all(|story| story.reason() == Some(Reason::ProviderTimeout)));
    }
}
