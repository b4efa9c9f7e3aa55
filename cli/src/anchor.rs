//! `penstock anchor`: has a time-stamping authority (RFC 3161) sign when a ledger was how long.

use crate::notice::Notice;
use crate::records::Where;
use crate::secret;
use crate::verify::{print_json, read};
use anchor::{Authorities, RESPONSE_LIMIT, TimeStamp, TimeStampError};
use clap::Subcommand;
use export::pack::Stamp;
use http::header::CONTENT_TYPE;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ledger::verify::{Class, Files};
use ledger::{Checkpoint, Frontier};
use miette::{IntoDiagnostic, WrapErr, bail, miette};
use plant::{Kind, Note};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use store::{Anchors, Folder, Reader};

/// How long an authority may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest file of trusted certificates.
const AUTHORITIES_LIMIT: usize = 1 << 20;

/// Have a time-stamping authority sign when the ledger was how long.
///
/// A ledger proves the order of its records. That they were not all written yesterday, by somebody who had the keys, only
/// somebody else can say: an authority that signs a digest together with the time (RFC 3161). It learns nothing of the
/// plant. With its answer in `anchors/`, every record below that size existed by then.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Ask(Ask),
    Query(Query),
    Add(Add),
    Check(Check),
}

/// Ask an authority over the network, check its answer, and keep it
///
///     penstock anchor ask http://tsa.example/tsr --authority tsa-root.pem
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct Ask {
    /// The address of the authority. Plain HTTP will do: the answer is signed.
    #[arg(value_name = "URL")]
    url: Uri,

    #[command(flatten)]
    trusted: Trusted,
    #[command(flatten)]
    ledger: Where,
}

/// Write the query to a file, to be carried to an authority by hand
///
///     penstock anchor query --out checkpoint.tsq
///     curl -H Content-Type:application/timestamp-query --data-binary @checkpoint.tsq http://tsa.example/tsr > answer.tsr
///     penstock anchor add answer.tsr --authority tsa-root.pem
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct Query {
    /// The file for the query, in DER.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    ledger: Where,
}

/// Check an answer that was carried here by hand, and keep it.
#[derive(Debug, clap::Args)]
struct Add {
    /// The authority's answer, in DER.
    #[arg(value_name = "FILE")]
    answer: PathBuf,

    #[command(flatten)]
    trusted: Trusted,
    #[command(flatten)]
    ledger: Where,
}

/// Check all time stamps, and say by when which records existed.
///
/// Each must be on the tree that the ledger has at that size, and be signed by an authority that is trusted. Whether the
/// ledger itself holds together, `penstock verify` says.
///
/// Exit codes: 0 all are good, 10 one is on another tree or altered, 14 cannot decide (there are none, or nobody trusted
/// has signed).
#[derive(Debug, clap::Args)]
struct Check {
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    trusted: Trusted,
    #[command(flatten)]
    ledger: Where,
}

/// Whom the auditor believes.
#[derive(Debug, clap::Args)]
struct Trusted {
    /// The certificates of the authorities that are trusted, in PEM: roots, not the ones that sign.
    #[arg(long, value_name = "FILE")]
    authority: PathBuf,
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    match args.task {
        Task::Ask(ask) => {
            let (reader, authorities) = (ask.ledger.reader(plant)?, ask.trusted.read()?);
            let head = published(&reader)?;
            // A number of 63 bits, for authorities that read it as signed.
            let nonce = u64::from_be_bytes(*secret::random()?) >> 1;
            let answer = fetch(ask.url, anchor::query(&digest(&head), Some(nonce)).into_diagnostic()?)?;
            let stamp = anchor::verify(&answer, &digest(&head), &authorities).into_diagnostic()?;
            if stamp.nonce != Some(nonce) {
                bail!("the answer is not to this query: it repeats another nonce");
            }
            keep(plant, &reader, head.size, &answer, &stamp)
        }
        Task::Query(query) => {
            let head = published(&query.ledger.reader(plant)?)?;
            let bytes = anchor::query(&digest(&head), None).into_diagnostic()?;
            write(&query.out, &bytes)?;
            println!("{}: a query for the first {} records", query.out.display(), head.size);
            Ok(ExitCode::SUCCESS)
        }
        Task::Add(add) => {
            let (reader, authorities) = (add.ledger.reader(plant)?, add.trusted.read()?);
            let answer = read(&add.answer, RESPONSE_LIMIT).into_diagnostic()?;
            let stamped = anchor::digest_of(&answer).into_diagnostic()?;
            let Some(head) = heads(&reader)?.into_iter().find(|head| Some(digest(head)) == stamped) else {
                bail!("`{}` is on none of the checkpoints that this ledger has kept", add.answer.display());
            };
            let stamp = anchor::verify(&answer, &digest(&head), &authorities).into_diagnostic()?;
            keep(plant, &reader, head.size, &answer, &stamp)
        }
        Task::Check(check) => {
            let judged = judged(&check.ledger.reader(plant)?, &check.trusted.authority)?;
            if check.json {
                print_json(&json!({ "anchors": as_json(&judged) })).into_diagnostic()?;
            } else {
                show(&judged)?;
            }
            Ok(class(&judged).map_or(ExitCode::SUCCESS, |class| ExitCode::from(class as u8)))
        }
    }
}

impl Trusted {
    fn read(&self) -> miette::Result<Authorities> {
        authorities(&self.authority)
    }
}

fn authorities(path: &Path) -> miette::Result<Authorities> {
    let pem = read(path, AUTHORITIES_LIMIT).into_diagnostic()?;
    Authorities::from_pem(&pem).into_diagnostic().wrap_err_with(|| format!("`{}`", path.display()))
}

/// What is stamped: the text of a checkpoint, without its signatures. `openssl ts -verify -data` takes the same bytes.
fn digest(head: &Checkpoint) -> [u8; 32] {
    seal::sha256(head.to_string().as_bytes())
}

fn published(reader: &Reader) -> miette::Result<Checkpoint> {
    let published = reader.published().into_diagnostic()?;
    published.map(|(head, _)| head).ok_or_else(|| miette!("the ledger has published nothing yet"))
}

/// The published checkpoint and those that were kept.
fn heads(reader: &Reader) -> miette::Result<Vec<Checkpoint>> {
    let mut heads = vec![published(reader)?];
    let files = Folder::new(reader.folder());
    for name in files.names("checkpoints").into_diagnostic()?.iter().filter(|name| name.ends_with(".note")) {
        let note = files.read(&format!("checkpoints/{name}"), seal::note::NOTE_LIMIT).into_diagnostic()?;
        let note = note.and_then(|note| seal::note::Note::parse(&note).ok());
        heads.extend(note.and_then(|note| Checkpoint::parse(note.text()).ok()));
    }
    Ok(heads)
}

fn keep(plant: &Path, reader: &Reader, size: u64, answer: &[u8], stamp: &TimeStamp) -> miette::Result<ExitCode> {
    let anchors = Anchors::of(reader.folder());
    let kept = anchors.keep(size, answer);
    kept.into_diagnostic().wrap_err_with(|| format!("cannot keep `{}`", anchors.path(size).display()))?;
    println!("{}: the first {size} records existed by {}", anchors.path(size).display(), told(stamp));
    let note = BTreeMap::from([
        ("event", Note::text("kept")),
        ("size", Note::Number(size)),
        ("time", Note::Number(stamp.time.0)),
        ("authority", Note::Text(stamp.authority.clone())),
    ]);
    Notice { kind: Kind::Anchor, note }.mention(plant, reader);
    Ok(ExitCode::SUCCESS)
}

fn told(stamp: &TimeStamp) -> String {
    let accuracy = stamp.accuracy_micros.map(|micros| format!(" (within {} ms)", micros.div_ceil(1000)));
    format!("{}{}, says {}", stamp.time, accuracy.unwrap_or_default(), stamp.authority)
}

/// Sends a query (RFC 3161, section 3.4) and gives the answer.
fn fetch(url: Uri, query: Vec<u8>) -> miette::Result<Vec<u8>> {
    let request = Request::post(url).header(CONTENT_TYPE, "application/timestamp-query");
    let request = request.body(Full::new(Bytes::from(query))).into_diagnostic()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    runtime.block_on(async {
        let client = Client::builder(TokioExecutor::new()).build(gateway::connector(None).into_diagnostic()?);
        let asked = async {
            let (head, body) = client.request(request).await.into_diagnostic()?.into_parts();
            if !head.status.is_success() {
                bail!("the authority answers {}", head.status);
            }
            let body = Limited::new(body, RESPONSE_LIMIT).collect().await;
            Ok(body.map_err(|problem| miette!("the answer does not end well: {problem}"))?.to_bytes().to_vec())
        };
        tokio::time::timeout(PATIENCE, asked).await.into_diagnostic().wrap_err("the authority does not answer")?
    })
}

/// One time stamp, judged.
pub(crate) struct Judged {
    size: u64,
    result: Result<TimeStamp, Doubt>,
}

impl Judged {
    /// By when how many records existed, or why that is not proved.
    pub(crate) fn told(&self) -> String {
        let Self { size, result } = self;
        match result {
            Ok(stamp) => format!("the first {size} records existed by {}", told(stamp)),
            Err(doubt) => format!("anchors/{size}.tsr proves nothing: {doubt}"),
        }
    }
}

/// Why a time stamp proves nothing of this ledger.
#[derive(Debug, thiserror::Error)]
enum Doubt {
    #[error("the ledger has only {0} records")]
    Longer(u64),
    #[error("the tree at this size cannot be read: {0}")]
    Tree(ledger::Missing),
    #[error("{0}")]
    File(std::io::Error),
    #[error(transparent)]
    Stamp(TimeStampError),
}

impl Doubt {
    fn class(&self) -> Class {
        match self {
            Self::Longer(_) | Self::Stamp(TimeStampError::OtherDigest | TimeStampError::Signature(_)) => {
                Class::Tampered
            }
            Self::Tree(_) | Self::File(_) | Self::Stamp(_) => Class::Undecided,
        }
    }
}

/// Judges all time stamps beside a ledger by those who are trusted.
pub(crate) fn judged(reader: &Reader, trusted: &Path) -> miette::Result<Vec<Judged>> {
    let authorities = authorities(trusted)?;
    let (head, anchors) = (published(reader)?, Anchors::of(reader.folder()));
    let tiles = Folder::new(reader.folder()).tiles(head.size);
    let one = |size: u64| {
        if size > head.size {
            return Err(Doubt::Longer(head.size));
        }
        let root = Frontier::from_hashes(size, &tiles).map_err(Doubt::Tree)?.root();
        let then = Checkpoint { origin: head.origin.clone(), size, root };
        let answer = anchors.read(size, RESPONSE_LIMIT).map_err(Doubt::File)?.unwrap_or_default();
        anchor::verify(&answer, &digest(&then), &authorities).map_err(Doubt::Stamp)
    };
    let sizes = anchors.sizes().into_diagnostic().wrap_err("cannot list `anchors`")?;
    Ok(sizes.into_iter().map(|size| Judged { size, result: one(size) }).collect())
}

/// Judges the time stamps of a pack, whose heads are proved to be the ledger's.
pub(crate) fn of_pack(stamps: &[Stamp], trusted: &Path) -> miette::Result<Vec<Judged>> {
    let authorities = authorities(trusted)?;
    let one = |Stamp { head, answer }: &Stamp| Judged {
        size: head.size,
        result: anchor::verify(answer, &digest(head), &authorities).map_err(Doubt::Stamp),
    };
    Ok(stamps.iter().map(one).collect())
}

/// The worst of it; none at all decide nothing.
pub(crate) fn class(judged: &[Judged]) -> Option<Class> {
    let worst = judged.iter().filter_map(|one| one.result.as_ref().err()).map(Doubt::class).min();
    worst.or_else(|| judged.is_empty().then_some(Class::Undecided))
}

fn show(judged: &[Judged]) -> miette::Result<()> {
    let mut out = std::io::stdout().lock();
    for Judged { size, result } in judged {
        match result {
            Ok(stamp) => writeln!(out, "anchors/{size}.tsr: the first {size} records existed by {}", told(stamp)),
            Err(doubt) => writeln!(out, "anchors/{size}.tsr: proves nothing: {doubt}"),
        }
        .into_diagnostic()?;
    }
    if judged.is_empty() {
        writeln!(out, "there are no time stamps").into_diagnostic()?;
    }
    Ok(())
}

pub(crate) fn as_json(judged: &[Judged]) -> Value {
    let one = |judged: &Judged| match &judged.result {
        Ok(stamp) => json!({
            "size": judged.size,
            "time": stamp.time.to_string(),
            "accuracy_us": stamp.accuracy_micros,
            "authority": stamp.authority,
            "policy": stamp.policy,
            "serial": stamp.serial,
        }),
        Err(doubt) => json!({ "size": judged.size, "class": doubt.class().to_string(), "problem": doubt.to_string() }),
    };
    judged.iter().map(one).collect()
}

fn write(path: &Path, bytes: &[u8]) -> miette::Result<()> {
    std::fs::write(path, bytes).into_diagnostic().wrap_err_with(|| format!("cannot write `{}`", path.display()))
}
