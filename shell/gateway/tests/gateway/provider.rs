//! A provider that answers with exactly the bytes that a test wants, when it wants them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

/// What a provider does after it has read a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// One byte at a time, each in a segment of its own.
    Drip(Vec<u8>),
    /// Until the test says go, once for each.
    Wait,
    /// Waits until the connection ends, and notes when.
    Hang,
    /// For ever, until nobody takes it. Notes when nobody has for a while.
    Repeat(Vec<u8>),
    /// An end; what comes after it is not read. Notes when the gateway has seen it.
    Close,
    /// A reset instead of an end.
    Reset,
}

pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

struct State {
    acts: Mutex<Vec<Act>>,
    seen: watch::Sender<Vec<Vec<u8>>>,
    connections: AtomicUsize,
    go: Semaphore,
    left: watch::Sender<Vec<Instant>>,
    /// How often nobody took what [`Act::Repeat`] gives.
    stalled: watch::Sender<usize>,
}

impl Provider {
    pub(crate) async fn new(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            acts: Mutex::new(acts),
            seen: watch::Sender::default(),
            connections: AtomicUsize::new(0),
            go: Semaphore::new(0),
            left: watch::Sender::default(),
            stalled: watch::Sender::default(),
        });
        let task = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    state.connections.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(serve(stream, Arc::clone(&state)));
                }
            }
        });
        Self { address, state, task }
    }

    pub(crate) fn acts(&self, acts: Vec<Act>) {
        *self.state.acts.lock().unwrap() = acts;
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.seen.borrow().iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Waits for a request.
    pub(crate) async fn until_seen(&self, count: usize) {
        let mut seen = self.state.seen.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(10), seen.wait_for(|seen| seen.len() >= count)).await;
        waited.expect("a request").unwrap();
    }

    pub(crate) fn go(&self) {
        self.state.go.add_permits(1);
    }

    /// Waits until nobody takes what [`Act::Repeat`] gives.
    pub(crate) async fn until_stalled(&self) {
        let mut stalled = self.state.stalled.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(10), stalled.wait_for(|stalled| *stalled > 0)).await;
        waited.expect("nobody takes it").unwrap();
    }

    /// Waits until the gateway has left it; says when.
    pub(crate) async fn until_left(&self) -> Instant {
        let mut left = self.state.left.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(10), left.wait_for(|left| !left.is_empty())).await;
        *waited.expect("the gateway leaves").unwrap().first().unwrap()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    stream.set_nodelay(true).unwrap();
    let mut read = Vec::new();
    while let Some(request) = request(&mut stream, &mut read).await {
        state.seen.send_modify(|seen| seen.push(request));
        let acts = state.acts.lock().unwrap().clone();
        for act in acts {
            match act {
                Act::Send(bytes) => drop(stream.write_all(&bytes).await),
                Act::Drip(bytes) => {
                    for byte in bytes {
                        let _ = stream.write_all(&[byte]).await;
                        tokio::task::yield_now().await;
                    }
                }
                Act::Wait => state.go.acquire().await.unwrap().forget(),
                Act::Repeat(bytes) => while repeated(&mut stream, &bytes, &state).await.is_ok() {},
                Act::Close => {
                    let _ = stream.shutdown().await;
                    while matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) {}
                    state.left.send_modify(|left| left.push(Instant::now()));
                    return;
                }
                Act::Reset => {
                    stream.set_zero_linger().unwrap();
                    return;
                }
                Act::Hang => {
                    let _ = stream.read(&mut [0; 1]).await;
                    state.left.send_modify(|left| left.push(Instant::now()));
                    return;
                }
            }
        }
    }
    state.left.send_modify(|left| left.push(Instant::now()));
}

/// How long nothing may move before it counts as stalled.
const STALLED: Duration = Duration::from_millis(100);

/// Writes once more.
async fn repeated(stream: &mut TcpStream, bytes: &[u8], state: &State) -> std::io::Result<()> {
    let mut write = std::pin::pin!(stream.write_all(bytes));
    if let Ok(written) = tokio::time::timeout(STALLED, write.as_mut()).await {
        return written;
    }
    state.stalled.send_modify(|count| *count += 1);
    write.await
}

/// Reads one request with a declared length.
async fn request(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let whole = end + 4 + length.unwrap_or(0_usize);
            if read.len() >= whole {
                return Some(read.drain(..whole).collect());
            }
        }
        let mut piece = vec![0; 64 << 10];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => read.extend_from_slice(&piece[..count]),
        }
    }
}

/// An answer with a length.
pub(crate) fn document(status: u16, lines: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{lines}\r\n{body}")
        .into_bytes()
}

/// The head of a stream without a length, and nothing more.
pub(crate) fn stream_head(kind: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes()
}

pub(crate) fn chunk(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

pub(crate) fn last_chunk() -> Vec<u8> {
    b"0\r\n\r\n".to_vec()
}

/// An event of a chat.
pub(crate) fn event(text: &str) -> String {
    let text = text.replace('"', "\\\"");
    format!(
        "data: {{\"id\":\"c-1\",\"model\":\"gpt-4o\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
    )
}

pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// A chat that is not streamed.
pub(crate) fn completion(text: &str) -> String {
    format!(
        r#"{{"id":"c-1","object":"chat.completion","model":"gpt-4o","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":3,"completion_tokens":5}}}}"#
    )
}
