//! The ledger's key in a device: SoftHSM 2, from the key ceremony to the auditor, and everything that can be wrong with it.

#![cfg(feature = "hsm")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use testkit::Provider;

const PENSTOCK: &str = env!("CARGO_BIN_EXE_penstock");
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "734912";

/// A plant whose ledger is signed by a token of SoftHSM, with a provider that repeats every prompt.
struct House {
    folder: TempDir,
    token: String,
    _runtime: tokio::runtime::Runtime,
    _provider: Provider,
}

/// A gateway that ends with the test.
struct Running {
    child: Child,
    address: String,
    log: std::thread::JoinHandle<String>,
}

impl House {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let provider = runtime.block_on(Provider::echo(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
        let address = provider.address();
        let mut house = Self { folder, token: String::new(), _runtime: runtime, _provider: provider };
        house.ceremony();
        house.says(&["init", house.path("plant").to_str().unwrap()]);
        fs::remove_file(house.path("plant/keys/gateway.key")).unwrap();
        house.write_pin(PIN);
        house.edit("127.0.0.1:9464", "127.0.0.1:0");
        house.edit("127.0.0.1:9465", "127.0.0.1:0");
        let listen =
            format!("listen = []\nplain_http = [\"127.0.0.1:0\"]\nsigning = \"{}\"", uri("token=plant;object=gateway"));
        house.edit("listen = [\"127.0.0.1:8443\"]", &listen);
        house.edit("https://api.openai.com", &format!("http://{address}"));
        house.token = house.says(&["token", "issue", "--workload", "assistant"]).trim().to_owned();
        house
    }

    /// Makes a token with an Ed25519 key, and an RSA key beside it.
    fn ceremony(&self) {
        fs::create_dir(self.path("tokens")).unwrap();
        let config = format!("directories.tokendir = {}\nobjectstore.backend = file\n", self.path("tokens").display());
        fs::write(self.path("softhsm2.conf"), config).unwrap();
        let token = ["--init-token", "--free", "--label", "plant", "--so-pin", "12345678", "--pin", PIN];
        self.tool("softhsm2-util", &token);
        for (kind, label, id) in [("EC:edwards25519", "gateway", "01"), ("rsa:2048", "badge", "02")] {
            let login = ["--module", MODULE, "--token-label", "plant", "--login", "--pin", PIN];
            let key = ["--keypairgen", "--key-type", kind, "--label", label, "--id", id];
            self.tool("pkcs11-tool", &[login.as_slice(), &key].concat());
        }
    }

    fn tool(&self, program: &str, args: &[&str]) {
        let output = self.command(program).args(args).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SOFTHSM2_CONF", self.path("softhsm2.conf"));
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn edit(&self, from: &str, to: &str) {
        let file = self.path("plant/plant.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(&file, text.replace(from, to)).unwrap();
    }

    fn write_pin(&self, pin: &str) {
        let file = self.path("plant/keys/hsm.pin");
        fs::write(&file, format!("{pin}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The device is gone, or back.
    fn unplug(&self, gone: bool) {
        let (there, away) = (self.path("tokens"), self.path("drawer"));
        if gone { fs::rename(there, away).unwrap() } else { fs::rename(away, there).unwrap() }
    }

    fn penstock(&self, args: &[&str]) -> Output {
        self.command(PENSTOCK).arg("--plant").arg(self.path("plant")).args(args).output().unwrap()
    }

    fn says(&self, args: &[&str]) -> String {
        let output = self.penstock(args);
        let heard = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
        assert!(output.status.success(), "{args:?}: {heard}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a gateway says that does not start, as one line.
    fn complains(&self) -> String {
        let output = self.penstock(&["run"]);
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains(PIN), "{said}");
        // As wide as the terminal lets it be: the lines of a report begin with marks of their own.
        said.split(|c: char| c.is_whitespace() || "│╰├─▶×".contains(c))
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn run(&self) -> Running {
        let mut command = self.command(PENSTOCK);
        command.arg("run").arg("--plant").arg(self.path("plant")).args(["--log", "json"]).stderr(Stdio::piped());
        let mut child = command.env("OPENAI_API_KEY", "sk-test-0123456789").spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = log.by_ref().find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line).ok()?;
            Some(line.get("address")?.as_str()?.to_owned())
        });
        // Read on, so that the gateway does not wait for room in the pipe.
        let log = std::thread::spawn(move || log.map(|line| line + "\n").collect());
        Running { child, address: address.unwrap(), log }
    }

    /// One call; gives the whole answer.
    fn ask(&self, gateway: &Running) -> String {
        let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}"#;
        let mut stream = TcpStream::connect(&gateway.address).unwrap();
        let (token, length) = (&self.token, body.len());
        let head = format!(
            "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn records(&self, kind: &str) -> Vec<serde_json::Value> {
        let lines = self.says(&["records", "--kind", kind, "--format", "ndjson"]);
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Both verifiers find nothing wrong with the ledger.
    fn verifies(&self) {
        let (ledger, trust) = (self.path("plant/ledger"), self.path("plant/ledger/trust/ledger.trust"));
        let (ledger, trust) = (ledger.to_str().unwrap(), trust.to_str().unwrap());
        let said = self.says(&["verify", ledger, "--key", trust]);
        assert!(said.ends_with("VERIFIED\n"), "{said}");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verify/verify.py");
        let other = Command::new("python3").arg(script).args(["ledger", ledger, trust]).output().unwrap();
        assert!(other.status.success(), "{other:?}");
    }
}

impl Running {
    /// Lets the gateway end as an operator would; gives its log.
    fn stop(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.log.join().unwrap()
    }
}

fn uri(key: &str) -> String {
    format!("pkcs11:{key}?module-path={MODULE}&pin-source=file:keys/hsm.pin")
}

#[test]
fn a_device_signs_the_ledger_its_receipts_and_its_packs() {
    let house = House::new();
    assert!(house.says(&["check"]).contains("no warnings"));
    let gateway = house.run();
    assert!(house.ask(&gateway).starts_with("HTTP/1.1 200"));
    let log = gateway.stop();
    assert!(!log.contains(PIN), "{log}");
    house.verifies();
    // The same key again.
    let gateway = house.run();
    assert!(house.ask(&gateway).starts_with("HTTP/1.1 200"));
    gateway.stop();
    house.verifies();
    assert_eq!((house.records("intent").len(), house.records("outcome").len(), house.records("boot").len()), (2, 2, 2));

    let (pack, receipt) = (house.path("pack.zip"), house.path("receipt.cose"));
    let ledger = house.path("plant/ledger");
    let made = house.says(&["export", ledger.to_str().unwrap(), "--pack", pack.to_str().unwrap()]);
    assert!(made.contains("signed     by the ledger's key"), "{made}");
    assert!(house.says(&["verify", pack.to_str().unwrap()]).contains("signed     by the ledger's key"));
    house.says(&["receipt", "1", "--cose", "--output", receipt.to_str().unwrap()]);
    assert!(fs::read(receipt).unwrap().starts_with(&[0xd2, 0x84]), "a tagged COSE_Sign1");
}

#[test]
fn calls_are_turned_away_while_the_device_is_gone_and_go_on_when_it_is_back() {
    let house = House::new();
    let gateway = house.run();
    assert!(house.ask(&gateway).starts_with("HTTP/1.1 200"));
    house.unplug(true);
    let answer = house.ask(&gateway);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("ledger-unavailable"), "{answer}");
    house.unplug(false);
    let begin = Instant::now();
    while !house.ask(&gateway).starts_with("HTTP/1.1 200") {
        assert!(begin.elapsed() < Duration::from_secs(60), "the device is back, and calls are not");
    }
    let log = gateway.stop();
    assert_eq!(log.matches("the device is away").count(), 1, "{log}");
    assert_eq!(log.matches("no record can be signed").count(), 1, "{log}");
    assert!(log.contains("records are signed again") && !log.contains(PIN), "{log}");
    assert_eq!((house.records("intent").len(), house.records("outcome").len()), (2, 2));
    let gaps = house.records("gap");
    assert_eq!((gaps.len(), gaps[0]["note"]["why"].as_str()), (1, Some("unsigned")), "{gaps:?}");
    house.verifies();
}

#[test]
fn a_gateway_without_its_key_does_not_start_and_says_why() {
    let house = House::new();
    let right = uri("token=plant;object=gateway");
    let cases = [
        (
            uri("token=other;object=gateway"),
            "no token answers to the names in the URI; those that are there: \"plant\"",
        ),
        (uri("token=plant;serial=00;object=gateway"), "no token answers"),
        (uri("token=plant;object=other"), "the token holds no private key of that name"),
        (uri("token=plant;object=gateway;id=%02"), "the token holds no private key of that name"),
        (uri("token=plant;object=badge"), "the key is no Ed25519 key"),
        (right.replace("libsofthsm2", "libnothing"), "libnothing.so` cannot be loaded"),
        (right.replace(MODULE, "/etc/hostname"), "the module `/etc/hostname` cannot be loaded"),
        (right.replace("keys/hsm.pin", "keys/none.pin"), "the PIN cannot be read: cannot read"),
    ];
    for (wrong, said) in cases {
        house.edit(&right, &wrong);
        let complaint = house.complains();
        assert!(complaint.contains("the key in the device cannot be used") && complaint.contains(said), "{complaint}");
        house.edit(&wrong, &right);
    }
    house.write_pin("000000");
    assert!(house.complains().contains("the token refuses the PIN"));
    house.write_pin(PIN);
    fs::set_permissions(house.path("plant/keys/hsm.pin"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(house.complains().contains("can be read by others than its owner"));
    let check = String::from_utf8(house.penstock(&["check"]).stdout).unwrap();
    assert!(check.contains("file-exposed"), "{check}");
    house.write_pin(PIN);
    // Nothing was begun, and the right key still begins it.
    assert!(!house.path("plant/ledger/checkpoint").exists());
    house.run().stop();
    house.verifies();
}

#[test]
fn a_ledger_of_one_key_is_not_gone_on_with_by_another() {
    let house = House::new();
    house.run().stop();
    let key = ["--keypairgen", "--key-type", "EC:edwards25519", "--label", "second", "--id", "03"];
    let login = ["--module", MODULE, "--token-label", "plant", "--login", "--pin", PIN];
    house.tool("pkcs11-tool", &[login.as_slice(), &key].concat());
    house.edit("object=gateway", "object=second");
    let complaint = house.complains();
    assert!(complaint.contains("the published checkpoint is not this gateway's"), "{complaint}");
    house.edit("object=second", "object=gateway");
    house.run().stop();
    house.verifies();
}
