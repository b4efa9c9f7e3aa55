//! What has been used of each quota, by whom, in the window that is now.

use crate::amounts::{Amounts, Measure};
use crate::quota::{Quota, Subject};
use plant::{Millis, QuotaId};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Most counts that are kept. Whoever comes beyond shares one with the others of the quota: nobody gets more by coming under
/// many names.
const MOST: usize = 16_384;
/// Whoever has no count of its own.
const OTHERS: &str = "(others)";
/// When to ask again where all places are taken: nobody knows when one is free.
const SOON: Duration = Duration::from_secs(1);

/// What has been used.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    counts: BTreeMap<(QuotaId, String), Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// When its window began.
    since: Millis,
    used: Amounts,
    running: u32,
    /// A bit for each measure that the plant was warned of.
    warned: u8,
}

impl Count {
    /// The same in the window that is now. What ran before still runs; what was used before is no longer counted.
    fn at(self, now: Millis, length: u64) -> Self {
        let since = Millis(now.0 / length * length);
        // A clock that goes back by less than a window does not give back what was used.
        if self.since >= since { self } else { Self { since, running: self.running, ..Self::default() } }
    }

    fn is_idle(&self) -> bool {
        self.running == 0 && self.used == Amounts::default()
    }
}

/// A call that was admitted, until it is settled.
#[derive(Debug, Default)]
#[must_use = "what is not settled runs for ever"]
pub struct Admitted {
    held: Vec<Held>,
    expected: Amounts,
    /// What has come near its limit by it.
    pub warnings: Vec<Warning>,
}

impl Admitted {
    /// Whether nothing is counted.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.held.is_empty()
    }
}

#[derive(Debug)]
struct Held {
    key: (QuotaId, String),
    since: Millis,
    runs: bool,
}

/// A call that is not admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The quota.
    pub quota: QuotaId,
    /// Whose count is full.
    pub whose: String,
    /// Of what.
    pub measure: Measure,
    /// How much may be used.
    pub most: u64,
    /// When it is worth to ask again.
    pub after: Duration,
}

/// Something has come near its limit. Told once in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The quota.
    pub quota: QuotaId,
    /// Whose count it is.
    pub whose: String,
    /// Of what.
    pub measure: Measure,
    /// How much is used.
    pub used: u64,
    /// How much may be used.
    pub most: u64,
}

/// A saved state is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no count")]
pub struct Corrupt {
    /// The line, from 1.
    pub line: usize,
}

impl Counters {
    /// Admits a call that is expected to take so much, or says which quota stops it. Either every quota counts it, or none.
    ///
    /// # Errors
    /// The first quota that is used up.
    pub fn admit(
        &mut self,
        quotas: &[Quota],
        subject: &Subject<'_>,
        expected: Amounts,
        now: Millis,
    ) -> Result<Admitted, Stop> {
        let mut found: Vec<(&Quota, (QuotaId, String), Count)> = Vec::new();
        for quota in quotas {
            let Some(whose) = quota.counts(subject) else { continue };
            let key = self.key(quota, whose);
            let count = self.counts.get(&key).copied().unwrap_or_default().at(now, quota.length());
            let stop =
                |measure, most, after| Stop { quota: quota.id.clone(), whose: key.1.clone(), measure, most, after };
            if let Some((measure, most)) = quota.over(&count.used.plus(&expected)) {
                let end = count.since.0.saturating_add(quota.length());
                return Err(stop(measure, most, Duration::from_millis(end.saturating_sub(now.0))));
            }
            if let Some(most) = quota.concurrent.filter(|most| count.running >= *most) {
                return Err(stop(Measure::Concurrent, u64::from(most), SOON));
            }
            found.push((quota, key, count));
        }
        let mut admitted = Admitted { expected, ..Admitted::default() };
        for (quota, key, mut count) in found {
            count.used = count.used.plus(&expected);
            let runs = quota.concurrent.is_some();
            count.running = count.running.saturating_add(u32::from(runs));
            admitted.warnings.extend(count.warn(quota, &key));
            admitted.held.push(Held { key: key.clone(), since: count.since, runs });
            self.counts.insert(key, count);
        }
        Ok(admitted)
    }

    /// The same for a call that may count already, elsewhere: that is given back first, and stands again if this is stopped.
    ///
    /// # Errors
    /// The first quota that is used up.
    pub fn count(
        &mut self,
        quotas: &[Quota],
        admitted: &mut Admitted,
        subject: &Subject<'_>,
        expected: Amounts,
        now: Millis,
    ) -> Result<(), Stop> {
        self.undo(admitted);
        match self.admit(quotas, subject, expected, now) {
            Ok(other) => *admitted = other,
            Err(stop) => {
                self.redo(admitted);
                return Err(stop);
            }
        }
        Ok(())
    }

    /// A call has ended, and took so much. Gives what has come near its limit by it.
    pub fn settle(&mut self, quotas: &[Quota], admitted: Admitted, took: Amounts, now: Millis) -> Vec<Warning> {
        self.undo(&admitted);
        let mut warnings = Vec::new();
        for Held { key, .. } in admitted.held {
            let Some(count) = self.counts.get_mut(&key) else { continue };
            let quota = quotas.iter().find(|quota| quota.id == key.0);
            // What was expected of it stood in the window that it began in; what it took stands in the one that it ended in.
            if let Some(quota) = quota {
                *count = count.at(now, quota.length());
            }
            count.used = count.used.plus(&took);
            warnings.extend(quota.map(|quota| count.warn(quota, &key)).into_iter().flatten());
            if count.is_idle() {
                self.counts.remove(&key);
            }
        }
        warnings
    }

    /// Takes back what was counted of a call.
    fn undo(&mut self, admitted: &Admitted) {
        self.recount(admitted, Amounts::less, u32::saturating_sub);
    }

    /// Counts again what was taken back of a call.
    fn redo(&mut self, admitted: &Admitted) {
        self.recount(admitted, Amounts::plus, u32::saturating_add);
    }

    fn recount(
        &mut self,
        Admitted { held, expected, .. }: &Admitted,
        amounts: fn(&Amounts, &Amounts) -> Amounts,
        calls: fn(u32, u32) -> u32,
    ) {
        for Held { key, since, runs } in held {
            let Some(count) = self.counts.get_mut(key) else { continue };
            count.running = calls(count.running, u32::from(*runs));
            if count.since == *since {
                count.used = amounts(&count.used, expected);
            }
        }
    }

    /// What is used now: quota, whose, amounts, calls at the same time.
    pub fn used<'a>(
        &'a self,
        quotas: &'a [Quota],
        now: Millis,
    ) -> impl Iterator<Item = (&'a Quota, &'a str, Amounts, u32)> {
        self.counts.iter().filter_map(move |((id, whose), count)| {
            let quota = quotas.iter().find(|quota| quota.id == *id)?;
            let count = count.at(now, quota.length());
            Some((quota, whose.as_str(), count.used, count.running))
        })
    }

    /// Whose count it is: its own, or the others' where too many are kept.
    fn key(&self, quota: &Quota, whose: &str) -> (QuotaId, String) {
        let key = (quota.id.clone(), whose.to_owned());
        if self.counts.len() >= MOST && !self.counts.contains_key(&key) {
            return (key.0, OTHERS.to_owned());
        }
        key
    }

    /// Forgets counts of windows that are over, and of quotas that there are no more.
    pub fn sweep(&mut self, quotas: &[Quota], now: Millis) {
        self.counts.retain(|(id, _), count| {
            let quota = quotas.iter().find(|quota| quota.id == *id);
            count.running > 0 || quota.is_some_and(|quota| !count.at(now, quota.length()).is_idle())
        });
    }

    /// The counts as lines of text, to go on with after a restart. Calls under way are not among them: they end with the process.
    #[must_use]
    pub fn save(&self) -> String {
        let mut text = String::new();
        for ((quota, whose), Count { since, used, warned, .. }) in &self.counts {
            let Amounts { requests, tokens, bytes, money } = used;
            let since = since.0;
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{quota} {whose} {since} {requests} {tokens} {bytes} {money} {warned}");
        }
        text
    }

    /// Takes up saved counts.
    ///
    /// # Errors
    /// At the first line that is no count: a file that is wrong in one place may be so in others.
    pub fn restore(text: &str) -> Result<Self, Corrupt> {
        let mut counts = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let corrupt = Corrupt { line: index + 1 };
            let (key, count) = read(line).filter(|_| index < MOST + 256).ok_or(corrupt)?;
            if counts.insert(key, count).is_some() {
                return Err(corrupt);
            }
        }
        Ok(Self { counts })
    }
}

impl Count {
    fn warn(&mut self, quota: &Quota, key: &(QuotaId, String)) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (bit, measure) in Measure::SUMMED.into_iter().enumerate() {
            let used = self.used.of(measure);
            if let Some(most) = quota.near(measure, used).filter(|_| self.warned >> bit & 1 == 0) {
                self.warned |= 1 << bit;
                warnings.push(Warning { quota: key.0.clone(), whose: key.1.clone(), measure, used, most });
            }
        }
        warnings
    }
}

fn read(line: &str) -> Option<((QuotaId, String), Count)> {
    let mut words = line.split(' ');
    let quota = QuotaId::new(words.next()?).ok()?;
    let whose = words.next().filter(|whose| *whose == OTHERS || QuotaId::new(*whose).is_ok())?;
    let mut number = || words.next()?.parse::<u64>().ok();
    let since = Millis(number()?);
    let used = Amounts { requests: number()?, tokens: number()?, bytes: number()?, money: number()? };
    let warned = u8::try_from(number()?).ok()?;
    words.next().is_none().then(|| ((quota, whose.to_owned()), Count { since, used, running: 0, warned }))
}
