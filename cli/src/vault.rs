//! What the gateway keeps of calls, sealed beside the ledger for itself and for the auditors whom the plant names now.

use crate::secrets::{self, SecretError};
use config::Loaded;
use gateway::{Kept, Unwritten};
use plant::{Keep, Sealed};
use seal::{OpeningKey, Recipient};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use store::{Blobs, Content};

/// The content beside one ledger.
pub(crate) struct Vault {
    blobs: Blobs,
    holders: RwLock<Option<Arc<Holders>>>,
}

/// Who can open what is kept from now on.
struct Holders {
    own: OpeningKey,
    auditors: Vec<Recipient>,
}

impl Vault {
    /// The vault of a plant. Makes the gateway's key if something is kept and there is none yet.
    pub(crate) fn open(loaded: &Loaded) -> Result<Self, SecretError> {
        let vault = Self { blobs: Blobs::new(&loaded.gateway.ledger), holders: RwLock::default() };
        vault.renew(loaded)?;
        Ok(vault)
    }

    /// Takes what a plant file says of keeping. Where it keeps nothing, calls under way may still be kept as they began.
    pub(crate) fn renew(&self, loaded: &Loaded) -> Result<(), SecretError> {
        if keeps(loaded) {
            let holders = Holders::of(loaded)?;
            *self.holders.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(holders));
        }
        Ok(())
    }

    /// Seals content and makes it durable.
    pub(crate) fn keep(&self, kept: &Kept) -> Result<Sealed, Unwritten> {
        let holders = self.holders.read().unwrap_or_else(PoisonError::into_inner).clone();
        let holders = holders.ok_or_else(|| Unwritten("the plant keeps no content".to_owned()))?;
        let Kept { record, at, subject, salt, bytes } = kept;
        let content = Content { record: *record, at: *at, subject, salt, bytes };
        let sealed = self.blobs.keep(&holders.own, &holders.auditors, content);
        sealed.map_err(|problem| Unwritten(problem.to_string()))
    }
}

impl Holders {
    fn of(loaded: &Loaded) -> Result<Self, SecretError> {
        let auditors = loaded.gateway.auditors.iter().filter_map(|auditor| Recipient::parse(auditor)).collect();
        Ok(Self { own: own_key(&loaded.gateway.keys)?, auditors })
    }
}

/// Whether any conduit keeps content.
fn keeps(loaded: &Loaded) -> bool {
    loaded.plant.conduits.values().any(|conduit| conduit.keep == Keep::Content)
}

/// The gateway's own key, made when it is needed first.
pub(crate) fn own_key(keys: &Path) -> Result<OpeningKey, SecretError> {
    let path = keys.join("seal.key");
    if path.exists() { secrets::opening_key(&path) } else { secrets::make_opening_key(&path) }
}
