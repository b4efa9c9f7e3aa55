//! Rounds among witnesses that lie, dawdle and break off: each is known for what it is, and the good one still signs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use ledger::verify::Trust;
use penstock_witness::{Connector, Judge, Listen, Rounds, Server, Settings, Standing, UrlError};
use plant::{Body, Draft, GatewayId, Kind, Millis, PlantId, RecordId};
use prometheus_client::registry::Registry;
use seal::SigningKey;
use seal::cosignature::Cosigner;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Opening, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn cosigner(number: u8) -> Cosigner {
    Cosigner::new(format!("w{number}.example"), Arc::new(SigningKey::from_seed([number; 32].into()))).unwrap()
}

fn open(folder: &Path) -> Arc<Store> {
    std::fs::create_dir_all(folder).unwrap();
    let opening = Opening {
        key: Arc::new(SigningKey::from_seed([99; 32].into())),
        plant: PlantId::new("brewery").unwrap(),
        gateway: GatewayId::new("gate-1").unwrap(),
        epoch_seed: None,
        settings: store::Settings {
            segment_bytes: 1 << 20,
            reserve_bytes: 4096,
            warn_at: Vec::new(),
            ..store::Settings::default()
        },
    };
    Arc::new(Store::open(folder, &opening).unwrap().0)
}

fn connector() -> Connector {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build()
}

/// Answers every request with these bytes and closes.
async fn liar(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // As much of the request as comes at once; then whatever it was, the same.
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn liars_are_known_and_hold_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("ledger"));
    let judge = Judge::new(cosigner(1), &folder.path().join("state"), vec![store.verifier().clone()]).unwrap();
    let listen = Listen { address: "127.0.0.1:0".parse().unwrap(), tls: None };
    let server = Server::start(&[listen], &judge).await.unwrap();
    let address = *server.addresses().first().unwrap();
    // A signature of another head, and one that is made up.
    let note = seal::note::Note::sign("brewery/gate-1/x\n1\nroot\n", &signer()).unwrap();
    let stale = format!("{}\n", cosigner(3).sign(&note, 5));
    let liars = [
        ("http", format!("http://{address}/"), "signed"),
        ("page", liar(http("200 OK", "<html>login</html>")).await, "invalid"),
        ("stale", liar(http("200 OK", &stale)).await, "invalid"),
        ("empty", liar(http("200 OK", "")).await, "invalid"),
        ("border", liar(http("200 OK", &format!("\n{stale}"))).await, "invalid"),
        ("long", liar(http("200 OK", &"a".repeat(1 << 20))).await, "unreachable"),
        ("noise", liar("\u{0}\u{1}no http\r\n\r\n".to_owned()).await, "unreachable"),
        ("away", "http://127.0.0.1:1".to_owned(), "unreachable"),
        ("stranger", liar(http("404 Not Found", "")).await, "refused"),
        ("broken", liar(http("500 Internal Server Error", "")).await, "refused"),
        ("moved", liar(http("302 Found", "")).await, "refused"),
        ("number", liar(http("409 Conflict", "many\n")).await, "invalid"),
        ("ahead", liar(http("409 Conflict", "9223372036854775807\n")).await, "contradicted"),
        ("stuck", liar(http("409 Conflict", "0\n")).await, "contradicted"),
        ("other", liar(http("422 Unprocessable Entity", "")).await, "contradicted"),
    ];
    let mut policy = String::new();
    for ((name, url, _), number) in liars.iter().zip(1..) {
        writeln!(policy, "witness {name} {} {url}", cosigner(number).witness()).unwrap();
    }
    let policy = Trust::parse_policy(&format!("{policy}quorum http\n")).unwrap();
    let standing = Arc::<Standing>::default();
    let mut registry = Registry::default();
    standing.register(&mut registry);
    let shown = || {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    };
    let settings = settings(&policy).unwrap();
    let rounds = Rounds::begin(settings, &folder.path().join("ledger"), &store, &standing);
    let begun = Instant::now();
    let all = |text: &str| {
        let seen = |(name, _, answer): &(&str, String, &str)| {
            text.contains(&format!("witness_asked_total{{witness=\"{name}\",answer=\"{answer}\"}}"))
        };
        liars.iter().all(seen) && text.contains("\nunwitnessed_records 0\n")
    };
    while !all(&shown()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", shown());
        tokio::task::yield_now().await;
    }
    // None of them is ever taken for anything else, and none of what they said is kept.
    let id = RecordId::new(Millis(1_700_000_000_000), [1; 10]);
    store.write(Draft { kind: Kind::Admin, id, reference: None, body: Body::default() }).unwrap();
    store.close();
    rounds.end().await;
    let text = shown();
    for (name, _, answer) in &liars {
        let lines: Vec<&str> =
            text.lines().filter(|line| line.starts_with(&format!("witness_asked_total{{witness=\"{name}\""))).collect();
        assert!(matches!(lines.as_slice(), [line] if line.contains(&format!("answer=\"{answer}\""))), "{lines:?}");
    }
    let newest = std::fs::read_to_string(folder.path().join("ledger/checkpoint")).unwrap();
    let size = newest.lines().nth(1).unwrap();
    let kept = std::fs::read_to_string(folder.path().join(format!("ledger/witnessed/{size}.note"))).unwrap();
    assert_eq!(kept.lines().filter(|line| line.contains(".example ")).count(), 1, "{kept}");
    assert!(!text.contains("unwitnessed_records"), "nobody is asked any more");
    server.stop().await;
}

fn signer() -> seal::note::Signer {
    seal::note::Signer::new("brewery/gate-1/x", Arc::new(SigningKey::from_seed([99; 32].into()))).unwrap()
}

/// A witness that looks after nobody yet is asked about one head; somebody carries it a newer one meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_was_carried_past_the_network_is_no_contradiction() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, state) = (folder.path().join("ledger"), folder.path().join("state"));
    let store = open(&ledger);
    let key = store.verifier().clone();
    let judge = Judge::new(cosigner(1), &state, vec![signer().verifier().clone()]).unwrap();
    let listen = Listen { address: "127.0.0.1:0".parse().unwrap(), tls: None };
    let server = Server::start(&[listen], &judge).await.unwrap();
    let address = server.addresses().first().unwrap();
    let text = format!("witness w {} http://{address}\nquorum w\n", cosigner(1).witness());
    let policy = Trust::parse_policy(&text).unwrap();
    // One round, and no second while the test lasts.
    let day = Duration::from_secs(86_400);
    let settings = Settings::new(policy.quorum().unwrap(), day, day, &connector()).unwrap();
    let standing = Arc::<Standing>::default();
    let mut registry = Registry::default();
    standing.register(&mut registry);
    let rounds = Rounds::begin(settings, &ledger, &store, &standing);
    let begun = Instant::now();
    let answered = |answer: &str| {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(60), "{answer}: {text}");
        text.contains(&format!("answer=\"{answer}\""))
    };
    while !answered("refused") {
        tokio::task::yield_now().await;
    }
    let id = RecordId::new(Millis(1_700_000_000_000), [1; 10]);
    let written = store.write(Draft { kind: Kind::Admin, id, reference: None, body: Body::default() }).unwrap();
    while store.state().published <= written.seq {
        tokio::task::yield_now().await;
    }
    let request = store::request(&ledger, Some(0)).unwrap();
    let mut memory = store::Memory::open(&state).unwrap();
    memory.cosign(&request, std::slice::from_ref(&key), &cosigner(1), Millis(1_700_000_000_000)).unwrap();
    drop(memory);
    judge.look_after(vec![key]);
    while !answered("unsteady") {
        tokio::task::yield_now().await;
    }
    // The head that is left is beyond both, and goes its way.
    store.close();
    rounds.end().await;
    assert!(answered("signed") && !answered("contradicted"));
    server.stop().await;
}

fn settings(policy: &Trust) -> Result<Settings, UrlError> {
    Settings::new(policy.quorum().unwrap(), Duration::from_secs(1), Duration::from_secs(60), &connector())
}

#[test]
fn a_url_that_is_none_is_said_before_anybody_is_asked() {
    for (url, good) in [
        ("https://w.example/witness/", true),
        ("http://[::1]:7380", true),
        ("ftp://w.example", false),
        ("w.example:80", false),
        ("http://", false),
        ("https://w.example/?x=1", false),
    ] {
        let policy = Trust::parse_policy(&format!("witness w {} {url}\nquorum w\n", cosigner(1).witness())).unwrap();
        match settings(&policy) {
            Err(error) => assert!(!good && error.to_string().contains("`w`"), "{url}"),
            Ok(_) => assert!(good, "{url}"),
        }
    }
}
