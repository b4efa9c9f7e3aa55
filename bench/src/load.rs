//! A closed loop: each connection sends its next call when the last one has been answered whole.

use crate::Outcome;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Where calls go.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
    pub(crate) token: Option<String>,
    /// The process whose processor time counts; its children's too.
    pub(crate) process: u32,
}

/// What a window showed.
pub(crate) struct Window {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) cpu: f64,
    pub(crate) failed: usize,
}

type Sender = SendRequest<Full<Bytes>>;

pub(crate) async fn run(target: &Target, body: &Bytes, connections: usize, length: Duration) -> Outcome<Window> {
    let mut loops = Vec::new();
    let mut senders = Vec::new();
    for _ in 0..connections {
        senders.push(connect(target).await?);
    }
    let (began, cpu) = (Instant::now(), cpu_seconds(target.process));
    for sender in senders {
        let (target, body) = (target.clone(), body.clone());
        loops.push(tokio::spawn(async move { calls(sender, &target, &body, began + length).await }));
    }
    let (mut times, mut failed) = (Vec::new(), 0);
    for one in loops {
        let (mine, wrong) = one.await?;
        times.extend(mine);
        failed += wrong;
    }
    let (took, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds(target.process) - cpu);
    times.sort_unstable();
    let count = times.len().max(1);
    let at = |part: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
        let place = (count as f64 * part) as usize;
        times.get(place.min(count - 1)).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    };
    Ok(Window { per_second: count as f64 / took, p50: at(0.5), p99: at(0.99), cpu: cpu * 1e6 / count as f64, failed })
}

async fn calls(mut sender: Sender, target: &Target, body: &Bytes, end: Instant) -> (Vec<Duration>, usize) {
    let (mut times, mut failed) = (Vec::new(), 0);
    while Instant::now() < end {
        let began = Instant::now();
        match call(&mut sender, target, body).await {
            Ok(200) => times.push(began.elapsed()),
            _ => {
                failed += 1;
                match connect(target).await {
                    Ok(fresh) => sender = fresh,
                    Err(_) => break,
                }
            }
        }
    }
    (times, failed)
}

async fn call(sender: &mut Sender, target: &Target, body: &Bytes) -> Outcome<u16> {
    sender.ready().await?;
    let answer = sender.send_request(request(target, body)?).await?;
    let status = answer.status().as_u16();
    answer.into_body().collect().await?;
    Ok(status)
}

/// One call; it must succeed.
pub(crate) async fn once(target: &Target, body: &Bytes) -> Outcome<()> {
    let status = call(&mut connect(target).await?, target, body).await?;
    if status == 200 { Ok(()) } else { Err(format!("{} answered {status}", target.name).into()) }
}

/// Opens streams and holds them; each has begun when this returns.
pub(crate) async fn hold(target: &Target, body: &Bytes, count: usize) -> Outcome<Vec<(Sender, hyper::body::Incoming)>> {
    let mut held = Vec::new();
    for _ in 0..count {
        let mut sender = connect(target).await?;
        let answer = sender.send_request(request(target, body)?).await?;
        if answer.status() != 200 {
            return Err(format!("a stream was answered {}", answer.status()).into());
        }
        held.push((sender, answer.into_body()));
    }
    Ok(held)
}

fn request(target: &Target, body: &Bytes) -> Outcome<Request<Full<Bytes>>> {
    let mut request =
        Request::post(&target.path).header(header::HOST, "localhost").header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = &target.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    Ok(request.body(Full::new(body.clone()))?)
}

async fn connect(target: &Target) -> Outcome<Sender> {
    let stream = TcpStream::connect(target.address).await?;
    stream.set_nodelay(true)?;
    let Some(tls) = &target.tls else {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        return Ok(sender);
    };
    let name = ServerName::try_from("localhost")?;
    let stream = tokio_rustls::TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Processor seconds of a process and its children, from `/proc`. 100 ticks a second on Linux.
fn cpu_seconds(process: u32) -> f64 {
    let ticks = |id: u32| -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after = stat.rsplit(')').next().unwrap_or_default();
        after.split_whitespace().skip(11).take(2).filter_map(|tick| tick.parse::<f64>().ok()).sum()
    };
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|id| id.parse().ok());
    children.chain([process]).map(ticks).sum::<f64>() / 100.0
}
