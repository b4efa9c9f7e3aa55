//! What the tests of several modules stand on.

use crate::control::{Fault, InForce, Isolations, Later, Person};
use crate::entrance::{Arrival, Entrance, Terms, Trip};
use crate::porter::Visit;
use crate::reading::{Books, Reading};
use plant::Millis;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// An entrance without an issuer. Its digest is none for anything but tests.
#[derive(Default)]
pub(crate) struct Doors {
    pub(crate) epoch: AtomicU64,
}

impl Entrance for Doors {
    fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&hasher.finish().to_be_bytes());
        digest
    }

    fn terms(&self) -> Terms {
        Terms { issuer: false, epoch: self.epoch.load(Ordering::Relaxed), time_zone: "UTC".to_owned() }
    }

    fn leave<'a>(&'a self, _: &'a Trip) -> Later<'a, Result<String, Fault>> {
        Box::pin(std::future::ready(Err(Fault::Unavailable("there is no issuer".to_owned()))))
    }

    fn arrive<'a>(&'a self, _: &'a Trip, _: Arrival) -> Later<'a, Result<Person, Fault>> {
        Box::pin(std::future::ready(Err(Fault::Unavailable("there is no issuer".to_owned()))))
    }

    fn note(&self, _: Visit) {}
}

/// A gateway at rest.
pub(crate) fn reading() -> Reading {
    let in_force = InForce { digest: String::new(), zones: 0, conduits: 0, workloads: 0, providers: 0 };
    Reading {
        at: Millis(0),
        plant: "works".to_owned(),
        gateway: "gate-1".to_owned(),
        version: "0",
        problem: None,
        in_force,
        under_way: 0,
        lanes: Vec::new(),
        providers: Vec::new(),
        books: Books::default(),
        isolations: Isolations::default(),
        holds: Vec::new(),
    }
}
