//! What people did with answers, for the console: the same as the command tells, as far as there was time to read it.
//!
//! What was read once is kept, and counted on from there: ten consoles that follow a page read each record once.

use super::tally::Tally;
use super::{Answer, Answers, By, WORD, within};
use console::{Apart, Oversight, Owed, Period};
use plant::{Millis, RecordId};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
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

/// What was counted so far.
#[derive(Debug, Default)]
pub(crate) struct Counting(Mutex<Option<Counted>>);

#[derive(Debug)]
struct Counted {
    since: Option<Millis>,
    answers: Answers,
    /// The number of the next record.
    next: u64,
    /// When the last record was written that was counted.
    last: Millis,
    /// Whether there is no room for more.
    full: bool,
}

impl Counting {
    /// What people did with answers, for `whom`, by pseudonym. `size` is how many records there are.
    pub(crate) fn page(
        &self,
        reader: &Reader,
        period: &Period,
        whom: Option<&str>,
        size: u64,
        over: impl Fn() -> bool,
    ) -> Result<Oversight, ReadError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = match kept.take().filter(|counted| counted.serves(period.since)) {
            Some(counted) => kept.insert(counted),
            None => kept.insert(Counted::begin(reader, period.since)?),
        };
        counted.count(reader, size, over)?;
        Ok(counted.told(period, whom, size))
    }

    /// Lets go of what nobody has asked for in a while.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Counted {
    fn begin(reader: &Reader, since: Option<Millis>) -> Result<Self, ReadError> {
        let answers = Answers::new(since, None, MOST);
        Ok(Self { since, next: answers.begin(reader)?, answers, last: since.unwrap_or(Millis(0)), full: false })
    }

    /// Whether what is kept has all that is asked for. What is full has more room where it begins later.
    fn serves(&self, since: Option<Millis>) -> bool {
        self.since == since || self.since < since && !self.full
    }

    /// Counts on, as far as there is time and room.
    fn count(&mut self, reader: &Reader, size: u64, over: impl Fn() -> bool) -> Result<(), ReadError> {
        while self.next < size && !self.full && !over() {
            let end = self.next.saturating_add(STRIDE).min(size);
            for record in reader.holding(self.next, WORD).below(end) {
                let record = record?;
                self.full |= !self.answers.take(&record);
                self.last = record.entry.t();
            }
            self.next = end;
        }
        Ok(())
    }

    fn told(&self, period: &Period, whom: Option<&str>, size: u64) -> Oversight {
        let now = gateway::now();
        let by = match period.by {
            Apart::Conduit => By::Conduit,
            Apart::Operator => By::Operator,
            Apart::Workload => By::Workload,
            Apart::Day => By::Day,
        };
        let mut rows: BTreeMap<String, Tally> = BTreeMap::new();
        let mut open = Vec::new();
        for (call, answer) in self.answers.found.iter().filter(|(_, answer)| fits(answer, period)) {
            rows.entry(by.of(answer)).or_default().add(answer, now, QUICK);
            open.extend(owed(*call, answer, now, whom));
        }
        // One's own first; of those whose time still runs the most urgent, then the latest of those whose time is over.
        open.sort_by_key(|(due, one)| (!one.mine, one.over, if one.over { u64::MAX - due.0 } else { due.0 }));
        Oversight {
            rows: rows.into_iter().map(|(name, tally)| tally.accounts(name)).collect(),
            left_out: open.len().saturating_sub(OWED),
            open: open.into_iter().take(OWED).map(|(_, one)| one).collect(),
            counted_until: (self.full || self.next < size).then(|| self.last.to_string()),
            quick_ms: u64::try_from(QUICK.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

fn fits(answer: &Answer, period: &Period) -> bool {
    within(period.since, period.until, answer.ended) && answer.is_of(period.conduit.as_ref(), period.workload.as_ref())
}

/// An answer that nobody has accounted for, and by when somebody must.
fn owed(call: RecordId, answer: &Answer, now: Millis, whom: Option<&str>) -> Option<(Millis, Owed)> {
    let due = answer.due.filter(|_| answer.first.is_none())?;
    let owed = Owed {
        record: call.to_string(),
        conduit: answer.conduit.clone(),
        workload: answer.workload.clone(),
        operator: answer.operator.clone(),
        ended: answer.ended.to_string(),
        due: due.to_string(),
        over: due <= now,
        mine: whom.is_some() && answer.operator.as_deref() == whom,
    };
    Some((due, owed))
}
