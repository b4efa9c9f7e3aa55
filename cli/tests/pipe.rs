//! Output that nobody reads to its end: `penstock check --json | head`.

use std::process::Command;

#[test]
fn a_closed_pipe_is_no_error_to_talk_about() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/brewery");
    for line in ["check", "check --json", "schema", "completions bash", "token list"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        let done = command.args(["--plant", example]).args(line.split(' ')).stdout(writer).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{line}");
        assert!(!done.status.success(), "{line}");
    }
}
