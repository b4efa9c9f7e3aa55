//! A circuit breaker: leaves a provider alone that has failed too often, and tries it with one call at a time.
//!
//! ```text
//!           failures >= settings.failures, and half of what ended
//!  Closed ────────────────────────────────────────────────────────> Open, for `rest`
//!    ^                                                                │ rest is over: one call is a probe
//!    │ the probe ends well                                            v
//!    └─────────────────────────────────────────────────────────── HalfOpen
//!                                     the probe ends badly: Open again, for twice as long
//! ```

use crate::Breaking;
use plant::Millis;
use std::time::Duration;

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Calls pass.
    Closed,
    /// One call at a time is tried.
    HalfOpen,
    /// No call passes.
    Open,
}

impl State {
    /// Its name in records and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half-open",
            Self::Open => "open",
        }
    }
}

/// How a call may pass. Whoever has one says with [`Breaker::ended`] what became of the call.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a breaker that is not told how a probe ended lets no other pass for a while"]
pub struct Pass {
    probe: Option<u64>,
    /// The turn of the breaker in which it was given.
    turn: u64,
}

/// The provider is left alone until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// When it is tried again, at the earliest.
    pub until: Millis,
}

/// How a call ended, as far as it tells of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The provider answered.
    Well,
    /// The provider failed.
    Badly,
    /// It tells nothing: the caller left, or the provider was asked too much.
    Neither,
}

/// The breaker has turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// From there.
    pub from: State,
    /// To there.
    pub to: State,
}

/// A circuit breaker. Of constant size, whatever happens.
#[derive(Clone, Debug)]
pub struct Breaker {
    settings: Breaking,
    now: Standing,
    /// Counts changes of state: what began before one tells nothing of what is now.
    turn: u64,
    probes: u64,
}

#[derive(Clone, Copy, Debug)]
enum Standing {
    Closed { since: Millis, well: u32, badly: u32 },
    Open { until: Millis, rest: Duration },
    HalfOpen { probe: Option<(u64, Millis)>, rest: Duration },
}

impl Breaker {
    /// One that lets calls pass.
    #[must_use]
    pub fn new(settings: Breaking) -> Self {
        Self { settings, now: Standing::Closed { since: Millis(0), well: 0, badly: 0 }, turn: 0, probes: 0 }
    }

    /// What it is set to.
    #[must_use]
    pub fn settings(&self) -> &Breaking {
        &self.settings
    }

    /// Where it stands. One whose rest is over is open until a call comes.
    #[must_use]
    pub fn state(&self) -> State {
        match self.now {
            Standing::Closed { .. } => State::Closed,
            Standing::Open { .. } => State::Open,
            Standing::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// Lets a call pass, or says until when the provider rests.
    ///
    /// # Errors
    /// Until when no call passes.
    pub fn admit(&mut self, now: Millis) -> Result<Pass, Rest> {
        if let Standing::Open { until, rest } = self.now {
            if now < until {
                return Err(Rest { until });
            }
            self.turn += 1;
            self.now = Standing::HalfOpen { probe: None, rest };
        }
        match &mut self.now {
            Standing::HalfOpen { probe, rest } => {
                // A probe that never ends must not close the way for ever.
                if let Some((_, began)) = *probe
                    && now.0.saturating_sub(began.0) < millis(self.settings.longest)
                {
                    return Err(Rest { until: Millis(now.0.saturating_add(millis(*rest))) });
                }
                self.probes += 1;
                *probe = Some((self.probes, now));
                Ok(Pass { probe: Some(self.probes), turn: self.turn })
            }
            Standing::Closed { .. } | Standing::Open { .. } => Ok(Pass { probe: None, turn: self.turn }),
        }
    }

    /// Takes notice of how a call ended; says if the breaker has turned for it.
    pub fn ended(&mut self, pass: &Pass, how: Ended, now: Millis) -> Option<Change> {
        if pass.turn != self.turn {
            return None;
        }
        let from = self.state();
        match &mut self.now {
            Standing::Closed { since, well, badly } => {
                if now.0.saturating_sub(since.0) > millis(self.settings.within) {
                    (*since, *well, *badly) = (now, 0, 0);
                }
                match how {
                    Ended::Well => *well = well.saturating_add(1),
                    Ended::Badly => *badly = badly.saturating_add(1),
                    Ended::Neither => {}
                }
                if *badly < self.settings.failures.max(1) || *badly < *well {
                    return None;
                }
                self.open(self.settings.rest, now);
            }
            Standing::HalfOpen { probe, rest } => {
                if probe.map(|(number, _)| number) != pass.probe {
                    return None;
                }
                let longer = rest.saturating_mul(2).min(self.settings.longest.max(self.settings.rest));
                match how {
                    Ended::Well => {
                        self.turn += 1;
                        self.now = Standing::Closed { since: now, well: 0, badly: 0 };
                    }
                    Ended::Badly => self.open(longer, now),
                    Ended::Neither => *probe = None,
                }
            }
            Standing::Open { .. } => {}
        }
        let to = self.state();
        (from != to).then_some(Change { from, to })
    }

    fn open(&mut self, rest: Duration, now: Millis) {
        self.turn += 1;
        self.now = Standing::Open { until: Millis(now.0.saturating_add(millis(rest))), rest };
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Breaker, Change, Ended, Pass, Rest, State};
    use crate::Breaking;
    use plant::Millis;
    use proptest::prelude::*;
    use std::time::Duration;

    const SETTINGS: Breaking = Breaking {
        failures: 3,
        within: Duration::from_secs(10),
        rest: Duration::from_secs(5),
        longest: Duration::from_secs(20),
    };

    fn call(breaker: &mut Breaker, how: Ended, now: u64) -> Option<Change> {
        let pass = breaker.admit(Millis(now)).unwrap();
        breaker.ended(&pass, how, Millis(now))
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(SETTINGS);
        assert_eq!((0..3).filter_map(|now| call(&mut breaker, Ended::Badly, now)).count(), 1);
        breaker
    }

    #[test]
    fn it_opens_after_its_failures_and_closes_with_a_probe_that_ends_well() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(Millis(5_001)).unwrap_err(), Rest { until: Millis(5_002) });
        let probe = breaker.admit(Millis(5_002)).unwrap();
        assert_eq!(breaker.state(), State::HalfOpen);
        assert!(breaker.admit(Millis(5_003)).is_err(), "one at a time");
        let turned = breaker.ended(&probe, Ended::Well, Millis(5_010)).unwrap();
        assert_eq!(turned, Change { from: State::HalfOpen, to: State::Closed });
        assert_eq!(call(&mut breaker, Ended::Badly, 5_011), None, "it begins to count anew");
    }

    #[test]
    fn a_probe_that_fails_doubles_the_rest_up_to_the_longest() {
        let mut breaker = opened();
        let mut now = 2;
        for rest in [5_000, 10_000, 20_000, 20_000] {
            assert_eq!(breaker.admit(Millis(now + rest - 1)), Err(Rest { until: Millis(now + rest) }));
            now += rest;
            call(&mut breaker, Ended::Badly, now).unwrap();
        }
    }

    #[test]
    fn a_probe_whose_caller_left_makes_room_for_the_next() {
        let mut breaker = opened();
        let probe = breaker.admit(Millis(6_000)).unwrap();
        assert_eq!(breaker.ended(&probe, Ended::Neither, Millis(6_001)), None);
        assert!(breaker.admit(Millis(6_001)).is_ok());
        assert!(breaker.admit(Millis(26_001)).is_ok(), "nor does one that never ends close the way");
    }

    #[test]
    fn few_failures_among_many_answers_do_not_open_it() {
        let mut breaker = Breaker::new(SETTINGS);
        for now in 0..100 {
            let how = if now % 3 == 2 { Ended::Badly } else { Ended::Well };
            assert_eq!(call(&mut breaker, how, now), None, "at {now}");
        }
    }

    proptest! {
        #[test]
        fn whatever_happens_one_probe_is_out_at_a_time_and_no_rest_is_too_long(
            events in prop::collection::vec((0..6_000_u64, 0..3_u8, any::<bool>()), 1..300),
        ) {
            let (mut breaker, mut now) = (Breaker::new(SETTINGS), 0);
            let mut out: Vec<(Pass, State, u64)> = Vec::new();
            for (step, how, end) in events {
                now += step;
                if end && !out.is_empty() {
                    let (pass, ..) = out.remove(0);
                    let how = [Ended::Well, Ended::Badly, Ended::Neither][usize::from(how)];
                    let _ = breaker.ended(&pass, how, Millis(now));
                } else {
                    match breaker.admit(Millis(now)) {
                        Ok(pass) => out.push((pass, breaker.state(), now)),
                        Err(Rest { until }) => {
                            prop_assert!(until.0 > now);
                            prop_assert!(until.0 <= now + 20_000);
                        }
                    }
                }
                let turn = breaker.turn;
                let probes = out.iter().filter(|(pass, state, began)| {
                    *state == State::HalfOpen && pass.turn == turn && now - began < 20_000
                });
                prop_assert!(breaker.state() != State::HalfOpen || probes.count() <= 1);
            }
        }

        #[test]
        fn without_a_failure_every_call_passes(steps in prop::collection::vec(0..100_000_u64, 1..200)) {
            let (mut breaker, mut now) = (Breaker::new(SETTINGS), 0);
            for (index, step) in steps.into_iter().enumerate() {
                now += step;
                let how = if index % 2 == 0 { Ended::Well } else { Ended::Neither };
                prop_assert_eq!(call(&mut breaker, how, now), None);
            }
        }
    }
}
