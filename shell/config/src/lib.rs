//! TOML to a validated plant, problems with spans; nobody else parses TOML.
//!
//! ```text
//! bytes -> secrets starred out -> TOML tree with spans -> shape (the table of keys) -> meaning -> plant
//!                   |                    |                     |                          |
//!                   +--------------------+------- problems, all at once ------------------+
//! ```
//!
//! A file is walked twice. `shape` compares it with `keys`, the one table of keys, and reports every key and
//! value that does not fit; then the plant is built from what does, and what several values mean together is
//! judged. So one slip hides no other.

mod alerts;
pub mod badges;
mod callers;
mod components;
mod conduits;
mod control;
mod descriptions;
mod detection;
mod document;
mod failing;
mod files;
mod gateway;
mod intercept;
mod keys;
mod labels;
mod limits;
mod names;
mod nearest;
mod node;
mod ocr;
mod oversight;
mod paths;
pub mod private;
mod problem;
mod providers;
mod quotas;
mod read;
mod report;
mod rules;
mod secret;
mod shape;
mod shifts;
mod sources;
mod spill;
mod table;
pub mod tokens;
pub mod tools;
mod value;
mod witnesses;
mod zones;

pub use control::{Control, Login};
pub use detection::parse as detectors;
pub use document::{reference, schema};
pub use files::{Disk, Files, NoFiles, State};
pub use gateway::{Gateway, Limits, Telemetry};
pub use intercept::Intercept;
pub use ocr::Ocr;
pub use problem::{Code, Mark, Problem, Problems, Severity, Source};
pub use read::{Surroundings, read};
pub use witnesses::{Witness, Witnesses};

use plant::{Millis, Plant};
use policy::RuleFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the plant file in a plant's folder.
pub const PLANT_FILE: &str = "plant.toml";

/// A plant as its folder declares it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The site.
    pub plant: Arc<Plant>,
    /// The plant's Cedar rules, already validated.
    pub rules: Vec<RuleFile>,
    /// How content is read.
    pub inspect: inspect::Settings,
    /// The limits of tags.
    pub guard: Arc<guard::Guard>,
    /// What makes a change in calls a shift; `None` if they are not watched.
    pub shifts: Option<shift::Settings>,
    /// What happens when providers fail.
    pub failing: fallback::Settings,
    /// The origins of web pages that may account for answers.
    pub origins: Vec<String>,
    /// How much may be used, and what it costs.
    pub quotas: quota::Settings,
    /// Where alerts go.
    pub alerts: Vec<alert::Destination>,
    /// What the plant uses of AI: workloads, providers, and what else it declares.
    pub components: Vec<inventory::Component>,
    /// What components need before calls use them.
    pub governance: inventory::Terms,
    /// How the gateway runs.
    pub gateway: Gateway,
    /// How people control it.
    pub control: Control,
    /// What somebody should look at. Warnings never stop a plant.
    pub warnings: Vec<Problem>,
    /// The plant's folder; relative paths of the plant file were joined to it.
    pub folder: PathBuf,
}

/// Loads the plant at `path`: a folder that holds `plant.toml`, or the file itself.
///
/// `now` decides what has expired. `hash` gives the SHA-256 of bytes in lower-case hexadecimal, from which the
/// plant's digest is made.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(path: &Path, now: Millis, hash: fn(&[u8]) -> String) -> Result<Loaded, Problems> {
    let file = if path.is_dir() { path.join(PLANT_FILE) } else { path.to_path_buf() };
    let name = file.display().to_string();
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let bytes = Disk.read(&file).map_err(|error| {
        let why =
            if error.kind() == std::io::ErrorKind::NotFound { "it is not there".to_owned() } else { error.to_string() };
        let help = "name the plant's folder with `--plant DIR`, or begin one with `penstock init DIR`";
        read::alone(&name, format!("the plant file cannot be read: {why}"), help)
    })?;
    read(&bytes, Surroundings { name: &name, folder, files: &Disk, now, hash })
}
