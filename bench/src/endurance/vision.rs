//! A vision station over gRPC: its calls and streams of messages, and a server that answers them.

use super::{PAUSE, Tally};
use crate::Outcome;
use crate::load::Target;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};

const ONE: &str = "/inference.GRPCInferenceService/ModelInfer";
const MANY: &str = "/inference.GRPCInferenceService/ModelStreamInfer";
/// Messages of a stream.
const MESSAGES: usize = 5;

/// A field of bytes, of fewer than 128 of them.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or_default();
    [&[number << 3 | 2, length], content].concat()
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or_default().to_be_bytes();
    [&[0][..], &length, message].concat()
}

/// `ModelInferRequest` with one text.
fn question() -> Vec<u8> {
    let contents = field(5, &field(8, b"does TIC-101 see the weld at station 4?"));
    let tensor = [field(1, b"text"), field(2, b"BYTES"), field(3, &[1]), contents].concat();
    framed(&[field(1, b"weld"), field(5, &tensor)].concat())
}

/// Serves the calls until the process ends.
pub(super) async fn serve() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    });
    Ok(address)
}

type Answer = http_body_util::combinators::BoxBody<Bytes, Infallible>;

async fn answer(request: Request<Incoming>) -> Result<Response<Answer>, hyper::Error> {
    let many = request.uri().path() == MANY;
    let asked = request.into_body().collect().await?.to_bytes();
    let said = field(1, b"weld");
    let count = asked.len() / question().len().max(1);
    let body = if many { framed(&field(2, &said)).repeat(count.max(1)) } else { framed(&said) };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(Bytes::from(body)).with_trailers(async move { Some(Ok(trailers)) }).boxed();
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(response)
}

/// Calls in turn with one message and with several.
pub(super) async fn calling(target: Target, tally: Arc<Tally>, end: Instant) -> Outcome<()> {
    let mut sender = connect(&target).await?;
    while Instant::now() < end {
        for (path, count) in [(ONE, 1), (MANY, MESSAGES)] {
            let came = call(&mut sender, &target, path, question().repeat(count)).await;
            if came.is_err() {
                sender = connect(&target).await?;
            }
            tally.count("grpc", came, 200);
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

async fn connect(target: &Target) -> Outcome<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(target.address).await?;
    stream.set_nodelay(true)?;
    let mut tls = target.tls.as_deref().ok_or("gRPC goes by TLS here")?.clone();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let stream =
        tokio_rustls::TlsConnector::from(Arc::new(tls)).connect(ServerName::try_from("localhost")?, stream).await?;
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// One call: 200 if it ended well and all of it came.
async fn call(sender: &mut SendRequest<Full<Bytes>>, target: &Target, path: &str, body: Vec<u8>) -> Outcome<u16> {
    let mut request = Request::post(format!("https://localhost{path}"))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers");
    for (name, value) in &target.headers {
        request = request.header(*name, value);
    }
    sender.ready().await?;
    let response = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
    let head = response.headers().clone();
    let came = response.into_body().collect().await?;
    let status = came.trailers().unwrap_or(&head).get("grpc-status").cloned();
    match status.as_ref().map(HeaderValue::as_bytes) {
        Some(b"0") => Ok(200),
        other => Err(format!(
            "{path}: status {:?} {:?}",
            other.map(String::from_utf8_lossy),
            came.trailers().and_then(|own| own.get("grpc-message")).or(head.get("grpc-message"))
        )
        .into()),
    }
}
