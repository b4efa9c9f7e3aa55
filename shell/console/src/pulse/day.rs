//! The last day in minutes, all conduits together.

use super::window::Sum;
use plant::Millis;
use serde::Serialize;
use std::collections::VecDeque;

/// In milliseconds.
const MINUTE: u64 = 60_000;
/// How many are looked back on.
const MINUTES: usize = 24 * 60;

/// What ended in a minute: calls that went on, were refused, failed; and within how many milliseconds half and 95 of a hundred of
/// those that went on did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Minute(u64, u64, u64, Option<f32>, Option<f32>);

impl Minute {
    fn of(sum: &Sum) -> Self {
        let percentile = |percent| sum.percentile(percent).map(|ms| ms as f32);
        Self(sum.passed(), sum.refused(), sum.failed, percentile(50), percentile(95))
    }
}

/// As it is told: one minute after the other, the last of them not over yet.
#[derive(Debug, Serialize)]
pub(crate) struct History {
    began: String,
    minutes: Vec<Minute>,
}

/// What has ended since the gateway began, at most a day ago.
#[derive(Debug, Default)]
pub(super) struct Day {
    over: VecDeque<Minute>,
    /// What ended in the minute of now.
    pub(super) sum: Sum,
    /// Which that is.
    minute: u64,
}

impl Day {
    /// Goes on to the minute of a time. A clock that goes back stays in the minute that it was in.
    pub(super) fn turn(&mut self, at: Millis) {
        let minute = at.0 / MINUTE;
        let turned = if self.minute == 0 { 0 } else { minute.saturating_sub(self.minute) };
        self.minute = self.minute.max(minute);
        for _ in 0..turned.min(MINUTES as u64) {
            self.over.push_back(Minute::of(&std::mem::take(&mut self.sum)));
        }
        while self.over.len() >= MINUTES {
            self.over.pop_front();
        }
    }

    pub(super) fn history(&self) -> History {
        let began = self.minute.saturating_sub(self.over.len() as u64) * MINUTE;
        let minutes = self.over.iter().cloned().chain([Minute::of(&self.sum)]);
        History { began: Millis(began).to_string(), minutes: minutes.collect() }
    }
}
