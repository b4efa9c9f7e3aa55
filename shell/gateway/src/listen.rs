//! Accepts connections, shakes hands, and hands each request to [`crate::exchange`].

use crate::recorder::Journal;
use crate::tls::ServerTls;
use crate::{Gate, admin, exchange};
use arc_swap::ArcSwap;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use identity::PresentedCertificate;
use plant::Who;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long accepting rests after the system refused a socket (out of descriptors): not a busy loop.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// Who holds a connection, as far as the connection itself tells.
pub(crate) struct Caller {
    pub(crate) peer: SocketAddr,
    pub(crate) certificate: Option<PresentedCertificate>,
}

impl Caller {
    pub(crate) fn who(&self) -> Who {
        Who { workload: None, workstation: None, operator: None, peer: self.peer.ip().to_canonical() }
    }
}

/// Accepts until told to stop.
pub(crate) async fn calls(
    gate: Arc<Gate>,
    listener: TcpListener,
    tls: Option<Arc<ArcSwap<ServerTls>>>,
    tracker: TaskTracker,
) {
    while let Some((stream, peer)) = accept(&listener, &gate.stopping).await {
        let Ok(place) = Arc::clone(&gate.connections).try_acquire_owned() else {
            tracing::warn!(%peer, "connection refused: the gateway holds as many as it may");
            continue;
        };
        let (gate, tls) = (Arc::clone(&gate), tls.as_ref().map(|tls| tls.load_full()));
        tracker.spawn(async move {
            gate.metrics.connections.inc();
            connection(&gate, stream, peer, tls).await;
            gate.metrics.connections.dec();
            drop(place);
        });
    }
}

/// Serves the operations listener until told to stop.
pub(crate) async fn operations(gate: Arc<Gate>, listener: TcpListener, tracker: TaskTracker) {
    while let Some((stream, _)) = accept(&listener, &gate.stopping).await {
        let gate = Arc::clone(&gate);
        tracker.spawn(async move {
            let stopping = gate.stopping.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = admin::answer(&gate, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HANDSHAKE);
            tokio::select! {
                _ = http.serve_connection(TokioIo::new(stream), service) => {}
                () = stopping.cancelled() => {}
            }
        });
    }
}

async fn accept(listener: &TcpListener, stopping: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => return None,
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

async fn connection(gate: &Arc<Gate>, stream: TcpStream, peer: SocketAddr, tls: Option<Arc<ServerTls>>) {
    let Some(tls) = tls else {
        return http(gate, stream, Caller { peer, certificate: None }, false).await;
    };
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(&tls.config));
    let stream = match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(problem)) => return tracing::debug!(%peer, %problem, "TLS handshake failed"),
        Err(_) => return tracing::debug!(%peer, "TLS handshake took too long"),
    };
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(|chain| {
        let leaf = chain.first()?;
        Some(PresentedCertificate::read(leaf, tls.judge(chain)))
    });
    let second = session.alpn_protocol() == Some(b"h2");
    http(gate, stream, Caller { peer, certificate }, second).await;
}

async fn http<S>(gate: &Arc<Gate>, stream: S, caller: Caller, second: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let caller = Arc::new(caller);
    let service = service_fn(|request: Request<Incoming>| {
        let (gate, caller) = (Arc::clone(gate), Arc::clone(&caller));
        async move { Ok::<_, Infallible>(exchange::exchange(gate, caller, request).await) }
    });
    let stream = TokioIo::new(stream);
    let header_bytes = gate.limits.header_bytes;
    let ended = if second {
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(header_bytes).unwrap_or(u32::MAX))
            .max_concurrent_streams(gate.limits.streams)
            .initial_stream_window_size(256 << 10)
            .initial_connection_window_size(1 << 20)
            .keep_alive_interval(Some(gate.limits.header_timeout));
        let mut serving = std::pin::pin!(http.serve_connection(stream, service));
        tokio::select! {
            ended = serving.as_mut() => ended,
            () = gate.stopping.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    } else {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(gate.limits.header_timeout)
            .max_buf_size(header_bytes.max(8192));
        let mut serving = std::pin::pin!(http.serve_connection(stream, service));
        tokio::select! {
            ended = serving.as_mut() => ended,
            () = gate.stopping.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    };
    if let Err(problem) = ended {
        tracing::debug!(peer = %caller.peer, %problem, "connection ended");
        if problem.is_parse() {
            // HTTP itself was broken, so no exchange began; somebody may be probing for request smuggling.
            let journal = Journal::open(Arc::clone(&gate.recorder), caller.who());
            exchange::refuse_unread(gate, journal).await;
        }
    }
}
