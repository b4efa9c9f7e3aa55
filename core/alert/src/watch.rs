//! What is told to one destination: the first at once, the others as a number, what holds when it begins and ends.

use crate::alert::{Alert, Site, Status};
use crate::fact::Facts;
use crate::{Code, Condition, Severity, Sighting, Turn};
use plant::{Millis, RecordId};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

/// Most different things that are kept apart. More are told as one of their code: a plant's names are fewer, and what a
/// caller chooses tells nothing apart.
const MOST: usize = 2048;
/// As much again for what holds.
const MOST_HOLDING: usize = 2 * MOST;
/// What so many have in common that are no longer kept apart.
const MANY: &str = "*";
/// A minute, in milliseconds.
const MINUTE: u64 = 60_000;
/// How often something that holds and ends again and again is told of in a window.
const TURNS: u32 = 2;

/// What a destination wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What is less urgent is not told.
    pub at_least: Severity,
    /// How long equal sightings are counted before they are told as one.
    pub window: Duration,
    /// Most alerts in a minute.
    pub per_minute: u32,
}

/// What one destination was told, and what it is still to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    pub(crate) open: BTreeMap<(Code, String), Open>,
    /// When the minute began in which alerts are counted, and how many there were.
    pub(crate) minute: (Millis, u32),
    pub(crate) withheld: BTreeMap<Code, u64>,
    /// How urgent the most urgent of them was.
    pub(crate) worst: Option<Severity>,
    /// When the first of them was, if there are any.
    pub(crate) since: Option<Millis>,
}

/// Something that was seen, in the window that it was seen in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    /// When the window ends, by the clock of whoever asks.
    pub(crate) ends: Millis,
    /// How often it was seen since it was told last.
    pub(crate) count: u64,
    /// When the first of these was.
    pub(crate) first: Millis,
    /// When the last was.
    pub(crate) last: Millis,
    pub(crate) record: Option<RecordId>,
    pub(crate) severity: Severity,
    pub(crate) facts: Facts,
    /// Of what holds: whether it holds, and what was told last; of what happens neither.
    pub(crate) holds: Option<bool>,
    pub(crate) told: Option<bool>,
    /// How often it was told in this window that it began or ended.
    pub(crate) turns: u32,
}

impl Watch {
    /// Takes notice of a sighting at `now`; gives what is to be told at once.
    pub fn see(&mut self, sighting: Sighting, terms: &Terms, site: &Site, now: Millis) -> Option<Alert> {
        let key = self.key(&sighting);
        if sighting.severity < terms.at_least && !self.open.contains_key(&key) {
            return None;
        }
        match sighting.turn {
            Turn::Once => self.once(key, sighting, terms, site, now),
            Turn::Raised => self.turned(key, sighting, true, terms, site, now),
            Turn::Cleared => self.turned(key, sighting, false, terms, site, now),
        }
    }

    /// Takes notice of whether something holds, however often it is asked; gives what is to be told at once.
    pub fn ask(&mut self, condition: &Condition, terms: &Terms, site: &Site, now: Millis) -> Option<Alert> {
        let known = self.open.get(&(condition.code, condition.destination.clone().unwrap_or_default()));
        if known.and_then(|open| open.holds).unwrap_or(false) == condition.holds {
            return None;
        }
        self.see(condition.sighting(now), terms, site, now)
    }

    /// Ends what holds of a code and is about something that `stays` does not know; gives what is to be told at once.
    pub fn end(
        &mut self,
        code: Code,
        stays: impl Fn(&str) -> bool,
        terms: &Terms,
        site: &Site,
        now: Millis,
    ) -> Vec<Alert> {
        let gone = self
            .open
            .iter()
            .filter(|((known, about), open)| *known == code && open.holds == Some(true) && !stays(about));
        let over = |((_, about), open): (&(Code, String), &Open)| Sighting {
            code,
            turn: Turn::Cleared,
            about: about.clone(),
            severity: open.severity,
            at: now,
            record: None,
            facts: open.facts.clone(),
        };
        let over: Vec<Sighting> = gone.map(over).collect();
        over.into_iter().filter_map(|sighting| self.see(sighting, terms, site, now)).collect()
    }

    /// What is to be told because its time has come.
    pub fn tick(&mut self, terms: &Terms, site: &Site, now: Millis) -> Vec<Alert> {
        let mut told: Vec<Alert> = self.flood(site, now).into_iter().collect();
        for key in self.due(terms, now) {
            let Some(mut open) = self.open.remove(&key) else { continue };
            let status = open.status();
            let alert = status.and_then(|status| self.tell(&key, &mut open, status, terms, site, now));
            let stays = alert.is_some() || status.is_some() || open.holds == Some(true);
            told.extend(alert);
            if !open.is_over(terms, now) {
                self.open.insert(key, open);
            } else if stays && !(open.holds == Some(false) && open.told != Some(true)) {
                // What went by without being seen again is over; what holds stays until it ends.
                open.ends = after(now, terms.window);
                open.turns = 0;
                self.open.insert(key, open);
            }
        }
        told
    }

    /// What has come due: first what began or ended while there was no room to tell it, then the most urgent.
    fn due(&self, terms: &Terms, now: Millis) -> Vec<(Code, String)> {
        let due = self.open.iter().filter(|(_, open)| open.is_owed() || open.is_over(terms, now));
        let mut due: Vec<_> = due.collect();
        due.sort_by_key(|(_, open)| (!open.is_owed(), Reverse(open.severity)));
        due.into_iter().map(|(key, _)| key.clone()).collect()
    }

    /// Counts alerts that the destination would not take, however often they were sent.
    pub fn refused(&mut self, alert: &Alert, now: Millis) {
        self.withhold(alert.code, alert.severity, alert.count.max(1), now);
    }

    /// How many things are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether nothing is open and nothing withheld.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.withheld.is_empty()
    }

    fn key(&self, sighting: &Sighting) -> (Code, String) {
        let key = (sighting.code, sighting.about.clone());
        // What happens often cannot hide that something else begins, or keep its end from being known.
        let most = if sighting.turn == Turn::Once { MOST } else { MOST_HOLDING };
        if self.open.len() < most || self.open.contains_key(&key) { key } else { (sighting.code, MANY.to_owned()) }
    }

    fn once(
        &mut self,
        key: (Code, String),
        sighting: Sighting,
        terms: &Terms,
        site: &Site,
        now: Millis,
    ) -> Option<Alert> {
        if let Some(open) = self.open.get_mut(&key) {
            open.add(sighting);
            return None;
        }
        let mut open = Open::new(sighting, after(now, terms.window));
        let alert = self.tell(&key, &mut open, Status::Firing, terms, site, now);
        self.open.insert(key, open);
        alert
    }

    fn turned(
        &mut self,
        key: (Code, String),
        sighting: Sighting,
        holds: bool,
        terms: &Terms,
        site: &Site,
        now: Millis,
    ) -> Option<Alert> {
        let mut open = match self.open.remove(&key) {
            Some(mut open) => {
                let severity = open.severity;
                open.add(sighting);
                // The end of it is about what began, however urgent that was.
                open.severity = if holds { open.severity } else { severity };
                open
            }
            None if holds => Open::new(sighting, after(now, terms.window)),
            None => return None,
        };
        open.holds = Some(holds);
        let turned = open.told.unwrap_or(false) != holds;
        let status = if holds { Status::Firing } else { Status::Resolved };
        let alert =
            if turned && open.turns < TURNS { self.tell(&key, &mut open, status, terms, site, now) } else { None };
        self.open.insert(key, open);
        alert
    }

    /// Tells of what is open, if the minute has room for it.
    fn tell(
        &mut self,
        key: &(Code, String),
        open: &mut Open,
        status: Status,
        terms: &Terms,
        site: &Site,
        now: Millis,
    ) -> Option<Alert> {
        self.begin_minute(now);
        if self.minute.1 >= terms.per_minute {
            // What holds is told later, when there is room; what happened is counted.
            if open.holds.is_none() {
                self.withhold(key.0, open.severity, open.count, now);
                open.count = 0;
            }
            return None;
        }
        self.minute.1 += 1;
        if open.holds.is_some() {
            open.told = open.holds;
            open.turns += 1;
        }
        let severity = if status == Status::Resolved { Severity::Info } else { open.severity };
        let from = open.record.map_or_else(|| format!("{}.t{}", site.gateway, open.last.0), |id| id.to_string());
        let about = if open.record.is_none() && !key.1.is_empty() { format!(".{}", key.1) } else { String::new() };
        let alert = Alert {
            id: format!("{from}.{}.{}{about}", key.0, status.name()),
            code: key.0,
            status,
            severity,
            site: site.clone(),
            about: key.1.clone(),
            count: open.count,
            first: open.first,
            last: open.last,
            record: open.record,
            facts: open.facts.clone(),
        };
        open.count = 0;
        Some(alert)
    }

    fn withhold(&mut self, code: Code, severity: Severity, count: u64, now: Millis) {
        let so_far = self.withheld.entry(code).or_default();
        *so_far = so_far.saturating_add(count);
        self.worst = self.worst.max(Some(severity));
        self.since.get_or_insert(now);
    }

    fn begin_minute(&mut self, now: Millis) {
        // A clock that was set back begins a new minute too.
        if now.0.abs_diff(self.minute.0.0) >= MINUTE {
            self.minute = (now, 0);
        }
    }

    /// Tells how many were withheld, once a minute: this one is never withheld itself.
    fn flood(&mut self, site: &Site, now: Millis) -> Option<Alert> {
        let since = self.since.filter(|since| now.0.abs_diff(since.0) >= MINUTE)?;
        self.since = None;
        let withheld = std::mem::take(&mut self.withheld);
        let count = withheld.values().fold(0, |sum: u64, count| sum.saturating_add(*count));
        let codes: Vec<String> = withheld.iter().map(|(code, count)| format!("{code} {count}")).collect();
        let mut facts = Facts::default();
        facts.add("withheld", Some(codes.join(", ")));
        let worst = self.worst.take().unwrap_or(Severity::Info);
        Some(Alert {
            id: format!("{}.t{}.{}.{}", site.gateway, now.0, Code::AlertsWithheld, Status::Firing.name()),
            code: Code::AlertsWithheld,
            status: Status::Firing,
            severity: worst.max(Code::AlertsWithheld.base()),
            site: site.clone(),
            about: String::new(),
            count,
            first: since,
            last: now,
            record: None,
            facts,
        })
    }
}

impl Open {
    fn new(sighting: Sighting, ends: Millis) -> Self {
        let Sighting { at, record, severity, facts, .. } = sighting;
        Self { ends, count: 1, first: at, last: at, record, severity, facts, holds: None, told: None, turns: 0 }
    }

    /// What is to be told of it when its time has come.
    fn status(&self) -> Option<Status> {
        match self.holds {
            Some(true) if self.is_untold() => Some(Status::Firing),
            Some(false) if self.is_untold() => Some(Status::Resolved),
            _ => (self.count > 0).then_some(Status::Repeated),
        }
    }

    /// Whether it began or ended since it was told.
    fn is_untold(&self) -> bool {
        self.holds.is_some_and(|holds| self.told.unwrap_or(false) != holds)
    }

    /// Whether that would have been told if there had been room.
    fn is_owed(&self) -> bool {
        self.is_untold() && self.turns < TURNS
    }

    /// Whether its window is over. One that ends later than any can that begins now is from before the clock was set back, or
    /// the window made shorter.
    fn is_over(&self, terms: &Terms, now: Millis) -> bool {
        self.ends <= now || self.ends > after(Millis(now.0.saturating_add(MINUTE)), terms.window)
    }

    /// Adds one more that is equal.
    fn add(&mut self, sighting: Sighting) {
        let Sighting { at, record, severity, facts, .. } = sighting;
        if self.count == 0 {
            (self.first, self.facts, self.severity) = (at, facts, severity);
        } else {
            self.facts.keep_common(&facts);
            self.severity = self.severity.max(severity);
        }
        (self.last, self.record) = (at, record);
        self.count = self.count.saturating_add(1);
    }
}

fn after(now: Millis, window: Duration) -> Millis {
    Millis(now.0.saturating_add(u64::try_from(window.as_millis()).unwrap_or(u64::MAX)))
}
