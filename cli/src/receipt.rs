//! `penstock receipt`: the proof of one record, for someone who trusts nobody.

use crate::reaching::Whence;
use crate::{assemble, signing};
use ledger::{Checkpoint, Receipt};
use miette::{IntoDiagnostic, WrapErr};
use plant::RecordId;
use seal::note::Signer;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use store::{Filter, ReadError, Reader, Record};

/// How long a record may take to be published before we stop waiting; a running gateway needs a second.
const PATIENCE: Duration = Duration::from_secs(5);

/// Write the proof of one record.
///
/// The receipt is a text in the C2SP tlog-proof format. It carries the record, the path to the root of the tree, and
/// the signed head of the ledger. Whoever gets it needs nothing else from us but the ledger's public key:
/// `penstock verify FILE --key KEY`.
///
/// With `--cose` it is a COSE receipt (RFC 9942) of the same tree and path, for tools that speak that. Its signature is made on
/// the spot, so it takes the plant's own key; the record itself is not in it, but in the text's line `extra`.
///
/// With `--console` it is asked of a gateway elsewhere. It proves the same, whoever hands it out.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The record: its identity, as in the `Penstock-Record` header of the answer, or its number in the ledger.
    #[arg(value_parser = name)]
    record: Name,

    /// Write it to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write a COSE receipt, which is binary.
    #[arg(long)]
    cose: bool,

    #[command(flatten)]
    whence: Whence,
}

/// How a record is named.
#[derive(Clone, Copy, Debug)]
enum Name {
    Id(RecordId),
    Seq(u64),
}

fn name(text: &str) -> Result<Name, &'static str> {
    let seq = || text.parse().map(Name::Seq).ok();
    RecordId::parse(text).map(Name::Id).or_else(seq).ok_or("neither a record's identity nor its number")
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    if let Some(reach) = args.whence.elsewhere() {
        if args.cose {
            miette::bail!("a COSE receipt is signed with the plant's own key, on the gateway's machine");
        }
        let name = match args.record {
            Name::Id(id) => id.to_string(),
            Name::Seq(seq) => seq.to_string(),
        };
        let receipt = reach.fetch(plant, &format!("/api/v1/records/{name}/receipt"))?;
        return write(&args, receipt.as_bytes());
    }
    let reader = args.whence.ledger.reader(plant)?;
    let Some(record) = find(&reader, args.record).into_diagnostic()? else {
        miette::bail!(
            help = "`penstock records` lists them",
            "the ledger in `{}` has no such record",
            reader.folder().display()
        );
    };
    let receipt = receipt(&reader, &record)?;
    let bytes = if args.cose { cose(plant, &receipt, &record)? } else { receipt.to_string().into_bytes() };
    write(&args, &bytes)
}

fn write(args: &Args, bytes: &[u8]) -> miette::Result<ExitCode> {
    match &args.output {
        Some(path) => {
            std::fs::write(path, bytes)
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot write `{}`", path.display()))?;
        }
        None if args.cose && std::io::stdout().is_terminal() => {
            miette::bail!("a COSE receipt is binary: name a file with `--output FILE`, or send it through a pipe")
        }
        None => std::io::stdout().write_all(bytes).into_diagnostic()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The same proof in COSE, if the head is one that the plant's key has signed.
fn cose(plant: &Path, receipt: &Receipt, record: &Record) -> miette::Result<Vec<u8>> {
    let key = signing::key(&assemble::load(plant)?.gateway)?;
    let origin = Checkpoint::parse(receipt.note().text()).into_diagnostic()?.origin;
    let signer = Signer::new(origin, key).into_diagnostic()?;
    let head = Checkpoint::believe(receipt.note(), std::slice::from_ref(signer.verifier()))
        .into_diagnostic()
        .wrap_err("the plant's key is not the one that signs this ledger")?;
    ledger::cose::receipt(&head, receipt.index(), record.entry.id(), receipt.path(), &signer).into_diagnostic()
}

fn find(reader: &Reader, name: Name) -> Result<Option<Record>, ReadError> {
    match name {
        Name::Id(id) => reader.find(id),
        Name::Seq(seq) => reader.records(seq, Filter::default()).next().transpose(),
    }
}

/// Makes the receipt, waiting for the checkpoint that a running gateway is about to publish.
fn receipt(reader: &Reader, record: &Record) -> miette::Result<Receipt> {
    let begin = Instant::now();
    loop {
        match reader.receipt(record) {
            Ok(receipt) => return Ok(receipt),
            Err(ReadError::NotPublished { .. }) if begin.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error @ ReadError::NotPublished { .. }) => {
                miette::bail!(
                    help = "a running gateway publishes every second; start it once if it was killed",
                    "{error}"
                );
            }
            Err(error) => return Err(error).into_diagnostic(),
        }
    }
}
