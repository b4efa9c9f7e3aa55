//! The server: takes requests, remembers them, and answers by dialect and script.

use crate::answer::{Answer, Fault};
use crate::{dialect, realtime};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Most requests that are remembered; older ones are forgotten first.
const MEMORY: usize = 10_000;

/// What a provider says to a prompt: the last user text of the request, and the model that was asked.
pub type Script = Arc<dyn Fn(&str, &str) -> String + Send + Sync>;

/// How a provider behaves, whatever the model of a call is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// It answers; what the model's name asks for happens.
    #[default]
    Well,
    /// It takes a request and never answers.
    Hangs,
    /// It answers each request with this status and an error; with 429 it says when to ask again.
    Fails(u16),
    /// It begins an answer, and resets the connection.
    Breaks,
    /// It sends the head of its answer and nothing more.
    Stalls,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A provider that listens. Dropped, it stops.
pub struct Provider {
    address: SocketAddr,
    memory: Arc<Memory>,
    task: tokio::task::JoinHandle<()>,
}

pub(crate) struct Memory {
    script: Script,
    remember: bool,
    manner: Mutex<Manner>,
    /// How many requests have come.
    came: watch::Sender<usize>,
    past: Mutex<Past>,
}

/// The last requests.
#[derive(Default)]
struct Past {
    seen: VecDeque<Seen>,
    /// How many came before those.
    forgotten: usize,
}

impl Provider {
    /// Listens on `address` (port 0 takes a free one) and repeats every prompt.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn echo(address: SocketAddr) -> std::io::Result<Self> {
        Self::start(address, Arc::new(|prompt, _| prompt.to_owned()), true).await
    }

    /// Listens and answers by a script. `remember` keeps what was seen; a benchmark has no use for it.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(address: SocketAddr, script: Script, remember: bool) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let memory = Arc::new(Memory {
            script,
            remember,
            manner: Mutex::default(),
            came: watch::Sender::new(0),
            past: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&memory)));
        Ok(Self { address, memory, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that it saw, oldest first.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.memory.past().seen.iter().cloned().collect()
    }

    /// Behaves otherwise from the next request on.
    pub fn behave(&self, manner: Manner) {
        *self.memory.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// How many requests have come.
    #[must_use]
    pub fn asked(&self) -> usize {
        *self.memory.came.borrow()
    }

    /// Waits until so many requests have come.
    pub async fn until_asked(&self, count: usize) {
        // The sender is ours, so it is not gone.
        let _ = self.memory.came.subscribe().wait_for(|came| *came >= count).await;
    }

    /// Serves until the task is stopped.
    pub async fn serve(mut self) {
        // The accept loop ends only when the task is cancelled.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, memory: Arc<Memory>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let memory = Arc::clone(&memory);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let memory = Arc::clone(&memory);
                async move {
                    let session = realtime::opens(&request);
                    let answer = if session { realtime::begin(memory, request) } else { memory.answer(request).await };
                    Ok::<_, Infallible>(answer)
                }
            });
            let http = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            let _ = http.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
        });
    }
}

impl Memory {
    async fn answer(&self, request: Request<Incoming>) -> Response<Answer> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        if let Some(query) = path.strip_prefix("/_seen") {
            let after = query.strip_prefix("?after=").and_then(|count| count.parse().ok());
            return Answer::json(200, &self.past().told(after.unwrap_or(0)));
        }
        let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
            return Answer::json(400, &json!({"error": "the body broke off"}));
        };
        let seen = Seen { method: head.method, path, headers: head.headers, body };
        let answer = dialect::answer(&seen, &self.script);
        self.remember(seen);
        self.came.send_modify(|came| *came += 1);
        self.in_manner(answer).await
    }

    /// What becomes of an answer by the manner of the provider.
    async fn in_manner(&self, answer: Response<Answer>) -> Response<Answer> {
        let manner = *self.manner.lock().unwrap_or_else(PoisonError::into_inner);
        let error = json!({"error": {"message": "scripted", "type": "scripted_error"}});
        match manner {
            Manner::Well => answer,
            Manner::Hangs => std::future::pending().await,
            Manner::Stalls => answer.map(|_| Answer::silence()),
            Manner::Breaks => Answer::document(&error, Fault::Reset),
            Manner::Fails(status) => {
                let mut answer = Answer::json(status, &error);
                if status == 429 {
                    answer.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("7"));
                }
                answer
            }
        }
    }

    pub(crate) fn script(&self) -> &Script {
        &self.script
    }

    pub(crate) fn remember(&self, seen: Seen) {
        if self.remember {
            let mut past = self.past();
            if past.seen.len() == MEMORY {
                past.seen.pop_front();
                past.forgotten += 1;
            }
            past.seen.push_back(seen);
        }
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Past {
    /// What was seen after the first `count` requests, for tests in other languages: `GET /_seen?after=COUNT`.
    fn told(&self, count: usize) -> Value {
        let told = self.seen.iter().skip(count.saturating_sub(self.forgotten)).map(|seen| {
            let headers: serde_json::Map<String, Value> = seen
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes()))))
                .collect();
            let body = String::from_utf8_lossy(&seen.body);
            json!({"method": seen.method.as_str(), "path": seen.path, "headers": headers, "body": body})
        });
        Value::Array(told.collect())
    }
}
