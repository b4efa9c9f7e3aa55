//! One connection, from its handshake to its end: HTTP over it, each request given to [`crate::exchange`].

use crate::intercept::Via;
use crate::journal::Journal;
use crate::life::{Heard, Life, Over, Patience};
use crate::replay::Replay;
use crate::tls::{SharedTls, Shown};
use crate::{GOODBYE, Gate, Limits, exchange, oversight};
use bytes::BytesMut;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use identity::PresentedCertificate;
use plant::{Reason, Refusal, Who};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long somebody who has just connected has for their first call once the gateway is told to stop.
const FIRST_CALL: Duration = Duration::from_secs(1);
/// Most bytes of an answer that one HTTP/2 stream keeps for a caller that does not read. With all streams of a
/// connection stalled that is 16 MiB.
const SEND_BUFFER: usize = 64 << 10;
/// How a connection begins that speaks HTTP/2 without having said so in a handshake.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Where a connection comes from, and what its holder proved with it.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) peer: SocketAddr,
    pub(crate) shown: Option<Arc<Shown>>,
}

/// Who holds a connection, as far as the connection itself tells.
pub(crate) struct Caller {
    pub(crate) peer: SocketAddr,
    pub(crate) life: Arc<Life>,
    shown: Option<Arc<Shown>>,
    /// How its calls come here, if not to our own address.
    pub(crate) via: Option<Arc<Via>>,
}

impl Caller {
    pub(crate) fn new(origin: &Origin, life: Arc<Life>, via: Option<Arc<Via>>) -> Self {
        Self { peer: origin.peer, life, shown: origin.shown.clone(), via }
    }

    pub(crate) fn who(&self) -> Who {
        nobody(self.peer)
    }

    /// The certificate that it proved possession of, judged by the authorities in force now: a connection can outlive
    /// them.
    pub(crate) fn certificate(&self) -> Option<Arc<PresentedCertificate>> {
        self.shown.as_deref().map(Shown::certificate)
    }
}

/// Somebody at an address.
fn nobody(peer: SocketAddr) -> Who {
    Who { client: None, workload: None, workstation: None, operator: None, peer: peer.ip().to_canonical() }
}

/// Serves one connection to its end.
pub(crate) async fn serve(gate: &Arc<Gate>, stream: TcpStream, peer: SocketAddr, tls: Option<Arc<SharedTls>>) {
    match tls {
        None => plain(gate, stream, &Origin { peer, shown: None }).await,
        Some(tls) => {
            if let Some((stream, origin, second)) = shake(gate, stream, peer, tls).await {
                http(gate, stream, &origin, None, second).await;
            }
        }
    }
}

/// Serves a connection in the clear. Where calls of gRPC are taken, whoever speaks HTTP/2 begins with it (RFC 9113 section 3.3);
/// elsewhere nobody has a reason to.
async fn plain(gate: &Arc<Gate>, mut stream: TcpStream, origin: &Origin) {
    if !gate.inforce.load().takes_grpc() {
        return http(gate, stream, origin, None, false).await;
    }
    let life = Life::begin(Patience::of(&gate.limits), true);
    let mut begun = BytesMut::with_capacity(PREFACE.len());
    let second = tokio::select! {
        second = begins_second(&mut stream, &mut begun) => second,
        over = life.over() => return tell(gate, origin, Ended::Over(over)).await,
        () = gate.stopping.cancelled() => false,
    };
    let stream = Replay { bytes: begun.freeze(), stream };
    if second {
        http(gate, stream, origin, None, true).await;
    } else {
        live(gate, stream, origin, None, false, life).await;
    }
}

/// Reads as long as what comes could be the preface of HTTP/2; whether it is.
async fn begins_second(stream: &mut TcpStream, begun: &mut BytesMut) -> bool {
    while PREFACE.starts_with(begun) && begun.len() < PREFACE.len() {
        let left = PREFACE.len() - begun.len();
        match stream.take(left as u64).read_buf(begun).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return false,
        }
    }
    begun == PREFACE
}

/// Shakes hands; gives what the caller showed, and whether it speaks HTTP/2. `None` if that failed.
pub(crate) async fn shake(
    gate: &Gate,
    stream: TcpStream,
    peer: SocketAddr,
    tls: Arc<SharedTls>,
) -> Option<(TlsStream<TcpStream>, Origin, bool)> {
    let failed = |cause| {
        gate.metrics.handshake_failed(cause);
        tracing::debug!(%peer, cause, "TLS handshake failed");
        None
    };
    let judged_by = tls.current();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(&judged_by.config));
    let stream = match timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        // What the client gets wrong is a TLS alert; anything else is a connection that went away.
        Ok(Err(problem)) if problem.kind() == std::io::ErrorKind::InvalidData => return failed("tls"),
        Ok(Err(_)) => return failed("gone"),
        Err(_) => return failed("slow"),
    };
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates().and_then(|chain| Shown::new(chain, Arc::clone(&tls), judged_by));
    let second = session.alpn_protocol() == Some(b"h2");
    Some((stream, Origin { peer, shown: shown.map(Arc::new) }, second))
}

/// HTTP/1.1 as we take it. `Life` keeps the time of heads. A buffer that is full ends one that goes on and on, but one
/// that comes all at once may be larger than the buffer.
pub(crate) fn first(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_header_size(limits.header_bytes)
        .max_buf_size(limits.header_bytes.max(8192));
    http
}

/// Speaks HTTP on a connection that has been accepted.
pub(crate) async fn http<S>(gate: &Arc<Gate>, stream: S, origin: &Origin, via: Option<Arc<Via>>, second: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let life = Life::begin(Patience::of(&gate.limits), !second);
    live(gate, stream, origin, via, second, life).await;
}

async fn live<S>(gate: &Arc<Gate>, stream: S, origin: &Origin, via: Option<Arc<Via>>, second: bool, life: Arc<Life>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &gate.limits;
    let caller = Arc::new(Caller::new(origin, Arc::clone(&life), via));
    let service = service_fn(|request: Request<Incoming>| {
        let (gate, caller) = (Arc::clone(gate), Arc::clone(&caller));
        async move {
            let own = caller.via.is_none() && request.uri().path() == oversight::PATH;
            Ok::<_, Infallible>(match own {
                true => oversight::take(gate, caller, request).await,
                false => exchange::exchange(gate, caller, request).await,
            })
        }
    });
    let ended = if second {
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .max_concurrent_streams(limits.streams)
            .max_send_buf_size(SEND_BUFFER)
            .initial_stream_window_size(256 << 10)
            .initial_connection_window_size(1 << 20)
            .keep_alive_interval(Some(limits.idle_timeout));
        drive(gate, &life, http.serve_connection(TokioIo::new(stream), service), |http| http.graceful_shutdown()).await
    } else {
        let stream = TokioIo::new(Heard { stream, life: Arc::clone(&life) });
        let http = first(limits).serve_connection(stream, service).with_upgrades();
        drive(gate, &life, http, |http| http.graceful_shutdown()).await
    };
    tell(gate, origin, ended).await;
}

/// Tells how a connection ended, and records it where that says something of its holder.
pub(crate) async fn tell(gate: &Arc<Gate>, origin: &Origin, ended: Ended) {
    let peer = origin.peer;
    match ended {
        Ended::Closed(Ok(())) => {}
        Ended::Closed(Err(problem)) => {
            tracing::debug!(%peer, %problem, "connection ended");
            // HTTP itself was broken, so no exchange began; somebody may be probing for request smuggling.
            if problem.is_parse() && gate.flood.admits(gate) {
                let refusal = Refusal::new(Reason::BadRequest, "the bytes on the connection were no HTTP request");
                let _ = Journal::open(gate, nobody(peer)).refuse(&refusal).await;
            }
        }
        Ended::Over(over) => {
            gate.metrics.connection_cut(over);
            tracing::debug!(%peer, cause = over.name(), "connection cut");
        }
        Ended::Stopped => tracing::debug!(%peer, "connection cut: the gateway stops"),
    }
}

/// How a connection ended.
pub(crate) enum Ended {
    /// By itself.
    Closed(hyper::Result<()>),
    /// Its life was over.
    Over(Over),
    /// The gateway stopped, and the grace was over.
    Stopped,
}

/// Drives a connection until it ends, until its life is over, or until the gateway stops.
pub(crate) async fn drive<C>(gate: &Gate, life: &Life, connection: C, wind_down: impl Fn(Pin<&mut C>)) -> Ended
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return Ended::Closed(ended),
        over = life.over() => {
            if over == Over::Idle {
                // Nobody is served, so this says goodbye (GOAWAY, TLS close_notify) and ends.
                wind_down(connection.as_mut());
                let _ = timeout(GOODBYE, connection).await;
            }
            return Ended::Over(over);
        }
        () = gate.stopping.cancelled() => {}
    }
    // hyper closes a connection on which nothing came yet, and the call may be on its way: they were let in, so they are served.
    if life.is_fresh()
        && let Ok(ended) = timeout(FIRST_CALL, connection.as_mut()).await
    {
        return Ended::Closed(ended);
    }
    wind_down(connection.as_mut());
    tokio::select! {
        ended = connection => Ended::Closed(ended),
        over = life.over() => Ended::Over(over),
        () = gate.isolation.gone() => Ended::Stopped,
    }
}
