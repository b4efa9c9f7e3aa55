//! `penstock explain` as a person runs it: the whole of what it prints, and its exit code.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/policies/explain")
}

/// Runs `penstock explain`, at a fixed time unless it says one; gives exit code, output and errors.
fn run(line: &str, input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_penstock"))
        .args(["explain", "--plant", "."])
        .args(line.split_whitespace())
        .args(if line.contains("--at") { &[][..] } else { &["--at", "2026-11-20T21:30:00Z"] })
        .current_dir(folder())
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Exit code and output.
fn told(line: &str, input: &str) -> String {
    let (code, output, errors) = run(line, input);
    format!("$ penstock explain {line}\n{output}{errors}exit code {code}\n")
}

#[test]
fn a_call_that_passes_is_explained_step_by_step() {
    insta::assert_snapshot!(told("--workload copilot --provider openai --purpose assistance --body chat.json", ""));
}

#[test]
fn a_reroute_is_explained_as_well() {
    let body = r#"{"model": "gpt-4o", "messages": [{"role": "user", "content": "Is Drawing oil 7 thinner than 6?"}]}"#;
    insta::assert_snapshot!(told("--workload copilot --provider openai --purpose assistance --body -", body));
}

#[test]
fn a_refusal_is_explained_with_its_reason() {
    let lines = [
        "--workload copilot --provider openai",
        "--from 192.0.2.70 --provider openai",
        "--workload camera --from 192.0.2.1 --provider openai",
        "--workload copilot --provider nowhere",
        "--workload copilot --provider openai --path /v1/fine_tuning/jobs --purpose assistance",
        "--workload copilot --provider openai --purpose assistance --model o3",
        "--workload copilot --provider openai --purpose training --model gpt-4o --operator-role planner",
        "--workload copilot --provider openai --purpose assistance --at 2031-01-01",
    ];
    let all: Vec<String> = lines.iter().map(|line| told(line, "")).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_captured_request_is_explained_without_its_content() {
    let told = told("--from 192.0.2.1 --request secret.http --json", "");
    assert!(!told.contains("kXv9") && !told.contains("psk_example"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn a_malformed_body_is_refused_as_the_gateway_would() {
    let head =
        "POST /openai/v1/chat/completions HTTP/1.1\nContent-Type: application/json\nPenstock-Purpose: assistance\n\n";
    for (body, reason) in [
        (r#"{"model": "gpt-4o", "model": "o3", "messages": []}"#, "duplicate-key"),
        (r#"{"model": "gpt-4o", "messages": ["#, "malformed"),
        ("", "malformed"),
    ] {
        let (code, output, _) = run("--from 192.0.2.1 --request - --json", &format!("{head}{body}"));
        let reason = format!("\"reason\": \"{reason}\"");
        assert!(code == 1 && output.contains(&reason), "{body}: {output}");
    }
}

#[test]
fn the_body_is_shown_as_it_would_leave() {
    let (code, output, _) =
        run("--workload copilot --provider openai --purpose assistance --body chat.json --show-body", "");
    let body = output.split("Body as it would leave\n").nth(1).unwrap();
    assert_eq!(code, 0);
    assert!(body.contains("[redacted:setpoint]") && body.contains("EMAIL_"), "{body}");
    assert!(!body.contains("max.muster") && !body.contains("72 °C"), "{body}");
    assert!(body.contains("\"stream\": true,\n"), "what no rule touches stays as it was: {body}");
}

#[test]
fn a_mistake_in_the_flags_is_no_refusal() {
    for (line, complaint) in [
        ("--workload nobody --provider openai", "the plant has no workload `nobody`"),
        ("--from 203.0.113.1 --provider openai", "203.0.113.1 is in no zone of the plant"),
        ("--workload copilot --provider openai --endpoint nope", "no such endpoint"),
        ("--workload copilot --provider openai --body nowhere.json", "cannot read `nowhere.json`"),
        ("--workload copilot --provider openai --at yesterday", "`yesterday` is no time"),
    ] {
        let (code, output, errors) = run(line, "");
        let flat = errors.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(code == 2 && output.is_empty() && flat.contains(complaint), "{line}: {code} {output} {errors}");
    }
}
