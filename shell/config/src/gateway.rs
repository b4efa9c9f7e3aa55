//! How the gateway of a plant runs: where it listens, where its files are, what it takes at most.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The `[gateway]` table: complete, paths joined to the plant's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Where HTTPS is spoken.
    pub listen: Vec<SocketAddr>,
    /// Where plain HTTP is spoken: on loopback, unless the plant file insists.
    pub plain_http: Vec<SocketAddr>,
    /// Where health and metrics are served, in plain HTTP and without content.
    pub admin: Option<SocketAddr>,
    /// The gateway's certificate chain, PEM.
    pub certificate: PathBuf,
    /// The certificate's private key, PEM.
    pub key: PathBuf,
    /// The authorities that issue client certificates, PEM.
    pub client_authority: PathBuf,
    /// The folder of the ledger.
    pub ledger: PathBuf,
    /// The folder of `gateway.key` and `plant.key`.
    pub keys: PathBuf,
    /// The file of hashed workload tokens.
    pub tokens: PathBuf,
    /// What it takes at most.
    pub limits: Limits,
    /// Where traces go, if anywhere.
    pub telemetry: Option<Telemetry>,
}

/// What the gateway takes at most, whatever conduit a call is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest head of a request: request line and headers, in bytes.
    pub header_bytes: u64,
    /// Longest wait for the whole head of a request.
    pub header_timeout: Duration,
    /// Longest a connection may stay open without a call.
    pub idle_timeout: Duration,
    /// Most connections at once.
    pub connections: u32,
    /// Most exchanges at once.
    pub exchanges: u32,
    /// Longest a stopping gateway waits for exchanges under way.
    pub drain_timeout: Duration,
}

/// Where OpenTelemetry traces go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// The OTLP endpoint over HTTP, for example `http://127.0.0.1:4318`.
    pub otlp: String,
    /// The `service.name` of the traces.
    pub service: String,
}
