//! Finds out who calls: evidence in, principal out.
//!
//! Three kinds of evidence, each judged by itself and then held against the others:
//!
//! ```text
//! client certificate ──> names ──> workload, workstation ─┐
//! API key headers ─────> token ──> workload ──────────────┼──> principal, and the first refusal if there is one
//! address, if it stands for one and nothing else came ────┤
//! Penstock-Operator ───> signature, claims ──> operator ──┤
//! Penstock-Workstation ─────────────────> asserted only ──┘
//! ```
//!
//! The principal holds what is known even when the call is refused, so that the record can say who seems to
//! have tried; what the refused evidence names is then asserted, never proved. Of several refusals the first in
//! this order counts: certificate, token, their agreement, absence of both, operator.
//!
//! It does not know zones or networks (`policy` compares those), reads no clock, and fetches no keys.

mod certificate;
mod known;
mod naming;
mod operator;
mod presented;
#[cfg(test)]
mod tests;
mod token;

pub use certificate::{CertificateState, PresentedCertificate};
pub use naming::{Named, Naming, pseudonym};
pub use presented::{OPERATOR_HEADER, Presented, TOKEN_HEADERS, WORKSTATION_HEADER, holds_token};
pub use token::TokenEntry;

use certificate::Names;
use operator::Operators;
use plant::{
    Evidence, Identity, Millis, OperatorId, OperatorRole, Plant, Principal, Reason, Refusal, WorkloadId, WorkstationId,
};
use presented::{Key, OperatorToken};
use seal::jose::Keys;
use std::collections::BTreeSet;
use token::Tokens;

/// Everyone whom the plant knows, ready to be recognised. Built anew whenever plant file or tokens change.
#[derive(Debug)]
pub struct Registry {
    workloads: Names<WorkloadId>,
    workstations: Names<WorkstationId>,
    declared: BTreeSet<WorkstationId>,
    tokens: Tokens,
    operators: Option<Operators>,
}

/// Who calls, and whether that is good enough.
#[derive(Clone, Debug)]
pub struct Identified {
    /// Everyone behind the call, as far as known.
    pub principal: Principal,
    /// Why the call goes no further, if it does not.
    pub refusal: Option<Refusal>,
    /// The operator token may be good, but its key is not in the set that was given: fetch the set again, and if
    /// it changed, identify again. Never set where the call is refused for another reason, so that strangers
    /// cannot make us fetch.
    pub unknown_key: bool,
    /// When the first piece of evidence that was relied on ends. A stream that outlives it is no longer proved.
    pub until: Option<Millis>,
    /// What somebody should know, but refuses nothing.
    pub remarks: Vec<Remark>,
}

/// Something odd about a call that does not refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// An API key came that is no workload token: an SDK's dummy, or a provider's key that an application still has.
    ForeignKey,
    /// The asserted workstation is not declared, and was left out.
    WorkstationUnknown,
    /// The asserted workstation is not the one that the certificate proves; the proved one stands.
    WorkstationContradicted,
}

impl Remark {
    /// The remark's name in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ForeignKey => "foreign-key",
            Self::WorkstationUnknown => "workstation-unknown",
            Self::WorkstationContradicted => "workstation-contradicted",
        }
    }
}

/// What one piece of evidence says: whom it names, and what is wrong with it. With a refusal, whom it names is
/// asserted at best.
struct Heard<T> {
    names: Option<T>,
    evidence: Evidence,
    refusal: Option<Refusal>,
    until: Option<Millis>,
}

impl<T: Clone> Heard<T> {
    fn nothing(evidence: Evidence) -> Self {
        Self { names: None, evidence, refusal: None, until: None }
    }

    fn refused(evidence: Evidence, names: Option<T>, refusal: Refusal) -> Self {
        Self { names, evidence, refusal: Some(refusal), until: None }
    }

    fn identity(&self) -> Identity<T> {
        match (&self.names, &self.refusal) {
            (None, _) => Identity::Absent,
            (Some(id), None) => Identity::Proved(id.clone(), self.evidence),
            (Some(id), Some(_)) => Identity::Asserted(id.clone()),
        }
    }
}

impl Registry {
    /// Learns whom the plant knows. `naming` gives operators their pseudonyms.
    #[must_use]
    pub fn new(plant: &Plant, tokens: Vec<TokenEntry>, naming: impl Naming + 'static) -> Self {
        let workloads = plant.workloads.values().map(|workload| (&workload.id, workload.certificates.as_slice()));
        let stations = plant.workstations.values().map(|station| (&station.id, station.certificates.as_slice()));
        Self {
            workloads: Names::new(workloads),
            workstations: Names::new(stations),
            declared: plant.workstations.keys().cloned().collect(),
            tokens: Tokens::new(tokens, |workload| plant.workloads.contains_key(workload)),
            operators: plant.issuer.as_ref().map(|issuer| Operators::new(issuer, Box::new(naming))),
        }
    }

    /// Says who calls. `keys` are those of the operators' issuer, if there are any yet.
    #[must_use]
    pub fn identify(&self, presented: &Presented<'_>, keys: Option<&Keys>, now: Millis) -> Identified {
        let mut remarks = Vec::new();
        let (by_certificate, station) = self.hear_certificate(presented.certificate, now);
        let by_token = self.tokens.hear(&presented.key, now);
        if presented.foreign_key.is_some() {
            remarks.push(Remark::ForeignKey);
        }
        let (workload, workload_refusal) = agree(&by_certificate, &by_token, presented);
        let workstation = self.workstation(&station, presented.workstation, &mut remarks);
        let operator = operator::hear(self.operators.as_ref(), &presented.operator, keys, now);
        let refusal = workload_refusal.or(operator.refusal);
        Identified {
            until: [by_certificate.until, station.until, by_token.until, operator.until].into_iter().flatten().min(),
            unknown_key: operator.unknown_key
                && refusal.as_ref().is_some_and(|one| one.reason == Reason::OperatorInvalid),
            principal: Principal {
                workload,
                workstation,
                operator: operator.identity,
                roles: operator.roles,
                authentication: operator.authentication,
            },
            refusal,
            remarks,
        }
    }

    /// The pseudonym under which records name the person with this subject claim.
    ///
    /// # Errors
    /// If the plant has no issuer whose people could be named, or the pseudonym cannot be kept.
    pub fn pseudonym(&self, subject: &str) -> Result<OperatorId, Refusal> {
        let nobody =
            || Refusal::new(Reason::OperatorInvalid, "the plant declares no issuer whose people could be named");
        Ok(self.operators.as_ref().ok_or_else(nobody)?.name(subject)?.id)
    }

    /// Whose operator token this is, and the roles that the issuer states, apart from any call.
    ///
    /// # Errors
    /// If it does not count; `true` if its key is not in the set that was given, so that fetching it anew may help.
    pub fn operator(
        &self,
        token: &str,
        keys: Option<&Keys>,
        now: Millis,
    ) -> Result<(OperatorId, Vec<OperatorRole>), bool> {
        let heard = operator::hear(self.operators.as_ref(), &OperatorToken::Token(token), keys, now);
        match (heard.identity, heard.refusal) {
            (Identity::Proved(id, _), None) => Ok((id, heard.roles)),
            _ => Err(heard.unknown_key),
        }
    }

    /// Whether an ID token was made for this client, for the sign-in with this nonce (OpenID Connect Core sections 3.1.3.7 and
    /// 15.5.2). Whose it is, and whether it counts, is for [`Self::operator`] to say.
    #[must_use]
    pub fn answers(&self, token: &str, keys: &Keys, client: &str, nonce: &str) -> bool {
        self.operators.as_ref().is_some_and(|operators| operators.answers(token, keys, client, nonce))
    }

    fn hear_certificate(
        &self,
        certificate: Option<&PresentedCertificate>,
        now: Millis,
    ) -> (Heard<WorkloadId>, Heard<WorkstationId>) {
        let nothing = (Heard::nothing(Evidence::Certificate), Heard::nothing(Evidence::Certificate));
        let Some(certificate) = certificate else { return nothing };
        let (workloads, workstations) = (self.workloads.of(certificate), self.workstations.of(certificate));
        let refusal = certificate.refusal(now).or_else(|| {
            // Whoever holds a certificate of two workloads is neither of them for sure.
            if workloads.len() > 1 || workstations.len() > 1 {
                let detail = "the client certificate names several workloads or workstations";
                return Some(Refusal::new(Reason::IdentityConflict, detail));
            }
            let unmapped = workloads.is_empty() && workstations.is_empty();
            unmapped.then(|| Refusal::new(Reason::CertificateUnmapped, certificate.describe()))
        });
        let until = if refusal.is_none() { certificate.until() } else { None };
        let (workload, workstation) = (workloads.first().copied().cloned(), workstations.first().copied().cloned());
        let evidence = Evidence::Certificate;
        (
            Heard { names: workload, evidence, refusal: refusal.clone(), until },
            Heard { names: workstation, evidence, refusal, until },
        )
    }

    fn workstation(
        &self,
        proved: &Heard<WorkstationId>,
        asserted: Option<&str>,
        remarks: &mut Vec<Remark>,
    ) -> Identity<WorkstationId> {
        let identity = proved.identity();
        let Some(asserted) = asserted else { return identity };
        let declared = WorkstationId::new(asserted).ok().filter(|id| self.declared.contains(id));
        match (declared, identity) {
            (None, identity) => {
                remarks.push(Remark::WorkstationUnknown);
                identity
            }
            (Some(id), Identity::Absent) => Identity::Asserted(id),
            (Some(id), identity) => {
                if identity.known().is_some_and(|(known, _)| *known != id) {
                    remarks.push(Remark::WorkstationContradicted);
                }
                identity
            }
        }
    }
}

/// Holds certificate and token against each other.
fn agree(
    certificate: &Heard<WorkloadId>,
    token: &Heard<WorkloadId>,
    presented: &Presented<'_>,
) -> (Identity<WorkloadId>, Option<Refusal>) {
    // The certificate comes first: its holder proved possession of a key, a token can be copied.
    let strongest = |identities: [Identity<WorkloadId>; 2]| {
        let proved = identities.iter().find(|identity| identity.proved().is_some());
        let known = proved.or_else(|| identities.iter().find(|identity| identity.known().is_some()));
        known.cloned().unwrap_or(Identity::Absent)
    };
    let identity = strongest([certificate.identity(), token.identity()]);
    if let Some(refusal) = certificate.refusal.as_ref().or(token.refusal.as_ref()) {
        return (identity, Some(refusal.clone()));
    }
    match (&certificate.names, &token.names) {
        (Some(one), Some(other)) if one != other => {
            let detail = format!("the certificate names `{one}`, the token `{other}`");
            (Identity::Asserted(one.clone()), Some(Refusal::new(Reason::IdentityConflict, detail)))
        }
        (None, None) => match presented.address {
            // A key of the provider's own, which an application may still have, speaks for nobody.
            Some(workload) => (Identity::Proved(workload.clone(), Evidence::Address), None),
            None => (Identity::Absent, Some(nobody(certificate, presented))),
        },
        _ => (identity, None),
    }
}

fn nobody(certificate: &Heard<WorkloadId>, presented: &Presented<'_>) -> Refusal {
    debug_assert!(certificate.names.is_none() && !matches!(presented.key, Key::Token(_)));
    match presented.foreign_key {
        Some(header) => {
            Refusal::new(Reason::TokenUnknown, format!("the key in `{header}` is not a workload token of this plant"))
        }
        None if presented.certificate.is_some() => {
            Refusal::new(Reason::NoIdentity, "the client certificate names a workstation, and no workload token came")
        }
        None => Refusal::new(Reason::NoIdentity, "neither a client certificate nor a workload token came"),
    }
}
