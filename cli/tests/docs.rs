//! The documentation, held against the code: what is generated is up to date, what is shown works, what is linked is there.
//!
//! `UPDATE_DOCS=1 cargo test -p penstock --test docs` writes the generated parts anew. They stand between
//! `<!-- generated: NAME -->` and `<!-- end of NAME -->` in pages that are otherwise written by hand.

use plant::Reason;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PENSTOCK: &str = env!("CARGO_BIN_EXE_penstock");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}

/// Every page that people read: the book, and the pages beside the code.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("docs/src")];
    let mut found = Vec::new();
    while let Some(path) = pages.pop() {
        if path.is_dir() {
            pages.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    let beside =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md", "dist/README.md"];
    found.extend(beside.iter().map(|page| root().join(page)));
    found.sort();
    found
}

/// A fenced block of a page.
struct Block {
    /// What stands behind the fence.
    language: String,
    text: String,
}

/// A page's fenced blocks, and its text without them.
fn blocks(page: &str) -> (Vec<Block>, String) {
    let (mut blocks, mut prose, mut open): (Vec<Block>, String, Option<Block>) = (Vec::new(), String::new(), None);
    for line in page.lines() {
        match (line.trim_start().strip_prefix("```"), open.as_mut()) {
            (Some(language), None) => {
                open = Some(Block { language: language.trim().to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {
                prose.push_str(line);
                prose.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    (blocks, prose)
}

fn blocks_of(page: &str, language: &str) -> Vec<String> {
    blocks(page).0.into_iter().filter(|block| block.language == language).map(|block| block.text).collect()
}

// --- What is generated.

#[test]
fn generated_parts_are_up_to_date() {
    let parts = [
        ("reference/reasons.md", "reasons", reasons()),
        ("reference/endpoints.md", "endpoints", endpoints()),
        ("reference/inspection.md", "rules", inspection()),
        ("reference/rules.md", "schema", format!("```text\n{}```\n", policy::SCHEMA)),
        ("reference/cli.md", "commands", commands()),
    ];
    let mut stale = Vec::new();
    for (page, name, text) in parts {
        let path = root().join("docs/src").join(page);
        let before = read(&path);
        let after = spliced(&before, name, &text);
        if before != after {
            stale.push(page);
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::write(&path, after).unwrap();
            }
        }
    }
    assert!(
        stale.is_empty() || std::env::var_os("UPDATE_DOCS").is_some(),
        "{stale:?} are out of date: UPDATE_DOCS=1 cargo test -p penstock --test docs"
    );
}

#[test]
fn the_reference_of_the_plant_file_is_up_to_date() {
    assert_eq!(read(&root().join("docs/src/reference/plant-file.md")), config::reference());
}

/// The page with another text between the marks of `name`.
fn spliced(page: &str, name: &str, text: &str) -> String {
    let (start, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end of {name} -->"));
    let (head, rest) = page.split_once(&start).unwrap_or_else(|| panic!("the mark `{}` is missing", start.trim()));
    let (_, tail) = rest.split_once(&end).unwrap_or_else(|| panic!("the mark `{end}` is missing"));
    format!("{head}{start}\n{text}\n{end}{tail}")
}

fn reasons() -> String {
    let mut text = String::from("| code | status | what the caller is told |\n|---|---|---|\n");
    for reason in Reason::ALL {
        writeln!(text, "| `{}` | {} | {} |", reason.code(), reason.status(), reason.message()).unwrap();
    }
    text
}

fn endpoints() -> String {
    let mut text = String::new();
    for (name, dialect) in plant::Dialect::NAMES {
        writeln!(text, "### `{name}`\n\n| name | call | body |\n|---|---|---|").unwrap();
        for endpoint in wire::endpoints().filter(|endpoint| endpoint.dialect() == dialect) {
            let body = match endpoint.carries() {
                wire::Carries::Nothing => "none",
                wire::Carries::Json => "JSON",
                wire::Carries::JsonOrNothing => "JSON or none",
                wire::Carries::Form => "`multipart/form-data`",
            };
            writeln!(text, "| `{}` | `{} {}` | {body} |", endpoint.name(), endpoint.method(), endpoint.pattern())
                .unwrap();
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

fn inspection() -> String {
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (rule, label) in inspect::rules() {
        labels.entry(label).or_default().insert(rule);
    }
    let mut text = String::from("| label | rules |\n|---|---|\n");
    for (label, rules) in labels {
        let rules: Vec<String> = rules.into_iter().map(|rule| format!("`{rule}`")).collect();
        writeln!(text, "| `{label}` | {} |", rules.join(", ")).unwrap();
    }
    text
}

/// What `--help` says of the program and of each subcommand.
fn commands() -> String {
    let mut text = String::new();
    for path in paths() {
        let title = if path.is_empty() { "penstock".to_owned() } else { format!("penstock {}", path.join(" ")) };
        let help: String = help(&path).lines().map(|line| format!("{}\n", line.trim_end())).collect();
        writeln!(text, "## `{title}`\n\n```text\n{}\n```\n", help.trim_end()).unwrap();
    }
    text.trim_end().to_owned() + "\n"
}

fn help(path: &[String]) -> String {
    let output = Command::new(PENSTOCK)
        .args(path)
        .arg("--help")
        .env("COLUMNS", "100")
        .env_remove("PENSTOCK_PLANT")
        .env_remove("PENSTOCK_LOG")
        .env_remove("PENSTOCK_LOG_FORM")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The program and every subcommand, in the order of the help.
fn paths() -> Vec<Vec<String>> {
    let mut paths = vec![Vec::new()];
    for one in subcommands(&[]) {
        let path = vec![one];
        let below = subcommands(&path);
        paths.push(path.clone());
        paths.extend(below.into_iter().map(|two| vec![path[0].clone(), two]));
    }
    paths
}

fn subcommands(path: &[String]) -> Vec<String> {
    let help = help(path);
    let Some((_, rest)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let names = rest.lines().take_while(|line| !line.trim().is_empty()).filter(|line| !line.starts_with("    "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

// --- What is linked.

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(&page);
        let (_, prose) = blocks(&text);
        for target in targets(&prose) {
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let found = file.exists() && (anchor.is_empty() || anchors(&read(&file)).contains(anchor));
            if !found {
                broken.push(format!("{}: {target}", page.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_is_in_the_summary() {
    let book = root().join("docs/src");
    let listed: BTreeSet<PathBuf> =
        targets(&read(&book.join("SUMMARY.md"))).iter().map(|page| book.join(page)).collect();
    let there = pages().into_iter().filter(|page| page.starts_with(&book) && !page.ends_with("SUMMARY.md"));
    assert_eq!(listed, there.collect());
}

/// What a text links to within the repository.
fn targets(prose: &str) -> Vec<String> {
    let mut text = String::new();
    // What stands between backticks is no link.
    for (place, part) in prose.split('`').enumerate() {
        text.push_str(if place % 2 == 0 { part } else { "code" });
    }
    let inline = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let images = prose.split("src=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(target, _)| target);
    inline
        .chain(images)
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(str::to_owned)
        .collect()
}

fn anchors(page: &str) -> BTreeSet<String> {
    let (_, prose) = blocks(page);
    let headings =
        prose.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#').trim());
    headings.map(slug).collect()
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_') || c.is_whitespace());
    kept.map(|c| if c.is_whitespace() { '-' } else { c.to_ascii_lowercase() }).collect()
}

// --- What is shown.

#[test]
fn commands_that_are_shown_exist() {
    let known: BTreeMap<Vec<String>, String> = paths().into_iter().map(|path| (path.clone(), help(&path))).collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = read(&page);
        for block in blocks(&text).0.iter().filter(|block| ["console", "sh"].contains(&block.language.as_str())) {
            for words in block.text.replace("\\\n", " ").lines().filter_map(called) {
                seen += 1;
                if let Err(problem) = check_call(&words, &known) {
                    wrong.push(format!("{}: {problem}: {}", page.display(), words.join(" ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 20, "the guides show commands");
}

/// The arguments of a shown call of `penstock`, if the line is one.
fn called(line: &str) -> Option<Vec<String>> {
    let line = line.trim_start().trim_start_matches("$ ");
    let line = line.split(" | ").find(|part| part.split_whitespace().any(|word| word == "penstock"))?;
    let line = line.split(['>', '<', '#', '&']).next()?;
    let mut words = line.split_whitespace().skip_while(|word| *word != "penstock");
    // `cat penstock` or a path with that name is no call.
    let before: Vec<&str> = line.split_whitespace().take_while(|word| *word != "penstock").collect();
    let prefix = |word: &&str| word.contains('=') || ["sudo", "-u", "env", "watch"].contains(word);
    if !before.iter().all(prefix) {
        return None;
    }
    words.next()?;
    Some(words.map(|word| word.trim_matches(['"', '\'']).to_owned()).collect())
}

fn check_call(words: &[String], known: &BTreeMap<Vec<String>, String>) -> Result<(), String> {
    let mut path = Vec::new();
    for word in words.iter().filter(|word| !word.starts_with('-')) {
        let mut longer = path.clone();
        longer.push(word.clone());
        if known.contains_key(&longer) {
            path = longer;
        }
    }
    let help = known.get(&path).ok_or("no such command")?;
    if path.is_empty() && words.iter().any(|word| !word.starts_with('-')) {
        return Err("no such command".to_owned());
    }
    for flag in words.iter().filter(|word| word.starts_with('-') && word.len() > 1) {
        let flag = flag.split_once('=').map_or(flag.as_str(), |(flag, _)| flag);
        let there = help.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with('-') && line.split([' ', ',', '=']).any(|word| word == flag)
        });
        if !there {
            return Err(format!("`{flag}` is no option of it"));
        }
    }
    Ok(())
}

/// Loads the brewery with tables of `more` in place of its own; gives what is wrong with it.
fn load(more: &str) -> Result<config::Loaded, String> {
    let example = root().join("examples/brewery");
    let base = read(&example.join("plant.toml"));
    let given: BTreeSet<&str> = more.lines().filter(|line| line.starts_with('[')).collect();
    let mut keep = true;
    let mut text = String::new();
    for line in base.lines() {
        if line.starts_with('[') {
            keep = !given.contains(line.trim());
        }
        if keep {
            text.push_str(line);
            text.push('\n');
        }
    }
    load_alone(&format!("{text}\n{more}"))
}

fn load_alone(text: &str) -> Result<config::Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    let rules = root().join("examples/brewery/rules/shifts.cedar");
    std::fs::copy(&rules, folder.path().join("rules/shifts.cedar")).unwrap();
    std::fs::write(folder.path().join("plant.toml"), text).unwrap();
    let now = plant::Millis::parse("2026-11-20").unwrap();
    config::load(folder.path(), now, |_| String::new())
        .map_err(|problems| format!("{:?}\n{text}", miette::Report::new(problems)))
}

#[test]
fn the_plant_file_of_the_guide_loads() {
    let page = read(&root().join("docs/src/guides/plant-file.md"));
    let text = blocks_of(&page, "toml").join("\n");
    let loaded = load_alone(&text).unwrap();
    assert!(!loaded.plant.conduits.is_empty());
    let odd: Vec<_> =
        loaded.warnings.iter().map(ToString::to_string).filter(|text| !text.contains("is not there")).collect();
    assert!(odd.is_empty(), "{odd:#?}");
}

#[test]
fn pieces_of_plant_files_load() {
    let mut seen = 0;
    for page in pages()
        .iter()
        .filter(|page| !page.ends_with("guides/plant-file.md") && !page.ends_with("reference/plant-file.md"))
    {
        for block in blocks_of(&read(page), "toml") {
            seen += 1;
            if let Err(problem) = load(&block) {
                panic!("{}: {problem}", page.display());
            }
        }
    }
    assert!(seen > 3);
}

#[test]
fn rules_that_are_shown_hold_against_the_schema() {
    let plant = load("").unwrap().plant;
    let mut seen = 0;
    for page in pages() {
        for text in blocks_of(&read(&page), "cedar") {
            seen += 1;
            let files = [policy::RuleFile { name: page.display().to_string(), text }];
            if let Err(problems) = policy::Policy::new(plant.clone(), &files) {
                panic!("{problems:#?}");
            }
        }
    }
    assert!(seen > 3);
}

#[test]
fn records_that_are_shown_are_records() {
    let mut seen = 0;
    for page in pages() {
        let text = read(&page);
        for line in text.lines().filter(|line| line.starts_with("{\"boot\":")) {
            seen += 1;
            ledger::decode(line.as_bytes()).unwrap_or_else(|problem| panic!("{}: {problem}", page.display()));
        }
    }
    assert!(seen > 0);
}

// --- What is listed by hand.

/// A record that says all that a record can say.
fn full() -> Vec<u8> {
    use plant::{
        Body, Decided, Draft, FindingCount, Io, Kind, Millis, Note, Outcome, Party, Place, RecordId, Verdict, What, Who,
    };
    let party = |by| Some(Party { id: "one".to_owned(), by });
    let text = || Some("text".to_owned());
    let body = Body {
        who: Some(Who {
            workload: party("token"),
            workstation: party("mtls"),
            operator: party("oidc"),
            peer: [127, 0, 0, 1].into(),
        }),
        place: Some(Place {
            plant: plant::PlantId::new("works").unwrap(),
            zone: plant::ZoneId::new("line").ok(),
            conduit: plant::ConduitId::new("one").ok(),
            purpose: plant::Purpose::new("advice").ok(),
        }),
        what: Some(What {
            provider: plant::ProviderId::new("openai").ok(),
            rerouted: plant::ProviderId::new("edge").ok(),
            dialect: Some(plant::Dialect::OpenAi),
            endpoint: "chat.completions".to_owned(),
            model: text(),
            tools: vec!["tool".to_owned()],
            sensitivity: text(),
            findings: vec![FindingCount { label: "tag".to_owned(), count: 1 }],
            stream: true,
        }),
        decided: Some(Decided {
            verdict: Verdict::Allow,
            reason: Some(Reason::Malformed),
            detail: text(),
            rules: vec![plant::RuleId::new("rule").unwrap()],
            policy: "digest".to_owned(),
        }),
        io: Some(Io {
            request: text(),
            request_bytes: 1,
            sent: text(),
            answer: text(),
            answer_bytes: 1,
            input_tokens: Some(1),
            output_tokens: Some(1),
        }),
        out: Some(Outcome {
            status: 200,
            reason: Some(Reason::Malformed),
            began: Millis(1),
            micros: 1,
            first_byte_micros: Some(1),
            provider_id: text(),
            model: text(),
        }),
        note: BTreeMap::from([("key", Note::Number(1))]),
    };
    let id = RecordId::new(Millis(1), [0; 10]);
    let clk = ledger::ClockState { source: "ntp".to_owned(), bound: Some(1) };
    let stamp = ledger::Stamp { seq: 1, prev: [0; 32], t: Millis(1), mono: 1, boot: 1, clk };
    ledger::encode(&stamp, &Draft { kind: Kind::Outcome, id, reference: Some(id), body }).unwrap()
}

fn keys(value: &serde_json::Value, path: &str, out: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(members) if path != "note" => {
            for (key, value) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                keys(value, &path, out);
            }
        }
        serde_json::Value::Array(items) if items.iter().all(serde_json::Value::is_object) => {
            items.iter().for_each(|item| keys(item, path, out));
        }
        _ => {
            out.insert(path.to_owned());
        }
    }
}

#[test]
fn every_field_of_a_record_is_explained() {
    let page = read(&root().join("docs/src/reference/records.md"));
    let mut fields = BTreeSet::new();
    keys(&serde_json::from_slice(&full()).unwrap(), "", &mut fields);
    let names =
        plant::Kind::NAMES.iter().map(|(name, _)| *name).chain(plant::Verdict::NAMES.iter().map(|(name, _)| *name));
    let missing: Vec<String> = fields
        .into_iter()
        .chain(names.map(str::to_owned))
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_file_of_a_plant_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let plant = folder.path().join("hilltop");
    let status = Command::new(PENSTOCK).args(["init"]).arg(&plant).stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
    let page = read(&root().join("docs/src/reference/folder.md"));
    let mut folders = vec![plant.clone()];
    let mut missing = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let name = entry.strip_prefix(&plant).unwrap().display().to_string();
            let name = name.replace("workloads/assistant.", "workloads/<workload>.");
            if !page.contains(&name) {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_header_is_explained() {
    let page = read(&root().join("docs/src/reference/headers.md")).to_lowercase();
    let ours = [identity::OPERATOR_HEADER, identity::WORKSTATION_HEADER, "penstock-purpose"];
    let back = ["penstock-record", "penstock-decision", "penstock-rerouted"];
    for name in ours.iter().chain(&back).chain(&identity::TOKEN_HEADERS) {
        assert!(page.contains(&format!("`{name}")), "{name}");
    }
}

/// A gateway that ends with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_metric_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let plant = folder.path().join("hilltop");
    assert!(Command::new(PENSTOCK).arg("init").arg(&plant).stdout(Stdio::null()).status().unwrap().success());
    let file = plant.join("plant.toml");
    let text = read(&file).replace("127.0.0.1:9464", "127.0.0.1:0");
    let text = text.replace("listen = [\"127.0.0.1:8443\"]", "listen = []\nplain_http = [\"127.0.0.1:0\"]");
    std::fs::write(&file, text).unwrap();
    let mut child = Command::new(PENSTOCK);
    child.arg("run").arg("--plant").arg(&plant).args(["--log", "json"]).stderr(Stdio::piped());
    let mut running = Running(child.spawn().unwrap());
    let log = BufReader::new(running.0.stderr.take().unwrap());
    let mut addresses = log.lines().map_while(Result::ok).filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line).ok()?;
        Some(line.get("address")?.as_str()?.to_owned())
    });
    let (calls, operations) = (addresses.next().unwrap(), addresses.next().unwrap());
    assert!(get(&calls, "/openai/v1/models").contains("no-identity"));
    let metrics = get(&operations, "/metrics");
    let page = read(&root().join("docs/src/reference/metrics.md"));
    let names: Vec<&str> = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(names.len() > 8, "{metrics}");
    for name in names.iter().filter_map(|line| line.split_whitespace().next()) {
        assert!(page.contains(&format!("`{name}")), "{name}");
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
