//! A plant with a gateway that runs, over a scripted provider.

use crate::traffic::Caller;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use testkit::Provider;

pub(crate) const PENSTOCK: &str = env!("CARGO_BIN_EXE_penstock");

/// A gateway over a provider that says a word to everything. It ends with the test.
pub(crate) struct House {
    folder: TempDir,
    _runtime: tokio::runtime::Runtime,
    provider: Provider,
    child: Child,
    addresses: Vec<String>,
    token: String,
    log: Arc<Mutex<String>>,
    /// What is started next, and what commands are given to.
    binary: PathBuf,
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
        let text = text
            .replace("127.0.0.1:9464", "127.0.0.1:0")
            .replace("127.0.0.1:9465", "127.0.0.1:0")
            .replace("listen = [\"127.0.0.1:8443\"]", listen);
        let text = text.replace("https://api.openai.com", &format!("http://{}", provider.address()));
        // Pictures of noise do not decode.
        let text = text.replacen("models = [\"gpt-4o\"", "opaque_files = \"record\"\nmodels = [\"gpt-4o\"", 1);
        fs::write(&file, text + more).unwrap();
        let token = says(&plant, &["token", "issue", "--workload", "assistant"]).trim().to_owned();
        let (child, addresses, log) = run(command(Path::new(PENSTOCK), &plant, None), &plant);
        Self { folder, _runtime: runtime, provider, child, addresses, token, log, binary: PENSTOCK.into() }
    }

    /// Puts another binary in the place of what was installed.
    pub(crate) fn install(&mut self, binary: &Path) {
        self.binary = binary.to_owned();
    }

    /// Starts the gateway again, once it has ended.
    pub(crate) fn start(&mut self) {
        (self.child, self.addresses, self.log) = run(self.command(None), &self.plant());
    }

    /// Starts it behind a socket that stays open whatever becomes of it, as systemd would.
    pub(crate) fn start_on(&mut self, socket: &TcpListener) {
        (self.child, self.addresses, self.log) = run(self.command(Some(socket)), &self.plant());
    }

    fn command(&self, socket: Option<&TcpListener>) -> Command {
        command(&self.binary, &self.plant(), socket)
    }

    /// Starts one that dies as soon as it holds the ledger.
    pub(crate) fn start_on_and_kill(&self, socket: &TcpListener) {
        let mut child = self.command(Some(socket)).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.into_iter().any(|line| line.contains("ledger open")));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn plant(&self) -> PathBuf {
        self.folder.path().join("plant")
    }

    /// How often its provider was asked.
    pub(crate) fn asked(&self) -> usize {
        self.provider.asked()
    }

    /// Where its provider listens.
    pub(crate) fn provider(&self) -> SocketAddr {
        self.provider.address()
    }

    /// Who calls it from elsewhere.
    pub(crate) fn caller(&self) -> Caller {
        Caller { address: self.addresses[0].clone(), token: self.token.clone() }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// What a command about this plant says.
    pub(crate) fn says(&self, args: &[&str]) -> String {
        says_by(&self.binary, &self.plant(), args)
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

    /// What a command about this plant comes to: its exit code, what it says, and what it complains of.
    pub(crate) fn tries(&self, args: &[&str], env: &[(&str, &str)]) -> (i32, String, String) {
        let mut command = Command::new(PENSTOCK);
        command.arg("--plant").arg(self.plant()).args(args).env_remove("PENSTOCK_CONSOLE").envs(env.iter().copied());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Begins a command about this plant.
    pub(crate) fn begin(&self, args: &[&str]) -> Child {
        let mut command = Command::new(PENSTOCK);
        command.arg("--plant").arg(self.plant()).args(args).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Where the console listens, if the plant says so.
    pub(crate) fn console(&self) -> &str {
        &self.addresses[2]
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

type Running = (Child, Vec<String>, Arc<Mutex<String>>);

/// How a gateway is started, with a socket as systemd hands it over or without.
fn command(binary: &Path, plant: &Path, socket: Option<&TcpListener>) -> Command {
    let mut command = match socket {
        None => Command::new(binary),
        Some(socket) => {
            let mut shell = Command::new("sh");
            let handed = "export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\" 3<&0 0</dev/null";
            shell.args(["-c", handed, "sh"]).arg(binary).stdin(OwnedFd::from(socket.try_clone().unwrap()));
            shell
        }
    };
    command
        .arg("run")
        .arg("--plant")
        .arg(plant)
        .args(["--log", "json"])
        .arg("--addresses")
        .arg(plant.join("addresses"));
    // A plant with servers of its own needs no authorities of the system's, and no machine has to have any.
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nowhere");
    command.env("OPENAI_API_KEY", "sk-test-0123456789");
    command
}

/// A gateway as a process, its addresses, and its log as far as it has come.
fn run(mut command: Command, plant: &Path) -> Running {
    let file = plant.join("addresses");
    let _ = fs::remove_file(&file);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let log: Arc<Mutex<String>> = Arc::default();
    let kept = Arc::clone(&log);
    // Read on, so that the gateway does not wait for room in the pipe.
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    std::thread::spawn(move || lines.for_each(|line| kept.lock().unwrap().push_str(&(line + "\n"))));
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        // The calls' address comes first, then operations', then the console's.
        if let Ok(addresses) = fs::read_to_string(&file) {
            return (child, addresses.lines().map(str::to_owned).collect(), log);
        }
        assert!(child.try_wait().unwrap().is_none() && Instant::now() < end, "{}", log.lock().unwrap());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn says(plant: &Path, args: &[&str]) -> String {
    says_by(Path::new(PENSTOCK), plant, args)
}

fn says_by(binary: &Path, plant: &Path, args: &[&str]) -> String {
    let output = Command::new(binary).arg("--plant").arg(plant).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
