//! `penstock reindex`: builds the index of a ledger anew.

use index::{Index, IndexError, Progress};
use ledger::verify::Class;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Build the index of a ledger anew.
///
/// The index, `index.sqlite` in the ledger's folder, is what `penstock sql` asks. It is made of the published records and
/// holds nothing else; `penstock sql` makes it and keeps it up to date by itself, so this is for doing it beforehand. The
/// index may be deleted at any time. It is not evidence: `penstock verify` proves the ledger.
///
/// Exit codes: 0 built, 1 not built, 2 wrong usage, 10 the records are not those of the published checkpoint.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the ledger. It must be writable.
    ledger: PathBuf,

    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> miette::Result<ExitCode> {
    let begin = Instant::now();
    let built = with_progress(|progress| Index::rebuild(&args.ledger, progress));
    let index = match built {
        Ok(index) => index,
        Err(error) => return Ok(complain(&error)),
    };
    match say(&index, begin, args.json) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(miette::miette!("cannot print: {error}")),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn say(index: &Index, begin: Instant, json: bool) -> io::Result<()> {
    let (head, took) = (index.head(), begin.elapsed());
    let bytes = std::fs::metadata(index.path())?.len();
    let root = seal::base64(&head.root);
    let mut out = io::stdout().lock();
    if json {
        let (origin, records, milliseconds) = (&head.origin, head.size, took.as_millis());
        let said = serde_json::json!({
            "origin": origin, "records": records, "root": root, "bytes": bytes,
            "milliseconds": u64::try_from(milliseconds).unwrap_or(u64::MAX),
        });
        return writeln!(out, "{said}");
    }
    writeln!(out, "ledger     {}", head.origin)?;
    writeln!(out, "index      {} ({bytes} bytes)", index.path().display())?;
    writeln!(out, "head       {} records, root {root}", head.size)?;
    writeln!(out, "took       {:.1} s", took.as_secs_f64())
}

/// Opens an index, and says on a terminal how far it is.
pub(crate) fn with_progress(
    open: impl FnOnce(&mut dyn FnMut(Progress)) -> Result<Index, IndexError>,
) -> Result<Index, IndexError> {
    if !io::stderr().is_terminal() {
        return open(&mut |_| {});
    }
    let opened = open(&mut |Progress { done, of }| {
        let percent = done.saturating_mul(100) / of.max(1);
        // Whoever cannot be told still gets the result.
        let _ = write!(io::stderr(), "\r\u{1b}[Kreading the ledger: {done} of {of} records ({percent} %)");
    });
    let _ = write!(io::stderr(), "\r\u{1b}[K");
    opened
}

/// Says why there is no index.
pub(crate) fn complain(error: &IndexError) -> ExitCode {
    eprintln!("error: {error}");
    match error {
        IndexError::Differs { .. } => {
            eprintln!("help: `penstock verify` says which record or file is wrong");
            ExitCode::from(Class::Tampered as u8)
        }
        IndexError::Io { .. } | IndexError::Build { .. } => {
            eprintln!(
                "help: the index is a file in the ledger's folder; of a folder that you cannot write to, take a copy"
            );
            ExitCode::FAILURE
        }
        _ => ExitCode::FAILURE,
    }
}
