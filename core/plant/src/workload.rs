//! Who calls: software, devices, and the issuer that vouches for people.

use crate::{Access, Purpose, WorkloadId, WorkstationId, ZoneId};

/// A software process that calls AI.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its name in the plant file.
    pub id: WorkloadId,
    /// What it is, for people.
    pub title: Option<String>,
    /// The zone it runs in.
    pub zone: ZoneId,
    /// Certificate names that prove it: `spiffe://...` URIs and DNS names, compared exactly.
    pub certificates: Vec<String>,
    /// The purposes it may call for.
    pub purposes: Vec<Purpose>,
    /// The data sources that its calls may carry something of.
    pub sources: Access,
    /// Who answers for it, how it is kept up to date, and how it is cut off.
    pub governance: Governance,
}

/// What an AI component must have before its calls pass. A gap loads, but refuses every call as `ungoverned`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Governance {
    /// Who answers for it.
    pub owner: Option<String>,
    /// How it is kept up to date.
    pub update_process: Option<String>,
    /// How it is cut off, and what the plant does without it.
    pub isolation_plan: Option<String>,
}

impl Governance {
    /// The keys that are still empty, by their names in the plant file.
    #[must_use]
    pub fn gaps(&self) -> Vec<&'static str> {
        let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        [
            ("owner", given(&self.owner)),
            ("update_process", given(&self.update_process)),
            ("isolation_plan", given(&self.isolation_plan)),
        ]
        .into_iter()
        .filter_map(|(name, given)| (!given).then_some(name))
        .collect()
    }
}

/// A device that calls come from.
#[derive(Clone, Debug)]
pub struct Workstation {
    /// Its name in the plant file.
    pub id: WorkstationId,
    /// The zone it stands in.
    pub zone: ZoneId,
    /// Certificate names that prove it, compared exactly.
    pub certificates: Vec<String>,
}

/// The OpenID Connect issuer that vouches for operators.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The exact `iss` claim.
    pub issuer: String,
    /// The accepted `aud` claims; one must match.
    pub audiences: Vec<String>,
    /// Where its keys are: a `https://` (or loopback `http://`) URL, or a file for plants without internet.
    pub keys: String,
    /// A PEM file of authorities to trust for that URL in place of the system's, if the plant names one.
    pub authorities: Option<std::path::PathBuf>,
    /// Signature algorithms that are accepted, by their JOSE names. Never `none`, never a symmetric one.
    pub algorithms: Vec<String>,
    /// The claim that names the person; `sub` unless the plant says otherwise.
    pub subject_claim: String,
    /// The claim that holds roles or groups, if the plant uses them.
    pub roles_claim: Option<String>,
    /// How far the issuer's clock may be off, in milliseconds.
    pub leeway: u64,
}

/// A role or group that the issuer vouches for. Rules may ask for it.
pub type OperatorRole = String;
