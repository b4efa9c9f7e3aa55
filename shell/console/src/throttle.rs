//! How many requests are answered in a second.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Requests that may come at once after a rest.
const BURST: f64 = 400.0;
/// Requests in a second, in the long run. Ten consoles that look twice a second are 20.
const RATE: f64 = 200.0;

/// A bucket that fills by itself.
#[derive(Debug)]
pub(crate) struct Throttle(Mutex<(f64, Instant)>);

impl Throttle {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new((BURST, now)))
    }

    /// Whether one more is within the limit at `now`.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        // A panic under this lock leaves two whole numbers behind.
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (level, then) = *bucket;
        let level = (level + now.saturating_duration_since(then).as_secs_f64() * RATE).min(BURST);
        let admitted = level >= 1.0;
        *bucket = (if admitted { level - 1.0 } else { level }, now);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::Throttle;
    use std::time::{Duration, Instant};

    #[test]
    fn a_burst_passes_and_then_so_many_in_a_second() {
        let start = Instant::now();
        let throttle = Throttle::new(start);
        let admitted = |at: Duration| (0..1000).filter(|_| throttle.admits(start + at)).count();
        assert_eq!(admitted(Duration::ZERO), 400);
        assert_eq!(admitted(Duration::from_millis(100)), 20);
        assert_eq!(admitted(Duration::from_secs(60)), 400);
    }
}
