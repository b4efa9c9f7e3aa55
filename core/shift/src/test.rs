//! The two tests: of shares and of means.
//!
//! Both ask how far the last window stands from those before, in standard errors of that difference. Calls of one workload
//! come in bursts, so that windows differ by more than chance would have it: the error is widened by how much the earlier
//! windows differed among themselves (the dispersion of McCullagh and Nelder, Generalized Linear Models, section 4.5), and
//! never narrowed.

use crate::measure::Level;

/// Hits among calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    pub(crate) hits: u32,
    pub(crate) calls: u32,
}

/// Sums over logarithms of sizes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    pub(crate) calls: u32,
    sum: f64,
    squares: f64,
}

impl Sizes {
    pub(crate) fn add(&mut self, bytes: u64) {
        let bits = logarithm(bytes);
        self.calls += 1;
        self.sum += bits;
        self.squares += bits * bits;
    }

    fn mean(&self) -> f64 {
        self.sum / f64::from(self.calls.max(1))
    }

    fn join(all: &[Self]) -> Self {
        all.iter().fold(Self::default(), |whole, own| Self {
            calls: whole.calls + own.calls,
            sum: whole.sum + own.sum,
            squares: whole.squares + own.squares,
        })
    }

    fn variance(&self) -> f64 {
        let mean = self.mean();
        (self.squares / f64::from(self.calls.max(1)) - mean * mean).max(0.0)
    }

    fn level(&self) -> Level {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "of a mean of sizes")]
        let bytes = (self.mean().exp2() - 1.0).round() as u64;
        Level::Size { bytes, calls: u64::from(self.calls) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a size is told to three digits")]
fn logarithm(bytes: u64) -> f64 {
    (bytes as f64 + 1.0).log2()
}

/// How two stretches differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Difference {
    pub(crate) before: Level,
    pub(crate) after: Level,
    /// In standard errors.
    pub(crate) deviation: f64,
    /// Of shares the difference, of sizes the logarithm to base 2 of the quotient.
    pub(crate) effect: f64,
}

/// Two-proportion test with pooled variance.
pub(crate) fn shares(earlier: &[Share], now: Share) -> Difference {
    let (hits, calls) = earlier.iter().fold((0, 0), |sum, own| (sum.0 + own.hits, sum.1 + own.calls));
    let [n, m] = [calls, now.calls].map(|calls| f64::from(calls.max(1)));
    let (before, after) = (f64::from(hits) / n, f64::from(now.hits) / m);
    // One hit and one miss more: what has never been seen may still happen.
    let pooled = (f64::from(hits) + f64::from(now.hits) + 1.0) / (n + m + 2.0);
    let variance = pooled * (1.0 - pooled);
    let own = (f64::from(hits) + 0.5) / (n + 1.0);
    let spread: f64 = earlier
        .iter()
        .map(|one| {
            let size = f64::from(one.calls);
            (f64::from(one.hits) - size * own).powi(2) / (size.max(1.0) * own * (1.0 - own))
        })
        .sum();
    let error = (variance * (1.0 / n + 1.0 / m) * dispersion(spread, earlier.len())).sqrt();
    let level = |hits: u32, calls: u32| Level::Share { hits: u64::from(hits), calls: u64::from(calls) };
    let effect = after - before;
    let (before, after) = (level(hits, calls), level(now.hits, now.calls));
    Difference { before, after, deviation: effect / error, effect }
}

/// Welch's test on logarithms, so that a few large files do not hide what most calls do.
pub(crate) fn sizes(earlier: &[Sizes], now: Sizes) -> Difference {
    /// Sizes that hardly vary still do by a few per cent when a name in a prompt is longer.
    const LEAST: f64 = 0.01;
    let all = Sizes::join(earlier);
    let own = all.variance().max(LEAST);
    let spread: f64 = earlier.iter().map(|one| f64::from(one.calls) * (one.mean() - all.mean()).powi(2) / own).sum();
    let [n, m] = [all.calls, now.calls].map(|calls| f64::from(calls.max(1)));
    let usual = own * dispersion(spread, earlier.len());
    let variance = usual / n + now.variance().max(usual) / m;
    let effect = now.mean() - all.mean();
    Difference { before: all.level(), after: now.level(), deviation: effect / variance.sqrt(), effect }
}

/// By how much more than by chance windows differ; at least 1.
fn dispersion(spread: f64, windows: usize) -> f64 {
    let freedom = u32::try_from(windows.saturating_sub(1)).unwrap_or(u32::MAX).max(1);
    (spread / f64::from(freedom)).max(1.0)
}
