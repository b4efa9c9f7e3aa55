//! `penstock forward` to rsyslog, which judges our certificate and hands on what it understood through a pipe.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use plant::{Body, Draft, GatewayId, Kind, Millis, PlantId, RecordId};
use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use store::{Opening, Settings, Store};

/// A folder with a ledger, certificates, and what the collector needs.
struct Desk {
    folder: tempfile::TempDir,
    port: u16,
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Desk {
    fn new() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let desk = Self { folder: tempfile::tempdir().unwrap(), port };
        let new = "req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256";
        std::fs::write(desk.path("names"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
        desk.openssl(&format!("{new} -x509 -days 30 -subj /CN=root -keyout root.key -out root.pem"));
        for name in ["collector", "gate"] {
            desk.openssl(&format!("{new} -subj /CN={name} -keyout {name}.key -out {name}.csr"));
            desk.openssl(&format!(
                "x509 -req -in {name}.csr -CA root.pem -CAkey root.key -days 30 -extfile names -out {name}.pem"
            ));
        }
        let made = Command::new("mkfifo").arg(desk.path("pipe")).status().unwrap();
        assert!(made.success());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl").current_dir(&self.folder).args(arguments.split(' ')).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Writes so many records, numbered from `from` on.
    fn write(&self, from: u8, records: u8) {
        let folder = self.path("ledger");
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
        for number in from..from + records {
            let id = RecordId::new(Millis(1_700_000_000_000), [number; 10]);
            store.write(Draft { kind: Kind::Admin, id, reference: None, body: Body::default() }).unwrap();
        }
        store.close();
    }

    /// rsyslog, which takes only clients with a certificate of the root.
    fn collector(&self) -> Running {
        let here = self.folder.path().display();
        let config = format!(
            r#"
global(workDirectory="{here}" defaultNetstreamDriverCAFile="{here}/root.pem"
       defaultNetstreamDriverCertFile="{here}/collector.pem" defaultNetstreamDriverKeyFile="{here}/collector.key")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
input(type="imtcp" address="127.0.0.1" port="{}")
module(load="builtin:ompipe")
template(name="understood" type="string" string="%app-name% %msgid% %structured-data%\n")
action(type="ompipe" pipe="{here}/pipe" template="understood")
"#,
            self.port
        );
        std::fs::write(self.path("collector.conf"), config).unwrap();
        let mut command = Command::new("rsyslogd");
        command.arg("-n").arg("-f").arg(self.path("collector.conf")).arg("-i").arg(self.path("pid"));
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// What the collector hands on, line by line, as it comes.
    fn understood(&self) -> Lines<BufReader<File>> {
        // For reading and writing, so that the pipe stays open while collectors come and go.
        let pipe = File::options().read(true).write(true).open(self.path("pipe")).unwrap();
        BufReader::new(pipe).lines()
    }

    fn forward(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        command.current_dir(&self.folder).args(["forward", "ledger", "--cursor", "cursor"]).args(more);
        command.args(["--authority", "root.pem", "--to", &format!("localhost:{}", self.port)]);
        command
    }

    fn cursor(&self) -> u64 {
        let text = std::fs::read_to_string(self.path("cursor")).unwrap();
        text.trim_end().rsplit_once(' ').unwrap().1.parse().unwrap()
    }
}

/// The record's number in a line of the collector's.
fn seq(line: &str) -> u64 {
    assert!(line.starts_with("penstock "), "{line}");
    line.split_once("seq=\"").unwrap().1.split_once('"').unwrap().0.parse().unwrap()
}

const CERTIFICATE: [&str; 4] = ["--certificate", "gate.pem", "--key", "gate.key"];

#[test]
fn a_collector_gets_every_record_whenever_it_is_there() {
    let desk = Desk::new();
    desk.write(0, 5);
    let mut understood = desk.understood().map(|line| seq(&line.unwrap()));
    // Begun while nobody listens: it waits for the collector.
    let _forward = Running(desk.forward(&CERTIFICATE).spawn().unwrap());
    let collector = desk.collector();
    let first: Vec<u64> = understood.by_ref().take(7).collect();
    assert_eq!(first, [0, 1, 2, 3, 4, 5, 6], "with the records of genesis and start, and nothing twice");
    // The ledger grows while the connection stands, and while the collector is away.
    desk.write(5, 3);
    let end = understood.by_ref().find(|seq| *seq >= 10).unwrap();
    drop(collector);
    desk.write(8, 4);
    let _collector = desk.collector();
    let mut missing: Vec<u64> = (end + 1..end + 5).collect();
    while !missing.is_empty() {
        let seq = understood.next().unwrap();
        missing.retain(|other| *other != seq);
    }
}

#[test]
fn once_sends_what_is_there_and_goes_on_from_there_the_next_time() {
    let desk = Desk::new();
    desk.write(0, 5);
    let failed = desk.forward(&CERTIFICATE).arg("--once").output().unwrap();
    assert_eq!(failed.status.code(), Some(1), "nobody listens");
    let _collector = desk.collector();
    let mut understood = desk.understood().map(|line| seq(&line.unwrap()));
    let once = || while !desk.forward(&CERTIFICATE).arg("--once").output().unwrap().status.success() {};
    once();
    let end = desk.cursor();
    assert_eq!(
        understood.by_ref().take(usize::try_from(end).unwrap()).collect::<Vec<_>>(),
        (0..end).collect::<Vec<_>>()
    );
    desk.write(5, 2);
    once();
    assert_eq!(
        understood.by_ref().take(3).collect::<Vec<_>>(),
        [end, end + 1, end + 2],
        "and none of the others again"
    );
    // Whom the collector does not take sends nothing and moves no cursor.
    desk.write(7, 1);
    let before = desk.cursor();
    assert_eq!(desk.forward(&["--once"]).output().unwrap().status.code(), Some(1));
    assert_eq!(desk.cursor(), before);
    once();
    assert_eq!(understood.next().unwrap(), before);
    std::fs::write(desk.path("cursor"), "another/ledger/x 3\n").unwrap();
    let refused = desk.forward(&CERTIFICATE).arg("--once").output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the cursor of another ledger"));
}
