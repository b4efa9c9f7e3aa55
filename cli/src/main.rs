//! `penstock`: one binary, one file per subcommand. This is where the core and the shell are joined.

mod admin;
mod alerts;
mod anchor;
mod approvals;
mod approve;
mod assemble;
mod authority;
mod charting;
mod check;
mod completions;
mod controlling;
mod convict;
mod demo;
mod diff;
mod doctor;
mod drafting;
mod drill;
mod erase;
mod explain;
mod export;
mod file;
mod fingerprint;
mod forward;
mod governing;
mod hold;
mod holds;
mod image;
mod init;
mod instruments;
mod intercept;
mod inventory;
mod isolate;
mod isolating;
mod journal;
mod logging;
mod manual;
mod matching;
mod mcp;
mod notice;
mod overseen;
mod oversight;
mod pack;
mod paths;
mod people;
mod print;
mod prune;
mod quotas;
mod reaching;
mod receipt;
mod records;
mod register;
mod registered;
mod reindex;
mod reload;
mod replay;
mod rules;
mod run;
mod schema;
mod seal;
mod searching;
mod secret;
mod secrets;
mod shifts;
mod sighted;
mod signin;
mod signing;
mod signing_in;
mod sql;
mod status;
mod stocktaking;
mod stranger;
mod texts;
mod token;
mod usage;
mod vault;
mod verify;
mod visits;
mod witness;
mod witnessing;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// It gives back to the system what has been free for ten seconds, by a thread of its own: nobody has to call for that. With mimalloc
/// threads that had nothing to do kept what others had freed, and a gateway at rest had three times the memory.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The gate between an industrial plant and AI.
///
/// Every AI call of the plant passes through Penstock: it proves who calls, places the call in a zone and
/// conduit, reads what would leave, decides, forwards with the provider's own credential, and writes a signed
/// record before the caller gets the answer.
///
/// New here? `penstock demo` shows the whole of it in a minute; `penstock init DIR` makes a plant of your own.
#[derive(Debug, Parser)]
#[command(name = "penstock", version, propagate_version = true, max_term_width = 110)]
struct Command {
    /// The plant: a folder that holds `plant.toml`, or the file itself.
    #[arg(long, short, global = true, env = "PENSTOCK_PLANT", default_value = ".", value_name = "PATH")]
    plant: PathBuf,

    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Demo(demo::Args),
    Init(init::Args),
    Check(check::Args),
    Diff(diff::Args),
    Replay(replay::Args),
    Approve(approve::Args),
    Doctor(doctor::Args),
    Drill(drill::Args),
    Run(run::Args),
    Status(status::Args),
    Explain(explain::Args),
    Rules(rules::Args),
    Token(token::Args),
    Admin(admin::Args),
    Isolate(isolate::Isolate),
    Restore(isolate::Restore),
    Holds(holds::Args),
    Reload(reload::Args),
    Fingerprint(fingerprint::Args),
    #[command(name = "match")]
    Matching(matching::Args),
    Image(image::Args),
    Mcp(mcp::Args),
    Alerts(alerts::Args),
    Records(records::Args),
    Oversight(oversight::Args),
    Shifts(shifts::Args),
    Inventory(inventory::Args),
    Usage(usage::Args),
    Paths(paths::Args),
    Receipt(receipt::Args),
    Sql(sql::Args),
    Reindex(reindex::Args),
    Export(export::Args),
    Forward(forward::Args),
    Intercept(intercept::Args),
    Verify(verify::Args),
    Convict(convict::Args),
    Witness(witness::Args),
    Anchor(anchor::Args),
    Seal(seal::Args),
    Hold(hold::Args),
    Erase(erase::Args),
    Prune(prune::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Manual(manual::Args),
}

fn main() -> miette::Result<ExitCode> {
    let Command { plant, task } = Command::parse();
    let done = match task {
        Task::Demo(args) => demo::run(args),
        Task::Init(args) => init::run(args),
        Task::Check(args) => check::run(&plant, args),
        Task::Diff(args) => diff::run(&args),
        Task::Replay(args) => replay::run(&plant, &args),
        Task::Approve(args) => approve::run(&plant, args),
        Task::Doctor(args) => doctor::run(args),
        Task::Drill(args) => drill::run(&plant, &args),
        Task::Run(args) => run::run(&plant, args),
        Task::Status(args) => status::run(&plant, &args),
        Task::Explain(args) => explain::run(&plant, args),
        Task::Rules(args) => rules::run(&plant, args),
        Task::Token(args) => token::run(&plant, args),
        Task::Admin(args) => admin::run(&plant, args),
        Task::Isolate(args) => isolate::isolate(&plant, &args),
        Task::Restore(args) => isolate::restore(&plant, &args),
        Task::Holds(args) => holds::run(&plant, args),
        Task::Reload(args) => reload::run(&plant, &args),
        Task::Fingerprint(args) => fingerprint::run(&plant, args),
        Task::Matching(args) => matching::run(&plant, args),
        Task::Image(args) => image::run(&plant, args),
        Task::Mcp(args) => mcp::run(&plant, args),
        Task::Alerts(args) => alerts::run(&plant, args),
        Task::Records(args) => records::run(&plant, args),
        Task::Oversight(args) => oversight::run(&plant, args),
        Task::Inventory(args) => inventory::run(&plant, args),
        Task::Shifts(args) => shifts::run(&plant, args),
        Task::Usage(args) => usage::run(&plant, args),
        Task::Paths(args) => paths::run(&plant, &args),
        Task::Receipt(args) => receipt::run(&plant, args),
        Task::Sql(args) => sql::run(args),
        Task::Reindex(args) => reindex::run(args),
        Task::Export(args) => export::run(&plant, args),
        Task::Forward(args) => forward::run(&plant, args),
        Task::Intercept(args) => intercept::run(&plant, args),
        Task::Verify(args) => verify::run(&plant, args),
        Task::Convict(args) => convict::run(args),
        Task::Witness(args) => witness::run(args),
        Task::Anchor(args) => anchor::run(&plant, args),
        Task::Seal(args) => seal::run(args),
        Task::Hold(args) => hold::run(&plant, args),
        Task::Erase(args) => erase::run(&plant, args),
        Task::Prune(args) => prune::run(&plant, args),
        Task::Schema(args) => schema::run(args),
        Task::Completions(args) => completions::run(args),
        Task::Manual(args) => manual::run(args),
    };
    match done {
        // Whoever reads us has seen enough: `penstock check --json | head`. Not 0: what was not said may matter.
        Err(problem) if is_broken_pipe(&problem) => Ok(ExitCode::FAILURE),
        done => done,
    }
}

/// Whether a problem is nothing but that: its text is all that a report keeps of it.
fn is_broken_pipe(problem: &miette::Report) -> bool {
    problem.to_string() == std::io::Error::from(rustix::io::Errno::PIPE).to_string()
}
