//! Sends alerts, whatever the way; says whether it is worth to try again.

use super::{mail, syslog, webhook};
use crate::secrets;
use alert::{Alert, Destination, Way};
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// How long a delivery may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Why alerts were not delivered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// They may be the next time.
    #[error("{0}")]
    Later(String),
    /// They may be, and the destination says when.
    #[error("{why}")]
    After {
        /// What it says.
        why: String,
        /// In which time.
        pause: Duration,
    },
    /// The destination wants none of this one.
    #[error("{0}")]
    Unwanted(String),
}

impl From<io::Error> for Failed {
    fn from(problem: io::Error) -> Self {
        Self::Later(problem.to_string())
    }
}

/// Sends as many as go at a time: one to a webhook, all to the others. Gives how many that were.
pub(super) async fn send(to: &Destination, alerts: &[Alert]) -> Result<usize, Failed> {
    let work = async {
        match &to.way {
            Way::Webhook { url } => match alerts.first() {
                Some(alert) => webhook::post(to, url, alert).await.map(|()| 1),
                None => Ok(0),
            },
            Way::Syslog { transport, host, port, form } => {
                let line = syslog::Line { transport: *transport, host, port: *port };
                syslog::send(to, &line, *form, alerts).await.map(|()| alerts.len())
            }
            Way::Mail { .. } => mail::send(to, alerts).await.map(|()| alerts.len()),
        }
    };
    let late = |_| Err(Failed::Later(format!("it took longer than {} s", PATIENCE.as_secs())));
    timeout(PATIENCE, work).await.unwrap_or_else(late)
}

/// The credential, read anew each time: one that was exchanged is in use at once.
pub(super) fn credential(to: &Destination) -> Result<Option<Zeroizing<String>>, Failed> {
    let read = |reference| secrets::credential(reference).map_err(|problem| Failed::Later(problem.to_string()));
    to.credential.as_ref().map(read).transpose()
}

/// A connection, in the clear or not.
pub(super) trait Both: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Both for T {}

pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Shakes hands, and believes the authorities of the destination.
pub(super) async fn shake(to: &Destination, host: &str, stream: impl Both + 'static) -> Result<Box<dyn Both>, Failed> {
    let config =
        gateway::client(to.authorities.as_deref(), None).map_err(|problem| Failed::Later(problem.to_string()))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Failed::Later("its host is no name".to_owned()))?;
    Ok(Box::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?))
}
