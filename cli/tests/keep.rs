//! Content that a conduit keeps, from the plant file to the auditor who opens it, with a gateway that runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;
use testkit::Provider;

const PENSTOCK: &str = env!("CARGO_BIN_EXE_penstock");

/// A plant with an auditor, whose conduit keeps content, and a provider that repeats every prompt.
struct House {
    folder: TempDir,
    token: String,
    runtime: tokio::runtime::Runtime,
    _provider: Provider,
}

/// A gateway that ends with the test.
struct Running {
    child: Child,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Lets the gateway end as an operator would.
    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl House {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let provider = runtime.block_on(Provider::echo(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
        let mut house = Self { folder, token: String::new(), runtime, _provider: provider };
        let plant = house.path("plant");
        assert!(Command::new(PENSTOCK).arg("init").arg(&plant).stdout(Stdio::null()).status().unwrap().success());
        let auditor = house.says(&["seal", "key", house.path("auditor.key").to_str().unwrap()]);
        let file = plant.join("plant.toml");
        let listen = format!("listen = []\nplain_http = [\"127.0.0.1:0\"]\nauditors = [\"{}\"]", auditor.trim());
        let text = fs::read_to_string(&file).unwrap();
        let text = text
            .replace("127.0.0.1:9464", "127.0.0.1:0")
            .replace("127.0.0.1:9465", "127.0.0.1:0")
            .replace("listen = [\"127.0.0.1:8443\"]", &listen);
        let text = text.replace("https://api.openai.com", &format!("http://{}", house._provider.address()));
        let text = text.replacen("models = [\"gpt-4o\"", "keep = \"content\"\nmodels = [\"gpt-4o\"", 1);
        fs::write(&file, text).unwrap();
        house.token = house.says(&["token", "issue", "--workload", "assistant"]).trim().to_owned();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn penstock(&self, args: &[&str]) -> Output {
        Command::new(PENSTOCK).arg("--plant").arg(self.path("plant")).args(args).output().unwrap()
    }

    fn says(&self, args: &[&str]) -> String {
        let output = self.penstock(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn fails(&self, args: &[&str]) -> String {
        let output = self.penstock(args);
        assert!(!output.status.success() && output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    fn run(&self) -> Running {
        let mut command = Command::new(PENSTOCK);
        command.arg("run").arg("--plant").arg(self.path("plant")).args(["--log", "json"]).stderr(Stdio::piped());
        let mut child = command.env("OPENAI_API_KEY", "sk-test-0123456789").spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut addresses = log.lines().map_while(Result::ok).filter_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line).ok()?;
            Some(line.get("address")?.as_str()?.to_owned())
        });
        let address = addresses.next().unwrap();
        // Read on, so that the gateway does not wait for room in the pipe.
        std::thread::spawn(move || addresses.for_each(drop));
        Running { child, address }
    }

    /// One call; gives the whole answer.
    fn ask(&self, gateway: &Running, prompt: &str) -> String {
        let body = format!(r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":"{prompt}"}}]}}"#);
        let mut stream = TcpStream::connect(&gateway.address).unwrap();
        let (token, length) = (&self.token, body.len());
        let head = format!(
            "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// One call that succeeds; gives the identity of its record.
    fn call(&self, gateway: &Running, prompt: &str) -> String {
        let answer = self.ask(gateway, prompt);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let id =
            answer.lines().find_map(|line| line.to_lowercase().strip_prefix("penstock-record: ").map(str::to_owned));
        id.unwrap().trim().to_owned()
    }

    fn open(&self, record: &str, key: &str) -> Vec<serde_json::Value> {
        let key = self.path(key);
        let text = self.says(&["records", "--open", record, "--key", key.to_str().unwrap(), "--format", "json"]);
        serde_json::from_str(&text).unwrap()
    }

    fn kinds(&self, kind: &str) -> Vec<serde_json::Value> {
        let lines = self.says(&["records", "--kind", kind, "--format", "ndjson"]);
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn an_auditor_opens_what_was_said_and_the_ledger_tells_of_it() {
    let house = House::new();
    let gateway = house.run();
    let record = house.call(&gateway, "when is pump P-7 due");
    // Beside the running gateway, which makes the record.
    let bodies = house.open(&record, "auditor.key");
    assert_eq!(bodies.len(), 2);
    assert!(bodies.iter().all(|body| body["genuine"] == true), "{bodies:?}");
    assert!(bodies.iter().all(|body| body["text"].as_str().unwrap().contains("pump P-7")), "{bodies:?}");
    gateway.stop();
    // Without a gateway the command makes the record itself; the gateway's own key opens as well.
    assert_eq!(house.open(&record, "plant/keys/seal.key"), bodies);
    let read = house.kinds("read");
    assert_eq!(read.len(), 2);
    for (read, key) in read.iter().zip(["auditor.key", "plant/keys/seal.key"]) {
        let public = house.says(&["seal", "public", house.path(key).to_str().unwrap()]);
        assert_eq!(read["note"]["key"], public.trim());
        assert_eq!((&read["note"]["event"], &read["note"]["record"]), (&"opened".into(), &record.as_str().into()));
        assert_eq!(read["note"]["user"], rustix::process::getuid().as_raw());
    }
    let ledger = house.path("plant/ledger");
    assert!(house.says(&["verify", ledger.to_str().unwrap()]).contains("VERIFIED"));
    drop(house.runtime);
}

#[test]
fn whoever_exports_records_leaves_one() {
    let house = House::new();
    let gateway = house.run();
    house.call(&gateway, "when is pump P-7 due");
    // Beside the running gateway, which makes the record first: it is among what is exported.
    let rows = house.says(&["export", "--format", "ndjson"]);
    let of = |kind: &str| rows.lines().filter(|row| row.contains(&format!(r#""kind":"{kind}""#))).count();
    assert_eq!((of("intent"), of("export")), (1, 1), "{rows}");
    gateway.stop();
    let pack = house.path("pack");
    let pack = pack.to_str().unwrap();
    house.says(&["export", "--pack", pack, "--redact", "persons", "--sample", "1", "--seed", "said on Friday"]);
    let notes: Vec<_> = house.kinds("export").into_iter().map(|record| record["note"].clone()).collect();
    let user = rustix::process::getuid().as_raw();
    let rows = serde_json::json!({ "event": "rows", "format": "ndjson", "user": user });
    let sample = serde_json::json!({
        "event": "pack", "redact": "persons", "sample": 1, "seed": "said on Friday", "user": user,
    });
    assert_eq!(notes, [rows, sample]);
    // Nothing can be written into a copy, and nothing needs to be.
    let copy = house.path("copy");
    let ledger = house.path("plant/ledger");
    assert!(Command::new("cp").arg("-r").args([&ledger, &copy]).status().unwrap().success());
    let exported = house.penstock(&["export", copy.to_str().unwrap(), "--format", "ndjson", "--kind", "export"]);
    assert!(exported.status.success() && exported.stdout.iter().filter(|byte| **byte == b'\n').count() == 2);
    assert!(String::from_utf8_lossy(&exported.stderr).contains("this is a copy of a ledger"));
    assert_eq!(house.kinds("export").len(), 2);
}

#[test]
fn check_says_what_is_kept_and_who_can_open_it() {
    let house = House::new();
    let told = house.says(&["check"]);
    let expected = "content of `maintenance-cloud` is kept, sealed; it opens to the gateway and to 1 auditor";
    assert!(told.contains(expected), "{told}");
    let data: serde_json::Value = serde_json::from_str(&house.says(&["check", "--json"])).unwrap();
    assert_eq!(data["summary"]["keeps"], serde_json::json!(["maintenance-cloud"]));
    // Nobody's conduit keeps anything any more: the auditors are worth a warning.
    let file = house.path("plant/plant.toml");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("\"content\"", "\"nothing\"")).unwrap();
    let told = house.says(&["check"]);
    assert!(told.contains("no conduit keeps anything that they could open") && !told.contains("is kept"), "{told}");
}

#[test]
fn content_does_not_open_to_others_nor_without_the_month() {
    let house = House::new();
    let gateway = house.run();
    let record = house.call(&gateway, "hello");
    let stranger = house.path("stranger.key");
    let stranger = stranger.to_str().unwrap();
    house.says(&["seal", "key", stranger]);
    let refused = house.fails(&["records", "--open", &record, "--key", stranger]);
    assert!(refused.contains("does not open to this key"), "{refused}");
    fs::set_permissions(stranger, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = house.fails(&["records", "--open", &record, "--key", stranger]);
    assert!(refused.contains("can be read by others"), "{refused}");
    assert!(house.fails(&["seal", "key", stranger]).contains("never overwritten"));

    // A copy opens as well, and says that nobody records it. Without its key, the month is gone.
    let ledger = house.path("plant/ledger");
    let intent = house.kinds("intent").remove(0);
    let key = ledger.join("seals").join(intent["seal"]["key"].as_str().unwrap());
    fs::remove_file(key).unwrap();
    let auditor = house.path("auditor.key");
    let refused = house.fails(&["records", "--open", &record, "--key", auditor.to_str().unwrap()]);
    assert!(refused.contains("it was erased"), "{refused}");
    assert!(house.kinds("read").is_empty(), "nothing was opened");
    gateway.stop();
}

impl House {
    /// Verifies; gives exit code and output.
    fn verify(&self, args: &[&str]) -> (i32, String) {
        let ledger = self.path("plant/ledger");
        let output = self.penstock(&[&["verify", ledger.to_str().unwrap()], args].concat());
        (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    }

    fn erase(&self, args: &[&str]) -> Output {
        self.penstock(&[&["erase", "--basis", "request of 3 November", "--approver", "J. Brandt"], args].concat())
    }

    /// Every file below a folder of the ledger.
    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.path("plant/ledger").join(folder)]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    files.push(path);
                }
            }
        }
        files
    }
}

const SUBJECT: [&str; 2] = ["--subject", "workload.assistant"];

#[test]
fn a19_what_is_erased_is_gone_with_authority_and_nothing_can_be_guessed() {
    let house = House::new();
    let gateway = house.run();
    let record = house.call(&gateway, "my name is Erika Mustermann");
    let dry = house.erase(&[&SUBJECT[..], &["--dry-run"]].concat());
    assert!(String::from_utf8_lossy(&dry.stdout).contains("nothing of workload.assistant was erased"));
    assert_eq!((house.files("blobs").len(), house.kinds("erase").len()), (2, 0));

    // Beside the running gateway.
    let done = house.erase(&SUBJECT);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(house.files("blobs").is_empty());
    let erase = house.kinds("erase").remove(0);
    let note = &erase["note"];
    assert_eq!((&note["event"], &note["subject"]), (&"erased".into(), &"workload.assistant".into()));
    assert_eq!((&note["basis"], &note["approver"]), (&"request of 3 November".into(), &"J. Brandt".into()));
    let auditor = house.path("auditor.key");
    let refused = house.fails(&["records", "--open", &record, "--key", auditor.to_str().unwrap()]);
    assert!(refused.contains("it was erased"), "{refused}");

    // A19: the very words, and the plant's own key, do not give the commitment.
    let intent = house.kinds("intent").remove(0);
    let root = seal::unbase64(fs::read_to_string(house.path("plant/keys/plant.key")).unwrap().trim()).unwrap();
    let plant = seal::RootKey::from_bytes(root.try_into().unwrap()).derive("commitments");
    let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"my name is Erika Mustermann"}]}"#;
    assert_eq!(intent["io"]["request_bytes"], body.len());
    let guess = plant.tag(&[record.as_bytes(), b"request", body.as_bytes()]);
    assert_ne!(intent["io"]["request"], seal::hex(&guess));
    for file in house.files("") {
        // The gateway writes meanwhile: a file that was unfinished when it was listed may have another name by now.
        let bytes = fs::read(&file).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(Vec::new()),
            _ => Err(error),
        });
        let bytes = bytes.unwrap();
        assert!(!bytes.windows(10).any(|window| window == b"Mustermann"), "{}", file.display());
    }

    // The next call is kept under a fresh key, and verification tells the two apart.
    let next = house.call(&gateway, "and the next");
    assert_eq!(house.open(&next, "auditor.key").len(), 2);
    gateway.stop();
    let (code, told) = house.verify(&[]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains(&format!("content    2 kept, 2 erased by #{}", erase["seq"])), "{told}");
}

#[test]
fn what_is_gone_without_authority_makes_the_ledger_incomplete() {
    let house = House::new();
    let gateway = house.run();
    let record = house.call(&gateway, "hello");
    gateway.stop();
    assert_eq!(house.verify(&[]).0, 0);
    let blobs = house.files("blobs");
    assert_eq!(blobs.len(), 2);
    let bytes = fs::read(&blobs[0]).unwrap();
    fs::write(&blobs[0], &bytes[1..]).unwrap();
    assert_eq!(house.verify(&[]).0, 10, "altered");
    fs::remove_file(&blobs[0]).unwrap();
    let (code, told) = house.verify(&[]);
    assert!(code == 12 && told.contains("its content is gone, and nothing says that it was erased"), "{told}");
    assert_eq!(house.verify(&["--without-content"]).0, 0);

    // An erasure that a crash cut short is seen as well, and finished by asking again.
    fs::write(&blobs[0], &bytes).unwrap();
    let copy = fs::read(&blobs[1]).unwrap();
    assert!(house.erase(&["--record", &record]).status.success());
    assert_eq!(house.verify(&[]).0, 0);
    fs::write(&blobs[1], copy).unwrap();
    let (code, told) = house.verify(&[]);
    assert!(code == 12 && told.contains("erase it again"), "{told}");
    assert!(house.erase(&["--record", &record]).status.success());
    let (code, told) = house.verify(&["--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["content"]["kept"]), (0, &0.into()));
}

#[test]
fn another_user_leaves_nothing_in_the_ledger() {
    if !rustix::process::getuid().is_root() {
        return; // Nobody else can give a folder away.
    }
    let house = House::new();
    let gateway = house.run();
    house.call(&gateway, "hello");
    std::os::unix::fs::chown(house.path("plant/ledger"), Some(4711), None).unwrap();
    let refused = house.erase(&SUBJECT);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && told.contains("belongs to user 4711"), "{told}");
    assert!(house.files("notices").is_empty() && house.files("blobs").len() == 2);
    gateway.stop();
}

#[test]
fn what_is_held_is_not_erased() {
    let house = House::new();
    let gateway = house.run();
    let record = house.call(&gateway, "hello");
    let hold = |task: &str, what: &[&str]| {
        house.says(&[&["hold", task, "--basis", "dispute 12/26", "--approver", "Counsel"], what].concat())
    };
    for held in [&SUBJECT[..], &["--record", &record]] {
        hold("add", held);
        for wanted in [&SUBJECT[..], &["--record", &record]] {
            let refused = house.erase(wanted);
            let told = String::from_utf8(refused.stderr).unwrap().replace("\n  │ ", " ");
            assert!(!refused.status.success() && told.contains("dispute 12/26"), "{told}");
        }
        assert!(house.says(&["hold", "list"]).contains("dispute 12/26, approved by Counsel"));
        hold("release", held);
    }
    assert_eq!((house.files("blobs").len(), house.kinds("erase").len()), (2, 4));
    assert_eq!(house.says(&["hold", "list"]), "nothing is held\n");
    // A hold that cannot be read holds everything.
    fs::create_dir_all(house.path("plant/ledger/holds")).unwrap();
    fs::write(house.path("plant/ledger/holds/workload.assistant"), "{}").unwrap();
    assert!(!house.erase(&SUBJECT).status.success());
    fs::remove_file(house.path("plant/ledger/holds/workload.assistant")).unwrap();
    assert!(house.erase(&SUBJECT).status.success());
    gateway.stop();
    assert_eq!(house.verify(&[]).0, 0, "holds and releases erase nothing");
}

#[test]
fn a_hold_whose_file_is_gone_or_altered_holds_everything() {
    let house = House::new();
    let gateway = house.run();
    let record = house.call(&gateway, "hello");
    let add = |what: &[&str]| {
        house.says(&[&["hold", "add", "--basis", "dispute", "--approver", "Counsel"], what].concat());
    };
    let refuses = |why: &str| {
        for wanted in [&SUBJECT[..], &["--record", &record]] {
            let refused = house.erase(wanted);
            // Lines break where they must.
            let told = String::from_utf8(refused.stderr).unwrap().replace("\n  │ ", " ");
            assert!(!refused.status.success() && told.contains(why), "{told}");
        }
    };
    let holds = house.path("plant/ledger/holds");
    add(&SUBJECT);
    let (own, other) = (holds.join("workload.assistant"), holds.join("workload.assistans"));
    let said = fs::read_to_string(&own).unwrap();
    // One letter of whom it holds.
    fs::write(&own, said.replace("workload.assistant", "workload.assistans")).unwrap();
    refuses("not what its name says");
    fs::rename(&own, &other).unwrap();
    refuses("is held by record");
    fs::remove_file(&other).unwrap();
    refuses("is held by record");
    // Held again, it is in force, and released it is not, with its file or without.
    add(&SUBJECT);
    refuses("(dispute)");
    fs::remove_file(&own).unwrap();
    house.says(&[&["hold", "release", "--basis", "over", "--approver", "Counsel"], &SUBJECT[..]].concat());
    // The keys of a call that is held are the ledger's to say.
    add(&["--record", &record]);
    let call = holds.join(&record);
    fs::write(&call, fs::read_to_string(&call).unwrap().replace("workload.assistant", "workload.assistans")).unwrap();
    refuses("(dispute)");
    assert_eq!(house.files("blobs").len(), 2);
    gateway.stop();
}

/// A clock that stands in November 2023.
#[derive(Debug)]
struct Then;

impl store::Clock for Then {
    fn read(&self) -> store::Reading {
        store::Reading { time: plant::Millis(1_700_000_000_000), mono: 1_000_000 }
    }
    fn boot(&self) -> String {
        "then".to_owned()
    }
    fn source(&self) -> String {
        "script".to_owned()
    }
}

impl House {
    /// Has the ledger begin three years ago, with so many records, and be kept for one; gives the identity of one of them.
    fn aged(records: u16) -> (Self, String) {
        let house = Self::new();
        let plant = house.path("plant");
        let file = plant.join("plant.toml");
        let text = fs::read_to_string(&file).unwrap();
        let name = text.lines().find_map(|line| line.strip_prefix("name = ")).unwrap().trim_matches('"').to_owned();
        fs::write(&file, text + "\n[gateway.retention]\nkeep_for = \"365d\"\n").unwrap();
        let seed = fs::read_to_string(plant.join("keys/gateway.key")).unwrap();
        let seed: [u8; 32] = seal::unbase64(seed.trim()).unwrap().try_into().unwrap();
        let opening = store::Opening {
            key: std::sync::Arc::new(seal::SigningKey::from_seed(seed.into())),
            plant: name.parse().unwrap(),
            gateway: "gate-1".parse().unwrap(),
            epoch_seed: Some(plant.join("keys/epoch.seed")),
            settings: store::Settings {
                warn_at: Vec::new(),
                clock: std::sync::Arc::new(Then),
                ..store::Settings::default()
            },
        };
        let store = store::Store::open(&plant.join("ledger"), &opening).unwrap().0;
        let id = |number: u16| {
            let [high, low] = number.to_be_bytes();
            plant::RecordId::new(plant::Millis(1_700_000_000_000), [1, 1, 1, 1, 1, 1, 1, 1, high, low])
        };
        for number in 0..records {
            let body = plant::Body::default();
            store.write(plant::Draft { kind: plant::Kind::Beat, id: id(number), reference: None, body }).unwrap();
        }
        store.close();
        (house, id(300).to_string())
    }

    fn sql(&self, question: &str) -> String {
        self.says(&["sql", self.path("plant/ledger").to_str().unwrap(), question, "--csv"])
    }
}

const PRUNE: [&str; 5] = ["prune", "--basis", "retention policy 4", "--approver", "J. Brandt"];
const FIRST: &str = "select min(seq) from records";

#[test]
fn records_whose_time_is_over_go_and_the_ledger_still_verifies() {
    let (house, old) = House::aged(600);
    assert_eq!(house.sql(FIRST), "min(seq)\r\n0\r\n");
    let told = house.says(&[&PRUNE[..], &["--dry-run"]].concat());
    assert!(told.contains("due        records 0 to 511") && told.contains("nothing was removed"), "{told}");
    // What is held stops it.
    let hold = ["hold", "add", "--record", &old, "--basis", "dispute", "--approver", "Counsel"];
    house.says(&hold);
    let told = house.says(&[&PRUNE[..], &["--dry-run", "--json"]].concat());
    assert_eq!(serde_json::from_str::<serde_json::Value>(&told).unwrap()["minimum"], 256, "{told}");
    fs::remove_file(house.path("plant/ledger/holds").join(&old)).unwrap();
    assert!(!house.penstock(&PRUNE).status.success(), "it is on record that it is held");
    house.says(&["hold", "release", "--record", &old, "--basis", "over", "--approver", "Counsel"]);

    let told = house.says(&PRUNE);
    let prune = house.kinds("prune").remove(0);
    assert!(told.contains(&format!("removed    by record {}", prune["seq"])), "{told}");
    assert_eq!((&prune["note"]["minimum"], &prune["note"]["keep_days"]), (&512.into(), &365.into()));
    assert_eq!(prune["note"]["approver"], "J. Brandt");
    let (code, told) = house.verify(&[]);
    assert_eq!(code, 0, "{told}");
    let line = format!("pruned     512 records are not there any more, by #{}: older than 365 days", prune["seq"]);
    assert!(told.contains(&line), "{told}");
    // No search and no index still has them.
    assert_eq!(house.sql(FIRST), "min(seq)\r\n512\r\n");
    assert!(house.fails(&["receipt", &old]).contains("no such record"));
    assert!(house.says(&PRUNE).contains("nothing is due"));
}

#[test]
fn a_gateway_removes_by_itself_what_its_plant_file_says() {
    let (house, _) = House::aged(600);
    let gateway = house.run();
    while house.kinds("prune").is_empty() {
        assert!(house.path("plant/ledger").exists());
    }
    let prune = house.kinds("prune").remove(0);
    assert_eq!(prune["note"]["basis"], "gateway.retention.keep_for");
    // The record comes first, and what it says is done once it is published.
    while house.path("plant/ledger/tile/entries/001").exists() {
        assert!(house.path("plant/ledger").exists());
    }
    // Nothing is due any more, and a notice that asks for it makes no record.
    assert!(house.says(&PRUNE).contains("nothing is due"));
    house.call(&gateway, "hello");
    gateway.stop();
    assert_eq!(house.kinds("prune").len(), 1);
    let (code, told) = house.verify(&[]);
    assert!(code == 0 && told.contains("pruned     512 records"), "{told}");
}

#[test]
fn what_was_suspended_and_nobody_knows_any_more_is_not_used() {
    let (house, _) = House::aged(600);
    let file = house.path("plant/plant.toml");
    let key = house.path("ada.key");
    let ada = house.says(&["approve", "key", "--name", "ada", "--out", key.to_str().unwrap()]);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\n[governance]\napprovals = 1\n\n[control]\napprovers = [\"{}\"]\n", ada.trim()))
        .unwrap();
    let gateway = house.run();
    house.call(&gateway, "hello");
    gateway.stop();
    if house.kinds("prune").is_empty() {
        house.says(&PRUNE);
    }
    // Pruned records are no loss while the file is there.
    let gateway = house.run();
    house.call(&gateway, "hello");
    gateway.stop();

    fs::remove_file(house.path("plant/ledger/components.json")).unwrap();
    let gateway = house.run();
    let refused = house.ask(&gateway, "hello");
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("component-suspended"), "{refused}");
    let state = || {
        let told = house.says(&["inventory", "show", "workload:assistant", "--json"]);
        serde_json::from_str::<serde_json::Value>(&told).unwrap()[0]["state"].clone()
    };
    assert_eq!(state(), "suspended");
    let key = key.to_str().unwrap();
    house.says(&["inventory", "sign", "workload:assistant", "--to", "live", "--because", "looked at", "--key", key]);
    while state() != "live" {
        assert!(house.path("plant/ledger").exists());
    }
    gateway.stop();
    assert_eq!(house.verify(&[]).0, 0);
}

#[test]
fn an_essential_conduit_goes_on_while_the_ledger_cannot_be_written() {
    let house = House::new();
    let file = house.path("plant/plant.toml");
    let ordinary = fs::read_to_string(&file).unwrap().replace("keep = \"content\"\n", "");
    let auditors = ordinary.lines().find(|line| line.starts_with("auditors")).unwrap().to_owned();
    let ordinary = ordinary.replace(&auditors, "");
    let essential = ordinary.replacen("models = [\"gpt-4o\"", "essential = true\nmodels = [\"gpt-4o\"", 1);
    // The segment is taken away under the gateway's hands, and put back later.
    let wal = house.path("plant/ledger/wal");
    let segment = wal.join("00000000000000000000.seg");
    for (text, goes_on) in [(ordinary, false), (essential, true)] {
        fs::write(&file, text).unwrap();
        let gateway = house.run();
        house.call(&gateway, "before");
        fs::rename(&segment, wal.join("away")).unwrap();
        assert!(house.ask(&gateway, "the one that finds out").contains("ledger-unavailable"));
        let answer = house.ask(&gateway, "the next");
        assert_eq!(answer.starts_with("HTTP/1.1 200"), goes_on, "{answer}");
        let record = answer.lines().find_map(|line| line.strip_prefix("penstock-record: "));
        gateway.stop();
        fs::rename(wal.join("away"), &segment).unwrap();
        house.run().stop();
        assert_eq!(house.kinds("gap").len(), usize::from(goes_on));
        if let Some(record) = record.filter(|_| goes_on) {
            let told = house.says(&["records", "--id", record.trim(), "--format", "ndjson"]);
            assert_eq!(told.lines().filter(|line| line.contains("\"taken\":")).count(), 2, "{told}");
        }
        let (code, told) = house.verify(&[]);
        assert_eq!(code, 0, "{told}");
    }
}
