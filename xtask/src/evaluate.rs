//! `cargo xtask evaluate FOLDER`: how well content is known, measured on labelled data, in one run.
//!
//! ```text
//! labelled.jsonl, stream.jsonl, secrets.txt ... ─> penstock-inspect --example evaluate   what is found in prompts, by kind
//! guardrail.jsonl ──────────────────────────────> penstock-guard --example measure      recommendations in answers
//! docs/, docs.json ─────────────────────────────> penstock-prints --example measure     registered documents known again
//! ```

use crate::Outcome;
use crate::shell::{command, output, run as must};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Measure how well content is known, on a folder of labelled data.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder: labelled texts, answers and documents, as far as they are there.
    folder: PathBuf,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What measures what: under which name, by which of these files, with which example of which package, which takes the file or
/// the folder.
const MEASURES: [(&str, &[&str], &str, &str, bool); 3] = [
    ("content", &["labelled.jsonl", "secrets.txt", "setpoints.txt"], "penstock-inspect", "evaluate", false),
    ("answers", &["guardrail.jsonl"], "penstock-guard", "measure", true),
    ("documents", &["docs.json"], "penstock-prints", "measure", false),
];

pub(crate) fn run(args: &Args) -> Outcome<()> {
    let folder = args.folder.canonicalize()?;
    let mut told = Map::new();
    let mut none = true;
    for (name, files, package, example, takes_file) in MEASURES {
        let Some(file) = files.iter().map(|file| folder.join(file)).find(|file| file.exists()) else { continue };
        none = false;
        let mut measure = measure(package, example, if takes_file { &file } else { &folder });
        if args.json {
            told.insert(name.to_owned(), serde_json::from_str(&output(measure.arg("--json"))?)?);
        } else {
            println!("\n# {name}\n");
            must(&mut measure)?;
        }
    }
    if none {
        let files: Vec<&str> = MEASURES.iter().flat_map(|(_, files, ..)| *files).copied().collect();
        return Err(format!("{} holds none of {}", folder.display(), files.join(", ")).into());
    }
    if args.json {
        println!("{:#}", Value::Object(told));
    }
    Ok(())
}

fn measure(package: &str, example: &str, given: &Path) -> std::process::Command {
    let mut command =
        command("cargo", ["run", "--release", "--quiet", "--locked", "-p", package, "--example", example]);
    command.arg("--").arg(given);
    command
}
