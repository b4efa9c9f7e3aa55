//! Places a call on the map, from the head of the request alone: zone of origin, conduit, provider, purpose.
//!
//! The checks are made in this order, which is part of the contract: what a caller learns from a refusal never
//! depends on a later check, and a call that fails twice is always refused for the same reason.
//!
//! 1. the provider exists: `unknown-provider`
//! 2. the workload is proved: `no-identity`
//! 3. it has an owner, an update process and an isolation plan: `ungoverned`
//! 4. the call comes from a network of its zone: `zone-mismatch`
//! 5. a proved workstation stands in that zone too: `zone-mismatch`
//! 6. a conduit leads from there to the provider and admits the workload: `no-conduit`
//! 7. the purpose is the workload's and a conduit's: `purpose-not-allowed`, `purpose-missing`
//! 8. the conduit's approval has not ended: `conduit-expired`
//! 9. the person whom it asks for is there: `operator-required`, `operator-assurance`
//! 10. the endpoint is known, or the conduit lists it as opaque: `unknown-endpoint`
//!
//! From step 6 on a set of conduits is narrowed; a step refuses when none is left.

use crate::Policy;
use crate::crossing::{Call, Crossing, Misplaced, Partial, sole};
use crate::steps::{Stage, Step, Trace, names, shown};
use plant::{
    Conduit, Millis, OperatorRequirement, Principal, Provider, ProviderId, Purpose, Reason, Refusal, Workload,
    WorkloadId,
};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

impl Policy {
    /// Places a call on the map.
    ///
    /// # Errors
    /// The first check that fails, in the documented order, and how far placing got.
    pub fn place(
        &self,
        principal: &Principal,
        peer: IpAddr,
        call: &Call<'_>,
        now: Millis,
    ) -> Result<Crossing, Box<Misplaced>> {
        self.placed(principal, peer, call, now, &mut Trace::silent())
    }

    /// As [`Self::place`], and writes down each step.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn place_aloud(
        &self,
        principal: &Principal,
        peer: IpAddr,
        call: &Call<'_>,
        now: Millis,
        steps: &mut Vec<Step>,
    ) -> Result<Crossing, Box<Misplaced>> {
        self.placed(principal, peer, call, now, &mut Trace::aloud(steps))
    }

    fn placed(
        &self,
        principal: &Principal,
        peer: IpAddr,
        call: &Call<'_>,
        now: Millis,
        trace: &mut Trace<'_>,
    ) -> Result<Crossing, Box<Misplaced>> {
        let mut place = Partial::default();
        self.walk(principal, peer, call, now, &mut place, trace).map_err(|(stage, refusal)| {
            trace.say(stage, || refusal.detail.clone());
            Box::new(Misplaced { place, refusal })
        })
    }

    fn walk(
        &self,
        principal: &Principal,
        peer: IpAddr,
        call: &Call<'_>,
        now: Millis,
        place: &mut Partial,
        trace: &mut Trace<'_>,
    ) -> Result<Crossing, (Stage, Refusal)> {
        let provider = self.provider(call.provider).map_err(|no| (Stage::Provider, no))?;
        trace.say(Stage::Provider, || format!("`{}` speaks {} at {}", provider.id, provider.dialect, provider.address));
        place.provider = Some(provider.id.clone());

        let (workload, evidence) = self.workload(principal).map_err(|no| (Stage::Workload, no))?;
        trace.say(Stage::Workload, || format!("`{}`, proved by {evidence}", workload.id));
        governed(workload).map_err(|no| (Stage::Governance, no))?;
        trace.say(Stage::Governance, || "owner, update process and isolation plan are on file".to_owned());

        self.agree(workload, peer).map_err(|no| (Stage::Zone, no))?;
        trace.say(Stage::Zone, || format!("`{}`: the workload runs there, and {peer} is in it", workload.zone));
        place.zone = Some(workload.zone.clone());
        if let Some(text) = self.beside(principal, workload).map_err(|no| (Stage::Workstation, no))? {
            trace.say(Stage::Workstation, || text);
        }

        let conduits = self.admitting(workload, &provider).map_err(|no| (Stage::Conduit, no))?;
        narrowed(Stage::Conduit, "leads there and admits the workload", &conduits, place, trace);
        let (purpose, conduits) = purpose(call.purpose, workload, conduits).map_err(|no| (Stage::Purpose, no))?;
        let how = if call.purpose.is_some() { "stated by the caller" } else { "the only one possible" };
        trace.say(Stage::Purpose, || format!("`{purpose}`, {how}"));
        place.purpose = Some(purpose.clone());
        place.conduit = sole(&conduits).cloned();
        let conduits = in_force(conduits, now).map_err(|no| (Stage::Expiry, no))?;
        narrowed(Stage::Expiry, "serves the purpose and is approved at this time", &conduits, place, trace);
        let conduits = operated(conduits, principal).map_err(|no| (Stage::Operator, no))?;
        let asks = conduits.iter().any(|one| one.operator != OperatorRequirement::Optional);
        let why = if asks { "has the operator that it asks for" } else { "asks for none" };
        narrowed(Stage::Operator, why, &conduits, place, trace);
        let (endpoint, opaque, conduits) = open(call, &provider, conduits).map_err(|no| (Stage::Endpoint, no))?;
        let how = if opaque { "passes unread: the conduit lists it as opaque" } else { "is known and read" };
        trace.say(Stage::Endpoint, || format!("`{}` {how}", shown(&endpoint)));

        let (zone, workload) = (workload.zone.clone(), workload.id.clone());
        Ok(Crossing::new(zone, workload, provider, purpose, conduits, endpoint, opaque))
    }

    /// Where a workload stands that calls nobody: proved, governed, in a network of its zone, beside a proved workstation
    /// if there is one.
    ///
    /// # Errors
    /// The first of these checks that fails, in the order of placing.
    pub fn standing(&self, principal: &Principal, peer: IpAddr) -> Result<&Workload, Refusal> {
        let (workload, _) = self.workload(principal)?;
        governed(workload)?;
        self.agree(workload, peer)?;
        self.beside(principal, workload)?;
        Ok(workload)
    }

    fn provider(&self, name: &str) -> Result<Arc<Provider>, Refusal> {
        let known = ProviderId::new(name).ok().and_then(|id| self.providers.get(&id));
        known.map(Arc::clone).ok_or_else(|| {
            Refusal::new(Reason::UnknownProvider, format!("`{}` is no provider of this plant", shown(name)))
        })
    }

    fn workload(&self, principal: &Principal) -> Result<(&Workload, &'static str), Refusal> {
        let refuse = |detail: String| Refusal::new(Reason::NoIdentity, detail);
        let Some(id) = principal.workload.proved() else {
            return Err(refuse(match principal.workload.known() {
                Some((id, _)) => format!("the call only asserts that it comes from workload `{id}`"),
                None => "nothing proves which workload calls".to_owned(),
            }));
        };
        let evidence = principal.workload.known().map_or("", |(_, evidence)| evidence);
        // Identity may have read an older plant file than this policy did.
        let known = self.plant.workloads.get(id);
        known
            .map(|workload| (workload, evidence))
            .ok_or_else(|| refuse(format!("workload `{id}` is proved but not in the plant file in force")))
    }

    /// Workload and network must name the same zone. An address in no zone is a mismatch, loopback included: a
    /// plant that wants calls from its own host declares that network in a zone like any other.
    fn agree(&self, workload: &Workload, peer: IpAddr) -> Result<(), Refusal> {
        let peer = peer.to_canonical();
        let found = match self.plant.zone_of(peer) {
            Some(zone) if zone.id == workload.zone => return Ok(()),
            Some(zone) => format!("{peer} is in zone `{}`", zone.id),
            None => format!("{peer} is in no zone"),
        };
        let detail = format!("workload `{}` runs in zone `{}`, but {found}", workload.id, workload.zone);
        Err(Refusal::new(Reason::ZoneMismatch, detail))
    }

    /// A proved workstation must stand in the workload's zone, with which the network already agrees: a device
    /// that proves itself from elsewhere was moved, or its key was. An asserted one proves nothing and is not asked.
    fn beside(&self, principal: &Principal, workload: &Workload) -> Result<Option<String>, Refusal> {
        let Some(id) = principal.workstation.proved() else { return Ok(None) };
        let found = match self.plant.workstations.get(id) {
            Some(workstation) if workstation.zone == workload.zone => {
                return Ok(Some(format!("`{id}` stands in the same zone")));
            }
            Some(workstation) => format!("stands in zone `{}`", workstation.zone),
            None => "is not in the plant file in force".to_owned(),
        };
        let detail = format!("the call comes from zone `{}`, but workstation `{id}` {found}", workload.zone);
        Err(Refusal::new(Reason::ZoneMismatch, detail))
    }

    fn admitting(&self, workload: &Workload, provider: &Provider) -> Result<Vec<Arc<Conduit>>, Refusal> {
        let leading = self.conduits(&workload.zone, &provider.id);
        let admitting: Vec<_> = leading.iter().filter(|one| admits(one, &workload.id)).map(Arc::clone).collect();
        if !admitting.is_empty() {
            return Ok(admitting);
        }
        let (zone, provider, workload) = (&workload.zone, &provider.id, &workload.id);
        let detail = if leading.is_empty() {
            format!("no conduit leads from zone `{zone}` to `{provider}`")
        } else {
            format!("{} from zone `{zone}` to `{provider}` does not admit workload `{workload}`", listed(leading))
        };
        Err(Refusal::new(Reason::NoConduit, detail))
    }
}

/// Whether a conduit is open to a workload of its zones.
pub(crate) fn admits(conduit: &Conduit, workload: &WorkloadId) -> bool {
    conduit.workloads.is_empty() || conduit.workloads.contains(workload)
}

/// Whether a conduit's approval still holds. It ends with the very moment that it names.
pub(crate) fn approved(conduit: &Conduit, now: Millis) -> bool {
    conduit.expires.is_none_or(|end| now < end)
}

/// What is missing of the operator that a conduit asks for.
pub(crate) fn operator_gap(conduit: &Conduit, principal: &Principal) -> Option<Reason> {
    let OperatorRequirement::Required { assurance } = &conduit.operator else { return None };
    if principal.operator.proved().is_none() {
        return Some(Reason::OperatorRequired);
    }
    let strong = assurance.is_empty() || assurance.iter().any(|one| principal.authentication.contains(one));
    (!strong).then_some(Reason::OperatorAssurance)
}

fn governed(workload: &Workload) -> Result<(), Refusal> {
    let gaps = workload.governance.gaps();
    if gaps.is_empty() {
        return Ok(());
    }
    let detail = format!("workload `{}` has no {}", workload.id, names(gaps));
    Err(Refusal::new(Reason::Ungoverned, detail))
}

/// Settles the purpose. One that is stated must be the workload's and a conduit's; an unstated one is taken only
/// if no other is possible, because guessing would let a call pick the conduit that suits it.
fn purpose(
    stated: Option<&str>,
    workload: &Workload,
    mut conduits: Vec<Arc<Conduit>>,
) -> Result<(Purpose, Vec<Arc<Conduit>>), Refusal> {
    let refuse = |detail| Err(Refusal::new(Reason::PurposeNotAllowed, detail));
    let purpose = match stated {
        Some(text) => match Purpose::new(text) {
            Ok(purpose) if workload.purposes.contains(&purpose) => purpose,
            _ => return refuse(format!("workload `{}` may not call for `{}`", workload.id, shown(text))),
        },
        None => {
            let offered = |purpose: &&Purpose| conduits.iter().any(|one| one.purposes.contains(purpose));
            let shared: BTreeSet<&Purpose> = workload.purposes.iter().filter(offered).collect();
            match (shared.first(), shared.len()) {
                (Some(only), 1) => (*only).clone(),
                (Some(_), _) => {
                    let detail = format!("{} are possible and the call states none", names(shared));
                    return Err(Refusal::new(Reason::PurposeMissing, detail));
                }
                (None, _) => {
                    return refuse(format!("workload `{}` and {} share no purpose", workload.id, listed(&conduits)));
                }
            }
        }
    };
    if !conduits.iter().any(|one| one.purposes.contains(&purpose)) {
        return refuse(format!("{} does not serve `{purpose}`", listed(&conduits)));
    }
    conduits.retain(|one| one.purposes.contains(&purpose));
    Ok((purpose, conduits))
}

fn in_force(conduits: Vec<Arc<Conduit>>, now: Millis) -> Result<Vec<Arc<Conduit>>, Refusal> {
    let (open, ended): (Vec<_>, Vec<_>) = conduits.into_iter().partition(|one| approved(one, now));
    if !open.is_empty() {
        return Ok(open);
    }
    let ends = ended.iter().filter_map(|one| Some(format!("`{}` ended at {}", one.id, one.expires?)));
    let detail = format!("the approval of {}", ends.collect::<Vec<_>>().join(", that of "));
    Err(Refusal::new(Reason::ConduitExpired, detail))
}

fn operated(conduits: Vec<Arc<Conduit>>, principal: &Principal) -> Result<Vec<Arc<Conduit>>, Refusal> {
    let (open, closed): (Vec<_>, Vec<_>) = conduits.into_iter().partition(|one| operator_gap(one, principal).is_none());
    if !open.is_empty() {
        return Ok(open);
    }
    // With several conduits, the gap that is nearest to being closed.
    let reason = closed.iter().filter_map(|one| operator_gap(one, principal)).max();
    let asked: BTreeSet<&String> = closed
        .iter()
        .filter_map(|one| match &one.operator {
            OperatorRequirement::Required { assurance } => Some(assurance),
            OperatorRequirement::Optional => None,
        })
        .flatten()
        .collect();
    Err(match (reason, principal.operator.known()) {
        (Some(Reason::OperatorAssurance), _) => {
            let detail = format!("{} asks for {}, and the issuer states none of them", listed(&closed), names(asked));
            Refusal::new(Reason::OperatorAssurance, detail)
        }
        (_, Some(_)) => Refusal::new(
            Reason::OperatorRequired,
            format!("{} needs an operator, and the call only asserts one", listed(&closed)),
        ),
        (_, None) => Refusal::new(
            Reason::OperatorRequired,
            format!("{} needs an operator, and the call names none", listed(&closed)),
        ),
    })
}

/// A known endpoint is always read, also where a conduit's `opaque` would cover it: a wide wildcard must not
/// switch reading off.
fn open(
    call: &Call<'_>,
    provider: &Provider,
    mut conduits: Vec<Arc<Conduit>>,
) -> Result<(String, bool, Vec<Arc<Conduit>>), Refusal> {
    if let Some(name) = call.endpoint {
        return Ok((name.chars().take(120).collect(), false, conduits));
    }
    let refuse = |detail| Err(Refusal::new(Reason::UnknownEndpoint, detail));
    let endpoint: String = format!("{} {}", call.method, call.path).chars().take(120).collect();
    if !plain(call.path) {
        return refuse(format!("the provider could read `{}` as another path", shown(call.path)));
    }
    let lists = |one: &Conduit| one.opaque.iter().any(|wildcard| wildcard.fits(call.path));
    if !conduits.iter().any(|one| lists(one)) {
        let (endpoint, dialect) = (shown(&endpoint), provider.dialect);
        return refuse(format!("{dialect} has no `{endpoint}`, and {} does not list it as opaque", listed(&conduits)));
    }
    conduits.retain(|one| lists(one));
    Ok((endpoint, true, conduits))
}

/// Whether a path means the same to everyone who reads it. `/v1/files/../chat/completions` is no endpoint that we
/// know and fits `/v1/files/*`, but a provider that resolves dot segments (RFC 3986 section 5.2.4) or decodes
/// `%2f` before routing would serve the endpoint that must be read.
fn plain(path: &str) -> bool {
    let clean = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\;?#".contains(&byte));
    let decoded = ["%2e", "%2f", "%5c", "%25", "%3b", "%0", "%1", "%7f"];
    let lower = path.to_ascii_lowercase();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    let mut resolved = true;
    while let Some(segment) = segments.next() {
        let empty = segment.is_empty() && segments.peek().is_some();
        resolved &= !empty && segment != "." && segment != "..";
    }
    clean && resolved && !decoded.iter().any(|code| lower.contains(code))
}

/// Conduits as the subject of a sentence.
pub(crate) fn listed(conduits: &[Arc<Conduit>]) -> String {
    match conduits {
        [only] => format!("conduit `{}`", only.id),
        several => format!("each of the conduits {}", names(several.iter().map(|one| &one.id))),
    }
}

fn narrowed(stage: Stage, why: &str, left: &[Arc<Conduit>], place: &mut Partial, trace: &mut Trace<'_>) {
    place.conduit = sole(left).cloned();
    trace.say(stage, || format!("{} {why}", listed(left)));
}
