//! Settles what becomes of a connection from what it says before anybody has answered: the tunnel that was asked for, or the
//! address that it was taken over from, and the `ClientHello`. Pure, so that every way of saying two things is a line in a table.

use super::{Authority, Encrypted, Interception};
use hello::Hello;
use plant::{Reason, Refusal};
use std::net::SocketAddr;

/// Where a caller wanted to go, before it said so in TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It asked a proxy for a tunnel to this host.
    Tunnel(Authority),
    /// It was taken over on its way to this address.
    Address(SocketAddr),
    /// It came here by itself, because a name leads here.
    Here,
}

impl Wanted {
    /// By which listener it came, as records say it.
    pub(crate) fn way(&self) -> &'static str {
        match self {
            Self::Tunnel(_) => "proxy",
            Self::Address(_) | Self::Here => "transparent",
        }
    }
}

/// What becomes of a connection that is not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Its bytes go to the host unread.
    Splice(Authority),
    /// We answer in the host's name.
    Intercept(Authority),
}

/// Decides; where anything is unclear, it refuses.
pub(crate) fn settle(inforce: &Interception, wanted: &Wanted, hello: &Hello) -> Result<Settled, Refusal> {
    let to = destination(inforce, wanted, hello)?;
    if inforce.hosts.provider(&to, true).is_none() {
        return Err(Refusal::new(Reason::UnknownHost, format!("`{to}` is no provider of this plant")));
    }
    let pinned = inforce.pinned.contains(&to.host);
    if hello.encrypted && (pinned || inforce.encrypted == Encrypted::Refuse) {
        let detail = format!("the handshake for `{}` may hide another one (ECH)", to.host);
        return Err(Refusal::new(Reason::HelloRefused, detail));
    }
    Ok(if pinned { Settled::Splice(to) } else { Settled::Intercept(to) })
}

/// The one host that everything which was said names.
fn destination(inforce: &Interception, wanted: &Wanted, hello: &Hello) -> Result<Authority, Refusal> {
    let unnamed = || Err(Refusal::new(Reason::HelloRefused, "the handshake names no server"));
    let apart = |one: &str, other: &str| {
        Err(Refusal::new(Reason::HostMismatch, format!("the tunnel is for `{one}`, the handshake for `{other}`")))
    };
    match (wanted, &hello.server_name) {
        (Wanted::Tunnel(to), Some(name)) if *name == to.host => Ok(to.clone()),
        (Wanted::Tunnel(to), Some(name)) => apart(&to.host, name),
        // TLS names no addresses (RFC 6066 section 3), so one that names nothing may mean that of its tunnel.
        (Wanted::Tunnel(to), None) if to.address().is_some() => Ok(to.clone()),
        (Wanted::Tunnel(_) | Wanted::Here, None) => unnamed(),
        (Wanted::Address(address), None) => {
            Ok(Authority { host: address.ip().to_canonical().to_string(), port: address.port() })
        }
        // Where the address leads is the caller's word; where the name does is ours, for we look it up ourselves.
        (Wanted::Address(address), Some(name)) => Ok(Authority { host: name.clone(), port: address.port() }),
        (Wanted::Here, Some(name)) => {
            let port = inforce.hosts.port(name).unwrap_or(443);
            Ok(Authority { host: name.clone(), port })
        }
    }
}
