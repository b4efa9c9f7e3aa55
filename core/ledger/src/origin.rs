//! Which ledger: plant, gateway, and 16 random bytes drawn when it was begun.
//!
//! The random part makes a cloned or re-initialised machine collide visibly (attack A11): two ledgers that carry the
//! same origin were one when they began.

use crate::epoch::Schedule;
use plant::{Body, Draft, GatewayId, Kind, Note, PlantId, RecordId};
use seal::note::Verifier;
use seal::{hex, unhex};
use std::collections::BTreeMap;
use std::fmt;

/// A ledger's name: the first line of its checkpoints and the name of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The site.
    pub plant: PlantId,
    /// The gateway whose ledger it is.
    pub gateway: GatewayId,
    /// Drawn once, when the ledger was begun.
    pub genesis: [u8; 16],
}

impl Origin {
    /// Reads `<plant>/<gateway>/<genesis-id>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (plant, gateway, genesis) = (parts.next()?, parts.next()?, parts.next()?);
        let origin = Self {
            plant: PlantId::new(plant).ok()?,
            gateway: GatewayId::new(gateway).ok()?,
            genesis: unhex(genesis)?.try_into().ok()?,
        };
        parts.next().is_none().then_some(origin)
    }

    /// The first record of the ledger: its name, the key that signs it, and the schedule of the keys that sign beside it.
    ///
    /// Verification compares `note.origin` with the checkpoint's, so that a ledger cannot be given another's head.
    #[must_use]
    pub fn begin(&self, id: RecordId, key: &Verifier, epochs: Option<&Schedule>) -> Draft {
        let mut note = BTreeMap::from([("key", Note::text(key.to_string())), ("origin", Note::text(self.to_string()))]);
        note.extend(epochs.map(|schedule| ("epochs", Note::text(schedule.to_string()))));
        Draft { kind: Kind::Genesis, id, reference: None, body: Body { note, ..Body::default() } }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.plant, self.gateway, hex(&self.genesis))
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn an_origin_has_one_spelling() {
        let good = "brewery/gate-1/000102030405060708090a0b0c0d0e0f";
        assert_eq!(Origin::parse(good).unwrap().to_string(), good);
        for bad in [
            "",
            "brewery/gate-1",
            "brewery/gate-1/00",
            "Brewery/gate-1/000102030405060708090a0b0c0d0e0f",
            "brewery/gate-1/000102030405060708090A0B0C0D0E0F",
            "brewery/gate-1/000102030405060708090a0b0c0d0e0f/",
            "brewery/gate 1/000102030405060708090a0b0c0d0e0f",
        ] {
            assert_eq!(Origin::parse(bad), None, "{bad}");
        }
    }
}
