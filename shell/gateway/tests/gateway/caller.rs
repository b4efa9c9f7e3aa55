//! A caller that sends and reads bytes as a test wants them, on HTTP/1.1.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Longest that a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Caller {
    pub(crate) stream: TcpStream,
    /// What was read and not yet taken.
    pub(crate) read: Vec<u8>,
}

impl Caller {
    pub(crate) async fn new(address: SocketAddr) -> Self {
        Self::on(TcpStream::connect(address).await.unwrap())
    }

    /// A caller for whom the system keeps as little unread as it can.
    pub(crate) async fn narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::on(socket.connect(address).await.unwrap())
    }

    fn on(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    /// A caller that has sent something.
    pub(crate) async fn sends(address: SocketAddr, bytes: &[u8]) -> Self {
        let mut caller = Self::new(address).await;
        caller.send(bytes).await;
        caller
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Reads more; `false` at the end.
    pub(crate) async fn more(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut piece)).await.expect("an answer in time");
        match read {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.read.extend_from_slice(&piece[..count]);
                true
            }
        }
    }

    /// Reads until a text has come.
    pub(crate) async fn until(&mut self, text: &str) {
        while !holds(&self.read, text) {
            assert!(self.more().await, "ended before `{text}`: {}", String::from_utf8_lossy(&self.read));
        }
    }

    /// Reads one whole answer. `None` if the connection ended before its end.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        loop {
            if let Some((answer, length)) = Answer::parse(&self.read) {
                self.read.drain(..length);
                return Some(answer);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// Whether the other side closes in time.
    pub(crate) async fn closed(&mut self) -> bool {
        loop {
            if !self.more().await {
                return true;
            }
        }
    }
}

pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The answer that stands whole at the beginning of `bytes`, and its length.
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Self { status, head, body: Vec::new() };
        if status == 100 {
            return Some((answer, end));
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            let mut at = end;
            loop {
                let line = bytes[at..].windows(2).position(|window| window == b"\r\n")?;
                let size = usize::from_str_radix(std::str::from_utf8(&bytes[at..at + line]).unwrap(), 16).unwrap();
                let (from, to) = (at + line + 2, at + line + 2 + size);
                answer.body.extend_from_slice(bytes.get(from..to)?);
                bytes.get(to..to + 2)?;
                at = to + 2;
                if size == 0 {
                    return Some((answer, at));
                }
            }
        }
        let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body.extend_from_slice(bytes.get(end..end + length)?);
        Some((answer, end + length))
    }
}

/// The body at a path of the operations listener.
pub(crate) async fn get(address: SocketAddr, path: &str) -> String {
    let mut caller = Caller::sends(address, format!("GET {path} HTTP/1.1\r\nHost: gate\r\n\r\n").as_bytes()).await;
    caller.answer().await.unwrap().text()
}
