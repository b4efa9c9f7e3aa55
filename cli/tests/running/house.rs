//! A plant with a gateway that runs, over a scripted provider.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use testkit::Provider;

const PENSTOCK: &str = env!("CARGO_BIN_EXE_penstock");

/// A gateway over a provider that says a word to everything. It ends with the test.
pub(crate) struct House {
    folder: TempDir,
    _runtime: tokio::runtime::Runtime,
    _provider: Provider,
    child: Child,
    addresses: Vec<String>,
    token: String,
    log: Arc<Mutex<String>>,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl House {
    /// A new plant; `more` is put at the end of its plant file.
    pub(crate) fn new(more: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let script: testkit::Script = Arc::new(|_, _| "seen".to_owned());
        let start = Provider::start(SocketAddr::from(([127, 0, 0, 1], 0)), script, false);
        let provider = runtime.block_on(start).unwrap();
        let plant = folder.path().join("plant");
        says(&plant, &["init", plant.to_str().unwrap()]);
        let file = plant.join("plant.toml");
        let listen = "listen = []\nplain_http = [\"127.0.0.1:0\"]";
        let text = fs::read_to_string(&file).unwrap();
        let text = text.replace("127.0.0.1:9464", "127.0.0.1:0").replace("listen = [\"127.0.0.1:8443\"]", listen);
        let text = text.replace("https://api.openai.com", &format!("http://{}", provider.address()));
        // Pictures of noise do not decode.
        let text = text.replacen("models = [\"gpt-4o\"", "opaque_files = \"record\"\nmodels = [\"gpt-4o\"", 1);
        fs::write(&file, text + more).unwrap();
        let token = says(&plant, &["token", "issue", "--workload", "assistant"]).trim().to_owned();
        let mut command = Command::new(PENSTOCK);
        command.arg("run").arg("--plant").arg(&plant).args(["--log", "json"]).stderr(Stdio::piped());
        let mut child = command.env("OPENAI_API_KEY", "sk-test-0123456789").spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        // The calls' address comes first, then operations'.
        let addresses = lines.by_ref().filter_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line).ok()?;
            Some(line.get("address")?.as_str()?.to_owned())
        });
        let addresses = addresses.take(2).collect();
        // Read on, so that the gateway does not wait for room in the pipe.
        let log: Arc<Mutex<String>> = Arc::default();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || lines.for_each(|line| kept.lock().unwrap().push_str(&(line + "\n"))));
        Self { folder, _runtime: runtime, _provider: provider, child, addresses, token, log }
    }

    pub(crate) fn plant(&self) -> PathBuf {
        self.folder.path().join("plant")
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// What a command about this plant says.
    pub(crate) fn says(&self, args: &[&str]) -> String {
        says(&self.plant(), args)
    }

    /// Lets the gateway end as an operator would.
    pub(crate) fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    /// What has been logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends a call; gives the whole answer.
    pub(crate) fn call(&self, path: &str, kind: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.addresses[0]).unwrap();
        let head = format!(
            "POST /openai/v1/{path} HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn chat(&self, body: &[u8]) -> String {
        self.call("chat/completions", "application/json", body)
    }

    /// What the operations listener says to a path.
    pub(crate) fn operations(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.addresses[1]).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn says(plant: &std::path::Path, args: &[&str]) -> String {
    let output = Command::new(PENSTOCK).arg("--plant").arg(plant).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
