//! Sockets that somebody else holds open for this process: what lets one gateway take the place of another while callers wait at
//! the socket instead of being refused.

use crate::StartError;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Listening sockets that the process was handed at its start. Each is used for the address of the plant file that it is bound to.
#[derive(Debug, Default)]
pub struct Sockets(Vec<std::net::TcpListener>);

impl Sockets {
    /// Takes what was handed over.
    #[must_use]
    pub fn new(handed: Vec<std::net::TcpListener>) -> Self {
        Self(handed)
    }

    /// The socket of an address: one that was handed over, or else a new one; and where it listens.
    pub(crate) async fn listener(&mut self, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
        let failed = |source| StartError::Bind { address, source };
        let here = |socket: &std::net::TcpListener| socket.local_addr().is_ok_and(|own| own == address);
        let listener = match self.0.iter().position(here) {
            Some(index) => {
                let socket = self.0.swap_remove(index);
                socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket)).map_err(failed)?
            }
            None => TcpListener::bind(address).await.map_err(failed)?,
        };
        let bound = listener.local_addr().map_err(failed)?;
        Ok((listener, bound))
    }

    /// Tells of sockets at which callers would wait for ever.
    pub(crate) fn unused(self) {
        for address in self.0.iter().filter_map(|socket| socket.local_addr().ok()) {
            tracing::warn!(%address, "a socket was handed over for an address at which the plant file does not listen: callers wait there in vain");
        }
    }
}
