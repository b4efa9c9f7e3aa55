//! The operations listener: `/healthz`, `/readyz`, `/metrics`. No content, no authentication: keep it on loopback
//! or a management network.

use crate::Gate;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use std::sync::Arc;

/// Answers one request of the operations listener.
pub(crate) fn answer(gate: &Arc<Gate>, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n".to_owned());
        answer.headers_mut().insert(header::ALLOW, http::HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match request.uri().path() {
        "/healthz" => plain(StatusCode::OK, "alive\n".to_owned()),
        "/readyz" => match gate.readiness() {
            Ok(()) => plain(StatusCode::OK, "ready\n".to_owned()),
            Err(problem) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {problem}\n")),
        },
        "/metrics" => {
            gate.metrics.stand(gate.inforce.load().breakers().states());
            gate.metrics.owing(gate.book.open());
            let mut answer = Response::new(Full::new(Bytes::from(gate.metrics.encode())));
            let kind = http::HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
            answer.headers_mut().insert(header::CONTENT_TYPE, kind);
            answer
        }
        _ => plain(StatusCode::NOT_FOUND, "try /healthz, /readyz or /metrics\n".to_owned()),
    }
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}
