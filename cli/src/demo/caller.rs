//! The plant's applications: each calls from an address of its own zone, over TLS, as an SDK would.

use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use miette::{IntoDiagnostic, WrapErr, miette};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

/// Longest call: everything is on this machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an application got.
#[derive(Debug)]
pub(super) struct Got {
    /// The HTTP status.
    pub(super) status: u16,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// What a person reads of the body: the answer, or the error's message.
    pub(super) text: String,
    /// Events of a stream that carried text; 0 if it was none.
    pub(super) events: usize,
}

impl Got {
    /// A header as text.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// TLS for an application that trusts the plant's authority, with the certificate of `workload` if it has one.
pub(super) fn tls(folder: &Path, workload: Option<&str>) -> miette::Result<TlsConnector> {
    let read = |path: &Path| {
        CertificateDer::from_pem_file(path)
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot read `{}`", path.display()))
    };
    let mut roots = RootCertStore::empty();
    roots.add(read(&folder.join("pki/authority.pem"))?).into_diagnostic()?;
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .into_diagnostic()?
        .with_root_certificates(roots);
    let config = match workload {
        None => builder.with_no_client_auth(),
        Some(workload) => {
            let stem = folder.join("pki/workloads").join(workload);
            let key = PrivateKeyDer::from_pem_file(stem.with_extension("key")).into_diagnostic()?;
            builder.with_client_auth_cert(vec![read(&stem.with_extension("pem"))?], key).into_diagnostic()?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Makes one call from an address.
pub(super) async fn call(
    from: Ipv4Addr,
    tls: &TlsConnector,
    gateway: SocketAddr,
    request: Request<Full<Bytes>>,
) -> miette::Result<Got> {
    let made = tokio::time::timeout(PATIENCE, exchange(from, tls, gateway, request)).await;
    made.map_err(|_| miette!("no answer within {} s", PATIENCE.as_secs()))?
}

async fn exchange(
    from: Ipv4Addr,
    tls: &TlsConnector,
    gateway: SocketAddr,
    request: Request<Full<Bytes>>,
) -> miette::Result<Got> {
    let socket = TcpSocket::new_v4().into_diagnostic()?;
    socket.bind(SocketAddr::from((from, 0))).into_diagnostic().wrap_err_with(|| format!("cannot call from {from}"))?;
    let stream = socket.connect(gateway).await.into_diagnostic().wrap_err("the gateway cannot be reached")?;
    let stream = tls.connect(ServerName::from(gateway.ip()), stream).await.into_diagnostic()?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.into_diagnostic()?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await.into_diagnostic()?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.into_diagnostic().wrap_err("the answer broke off")?.to_bytes();
    connection.abort();
    let kind = head.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (text, events) = read(kind.unwrap_or_default(), &body);
    Ok(Got { status: head.status.as_u16(), headers: head.headers, text, events })
}

/// Reads an answer as an SDK would, in any of the demo's dialects.
fn read(kind: &str, body: &[u8]) -> (String, usize) {
    if kind.starts_with("text/event-stream") {
        let body = String::from_utf8_lossy(body);
        let events = body.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok());
        let said: Vec<String> =
            events.filter_map(|event: Value| said(&event)).filter(|text| !text.is_empty()).collect();
        return (said.concat(), said.len());
    }
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    (said(&value).unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()), 0)
}

/// The text in a document or an event.
fn said(value: &Value) -> Option<String> {
    const PLACES: [&str; 6] = [
        "/choices/0/message/content",
        "/choices/0/delta/content",
        "/content/0/text",
        "/delta/text",
        "/error/message",
        "/error",
    ];
    if let Some(score) = value.pointer("/outputs/0/data/0") {
        return Some(format!("{} {score}", value.pointer("/outputs/0/name").and_then(Value::as_str)?));
    }
    PLACES.iter().find_map(|place| value.pointer(place)?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn answers_of_every_dialect_are_read() {
        let json = |text: &str| read("application/json", text.as_bytes()).0;
        assert_eq!(json(r#"{"choices":[{"message":{"content":"a"}}]}"#), "a");
        assert_eq!(json(r#"{"content":[{"type":"text","text":"b"}]}"#), "b");
        assert_eq!(json(r#"{"error":{"message":"no"}}"#), "no");
        assert_eq!(json(r#"{"outputs":[{"name":"score","data":[0.5]}]}"#), "score 0.5");
    }

    #[test]
    fn a_stream_is_put_together_and_its_events_are_counted() {
        let body = "event: x\ndata: {\"delta\":{\"text\":\"he\"}}\n\ndata: {\"type\":\"ping\"}\n\ndata: {\"delta\":{\"text\":\"y\"}}\n\n";
        assert_eq!(read("text/event-stream; charset=utf-8", body.as_bytes()), ("hey".to_owned(), 2));
    }
}
