//! Interception: for applications whose base URL cannot be changed.
//!
//! ```text
//! proxy ────────> CONNECT host:port ─┐                         ┌─ splice: a pinned host, bytes unread and recorded so
//! transparent ──> original address ──┴─> ClientHello ─> settle ┼─ intercept: the upstream's certificate first, then a leaf of
//!                                                              │  ours, then every request through `exchange`
//!                                                              └─ refuse: everything else
//! ```
//!
//! The host of a connection stands where the name in the path stands otherwise: it tells the provider, and the whole path
//! is the provider's. Nothing here decides about a call; `exchange` does, as for any other.

mod authority;
mod hosts;
mod journal;
mod mint;
mod pac;
mod proxy;
mod settle;
mod splice;
#[cfg(test)]
mod tests;
mod transparent;
mod tunnel;

pub use authority::Authority;
pub use hosts::{Host, Hosts};
pub use mint::{Mint, MintError};
pub use pac::pac;
pub(crate) use {authority::Via, proxy::serve as proxy, transparent::serve as transparent};

use plant::WorkloadId;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What an encrypted `ClientHello` comes to on a connection that would be intercepted. On one that would be spliced it is always
/// refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encrypted {
    /// The connection is refused: it may be for another host than it says.
    #[default]
    Refuse,
    /// It is left unread, as servers without keys for it do (RFC 9849 section 7.1): the handshake is for the host that it says openly,
    /// and a caller who meant another ends it. Browsers send decoys that look the same as the real thing.
    Decline,
}

/// What is in force for connections that are taken over.
#[derive(Debug)]
pub struct Interception {
    /// Which host leads to which provider.
    pub hosts: Hosts,
    /// Hosts whose connections pass unread, since their applications believe one certificate only.
    pub pinned: BTreeSet<String>,
    /// Addresses that stand for a workload where nothing else proves one: first and last of a network.
    pub callers: Vec<(IpAddr, IpAddr, WorkloadId)>,
    /// What an encrypted `ClientHello` comes to.
    pub encrypted: Encrypted,
    /// Whether a proxy caller without evidence is asked for it (407) before anything else.
    pub challenge: bool,
    /// Issues the certificates that callers are shown.
    pub mint: Mint,
    /// The authorities that callers must believe in, PEM: what the proxy gives to whoever asks.
    pub bundle: String,
}

impl Interception {
    /// The workload that an address stands for.
    pub(crate) fn workload_at(&self, address: IpAddr) -> Option<&WorkloadId> {
        let address = address.to_canonical();
        let holds = |(first, last, _): &&(IpAddr, IpAddr, WorkloadId)| {
            first.is_ipv4() == address.is_ipv4() && (*first..=*last).contains(&address)
        };
        self.callers.iter().find(holds).map(|(_, _, workload)| workload)
    }
}
