//! What people did with answers, for the console: the same as the command tells, as far as there is time to read it.

use super::tally::Tally;
use super::{Answer, Answers, By, WORD};
use console::{Apart, Oversight, Owed, Period};
use plant::{Millis, RecordId};
use std::collections::BTreeMap;
use std::time::Duration;
use store::{ReadError, Reader};

/// Most answers that are joined with their accounts: about 20 MB.
const MOST: usize = 100_000;
/// Most of those that nobody has accounted for that are told.
const OWED: usize = 200;
/// Accepted in less than this counts as unread, as by the command.
const QUICK: Duration = Duration::from_secs(5);
/// Records between two looks at the time.
const STRIDE: u64 = 1 << 14;

/// What people did with answers, for `whom`, by pseudonym. `size` is how many records there are.
pub(crate) fn page(
    reader: &Reader,
    period: &Period,
    whom: Option<&str>,
    size: u64,
    over: impl Fn() -> bool,
) -> Result<Oversight, ReadError> {
    let now = gateway::now();
    let (mut answers, counted_until) = read(reader, period, size, over)?;
    let is = |wanted: Option<&str>, own: &Option<String>| wanted.is_none_or(|wanted| own.as_deref() == Some(wanted));
    answers.found.retain(|_, answer| {
        is(period.conduit.as_ref().map(plant::ConduitId::as_str), &answer.conduit)
            && is(period.workload.as_ref().map(plant::WorkloadId::as_str), &answer.workload)
    });
    let by = match period.by {
        Apart::Conduit => By::Conduit,
        Apart::Operator => By::Operator,
        Apart::Workload => By::Workload,
        Apart::Day => By::Day,
    };
    let mut rows: BTreeMap<String, Tally> = BTreeMap::new();
    for answer in answers.found.values() {
        rows.entry(by.of(answer)).or_default().add(answer, now, QUICK);
    }
    let mut open: Vec<(Millis, RecordId, &Answer)> = answers.found.iter().filter_map(owed).collect();
    // One's own first; of those whose time still runs the most urgent, then the latest of those whose time is over.
    let mine = |answer: &Answer| whom.is_some() && answer.operator.as_deref() == whom;
    open.sort_by_key(|(due, _, answer)| {
        let over = *due <= now;
        (!mine(answer), over, if over { u64::MAX - due.0 } else { due.0 })
    });
    let left_out = open.len().saturating_sub(OWED);
    open.truncate(OWED);
    Ok(Oversight {
        rows: rows.into_iter().map(|(name, tally)| tally.accounts(name)).collect(),
        open: open.into_iter().map(|(due, call, answer)| told(due, call, answer, now, mine(answer))).collect(),
        left_out,
        counted_until: counted_until.map(|time| time.to_string()),
        quick_ms: u64::try_from(QUICK.as_millis()).unwrap_or(u64::MAX),
    })
}

/// Reads as far as there is time and room; also gives when that was over.
fn read(
    reader: &Reader,
    period: &Period,
    size: u64,
    over: impl Fn() -> bool,
) -> Result<(Answers, Option<Millis>), ReadError> {
    let mut answers = Answers::new(period.since, period.until, MOST);
    let mut from = answers.begin(reader)?;
    let mut last = period.since.unwrap_or(Millis(0));
    while from < size {
        if over() {
            return Ok((answers, Some(last)));
        }
        for record in reader.holding(from, WORD).below(from.saturating_add(STRIDE).min(size)) {
            let record = record?;
            if !answers.take(&record) {
                return Ok((answers, Some(last)));
            }
            last = record.entry.t();
        }
        from = from.saturating_add(STRIDE);
    }
    Ok((answers, None))
}

fn owed<'a>((call, answer): (&'a RecordId, &'a Answer)) -> Option<(Millis, RecordId, &'a Answer)> {
    answer.due.filter(|_| answer.first.is_none()).map(|due| (due, *call, answer))
}

fn told(due: Millis, call: RecordId, answer: &Answer, now: Millis, mine: bool) -> Owed {
    Owed {
        record: call.to_string(),
        conduit: answer.conduit.clone(),
        workload: answer.workload.clone(),
        operator: answer.operator.clone(),
        ended: answer.ended.to_string(),
        due: due.to_string(),
        over: due <= now,
        mine,
    }
}
