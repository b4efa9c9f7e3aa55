//! A place among the exchanges under way, and room for the bodies that they must hold whole.
//!
//! Limits of one exchange bound what one caller can cost. These bound what all can cost together: a hundred images of
//! 20 MiB that come at once are each within their conduit's limits.

use crate::metrics::Present;
use plant::{Reason, Refusal};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit in which room is given out. A body below it takes none: places bound those.
const UNIT: usize = 64 << 10;

/// Room for whole bodies, shared by all exchanges.
#[derive(Debug)]
pub(crate) struct Rooms(Arc<Semaphore>);

impl Rooms {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / UNIT).min(Semaphore::MAX_PERMITS))))
    }
}

/// A place among the exchanges under way, held until the last byte of the answer.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _under_way: Present,
    held: Held,
}

/// Room that is held for the bodies of one side of an exchange.
pub(crate) struct Held {
    rooms: Arc<Semaphore>,
    room: Option<OwnedSemaphorePermit>,
}

impl Place {
    pub(crate) fn take(exchanges: &Arc<Semaphore>, rooms: &Rooms, under_way: Present) -> Result<Self, Refusal> {
        let permit = Arc::clone(exchanges).try_acquire_owned();
        let permit = permit.map_err(|_| Refusal::new(Reason::TooBusy, "as many exchanges are under way as may be"))?;
        Ok(Self { _permit: permit, _under_way: under_way, held: Held { rooms: Arc::clone(&rooms.0), room: None } })
    }

    /// Room of its own for another side of the exchange: none yet.
    pub(crate) fn beside(&self) -> Held {
        Held { rooms: Arc::clone(&self.held.rooms), room: None }
    }

    /// Makes sure that there is room for this many bytes in all. Room is given back with the place.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.held.hold(bytes)
    }
}

impl Held {
    /// Makes sure that there is room for this many bytes in all. Room is given back when this is dropped.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Refusal> {
        let held = self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = u32::try_from((bytes / UNIT).saturating_sub(held)).unwrap_or(u32::MAX);
        if missing == 0 {
            return Ok(());
        }
        let more = Arc::clone(&self.rooms).try_acquire_many_owned(missing);
        let more =
            more.map_err(|_| Refusal::new(Reason::TooBusy, "the bodies under way take all the room there is"))?;
        match &mut self.room {
            Some(room) => room.merge(more),
            None => self.room = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Rooms, UNIT};
    use crate::Metrics;
    use plant::Reason;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    #[test]
    fn room_is_shared_and_given_back() {
        let (exchanges, rooms, metrics) = (Arc::new(Semaphore::new(2)), Rooms::new(10 * UNIT), Metrics::default());
        let take = || Place::take(&exchanges, &rooms, metrics.under_way());
        let (mut one, mut other) = (take().unwrap(), take().unwrap());
        assert_eq!(take().err().map(|refusal| refusal.reason), Some(Reason::TooBusy));
        one.hold(6 * UNIT).unwrap();
        one.hold(4 * UNIT).unwrap();
        other.hold(4 * UNIT).unwrap();
        assert_eq!(other.hold(5 * UNIT).unwrap_err().reason, Reason::TooBusy);
        drop(one);
        other.hold(10 * UNIT).unwrap();
    }
}
