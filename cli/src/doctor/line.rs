//! A connection to a gateway, in the clear or by TLS, with as much HTTP/1.1 on it as questions need.

use super::moment;
use gateway::Authority;
use http::Uri;
use plant::Millis;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest head of an answer that is read.
const HEAD: usize = 64 << 10;

/// Where a gateway is, as a URL says it.
pub(super) struct Target {
    pub(super) authority: Authority,
    pub(super) tls: bool,
    /// What the URL holds before its host: what a proxy is shown.
    pub(super) credential: Option<Zeroizing<String>>,
}

impl Target {
    /// Reads a URL; a path is left out, a user is taken as the proxy's.
    pub(super) fn read(url: &str) -> Option<Self> {
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = url.parse().ok()?;
        let tls = uri.scheme_str() == Some("https");
        let whole = uri.authority()?.as_str();
        let (user, host) = whole.rsplit_once('@').map_or((None, whole), |(user, host)| (Some(user), host));
        let authority = Authority::parse(host, Some(if tls { 443 } else { 80 }))?;
        Some(Self { authority, tls, credential: user.map(|user| Zeroizing::new(user.to_owned())) })
    }

    pub(super) fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let found: Vec<_> = (self.authority.host.as_str(), self.authority.port).to_socket_addrs()?.collect();
        if found.is_empty() { Err(io::Error::other("it has no address")) } else { Ok(found) }
    }
}

trait Both: Read + Write + Send {}
impl<T: Read + Write + Send> Both for T {}

/// A connection.
pub(super) struct Line(Box<dyn Both>);

/// The head of an answer.
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Why it was refused, if Penstock refused it.
    pub(super) fn reason(&self) -> &str {
        self.header("penstock-decision").and_then(|text| text.split_once("reason=")).map_or("", |(_, reason)| reason)
    }

    /// When it was given, by the clock of who gave it.
    pub(super) fn date(&self) -> Option<Millis> {
        moment(self.header("date")?)
    }
}

impl Line {
    pub(super) fn connect(addresses: &[SocketAddr]) -> io::Result<Self> {
        let mut last = io::Error::other("there is no address");
        for address in addresses {
            match TcpStream::connect_timeout(address, PATIENCE) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    return Ok(Self(Box::new(stream)));
                }
                Err(problem) => last = problem,
            }
        }
        Err(last)
    }

    /// The same inside TLS, if what is shown for `host` is trusted.
    pub(super) fn shake(mut self, host: &str, authorities: Option<&Path>) -> io::Result<Self> {
        let config = gateway::client(authorities, None).map_err(io::Error::other)?;
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut self.0)?;
        }
        Ok(Self(Box::new(StreamOwned::new(connection, self.0))))
    }

    /// Asks a proxy for a tunnel.
    pub(super) fn tunnel(&mut self, to: &Authority, credential: Option<&str>) -> io::Result<Answer> {
        let shown = credential.map(|pair| {
            let pair = if pair.contains(':') { pair.to_owned() } else { format!("{pair}:") };
            format!("Proxy-Authorization: Basic {}\r\n", ::seal::base64(pair.as_bytes()))
        });
        self.say(&format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{}\r\n", shown.unwrap_or_default()))
    }

    /// Asks for a path.
    pub(super) fn get(&mut self, path: &str, host: &Authority, token: Option<&str>) -> io::Result<Answer> {
        let shown = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        self.say(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{shown}Connection: close\r\n\r\n"))
    }

    fn say(&mut self, text: &str) -> io::Result<Answer> {
        self.0.write_all(text.as_bytes())?;
        self.0.flush()?;
        let (mut head, mut byte) = (Vec::new(), [0; 1]);
        // Byte by byte: what follows the head of a tunnel's answer is not ours to read.
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() > HEAD || self.0.read(&mut byte)? == 0 {
                return Err(io::Error::other("what answers there does not speak HTTP"));
            }
            head.extend_from_slice(&byte);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("what answers there does not speak HTTP"))?;
        Ok(Answer { status, head })
    }
}
