//! `cargo xtask`: chores that need more than cargo. Whether the house is tidy is checked in `tests/`.
//!
//! ```text
//! cargo xtask dist        everything that a release has, in target/dist
//! cargo xtask deb         the Debian package alone, around a binary that is there
//! cargo xtask sbom        what the binary is made of, as CycloneDX
//! cargo xtask reproduce   builds twice in two places and compares the bytes
//! cargo xtask other       the last commit built as another version, to try upgrades
//! cargo xtask evaluate    how well content is known, on labelled data
//! cargo xtask count       instructions of the stages, against the table of the last time
//! ```

mod archive;
mod build;
mod count;
mod deb;
mod dist;
mod evaluate;
mod image;
mod other;
mod provenance;
mod reproduce;
mod sbom;
mod shell;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Command {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Dist(dist::Args),
    Deb(deb::Args),
    Sbom(sbom::Args),
    Reproduce(reproduce::Args),
    Other(other::Args),
    Count(count::Args),
    Evaluate(evaluate::Args),
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    match Command::parse().task {
        Task::Dist(args) => dist::run(&args),
        Task::Deb(args) => deb::run(&args),
        Task::Sbom(args) => sbom::run(&args),
        Task::Reproduce(args) => reproduce::run(&args),
        Task::Other(args) => other::run(&args),
        Task::Count(args) => count::run(&args),
        Task::Evaluate(args) => evaluate::run(&args),
    }
}
