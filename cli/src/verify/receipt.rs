//! `penstock verify RECEIPT`: one record, under the head that the receipt carries.

use super::{Args, Unusable, code, conclude, print_json, print_seen, read, result, seen_json, trusted};
use ledger::verify::{Class, Trust};
use ledger::witness::Seen;
use ledger::{Checkpoint, CoseReceipt, Entry, Receipt, cose::COSE_BEGINS, receipt::RECEIPT_LIMIT};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::path::Path;

/// What a receipt proves.
struct Proved {
    head: Checkpoint,
    entry: Entry,
    seen: Option<Seen>,
    form: Form,
    /// Whether the head is the one that the auditor holds, who then compared them.
    held: bool,
}

/// Which of the two forms a receipt has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The text, under a signed checkpoint.
    TlogProof,
    /// COSE: the root is signed, and nothing else of the head.
    Cose,
}

type Fault = (Class, String);

pub(super) fn verify(args: &Args, what: &Path) -> Result<u8, Unusable> {
    let (trust, _) = trusted(args, None)?;
    let bytes = read(what, RECEIPT_LIMIT)?;
    let given = args.record.as_deref().map(|path| read(path, 64 << 10)).transpose()?;
    let known = args.known.as_deref().map(|path| read(path, seal::note::NOTE_LIMIT)).transpose()?;
    // A file that an editor or `penstock records` wrote ends in a newline; the record does not.
    let given = given.map(|bytes| bytes.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or(bytes));
    let checked = match bytes.first() {
        Some(&COSE_BEGINS) => check_cose(&bytes, given, known.as_deref(), &trust),
        _ => check(&bytes, given, known.as_deref(), &trust),
    };
    let class = checked.as_ref().err().map(|(class, _)| *class);
    if args.json {
        print_json(&as_json(what, &checked))?;
        return Ok(code(class));
    }
    let mut out = std::io::stdout().lock();
    match &checked {
        Ok(proved) => print(&mut out, proved)?,
        Err((class, problem)) => writeln!(out, "{class}: {}: {problem}", what.display())?,
    }
    let colour = out.is_terminal();
    conclude(&mut out, colour, class)?;
    Ok(code(class))
}

fn check(bytes: &[u8], given: Option<Vec<u8>>, known: Option<&[u8]>, trust: &Trust) -> Result<Proved, Fault> {
    let receipt = Receipt::parse(bytes).map_err(tampered)?;
    let record = given.or_else(|| receipt.extra().map(<[u8]>::to_vec)).ok_or_else(no_record)?;
    let head = receipt.verify(&record, trust.verifiers()).map_err(tampered)?;
    let entry = ledger::decode(&record).map_err(tampered)?;
    if let Some(known) = known {
        compare(&head, known, trust)?;
    }
    let seen = trust.quorum().map(|quorum| quorum.judge(receipt.note())).transpose().map_err(tampered)?;
    match seen {
        Some(Seen { enough: false, missing, .. }) => {
            let missing = missing.join(", ");
            Err((Class::Unwitnessed, format!("not enough witnesses have signed its head; missing: {missing}")))
        }
        seen => Ok(Proved { head, entry, seen, form: Form::TlogProof, held: known.is_some() }),
    }
}

fn check_cose(bytes: &[u8], given: Option<Vec<u8>>, known: Option<&[u8]>, trust: &Trust) -> Result<Proved, Fault> {
    let receipt = CoseReceipt::parse(bytes).map_err(tampered)?;
    let record = given.ok_or_else(no_record)?;
    let head = receipt.verify(&record, trust.verifiers()).map_err(tampered)?;
    let entry = ledger::decode(&record).map_err(tampered)?;
    if let Some(known) = known.map(|known| opened(known, &head, trust)).transpose()?
        && known != head
    {
        let what = format!("its head is not the one of {} records that you hold", known.size);
        return Err((Class::Undecided, what));
    }
    if trust.quorum().is_some_and(|quorum| !quorum.is_none()) {
        let what = "a COSE receipt carries no signatures of witnesses; the other form does";
        return Err((Class::Unwitnessed, what.to_owned()));
    }
    Ok(Proved { head, entry, seen: None, form: Form::Cose, held: known.is_some() })
}

fn no_record() -> Fault {
    (Class::Undecided, "the receipt does not carry its record; give it with `--record FILE`".to_owned())
}

fn tampered(error: impl ToString) -> Fault {
    (Class::Tampered, error.to_string())
}

/// Whether the receipt's head is the one that the auditor holds (attack A10: an old receipt shown as current). That two
/// heads of different sizes are of one history takes hashes of the ledger, which a receipt does not have.
fn compare(head: &Checkpoint, known: &[u8], trust: &Trust) -> Result<(), Fault> {
    let undecided = |what: String| Err((Class::Undecided, what));
    let known = opened(known, head, trust)?;
    let later = "`penstock convict` with `--ledger` says whether both are of one history";
    match head.size.cmp(&known.size) {
        std::cmp::Ordering::Equal if head.root == known.root => Ok(()),
        std::cmp::Ordering::Equal => {
            let what = format!("its head and the known one are two roots of {} records, both signed", head.size);
            Err((Class::Forked, what))
        }
        std::cmp::Ordering::Less => {
            undecided(format!("its head is old: {} records, and you hold one of {}; {later}", head.size, known.size))
        }
        std::cmp::Ordering::Greater => {
            undecided(format!("its head is newer: {} records, and you hold one of {}; {later}", head.size, known.size))
        }
    }
}

/// The head that the auditor holds, if it is one of this ledger.
fn opened(known: &[u8], head: &Checkpoint, trust: &Trust) -> Result<Checkpoint, Fault> {
    match Checkpoint::open(known, trust.verifiers()) {
        Ok((known, _)) if known.origin == head.origin => Ok(known),
        Ok(_) => Err((Class::Undecided, "the known checkpoint is of another ledger".to_owned())),
        Err(error) => Err((Class::Undecided, format!("the known checkpoint proves nothing: {error}"))),
    }
}

fn print(out: &mut impl Write, Proved { head, entry, seen, form, held }: &Proved) -> std::io::Result<()> {
    writeln!(out, "ledger     {}", head.origin)?;
    let kind = entry.text("kind").unwrap_or("?");
    writeln!(out, "record     {} ({}), {kind}, {}", entry.seq(), entry.id(), entry.t())?;
    writeln!(out, "head       {} records, root {}", head.size, seal::base64(&head.root))?;
    let latest = match held {
        true => "and this head is the one that you hold",
        false => "whether the head is the latest, a receipt cannot say",
    };
    writeln!(out, "           it is in the ledger under this head; {latest}")?;
    if *form == Form::Cose && !held {
        writeln!(out, "           a COSE receipt: the root is signed, the number of records is not")?;
    }
    match seen {
        Some(seen) => print_seen(out, seen),
        None => writeln!(out, "witnesses  not checked: no policy was given (`--policy`)"),
    }
}

fn unchecked(unwitnessed: bool, held: bool) -> Vec<&'static str> {
    [("witnesses", unwitnessed), ("known", !held)].into_iter().filter(|(_, left)| *left).map(|(name, _)| name).collect()
}

fn as_json(what: &Path, checked: &Result<Proved, Fault>) -> Value {
    match checked {
        Ok(Proved { head, entry, seen, form, held }) => json!({
            "result": result(None),
            "code": code(None),
            "checkpoint": { "origin": head.origin, "size": head.size, "root": seal::base64(&head.root) },
            "record": entry.value(),
            "form": match form {
                Form::TlogProof => "tlog-proof",
                Form::Cose => "cose",
            },
            "held": held,
            "witnesses": seen.as_ref().map(|seen| seen_json(seen, None)),
            "unchecked": unchecked(seen.is_none(), *held),
            "problems": [],
        }),
        Err((class, problem)) => json!({
            "result": result(Some(*class)),
            "code": code(Some(*class)),
            "problems": [{
                "class": class.to_string(),
                "problem": problem,
                "file": what.display().to_string(),
            }],
        }),
    }
}
