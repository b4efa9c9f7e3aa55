//! The side-by-side: Penstock with everything on, what others put in its place, and calling the provider directly.
//!
//! ```text
//! load ──────────────── HTTP ──────────────────> scripted provider      direct
//! load ── TLS ──> nginx, HAProxy ─ HTTP ───────> scripted provider      bytes pass
//! load ── TLS ──> LiteLLM ──────── HTTP ───────> scripted provider      parsed and written anew, nothing inspected
//! load ─ HTTP ──> Portkey ──────── HTTP ───────> scripted provider      parsed, nothing inspected
//! load ── TLS ──> penstock run ─── HTTP ───────> scripted provider      identified, read, decided, recorded, both ways
//! ```
//!
//! All are processes of their own on one machine. The contenders take turns; a window in which any call fails is void. Beside the
//! numbers stand the floor of the rig (direct) and of the disks (a raw write and sync). The raw numbers go to `bench/results.json`,
//! the tables from there into the book.

mod consoles;
mod contenders;
mod endurance;
mod gate;
mod load;
mod page;
mod parts;
mod process;
mod results;
mod rig;
mod streams;

use clap::{Parser, ValueEnum};
use results::Results;
use std::path::{Path, PathBuf};

/// Measure Penstock beside nginx, HAProxy, LiteLLM, Portkey and calling the provider directly. `bench/side-by-side` installs them first.
#[derive(Debug, Parser)]
struct Args {
    /// What to measure. Each part is a run of its own, three to five minutes long.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "gateways,steps,bodies")]
    part: Vec<Selected>,
    /// A folder on the disk for ledgers.
    #[arg(long, default_value = "/var/tmp")]
    disk: PathBuf,
    /// A folder on a tmpfs for ledgers, which leaves the disk out.
    #[arg(long, default_value = "/dev/shm")]
    tmpfs: PathBuf,
    /// Length of a window in seconds.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Windows of each contender.
    #[arg(long, default_value_t = 4)]
    windows: usize,
    /// Length of the mixed load in minutes.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// The folder of `penstock` and `scripted-provider`.
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
    /// The folder that LiteLLM and Portkey were installed into.
    #[arg(long, default_value = ".test/contenders")]
    installed: PathBuf,
    /// Where the raw numbers go.
    #[arg(long, default_value = "bench/results.json")]
    results: PathBuf,
    /// The page whose tables are written from them.
    #[arg(long, default_value = "docs/src/reference/performance.md")]
    page: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Selected {
    /// Everyone, with 1 and 64 connections, their memory and their streams.
    Gateways,
    /// Penstock with one step after the other switched off.
    Steps,
    /// Prompts of 100 KiB, 1,024 streams and 64 pictures of 20 MiB at once.
    Bodies,
    /// A mixed load for `--minutes`, and what of it stays in memory. It is told and not written.
    Endurance,
    /// Penstock with nobody who looks and with ten consoles open, in turns.
    Consoles,
    /// Nothing; only the page is written.
    None,
}

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let args = Args::parse();
    let mut results = past(&args.results)?;
    for part in &args.part {
        match part {
            Selected::Gateways => results.gateways = parts::gateways(&args).await?,
            Selected::Steps => results.steps = parts::steps(&args).await?,
            Selected::Bodies => results.bodies = parts::bodies(&args).await?,
            Selected::Endurance => {
                endurance::run(&args).await?;
                continue;
            }
            Selected::Consoles => results.consoles = parts::consoles(&args).await?,
            Selected::None => {}
        }
        std::fs::write(&args.results, serde_json::to_string_pretty(&results)? + "\n")?;
    }
    let page = std::fs::read_to_string(&args.page)?;
    let fresh = page::put(&page, &results).ok_or("the page has no place for the tables")?;
    std::fs::write(&args.page, fresh)?;
    Ok(())
}

fn past(file: &Path) -> Outcome<Results> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(Results::default()),
        Err(problem) => Err(problem.into()),
    }
}
