//! `records`, `receipt` and `verify` as people and scripts run them, over ledgers that a store has written.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use plant::{
    Body, ConduitId, Decided, Draft, GatewayId, Io, Kind, Millis, Outcome, Party, Place, PlantId, ProviderId, Reason,
    RecordId, Verdict, What, Who, WorkloadId, ZoneId,
};
use seal::cosignature::Cosigner;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use store::{Opening, Settings, Store};

struct House {
    folder: tempfile::TempDir,
    refused: RecordId,
    allowed: RecordId,
}

impl House {
    /// A closed ledger with 300 calls that were refused by one workload and one that was allowed to another.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("ledger"));
        let mut refused = None;
        for number in 0..300 {
            refused = Some(store.write(refusal(number)).unwrap().id);
        }
        let intent = store.write(intent(400)).unwrap().id;
        store.write(outcome(401, intent)).unwrap();
        store.close();
        Self { refused: refused.unwrap(), allowed: intent, folder }
    }

    fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    fn penstock(&self, args: &[&str]) -> Output {
        let command = env!("CARGO_BIN_EXE_penstock");
        Command::new(command).arg("--plant").arg(self.folder.path()).args(args).output().unwrap()
    }

    fn lines(&self, args: &[&str]) -> Vec<String> {
        let output = self.penstock(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// Verifies; gives exit code and output.
    fn verify(&self, args: &[&str]) -> (i32, String) {
        let output = self.penstock(&[&["verify"], args].concat());
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    /// How many records it has: the store adds one of its own where it finds that the machine's disk fills up.
    fn size(&self) -> usize {
        304 + self.lines(&["records", "--format", "ndjson", "--kind", "storage"]).len()
    }

    /// The number of the record of a refusal.
    fn number(&self) -> u64 {
        let found = self.lines(&["records", "--format", "ndjson", "--id", &self.refused.to_string()]);
        serde_json::from_str::<serde_json::Value>(&found[0]).unwrap()["seq"].as_u64().unwrap()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

fn open(ledger: &Path) -> Store {
    std::fs::create_dir_all(ledger).unwrap();
    let settings = Settings { segment_bytes: 1 << 20, reserve_bytes: 4096, warn_at: Vec::new(), ..Settings::default() };
    let opening = Opening {
        key: Arc::new(seal::SigningKey::from_seed([3; 32].into())),
        plant: PlantId::new("brewery").unwrap(),
        gateway: GatewayId::new("gate-1").unwrap(),
        epoch_seed: None,
        settings,
    };
    Store::open(ledger, &opening).unwrap().0
}

fn id(number: u8) -> RecordId {
    RecordId::new(Millis(1_700_000_000_000), [number; 10])
}

fn call(workload: &str, verdict: Verdict, reason: Option<Reason>, model: &str) -> Body {
    Body {
        who: Some(Who {
            client: None,
            workload: Some(Party { id: WorkloadId::new(workload).unwrap().to_string(), by: "mtls" }),
            workstation: None,
            operator: Some(Party { id: "op-aaaabbbbccccdddd".to_owned(), by: "oidc" }),
            peer: "10.2.0.7".parse().unwrap(),
        }),
        place: Some(Place {
            plant: PlantId::new("brewery").unwrap(),
            zone: Some(ZoneId::new("cell-1").unwrap()),
            conduit: Some(ConduitId::new("copilot").unwrap()),
            purpose: None,
        }),
        what: Some(What {
            provider: Some(ProviderId::new("openai").unwrap()),
            rerouted: None,
            dialect: None,
            endpoint: "chat.completions".to_owned(),
            model: Some(model.to_owned()),
            renamed: None,
            tools: Vec::new(),
            sensitivity: Some("internal".to_owned()),
            findings: Vec::new(),
            stream: false,
        }),
        decided: Some(Decided { verdict, reason, detail: None, rules: Vec::new(), policy: "00".repeat(32) }),
        io: Some(Io { request_bytes: 10, ..Io::default() }),
        ..Body::default()
    }
}

fn refusal(number: u16) -> Draft {
    let body = call("pump-bot", Verdict::Refuse, Some(Reason::NoConduit), "gpt-4o");
    let [high, low] = number.to_be_bytes();
    let id = RecordId::new(Millis(1_700_000_000_000), [9, 9, 9, 9, 9, 9, 9, 9, high, low]);
    Draft { kind: Kind::Refuse, id, reference: None, body }
}

fn intent(_: u16) -> Draft {
    let body = call("line-copilot", Verdict::Allow, None, "claude-sonnet");
    Draft { kind: Kind::Intent, id: id(1), reference: None, body }
}

fn outcome(_: u16, intent: RecordId) -> Draft {
    let out = Outcome {
        status: 200,
        reason: None,
        began: Millis(1_700_000_000_000),
        micros: 9,
        first_byte_micros: None,
        provider_id: None,
        model: Some("claude-sonnet-4".to_owned()),
    };
    let about = call("line-copilot", Verdict::Allow, None, "claude-sonnet").about();
    let body = Body { out: Some(out), ..about };
    Draft { kind: Kind::Outcome, id: id(2), reference: Some(intent), body }
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn records_are_found_by_every_condition() {
    let house = House::new();
    let count = |args: &[&str]| house.lines(&[&["records", "--format", "ndjson"], args].concat()).len();
    assert_eq!(count(&[]), house.size());
    assert_eq!(count(&["--verdict", "refuse"]), 300);
    assert_eq!(count(&["--reason", "no-conduit", "--workload", "pump-bot"]), 300);
    assert_eq!(count(&["--workload", "line-copilot"]), 2);
    assert_eq!(count(&["--model", "claude-*"]), 2);
    assert_eq!(count(&["--model", "gpt-4o", "--workload", "line-copilot"]), 0);
    assert_eq!(count(&["--zone", "cell-1", "--conduit", "copilot", "--provider", "openai"]), 302);
    assert_eq!(count(&["--zone", "cell-2"]), 0);
    assert_eq!(count(&["--operator", "op-aaaabbbbccccdddd"]), 302);
    assert_eq!(count(&["--sensitivity", "internal"]), 302);
    assert_eq!(count(&["--kind", "boot"]), 1);
    assert_eq!(count(&["--since", "1h"]), house.size());
    assert_eq!(count(&["--until", "2020-01-01"]), 0);
    assert_eq!(count(&["--id", &house.allowed.to_string()]), 2);
    assert_eq!(count(&["-n", "7", "--verdict", "refuse"]), 7);
    assert_eq!(count(&["-n", "0"]), 0);
}

#[test]
fn the_table_is_plain_in_a_pipe_and_json_is_json() {
    let house = House::new();
    let lines = house.lines(&["records", "-n", "3"]);
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("NO ") && lines.iter().all(|line| !line.contains('\u{1b}')));
    assert!(lines[1].contains("refuse") && lines[1].contains("pump-bot") && lines[1].contains("no-conduit"));
    assert!(lines[2].contains("line-copilot") && lines[2].ends_with(&house.allowed.to_string()));
    let json: serde_json::Value =
        serde_json::from_str(&house.lines(&["records", "--format", "json", "-n", "2"]).join("\n")).unwrap();
    assert_eq!(json[0]["id"], house.allowed.to_string());
    assert_eq!(house.lines(&["records", "--format", "json", "--zone", "none"]), ["[]"]);
}

#[test]
fn what_was_used_is_counted_by_whatever_is_asked() {
    let house = House::new();
    let lines = house.lines(&["usage", "--by", "conduit", "--by", "workload"]);
    let words: Vec<Vec<&str>> = lines.iter().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0][..4], ["CONDUIT", "WORKLOAD", "CALLS", "REFUSED"]);
    assert_eq!(words[1], ["copilot", "line-copilot", "1", "0", "0", "0", "0", "0", "1", "0", "0"]);
    assert_eq!(words[2][..4], ["copilot", "pump-bot", "300", "300"]);
    let json: serde_json::Value =
        serde_json::from_str(&house.lines(&["usage", "--by", "model", "--by", "day", "--json"]).join("\n")).unwrap();
    let models: Vec<_> = json.as_array().unwrap().iter().map(|row| row["model"].as_str().unwrap()).collect();
    assert_eq!(models, ["claude-sonnet-4", "gpt-4o"]);
    assert_eq!((&json[1]["calls"], &json[1]["refused"]), (&300.into(), &300.into()));
    assert_eq!(json[0]["day"].as_str().unwrap().len(), 10);
    assert_eq!(house.lines(&["usage", "--until", "2020-01-01"]), ["no call is recorded"]);
}

#[test]
fn wrong_questions_get_an_answer_that_helps() {
    let house = House::new();
    let said = |args: &[&str]| String::from_utf8(house.penstock(args).stderr).unwrap();
    assert!(said(&["records", "--verdict", "perhaps"]).contains("reroute"));
    assert!(said(&["records", "--since", "yesterday"]).contains("2h"));
    assert!(said(&["records", "--ledger", "/nowhere"]).contains("/nowhere"));
    assert!(said(&["receipt", "0193e6a4-7c1b-7f00-8000-000000000000"]).contains("no such record"));
}

#[test]
fn a_whole_ledger_verifies_and_says_what_was_checked() {
    let house = House::new();
    let ledger = house.path("ledger");
    let (code, text) = house.verify(&[&ledger]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(&format!("{} records", house.size())) && text.ends_with("VERIFIED\n"), "{text}");
    let (code, text) = house.verify(&[&ledger, "--json", "--key", &house.path("ledger/trust/ledger.vkey")]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, json["result"].as_str()), (0, Some("verified")));
    assert_eq!(json["records"], house.size());
    assert_eq!(json["key"], "given");
}

#[test]
fn what_was_not_checked_is_said() {
    let house = House::new();
    let (ledger, known) = (house.path("ledger"), house.path("ledger/checkpoint"));
    let unchecked = |args: &[&str]| -> Vec<String> {
        let (code, text) = house.verify(&[args, &["--json"]].concat());
        assert_eq!(code, 0, "{text}");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        // This ledger has no epochs.
        let all = json["unchecked"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned());
        all.filter(|one| one != "epochs").collect()
    };
    assert_eq!(unchecked(&[&ledger]), ["witnesses", "known"]);
    assert_eq!(unchecked(&[&ledger, "--known", &known, "--without-content"]), ["witnesses", "content"]);
    let (_, text) = house.verify(&[&ledger, "--without-content"]);
    for said in ["witnesses  not checked", "known      not compared", "content    not looked for"] {
        assert!(text.contains(said), "{text}");
    }
    let (_, text) = house.verify(&[&ledger, "--known", &known]);
    assert!(!text.contains("not compared") && !text.contains("not looked for"), "{text}");
    let published = house.path("published");
    assert!(Command::new("cp").args(["-r", &ledger, &published]).status().unwrap().success());
    std::fs::remove_dir_all(house.path("published/wal")).unwrap();
    assert_eq!(unchecked(&[&published]), ["witnesses", "known", "log"]);
    assert!(house.verify(&[&published]).1.contains("log        not checked"));
    let receipt = house.path("one.tlog-proof");
    house.lines(&["receipt", &house.refused.to_string(), "-o", &receipt]);
    let key = house.path("ledger/trust/ledger.vkey");
    assert_eq!(unchecked(&[&receipt, "--key", &key]), ["witnesses", "known"]);
    assert_eq!(unchecked(&[&receipt, "--key", &key, "--known", &known]), ["witnesses"]);
}

#[test]
fn the_folder_of_the_plant_leads_to_its_ledger() {
    let house = House::new();
    assert_eq!(house.verify(&[]).0, 0, "the plant's own, if nothing is named");
    let plant = std::path::absolute(house.ledger().parent().unwrap()).unwrap();
    let said = house.penstock(&["verify", plant.to_str().unwrap()]);
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8(said.stderr).unwrap().contains("but holds one"));
}

#[test]
fn a_changed_record_is_named() {
    let house = House::new();
    flip(&house.ledger().join("tile/entries/000"), 5000);
    let (code, text) = house.verify(&[&house.path("ledger")]);
    assert_eq!(code, 10, "{text}");
    assert!(text.contains("in tile/entries/000") && text.contains("record ") && text.contains("TAMPERED"), "{text}");
}

#[test]
fn a_changed_log_is_named() {
    let house = House::new();
    flip(&house.ledger().join("wal/00000000000000000000.seg"), 4096 * 5 + 200);
    let (code, text) = house.verify(&[&house.path("ledger")]);
    assert_eq!(code, 10, "{text}");
    assert!(text.contains("00000000000000000000.seg"), "{text}");
}

#[test]
fn each_exit_code_is_given_for_its_reason() {
    let house = House::new();
    let ledger = house.path("ledger");
    let old = std::fs::read(house.ledger().join("checkpoint")).unwrap();
    // 12: the auditor knows more records than there are.
    let grown = House::new();
    let copied = Command::new("cp").arg("-r").arg(house.ledger()).arg(grown.path("grown")).status().unwrap();
    assert!(copied.success());
    open(Path::new(&grown.path("grown"))).close();
    let known = grown.path("grown/checkpoint");
    assert_eq!(house.verify(&[&ledger, "--known", &known]).0, 12);
    std::fs::write(house.path("old"), old).unwrap();
    assert_eq!(house.verify(&[&grown.path("grown"), "--known", &house.path("old")]).0, 0);
    // 11: the same key has signed another history of the same length.
    let other = House::new();
    let genesis = |house: &House| std::fs::read_to_string(house.ledger().join("trust/ledger.vkey")).unwrap();
    assert_ne!(genesis(&other), genesis(&house), "every ledger has a name of its own");
    open(&house.ledger()).close();
    assert_eq!(house.verify(&[&ledger, "--known", &known]).0, 11);
    // 13: the auditor asks for witnesses.
    let key = genesis(&house);
    let witness = Cosigner::new("w.example", Arc::new(seal::SigningKey::from_seed([9; 32].into()))).unwrap();
    std::fs::write(house.path("policy"), format!("log {key}witness w {}\nquorum w\n", witness.witness())).unwrap();
    for option in ["--key", "--policy"] {
        let (code, text) = house.verify(&[&ledger, option, &house.path("policy")]);
        assert_eq!(code, 13, "{text}");
        assert!(text.contains("missing: w\n") && text.contains("0 of 1 have signed the head"), "{text}");
    }
    std::fs::write(house.path("broken"), format!("witness w {key}quorum w\n")).unwrap();
    assert_eq!(house.verify(&[&ledger, "--policy", &house.path("broken")]).0, 2);
    assert_eq!(house.verify(&[&ledger, "--policy", &house.path("ledger/trust/ledger.vkey")]).0, 2, "no quorum");
    // 14: there is nothing to check against.
    for entry in std::fs::read_dir(house.ledger().join("checkpoints")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    std::fs::remove_file(house.ledger().join("checkpoint")).unwrap();
    assert_eq!(house.verify(&[&ledger]).0, 14);
    // 2: nothing that could be meant.
    assert_eq!(house.verify(&["/nowhere"]).0, 2);
    assert_eq!(house.verify(&[&ledger, "--key", &house.path("old")]).0, 2);
    assert_eq!(house.verify(&[&ledger, "--colour"]).0, 2);
}

#[test]
fn a_receipt_stands_on_its_own() {
    let house = House::new();
    let (file, key) = (house.path("one.tlog-proof"), house.path("ledger/trust/ledger.vkey"));
    house.lines(&["receipt", &house.refused.to_string(), "-o", &file]);
    let printed = house.lines(&["receipt", &house.number().to_string()]);
    assert_eq!(printed, std::fs::read_to_string(&file).unwrap().lines().collect::<Vec<_>>());
    assert!(printed[0].starts_with("c2sp.org/tlog-proof@v1"));

    let (code, text) = house.verify(&[&file, "--key", &key]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(&house.refused.to_string()), "{text}");
    assert_eq!(house.verify(&[&file]).0, 2, "a receipt does not bring its own key");
    assert_eq!(house.verify(&[&file, "--key", &House::new().path("ledger/trust/ledger.vkey")]).0, 10);
    let witness = Cosigner::new("w.example", Arc::new(seal::SigningKey::from_seed([9; 32].into()))).unwrap();
    std::fs::write(house.path("policy"), format!("witness hilltop {}\nquorum hilltop\n", witness.witness())).unwrap();
    let (code, text) = house.verify(&[&file, "--key", &key, "--policy", &house.path("policy")]);
    assert!(code == 13 && text.contains("missing: hilltop"), "{text}");
    // A10: a receipt cannot say that its head is the latest; the time of a witness says how old it is at most.
    let receipt = std::fs::read_to_string(&file).unwrap();
    let note = seal::note::Note::parse(receipt.split_once("\n\n").unwrap().1.as_bytes()).unwrap();
    std::fs::write(house.path("seen"), format!("{receipt}{}\n", witness.sign(&note, 1_700_000_000))).unwrap();
    let (code, text) = house.verify(&[&house.path("seen"), "--key", &key, "--policy", &house.path("policy")]);
    assert!(code == 0 && text.contains("hilltop, 2023-11-14T22:13:20.000Z"), "{text}");
    let index = |number: u64| format!("index {number}");
    let spoilt = receipt.replacen(&index(house.number()), &index(house.number() - 1), 1);
    assert_ne!(spoilt, receipt);
    std::fs::write(&file, spoilt).unwrap();
    assert_eq!(house.verify(&[&file, "--key", &key]).0, 10);
}

#[test]
fn an_incident_is_shown_exported_and_selected_again() {
    let house = House::new();
    let allowed = house.allowed.to_string();
    let kinds = |args: &[&str]| -> Vec<String> {
        let lines = house.lines(&[&["records", "--format", "ndjson"], args].concat());
        let kind = |line: &String| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].as_str().unwrap().to_owned()
        };
        lines.iter().map(kind).collect()
    };
    assert_eq!(kinds(&["--incident", &allowed]), ["intent", "outcome"]);
    assert_eq!(kinds(&["--incident", &allowed, "--kind", "outcome"]), ["outcome"]);
    assert_eq!(kinds(&["--incident", &house.refused.to_string()]), ["refuse"]);
    assert_eq!(house.lines(&["export", "--format", "csv", "--incident", &allowed]).len(), 3, "a heading and two rows");

    let (pack, ledger, key) =
        (house.path("incident.zip"), house.path("ledger"), house.path("ledger/trust/ledger.vkey"));
    let made = house.lines(&["export", "--incident", &allowed, "--pack", &pack]);
    assert!(made.contains(&"population 2 records fit what was asked for".to_owned()), "{made:?}");
    let (_, text) = house.verify(&[&pack, "--ledger", &ledger, "--key", &key]);
    // Without the plant's key nobody signed the manifest; the records are those of the incident all the same.
    for said in
        ["proved     2 records", "manifest.note: is missing", "selection  all of the 2 records of the ledger that fit"]
    {
        assert!(text.contains(said), "{text}");
    }
    let person =
        house.penstock(&["export", "--incident", &allowed, "--redact", "persons", "--pack", &house.path("none.zip")]);
    assert!(!person.status.success(), "the manifest would say whom it is about");
}

#[test]
fn a10_an_old_receipt_is_not_taken_for_current() {
    let house = House::new();
    let (file, key) = (house.path("one.tlog-proof"), house.path("ledger/trust/ledger.vkey"));
    house.lines(&["receipt", &house.refused.to_string(), "-o", &file]);
    let known = |what: &str| house.verify(&[&file, "--key", &key, "--known", &house.path(what)]);
    let (code, text) = known("ledger/checkpoint");
    assert!(code == 0 && text.contains("this head is the one that you hold"), "{text}");
    let (head, _) = store::Reader::open(&house.ledger()).unwrap().published().unwrap().unwrap();
    let signer = |origin: &str, seed| {
        seal::note::Signer::new(origin, Arc::new(seal::SigningKey::from_seed([seed; 32].into()))).unwrap()
    };
    let sign = |head: &ledger::Checkpoint, seed| {
        std::fs::write(house.path("kept"), head.sign(&signer(&head.origin, seed)).unwrap().to_string()).unwrap();
    };
    sign(&ledger::Checkpoint { root: [7; 32], ..head.clone() }, 3);
    let (code, text) = known("kept");
    assert!(code == 11 && text.contains("two roots"), "{text}");
    sign(&ledger::Checkpoint { size: head.size - 1, ..head.clone() }, 3);
    let (code, text) = known("kept");
    assert!(code == 14 && text.contains("its head is newer"), "{text}");
    sign(&head, 4);
    let (code, text) = known("kept");
    assert!(code == 14 && text.contains("the known checkpoint proves nothing"), "{text}");
    let store = open(&house.ledger());
    store.write(refusal(900)).unwrap();
    store.close();
    let (code, text) = known("ledger/checkpoint");
    assert!(code == 14 && text.contains("its head is old"), "{text}");
    assert_eq!(house.verify(&[&file, "--key", &key]).0, 0, "the record is in the ledger all the same");
}

#[test]
fn a_running_ledger_can_be_searched_proved_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let house = House { folder, refused: id(0), allowed: id(0) };
    let store = open(&house.ledger());
    let written = store.write(refusal(1)).unwrap();
    assert_eq!(house.lines(&["records", "--format", "ndjson", "--kind", "refuse"]).len(), 1);
    let receipt = house.lines(&["receipt", &written.id.to_string()]);
    assert!(receipt.len() > 4, "waits for the next checkpoint");
    let (code, text) = house.verify(&[&house.path("ledger")]);
    assert_eq!(code, 0, "{text}");
    store.close();
}

#[test]
fn on_a_terminal_the_table_fits_and_refusals_stand_out() {
    let house = House::new();
    // `script` gives the command a terminal; where it is missing there is nothing to see.
    let command = format!(
        "{} --plant {} records -n 3; {0} verify {1}/ledger",
        env!("CARGO_BIN_EXE_penstock"),
        house.folder.path().display()
    );
    let Ok(output) = Command::new("script").args(["-qec", &command, "/dev/null"]).output() else { return };
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(
        lines[0].starts_with("\u{1b}[1mNO ") && lines[1].starts_with(&format!("\u{1b}[31m{} ", house.number())),
        "{text}"
    );
    assert!(lines.iter().take(4).all(|line| line.trim_end().chars().count() <= 120 + 9), "{text}");
    assert!(text.contains("\u{1b}[1;32mVERIFIED"), "{text}");
}

/// The table that verify.py and the checker in Go are held against as well, by the exit code that a script sees.
#[test]
fn every_shared_vector_is_judged_as_it_says() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/ledgers");
    let cases: serde_json::Value = serde_json::from_slice(&std::fs::read(home.join("cases.json")).unwrap()).unwrap();
    let mut count = 0;
    for case in cases.as_object().unwrap().values().flat_map(|list| list.as_array().unwrap()) {
        let given = |key: &str| case[key].as_str().map(str::to_owned);
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        command.current_dir(&home).arg("verify").args(given("folder").or(given("receipt")));
        for (option, key) in [("--key", "trust"), ("--policy", "policy"), ("--known", "known"), ("--record", "record")]
        {
            command.args(given(key).into_iter().flat_map(|file| [option.to_owned(), file]));
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code().map(u64::try_from), case["exit"].as_u64().map(Ok), "{case:#}\n{said}");
        assert!(case["seq"].is_null() || said.contains(&format!("record {} ", case["seq"])), "{case:#}\n{said}");
        count += 1;
    }
    assert!(count > 170, "{count}");
}
