//! `penstock fingerprint`, as its users run it: registered, listed, recognised by `test`, by `explain` and by a gateway.

use crate::plant::Plant;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use testkit::Provider;

const RECIPE: &str = include_str!("../../../testdata/documents/recipe.txt");
const MANUAL: &str = include_str!("../../../testdata/documents/manual.txt");

fn plant() -> Plant {
    Plant::with([("sop/recipe 17.txt", RECIPE.as_bytes()), ("sop/line 2/manual.txt", MANUAL.as_bytes())])
}

fn register(plant: &Plant) {
    plant.good(&["fingerprint", "add", "--label", "recipe", "--sensitivity", "restricted", "sop"]);
}

/// An excerpt as a person would ask about it.
fn prompt() -> String {
    let lines: Vec<&str> = RECIPE.lines().skip(2).take(4).collect();
    format!("Please translate for the night shift:\n{}\nThanks!", lines.join("\n").replace(' ', "  ").to_uppercase())
}

#[test]
fn a_folder_is_registered_listed_and_forgotten() {
    let plant = plant();
    let added = plant.good(&["fingerprint", "add", "sop"]);
    assert!(
        added.contains("`line-2.manual` is registered: ") && added.contains("`recipe-17` is registered: "),
        "{added}"
    );
    let file = fs::read(plant.path("documents.prints")).unwrap();
    assert_eq!(fs::metadata(plant.path("documents.prints")).unwrap().permissions().mode() & 0o777, 0o600);
    let shown = String::from_utf8_lossy(&file).to_lowercase();
    assert!(!shown.contains("reactor") && !shown.contains("conveyor"));

    plant.write("sop/recipe 17.txt", RECIPE.replace("45 rpm", "52 rpm"));
    assert!(plant.good(&["fingerprint", "add", "sop/recipe 17.txt"]).contains("`recipe-17` is registered anew"));
    plant.write("copy.txt", RECIPE);
    let like = plant.good(&["fingerprint", "add", "--id", "recipe-18", "copy.txt"]);
    assert!(like.contains("much like `recipe-17`"), "{like}");

    let list: Value = serde_json::from_str(&plant.good(&["fingerprint", "list", "--json"])).unwrap();
    let ids: Vec<&str> = list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["line-2.manual", "recipe-17", "recipe-18"]);
    assert_eq!(plant.good(&["fingerprint", "list"]).lines().count(), 4);
    assert_eq!(plant.good(&["fingerprint", "remove", "recipe-18"]), "`recipe-18` is forgotten\n");
    assert!(plant.refused(&["fingerprint", "remove", "recipe-18"]).contains("there is no document `recipe-18`"));
}

#[test]
fn an_excerpt_is_recognised_with_its_place() {
    let plant = plant();
    register(&plant);
    plant.write("prompt.txt", prompt());
    let (code, out, _) = plant.run(&["fingerprint", "test", "prompt.txt"]);
    assert!(code == 1 && out.starts_with("copy of `recipe-17`: ") && out.contains("  lines 2 to "), "{code} {out}");
    let (code, out, _) = plant.run(&["fingerprint", "test", "--json", "prompt.txt"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    let coverage = told[0]["coverage"].as_u64().unwrap();
    assert!(code == 1 && told[0]["document"] == "recipe-17" && (30..=90).contains(&coverage), "{out}");
    plant.write("prompt.txt", "What does a key switch cost?");
    let (code, out, _) = plant.run(&["fingerprint", "test", "prompt.txt"]);
    assert_eq!((code, out.as_str()), (0, "none of 2 registered documents is recognised\n"));
    plant.good(&["fingerprint", "add", "--public", "sop/recipe 17.txt"]);
    plant.write("prompt.txt", prompt());
    plant.good(&["fingerprint", "test", "prompt.txt"]);
}

#[test]
fn a_call_that_repeats_a_document_is_handled_by_its_label() {
    let plant = plant();
    let body = serde_json::json!({"model": "gpt-4o", "messages": [{"role": "user", "content": prompt()}]});
    plant.write("chat.json", body.to_string());
    let line = "explain --workload copilot --provider openai --purpose assistance --at 2026-11-20T21:30:00Z --body chat.json --json";
    let explain: Vec<&str> = line.split(' ').collect();
    let before: Value = serde_json::from_str(&plant.run(&explain).1).unwrap();
    assert_eq!(before["documents"], serde_json::json!([]));
    register(&plant);
    let (_, out, _) = plant.run(&explain);
    let after: Value = serde_json::from_str(&out).unwrap();
    let document = &after["documents"][0];
    assert_eq!((document["document"].as_str(), document["copied"].as_bool()), (Some("recipe-17"), Some(true)), "{out}");
    assert_eq!(document["passages"][0]["path"], "messages[0].content", "{out}");
    let found = after["findings"].as_array().unwrap().iter().any(|one| {
        one["rule"] == "document.recipe-17" && one["label"] == "recipe" && one["sensitivity"] == "restricted"
    });
    assert!(found, "{out}");
    let verdicts = [&before, &after].map(|told| told["decision"]["verdict"].as_str().unwrap());
    assert_eq!(verdicts, ["redact", "reroute"], "{out}");
    assert!(!out.to_lowercase().contains("vacuum"), "content is not told: {out}");
}

#[test]
fn a_file_that_cannot_be_used_stops_what_needs_it() {
    let plant = plant();
    register(&plant);
    let path = plant.path("documents.prints");
    let file = fs::read(&path).unwrap();
    let mut altered = file.clone();
    altered[file.len() / 2] ^= 1;
    let other = format!("{}=\n", "B".repeat(42) + "A");
    for (bytes, key, complaint) in [
        (&altered[..], None, "it is damaged: its checksum does not fit"),
        (&file[..file.len() - 1], None, "it is damaged"),
        (&b"{}"[..], None, "it is no file of this kind"),
        (&file[..], Some(other.as_str()), "it was made with another `plant.key`"),
    ] {
        fs::write(&path, bytes).unwrap();
        if let Some(key) = key {
            plant.write("keys/plant.key", key);
        }
        for line in
            [&["fingerprint", "list"][..], &["fingerprint", "add", "sop"], &["fingerprint", "test", "plant.toml"]]
        {
            let told = plant.refused(line);
            assert!(told.contains("documents.prints") && told.contains(complaint), "{line:?}: {told}");
        }
        assert_eq!(fs::read(&path).unwrap(), bytes, "it is left as it is");
        let told = plant.refused(&["explain", "--workload", "copilot", "--provider", "openai"]);
        assert!(told.contains(complaint), "{told}");
    }
}

#[test]
fn what_cannot_be_registered_is_told() {
    let plant = plant();
    plant.write("short.txt", "Heat to 185 °C.");
    plant.write("sheet.bin", b"PK\x03\x04\0\0");
    plant.write("recipe-17.md", RECIPE);
    for (line, complaint) in [
        (&["short.txt"][..], "`short` is not registered: it has too little text"),
        (&["sheet.bin"], "`sheet.bin` is not registered: it is no text"),
        (&["nowhere.txt"], "`nowhere.txt` is not registered: No such file"),
        (&["sop/recipe 17.txt", "recipe-17.md"], "would both be called `recipe-17`"),
        (&["--id", "one", "sop"], "`--id` names one document, and there are 2"),
        (&["--label", "recipes", "short.txt"], "the plant knows no label `recipes` for this"),
        (&["--label", "document.trace", "short.txt"], "`document.trace` is what too little"),
        (&["--sensitivity", "cosmic", "short.txt"], "the plant has no sensitivity `cosmic`"),
    ] {
        let told = plant.refused(&[&["fingerprint", "add"], line].concat());
        assert!(told.contains(complaint), "{line:?}: {told}");
    }
    assert!(!plant.path("documents.prints").exists());
}

/// A gateway that ends with the test.
struct Running(Child, String);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One call of the assistant with this prompt; gives the whole answer.
fn ask(gateway: &Running, token: &str, prompt: &str) -> String {
    let body = serde_json::json!({"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}]}).to_string();
    let mut stream = TcpStream::connect(&gateway.1).unwrap();
    let head = format!(
        "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_gateway_refuses_what_was_registered_while_it_runs_and_does_not_start_without_it() {
    let folder = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let provider = runtime.block_on(Provider::echo(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
    let penstock = |line: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        command.args(line).current_dir(folder.path()).env_remove("PENSTOCK_PLANT").env("NO_COLOR", "1");
        command.env("OPENAI_API_KEY", "sk-test-0123456789").stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let says = |line: &[&str]| {
        let output = penstock(line).output().unwrap();
        assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    says(&["init", "."]);
    let file = folder.path().join("plant.toml");
    let text = fs::read_to_string(&file)
        .unwrap()
        .replace("127.0.0.1:9464", "127.0.0.1:0")
        .replace("127.0.0.1:9465", "127.0.0.1:0");
    let text = text.replace("listen = [\"127.0.0.1:8443\"]", "listen = []\nplain_http = [\"127.0.0.1:0\"]");
    fs::write(&file, text.replace("https://api.openai.com", &format!("http://{}", provider.address()))).unwrap();
    let token = says(&["token", "issue", "--workload", "assistant"]).trim().to_owned();
    fs::write(folder.path().join("recipe.txt"), RECIPE).unwrap();

    let mut child = penstock(&["run", "--log", "json"]).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut wait = |what: &str| log.find(|line| line.contains(what)).unwrap();
    let address: Value = serde_json::from_str(&wait("listening for calls")).unwrap();
    let gateway = Running(child, address["address"].as_str().unwrap().to_owned());
    let prompt = prompt();
    assert!(ask(&gateway, &token, &prompt).starts_with("HTTP/1.1 200"));
    says(&["fingerprint", "add", "--sensitivity", "restricted", "recipe.txt"]);
    wait("plant file in force");
    let refused = ask(&gateway, &token, &prompt);
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    assert!(ask(&gateway, &token, "What does a key switch cost?").starts_with("HTTP/1.1 200"));
    let index = folder.path().join("documents.prints");
    let good = fs::read(&index).unwrap();
    fs::write(&index, &good[1..]).unwrap();
    wait("what was in force stays");
    assert!(ask(&gateway, &token, &prompt).starts_with("HTTP/1.1 403"), "what was in force stays");
    drop(gateway);

    let output = penstock(&["run"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("documents.prints"), "{told}");
    let records = says(&["records", "--format", "json"]);
    assert!(records.contains("\"document\""), "the finding is on record: {records}");
}
