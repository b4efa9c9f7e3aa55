//! Alerts to a collector of syslog: RFC 5424 in octet counting over TLS (RFC 5425) or TCP (RFC 6587), or by UDP (RFC 5426).
//!
//! Syslog acknowledges nothing. Over a connection alerts count as delivered once the collector has closed it too: it does so when
//! it has read to its end. Over UDP nobody knows.

use super::send::{Both, Failed, connect, shake};
use alert::{Alert, Destination, Form, Transport};
use export::alerts::{counted, message};
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::timeout;

/// How long a collector is given to refuse us before it is told that nothing more comes. Whether it takes a client it says only
/// after the handshake (RFC 8446, section 4.4.2.4); and rsyslog 8.2302 does not see an end that comes together with the last message.
const SETTLE: Duration = Duration::from_millis(500);
/// Most that is read of a collector, which has nothing to say.
const MOST: u64 = 4096;

/// Where a collector is.
pub(super) struct Line<'a> {
    pub(super) transport: Transport,
    pub(super) host: &'a str,
    pub(super) port: u16,
}

pub(super) async fn send(to: &Destination, line: &Line<'_>, form: Form, alerts: &[Alert]) -> Result<(), Failed> {
    let messages = alerts.iter().map(|alert| message(alert, form));
    if line.transport == Transport::Udp {
        return Ok(datagrams(line, messages).await?);
    }
    let stream = connect(line.host, line.port).await?;
    let mut stream: Box<dyn Both> = match line.transport {
        Transport::Tls => shake(to, line.host, stream).await?,
        _ => Box::new(stream),
    };
    let bytes: Vec<u8> = messages.flat_map(|message| counted(&message)).collect();
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    Ok(close(&mut *stream).await?)
}

/// Says that nothing more comes, and waits until the collector has read to there and closes too.
async fn close(stream: &mut dyn Both) -> io::Result<()> {
    match timeout(SETTLE, stream.read(&mut [0; 512])).await {
        Ok(Ok(0)) => {
            return Err(io::Error::new(ErrorKind::ConnectionAborted, "the collector has closed the connection"));
        }
        Ok(Err(problem)) => return Err(problem),
        Ok(Ok(_)) | Err(_) => {}
    }
    stream.shutdown().await?;
    match stream.take(MOST).read_to_end(&mut Vec::new()).await {
        // A farewell is not everyone's custom. Who closes without having read what we sent resets the connection.
        Err(problem) if problem.kind() != ErrorKind::UnexpectedEof => Err(problem),
        _ => Ok(()),
    }
}

async fn datagrams(line: &Line<'_>, messages: impl Iterator<Item = String>) -> io::Result<()> {
    let address = lookup_host((line.host, line.port)).await?.next().ok_or(ErrorKind::NotFound)?;
    let own = if address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(own).await?;
    for message in messages {
        socket.send_to(message.as_bytes(), address).await?;
    }
    Ok(())
}
