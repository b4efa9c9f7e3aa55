//! Joins the core: from a loaded plant file, the keys and the tokens beside it, to what a gateway holds in force.

use crate::registered;
use crate::secrets::{self, PlantKey};
use crate::signing;
use config::Loaded;
use config::tokens::Tokens;
use gateway::{Inforce, OperatorKeys, Upstream};
use identity::Registry;
use inspect::Inspector;
use miette::{IntoDiagnostic, WrapErr};
use plant::Issuer;
use policy::Policy;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use store::{Opening, Settings};

/// Loads the plant, with every problem of its file at once.
pub(crate) fn load(path: &Path) -> miette::Result<Loaded> {
    Ok(config::load(path, gateway::now(), |bytes| seal::hex(&seal::sha256(bytes)))?)
}

/// What opening the plant's own ledger takes.
pub(crate) fn opening(loaded: &Loaded) -> miette::Result<Opening> {
    Ok(Opening {
        key: signing::key(&loaded.gateway)?,
        plant: loaded.plant.id.clone(),
        gateway: loaded.plant.gateway.clone(),
        epoch_seed: Some(loaded.gateway.keys.join("epoch.seed")),
        settings: Settings { emergency_bytes: loaded.gateway.limits.emergency_bytes, ..Settings::default() },
    })
}

/// Builds what a gateway holds in force.
pub(crate) fn inforce(
    loaded: &Loaded,
    tokens: &Tokens,
    key: &PlantKey,
    operator_keys: Option<Arc<OperatorKeys>>,
) -> miette::Result<Inforce> {
    let plant = &loaded.plant;
    let policy = policy(loaded)?;
    let inspector = inspector(loaded, key)?;
    let registry = Registry::new(plant, tokens.entries(), key.pseudonyms());
    let mut upstreams = BTreeMap::new();
    for provider in plant.providers.values() {
        let credential = provider.credential.as_ref().and_then(|reference| {
            // A missing credential refuses the calls that need it, not the plant: the other providers go on.
            secrets::credential(reference)
                .inspect_err(|problem| tracing::warn!(provider = %provider.id, %problem, "no credential"))
                .ok()
        });
        let upstream = Upstream::new(provider, credential.as_ref().map(|secret| secret.as_str()))
            .into_diagnostic()
            .wrap_err_with(|| format!("provider `{}` cannot be prepared", provider.id))?;
        upstreams.insert(provider.id.clone(), upstream);
    }
    let inforce =
        Inforce::new(policy, inspector, registry, upstreams, operator_keys).guarded(Arc::clone(&loaded.guard));
    Ok(inforce.watching(loaded.shifts).knowing(registered::pictures(loaded, key)?))
}

/// What reads content, and knows again what the plant registered.
pub(crate) fn inspector(loaded: &Loaded, key: &PlantKey) -> miette::Result<Inspector> {
    let inspector = Inspector::new(&loaded.inspect).into_diagnostic()?;
    Ok(match registered::known(loaded, key)? {
        Some(known) => inspector.knowing(known),
        None => inspector,
    })
}

/// The policy alone, for commands that decide and send nothing.
pub(crate) fn policy(loaded: &Loaded) -> miette::Result<Policy> {
    Policy::new(Arc::clone(&loaded.plant), &loaded.rules).map_err(|problems| {
        miette::miette!("{} rules of the plant cannot be used; see `penstock check`", problems.len())
    })
}

/// The operators' keys: those in use if their source is the same, so that a reload does not forget them.
pub(crate) fn operator_keys(
    issuer: Option<&Issuer>,
    used: Option<(&Issuer, &Arc<OperatorKeys>)>,
) -> miette::Result<Option<Arc<OperatorKeys>>> {
    let source = |issuer: &Issuer| (issuer.issuer.clone(), issuer.keys.clone(), issuer.authorities.clone());
    match (issuer, used) {
        (None, _) => Ok(None),
        (Some(issuer), Some((old, keys))) if source(old) == source(issuer) => Ok(Some(Arc::clone(keys))),
        (Some(issuer), _) => Ok(Some(OperatorKeys::new(issuer).into_diagnostic()?)),
    }
}
