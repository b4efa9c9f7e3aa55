//! Answers added up.

use super::{Answer, Decision};
use console::Accounts;
use plant::{Judgement, Millis};
use serde_json::Value;
use std::time::Duration;

/// Answers added up.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Those that somebody had to account for.
    required: u64,
    /// Of these, those for which nobody did and the time is not over.
    open: u64,
    /// Of these, those for which nobody ever did, though the time is over.
    never: u64,
    /// Of all that somebody accounted for, those where it was late.
    late: u64,
    /// Those where nobody was proved to have decided.
    unproved: u64,
    /// By the last decision, in the order of [`Judgement::NAMES`].
    judged: [u64; Judgement::NAMES.len()],
    /// Those that were accepted first, and of these, those where that took hardly any time.
    accepted: u64,
    quick: u64,
    /// How long each first decision took, in milliseconds.
    took: Vec<u64>,
}

impl Tally {
    pub(super) fn add(&mut self, answer: &Answer, now: Millis, quick: Duration) {
        self.required += u64::from(answer.due.is_some());
        if let Some(last) = answer.last {
            let counts = self.judged.iter_mut().zip(Judgement::NAMES);
            counts.filter(|(_, (_, judgement))| *judgement == last).for_each(|(count, _)| *count += 1);
        }
        match &answer.first {
            Some(first) => self.decided(first, quick),
            None => {
                let over = answer.due.is_some_and(|due| due <= now);
                self.never += u64::from(over);
                self.open += u64::from(!over);
            }
        }
    }

    fn decided(&mut self, first: &Decision, quick: Duration) {
        self.took.push(first.took);
        self.late += u64::from(first.late);
        self.unproved += u64::from(!first.proved);
        if first.judgement == Judgement::Accepted {
            self.accepted += 1;
            self.quick += u64::from(u128::from(first.took) < quick.as_millis());
        }
    }

    /// The time that so many hundredths of the decisions took at most (nearest rank).
    fn percentile(&self, hundredths: u64) -> Option<u64> {
        let mut took = self.took.clone();
        took.sort_unstable();
        let rank = (took.len() as u64).saturating_mul(hundredths).div_ceil(100).max(1);
        took.get(usize::try_from(rank - 1).ok()?).copied()
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = (String, Value)> {
        let judged = Judgement::NAMES.iter().zip(self.judged).map(|((name, _), count)| (*name, Some(count)));
        let before = [("required", self.required), ("open", self.open), ("never", self.never), ("late", self.late)];
        let before = before.map(|(name, count)| (name, Some(count)));
        let after = [
            ("unproved", Some(self.unproved)),
            ("accepted_first", Some(self.accepted)),
            ("accepted_quickly", Some(self.quick)),
            ("accepted_quickly_percent", percent(self.quick, self.accepted)),
            ("never_percent", percent(self.never, self.required)),
            ("median_ms", self.percentile(50)),
            ("p90_ms", self.percentile(90)),
        ];
        let all: Vec<_> = before.into_iter().chain(judged).chain(after).collect();
        all.into_iter().map(|(name, number)| (name.to_owned(), number.map_or(Value::Null, Value::from)))
    }

    /// The same for the console.
    pub(super) fn accounts(&self, name: String) -> Accounts {
        let [accepted, edited, rejected, overridden, stopped] = self.judged;
        Accounts {
            name,
            required: self.required,
            open: self.open,
            never: self.never,
            late: self.late,
            accepted,
            edited,
            rejected,
            overridden,
            stopped,
            unproved: self.unproved,
            accepted_first: self.accepted,
            accepted_quickly: self.quick,
            median_ms: self.percentile(50),
            p90_ms: self.percentile(90),
        }
    }

    pub(super) fn heading(names: String, quick: String) -> [String; 14] {
        let [a, b, c, d, e] = Judgement::NAMES.map(|(name, _)| name.to_uppercase());
        let text = |text: &str| text.to_owned();
        let [required, open, never, late] = ["REQUIRED", "OPEN", "NEVER", "LATE"].map(text);
        let [unproved, median, p90] = ["UNPROVED", "MEDIAN", "P90"].map(text);
        [names, required, open, never, late, a, b, c, d, e, quick, median, p90, unproved]
    }

    pub(super) fn cells(&self, key: String) -> [String; 14] {
        let share = |part: u64, of: u64| match percent(part, of) {
            Some(percent) => format!("{part} ({percent} %)"),
            None => part.to_string(),
        };
        let [a, b, c, d, e] = self.judged.map(|count| count.to_string());
        let time = |time: Option<u64>| time.map_or("-".to_owned(), seconds);
        [
            key,
            self.required.to_string(),
            self.open.to_string(),
            share(self.never, self.required),
            self.late.to_string(),
            a,
            b,
            c,
            d,
            e,
            share(self.quick, self.accepted),
            time(self.percentile(50)),
            time(self.percentile(90)),
            self.unproved.to_string(),
        ]
    }
}

/// Rounded down: a hundred of a hundred means all.
fn percent(part: u64, of: u64) -> Option<u64> {
    part.saturating_mul(100).checked_div(of)
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::Tally;
    use crate::oversight::{Answer, Decision};
    use plant::{Judgement, Millis};
    use std::time::Duration;

    fn answer(due: Option<u64>, decided: Option<(Judgement, u64)>) -> Answer {
        let first =
            decided.map(|(judgement, took)| Decision { judgement, operator: None, proved: true, took, late: false });
        let last = first.as_ref().map(|first| first.judgement);
        Answer { ended: Millis(0), conduit: None, workload: None, operator: None, due: due.map(Millis), first, last }
    }

    #[test]
    fn answers_add_up() {
        let mut tally = Tally::default();
        let quick = Duration::from_secs(5);
        for took in 1..=10 {
            tally.add(&answer(Some(9), Some((Judgement::Accepted, took * 1000))), Millis(10), quick);
        }
        tally.add(&answer(Some(10), None), Millis(10), quick);
        tally.add(&answer(Some(11), None), Millis(10), quick);
        tally.add(&answer(None, Some((Judgement::Rejected, 60_000))), Millis(10), quick);
        let numbers: serde_json::Map<_, _> = tally.numbers().collect();
        for (name, number) in [
            ("required", 12),
            ("open", 1),
            ("never", 1),
            ("accepted", 10),
            ("rejected", 1),
            ("accepted_quickly", 4),
            ("accepted_quickly_percent", 40),
            ("never_percent", 8),
            ("median_ms", 6_000),
            ("p90_ms", 10_000),
        ] {
            assert_eq!(numbers[name], number, "{name}");
        }
        assert_eq!(Tally::default().percentile(50), None);
    }
}
