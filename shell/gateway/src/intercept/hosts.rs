//! Which host leads to which provider.
//!
//! A provider is known by the host of its address, and by every host that the plant file gives it besides: what an
//! application calls `api.openai.com` may be a model in the plant. Where two providers share a host, the longer path of the
//! address decides; where that is the same too, only what the plant file says outright leads anywhere.

use super::Authority;
use http::Uri;
use plant::{Plant, ProviderId};
use std::collections::{BTreeMap, BTreeSet};

/// A host that the plant file gives a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Host and port.
    pub authority: Authority,
    /// To whom calls to it go.
    pub provider: ProviderId,
}

/// Every host that leads to a provider.
#[derive(Clone, Debug, Default)]
pub struct Hosts(BTreeMap<(Authority, bool), Vec<Home>>);

/// A provider at a host.
#[derive(Clone, Debug)]
struct Home {
    /// What its paths begin with there: nothing, or a path without slash at its end.
    below: String,
    provider: ProviderId,
    /// Whether the plant file says so outright.
    given: bool,
}

impl Hosts {
    /// Learns the hosts of a plant's providers, and those that its file gives them besides, which are reached by TLS.
    #[must_use]
    pub fn new(plant: &Plant, given: &[Host]) -> Self {
        let mut hosts = Self::default();
        for provider in plant.providers.values() {
            let Ok(uri) = provider.address.parse::<Uri>() else { continue };
            let tls = uri.scheme_str() == Some("https");
            let port = if tls { 443 } else { 80 };
            let Some(authority) = uri.authority().and_then(|one| Authority::parse(one.as_str(), Some(port))) else {
                continue;
            };
            let below = uri.path().trim_end_matches('/').to_owned();
            hosts.add(authority, tls, Home { below, provider: provider.id.clone(), given: false });
        }
        for Host { authority, provider } in given {
            hosts.add(authority.clone(), true, Home { below: String::new(), provider: provider.clone(), given: true });
        }
        for homes in hosts.0.values_mut() {
            if homes.iter().any(|home| home.given) {
                homes.retain(|home| home.given);
            }
            // The longest first.
            homes.sort_by(|one, other| {
                other.below.len().cmp(&one.below.len()).then_with(|| one.below.cmp(&other.below))
            });
        }
        hosts
    }

    fn add(&mut self, authority: Authority, tls: bool, home: Home) {
        self.0.entry((authority, tls)).or_default().push(home);
    }

    fn at(&self, authority: &Authority, tls: bool) -> &[Home] {
        self.0.get(&(authority.clone(), tls)).map_or(&[], Vec::as_slice)
    }

    /// The provider at a host, and the path as it is below the provider's address. `None` if none is meant, or two are.
    pub(crate) fn lead<'a, 'p>(
        &'a self,
        to: &Authority,
        tls: bool,
        path: &'p str,
    ) -> Option<(&'a ProviderId, &'p str)> {
        let homes = self.at(to, tls);
        let below = |home: &Home| path.strip_prefix(home.below.as_str()).filter(|rest| rest.starts_with('/'));
        let home = homes.iter().find(|home| below(home).is_some())?;
        let alone = homes.iter().filter(|other| other.below == home.below).count() == 1;
        alone.then_some(())?;
        Some((&home.provider, below(home)?))
    }

    /// The first provider at a host: any of them, for what they share is the host.
    pub(crate) fn provider(&self, to: &Authority, tls: bool) -> Option<&ProviderId> {
        self.at(to, tls).first().map(|home| &home.provider)
    }

    /// The port that a host is called at by TLS: the usual one if there are several.
    pub(crate) fn port(&self, host: &str) -> Option<u16> {
        let mut ports = self.0.keys().filter(|(own, tls)| *tls && own.host == host).map(|(own, _)| own.port);
        let first = ports.clone().next();
        ports.find(|port| *port == 443).or(first)
    }

    /// Every host that is called by TLS, each once.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        self.0.keys().filter(|(_, tls)| *tls).map(|(authority, _)| authority.host.as_str()).collect()
    }

    /// Hosts at which two providers cannot be told apart.
    pub fn doubtful(&self) -> impl Iterator<Item = &Authority> {
        let same = |homes: &[Home]| homes.windows(2).any(|two| matches!(two, [one, other] if one.below == other.below));
        self.0.iter().filter(move |(_, homes)| same(homes)).map(|((authority, _), _)| authority)
    }
}
