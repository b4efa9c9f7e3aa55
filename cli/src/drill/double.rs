//! The plant's double: the plant file in force, with everything that lies outside this process replaced by what the drill holds.
//!
//! ```text
//! the plant's own                              the double's
//! conduits, rules, labels, limits, fallbacks   the same
//! addresses, credentials, authorities          stand-ins on loopback, none, none
//! networks of zones                            an address on loopback each, for a caller to call from
//! keys, tokens, ledger, issuer                 drawn for the drill, in a folder that goes with it
//! quotas, what is registered, interception     none: a drill uses nothing up, takes nothing over
//! ```

use crate::assemble;
use crate::secret::random;
use crate::secrets::{PlantKey, write_new};
use crate::signin::SignIn;
use crate::token;
use config::Loaded;
use config::tokens::{self, Tokens};
use gateway::{Inforce, OperatorKeys, Upstream};
use miette::{IntoDiagnostic, WrapErr, miette};
use plant::{Millis, Plant, ProviderId, WorkloadId, ZoneId};
use policy::Policy;
use seal::token::Secret;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// How long the tokens of a drill live: longer than any drill.
const DAY: u64 = 86_400_000;
/// Largest answer in a drill, in bytes: what a stand-in sends to be too large must not take the memory that a real one would.
pub(super) const LARGEST: u64 = 64 << 10;
/// How long a provider that never answers is waited for. It is what is waited for in vain; no provider that answers has this limit.
const IMPATIENCE: Duration = Duration::from_millis(300);

/// The plant's double, with its keys and tokens.
pub(super) struct Double {
    /// The plant as the drill drives it.
    pub(super) loaded: Loaded,
    /// Where callers of a zone call from. A zone without networks has none.
    pub(super) callers: BTreeMap<ZoneId, Ipv4Addr>,
    pub(super) key: PlantKey,
    secrets: BTreeMap<WorkloadId, Secret>,
    tokens: Tokens,
    signin: Option<SignIn>,
    /// Whether providers that never answer are waited for as long as the plant file says.
    patient: bool,
    _folder: TempDir,
}

/// What of the plant's double is other than usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// Providers that nobody can connect to.
    pub(super) gone: BTreeSet<ProviderId>,
    /// Providers that are not waited for long.
    pub(super) slow: BTreeSet<ProviderId>,
    /// Whether providers have breakers, and how long these rest. Without, no step of a drill hangs on another.
    pub(super) rest: Option<Duration>,
}

impl Double {
    pub(super) fn of(loaded: &Loaded, patient: bool) -> miette::Result<Self> {
        let folder = tempfile::tempdir().into_diagnostic().wrap_err("no folder for the drill can be made")?;
        let path = |name: &str| folder.path().join(name);
        for name in ["gateway.key", "plant.key"] {
            let line = seal::base64(random::<32>()?.as_slice());
            write_new(&path(name), &line).into_diagnostic().wrap_err("the drill's keys cannot be written")?;
        }
        let mut plant = Plant::clone(&loaded.plant);
        let callers = move_in(&mut plant);
        let signin = plant.issuer.as_ref().map(SignIn::new).transpose()?;
        if let Some((issuer, signin)) = plant.issuer.as_mut().zip(signin.as_ref()) {
            let file = path("operators.jwks");
            std::fs::write(&file, signin.keys().to_string()).into_diagnostic()?;
            issuer.keys = file.display().to_string();
            issuer.authorities = None;
            issuer.algorithms = vec![SignIn::ALGORITHM.to_owned()];
        }
        for conduit in plant.conduits.values_mut() {
            conduit.bounds.answer = conduit.bounds.answer.min(LARGEST);
        }
        let gateway = config::Gateway {
            ledger: path("ledger"),
            keys: folder.path().to_owned(),
            signing: None,
            tokens: path("tokens.json"),
            documents: path("documents"),
            tables: path("tables"),
            pictures: path("pictures"),
            auditors: Vec::new(),
            keep_for: None,
            telemetry: None,
            intercept: None,
            witnesses: None,
            witness: None,
            ..loaded.gateway.clone()
        };
        let (quotas, shifts) = (quota::Settings::default(), None);
        let loaded = Loaded { plant: Arc::new(plant), gateway, quotas, shifts, ..loaded.clone() };
        let mut secrets = BTreeMap::new();
        for workload in loaded.plant.workloads.keys() {
            let now = gateway::now();
            let life = (now, Some(Millis(now.0.saturating_add(DAY))));
            secrets.insert(workload.clone(), token::add(&loaded.gateway.tokens, workload, life, None)?);
        }
        let tokens = tokens::read(&loaded.gateway.tokens)?;
        let key = PlantKey::read(&loaded.gateway.keys)?;
        Ok(Self { loaded, callers, key, secrets, tokens, signin, patient, _folder: folder })
    }

    /// What decides in the double.
    pub(super) fn policy(&self) -> miette::Result<Policy> {
        assemble::policy(&self.loaded)
    }

    /// The operators' keys of the double, if its plant knows operators.
    pub(super) fn operator_keys(&self) -> miette::Result<Option<Arc<OperatorKeys>>> {
        assemble::operator_keys(self.loaded.plant.issuer.as_ref(), None)
    }

    /// The token of a workload.
    pub(super) fn token(&self, workload: &WorkloadId) -> Option<&str> {
        self.secrets.get(workload).map(Secret::text)
    }

    /// A token of an operator who signed in by these methods and has these roles.
    pub(super) fn operator(&self, methods: &[String], roles: &[String]) -> Option<String> {
        Some(self.signin.as_ref()?.token("drill", methods, roles, gateway::now()))
    }

    /// What a gateway holds in force, its providers being where `place` says. There is no other way out of it.
    pub(super) fn inforce(
        &self,
        turn: &Turn,
        keys: Option<Arc<OperatorKeys>>,
        place: impl Fn(&ProviderId) -> Option<SocketAddr>,
    ) -> miette::Result<Inforce> {
        let mut plant = Plant::clone(&self.loaded.plant);
        for conduit in plant.conduits.values_mut().filter(|conduit| !self.patient && turn.slow.contains(&conduit.to)) {
            let bounds = &mut conduit.bounds;
            (bounds.first_byte, bounds.idle) = (bounds.first_byte.min(IMPATIENCE), bounds.idle.min(IMPATIENCE));
        }
        let mut failing = self.loaded.failing.clone();
        match turn.rest {
            Some(rest) => failing.breakers.values_mut().for_each(|one| {
                // However slow this machine is, the failures of a drill count together.
                (one.rest, one.longest, one.within) = (rest, rest, one.within.max(Duration::from_millis(DAY)));
            }),
            None => failing.breakers.clear(),
        }
        let mut ways = BTreeMap::new();
        for id in plant.providers.keys() {
            let address = place(id).ok_or_else(|| miette!("provider `{id}` has no stand-in"))?;
            let way = Upstream::on_loopback(address).into_diagnostic()?;
            let way = way.ok_or_else(|| miette!("the stand-in of provider `{id}` is not on this machine"))?;
            ways.insert(id.clone(), way);
        }
        let loaded = Loaded { plant: Arc::new(plant), failing, ..self.loaded.clone() };
        assemble::inforce_over(&loaded, &self.tokens, &self.key, keys, ways)
    }
}

/// Gives each zone that has networks one address on loopback, and no other: nobody but the drill calls its gateway from a zone.
fn move_in(plant: &mut Plant) -> BTreeMap<ZoneId, Ipv4Addr> {
    let mut callers = BTreeMap::new();
    let inhabited = plant.zones.values_mut().filter(|zone| !zone.is_external());
    for (zone, number) in inhabited.zip(1_u16..) {
        let [high, low] = number.to_be_bytes();
        let address = Ipv4Addr::new(127, 88, high, low);
        zone.networks = vec![IpAddr::V4(address).into()];
        callers.insert(zone.id.clone(), address);
    }
    callers
}
