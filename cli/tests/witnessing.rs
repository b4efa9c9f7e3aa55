//! Gateways that witness each other over real sockets, with auditors beside them, as processes that are killed and copied.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PENSTOCK: &str = env!("CARGO_BIN_EXE_penstock");
/// How long anything that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with plants and witnesses in it.
struct Region(TempDir);

/// A process that ends with the test, its addresses, and its log.
struct Running {
    child: Child,
    addresses: Vec<String>,
    /// What was logged before all addresses were known.
    early: Vec<String>,
    log: Receiver<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Begins, and reads so many addresses from its log.
    fn begin(command: &mut Command, addresses: usize) -> Self {
        let mut child = command.args(["--log", "json"]).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let address = |line: String| {
            let told: serde_json::Value = serde_json::from_str(&line).ok()?;
            Some(told.get("address")?.as_str()?.to_owned())
        };
        let mut early = Vec::new();
        let read = log.iter().inspect(|line| early.push(line.clone())).filter_map(address);
        let addresses: Vec<String> = read.take(addresses).collect();
        Self { child, addresses, early, log }
    }

    /// Lets it end as an operator would; gives the rest of its log.
    fn stop(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.log.iter().collect::<Vec<_>>().join("\n")
    }

    /// A call of nobody: it is refused, and that is a record.
    fn call(&self) {
        assert!(get(&self.addresses[0], "/openai/v1/models").contains("no-identity"));
    }

    fn metric(&self, name: &str) -> Option<u64> {
        let page = get(&self.addresses[1], "/metrics");
        page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    fn wait(&self, what: &str, mut done: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < PATIENCE, "{what}: {:?}", self.log.try_iter().collect::<Vec<_>>());
        }
    }

    fn wait_for_log(&self, text: &str) {
        if self.early.iter().any(|line| line.contains(text)) {
            return;
        }
        let begun = Instant::now();
        while !self.log.recv_timeout(PATIENCE).unwrap().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "{text}");
        }
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

impl Region {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn says(&self, args: &[&str]) -> (i32, String) {
        let output = Command::new(PENSTOCK).current_dir(&self.0).args(args).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    /// Lays out a plant, with `tables` added to its plant file, and lets its gateway begin the ledger.
    fn plant(&self, name: &str, tables: &str) {
        assert_eq!(self.says(&["init", name]).0, 0);
        let file = self.path(name).join("plant.toml");
        let text = fs::read_to_string(&file).unwrap();
        let text = text.replace("127.0.0.1:9464", "127.0.0.1:0").replace("127.0.0.1:9465", "127.0.0.1:0");
        let text = text.replace("listen = [\"127.0.0.1:8443\"]", "listen = []\nplain_http = [\"127.0.0.1:0\"]");
        fs::write(&file, &text).unwrap();
        self.run(name, 2).stop();
        fs::write(&file, format!("{text}\n{tables}")).unwrap();
    }

    fn run(&self, plant: &str, addresses: usize) -> Running {
        Running::begin(Command::new(PENSTOCK).arg("run").arg("--plant").arg(self.path(plant)), addresses)
    }

    fn key_of(&self, plant: &str) -> String {
        fs::read_to_string(self.path(plant).join("ledger/trust/ledger.vkey")).unwrap()
    }

    /// Makes the key of a witness; gives its public half.
    fn witness_key(&self, name: &str, file: &str) -> String {
        let (code, public) = self.says(&["witness", "key", "--name", &format!("{name}.example"), "--out", file]);
        assert_eq!(code, 0, "{public}");
        public.trim().to_owned()
    }

    /// A witness on a machine of its own, for the ledgers whose keys are in `logs`.
    fn serve(&self, name: &str) -> Running {
        let mut command = Command::new(PENSTOCK);
        command.current_dir(&self.0).args(["witness", "serve", "--listen", "127.0.0.1:0", "--logs", "logs"]);
        command.args(["--key", &format!("{name}.key"), "--state", &format!("{name}-state")]);
        Running::begin(&mut command, 1)
    }

    fn verify(&self, plant: &str) -> (i32, String) {
        let (ledger, policy) = (format!("{plant}/ledger"), format!("{plant}/policy"));
        self.says(&["verify", &ledger, "--key", &format!("{plant}/ledger/trust/ledger.vkey"), "--policy", &policy])
    }
}

/// A policy: two of these witnesses are enough.
fn policy(witnesses: &[(&str, &str, String)]) -> String {
    let lines = witnesses.iter().map(|(name, key, url)| format!("witness {name} {key} {url}\n"));
    let names: Vec<&str> = witnesses.iter().map(|(name, ..)| *name).collect();
    format!("{}group plants 2 {}\nquorum plants\n", lines.collect::<String>(), names.join(" "))
}

fn put(path: &Path, text: &str) {
    let fresh = path.with_extension("fresh");
    fs::write(&fresh, text).unwrap();
    fs::rename(fresh, path).unwrap();
}

/// Asks the witnesses of `policy` every second.
const ASKING: &str = "[witnesses]\npolicy = \"policy\"\nevery = \"1s\"\nwarn_after = \"1s\"\n";

#[test]
fn plants_witness_each_other_and_two_of_three_are_enough() {
    let region = Region::new();
    let own = "[witness]\nlogs = \"peers\"\n";
    region.plant("hilltop", &format!("{own}plain_http = [\"127.0.0.1:0\"]\n{ASKING}authorities = \"peer.pem\"\n"));
    region.plant("harbour", &format!("{own}listen = [\"127.0.0.1:0\"]\n{ASKING}"));
    let hilltop_key = region.witness_key("hilltop", "hilltop/keys/witness.key");
    let harbour_key = region.witness_key("harbour", "harbour/keys/witness.key");
    let auditor_key = region.witness_key("auditor", "auditor.key");
    let supplier_key = region.witness_key("supplier", "supplier.key");
    // Each plant has the other's key and trusts the other's certificates.
    fs::write(region.path("hilltop/peers"), region.key_of("harbour")).unwrap();
    fs::write(region.path("harbour/peers"), region.key_of("hilltop")).unwrap();
    fs::copy(region.path("harbour/pki/authority.pem"), region.path("hilltop/peer.pem")).unwrap();
    fs::write(region.path("logs"), region.key_of("hilltop") + &region.key_of("harbour")).unwrap();
    let (auditor, supplier) = (region.serve("auditor"), region.serve("supplier"));
    for plant in ["hilltop", "harbour"] {
        fs::write(region.path(plant).join("policy"), "quorum none\n").unwrap();
    }
    let (hilltop, harbour) = (region.run("hilltop", 3), region.run("harbour", 3));
    let others = |auditor: &Running, supplier: String| {
        [
            ("auditor", auditor_key.as_str(), format!("http://{}/", auditor.addresses[0])),
            ("supplier", &supplier_key, supplier),
        ]
    };
    let of = |peer: (&'static str, &'static str, &str), auditor: &Running, supplier: String| {
        let key = if peer.0 == "harbour" { &harbour_key } else { &hilltop_key };
        let peer = (peer.0, key.as_str(), format!("{}://{}", peer.1, peer.2));
        policy(&[&[peer][..], &others(auditor, supplier)].concat())
    };
    // The policies say where the others listen, and come into force while the gateways run.
    let supplied = || format!("http://{}", supplier.addresses[0]);
    let of_hilltop = of(("harbour", "https", &harbour.addresses[2]), &auditor, supplied());
    put(&region.path("hilltop/policy"), &of_hilltop);
    put(&region.path("harbour/policy"), &of(("hilltop", "http", &hilltop.addresses[2]), &auditor, supplied()));
    for gateway in [&hilltop, &harbour] {
        gateway.call();
        let seen = "penstock_witness_asked_total{witness=\"supplier\",answer=\"signed\"}";
        gateway.wait("the supplier signs", || gateway.metric(seen).is_some_and(|count| count > 0));
        gateway.wait("enough have followed", || gateway.metric("penstock_unwitnessed_records") == Some(0));
        assert_eq!(gateway.metric("penstock_unwitnessed_seconds"), Some(0));
    }
    // The head that a gateway leaves is signed too.
    hilltop.call();
    hilltop.stop();
    let (code, text) = region.verify("hilltop");
    assert!(code == 0 && text.contains("3 of 3 have signed the head, enough for the policy"), "{text}");
    // One hangs: its connection opens, and nothing comes. Nobody waits for it.
    let hole = TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging =
        of(("harbour", "https", &harbour.addresses[2]), &auditor, format!("http://{}", hole.local_addr().unwrap()));
    put(&region.path("hilltop/policy"), &hanging);
    let hilltop = region.run("hilltop", 3);
    (0..20).for_each(|_| hilltop.call());
    // A bad policy never replaces a good one.
    for bad in ["no policy\n".to_owned(), hanging.replace("http://", "nonsense://")] {
        put(&region.path("hilltop/policy"), &bad);
        hilltop.wait_for_log("the plant's files were rejected");
    }
    put(&region.path("hilltop/policy"), &hanging);
    hilltop.wait_for_log("plant file in force");
    hilltop.call();
    hilltop.wait("two follow", || hilltop.metric("penstock_unwitnessed_records") == Some(0));
    hilltop.stop();
    let (code, text) = region.verify("hilltop");
    assert!(code == 0 && text.contains("2 of 3 have signed the head, enough for the policy"), "{text}");
    // Another is killed: one is not enough, and the gateway says so and goes on.
    drop(auditor);
    let hilltop = region.run("hilltop", 3);
    hilltop.call();
    hilltop.wait_for_log("too few witnesses have signed for longer");
    assert!(hilltop.metric("penstock_unwitnessed_records").unwrap() > 0);
    hilltop.wait("it waits", || hilltop.metric("penstock_unwitnessed_seconds").unwrap() > 0);
    hilltop.stop();
    let (code, text) = region.verify("hilltop");
    assert!(code == 13 && text.contains("enough have seen covers"), "{text}");
    drop((harbour, supplier));
}

#[test]
fn a11_a_copy_of_a_gateway_is_not_signed_and_hears_of_it() {
    let region = Region::new();
    region.plant("hilltop", ASKING);
    let auditor_key = region.witness_key("auditor", "auditor.key");
    fs::write(region.path("logs"), region.key_of("hilltop")).unwrap();
    let auditor = region.serve("auditor");
    let line = format!("witness auditor {auditor_key} http://{}\nquorum auditor\n", auditor.addresses[0]);
    fs::write(region.path("hilltop/policy"), line).unwrap();
    let copied = Command::new("cp").arg("-r").args([region.path("hilltop"), region.path("copy")]).status().unwrap();
    assert!(copied.success());
    let hilltop = region.run("hilltop", 2);
    hilltop.call();
    hilltop.wait("it is signed", || hilltop.metric("penstock_unwitnessed_records") == Some(0));
    hilltop.stop();
    assert_eq!(region.verify("hilltop").0, 0);
    // The copy has fewer records than were signed, and then more: neither is a continuation.
    let copy = region.run("copy", 2);
    let contradicted = "penstock_witness_asked_total{witness=\"auditor\",answer=\"contradicted\"}";
    copy.wait_for_log("a witness contradicts this ledger");
    (0..20).for_each(|_| copy.call());
    let before = copy.metric(contradicted).unwrap();
    copy.wait("it is refused again", || copy.metric(contradicted).unwrap() > before);
    let unproven = || {
        fs::read_dir(region.path("auditor-state"))
            .unwrap()
            .any(|entry| entry.unwrap().path().extension().is_some_and(|extension| extension == "unproven"))
    };
    copy.wait("the witness keeps the evidence", unproven);
    copy.stop();
    assert_eq!(region.verify("copy").0, 13);
    let log = auditor.stop();
    assert!(log.contains("\"level\":\"ERROR\"") && log.contains("penstock convict"), "{log}");
    // The true one goes on where it was.
    drop(region.run("hilltop", 2).stop());
}
