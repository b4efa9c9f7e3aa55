//! The transparent listener: connections that the network hands over, with the address that they were meant for.
//!
//! A redirect (nftables `redirect`, iptables `REDIRECT`) keeps that address in the connection's tracking, `tproxy` in the
//! socket's own. A connection that names neither came here because a name leads here, which is a third way to do it.

use super::settle::Wanted;
use super::tunnel::{self, Asked};
use crate::Gate;
use crate::connection::Origin;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;

/// Serves one connection that was handed over.
pub(crate) async fn serve(gate: &Arc<Gate>, stream: TcpStream, peer: SocketAddr, listener: SocketAddr) {
    let wanted = meant(&stream, listener).map_or(Wanted::Here, Wanted::Address);
    let asked = Asked { origin: Origin { peer, shown: None }, wanted, token: None };
    tunnel::serve(gate, stream, asked).await;
}

/// The address that a connection was meant for, if that is not our own.
fn meant(stream: &TcpStream, listener: SocketAddr) -> Option<SocketAddr> {
    let socket = socket2::SockRef::from(stream);
    let own = stream.local_addr().ok()?;
    let tracked = if own.ip().to_canonical().is_ipv4() { socket.original_dst_v4() } else { socket.original_dst_v6() };
    let tracked = tracked.ok().and_then(|address| address.as_socket());
    let address = tracked.unwrap_or(own);
    // Tracking knows connections that nobody redirected too, and then says where they went anyway.
    (address.port() != listener.port() || address.ip().to_canonical() != own.ip().to_canonical()).then_some(address)
}
