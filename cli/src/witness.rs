//! `penstock witness`: have others sign the head of a ledger, and sign the heads of others, over the network or by files
//! that people carry.

mod qr;
mod serve;

use crate::secrets;
use crate::verify::{USAGE, Unusable, read, text, trust, unusable};
use clap::Subcommand;
use ledger::verify::Trust;
use ledger::witness::{REQUEST_LIMIT, Refusal, Request, RequestError};
use seal::cosignature::{Cosigner, Witness};
use seal::note::{NOTE_LIMIT, Note, NoteError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::WitnessError;
use zeroize::Zeroizing;

/// Have others sign the head of a ledger, and sign the heads of others.
///
/// A witness keeps the head of a ledger that it has signed last, and signs a newer one only if it continues that one. So
/// nobody can cut off the end of a ledger, put it back from a backup, or go on with a copy of it, without a witness knowing.
/// The best witness is somebody else: another plant, a supplier, an auditor.
///
/// Over the network, a gateway asks by itself those whom `[witnesses]` of its plant file names; `serve` answers, and so does
/// a gateway with `[witness]`. Without one, `request` at the ledger, `sign` at the witness, `add` at the ledger, and
/// files in between. Both speak <https://c2sp.org/tlog-witness>.
///
/// Exit codes: 0 done, 2 wrong usage, 11 two histories, 13 no known witness has signed, 14 not signed or not shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Key(Key),
    Request(Ask),
    Sign(Sign),
    Add(Add),
    Serve(serve::Args),
}

/// Make the key of a witness, and print its public half
///
/// The public half goes into the policies of those who trust this witness.
#[derive(Debug, clap::Args)]
struct Key {
    /// The witness's name: an address without scheme, such as `hilltop.example/w1`.
    #[arg(long)]
    name: String,

    /// The new file for the private key. Only its owner can read it; one that is there is not replaced.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

/// Write what a witness needs to sign the newest head
#[derive(Debug, clap::Args)]
struct Ask {
    /// The folder of the ledger.
    #[arg(value_name = "LEDGER")]
    ledger: PathBuf,

    /// The file to carry to the witness.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,

    /// Draw it as a QR code too, for a camera on the other side of a gap: an SVG file.
    #[arg(long, value_name = "FILE.svg")]
    qr: Option<PathBuf>,

    /// How many records the head covers that this witness has signed last; without it, the newest that any has signed.
    #[arg(long, value_name = "N")]
    old: Option<u64>,
}

/// Sign the head that somebody has brought, if it continues the last one
#[derive(Debug, clap::Args)]
struct Sign {
    /// What `penstock witness request` wrote.
    #[arg(value_name = "FILE")]
    request: PathBuf,

    /// The folder in which the witness keeps what it has signed. Never put it back from a backup: it would forget.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,

    /// The private key of the witness, which only its owner can read.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// The public keys of the ledgers that this witness looks after: their `ledger.vkey`, one after the other.
    #[arg(long, value_name = "FILE")]
    logs: PathBuf,

    /// The file to carry back: the signed head.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,

    /// Draw it as a QR code too: an SVG file.
    #[arg(long, value_name = "FILE.svg")]
    qr: Option<PathBuf>,
}

/// Keep the signature that a witness has given
///
/// It goes into `witnessed/SIZE.note` of the ledger, beside those of other witnesses, and into `checkpoint` if that is
/// still the head and no gateway has the ledger open.
#[derive(Debug, clap::Args)]
struct Add {
    /// The folder of the ledger.
    #[arg(value_name = "LEDGER")]
    ledger: PathBuf,

    /// What `penstock witness sign` wrote, or with `--request` what a witness answered over HTTP.
    #[arg(value_name = "FILE")]
    signed: PathBuf,

    /// What that witness was asked: what `penstock witness request` wrote, sent by other means.
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,

    /// The policy that names the witnesses; signatures of others are not kept.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Secret(#[from] secrets::SecretError),
    #[error("`{}` holds no key of a witness", .0.display())]
    Key(PathBuf),
    #[error("`{}`: {problem}", path.display())]
    Form { path: PathBuf, problem: RequestError },
    #[error("the name of a witness is not empty and holds neither blanks nor `+`")]
    Name(#[from] NoteError),
    #[error("it is too long for a QR code ({0}): carry the file")]
    Qr(qrcode::types::QrError),
    #[error("no random numbers are to be had: {0}")]
    Random(getrandom::Error),
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error("{0}")]
    Start(String),
    #[error("the system does not let us serve: {0}")]
    System(std::io::Error),
    #[error(transparent)]
    Listen(#[from] witness::ListenError),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Witness(WitnessError::Contradiction(_) | WitnessError::Refused(Refusal::OtherRoot { .. })) => 11,
            Self::Witness(WitnessError::NotSigned) => 13,
            Self::Witness(_) | Self::Form { .. } => 14,
            _ => USAGE,
        }
    }
}

pub(crate) fn run(args: Args) -> miette::Result<ExitCode> {
    let done = match args.task {
        Task::Key(args) => key(&args),
        Task::Request(args) => request(&args),
        Task::Sign(args) => sign(&args),
        Task::Add(args) => add(&args),
        Task::Serve(args) => serve::serve(&args),
    };
    let Err(failure) = done else { return Ok(ExitCode::SUCCESS) };
    eprintln!("error: {failure}");
    match &failure {
        Failure::Witness(WitnessError::Refused(Refusal::Conflict { size })) => {
            eprintln!(
                "help: ask again with `--old {size}`; if the ledger has fewer records than that, its end is gone"
            );
        }
        Failure::Witness(WitnessError::Refused(Refusal::OtherRoot { .. } | Refusal::Inconsistent)) => {
            eprintln!("help: keep the request and the witness's state; `penstock convict` compares the two heads");
        }
        _ => {}
    }
    Ok(ExitCode::from(failure.code()))
}

fn key(args: &Key) -> Result<(), Failure> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(Failure::Random)?;
    let text = Cosigner::encode(&args.name, &seed)?;
    let public = Cosigner::decode(&text)?;
    secrets::write_new(&args.out, &text).map_err(|source| Failure::Write { path: args.out.clone(), source })?;
    say(&public.witness().to_string())
}

fn request(args: &Ask) -> Result<(), Failure> {
    let request = store::request(&args.ledger, args.old)?;
    carry(&args.out, args.qr.as_deref(), &request.to_string())?;
    say(&format!("asks for a signature under {} records, from {} on", request.head().size, request.old()))
}

fn sign(args: &Sign) -> Result<(), Failure> {
    let request = parse_request(&args.request)?;
    let logs = trust(&args.logs)?;
    let cosigner = cosigner(&args.key)?;
    let mut memory = store::Memory::open(&args.state)?;
    let note = memory.cosign(&request, logs.verifiers(), &cosigner, gateway::now())?;
    carry(&args.out, args.qr.as_deref(), &note.to_string())?;
    let head = request.head();
    say(&format!("signed the head of {} records of {}", head.size, head.origin))
}

fn parse_request(path: &Path) -> Result<Request, Failure> {
    let form = |problem| Failure::Form { path: path.to_owned(), problem };
    Request::parse(&read(path, REQUEST_LIMIT)?).map_err(form)
}

/// Reads the private key of a witness.
pub(crate) fn cosigner(path: &Path) -> Result<Cosigner, Failure> {
    let line = secrets::read(path)?;
    Cosigner::decode(line.trim_end()).map_err(|_| Failure::Key(path.to_owned()))
}

fn add(args: &Add) -> Result<(), Failure> {
    let policy = Trust::parse_policy(&text(&args.policy)?).map_err(unusable(&args.policy))?;
    let own = trust(&args.ledger.join("trust/ledger.vkey"))?;
    let form = |problem| Failure::Form { path: args.signed.clone(), problem: RequestError::Note(problem) };
    let bytes = read(&args.signed, NOTE_LIMIT)?;
    let note = match &args.request {
        None => Note::parse(&bytes),
        Some(request) => parse_request(request)?.with_answer(&bytes),
    };
    let note = note.map_err(form)?;
    let witnesses: Vec<&Witness> = policy.quorum().iter().flat_map(|quorum| quorum.witnesses()).collect();
    let (head, names) = store::add(&args.ledger, &note, own.verifiers(), &witnesses)?;
    say(&format!("{} signed the head of {} records", names.join(", "), head.size))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|source| Failure::Write { path: path.to_owned(), source })
}

/// Writes what is to be carried, and draws it if that is wished.
fn carry(out: &Path, qr: Option<&Path>, text: &str) -> Result<(), Failure> {
    write(out, text)?;
    qr.map_or(Ok(()), |path| write(path, &qr::svg(text).map_err(Failure::Qr)?))
}

fn say(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| Failure::Unusable(error.into()))
}
