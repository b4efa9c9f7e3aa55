//! What `penstock verify` says of a ledger beside its bytes: times, content, epochs, witnesses.

use super::Stamps;
use ledger::verify::{EpochsJudged, Report, Silences, WitnessesJudged};
use ledger::witness::Seen;
use plant::Millis;
use serde_json::{Value, json};
use std::io::Write;
use store::{ContentAudit, ReadError};

/// Says where nobody heard of the gateway, and what others say of when the records existed.
pub(super) fn print_times(out: &mut impl Write, report: &Report, stamps: &Stamps) -> std::io::Result<()> {
    if let Some(Silences { count, longest_ms, before }) = report.silences {
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        writeln!(
            out,
            "silence    {times} without a beat; the longest, {} s, ended with record {before}",
            longest_ms / 1000
        )?;
    }
    match stamps {
        Stamps::Unasked(0) => Ok(()),
        Stamps::Unasked(count) => {
            writeln!(out, "stamped    {count} time stamps, not checked: no authority was given (`--authority`)")
        }
        Stamps::Judged(judged) if judged.is_empty() => writeln!(out, "stamped    by nobody: there are no time stamps"),
        Stamps::Judged(judged) => judged.iter().try_for_each(|one| writeln!(out, "stamped    {}", one.told())),
    }
}

/// Says what became of kept content. A ledger that refers to none says nothing of it.
pub(super) fn print_content(out: &mut impl Write, content: &Result<ContentAudit, ReadError>) -> std::io::Result<()> {
    match content {
        Ok(ContentAudit { kept, erased, faults, unlisted }) => {
            let erased = erased.iter().map(|(by, count)| format!("{count} erased by #{by}"));
            let told: Vec<String> = Some(format!("{kept} kept")).into_iter().chain(erased).collect();
            if told.len() > 1 || *kept > 0 || !faults.is_empty() {
                writeln!(out, "content    {}", told.join(", "))?;
            }
            faults.iter().try_for_each(|fault| writeln!(out, "{}: {fault}", fault.class()))?;
            if *unlisted > 0 { writeln!(out, "... and {unlisted} more of these") } else { Ok(()) }
        }
        Err(error) => writeln!(out, "undecided: the content: {error}"),
    }
}

/// Says how many epochs were judged, and on whose word. A ledger without records says nothing of them.
pub(super) fn print_epochs(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    match report.epochs {
        Some(EpochsJudged { count, known, spent }) => {
            let word = if known { "the schedule in the key file" } else { "the schedule that the ledger itself names" };
            writeln!(out, "epochs     {count} judged, by {word}")?;
            if spent {
                writeln!(out, "           the last key of the schedule is in use: begin a new ledger")?;
            }
            Ok(())
        }
        None if report.records > 0 => writeln!(out, "epochs     not judged: the ledger has no schedule of epoch keys"),
        None => Ok(()),
    }
}

/// Says who else has seen the head: what the ledger cannot say of itself.
pub(super) fn print_witnesses(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    match &report.witnesses {
        Some(WitnessesJudged { head, newest }) => {
            print_seen(out, head)?;
            match (head.enough, newest) {
                (true, _) => Ok(()),
                (false, Some(size)) => {
                    writeln!(out, "           the newest head that enough have seen covers {size} records")
                }
                (false, None) => writeln!(out, "           no earlier head here has been seen by enough either"),
            }
        }
        None if report.records > 0 => writeln!(out, "witnesses  not checked: no policy was given (`--policy`)"),
        None => Ok(()),
    }
}

pub(super) fn print_seen(out: &mut impl Write, seen: &Seen) -> std::io::Result<()> {
    let (count, all) = (seen.by.len(), seen.by.len() + seen.missing.len());
    let word = if seen.enough { "enough for the policy" } else { "not enough for the policy" };
    writeln!(out, "witnesses  {count} of {all} have signed the head, {word}")?;
    seen.by.iter().try_for_each(|(name, time)| writeln!(out, "           {name}, {}", moment(*time)))
}

pub(super) fn seen_json(seen: &Seen, newest: Option<u64>) -> Value {
    let by = seen.by.iter().map(|(name, time)| json!({ "name": name, "time": moment(*time).to_string() }));
    json!({ "enough": seen.enough, "by": by.collect::<Vec<_>>(), "missing": seen.missing, "newest": newest })
}

/// A time in seconds since 1970.
pub(super) fn moment(seconds: u64) -> Millis {
    Millis(seconds.saturating_mul(1000))
}
