//! The gateway: listeners, TLS and HTTP around the one function that carries a call across, `exchange`.
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
mod amazon;
mod answer;
mod breakers;
mod chain;
mod company;
mod connection;
mod credential;
mod ends;
mod exchange;
mod files;
mod fixed;
mod flood;
mod flow;
mod forward;
mod gallery;
mod gate;
mod grpc;
mod headers;
mod holds;
mod inforce;
mod intake;
mod intercept;
mod isolation;
mod journal;
mod keeping;
mod keys;
mod leash;
mod life;
mod listen;
mod messages;
mod metrics;
mod oversight;
mod passing;
mod place;
mod quotas;
mod reader;
mod reading;
mod recorder;
mod replay;
mod reply;
mod reread;
mod room;
mod session;
mod shifts;
mod sockets;
mod source;
mod target;
mod telemetry;
mod tls;
mod tools;
mod upstream;
mod valve;
mod watch;
mod writing;

pub use files::{Opened, Replaced, open_files};
pub use flow::{Crossed, STEPS, step_begins};
pub use gallery::{KnownPictures, PictureSighting};
pub use headers::carried;
pub use holds::{Glimpse, HoldTerms, Waiting, Word};
pub use inforce::Inforce;
pub use intercept::{Authority, Encrypted, Host, Hosts, Interception, Mint, MintError, pac};
pub use keys::{Fetch, FetchError, Fetched, HttpFetch, OperatorKeys, Pending, SourceError};
pub use metrics::Metrics;
pub use oversight::Due;
pub use recorder::{Acknowledge, Ended, Kept, Known, Recorder, Unwritten, draw_id, now};
pub use reread::{Again, Reread};
pub use sockets::Sockets;
pub use telemetry::TRACES;
pub use tls::{Connector, TlsError, TlsFiles, client, connector, server};
pub use tools::{Offer, Offered, Print, Tools};
pub use upstream::Upstream;
pub use valve::Valve;
pub use writing::{Scribe, wanted};

pub(crate) use gate::Gate;

use seal::Mac;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tls::SharedTls;
use tokio::time::timeout;

/// How long streams that are cut at the end of the grace have for their last event and their record.
const GOODBYE: Duration = Duration::from_secs(2);

/// Where the gateway listens.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Address and port for calls; port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS; `None` is plain HTTP, which `config` allows on loopback only unless the plant insists.
    pub tls: Option<TlsFiles>,
    /// What comes in there.
    pub way: Way,
}

/// What comes in at a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Calls to the gateway's own address.
    #[default]
    Calls,
    /// Callers of a proxy.
    Proxy,
    /// Connections that the network hands over; never with TLS of its own.
    Transparent,
}

/// Limits of the gateway as a whole. Those of a single exchange are the conduit's.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest request head in bytes.
    pub header_bytes: usize,
    /// Longest wait for a request head, from its first byte to its last.
    pub header_timeout: Duration,
    /// Longest a connection may stay open without a call.
    pub idle_timeout: Duration,
    /// Most connections at a time.
    pub connections: usize,
    /// Most exchanges at a time.
    pub exchanges: usize,
    /// Most bytes of bodies that are held whole at a time, all exchanges together.
    pub bodies: usize,
    /// Most concurrent streams of one HTTP/2 connection.
    pub streams: u32,
    /// How long exchanges under way may go on once the gateway is told to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 64 << 10,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            connections: 10_000,
            exchanges: 4_096,
            bodies: 1 << 30,
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
    /// Knows a prompt again.
    pub shifts: Mac,
    /// Binds sessions of tool servers to the workloads that began them.
    pub sessions: Mac,
}

/// A gateway that listens.
pub struct Gateway {
    gate: Arc<Gate>,
    listeners: Vec<Listener>,
    operations: Option<SocketAddr>,
}

/// What has been used of quotas.
pub struct Used(Arc<Gate>);

impl Used {
    /// As text: what a restart goes on with.
    #[must_use]
    pub fn save(&self) -> String {
        self.0.quotas.save(self.0.inforce.load().quotas())
    }
}

/// A listener for calls.
#[derive(Clone)]
pub(crate) struct Listener {
    address: SocketAddr,
    tls: Option<Arc<SharedTls>>,
    way: Way,
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
    /// Binds every listener, save those among `sockets`, and begins to accept.
    ///
    /// # Errors
    /// When an address is taken or TLS material is unusable; nothing listens then.
    pub async fn start(
        (listen, operations, mut sockets): (&[Listen], Option<SocketAddr>, Sockets),
        limits: Limits,
        secrets: Secrets,
        inforce: Inforce,
        recorder: Arc<dyn Recorder>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let mut bound = Vec::new();
        for listen in listen {
            // Proxies are spoken to in HTTP/1.1: a tunnel of HTTP/2 is another protocol (RFC 9113 section 8.5).
            let load = |files| SharedTls::load(files, listen.way == Way::Calls);
            let tls = listen.tls.as_ref().map(load).transpose()?.map(Arc::new);
            let (listener, address) = sockets.listener(listen.address).await?;
            bound.push((listener, Listener { address, tls, way: listen.way }));
        }
        let operations = match operations {
            Some(address) => Some(sockets.listener(address).await?),
            None => None,
        };
        sockets.unused();
        let (ear, calls) = shifts::ear();
        let gate = Arc::new(Gate::new(inforce, recorder, secrets, limits, metrics, ear));
        gate.watchers.spawn(shifts::hear(Arc::clone(&gate), calls));
        gate.watchers.spawn(oversight::watch(Arc::clone(&gate)));
        let mut listeners = Vec::new();
        for (socket, listener) in bound {
            gate.tracker.spawn(listen::calls(Arc::clone(&gate), socket, listener.clone()));
            listeners.push(listener);
        }
        let operations = operations.map(|(listener, address)| {
            gate.watchers.spawn(listen::operations(Arc::clone(&gate), listener));
            address
        });
        Ok(Self { gate, listeners, operations })
    }

    /// The addresses that calls go to, in the order they were given, with their true ports.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listening(|way| way == Way::Calls)
    }

    /// The addresses that interception goes to, likewise.
    pub fn intercepting(&self) -> impl Iterator<Item = SocketAddr> {
        self.listening(|way| way != Way::Calls)
    }

    fn listening(&self, fits: impl Fn(Way) -> bool) -> impl Iterator<Item = SocketAddr> {
        self.listeners.iter().filter(move |listener| fits(listener.way)).map(|listener| listener.address)
    }

    /// The address of the operations listener.
    #[must_use]
    pub fn operations(&self) -> Option<SocketAddr> {
        self.operations
    }

    /// Puts another configuration in force. Exchanges under way end under the one they began with.
    pub fn enforce(&self, inforce: Inforce) {
        let inforce = inforce.after(&self.gate.inforce.load());
        self.gate.inforce.store(Arc::new(inforce));
    }

    /// What has been used of quotas; to be asked when the gateway has stopped, too.
    #[must_use]
    pub fn used(&self) -> Used {
        Used(Arc::clone(&self.gate))
    }

    /// What is in force now.
    #[must_use]
    pub fn inforce(&self) -> Arc<Inforce> {
        self.gate.inforce.load_full()
    }

    /// What controls it from elsewhere, while it runs.
    #[must_use]
    pub fn valve(&self) -> Valve {
        Valve { gate: Arc::clone(&self.gate) }
    }

    /// Reads certificates, keys and client authorities anew. Connections go on with the certificate that they began
    /// with, and each caller's is judged by the new authorities from its next call on.
    ///
    /// # Errors
    /// When one cannot be used; those in use stay.
    pub fn renew_tls(&self) -> Result<(), TlsError> {
        self.listeners.iter().filter_map(|listener| listener.tls.as_ref()).try_for_each(|tls| tls.renew())
    }

    /// Stops accepting, lets exchanges under way end within the grace, then cuts them. Says how many connections
    /// and streams were cut. The operations listener answers until the last of them has ended.
    pub async fn stop(self) -> usize {
        self.gate.stopping.cancel();
        self.gate.tracker.close();
        let ended = timeout(self.gate.limits.grace, self.gate.tracker.wait()).await;
        let left = if ended.is_ok() { 0 } else { self.gate.tracker.len() };
        self.gate.isolation.cut();
        // What is cut still says goodbye to its caller and writes its record; then its connection is closed.
        let _ = timeout(GOODBYE * 2, self.gate.tracker.wait()).await;
        self.gate.ended.cancel();
        self.gate.watchers.close();
        let _ = timeout(GOODBYE, self.gate.watchers.wait()).await;
        left
    }
}
