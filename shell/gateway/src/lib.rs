//! The gateway: listeners, TLS and HTTP around the one function that carries a call across, [`exchange`].
//!
//! ```text
//! listen ─ accept, shake hands ──> exchange ─ identify, place, read, decide, record ──> upstream ─ forward
//!    ^                                                                                     │
//!    └──────────── answer ─ rewritten as it streams, recorded before its last byte <───────┘
//! ```
//!
//! It is handed everything it decides with ([`Inforce`]) and the [`Recorder`] that it writes to; it reads no
//! file of the plant but TLS material, and knows neither TOML nor how records are stored.

mod account;
mod admin;
mod answer;
mod exchange;
mod inforce;
mod intake;
mod keys;
mod listen;
mod metrics;
mod reading;
mod recorder;
mod reply;
mod target;
mod telemetry;
mod tls;
mod upstream;

pub use inforce::Inforce;
pub use keys::{Fetch, FetchError, Fetched, HttpFetch, OperatorKeys, Pending, SourceError};
pub use metrics::Metrics;
pub use recorder::{Acknowledge, Recorder, Unwritten, now};
pub use telemetry::TRACES;
pub use tls::{TlsError, TlsFiles};
pub use upstream::Upstream;

use arc_swap::ArcSwap;
use seal::Mac;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tls::ServerTls;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long streams that are cut at the end of the grace have for their last event and their record.
const GOODBYE: Duration = Duration::from_secs(2);

/// Where the gateway listens.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Address and port for calls; port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS; `None` is plain HTTP, which `config` allows on loopback only unless the plant insists.
    pub tls: Option<TlsFiles>,
}

/// Limits of the gateway as a whole. Those of a single exchange are the conduit's.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest request head in bytes.
    pub header_bytes: usize,
    /// Longest wait for a request head.
    pub header_timeout: Duration,
    /// Most connections at a time.
    pub connections: usize,
    /// Most exchanges at a time.
    pub exchanges: usize,
    /// Most concurrent streams of one HTTP/2 connection.
    pub streams: u32,
    /// How long exchanges under way may go on once the gateway is told to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 64 << 10,
            header_timeout: Duration::from_secs(30),
            connections: 10_000,
            exchanges: 4_000,
            streams: 250,
            grace: Duration::from_secs(30),
        }
    }
}

/// Keys that the gateway uses on content, each derived from the plant's root key under its own label.
pub struct Secrets {
    /// Makes the commitments in records.
    pub commitments: Mac,
    /// Makes tokens from values.
    pub tokens: Mac,
}

/// What every exchange shares.
pub(crate) struct Gate {
    inforce: ArcSwap<Inforce>,
    recorder: Arc<dyn Recorder>,
    secrets: Secrets,
    limits: Limits,
    metrics: Arc<Metrics>,
    connections: Arc<Semaphore>,
    exchanges: Arc<Semaphore>,
    /// Told to stop: nothing new is accepted.
    stopping: CancellationToken,
    /// Out of grace: streams under way are cut.
    cutting: CancellationToken,
    tracker: TaskTracker,
}

impl Gate {
    fn readiness(&self) -> Result<(), String> {
        if self.stopping.is_cancelled() {
            return Err("the gateway is shutting down".to_owned());
        }
        self.recorder.health()
    }
}

/// A gateway that listens.
pub struct Gateway {
    gate: Arc<Gate>,
    listeners: Vec<(SocketAddr, Option<(TlsFiles, Arc<ArcSwap<ServerTls>>)>)>,
    operations: Option<SocketAddr>,
}

/// The gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// TLS material cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Gateway {
    /// Binds every listener and begins to accept.
    ///
    /// # Errors
    /// When an address is taken or TLS material is unusable; nothing listens then.
    pub async fn start(
        listen: &[Listen],
        operations: Option<SocketAddr>,
        limits: Limits,
        secrets: Secrets,
        inforce: Inforce,
        recorder: Arc<dyn Recorder>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let mut bound = Vec::new();
        for listen in listen {
            let tls = match &listen.tls {
                Some(files) => Some((files.clone(), Arc::new(ArcSwap::from_pointee(ServerTls::load(files)?)))),
                None => None,
            };
            bound.push((bind(listen.address).await?, tls));
        }
        let operations = match operations {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let gate = Arc::new(Gate {
            inforce: ArcSwap::from_pointee(inforce),
            recorder,
            secrets,
            metrics,
            connections: Arc::new(Semaphore::new(limits.connections)),
            exchanges: Arc::new(Semaphore::new(limits.exchanges)),
            limits,
            stopping: CancellationToken::new(),
            cutting: CancellationToken::new(),
            tracker: TaskTracker::new(),
        });
        let mut listeners = Vec::new();
        for ((listener, address), tls) in bound {
            let shared = tls.as_ref().map(|(_, tls)| Arc::clone(tls));
            gate.tracker.spawn(listen::calls(Arc::clone(&gate), listener, shared, gate.tracker.clone()));
            listeners.push((address, tls));
        }
        let operations = operations.map(|(listener, address)| {
            gate.tracker.spawn(listen::operations(Arc::clone(&gate), listener, gate.tracker.clone()));
            address
        });
        Ok(Self { gate, listeners, operations })
    }

    /// The addresses that calls go to, in the order they were given, with their true ports.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listeners.iter().map(|(address, _)| *address)
    }

    /// The address of the operations listener.
    #[must_use]
    pub fn operations(&self) -> Option<SocketAddr> {
        self.operations
    }

    /// Puts another configuration in force. Exchanges under way end under the one they began with.
    pub fn enforce(&self, inforce: Inforce) {
        self.gate.inforce.store(Arc::new(inforce));
    }

    /// What is in force now.
    #[must_use]
    pub fn inforce(&self) -> Arc<Inforce> {
        self.gate.inforce.load_full()
    }

    /// Reads certificates and keys anew, for connections to come.
    ///
    /// # Errors
    /// When one cannot be used; those in use stay.
    pub fn renew_tls(&self) -> Result<(), TlsError> {
        for (files, tls) in self.listeners.iter().filter_map(|(_, tls)| tls.as_ref()) {
            tls.store(Arc::new(ServerTls::load(files)?));
        }
        Ok(())
    }

    /// Stops accepting, lets exchanges under way end within the grace, then cuts them. Says how many were cut.
    pub async fn stop(self) -> usize {
        self.gate.stopping.cancel();
        self.gate.tracker.close();
        let ended = tokio::time::timeout(self.gate.limits.grace, self.gate.tracker.wait()).await;
        let left = if ended.is_ok() { 0 } else { self.gate.tracker.len() };
        self.gate.cutting.cancel();
        // What is cut still says goodbye to its caller and writes its record.
        let _ = tokio::time::timeout(GOODBYE, self.gate.tracker.wait()).await;
        left
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
