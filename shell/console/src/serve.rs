//! The listeners of the API: a socket in the file system for the gateway's own user, and TCP with or without TLS.

use crate::answer::{Caller, Desk};
use crate::control::{Control, Person};
use crate::entrance::Entrance;
use crate::front::Front;
use crate::session::owner;
use arc_swap::ArcSwap;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most connections at a time, by either way: whoever takes all of one way leaves the other open. A browser takes up to six.
const CONNECTIONS: usize = 256;
/// How long a handshake may take; a request's head, the rest between two requests included.
const HANDSHAKE: Duration = Duration::from_secs(10);
const HEAD: Duration = Duration::from_secs(30);
/// Largest head: an operator's token is large.
const HEAD_LIMIT: usize = 32 << 10;
/// How long requests under way may take once the gateway is told to stop.
const GRACE: Duration = Duration::from_secs(2);
/// How long accepting rests after the system refused a socket.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// The TLS of a listener; what is put in is used from the next connection on.
pub type Tls = Arc<ArcSwap<rustls::ServerConfig>>;

/// Where the API listens beyond the machine's own socket.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS; `None` is plain HTTP.
    pub tls: Option<Tls>,
    /// What browsers reach it by, if that is not the address: scheme, host and port.
    pub url: Option<String>,
}

/// The API cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("the console cannot listen on `{place}`")]
pub struct ListenError {
    /// Where.
    pub place: String,
    /// Why.
    pub source: std::io::Error,
}

/// The API, listening.
pub struct Console {
    address: Option<SocketAddr>,
    socket: PathBuf,
    front: Arc<Front>,
    stopping: CancellationToken,
    tracker: TaskTracker,
}

impl Console {
    /// Binds the listeners and begins to serve. A socket that an earlier gateway left behind is replaced: the caller
    /// knows that none is running.
    ///
    /// # Errors
    /// When a listener cannot be bound; nothing listens then.
    pub async fn start(
        socket: &Path,
        listen: Option<&Listen>,
        control: Arc<dyn Control>,
        entrance: Arc<dyn Entrance>,
    ) -> Result<Self, ListenError> {
        let local = at_home(socket).map_err(|source| ListenError { place: socket.display().to_string(), source })?;
        let mut bound = None;
        if let Some(Listen { address, tls, .. }) = listen {
            let failed = |source| ListenError { place: address.to_string(), source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            bound = Some((listener.local_addr().map_err(failed)?, listener, tls.clone()));
        }
        let (stopping, tracker) = (CancellationToken::new(), TaskTracker::new());
        let front = Arc::new(Front::new(Arc::clone(&control), entrance));
        tracker.spawn(Arc::clone(&front.pulse).live(stopping.clone()));
        tracker.spawn(Arc::clone(&front).sum_up(stopping.clone()));
        let door = |tls| Door {
            desk: Arc::new(Desk::new(Arc::clone(&control), Arc::clone(&front), stopping.clone())),
            places: Arc::new(Semaphore::new(CONNECTIONS)),
            tls,
            stopping: stopping.clone(),
            tracker: tracker.clone(),
        };
        tracker.spawn(door(None).open_local(local));
        let address = bound.map(|(address, listener, tls)| {
            front.open(listen.and_then(|listen| listen.url.as_deref()), address, tls.is_some());
            tracker.spawn(door(tls).open(listener));
            address
        });
        Ok(Self { address, socket: socket.to_owned(), front, stopping, tracker })
    }

    /// The address, if it has one, with its true port.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// A one-time link by which the gateway's own user signs in, who may do everything on its machine anyway. `None` if there is no
    /// address for it.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        self.front.link(owner()).ok().map(|(link, _)| link)
    }

    /// Stops accepting, and lets requests under way end for a moment.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.tracker.close();
        let _ = timeout(GRACE, self.tracker.wait()).await;
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Binds the socket that only the gateway's own user can open.
fn at_home(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => return Err(problem),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// One listener, and what its connections share.
#[derive(Clone)]
struct Door {
    desk: Arc<Desk>,
    places: Arc<Semaphore>,
    tls: Option<Tls>,
    stopping: CancellationToken,
    tracker: TaskTracker,
}

impl Door {
    async fn open(self, listener: TcpListener) {
        while let Some((stream, peer)) = self.accepted(|| listener.accept()).await {
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { continue };
            let door = self.clone();
            self.tracker.spawn(async move {
                door.shake_hands(stream, peer.ip().to_canonical()).await;
                drop(place);
            });
        }
    }

    async fn open_local(self, listener: UnixListener) {
        while let Some((stream, _)) = self.accepted(|| listener.accept()).await {
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { continue };
            let door = self.clone();
            self.tracker.spawn(async move {
                let caller = Caller { local: local(&stream), peer: None };
                door.serve(stream, caller).await;
                drop(place);
            });
        }
    }

    async fn accepted<T, F: Future<Output = std::io::Result<T>>>(&self, accept: impl Fn() -> F) -> Option<T> {
        loop {
            let accepted = tokio::select! {
                accepted = accept() => accepted,
                () = self.stopping.cancelled() => return None,
            };
            match accepted {
                Ok(connection) => return Some(connection),
                Err(problem) => {
                    tracing::warn!(%problem, "console: a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    async fn shake_hands(self, stream: TcpStream, peer: IpAddr) {
        let _ = stream.set_nodelay(true);
        let caller = Caller { local: None, peer: Some(peer) };
        let Some(tls) = &self.tls else { return self.serve(stream, caller).await };
        let acceptor = TlsAcceptor::from(tls.load_full());
        if let Ok(Ok(stream)) = timeout(HANDSHAKE, acceptor.accept(stream)).await {
            self.serve(stream, caller).await;
        }
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin, caller: Caller) {
        let caller = &caller;
        let service = service_fn(|request: Request<Incoming>| async move {
            Ok::<_, Infallible>(self.desk.answer(caller, request).await)
        });
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

/// Who sits at the machine: the kernel says it. The gateway's own user and the system's may read its keys too, so there
/// is nothing to keep from them; where two people are needed, each of them is one.
fn local(stream: &UnixStream) -> Option<Person> {
    let user = stream.peer_cred().ok()?.uid();
    (user == 0 || user == rustix::process::geteuid().as_raw()).then_some(())?;
    Some(Person::of_machine(user, "local"))
}
