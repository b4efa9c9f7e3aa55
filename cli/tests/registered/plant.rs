//! A plant's folder with its key, and commands that run in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

const PLANT: &str = include_str!("../../../testdata/policies/explain/plant.toml");
const RULES: &str = include_str!("../../../testdata/policies/explain/rules/hours.cedar");

/// A plant's folder with its key. It goes with the test.
pub(crate) struct Plant(TempDir);

impl Plant {
    /// The plant, and these files in its folder.
    pub(crate) fn with<const N: usize>(files: [(&str, &[u8]); N]) -> Self {
        let plant = Self(TempDir::new().unwrap());
        let key = format!("{}=\n", "A".repeat(43));
        plant.write("plant.toml", PLANT);
        plant.write("rules/hours.cedar", RULES);
        plant.write("keys/plant.key", key);
        fs::set_permissions(plant.path("keys/plant.key"), fs::Permissions::from_mode(0o600)).unwrap();
        for (name, bytes) in files {
            plant.write(name, bytes);
        }
        plant
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Exit code, output and complaints of a command.
    pub(crate) fn run(&self, line: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_penstock"))
            .args(line)
            .current_dir(self.0.path())
            .env_remove("PENSTOCK_PLANT")
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    /// Output of a command that must end well.
    pub(crate) fn good(&self, line: &[&str]) -> String {
        let (code, out, err) = self.run(line);
        assert_eq!(code, 0, "{line:?}: {out}{err}");
        out
    }

    /// Output of a command that must fail, on one line.
    pub(crate) fn refused(&self, line: &[&str]) -> String {
        let (code, out, err) = self.run(line);
        assert_ne!(code, 0, "{line:?}: {out}");
        (out + &err).split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
    }
}
