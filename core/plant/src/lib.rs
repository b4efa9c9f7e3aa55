//! The ground every other crate stands on: the plant's words, as types.
//!
//! Zones and conduits, workloads and providers, principals, findings, reason codes, records. Nothing here
//! parses a file, opens a socket, reads a clock or draws a random number; nothing here decides. A value of
//! these types is already valid: whoever builds it from loose input (a plant file, a request) does the
//! refusing.
//!
//! ```text
//! plant <- seal, wire, identity, policy, inspect, ledger <- config, store, gateway <- cli
//! ```

mod answers;
mod conduit;
mod content;
mod description;
mod dialect;
mod finding;
mod id;
mod isolation;
mod oversight;
mod principal;
mod provider;
mod reason;
mod record;
mod role;
mod sensitivity;
mod source;
mod time;
mod verdict;
mod workload;
mod zone;

pub use answers::{Answers, Deed};
pub use conduit::{
    Act, Approval, Attachments, Bounds, Conduit, Files, Guarding, Handling, Images, Keep, OpaqueFiles,
    OperatorRequirement, Tokens, Wildcard, Writing,
};
pub use content::{Channel, Content, Edit, Form, Origin, Piece, Rewrite};
pub use description::{DescribedCall, Description, JsonPath, Step};
pub use dialect::Dialect;
pub use finding::{Finding, Label};
pub use id::{
    CollectionId, ConduitId, DestinationId, DocumentId, GatewayId, InvalidId, OperatorId, PictureId, PlantId,
    ProviderId, Purpose, QuotaId, RecordId, RuleId, SourceId, TableId, TokenId, WorkloadId, WorkstationId, ZoneId,
};
pub use isolation::{InvalidPart, Part};
pub use oversight::{Judgement, Oversight};
pub use principal::{Evidence, Identity, Principal};
pub use provider::{CredentialReference, Grpc, Provider, Supplier};
pub use reason::{Reason, Refusal};
pub use record::{
    Body, Client, Decided, Draft, FindingCount, Io, Kind, Note, Outcome, Party, Place, Sealed, What, Who,
};
pub use role::{Right, Role};
pub use sensitivity::{Scale, Sensitivity};
pub use source::{Access, Closed, SOURCE_FAMILY, Source, Unapproved};
pub use time::Millis;
pub use verdict::Verdict;
pub use workload::{Governance, Issuer, OperatorRole, Workload, Workstation};
pub use zone::{Criticality, PurdueLevel, SecurityLevels, Zone};

use std::collections::BTreeMap;

/// A whole site as its plant file declares it: complete, and free of dangling names.
///
/// INVARIANT: every id that a zone, workload, provider or conduit names is a key of the map it points
/// into, and the networks of two zones do not overlap. `config` establishes this; nothing changes it later.
#[derive(Clone, Debug)]
pub struct Plant {
    /// The site; part of every record and of the ledger's origin.
    pub id: PlantId,
    /// This gateway within the site.
    pub gateway: GatewayId,
    /// The site's own ordered scale of sensitivity.
    pub scale: Scale,
    /// IEC 62443 zones.
    pub zones: BTreeMap<ZoneId, Zone>,
    /// Software that calls AI.
    pub workloads: BTreeMap<WorkloadId, Workload>,
    /// Devices that calls come from.
    pub workstations: BTreeMap<WorkstationId, Workstation>,
    /// Who vouches for operators, if anyone does.
    pub issuer: Option<Issuer>,
    /// AI services.
    pub providers: BTreeMap<ProviderId, Provider>,
    /// The parts of its data that workloads may use or not.
    pub sources: BTreeMap<SourceId, Source>,
    /// The authorised paths. What is not here is closed.
    pub conduits: BTreeMap<ConduitId, Conduit>,
    /// SHA-256 of the plant file's bytes in lower-case hexadecimal: which configuration decided.
    pub digest: String,
}

impl Plant {
    /// The zone whose network holds `address`, if one does. Networks do not overlap, so there is at most one.
    #[must_use]
    pub fn zone_of(&self, address: std::net::IpAddr) -> Option<&Zone> {
        let address = address.to_canonical();
        self.zones.values().find(|zone| zone.networks.iter().any(|network| network.contains(&address)))
    }
}
