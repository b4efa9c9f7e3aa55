//! Calls that go on, over connections of their own, until they are told to end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Where calls go, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) address: String,
    pub(crate) token: String,
}

/// What became of calls.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// How many were answered well, to the last byte.
    pub(crate) whole: usize,
    /// What else came, or which error.
    pub(crate) broken: Vec<String>,
}

/// Threads that call one after the other.
pub(crate) struct Traffic {
    ending: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Ended>>,
}

impl Traffic {
    /// So many callers at a time, for this model.
    pub(crate) fn start(caller: Caller, callers: usize, model: &str, stream: bool) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let body = format!(
            "{{\"model\":\"{model}\",\"stream\":{stream},\"messages\":[{{\"role\":\"user\",\"content\":\"one two three four five\"}}]}}"
        );
        let one = |_| {
            let (caller, body, ending) = (caller.clone(), body.clone(), Arc::clone(&ending));
            std::thread::spawn(move || {
                let mut ended = Ended::default();
                while !ending.load(Ordering::Relaxed) {
                    match caller.call(&body) {
                        Ok(answer) if whole(&answer, stream) => ended.whole += 1,
                        Ok(answer) => ended.broken.push(answer),
                        Err(problem) => ended.broken.push(problem.to_string()),
                    }
                }
                ended
            })
        };
        Self { threads: (0..callers).map(one).collect(), ending }
    }

    /// Lets the calls under way end.
    pub(crate) fn end(self) -> Ended {
        self.ending.store(true, Ordering::Relaxed);
        self.threads.into_iter().fold(Ended::default(), |all, thread| {
            let one = thread.join().unwrap();
            Ended { whole: all.whole + one.whole, broken: [all.broken, one.broken].concat() }
        })
    }
}

/// Whether an answer is a good one and all of it came.
fn whole(answer: &str, stream: bool) -> bool {
    let end = if stream { "data: [DONE]" } else { "}" };
    answer.starts_with("HTTP/1.1 200") && answer.trim_end().trim_end_matches(['0', '\r', '\n']).ends_with(end)
}

impl Caller {
    fn call(&self, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let head = format!(
            "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}
