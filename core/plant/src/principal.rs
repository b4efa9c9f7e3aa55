//! Who is calling, and how we know.

use crate::{OperatorId, OperatorRole, WorkloadId, WorkstationId};

/// Everyone behind a call, each with the evidence that proved them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The software.
    pub workload: Identity<WorkloadId>,
    /// The device.
    pub workstation: Identity<WorkstationId>,
    /// The person, by pseudonym.
    pub operator: Identity<OperatorId>,
    /// What the issuer says the person may do. Empty unless the operator is proved.
    pub roles: Vec<OperatorRole>,
    /// The authentication context class (`acr`) and methods (`amr`) that the issuer states for the operator.
    pub authentication: Vec<String>,
}

/// An identity with its assurance: proved, merely asserted, or absent. What an application asserts is never
/// recorded as proved (IEC 62443-3-3 SR 1.1, SR 1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity<T> {
    /// Nobody said.
    Absent,
    /// The caller said so, and nothing supports it.
    Asserted(T),
    /// Evidence supports it.
    Proved(T, Evidence),
}

/// What proved an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A client certificate of the plant's authority, with proof of possession in the TLS handshake.
    Certificate,
    /// A workload token issued by this gateway's owner.
    Token,
    /// A signed token of the operators' issuer.
    Oidc,
    /// The network address alone: the weakest evidence.
    Address,
}

impl Evidence {
    /// The evidence's name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Certificate => "mtls",
            Self::Token => "token",
            Self::Oidc => "oidc",
            Self::Address => "address",
        }
    }
}

impl<T> Identity<T> {
    /// The identity, if evidence supports it.
    #[must_use]
    pub fn proved(&self) -> Option<&T> {
        match self {
            Self::Proved(id, _) => Some(id),
            Self::Asserted(_) | Self::Absent => None,
        }
    }

    /// The identity and the name of its evidence (`asserted` if there is none), unless absent.
    #[must_use]
    pub fn known(&self) -> Option<(&T, &'static str)> {
        match self {
            Self::Proved(id, evidence) => Some((id, evidence.name())),
            Self::Asserted(id) => Some((id, "asserted")),
            Self::Absent => None,
        }
    }
}

impl Principal {
    /// Nobody.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            workload: Identity::Absent,
            workstation: Identity::Absent,
            operator: Identity::Absent,
            roles: Vec::new(),
            authentication: Vec::new(),
        }
    }
}
