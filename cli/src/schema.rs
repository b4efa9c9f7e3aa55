//! `penstock schema`: the JSON Schema of the plant file.

use crate::print::say;
use miette::IntoDiagnostic;
use std::process::ExitCode;

/// Print the JSON Schema of the plant file, for editors.
///
/// With Taplo or Even Better TOML: `penstock schema > plant.schema.json`, and begin the plant file with the line
/// `#:schema ./plant.schema.json`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the reference page of the plant file instead, in Markdown.
    #[arg(long)]
    markdown: bool,
}

pub(crate) fn run(args: Args) -> miette::Result<ExitCode> {
    let text = if args.markdown {
        config::reference()
    } else {
        format!("{}\n", serde_json::to_string_pretty(&config::schema()).into_diagnostic()?)
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}
