//! How commands reach a gateway that runs: by its socket on this machine, or by its console's address with a token.

use crate::assemble;
use crate::controlling;
use crate::records::Where;
use crate::secrets;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, LINK};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use miette::{IntoDiagnostic, WrapErr, miette};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;
use zeroize::Zeroizing;

/// How long the gateway may take. It syncs a file and a record; a reload reads every file of the plant.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest answer.
const LIMIT: usize = 16 << 20;

/// Which gateway is asked, and who asks.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Reach {
    /// The console of a gateway on another machine, for example `https://10.20.35.10:9465`. Without it, it is the plant on this
    /// machine, whose gateway knows its own user.
    #[arg(long, value_name = "URL", env = "PENSTOCK_CONSOLE")]
    console: Option<String>,

    /// A file with a token of `penstock admin token issue` alone in its first line; without one,
    /// `PENSTOCK_CONSOLE_TOKEN` is read.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Authorities to trust for the console in place of the system's, PEM.
    #[arg(long, value_name = "FILE")]
    console_authority: Option<PathBuf>,
}

/// What is read: a ledger here, or a gateway elsewhere.
#[derive(Debug, clap::Args)]
pub(crate) struct Whence {
    #[command(flatten)]
    pub(crate) ledger: Where,

    #[command(flatten)]
    reach: Reach,
}

impl Whence {
    /// The gateway elsewhere, if that is what is read: one on another machine, or one that is named as if it were. A ledger that is named is
    /// read here, wherever a gateway may be.
    pub(crate) fn elsewhere(&self) -> Option<&Reach> {
        Some(&self.reach).filter(|reach| reach.console.is_some() && !self.ledger.is_named())
    }
}

/// No gateway runs here.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("no gateway answers at `{}`", place)]
#[diagnostic(help(
    "is `penstock run` running for this plant, as this user? For one on another machine, name its `--console`"
))]
pub(crate) struct Nobody {
    place: String,
}

impl Reach {
    /// The gateway that runs on this machine.
    pub(crate) fn home() -> Self {
        Self { console: None, token_file: None, console_authority: None }
    }

    /// Asks for a text, as it is.
    pub(crate) fn fetch(&self, plant: &Path, path: &str) -> miette::Result<String> {
        text(self.exchange(plant, &Method::GET, path, None)?)
    }

    /// Asks for a page of something, as it is; also gives where the next one is, if the gateway says so (RFC 8288).
    pub(crate) fn page(&self, plant: &Path, path: &str) -> miette::Result<(String, Option<String>)> {
        let answer = self.exchange(plant, &Method::GET, path, None)?;
        let link = answer.headers().get(LINK).and_then(|link| link.to_str().ok());
        let next = link.and_then(|link| link.strip_prefix('<')?.strip_suffix(">; rel=\"next\""));
        // It is asked with the same token, so it stays where it was given to.
        let next = next.filter(|next| next.starts_with("/api/")).map(str::to_owned);
        Ok((text(answer)?, next))
    }

    /// Sends a request; gives the answer if it is a good one, and the problem in words if not.
    pub(crate) fn ask(
        &self,
        plant: &Path,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> miette::Result<(StatusCode, Value)> {
        let (status, bytes) = parts(self.exchange(plant, method, path, body)?);
        let answer = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() { Ok((status, answer)) } else { Err(problem(status, &answer)) }
    }

    fn exchange(
        &self,
        plant: &Path,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> miette::Result<Response<Bytes>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
        let work = async {
            let answer = match &self.console {
                Some(console) => self.over_network(console, method, path, body).await?,
                None => self.at_home(plant, method, path, body).await?,
            };
            let (head, body) = answer.into_parts();
            let read = Limited::new(body, LIMIT).collect().await;
            let read = read.map_err(|problem| miette!("the gateway's answer broke off: {problem}"))?.to_bytes();
            Ok(Response::from_parts(head, read))
        };
        let answered = runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await });
        answered.unwrap_or_else(|_| Err(miette!("the gateway does not answer")))
    }

    async fn at_home(
        &self,
        plant: &Path,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> miette::Result<Response<Incoming>> {
        let socket = controlling::socket(&ledger(plant));
        let nobody = |_| Nobody { place: socket.display().to_string() };
        let stream = UnixStream::connect(&socket).await.map_err(nobody)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.into_diagnostic()?;
        tokio::spawn(connection);
        let request = self.request(method, path, "localhost", body)?;
        sender.send_request(request).await.into_diagnostic().wrap_err("the gateway did not answer")
    }

    async fn over_network(
        &self,
        console: &str,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> miette::Result<Response<Incoming>> {
        let url = format!("{}{path}", console.trim_end_matches('/'));
        let uri: http::Uri = url.parse().into_diagnostic().wrap_err("`--console` is no URL")?;
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let connector = gateway::connector(self.console_authority.as_deref()).into_diagnostic()?;
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let request = self.request(method, &url, &host, body)?;
        client.request(request).await.into_diagnostic().wrap_err_with(|| format!("`{console}` cannot be asked"))
    }

    fn request(
        &self,
        method: &Method,
        uri: &str,
        host: &str,
        body: Option<&Value>,
    ) -> miette::Result<Request<Full<Bytes>>> {
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let mut request = Request::builder().method(method).uri(uri).header(HOST, host);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(token) = self.token()? {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.as_str())).into_diagnostic()?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request.body(Full::new(bytes)).into_diagnostic()
    }

    fn token(&self) -> miette::Result<Option<Zeroizing<String>>> {
        if let Some(file) = &self.token_file {
            let text = secrets::read(file)?;
            return Ok(text.lines().next().map(|line| Zeroizing::new(line.trim().to_owned())));
        }
        // Not an argument, which every user of the machine can see.
        Ok(std::env::var("PENSTOCK_CONSOLE_TOKEN").ok().filter(|token| !token.is_empty()).map(Zeroizing::new))
    }
}

fn parts(answer: Response<Bytes>) -> (StatusCode, Bytes) {
    (answer.status(), answer.into_body())
}

fn text(answer: Response<Bytes>) -> miette::Result<String> {
    let (status, bytes) = parts(answer);
    if !status.is_success() {
        return Err(problem(status, &serde_json::from_slice(&bytes).unwrap_or(Value::Null)));
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| miette!("the gateway's answer is no text"))
}

/// The ledger of a plant, also when its file is broken: whoever must shut the gate cannot wait for somebody to repair it.
fn ledger(plant: &Path) -> PathBuf {
    match assemble::load(plant) {
        Ok(loaded) => loaded.gateway.ledger,
        Err(_) => {
            let folder = if plant.is_dir() { Some(plant) } else { plant.parent() };
            folder.unwrap_or(Path::new(".")).join("ledger")
        }
    }
}

/// A problem document in words.
fn problem(status: StatusCode, answer: &Value) -> miette::Report {
    let text = |key: &str| answer.get(key).and_then(Value::as_str);
    let title = text("title").unwrap_or("the gateway refuses").to_owned();
    match text("detail") {
        Some(detail) => miette!("{title}: {detail}"),
        None => miette!("{title} ({status})"),
    }
}
