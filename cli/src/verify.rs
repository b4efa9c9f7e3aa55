//! `penstock verify`: proves a ledger or a receipt, trusting nothing but a public key.

mod receipt;
mod told;

use crate::anchor::{self, Judged};
use crate::records::Where;
use ledger::Checkpoint;
use ledger::verify::{Class, EpochsJudged, Options, Pruned, Report, Silences, Trust, TrustError};
use serde_json::{Value, json};
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::{Anchors, Audit, AuditFault, ContentAudit, ContentFault, Folder, ReadError, Reader};
use told::{print_content, print_epochs, print_seen, print_times, print_witnesses, seen_json};

/// What was asked for makes no sense; as clap's own.
pub(crate) const USAGE: u8 = 2;

/// Verify a ledger, a receipt or an evidence pack: bytes, tree, signatures, completeness.
///
/// Every record is hashed, the tree is built anew and compared with the signed head; every earlier head that is kept is
/// compared as well; records must be in order, linked to each other, and every call that left must have ended. Nothing
/// is written. The output names the record or the file that is wrong.
///
/// A receipt is one of `penstock receipt`: the text, or with `--record` the COSE form.
///
/// A pack beside the ledger (`--ledger`): its head is one of that ledger's, and its selection leaves nothing out.
///
/// That the end was cut off, that all of it was put back from a backup, or that it has a twin, cannot be seen from inside:
/// give a head that you have kept (`--known`), or name witnesses whom you trust (`--policy`).
///
/// Without `--key` the ledger's own copy of its key is used. That shows accidents, and forgers who do not have the key;
/// it does not show a ledger that was replaced as a whole.
///
/// Exit codes: 0 all is well, 2 wrong usage, 10 tampered, 11 forked, 12 incomplete, 13 unwitnessed, 14 cannot decide.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of a ledger, the file of a receipt, or an evidence pack: its folder or zip. The plant's own ledger if it is
    /// left out.
    #[arg(value_name = "DIR|FILE")]
    what: Option<PathBuf>,

    /// The file with the ledger's public key and its schedule of epoch keys, as in its trust/ledger.trust, that you have
    /// got by another way. Keys of several ledgers may follow one another.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// The witnesses that must have seen the head, as a C2SP tlog-policy file: lines `witness NAME KEY`, `group NAME COUNT
    /// NAME...` and `quorum NAME`. If it names logs (`log KEY`), it takes the place of `--key`.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// A checkpoint of this ledger that you have kept: shows whether its past was changed or its end cut off. With a receipt:
    /// whether its head is the one that you hold.
    #[arg(long, value_name = "CHECKPOINT")]
    known: Option<PathBuf>,

    /// With an evidence pack: a copy of the ledger that it was made from. Shows whether the head of the pack is one of that
    /// ledger's, and whether the pack names all records that fit what was asked for.
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,

    /// The certificates of time-stamping authorities that are trusted, in PEM: with a ledger or a pack, by when its records existed
    /// is judged by the stamps in `anchors/`.
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,

    /// The record that the receipt is for, if it does not carry it, as COSE receipts never do.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Do not look for kept content: this copy was made without it. Otherwise content that is neither there nor erased makes
    /// the ledger incomplete.
    #[arg(long)]
    without_content: bool,

    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("cannot read `{path}`: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("`{path}` is longer than it may be")]
    TooLong { path: PathBuf },
    #[error("`{path}` is no ledger, but holds one: `{path}/ledger`")]
    Plant { path: PathBuf },
    #[error("`{path}`: {source}")]
    Key { path: PathBuf, source: TrustError },
    #[error("`{0}` is not text")]
    NotText(PathBuf),
    #[error(
        "a receipt can only be verified with the key of its ledger: `--key FILE`, as in the ledger's trust/ledger.vkey"
    )]
    NoKey,
    #[error(
        "`--known` is for a ledger or a receipt, `--record` for a receipt, `--authority` for a ledger or a pack and `--ledger` for \
         an evidence pack"
    )]
    Options,
    #[error("the time stamps cannot be judged: {0}")]
    Authority(String),
    #[error("cannot print the result: {0}")]
    Print(#[from] std::io::Error),
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let what = Where::named(args.what.clone()).folder(plant);
    let code = verify(&args, &what).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        USAGE
    });
    Ok(ExitCode::from(code))
}

fn verify(args: &Args, what: &Path) -> Result<u8, Unusable> {
    if export::pack::is_pack(what) {
        return verify_pack(args, what);
    }
    let meta = std::fs::metadata(what).map_err(|source| Unusable::Read { path: what.to_owned(), source })?;
    if !what.join("checkpoint").exists() && what.join("ledger/checkpoint").exists() {
        return Err(Unusable::Plant { path: what.to_owned() });
    }
    if args.ledger.is_some() || if meta.is_dir() { args.record.is_some() } else { args.authority.is_some() } {
        return Err(Unusable::Options);
    }
    if meta.is_dir() { verify_ledger(args, what) } else { receipt::verify(args, what) }
}

fn verify_pack(args: &Args, what: &Path) -> Result<u8, Unusable> {
    if args.record.is_some() || args.known.is_some() {
        return Err(Unusable::Options);
    }
    if let Some(ledger) = &args.ledger {
        return verify_pack_against(args, what, ledger);
    }
    let own_key = args.key.is_none() && args.policy.is_none();
    let trust = if own_key { None } else { Some(trusted(args, None)?.0) };
    let mut findings = crate::pack::Findings::new(what, trust.as_ref());
    judge_stamps(&mut findings, args, what)?;
    let class = findings.class();
    if args.json {
        print_json(&findings.json(&result(class), code(class)))?;
    } else {
        let mut out = std::io::stdout().lock();
        let colour = out.is_terminal();
        findings.print(&mut out)?;
        conclude(&mut out, colour, class)?;
    }
    Ok(code(class))
}

fn judge_stamps(pack: &mut crate::pack::Findings, args: &Args, what: &Path) -> Result<(), Unusable> {
    let Some(authority) = &args.authority else { return Ok(()) };
    pack.judge(what, authority).map_err(|error| Unusable::Authority(format!("{error:#}")))
}

/// A pack beside the ledger that it was made from: each is proved for itself, the head of the pack to be one of the
/// ledger's, and then the selection is made again.
fn verify_pack_against(args: &Args, what: &Path, ledger: &Path) -> Result<u8, Unusable> {
    let (trust, own_key) = trusted(args, Some(&ledger.join("trust/ledger.vkey")))?;
    let mut pack = crate::pack::Findings::new(what, Some(&trust)).beside();
    judge_stamps(&mut pack, args, what)?;
    let options = Options { known: export::pack::head(what) };
    // Whoever signs the head of the pack need not have seen the one that the ledger has by now.
    let whole =
        look_again(ledger, &trust.clone().without_quorum(), &options, Look { own_key, content: !args.without_content });
    let proved = pack.class().is_none_or(|class| class >= Class::Unwitnessed) && whole.class().is_none();
    let compared = if proved { pack.compare(what, ledger) } else { None };
    let class = [pack.class(), whole.class()].into_iter().flatten().min();
    if args.json {
        let mut said = pack.json(&result(class), code(class));
        if let Some(members) = said.as_object_mut() {
            members.insert("ledger".to_owned(), whole.json(whole.class()));
            members.insert("selection".to_owned(), json!(compared));
        }
        print_json(&said)?;
    } else {
        let mut out = std::io::stdout().lock();
        let colour = out.is_terminal();
        pack.print(&mut out)?;
        match compared {
            Some(count) => writeln!(out, "selection  all of the {count} records of the ledger that fit, and no other")?,
            None if proved => writeln!(out, "selection  not that of the ledger")?,
            None => writeln!(out, "selection  not compared: it says nothing before all else is as it should be")?,
        }
        writeln!(out, "against    {}, the head of the pack as the known checkpoint", ledger.display())?;
        whole.print(&mut out, colour, class)?;
    }
    Ok(code(class))
}

pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Unusable> {
    let failed = |source| Unusable::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit { Err(Unusable::TooLong { path: path.to_owned() }) } else { Ok(bytes) }
}

pub(crate) fn trust(path: &Path) -> Result<Trust, Unusable> {
    Trust::parse(&text(path)?).map_err(unusable(path))
}

pub(crate) fn text(path: &Path) -> Result<String, Unusable> {
    String::from_utf8(read(path, 64 << 10)?).map_err(|_| Unusable::NotText(path.to_owned()))
}

pub(crate) fn unusable(path: &Path) -> impl FnOnce(TrustError) -> Unusable {
    move |source| Unusable::Key { path: path.to_owned(), source }
}

/// Whom the auditor trusts, and whether that is only the ledger's own copy of its key.
fn trusted(args: &Args, own: Option<&Path>) -> Result<(Trust, bool), Unusable> {
    let policy = match &args.policy {
        None => None,
        Some(path) => Some((path, Trust::parse_policy(&text(path)?).map_err(unusable(path))?)),
    };
    match policy {
        Some((_, policy)) if args.key.is_none() && !policy.verifiers().is_empty() => Ok((policy, false)),
        policy => {
            let keys = trust(args.key.as_deref().or(own).ok_or(Unusable::NoKey)?)?;
            let trust = match policy {
                Some((path, policy)) => keys.under(policy).map_err(unusable(path))?,
                None => keys,
            };
            Ok((trust, args.key.is_none()))
        }
    }
}

/// What a ledger comes to.
struct Findings {
    report: Report,
    audit: Result<Audit, AuditFault>,
    content: Result<ContentAudit, ReadError>,
    stamps: Stamps,
    own_key: bool,
    /// Whether it was compared with a head that was kept elsewhere.
    known: bool,
    /// Whether kept content was looked for.
    sought: bool,
}

/// What others say about when the records existed.
enum Stamps {
    /// So many were kept; nobody was named who is trusted with them.
    Unasked(usize),
    Judged(Vec<Judged>),
}

/// What `penstock verify` says of a ledger.
pub(crate) struct Said {
    /// Its exit code.
    pub(crate) code: u8,
    /// What it prints.
    pub(crate) text: String,
    /// The records that it names as wrong.
    pub(crate) wrong: Vec<plant::RecordId>,
}

/// Verifies a ledger against a public key, as `penstock verify LEDGER --key KEY` does.
pub(crate) fn say(ledger: &Path, key: &Path) -> miette::Result<Said> {
    let trust = trust(key).map_err(|error| miette::miette!("{error}"))?;
    let findings = look(ledger, &trust, &Options::default(), Look { own_key: false, content: true });
    let class = findings.class();
    let mut text = Vec::new();
    findings.print(&mut text, false, class).map_err(|error| miette::miette!("{error}"))?;
    let wrong = findings.report.problems.iter().filter_map(|problem| problem.id).collect();
    Ok(Said { code: code(class), text: String::from_utf8_lossy(&text).into_owned(), wrong })
}

fn verify_ledger(args: &Args, what: &Path) -> Result<u8, Unusable> {
    let (trust, own_key) = trusted(args, Some(&what.join("trust/ledger.vkey")))?;
    let known = args.known.as_deref().map(|path| read(path, seal::note::NOTE_LIMIT)).transpose()?;
    let options = Options { known };
    let mut findings = look_again(what, &trust, &options, Look { own_key, content: !args.without_content });
    if let Some(authority) = &args.authority {
        let judged = Reader::open(what).map_err(|error| Unusable::Authority(error.to_string())).and_then(|reader| {
            anchor::judged(&reader, authority).map_err(|error| Unusable::Authority(format!("{error:#}")))
        });
        findings.stamps = Stamps::Judged(judged?);
    }
    let class = findings.class();
    if args.json {
        print_json(&findings.json(class))?;
    } else {
        let mut out = std::io::stdout().lock();
        let colour = out.is_terminal();
        findings.print(&mut out, colour, class)?;
    }
    Ok(code(class))
}

/// What is looked at, and with whose key.
#[derive(Clone, Copy)]
struct Look {
    own_key: bool,
    content: bool,
}

/// Looks, and again if a gateway that runs meanwhile has removed segments that it has published: then the picture was taken
/// too slowly.
fn look_again(folder: &Path, trust: &Trust, options: &Options, at: Look) -> Findings {
    let mut findings = look(folder, trust, options, at);
    for _ in 0..2 {
        if !matches!(findings.audit, Err(AuditFault::Tiles(_) | AuditFault::Wal(store::wal::WalError::Missing(_)))) {
            break;
        }
        findings = look(folder, trust, options, at);
    }
    findings
}

fn look(folder: &Path, trust: &Trust, options: &Options, at: Look) -> Findings {
    let Look { own_key, content: sought } = at;
    let report = ledger::verify(&Folder::new(folder), trust, options);
    let audit = match &report.checkpoint {
        Some(head) => store::audit(folder, head, trust.verifiers()),
        None => Ok(Audit::default()),
    };
    // What is not proved says nothing about content; that too few have seen it does not make it less proved.
    let content = if sought && report.class().is_none_or(|class| class == Class::Unwitnessed) {
        store::audit_content(folder, &report)
    } else {
        Ok(ContentAudit::default())
    };
    let stamps = Stamps::Unasked(Anchors::of(folder).sizes().map_or(0, |sizes| sizes.len()));
    Findings { report, audit, content, stamps, own_key, known: options.known.is_some(), sought }
}

fn code(class: Option<Class>) -> u8 {
    class.map_or(0, |class| class as u8)
}

impl Findings {
    /// The worst of it; the smaller code is the worse.
    fn class(&self) -> Option<Class> {
        let audit = self.audit.as_ref().err().map(AuditFault::class);
        let content = match &self.content {
            Ok(content) => content.faults.iter().map(ContentFault::class).min(),
            Err(_) => Some(Class::Undecided),
        };
        let stamps = match &self.stamps {
            Stamps::Unasked(_) => None,
            Stamps::Judged(judged) => anchor::class(judged),
        };
        [self.report.class(), audit, content, stamps].into_iter().flatten().min()
    }

    fn print(&self, out: &mut impl Write, colour: bool, class: Option<Class>) -> Result<(), Unusable> {
        let report = &self.report;
        if let Some(Checkpoint { origin, size, root }) = &report.checkpoint {
            writeln!(out, "ledger     {origin}")?;
            writeln!(out, "head       {size} records, root {}", seal::base64(root))?;
        }
        if let Some((first, last)) = report.span {
            writeln!(out, "time       {first} to {last}")?;
        }
        let kinds: Vec<String> = report.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        if !kinds.is_empty() {
            writeln!(out, "records    {}", kinds.join(", "))?;
        }
        writeln!(
            out,
            "checked    {} records ({} bytes), {} tiles, {} earlier heads",
            report.records, report.bytes, report.tiles, report.checkpoints
        )?;
        if let Some(Pruned { records, minimum, by, keep_days }) = report.pruned {
            let older = format!("older than {keep_days} days, before record {minimum}");
            writeln!(out, "pruned     {records} records are not there any more, by #{by}: {older}")?;
        }
        print_epochs(out, report)?;
        print_witnesses(out, report)?;
        if !self.known && report.records > 0 {
            writeln!(out, "known      not compared: no checkpoint was given that somebody kept (`--known`)")?;
        }
        if self.is_bare() && report.checkpoint.is_some() {
            writeln!(
                out,
                "log        not checked: there is none here, and records that are not published yet would be in it"
            )?;
        } else if let Ok(Audit { segments, heads, unpublished, torn }) = &self.audit
            && *segments > 0
        {
            writeln!(
                out,
                "log        {segments} segments, {heads} signed heads; {unpublished} records not published yet"
            )?;
            if *torn > 0 {
                writeln!(out, "           a write of {torn} bytes is torn or under way at its end")?;
            }
        }
        if self.sought {
            print_content(out, &self.content)?;
        } else {
            writeln!(out, "content    not looked for (`--without-content`)")?;
        }
        print_times(out, report, &self.stamps)?;
        if report.under_way > 0 {
            writeln!(out, "under way  {} calls have begun and not ended yet", report.under_way)?;
        }
        if self.own_key {
            writeln!(out, "key        the ledger's own copy: compare it with the one that the plant gave you")?;
        }
        for problem in &report.problems {
            writeln!(out, "{problem}")?;
        }
        if report.unlisted > 0 {
            writeln!(out, "... and {} problems more", report.unlisted)?;
        }
        if let Err(fault) = &self.audit {
            writeln!(out, "{}: {fault}", fault.class())?;
        }
        if !report.complete_judged && class.is_some() {
            writeln!(out, "completeness could not be judged")?;
        }
        conclude(out, colour, class)?;
        Ok(())
    }

    /// Whether the write-ahead log is not there, as in a copy of what is published.
    fn is_bare(&self) -> bool {
        self.audit.as_ref().is_ok_and(|audit| audit.segments == 0)
    }

    /// What could have been checked with more at hand.
    fn unchecked(&self) -> Vec<&'static str> {
        let left = [
            ("witnesses", self.report.witnesses.is_none()),
            ("known", !self.known),
            ("log", self.is_bare()),
            ("epochs", self.report.epochs.is_none()),
            ("content", !self.sought),
            ("stamps", matches!(self.stamps, Stamps::Unasked(count) if count > 0)),
            ("completeness", !self.report.complete_judged),
        ];
        left.into_iter().filter(|(_, left)| *left).map(|(name, _)| name).collect()
    }

    fn json(&self, class: Option<Class>) -> Value {
        let report = &self.report;
        let mut problems: Vec<Value> = report
            .problems
            .iter()
            .map(|problem| {
                json!({
                    "class": problem.class.to_string(),
                    "problem": problem.fault.to_string(),
                    "record": problem.seq,
                    "id": problem.id.map(|id| id.to_string()),
                    "file": problem.file,
                })
            })
            .collect();
        let faults = self.content.as_ref().map_or(&[][..], |content| &content.faults);
        problems.extend(faults.iter().map(|fault| {
            json!({
                "class": fault.class().to_string(),
                "problem": fault.what.to_string(),
                "record": fault.seq,
                "id": fault.id.to_string(),
            })
        }));
        if let Err(fault) = &self.audit {
            problems.push(json!({ "class": fault.class().to_string(), "problem": fault.to_string() }));
        }
        json!({
            "result": result(class),
            "code": code(class),
            "checkpoint": report.checkpoint.as_ref().map(|head| json!({
                "origin": head.origin,
                "size": head.size,
                "root": seal::base64(&head.root),
            })),
            "records": report.records,
            "bytes": report.bytes,
            "tiles": report.tiles,
            "checkpoints": report.checkpoints,
            "pruned": report.pruned.map(|Pruned { records, minimum, by, keep_days }| json!({
                "records": records,
                "minimum": minimum,
                "by": by,
                "keep_days": keep_days,
            })),
            "epochs": report.epochs.map(|EpochsJudged { count, known, spent }| json!({
                "judged": count,
                "schedule": if known { "given" } else { "own" },
                "spent": spent,
            })),
            "witnesses": report.witnesses.as_ref().map(|judged| seen_json(&judged.head, judged.newest)),
            "kinds": report.kinds,
            "first": report.span.map(|(first, _)| first.to_string()),
            "last": report.span.map(|(_, last)| last.to_string()),
            "under_way": report.under_way,
            "silences": report.silences.map(|Silences { count, longest_ms, before }| json!({
                "count": count,
                "longest_ms": longest_ms,
                "before": before,
            })),
            "stamps": match &self.stamps {
                Stamps::Unasked(_) => Value::Null,
                Stamps::Judged(judged) => anchor::as_json(judged),
            },
            "complete_judged": report.complete_judged,
            "log": self.audit.as_ref().ok().map(|audit| json!({
                "segments": audit.segments,
                "heads": audit.heads,
                "unpublished": audit.unpublished,
                "torn": audit.torn,
            })),
            "content": self.content.as_ref().ok().map(|content| json!({
                "kept": content.kept,
                "erased": content.erased,
            })),
            "key": if self.own_key { "own" } else { "given" },
            "unchecked": self.unchecked(),
            "problems": problems,
            "unlisted": report.unlisted,
        })
    }
}

fn result(class: Option<Class>) -> String {
    class.map_or_else(|| "verified".to_owned(), |class| class.to_string())
}

/// The last line: the result, green or red if it may have a colour.
fn conclude(out: &mut impl Write, colour: bool, class: Option<Class>) -> std::io::Result<()> {
    let text = match class {
        None => "VERIFIED".to_owned(),
        Some(class) => format!("{} (exit code {})", class.to_string().to_uppercase(), class as u8),
    };
    if colour {
        let colour = if class.is_none() { 32 } else { 31 };
        writeln!(out, "\u{1b}[1;{colour}m{text}\u{1b}[0m")
    } else {
        writeln!(out, "{text}")
    }
}

pub(crate) fn print_json(value: &Value) -> Result<(), Unusable> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value:#}")?;
    Ok(())
}
