//! Sends alerts, whatever the way; says whether it is worth to try again.

use super::{mail, syslog, webhook};
use crate::secrets;
use alert::{Alert, Destination, Way};
use rustls::pki_types::ServerName;
use std::error::Error;
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
/// Longest text of a problem, in characters.
const LONGEST: usize = 300;

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
        Self::later(&problem)
    }
}

impl Failed {
    /// A problem that others may have a word in: what a certificate says of its names is whatever the server likes.
    pub(super) fn later(problem: &dyn Error) -> Self {
        let clean = |one| if ledger::is_treacherous(one) { char::REPLACEMENT_CHARACTER } else { one };
        Self::Later(problem.to_string().chars().take(LONGEST).map(clean).collect())
    }
}

/// Sends as many as go at a time: one to a webhook, all to the others. Gives how many that were.
pub(super) async fn send(to: &Destination, alerts: &[Alert]) -> Result<usize, Failed> {
    match &to.way {
        Way::Webhook { url } => match alerts.first() {
            Some(alert) => within(PATIENCE, webhook::post(to, url, alert)).await.map(|()| 1),
            None => Ok(0),
        },
        Way::Syslog { transport, host, port, form } => {
            let line = syslog::Line { transport: *transport, host, port: *port };
            within(PATIENCE, syslog::send(to, &line, *form, alerts)).await.map(|()| alerts.len())
        }
        // It has a patience of its own.
        Way::Mail { .. } => mail::send(to, alerts).await.map(|()| alerts.len()),
    }
}

/// Work that is given up after so long.
pub(super) async fn within<T>(patience: Duration, work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    let late = |_| Err(Failed::Later(format!("it took longer than {} s", patience.as_secs())));
    timeout(patience, work).await.unwrap_or_else(late)
}

/// The credential, read anew each time: one that was exchanged is in use at once.
pub(super) fn credential(to: &Destination) -> Result<Option<Zeroizing<String>>, Failed> {
    let read = |reference| secrets::credential(reference).map_err(|problem| Failed::later(&problem));
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
    let config = gateway::client(to.authorities.as_deref(), None).map_err(|problem| Failed::later(&problem))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Failed::Later("its host is no name".to_owned()))?;
    Ok(Box::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?))
}

#[cfg(test)]
mod tests {
    use super::Failed;

    #[test]
    fn what_a_server_says_of_itself_is_short_and_clean() {
        let said = format!("not valid for \u{1b}[2J\r\nforged{}", "x".repeat(1 << 16));
        let problem = Failed::from(std::io::Error::other(said)).to_string();
        assert!(problem.starts_with("not valid for ") && problem.chars().count() == 300);
        assert!(!problem.chars().any(ledger::is_treacherous), "{problem:?}");
    }
}
