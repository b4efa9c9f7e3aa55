//! `penstock forward`: sends records to a syslog collector over TLS, from where it left off.
//!
//! ```text
//! ledger -> records from the cursor on -> RFC 5424 messages -> octet counting -> TLS -> collector
//!                        ^------------- what is certainly beyond our own buffers <-------'
//! ```
//!
//! Syslog has no acknowledgement (RFC 5425, section 4.2), so the cursor stays behind what was written by more than fits
//! into our own buffers. What is sent twice for that is known by its number.

use crate::file;
use crate::records::{Wanted, Where};
use export::{Exporter, Format};
use miette::{IntoDiagnostic, WrapErr, bail, miette};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::{Filter, ReadError, Reader};

/// What the kernel may hold of ours, in bytes.
const BUFFER: usize = 64 << 10;
/// How far the cursor stays behind what was written, in bytes: our buffer, which the kernel doubles for its own bookkeeping, and TLS.
const BEHIND: u64 = 4 * BUFFER as u64;
/// How long connecting, writing and closing may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often new records are looked for.
const POLL: Duration = Duration::from_millis(500);
/// First and longest pause before the next attempt to connect.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Send records to a syslog collector, as they come.
///
/// Follows the ledger, also while the gateway runs, and sends each record as an RFC 5424 message with structured data over TLS
/// (RFC 5425). It begins where it left off: the cursor file says where. A collector that is away is tried again, ever
/// more slowly up to once a minute; the ledger keeps what it misses.
///
/// Every record arrives at least once. After an interruption the last ones, up to 256 KiB, are sent again: a message
/// carries the record's number (`seq`) and leaf hash, by which the collector knows it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the ledger; the plant's own if it is left out.
    ledger: Option<PathBuf>,

    #[command(flatten)]
    wanted: Wanted,

    /// The collector; the usual port is 6514.
    #[arg(long, value_name = "HOST:PORT")]
    to: String,

    /// The file that remembers how far this collector has got. It is made if it is not there.
    #[arg(long, value_name = "FILE")]
    cursor: PathBuf,

    /// The authorities whose certificates the collector may have, in PEM; the system's if it is left out.
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,

    /// Our certificate, in PEM, for a collector that asks for one.
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,

    /// The key of our certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,

    /// End when everything that is there now has been sent and the collector has closed the connection, and fail when it
    /// cannot be reached.
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let filter = args.wanted.filter(plant)?;
    let reader = Where::named(args.ledger).reader(plant)?;
    let Some(origin) = export::origin(&reader).into_diagnostic()? else { bail!("the ledger has no records yet") };
    let cursor = Cursor::open(args.cursor, &origin)?;
    let identity = args.certificate.as_deref().zip(args.key.as_deref());
    let tls = gateway::client(args.authority.as_deref(), identity).into_diagnostic()?;
    let collector = Collector::new(args.to, tls)?;
    Forwarder { reader, filter, origin, cursor }.run(&collector, args.once)
}

/// Where the messages go.
struct Collector {
    address: String,
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
}

type Link = StreamOwned<ClientConnection, TcpStream>;

impl Collector {
    fn new(address: String, tls: ClientConfig) -> miette::Result<Self> {
        let host = address.rsplit_once(':').map(|(host, _)| host.trim_matches(['[', ']']));
        let name = host.and_then(|host| ServerName::try_from(host.to_owned()).ok());
        let name = name.ok_or_else(|| miette!("`{address}` is no collector; write HOST:PORT"))?;
        Ok(Self { address, name, tls: Arc::new(tls) })
    }

    fn connect(&self) -> io::Result<Link> {
        let mut failure = io::Error::from(ErrorKind::NotFound);
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => {
                    rustix::net::sockopt::set_socket_send_buffer_size(&stream, BUFFER)?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    let tls = ClientConnection::new(Arc::clone(&self.tls), self.name.clone());
                    let mut link = StreamOwned::new(tls.map_err(io::Error::other)?, stream);
                    link.sock.set_read_timeout(Some(PATIENCE))?;
                    link.conn.complete_io(&mut link.sock)?;
                    return Ok(link);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Link(#[from] io::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("cannot write the cursor: {0}")]
    Cursor(io::Error),
}

struct Forwarder {
    reader: Reader,
    filter: Filter,
    origin: String,
    cursor: Cursor,
}

impl Forwarder {
    fn run(&mut self, collector: &Collector, once: bool) -> miette::Result<ExitCode> {
        let mut pause = PAUSES.0;
        loop {
            let from = self.cursor.next;
            match collector.connect().map_err(Problem::Link).and_then(|link| self.session(link, once)) {
                Ok(()) => return Ok(ExitCode::SUCCESS),
                Err(Problem::Link(error)) if !once => eprintln!("{}: {error}; trying again", collector.address),
                Err(problem) => return Err(problem).into_diagnostic().wrap_err_with(|| collector.address.clone()),
            }
            // A connection that got us on was a good one.
            pause = if self.cursor.next > from { PAUSES.0 } else { pause };
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// One connection, to its end.
    fn session(&mut self, mut link: Link, once: bool) -> Result<(), Problem> {
        // Whether a collector takes our certificate it says only after the handshake (RFC 8446, section 4.4.2.4): by closing.
        wait(&mut link)?;
        let (mut next, mut written) = (self.cursor.next, 0);
        let mut unsure = VecDeque::new();
        loop {
            let first = self.reader.first().map_err(Problem::Read)?;
            if first > next {
                tracing::warn!(from = next, to = first, "records were removed before they were forwarded");
                next = first;
            }
            let mut records = self.reader.records(next, self.filter.clone());
            for record in &mut records {
                let record = record?;
                let message = self.message(&record)?;
                link.write_all(&message)?;
                written += message.len() as u64;
                unsure.push_back((written, record.entry.seq() + 1));
                while let Some((_, sure)) = unsure.pop_front_if(|(end, _)| *end + BEHIND <= written) {
                    self.cursor.next = sure;
                }
            }
            next = records.position();
            link.flush()?;
            if once {
                close(&mut link)?;
                self.cursor.next = next;
                return self.cursor.keep().map_err(Problem::Cursor);
            }
            if unsure.is_empty() {
                self.cursor.next = next;
            }
            self.cursor.keep().map_err(Problem::Cursor)?;
            wait(&mut link)?;
        }
    }

    /// A record as it travels: RFC 5424 in octet counting (RFC 5425, section 4.3).
    fn message(&self, record: &store::Record) -> io::Result<Vec<u8>> {
        let mut exporter = Exporter::new(Format::Rfc5424, self.origin.clone(), Vec::new())?;
        exporter.write(record)?;
        let line = exporter.finish()?;
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        Ok([format!("{} ", line.len()).as_bytes(), line].concat())
    }
}

/// Says that nothing more comes, and waits until the collector has read to there and closes too.
fn close(link: &mut Link) -> io::Result<()> {
    // rsyslog 8.2302 does not see an end that comes together with the last records.
    wait(link)?;
    link.conn.send_close_notify();
    link.flush()?;
    link.sock.shutdown(std::net::Shutdown::Write)?;
    link.sock.set_read_timeout(Some(PATIENCE))?;
    match link.read_to_end(&mut Vec::new()) {
        // A farewell is not everyone's custom. Who closes without having read what we sent resets the connection.
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(()),
    }
}

/// Waits for a while, and fails at once if the collector goes away. It has nothing to say.
fn wait(link: &mut Link) -> io::Result<()> {
    link.sock.set_read_timeout(Some(POLL))?;
    match link.read(&mut [0; 512]) {
        Ok(0) => Err(io::Error::new(ErrorKind::ConnectionAborted, "the collector has closed the connection")),
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
        Err(error) => Err(error),
    }
}

/// How far a collector has got: the ledger's origin and the number of the next record, on one line.
struct Cursor {
    path: PathBuf,
    origin: String,
    next: u64,
    kept: Option<u64>,
}

impl Cursor {
    fn open(path: PathBuf, origin: &str) -> miette::Result<Self> {
        let named = || format!("`{}`", path.display());
        let next = match std::fs::read_to_string(&path) {
            Ok(text) => match text.trim_end().rsplit_once(' ') {
                Some((of, next)) if of == origin => next.parse().into_diagnostic().wrap_err_with(named)?,
                Some((of, _)) => bail!("{} is the cursor of another ledger: `{of}`", named()),
                None => bail!("{} is no cursor", named()),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(error).into_diagnostic().wrap_err_with(named),
        };
        Ok(Self { path, origin: origin.to_owned(), next, kept: None })
    }

    /// Writes it down, whole or not at all, even if the power fails.
    fn keep(&mut self) -> io::Result<()> {
        if self.kept == Some(self.next) {
            return Ok(());
        }
        file::replace_durably(&self.path, format!("{} {}\n", self.origin, self.next))?;
        self.kept = Some(self.next);
        Ok(())
    }
}
