//! Asks one witness for its signature under one head: the client of `add-checkpoint`.
//!
//! What it answers is believed only as far as its key has signed it. That it has seen another history it cannot prove over
//! this protocol; it is reported all the same, for then somebody must look.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request as HttpRequest, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ledger::witness::{Named, Request, conflicting_size};
use seal::note::Note;
use std::error::Error;
use std::path::Path;
use std::time::Duration;
use store::WitnessError;
use tokio::time::timeout;

/// How long a witness may take from the first byte of a request to the last of its answer, connecting included.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest answer that is read. A signature line has about 200 bytes.
const ANSWER_LIMIT: usize = 16 << 10;
/// How often it is asked in a row, each time from the head that it says it has signed last.
const ATTEMPTS: usize = 3;

/// A way to servers, over TLS where their URL says so.
pub type Connector = HttpsConnector<HttpConnector>;

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsigned {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered {status}{}", hint(*status))]
    Refused { status: StatusCode },
    #[error("its answer does not hold its signature under the head")]
    Invalid,
    #[error("it names another head each time: does another gateway ask it about this ledger?")]
    Unsteady,
    #[error("it has signed a head that ours does not continue")]
    Contradicted,
    #[error("it has signed a head of {0} records, and ours has fewer")]
    Beyond(u64),
    #[error("{0}")]
    Own(#[from] WitnessError),
}

impl Unsigned {
    /// For metrics, and to tell whether anything is new.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Refused { .. } => "refused",
            Self::Invalid => "invalid",
            Self::Unsteady => "unsteady",
            Self::Contradicted | Self::Beyond(_) => "contradicted",
            Self::Own(_) => "own-failure",
        }
    }
}

fn hint(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => {
            ": it does not look after this ledger, or its URL is another; give it `trust/ledger.vkey`"
        }
        StatusCode::FORBIDDEN => ": it has another key for this ledger; give it `trust/ledger.vkey`",
        _ => "",
    }
}

/// A URL in a policy that nobody can be asked at.
#[derive(Debug, thiserror::Error)]
#[error("the witness `{0}` has a URL that is not `http://` or `https://` with a host")]
pub struct UrlError(String);

/// A witness that can be asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) named: Named,
    url: Uri,
    client: Client<Connector, Full<Bytes>>,
    /// The size of the head that it has signed last, as far as we know.
    old: u64,
}

impl Asked {
    /// `None` for a witness without a URL.
    pub(crate) fn new(named: &Named, connector: &Connector) -> Result<Option<Self>, UrlError> {
        let Some(prefix) = &named.url else { return Ok(None) };
        let url: Uri = format!("{}/add-checkpoint", prefix.trim_end_matches('/'))
            .parse()
            .ok()
            .filter(|url: &Uri| matches!(url.scheme_str(), Some("http" | "https")) && url.query().is_none())
            .ok_or_else(|| UrlError(named.name.clone()))?;
        let client = Client::builder(TokioExecutor::new()).build(connector.clone());
        Ok(Some(Self { named: named.clone(), url, client, old: 0 }))
    }

    /// Has it sign `head`, the head of `size` records, and gives that with its signature.
    pub(crate) async fn sign(&mut self, ledger: &Path, head: &Note, size: u64) -> Result<Note, Unsigned> {
        for _ in 0..ATTEMPTS {
            // Whatever is wrong with what we believe, it says so.
            self.old = self.old.min(size);
            let request = self.request(ledger, head).await?;
            let (status, body) = self.post(request.to_string()).await?;
            match status {
                StatusCode::OK => {
                    let note = request.with_answer(&body).map_err(|_| Unsigned::Invalid)?;
                    if !matches!(self.named.witness.check(&note), Ok(Some(_))) {
                        return Err(Unsigned::Invalid);
                    }
                    self.old = size;
                    return Ok(note);
                }
                StatusCode::CONFLICT => match conflicting_size(&body).ok_or(Unsigned::Invalid)? {
                    signed if signed > size => return Err(Unsigned::Beyond(signed)),
                    signed if signed == self.old => return Err(Unsigned::Contradicted),
                    signed => self.old = signed,
                },
                StatusCode::UNPROCESSABLE_ENTITY => return Err(Unsigned::Contradicted),
                status => return Err(Unsigned::Refused { status }),
            }
        }
        Err(Unsigned::Unsteady)
    }

    async fn request(&self, ledger: &Path, head: &Note) -> Result<Request, Unsigned> {
        let (ledger, head, old) = (ledger.to_owned(), head.clone(), self.old);
        let made = tokio::task::spawn_blocking(move || store::request_under(&ledger, &head, old)).await;
        made.map_err(|problem| Unsigned::Unreachable(problem.to_string()))?.map_err(Unsigned::Own)
    }

    async fn post(&self, body: String) -> Result<(StatusCode, Bytes), Unsigned> {
        let request = HttpRequest::builder()
            .method(Method::POST)
            .uri(self.url.clone())
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Full::new(Bytes::from(body)))
            .map_err(unreachable)?;
        let exchange = async {
            let (head, body) = self.client.request(request).await.map_err(unreachable)?.into_parts();
            let body = Limited::new(body, ANSWER_LIMIT).collect().await;
            let body = body.map_err(|problem| Unsigned::Unreachable(problem.to_string()))?.to_bytes();
            Ok((head.status, body))
        };
        timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err(Unsigned::Unreachable("it took too long".to_owned())))
    }
}

/// What lies at the bottom of it: what hyper says itself is only that it failed.
fn unreachable(problem: impl Error + 'static) -> Unsigned {
    let mut cause: &dyn Error = &problem;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Unsigned::Unreachable(cause.to_string())
}
