//! A provider that answers with exactly the bytes that a test wants, when it wants them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

/// What a provider does after it has read a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// One byte at a time, each in a segment of its own.
    Drip(Vec<u8>),
    /// Until the test says go.
    Wait,
    /// Waits until the connection ends, and notes when.
    Hang,
    /// For ever, until nobody takes it.
    Repeat(Vec<u8>),
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
    go: watch::Sender<bool>,
    left: watch::Sender<Vec<Instant>>,
}

impl Provider {
    pub(crate) async fn new(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            acts: Mutex::new(acts),
            seen: watch::Sender::default(),
            go: watch::Sender::default(),
            left: watch::Sender::default(),
        });
        let task = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
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

    /// Waits for a request.
    pub(crate) async fn until_seen(&self, count: usize) {
        let mut seen = self.state.seen.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(10), seen.wait_for(|seen| seen.len() >= count)).await;
        waited.expect("a request").unwrap();
    }

    pub(crate) fn go(&self) {
        self.state.go.send_replace(true);
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
                Act::Wait => drop(state.go.subscribe().wait_for(|go| *go).await),
                Act::Repeat(bytes) => while stream.write_all(&bytes).await.is_ok() {},
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

pub(crate) fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
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
