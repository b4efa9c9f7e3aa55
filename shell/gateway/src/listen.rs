//! Accepts connections, and hands each to [`crate::connection`].

use crate::{GOODBYE, Gate, Listener, Way, admin, connection, intercept};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long accepting rests after the system refused a socket (out of descriptors): not a busy loop.
const ACCEPT_REST: Duration = Duration::from_millis(50);
/// Most connections to the operations listener. A monitoring system and a few people need fewer.
const OPERATIONS: usize = 64;
/// How long a request of the operations listener may take to come, the rest between two included.
const OPERATIONS_HEAD: Duration = Duration::from_secs(30);

/// Accepts until told to stop.
pub(crate) async fn calls(gate: Arc<Gate>, listener: TcpListener, own: Listener) {
    while let Some((stream, peer)) = accept(&listener, &gate.stopping).await {
        let Ok(place) = Arc::clone(&gate.connections).try_acquire_owned() else {
            gate.metrics.connections_refused.inc();
            tracing::debug!(%peer, "connection refused: the gateway holds as many as it may");
            continue;
        };
        let (gate, own) = (Arc::clone(&gate), own.clone());
        let tracker = gate.tracker.clone();
        tracker.spawn(async move {
            let _held = gate.metrics.connection();
            match own.way {
                Way::Calls => connection::serve(&gate, stream, peer, own.tls).await,
                Way::Proxy => intercept::proxy(&gate, stream, peer, own.tls).await,
                Way::Transparent => intercept::transparent(&gate, stream, peer, own.address).await,
            }
            drop(place);
        });
    }
}

/// Serves the operations listener until nothing is under way any more: how a stop goes on is what people watch it for.
pub(crate) async fn operations(gate: Arc<Gate>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(OPERATIONS));
    while let Some((stream, _)) = accept(&listener, &gate.ended).await {
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let gate = Arc::clone(&gate);
        let watchers = gate.watchers.clone();
        watchers.spawn(async move {
            watched(gate, stream).await;
            drop(place);
        });
    }
}

/// Serves one connection of the operations listener.
async fn watched(gate: Arc<Gate>, stream: TcpStream) {
    let ended = gate.ended.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = admin::answer(&gate, &request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(OPERATIONS_HEAD);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = ended.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    // Only an answer that has begun is still to end.
    let _ = timeout(GOODBYE, connection).await;
}

async fn accept(listener: &TcpListener, until: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = until.cancelled() => return None,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Without it, small writes wait for the peer's delayed acknowledgement: 40 ms a call.
                let _ = stream.set_nodelay(true);
                return Some((stream, peer));
            }
            Err(problem) => {
                tracing::warn!(%problem, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}
