//! `penstock demo`, as somebody runs it in their first five minutes.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// The demo, with its temporary folders under `temporary`.
fn demo(arguments: &[&str], temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    command.arg("demo").args(arguments).env("TMPDIR", temporary).env_remove("PENSTOCK_PLANT");
    command
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

/// What is another in each run: keys and what is made with them, times, what depends on how long things took, and how many
/// records there are: where the machine's disk fills up the ledger says so in one of its own.
const RANDOM: [(&str, &str); 13] = [
    (r"01[0-9a-f]{6}-[0-9a-f]{4}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\.\.\.)", "RECORD"),
    // Also where a stream cuts the token into pieces.
    (r"_\|?([0-9A-Z]\|?){10}", "_TOKEN"),
    (r"op-[a-z2-7]{16}", "op-PSEUDONYM"),
    (r"20\d\d-\d\d-\d\dT[0-9:.]+Z", "TIME"),
    (r"root [A-Za-z0-9+/]{43}=", "root ROOT"),
    (r"gate-1/[0-9a-f]{32}", "gate-1/RANDOM"),
    (r"\d+ bytes\), 1 tiles, \d+ earlier heads", "N bytes), 1 tiles, N earlier heads"),
    (r"\d+\.\d s\b", "N s"),
    (r"\[\d+ events\]", "[N events]"),
    (r", 1 storage\b", ""),
    (r"\b[1-9]\d* (records|signed heads)\b", "N $1"),
    (r"\b(record +)\d+ ", "${1}N "),
    (r"entries/000\.p/\d+", "entries/000.p/N"),
];

#[test]
fn the_whole_story_is_told_plainly_in_a_pipe_and_kept_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let plant = folder.path().join("plant");
    let output = demo(&["--once", "--dir", plant.to_str().unwrap()], folder.path()).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap().replace(folder.path().to_str().unwrap(), "FOLDER");
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let complaints = String::from_utf8(output.stderr).unwrap();
    // How full the disk of this machine is, is not the demo's to say.
    assert!(complaints.lines().all(|line| line.contains("the disk under the ledger fills up")), "{complaints}");
    assert!(!told.contains('\u{1b}') && told.lines().all(|line| line.chars().count() <= 110));
    insta::with_settings!({filters => RANDOM.to_vec()}, { insta::assert_snapshot!(told) });

    // The forged copy convinces nobody else either.
    let verify = |ledger: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        let output = command.arg("verify").arg(plant.join(ledger)).output().unwrap();
        output.status.code().unwrap()
    };
    assert_eq!((verify("ledger"), verify("forged")), (0, 10));
}

#[test]
fn nothing_is_left_behind_without_a_folder() {
    let temporary = tempfile::tempdir().unwrap();
    let output = demo(&["--once"], temporary.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(is_empty(temporary.path()));
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let output = demo(&["--once", "--dir", folder.path().to_str().unwrap()], folder.path()).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not empty"), "{output:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_printed_curl_works_while_it_stays_up_and_ctrl_c_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let mut child = demo(&[], temporary.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let told: Vec<String> = lines.by_ref().take_while(|line| !line.contains("Ctrl-C")).collect();
    let from = told.iter().position(|line| line.starts_with("url=")).unwrap_or_else(|| panic!("{told:#?}"));
    let to = told.iter().position(|line| line.starts_with("  -d ")).unwrap();
    let curl = Command::new("sh").arg("-c").arg(told[from..=to + 1].join("\n")).output().unwrap();
    let answer = String::from_utf8_lossy(&curl.stdout);
    assert!(answer.contains("penstock-decision: tokenise"), "{curl:?}");
    assert!(answer.contains("Ask anna.keller@harbour-brewery.example whether TIC-4102"), "{answer}");

    // The call is told, by what left and not by what was asked.
    let left = lines.by_ref().find(|line| line.trim_start().starts_with("left")).unwrap();
    assert!(left.contains("Ask EMAIL_") && !left.contains("anna"), "{left}");

    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(is_empty(temporary.path()));
}
