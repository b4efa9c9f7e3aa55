//! Fetches a small document over HTTP, within limits of size and time. Redirects are not followed: the plant file
//! says where keys come from, not the server.

use super::source::LARGEST;
use crate::tls::{self, Connector, TlsError};
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING};
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

/// Longest fetch, from the name look-up to the last byte.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// A document that came.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// What it says.
    pub body: Bytes,
    /// How long it may be kept, if the server says (RFC 9111 section 5.2.2).
    pub max_age: Option<Duration>,
}

/// Why a document did not come.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection, or it broke.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// Not in time.
    #[error("no answer within 5 s")]
    Late,
    /// Another status than 200.
    #[error("the answer has status {0}")]
    Status(u16),
    /// Longer than 256 KiB, broken off, or encoded.
    #[error("the body is larger than 256 KiB, encoded or broken off")]
    Body,
}

/// A fetch under way.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;

/// Whatever can fetch a document.
pub trait Fetch: Send + Sync + 'static {
    /// Fetches the document at `url`.
    fn get(&self, url: Uri) -> Pending<'_>;
}

/// Fetches with hyper, over TLS where the URL says so.
#[derive(Clone, Debug)]
pub struct HttpFetch {
    authorities: Option<PathBuf>,
}

impl HttpFetch {
    /// Trusts the system's authorities, or those in one PEM file as it is when something is fetched.
    ///
    /// # Errors
    /// When the authorities cannot be read now.
    pub fn new(authorities: Option<&Path>) -> Result<Self, TlsError> {
        tls::connector(authorities)?;
        Ok(Self { authorities: authorities.map(Path::to_owned) })
    }

    fn connector(&self) -> Result<Connector, FetchError> {
        tls::connector(self.authorities.as_deref()).map_err(|problem| FetchError::Unreachable(problem.to_string()))
    }

    async fn fetch(&self, url: Uri) -> Result<Fetched, FetchError> {
        let request = Request::get(url).header(ACCEPT, "application/json").body(Empty::<Bytes>::new());
        let request = request.map_err(|problem| FetchError::Unreachable(problem.to_string()))?;
        // Fetches are minutes apart: a connection kept between them would be found dead, and a certificate is renewed.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(self.connector()?);
        let answer = client.request(request).await.map_err(|problem| FetchError::Unreachable(chain(&problem)))?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        if answer.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(FetchError::Body);
        }
        let max_age = max_age(answer.headers());
        let body = Limited::new(answer.into_body(), LARGEST).collect().await.map_err(|_| FetchError::Body)?.to_bytes();
        Ok(Fetched { body, max_age })
    }
}

impl Fetch for HttpFetch {
    fn get(&self, url: Uri) -> Pending<'_> {
        Box::pin(async move { tokio::time::timeout(TIMEOUT, self.fetch(url)).await.unwrap_or(Err(FetchError::Late)) })
    }
}

/// A client's error says only that it failed; why is in its sources.
fn chain(problem: &dyn std::error::Error) -> String {
    let mut last = problem;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// How long the answer may be kept. `no-store` and `no-cache` come to the shortest time that we keep anything.
pub(super) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives = values.flat_map(|value| value.split(',')).map(|text| text.trim().to_ascii_lowercase());
    let ages = directives.filter_map(|directive| match directive.as_str() {
        "no-store" | "no-cache" => Some(Duration::ZERO),
        other => {
            let seconds = other.strip_prefix("max-age=")?.trim_matches('"').parse().ok()?;
            Some(Duration::from_secs(seconds))
        }
    });
    // The strictest wins where a server says two things.
    ages.min()
}
