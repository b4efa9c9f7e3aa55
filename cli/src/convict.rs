//! `penstock convict`: whether two signed heads of one ledger can both be true, for somebody who has to prove it.

use crate::verify::{USAGE, Unusable, print_json, read, trust};
use ledger::receipt::RECEIPT_LIMIT;
use ledger::tile::{TILE_LIMIT, Tile, Tiles};
use ledger::verify::{Class, Files, Trust};
use ledger::witness::{Comparison, Request, compare};
use ledger::{Checkpoint, Receipt};
use seal::note::{NOTE_LIMIT, Note, Verifier};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::Folder;

/// Say whether two signed heads of a ledger contradict each other.
///
/// The answer is written for an authority.
///
/// A head is the file `checkpoint` of a ledger, or one that was kept, got from a witness, or carried by a receipt or a
/// witness's request. Two
/// heads that one key has signed and that cannot both be true prove that its holder, or a second machine with the same
/// key, has kept two histories. The proof needs nobody's word: two files and a public key.
///
/// Heads of one size are compared as they are. For two sizes the hashes of the ledger are needed: `--ledger DIR`. Its own
/// head is then compared as well.
///
/// Exit codes: 0 they agree, 2 wrong usage, 11 they contradict each other, 14 cannot decide.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("trusted").required(true).multiple(true).args(["key", "ledger"]))]
pub(crate) struct Args {
    /// The one head: a checkpoint or a receipt.
    #[arg(value_name = "A")]
    one: PathBuf,

    /// The other head.
    #[arg(value_name = "B")]
    other: PathBuf,

    /// The file with the ledger's public key. Without it the copy in the folder of the ledger is used.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// The folder of the ledger, for heads of two sizes.
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,

    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// A signed head, and the file that it is from.
struct Exhibit {
    path: PathBuf,
    sha256: String,
    head: Checkpoint,
    note: Note,
}

/// Why a file is no evidence, or two are none together.
#[derive(Debug, thiserror::Error)]
enum Undecided {
    #[error("`{}` is no signed head: {problem}", path.display())]
    Form { path: PathBuf, problem: String },
    #[error("`{}` is of the ledger `{one}`, and `{}` of `{other}`: they say nothing of each other", paths.0.display(), paths.1.display())]
    Ledgers { paths: Box<(PathBuf, PathBuf)>, one: String, other: String },
    #[error("no key that was given has signed both heads")]
    Key,
    #[error(
        "the heads are of {one} and of {other} records: whether the one continues the other, only the ledger shows: `--ledger DIR`"
    )]
    Sizes { one: u64, other: u64 },
    #[error("the hashes in `{}` do not lead to both heads", .0.display())]
    Hashes(PathBuf),
}

/// What was found. The exhibits are A, B and, if it is there and of that ledger, the head of the folder.
struct Judgement {
    key: Verifier,
    exhibits: Vec<Exhibit>,
    /// Which two contradict each other; `None` if they agree.
    contradiction: Option<(usize, usize)>,
}

pub(crate) fn run(args: Args) -> miette::Result<ExitCode> {
    let code = convict(&args).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        USAGE
    });
    Ok(ExitCode::from(code))
}

fn convict(args: &Args) -> Result<u8, Unusable> {
    let own = args.ledger.as_ref().map(|folder| folder.join("trust/ledger.vkey"));
    let trust = trust(args.key.as_ref().or(own.as_ref()).ok_or(Unusable::NoKey)?)?;
    let files = [read(&args.one, RECEIPT_LIMIT)?, read(&args.other, RECEIPT_LIMIT)?];
    let judged = judge(args, &trust, files);
    let class = match &judged {
        Err(_) => Some(Class::Undecided),
        Ok(judgement) => judgement.contradiction.map(|_| Class::Forked),
    };
    let mut out = std::io::stdout().lock();
    match judged {
        _ if args.json => print_json(&json(&judged, class))?,
        Ok(judgement) => judgement.print(&mut out)?,
        Err(reason) => writeln!(out, "{reason}")?,
    }
    if !args.json {
        let word = class.map_or_else(|| "AGREE".to_owned(), |class| class.to_string().to_uppercase());
        let code = class.map(|class| format!(" (exit code {})", class as u8)).unwrap_or_default();
        writeln!(out, "{word}{code}")?;
    }
    Ok(class.map_or(0, |class| class as u8))
}

fn judge(args: &Args, trust: &Trust, [one, other]: [Vec<u8>; 2]) -> Result<Judgement, Undecided> {
    let (one, other) = (Exhibit::read(&args.one, &one)?, Exhibit::read(&args.other, &other)?);
    if one.head.origin != other.head.origin {
        let paths = Box::new((one.path, other.path));
        return Err(Undecided::Ledgers {
            paths,
            one: one.head.origin.escape_debug().to_string(),
            other: other.head.origin.escape_debug().to_string(),
        });
    }
    let signed = |key: &&Verifier| one.is_signed(key) && other.is_signed(key);
    let key = trust.verifiers().iter().find(signed).ok_or(Undecided::Key)?.clone();
    let mut exhibits = vec![one, other];
    let own = args.ledger.as_deref().and_then(|folder| own_head(folder, &key));
    exhibits.extend(own);
    let contradiction = compare_all(&exhibits, args.ledger.as_deref())?;
    Ok(Judgement { key, exhibits, contradiction })
}

/// The head of the ledger itself, if the same key has signed it.
fn own_head(folder: &Path, key: &Verifier) -> Option<Exhibit> {
    let path = folder.join("checkpoint");
    let own = Exhibit::read(&path, &read(&path, NOTE_LIMIT).ok()?).ok()?;
    own.is_signed(key).then_some(own)
}

/// The first two that contradict each other; `None` if A and B agree.
fn compare_all(exhibits: &[Exhibit], folder: Option<&Path>) -> Result<Option<(usize, usize)>, Undecided> {
    let largest = exhibits.iter().map(|exhibit| exhibit.head.size).max().unwrap_or(0);
    let size = exhibits.get(2).map_or(largest, |own| own.head.size);
    let tiles = Tiles::new(size, |tile: Tile| Folder::new(folder?).read(&tile.path(), TILE_LIMIT).ok().flatten());
    let pairs = (0..exhibits.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
    let mut agreed = Vec::new();
    for (first, second) in pairs {
        let [Some(one), Some(other)] = [exhibits.get(first), exhibits.get(second)] else { continue };
        match compare(&one.head, &other.head, &tiles) {
            Comparison::Contradict => return Ok(Some((first, second))),
            Comparison::Agree => agreed.push((first, second)),
            Comparison::Unproven => {}
        }
    }
    // Two that are both the beginning of a third agree with each other.
    if agreed.contains(&(0, 1)) || (agreed.contains(&(0, 2)) && agreed.contains(&(1, 2))) {
        return Ok(None);
    }
    Err(match (folder, exhibits) {
        (None, [one, other, ..]) => Undecided::Sizes { one: one.head.size, other: other.head.size },
        (folder, _) => Undecided::Hashes(folder.unwrap_or(Path::new(".")).to_owned()),
    })
}

impl Exhibit {
    fn read(path: &Path, bytes: &[u8]) -> Result<Self, Undecided> {
        let problem = |problem: String| Undecided::Form { path: path.to_owned(), problem };
        let note = if bytes.starts_with(b"c2sp.org/tlog-proof@") {
            Receipt::parse(bytes).map_err(|error| problem(error.to_string()))?.note().clone()
        } else if bytes.starts_with(b"old ") {
            Request::parse(bytes).map_err(|error| problem(error.to_string()))?.note().clone()
        } else {
            Note::parse(bytes).map_err(|error| problem(error.to_string()))?
        };
        let head = Checkpoint::parse(note.text()).map_err(|error| problem(error.to_string()))?;
        Ok(Self { path: path.to_owned(), sha256: seal::hex(&seal::sha256(bytes)), head, note })
    }

    fn is_signed(&self, key: &Verifier) -> bool {
        Checkpoint::believe(&self.note, std::slice::from_ref(key)).is_ok()
    }
}

impl Judgement {
    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let origin = self.exhibits.first().map_or("", |exhibit| exhibit.head.origin.as_str());
        writeln!(out, "ledger     {origin}")?;
        writeln!(out, "key        {}", self.key)?;
        for (exhibit, name) in self.exhibits.iter().zip(["A", "B", "its own"]) {
            let Exhibit { path, sha256, head, .. } = exhibit;
            writeln!(out, "{name:<10} {} records, root {}", head.size, seal::base64(&head.root))?;
            writeln!(out, "           {}, SHA-256 {sha256}", path.display())?;
        }
        let pair =
            self.contradiction.and_then(|(one, other)| Some((self.exhibits.get(one)?, self.exhibits.get(other)?)));
        match pair {
            None => writeln!(
                out,
                "\nThe heads belong to one history: what the smaller one covers, the larger one begins with."
            ),
            Some((one, other)) => writeln!(out, "{}", explain(&one.head, &other.head)),
        }
    }
}

/// What a contradiction means, and what it does not.
fn explain(one: &Checkpoint, other: &Checkpoint) -> String {
    let (small, large) = (one.size.min(other.size), one.size.max(other.size));
    let contradiction = if small == large {
        format!("for {small} records it has signed two different roots")
    } else {
        format!(
            "for {small} records it has signed one root, and for {large} another whose first {small} records are not those"
        )
    };
    format!(
        "\n\
         The private key of this ledger has signed two histories: {contradiction}.\n\
         \n\
         A list of records has exactly one root (RFC 6962 section 2.1), and only who holds the private key can sign one\n\
         (Ed25519, RFC 8032). A file that was damaged or altered on its way would carry no valid signature. So either different\n\
         readers were shown different records, or records were replaced after a head was signed, or a copy of the machine or\n\
         of its folder went on with the same key.\n\
         \n\
         Which of the two histories is true, and who did it, does not follow. That both were signed can be checked by anybody\n\
         with these files and the public key above, without this program: the format is https://c2sp.org/tlog-checkpoint."
    )
}

fn json(judged: &Result<Judgement, Undecided>, class: Option<Class>) -> Value {
    let result = class.map_or_else(|| "agree".to_owned(), |class| class.to_string());
    let code = class.map_or(0, |class| class as u8);
    match judged {
        Err(reason) => json!({ "result": result, "code": code, "reason": reason.to_string() }),
        Ok(Judgement { key, exhibits, contradiction }) => {
            let heads = exhibits.iter().map(|Exhibit { path, sha256, head, .. }| {
                let root = seal::base64(&head.root);
                json!({ "file": path.display().to_string(), "sha256": sha256, "size": head.size, "root": root })
            });
            json!({
                "result": result,
                "code": code,
                "ledger": key.name(),
                "key": key.to_string(),
                "heads": heads.collect::<Vec<_>>(),
                "contradiction": contradiction.map(|(one, other)| [one, other]),
            })
        }
    }
}
