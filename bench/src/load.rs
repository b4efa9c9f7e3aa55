//! A closed loop: each connection sends its next call when the last one has been answered whole.

use crate::Outcome;
use crate::process::cpu_seconds;
use crate::results::{Window, microseconds};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
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
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The process whose processor time and memory count; its children's too.
    pub(crate) process: u32,
}

pub(crate) type Sender = SendRequest<Full<Bytes>>;

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
    let calls = times.len();
    let (p50, p99) = microseconds(times);
    let cpu = cpu * 1e6 / calls.max(1) as f64;
    Ok(Window { calls, failed, per_second: calls as f64 / took, p50, p99, cpu })
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

pub(crate) async fn call(sender: &mut Sender, target: &Target, body: &Bytes) -> Outcome<u16> {
    let mut answer = begin(sender, target, body).await?;
    let status = answer.status().as_u16();
    while let Some(frame) = answer.body_mut().frame().await {
        frame?;
    }
    Ok(status)
}

/// Sends one call and gives the head of its answer.
pub(crate) async fn begin(sender: &mut Sender, target: &Target, body: &Bytes) -> Outcome<http::Response<Incoming>> {
    sender.ready().await?;
    Ok(sender.send_request(request(target, body)?).await?)
}

/// One call on a connection of its own; it must succeed.
pub(crate) async fn once(target: &Target, body: &Bytes) -> Outcome<()> {
    let mut answer = begin(&mut connect(target).await?, target, body).await?;
    let status = answer.status().as_u16();
    let mut said = Vec::new();
    while let Some(frame) = answer.body_mut().frame().await {
        said.extend_from_slice(&frame?.into_data().unwrap_or_default());
    }
    if status == 200 {
        return Ok(());
    }
    Err(format!("{} answered {status}: {}", target.name, String::from_utf8_lossy(&said)).into())
}

fn request(target: &Target, body: &Bytes) -> Outcome<Request<Full<Bytes>>> {
    let mut request =
        Request::post(&target.path).header(header::HOST, "localhost").header(header::CONTENT_TYPE, "application/json");
    for (name, value) in &target.headers {
        request = request.header(*name, value);
    }
    Ok(request.body(Full::new(body.clone()))?)
}

pub(crate) async fn connect(target: &Target) -> Outcome<Sender> {
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
