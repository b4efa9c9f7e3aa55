//! `penstock reload`: has a running gateway read the plant's files anew, and says what came of it.

use crate::print::say;
use crate::reaching::Reach;
use http::Method;
use std::path::Path;
use std::process::ExitCode;

/// Have a running gateway read the plant's files anew.
///
/// A gateway does that by itself when it sees that a file has changed. This waits for it, and ends with 1 and the reasons if what
/// stands there cannot come into force; what was in force then stays. Either way a record says so, and who asked: `policy` where
/// another plant is in force now, `config` where nothing has changed or it was rejected.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print what is in force as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reach: Reach,
}

pub(crate) fn run(plant: &Path, args: &Args) -> miette::Result<ExitCode> {
    let (_, now) = args.reach.ask(plant, &Method::POST, "/api/v1/reloads", None)?;
    let count = |key: &str| now.get(key).and_then(serde_json::Value::as_u64).unwrap_or_default();
    let text = if args.json {
        format!("{now:#}\n")
    } else {
        let digest = now.get("digest").and_then(serde_json::Value::as_str).unwrap_or_default();
        let [zones, conduits] = ["zones", "conduits"].map(count);
        let [workloads, providers] = ["workloads", "providers"].map(count);
        format!(
            "in force: {digest}\n{zones} zones, {conduits} conduits, {workloads} workloads, {providers} providers\n"
        )
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}
