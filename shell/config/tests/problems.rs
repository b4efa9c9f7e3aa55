//! What people read when a plant file is wrong: one snapshot for each file of `testdata/plants`.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use miette::{GraphicalReportHandler, GraphicalTheme};
use penstock_config::{Code, Disk, Files, NoFiles, Problem, State, Surroundings, read};
use plant::Millis;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/plants")
}

/// Rules are read; whether keys and certificates are there is another test's matter.
struct RulesOnly;

impl Files for RulesOnly {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        Disk.read(path)
    }

    fn state(&self, path: &Path) -> Option<State> {
        NoFiles.state(path)
    }
}

/// No file is there.
struct Nothing;

impl Files for Nothing {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        NoFiles.read(path)
    }

    fn state(&self, _: &Path) -> Option<State> {
        None
    }
}

fn problems(bytes: &[u8], name: &str) -> Result<Vec<Problem>, Vec<Problem>> {
    among(&RulesOnly, bytes, name)
}

fn among(files: &dyn Files, bytes: &[u8], name: &str) -> Result<Vec<Problem>, Vec<Problem>> {
    let folder = folder();
    let around = Surroundings {
        name,
        folder: &folder,
        files,
        now: Millis::parse("2026-11-20").unwrap(),
        hash: |bytes| format!("{:064x}", bytes.len()),
    };
    read(bytes, around).map(|loaded| loaded.warnings).map_err(|problems| problems.list)
}

fn shown(list: &[Problem]) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_width(110);
    let mut text = String::new();
    for problem in list {
        handler.render_report(&mut text, problem).unwrap();
        let _ = writeln!(text);
    }
    text
}

#[test]
fn every_broken_plant_file_says_what_is_wrong() {
    let mut seen: BTreeSet<Code> = BTreeSet::new();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(files.len() >= 16, "the broken plants are there");
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&file).unwrap();
        let (verdict, list) = match problems(&bytes, &name) {
            Ok(warnings) => ("loads", warnings),
            Err(problems) => ("refused", problems),
        };
        assert!(
            list.iter().all(|problem| problem.help.is_some() || problem.code == Code::Rule),
            "{name}: a way out of each problem"
        );
        seen.extend(list.iter().map(|problem| problem.code));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, format!("{verdict}\n\n{}", shown(&list)));
        });
    }
    let rest: BTreeSet<Code> = [Code::TooMany, Code::FileMissing, Code::FileExposed].into();
    let unseen: Vec<_> = Code::ALL.iter().filter(|code| !seen.contains(code) && !rest.contains(code)).collect();
    assert!(unseen.is_empty(), "a broken plant shows each code: {unseen:?}");
}

#[test]
fn no_report_quotes_a_secret() {
    let bytes = std::fs::read(folder().join("secrets.toml")).unwrap();
    // Also a path is quoted when nothing is there, and a key can be pasted where a path belongs.
    let list =
        [problems(&bytes, "secrets.toml").unwrap_err(), among(&Nothing, &bytes, "secrets.toml").unwrap_err()].concat();
    let text = format!("{} {list:?}", shown(&list));
    for secret in [
        "Zm9vYmFy",
        "MHcCAQEE",
        "hunter2",
        "AKIAIOSF",
        "swordfish",
        "not-even-a-key",
        "0123",
        "u0073k",
        "sk-abc",
        "eyJhbGci",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn positions_count_characters_from_one() {
    let text = "[plant]\nname = \"p\" # \u{fc}\u{fc}\n\"\u{fc}\u{fc}\" = 1\n";
    let list = problems(text.as_bytes(), "p").unwrap_err();
    let unknown = list.iter().find(|problem| problem.code == Code::UnknownKey).unwrap();
    assert_eq!(unknown.position(), (3, 1));
    assert_eq!(unknown.span(), text.find("\"\u{fc}").unwrap()..text.rfind(" = 1").unwrap());
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert_eq!(
        problems(b"[plant]\nname = \"\xff\"", "p").unwrap_err()[0].message,
        "the plant file is not UTF-8 in line 2"
    );
    assert_eq!(problems(&vec![b'#'; (4 << 20) + 1], "p").unwrap_err()[0].code, Code::Unreadable);
}

#[test]
fn a_hostile_file_costs_no_more_than_its_length() {
    let deep = format!("x = {}", "[".repeat(100_000));
    let keys: String = (0..60_000).map(|n| format!("k{n} = 1\n")).collect();
    let zones: String = (0..20_000).map(|n| format!("[zones.z{n}]\nlevel = 9\n")).collect();
    let secrets = "sk-".repeat(300_000);
    let pem = "-----BEGIN PRIVATE KEY".repeat(50_000);
    let dotted = format!("{} = 1", vec!["a"; 50_000].join("."));
    for text in
        [deep, keys, zones, secrets, pem, dotted, "\u{feff}".repeat(3), "\"".repeat(100_000), "= \n".repeat(100_000)]
    {
        let list = problems(text.as_bytes(), "hostile").unwrap_err();
        assert!(list.len() <= 700, "{} problems", list.len());
    }
}

#[test]
fn a_secret_is_not_quoted_wherever_it_is_pasted() {
    let brewery = std::fs::read_to_string(folder().join("../../examples/brewery/plant.toml")).unwrap();
    let secret = "sk-proj-abcdefgh0123456789abcdefgh";
    // In place of every value and every name of a table, one at a time.
    let mut tried = 0;
    for (at, quote) in brewery.match_indices('"').step_by(3) {
        let Some(end) = brewery.get(at + 1..).and_then(|rest| rest.find('"')).map(|end| at + 1 + end) else { continue };
        let pasted = format!("{}{quote}{secret}{}", &brewery[..at], &brewery[end..]);
        let list = match among(&Nothing, pasted.as_bytes(), "p") {
            Ok(warnings) => warnings,
            Err(problems) => problems,
        };
        let text = format!("{list:?}");
        assert!(!text.contains("abcdefgh0123"), "{text}");
        tried += 1;
    }
    for (at, opener) in brewery.match_indices("\n[") {
        let pasted = format!("{}{opener}{secret}.{}", &brewery[..at], &brewery[at + 2..]);
        let list = among(&Nothing, pasted.as_bytes(), "p").unwrap_err();
        assert!(!format!("{list:?}").contains("abcdefgh0123"));
        tried += 1;
    }
    for (at, _) in brewery.match_indices(".m") {
        let pasted = format!("{}.{secret}{}", &brewery[..at], &brewery[at + 1..]);
        let list = among(&Nothing, pasted.as_bytes(), "p").unwrap_or_else(|list| list);
        assert!(!format!("{list:?}").contains("abcdefgh0123"));
        tried += 1;
    }
    assert!(tried > 100, "{tried} places");
}

#[test]
fn a_flood_of_warnings_hides_no_error() {
    let mut plant = std::fs::read_to_string(folder().join("../../examples/filling-line/plant.toml")).unwrap();
    for n in 0..600 {
        let _ = write!(plant, "\n[workloads.w{n}]\nzone = \"line\"\npurposes = [\"quality\"]\n");
    }
    assert_eq!(problems(plant.as_bytes(), "p").unwrap().len(), 500, "ungoverned, each of them");
    // What is judged last of all.
    plant.push_str("\n[gateway.telemetry]\notlp = \"http://127.0.0.1:4318\"\n[rules]\nfiles = [\"nowhere.cedar\"]\n");
    let list = problems(plant.as_bytes(), "p").unwrap_err();
    assert!(list.iter().any(|problem| problem.code == Code::Unreadable));
}

#[test]
fn more_than_any_plant_needs_is_refused() {
    let line = std::fs::read_to_string(folder().join("../../examples/filling-line/plant.toml")).unwrap();
    let terms = vec!["\"a\""; 100_001].join(",");
    let rows = vec!["{ label = \"tag\", do = \"redact\" }"; 257].join(",");
    let zones: String = (0..4_096).map(|n| format!("[zones.z{n}]\nexternal = true\nowner = \"x\"\n")).collect();
    for text in [
        format!("{line}\n[inspection]\nignore = [{terms}]\n"),
        format!("{line}\nhandling = [{rows}]\n"),
        format!("{line}\n{zones}"),
    ] {
        let list = problems(text.as_bytes(), "p").unwrap_err();
        assert!(list.iter().any(|problem| problem.code == Code::TooMany));
    }
}
