//! The way out: for each provider the clients that call it, with its own credential.

use crate::breakers::{Trial, uptime};
use crate::credential::Credential;
use crate::messages::{Leaving, Opened, Outgoing};
use crate::recorder::now;
use crate::tls::{self, TlsError};
use crate::{grpc, headers, session};
use bytes::Bytes;
use fallback::Budget;
use http::header::HeaderMap;
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use plant::{Provider, Reason, Refusal};
use policy::Passage;
use rustls::pki_types::ServerName;
use std::borrow::Cow;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

/// How long an idle connection to a provider is kept. Shorter than the 60 s after which common servers close theirs.
const IDLE: Duration = Duration::from_secs(45);
/// How long connecting to a provider may take, beside the look-up of its name and the handshake, which the conduit's
/// limit of the first byte covers.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a certificate that was seen to be good counts as such without a call.
const SEEN: Duration = Duration::from_secs(60);
/// About the largest head of an answer, as for the callers' own by default: what it holds goes on to a caller, and no conduit bounds it.
const HEAD: usize = 64 << 10;
/// Most calls that share one HTTP/2 connection to a provider. Servers allow 100 at the least (RFC 9113 section 6.5.2
/// recommends no fewer), and hyper opens no second connection when there are more: they would wait for each other.
const LANE: usize = 64;
/// Most connections of that kind.
const LANES: usize = 64;
/// What a provider may send ahead on one stream, and on all of a connection: so much that callers who do not read
/// cannot take the window from those who do.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Most times that one call is sent again.
const RETRIES: u64 = 2;

type Http = Client<HttpsConnector<HttpConnector>, Outgoing>;

/// A provider, ready to be called.
pub struct Upstream {
    lanes: Lanes,
    /// Where it speaks gRPC, and the way there.
    grpc: Option<(String, Lanes)>,
    /// For sessions, which begin on HTTP/1.1.
    single: Http,
    tls: Arc<rustls::ClientConfig>,
    /// When its certificate was last seen to be good, without a call.
    trusted: Mutex<Option<Instant>>,
    address: String,
    credential: Option<Arc<Credential>>,
    needs_credential: bool,
    retries: Mutex<Budget>,
}

impl Upstream {
    /// Prepares the way to a provider with the credential that was read for it.
    ///
    /// # Errors
    /// When its authorities cannot be read.
    pub fn new(provider: &Provider, credential: Option<&str>) -> Result<Self, TlsError> {
        let credential = credential.and_then(|secret| Credential::new(provider.dialect, secret)).map(Arc::new);
        let grpc = provider.grpc.as_ref().map(|own| own.address.clone());
        let way = Self::to(provider.address.clone(), grpc, tls::client(provider.authorities.as_deref(), None)?);
        Ok(Self { credential, needs_credential: provider.credential.is_some(), ..way })
    }

    /// The way to a stand-in for a provider, in plain HTTP. No name is looked up, no authority believed, no credential sent, and
    /// the network is out of reach: `None` for any address that is not this machine's own.
    ///
    /// # Errors
    /// When the system's cryptography cannot be used.
    pub fn on_loopback(address: SocketAddr) -> Result<Option<Self>, TlsError> {
        if !address.ip().is_loopback() {
            return Ok(None);
        }
        Ok(Some(Self::to(format!("http://{address}"), None, tls::nobodys()?)))
    }

    fn to(address: String, grpc: Option<String>, tls: rustls::ClientConfig) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        connector.enforce_http(false);
        let builder = |tls| hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let single = client(builder(tls.clone()).enable_http1().wrap_connector(connector.clone()), false);
        let second = || builder(tls.clone()).enable_http2().wrap_connector(connector.clone());
        let grpc = grpc.map(|address| (address, Lanes::new(second(), true)));
        let connector = builder(tls.clone()).enable_all_versions().wrap_connector(connector);
        Self {
            single,
            lanes: Lanes::new(connector, false),
            grpc,
            tls: Arc::new(tls),
            trusted: Mutex::default(),
            address,
            credential: None,
            needs_credential: false,
            retries: Mutex::default(),
        }
    }

    /// Sends the request; gives the answer's head. Nobody gets here without a passage, which only a permit gives.
    pub(crate) async fn send(&self, passage: &Passage, head: &Head<'_>, body: Bytes) -> Result<Answered, Refusal> {
        let until = Instant::now() + passage.bounds.first_byte;
        let mut retries = 0;
        loop {
            let mut request = self.request(head, body.clone())?;
            let key = head.session.then(|| session::asks(head.headers, request.headers_mut()));
            let (client, ticket) = match &self.grpc {
                Some((_, lanes)) if head.grpc.is_some() => lanes.lane(),
                _ if head.session => (self.single.clone(), Ticket::of(Arc::default())),
                _ => self.lanes.lane(),
            };
            let problem = match timeout_at(until, client.request(request)).await {
                Ok(Ok(answer)) if key.is_some_and(|key| !session::agrees(&answer, &key)) => {
                    return Err(Refusal::new(Reason::ProviderBroken, "the provider's handshake is none of RFC 6455"));
                }
                Ok(Ok(answer)) => {
                    return Ok(Answered { answer, credential: self.credential.clone(), ticket, trial: None, retries });
                }
                Ok(Err(problem)) => problem,
                Err(_) => return Err(Refusal::new(Reason::ProviderTimeout, "no answer began in time")),
            };
            if problem.is_connect() || retries >= RETRIES || !untouched(&problem) || !self.may_retry() {
                return Err(broke(&problem));
            }
            retries += 1;
        }
    }

    /// Begins a stream of messages. Nobody gets here without a passage either.
    pub(crate) fn open(&self, passage: &Passage, head: &Head<'_>) -> Result<Opened, Refusal> {
        let mut request = self.request(head, Bytes::new())?;
        let (messages, leaving) = mpsc::channel::<Leaving>(1);
        *request.body_mut() = Outgoing::Messages(leaving);
        let (client, ticket) = match &self.grpc {
            Some((_, lanes)) => lanes.lane(),
            None => self.lanes.lane(),
        };
        let within = (Instant::now() + passage.bounds.first_byte, passage.bounds.answer);
        Ok(Opened::new(client.request(request), messages, within, self.credential.clone(), ticket))
    }

    fn may_retry(&self) -> bool {
        // A budget is whole between any two statements.
        self.retries.lock().unwrap_or_else(PoisonError::into_inner).take(uptime())
    }

    /// Sees whether the provider shows a certificate that is trusted, before somebody is shown one of ours in its place.
    ///
    /// Each call looks at it again on the connection that it goes by. One that cannot be reached is no reason to refuse here: calls
    /// say that better, and may have somewhere else to go.
    pub(crate) async fn trusted(&self) -> Result<(), Refusal> {
        let seen = *self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_some_and(|seen| seen.elapsed() < SEEN) {
            return Ok(());
        }
        match timeout(CONNECT, self.shake()).await {
            Ok(Ok(())) => {
                *self.trusted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                Ok(())
            }
            Ok(Err(problem)) if problem.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
                Err(Refusal::new(Reason::ProviderUnreachable, unreachable(&problem)))
            }
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    /// Shakes hands with the provider, and goes away again.
    async fn shake(&self) -> std::io::Result<()> {
        let uri: Uri = self.address.parse().map_err(std::io::Error::other)?;
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        if uri.scheme_str() != Some("https") {
            return Ok(());
        }
        let stream = TcpStream::connect((host.as_str(), uri.port_u16().unwrap_or(443))).await?;
        let name = ServerName::try_from(host).map_err(std::io::Error::other)?;
        tokio_rustls::TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await.map(drop)
    }

    fn request(&self, head: &Head<'_>, body: Bytes) -> Result<Request<Outgoing>, Refusal> {
        if self.needs_credential && self.credential.is_none() {
            return Err(Refusal::new(Reason::CredentialMissing, "the credential could not be read"));
        }
        let query = head.query.map(|query| format!("?{query}")).unwrap_or_default();
        let address = match (&head.grpc, &self.grpc) {
            (None, _) => &self.address,
            (Some(_), Some((address, _))) => address,
            (Some(_), None) => {
                return Err(Refusal::new(Reason::ProviderUnreachable, "the provider is not reached over gRPC"));
            }
        };
        let uri: Uri = format!("{address}{}{query}", head.path)
            .parse()
            .map_err(|_| Refusal::new(Reason::BadRequest, "path and provider address make no URL"))?;
        let mut headers = HeaderMap::new();
        headers::carry(head.headers, &mut headers);
        if let Some(call) = &head.grpc {
            call.carry(&mut headers);
        }
        if let Some(credential) = self.credential.as_deref() {
            let proved = credential.prove((head.method, &uri, &body), &mut headers, now);
            proved.ok_or_else(|| Refusal::new(Reason::CredentialMissing, "the credential makes no signature"))?;
        }
        let mut request = Request::new(Outgoing::Whole(Full::new(body)));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// The clients that share calls to one address.
struct Lanes {
    connector: HttpsConnector<HttpConnector>,
    /// Whether only HTTP/2 is spoken there.
    second: bool,
    lanes: Mutex<Vec<(Http, Arc<AtomicUsize>)>>,
}

impl Lanes {
    fn new(connector: HttpsConnector<HttpConnector>, second: bool) -> Self {
        Self { connector, second, lanes: Mutex::default() }
    }

    /// The first lane that is not full, or a new one, or the emptiest.
    fn lane(&self) -> (Http, Ticket) {
        // A panic under this lock leaves the list as it was or longer by one.
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let load = |lane: &(Http, Arc<AtomicUsize>)| lane.1.load(Ordering::Relaxed);
        let emptiest = || lanes.iter().min_by_key(|lane| load(lane));
        let found = lanes.iter().find(|lane| load(lane) < LANE);
        let found = if found.is_none() && lanes.len() >= LANES { emptiest() } else { found };
        let (client, load) = match found.cloned() {
            Some(lane) => lane,
            None => {
                let lane = (client(self.connector.clone(), self.second), Arc::default());
                lanes.push(lane.clone());
                lane
            }
        };
        (client, Ticket::of(load))
    }
}

fn client(connector: HttpsConnector<HttpConnector>, second: bool) -> Http {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http1_max_buf_size(HEAD)
        .http2_only(second)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .build(connector)
}

/// The head of a provider's answer, and what goes with it.
pub(crate) struct Answered {
    pub(crate) answer: Response<Incoming>,
    /// What must not be in it.
    pub(crate) credential: Option<Arc<Credential>>,
    /// To be held until the answer has ended.
    pub(crate) ticket: Ticket,
    /// What the provider's breaker waits to be told, if it has one.
    pub(crate) trial: Option<Trial>,
    /// How often it was sent again.
    pub(crate) retries: u64,
}

impl Answered {
    /// Its status; of a call of gRPC that is answered by trailers only, the one that says the same.
    pub(crate) fn status(&self) -> u16 {
        let headers = self.answer.headers();
        let told = self.answer.status().is_success() && grpc::is_grpc(headers) && self.answer.body().is_end_stream();
        let outcome = Some(headers).filter(|_| told).and_then(grpc::alone);
        outcome.map_or(self.answer.status().as_u16(), wire::grpc::as_http)
    }
}

/// A call's place on the connections that it shares.
pub(crate) struct Ticket(Arc<AtomicUsize>);

impl Ticket {
    fn of(load: Arc<AtomicUsize>) -> Self {
        load.fetch_add(1, Ordering::Relaxed);
        Self(load)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What of a request's head is forwarded.
pub(crate) struct Head<'a> {
    pub(crate) method: &'a Method,
    /// What follows the provider's name, with its leading slash.
    pub(crate) path: Cow<'a, str>,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    /// Whether it opens a session.
    pub(crate) session: bool,
    /// Whether it is a call of gRPC.
    pub(crate) grpc: Option<grpc::Call>,
}

/// Whether a call provably was not processed, so that it may be sent once more to the same provider: the stream was refused
/// (RFC 9113 section 8.7), or lies beyond what a GOAWAY says is still looked at (section 6.8).
fn untouched(problem: &(dyn Error + 'static)) -> bool {
    let mut next = Some(problem);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM));
        }
        next = error.source();
    }
    false
}

/// Why a call brought no answer.
pub(crate) fn broke(problem: &ClientError) -> Refusal {
    match problem.is_connect() {
        true => Refusal::new(Reason::ProviderUnreachable, unreachable(problem)),
        false => Refusal::new(Reason::ProviderBroken, "the provider broke off before its answer"),
    }
}

/// Why no connection could be made: what the plant's people need to know to repair it.
fn unreachable(problem: &(dyn Error + 'static)) -> String {
    let mut next = Some(problem);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref::<rustls::Error>() {
            return format!("the provider's certificate is not trusted: {why}");
        }
        if let Some(why) = error.downcast_ref::<rustls::Error>() {
            return format!("the TLS handshake with the provider failed: {why}");
        }
        // An I/O error that wraps another gives that one's source, not that one itself.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
        if next.is_none() {
            return format!("no connection could be made: {error}");
        }
    }
    "no connection could be made".to_owned()
}

#[cfg(test)]
mod tests {
    use super::Upstream;

    #[test]
    fn a_stand_in_is_on_this_machine_or_nowhere() {
        let way = |address: &str| Upstream::on_loopback(address.parse().unwrap()).unwrap();
        for near in ["127.0.0.1:80", "127.9.8.7:65535", "[::1]:443"] {
            let upstream = way(near).unwrap();
            assert_eq!(upstream.address, format!("http://{near}"));
            assert!(upstream.credential.is_none() && !upstream.needs_credential);
        }
        for far in
            ["0.0.0.0:80", "10.0.0.1:80", "169.254.169.254:80", "[::]:80", "[::ffff:10.0.0.1]:80", "[fe80::1]:80"]
        {
            assert!(way(far).is_none(), "{far}");
        }
    }
}
