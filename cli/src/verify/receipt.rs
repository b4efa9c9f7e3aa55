//! `penstock verify RECEIPT`: one record, under the head that the receipt carries.

use super::{Args, Unusable, code, conclude, print_json, print_seen, read, result, seen_json, trusted};
use ledger::verify::{Class, Trust};
use ledger::witness::Seen;
use ledger::{Checkpoint, Entry, Receipt, receipt::RECEIPT_LIMIT};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};

/// What a receipt proves.
struct Proved {
    head: Checkpoint,
    entry: Entry,
    seen: Option<Seen>,
    /// Whether the head is the one that the auditor holds, who then compared them.
    held: bool,
}

type Fault = (Class, String);

pub(super) fn verify(args: &Args) -> Result<u8, Unusable> {
    let (trust, _) = trusted(args, None)?;
    let bytes = read(&args.what, RECEIPT_LIMIT)?;
    let given = args.record.as_deref().map(|path| read(path, 64 << 10)).transpose()?;
    let known = args.known.as_deref().map(|path| read(path, seal::note::NOTE_LIMIT)).transpose()?;
    let checked = check(&bytes, given, known.as_deref(), &trust);
    let class = checked.as_ref().err().map(|(class, _)| *class);
    if args.json {
        print_json(&as_json(args, &checked))?;
        return Ok(code(class));
    }
    let mut out = std::io::stdout().lock();
    match &checked {
        Ok(proved) => print(&mut out, proved)?,
        Err((class, problem)) => writeln!(out, "{class}: {}: {problem}", args.what.display())?,
    }
    let colour = out.is_terminal();
    conclude(&mut out, colour, class)?;
    Ok(code(class))
}

fn check(bytes: &[u8], given: Option<Vec<u8>>, known: Option<&[u8]>, trust: &Trust) -> Result<Proved, Fault> {
    let receipt = Receipt::parse(bytes).map_err(tampered)?;
    // A file that an editor or `penstock records` wrote ends in a newline; the record does not.
    let given = given.map(|bytes| bytes.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or(bytes));
    let Some(record) = given.or_else(|| receipt.extra().map(<[u8]>::to_vec)) else {
        let what = "the receipt does not carry its record; give it with `--record FILE`";
        return Err((Class::Undecided, what.to_owned()));
    };
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
        seen => Ok(Proved { head, entry, seen, held: known.is_some() }),
    }
}

fn tampered(error: impl ToString) -> Fault {
    (Class::Tampered, error.to_string())
}

/// Whether the receipt's head is the one that the auditor holds (attack A10: an old receipt shown as current). That two
/// heads of different sizes are of one history takes hashes of the ledger, which a receipt does not have.
fn compare(head: &Checkpoint, known: &[u8], trust: &Trust) -> Result<(), Fault> {
    let undecided = |what: String| Err((Class::Undecided, what));
    let known = match Checkpoint::open(known, trust.verifiers()) {
        Ok((known, _)) if known.origin == head.origin => known,
        Ok(_) => return undecided("the known checkpoint is of another ledger".to_owned()),
        Err(error) => return undecided(format!("the known checkpoint proves nothing: {error}")),
    };
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

fn print(out: &mut impl Write, Proved { head, entry, seen, held }: &Proved) -> std::io::Result<()> {
    writeln!(out, "ledger     {}", head.origin)?;
    let kind = entry.text("kind").unwrap_or("?");
    writeln!(out, "record     {} ({}), {kind}, {}", entry.seq(), entry.id(), entry.t())?;
    writeln!(out, "head       {} records, root {}", head.size, seal::base64(&head.root))?;
    let latest = match held {
        true => "and this head is the one that you hold",
        false => "whether the head is the latest, a receipt cannot say",
    };
    writeln!(out, "           it is in the ledger under this head; {latest}")?;
    seen.iter().try_for_each(|seen| print_seen(out, seen))
}

fn as_json(args: &Args, checked: &Result<Proved, Fault>) -> Value {
    match checked {
        Ok(Proved { head, entry, seen, held }) => json!({
            "result": result(None),
            "code": code(None),
            "checkpoint": { "origin": head.origin, "size": head.size, "root": seal::base64(&head.root) },
            "record": entry.value(),
            "held": held,
            "witnesses": seen.as_ref().map(|seen| seen_json(seen, None)),
            "problems": [],
        }),
        Err((class, problem)) => json!({
            "result": result(Some(*class)),
            "code": code(Some(*class)),
            "problems": [{
                "class": class.to_string(),
                "problem": problem,
                "file": args.what.display().to_string(),
            }],
        }),
    }
}
