//! The listener of a witness: HTTP/1.1, one call, `POST /add-checkpoint`.
//!
//! Plain HTTP is as good as TLS here: what is asked is signed by the ledger, what is answered by the witness, neither is
//! secret, and neither side believes anything else that the other says (<https://c2sp.org/tlog-witness> knows no other
//! authentication). TLS hides from the wire how often a plant has something to record.

use crate::judge::{Judge, Unsigned};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ledger::witness::{REQUEST_LIMIT, Refusal};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most connections at a time, and most from one address: nobody can take all the places.
const CONNECTIONS: usize = 256;
const FROM_ONE_ADDRESS: usize = 16;
/// How long a handshake may take; a request's head, the rest between two requests included; its body.
const HANDSHAKE: Duration = Duration::from_secs(10);
const HEAD: Duration = Duration::from_secs(10);
const BODY: Duration = Duration::from_secs(10);
/// Largest head of a request. What asks sends a few hundred bytes.
const HEAD_LIMIT: usize = 8 << 10;
/// How long requests under way may take once the witness is told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long accepting rests after the system refused a socket.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// The TLS of a listener; what is put in is used from the next connection on.
pub type Tls = Arc<ArcSwap<rustls::ServerConfig>>;

/// Where a witness listens.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS; `None` is plain HTTP.
    pub tls: Option<Tls>,
}

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("the witness cannot listen on {address}: {source}")]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// Why.
    pub source: std::io::Error,
}

/// A witness that listens.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    stopping: CancellationToken,
    tracker: TaskTracker,
}

impl Server {
    /// Binds every listener and begins to serve.
    ///
    /// # Errors
    /// When an address is taken; nothing listens then.
    pub async fn start(listen: &[Listen], judge: &Arc<Judge>) -> Result<Self, ListenError> {
        let mut bound = Vec::new();
        for Listen { address, tls } in listen {
            let failed = |source| ListenError { address: *address, source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            bound.push((listener, address, tls.clone()));
        }
        let server = Self { addresses: Vec::new(), stopping: CancellationToken::new(), tracker: TaskTracker::new() };
        let places = Places::default();
        let mut addresses = Vec::new();
        for (listener, address, tls) in bound {
            addresses.push(address);
            let door = Door {
                judge: Arc::clone(judge),
                places: places.clone(),
                tls,
                stopping: server.stopping.clone(),
                tracker: server.tracker.clone(),
            };
            server.tracker.spawn(door.open(listener));
        }
        Ok(Self { addresses, ..server })
    }

    /// The addresses, in the order they were given, with their true ports.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Stops accepting, and lets requests under way end for a few seconds.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.tracker.close();
        let _ = timeout(GRACE, self.tracker.wait()).await;
    }
}

/// One listener, and what its connections share.
struct Door {
    judge: Arc<Judge>,
    places: Places,
    tls: Option<Tls>,
    stopping: CancellationToken,
    tracker: TaskTracker,
}

impl Door {
    async fn open(self, listener: TcpListener) {
        let door = Arc::new(self);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = door.stopping.cancelled() => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Some(place) = door.places.take(peer.ip()) else { continue };
                    let connection = Arc::clone(&door);
                    door.tracker.spawn(async move {
                        connection.serve(stream).await;
                        drop(place);
                    });
                }
                Err(problem) => {
                    tracing::warn!(%problem, "witness: a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    async fn serve(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return self.http(stream).await };
        let acceptor = TlsAcceptor::from(tls.load_full());
        if let Ok(Ok(stream)) = timeout(HANDSHAKE, acceptor.accept(stream)).await {
            self.http(stream).await;
        }
    }

    async fn http<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) {
        let service = service_fn(|request| async { Ok::<_, Infallible>(answer(&self.judge, request).await) });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_LIMIT);
        let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.stopping.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        let _ = timeout(GRACE, connection).await;
    }
}

/// Who holds how many connections.
#[derive(Clone, Debug, Default)]
struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection, until it is dropped.
struct Place {
    places: Places,
    peer: IpAddr,
}

impl Places {
    fn take(&self, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = held.values().sum();
        let own = held.get(&peer).copied().unwrap_or(0);
        if all >= CONNECTIONS || own >= FROM_ONE_ADDRESS {
            tracing::debug!(%peer, "witness: holds as many connections as it may");
            return None;
        }
        held.insert(peer, own + 1);
        Some(Place { places: self.clone(), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(&self.peer) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(held.remove(&self.peer)),
        }
    }
}

/// One call.
async fn answer(judge: &Arc<Judge>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() != "/add-checkpoint" {
        return say(StatusCode::NOT_FOUND, "the only call is POST /add-checkpoint");
    }
    if request.method() != Method::POST {
        let mut refused = say(StatusCode::METHOD_NOT_ALLOWED, "the only call is POST /add-checkpoint");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return refused;
    }
    let too_long = || say(StatusCode::PAYLOAD_TOO_LARGE, "no request is that long");
    if request.body().size_hint().lower() > REQUEST_LIMIT as u64 {
        return too_long();
    }
    let body = match timeout(BODY, Limited::new(request.into_body(), REQUEST_LIMIT).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(problem)) if problem.is::<LengthLimitError>() => return too_long(),
        Ok(Err(_)) => return say(StatusCode::BAD_REQUEST, "the body broke off"),
        Err(_) => return say(StatusCode::REQUEST_TIMEOUT, "the body took too long"),
    };
    match judge.answer(&body).await {
        Ok(signatures) => with(StatusCode::OK, "text/plain; charset=utf-8", signatures),
        Err(Unsigned::Refused(Refusal::Conflict { size } | Refusal::OtherRoot { size })) => {
            with(StatusCode::CONFLICT, "text/x.tlog.size", format!("{size}\n"))
        }
        Err(unsigned) => {
            let mut refused = say(unsigned.status(), &unsigned.to_string());
            if matches!(unsigned, Unsigned::Busy) {
                refused.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            refused
        }
    }
}

fn say(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    with(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

fn with(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
