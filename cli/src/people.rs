//! The pseudonyms of the issuer's people: drawn at the first call, kept beside the ledger, sealed to the gateway and the auditors.

use crate::secrets::{PlantKey, SecretError};
use crate::vault;
use config::{Gateway, Loaded};
use identity::{Named, Naming};
use plant::OperatorId;
use seal::person::Person;
use seal::{Mac, OpeningKey, Recipient};
use std::fmt;
use std::path::Path;
use store::{Blobs, Newcomer};
use zeroize::Zeroizing;

/// Who names a plant's people.
pub(crate) struct People {
    blobs: Blobs,
    places: Mac,
    own: OpeningKey,
    auditors: Vec<Recipient>,
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("People")
    }
}

impl People {
    /// Makes the gateway's own key if there is none yet.
    pub(crate) fn of(gateway: &Gateway, key: &PlantKey) -> Result<Self, SecretError> {
        let auditors = gateway.auditors.iter().filter_map(|auditor| Recipient::parse(auditor)).collect();
        let own = vault::own_key(&gateway.keys)?;
        Ok(Self { blobs: Blobs::new(&gateway.ledger), places: key.persons(), own, auditors })
    }
}

impl Naming for People {
    fn name(&self, issuer: &str, subject: &str) -> Option<Named> {
        let place = place(&self.places, issuer, subject);
        let newcomer = Newcomer { place, issuer, subject, auditors: &self.auditors, now: gateway::now() };
        let drawn = |salt: &seal::envelope::Salt| identity::pseudonym(&salt.commitments(), issuer, subject).to_string();
        let named = match self.blobs.pseudonym(&place) {
            Ok(Some(named)) => Ok(named),
            _ => self.blobs.name(&self.own, newcomer, drawn),
        };
        match named {
            Ok(named) => OperatorId::new(&named).ok().map(|id| Named { id, place }),
            Err(problem) => {
                tracing::error!(%problem, "a person's pseudonym cannot be kept");
                None
            }
        }
    }

    fn holds(&self, named: &Named) -> bool {
        self.blobs.is_named(&named.place)
    }
}

/// What finds a person's pseudonym again.
fn place(places: &Mac, issuer: &str, subject: &str) -> [u8; 32] {
    places.tag(&[issuer.as_bytes(), subject.as_bytes()])
}

/// The pseudonym that a person has now.
pub(crate) fn known(loaded: &Loaded, subject: &str) -> miette::Result<OperatorId> {
    let Some(issuer) = &loaded.plant.issuer else {
        miette::bail!(help = "give the pseudonym instead: `op-...`", "the plant names no issuer of operators");
    };
    let key = PlantKey::read(&loaded.gateway.keys)?;
    let place = place(&key.persons(), &issuer.issuer, subject);
    let named = Blobs::new(&loaded.gateway.ledger).pseudonym(&place).map_err(|problem| miette::miette!("{problem}"))?;
    named.and_then(|named| OperatorId::new(named).ok()).ok_or_else(|| {
        miette::miette!(
            help =
                "give the pseudonym, `op-...`, if you know it; after `penstock erase` nobody can tell it from the name",
            "nobody of that name has a pseudonym here: they never called, or were erased"
        )
    })
}

/// Who a pseudonym is.
pub(crate) struct Identity {
    pub(crate) issuer: Zeroizing<String>,
    pub(crate) subject: Zeroizing<String>,
}

/// Who a pseudonym is, for whoever holds a key. `None` if nobody knows any more, or not this holder, or the pseudonym is not made
/// of what the file says.
pub(crate) fn identity(ledger: &Path, pseudonym: &str, key: &OpeningKey) -> Option<Identity> {
    let Person { salt, issuer, subject } = Blobs::new(ledger).identity(pseudonym, key).ok().flatten()?;
    let genuine = identity::pseudonym(&salt.commitments(), &issuer, &subject);
    (genuine.as_str() == pseudonym).then_some(Identity { issuer, subject })
}
