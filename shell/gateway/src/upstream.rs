//! The way out: one HTTP client for each provider, and the head of what is forwarded.
//!
//! Headers go by allow-list: what a dialect does not need is not carried across, since nobody has read it.

use crate::tls::{self, TlsError};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use plant::{Dialect, Provider, Reason, Refusal};
use policy::Passage;
use std::borrow::Cow;
use std::time::Duration;

/// How long an idle connection to a provider is kept. Shorter than the 60 s after which common servers close theirs.
const IDLE: Duration = Duration::from_secs(45);
/// How long connecting to a provider may take, name resolution included.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest value of a forwarded header, so that a header is no way out for content.
const LONGEST_HEADER: usize = 512;

/// Headers of a request that are carried across, beside those that begin with a prefix of [`CARRIED_PREFIXES`].
const CARRIED: [HeaderName; 4] =
    [header::ACCEPT, header::CONTENT_TYPE, header::USER_AGENT, HeaderName::from_static("idempotency-key")];
/// Families of headers that the SDKs of the dialects send.
const CARRIED_PREFIXES: [&str; 3] = ["anthropic-", "openai-", "x-stainless-"];
/// Headers of an answer that end at us: they speak of the one connection, or would set state in the caller.
const DROPPED: [HeaderName; 9] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
    header::UPGRADE,
    header::TRAILER,
    header::SET_COOKIE,
    header::ALT_SVC,
    header::STRICT_TRANSPORT_SECURITY,
    HeaderName::from_static("keep-alive"),
];

/// A provider, ready to be called.
pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: String,
    credential: Option<(HeaderName, HeaderValue)>,
    needs_credential: bool,
}

impl Upstream {
    /// Prepares the way to a provider with the credential that was read for it.
    ///
    /// # Errors
    /// When its authorities cannot be read.
    pub fn new(provider: &Provider, credential: Option<&str>) -> Result<Self, TlsError> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        connector.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls::client(provider.authorities.as_deref())?)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self {
            client,
            address: provider.address.clone(),
            credential: credential.and_then(|secret| credential_header(provider.dialect, secret)),
            needs_credential: provider.credential.is_some(),
        })
    }

    /// Sends the request; gives the answer's head. Nobody gets here without a passage, which only a permit gives.
    pub(crate) async fn send(
        &self,
        passage: &Passage,
        head: &Head<'_>,
        body: Bytes,
    ) -> Result<Response<Incoming>, Refusal> {
        let request = self.request(head, body)?;
        match tokio::time::timeout(passage.bounds.first_byte, self.client.request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(problem)) if problem.is_connect() => {
                Err(Refusal::new(Reason::ProviderUnreachable, "no connection could be made"))
            }
            Ok(Err(_)) => Err(Refusal::new(Reason::ProviderBroken, "the provider broke off before its answer")),
            Err(_) => Err(Refusal::new(Reason::ProviderTimeout, "no answer began in time")),
        }
    }

    fn request(&self, head: &Head<'_>, body: Bytes) -> Result<Request<Full<Bytes>>, Refusal> {
        if self.needs_credential && self.credential.is_none() {
            return Err(Refusal::new(Reason::CredentialMissing, "the credential could not be read"));
        }
        let query = head.query.map(|query| format!("?{query}")).unwrap_or_default();
        let uri: Uri = format!("{}{}{query}", self.address, head.path)
            .parse()
            .map_err(|_| Refusal::new(Reason::BadRequest, "path and provider address make no URL"))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        carry(head.headers, request.headers_mut());
        if let Some((name, value)) = &self.credential {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        Ok(request)
    }
}

/// What of a request's head is forwarded.
pub(crate) struct Head<'a> {
    pub(crate) method: &'a Method,
    /// What follows the provider's name, with its leading slash.
    pub(crate) path: Cow<'a, str>,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
}

fn carry(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        let known = CARRIED.contains(name) || CARRIED_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix));
        if known && value.len() <= LONGEST_HEADER {
            to.append(name.clone(), value.clone());
        }
    }
    // An answer that is not encoded can be read as it streams.
    to.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// Carries the head of an answer back.
pub(crate) fn carry_back(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        if !DROPPED.contains(name) {
            to.append(name.clone(), value.clone());
        }
    }
}

fn credential_header(dialect: Dialect, secret: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, text) = match dialect {
        Dialect::Anthropic => (HeaderName::from_static("x-api-key"), zeroize::Zeroizing::new(secret.to_owned())),
        Dialect::OpenAi | Dialect::Ollama | Dialect::Kserve | Dialect::Json => {
            (header::AUTHORIZATION, zeroize::Zeroizing::new(format!("Bearer {secret}")))
        }
    };
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}
