//! `penstock anchor` against OpenSSL's time-stamping authority behind HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use plant::{Body, Draft, GatewayId, Kind, Millis, PlantId, RecordId};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use store::{Opening, Settings, Store};

const CONFIG: &str = "
[ tsa ]
default_tsa = works
[ works ]
serial = ./serial
signer_cert = ./tsa.pem
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
crypto_device = builtin
";

/// A folder with ledgers and an authority.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let write = |name: &str, text: &str| std::fs::write(desk.path(name), text).unwrap();
        write("config", CONFIG);
        write("serial", "01\n");
        write("extensions", "basicConstraints=CA:FALSE\nextendedKeyUsage=critical,timeStamping\n");
        let new = "req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256";
        for root in ["root", "other"] {
            desk.openssl(&format!("{new} -x509 -days 30 -subj /CN={root} -keyout {root}.key -out {root}.pem"));
        }
        desk.openssl(&format!("{new} -subj /CN=Clock -keyout tsa.key -out tsa.csr"));
        desk.openssl("x509 -req -in tsa.csr -CA root.pem -CAkey root.key -days 30 -extfile extensions -out tsa.pem");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl").current_dir(&self.0).args(arguments.split(' ')).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The authority's answer to a query.
    fn stamp(&self, query: &[u8]) -> Vec<u8> {
        std::fs::write(self.path("query"), query).unwrap();
        self.openssl("ts -reply -config config -queryfile query -out answer");
        std::fs::read(self.path("answer")).unwrap()
    }

    /// Runs the gateway of a ledger for so many records more.
    fn run(&self, ledger: &str, records: u8, salt: u8) {
        let folder = self.path(ledger);
        std::fs::create_dir_all(&folder).unwrap();
        let opening = Opening {
            key: Arc::new(seal::SigningKey::from_seed([3; 32].into())),
            plant: PlantId::new("brewery").unwrap(),
            gateway: GatewayId::new("gate-1").unwrap(),
            epoch_seed: None,
            settings: Settings {
                segment_bytes: 1 << 20,
                reserve_bytes: 4096,
                warn_at: Vec::new(),
                ..Settings::default()
            },
        };
        let store = Store::open(&folder, &opening).unwrap().0;
        for number in 0..records {
            let id = RecordId::new(Millis(1_700_000_000_000), [number ^ salt; 10]);
            store.write(Draft { kind: Kind::Beat, id, reference: None, body: Body::default() }).unwrap();
        }
        store.close();
    }

    fn copy(&self, from: &str, to: &str) {
        let copied = Command::new("cp").arg("-r").arg(self.path(from)).arg(self.path(to)).status().unwrap();
        assert!(copied.success());
    }

    fn verify(&self, what: &str, arguments: &[&str]) -> (i32, String) {
        self.penstock(&[&["verify", what], arguments].concat())
    }

    fn penstock(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        let output = command.current_dir(self.path("")).args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    }

    fn anchor(&self, ledger: &str, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        command.current_dir(&self.0).arg("anchor").args(arguments).args(["--ledger", ledger]);
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    /// Asks over HTTP; the authority answers with what `answer` makes of its own answer, and its type and status.
    fn ask(&self, ledger: &str, status: &str, answer: impl FnOnce(Vec<u8>) -> Vec<u8> + Send) -> (i32, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/tsr", listener.local_addr().unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut caller = BufReader::new(listener.accept().unwrap().0);
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    caller.read_until(b'\n', &mut head).unwrap();
                }
                let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
                assert!(head.contains("content-type: application/timestamp-query\r\n"), "{head}");
                let length = head.split_once("content-length: ").unwrap().1.lines().next().unwrap();
                let mut query = vec![0; length.parse().unwrap()];
                caller.read_exact(&mut query).unwrap();
                let answer = answer(self.stamp(&query));
                let head =
                    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
                caller.get_mut().write_all(&[head.as_bytes(), &answer].concat()).unwrap();
            });
            self.anchor(ledger, &["ask", &url, "--authority", "root.pem"])
        })
    }
}

const CHECK: [&str; 3] = ["check", "--authority", "root.pem"];

#[test]
fn an_authority_says_by_when_the_records_existed() {
    let desk = Desk::new();
    desk.run("a", 3, 0);
    assert_eq!(desk.anchor("a", &CHECK), (14, "there are no time stamps\n".to_owned()));
    let size = std::fs::read_to_string(desk.path("a/checkpoint")).unwrap().lines().nth(1).unwrap().to_owned();
    let (code, said) = desk.ask("a", "200 OK", |answer| answer);
    assert_eq!(code, 0, "{said}");
    let expected = format!("a/anchors/{size}.tsr: the first {size} records existed by ");
    assert!(said.starts_with(&expected) && said.contains("(within 1000 ms), says CN=Clock\n"), "{said}");
    // What openssl thinks of it, with nothing of ours.
    let text: String =
        std::fs::read_to_string(desk.path("a/checkpoint")).unwrap().split_inclusive('\n').take(3).collect();
    std::fs::write(desk.path("text"), text).unwrap();
    desk.openssl(&format!("ts -verify -data text -in a/anchors/{size}.tsr -CAfile root.pem"));
    // The ledger goes on, and the stamp stays true.
    desk.run("a", 250, 0x80);
    let (code, said) = desk.anchor("a", &CHECK);
    assert!(
        code == 0 && said.starts_with(&format!("anchors/{size}.tsr: the first {size} records existed by ")),
        "{said}"
    );
    // The same beside all else that is verified.
    let (code, said) = desk.verify("a", &["--authority", "root.pem"]);
    assert!(code == 0 && said.contains(&format!("stamped    the first {size} records existed by ")), "{said}");
    let (code, said) = desk.verify("a", &[]);
    assert!(code == 0 && said.contains("stamped    1 time stamps, not checked: no authority was given"), "{said}");
    let (code, said) = desk.verify("a", &["--json", "--authority", "root.pem"]);
    assert!(code == 0 && said.contains("\"authority\": \"CN=Clock\""), "{said}");
    // In a pack, with the head that was stamped; what openssl thinks of that.
    let key = "a/trust/ledger.vkey";
    let (code, said) = desk.penstock(&["export", "a", "--kind", "boot", "--pack", "pack"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = desk.verify("pack", &["--key", key, "--authority", "root.pem"]);
    // Nobody has signed the manifest: the key is not here.
    assert!(code == 14 && said.contains(&format!("stamped    the first {size} records existed by ")), "{said}");
    desk.openssl(&format!("ts -verify -data pack/anchors/{size}.head -in pack/anchors/{size}.tsr -CAfile root.pem"));
    // By hand, for the longer ledger.
    let (code, said) = desk.anchor("a", &["query", "--out", "carried.tsq"]);
    assert_eq!(code, 0, "{said}");
    let answer = desk.stamp(&std::fs::read(desk.path("carried.tsq")).unwrap());
    std::fs::write(desk.path("carried.tsr"), answer).unwrap();
    let (code, said) = desk.anchor("a", &["add", "carried.tsr", "--authority", "root.pem"]);
    assert_eq!(code, 0, "{said}");
    let (_, json) = desk.anchor("a", &["check", "--json", "--authority", "root.pem"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["anchors"].as_array().unwrap().len(), 2, "{json}");
    assert_eq!(
        (&json["anchors"][1]["authority"], &json["anchors"][1]["accuracy_us"]),
        (&"CN=Clock".into(), &1_000_000.into())
    );
}

#[test]
fn another_past_does_not_fit_the_stamp() {
    let desk = Desk::new();
    desk.run("a", 3, 0);
    desk.copy("a", "b");
    desk.run("a", 5, 0x40);
    desk.run("b", 5, 0x80);
    assert_eq!(desk.ask("a", "200 OK", |answer| answer).0, 0);
    desk.copy("a/anchors", "b/anchors");
    let (code, said) = desk.anchor("b", &CHECK);
    assert_eq!(code, 10, "{said}");
    let (code, said) = desk.verify("b", &["--authority", "root.pem"]);
    assert!(code == 10 && said.contains("stamped    anchors/") && said.contains("TAMPERED"), "{said}");
    assert_eq!(desk.verify("b", &[]).0, 0, "by itself it is whole");
    assert!(said.contains("proves nothing: the time stamp is on something else"), "{said}");
    // A ledger that was cut off behind the stamp.
    desk.run("c", 1, 0);
    desk.copy("a/anchors", "c/anchors");
    let (code, said) = desk.anchor("c", &CHECK);
    assert!(code == 10 && said.contains("the ledger has only "), "{code} {said}");
    let (code, said) = desk.anchor("a", &["check", "--authority", "other.pem"]);
    assert!(code == 14 && said.contains("is not trusted"), "{code} {said}");
}

#[test]
fn a_bad_answer_is_not_kept() {
    let desk = Desk::new();
    desk.run("a", 3, 0);
    let kept = || desk.path("a/anchors").exists();
    let fails = |status: &str, answer: fn(Vec<u8>) -> Vec<u8>, why: &str| {
        let (code, said) = desk.ask("a", status, answer);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ").replace(" │", "");
        assert!(code == 1 && said.contains(why), "{code} {said}");
    };
    fails("503 Service Unavailable", |answer| answer, "the authority answers 503");
    fails("200 OK", |_| b"<html>".to_vec(), "cannot be read");
    fails("200 OK", |_| vec![0; 100_000], "does not end well");
    let flip = |mut answer: Vec<u8>| {
        let last = answer.len() - 1;
        answer[last] ^= 1;
        answer
    };
    fails("200 OK", flip, "not right");
    assert!(!kept());
    assert_eq!(desk.ask("a", "200 OK", |answer| answer).0, 0);
    fails("200 OK", |answer| answer, "cannot keep");
    std::fs::write(desk.path("old.tsr"), desk.stamp(&anchor::query(&[7; 32], None).unwrap())).unwrap();
    let (code, said) = desk.anchor("a", &["add", "old.tsr", "--authority", "root.pem"]);
    assert!(code == 1 && said.contains("is on none of the checkpoints"), "{code} {said}");
}

#[test]
fn a_stamp_of_the_plants_own_ledger_is_recorded() {
    let desk = Desk::new();
    let plant = desk.path("plant");
    let penstock = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_penstock")).arg("--plant").arg(&plant).args(arguments).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    penstock(&["init", plant.to_str().unwrap()]);
    let file = plant.join("plant.toml");
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace("127.0.0.1:9464", "127.0.0.1:0")
        .replace("127.0.0.1:9465", "127.0.0.1:0");
    let text = text.replace("listen = [\"127.0.0.1:8443\"]", "listen = []\nplain_http = [\"127.0.0.1:0\"]");
    std::fs::write(&file, text).unwrap();
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_penstock"));
    gateway.arg("run").arg("--plant").arg(&plant).args(["--log", "json"]).env("OPENAI_API_KEY", "sk-test-0123456789");
    let mut gateway = gateway.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(gateway.stderr.take().unwrap()).lines().map_while(Result::ok);
    log.find(|line| line.contains("address")).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_child(&gateway), rustix::process::Signal::TERM).unwrap();
    log.for_each(drop);
    assert!(gateway.wait().unwrap().success());
    let (query, answer, root) = (desk.path("head.tsq"), desk.path("answer"), desk.path("root.pem"));
    penstock(&["anchor", "query", "--out", query.to_str().unwrap()]);
    desk.stamp(&std::fs::read(&query).unwrap());
    penstock(&["anchor", "add", answer.to_str().unwrap(), "--authority", root.to_str().unwrap()]);
    let records = penstock(&["records", "--kind", "anchor", "--format", "ndjson"]);
    let record: serde_json::Value = serde_json::from_str(records.trim()).unwrap();
    assert_eq!((&record["note"]["event"], &record["note"]["authority"]), (&"kept".into(), &"CN=Clock".into()));
    assert!(
        record["note"]["size"].as_u64() < record["seq"].as_u64().map(|seq| seq + 1) && record["note"]["time"].is_u64()
    );
}
