//! Browsers that are on their way to the issuer and back.

use crate::entrance::Trip;
use crate::session::{NoRandom, drawn};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long signing in there may take.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// Most trips under way: anybody can begin one. The oldest makes room.
const MOST: usize = 512;

/// Trips under way, by what their browser's cookie holds.
#[derive(Default)]
pub(crate) struct Trips(Mutex<BTreeMap<String, (Trip, Instant)>>);

impl Trips {
    /// Begins one; gives what its browser keeps, and what the issuer is asked with.
    pub(crate) fn begin(&self, back: String, now: Instant) -> Result<(String, Trip), NoRandom> {
        let [id, state, nonce, verifier] = [drawn()?, drawn()?, drawn()?, drawn()?];
        let trip = Trip { back, state, nonce, verifier };
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|_, (_, since)| now.saturating_duration_since(*since) < LONGEST);
        if under_way.len() >= MOST
            && let Some(oldest) = under_way.iter().min_by_key(|(_, (_, since))| *since).map(|(id, _)| id.clone())
        {
            under_way.remove(&oldest);
        }
        under_way.insert(id.clone(), (trip.clone(), now));
        Ok((id, trip))
    }

    /// Ends one: the browser is the one that it began in, and brings what it was sent away with.
    pub(crate) fn end(&self, id: &str, state: &str, now: Instant) -> Option<Trip> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whatever comes back, nobody comes back twice.
        let (trip, since) = under_way.remove(id)?;
        (trip.state == state && now.saturating_duration_since(since) < LONGEST).then_some(trip)
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, MOST, Trips};
    use std::time::Instant;

    #[test]
    fn a_trip_ends_once_where_it_began_with_its_own_state_and_in_time() {
        let (trips, now) = (Trips::default(), Instant::now());
        let begin = || trips.begin("https://gate/signed-in".to_owned(), now).unwrap();
        let (id, trip) = begin();
        assert!(trips.end("another browser", &trip.state, now).is_none());
        assert_eq!(trips.end(&id, &trip.state, now).map(|trip| trip.back).as_deref(), Some("https://gate/signed-in"));
        assert!(trips.end(&id, &trip.state, now).is_none(), "twice");
        let (id, trip) = begin();
        assert!(trips.end(&id, "another state", now).is_none());
        assert!(trips.end(&id, &trip.state, now).is_none(), "after another state");
        let (id, trip) = begin();
        assert!(trips.end(&id, &trip.state, now + LONGEST).is_none(), "late");
    }

    #[test]
    fn whoever_begins_trips_without_end_fills_no_memory() {
        let (trips, now) = (Trips::default(), Instant::now());
        for _ in 0..MOST + 9 {
            trips.begin(String::new(), now).unwrap();
        }
        assert_eq!(trips.0.lock().unwrap().len(), MOST);
    }
}
