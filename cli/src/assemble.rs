//! Joins the core: from a loaded plant file, the keys and the tokens beside it, to what a gateway holds in force.

use crate::people::People;
use crate::registered;
use crate::secrets::{self, PlantKey};
use crate::signing;
use config::tokens::Tokens;
use config::{Intercept, Loaded};
use gateway::{Authority, Encrypted, HoldTerms, Host, Hosts, Inforce, Interception};
use gateway::{KnownPictures, Mint, OperatorKeys, Upstream};
use identity::Registry;
use inspect::Inspector;
use miette::{IntoDiagnostic, WrapErr};
use plant::{Issuer, ProviderId};
use policy::Policy;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use store::{Compared, Opening, Settings};

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
        settings: Settings {
            emergency_bytes: loaded.gateway.limits.emergency_bytes,
            clock: Arc::new(Compared::with(loaded.gateway.time_servers.clone())),
            ..Settings::default()
        },
    })
}

/// Builds what a gateway holds in force.
pub(crate) fn inforce(
    loaded: &Loaded,
    tokens: &Tokens,
    key: &PlantKey,
    operator_keys: Option<Arc<OperatorKeys>>,
) -> miette::Result<Inforce> {
    inforce_over(loaded, tokens, key, operator_keys, upstreams(loaded)?)
}

/// The ways to the providers, with their credentials.
fn upstreams(loaded: &Loaded) -> miette::Result<BTreeMap<ProviderId, Upstream>> {
    let mut upstreams = BTreeMap::new();
    for provider in loaded.plant.providers.values() {
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
    Ok(upstreams)
}

/// Builds what a gateway holds in force, with these ways to its providers.
pub(crate) fn inforce_over(
    loaded: &Loaded,
    tokens: &Tokens,
    key: &PlantKey,
    operator_keys: Option<Arc<OperatorKeys>>,
    upstreams: BTreeMap<ProviderId, Upstream>,
) -> miette::Result<Inforce> {
    let plant = &loaded.plant;
    let policy = policy(loaded)?;
    let inspector = inspector(loaded, key)?;
    let registry = match &plant.issuer {
        Some(_) => Registry::new(plant, tokens.entries(), People::of(&loaded.gateway, key)?),
        None => Registry::new(plant, tokens.entries(), key.persons()),
    };
    let inforce =
        Inforce::new(policy, inspector, registry, upstreams, operator_keys).guarded(Arc::clone(&loaded.guard));
    let holds = HoldTerms { most: loaded.control.holds, patience: loaded.control.hold_for };
    let interception = loaded.gateway.intercept.as_ref().map(|own| interception(loaded, own)).transpose()?;
    Ok(inforce
        .holding(holds)
        .watching(loaded.shifts)
        .failing(loaded.failing.clone())
        .within(loaded.quotas.clone())
        .hearing(loaded.origins.clone())
        .knowing(registered::pictures(loaded, key)?)
        .reading(engine(loaded).inspect(try_out))
        .intercepting(interception))
}

/// What holds for connections that are taken over.
fn interception(loaded: &Loaded, own: &Intercept) -> miette::Result<Interception> {
    let mint = Mint::load(&own.certificate, &own.key).into_diagnostic().wrap_err("nothing can be intercepted")?;
    let bundle = std::fs::read_to_string(&own.authorities).into_diagnostic();
    let bundle = bundle.wrap_err_with(|| format!("cannot read `{}`", own.authorities.display()))?;
    let hosts = hosts(loaded);
    for host in hosts.doubtful() {
        tracing::warn!(%host, "calls to this host could be meant for several providers: `hosts` of one of them says for which");
    }
    let span = |network: &ipnet::IpNet| (network.network(), network.broadcast());
    let caller = |(network, workload): &(ipnet::IpNet, plant::WorkloadId)| {
        let (first, last) = span(network);
        (first, last, workload.clone())
    };
    Ok(Interception {
        hosts,
        pinned: own.pinned.clone(),
        callers: own.callers.iter().map(caller).collect(),
        encrypted: if own.decline_encrypted { Encrypted::Decline } else { Encrypted::Refuse },
        challenge: own.challenge,
        mint,
        bundle,
    })
}

/// Which host leads to which provider.
pub(crate) fn hosts(loaded: &Loaded) -> Hosts {
    let given = loaded.gateway.intercept.iter().flat_map(|own| &own.hosts);
    let host = |(host, port, provider): &(String, u16, ProviderId)| Host {
        authority: Authority { host: host.clone(), port: *port },
        provider: provider.clone(),
    };
    Hosts::new(&loaded.plant, &given.map(host).collect::<Vec<_>>())
}

/// What reads content, and knows again what the plant registered.
pub(crate) fn inspector(loaded: &Loaded, key: &PlantKey) -> miette::Result<Inspector> {
    let inspector = Inspector::new(&loaded.inspect).into_diagnostic()?;
    Ok(match registered::known(loaded, key)? {
        Some(known) => inspector.knowing(known),
        None => inspector,
    })
}

/// What reads writing in pictures, if the plant names an engine.
pub(crate) fn engine(loaded: &Loaded) -> Option<Arc<ocr::Engine>> {
    let own = loaded.gateway.ocr.as_ref()?;
    Some(Arc::new(ocr::Engine::new(ocr::Settings {
        command: own.command.clone(),
        models: own.models.clone(),
        languages: own.languages.clone(),
        time: own.time,
        call_time: own.call_time,
        memory: own.memory,
        at_once: usize::try_from(own.at_once).unwrap_or(1),
        remember: own.remember,
    })))
}

/// Says aside whether the engine can be used. The gateway does not wait for that: without it, all but pictures goes on.
fn try_out(engine: &Arc<ocr::Engine>) {
    let engine = Arc::clone(engine);
    let tried = move || {
        let held = ocr::confinement();
        match engine.try_out() {
            Ok(()) => tracing::info!(files = held.files, calls = held.calls, "writing in pictures is read, confined"),
            Err(problem) => tracing::warn!(%problem, "no writing in pictures is read"),
        }
    };
    if let Err(problem) = std::thread::Builder::new().name("ocr-try".to_owned()).spawn(tried) {
        tracing::warn!(%problem, "whether writing in pictures is read was not tried");
    }
}

/// What reads content and looks at pictures. Without the plant's key, what was registered cannot be known again.
pub(crate) fn eyes(loaded: &Loaded, key: Option<&PlantKey>) -> miette::Result<(Inspector, Option<KnownPictures>)> {
    match key {
        Some(key) => Ok((inspector(loaded, key)?, registered::pictures(loaded, key)?)),
        None => Ok((Inspector::new(&loaded.inspect).into_diagnostic()?, None)),
    }
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
