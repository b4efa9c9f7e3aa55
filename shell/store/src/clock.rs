//! What time it is, and whether to believe it.
//!
//! A record carries wall-clock time and boot time. Wall-clock time can be set; boot time cannot, and it counts
//! suspended time too. Where the two part company the ledger says so in a `clock` record before it goes on.

mod compared;
mod sntp;

pub use compared::Compared;
pub use sntp::Answer;

use plant::Millis;
use std::fmt;
use std::sync::Arc;

/// How far wall-clock time may move against boot time before a `clock` record says so, in milliseconds.
pub const TOLERANCE: u64 = 500;

/// How often it is looked up what keeps the time, in microseconds: a gateway starts before the machine is synchronised.
const SOURCE_EVERY: u64 = 60_000_000;

/// One look at the clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Wall-clock time, UTC.
    pub time: Millis,
    /// Microseconds since the machine started, suspended time included.
    pub mono: u64,
}

/// Where readings come from. The operating system, or in a test whatever the test says.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Looks at both clocks.
    fn read(&self) -> Reading;
    /// Identifies this start of the machine; boot times are comparable only within one.
    fn boot(&self) -> String;
    /// What keeps the time, for the record: `system`, `ntp`, `ptp`.
    fn source(&self) -> String;
    /// How far wall-clock time may be off at this reading, in milliseconds, if anybody knows.
    fn bound(&self, at: &Reading) -> Option<u64> {
        let _ = at;
        None
    }
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

/// Reads one line that the kernel publishes; what is not there is said to be unknown.
fn kernel_says(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line: String = text.trim().chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
    if line.is_empty() { "unknown".to_owned() } else { line }
}

impl Clock for System {
    fn read(&self) -> Reading {
        let wall = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        // Times before 1970 count as 1970: a machine with a dead battery, which the jump to the right time reveals.
        let seconds = u64::try_from(wall.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(wall.tv_nsec).unwrap_or(0);
        let up = u64::try_from(boot.tv_sec).unwrap_or(0);
        Reading {
            time: Millis(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000)),
            mono: up.saturating_mul(1_000_000).saturating_add(u64::try_from(boot.tv_nsec).unwrap_or(0) / 1000),
        }
    }

    fn boot(&self) -> String {
        kernel_says("/proc/sys/kernel/random/boot_id")
    }

    /// The kernel's own word on synchronisation needs `adjtimex`; what systemd leaves on the disk will do.
    fn source(&self) -> String {
        let synchronised = std::path::Path::new("/run/systemd/timesync/synchronized").exists();
        if synchronised { "ntp" } else { "system" }.to_owned()
    }
}

/// What the wall clock did between two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Whether it went back.
    pub(crate) back: bool,
    /// Against boot time, in milliseconds.
    pub(crate) by: u64,
    /// The last time that was recorded.
    pub(crate) last: Millis,
}

/// Watches the clocks from record to record.
#[derive(Debug)]
pub(crate) struct Watch {
    clock: Arc<dyn Clock>,
    /// This start of the machine.
    pub(crate) machine: String,
    /// What keeps the time.
    pub(crate) source: String,
    /// The last recorded reading.
    last: Option<Reading>,
    /// Wall-clock minus boot time in milliseconds when it was last put on record. A slow drift adds up against
    /// this and is reported too, though each step of it is small.
    offset: Option<i128>,
    /// When it was looked up what keeps the time.
    asked: u64,
}

/// What is on record about the clocks, to go back to when a record was not written after all.
#[derive(Clone, Debug, Default)]
pub(crate) struct OnRecord {
    last: Option<Reading>,
    offset: Option<i128>,
}

impl Watch {
    /// Begins from the last record of an earlier run, if there is one.
    pub(crate) fn new(clock: Arc<dyn Clock>, last: Option<(Reading, String)>) -> Self {
        let (machine, source) = (clock.boot(), clock.source());
        let same_boot = last.as_ref().is_some_and(|(_, before)| *before == machine);
        let last = last.map(|(reading, _)| reading);
        let offset = last.as_ref().filter(|_| same_boot).map(offset);
        let asked = clock.read().mono;
        Self { clock, machine, source, last, offset, asked }
    }

    /// Looks at the clocks. A step that must be put on record comes along, once.
    pub(crate) fn look(&mut self) -> (Reading, Option<Step>) {
        let now = self.clock.read();
        if now.mono.saturating_sub(self.asked) >= SOURCE_EVERY {
            self.asked = now.mono;
            self.source = self.clock.source();
        }
        let step = self.judge(&now);
        if step.is_some() || self.offset.is_none() {
            self.offset = Some(offset(&now));
        }
        self.last = Some(now.clone());
        (now, step)
    }

    /// How far the time may be off, if that is known.
    pub(crate) fn bound(&self, at: &Reading) -> Option<u64> {
        self.clock.bound(at)
    }

    /// What is on record now.
    pub(crate) fn on_record(&self) -> OnRecord {
        OnRecord { last: self.last.clone(), offset: self.offset }
    }

    /// Forgets what was looked at since: it did not get on record.
    pub(crate) fn take_back(&mut self, before: OnRecord) {
        (self.last, self.offset) = (before.last, before.offset);
    }

    fn judge(&self, now: &Reading) -> Option<Step> {
        let last = self.last.as_ref()?;
        let moved = self.offset.map_or(0, |before| offset(now) - before);
        let back = now.time < last.time;
        let by = u64::try_from(moved.unsigned_abs()).unwrap_or(u64::MAX).max(last.time.0.saturating_sub(now.time.0));
        (back || by > TOLERANCE).then_some(Step { back: back || moved < 0, by, last: last.time })
    }
}

fn offset(reading: &Reading) -> i128 {
    i128::from(reading.time.0) - i128::from(reading.mono / 1000)
}

#[cfg(test)]
mod tests {
    use super::{Clock, Reading, System, Watch};
    use plant::Millis;
    use std::sync::{Arc, Mutex};

    #[derive(Debug)]
    struct Scripted(Mutex<(u64, u64)>);

    impl Scripted {
        fn set(&self, time: u64, up: u64) {
            *self.0.lock().unwrap() = (time, up);
        }
    }

    impl Clock for Scripted {
        fn read(&self) -> Reading {
            let (time, up) = *self.0.lock().unwrap();
            Reading { time: Millis(time), mono: up * 1000 }
        }
        fn boot(&self) -> String {
            "boot-1".to_owned()
        }
        fn source(&self) -> String {
            "script".to_owned()
        }
    }

    /// Steps of (time, up) in milliseconds, each with whether the clock is said to have stepped and whether back.
    fn check(last: Option<(u64, u64, &str)>, looks: &[(u64, u64, Option<bool>)]) {
        let clock = Arc::new(Scripted(Mutex::new((0, 0))));
        let last = last.map(|(time, up, boot)| (Reading { time: Millis(time), mono: up * 1000 }, boot.to_owned()));
        let mut watch = Watch::new(Arc::clone(&clock) as Arc<dyn Clock>, last);
        for (time, up, expected) in looks {
            clock.set(*time, *up);
            assert_eq!(watch.look().1.map(|step| step.back), *expected, "at {time}, {up}");
        }
    }

    #[test]
    fn clocks_that_agree_are_silent() {
        check(None, &[(10_000, 10, None), (10_400, 410, None), (99_000, 89_010, None)]);
    }

    #[test]
    fn a12_a_step_back_or_a_jump_is_said_once() {
        check(None, &[(10_000, 10, None), (9_999, 11, Some(true)), (10_100, 112, None)]);
        check(None, &[(10_000, 10, None), (20_000, 20, Some(false)), (20_001, 21, None)]);
    }

    #[test]
    fn a12_a_frozen_clock_and_a_slow_drift_are_seen() {
        check(None, &[(10_000, 0, None), (10_000, 400, None), (10_000, 900, Some(true)), (10_000, 901, None)]);
        check(None, &[(0, 0, None), (1_300, 1_000, None), (2_600, 2_000, Some(false))]);
    }

    #[test]
    fn across_a_restart_only_a_step_back_can_be_seen_unless_the_machine_stayed_up() {
        check(Some((50_000, 9_000, "boot-0")), &[(90_000, 10, None)]);
        check(Some((50_000, 9_000, "boot-0")), &[(49_000, 10, Some(true))]);
        check(Some((50_000, 9_000, "boot-1")), &[(90_000, 10_000, Some(false))]);
    }

    #[test]
    fn a_step_that_did_not_get_on_record_is_said_again() {
        let clock = Arc::new(Scripted(Mutex::new((10_000, 10))));
        let mut watch = Watch::new(Arc::clone(&clock) as Arc<dyn Clock>, None);
        watch.look();
        let before = watch.on_record();
        clock.set(9_000, 20);
        assert!(watch.look().1.is_some());
        watch.take_back(before);
        assert!(watch.look().1.is_some() && watch.look().1.is_none());
    }

    #[test]
    fn a_clock_that_is_synchronised_after_the_start_is_said_to_be() {
        #[derive(Debug)]
        struct Late(Mutex<u64>);
        impl Clock for Late {
            fn read(&self) -> Reading {
                let up = *self.0.lock().unwrap();
                Reading { time: Millis(up / 1000), mono: up }
            }
            fn boot(&self) -> String {
                String::new()
            }
            fn source(&self) -> String {
                if *self.0.lock().unwrap() < 30_000_000 { "system" } else { "ntp" }.to_owned()
            }
        }
        let clock = Arc::new(Late(Mutex::new(0)));
        let mut watch = Watch::new(Arc::clone(&clock) as Arc<dyn Clock>, None);
        for (up, source) in [(29, "system"), (59, "system"), (60, "ntp")] {
            *clock.0.lock().unwrap() = up * 1_000_000;
            watch.look();
            assert_eq!(watch.source, source);
        }
    }

    #[test]
    fn the_system_has_clocks() {
        let (first, second) = (System.read(), System.read());
        assert!(second.mono >= first.mono && first.time > Millis(1_600_000_000_000));
        assert!(!System.boot().is_empty() && ["system", "ntp"].contains(&System.source().as_str()));
    }
}
