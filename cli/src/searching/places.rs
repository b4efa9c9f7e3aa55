//! Who may look into the ledger at the same time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Lookups at a time, those of one person among them, and how long one waits for its turn.
const ALL: usize = 3;
const OWN: usize = ALL - 1;
const PATIENCE: Duration = Duration::from_secs(3);

/// Places for those who look. Whoever asks more than others stands behind himself, and not in front of them.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    /// The places of whoever has one, or waits for one.
    own: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _one: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
}

impl Default for Places {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(ALL)), own: Mutex::default() }
    }
}

impl Places {
    /// A place for somebody, by name; none if that takes too long.
    pub(super) async fn take(&self, who: &str) -> Option<Place> {
        let place = async {
            let own = self.own(who).acquire_owned().await.ok()?;
            let one = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Place { _one: one, _own: own })
        };
        timeout(PATIENCE, place).await.ok().flatten()
    }

    fn own(&self, who: &str) -> Arc<Semaphore> {
        // Nothing is done under this lock but to put in and take out.
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.retain(|_, places| Arc::strong_count(places) > 1);
        Arc::clone(own.entry(who.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(OWN))))
    }
}

#[cfg(test)]
mod tests {
    use super::Places;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[tokio::test]
    async fn nobody_keeps_the_others_away() {
        let places = Places::default();
        let held = [places.take("ada").await.unwrap(), places.take("ada").await.unwrap()];
        let mut context = Context::from_waker(Waker::noop());
        let mut third = pin!(places.take("ada"));
        assert!(third.as_mut().poll(&mut context).is_pending(), "one stays free for others");
        let Poll::Ready(Some(bens)) = pin!(places.take("ben")).poll(&mut context) else { panic!("it is free") };
        assert!(pin!(places.take("cyd")).poll(&mut context).is_pending(), "three at a time");
        drop(bens);
        assert!(third.as_mut().poll(&mut context).is_pending(), "what ben leaves is not for ada");
        drop(held);
        assert!(third.await.is_some());
        assert!(places.take("dan").await.is_some());
        assert_eq!(places.own.lock().unwrap().len(), 1, "whoever is gone is forgotten");
    }
}
