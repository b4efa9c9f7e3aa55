//! HTTP/2 frame by frame (RFC 9113), and callers that begin what they do not end.

use crate::caller::PATIENCE;
use crate::provider::{Act, Provider, completion, document};
use crate::works::{Setting, Works, chat};
use gateway::{Limits, TlsFiles};
use plant::Kind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const ACK: u8 = 1;

/// Error codes (RFC 9113 section 7).
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const INTERNAL_ERROR: u32 = 2;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header as it stands (RFC 7541 section 6.2.2), shorter than 127 bytes.
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    let short = |text: &str| u8::try_from(text.len()).unwrap();
    [&[0, short(name)], name.as_bytes(), &[short(value)], value.as_bytes()].concat()
}

/// A certificate for `localhost` that vouches for itself.
pub(crate) struct Named {
    pub(crate) certificate: PathBuf,
    pub(crate) certificate_der: rustls::pki_types::CertificateDer<'static>,
    pub(crate) key: PathBuf,
    pub(crate) key_der: Vec<u8>,
    _folder: tempfile::TempDir,
}

impl Named {
    pub(crate) fn new() -> Self {
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, certified.cert.pem()).unwrap();
        std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
        let (certificate_der, key_der) = (certified.cert.der().clone(), certified.signing_key.serialize_der());
        Self { certificate, certificate_der, key, key_der, _folder: folder }
    }
}

struct Wire(TlsStream<TcpStream>);

impl Wire {
    /// A connection that has said its preface, and `settings`.
    async fn new(works: &Works, named: &Named, settings: &[u8]) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(named.certificate_der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(works.address).await.unwrap();
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let mut wire = Self(TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap());
        wire.send(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(SETTINGS, 0, 0, settings)[..]].concat()).await;
        wire
    }

    async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok() && self.0.flush().await.is_ok()
    }

    /// Reads to the end.
    async fn ended(&mut self) {
        let end = async { while matches!(self.0.read(&mut [0; 4096]).await, Ok(1..)) {} };
        tokio::time::timeout(PATIENCE, end).await.expect("an end");
    }
}

fn head(works: &Works) -> Vec<u8> {
    let bearer = format!("Bearer {}", works.token);
    let fields = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", "/openai/v1/chat/completions"),
        ("content-type", "application/json"),
        ("authorization", &bearer),
    ];
    fields.into_iter().flat_map(|(name, value)| field(name, value)).collect()
}

async fn plant() -> (Provider, Works, Named) {
    let named = Named::new();
    let provider = Provider::new(vec![Act::Send(document(200, "", &completion(&"long ".repeat(100))))]).await;
    let mut setting = Setting::new(provider.address);
    setting.tls =
        Some(TlsFiles { certificate: named.certificate.clone(), key: named.key.clone(), client_authority: None });
    setting.limits = Limits { idle_timeout: Duration::from_millis(400), ..setting.limits };
    setting.bounds.idle = Duration::from_millis(400);
    setting.bounds.total = Duration::from_millis(600);
    let works = Works::start(setting).await;
    (provider, works, named)
}

/// Nobody is kept waiting by heads that never end, however they come, nor by bodies.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_never_ends_ends_its_connection_in_time() {
    let (provider, works, named) = plant().await;
    for (flags, drip) in [(0, false), (0, true), (END_HEADERS, false), (END_HEADERS, true)] {
        let mut wire = Wire::new(&works, &named, &[]).await;
        wire.send(&frame(HEADERS, flags, 1, &head(&works))).await;
        let drips = async {
            if !drip {
                return wire.ended().await;
            }
            let piece = if flags == 0 { frame(CONTINUATION, 0, 1, &field("x", "y")) } else { frame(DATA, 0, 1, b" ") };
            while wire.send(&piece).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            wire.ended().await;
        };
        tokio::time::timeout(PATIENCE, drips).await.unwrap_or_else(|_| panic!("{flags} {drip} never ends"));
    }
    assert_eq!(provider.connections(), 0);
    let written = works.ledger.stories(2).await;
    assert!(written.iter().all(|story| story.kind() == Kind::Refuse));
}

/// A caller with a window of nothing, who thus never takes its answer: it was given, and the connection ends.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_takes_holds_no_connection() {
    const SHUT: &[u8] = &[0, 4, 0, 0, 0, 0];
    let (_provider, works, named) = plant().await;
    let mut wire = Wire::new(&works, &named, SHUT).await;
    let call =
        [frame(HEADERS, END_HEADERS, 1, &head(&works)), frame(DATA, END_STREAM, 1, chat("hello", false).as_bytes())];
    wire.send(&call.concat()).await;
    assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, None));
    wire.ended().await;
    works.until_metric("penstock_exchanges_under_way", 0).await;
}
